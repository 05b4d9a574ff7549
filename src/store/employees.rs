//! Employees as a scope may see them: only the parts that belong to its own days (`domain/access`).
//!
//! Outside of the store, this is the only way to people with names, employments and addresses.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::act::Scope;
use super::called::{Called, called};
use super::people::{self, KnownEmployee};
use super::whose::Whose;
use super::{Connection, StoreError, clock, merging};
use crate::domain::access::OwnDays;
use crate::domain::directory::merge::Merge;
use crate::domain::history::last_before;
use crate::domain::ids::{EmployeeId, EmployeeNumber};

impl Scope {
    /// The days of an employee that belong to the caller.
    #[must_use]
    pub fn own_days(&self, employee: &KnownEmployee) -> OwnDays {
        self.visible().own_days(employee.id, &employee.person.employments)
    }

    /// An employee as a day of theirs is judged for the caller; `None` if the day is not own.
    #[must_use]
    pub fn as_judged<'a>(&self, employee: &'a KnownEmployee, day: NaiveDate) -> Option<Cow<'a, KnownEmployee>> {
        if self.is_all() {
            return Some(Cow::Borrowed(employee));
        }
        let own = self.own_days(employee);
        let person = own.contains(day).then(|| own.judged(employee.person.clone(), day))?;
        Some(Cow::Owned(KnownEmployee { person, ..employee.clone() }))
    }

    /// Whether the caller knows an employee by a number.
    #[must_use]
    pub fn knows(&self, employee: &KnownEmployee, number: &EmployeeNumber) -> bool {
        self.is_all() || employee.number == *number || employee.merged_numbers.contains(number)
    }
}

/// Employees as the directory was known at an instant (`None`: now), by id, limited to a scope; see
/// [`people::directory`] for what is known and [`keep_own`] for what is left out.
pub async fn known(
    connection: &impl Connection,
    scope: &Scope,
    whose: Whose<'_>,
    at: Option<DateTime<Utc>>,
) -> Result<BTreeMap<EmployeeId, KnownEmployee>, StoreError> {
    held(connection, scope, people::directory(connection, whose, at).await?, at).await
}

/// The same, limited to those with an own day on `day`. An employee that may not be seen on the day costs the same
/// queries as one that does not exist.
pub async fn known_on(
    connection: &impl Connection,
    scope: &Scope,
    day: NaiveDate,
    whose: Whose<'_>,
    at: Option<DateTime<Utc>>,
) -> Result<BTreeMap<EmployeeId, KnownEmployee>, StoreError> {
    let mut found = people::directory(connection, whose, at).await?;
    found.retain(|_, employee| scope.own_days(employee).contains(day));
    held(connection, scope, found, at).await
}

async fn held(
    connection: &impl Connection,
    scope: &Scope,
    mut found: BTreeMap<EmployeeId, KnownEmployee>,
    at: Option<DateTime<Utc>>,
) -> Result<BTreeMap<EmployeeId, KnownEmployee>, StoreError> {
    if !scope.is_all() {
        let known_at = match at {
            Some(at) => at,
            None => clock::known_through(connection).await?,
        };
        keep_own(connection, scope, known_at, &mut found).await?;
    }
    Ok(found)
}

/// The numbers by which the caller knows an employee.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Numbers {
    number: EmployeeNumber,
    merged: Vec<EmployeeNumber>,
    /// The employee under whose key the shown number's facts are stored.
    of: EmployeeId,
}

/// The numbers that the caller may know: those under which an own employment is recorded, and those that were merged
/// with them on an own day. Other numbers that were merged with them, or used before, by another administration are
/// left out.
fn numbers_of(employee: &KnownEmployee, scope: &Scope, own: &OwnDays, made: &[Merge]) -> Numbers {
    let under = |fact: i64| employee.recorded_under.get(&fact).unwrap_or(&employee.number).clone();
    let includes = |code| scope.visible().includes_of(employee.id, code);
    let employments = employee.person.employments.iter().filter(|e| includes(&e.administration));
    let recorded: BTreeSet<EmployeeNumber> = employments.map(|e| under(e.fact_id)).collect();
    let is_own = |merge: &&Merge| own.contains(scope.calendar().day_of(merge.decided.at));
    let joined: BTreeSet<&EmployeeNumber> = made.iter().filter(is_own).map(|merge| &merge.duplicate_number).collect();
    let shows_kept = recorded.contains(&employee.number) || recorded.iter().any(|number| joined.contains(number));
    if shows_kept {
        let merged = employee.merged_numbers.iter();
        let merged = merged.filter(|number| recorded.contains(*number) || joined.contains(*number)).cloned();
        return Numbers { number: employee.number.clone(), merged: merged.collect(), of: employee.id };
    }
    let mut recorded = recorded.into_iter();
    let number = recorded.next().unwrap_or_else(|| employee.number.clone());
    let of = made.iter().find(|merge| merge.duplicate_number == number).map_or(employee.id, |merge| merge.duplicate);
    Numbers { number, merged: recorded.collect(), of }
}

/// Removes the employees without own days. For the others, removes the numbers, names and addresses that do not belong
/// to own days: for an employee who has left, it shows what was known at the end of the last own day.
pub async fn keep_own(
    connection: &impl Connection,
    scope: &Scope,
    known_at: DateTime<Utc>,
    employees: &mut BTreeMap<EmployeeId, KnownEmployee>,
) -> Result<(), StoreError> {
    if scope.is_all() {
        return Ok(());
    }
    employees.retain(|_, employee| !scope.own_days(employee).is_none());
    let mut shown: Vec<(EmployeeId, Numbers, Option<DateTime<Utc>>)> = Vec::new();
    let mut keys: BTreeSet<EmployeeId> = BTreeSet::new();
    for employee in employees.values() {
        let own = scope.own_days(employee);
        let made = match employee.merged_numbers.is_empty() {
            true => Vec::new(),
            false => merging::of_employee(connection, employee.id).await?,
        };
        let made: Vec<Merge> =
            made.into_iter().filter(|merge| merge.kept == employee.id && merge.is_known_at(known_at)).collect();
        let numbers = numbers_of(employee, scope, &own, &made);
        let until = own.known_until(scope.calendar()).filter(|until| *until <= known_at);
        if until.is_some() || numbers.of != employee.id {
            keys.insert(employee.id);
            keys.extend(made.iter().map(|merge| merge.duplicate));
        }
        if until.is_some() || numbers.number != employee.number || numbers.merged != employee.merged_numbers {
            shown.push((employee.id, numbers, until));
        }
    }
    let called = called(connection, &keys.into_iter().collect::<Vec<_>>(), known_at).await?;
    let ids = people::ids_of(connection, employees.values().flat_map(|e| e.recorded_under.values())).await?;
    for (id, numbers, until) in shown {
        if let Some(employee) = employees.get_mut(&id) {
            let under = |fact: i64, employee: &KnownEmployee| {
                employee.recorded_under.get(&fact).and_then(|number| ids.get(number)).copied().unwrap_or(id)
            };
            rename(employee, numbers, until.unwrap_or(known_at), &called, under);
        }
    }
    Ok(())
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
