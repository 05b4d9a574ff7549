//! `kurskoll platform check`

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle};

use super::{CommandError, output};
use crate::app::platforms::check_profile::{CheckRequest, EventReading, Meaning, Reading, check, is_shipped};
use crate::app::system_clock;
use crate::domain::training::{ReportedResult, ResultKind, Revokes, Target};
use crate::http::api::v1::platforms::profiles::CheckView;
use crate::render::text;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The name of a shipped profile, or the file of one; xapi for statements as they are read without one
    profile: String,
    /// A file with a body as the platform sends it; - reads standard input
    sample: PathBuf,
    /// How it is shown
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// The platform's time zone, for times without an offset where the profile has no zone
    #[arg(long, default_value = "Europe/Stockholm")]
    time_zone: chrono_tz::Tz,
    /// The sample's media type; guessed where it is left out
    #[arg(long)]
    content_type: Option<String>,
    /// A header of the sample, where the profile reads some: "Name: value"
    #[arg(long = "header", value_parser = header)]
    headers: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Json,
}

fn header(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once(':').ok_or("a header is \"Name: value\"")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// The width of what is shown, in columns.
const WIDTH: u16 = 120;

/// The sample is not understood; what is shown says why.
#[derive(Debug, thiserror::Error)]
#[error("the sample is not understood: {0}")]
struct NotUnderstood(String);

pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let profile = if is_shipped(&arguments.profile) {
        arguments.profile.clone()
    } else {
        let file = &arguments.profile;
        std::fs::read_to_string(file)
            .map_err(|error| format!("{file} is neither a shipped profile nor a file that can be read: {error}"))?
    };
    let mut sample = Vec::new();
    if arguments.sample.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut sample)?;
    } else {
        let file = arguments.sample.display();
        sample = std::fs::read(&arguments.sample).map_err(|error| format!("{file} cannot be read: {error}"))?;
    }
    let headers: BTreeMap<String, Option<String>> =
        arguments.headers.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
    let request = CheckRequest {
        profile: &profile,
        sample: &sample,
        content_type: arguments.content_type.as_deref(),
        headers: &headers,
        time_zone: None,
    };
    let reading = check(&request, arguments.time_zone, system_clock()())?;
    let problem = reading.results.as_ref().err().map(ToString::to_string);
    match arguments.format {
        Format::Table => output::print(&table(&reading))?,
        Format::Json => {
            let shown = serde_json::to_string_pretty(&CheckView::from(reading))?;
            output::print(&format!("{shown}\n"))?;
        }
    }
    match problem {
        None => Ok(()),
        Some(problem) => Err(NotUnderstood(problem).into()),
    }
}

fn table(reading: &Reading) -> String {
    let mut text = String::new();
    for event in &reading.events {
        text.push_str(&heading(event));
        text.push_str(&fields(event));
    }
    match &reading.results {
        Ok(results) => text.push_str(&format!("Understood: {}.\n", output::counted(results.len(), "result"))),
        Err(misread) => text.push_str(&format!("Not understood: {misread}\n")),
    }
    text
}

fn heading(event: &EventReading) -> String {
    let place = if event.pointer.is_empty() { "the body" } else { &event.pointer };
    let of_type = event.event_type.as_ref().map(|described| format!(", type {described}")).unwrap_or_default();
    let taken = match &event.taken_for {
        Some(meaning) => format!("taken for {meaning}"),
        None => "ignored: no rule fits".to_owned(),
    };
    let mut text = format!("Event at {place}{of_type}: {taken}\n");
    for rule in &event.rules {
        if let Some(why_not) = &rule.why_not {
            text.push_str(&format!("  not rule {} ({}): {why_not}\n", rule.number, rule.meaning));
        }
    }
    for result in event.results.iter().flatten() {
        text.push_str(&format!("  {}\n", described(result)));
    }
    text
}

/// A result in one line.
fn described(result: &ReportedResult) -> String {
    let target = match &result.target {
        Target::Course(course) => format!("course {course}"),
        Target::Quiz(quiz) => format!("quiz {quiz}"),
    };
    let what = match &result.kind {
        ResultKind::Completion => "completed".to_owned(),
        ResultKind::Attempt { number, score, passed, .. } => {
            let number = number.map(|number| format!(" {number}")).unwrap_or_default();
            let score = score.map(|score| format!(", {} of {}", score.points(), score.of())).unwrap_or_default();
            let passed = passed.map(|passed| if passed { ", passed" } else { ", not passed" }).unwrap_or_default();
            format!("attempt{number}{score}{passed}")
        }
        ResultKind::Revocation(Revokes::UpTo) => "withdrawn: all before".to_owned(),
        ResultKind::Revocation(Revokes::Recent) => "withdrawn: what was done on that day or the day before".to_owned(),
        ResultKind::Revocation(
            Revokes::Event(event) | Revokes::Statement(event) | Revokes::ByHand { event_id: event, .. },
        ) => {
            format!("withdrawn: {event}")
        }
    };
    format!("{target} {what}, at {}, as event {}", text::seconds(result.occurred_at.to_utc()), result.event_id)
}

fn fields(event: &EventReading) -> String {
    let mut table = Table::new();
    let ruled = TableStyle::new().header_lines(ContentLineStyle::none()).header_separator(LineStyle::none().fill('-'));
    table
        .load_style(ruled)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .force_no_tty()
        .set_header(["field", "looked at", "found at", "sent", "means"]);
    for reading in &event.fields {
        let meaning = match &reading.meaning {
            Meaning::Is(meaning) => meaning.clone(),
            Meaning::Nothing => "nothing".to_owned(),
            Meaning::NotUnderstood(problem) => format!("not understood: it {problem}"),
        };
        let (pointer, sent) = (reading.pointer.as_deref().unwrap_or(""), reading.sent.as_deref().unwrap_or(""));
        table.add_row([reading.field.as_str(), &reading.looked_at, pointer, sent, &meaning]);
    }
    table.trim_fmt() + "\n\n"
}
