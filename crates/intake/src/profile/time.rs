//! The formats in which platforms write times.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::fault::{ReadingFault, shown};
use super::months;
use crate::webhook::fault::Fault;
use crate::webhook::instant::{NEVER, PlatformClock};
use kurskoll_domain::training::decimal_from_text;

/// One way to write a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TimeFormat {
    /// With an offset, or without one in the platform's zone.
    Rfc3339,
    EpochSeconds,
    EpochMilliseconds,
    /// Its parts, as chrono has them (`%Y-%m-%d %H:%M:%S`); names of months and days of the week in Swedish or English.
    Parts(String),
}

impl TimeFormat {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "rfc3339" => Some(Self::Rfc3339),
            "epoch-seconds" => Some(Self::EpochSeconds),
            "epoch-milliseconds" => Some(Self::EpochMilliseconds),
            parts => {
                let mut items = StrftimeItems::new(parts).peekable();
                let says_something = items.peek().is_some() && parts.contains('%');
                let is_known = items.all(|item| !matches!(item, Item::Error));
                (says_something && is_known && parts.len() <= 100).then(|| Self::Parts(parts.to_owned()))
            }
        }
    }

    /// The instant of a text that is so written; `None` where it is written otherwise.
    fn read(&self, text: &str, clock: &PlatformClock) -> Option<Result<Option<DateTime<Utc>>, Fault>> {
        match self {
            Self::Rfc3339 => match clock.read(text) {
                Err(Fault::NotATime { .. }) => None,
                read => Some(read),
            },
            Self::EpochSeconds => epoch(text, Decimal::from(1_000_000)).map(|instant| clock.bounded(instant)),
            Self::EpochMilliseconds => epoch(text, Decimal::from(1_000)).map(|instant| clock.bounded(instant)),
            Self::Parts(parts) => Self::of_parts(text, parts, clock).or_else(|| {
                // Its names may be Swedish, or have a full stop that the format has not, or the other way round.
                let english = months::reads_names(parts).then(|| months::in_english(text))?;
                Self::of_parts(&english, &months::without_stops(parts), clock)
            }),
        }
    }

    fn of_parts(text: &str, parts: &str, clock: &PlatformClock) -> Option<Result<Option<DateTime<Utc>>, Fault>> {
        if let Ok(time) = DateTime::parse_from_str(text, parts) {
            return Some(clock.bounded(time.to_utc()));
        }
        let local = NaiveDateTime::parse_from_str(text, parts)
            .or_else(|_| NaiveDate::parse_from_str(text, parts).map(|day| day.and_time(NaiveTime::MIN)));
        Some(clock.of_local(local.ok()?).and_then(|instant| clock.bounded(instant)))
    }
}

/// Microseconds are exact in a decimal; what is finer is cut off.
fn epoch(text: &str, microseconds: Decimal) -> Option<DateTime<Utc>> {
    let number = decimal_from_text(text).ok()?;
    DateTime::from_timestamp_micros(number.checked_mul(microseconds)?.trunc().to_i64()?)
}

/// Whether a text is one that platforms send where there is no time.
pub(super) fn says_never(text: &str) -> bool {
    text == "0" || text.starts_with("1970-01-01") || NEVER.iter().any(|never| text.starts_with(never))
}

/// Reads a time in the first format in which it is written; `None` where it says "never".
pub(super) fn read(
    text: &str,
    formats: &[TimeFormat],
    clock: &PlatformClock,
) -> Result<Option<DateTime<Utc>>, ReadingFault> {
    let text = text.trim();
    if text.is_empty() || says_never(text) {
        return Ok(None);
    }
    if let [] | [TimeFormat::Rfc3339] = formats {
        return Ok(clock.read(text)?);
    }
    match formats.iter().find_map(|format| format.read(text, clock)) {
        Some(read) => Ok(read?),
        None => Err(ReadingFault::NoKnownFormat(shown(text))),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Stockholm;

    use super::*;

    fn outcome(text: &str, formats: &[&str]) -> String {
        let received_at = DateTime::parse_from_rfc3339("2026-11-01T12:00:00Z").expect("an instant").to_utc();
        let clock = PlatformClock { zone: Stockholm, received_at };
        let formats: Vec<TimeFormat> = formats.iter().filter_map(|text| TimeFormat::parse(text)).collect();
        match read(text, &formats, &clock) {
            Ok(Some(instant)) => instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
            Ok(None) => "never".to_owned(),
            Err(fault) => fault.to_string().split(':').next().unwrap_or_default().to_owned(),
        }
    }

    #[test]
    fn a_time_is_read_in_the_first_format_that_fits() {
        let formats = ["rfc3339", "%d/%m/%Y %H:%M", "%Y-%m-%d", "epoch-seconds"];
        for (text, expected) in [
            ("2026-03-02T08:14:58+01:00", "2026-03-02T07:14:58Z"),
            ("02/03/2026 08:14", "2026-03-02T07:14:00Z"),
            ("2026-03-02", "2026-03-01T23:00:00Z"),
            ("1772439298", "2026-03-02T08:14:58Z"),
            ("1772439298.1234567", "2026-03-02T08:14:58.123456Z"),
            ("1.772439298e9", "2026-03-02T08:14:58Z"),
            ("0", "never"),
            ("0001-01-01T00:00:00", "never"),
            ("soon", "says \"soon\", which is no time in any of the profile's formats"),
            ("29/03/2026 02:30", "is a time that the clocks in Europe/Stockholm skipped as they went forward"),
            ("99999999999999999999", "says \"99999999999999999999\", which is no time in any of the profile's formats"),
        ] {
            assert_eq!(outcome(text, &formats), expected, "{text}");
        }
        assert_eq!(outcome("1772439298000", &["epoch-milliseconds"]), "2026-03-02T08:14:58Z");
        assert_eq!(outcome("Mon, 2 Mar 2026 08:14:58 +0100", &["%a, %d %b %Y %H:%M:%S %z"]), "2026-03-02T07:14:58Z");
    }

    #[test]
    fn names_of_months_are_read_in_swedish_and_english() {
        for (text, format, expected) in [
            ("3 mars 2026", "%d %B %Y", "2026-03-02T23:00:00Z"),
            ("3 Mar 2026", "%d %b %Y", "2026-03-02T23:00:00Z"),
            ("03 MARS 2026", "%d %b %Y", "2026-03-02T23:00:00Z"),
            ("3 mar. 2026 10:15", "%d %b %Y %H:%M", "2026-03-03T09:15:00Z"),
            ("3 mar 2026 10:15", "%d %b. %Y %H:%M", "2026-03-03T09:15:00Z"),
            ("March 3, 2026 10:15 AM", "%B %d, %Y %I:%M %p", "2026-03-03T09:15:00Z"),
            ("1 maj 2026", "%d %B %Y", "2026-04-30T22:00:00Z"),
            ("5 okt. 2026 kl. 08.30", "%d %b %Y kl. %H.%M", "2026-10-05T06:30:00Z"),
            ("tisdag 3 mars 2026", "%A %d %B %Y", "2026-03-02T23:00:00Z"),
            ("12 juni 2026", "%d %B %Y", "2026-06-11T22:00:00Z"),
            (
                "30 februari 2026",
                "%d %B %Y",
                "says \"30 februari 2026\", which is no time in any of the profile's formats",
            ),
            ("3 marsch 2026", "%d %B %Y", "says \"3 marsch 2026\", which is no time in any of the profile's formats"),
        ] {
            assert_eq!(outcome(text, &[format]), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_format_is_refused() {
        for text in ["", "rfc", "%Q", "seconds", "%", &"%Y".repeat(60)] {
            assert_eq!(TimeFormat::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_and_no_format_panic(text in "\\PC{0,30}", parts in "[%a-zA-Z0-9 :+.#-]{0,12}") {
            let formats: Vec<String> = vec![parts, "epoch-seconds".to_owned(), "epoch-milliseconds".to_owned()];
            let formats: Vec<&str> = formats.iter().map(String::as_str).collect();
            outcome(&text, &formats);
        }
    }
}
