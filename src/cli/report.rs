//! `kurskoll report`

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, ValueEnum};

use super::{CommandError, open, output};
use crate::app::Asker;
use crate::app::build_report::ReportRequest;
use crate::app::knowledge::Clocks;
use crate::domain::ids::RequirementCode;
use crate::render::report_table::report_table;
use crate::render::views::ReportView;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kurskoll report --requirement infosec-onboarding\n  \
    kurskoll report --requirement infosec-onboarding --as-of 2026-02-26\n  \
    kurskoll report --requirement infosec-onboarding --known-at 2026-02-26T12:00:00Z")]
pub struct Arguments {
    /// The requirement's code
    #[arg(long)]
    requirement: RequirementCode,
    /// The day that the report speaks of; today where it is left out
    #[arg(long)]
    as_of: Option<NaiveDate>,
    /// The instant of knowledge (RFC 3339); now where it is left out
    #[arg(long)]
    known_at: Option<DateTime<Utc>>,
    /// First due day that the on-time rate looks at; a year up to the day where it is left out
    #[arg(long)]
    due_from: Option<NaiveDate>,
    /// Last due day that the on-time rate looks at
    #[arg(long)]
    due_to: Option<NaiveDate>,
    /// A table for people, or JSON as the API answers it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

pub async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let opened = open().await?;
    let request = ReportRequest {
        requirement: arguments.requirement,
        clocks: Clocks { as_of: arguments.as_of, known_at: arguments.known_at },
        due_from: arguments.due_from,
        due_to: arguments.due_to,
    };
    let report = opened.app.build_report(&Asker::operator(), &request).await?;
    let text = match arguments.format {
        Format::Table => report_table(&report, None),
        Format::Json => serde_json::to_string_pretty(&ReportView::from(&report))?,
    };
    output::print(&format!("{}\n", text.trim_end()))?;
    Ok(())
}
