//! The share of the latest results that is linked, and whether it has fallen.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::rate;
use crate::calendar::{day_after, day_before};

/// The days that a share covers, the last of them included. It is compared with as many days before them.
pub const SHARE_DAYS: u32 = 28;

/// A share has fallen when it is at least so many percentage points below the one before.
pub const FALLEN_BY_POINTS: u64 = 5;

/// With fewer results than this in either period a fall is ignored: one result could cause it.
pub const COMPARED_FROM_RESULTS: u64 = 20;

/// The days of a share, and those before that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharePeriods {
    /// The first day of the period before.
    pub before_from: NaiveDate,
    /// The first day of the share's own period.
    pub from: NaiveDate,
    /// The last day of it.
    pub to: NaiveDate,
}

impl SharePeriods {
    /// The [`SHARE_DAYS`] days up to and including a day, and as many before: for 26 February 2026 those from 30
    /// January, and those from 2 January.
    #[must_use]
    pub fn up_to(day: NaiveDate) -> Self {
        let back = |from: NaiveDate| (0..SHARE_DAYS).fold(day_after(from), |day, _| day_before(day));
        let from = back(day);
        Self { before_from: back(day_before(from)), from, to: day }
    }

    /// The last day of the period before.
    #[must_use]
    pub fn before_to(&self) -> NaiveDate {
        day_before(self.from)
    }
}

/// Results of some days, each once: the linked ones, and those that wait. Dismissed ones are neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkedCount {
    pub linked: u64,
    pub waiting: u64,
}

impl LinkedCount {
    #[must_use]
    pub const fn results(self) -> u64 {
        self.linked + self.waiting
    }

    /// The linked results in percent of all; `None` if there are none.
    #[must_use]
    pub fn share(self) -> Option<Decimal> {
        rate(self.linked, self.results())
    }
}

/// The share of results that are linked, and the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkedShare {
    pub now: LinkedCount,
    pub before: LinkedCount,
}

impl LinkedShare {
    /// Whether the share lies at least [`FALLEN_BY_POINTS`] percentage points below the one before, compared exactly
    /// and not as rounded, with at least [`COMPARED_FROM_RESULTS`] results in either period.
    ///
    /// 90 of 100 after 95 of 100 has fallen; 91 of 100 has not.
    #[must_use]
    pub fn has_fallen(&self) -> bool {
        let (now, before) = (self.now, self.before);
        if now.results() < COMPARED_FROM_RESULTS || before.results() < COMPARED_FROM_RESULTS {
            return false;
        }
        let wide = u128::from;
        let was = wide(before.linked) * 100 * wide(now.results());
        let is = wide(now.linked) * 100 * wide(before.results());
        was >= is + wide(FALLEN_BY_POINTS) * wide(now.results()) * wide(before.results())
    }
}

/// The shares of all platforms together, and of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedShares {
    pub periods: SharePeriods,
    pub overall: LinkedShare,
    /// Of each platform with results in either period, by code.
    pub platforms: Vec<(String, LinkedShare)>,
}

impl LinkedShares {
    /// Whether some share has fallen.
    #[must_use]
    pub fn warns(&self) -> bool {
        self.overall.has_fallen() || self.platforms.iter().any(|(_, share)| share.has_fallen())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn share(now: (u64, u64), before: (u64, u64)) -> LinkedShare {
        LinkedShare {
            now: LinkedCount { linked: now.0, waiting: now.1 },
            before: LinkedCount { linked: before.0, waiting: before.1 },
        }
    }

    #[test]
    fn a_share_has_fallen_by_five_points_and_not_by_less() {
        for (now, before, fallen) in [
            ((90, 10), (95, 5), true),
            ((91, 9), (95, 5), false),
            ((901, 99), (95, 5), false),
            ((9001, 999), (95, 5), false),
            ((0, 20), (20, 0), true),
            ((0, 19), (20, 0), false),
            ((0, 20), (19, 0), false),
            ((100, 0), (50, 50), false),
            ((0, 0), (0, 0), false),
            ((0, 40), (0, 40), false),
        ] {
            assert_eq!(share(now, before).has_fallen(), fallen, "{now:?} after {before:?}");
        }
    }

    #[test]
    fn a_share_looks_at_twenty_eight_days_and_at_as_many_before() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        let periods = SharePeriods::up_to(day("2026-02-26"));
        assert_eq!((periods.before_from, periods.from), (day("2026-01-02"), day("2026-01-30")));
        assert_eq!(share((2, 1), (0, 0)).now.share().map(|share| share.to_string()).as_deref(), Some("66.7"));
        assert_eq!(LinkedCount::default().share(), None);
    }

    proptest! {
        #[test]
        fn a_share_that_is_no_lower_never_warns(linked in 0_u64..500, waiting in 0_u64..500, more in 0_u64..500) {
            prop_assert!(!share((linked + more, waiting), (linked, waiting)).has_fallen());
        }
    }
}
