//! Formats of days, as a mapping gives them.

use std::fmt::Write;

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

/// A format of chrono's, such as `%Y-%m-%d`, that gives a whole day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DayFormat {
    written: String,
    items: Vec<Item<'static>>,
}

impl DayFormat {
    /// Reads a format; nothing if a day that it writes cannot be read back.
    pub fn parse(written: &str) -> Option<Self> {
        let items: Vec<Item<'static>> = StrftimeItems::new(written).parse_to_owned().ok()?;
        let format = Self { written: written.to_owned(), items };
        let probe = NaiveDate::from_ymd_opt(2026, 3, 5)?.and_hms_opt(14, 7, 9)?;
        (format.day(&format.text(probe)?) == Some(probe.date())).then_some(format)
    }

    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The day that a text gives in exactly this format: `2026-3-1` is not `%Y-%m-%d`.
    pub fn day(&self, text: &str) -> Option<NaiveDate> {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).ok()?;
        let day = parsed.to_naive_date().ok()?;
        let time = parsed.to_naive_time().unwrap_or(NaiveTime::MIN);
        self.text(day.and_time(time)).is_some_and(|same| same.eq_ignore_ascii_case(text)).then_some(day)
    }

    fn text(&self, moment: NaiveDateTime) -> Option<String> {
        let mut text = String::new();
        write!(text, "{}", moment.format_with_items(self.items.iter())).ok()?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(format: &str, text: &str) -> Option<String> {
        DayFormat::parse(format).expect("a format").day(text).map(|day| day.to_string())
    }

    #[test]
    fn a_day_is_read_in_exactly_the_format_that_is_given() {
        assert_eq!(day("%Y-%m-%d", "2026-03-01").as_deref(), Some("2026-03-01"));
        assert_eq!(day("%d.%m.%Y", "01.03.2026").as_deref(), Some("2026-03-01"));
        assert_eq!(day("%-d/%-m %Y", "1/3 2026").as_deref(), Some("2026-03-01"));
        assert_eq!(day("%y%m%d", "260301").as_deref(), Some("2026-03-01"));
        assert_eq!(day("%Y-%m-%d %H:%M:%S", "2026-03-01 00:00:00").as_deref(), Some("2026-03-01"));
        for (format, text) in [("%Y-%m-%d", "2026-3-1"), ("%Y%m%d", "2026301"), ("%Y-%m-%d", "2026-02-30")] {
            assert_eq!(day(format, text), None, "{text}");
        }
    }

    #[test]
    fn a_format_that_tells_no_day_is_none() {
        for format in ["", "%Y-%m", "%Q", "yyyy-mm-dd", "%H:%M", "%"] {
            assert_eq!(DayFormat::parse(format), None, "{format}");
        }
    }
}
