//! What an account tells, into the directory: by the way of HR's files, with what the person's other accounts tell.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;

use super::ScimError;
use super::load::{Household, account_of, person_of};
use super::write::Writing;
use crate::domain::directory::accounts::{self, NameToTell};
use crate::domain::directory::plan::provision::{
    KnownPerson, ProvisionFault, Told, employments_after, governed_after, provision,
};
use crate::domain::directory::plan::{self, Plan};
use crate::domain::directory::records::EmploymentRecord;
use crate::domain::directory::succession::Successions;
use crate::domain::ids::{EmployeeNumber, EmploymentId};
use crate::intake::scim::user::{self, ReadUser};
use crate::store::scim::ScimUser;
use crate::store::whose::Whose;
use crate::store::{applying, people, platforms, reorganisations};

/// What an account tells, and over what.
pub(super) struct Telling<'a> {
    pub number: &'a EmployeeNumber,
    pub household: Option<&'a Household>,
    pub kept: Option<&'a ScimUser>,
    pub generation: u32,
    pub was: Option<&'a Told>,
    pub told: &'a Told,
    pub user_name: &'a str,
}

impl Writing<'_> {
    /// What is said into the directory, by the way of HR's files; answers which employments the account governs then.
    pub async fn direct(&self, telling: &Telling<'_>) -> Result<BTreeSet<EmploymentId>, ScimError> {
        let Telling { number, household, kept, generation, was, told, .. } = *telling;
        let successions = reorganisations::successions(self.change.connection(), None).await?;
        let known = match household {
            None => KnownPerson { successions, ..KnownPerson::default() },
            Some(household) => {
                let is_active = kept.map_or(told.active, |kept| kept.active);
                let mut known = household.known_to(generation, is_active);
                known.beside.ended_today = self.ended_today(household, generation).await?;
                KnownPerson { successions, ..known }
            }
        };
        let governed = kept.map(|kept| kept.governs.clone()).unwrap_or_default();
        let plan = self.plan(number, &known, was, told)?;
        let governs = governed_after(&governed, &known, &plan, was, told);
        let name = name_to_tell(telling, &known, &plan, &governs);
        let named = Told { given_name: name.given_name, family_name: name.family_name, ..told.clone() };
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
        was: Option<&Told>,
        told: &Told,
    ) -> Result<Plan, ScimError> {
        let mapping = &self.door.mapping;
        provision(number, known, was, told, mapping.default_form, self.today).map_err(|fault| match fault {
            ProvisionFault::NoAdministration => {
                ScimError::NoAdministration { fault, attribute: mapping.administration.clone(), known: self.codes() }
            }
            fault => ScimError::Provision(fault),
        })
    }

    /// HR's employments as they were before another account of the person went today.
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
        let known = people::as_told(self.change.connection(), Whose::Only(&[employee]), before).await?;
        let mut employments = known.get(&employee).map(|known| person_of(known).employments).unwrap_or_default();
        employments.retain(|id, employment| {
            let ran = employment.ends_on.is_none_or(|last| last > self.today);
            ran && !id.is_of_provider() && !gone.governs.contains(id)
        });
        Ok(employments)
    }
}

/// Keeps which account said that the person's data are protected, and has them protected while one does.
pub(super) fn protection(
    household: Option<&Household>,
    kept: Option<&ScimUser>,
    generation: u32,
    was: Option<&Told>,
    user: &mut ReadUser,
) {
    let said_before = kept.is_some_and(|kept| user::said_protected(&kept.told));
    let is_said_anew = user.told.protected != was.and_then(|was| was.protected);
    let says = if is_said_anew { user.told.protected == Some(true) } else { said_before };
    user::note_protected(&mut user.account.told, says);
    let another = household.is_some_and(|household| accounts::another_protects(&household.accounts(), generation));
    if another && user.told.protected == Some(false) {
        user.told.protected = Some(true);
    }
}

/// The name that the register is told, where the person has several accounts.
fn name_to_tell(
    telling: &Telling<'_>,
    known: &KnownPerson,
    plan: &Plan,
    governs: &BTreeSet<EmploymentId>,
) -> NameToTell {
    let told = telling.told;
    let now = NameToTell { given_name: told.given_name.clone(), family_name: told.family_name.clone() };
    let Some(household) = telling.household else { return now };
    let before = household.accounts();
    let mut after: Vec<accounts::Account> =
        before.iter().filter(|account| account.generation != telling.generation).cloned().collect();
    after.push(accounts::Account {
        generation: telling.generation,
        active: told.active,
        user_name: telling.user_name.to_owned(),
        governs: governs.clone(),
        ..telling.kept.map(account_of).unwrap_or_default()
    });
    let employments = employments_after(known, plan);
    let (before, after) = ((&*before, &known.employments), (&*after, &employments));
    accounts::name_to_tell(before, after, telling.generation, known.person.as_ref(), &now)
}

/// As a file's: nobody is told anew to be in an administration on a day on which a reorganisation has closed it.
pub(super) fn nobody_works_where_it_is_closed(plan: &Plan, successions: &Successions) -> Result<(), ScimError> {
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
