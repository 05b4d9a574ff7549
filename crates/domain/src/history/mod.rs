//! A person's history in the register, in order: what changed, from which value to which, who said so, and when.
//!
//! A fact is stored in versions, each known for a time. [`entries_of`] turns the versions of one kind into entries,
//! [`Story`] sorts the entries of all kinds and hides protected values. The store reads the versions.

mod decisions;
mod facts;
mod merges;
mod proposals;
pub mod scoped;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::ids::EmployeeNumber;

pub use decisions::entries_of_decision;
pub use facts::{DecidedExemption, Link, PriorTraining, Received};
pub use merges::entries_of_merge;
pub use proposals::entries_of_proposal;

/// A record as it was known from an instant up to another (`None`: still known).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version<T> {
    pub record: T,
    pub recorded_at: DateTime<Utc>,
    pub superseded_at: Option<DateTime<Utc>>,
}

impl<T> Version<T> {
    /// Whether it was known at an instant.
    #[must_use]
    pub fn is_known_at(&self, at: DateTime<Utc>) -> bool {
        self.recorded_at <= at && self.superseded_at.is_none_or(|superseded| at < superseded)
    }
}

/// The version known just before an instant, among the versions of one record in order; if none was known by then, the
/// first one.
#[must_use]
pub fn last_before<T>(versions: &[Version<T>], at: DateTime<Utc>) -> Option<&T> {
    let last = versions.iter().rev().find(|version| version.recorded_at < at);
    last.or(versions.first()).map(|version| &version.record)
}

/// The subject of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Person,
    Employment,
    Absence,
    Exemption,
    PriorTraining,
    Identity,
    Link,
    Result,
    /// A result that was withdrawn or restored by hand.
    Withdrawal,
    /// Another employee number of the same human.
    Merge,
}

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::Person,
        Self::Employment,
        Self::Absence,
        Self::Exemption,
        Self::PriorTraining,
        Self::Identity,
        Self::Link,
        Self::Result,
        Self::Withdrawal,
        Self::Merge,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Employment => "employment",
            Self::Absence => "absence",
            Self::Exemption => "exemption",
            Self::PriorTraining => "prior_training",
            Self::Identity => "identity",
            Self::Link => "link",
            Self::Result => "result",
            Self::Withdrawal => "withdrawal",
            Self::Merge => "merge",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happened {
    Added,
    Changed,
    Withdrawn,
    /// It is proposed; it counts only when another person approves it.
    Proposed,
    Rejected,
}

impl Happened {
    pub const ALL: [Self; 5] = [Self::Added, Self::Changed, Self::Withdrawn, Self::Proposed, Self::Rejected];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Withdrawn => "withdrawn",
            Self::Proposed => "proposed",
            Self::Rejected => "rejected",
        }
    }
}

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    /// `None`: empty.
    pub value: Option<String>,
    /// Hidden if the person's data are protected.
    pub is_personal: bool,
}

impl Field {
    #[must_use]
    pub fn new(name: &'static str, value: impl ToString) -> Self {
        Self::maybe(name, Some(value))
    }

    #[must_use]
    pub fn maybe(name: &'static str, value: Option<impl ToString>) -> Self {
        let value = value.map(|value| value.to_string()).filter(|text| !text.is_empty());
        Self { name, value, is_personal: false }
    }

    #[must_use]
    pub fn personal(self) -> Self {
        Self { is_personal: true, ..self }
    }
}

/// A record that a history shows.
pub trait HistoryRecord {
    const KIND: Kind;

    /// The key that is the same from version to version.
    fn key(&self) -> String;

    /// Its name in an entry; contains nothing that protection hides.
    fn name(&self) -> String;

    /// All fields that can change, always the same in the same order.
    fn fields(&self) -> Vec<Field>;

    /// The reason, if the record has one.
    fn reason(&self) -> Option<&str> {
        None
    }
}

/// One field that changed, from what to what (`None`: empty, not there, or hidden).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    pub field: &'static str,
    pub before: Option<String>,
    pub after: Option<String>,
    pub is_personal: bool,
}

/// One change that became known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub known_at: DateTime<Utc>,
    pub kind: Kind,
    /// Which record of the kind: an employment's id, an absence's first day, …
    pub of: String,
    pub happened: Happened,
    pub changes: Vec<FieldChange>,
    pub reason: Option<String>,
    /// Who said so, if the record itself knows: a platform, or the person who decided.
    pub by: Option<String>,
    /// Whether protection hides the values of some fields.
    pub is_hidden: bool,
    /// The number of a merged duplicate, if the entry is about that one.
    pub merged_number: Option<EmployeeNumber>,
}

/// The change between two states of a record, of which one may be missing; `None` if they are the same.
#[must_use]
pub fn change<T: HistoryRecord>(known_at: DateTime<Utc>, before: Option<&T>, after: Option<&T>) -> Option<Entry> {
    let record = after.or(before)?;
    let happened = match (before, after) {
        (None, _) => Happened::Added,
        (Some(_), Some(_)) => Happened::Changed,
        (Some(_), None) => Happened::Withdrawn,
    };
    let fields_before = before.map(HistoryRecord::fields).unwrap_or_default();
    let fields_after = after.map(HistoryRecord::fields).unwrap_or_default();
    let of = |fields: &[Field], place: usize| fields.get(place).and_then(|field| field.value.clone());
    let longer = if fields_after.is_empty() { &fields_before } else { &fields_after };
    let changes: Vec<FieldChange> = longer
        .iter()
        .enumerate()
        .map(|(place, field)| FieldChange {
            field: field.name,
            before: of(&fields_before, place),
            after: of(&fields_after, place),
            is_personal: field.is_personal,
        })
        .filter(|change| change.before != change.after)
        .collect();
    if happened == Happened::Changed && changes.is_empty() {
        return None;
    }
    let reason = after.and_then(HistoryRecord::reason).map(ToOwned::to_owned).filter(|reason| !reason.is_empty());
    Some(Entry {
        known_at,
        kind: T::KIND,
        of: record.name(),
        happened,
        changes,
        reason,
        by: None,
        is_hidden: false,
        merged_number: None,
    })
}

/// The state of a record before an instant, and from then on.
type Turn<'a, T> = (Option<&'a T>, Option<&'a T>);

/// The entries of the versions of one kind: at each instant, what a record was and what it became.
#[must_use]
pub fn entries_of<T: HistoryRecord>(versions: &[Version<T>]) -> Vec<Entry> {
    let mut turns: BTreeMap<(DateTime<Utc>, String), Turn<'_, T>> = BTreeMap::new();
    for version in versions {
        let key = version.record.key();
        turns.entry((version.recorded_at, key.clone())).or_default().1 = Some(&version.record);
        if let Some(superseded_at) = version.superseded_at {
            turns.entry((superseded_at, key)).or_default().0 = Some(&version.record);
        }
    }
    turns.into_iter().filter_map(|((at, _), (before, after))| change(at, before, after)).collect()
}

/// The position of an entry in a history: its instant in microseconds, and its place among those of the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub micros: i64,
    pub nth: u32,
}

/// The entries of all kinds in the order in which they became known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story(Vec<Entry>);

impl Story {
    #[must_use]
    pub fn of(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| (a.known_at, a.kind, &a.of, a.happened).cmp(&(b.known_at, b.kind, &b.of, b.happened)));
        Self(entries)
    }

    /// Hides personal values if the person's data are protected: all of them if they are protected now, otherwise those
    /// of entries from while they were.
    pub fn protect(&mut self, is_protected_now: bool, protected: &[(DateTime<Utc>, Option<DateTime<Utc>>)]) {
        for entry in &mut self.0 {
            let at = entry.known_at;
            let is_hidden = is_protected_now
                || protected.iter().any(|(from, until)| *from <= at && until.is_none_or(|until| at <= until));
            if !is_hidden {
                continue;
            }
            for change in entry.changes.iter_mut().filter(|change| change.is_personal) {
                (change.before, change.after) = (None, None);
                entry.is_hidden = true;
            }
        }
    }

    /// The entries after an instant and up to another.
    pub fn between(&self, after: DateTime<Utc>, up_to: DateTime<Utc>) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(move |entry| after < entry.known_at && entry.known_at <= up_to)
    }

    /// At most so many entries after a place, of one kind or of all, and the place of the last if more follow.
    #[must_use]
    pub fn page(&self, after: Option<Place>, kind: Option<Kind>, at_most: usize) -> (Vec<Entry>, Option<Place>) {
        let mut placed: Vec<(Place, &Entry)> = Vec::with_capacity(self.0.len());
        for entry in &self.0 {
            let micros = entry.known_at.timestamp_micros();
            let nth = placed.last().filter(|(place, _)| place.micros == micros).map_or(0, |(place, _)| place.nth + 1);
            placed.push((Place { micros, nth }, entry));
        }
        let chosen = placed
            .into_iter()
            .filter(|(place, entry)| after.is_none_or(|after| *place > after) && kind.is_none_or(|k| entry.kind == k));
        let mut chosen: Vec<(Place, &Entry)> = chosen.take(at_most + 1).collect();
        let more = chosen.len() > at_most;
        chosen.truncate(at_most);
        let next = chosen.last().filter(|_| more).map(|(place, _)| *place);
        (chosen.into_iter().map(|(_, entry)| entry.clone()).collect(), next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::directory::records::AbsenceRecord;

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

    #[test]
    fn versions_of_a_record_are_told_as_added_changed_and_withdrawn() {
        let versions = [
            version(absence("2026-01-01", ""), 1, Some(2)),
            version(absence("2026-01-01", "2026-01-31"), 2, Some(5)),
            version(absence("2026-03-01", ""), 2, None),
        ];
        let described: Vec<String> = entries_of(&versions)
            .iter()
            .map(|entry| {
                let changes: Vec<String> =
                    entry.changes.iter().map(|c| format!("{} {:?} → {:?}", c.field, c.before, c.after)).collect();
                format!(
                    "{} {} {} {}: {}",
                    entry.known_at.timestamp(),
                    entry.kind.as_str(),
                    entry.of,
                    entry.happened.as_str(),
                    changes.join(", ")
                )
            })
            .collect();
        insta::assert_snapshot!(described.join("\n"), @r#"
        1 absence 2026-01-01 added: starts_on None → Some("2026-01-01")
        2 absence 2026-01-01 changed: ends_on None → Some("2026-01-31")
        2 absence 2026-03-01 added: starts_on None → Some("2026-03-01")
        5 absence 2026-01-01 withdrawn: starts_on Some("2026-01-01") → None, ends_on Some("2026-01-31") → None
        "#);
    }

    proptest! {
        #[test]
        fn pages_hold_every_entry_once_and_in_order(instants in prop::collection::vec(0..6_i64, 0..20), size in 1..5_usize) {
            let versions: Vec<_> = instants
                .iter()
                .enumerate()
                .map(|(day, from)| version(absence(&format!("2026-01-{:02}", day + 1), ""), *from, None))
                .collect();
            let story = Story::of(entries_of(&versions));
            let (all, none) = story.page(None, None, 100);
            prop_assert_eq!(none, None);
            prop_assert!(all.is_sorted_by_key(|entry| entry.known_at));
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let (page, next) = story.page(after, None, size);
                paged.extend(page);
                after = next;
                if after.is_none() {
                    break;
                }
            }
            prop_assert_eq!(paged, all);
        }

        #[test]
        fn a_story_carried_out_ends_with_what_is_known(turns in prop::collection::vec((1..4_u32, prop::option::of(1..29_u32)), 0..12)) {
            // Each turn says of an absence when it ends, or that it never was.
            let mut versions: Vec<Version<AbsenceRecord>> = Vec::new();
            for (now, (month, last)) in turns.iter().enumerate() {
                let now = at(i64::try_from(now).expect("few"));
                let first = format!("2026-{month:02}-01");
                for version in &mut versions {
                    if version.superseded_at.is_none() && version.record.starts_on.to_string() == first {
                        version.superseded_at = Some(now);
                    }
                }
                if let Some(last) = last {
                    let record = absence(&first, &format!("2026-12-{last:02}"));
                    versions.push(Version { record, recorded_at: now, superseded_at: None });
                }
            }
            let mut known: BTreeMap<String, String> = BTreeMap::new();
            for entry in entries_of(&versions) {
                let ends = entry.changes.iter().find(|change| change.field == "ends_on");
                match entry.happened {
                    Happened::Withdrawn => drop(known.remove(&entry.of)),
                    _ => {
                        let change = ends.expect("it ends");
                        prop_assert_eq!(known.get(&entry.of), change.before.as_ref());
                        known.insert(entry.of.clone(), change.after.clone().expect("a day"));
                    }
                }
            }
            let current: BTreeMap<String, String> = versions
                .iter()
                .filter(|version| version.superseded_at.is_none())
                .map(|v| (v.record.starts_on.to_string(), v.record.ends_on.map(|day| day.to_string()).unwrap_or_default()))
                .collect();
            prop_assert_eq!(known, current);
        }
    }
}
