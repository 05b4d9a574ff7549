//! People as an administration may see them: what of them belongs to its own days (`domain/access`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::App;
use crate::domain::access::{OwnDays, Visible};
use crate::domain::directory::merge::Merge;
use crate::domain::history::last_before;
use crate::domain::ids::{EmployeeId, EmployeeNumber};
use crate::store::called::{Called, called};
use crate::store::people::KnownEmployee;
use crate::store::{Connection, StoreError, merges, people};

/// The days of an employee that are the asker's own.
pub(in crate::app) fn own_days(visible: &Visible, employee: &KnownEmployee) -> OwnDays {
    visible.own_days(&employee.person.employments)
}

/// The numbers by which the asker knows an employee.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Numbers {
    number: EmployeeNumber,
    merged: Vec<EmployeeNumber>,
    /// Under which key the shown number's facts are kept.
    of: EmployeeId,
}

/// The numbers that are the asker's to know: those under which an own employment was told, and those that a merge on an own
/// day made the same. What another administration's number is merged with, or was before, is not among them.
fn numbers_of(employee: &KnownEmployee, visible: &Visible, own: &OwnDays, made: &[Merge], app: &App) -> Numbers {
    let under = |fact: i64| employee.told_under.get(&fact).unwrap_or(&employee.number).clone();
    let employments = employee.person.employments.iter().filter(|e| visible.includes(&e.administration));
    let told: BTreeSet<EmployeeNumber> = employments.map(|e| under(e.fact_id)).collect();
    let is_own = |merge: &&Merge| own.contains(app.calendar.day_of(merge.decided.at));
    let joined: BTreeSet<&EmployeeNumber> = made.iter().filter(is_own).map(|merge| &merge.duplicate_number).collect();
    let shows_kept = told.contains(&employee.number) || told.iter().any(|number| joined.contains(number));
    if shows_kept {
        let merged = employee.merged_numbers.iter();
        let merged = merged.filter(|number| told.contains(*number) || joined.contains(*number)).cloned();
        return Numbers { number: employee.number.clone(), merged: merged.collect(), of: employee.id };
    }
    let mut told = told.into_iter();
    let number = told.next().unwrap_or_else(|| employee.number.clone());
    let of = made.iter().find(|merge| merge.duplicate_number == number).map_or(employee.id, |merge| merge.duplicate);
    Numbers { number, merged: told.collect(), of }
}

impl App {
    /// Leaves out of some people whoever has no own day, and of the others the numbers, names and addresses that do not
    /// belong to own days: those of an employee who has left are what was known at the end of the last own day.
    pub(in crate::app) async fn keep_own(
        &self,
        connection: &impl Connection,
        visible: &Visible,
        known_at: DateTime<Utc>,
        employees: &mut BTreeMap<EmployeeId, KnownEmployee>,
    ) -> Result<(), StoreError> {
        if visible.is_all() {
            return Ok(());
        }
        employees.retain(|_, employee| !own_days(visible, employee).is_none());
        let mut shown: Vec<(EmployeeId, Numbers, Option<DateTime<Utc>>)> = Vec::new();
        let mut asked: BTreeSet<EmployeeId> = BTreeSet::new();
        for employee in employees.values() {
            let own = own_days(visible, employee);
            let made = match employee.merged_numbers.is_empty() {
                true => Vec::new(),
                false => merges::of_employee(connection, employee.id).await?,
            };
            let made: Vec<Merge> =
                made.into_iter().filter(|merge| merge.kept == employee.id && merge.is_known_at(known_at)).collect();
            let numbers = numbers_of(employee, visible, &own, &made, self);
            let until = own.known_until(self.calendar).filter(|until| *until <= known_at);
            if until.is_some() || numbers.of != employee.id {
                asked.insert(employee.id);
                asked.extend(made.iter().map(|merge| merge.duplicate));
            }
            if until.is_some() || numbers.number != employee.number || numbers.merged != employee.merged_numbers {
                shown.push((employee.id, numbers, until));
            }
        }
        let called = called(connection, &asked.into_iter().collect::<Vec<_>>(), known_at).await?;
        let ids = people::ids_of(connection, employees.values().flat_map(|e| e.told_under.values())).await?;
        for (id, numbers, until) in shown {
            if let Some(employee) = employees.get_mut(&id) {
                let under = |fact: i64, employee: &KnownEmployee| {
                    employee.told_under.get(&fact).and_then(|number| ids.get(number)).copied().unwrap_or(id)
                };
                rename(employee, numbers, until.unwrap_or(known_at), &called, under);
            }
        }
        Ok(())
    }

    /// The same for one person, whom the asker knows by a number; nothing where they do not.
    pub(in crate::app) async fn own_person(
        &self,
        connection: &impl Connection,
        visible: &Visible,
        known_at: DateTime<Utc>,
        asked: &EmployeeNumber,
        mut found: BTreeMap<EmployeeId, KnownEmployee>,
    ) -> Result<Option<KnownEmployee>, StoreError> {
        self.keep_own(connection, visible, known_at, &mut found).await?;
        let is_known = |e: &KnownEmployee| visible.is_all() || e.number == *asked || e.merged_numbers.contains(asked);
        Ok(found.into_values().next().filter(is_known))
    }
}

/// Gives an employee the number, name and addresses that were known before an instant.
fn rename(
    employee: &mut KnownEmployee,
    numbers: Numbers,
    until: DateTime<Utc>,
    called: &Called,
    under: impl Fn(i64, &KnownEmployee) -> EmployeeId,
) {
    if let Some((given, family)) = called.names.get(&numbers.of).and_then(|names| last_before(names, until)) {
        (employee.given_name, employee.family_name) = (given.clone(), family.clone());
    }
    let employments = employee.person.employments.iter();
    let facts: Vec<_> = employments.map(|e| (e.fact_id, (under(e.fact_id, employee), e.id.clone()))).collect();
    for (fact, key) in facts {
        if let Some(contact) = called.contacts.get(&key).and_then(|contacts| last_before(contacts, until)) {
            employee.contacts.insert(fact, contact.clone());
        }
    }
    (employee.number, employee.merged_numbers) = (numbers.number, numbers.merged);
}

/// An employee as a day of theirs is judged for the asker; nothing where the day is not own.
pub(in crate::app) fn as_judged<'a>(
    visible: &Visible,
    employee: &'a KnownEmployee,
    day: NaiveDate,
) -> Option<Cow<'a, KnownEmployee>> {
    if visible.is_all() {
        return Some(Cow::Borrowed(employee));
    }
    let own = own_days(visible, employee);
    let person = own.contains(day).then(|| own.judged(employee.person.clone(), day))?;
    Some(Cow::Owned(KnownEmployee { person, ..employee.clone() }))
}
