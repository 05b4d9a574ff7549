//! Undoing an import: records that it changed, and that have not changed since, become as before. It is a plan like any
//! other.
//!
//! Nothing is deleted. The plan is recorded at an instant of its own, so a report of the time between the import and
//! its undoing can be repeated. A record that has changed since the import stays, and is named. So does one that
//! something else refers to by now: an administration with employments, a person to whom a result was linked by hand.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;

use super::super::records::{AdministrationRecord, PersonRecord};
use super::describe::Described;
use super::{Act, Change, Dated, Known, Plan};
use crate::ids::{AdministrationCode, EmployeeNumber};

/// Why something of an undone import stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Stays {
    /// It is no longer as the import left it.
    #[error("changed since")]
    ChangedSince,
    /// Something else refers to it that the import did not bring.
    #[error("something else refers to it")]
    RestedOn,
    /// It was in an administration that is known no longer.
    #[error("its administration is known no longer")]
    WithoutAdministration,
}

impl Stays {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChangedSince => "changed_since",
            Self::RestedOn => "rested_on",
            Self::WithoutAdministration => "without_administration",
        }
    }
}

/// A record of an undone import that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    pub kind: &'static str,
    /// The record's name; the number for a person with protected personal data.
    pub key: String,
    pub why: Stays,
}

/// The changes of undoing an import, and the records that it leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undoing {
    pub plan: Plan,
    /// In the order of a plan's changes.
    pub left: Vec<Left>,
}

/// The changes that restore the directory as it was before an import.
///
/// * `carried_out`: what the import changed;
/// * `rested_on`: people whom it added and who are referred to by something that is in no file: a link by hand, prior
///   training, a merge, an identity provider's account.
pub fn undo(known: &Known, carried_out: &Plan, rested_on: &BTreeSet<EmployeeNumber>, today: NaiveDate) -> Undoing {
    let mut undoing = Undoing::default();
    undoing.plan.protected = carried_out.protected.clone();
    let is_protected = known.persons.values().filter(|person| person.protected);
    undoing.plan.protected.extend(is_protected.map(|person| person.employee_number.clone()));
    for change in &carried_out.changes {
        match change {
            Change::Administration(act) => {
                let now = known.administrations.get(&act.record().code);
                undoing.take(act, now, change, Change::Administration);
            }
            Change::Person(act) => {
                let now = known.persons.get(&act.record().employee_number);
                undoing.take(act, now, change, Change::Person);
            }
            Change::Employment(act) => {
                let record = act.record();
                let now = known.employments.get(&(record.employee_number.clone(), record.employment_id.clone()));
                undoing.take(act, now, change, Change::Employment);
            }
            Change::Absence(act) => {
                let now = known.absences.get(&(act.record().employee_number.clone(), act.record().starts_on));
                undoing.take(act, now, change, Change::Absence);
            }
            Change::Exemption(act) => {
                let record = act.record();
                let key = (record.employee_number.clone(), record.requirement.clone(), record.starts_on);
                undoing.take(act, known.exemptions.get(&key), change, Change::Exemption);
            }
            Change::Identity(act) => {
                undoing.take(act, known.identities.get(act.record()), change, Change::Identity);
            }
        }
    }
    // A record that stays may be the reason for another to stay.
    while undoing.keep_administrations(known, today) {}
    undoing.keep_persons(known, rested_on);
    undoing.left.sort_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
    undoing
}

impl Undoing {
    /// Undoes one change, if the record is as the import left it.
    fn take<T: Clone + PartialEq>(
        &mut self,
        act: &Act<T>,
        now: Option<&T>,
        change: &Change,
        wrapped: impl Fn(Act<T>) -> Change,
    ) {
        if now != act.after() {
            self.leave(change, Stays::ChangedSince);
            return;
        }
        let back = match (now, act.before()) {
            (Some(now), Some(before)) => Act::Changed { before: now.clone(), after: before.clone() },
            (Some(now), None) => Act::Withdrawn(now.clone()),
            (None, Some(before)) => Act::Added(before.clone()),
            (None, None) => return,
        };
        self.plan.changes.push(wrapped(back));
    }

    fn leave(&mut self, change: &Change, why: Stays) {
        let is_protected = self.plan.protects(change);
        let (kind, owner, name) = match change {
            Change::Administration(act) => named(act.record()),
            Change::Person(act) => named(act.record()),
            Change::Employment(act) => named(act.record()),
            Change::Absence(act) => named(act.record()),
            Change::Exemption(act) => named(act.record()),
            Change::Identity(act) => named(act.record()),
        };
        self.left.push(Left { kind, key: if is_protected { owner } else { name }, why });
    }

    /// Moves the changes that `stays` selects to the left ones.
    fn leave_where(&mut self, stays: impl Fn(&Change) -> Option<Stays>) {
        let (mut stored, mut left) = (Vec::new(), Vec::new());
        for change in std::mem::take(&mut self.plan.changes) {
            match stays(&change) {
                Some(why) => left.push((change, why)),
                None => stored.push(change),
            }
        }
        self.plan.changes = stored;
        left.iter().for_each(|(change, why)| self.leave(change, *why));
    }

    /// An administration stays while an employment in it runs or is to come, and an employment does not return to an
    /// administration that is gone. Returns whether anything was left.
    fn keep_administrations(&mut self, known: &Known, today: NaiveDate) -> bool {
        let left = self.left.len();
        let after = self.applied(known);
        let rests = after.employments.values().filter(|employment| employment.runs_or_is_to_come(today));
        let used: BTreeSet<&AdministrationCode> = rests.map(|employment| &employment.administration).collect();
        let is_withdrawn = |act: &Act<AdministrationRecord>| matches!(act, Act::Withdrawn(_));
        let known_after: BTreeSet<&AdministrationCode> = after.administrations.keys().collect();
        let withdrawn: BTreeSet<&AdministrationCode> = self
            .plan
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Administration(act) if is_withdrawn(act) => Some(&act.record().code),
                _ => None,
            })
            .collect();
        let stays: BTreeMap<AdministrationCode, Stays> = withdrawn
            .iter()
            .filter(|code| used.contains(**code) || known.successions.names(code))
            .map(|code| ((*code).clone(), Stays::RestedOn))
            .collect();
        let is_there = |code: &AdministrationCode| known_after.contains(code) || stays.contains_key(code);
        let nowhere: BTreeSet<AdministrationCode> =
            used.iter().filter(|code| !is_there(code)).map(|code| (*code).clone()).collect();
        self.leave_where(|change| match change {
            Change::Administration(act) if is_withdrawn(act) => stays.get(&act.record().code).copied(),
            Change::Employment(act) => {
                let back = act.after()?;
                nowhere.contains(&back.administration).then_some(Stays::WithoutAdministration)
            }
            _ => None,
        });
        self.left.len() > left
    }

    /// A person stays while other data refer to them.
    fn keep_persons(&mut self, known: &Known, rested_on: &BTreeSet<EmployeeNumber>) {
        let after = self.applied(known);
        let mut spoken_of: BTreeSet<&EmployeeNumber> = rested_on.iter().collect();
        spoken_of.extend(after.employments.values().map(|record| &record.employee_number));
        spoken_of.extend(after.absences.values().map(|record| &record.employee_number));
        spoken_of.extend(after.exemptions.values().map(|record| &record.employee_number));
        spoken_of.extend(after.identities.iter().map(|record| &record.employee_number));
        let is_withdrawn = |act: &Act<PersonRecord>| matches!(act, Act::Withdrawn(_));
        self.leave_where(|change| match change {
            Change::Person(act) if is_withdrawn(act) && spoken_of.contains(&act.record().employee_number) => {
                Some(Stays::RestedOn)
            }
            _ => None,
        });
    }

    fn applied(&self, known: &Known) -> Known {
        let mut after = known.clone();
        after.apply(&self.plan);
        after
    }
}

fn named<T: Described>(record: &T) -> (&'static str, String, String) {
    (T::NOUN, record.owner().to_owned(), record.name())
}
