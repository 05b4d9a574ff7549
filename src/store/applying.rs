//! Applies a plan to the directory. It closes what no longer holds (`closing`), records what holds from now on, and
//! relinks and marks the people concerned. Keys are in `claiming`.
//!
//! Each statement takes hundreds of rows: an import of the whole city takes seconds.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Value};

use super::clock::Change;
use super::entities::{employee, platform};
use super::links::LinkOrders;
use super::parsed::parsed;
use super::recorded::{AbsenceRow, AdministrationRow, EmployeeRow, EmploymentRow, ExemptionRow, PersonRow};
use super::relinking::relink;
use super::rows::insertion::insert_in_chunks;
use super::sql::{IN_AT_ONCE, padded, placeholders, statement};
use super::stale::mark_stale;
use super::{StoreError, settings};
use crate::domain::calendar::CityCalendar;
use crate::domain::directory::plan::{self, Act, Plan};
use crate::domain::directory::records::{
    AbsenceRecord, AdministrationRecord, EmploymentRecord, ExemptionRecord, IdentityRecord, PersonRecord,
};
use crate::domain::ids::{EmployeeId, EmployeeNumber, PlatformCode};
use crate::domain::linking::{Identity, LinkingKey};

/// Called for the rows that are recorded or closed, with their number.
pub type Progress<'a> = &'a (dyn Fn(usize) + Send + Sync);

/// What is needed to apply a plan, in addition to the plan.
pub(super) struct Applying<'a> {
    pub(super) change: &'a Change,
    pub(super) progress: Progress<'a>,
    employees: HashMap<EmployeeNumber, EmployeeId>,
    /// Those of them who were not known before.
    pub(super) new: HashSet<EmployeeId>,
    /// Those who are known only from an import that was undone.
    forgotten: HashSet<EmployeeId>,
    platforms: HashMap<String, i64>,
    /// Identities that now fit another employee than before.
    pub(super) identities: BTreeSet<Identity>,
    pub(super) touched: BTreeSet<EmployeeId>,
    /// The instant of the import that this plan undoes.
    pub(super) undoes: Option<i64>,
}

/// The changes of a plan, by kind.
#[derive(Default)]
pub(super) struct Acts<'p> {
    pub(super) administrations: Vec<&'p Act<AdministrationRecord>>,
    pub(super) persons: Vec<&'p Act<PersonRecord>>,
    pub(super) employments: Vec<&'p Act<EmploymentRecord>>,
    pub(super) absences: Vec<&'p Act<AbsenceRecord>>,
    pub(super) exemptions: Vec<&'p Act<ExemptionRecord>>,
    pub(super) identities: Vec<&'p Act<IdentityRecord>>,
}

impl<'p> Acts<'p> {
    pub(super) fn of(plan: &'p Plan) -> Self {
        let mut acts = Self::default();
        for change in &plan.changes {
            match change {
                plan::Change::Administration(act) => acts.administrations.push(act),
                plan::Change::Person(act) => acts.persons.push(act),
                plan::Change::Employment(act) => acts.employments.push(act),
                plan::Change::Absence(act) => acts.absences.push(act),
                plan::Change::Exemption(act) => acts.exemptions.push(act),
                plan::Change::Identity(act) => acts.identities.push(act),
            }
        }
        acts
    }
}

/// The records that hold from now on.
pub(super) fn recorded<'p, T>(acts: &'p [&'p Act<T>]) -> impl Iterator<Item = &'p T> {
    acts.iter().filter_map(|act| act.after())
}

/// Records what a plan changes, relinks the learners concerned, and marks the employees whose compliance state it
/// touches.
pub async fn apply(
    change: &Change,
    plan: &Plan,
    orders: &LinkOrders,
    calendar: CityCalendar,
    progress: Progress<'_>,
) -> Result<(), StoreError> {
    let mut applying = Applying::begin(change, plan, None, progress).await?;
    let acts = Acts::of(plan);
    applying.close(&acts).await?;
    applying.record(&acts).await?;
    applying.record_claims(&acts).await?;
    finish(applying, orders, calendar).await
}

/// Relinks the learners whose identities changed, and marks the employees whose compliance state is touched.
pub(super) async fn finish(
    mut applying: Applying<'_>,
    orders: &LinkOrders,
    calendar: CityCalendar,
) -> Result<(), StoreError> {
    applying.add_shared_identities().await?;
    let Applying { change, identities, touched, .. } = applying;
    relink(change, &identities, orders, calendar).await?;
    mark_stale(change.connection(), touched).await?;
    settings::write(change, settings::DIRECTORY_CHANGED_AT, &change.at().to_string()).await
}

impl<'a> Applying<'a> {
    /// Finds the employees that the plan names, and adds those that are not known. `undoes`: the instant of the import
    /// that the plan undoes. What that import recorded counts as never recorded, and what it closed continues.
    pub(super) async fn begin(
        change: &'a Change,
        plan: &Plan,
        undoes: Option<i64>,
        progress: Progress<'a>,
    ) -> Result<Self, StoreError> {
        let platforms = platform::Entity::find().all(change.connection()).await?;
        let mut applying = Self {
            change,
            progress,
            employees: HashMap::new(),
            new: HashSet::new(),
            forgotten: HashSet::new(),
            platforms: platforms.into_iter().map(|row| (row.code, row.id)).collect(),
            identities: BTreeSet::new(),
            touched: BTreeSet::new(),
            undoes,
        };
        applying.find_or_add_employees(plan).await?;
        Ok(applying)
    }
}

impl Applying<'_> {
    async fn find_or_add_employees(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let numbers: BTreeSet<&EmployeeNumber> =
            plan.changes.iter().filter_map(plan::Change::employee_number).collect();
        self.find_employees(&numbers).await?;
        let new: BTreeSet<&EmployeeNumber> =
            numbers.iter().copied().filter(|number| !self.employees.contains_key(*number)).collect();
        let at = self.change.at();
        let rows: Vec<EmployeeRow<'_>> =
            new.iter().map(|number| EmployeeRow { number: number.as_str(), recorded_at: at }).collect();
        insert_in_chunks(self.change.connection(), &rows, &|_| {}).await?;
        let named = new.iter().filter_map(|number| Identity::new(LinkingKey::EmployeeNumber, number.as_str(), ""));
        self.identities.extend(named);
        self.find_employees(&new).await?;
        self.new.extend(new.iter().filter_map(|number| self.employees.get(*number)));
        self.touched.extend(numbers.iter().filter_map(|number| self.employees.get(*number)));
        self.know_again(plan).await
    }

    /// Marks as known again those who were known only from an undone import.
    async fn know_again(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let mut ids = Vec::new();
        for change in &plan.changes {
            let plan::Change::Person(Act::Added(person)) = change else { continue };
            let id = self.employee(&person.employee_number)?;
            if self.forgotten.contains(&id) {
                ids.push(id.0);
                self.identities.extend(Identity::new(LinkingKey::EmployeeNumber, person.employee_number.as_str(), ""));
            }
        }
        self.set_known(&ids, true).await
    }

    pub(super) async fn set_known(&self, employees: &[i64], is_known: bool) -> Result<(), StoreError> {
        let connection = self.change.connection();
        for ids in employees.chunks(IN_AT_ONCE) {
            let ids: Vec<i64> = padded(ids).collect();
            let sql = format!("UPDATE employee SET is_known = $1 WHERE id IN ({})", placeholders(2, ids.len()));
            let values = std::iter::once(Value::from(is_known)).chain(ids.into_iter().map(Value::from));
            connection.execute_raw(statement(connection, &sql, values)).await?;
        }
        Ok(())
    }

    async fn find_employees(&mut self, numbers: &BTreeSet<&EmployeeNumber>) -> Result<(), StoreError> {
        use employee::{Column, Entity};
        let connection = self.change.connection();
        let columns = [Column::Id, Column::Number, Column::IsKnown];
        let requested = || Entity::find().select_only().columns(columns);
        let mut found: Vec<(i64, String, bool)> = Vec::new();
        if numbers.len() > MANY {
            found = requested().into_tuple().all(connection).await?;
        } else {
            let numbers: Vec<&str> = numbers.iter().map(|number| number.as_str()).collect();
            for numbers in numbers.chunks(IN_AT_ONCE) {
                let named = requested().filter(Column::Number.is_in(padded(numbers)));
                found.extend(named.into_tuple::<(i64, String, bool)>().all(connection).await?);
            }
        }
        for (id, number, is_known) in found {
            let number = parsed(EmployeeNumber::parse(&number), "employee", "number")?;
            if numbers.contains(&number) {
                self.forgotten.extend((!is_known).then_some(EmployeeId(id)));
                self.employees.insert(number, EmployeeId(id));
            }
        }
        Ok(())
    }

    pub(super) fn employee(&self, number: &EmployeeNumber) -> Result<EmployeeId, StoreError> {
        let unreadable = StoreError::Unreadable { table: "employee", column: "number" };
        self.employees.get(number).copied().ok_or(unreadable)
    }

    pub(super) fn platform(&self, code: &PlatformCode) -> Result<i64, StoreError> {
        let unreadable = StoreError::Unreadable { table: "platform", column: "code" };
        self.platforms.get(code.as_str()).copied().ok_or(unreadable)
    }

    /// Records what holds from now on.
    pub(super) async fn record(&self, acts: &Acts<'_>) -> Result<(), StoreError> {
        let (connection, at, progress) = (self.change.connection(), self.change.at(), self.progress);
        let administrations: Vec<AdministrationRow<'_>> =
            recorded(&acts.administrations).map(|record| AdministrationRow::new(record, at)).collect();
        insert_in_chunks(connection, &administrations, progress).await?;
        let mut persons = Vec::with_capacity(acts.persons.len());
        for record in recorded(&acts.persons) {
            persons.push(PersonRow::new(self.employee(&record.employee_number)?, record, at));
        }
        insert_in_chunks(connection, &persons, progress).await?;
        let mut employments = Vec::with_capacity(acts.employments.len());
        for record in recorded(&acts.employments) {
            employments.push(EmploymentRow::new(self.employee(&record.employee_number)?, record, at));
        }
        insert_in_chunks(connection, &employments, progress).await?;
        let mut absences = Vec::with_capacity(acts.absences.len());
        for record in recorded(&acts.absences) {
            absences.push(AbsenceRow::new(self.employee(&record.employee_number)?, record, at));
        }
        insert_in_chunks(connection, &absences, progress).await?;
        let mut exemptions = Vec::with_capacity(acts.exemptions.len());
        for record in recorded(&acts.exemptions) {
            exemptions.push(ExemptionRow::new(self.employee(&record.employee_number)?, record, at));
        }
        insert_in_chunks(connection, &exemptions, progress).await
    }
}

/// Above this number, people are looked up all at once.
const MANY: usize = 20 * IN_AT_ONCE;
