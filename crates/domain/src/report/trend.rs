//! The days of a trend, and the tree in which it is read.

use std::fmt;

use chrono::{Datelike, Days, Months, NaiveDate};

use crate::calendar::day_before;

/// The distance between the points of a trend; each is the last day of its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Monday to Sunday.
    Week,
    Month,
    Quarter,
}

/// The tree in which administrations are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tree {
    /// Each point in the tree of its own day.
    OfDay,
    /// All points in today's tree: people count in the administration that has them by now.
    Today,
}

macro_rules! words {
    ($name:ident, $($variant:ident = $word:literal),+) => {
        impl $name {
            pub const WORDS: &[&str] = &[$($word),+];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|known| known.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(Interval, Week = "week", Month = "month", Quarter = "quarter");
words!(Tree, OfDay = "of_day", Today = "today");

/// The most points that a trend has.
pub const MAX_POINTS: usize = 60;

/// Why there are no points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrendFault {
    #[error("from {from} lies after to {to}")]
    EmptyPeriod { from: NaiveDate, to: NaiveDate },
    #[error(
        "from {from} to {to} has more than {MAX_POINTS} points by {interval}; request a shorter time or a longer interval"
    )]
    TooManyPoints { from: NaiveDate, to: NaiveDate, interval: Interval },
}

/// The last day of the interval in which a day lies.
fn last_day_of(day: NaiveDate, interval: Interval) -> NaiveDate {
    let months = match interval {
        Interval::Week => {
            let left = 6 - u64::from(day.weekday().num_days_from_monday());
            return day.checked_add_days(Days::new(left)).unwrap_or(day);
        }
        Interval::Month => 1,
        Interval::Quarter => 3 - day.month0() % 3,
    };
    let next = day.with_day(1).and_then(|first| first.checked_add_months(Months::new(months)));
    next.map_or(day, day_before)
}

/// The last day of each interval from one day to another, and that other day, in order.
pub fn points(from: NaiveDate, to: NaiveDate, interval: Interval) -> Result<Vec<NaiveDate>, TrendFault> {
    if from > to {
        return Err(TrendFault::EmptyPeriod { from, to });
    }
    let mut points = Vec::new();
    let mut day = from;
    loop {
        if points.len() == MAX_POINTS {
            return Err(TrendFault::TooManyPoints { from, to, interval });
        }
        let last = last_day_of(day, interval);
        if last >= to {
            points.push(to);
            return Ok(points);
        }
        points.push(last);
        day = last.succ_opt().unwrap_or(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(from: &str, to: &str, interval: Interval) -> String {
        let days = points(from.parse().expect("a day"), to.parse().expect("a day"), interval);
        days.map_or_else(|why| why.to_string(), |days| days.iter().map(|d| d.to_string()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn points_are_the_last_days_of_intervals_and_the_last_day() {
        assert_eq!(shown("2025-12-15", "2026-02-10", Interval::Month), "2025-12-31 2026-01-31 2026-02-10");
        assert_eq!(shown("2025-12-15", "2026-02-28", Interval::Month), "2025-12-31 2026-01-31 2026-02-28");
        assert_eq!(shown("2028-02-01", "2028-07-01", Interval::Quarter), "2028-03-31 2028-06-30 2028-07-01");
        assert_eq!(shown("2026-02-23", "2026-03-04", Interval::Week), "2026-03-01 2026-03-04");
        assert_eq!(shown("2026-02-26", "2026-02-26", Interval::Week), "2026-02-26");
        assert_eq!(shown("2026-02-27", "2026-02-26", Interval::Week), "from 2026-02-27 lies after to 2026-02-26");
    }

    #[test]
    fn there_are_at_the_most_so_many() {
        assert_eq!(shown("2021-01-01", "2025-12-31", Interval::Month).split(' ').count(), MAX_POINTS);
        assert!(shown("2021-01-01", "2026-01-01", Interval::Month).contains("more than 60 points"));
    }
}
