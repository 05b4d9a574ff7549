//! A history as an administration may read it: the entries that belong to its own days (`access::OwnDays`).
//!
//! Facts with days (absences, exemptions) are cut to the own days. Facts without days (a name, an identity, a link) are
//! read through windows of transaction time, one for each unbroken run of own days. A fact that holds when a window
//! opens becomes known at that instant. Addresses of an own employment stay as they were at the end of the last own
//! day.

use chrono::{DateTime, TimeDelta, Utc};

use super::{HistoryRecord, Version};
use crate::access::OwnDays;
use crate::calendar::{CityCalendar, Stretch};
use crate::directory::records::{AbsenceRecord, EmploymentRecord, ExemptionRecord};

/// A run of instants: from the first up to and not including the second (`None`: for ever).
pub type Window = (DateTime<Utc>, Option<DateTime<Utc>>);

/// The windows through which facts without days are read; `None`: everything. `first_known_at` is the instant at which
/// the register first knew of an own employment. No window opens before it, and one that lies in the future opens at
/// it.
#[must_use]
pub fn windows(
    own: &OwnDays,
    calendar: CityCalendar,
    first_known_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<Vec<Window>> {
    let OwnDays::Only(days) = own else { return None };
    let window = |stretch: &Stretch| {
        let opens = calendar.first_instant_of(stretch.first);
        let opens = if opens > now { first_known_at } else { opens.max(first_known_at) };
        // A person who had left before the register knew of them is shown as they were at that instant.
        let least = opens + TimeDelta::microseconds(1);
        (opens, stretch.until.map(|until| calendar.first_instant_of(until).max(least)))
    };
    Some(days.stretches().iter().map(window).collect())
}

/// The versions of facts without days, as the windows show them, in the order of their instants.
#[must_use]
pub fn through<T: HistoryRecord + Clone + PartialEq>(versions: Vec<Version<T>>, windows: &[Window]) -> Vec<Version<T>> {
    let mut sorted = versions;
    sorted.sort_by_key(|version| version.recorded_at);
    let mut seen: Vec<Version<T>> = Vec::new();
    for (opens, closes) in windows {
        for version in &sorted {
            let from = version.recorded_at.max(*opens);
            let is_seen = version.superseded_at.is_none_or(|superseded| from < superseded)
                && closes.is_none_or(|closes| from < closes);
            if !is_seen {
                continue;
            }
            let until = version.superseded_at.filter(|superseded| closes.is_none_or(|closes| *superseded < closes));
            // A fact that still holds when the next window opens is known already. A change in the meantime is shown
            // then.
            let key = version.record.key();
            let last = seen.iter_mut().rev().find(|last| last.record.key() == key && last.superseded_at.is_none());
            match last {
                Some(last) if last.record == version.record => last.superseded_at = until,
                last => {
                    if let Some(last) = last {
                        last.superseded_at = Some(from);
                    }
                    seen.push(Version { record: version.record.clone(), recorded_at: from, superseded_at: until });
                }
            }
        }
    }
    seen
}

/// The versions of own employments with the addresses and the manager that were known before an instant (`None`: all):
/// the caller may not see later ones.
#[must_use]
pub fn with_addresses_of_then(
    mut versions: Vec<Version<EmploymentRecord>>,
    until: Option<DateTime<Utc>>,
) -> Vec<Version<EmploymentRecord>> {
    let Some(until) = until else { return versions };
    versions.sort_by_key(|version| version.recorded_at);
    let mut last: std::collections::BTreeMap<String, EmploymentRecord> = std::collections::BTreeMap::new();
    for version in &mut versions {
        let key = version.record.key();
        if let Some(last) = last.get(&key).filter(|_| version.recorded_at >= until) {
            version.record.email.clone_from(&last.email);
            version.record.username.clone_from(&last.username);
            version.record.manager.clone_from(&last.manager);
        } else {
            last.insert(key, version.record.clone());
        }
    }
    versions
}

/// A fact with a first and a last day.
pub trait Dated: Clone {
    fn days(&self) -> Option<Stretch>;
    fn set_days(&mut self, days: Stretch);

    /// Removes the reason, if there is one.
    fn forget_reason(&mut self) {}
}

impl Dated for AbsenceRecord {
    fn days(&self) -> Option<Stretch> {
        Stretch::inclusive(self.starts_on, self.ends_on)
    }

    fn set_days(&mut self, days: Stretch) {
        (self.starts_on, self.ends_on) = (days.first, days.last());
    }
}

impl Dated for ExemptionRecord {
    fn days(&self) -> Option<Stretch> {
        Stretch::inclusive(self.starts_on, self.ends_on)
    }

    fn set_days(&mut self, days: Stretch) {
        (self.starts_on, self.ends_on) = (days.first, days.last());
    }

    fn forget_reason(&mut self) {
        self.reason.clear();
    }
}

/// The versions of facts with days, cut to the own days, without the reasons of another administration's days.
#[must_use]
pub fn on_own_days<T: Dated>(versions: Vec<Version<T>>, own: &OwnDays, calendar: CityCalendar) -> Vec<Version<T>> {
    if *own == OwnDays::All {
        return versions;
    }
    let cut = |version: Version<T>| -> Vec<Version<T>> {
        let Some(days) = version.record.days() else { return Vec::new() };
        let may_read = own.may_read_reason(calendar.day_of(version.recorded_at), Some(days));
        let piece = |days: Stretch| {
            let mut piece = version.clone();
            piece.record.set_days(days);
            if !may_read {
                piece.record.forget_reason();
            }
            piece
        };
        own.within(days).into_iter().map(piece).collect()
    };
    versions.into_iter().flat_map(cut).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::entries_of;
    use crate::ids::EmployeeNumber;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).expect("an instant")
    }

    fn absence(first: &str, last: &str) -> AbsenceRecord {
        AbsenceRecord {
            employee_number: EmployeeNumber::parse("1001").expect("a number"),
            starts_on: first.parse().expect("a day"),
            ends_on: last.parse().ok(),
        }
    }

    fn version(record: AbsenceRecord, from: i64, until: Option<i64>) -> Version<AbsenceRecord> {
        Version { record, recorded_at: at(from), superseded_at: until.map(at) }
    }

    fn own(first: &str, last: &str) -> OwnDays {
        let days = Stretch::inclusive(first.parse().expect("a day"), last.parse().ok());
        OwnDays::Only(crate::calendar::DaySet::union_of(days))
    }

    #[test]
    fn an_absence_is_told_by_its_own_days_and_a_change_of_the_others_is_not() {
        let versions = vec![
            version(absence("2026-03-10", "2026-05-01"), 1, Some(2)),
            version(absence("2026-03-10", "2026-06-01"), 2, None),
            version(absence("2026-07-01", "2026-07-02"), 3, None),
        ];
        let seen = on_own_days(versions, &own("2026-01-01", "2026-03-31"), CityCalendar::default());
        let entries = entries_of(&seen);
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].changes[1].after.as_deref(), Some("2026-03-31"));
    }

    #[test]
    fn a_window_shows_what_held_when_it_opened_and_nothing_behind_it() {
        let first = absence("2026-01-01", "2026-01-02");
        let second = absence("2026-01-01", "2026-01-03");
        let third = absence("2026-01-01", "2026-01-04");
        let versions = vec![version(first, 1, Some(4)), version(second.clone(), 4, Some(9)), version(third, 9, None)];
        let seen = through(versions, &[(at(5), Some(at(8)))]);
        assert_eq!(seen, [version(second, 5, None)]);
    }

    #[test]
    fn what_changed_between_two_windows_is_told_when_the_second_opens() {
        let (one, two) = (absence("2026-01-01", "2026-01-02"), absence("2026-01-01", "2026-01-03"));
        let versions = vec![version(one.clone(), 1, Some(5)), version(two.clone(), 5, None)];
        let seen = through(versions, &[(at(2), Some(at(3))), (at(7), None)]);
        assert_eq!(seen, [version(one, 2, Some(7)), version(two, 7, None)]);
    }

    proptest! {
        /// Facts recorded outside all windows change nothing that is seen.
        #[test]
        fn what_is_recorded_behind_the_last_window_is_not_seen(
            instants in prop::collection::btree_set(0..20_i64, 1..6), closes in 1..20_i64,
        ) {
            let instants: Vec<i64> = instants.into_iter().collect();
            let all = |instants: &[i64]| -> Vec<Version<AbsenceRecord>> {
                instants.iter().enumerate().map(|(nth, from)| {
                    let until = instants.get(nth + 1).copied();
                    version(absence("2026-01-01", &format!("2026-02-{:02}", nth + 1)), *from, until)
                }).collect()
            };
            let window = [(at(0), Some(at(closes)))];
            let seen = through(all(&instants), &window);
            let known: Vec<i64> = instants.iter().copied().filter(|at| *at < closes).collect();
            prop_assert_eq!(seen, through(all(&known), &window));
        }
    }
}
