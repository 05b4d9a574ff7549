//! The changes of an import: HR's files compared with the known directory (DESIGN, "Files in").
//!
//! [`plan`] decides, [`Plan`] holds and prints the decision, [`Known::apply`] applies it as a store does. Nothing is
//! written here. Planning is idempotent: the same files, planned again after they were applied, change nothing.

mod change;
mod comparison;
pub mod correct;
mod describe;
mod difference;
mod known;
mod lines;
mod mass;
pub mod provision;
mod references;
mod renumbering;
mod sharing;
pub mod undo;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::problem::RowProblems;
use super::records::{
    AbsenceRecord, AdministrationRecord, EmploymentRecord, ExemptionRecord, IdentityRecord, Keyed, PersonRecord,
    ReportedEmployment, Row,
};
use crate::calendar::day_before;
use crate::ids::{AdministrationCode, EmployeeNumber};

pub use change::{Act, Change, Counts, Plan, Summary};
pub use difference::DifferenceRow;
pub use known::Known;
pub use mass::{Allowed, MassChange, MassKind, Unusual};
pub use renumbering::Renumbering;
pub use sharing::SharedKeys;

/// The files of one import; `None`: not given, and its kind does not change.
///
/// Rows are distinct by their keys, and an employee has one name in all rows, as `intake::hr_csv` ensures.
#[derive(Debug, Clone, Default)]
pub struct Files {
    pub administrations: Option<Vec<Row<AdministrationRecord>>>,
    pub employments: Option<Vec<Row<ReportedEmployment>>>,
    pub absences: Option<Vec<Row<AbsenceRecord>>>,
    pub exemptions: Option<Vec<Row<ExemptionRecord>>>,
    pub identities: Option<Vec<Row<IdentityRecord>>>,
}

/// Whether files are the whole directory or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// A missing record has ended.
    Full,
    /// A missing record stays as it is.
    Partial,
}

impl Extent {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Full, Self::Partial].into_iter().find(|extent| extent.as_str() == text)
    }
}

/// The changes that the files make in the directory on the day `today`; or the rows with unknown references.
///
/// In a full file, a missing employment, absence or exemption that has begun ends on the day before `today`; one that
/// begins `today` or later is withdrawn; one that has ended stays as it is. A missing identity is withdrawn, and so is
/// a missing administration, unless an employment in it runs or is to come: that is a problem. Employments that an
/// identity provider made ([`EmploymentId::is_of_provider`](crate::ids::EmploymentId::is_of_provider)) are not
/// missing: no file can name them.
pub fn plan(known: &Known, files: &Files, extent: Extent, today: NaiveDate) -> Result<Plan, RowProblems> {
    let files = &named_after(known, files, today);
    references::check(known, files, extent, today)?;

    let administrations = sorted(files.administrations.as_deref());
    let reported = sorted(files.employments.as_deref());
    let persons = reported.as_deref().map(|reported| persons_in(known, reported));
    let employments: Option<Vec<&EmploymentRecord>> =
        reported.map(|reported| reported.into_iter().map(|row| &row.employment).collect());
    let named = names_of_ended(employments.as_deref(), today);

    let mut changes: Vec<Change> = Vec::new();
    let withdrawn_unless_named = |administration: &AdministrationRecord| {
        let stays = named.contains(&administration.code) || known.successions.names(&administration.code);
        let goes = extent == Extent::Full && !stays;
        goes.then(|| Act::Withdrawn(administration.clone()))
    };
    let acts = differences(known.administrations.values(), administrations, withdrawn_unless_named);
    changes.extend(acts.into_iter().map(Change::Administration));

    let named_persons = persons.as_ref().map(|persons| persons.iter().collect());
    changes.extend(differences(known.persons.values(), named_persons, |_| None).into_iter().map(Change::Person));

    // A file cannot name employments that the identity provider made, so it does not end them by omission.
    let of_files = |missing: &EmploymentRecord| !missing.employment_id.is_of_provider();
    let acts = differences(known.employments.values(), employments, |missing| {
        of_files(missing).then(|| ending(missing, extent, today)).flatten()
    });
    let acts: Vec<Act<EmploymentRecord>> = acts.into_iter().map(|act| called_ended(act, extent, today)).collect();
    changes.extend(acts.into_iter().map(Change::Employment));

    let absences = sorted(files.absences.as_deref());
    let acts = differences(known.absences.values(), absences, |missing| ending(missing, extent, today));
    let acts = acts.into_iter().map(|act| called_ended(act, extent, today));
    changes.extend(acts.map(Change::Absence));

    let exemptions = sorted(files.exemptions.as_deref());
    let acts = differences(known.exemptions.values(), exemptions, |missing| ending(missing, extent, today));
    let acts = acts.into_iter().map(|act| called_ended(act, extent, today));
    changes.extend(acts.map(Change::Exemption));

    let withdrawn = |missing: &IdentityRecord| (extent == Extent::Full).then(|| Act::Withdrawn(missing.clone()));
    let acts = differences(known.identities.iter(), sorted(files.identities.as_deref()), withdrawn);
    changes.extend(acts.into_iter().map(Change::Identity));

    let protected = known.persons.values().chain(persons.iter().flatten()).filter(|person| person.protected);
    let protected = protected.map(|person| person.employee_number.clone()).collect();
    let comparison = comparison::Comparison { known, files, changes: &changes, protected: &protected, extent, today };
    let unusual = Unusual { mass_changes: comparison.mass_changes(), renumberings: comparison.renumberings() };
    let shared_keys = comparison.shared_keys();
    Ok(Plan { changes, unusual, shared_keys, protected })
}

/// The files with the earlier places of their employments, which no file contains.
fn named_after<'f>(known: &Known, files: &'f Files, today: NaiveDate) -> Cow<'f, Files> {
    let renamed = |(place, row): (usize, &Row<ReportedEmployment>)| {
        let employment = &row.record.employment;
        let before = known.employments.get(&(employment.employee_number.clone(), employment.employment_id.clone()))?;
        let is_named_as_always = before.earlier.is_empty() && before.administration == employment.administration;
        (!is_named_as_always).then(|| (place, employment.clone().named_after(before, today)))
    };
    let renamed: Vec<(usize, EmploymentRecord)> =
        files.employments.iter().flatten().enumerate().filter_map(renamed).collect();
    let mut files = Cow::Borrowed(files);
    if !renamed.is_empty()
        && let Some(rows) = files.to_mut().employments.as_mut()
    {
        for (place, employment) in renamed {
            if let Some(row) = rows.get_mut(place) {
                row.record.employment = employment;
            }
        }
    }
    files
}

/// The records of a file in the order of their keys; of several with one key, the first.
fn sorted<T: Keyed>(rows: Option<&[Row<T>]>) -> Option<Vec<&T>> {
    let mut records: Vec<&T> = rows?.iter().map(|row| &row.record).collect();
    records.sort_by(|a, b| a.key().cmp(&b.key()));
    records.dedup_by(|later, first| later.key() == first.key());
    Some(records)
}

/// The acts that turn `known` into `reported` (`None`: no act), both in the order of their keys; `missing` gives
/// the act for a known record that is not reported.
fn differences<'a, T: Keyed + Clone + PartialEq + 'a>(
    known: impl Iterator<Item = &'a T>,
    reported: Option<Vec<&'a T>>,
    missing: impl Fn(&T) -> Option<Act<T>>,
) -> Vec<Act<T>> {
    let Some(reported) = reported else { return Vec::new() };
    let mut acts = Vec::new();
    let (mut known, mut reported) = (known.peekable(), reported.into_iter().peekable());
    loop {
        let order = match (known.peek(), reported.peek()) {
            (Some(before), Some(after)) => before.key().cmp(&after.key()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return acts,
        };
        let before = if order.is_le() { known.next() } else { None };
        let after = if order.is_ge() { reported.next() } else { None };
        acts.extend(match (before, after) {
            (Some(before), None) => missing(before),
            (None, Some(after)) => Some(Act::Added(after.clone())),
            (Some(before), Some(after)) if before != after => {
                Some(Act::Changed { before: before.clone(), after: after.clone() })
            }
            _ => None,
        });
    }
}

/// The persons of the employments file, in the order of their numbers: protected if any row says so, and as known if
/// the file has no such column.
fn persons_in(known: &Known, reported: &[&ReportedEmployment]) -> Vec<PersonRecord> {
    let same_person =
        |a: &&ReportedEmployment, b: &&ReportedEmployment| a.employment.employee_number == b.employment.employee_number;
    let person = |rows: &[&ReportedEmployment]| {
        let first = rows.first()?;
        let employee_number = &first.employment.employee_number;
        // None if no row says anything; otherwise whether any says yes.
        let marked = rows.iter().filter_map(|row| row.protected).max();
        let protected =
            marked.unwrap_or_else(|| known.persons.get(employee_number).is_some_and(|person| person.protected));
        Some(PersonRecord {
            employee_number: employee_number.clone(),
            given_name: first.given_name.clone(),
            family_name: first.family_name.clone(),
            protected,
        })
    };
    reported.chunk_by(same_person).filter_map(person).collect()
}

/// The administrations that only ended employments of the file name. They stay even if a full file of administrations
/// lacks them: otherwise the next import of the same files would not know them.
fn names_of_ended(employments: Option<&[&EmploymentRecord]>, today: NaiveDate) -> BTreeSet<AdministrationCode> {
    let ended = employments.unwrap_or_default().iter().filter(|employment| !employment.runs_or_is_to_come(today));
    let mut names = BTreeSet::new();
    for employment in ended {
        if !names.contains(&employment.administration) {
            names.insert(employment.administration.clone());
        }
    }
    names
}

/// A record from a day to a day.
trait Dated: Clone {
    fn starts_on(&self) -> NaiveDate;
    fn ends_on(&self) -> Option<NaiveDate>;
    fn ended_on(&self, last: NaiveDate) -> Self;

    fn runs_or_is_to_come(&self, today: NaiveDate) -> bool {
        self.ends_on().is_none_or(|last| today <= last)
    }
}

macro_rules! dated {
    ($($record:ty),*) => {$(
        impl Dated for $record {
            fn starts_on(&self) -> NaiveDate {
                self.starts_on
            }

            fn ends_on(&self) -> Option<NaiveDate> {
                self.ends_on
            }

            fn ended_on(&self, last: NaiveDate) -> Self {
                Self { ends_on: Some(last), ..self.clone() }
            }
        }
    )*};
}

dated!(EmploymentRecord, AbsenceRecord, ExemptionRecord);

/// The act for a record that is missing from a file.
fn ending<T: Dated>(missing: &T, extent: Extent, today: NaiveDate) -> Option<Act<T>> {
    if extent == Extent::Partial || !missing.runs_or_is_to_come(today) {
        None
    } else if missing.starts_on() < today {
        Some(Act::Ended { before: missing.clone(), after: missing.ended_on(day_before(today)) })
    } else {
        Some(Act::Withdrawn(missing.clone()))
    }
}

/// A record that ends on the day before a full import, and does not change otherwise, counts as ended, whether the file
/// omits it or says so. So the acts of an import can be derived from the facts alone.
fn called_ended<T: Dated + PartialEq>(act: Act<T>, extent: Extent, today: NaiveDate) -> Act<T> {
    match act {
        Act::Changed { before, after } if ends_by(&before, &after, extent, today) => Act::Ended { before, after },
        other => other,
    }
}

fn ends_by<T: Dated + PartialEq>(before: &T, after: &T, extent: Extent, today: NaiveDate) -> bool {
    let is_left_out = || ending(before, extent, today).as_ref().and_then(Act::after) == Some(after);
    after.ends_on() == Some(day_before(today)) && is_left_out()
}

impl Plan {
    /// The plan that an import of this extent carried out on a day, derived from the facts: `acts` are what it added,
    /// changed and withdrew, and `protected` the people whose lines show only the number.
    #[must_use]
    pub fn carried_out(
        acts: Vec<Change>,
        extent: Extent,
        today: NaiveDate,
        protected: BTreeSet<EmployeeNumber>,
    ) -> Self {
        let named = |change| match change {
            Change::Employment(act) => Change::Employment(called_ended(act, extent, today)),
            Change::Absence(act) => Change::Absence(called_ended(act, extent, today)),
            Change::Exemption(act) => Change::Exemption(called_ended(act, extent, today)),
            other => other,
        };
        let mut changes: Vec<Change> = acts.into_iter().map(named).collect();
        changes.sort_by(|a, b| a.order().cmp(&b.order()));
        Self { changes, protected, ..Self::default() }
    }
}
