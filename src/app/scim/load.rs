//! Users out of the register, each whole: facts, what the provider said, the manager's id.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use super::Door;
use crate::app::{App, StoreError};
use crate::domain::directory::plan::provision::{KnownPerson, shown};
use crate::domain::directory::records::{EmploymentRecord, PersonRecord};
use crate::domain::ids::{AdministrationCode, EmployeeId, EmployeeNumber};
use crate::intake::scim::user::{self, Account, UserId};
use crate::store::people::{KnownEmployee, Whose};
use crate::store::scim::ScimUser;
use crate::store::{Connection, people, scim};

/// An employee with everything that a User shows.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub employee: EmployeeId,
    pub number: EmployeeNumber,
    pub person: KnownPerson,
    pub kept: Option<ScimUser>,
    is_protected: bool,
    manager: Option<UserId>,
    created_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
}

/// What loading needs beside the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loading<'a> {
    pub door: &'a Door,
    pub administrations: &'a BTreeMap<AdministrationCode, String>,
    pub today: NaiveDate,
}

impl Loaded {
    pub fn id(&self) -> UserId {
        UserId { employee: self.employee, generation: self.kept.as_ref().map_or(1, |kept| kept.generation) }
    }

    /// Whether the provider has deleted the user, and not told of the employee since.
    pub fn is_deleted(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.is_deleted)
    }

    /// The whole User, in its canonical form.
    pub fn resource(&self, loading: Loading<'_>, app: &App) -> Map<String, Value> {
        let account = self.kept.as_ref().filter(|kept| !kept.is_deleted).map(|kept| Account {
            user_name: kept.user_name.clone(),
            external_id: kept.external_id.clone(),
            active: kept.active,
            told: kept.told.clone(),
        });
        let known = user::Known {
            id: self.id(),
            number: &self.number,
            person: &self.person,
            is_protected: self.is_protected,
            account: account.as_ref(),
            manager: self.manager,
            administrations: loading.administrations,
            created_at: self.created_at,
            changed_at: self.changed_at,
            today: loading.today,
            base: &loading.door.base,
        };
        user::write(known, &loading.door.mapping, app.calendar)
    }
}

/// Loads some employees, deleted users among them, by key.
pub(super) async fn load(
    connection: &impl Connection,
    employees: &[EmployeeId],
    today: NaiveDate,
) -> Result<BTreeMap<EmployeeId, Loaded>, StoreError> {
    if employees.is_empty() {
        return Ok(BTreeMap::new());
    }
    // The provider is shown what was told, wherever it is by now.
    let known = people::as_told(connection, Whose::Only(employees), None).await?;
    let mut kept = scim::users(connection, employees).await?;
    let times = scim::times(connection, employees).await?;
    let persons: BTreeMap<EmployeeId, KnownPerson> =
        known.iter().map(|(id, employee)| (*id, person_of(employee))).collect();
    let manager_of = |person: &KnownPerson| shown(&person.employments, today).and_then(|e| e.manager.clone());
    let numbers: BTreeSet<EmployeeNumber> = persons.values().filter_map(manager_of).collect();
    let managers = scim::by_numbers(connection, &numbers).await?;
    let manager_ids: Vec<EmployeeId> = managers.values().copied().collect();
    let kept_managers = scim::users(connection, &manager_ids).await?;
    let user_id = |number: &EmployeeNumber| {
        let employee = *managers.get(number)?;
        match kept_managers.get(&employee) {
            Some(kept) if kept.is_deleted => None,
            kept => Some(UserId { employee, generation: kept.map_or(1, |kept| kept.generation) }),
        }
    };
    let protected = people::protected_among(connection, &employees.iter().copied().collect()).await?;
    let mut loaded = BTreeMap::new();
    for (id, person) in persons {
        let Some(employee) = known.get(&id) else { continue };
        let (created_at, changed_at) = times.get(&id).copied().unwrap_or_default();
        let manager = manager_of(&person).as_ref().and_then(user_id);
        let number = employee.number.clone();
        loaded.insert(
            id,
            Loaded {
                employee: id,
                number,
                person,
                kept: kept.remove(&id),
                is_protected: protected.contains(&id),
                manager,
                created_at,
                changed_at,
            },
        );
    }
    Ok(loaded)
}

fn person_of(employee: &KnownEmployee) -> KnownPerson {
    let record = |employment: &crate::domain::directory::Employment| {
        let contact = employee.contacts.get(&employment.fact_id).cloned().unwrap_or_default();
        EmploymentRecord {
            earlier: employment.as_told().earlier,
            employee_number: employee.number.clone(),
            employment_id: employment.id.clone(),
            administration: employment.administration.clone(),
            unit: employment.unit.clone(),
            form: employment.form,
            starts_on: employment.starts_on,
            ends_on: employment.ends_on,
            manager: contact.manager,
            email: contact.email,
            username: contact.username,
        }
    };
    KnownPerson {
        person: Some(PersonRecord {
            employee_number: employee.number.clone(),
            given_name: employee.given_name.clone(),
            family_name: employee.family_name.clone(),
            protected: employee.protected,
        }),
        employments: employee.person.employments.iter().map(|e| (e.id.clone(), record(e))).collect(),
        ..KnownPerson::default()
    }
}
