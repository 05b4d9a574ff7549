//! Writes a provisioned account to the directory, in the same way as HR's files, together with the person's other
//! accounts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;

use super::ScimError;
use super::load::{Household, account_of, person_of};
use super::write::Writing;
use crate::domain::directory::accounts::{self, NameToWrite};
use crate::domain::directory::plan::provision::{
    KnownPerson, ProvisionFault, ProvisionedState, employments_after, governed_after, provision,
};
use crate::domain::directory::plan::{self, Plan};
use crate::domain::directory::records::EmploymentRecord;
use crate::domain::directory::succession::Successions;
use crate::domain::ids::{EmployeeNumber, EmploymentId};
use crate::intake::scim::user::{self, ReadUser};
use crate::store::scim::ScimUser;
use crate::store::whose::Whose;
use crate::store::{applying, people, platforms, reorganisations};

/// A provisioned account, and the state that it changes.
pub(super) struct Provisioning<'a> {
    pub number: &'a EmployeeNumber,
    pub household: Option<&'a Household>,
    pub stored: Option<&'a ScimUser>,
    pub generation: u32,
    pub was: Option<&'a ProvisionedState>,
    pub provisioned: &'a ProvisionedState,
    pub user_name: &'a str,
}

impl Writing<'_> {
    /// Writes a provisioned state to the directory like HR's files; returns which employments the account governs then.
    pub async fn direct(&self, provisioning: &Provisioning<'_>) -> Result<BTreeSet<EmploymentId>, ScimError> {
        let Provisioning { number, household, stored, generation, was, provisioned, .. } = *provisioning;
        let successions = reorganisations::successions(self.change.connection(), None).await?;
        let known = match household {
            None => KnownPerson { successions, ..KnownPerson::default() },
            Some(household) => {
                let is_active = stored.map_or(provisioned.active, |stored| stored.active);
                let mut known = household.known_to(generation, is_active);
                known.beside.ended_today = self.ended_today(household, generation).await?;
                KnownPerson { successions, ..known }
            }
        };
        let governed = stored.map(|stored| stored.governs.clone()).unwrap_or_default();
        let plan = self.plan(number, &known, was, provisioned)?;
        let governs = governed_after(&governed, &known, &plan, was, provisioned);
        let name = name_to_write(provisioning, &known, &plan, &governs);
        let named =
            ProvisionedState { given_name: name.given_name, family_name: name.family_name, ..provisioned.clone() };
        let plan = self.plan(number, &known, was, &named)?;
        nobody_works_where_it_is_closed(&plan, &known.successions)?;
        if !plan.is_empty() {
            let orders = platforms::link_orders(self.change.connection()).await?;
            applying::apply(&self.change, &plan, &orders, self.app.calendar, &|_| {}).await?;
        }
        Ok(governs)
    }

    fn plan(
        &self,
        number: &EmployeeNumber,
        known: &KnownPerson,
        was: Option<&ProvisionedState>,
        provisioned: &ProvisionedState,
    ) -> Result<Plan, ScimError> {
        let mapping = &self.endpoint.mapping;
        provision(number, known, was, provisioned, mapping.default_form, self.today).map_err(|fault| match fault {
            ProvisionFault::NoAdministration => {
                ScimError::NoAdministration { fault, attribute: mapping.administration.clone(), known: self.codes() }
            }
            fault => ScimError::Provision(fault),
        })
    }

    /// HR's employments as they were before another account of the person was deactivated today.
    async fn ended_today(
        &self,
        household: &Household,
        generation: u32,
    ) -> Result<BTreeMap<EmploymentId, EmploymentRecord>, ScimError> {
        let others = household.users.iter().filter(|user| user.generation != generation);
        let last = others.filter_map(|user| user.ended_at.map(|at| (at, user))).max_by_key(|(at, _)| *at);
        let Some((at, gone)) = last.filter(|(at, _)| self.app.calendar.day_of(*at) == self.today) else {
            return Ok(BTreeMap::new());
        };
        let employee = household.employee;
        let before = Some(at - Duration::microseconds(1));
        let known = people::as_recorded(self.change.connection(), Whose::Only(&[employee]), before).await?;
        let mut employments = known.get(&employee).map(|known| person_of(known).employments).unwrap_or_default();
        employments.retain(|id, employment| {
            let ran = employment.ends_on.is_none_or(|last| last > self.today);
            ran && !id.is_of_provider() && !gone.governs.contains(id)
        });
        Ok(employments)
    }
}

/// Stores which account marked the person's data as protected; the data are protected as long as one account does.
pub(super) fn protection(
    household: Option<&Household>,
    stored: Option<&ScimUser>,
    generation: u32,
    was: Option<&ProvisionedState>,
    user: &mut ReadUser,
) {
    let said_before = stored.is_some_and(|stored| user::said_protected(&stored.provisioned));
    let is_said_anew = user.provisioned.protected != was.and_then(|was| was.protected);
    let says = if is_said_anew { user.provisioned.protected == Some(true) } else { said_before };
    user::note_protected(&mut user.account.provisioned, says);
    let another = household.is_some_and(|household| accounts::another_protects(&household.accounts(), generation));
    if another && user.provisioned.protected == Some(false) {
        user.provisioned.protected = Some(true);
    }
}

/// The name to write to the directory, if the person has several accounts.
fn name_to_write(
    provisioning: &Provisioning<'_>,
    known: &KnownPerson,
    plan: &Plan,
    governs: &BTreeSet<EmploymentId>,
) -> NameToWrite {
    let provisioned = provisioning.provisioned;
    let now = NameToWrite { given_name: provisioned.given_name.clone(), family_name: provisioned.family_name.clone() };
    let Some(household) = provisioning.household else { return now };
    let before = household.accounts();
    let mut after: Vec<accounts::Account> =
        before.iter().filter(|account| account.generation != provisioning.generation).cloned().collect();
    after.push(accounts::Account {
        generation: provisioning.generation,
        active: provisioned.active,
        user_name: provisioning.user_name.to_owned(),
        governs: governs.clone(),
        ..provisioning.stored.map(account_of).unwrap_or_default()
    });
    let employments = employments_after(known, plan);
    let (before, after) = ((&*before, &known.employments), (&*after, &employments));
    accounts::name_to_write(before, after, provisioning.generation, known.person.as_ref(), &now)
}

/// As for a file: no employment may be newly recorded in an administration on a day after a reorganisation closed it.
pub(super) fn nobody_works_where_it_is_closed(plan: &Plan, successions: &Successions) -> Result<(), ScimError> {
    let closed = |provisioned: &EmploymentRecord| successions.closed_to(&provisioned.as_recorded());
    for change in &plan.changes {
        let plan::Change::Employment(act) = change else { continue };
        let before = act.before().and_then(closed);
        if let Some(code) = act.after().and_then(closed).filter(|code| before.as_ref() != Some(code)) {
            return Err(ScimError::ClosedAdministration(code));
        }
    }
    Ok(())
}
