//! `kurskoll results`: what people did before a platform was connected.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{CommandError, open, output, platform};
use crate::app::Asker;
use crate::app::import_results::{ImportResultsError, ImportedResults, ResultsRequest};
use crate::domain::ids::PlatformCode;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import a file of results from before a platform was connected; all or nothing
    Import(Arguments),
}

#[derive(Debug, Args)]
#[command(
    after_help = "The file is UTF-8 (with a BOM or not) or Windows-1252, with commas or semicolons. The header\n\
    names the columns, in any order; those in brackets may be missing:\n  \
    [event_id], type, [employee_number], [email], [username], [course_id], [quiz_id],\n  \
    occurred_at, [score_raw], [score_max], [passed]\n\n\
    type is course.completed or quiz.graded. A time without an offset is the platform's own, and a\n\
    day means noon there. Decimals come after a point or a comma. A result without event_id is\n\
    known by what it says. Columns of the platform's own are read by a profile. docs/importing.md\n\
    tells more.\n\n\
    Examples:\n  \
    kurskoll results import --platform larportal history.csv --dry-run\n  \
    kurskoll results import --platform larportal history.csv\n  \
    kurskoll results import --platform larportal history.csv --format json\n  \
    kurskoll results import --platform larportal export.csv --profile export.toml --dry-run"
)]
pub struct Arguments {
    /// The platform whose history it is
    #[arg(long)]
    platform: PlatformCode,
    /// The file
    file: PathBuf,
    /// The file of the profile by which its rows are read, where its columns are the platform's own
    #[arg(long)]
    profile: Option<PathBuf>,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// How what became of it is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each figure
    Table,
    Json,
}

pub async fn run(command: Command) -> Result<(), CommandError> {
    let Command::Import(Arguments { platform, file, profile, dry_run, format }) = command;
    let profile = profile.as_deref().map(platform::read_profile).transpose()?;
    let bytes = std::fs::read(&file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let app = open().await?.app;
    let bar = output::progress("results");
    let progress = |results: usize| bar.inc(results as u64);
    let request =
        ResultsRequest { platform: &platform, name: &name, bytes: &bytes, profile: profile.as_deref(), dry_run };
    let imported = app.import_results(&Asker::operator(), request, &progress).await;
    bar.finish_and_clear();
    let imported = match imported {
        Ok(imported) => imported,
        Err(ImportResultsError::Problems(problems)) => return Err(output::refused(&problems)),
        Err(error) => return Err(error.into()),
    };
    tell_of_columns(&imported);
    match format {
        Format::Json => {
            output::print(&format!("{}\n", serde_json::to_string_pretty(&imported.view(&platform, dry_run))?))?
        }
        Format::Table => output::print(&table(&imported))?,
    }
    tell(&imported, dry_run);
    if imported.has_changed(dry_run) {
        let bar = output::progress("people judged");
        app.settle_all(|people| bar.inc(people as u64)).await?;
        bar.finish_and_clear();
    }
    Ok(())
}

/// Says what was read otherwise than somebody may think.
fn tell_of_columns(imported: &ImportedResults) {
    if !imported.ignored_columns.is_empty() {
        eprintln!("columns that mean nothing here: {}", imported.ignored_columns.join(", "));
    }
    if imported.passed_over > 0 {
        eprintln!("rows that the profile ignores: {}", imported.passed_over);
    }
    if !imported.absent_columns.is_empty() {
        eprintln!("columns that are missing, and read as empty: {}", imported.absent_columns.join(", "));
    }
}

fn table(imported: &ImportedResults) -> String {
    let tally = imported.tally;
    let rows = [
        ("results", tally.results),
        ("new", tally.new),
        ("  linked", tally.linked),
        ("  waiting", tally.new.saturating_sub(tally.linked)),
        ("known", tally.known),
    ];
    rows.iter().map(|(name, count)| format!("{name:<10}{count:>10}\n")).collect()
}

/// Says in a line what became of it.
fn tell(imported: &ImportedResults, is_dry_run: bool) {
    match (imported.same_file_at, imported.delivery) {
        (Some(at), Some(delivery)) => {
            let at = at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            eprintln!("Nothing changes: the same file was imported on {at} (delivery {delivery}).");
        }
        _ if is_dry_run => eprintln!("Nothing was changed: this was a dry run."),
        (_, Some(delivery)) => eprintln!("Imported, and kept as delivery {delivery}."),
        (_, None) => eprintln!("Nothing changes: the file has no results."),
    }
}
