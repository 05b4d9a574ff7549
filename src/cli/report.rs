//! `kurskoll report`

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::trend_table::trend_table;
use super::{CommandError, explained, open, output, values};
use crate::app::employees::history::AttributedEntry;
use crate::app::reports::build::ReportRequest;
use crate::app::reports::clocks::Clocks;
use crate::app::reports::compare::{Cause, ComparisonRequest, DifferencesAnswer};
use crate::app::reports::trend::TrendRequest;
use crate::app::{App, Caller};
use crate::domain::compliance::Status;
use crate::domain::ids::{AdministrationCode, RequirementCode};
use crate::domain::report::trend::{Interval, Tree};
use crate::http::api::v1::reports::comparison::{ComparedReportView, ComparisonView, DifferencesPageView};
use crate::render::report_table::report_table;
use crate::render::text;
use crate::render::views::{ReportView, TrendView};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kurskoll report --requirement infosec-onboarding\n  \
    kurskoll report --requirement infosec-onboarding --as-of 2026-02-26\n  \
    kurskoll report --requirement infosec-onboarding --known-at 2026-02-26T12:00:00Z\n  \
    kurskoll report --requirement infosec-onboarding --compare-known-at 2026-02-26T12:00:00Z\n  \
    kurskoll report --requirement infosec-onboarding --trend-from 2025-03-01 --trend-to 2026-02-26 --tree today")]
pub struct Arguments {
    /// The requirement's code
    #[arg(long)]
    requirement: RequirementCode,
    /// The day that the report is about; today by default
    #[arg(long, value_parser = values::day)]
    as_of: Option<NaiveDate>,
    /// The instant of knowledge (RFC 3339); now by default
    #[arg(long, value_parser = values::instant)]
    known_at: Option<DateTime<Utc>>,
    /// An earlier instant of knowledge: whose status differs from what was known then, and why
    #[arg(long, value_parser = values::instant)]
    compare_known_at: Option<DateTime<Utc>>,
    /// First due day that the on-time rate looks at; by default a year before the day
    #[arg(long, value_parser = values::day)]
    due_from: Option<NaiveDate>,
    /// Last due day that the on-time rate looks at
    #[arg(long, value_parser = values::day)]
    due_to: Option<NaiveDate>,
    /// Show a trend instead, with points from this day on
    #[arg(long, value_parser = values::day, requires = "trend_to", conflicts_with_all = ["as_of", "compare_known_at", "due_from", "due_to"])]
    trend_from: Option<NaiveDate>,
    /// The last point of the trend
    #[arg(long, value_parser = values::day, requires = "trend_from")]
    trend_to: Option<NaiveDate>,
    /// The interval between the points of a trend: week, month or quarter
    #[arg(long, requires = "trend_from", default_value = "month", value_parser = interval)]
    interval: Interval,
    /// In which tree of administrations a trend is counted: of_day or today
    #[arg(long, requires = "trend_from", default_value = "of_day", value_parser = tree)]
    tree: Tree,
    /// A table for people, or JSON as the API answers it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// The report as the API answers it, with the persons whose status differs.
#[derive(Serialize)]
struct Printed {
    #[serde(flatten)]
    report: ComparedReportView,
    #[serde(skip_serializing_if = "Option::is_none")]
    differing_persons: Option<DifferencesPageView>,
}

fn interval(text: &str) -> Result<Interval, String> {
    Interval::parse(text).ok_or_else(|| format!("is none of {}", Interval::WORDS.join(", ")))
}

fn tree(text: &str) -> Result<Tree, String> {
    Tree::parse(text).ok_or_else(|| format!("is none of {}", Tree::WORDS.join(", ")))
}

pub async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let app = open().await?.app;
    match print(&app, arguments).await {
        Err(error) => Err(explained(&app, error).await),
        printed => printed,
    }
}

async fn print(app: &App, arguments: Arguments) -> Result<(), CommandError> {
    if let Some((from, to)) = arguments.trend_from.zip(arguments.trend_to) {
        let Arguments { requirement, interval, tree, known_at, .. } = arguments;
        let request = TrendRequest { requirement, from, to, interval, tree, known_at };
        let trend = app.build_trend(&Caller::operator(), &request).await?;
        let text = match arguments.format {
            Format::Table => trend_table(&trend, output::width()),
            Format::Json => serde_json::to_string_pretty(&TrendView::from(&trend))?,
        };
        output::print(&format!("{}\n", text.trim_end()))?;
        return Ok(());
    }
    let request = ReportRequest {
        requirement: arguments.requirement,
        clocks: Clocks { as_of: arguments.as_of, known_at: arguments.known_at },
        due_from: arguments.due_from,
        due_to: arguments.due_to,
    };
    let report = app.build_report(&Caller::operator(), &request).await?;
    let differences = match arguments.compare_known_at {
        None => None,
        Some(compare_known_at) => {
            let clocks = Clocks { as_of: Some(report.as_of), known_at: Some(report.known_at) };
            let request = ComparisonRequest { requirement: request.requirement, clocks, compare_known_at };
            Some(app.list_differences(&Caller::operator(), &request, None, LISTED_AT_MOST).await?)
        }
    };
    let text = match arguments.format {
        Format::Table => {
            let compared = differences.as_ref().map(difference_lines).unwrap_or_default();
            format!("{}\n{compared}", report_table(&report, output::width()).trim_end())
        }
        Format::Json => {
            let comparison = differences.as_ref().map(|found| ComparisonView::from(&found.comparison));
            let report = ComparedReportView { report: ReportView::from(&report), comparison };
            let differing_persons = differences.map(DifferencesPageView::from);
            serde_json::to_string_pretty(&Printed { report, differing_persons })?
        }
    };
    output::print(&format!("{}\n", text.trim_end()))?;
    Ok(())
}

/// How many persons are listed; the API lists all of them in pages.
const LISTED_AT_MOST: usize = 500;

/// Whose status differs, a line for each, and because of what.
fn difference_lines(found: &DifferencesAnswer) -> String {
    let comparison = &found.comparison;
    let mut text = format!(
        "\nCompared with what was known at {}: {} differ.\n",
        text::exact(comparison.compare_known_at),
        output::counted(usize::try_from(comparison.differing).unwrap_or(usize::MAX), "person"),
    );
    for person in &found.persons {
        let places: Vec<&str> = person.administrations.iter().map(AdministrationCode::as_str).collect();
        let status = |status: Option<Status>| status.map_or("not counted", Status::as_str);
        let because: Vec<String> = person.because.iter().map(cause).collect();
        text += &format!(
            "  {} ({}): {} → {}, because of {}\n",
            person.number,
            places.join(", "),
            status(person.before),
            status(person.now),
            because.join("; ")
        );
    }
    if found.next.is_some() {
        text += "  … and more: GET /api/v1/reports/onboarding/differences has them all.\n";
    }
    text
}

fn cause(cause: &Cause) -> String {
    let instant = |at: &DateTime<Utc>| text::exact(*at);
    match cause {
        Cause::Entry(AttributedEntry { entry, by, .. }) => {
            let (kind, of, happened) = (entry.kind.as_str(), &entry.of, entry.happened.as_str());
            let by = by.as_deref().unwrap_or("somebody");
            format!("{kind} {of} {happened} by {by} at {}", instant(&entry.known_at))
        }
        Cause::Requirement { version, known_at, by } => {
            let by = by.as_deref().unwrap_or("somebody");
            format!("version {version} of the requirement, applied by {by} at {}", instant(known_at))
        }
        Cause::LinkedOtherwise { event_id } => format!("result {event_id}, which is linked differently"),
        Cause::Reorganisation { id, on_day, known_at, by, is_undone } => {
            let happened = if *is_undone { "undone" } else { "recorded" };
            format!("reorganisation {id} on {on_day}, {happened} by {by} at {}", instant(known_at))
        }
        Cause::NotShown => "what is not shown".to_owned(),
    }
}
