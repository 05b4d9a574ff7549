//! How a platform's text of a time becomes an instant.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::fault::Fault;

/// How far after its reception a thing may have happened by the sender's clock.
const MAX_AHEAD: TimeDelta = TimeDelta::hours(24);

/// 1990-01-01T00:00:00Z in seconds since 1970: what is said to be older is a fault of the sender, not history.
const EARLIEST: i64 = 631_152_000;

/// How texts begin that platforms send for "never": .NET's and MySQL's empty dates.
pub(crate) const NEVER: [&str; 2] = ["0001-01-01", "0000-00-00"];

/// What the reading of a platform's times rests on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlatformClock {
    /// Where times without an offset are from.
    pub(crate) zone: Tz,
    pub(crate) received_at: DateTime<Utc>,
}

impl PlatformClock {
    /// Reads a time: RFC 3339, or the same without an offset, which is then the zone's. `None` where the text says
    /// "never": empty, year 1, or the instant from which computers count.
    ///
    /// A local time that clocks showed twice is the earlier of the two; one that they skipped is refused. What is finer
    /// than a microsecond, which is what the store keeps, is cut off.
    pub(crate) fn read(&self, text: &str) -> Result<Option<DateTime<Utc>>, Fault> {
        let text = text.trim();
        if text.is_empty() || NEVER.iter().any(|never| text.starts_with(never)) {
            return Ok(None);
        }
        let instant = match DateTime::parse_from_rfc3339(text) {
            Ok(time) => time.to_utc(),
            Err(_) => {
                let local = DateTime::parse_from_rfc3339(&format!("{text}Z"))
                    .map_err(|_| Fault::NotATime { zone: self.zone })?
                    .naive_utc();
                if local == DateTime::UNIX_EPOCH.naive_utc() {
                    return Ok(None);
                }
                self.of_local(local)?
            }
        };
        self.bounded(instant)
    }

    /// The instant of a local time of the zone.
    pub(crate) fn of_local(&self, local: NaiveDateTime) -> Result<DateTime<Utc>, Fault> {
        match self.zone.from_local_datetime(&local) {
            MappedLocalTime::Single(time) | MappedLocalTime::Ambiguous(time, _) => Ok(time.to_utc()),
            MappedLocalTime::None => Err(Fault::SkippedTime { zone: self.zone }),
        }
    }

    /// An instant at which somebody may have done something, to the microsecond; `None` for the one from which
    /// computers count.
    pub(crate) fn bounded(&self, instant: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Fault> {
        if instant == DateTime::UNIX_EPOCH {
            return Ok(None);
        }
        if instant.signed_duration_since(self.received_at) > MAX_AHEAD {
            return Err(Fault::InTheFuture { received_at: self.received_at });
        }
        if instant.timestamp() < EARLIEST {
            return Err(Fault::TooLongAgo);
        }
        DateTime::from_timestamp_micros(instant.timestamp_micros()).map(Some).ok_or(Fault::NotATime { zone: self.zone })
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Stockholm;

    use super::*;

    fn instant(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).expect("an instant").to_utc()
    }

    fn read(text: &str) -> Result<Option<DateTime<Utc>>, Fault> {
        PlatformClock { zone: Stockholm, received_at: instant("2026-11-01T12:00:00Z") }.read(text)
    }

    #[test]
    fn a_time_with_an_offset_is_that_instant() {
        for (text, expected) in [
            ("2026-03-02T08:14:58+01:00", "2026-03-02T07:14:58Z"),
            ("2026-03-02t07:14:58z", "2026-03-02T07:14:58Z"),
            (" 2026-03-02 07:14:58Z ", "2026-03-02T07:14:58Z"),
            ("2026-03-02T07:14:58.1234567Z", "2026-03-02T07:14:58.123456Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ] {
            assert_eq!(read(text), Ok(Some(instant(expected))), "{text}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_the_platforms() {
        for (text, expected) in [
            ("2026-03-02T08:14:58", "2026-03-02T07:14:58Z"),
            ("2026-07-02 08:14:58", "2026-07-02T06:14:58Z"),
            ("2026-07-02T08:14:58.990", "2026-07-02T06:14:58.990Z"),
            // 25 October 2026, when clocks went back at 03:00: 02:30 came first in summer time.
            ("2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(read(text), Ok(Some(instant(expected))), "{text}");
        }
    }

    #[test]
    fn a_local_time_that_clocks_skipped_is_refused() {
        assert_eq!(read("2026-03-29T02:30:00"), Err(Fault::SkippedTime { zone: Stockholm }));
        assert!(read("2026-03-29T02:30:00+01:00").is_ok());
    }

    #[test]
    fn what_platforms_send_for_never_is_absent() {
        for text in [
            "",
            "  ",
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00",
            "0001-01-01T00:00:00+00:49",
            "0001-01-01",
            "0000-00-00 00:00:00",
            "1970-01-01T00:00:00Z",
            "1970-01-01T00:00:00.000Z",
            "1970-01-01T00:00:00",
            "1970-01-01T01:00:00+01:00",
        ] {
            assert_eq!(read(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn the_future_begins_a_day_after_the_reception() {
        assert!(read("2026-11-02T12:00:00Z").is_ok());
        let received_at = instant("2026-11-01T12:00:00Z");
        for text in ["2026-11-02T12:00:00.000001Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59"] {
            assert_eq!(read(text), Err(Fault::InTheFuture { received_at }), "{text}");
        }
    }

    #[test]
    fn nobody_did_a_course_before_1990() {
        assert!(read("1990-01-01T00:00:00Z").is_ok());
        for text in ["1989-12-31T23:59:59Z", "1990-01-01T00:30:00", "1970-01-01T00:00:01Z", "0002-01-01T00:00:00Z"] {
            assert_eq!(read(text), Err(Fault::TooLongAgo), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["yesterday", "2026-03-02", "2026-13-02T08:00:00Z", "2026-02-30T08:00:00", "1772439300", "Z", "åZ"]
        {
            assert_eq!(read(text), Err(Fault::NotATime { zone: Stockholm }), "{text}");
        }
    }
}
