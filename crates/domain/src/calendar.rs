//! Days: how an instant becomes one, how months are added, and sets of days.
//!
//! The rules speak of calendar days in the city's time zone (DESIGN, section 2). [`CityCalendar::day_of`] is the one
//! place where an instant becomes a day.

use std::fmt;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// The city's calendar: its time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CityCalendar {
    pub zone: Tz,
}

impl CityCalendar {
    #[must_use]
    pub const fn new(zone: Tz) -> Self {
        Self { zone }
    }

    /// The calendar day of an instant in the city: `2026-03-28T23:30:00Z` is 29 March in Stockholm.
    #[must_use]
    pub fn day_of(&self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.zone).date_naive()
    }

    /// The first instant of a day in the city. All instants from it until the next day's first instant are on that day.
    #[must_use]
    pub fn first_instant_of(&self, day: NaiveDate) -> DateTime<Utc> {
        // Where clocks go forward at midnight, the day begins later. No zone ever skipped more than a day.
        let quarters = (0..=96)
            .filter_map(|quarters| day.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::minutes(15 * quarters)));
        let mut begins = quarters.filter_map(|local| local.and_local_timezone(self.zone).earliest());
        begins.next().map_or_else(|| day.and_time(NaiveTime::MIN).and_utc(), |begins| begins.to_utc())
    }
}

impl Default for CityCalendar {
    fn default() -> Self {
        Self::new(chrono_tz::Europe::Stockholm)
    }
}

/// The last day that the calendar knows. Represents "for ever" when an end is needed.
pub const LAST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// The day that many days later, at the most [`LAST_DAY`].
#[must_use]
pub fn add_days(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_add_days(Days::new(days.into())).map_or(LAST_DAY, |d| d.min(LAST_DAY))
}

/// The next day, at the most [`LAST_DAY`].
#[must_use]
pub fn day_after(day: NaiveDate) -> NaiveDate {
    add_days(day, 1)
}

/// The day before.
#[must_use]
pub fn day_before(day: NaiveDate) -> NaiveDate {
    day.pred_opt().unwrap_or(day)
}

/// The day that many calendar months later, clamped to the month's end: 31 January + 1 month is 28 or 29 February.
#[must_use]
pub fn add_months(day: NaiveDate, months: u32) -> NaiveDate {
    day.checked_add_months(Months::new(months)).map_or(LAST_DAY, |d| d.min(LAST_DAY))
}

/// A day of each year, as `12-31`; 29 February is the month's last day in years that have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AnnualDay {
    month: u32,
    day: u32,
}

/// Why a text is not a day of each year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a month and a day of it in quotes, as \"12-31\"")]
pub struct NotAnAnnualDay;

impl AnnualDay {
    /// Reads `12-31`, any day that some year has.
    pub fn parse(text: &str) -> Result<Self, NotAnAnnualDay> {
        let two_digits = |text: &str| -> Option<u32> {
            let are_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            are_digits.then(|| text.parse().ok()).flatten()
        };
        let (month, day) = text.split_once('-').ok_or(NotAnAnnualDay)?;
        let (month, day) = two_digits(month).zip(two_digits(day)).ok_or(NotAnAnnualDay)?;
        // A leap year has every day that any year has.
        NaiveDate::from_ymd_opt(2024, month, day).map(|_| Self { month, day }).ok_or(NotAnAnnualDay)
    }

    fn in_year(self, year: i32) -> Option<NaiveDate> {
        let in_month = NaiveDate::from_ymd_opt(year, self.month, self.day);
        in_month.or_else(|| NaiveDate::from_ymd_opt(year, self.month, self.day.checked_sub(1)?))
    }

    /// The first such day after a day. After 31 December itself, it is that of the next year.
    #[must_use]
    pub fn next_after(self, day: NaiveDate) -> NaiveDate {
        let this_year = self.in_year(day.year()).filter(|this| *this > day);
        let next = this_year.or_else(|| self.in_year(day.year().checked_add(1)?));
        next.map_or(LAST_DAY, |next| next.min(LAST_DAY))
    }
}

impl fmt::Display for AnnualDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl From<AnnualDay> for String {
    fn from(day: AnnualDay) -> Self {
        day.to_string()
    }
}

impl TryFrom<String> for AnnualDay {
    type Error = NotAnAnnualDay;

    fn try_from(text: String) -> Result<Self, NotAnAnnualDay> {
        Self::parse(&text)
    }
}

/// Consecutive days: from `first` up to and not including `until` (`None`: for ever). Never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stretch {
    pub first: NaiveDate,
    pub until: Option<NaiveDate>,
}

impl Stretch {
    /// The days `[first, until)`; `None` if they would be empty.
    #[must_use]
    pub fn new(first: NaiveDate, until: Option<NaiveDate>) -> Option<Self> {
        until.is_none_or(|until| first < until).then_some(Self { first, until })
    }

    /// The days from `first` to `last`, both included (`None`: open), as HR's files have them.
    #[must_use]
    pub fn inclusive(first: NaiveDate, last: Option<NaiveDate>) -> Option<Self> {
        Self::new(first, last.filter(|last| *last < LAST_DAY).map(day_after))
    }

    #[must_use]
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.first <= day && self.until.is_none_or(|until| day < until)
    }

    /// The last day of the stretch; `None` if it holds for ever.
    #[must_use]
    pub fn last(&self) -> Option<NaiveDate> {
        self.until.map(day_before)
    }

    /// How many days it has; `None` if it holds for ever.
    #[must_use]
    pub fn length(&self) -> Option<u32> {
        self.until.map(|until| u32::try_from((until - self.first).num_days()).unwrap_or(u32::MAX))
    }

    /// The days that both have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let until = match (self.until, other.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self::new(self.first.max(other.first), until)
    }
}

/// A set of days, as stretches in order that neither overlap nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DaySet(Vec<Stretch>);

impl DaySet {
    /// The union of the stretches, given in any order.
    #[must_use]
    pub fn union_of(stretches: impl IntoIterator<Item = Stretch>) -> Self {
        let mut sorted: Vec<Stretch> = stretches.into_iter().collect();
        sorted.sort_unstable_by_key(|stretch| stretch.first);
        let mut merged: Vec<Stretch> = Vec::with_capacity(sorted.len());
        for stretch in sorted {
            match merged.last_mut() {
                Some(previous) if previous.until.is_none_or(|until| stretch.first <= until) => {
                    previous.until = match (previous.until, stretch.until) {
                        (Some(a), Some(b)) => Some(a.max(b)),
                        _ => None,
                    };
                }
                _ => merged.push(stretch),
            }
        }
        Self(merged)
    }

    /// The days that both sets have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut common = Vec::new();
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            common.extend(a.intersection(b));
            let a_ends_first = match (a.until, b.until) {
                (Some(x), Some(y)) => x <= y,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if a_ends_first {
                left.next();
            } else {
                right.next();
            }
        }
        Self(common)
    }

    #[must_use]
    pub fn stretches(&self) -> &[Stretch] {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The stretch that holds a day.
    #[must_use]
    pub fn stretch_at(&self, day: NaiveDate) -> Option<Stretch> {
        let after = self.0.partition_point(|stretch| stretch.first <= day);
        self.0[..after].last().copied().filter(|stretch| stretch.contains(day))
    }

    #[must_use]
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.stretch_at(day).is_some()
    }

    /// The last stretch that begins on or before a day.
    #[must_use]
    pub fn last_stretch_from_before(&self, day: NaiveDate) -> Option<Stretch> {
        self.0[..self.0.partition_point(|stretch| stretch.first <= day)].last().copied()
    }

    /// Whether the set has a day from `first` to `last`, both included.
    #[must_use]
    pub fn touches(&self, first: NaiveDate, last: NaiveDate) -> bool {
        self.last_stretch_from_before(last)
            .is_some_and(|stretch| first <= last && stretch.until.is_none_or(|until| first < until))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn an_instant_becomes_the_citys_day_across_midnight_and_daylight_saving() {
        let city = CityCalendar::default();
        let at = |text: &str| city.day_of(DateTime::parse_from_rfc3339(text).expect("an instant").to_utc());
        assert_eq!(at("2026-01-31T22:59:59Z"), day("2026-01-31"));
        assert_eq!(at("2026-01-31T23:00:00Z"), day("2026-02-01"));
        assert_eq!(at("2026-07-01T21:59:59Z"), day("2026-07-01"));
        assert_eq!(at("2026-07-01T22:00:00Z"), day("2026-07-02"));
        // The night when clocks go forward, 29 March 2026: midnight is still at +01:00.
        assert_eq!(at("2026-03-28T23:00:00Z"), day("2026-03-29"));
        assert_eq!(at("2026-03-29T22:00:00Z"), day("2026-03-30"));
        // And back, 25 October 2026.
        assert_eq!(at("2026-10-24T22:00:00Z"), day("2026-10-25"));
        assert_eq!(at("2026-10-25T22:59:59Z"), day("2026-10-25"));
        assert_eq!(at("2026-10-25T23:00:00Z"), day("2026-10-26"));
        assert_eq!(CityCalendar::new(Tz::UTC).day_of(Utc.timestamp_opt(0, 0).unwrap()), day("1970-01-01"));
    }

    #[test]
    fn a_day_begins_at_its_first_instant_also_where_clocks_skip_midnight() {
        for zone in [Tz::Europe__Stockholm, Tz::UTC, Tz::America__Sao_Paulo, Tz::Asia__Beirut, Tz::Pacific__Auckland] {
            let calendar = CityCalendar::new(zone);
            for days in 0..800 {
                let day = add_days(day("2017-01-01"), days);
                let first = calendar.first_instant_of(day);
                assert_eq!(calendar.day_of(first), day, "{zone}");
                assert_eq!(calendar.day_of(first - TimeDelta::microseconds(1)), day_before(day), "{zone}");
            }
            // Absurdly distant days are no reason to panic.
            assert!(calendar.first_instant_of(NaiveDate::MIN) < calendar.first_instant_of(NaiveDate::MAX));
        }
    }

    #[test]
    fn months_are_clamped_to_the_months_end() {
        assert_eq!(add_months(day("2026-01-31"), 1), day("2026-02-28"));
        assert_eq!(add_months(day("2028-01-31"), 1), day("2028-02-29"));
        assert_eq!(add_months(day("2028-02-29"), 12), day("2029-02-28"));
        assert_eq!(add_months(day("2028-02-29"), 48), day("2032-02-29"));
        assert_eq!(add_months(day("9999-12-01"), 5), LAST_DAY);
    }

    #[test]
    fn the_next_day_of_each_year_lies_after_the_day_and_follows_leap_years() {
        for (annual, from, next) in [
            ("12-31", "2026-03-10", "2026-12-31"),
            ("12-31", "2026-12-30", "2026-12-31"),
            ("12-31", "2026-12-31", "2027-12-31"),
            ("06-30", "2026-07-01", "2027-06-30"),
            ("02-29", "2026-01-10", "2026-02-28"),
            ("02-29", "2026-02-28", "2027-02-28"),
            ("02-29", "2027-02-28", "2028-02-29"),
            ("02-29", "2028-02-28", "2028-02-29"),
            ("12-31", "9999-12-31", "9999-12-31"),
        ] {
            assert_eq!(
                AnnualDay::parse(annual).expect(annual).next_after(day(from)),
                day(next),
                "{annual} after {from}"
            );
        }
        for text in
            ["", "12", "31-12", "13-01", "02-30", "04-31", "00-10", "1-1", "12-31-", "+1-01", "12–31", "2026-12-31"]
        {
            assert_eq!(AnnualDay::parse(text), Err(NotAnAnnualDay), "{text}");
        }
        assert_eq!(AnnualDay::parse("02-29").expect("a day").to_string(), "02-29");
    }

    prop_compose! {
        fn stretches()(raw in prop::collection::vec((0u32..60, prop::option::of(0u32..20)), 0..8)) -> Vec<Stretch> {
            let base = day("2026-01-01");
            raw.into_iter()
                .filter_map(|(from, length)| {
                    Stretch::new(add_days(base, from), length.map(|length| add_days(base, from + length)))
                })
                .collect()
        }
    }

    proptest! {
        #[test]
        fn a_day_set_is_what_its_stretches_say_day_by_day(a in stretches(), b in stretches()) {
            let (left, right) = (DaySet::union_of(a.clone()), DaySet::union_of(b.clone()));
            let both = left.intersection(&right);
            let base = day("2025-12-30");
            let mut counted = 0;
            for offset in 0..90 {
                let today = add_days(base, offset);
                let in_a = a.iter().any(|s| s.contains(today));
                let in_b = b.iter().any(|s| s.contains(today));
                prop_assert_eq!(left.contains(today), in_a);
                prop_assert_eq!(both.contains(today), in_a && in_b);
                counted += u32::from(in_a);
                prop_assert_eq!(left.touches(base, today), counted > 0);
                prop_assert_eq!(left.touches(today, today), in_a);
            }
            for pair in left.stretches().windows(2) {
                prop_assert!(pair[0].until.is_some_and(|until| until < pair[1].first));
            }
        }
    }
}
