//! `kurskoll directory imports undo`

use clap::Args;

use super::super::interrupt::{all_or_nothing, finish};
use super::super::{CommandError, open, output};
use super::format::{Format, print_all, print_csv, print_json, print_lines};
use crate::app::Caller;
use crate::app::directory::undo_import::{UndoImportRequest, UndoneImport};
use crate::render::views::UndoneImportView;

#[derive(Debug, Args)]
#[command(
    after_help = "What the import changed and nobody changed since becomes as it was before it. What was changed\n\
    since is named and left, and so is what something else depends on. The undoing is an import of its\n\
    own: it is listed, shown and undone like one. Nothing is deleted: reports with a known_at before\n\
    stay as they were.\n\n\
    Examples:\n  \
    kurskoll directory imports undo 12 --dry-run\n  \
    kurskoll directory imports undo 12 --reason an-old-file"
)]
pub struct Arguments {
    /// The import to undo
    id: i64,
    /// Why, for the audit trail and the import's report
    #[arg(long, default_value = "")]
    reason: String,
    /// Only print what would change
    #[arg(long)]
    dry_run: bool,
    /// How the difference is printed; by default a table in a dry run, else nothing
    #[arg(long, value_enum)]
    format: Option<Format>,
}

pub async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let app = open().await?.app;
    let Arguments { id, reason, dry_run, format } = arguments;
    let request = UndoImportRequest { import: id, reason: reason.trim().to_owned(), dry_run };
    let bar = output::progress("rows written");
    let progress = |rows: usize| bar.inc(rows as u64);
    let undone = all_or_nothing(app.undo_import(&Caller::operator(), &request, &progress), "nothing was undone").await;
    bar.finish_and_clear();
    let undone = undone??;
    let plan = &undone.undoing.plan;
    match format.or(dry_run.then_some(Format::Table)) {
        None => {}
        Some(Format::Table) => {
            print_lines(plan)?;
            let left = undone.undoing.left.iter();
            print_all(left.map(|left| format!("left: {} {}: {}\n", left.kind, left.key, left.why)))?;
        }
        Some(Format::Csv) => print_csv(plan)?,
        Some(Format::Json) => {
            print_json(&UndoneImportView::of(undone.report, undone.import.id, &undone.undoing, usize::MAX))?
        }
    }
    print_summary(&undone);
    if undone.report.is_some() {
        finish(&app, "the import is undone").await?;
    }
    Ok(())
}

/// Reports the outcome in one line.
fn print_summary(undone: &UndoneImport) {
    let summary = output::summary(&undone.undoing.plan.summary());
    let left = match undone.undoing.left.len() {
        0 => String::new(),
        left => format!("; {left} left as they are: changed since, or something depends on them"),
    };
    match undone.report {
        Some(id) => eprintln!("Undone: {summary}{left}. Import {id}."),
        None => eprintln!("Would undo: {summary}{left}."),
    }
}
