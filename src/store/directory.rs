//! The directory: administrations, employees and what HR says of them, read whole and changed by plan.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, Set};

use super::clock::Change;
use super::entities::{
    absence_fact, administration_fact, employee, employee_fact, employment_fact, exemption_fact, identity_claim,
    platform,
};
use super::links::LinkOrders;
use super::people::{employment_of, parsed};
use super::receiving::mark_stale;
use super::relinking::relink;
use super::rows::{IN_AT_ONCE, insert_all};
use super::{StoreError, instant, requirements, settings};
use crate::domain::calendar::CityCalendar;
use crate::domain::directory::plan::{self, Known, Plan};
use crate::domain::directory::records::{
    AbsenceRecord, AdministrationRecord, EmploymentRecord, ExemptionRecord, IdentityRecord, PersonRecord,
};
use crate::domain::ids::{AdministrationCode, EmployeeId, EmployeeNumber, PlatformCode, RequirementCode};
use crate::domain::linking::{Identity, LinkingKey};

/// The administrations that were known at an instant, by code, with their names.
pub async fn administrations(
    connection: &impl ConnectionTrait,
    known_at: DateTime<Utc>,
) -> Result<BTreeMap<AdministrationCode, String>, StoreError> {
    use administration_fact::Column;
    let at = instant::kept(known_at);
    let rows = administration_fact::Entity::find()
        .filter(Column::RecordedAt.lte(at))
        .filter(Column::SupersededAt.is_null().or(Column::SupersededAt.gt(at)))
        .all(connection)
        .await?;
    rows.into_iter().map(|row| Ok((code_of(&row.code)?, row.name))).collect()
}

fn code_of(code: &str) -> Result<AdministrationCode, StoreError> {
    parsed(AdministrationCode::parse(code), "administration_fact", "code")
}

/// The directory as it is known now, and the instant of its last change, by which a later change tells whether it still is.
pub async fn known(connection: &impl ConnectionTrait) -> Result<(Known, Option<String>), StoreError> {
    let mut known =
        Known { requirements: requirements::codes(connection).await?.into_iter().collect(), ..Known::default() };
    let platforms: HashMap<i64, PlatformCode> = platform::Entity::find()
        .all(connection)
        .await?
        .into_iter()
        .map(|row| Ok((row.id, parsed(PlatformCode::parse(&row.code), "platform", "code")?)))
        .collect::<Result<_, StoreError>>()?;
    known.platforms = platforms.values().cloned().collect();
    let current = administration_fact::Entity::find().filter(administration_fact::Column::SupersededAt.is_null());
    for row in current.all(connection).await? {
        let code = code_of(&row.code)?;
        known.administrations.insert(code.clone(), AdministrationRecord { code, name: row.name, board: row.board });
    }
    let mut numbers: HashMap<i64, EmployeeNumber> = HashMap::new();
    for row in employee::Entity::find().all(connection).await? {
        numbers.insert(row.id, parsed(EmployeeNumber::parse(&row.number), "employee", "number")?);
    }
    let number_of = |id: i64| {
        numbers.get(&id).cloned().ok_or(StoreError::Unreadable { table: "employment_fact", column: "employee_id" })
    };
    let current = employee_fact::Entity::find().filter(employee_fact::Column::SupersededAt.is_null());
    for row in current.all(connection).await? {
        let number = number_of(row.employee_id)?;
        let person = PersonRecord {
            employee_number: number.clone(),
            given_name: row.given_name,
            family_name: row.family_name,
            protected: row.protected,
        };
        known.persons.insert(number, person);
    }
    let current = employment_fact::Entity::find().filter(employment_fact::Column::SupersededAt.is_null());
    for row in current.all(connection).await? {
        let employment = employment_of(&row)?;
        let manager = row.manager_number.as_deref().map(EmployeeNumber::parse).transpose();
        let record = EmploymentRecord {
            employee_number: number_of(row.employee_id)?,
            employment_id: employment.id,
            administration: employment.administration,
            unit: employment.unit,
            form: employment.form,
            starts_on: employment.starts_on,
            ends_on: employment.ends_on,
            manager: parsed(manager, "employment_fact", "manager_number")?,
            email: row.email,
            username: row.username,
        };
        known.employments.insert((record.employee_number.clone(), record.employment_id.clone()), record);
    }
    let current = absence_fact::Entity::find().filter(absence_fact::Column::SupersededAt.is_null());
    for row in current.all(connection).await? {
        let number = number_of(row.employee_id)?;
        let record = AbsenceRecord { employee_number: number.clone(), starts_on: row.starts_on, ends_on: row.ends_on };
        known.absences.insert((number, row.starts_on), record);
    }
    let current = exemption_fact::Entity::find().filter(exemption_fact::Column::SupersededAt.is_null());
    for row in current.all(connection).await? {
        let number = number_of(row.employee_id)?;
        let requirement = parsed(RequirementCode::parse(&row.requirement), "exemption_fact", "requirement")?;
        let record = ExemptionRecord {
            employee_number: number.clone(),
            requirement: requirement.clone(),
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            reason: row.reason,
        };
        known.exemptions.insert((number, requirement, row.starts_on), record);
    }
    let current = identity_claim::Entity::find()
        .filter(identity_claim::Column::SupersededAt.is_null())
        .filter(identity_claim::Column::Source.eq(FROM_IDENTITIES));
    for row in current.all(connection).await? {
        let unreadable = |column| StoreError::Unreadable { table: "identity_claim", column };
        let platform = row.platform_id.and_then(|id| platforms.get(&id)).ok_or_else(|| unreadable("platform_id"))?;
        let key = LinkingKey::parse(&row.key).ok_or_else(|| unreadable("key"))?;
        known.identities.insert(IdentityRecord {
            employee_number: number_of(row.employee_id)?,
            platform: platform.clone(),
            identity: Identity { key, value: row.value, home_page: row.home_page },
        });
    }
    Ok((known, settings::read(connection, settings::DIRECTORY_CHANGED_AT).await?))
}

const FROM_EMPLOYMENTS: &str = "employments";
const FROM_IDENTITIES: &str = "identities";

/// What applying a plan needs beside it.
struct Applying<'a> {
    change: &'a Change,
    employees: HashMap<EmployeeNumber, EmployeeId>,
    platforms: HashMap<String, i64>,
    /// Identities that fit somebody else than before.
    identities: BTreeSet<Identity>,
    touched: BTreeSet<EmployeeId>,
}

/// Records what a plan changes, links again whom it concerns, and marks whose standing it touches.
pub async fn apply(
    change: &Change,
    plan: &Plan,
    orders: &LinkOrders,
    calendar: CityCalendar,
) -> Result<(), StoreError> {
    let connection = change.connection();
    let platforms = platform::Entity::find().all(connection).await?.into_iter().map(|row| (row.code, row.id));
    let mut applying = Applying {
        change,
        employees: HashMap::new(),
        platforms: platforms.collect(),
        identities: BTreeSet::new(),
        touched: BTreeSet::new(),
    };
    applying.find_or_add_employees(plan).await?;
    applying.supersede(plan).await?;
    applying.insert(plan).await?;
    let Applying { identities, touched, .. } = applying;
    relink(change, &identities, orders, calendar).await?;
    mark_stale(connection, touched).await?;
    settings::write(change, settings::DIRECTORY_CHANGED_AT, &change.at().to_string()).await
}

impl Applying<'_> {
    async fn find_or_add_employees(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let connection = self.change.connection();
        let numbers: BTreeSet<&EmployeeNumber> =
            plan.changes.iter().filter_map(plan::Change::employee_number).collect();
        self.find_employees(&numbers).await?;
        let new: BTreeSet<&EmployeeNumber> =
            numbers.into_iter().filter(|number| !self.employees.contains_key(*number)).collect();
        let rows = new.iter().map(|number| employee::ActiveModel {
            number: Set(number.to_string()),
            recorded_at: Set(self.change.at()),
            ..Default::default()
        });
        insert_all(connection, rows.collect()).await?;
        let named = new.iter().filter_map(|number| Identity::new(LinkingKey::EmployeeNumber, number.as_str(), ""));
        self.identities.extend(named);
        self.find_employees(&new).await
    }

    async fn find_employees(&mut self, numbers: &BTreeSet<&EmployeeNumber>) -> Result<(), StoreError> {
        let numbers: Vec<&&EmployeeNumber> = numbers.iter().collect();
        for numbers in numbers.chunks(IN_AT_ONCE) {
            let named =
                employee::Entity::find().filter(employee::Column::Number.is_in(numbers.iter().map(|n| n.as_str())));
            for row in named.all(self.change.connection()).await? {
                let number = parsed(EmployeeNumber::parse(&row.number), "employee", "number")?;
                self.employees.insert(number, EmployeeId(row.id));
            }
        }
        Ok(())
    }

    fn employee(&self, number: &EmployeeNumber) -> Result<EmployeeId, StoreError> {
        let unreadable = StoreError::Unreadable { table: "employee", column: "number" };
        self.employees.get(number).copied().ok_or(unreadable)
    }

    fn platform(&self, code: &PlatformCode) -> Result<i64, StoreError> {
        let unreadable = StoreError::Unreadable { table: "platform", column: "code" };
        self.platforms.get(code.as_str()).copied().ok_or(unreadable)
    }

    /// Closes the facts that something else holds instead of from now on.
    async fn supersede(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let connection = self.change.connection();
        let now = Some(self.change.at());
        for changed in &plan.changes {
            match changed {
                plan::Change::Administration(act) if act.before().is_some() => {
                    use administration_fact::{ActiveModel, Column, Entity};
                    let current = Column::Code.eq(act.record().code.as_str()).and(Column::SupersededAt.is_null());
                    let closed = ActiveModel { superseded_at: Set(now), ..Default::default() };
                    Entity::update_many().set(closed).filter(current).exec(connection).await?;
                }
                plan::Change::Person(act) if act.before().is_some() => {
                    use employee_fact::{ActiveModel, Column, Entity};
                    let employee = self.employee(&act.record().employee_number)?;
                    let current = Column::EmployeeId.eq(employee.0).and(Column::SupersededAt.is_null());
                    let closed = ActiveModel { superseded_at: Set(now), ..Default::default() };
                    Entity::update_many().set(closed).filter(current).exec(connection).await?;
                }
                plan::Change::Employment(act) if act.before().is_some() => {
                    use employment_fact::{ActiveModel, Column, Entity};
                    let employee = self.employee(&act.record().employee_number)?;
                    let current = Condition::all()
                        .add(Column::EmployeeId.eq(employee.0))
                        .add(Column::EmploymentId.eq(act.record().employment_id.as_str()))
                        .add(Column::SupersededAt.is_null());
                    let closed = ActiveModel { superseded_at: Set(now), ..Default::default() };
                    Entity::update_many().set(closed).filter(current).exec(connection).await?;
                }
                plan::Change::Absence(act) if act.before().is_some() => {
                    use absence_fact::{ActiveModel, Column, Entity};
                    let employee = self.employee(&act.record().employee_number)?;
                    let current = Condition::all()
                        .add(Column::EmployeeId.eq(employee.0))
                        .add(Column::StartsOn.eq(act.record().starts_on))
                        .add(Column::SupersededAt.is_null());
                    let closed = ActiveModel { superseded_at: Set(now), ..Default::default() };
                    Entity::update_many().set(closed).filter(current).exec(connection).await?;
                }
                plan::Change::Exemption(act) if act.before().is_some() => {
                    use exemption_fact::{ActiveModel, Column, Entity};
                    let employee = self.employee(&act.record().employee_number)?;
                    let current = Condition::all()
                        .add(Column::EmployeeId.eq(employee.0))
                        .add(Column::Requirement.eq(act.record().requirement.as_str()))
                        .add(Column::StartsOn.eq(act.record().starts_on))
                        .add(Column::SupersededAt.is_null());
                    let closed = ActiveModel { superseded_at: Set(now), ..Default::default() };
                    Entity::update_many().set(closed).filter(current).exec(connection).await?;
                }
                plan::Change::Identity(act) if act.before().is_some() => {
                    use identity_claim::{ActiveModel, Column, Entity};
                    let record = act.record();
                    let current = Condition::all()
                        .add(Column::EmployeeId.eq(self.employee(&record.employee_number)?.0))
                        .add(Column::PlatformId.eq(self.platform(&record.platform)?))
                        .add(Column::Key.eq(record.identity.key.as_str()))
                        .add(Column::Value.eq(record.identity.value.as_str()))
                        .add(Column::HomePage.eq(record.identity.home_page.as_str()))
                        .add(Column::Source.eq(FROM_IDENTITIES))
                        .add(Column::SupersededAt.is_null());
                    let closed = ActiveModel { superseded_at: Set(now), ..Default::default() };
                    Entity::update_many().set(closed).filter(current).exec(connection).await?;
                    self.identities.insert(record.identity.clone());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Records what holds from now on.
    async fn insert(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let connection = self.change.connection();
        let at = self.change.at();
        let (mut administrations, mut persons, mut employments) = (Vec::new(), Vec::new(), Vec::new());
        let (mut absences, mut exemptions, mut claims) = (Vec::new(), Vec::new(), Vec::new());
        let mut addresses: BTreeSet<(EmployeeId, Identity)> = BTreeSet::new();
        for changed in &plan.changes {
            if let Some(number) = changed.employee_number() {
                self.touched.insert(self.employee(number)?);
            }
            match changed {
                plan::Change::Administration(act) => {
                    administrations.extend(act.after().map(|record| administration_fact::ActiveModel {
                        code: Set(record.code.to_string()),
                        name: Set(record.name.clone()),
                        board: Set(record.board.clone()),
                        recorded_at: Set(at),
                        ..Default::default()
                    }))
                }
                plan::Change::Person(act) => {
                    let Some(record) = act.after() else { continue };
                    persons.push(employee_fact::ActiveModel {
                        employee_id: Set(self.employee(&record.employee_number)?.0),
                        given_name: Set(record.given_name.clone()),
                        family_name: Set(record.family_name.clone()),
                        protected: Set(record.protected),
                        recorded_at: Set(at),
                        ..Default::default()
                    });
                }
                plan::Change::Employment(act) => {
                    let Some(record) = act.after() else { continue };
                    let employee = self.employee(&record.employee_number)?;
                    let email = record.email.as_deref().and_then(|text| Identity::new(LinkingKey::Email, text, ""));
                    let username =
                        record.username.as_deref().and_then(|text| Identity::new(LinkingKey::Username, text, ""));
                    addresses.extend(email.into_iter().chain(username).map(|identity| (employee, identity)));
                    employments.push(employment_row(record, employee, at));
                }
                plan::Change::Absence(act) => {
                    let Some(record) = act.after() else { continue };
                    absences.push(absence_fact::ActiveModel {
                        employee_id: Set(self.employee(&record.employee_number)?.0),
                        starts_on: Set(record.starts_on),
                        ends_on: Set(record.ends_on),
                        recorded_at: Set(at),
                        ..Default::default()
                    });
                }
                plan::Change::Exemption(act) => {
                    let Some(record) = act.after() else { continue };
                    exemptions.push(exemption_fact::ActiveModel {
                        employee_id: Set(self.employee(&record.employee_number)?.0),
                        requirement: Set(record.requirement.to_string()),
                        starts_on: Set(record.starts_on),
                        ends_on: Set(record.ends_on),
                        reason: Set(record.reason.clone()),
                        recorded_at: Set(at),
                        ..Default::default()
                    });
                }
                plan::Change::Identity(act) => {
                    let Some(record) = act.after() else { continue };
                    let employee = self.employee(&record.employee_number)?;
                    let platform = Some(self.platform(&record.platform)?);
                    claims.push(claim_row(employee, platform, &record.identity, FROM_IDENTITIES, at));
                    self.identities.insert(record.identity.clone());
                }
            }
        }
        // An address that was ever somebody's goes on linking: results come years late, and people change their names.
        let known = self.known_addresses(&addresses).await?;
        for (employee, identity) in addresses {
            if !known.contains(&(employee, identity.clone())) {
                claims.push(claim_row(employee, None, &identity, FROM_EMPLOYMENTS, at));
                self.identities.insert(identity);
            }
        }
        insert_all(connection, administrations).await?;
        insert_all(connection, persons).await?;
        insert_all(connection, employments).await?;
        insert_all(connection, absences).await?;
        insert_all(connection, exemptions).await?;
        insert_all(connection, claims).await?;
        Ok(())
    }

    async fn known_addresses(
        &self,
        addresses: &BTreeSet<(EmployeeId, Identity)>,
    ) -> Result<HashSet<(EmployeeId, Identity)>, StoreError> {
        let employees: BTreeSet<i64> = addresses.iter().map(|(employee, _)| employee.0).collect();
        let employees: Vec<i64> = employees.into_iter().collect();
        let mut known = HashSet::new();
        for employees in employees.chunks(IN_AT_ONCE) {
            use identity_claim::Column;
            let claims = identity_claim::Entity::find()
                .filter(Column::EmployeeId.is_in(employees.iter().copied()))
                .filter(Column::Source.eq(FROM_EMPLOYMENTS))
                .order_by_asc(Column::Id);
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

fn employment_row(record: &EmploymentRecord, employee: EmployeeId, at: i64) -> employment_fact::ActiveModel {
    employment_fact::ActiveModel {
        employee_id: Set(employee.0),
        employment_id: Set(record.employment_id.to_string()),
        administration: Set(record.administration.to_string()),
        unit: Set(record.unit.clone()),
        form: Set(record.form.as_str().to_owned()),
        starts_on: Set(record.starts_on),
        ends_on: Set(record.ends_on),
        email: Set(record.email.clone()),
        username: Set(record.username.clone()),
        manager_number: Set(record.manager.as_ref().map(ToString::to_string)),
        recorded_at: Set(at),
        ..Default::default()
    }
}

fn claim_row(
    employee: EmployeeId,
    platform: Option<i64>,
    identity: &Identity,
    source: &str,
    at: i64,
) -> identity_claim::ActiveModel {
    identity_claim::ActiveModel {
        employee_id: Set(employee.0),
        platform_id: Set(platform),
        key: Set(identity.key.as_str().to_owned()),
        value: Set(identity.value.clone()),
        home_page: Set(identity.home_page.clone()),
        source: Set(source.to_owned()),
        recorded_at: Set(at),
        ..Default::default()
    }
}
