//! `kurskoll platform`

mod health;
mod pull;
mod reread;

use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

use super::{CommandError, Opened, open, open_or_make, output, platform_check};
use crate::app::Caller;
use crate::app::platforms::add::{NewPlatform, OldSecrets};

use crate::app::receiving::receive::TRUSTED_FOR;
use crate::domain::ids::PlatformCode;
use crate::domain::linking::LinkingKey;
use crate::intake::adapter::{Adapter, NATIVE, PROFILE};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a platform, and print its secret once, alone on the last line
    #[command(after_help = "Examples:\n  kurskoll platform add larportal --linking-keys employee_number,email\n  \
                            kurskoll platform add moodle --adapter xapi\n  \
                            kurskoll platform add akademin --adapter docebo --linking-keys email\n  \
                            kurskoll platform add kursen --adapter profile --profile kursen.toml")]
    Add(AddArguments),
    /// List the platforms: code, adapter, linking keys, time zone, version of its own profile
    #[command(after_help = "Example:\n  kurskoll platform list")]
    List,
    /// The health of the platforms, or of one: its silence, and what arrives late, twice or not understood
    #[command(after_help = "Examples:\n  kurskoll platform health\n  \
        kurskoll platform health larportal --since 2026-02-01T00:00:00Z\n  \
        kurskoll platform health larportal --format json")]
    Health(health::Arguments),
    /// Pull from a platform what it may have failed to send, on a schedule or now
    #[command(subcommand)]
    Pull(pull::Command),
    /// Give a platform a new secret and print it alone on the last line; the old one stays valid for a day
    #[command(after_help = "Examples:\n  kurskoll platform rotate-secret larportal\n  \
                            kurskoll platform rotate-secret larportal --now\n  \
                            kurskoll platform rotate-secret kursen --secret-file secret.txt")]
    RotateSecret {
        /// The platform's code
        code: PlatformCode,
        /// A file with the secret that the platform itself made, which is then not printed; - reads standard input
        #[arg(long)]
        secret_file: Option<PathBuf>,
        /// End the old secrets at once, as after a leak: what the platform signs with them is refused from now on
        #[arg(long)]
        now: bool,
    },
    /// Give a platform a profile of its own, or a corrected one; it applies to new deliveries within a second
    #[command(
        after_help = "What waits in quarantine is read by it when it is replayed (kurskoll quarantine replay --all).\n\n\
                            Example:\n  kurskoll platform profile kursen kursen.toml"
    )]
    Profile {
        /// The platform's code
        code: PlatformCode,
        /// The profile's file (docs/platforms.md says how to write one)
        file: PathBuf,
    },
    /// Reread with the newest profile what was sent and understood: differences are known from now on
    #[command(
        after_help = "A corrected profile applies to new deliveries and to those in quarantine; this applies it to what was\n\
        understood wrongly. Earlier reports stay as they were. An interrupted reading goes on from its last delivery,\n\
        or from the start.\n\n\
        Examples:\n  kurskoll platform reread kursen --dry-run\n  \
        kurskoll platform reread kursen --since 2026-01-01\n  \
        kurskoll platform reread kursen --after 4711"
    )]
    Reread(reread::Arguments),
    /// Show field by field what a profile makes of a sample, and why not; fails if it is not understood
    #[command(after_help = "Examples:\n  kurskoll platform check docebo sample.json\n  \
                            kurskoll platform check xapi statements.json\n  \
                            kurskoll platform check kursen.toml - --format json --time-zone Europe/Helsinki")]
    Check(platform_check::Arguments),
}

#[derive(Debug, Args)]
pub struct AddArguments {
    /// The platform's code, a part of its webhook address: lower-case letters, digits and hyphens
    code: PlatformCode,
    /// The adapter: native (Standard Webhooks, Kurskoll's own payloads), xapi (statements to /xapi, with a key and a
    /// secret), a shipped profile's name, or profile
    #[arg(long, default_value = NATIVE, value_parser = adapter)]
    adapter: Adapter,
    /// The file of the profile that reads its deliveries, instead of a shipped one
    #[arg(long, required_if_eq("adapter", PROFILE))]
    profile: Option<PathBuf>,
    /// A file with the secret that the platform itself made, which is then not printed; - reads standard input
    #[arg(long)]
    secret_file: Option<PathBuf>,
    /// The keys by which its learners are linked, strongest first
    #[arg(long, value_delimiter = ',', default_value = "employee_number,email,username,account", value_parser = linking_key)]
    linking_keys: Vec<LinkingKey>,
    /// The time zone of its times that have no offset
    #[arg(long, default_value = "Europe/Stockholm")]
    time_zone: chrono_tz::Tz,
}

fn linking_key(text: &str) -> Result<LinkingKey, String> {
    let known = LinkingKey::DEFAULT_ORDER.map(LinkingKey::as_str).join(", ");
    LinkingKey::parse(text).ok_or_else(|| format!("the linking keys are {known}"))
}

/// Parses an adapter's name.
fn adapter(text: &str) -> Result<Adapter, String> {
    Adapter::parse(text).map_err(|unknown| unknown.to_string())
}

pub(super) fn read_profile(file: &Path) -> Result<String, CommandError> {
    std::fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()).into())
}

/// The secret that a platform made itself.
fn read_secret(file: &Path) -> Result<String, CommandError> {
    if file.as_os_str() == "-" {
        return Ok(std::io::read_to_string(std::io::stdin())?);
    }
    std::fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()).into())
}

/// Adds a platform that sends webhooks; answers its secret if a new one was made.
async fn add_of_webhooks(
    opened: &Opened,
    caller: &Caller,
    new: &NewPlatform,
    (profile, secret_file): (Option<&Path>, Option<&Path>),
) -> Result<Option<String>, CommandError> {
    let (text, given) = (profile.map(read_profile).transpose()?, secret_file.map(read_secret).transpose()?);
    let secret = opened.app.add_webhook_platform(caller, new, text.as_deref(), given.as_deref()).await?;
    Ok(given.is_none().then(|| secret.reveal()))
}

async fn give_profile(opened: &Opened, caller: &Caller, code: &PlatformCode, file: &Path) -> Result<(), CommandError> {
    let given = opened.app.give_profile(caller, code, &read_profile(file)?).await?;
    let version = given.version;
    if given.is_unchanged {
        eprintln!("Platform {code} has this profile already, as version {version}.");
    } else {
        eprintln!("Platform {code} is read by version {version} of its profile from now on.");
    }
    if given.wants_another_secret {
        eprintln!(
            "It authenticates differently than before: kurskoll platform rotate-secret {code} prints a secret that fits."
        );
    }
    Ok(())
}

/// Reports what happens to an old secret. Running copies of the service cache secrets for a second; after it, none
/// accepts an ended one.
async fn becomes_of(what: &str, code: &PlatformCode, old: OldSecrets) -> String {
    match old {
        OldSecrets::HoldOn => format!("The old {what} of {code} stays valid for a day."),
        OldSecrets::EndNow => {
            tokio::time::sleep(TRUSTED_FOR).await;
            format!("The old {what} of {code} is no longer valid.")
        }
    }
}

pub async fn run(command: Command) -> Result<(), CommandError> {
    if let Command::Check(arguments) = &command {
        return platform_check::run(arguments);
    }
    let opened = if matches!(command, Command::Add(_)) { open_or_make().await? } else { open().await? };
    let caller = Caller::operator();
    match command {
        Command::Add(AddArguments { code, adapter, profile, secret_file, linking_keys, time_zone }) => {
            let mut distinct: Vec<LinkingKey> = Vec::new();
            for key in linking_keys {
                if !distinct.contains(&key) {
                    distinct.push(key);
                }
            }
            let adapter_name = adapter.as_str().to_owned();
            let new = NewPlatform { code: code.clone(), adapter: adapter_name, linking_keys: distinct, time_zone };
            if adapter == Adapter::Xapi {
                if profile.is_some() || secret_file.is_some() {
                    return Err("a platform that sends statements takes no profile and no secret of its own".into());
                }
                let made = opened.app.add_xapi_platform(&caller, &new).await?;
                eprintln!("Platform {code} may send statements to /xapi. Its key and secret are shown this once:");
                return Ok(output::print(&format!("{}\n", made.reveal()))?);
            }
            match add_of_webhooks(&opened, &caller, &new, (profile.as_deref(), secret_file.as_deref())).await? {
                Some(secret) => {
                    eprintln!("Platform {code} may send to /webhooks/{code}. Its secret is shown this once:");
                    output::print(&format!("{secret}\n"))?;
                }
                None => eprintln!("Platform {code} may send to /webhooks/{code}, with the secret that was given."),
            }
        }
        Command::List => {
            let listed = opened.app.list_platforms_with_profiles(&caller).await?.into_iter().map(|listed| {
                let platform = listed.platform;
                let keys: Vec<&str> = platform.linking_keys.iter().map(|key| key.as_str()).collect();
                let profile = listed.profile_version.map(|version| version.to_string()).unwrap_or_default();
                let (code, time_zone) = (platform.code.to_string(), platform.time_zone.to_string());
                vec![code, platform.adapter, keys.join(","), time_zone, profile]
            });
            let empty = "There is no platform yet: `kurskoll platform add CODE` adds one.";
            let columns = &["platform", "adapter", "linking keys", "time zone", "profile version"];
            output::List::new(columns, empty).print_all(&listed.collect::<Vec<_>>())?;
        }
        Command::Health(arguments) => health::run(&opened.app, &caller, arguments).await?,
        Command::Pull(command) => pull::run(&opened, &caller, command).await?,
        Command::RotateSecret { code, secret_file, now } => {
            let old = if now { OldSecrets::EndNow } else { OldSecrets::HoldOn };
            if secret_file.is_none()
                && let Some(made) = opened.app.rotate_credential(&caller, &code, old).await?
            {
                eprintln!("{} The new one and its secret are shown this once:", becomes_of("key", &code, old).await);
                return Ok(output::print(&format!("{}\n", made.reveal()))?);
            }
            let given = secret_file.as_deref().map(read_secret).transpose()?;
            let secret = opened.app.rotate_fitting_secret(&caller, &code, given.as_deref(), old).await?;
            let becomes = becomes_of("secret", &code, old).await;
            if given.is_some() {
                eprintln!("{becomes} The given one is valid.");
            } else {
                eprintln!("{becomes} The new one is shown this once:");
                output::print(&format!("{}\n", secret.reveal()))?;
            }
        }
        Command::Profile { code, file } => give_profile(&opened, &caller, &code, &file).await?,
        Command::Reread(arguments) => reread::run(&opened.app, arguments).await?,
        Command::Check(_) => {}
    }
    Ok(())
}
