//! What all writing shares: a picture of a person over the one that was seen, into the directory, in one change.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::load::{Loaded, Loading, load};
use super::{Door, Precondition, Resource, ScimError};
use crate::app::context::Act;
use crate::app::{App, Asker};
use crate::domain::access::Grant;
use crate::domain::directory::plan::provision::{KnownPerson, ProvisionFault, Told, provision};
use crate::domain::directory::plan::{self, Plan};
use crate::domain::directory::records::EmploymentRecord;
use crate::domain::directory::succession::Successions;
use crate::domain::ids::{AdministrationCode, EmployeeId, EmployeeNumber};
use crate::intake::scim::resource::Projection;
use crate::intake::scim::user::{self, ReadUser, UserId};
use crate::store::scim::ScimUser;
use crate::store::{Change, applying, clock, directory, people, platforms, reorganisations, scim};

/// A change under way at the SCIM door.
pub(super) struct Writing<'a> {
    pub app: &'a App,
    pub asker: &'a Asker,
    pub grant: &'a Grant,
    pub door: &'a Door,
    pub change: Change,
    pub administrations: BTreeMap<AdministrationCode, String>,
    pub today: NaiveDate,
}

/// What becomes of one person.
pub(super) struct Wish<'a> {
    pub number: &'a EmployeeNumber,
    /// What is known; `None` where the employee is new.
    pub loaded: Option<&'a Loaded>,
    /// The picture that the provider saw, where it saw one.
    pub was: Option<ReadUser>,
    pub user: ReadUser,
    pub generation: u32,
    /// What the audit entry says.
    pub action: &'static str,
}

impl<'a> Writing<'a> {
    pub async fn begin(app: &'a App, asker: &'a Asker, grant: &'a Grant, door: &'a Door) -> Result<Self, ScimError> {
        let now = app.now();
        let change = app.store.change(now).await?;
        let known_at = clock::known_through(change.connection()).await?;
        let administrations = directory::administrations(change.connection(), known_at).await?;
        Ok(Self { app, asker, grant, door, change, administrations, today: app.calendar.day_of(now) })
    }

    pub fn loading(&self) -> Loading<'_> {
        Loading { door: self.door, administrations: &self.administrations, today: self.today }
    }

    /// The user of an id, with its whole resource, if the client saw this version of it.
    pub async fn find(
        &self,
        id: &str,
        precondition: Precondition<'_>,
    ) -> Result<(Loaded, Map<String, Value>), ScimError> {
        let unknown = || ScimError::NotFound { kind: "user", id: id.to_owned() };
        let wanted = UserId::parse(id).ok_or_else(unknown)?;
        let mut found = load(self.change.connection(), &[wanted.employee], self.today).await?;
        let loaded = found.remove(&wanted.employee).filter(|loaded| loaded.id() == wanted && !loaded.is_deleted());
        let loaded = loaded.ok_or_else(unknown)?;
        let resource = loaded.resource(self.loading(), self.app);
        if precondition.holds(&super::version_of(&resource)) {
            Ok((loaded, resource))
        } else {
            Err(ScimError::OtherVersion)
        }
    }

    /// Reads a User in its canonical form.
    pub fn read(&self, resource: &Map<String, Value>) -> Result<ReadUser, ScimError> {
        Ok(user::read(resource, &self.door.mapping, self.app.calendar)?)
    }

    /// Makes a wish true, and answers what the user is then.
    pub async fn fulfil(self, wish: Wish<'_>, projection: &Projection) -> Result<Resource, ScimError> {
        let Wish { number, loaded, was, mut user, generation, action } = wish;
        let known = loaded.map_or_else(KnownPerson::default, |loaded| loaded.person.clone());
        let connection = self.change.connection();
        let taken = scim::by_user_name(connection, &user.account.user_name).await?;
        if taken.is_some_and(|taken| loaded.is_none_or(|loaded| loaded.employee != taken)) {
            return Err(ScimError::Taken("userName"));
        }
        let was = match was {
            None => None,
            Some(mut was) => {
                // Who was shown stays where the same is said, also when they are no user any more.
                was.told.post.manager = self.manager(was.manager.as_deref()).await.ok().flatten();
                Some(was)
            }
        };
        let same_manager = was.as_ref().is_some_and(|was| was.manager == user.manager);
        user.told.post.manager = match was.as_ref().filter(|_| same_manager) {
            Some(was) => was.told.post.manager.clone(),
            None => self.manager(user.manager.as_deref()).await?,
        };
        let was = was.map(|was| was.told);
        self.administrations_exist(was.as_ref(), &user.told)?;
        self.direct(number, &known, was.as_ref(), &user.told).await?;
        let connection = self.change.connection();
        let employee = match loaded {
            Some(loaded) => Some(loaded.employee),
            None => people::by_number(connection, number).await?,
        };
        let unreadable = crate::store::StoreError::Unreadable { table: "employee", column: "number" };
        let employee = employee.ok_or(unreadable)?;
        let said = ScimUser {
            employee,
            generation,
            is_deleted: false,
            active: user.account.active,
            user_name: user.account.user_name,
            external_id: user.account.external_id,
            told: user.account.told,
        };
        if loaded.and_then(|loaded| loaded.kept.as_ref()) != Some(&said) {
            scim::save(&self.change, &said).await?;
        }
        let resource = self.resource(employee).await?;
        self.done(action, number).await?;
        Ok(Resource::new(resource, projection))
    }

    /// Ends what runs of a person's, and lets go of the user; the person stays known.
    pub async fn let_go(self, loaded: &Loaded, was: &ReadUser) -> Result<(), ScimError> {
        let told = Told { active: false, employments: None, ..was.told.clone() };
        let told = Told { given_name: None, family_name: None, protected: None, ..told };
        self.direct(&loaded.number, &loaded.person, None, &told).await?;
        let gone = ScimUser {
            employee: loaded.employee,
            generation: loaded.id().generation,
            is_deleted: true,
            active: false,
            // What need not be held is not held.
            user_name: String::new(),
            external_id: None,
            told: BTreeMap::new(),
        };
        scim::save(&self.change, &gone).await?;
        self.done("scim.user.delete", &loaded.number).await
    }

    /// What is said into the directory, by the way of HR's files.
    async fn direct(
        &self,
        number: &EmployeeNumber,
        known: &KnownPerson,
        was: Option<&Told>,
        told: &Told,
    ) -> Result<(), ScimError> {
        let mapping = &self.door.mapping;
        let successions = reorganisations::successions(self.change.connection(), None).await?;
        let known = &KnownPerson { successions, ..known.clone() };
        let plan =
            provision(number, known, was, told, mapping.default_form, self.today).map_err(|fault| match fault {
                ProvisionFault::NoAdministration => ScimError::NoAdministration {
                    fault,
                    attribute: mapping.administration.clone(),
                    known: self.codes(),
                },
                fault => ScimError::Provision(fault),
            })?;
        nobody_works_where_it_is_closed(&plan, &known.successions)?;
        if !plan.is_empty() {
            let orders = platforms::link_orders(self.change.connection()).await?;
            applying::apply(&self.change, &plan, &orders, self.app.calendar, &|_| {}).await?;
        }
        Ok(())
    }

    async fn done(self, action: &'static str, number: &EmployeeNumber) -> Result<(), ScimError> {
        let object = format!("employee {number}");
        self.app.audit(&self.change, self.asker, self.grant, Act { action, object: &object }).await?;
        Ok(self.change.commit().await?)
    }

    async fn resource(&self, employee: EmployeeId) -> Result<Map<String, Value>, ScimError> {
        let found = load(self.change.connection(), &[employee], self.today).await?;
        let resource = found.get(&employee).map(|loaded| loaded.resource(self.loading(), self.app));
        Ok(resource.unwrap_or_default())
    }

    /// The employee number of the manager whose User has an id.
    async fn manager(&self, id: Option<&str>) -> Result<Option<EmployeeNumber>, ScimError> {
        let Some(id) = id else { return Ok(None) };
        let unknown = || ScimError::UnknownManager(id.to_owned());
        let wanted = UserId::parse(id).ok_or_else(unknown)?;
        let mut found = load(self.change.connection(), &[wanted.employee], self.today).await?;
        let manager = found.remove(&wanted.employee).filter(|loaded| loaded.id() == wanted && !loaded.is_deleted());
        manager.map(|manager| Some(manager.number)).ok_or_else(unknown)
    }

    fn codes(&self) -> String {
        let codes: Vec<&str> = self.administrations.keys().map(AdministrationCode::as_str).collect();
        if codes.is_empty() { "none yet, import HR's file of administrations".to_owned() } else { codes.join(", ") }
    }

    /// Whatever is said anew of administrations must name known ones.
    fn administrations_exist(&self, was: Option<&Told>, told: &Told) -> Result<(), ScimError> {
        let was_named = |code: &AdministrationCode| {
            was.is_some_and(|was| {
                was.post.administration.as_ref() == Some(code)
                    || was.employments.iter().flatten().any(|employment| employment.administration == *code)
            })
        };
        let listed = told.employments.iter().flatten().map(|employment| &employment.administration);
        let mut named = told.post.administration.iter().chain(listed);
        let is_unknown = |code: &&AdministrationCode| !self.administrations.contains_key(*code) && !was_named(code);
        match named.find(is_unknown) {
            None => Ok(()),
            Some(code) => Err(ScimError::UnknownAdministration { word: code.to_string(), known: self.codes() }),
        }
    }
}

/// As a file's: nobody is told anew to be in an administration on a day on which a reorganisation has closed it.
fn nobody_works_where_it_is_closed(plan: &Plan, successions: &Successions) -> Result<(), ScimError> {
    let closed = |told: &EmploymentRecord| successions.closed_to(&told.as_told());
    for change in &plan.changes {
        let plan::Change::Employment(act) = change else { continue };
        let before = act.before().and_then(closed);
        if let Some(code) = act.after().and_then(closed).filter(|code| before.as_ref() != Some(code)) {
            return Err(ScimError::ClosedAdministration(code));
        }
    }
    Ok(())
}
