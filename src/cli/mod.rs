//! The command line: one file per command. Data goes to standard output, everything else to standard error.
//!
//! Exit codes: 0, 1 failed, 2 wrong use, 130 ended by Ctrl-C. Commands work on the database while the service runs.

mod backup;
mod demo;
mod directory;
mod export;
mod interrupt;
pub mod logging;
mod migrate;
mod new_file;
mod output;
mod platform;
mod platform_check;
mod private;
mod quarantine;
mod report;
mod requirements;
mod results;
mod serve;
pub mod service;
mod token;
mod trend_table;
mod values;
mod verify;

use std::path::Path;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use clap::{Parser, Subcommand};
use rocket::figment::Figment;

use crate::app::directory::list_codes::Codes;
use crate::app::operating::clock_watch::ClockWatch;
use crate::app::reports::build::BuildReportError;
use crate::app::reports::export::RowsError;
use crate::app::reports::trend::BuildTrendError;
use crate::app::{App, Caller, Patience, Store, Trouble, system_clock};
use crate::config::{self, DatabaseSettings, Settings};
use crate::domain::ids::{AdministrationCode, RequirementCode};

/// The register that tells a city which of its people have done the training their work demands, and proves it
#[derive(Debug, Parser)]
#[command(
    name = "kurskoll",
    version,
    after_help = "Configuration: Rocket.toml in this folder, and ROCKET_* variables over it.\n\
                  Without any, the register is stored in SQLite under ./data, and the service\n\
                  listens on 127.0.0.1:8000.\n\n\
                  Examples:\n  \
                  kurskoll demo\n  \
                  kurskoll platform add larportal\n  \
                  kurskoll requirements apply requirements.toml\n  \
                  kurskoll directory import --administrations adm.csv --employments emp.csv --full\n  \
                  kurskoll serve\n  \
                  kurskoll report --requirement infosec-onboarding\n  \
                  ROCKET_DATABASE_URL=postgres://kurskoll@db/kurskoll kurskoll serve"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    Serve(serve::Arguments),
    /// A made-up city, real platform events through the real endpoint, then the report and where to look
    Demo(demo::Arguments),
    /// Migrate the database's tables to this version, as every other command does first
    #[command(after_help = "Example:\n  kurskoll migrate")]
    Migrate,
    /// Learning platforms that are allowed to send
    #[command(subcommand)]
    Platform(platform::Command),
    /// Who must have done what, by when, and for how long it holds
    #[command(subcommand)]
    Requirements(requirements::Command),
    /// Who works where, as HR reports it
    #[command(subcommand)]
    Directory(directory::Command),
    /// What people did before a platform was connected
    #[command(subcommand)]
    Results(results::Command),
    /// How a requirement is met, in the city and in each administration
    Report(report::Arguments),
    /// An administration's people as a file: one row a person and requirement
    Export(export::Arguments),
    /// Deliveries that are authentic but not understood
    #[command(subcommand)]
    Quarantine(quarantine::Command),
    /// Bearer tokens for people and their tools
    #[command(subcommand)]
    Token(token::Command),
    /// Check that everything is as it was recorded, and that everything derived follows from the facts
    Verify(verify::Arguments),
    /// Write a consistent copy of the register while the service runs
    Backup(backup::Arguments),
}

/// Why a command failed; shown as one sentence.
pub type CommandError = Box<dyn std::error::Error + Send + Sync>;

/// The register, opened by a command.
pub(crate) struct Opened {
    pub app: App,
    pub settings: Settings,
    pub figment: Figment,
}

/// Opens the register that the configuration names, for a command; fails if there is none. Most commands are of no use
/// on an empty register, and one that is made in the wrong folder looks as if all were well.
async fn open() -> Result<Opened, CommandError> {
    open_for_command(Missing::IsAnError).await
}

/// The same for the commands that people begin with: creates the register if there is none.
async fn open_or_make() -> Result<Opened, CommandError> {
    open_for_command(Missing::IsMade).await
}

async fn open_for_command(missing: Missing) -> Result<Opened, CommandError> {
    let opened = open_with(config::figment(), missing, Patience::COMMAND).await?;
    tokio::spawn(give_up_without_database(opened.app.store.clone()));
    Ok(opened)
}

/// What to do if the register does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    IsMade,
    IsAnError,
}

/// Which database a command works on, for the sentence that says why it failed.
static PLACE: OnceLock<String> = OnceLock::new();

async fn open_with(figment: Figment, missing: Missing, patience: Patience) -> Result<Opened, CommandError> {
    let settings = Settings::read(&figment)?;
    let DatabaseSettings { url, max_connections } = &settings.database;
    let file = Store::file_of(url);
    if let Some(file) = &file {
        match missing {
            Missing::IsMade => make_folder_of(file)?,
            // Connecting would create it.
            Missing::IsAnError if !file.exists() => return Err(no_register(url, Some(file))),
            Missing::IsAnError => {}
        }
        private::narrow(file);
    }
    let store = Store::connect_with(url, *max_connections, patience).await?;
    drop(PLACE.set(store.place().to_owned()));
    if missing == Missing::IsAnError && !store.has_tables().await? {
        return Err(no_register(url, file.as_deref()));
    }
    let store = store.by_the_servers_clock();
    let clocks = ClockWatch::of(system_clock());
    clocks.measure(&store).await?;
    let app = service::app(store, system_clock(), &settings)?.with_clock_watch(clocks);
    app.prepare().await?;
    Ok(Opened { app, settings, figment })
}

/// How often a command checks that its database still exists, and after how many failed checks it gives up.
const DATABASE_LOOKED_FOR: Duration = Duration::from_secs(5);
const LOOKS_IN_VAIN: u32 = 3;

/// Ends the process if the database no longer answers: a statement that waits for it would wait for ever.
async fn give_up_without_database(store: Store) {
    let mut in_vain = 0;
    loop {
        tokio::time::sleep(DATABASE_LOOKED_FOR).await;
        let Err(error) = store.is_reachable().await else {
            in_vain = 0;
            continue;
        };
        in_vain += 1;
        if in_vain >= LOOKS_IN_VAIN {
            failed(&error);
            std::process::exit(1);
        }
    }
}

/// An unknown code, at the instant of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unknown {
    Requirement(RequirementCode),
    Administration(AdministrationCode),
}

/// An error for the operator; for an unknown code, it lists the known ones.
async fn explained(app: &App, error: CommandError) -> CommandError {
    let Some(unknown) = Unknown::in_error(error.as_ref()) else { return error };
    // The error itself matters more than why nothing can be added to it.
    let Ok(codes) = app.list_codes(&Caller::operator()).await else { return error };
    match unknown.among(&codes) {
        Some(there_are) => format!("{error}; {there_are}").into(),
        None => error,
    }
}

impl Unknown {
    fn in_error(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let of_trend = |error: &'_ BuildTrendError| match error {
            BuildTrendError::Report(BuildReportError::UnknownRequirement(code)) => Some(code.clone()),
            _ => None,
        };
        if let Some(code) = error.downcast_ref().and_then(of_trend) {
            return Some(Self::Requirement(code));
        }
        if let Some(BuildReportError::UnknownRequirement(code)) = error.downcast_ref() {
            return Some(Self::Requirement(code.clone()));
        }
        match error.downcast_ref()? {
            RowsError::UnknownRequirement(code) => Some(Self::Requirement(code.clone())),
            RowsError::UnknownAdministration(code) => Some(Self::Administration(code.clone())),
            _ => None,
        }
    }

    /// The codes that are known now; `None` if this is one of them, and was not known then.
    fn among(&self, codes: &Codes) -> Option<String> {
        let (is_known, known, made): (bool, Vec<&str>, _) = match self {
            Self::Requirement(code) => (
                codes.requirements.contains(code),
                codes.requirements.iter().map(RequirementCode::as_str).collect(),
                "kurskoll requirements apply FILE.toml",
            ),
            Self::Administration(code) => (
                codes.administrations.contains(code),
                codes.administrations.iter().map(AdministrationCode::as_str).collect(),
                "kurskoll directory import --administrations FILE",
            ),
        };
        if is_known {
            return None;
        }
        Some(match known.is_empty() {
            true => format!("there are none yet: `{made}` makes them"),
            false => format!("there are: {}", known.join(", ")),
        })
    }
}

/// Where there is no register, and what to do.
fn no_register(url: &str, file: Option<&Path>) -> CommandError {
    let place = match file {
        Some(file) => std::path::absolute(file).unwrap_or_else(|_| file.to_owned()).display().to_string(),
        None => without_password(url),
    };
    format!(
        "there is no register at {place}: run this in the folder and with the configuration of the service (database.url), or \
         make one there with `kurskoll migrate`"
    )
    .into()
}

/// The address of a database as it may be shown.
fn without_password(address: &str) -> String {
    let Ok(mut url) = url::Url::parse(address) else { return "database.url".to_owned() };
    if url.password().is_some() && url.set_password(None).is_err() {
        return "database.url".to_owned();
    }
    url.into()
}

/// Makes the folder in which a SQLite file will be.
fn make_folder_of(file: &Path) -> std::io::Result<()> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(folder).map_err(|error| {
            let why = format!("the folder {} of database.url cannot be made: {error}", folder.display());
            std::io::Error::new(error.kind(), why)
        }),
        _ => Ok(()),
    }
}

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    private::by_default();
    // Rocket warns of every runtime whose threads are not called like its own.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().thread_name("rocket-worker-kurskoll").enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(run(arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(error.as_ref()),
    }
}

fn failed(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    let mut sentence = match (Trouble::of(error), PLACE.get()) {
        (Some(trouble), Some(place)) if !error.to_string().starts_with(place) => format!("{place} {trouble}: {error}"),
        _ => error.to_string(),
    };
    let mut cause = error.source();
    while let Some(inner) = cause {
        let reported = inner.to_string();
        if !sentence.ends_with(&reported) {
            sentence = format!("{sentence}: {reported}");
        }
        cause = inner.source();
    }
    eprintln!("kurskoll: {}", in_one_line(&sentence));
    if error.is::<interrupt::Interrupted>() { ExitCode::from(interrupt::EXIT_CODE) } else { ExitCode::FAILURE }
}

/// A parser's error draws the place in the text. The drawing is left out: the sentence names line and column too.
fn in_one_line(sentence: &str) -> String {
    let is_picture = |line: &str| line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with('|');
    let lines = sentence.lines().map(str::trim).filter(|line| !line.is_empty() && !is_picture(line));
    lines.collect::<Vec<_>>().join(" ")
}

async fn run(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Migrate => migrate::run().await,
        Command::Platform(command) => platform::run(command).await,
        Command::Requirements(command) => requirements::run(command).await,
        Command::Directory(command) => directory::run(command).await,
        Command::Results(command) => results::run(command).await,
        Command::Report(arguments) => report::run(arguments).await,
        Command::Export(arguments) => export::run(arguments).await,
        Command::Quarantine(command) => quarantine::run(command).await,
        Command::Token(command) => token::run(command).await,
        Command::Verify(arguments) => verify::run(arguments).await,
        Command::Backup(arguments) => backup::run(arguments).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// The arguments of each example line in the help of a command and its subcommands.
    fn examples(command: &clap::Command) -> Vec<Vec<String>> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let own = help.lines().filter_map(|line| {
            let words = line.split_whitespace().skip_while(|word| word.starts_with("ROCKET_"));
            let words: Vec<String> = words.map(ToOwned::to_owned).collect();
            (words.first().map(String::as_str) == Some("kurskoll")).then_some(words)
        });
        own.chain(command.get_subcommands().flat_map(examples)).collect()
    }

    #[test]
    fn every_example_of_the_help_is_understood() {
        for example in examples(&Arguments::command()) {
            if let Err(error) = Arguments::try_parse_from(&example) {
                panic!("{}: {error}", example.join(" "));
            }
        }
    }

    #[test]
    fn every_command_shows_an_example() {
        fn without_example(command: &clap::Command) -> Vec<String> {
            if command.get_subcommands().next().is_some() {
                return command.get_subcommands().flat_map(without_example).collect();
            }
            let shown = !examples(command).is_empty();
            if shown { Vec::new() } else { vec![command.get_name().to_owned()] }
        }
        assert_eq!(without_example(&Arguments::command()), [""; 0]);
    }
}
