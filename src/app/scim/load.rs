//! Loads users from the register, each complete: the facts, what the provider sent, the manager's id.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use super::ScimEndpoint;
use crate::app::{App, StoreError};
use crate::domain::directory::accounts::{self, Account};
use crate::domain::directory::plan::provision::{KnownPerson, shown};
use crate::domain::directory::records::{EmploymentRecord, PersonRecord};
use crate::domain::ids::{AdministrationCode, EmployeeId, EmployeeNumber};
use crate::intake::scim::group::GroupId;
use crate::intake::scim::user::{self, UserId, UserReference};
use crate::store::people::KnownEmployee;
use crate::store::scim::ScimUser;
use crate::store::scim_groups::ScimGroup;
use crate::store::whose::Whose;
use crate::store::{Connection, people, protection, scim, scim_groups};

/// An employee with every user that a provider has for them.
#[derive(Debug, Clone)]
pub(super) struct Household {
    pub employee: EmployeeId,
    pub number: EmployeeNumber,
    /// With all employments, and without `beside`.
    pub person: KnownPerson,
    /// By generation, deleted ones included.
    pub users: Vec<ScimUser>,
    is_protected: bool,
    created_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
}

/// A user with everything that it shows.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub household: Household,
    /// Its stored state; `None`: the user is known from HR's files alone.
    pub stored: Option<ScimUser>,
    manager: Option<UserId>,
    /// The ids and names of the provider's groups of which it is a member.
    groups: Vec<(String, String)>,
}

/// What loading needs in addition to the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loading<'a> {
    pub endpoint: &'a ScimEndpoint,
    pub administrations: &'a BTreeMap<AdministrationCode, String>,
    pub today: NaiveDate,
}

/// A user as the rules for several accounts see it.
pub(super) fn account_of(user: &ScimUser) -> Account {
    let (given_name, family_name) = user::said_name(&user.provisioned);
    Account { given_name, family_name, says_protected: user::said_protected(&user.provisioned), ..user.account() }
}

impl Household {
    pub fn accounts(&self) -> Vec<Account> {
        self.users.iter().map(account_of).collect()
    }

    /// The generation of the next user.
    pub fn next_generation(&self) -> u32 {
        self.users.iter().map(|user| user.generation).max().unwrap_or_default().saturating_add(1)
    }

    /// What is known of the person, for the account of a generation.
    pub fn known_to(&self, generation: u32, active: bool) -> KnownPerson {
        let beside = accounts::beside(&self.accounts(), generation, active, &self.person.employments);
        KnownPerson { beside, ..self.person.clone() }
    }

    /// The users that are not deleted; a single `None` if no provider has sent any.
    fn members(&self) -> Vec<Option<&ScimUser>> {
        if self.users.is_empty() {
            vec![None]
        } else {
            self.users.iter().filter(|user| !user.is_deleted).map(Some).collect()
        }
    }
}

impl Loaded {
    pub fn id(&self) -> UserId {
        let stored = self.stored.as_ref();
        UserId {
            employee: self.household.employee,
            generation: stored.map_or(1, |stored| stored.generation),
            waited_as: stored.and_then(|stored| stored.waited_as),
        }
    }

    /// Its position in an order by keys: the employee's, then the user's own.
    pub fn place(&self) -> i64 {
        let id = self.id();
        first_place(id.employee).saturating_add(i64::from(id.generation))
    }

    pub fn is_active(&self) -> bool {
        self.stored.as_ref().is_none_or(|stored| stored.active)
    }

    /// What is known of the person, for this account.
    pub fn known(&self) -> KnownPerson {
        self.household.known_to(self.id().generation, self.is_active())
    }

    /// The whole User, in its canonical form.
    pub fn resource(&self, loading: Loading<'_>, app: &App) -> Map<String, Value> {
        let household = &self.household;
        let generation = self.id().generation;
        let all = household.accounts();
        let account = self.stored.as_ref().map(|stored| user::Account {
            user_name: stored.user_name.clone(),
            external_id: stored.external_id.clone(),
            active: stored.active,
            provisioned: stored.provisioned.clone(),
        });
        let employments = &household.person.employments;
        let is_member = |employment: &&EmploymentRecord| {
            all.is_empty() || accounts::employed_as(&all, &employment.employment_id).contains(&generation)
        };
        let known = user::Known {
            id: self.id(),
            number: &household.number,
            person: household.person.person.as_ref(),
            employments: &self.known().seen(),
            employed_in: &employments.values().filter(is_member).collect::<Vec<_>>(),
            is_protected: household.is_protected,
            speaks: accounts::speaks(&all, generation, employments),
            account: account.as_ref(),
            manager: self.manager,
            administrations: loading.administrations,
            groups: &self.groups,
            created_at: household.created_at,
            changed_at: household.changed_at,
            today: loading.today,
            base: &loading.endpoint.base,
        };
        user::write(known, &loading.endpoint.mapping, app.calendar)
    }
}

/// The number of positions for the users of one employee, in an order by keys.
const PLACES: i64 = 1 << 20;

/// The position before an employee's first user.
pub(super) fn first_place(employee: EmployeeId) -> i64 {
    employee.0.saturating_mul(PLACES)
}

/// The employee of a position.
pub(super) const fn employee_at(place: i64) -> EmployeeId {
    EmployeeId(place.div_euclid(PLACES))
}

/// Loads some employees, deleted users among them, by key.
pub(super) async fn households(
    connection: &impl Connection,
    employees: &[EmployeeId],
) -> Result<BTreeMap<EmployeeId, Household>, StoreError> {
    if employees.is_empty() {
        return Ok(BTreeMap::new());
    }
    // The provider is shown the employments as recorded, even if a reorganisation has moved them.
    let known = people::as_recorded(connection, Whose::Only(employees), None).await?;
    let mut users = scim::users(connection, employees).await?;
    let times = scim::times(connection, employees).await?;
    let protected = protection::protected_among(connection, &employees.iter().copied().collect()).await?;
    let household = |(id, employee): (EmployeeId, KnownEmployee)| {
        let (created_at, changed_at) = times.get(&id).copied().unwrap_or_default();
        let household = Household {
            employee: id,
            number: employee.number.clone(),
            person: person_of(&employee),
            users: users.remove(&id).unwrap_or_default(),
            is_protected: protected.contains(&id),
            created_at,
            changed_at,
        };
        (id, household)
    };
    Ok(known.into_iter().map(household).collect())
}

/// Loads the users of some employees, in the order of their places.
pub(super) async fn load(
    connection: &impl Connection,
    employees: &[EmployeeId],
    today: NaiveDate,
) -> Result<Vec<Loaded>, StoreError> {
    let households = households(connection, employees).await?;
    let loaded = households.into_values().flat_map(|household| {
        let stored: Vec<Option<ScimUser>> = household.members().into_iter().map(Option::<&ScimUser>::cloned).collect();
        stored.into_iter().map(move |stored| Loaded {
            household: household.clone(),
            stored,
            manager: None,
            groups: Vec::new(),
        })
    });
    let mut loaded: Vec<Loaded> = loaded.collect();
    let manager_of = |loaded: &Loaded| shown(&loaded.known().seen(), today).and_then(|e| e.manager.clone());
    let numbers: Vec<Option<EmployeeNumber>> = loaded.iter().map(manager_of).collect();
    let managers = scim::by_numbers(connection, &numbers.iter().flatten().cloned().collect::<BTreeSet<_>>()).await?;
    let manager_ids: Vec<EmployeeId> = managers.values().copied().collect();
    let stored_managers = scim::users(connection, &manager_ids).await?;
    let user_id = |number: &EmployeeNumber| {
        let employee = *managers.get(number)?;
        let Some(users) = stored_managers.get(&employee) else { return Some(UserId::of(employee, 1)) };
        let mut users = users.iter().filter(|user| !user.is_deleted);
        let first = users.clone().find(|user| user.active).or_else(|| users.next())?;
        Some(UserId { employee, generation: first.generation, waited_as: first.waited_as })
    };
    for (one, number) in loaded.iter_mut().zip(&numbers) {
        one.manager = number.as_ref().and_then(user_id);
    }
    let ids: Vec<String> = loaded.iter().map(|loaded| loaded.id().to_string()).collect();
    let mut groups = groups_of(connection, &ids).await?;
    for (one, id) in loaded.iter_mut().zip(&ids) {
        one.groups = groups.remove(id).unwrap_or_default();
    }
    Ok(loaded)
}

/// The provider's groups of some users, each by its id and name, by user.
pub(super) async fn groups_of(
    connection: &impl Connection,
    users: &[String],
) -> Result<BTreeMap<String, Vec<(String, String)>>, StoreError> {
    let found = scim_groups::groups_of(connection, users).await?;
    let named = |(user, groups): (String, Vec<ScimGroup>)| {
        (user, groups.into_iter().map(|group| (GroupId(group.id).to_string(), group.display_name)).collect())
    };
    Ok(found.into_iter().map(named).collect())
}

/// The user with an id: one that never waited, or one that did.
pub(super) async fn user_of(connection: &impl Connection, id: &str) -> Result<Option<UserId>, StoreError> {
    match UserReference::parse(id) {
        None => Ok(None),
        Some(UserReference::Known(id)) => Ok(Some(id)),
        Some(UserReference::Waited(waited_as)) => {
            let user = scim::by_waited_as(connection, waited_as).await?;
            let id = |user: ScimUser| UserId {
                employee: user.employee,
                generation: user.generation,
                waited_as: user.waited_as,
            };
            Ok(user.map(id))
        }
    }
}

/// Loads the user with an id; `None` if there is none.
pub(super) async fn load_user(
    connection: &impl Connection,
    id: &str,
    today: NaiveDate,
) -> Result<Option<Loaded>, StoreError> {
    let Some(id) = user_of(connection, id).await? else { return Ok(None) };
    Ok(load(connection, &[id.employee], today).await?.into_iter().find(|loaded| loaded.id() == id))
}

/// What is recorded of an employee, in the form that the directory's rules use.
pub(super) fn person_of(employee: &KnownEmployee) -> KnownPerson {
    let record = |employment: &crate::domain::directory::Employment| {
        let contact = employee.contacts.get(&employment.fact_id).cloned().unwrap_or_default();
        EmploymentRecord {
            earlier: employment.as_recorded().earlier,
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
