//! `kurskoll platform`

mod health;

use clap::{Args, Subcommand};

use super::{CommandError, open, output};
use crate::app::Asker;
use crate::app::add_platform::NewPlatform;
use crate::app::receive_delivery::NATIVE;
use crate::domain::ids::PlatformCode;
use crate::domain::linking::LinkingKey;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a platform, and print its secret once, alone on the last line
    #[command(after_help = "Example:\n  kurskoll platform add larportal --linking-keys employee_number,email")]
    Add(AddArguments),
    /// List the platforms: code, adapter, linking keys, time zone
    #[command(after_help = "Example:\n  kurskoll platform list")]
    List,
    /// How the platforms fare, or one of them: its silence, and what comes late, twice or not understood
    #[command(after_help = "Examples:\n  kurskoll platform health\n  \
        kurskoll platform health larportal --since 2026-02-01T00:00:00Z\n  \
        kurskoll platform health larportal --format json")]
    Health(health::Arguments),
    /// Give a platform a new secret and print it alone on the last line; the old one holds on for a day
    #[command(after_help = "Example:\n  kurskoll platform rotate-secret larportal")]
    RotateSecret {
        /// The platform's code
        code: PlatformCode,
    },
}

#[derive(Debug, Args)]
pub struct AddArguments {
    /// The platform's code, a part of its webhook address: lower-case letters, digits and hyphens
    code: PlatformCode,
    /// How the platform speaks: native (Standard Webhooks, Kurskoll's own payloads)
    #[arg(long, default_value = NATIVE, value_parser = [NATIVE])]
    adapter: String,
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

pub async fn run(command: Command) -> Result<(), CommandError> {
    let opened = open().await?;
    let asker = Asker::operator();
    match command {
        Command::Add(AddArguments { code, adapter, linking_keys, time_zone }) => {
            let mut distinct: Vec<LinkingKey> = Vec::new();
            for key in linking_keys {
                if !distinct.contains(&key) {
                    distinct.push(key);
                }
            }
            let new = NewPlatform { code: code.clone(), adapter, linking_keys: distinct, time_zone };
            let secret = opened.app.add_platform(&asker, &new).await?;
            eprintln!("Platform {code} may send to /webhooks/{code}. Its secret is shown this once:");
            output::print(&format!("{}\n", secret.reveal()))?;
        }
        Command::List => {
            let mut lines = String::new();
            for platform in opened.app.list_platforms(&asker).await? {
                let keys: Vec<&str> = platform.linking_keys.iter().map(|key| key.as_str()).collect();
                lines.push_str(&format!(
                    "{}\t{}\t{}\t{}\n",
                    platform.code,
                    platform.adapter,
                    keys.join(","),
                    platform.time_zone
                ));
            }
            output::print(&lines)?;
        }
        Command::Health(arguments) => health::run(&opened.app, &asker, arguments).await?,
        Command::RotateSecret { code } => {
            let secret = opened.app.rotate_secret(&asker, &code).await?;
            eprintln!("The old secret of {code} holds on for a day. The new one is shown this once:");
            output::print(&format!("{}\n", secret.reveal()))?;
        }
    }
    Ok(())
}
