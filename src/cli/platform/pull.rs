//! `kurskoll platform pull`

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand, ValueEnum};

use super::read_secret;
use crate::app::Caller;
use crate::app::platforms::pull::{CourseName, NamedBy, NewPull, NewSource};
use crate::app::receiving::receive::Receiving;
use crate::app::xapi::receive::Version;
use crate::cli::{CommandError, Opened, output, values};
use crate::domain::ids::PlatformCode;
use crate::domain::pulling::{Brought, PullState, SourceKind};
use crate::render::text;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set up pulls of what a platform may have failed to send, from a Learning Record Store or Moodle's web service
    #[command(
        after_help = "The service pulls at once, and then on a schedule. The secret is read from a file, or from \
                            standard input with -.\n\nExamples:\n  \
        kurskoll platform pull set larportal --lrs https://lrs.example.org/xapi --key kurskoll --secret-file secret.txt\n  \
        kurskoll platform pull set larportal --moodle https://larportal.example.org --secret-file token.txt \
        --course 12 --course idnumber:INFOSEC --every 1d"
    )]
    Set(SetArguments),
    /// Pull from a platform now, whether or not a pull is due
    #[command(after_help = "Examples:\n  kurskoll platform pull now larportal\n  \
        kurskoll platform pull now larportal --since 2026-01-01T00:00:00Z")]
    Now {
        /// The platform's code
        code: PlatformCode,
        /// Query a store again from this instant on, if it is earlier than where the last pull ended
        #[arg(long, value_parser = values::instant, value_name = "INSTANT")]
        since: Option<DateTime<Utc>>,
    },
    /// Show how a platform is pulled from, and what the last pull found
    #[command(after_help = "Example:\n  kurskoll platform pull show larportal")]
    Show {
        /// The platform's code
        code: PlatformCode,
    },
    /// Stop pulling from a platform; what was pulled stays stored
    #[command(after_help = "Example:\n  kurskoll platform pull stop larportal")]
    Stop {
        /// The platform's code
        code: PlatformCode,
    },
}

#[derive(Debug, Args)]
pub struct SetArguments {
    /// The platform's code
    code: PlatformCode,
    /// The address of a Learning Record Store, below which its statements lie; for platforms with the adapter xapi
    #[arg(
        long,
        value_name = "ADDRESS",
        required_unless_present = "moodle",
        conflicts_with = "moodle",
        requires = "key"
    )]
    lrs: Option<String>,
    /// The key by which the store knows Kurskoll
    #[arg(long, conflicts_with = "moodle")]
    key: Option<String>,
    /// The store's version of xAPI
    #[arg(long, value_name = "VERSION", default_value = "1.0.3", value_parser = version, conflicts_with = "moodle")]
    xapi_version: Version,
    /// How far before the newest pulled statement the store is queried again. Stores that read "since" as the time of
    /// the event, and not of its storage, need as much as statements may arrive late: 30d
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration, conflicts_with = "moodle")]
    look_back: TimeDelta,
    /// Moodle's address, below which its web service lies
    #[arg(long, value_name = "ADDRESS", requires = "course")]
    moodle: Option<String>,
    /// A course to query in Moodle: its number, idnumber:… or shortname:…; once for each
    #[arg(long, conflicts_with = "lrs")]
    course: Vec<CourseName>,
    /// By what Moodle's own statements name a learner, if the platform has the adapter xapi
    #[arg(long, value_enum, default_value_t = Named::UserId, conflicts_with = "lrs")]
    named_by: Named,
    /// A file with the store's secret, or with Moodle's token; - reads standard input
    #[arg(long)]
    secret_file: PathBuf,
    /// How often: 15m, 1h, 1d. By default every hour from a store, and every day from Moodle
    #[arg(long, value_parser = duration)]
    every: Option<TimeDelta>,
    /// The instant at which the first query of a store begins; its beginning by default
    #[arg(long, value_parser = values::instant, value_name = "INSTANT", conflicts_with = "moodle")]
    since: Option<DateTime<Utc>>,
}

/// By what learners are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Named {
    /// By the number of their account, which is what the log store plugin does unless it is configured otherwise
    UserId,
    /// By the account's name (the plugin's setting "send username")
    Username,
    /// By their address (the plugin's setting "mbox")
    Email,
}

impl From<Named> for NamedBy {
    fn from(named: Named) -> Self {
        match named {
            Named::UserId => Self::UserId,
            Named::Username => Self::Username,
            Named::Email => Self::Email,
        }
    }
}

fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).map_err(|_| "the versions are 1.0.3 and 2.0.0".to_owned())
}

/// A whole number of minutes, hours or days.
fn duration(text: &str) -> Result<TimeDelta, String> {
    let wrong = || "write a whole number and m, h or d, as 15m, 1h or 1d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let duration = match unit {
        "m" => TimeDelta::try_minutes(number),
        "h" => TimeDelta::try_hours(number),
        "d" => TimeDelta::try_days(number),
        _ => None,
    };
    duration.ok_or_else(wrong)
}

pub async fn run(opened: &Opened, caller: &Caller, command: Command) -> Result<(), CommandError> {
    let app = &opened.app;
    match command {
        Command::Set(arguments) => set(opened, caller, arguments).await,
        Command::Now { code, since } => {
            let receiving = Receiving::open(app.clone(), opened.settings.receiving.queue_length);
            let pulled = receiving.pull_now(caller, &code, since).await;
            receiving.close().await;
            Ok(output::print(&brought(&pulled?))?)
        }
        Command::Show { code } => Ok(output::print(&shown(&app.show_pull(caller, &code).await?))?),
        Command::Stop { code } => {
            if app.stop_pull(caller, &code).await? {
                eprintln!("Platform {code} is no longer pulled from.");
            } else {
                eprintln!("Platform {code} was not pulled from.");
            }
            Ok(())
        }
    }
}

async fn set(opened: &Opened, caller: &Caller, arguments: SetArguments) -> Result<(), CommandError> {
    let secret = read_secret(&arguments.secret_file)?;
    let SetArguments { code, lrs, key, xapi_version, look_back, moodle, course, named_by, every, since, .. } =
        arguments;
    let (source, standard) = match (lrs, moodle) {
        (Some(address), _) => {
            let key = key.unwrap_or_default();
            (NewSource::Xapi { address, key, secret, version: xapi_version, look_back }, TimeDelta::hours(1))
        }
        (None, Some(address)) => {
            let named_by = named_by.into();
            (NewSource::Moodle { address, token: secret, courses: course, named_by }, TimeDelta::days(1))
        }
        (None, None) => return Err("say where to pull from: --lrs ADDRESS or --moodle ADDRESS".into()),
    };
    let new = NewPull { source, every: every.unwrap_or(standard), since };
    opened.app.set_pull(caller, &code, &new).await?;
    eprintln!(
        "Platform {code} is pulled from every {}: by the service within half a minute, or at once with: \
         kurskoll platform pull now {code}",
        shown_duration(new.every)
    );
    Ok(())
}

/// What a pull found, a line for each figure.
fn brought(brought: &Brought) -> String {
    let Brought { returned, found, refused, contradicting, undated } = brought;
    let mut rows = vec![("returned", *returned), ("found", *found)];
    rows.extend(
        [("refused", *refused), ("contradicting", *contradicting), ("undated", *undated)]
            .into_iter()
            .filter(|(_, count)| *count > 0),
    );
    rows.into_iter().map(|(name, count)| format!("{name:<20}{count}\n")).collect()
}

fn shown(state: &PullState) -> String {
    let source = match state.source {
        SourceKind::Xapi => "Learning Record Store",
        SourceKind::Moodle => "Moodle",
    };
    let instant = |at: Option<DateTime<Utc>>| at.map_or("never".to_owned(), text::seconds);
    let mut rows = vec![
        ("source", format!("{source} at {}", state.address)),
        ("every", shown_duration(state.every)),
        ("next", if state.is_under_way { "under way".to_owned() } else { text::seconds(state.due_at) }),
        ("last begun", instant(state.begun_at)),
        ("last success", format!("{}{}", instant(state.succeeded_at), if state.is_late { ": LATE" } else { "" })),
    ];
    rows.extend(state.since.map(|since| ("pulled up to", text::seconds(since))));
    rows.extend(state.problem.clone().map(|problem| ("problem", format!("{problem} ({} in a row)", state.failures))));
    let rows: String = rows.into_iter().map(|(name, value)| format!("{name:<20}{value}\n")).collect();
    rows + &brought(&state.brought)
}

fn shown_duration(duration: TimeDelta) -> String {
    let minutes = duration.num_minutes();
    match minutes {
        _ if minutes % (24 * 60) == 0 => format!("{} d", minutes / (24 * 60)),
        _ if minutes % 60 == 0 => format!("{} h", minutes / 60),
        _ => format!("{minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_they_are_written() {
        for (text, minutes, shown) in
            [("15m", 15, "15 min"), ("1h", 60, "1 h"), ("90m", 90, "90 min"), ("2d", 2880, "2 d")]
        {
            let read = duration(text).expect(text);
            assert_eq!((read.num_minutes(), shown_duration(read).as_str()), (minutes, shown));
        }
        for text in ["", "h", "1", "1w", "1.5h", "år", "99999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
