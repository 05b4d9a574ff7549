//! `kurskoll directory imports`

use clap::{Args, Subcommand};

use super::super::{CommandError, open, output};
use super::format::{Format, print_all, print_csv, print_json, print_lines};
use super::undo;
use crate::app::{App, Caller};
use crate::domain::directory::imports::ImportReport;
use crate::render::imports;
use crate::render::views::{DifferenceRowView, ImportView, ImportWithDifferenceView};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "The list shows, newest first: id, when, by whom, extent, files, what changed.\n\n\
    Examples:\n  \
    kurskoll directory imports\n  \
    kurskoll directory imports --limit 10 --format json\n  \
    kurskoll directory imports 12\n  \
    kurskoll directory imports 12 --format csv\n  \
    kurskoll directory imports undo 12 --dry-run"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The import to show; by default all are listed
    id: Option<i64>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The most imports to list
    #[arg(long, conflicts_with = "id")]
    limit: Option<usize>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Undo an import: what it changed and nobody changed since is as before
    Undo(undo::Arguments),
}

/// How many imports are read at a time.
const PAGE: u64 = 500;

pub async fn run(arguments: Arguments) -> Result<(), CommandError> {
    if let Some(Command::Undo(undo)) = arguments.command {
        return undo::run(undo).await;
    }
    let app = open().await?.app;
    match arguments.id {
        Some(id) => show(&app, id, arguments.format).await,
        None => list(&app, arguments.limit.unwrap_or(usize::MAX), arguments.format).await,
    }
}

async fn show(app: &App, id: i64, format: Format) -> Result<(), CommandError> {
    let (report, plan) = app.import_difference(&Caller::operator(), id).await?;
    match format {
        Format::Table => {
            output::print(&imports::page(&report))?;
            print_lines(&plan)
        }
        Format::Csv => print_csv(&plan),
        Format::Json => print_json(&ImportWithDifferenceView {
            import: ImportView::from(report),
            changes: plan.difference().map(DifferenceRowView::from).collect(),
        }),
    }
}

async fn list(app: &App, limit: usize, format: Format) -> Result<(), CommandError> {
    let mut reports: Vec<ImportReport> = Vec::new();
    loop {
        let before = reports.last().map(|last| last.id);
        let page = app.list_imports(&Caller::operator(), before, PAGE).await?;
        let is_last = page.is_empty();
        reports.extend(page);
        if is_last || reports.len() >= limit {
            break;
        }
    }
    reports.truncate(limit);
    match format {
        Format::Table => {
            let list = output::List::new(&imports::COLUMNS, "Nothing has been imported yet.");
            Ok(list.print_all(&reports.iter().map(imports::row).collect::<Vec<_>>())?)
        }
        Format::Csv => print_all(std::iter::once(imports::csv_header()).chain(reports.iter().map(imports::csv_row))),
        Format::Json => print_json(&reports.into_iter().map(ImportView::from).collect::<Vec<_>>()),
    }
}
