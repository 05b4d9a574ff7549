//! Groups that represent an administration: a member whose own attributes name no administration gets an employment
//! there.

use std::collections::{BTreeMap, BTreeSet};

use super::ScimError;
use super::load::{Loaded, load};
use super::provisioning::nobody_works_where_it_is_closed;
use super::write::Writing;
use crate::domain::directory::plan::Plan;
use crate::domain::directory::plan::provision::{Carried, KnownPerson, Post, carried, no_longer_carried, shown};
use crate::domain::directory::succession::Successions;
use crate::domain::ids::{AdministrationCode, EmployeeId};
use crate::intake::scim::user::UserId;
use crate::store::scim::ScimUser;
use crate::store::{applying, platforms, reorganisations, scim, scim_groups};

/// How many users are in memory at a time.
const AT_ONCE: usize = 500;

impl Writing<'_> {
    /// The administration that a group represents, if any.
    pub(super) fn stands_for(
        &self,
        name: &str,
        external_id: Option<&str>,
    ) -> Result<Option<AdministrationCode>, ScimError> {
        match self.endpoint.mapping.administration_of_group(name, external_id) {
            Some(code) if !self.administrations.contains_key(code) => {
                Err(ScimError::GroupOfUnknownAdministration(code.clone()))
            }
            code => Ok(code.cloned()),
        }
    }

    /// A user who is active again, or whom the directory has come to know, works where the user's groups say.
    pub(super) async fn carry_memberships(&self, user: UserId) -> Result<(), ScimError> {
        let id = user.to_string();
        let groups = scim_groups::groups_of(self.change.connection(), std::slice::from_ref(&id)).await?;
        let mut codes = BTreeSet::new();
        for group in groups.into_values().flatten() {
            codes.extend(self.stands_for(&group.display_name, group.external_id.as_deref())?);
        }
        for code in &codes {
            self.carry(code, &[user], true).await?;
        }
        Ok(())
    }

    /// Some users joined or left a group that represents an administration. Users that wait are handled when the
    /// directory knows them.
    pub(super) async fn carry(
        &self,
        code: &AdministrationCode,
        users: &[UserId],
        is_member: bool,
    ) -> Result<(), ScimError> {
        let successions = reorganisations::successions(self.change.connection(), None).await?;
        let wanted: BTreeSet<UserId> = users.iter().copied().collect();
        let employees: BTreeSet<EmployeeId> = users.iter().map(|user| user.employee).collect();
        let employees: Vec<EmployeeId> = employees.into_iter().collect();
        let orders = platforms::link_orders(self.change.connection()).await?;
        for employees in employees.chunks(AT_ONCE) {
            let loaded = load(self.change.connection(), employees, self.today).await?;
            let loaded: Vec<Loaded> = loaded.into_iter().filter(|loaded| wanted.contains(&loaded.id())).collect();
            let elsewhere = if is_member { BTreeMap::new() } else { self.codes_of_groups(&loaded).await? };
            let mut plan = Plan::default();
            let mut saved = Vec::new();
            for loaded in &loaded {
                let is_carried_still = elsewhere.get(&loaded.id()).is_some_and(|codes| codes.contains(code));
                if is_carried_still || self.speaks_for_itself(loaded, code, is_member) {
                    continue;
                }
                let Carried { changes, governs } = self.carried_of(loaded, code, &successions, is_member)?;
                if !changes.is_empty() {
                    plan.changes.extend(changes);
                    saved.push(self.stored_of(loaded, governs)?);
                }
            }
            nobody_works_where_it_is_closed(&plan, &successions)?;
            if plan.is_empty() {
                continue;
            }
            applying::apply(&self.change, &plan, &orders, self.app.calendar, &|_| {}).await?;
            for user in &saved {
                scim::save(&self.change, user).await?;
            }
        }
        Ok(())
    }

    /// Whether the user's own attributes take precedence over a group. If they name any administration, joining has no
    /// effect; if they name the group's, leaving has none. An inactive user works nowhere.
    fn speaks_for_itself(&self, loaded: &Loaded, code: &AdministrationCode, is_member: bool) -> bool {
        let provisioned =
            loaded.stored.as_ref().and_then(|stored| stored.provisioned.get(&self.endpoint.mapping.administration));
        let named = provisioned.and_then(|word| self.endpoint.mapping.code_of(word).ok());
        if is_member { named.is_some() || !loaded.is_active() } else { named.as_ref() == Some(code) }
    }

    fn carried_of(
        &self,
        loaded: &Loaded,
        code: &AdministrationCode,
        successions: &Successions,
        is_member: bool,
    ) -> Result<Carried, ScimError> {
        let known = KnownPerson { successions: successions.clone(), ..loaded.known() };
        let number = &loaded.household.number;
        if !is_member {
            return Ok(no_longer_carried(number, &known, code, self.today));
        }
        let provisioned = self.read(&loaded.resource(self.loading(), self.app))?.provisioned.post;
        let manager = shown(&known.seen(), self.today).and_then(|employment| employment.manager.clone());
        let post = Post { manager, administration: None, ..provisioned };
        let default_form = self.endpoint.mapping.default_form;
        carried(number, &known, (code, &post), default_form, self.today).map_err(ScimError::Provision)
    }

    /// A user's stored state with the employments governed now. A user known from HR's files alone becomes the
    /// provider's.
    fn stored_of(
        &self,
        loaded: &Loaded,
        governs: BTreeSet<crate::domain::ids::EmploymentId>,
    ) -> Result<ScimUser, ScimError> {
        if let Some(stored) = &loaded.stored {
            return Ok(ScimUser { governs, ..stored.clone() });
        }
        let account = self.read(&loaded.resource(self.loading(), self.app))?.account;
        Ok(ScimUser {
            employee: loaded.id().employee,
            generation: loaded.id().generation,
            is_deleted: false,
            active: true,
            user_name: account.user_name,
            external_id: None,
            provisioned: BTreeMap::new(),
            governs,
            ended_at: None,
            waited_as: None,
        })
    }

    /// The administrations that the groups of some users represent.
    async fn codes_of_groups(
        &self,
        loaded: &[Loaded],
    ) -> Result<BTreeMap<UserId, BTreeSet<AdministrationCode>>, ScimError> {
        let ids: Vec<String> = loaded.iter().map(|loaded| loaded.id().to_string()).collect();
        let mut groups = scim_groups::groups_of(self.change.connection(), &ids).await?;
        let mut found = BTreeMap::new();
        for (loaded, id) in loaded.iter().zip(&ids) {
            let groups = groups.remove(id).unwrap_or_default();
            let mapping = &self.endpoint.mapping;
            let codes = groups.iter().filter_map(|group| {
                mapping.administration_of_group(&group.display_name, group.external_id.as_deref()).cloned()
            });
            found.insert(loaded.id(), codes.collect());
        }
        Ok(found)
    }
}
