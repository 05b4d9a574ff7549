//! `kurskoll results`: what people did before a platform was connected, and results withdrawn and restored by hand.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::interrupt::{all_or_nothing, finish};
use super::{CommandError, open, output, platform};
use crate::app::Caller;
use crate::app::compliance::decide_results::{ResultDecisionRequest, StateChange};
use crate::app::receiving::import_results::{ImportResultsError, ImportedResults, ResultsRequest};
use crate::domain::compliance::ComplianceState;
use crate::domain::ids::{EventId, PlatformCode};
use crate::domain::training::Verdict;
use crate::render::text;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import a file of results from before a platform was connected; all or nothing
    Import(Arguments),
    /// Withdraw a result by hand: it counts for nothing until it is restored
    #[command(
        after_help = "Also a revocation can be withdrawn: then it takes nothing away. A decision by hand takes precedence\n\
        over the platform. If two persons must agree, another person approves it (docs/api.md).\n\n\
        Examples:\n  \
        kurskoll results withdraw msg_2KWPBgLl --reason wrong-person --dry-run\n  \
        kurskoll results withdraw msg_2KWPBgLl --platform larportal --reason wrong-person"
    )]
    Withdraw(Decided),
    /// Restore a result that was withdrawn, by hand or by the platform
    #[command(after_help = "Examples:\n  \
        kurskoll results restore msg_2KWPBgLl --reason withdrawn-by-mistake --dry-run\n  \
        kurskoll results restore msg_2KWPBgLl --platform larportal --reason withdrawn-by-mistake")]
    Restore(Decided),
}

#[derive(Debug, Args)]
pub struct Decided {
    /// The event's id, as the evidence or the delivery shows it
    event: EventId,
    /// Why
    #[arg(long)]
    reason: String,
    /// The platform that reported it, if several reported an event with that id
    #[arg(long)]
    platform: Option<PlatformCode>,
    /// Only print whose status would change, and how
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "The file is a workbook (.xlsx) or text: UTF-8 (with a BOM or not), UTF-16 with one, or\n\
    Windows-1252, with commas, semicolons or tabs. The header\n\
    names the columns, in any order; those in brackets may be missing:\n  \
    [event_id], type, [employee_number], [email], [username], [course_id], [quiz_id],\n  \
    occurred_at, [score_raw], [score_max], [passed]\n\n\
    type is course.completed or quiz.graded. A time without an offset is the platform's own, and a\n\
    day means noon there. Decimals come after a point or a comma. A result without event_id is\n\
    identified by its content. Columns of the platform's own are read by a profile. See\n\
    docs/importing.md.\n\n\
    Examples:\n  \
    kurskoll results import --platform larportal history.csv --dry-run\n  \
    kurskoll results import --platform larportal history.csv\n  \
    kurskoll results import --platform larportal history.csv --format json\n  \
    kurskoll results import --platform larportal export.csv --profile export.toml --dry-run")]
pub struct Arguments {
    /// The platform whose history it is
    #[arg(long)]
    platform: PlatformCode,
    /// The file
    file: PathBuf,
    /// The file of the profile by which its rows are read, if its columns are the platform's own
    #[arg(long)]
    profile: Option<PathBuf>,
    /// The sheet, in a workbook that has several
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Only print what would change
    #[arg(long)]
    dry_run: bool,
    /// How the outcome is printed
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
    match command {
        Command::Import(arguments) => import(arguments).await,
        Command::Withdraw(decided) => decide(Verdict::Withdraw, decided).await,
        Command::Restore(decided) => decide(Verdict::Restore, decided).await,
    }
}

async fn decide(verdict: Verdict, decided: Decided) -> Result<(), CommandError> {
    let Decided { event, reason, platform, dry_run } = decided;
    let reason = reason.trim();
    if reason.is_empty() || reason.contains(char::is_control) {
        return Err("--reason must say why, on one line".into());
    }
    let app = open().await?.app;
    let request = ResultDecisionRequest { event_id: event, platform, verdict, reason: reason.to_owned(), dry_run };
    let answer = app.decide_result(&Caller::operator(), &request).await?;
    let rows: Vec<_> = answer.changes.iter().map(state_change).collect();
    output::List::new(&STATE_CHANGE, "Nobody's status changes.").print_all(&rows)?;
    let done = match verdict {
        Verdict::Withdraw => "withdrawn",
        Verdict::Restore => "restored",
    };
    match answer.decision {
        None => eprintln!("Nothing was changed: this was a dry run."),
        Some(decision) if answer.needs_approval => {
            eprintln!("Proposed as decision {}: it counts when another person approves it.", decision.id);
        }
        Some(decision) => {
            eprintln!("The event {} of {} is {done} (decision {}).", request.event_id, answer.platform, decision.id);
            finish(&app, "the decision is made").await?;
        }
    }
    Ok(())
}

/// The columns of a change of somebody's status.
pub(super) const STATE_CHANGE: [&str; 5] = ["employee", "requirement", "from", "before", "after"];

/// A change of somebody's status, a cell for each of [`STATE_CHANGE`].
pub(super) fn state_change(change: &StateChange) -> Vec<String> {
    let status =
        |state: &Option<ComplianceState>| state.as_ref().map_or("not bound", |known| known.status.as_str()).to_owned();
    let (number, requirement) = (change.number.to_string(), change.requirement.to_string());
    vec![number, requirement, change.from.to_string(), status(&change.before), status(&change.after)]
}

async fn import(arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { platform, file, profile, sheet, dry_run, format } = arguments;
    let profile = profile.as_deref().map(platform::read_profile).transpose()?;
    let bytes = std::fs::read(&file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let app = open().await?.app;
    let bar = output::progress("results");
    let progress = |results: usize| bar.inc(results as u64);
    let request = ResultsRequest {
        platform: &platform,
        name: &name,
        bytes: &bytes,
        sheet: sheet.as_deref(),
        profile: profile.as_deref(),
        dry_run,
    };
    let imported =
        all_or_nothing(app.import_results(&Caller::operator(), request, &progress), "nothing was imported").await;
    bar.finish_and_clear();
    let imported = imported?;
    let imported = match imported {
        Ok(imported) => imported,
        Err(ImportResultsError::Problems(problems)) => return Err(output::refused(&problems)),
        Err(error) => return Err(error.into()),
    };
    print_columns(&imported);
    match format {
        Format::Json => {
            output::print(&format!("{}\n", serde_json::to_string_pretty(&imported.view(&platform, dry_run))?))?
        }
        Format::Table => output::print(&table(&imported))?,
    }
    print_summary(&imported, dry_run);
    if imported.has_changed(dry_run) {
        finish(&app, "the results are imported").await?;
    }
    Ok(())
}

/// Reports columns and rows that were not read as the sender may expect.
fn print_columns(imported: &ImportedResults) {
    if !imported.ignored_columns.is_empty() {
        eprintln!("columns that mean nothing here: {}", imported.ignored_columns.join(", "));
    }
    if imported.skipped > 0 {
        eprintln!("rows that the profile ignores: {}", imported.skipped);
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

/// Reports the outcome in one line.
fn print_summary(imported: &ImportedResults, is_dry_run: bool) {
    match (imported.same_file_at, imported.delivery) {
        (Some(at), Some(delivery)) => {
            let at = text::seconds(at);
            eprintln!("Nothing changes: the same file was imported on {at} (delivery {delivery}).");
        }
        _ if is_dry_run => eprintln!("Nothing was changed: this was a dry run."),
        (_, Some(delivery)) => eprintln!("Imported, and stored as delivery {delivery}."),
        (_, None) => eprintln!("Nothing changes: the file has no results."),
    }
}
