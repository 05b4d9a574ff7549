//! Users that wait: a provider may send a user before HR sends the employee, or without HR's number. Such a user is
//! stored, shown and changed like any other, under an id that stays. It becomes an employee's user once the directory
//! knows exactly one employee by the user's address or user name, or the provider sends the number.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::load::{Household, groups_of, households};
use super::write::{UserUpdate, Writing};
use super::{Precondition, Resource, ScimEndpoint, ScimError, version_of};
use crate::app::{App, Caller, StoreError};
use crate::domain::access::{Action, Principal};
use crate::domain::directory::records::EmploymentRecord;
use crate::domain::ids::{EmployeeId, EmployeeNumber};
use crate::domain::linking::normalized;
use crate::intake::scim::patch::{self, only_removes};
use crate::intake::scim::resource::{Projection, canonical};
use crate::intake::scim::user::{
    self, KnownToWait, ReadUser, UserReference, as_stored, keep_unspoken, waiting_id, with_values_not_stored,
};
use crate::store::scim::KnownBy;
use crate::store::scim_waiting::{self, Ended, Waiting, WaitingUser};
use crate::store::{Connection, Unscoped, people, scim, scim_groups};

/// How many users are checked in one transaction: few, since it holds the clock that receiving waits for.
const AT_ONCE: u64 = 50;

/// The users that wait, each as it is shown.
pub(super) async fn resources_of(
    connection: &impl Connection,
    users: &[WaitingUser],
    base: &str,
) -> Result<Vec<Map<String, Value>>, StoreError> {
    let ids: Vec<String> = users.iter().map(|user| waiting_id(user.id)).collect();
    let mut groups = groups_of(connection, &ids).await?;
    let shown = |user: &WaitingUser| {
        user::write_waiting(KnownToWait {
            id: user.id,
            resource: &user.user.resource,
            active: user.user.active,
            groups: &groups.remove(&waiting_id(user.id)).unwrap_or_default(),
            created_at: user.created_at,
            changed_at: user.changed_at,
            base,
        })
    };
    Ok(users.iter().map(shown).collect())
}

/// The user that waits under an id.
pub(super) async fn waiting_resource(
    connection: &impl Connection,
    id: &str,
    base: &str,
) -> Result<Option<Map<String, Value>>, StoreError> {
    let Some(UserReference::Waited(id)) = UserReference::parse(id) else { return Ok(None) };
    let Some(user) = scim_waiting::by_id(connection, id).await? else { return Ok(None) };
    Ok(resources_of(connection, &[user], base).await?.pop())
}

impl App {
    /// Resolves the users that wait and whose employees the directory knows by now; returns how many.
    pub async fn resolve_waiting_users(&self, endpoint: &ScimEndpoint) -> Result<usize, ScimError> {
        let caller = Caller { principal: Principal::waiting_users(), request_id: "job".to_owned() };
        let grant = caller.grant(Action::Provision)?;
        let (mut resolved, mut unsettled, mut after) = (0, 0, 0);
        loop {
            let ids = scim_waiting::perhaps_known(self.store.connection(Unscoped::Deriving), after, AT_ONCE).await?;
            let Some(last) = ids.last() else { break };
            after = *last;
            // Checked in one short transaction that changes nothing; most of them are no better known than before.
            let writing = Writing::begin(self, &caller, &grant, endpoint).await?;
            let mut known = Vec::new();
            for id in ids {
                match writing.known_by_now(id).await {
                    Ok(found) => known.extend(found.map(|_| id)),
                    Err(ScimError::Store(error)) => return Err(error.into()),
                    Err(_) => unsettled += 1,
                }
            }
            writing.change.roll_back().await?;
            for id in known {
                let writing = Writing::begin(self, &caller, &grant, endpoint).await?;
                // Another process may have been quicker.
                let Some((number, user)) = writing.known_by_now(id).await? else {
                    writing.change.roll_back().await?;
                    continue;
                };
                match writing.make_user(&number, user, Some(id), "scim.user.settle", &Projection::default()).await {
                    Ok(_) => resolved += 1,
                    Err(ScimError::Store(error)) => return Err(error.into()),
                    Err(_) => unsettled += 1,
                }
            }
        }
        if unsettled > 0 {
            tracing::warn!(
                unsettled,
                "users go on waiting: they cannot be read as SCIM is configured now, or not be made users"
            );
        }
        self.metrics.set_waiting_users(scim_waiting::count(self.store.connection(Unscoped::Deriving)).await?);
        Ok(resolved)
    }
}

/// The stored state of a user that waits has no `active` of its own.
fn with_active(mut user: ReadUser, active: bool) -> ReadUser {
    user.provisioned.active = active;
    user.account.active = active;
    user
}

impl Writing<'_> {
    /// The user that waits under an id, with its resource, if the client saw this version of it.
    pub async fn find_waiting(
        &self,
        id: &str,
        precondition: Precondition<'_>,
    ) -> Result<Option<(WaitingUser, Map<String, Value>)>, ScimError> {
        let Some(UserReference::Waited(id)) = UserReference::parse(id) else { return Ok(None) };
        let connection = self.change.connection();
        let Some(user) = scim_waiting::by_id(connection, id).await? else { return Ok(None) };
        let resource = resources_of(connection, std::slice::from_ref(&user), &self.endpoint.base).await?.pop();
        let resource = resource.unwrap_or_default();
        if precondition.holds(&version_of(&resource)) {
            Ok(Some((user, resource)))
        } else {
            Err(ScimError::OtherVersion)
        }
    }

    /// The number of a waiting user's employee, with the user, if the directory knows the employee by now.
    async fn known_by_now(&self, id: i64) -> Result<Option<(EmployeeNumber, ReadUser)>, ScimError> {
        let Some(waiting) = scim_waiting::by_id(self.change.connection(), id).await? else { return Ok(None) };
        let user = with_active(self.read(&waiting.user.resource)?, waiting.user.active);
        Ok(self.number_of(&user).await?.map(|number| (number, user)))
    }

    /// Stores a user: as an employee's user if the directory knows the employee, otherwise as a user that waits.
    /// `waited` is its id if it waits already.
    pub async fn resolve_or_wait(
        self,
        waited: Option<i64>,
        body: &Map<String, Value>,
        action: &'static str,
        projection: &Projection,
    ) -> Result<Resource, ScimError> {
        let user = self.read(body)?;
        match self.number_of(&user).await? {
            Some(number) => self.make_user(&number, user, waited, action, projection).await,
            None => self.wait(waited, &user, body, action, projection).await,
        }
    }

    /// Makes an employee's user.
    async fn make_user(
        self,
        number: &EmployeeNumber,
        user: ReadUser,
        waited: Option<i64>,
        action: &'static str,
        projection: &Projection,
    ) -> Result<Resource, ScimError> {
        let household = self.household(number).await?;
        let household = household.as_ref();
        let generation = household.map_or(1, Household::next_generation);
        let update = UserUpdate {
            number,
            household,
            stored: None,
            was: None,
            user,
            generation,
            waited,
            gone: Vec::new(),
            action,
        };
        self.apply(update, projection).await
    }

    async fn wait(
        self,
        waited: Option<i64>,
        user: &ReadUser,
        body: &Map<String, Value>,
        action: &'static str,
        projection: &Projection,
    ) -> Result<Resource, ScimError> {
        self.free_the_name(&user.account.user_name, None, (0, waited)).await?;
        self.administrations_exist(None, &user.provisioned)?;
        let stored = Waiting {
            active: user.account.active,
            user_name: user.account.user_name.clone(),
            email: user.provisioned.post.email.clone(),
            external_id: user.account.external_id.clone(),
            resource: canonical(&self.endpoint.mapping.schemas, &Value::Object(as_stored(body)))?,
        };
        let id = match waited {
            Some(id) => {
                scim_waiting::save(&self.change, id, &stored).await?;
                id
            }
            None => scim_waiting::insert(&self.change, &stored).await?,
        };
        let found = waiting_resource(self.change.connection(), &waiting_id(id), &self.endpoint.base).await?;
        self.done(action, &format!("user {}", waiting_id(id))).await?;
        Ok(Resource::new(found.unwrap_or_default(), projection))
    }

    /// Patches a user that waits; also returns whether the request only removed and nothing changed.
    pub async fn patch_waiting(
        self,
        (user, before): (&WaitingUser, &Map<String, Value>),
        body: &Value,
        projection: &Projection,
    ) -> Result<(Resource, bool), ScimError> {
        let schemas = &self.endpoint.mapping.schemas;
        let mut found = before.clone();
        with_values_not_stored(&mut found, &self.read(before)?.account.provisioned);
        let after = patch::apply(schemas, &found, body)?;
        if patch::removed(schemas, &after, body).iter().any(|place| place.attribute.name == "active") {
            return Err(ScimError::CannotBeRemoved("active".to_owned()));
        }
        let after = canonical(schemas, &Value::Object(as_stored(&after)))?;
        let is_unchanged = only_removes(body) && after == canonical(schemas, &Value::Object(before.clone()))?;
        let resource = self.resolve_or_wait(Some(user.id), &after, "scim.user.patch", projection).await?;
        Ok((resource, is_unchanged))
    }

    /// Replaces a user that waits.
    pub async fn replace_waiting(
        self,
        (user, before): (&WaitingUser, &Map<String, Value>),
        mut body: Map<String, Value>,
        projection: &Projection,
    ) -> Result<Resource, ScimError> {
        keep_unspoken(&mut body, before, &self.endpoint.mapping);
        self.resolve_or_wait(Some(user.id), &body, "scim.user.replace", projection).await
    }

    /// Deletes a user that waits: what the provider sent is not stored any longer.
    pub async fn forget_waiting(&self, id: i64) -> Result<(), StoreError> {
        scim_waiting::end(&self.change, id, Ended::Deleted).await?;
        scim_groups::leave_all(&self.change, &waiting_id(id)).await
    }

    pub(super) async fn household(&self, number: &EmployeeNumber) -> Result<Option<Household>, ScimError> {
        let connection = self.change.connection();
        let Some(employee) = people::by_number(connection, number).await? else { return Ok(None) };
        Ok(households(connection, &[employee]).await?.remove(&employee))
    }

    /// The number of a user's employee: the number in the request; otherwise that of an employee who is back; otherwise
    /// that of the one employee whom the directory knows by the address or user name.
    async fn number_of(&self, user: &ReadUser) -> Result<Option<EmployeeNumber>, ScimError> {
        if let Some(number) = &user.employee_number {
            return Ok(Some(number.clone()));
        }
        match self.number_of_one_who_is_back(user).await? {
            Some(number) => Ok(Some(number)),
            None => self.number_by_contact(user).await,
        }
    }

    /// The number of an employee who is back and comes without it: the provider's own id is that of the employee's
    /// users, which are all deactivated.
    async fn number_of_one_who_is_back(&self, user: &ReadUser) -> Result<Option<EmployeeNumber>, ScimError> {
        let Some(external_id) = &user.account.external_id else { return Ok(None) };
        let connection = self.change.connection();
        let users = scim::by_external_id(connection, external_id).await?;
        let Some(first) = users.first() else { return Ok(None) };
        if users.iter().any(|user| user.active || user.employee != first.employee) {
            return Ok(None);
        }
        Ok(households(connection, &[first.employee]).await?.remove(&first.employee).map(|household| household.number))
    }

    /// The number of the one employee who works here, or will, has the user's address or user name there, and is no
    /// active user of the provider already.
    async fn number_by_contact(&self, user: &ReadUser) -> Result<Option<EmployeeNumber>, ScimError> {
        let connection = self.change.connection();
        let names = [Some(&user.account.user_name), user.provisioned.post.email.as_ref()];
        let names: BTreeSet<String> = names.into_iter().flatten().map(|name| normalized(name)).collect();
        let mut candidates: BTreeSet<EmployeeId> = BTreeSet::new();
        for name in &names {
            candidates.extend(scim::candidates(connection, KnownBy::Email, name).await?);
        }
        let candidates: Vec<EmployeeId> = candidates.into_iter().collect();
        let has_name = |employment: &EmploymentRecord| {
            let own = [&employment.email, &employment.username].into_iter().flatten();
            let works_here = employment.ends_on.is_none_or(|last| last >= self.today);
            works_here && own.map(|name| normalized(name)).any(|name| names.contains(&name))
        };
        let is_free = |household: &Household| household.users.iter().all(|user| user.is_deleted || !user.active);
        let found = households(connection, &candidates).await?;
        let found = found.into_values().filter(is_free);
        let mut fitting = found.filter(|household| household.person.employments.values().any(has_name));
        match (fitting.next(), fitting.next()) {
            (Some(household), None) => Ok(Some(household.number)),
            _ => Ok(None),
        }
    }
}
