//! The directory changed by plan: what no longer holds is closed (`closing`), what holds from now on is recorded, and whom it concerns is
//! linked again and marked.
//!
//! Rows go by the hundreds in each statement: an import of the whole city is a matter of seconds.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Value};

use super::clock::Change;
use super::entities::{employee, identity_claim, platform};
use super::facts::{FROM_EMPLOYMENTS, FROM_IDENTITIES};
use super::links::LinkOrders;
use super::people::parsed;
use super::receiving::mark_stale;
use super::relinking::relink;
use super::rows::{IN_AT_ONCE, insert_rows, padded};
use super::{StoreError, settings};
use crate::domain::calendar::CityCalendar;
use crate::domain::directory::plan::{self, Act, Plan};
use crate::domain::directory::records::{
    AbsenceRecord, AdministrationRecord, EmploymentRecord, ExemptionRecord, IdentityRecord, PersonRecord,
};
use crate::domain::ids::{EmployeeId, EmployeeNumber, PlatformCode};
use crate::domain::linking::{Identity, LinkingKey};

/// Told of each row that is recorded or closed, by how many.
pub type Progress<'a> = &'a (dyn Fn(usize) + Send + Sync);

/// What applying a plan needs beside it.
pub(super) struct Applying<'a> {
    pub(super) change: &'a Change,
    pub(super) progress: Progress<'a>,
    employees: HashMap<EmployeeNumber, EmployeeId>,
    /// Those of them whom nobody knew before.
    new: HashSet<EmployeeId>,
    platforms: HashMap<String, i64>,
    /// Identities that fit somebody else than before.
    pub(super) identities: BTreeSet<Identity>,
    touched: BTreeSet<EmployeeId>,
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
    fn of(plan: &'p Plan) -> Self {
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
fn recorded<'p, T>(acts: &'p [&'p Act<T>]) -> impl Iterator<Item = &'p T> {
    acts.iter().filter_map(|act| act.after())
}

/// Records what a plan changes, links again whom it concerns, and marks whose standing it touches.
pub async fn apply(
    change: &Change,
    plan: &Plan,
    orders: &LinkOrders,
    calendar: CityCalendar,
    progress: Progress<'_>,
) -> Result<(), StoreError> {
    let connection = change.connection();
    let platforms = platform::Entity::find().all(connection).await?.into_iter().map(|row| (row.code, row.id));
    let mut applying = Applying {
        change,
        progress,
        employees: HashMap::new(),
        new: HashSet::new(),
        platforms: platforms.collect(),
        identities: BTreeSet::new(),
        touched: BTreeSet::new(),
    };
    let acts = Acts::of(plan);
    applying.find_or_add_employees(plan).await?;
    applying.close(&acts).await?;
    applying.record(&acts).await?;
    applying.record_claims(&acts).await?;
    let Applying { identities, touched, .. } = applying;
    relink(change, &identities, orders, calendar).await?;
    mark_stale(connection, touched).await?;
    settings::write(change, settings::DIRECTORY_CHANGED_AT, &change.at().to_string()).await
}

impl Applying<'_> {
    async fn find_or_add_employees(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let numbers: BTreeSet<&EmployeeNumber> =
            plan.changes.iter().filter_map(plan::Change::employee_number).collect();
        self.find_employees(&numbers).await?;
        let new: BTreeSet<&EmployeeNumber> =
            numbers.iter().copied().filter(|number| !self.employees.contains_key(*number)).collect();
        let at = self.change.at();
        let rows = new.iter().map(|number| [text(number.as_str()), at.into()]);
        insert_rows(self.change.connection(), "employee", ["number", "recorded_at"], rows, &|_| {}).await?;
        let named = new.iter().filter_map(|number| Identity::new(LinkingKey::EmployeeNumber, number.as_str(), ""));
        self.identities.extend(named);
        self.find_employees(&new).await?;
        self.new.extend(new.iter().filter_map(|number| self.employees.get(*number)));
        self.touched.extend(numbers.iter().filter_map(|number| self.employees.get(*number)));
        Ok(())
    }

    async fn find_employees(&mut self, numbers: &BTreeSet<&EmployeeNumber>) -> Result<(), StoreError> {
        use employee::{Column, Entity};
        let connection = self.change.connection();
        let asked = || Entity::find().select_only().column(Column::Id).column(Column::Number);
        let mut found: Vec<(i64, String)> = Vec::new();
        if numbers.len() > MANY {
            found = asked().into_tuple().all(connection).await?;
        } else {
            let numbers: Vec<&str> = numbers.iter().map(|number| number.as_str()).collect();
            for numbers in numbers.chunks(IN_AT_ONCE) {
                let named = asked().filter(Column::Number.is_in(padded(numbers)));
                found.extend(named.into_tuple::<(i64, String)>().all(connection).await?);
            }
        }
        for (id, number) in found {
            let number = parsed(EmployeeNumber::parse(&number), "employee", "number")?;
            if numbers.contains(&number) {
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
    async fn record(&self, acts: &Acts<'_>) -> Result<(), StoreError> {
        let (connection, at) = (self.change.connection(), self.change.at());
        let rows = recorded(&acts.administrations)
            .map(|record| [text(record.code.as_str()), text(&record.name), text(&record.board), at.into()]);
        let columns = ["code", "name", "board", "recorded_at"];
        insert_rows(connection, "administration_fact", columns, rows, self.progress).await?;

        let mut unknown = None;
        let mut employee = |number: &EmployeeNumber| match self.employee(number) {
            Ok(id) => Value::from(id.0),
            Err(error) => {
                unknown = Some(error);
                Value::BigInt(None)
            }
        };
        let rows = recorded(&acts.persons).map(|record| {
            let PersonRecord { employee_number, given_name, family_name, protected } = record;
            [employee(employee_number), text(given_name), text(family_name), (*protected).into(), at.into()]
        });
        let columns = ["employee_id", "given_name", "family_name", "protected", "recorded_at"];
        insert_rows(connection, "employee_fact", columns, rows, self.progress).await?;

        let rows = recorded(&acts.employments).map(|record| {
            [
                employee(&record.employee_number),
                text(record.employment_id.as_str()),
                text(record.administration.as_str()),
                text(&record.unit),
                text(record.form.as_str()),
                record.starts_on.into(),
                record.ends_on.into(),
                record.email.clone().into(),
                record.username.clone().into(),
                record.manager.as_ref().map(ToString::to_string).into(),
                at.into(),
            ]
        });
        let columns = [
            "employee_id",
            "employment_id",
            "administration",
            "unit",
            "form",
            "starts_on",
            "ends_on",
            "email",
            "username",
            "manager_number",
            "recorded_at",
        ];
        insert_rows(connection, "employment_fact", columns, rows, self.progress).await?;

        let rows = recorded(&acts.absences).map(|record| {
            [employee(&record.employee_number), record.starts_on.into(), record.ends_on.into(), at.into()]
        });
        let columns = ["employee_id", "starts_on", "ends_on", "recorded_at"];
        insert_rows(connection, "absence_fact", columns, rows, self.progress).await?;

        let rows = recorded(&acts.exemptions).map(|record| {
            [
                employee(&record.employee_number),
                text(record.requirement.as_str()),
                record.starts_on.into(),
                record.ends_on.into(),
                text(&record.reason),
                at.into(),
            ]
        });
        let columns = ["employee_id", "requirement", "starts_on", "ends_on", "reason", "recorded_at"];
        insert_rows(connection, "exemption_fact", columns, rows, self.progress).await?;
        unknown.map_or(Ok(()), Err)
    }

    /// Records by what platforms may call people from now on.
    async fn record_claims(&mut self, acts: &Acts<'_>) -> Result<(), StoreError> {
        let mut claims: Vec<(EmployeeId, Option<i64>, Identity, &str)> = Vec::new();
        for record in recorded(&acts.identities) {
            let employee = self.employee(&record.employee_number)?;
            let platform = Some(self.platform(&record.platform)?);
            claims.push((employee, platform, record.identity.clone(), FROM_IDENTITIES));
        }
        let mut addresses: BTreeSet<(EmployeeId, Identity)> = BTreeSet::new();
        for record in recorded(&acts.employments) {
            let employee = self.employee(&record.employee_number)?;
            let email = record.email.as_deref().and_then(|said| Identity::new(LinkingKey::Email, said, ""));
            let username = record.username.as_deref().and_then(|said| Identity::new(LinkingKey::Username, said, ""));
            addresses.extend(email.into_iter().chain(username).map(|identity| (employee, identity)));
        }
        // An address that was ever somebody's goes on linking: results come years late, and people change their names.
        let known = self.known_addresses(&addresses).await?;
        let new = addresses.into_iter().filter(|address| !known.contains(address));
        claims.extend(new.map(|(employee, identity)| (employee, None, identity, FROM_EMPLOYMENTS)));
        let at = self.change.at();
        let rows = claims.iter().map(|(employee, platform, identity, source)| {
            let Identity { key, value, home_page } = identity;
            let key = text(key.as_str());
            [employee.0.into(), (*platform).into(), key, text(value), text(home_page), text(source), at.into()]
        });
        let columns = ["employee_id", "platform_id", "key", "value", "home_page", "source", "recorded_at"];
        insert_rows(self.change.connection(), "identity_claim", columns, rows, self.progress).await?;
        self.identities.extend(claims.into_iter().map(|(_, _, identity, _)| identity));
        Ok(())
    }

    async fn known_addresses(
        &self,
        addresses: &BTreeSet<(EmployeeId, Identity)>,
    ) -> Result<HashSet<(EmployeeId, Identity)>, StoreError> {
        use identity_claim::{Column, Entity};
        let employees: BTreeSet<i64> = addresses
            .iter()
            .filter(|(employee, _)| !self.new.contains(employee))
            .map(|(employee, _)| employee.0)
            .collect();
        let employees: Vec<i64> = employees.into_iter().collect();
        let mut known = HashSet::new();
        for employees in employees.chunks(IN_AT_ONCE) {
            let claims = Entity::find()
                .filter(Column::EmployeeId.is_in(padded(employees)))
                .filter(Column::Source.eq(FROM_EMPLOYMENTS));
            for row in claims.all(self.change.connection()).await? {
                if let Some(key) = LinkingKey::parse(&row.key) {
                    let identity = Identity { key, value: row.value, home_page: row.home_page };
                    known.insert((EmployeeId(row.employee_id), identity));
                }
            }
        }
        Ok(known)
    }
}

/// From how many on people are looked up all at once.
const MANY: usize = 20 * IN_AT_ONCE;

fn text(text: &str) -> Value {
    Value::from(text)
}
