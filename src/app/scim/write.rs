//! What all writing shares: a picture of a person over the one that was seen, into the directory, in one change.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::load::{Household, Loaded, Loading, load_user};
use super::provisioning::{Provisioning, protection};
use super::waiting::waiting_resource;
use super::{Precondition, Resource, ScimEndpoint, ScimError};
use crate::app::{App, Caller};
use crate::domain::access::Grant;
use crate::domain::directory::plan::provision::ProvisionedState;
use crate::domain::ids::{AdministrationCode, EmployeeNumber};
use crate::intake::scim::resource::Projection;
use crate::intake::scim::schema::Place;
use crate::intake::scim::user::{self, ReadUser, UserId, waiting_id};
use crate::store::scim::ScimUser;
use crate::store::scim_waiting::Ended;
use crate::store::whose::Whose;
use crate::store::{Act, Changing, clock, directory, people, scim, scim_groups, scim_waiting};

/// A change under way at the SCIM endpoint.
pub(super) struct Writing<'a> {
    pub app: &'a App,
    pub endpoint: &'a ScimEndpoint,
    pub change: Changing<'a>,
    pub administrations: BTreeMap<AdministrationCode, String>,
    pub today: NaiveDate,
}

/// What becomes of one person.
pub(super) struct UserUpdate<'a> {
    pub number: &'a EmployeeNumber,
    /// What is known; `None` where the employee is new.
    pub household: Option<&'a Household>,
    /// What is stored of the user; `None` if it is new.
    pub stored: Option<&'a ScimUser>,
    /// The picture that the provider saw, where it saw one.
    pub was: Option<ReadUser>,
    pub user: ReadUser,
    pub generation: u32,
    /// The id under which the user waited.
    pub waited: Option<i64>,
    /// Attributes of which nothing may be shown afterwards.
    pub gone: Vec<Place<'a>>,
    /// What the audit entry says.
    pub action: &'static str,
}

impl<'a> Writing<'a> {
    pub async fn begin(
        app: &'a App,
        caller: &'a Caller,
        grant: &'a Grant,
        endpoint: &'a ScimEndpoint,
    ) -> Result<Self, ScimError> {
        let now = app.now();
        let change = app.begin_change(caller, grant).await?;
        let known_at = clock::known_through(change.connection()).await?;
        let administrations = directory::administrations(change.connection(), known_at).await?;
        Ok(Self { app, endpoint, change, administrations, today: app.calendar.day_of(now) })
    }

    pub fn loading(&self) -> Loading<'_> {
        Loading { endpoint: self.endpoint, administrations: &self.administrations, today: self.today }
    }

    /// The user of an id, with its whole resource, if the client saw this version of it.
    pub async fn find(
        &self,
        id: &str,
        precondition: Precondition<'_>,
    ) -> Result<(Loaded, Map<String, Value>), ScimError> {
        let unknown = || ScimError::NotFound { kind: "user", id: id.to_owned() };
        let loaded = load_user(self.change.connection(), id, self.today).await?.ok_or_else(unknown)?;
        let resource = loaded.resource(self.loading(), self.app);
        if precondition.holds(&super::version_of(&resource)) {
            Ok((loaded, resource))
        } else {
            Err(ScimError::OtherVersion)
        }
    }

    /// Reads a User in its canonical form.
    pub fn read(&self, resource: &Map<String, Value>) -> Result<ReadUser, ScimError> {
        Ok(user::read(resource, &self.endpoint.mapping, self.app.calendar)?)
    }

    /// Makes a wish true, and answers what the user is then.
    pub async fn apply(self, update: UserUpdate<'_>, projection: &Projection) -> Result<Resource, ScimError> {
        let UserUpdate { number, household, stored, was, mut user, generation, waited, gone, action } = update;
        self.free_the_name(&user.account.user_name, household, (generation, waited)).await?;
        let was = match was {
            None => None,
            Some(mut was) => {
                // Who was shown stays where the same is said, also when they are no user any more.
                was.provisioned.post.manager = self.manager(was.manager.as_deref()).await.ok().flatten();
                Some(was)
            }
        };
        let same_manager = was.as_ref().is_some_and(|was| was.manager == user.manager);
        user.provisioned.post.manager = match was.as_ref().filter(|_| same_manager) {
            Some(was) => was.provisioned.post.manager.clone(),
            // Of who waited, the manager may be gone by now.
            None if waited.is_some() => self.manager(user.manager.as_deref()).await.ok().flatten(),
            None => self.manager(user.manager.as_deref()).await?,
        };
        let was = was.map(|was| was.provisioned);
        self.administrations_exist(was.as_ref(), &user.provisioned)?;
        protection(household, stored, generation, was.as_ref(), &mut user);
        let user_name = &user.account.user_name;
        let telling = Provisioning {
            number,
            household,
            stored,
            generation,
            was: was.as_ref(),
            provisioned: &user.provisioned,
            user_name,
        };
        let governs = self.direct(&telling).await?;
        let employee = match household {
            Some(household) => Some(household.employee),
            None => people::by_number(self.change.connection(), number).await?,
        };
        let unreadable = crate::store::StoreError::Unreadable { table: "employee", column: "number" };
        let employee = employee.ok_or(unreadable)?;
        let goes = !user.account.active && was.as_ref().is_none_or(|was| was.active);
        let kept_end = stored.and_then(|stored| stored.ended_at).filter(|_| !user.account.active);
        let said = ScimUser {
            employee,
            generation,
            is_deleted: false,
            active: user.account.active,
            user_name: user.account.user_name,
            external_id: user.account.external_id,
            provisioned: user.account.provisioned,
            governs,
            ended_at: if goes { Some(self.change.known_at()) } else { kept_end },
            waited_as: waited.or_else(|| stored.and_then(|stored| stored.waited_as)),
        };
        if stored != Some(&said) {
            scim::save(&self.change, &said).await?;
        }
        let id = UserId { employee, generation, waited_as: said.waited_as };
        if let Some(waited) = waited {
            scim_waiting::end(&self.change, waited, Ended::Known).await?;
        }
        if said.active && was.is_none_or(|was| !was.active) {
            self.carry_memberships(id).await?;
        }
        let resource = self.resource(id).await?;
        nothing_left(&gone, &resource)?;
        self.done(action, &format!("employee {number}")).await?;
        Ok(Resource::new(resource, projection))
    }

    /// Ends what runs of the user's, and lets go of it; the person stays known. What a deactivation ended already is
    /// not ended again: HR's files may have brought the person back since.
    pub async fn deactivate(self, loaded: &Loaded, was: &ReadUser) -> Result<(), ScimError> {
        let household = &loaded.household;
        let generation = loaded.id().generation;
        let provisioned = ProvisionedState { active: false, employments: None, ..was.provisioned.clone() };
        let provisioned = ProvisionedState { given_name: None, family_name: None, protected: None, ..provisioned };
        let is_inactive = loaded.stored.as_ref().is_some_and(|stored| !stored.active);
        if !is_inactive {
            let telling = Provisioning {
                number: &household.number,
                household: Some(household),
                stored: loaded.stored.as_ref(),
                generation,
                was: None,
                provisioned: &provisioned,
                user_name: &was.account.user_name,
            };
            self.direct(&telling).await?;
        }
        let kept_end = loaded.stored.as_ref().and_then(|stored| stored.ended_at);
        let ended_at = if is_inactive { kept_end } else { Some(self.change.known_at()) };
        let gone = ScimUser { ended_at, ..gone(loaded.id()) };
        scim::save(&self.change, &gone).await?;
        scim_groups::leave_all(&self.change, &loaded.id().to_string()).await?;
        self.done("scim.user.delete", &format!("employee {}", household.number)).await
    }

    /// A user name is one active user's. An inactive one that has it lets go of it, and so of its id: the name has gone
    /// to somebody else, or the provider made the same user anew.
    pub(super) async fn free_the_name(
        &self,
        user_name: &str,
        household: Option<&Household>,
        (generation, waited): (u32, Option<i64>),
    ) -> Result<(), ScimError> {
        let waiting = scim_waiting::by_user_name(self.change.connection(), user_name).await?;
        if let Some(taken) = waiting.filter(|taken| Some(taken.id) != waited) {
            let id = waiting_id(taken.id);
            if taken.user.active {
                return Err(ScimError::Exists { location: format!("{}/Users/{id}", self.endpoint.base) });
            }
            self.forget_waiting(taken.id).await?;
            let act = Act { action: "scim.user.let_go", object: &format!("user {id}") };
            self.change.note(act).await?;
        }
        let Some(taken) = scim::by_user_name(self.change.connection(), user_name).await? else { return Ok(()) };
        let is_same_person = household.is_some_and(|household| household.employee == taken.employee);
        if is_same_person && taken.generation == generation {
            return Ok(());
        }
        let id = UserId { employee: taken.employee, generation: taken.generation, waited_as: taken.waited_as };
        if taken.active {
            return Err(if is_same_person {
                ScimError::Exists { location: format!("{}/Users/{id}", self.endpoint.base) }
            } else {
                ScimError::Taken("userName")
            });
        }
        scim::save(&self.change, &ScimUser { ended_at: taken.ended_at, ..gone(id) }).await?;
        scim_groups::leave_all(&self.change, &id.to_string()).await?;
        let number = people::as_recorded(self.change.connection(), Whose::Only(&[taken.employee]), None).await?;
        if let Some(holder) = number.get(&taken.employee) {
            let object = format!("employee {}", holder.number);
            let act = Act { action: "scim.user.let_go", object: &object };
            self.change.note(act).await?;
        }
        Ok(())
    }

    /// Leaves the audit entry and commits.
    pub(super) async fn done(self, action: &'static str, object: &str) -> Result<(), ScimError> {
        Ok(self.change.commit(Act { action, object }).await?)
    }

    async fn resource(&self, id: UserId) -> Result<Map<String, Value>, ScimError> {
        let found = load_user(self.change.connection(), &id.to_string(), self.today).await?;
        Ok(found.map(|loaded| loaded.resource(self.loading(), self.app)).unwrap_or_default())
    }

    /// The employee number of the manager whose User has an id.
    async fn manager(&self, id: Option<&str>) -> Result<Option<EmployeeNumber>, ScimError> {
        let Some(id) = id else { return Ok(None) };
        let unknown = || ScimError::UnknownManager(id.to_owned());
        let connection = self.change.connection();
        // A manager who waits is not in the directory yet, and no reason to refuse their staff.
        if waiting_resource(connection, id, &self.endpoint.base).await?.is_some() {
            return Ok(None);
        }
        let manager = load_user(connection, id, self.today).await?;
        manager.map(|manager| Some(manager.household.number)).ok_or_else(unknown)
    }

    pub(super) fn codes(&self) -> String {
        let codes: Vec<&str> = self.administrations.keys().map(AdministrationCode::as_str).collect();
        if codes.is_empty() { "none yet, import HR's file of administrations".to_owned() } else { codes.join(", ") }
    }

    /// Whatever is said anew of administrations must name known ones.
    pub(super) fn administrations_exist(
        &self,
        was: Option<&ProvisionedState>,
        provisioned: &ProvisionedState,
    ) -> Result<(), ScimError> {
        let was_named = |code: &AdministrationCode| {
            was.is_some_and(|was| {
                was.post.administration.as_ref() == Some(code)
                    || was.employments.iter().flatten().any(|employment| employment.administration == *code)
            })
        };
        let listed = provisioned.employments.iter().flatten().map(|employment| &employment.administration);
        let mut named = provisioned.post.administration.iter().chain(listed);
        let is_unknown = |code: &&AdministrationCode| !self.administrations.contains_key(*code) && !was_named(code);
        match named.find(is_unknown) {
            None => Ok(()),
            Some(code) => Err(ScimError::UnknownAdministration { word: code.to_string(), known: self.codes() }),
        }
    }
}

/// A user without an employee. What need not be stored is deleted.
fn gone(id: UserId) -> ScimUser {
    ScimUser {
        employee: id.employee,
        generation: id.generation,
        is_deleted: true,
        active: false,
        user_name: String::new(),
        external_id: None,
        provisioned: BTreeMap::new(),
        governs: BTreeSet::new(),
        ended_at: None,
        waited_as: None,
    }
}

/// What was to be removed must not be shown afterwards: the directory may know it still. Employments that ended are
/// shown as such.
fn nothing_left(gone: &[Place<'_>], resource: &Map<String, Value>) -> Result<(), ScimError> {
    let stays = |place: &&Place<'_>| place.attribute.name != "employments" && !place.values(resource).is_empty();
    match gone.iter().find(stays) {
        None => Ok(()),
        Some(place) => Err(ScimError::CannotBeRemoved(place.canonical())),
    }
}
