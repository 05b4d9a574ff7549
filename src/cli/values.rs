//! Days and instants as arguments, with errors that show what they look like.

use chrono::{DateTime, NaiveDate, Utc};

/// Reads a day; the error shows one, and the day that was probably meant if it is in a common format.
pub fn day(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| match written_otherwise(text) {
        Some(meant) => format!("a day is written year first: {meant}"),
        None => "a day is written as 2026-12-31".to_owned(),
    })
}

/// Reads an instant; the error shows one.
pub fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    text.parse().map_err(|_| match text.parse::<NaiveDate>().ok().or_else(|| written_otherwise(text)) {
        Some(day) => format!("an instant has a time and an offset (RFC 3339): {day}T12:00:00Z"),
        None => "an instant is written as 2026-12-31T12:00:00Z or 2026-12-31T13:00:00+01:00 (RFC 3339)".to_owned(),
    })
}

/// A day as `31/12/2026`, `31.12.2026` or `31-12-2026`, of which only one reading is a day; or as `20261231` or
/// `2026/12/31`.
fn written_otherwise(text: &str) -> Option<NaiveDate> {
    let one_reading = |separator: char| {
        let read = |format: String| NaiveDate::parse_from_str(text, &format).ok();
        let (day_first, month_first) =
            (read(format!("%d{separator}%m{separator}%Y")), read(format!("%m{separator}%d{separator}%Y")));
        match (day_first, month_first) {
            (Some(day), None) | (None, Some(day)) => Some(day),
            (Some(one), Some(other)) if one == other => Some(one),
            _ => None,
        }
    };
    let year_first =
        ["%Y%m%d", "%Y/%m/%d", "%Y.%m.%d"].iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok());
    year_first.or_else(|| ['/', '.', '-'].into_iter().find_map(one_reading))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_is_written_otherwise_is_shown_as_it_is_written_here() {
        for (text, shown) in [
            ("31/12/2026", "a day is written year first: 2026-12-31"),
            ("12/31/2026", "a day is written year first: 2026-12-31"),
            ("31.12.2026", "a day is written year first: 2026-12-31"),
            ("20261231", "a day is written year first: 2026-12-31"),
            // Nobody knows which of the two is the month.
            ("01/02/2026", "a day is written as 2026-12-31"),
            ("2026-02-30", "a day is written as 2026-12-31"),
            ("yesterday", "a day is written as 2026-12-31"),
        ] {
            assert_eq!(day(text), Err(shown.to_owned()), "{text}");
        }
        assert_eq!(day("2026-12-31"), Ok(NaiveDate::from_ymd_opt(2026, 12, 31).expect("a day")));
    }

    #[test]
    fn an_instant_without_a_time_is_shown_with_one() {
        assert_eq!(
            instant("2026-01-01"),
            Err("an instant has a time and an offset (RFC 3339): 2026-01-01T12:00:00Z".to_owned())
        );
        assert!(instant("2026-01-01T12:00:00").is_err_and(|error| error.contains("2026-12-31T13:00:00+01:00")));
        assert!(instant("2026-01-01T13:00:00+01:00").is_ok());
    }
}
