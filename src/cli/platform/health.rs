//! `kurskoll platform health`

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, ValueEnum};

use crate::app::{App, Caller};
use crate::cli::{CommandError, output, values};
use crate::domain::ids::PlatformCode;
use crate::domain::platform_health::{Counted, PlatformHealth, SilenceAlarm, Spread};
use crate::domain::pulling::Pulls;
use crate::render::text;
use crate::render::views::{PlatformHealthView, seconds};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The platform's code; all platforms by default
    code: Option<PlatformCode>,
    /// Counts from this instant; a week ago by default
    #[arg(long, value_parser = values::instant, value_name = "INSTANT")]
    since: Option<DateTime<Utc>>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each figure
    Table,
    Json,
}

pub async fn run(app: &App, caller: &Caller, arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { code, since, format } = arguments;
    let is_one = code.is_some();
    let codes = match code {
        Some(code) => vec![code],
        None => app.list_platforms(caller).await?.into_iter().map(|platform| platform.code).collect(),
    };
    let mut healths = Vec::with_capacity(codes.len());
    for code in codes {
        let health = app.platform_health(caller, &code, since).await?;
        healths.push((code, health));
    }
    let text = match format {
        Format::Table => healths.iter().map(|(code, health)| table(code, health)).collect::<Vec<_>>().join("\n"),
        Format::Json => {
            let mut views = healths.iter().map(|(code, health)| PlatformHealthView::of(code, health));
            let json = match views.next() {
                Some(view) if is_one => serde_json::to_string_pretty(&view)?,
                first => serde_json::to_string_pretty(&first.into_iter().chain(views).collect::<Vec<_>>())?,
            };
            format!("{json}\n")
        }
    };
    Ok(output::print(&text)?)
}

fn table(code: &PlatformCode, health: &PlatformHealth) -> String {
    let last = health.last_delivery_at.map_or("never".to_owned(), text::seconds);
    let last_result = health.results.last_result_at.map_or("never".to_owned(), text::seconds);
    let silent_for =
        |alarm: &SilenceAlarm| format!("{} h{}", hours(alarm.silence), if alarm.rings() { ": ALARM" } else { "" });
    let threshold = |alarm: &SilenceAlarm| {
        alarm.threshold.map_or("never".to_owned(), |threshold| {
            format!("after {} h ({})", hours(threshold), alarm.threshold_from.as_str())
        })
    };
    let (from, to) = health.linked_days;
    let share = |share: Option<rust_decimal::Decimal>| share.map_or("–".to_owned(), |share| format!("{share} %"));
    let spread = |spread: Option<Spread>| match spread {
        None => "–".to_owned(),
        Some(Spread { median, p95, max }) => {
            format!("median {} s, 95 % {} s, most {} s", seconds(median), seconds(p95), seconds(max))
        }
    };
    let mut rows = vec![
        ("platform", code.to_string()),
        ("last delivery", last),
        ("silent for", silent_for(&health.alarm)),
        ("alarm", threshold(&health.alarm)),
        ("last result", last_result),
        ("no result for", silent_for(&health.results.alarm)),
        ("alarm of results", threshold(&health.results.alarm)),
        ("counted since", text::seconds(health.since)),
        ("deliveries", health.deliveries.to_string()),
        ("quarantined", format!("{} ({})", health.quarantined, share(health.quarantined_share()))),
        (
            "linked",
            format!(
                "{} of {} ({}), of the results from {from} to {to}",
                health.linked,
                health.linked + health.waiting,
                share(health.linked_share())
            ),
        ),
        ("clock skew", spread(health.clock_skew)),
        ("out of order", spread(health.out_of_order)),
    ];
    let named = |what: Counted| match what {
        Counted::Duplicate => "duplicates",
        Counted::Conflict => "conflicts",
        Counted::RefusedSignature => "refused signatures",
        Counted::RateLimited => "rate limited",
    };
    rows.extend(Counted::ALL.map(|what| (named(what), health.count_of(what).to_string())));
    if let Some(Pulls { state, found }) = &health.pull {
        let at = state.succeeded_at.map_or("never".to_owned(), text::seconds);
        rows.push(("last pull", format!("{at}{}", if state.is_late { ": LATE" } else { "" })));
        rows.extend(state.problem.clone().map(|problem| ("pull's problem", problem)));
        rows.push(("found by pulling", found.to_string()));
    }
    rows.into_iter().map(|(name, value)| format!("{name:<20}{value}\n")).collect()
}

/// Hours with one decimal, cut off.
fn hours(duration: TimeDelta) -> String {
    let tenths = duration.num_minutes() / 6;
    format!("{}.{}", tenths / 10, tenths % 10)
}
