//! The changes that an identity provider's write about one person makes: the SCIM endpoint leads to the same acts as a
//! file.
//!
//! A provider overwrites the state of a person that it saw with a new one. [`provision`] acts only on the differences
//! between the two: what HR's files say stays until somebody changes it, and the same state written again changes
//! nothing.
//!
//! * The first write makes a separate employment, whatever HR's files say: the order of write and file does not matter.
//! * Another administration is a transfer: the employment ends the day before, a new one begins today.
//! * Deactivation on a day makes it the last day of all running employments; those that have not begun are withdrawn.
//!   Nobody is deleted.
//! * A return is a new employment of the same person.
//! * A person without a provisioned administration gets no employment: HR's files, a group, or a later write makes one.
//! * While another account of the person is active ([`accounts`](super::super::accounts)), an account ends only what it
//!   provisioned itself.

mod carrying;
mod governing;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::super::EmploymentForm;
use super::super::accounts::Beside;
use super::super::records::{EmploymentRecord, PersonRecord};
use super::super::succession::Successions;
use super::{Act, Change, Dated, Plan};
use crate::calendar::day_before;
use crate::ids::{AdministrationCode, EmployeeNumber, EmploymentId};

pub use carrying::{Carried, carried, no_longer_carried};
pub use governing::{employments_after, governed_after};

/// What is known of one person; empty if the person is new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownPerson {
    pub person: Option<PersonRecord>,
    /// By id; withdrawn ones are not in it, ended ones are.
    pub employments: BTreeMap<EmploymentId, EmploymentRecord>,
    /// What has been reorganised.
    pub successions: Successions,
    /// The person's other accounts, as far as they matter for the account that is written.
    pub beside: Beside,
}

impl KnownPerson {
    /// The employments that the account is shown.
    #[must_use]
    pub fn seen(&self) -> BTreeMap<EmploymentId, EmploymentRecord> {
        let seen = self.employments.iter().filter(|(id, _)| !self.beside.hidden.contains(*id));
        seen.map(|(id, employment)| (id.clone(), employment.clone())).collect()
    }
}

/// A person as a provider writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionedState {
    /// `None`: not given; the known name stays.
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub protected: Option<bool>,
    /// Whether the person works here, as the provider says.
    pub active: bool,
    /// The data of the employment that the provider sees ([`shown`]).
    pub post: Post,
    /// Every employment, if the provider uses Kurskoll's extension.
    pub employments: Option<Vec<ProvisionedEmployment>>,
}

/// A provider's data about the one employment that it sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Post {
    pub administration: Option<AdministrationCode>,
    /// Empty if none is named.
    pub unit: String,
    pub form: Option<EmploymentForm>,
    pub starts_on: Option<NaiveDate>,
    pub ends_on: Option<NaiveDate>,
    pub manager: Option<EmployeeNumber>,
    pub email: Option<String>,
    pub username: Option<String>,
}

/// One employment, as Kurskoll's extension names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionedEmployment {
    /// HR's id, or one that Kurskoll gave; `None`: Kurskoll gives one.
    pub id: Option<EmploymentId>,
    pub administration: AdministrationCode,
    pub unit: String,
    pub form: EmploymentForm,
    pub starts_on: NaiveDate,
    pub ends_on: Option<NaiveDate>,
}

/// Why a state cannot be provisioned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProvisionFault {
    #[error("an active person needs an administration to work in")]
    NoAdministration,
    #[error("an employment would end on {ends_on}, before its first day, {starts_on}")]
    EndsBeforeItStarts { starts_on: NaiveDate, ends_on: NaiveDate },
    #[error("no employment of this person has the id {0}: leave the id out, and Kurskoll gives one")]
    UnknownId(EmploymentId),
}

/// The employment that a provider sees: one that runs (the provider's own first, then the one that started first, then
/// the smaller id), else the next to come, else the one that ended last.
#[must_use]
pub fn shown(employments: &BTreeMap<EmploymentId, EmploymentRecord>, today: NaiveDate) -> Option<&EmploymentRecord> {
    employments.values().min_by_key(|employment| {
        let runs = employment.runs_or_is_to_come(today);
        let begun = employment.starts_on <= today;
        let rank = match (runs, begun) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 2,
        };
        let ended = std::cmp::Reverse(employment.ends_on.filter(|_| !runs));
        let own_first = !employment.employment_id.is_of_provider();
        (rank, ended, own_first, employment.starts_on, employment.employment_id.clone())
    })
}

/// Whether a person counts as active without a provider's statement: an employment runs or is to come.
#[must_use]
pub fn works_here(employments: &BTreeMap<EmploymentId, EmploymentRecord>, today: NaiveDate) -> bool {
    employments.values().any(|employment| employment.runs_or_is_to_come(today))
}

/// The changes that make the `provisioned` state hold; `was` is the state that the provider overwrote (`None`: it had
/// none). `default_form` is that of new employments without a given form.
pub fn provision(
    number: &EmployeeNumber,
    known: &KnownPerson,
    was: Option<&ProvisionedState>,
    provisioned: &ProvisionedState,
    default_form: EmploymentForm,
    today: NaiveDate,
) -> Result<Plan, ProvisionFault> {
    let employments = known.employments.clone();
    let (successions, beside) = (&known.successions, &known.beside);
    let restored = BTreeSet::new();
    let mut register = Register { number, employments, restored, successions, beside, default_form, today };
    if provisioned.active && was.is_none_or(|was| !was.active) {
        register.go_on_with_hrs();
    }
    let lists_employments =
        provisioned.employments.is_some() && provisioned.employments != was.and_then(|was| was.employments.clone());
    if let Some(list) = provisioned.employments.as_ref().filter(|_| lists_employments) {
        register.take_list(
            was.and_then(|was| was.employments.as_deref()).unwrap_or_default(),
            list,
            &provisioned.post,
        )?;
    }
    match was {
        Some(was) if was.active && provisioned.active => register.change(was, provisioned, !lists_employments)?,
        Some(was) if !provisioned.active => register.touch_up(was, provisioned),
        Some(_) if !lists_employments => register.begin_again(&provisioned.post)?,
        None if provisioned.active && !lists_employments => register.begin(&provisioned.post)?,
        Some(_) | None => {}
    }
    if !provisioned.active && was.is_none_or(|was| was.active) {
        register.end_all();
    }
    for employment in register.employments.values() {
        if let Some(ends_on) = employment.ends_on.filter(|ends_on| *ends_on < employment.starts_on) {
            return Err(ProvisionFault::EndsBeforeItStarts { starts_on: employment.starts_on, ends_on });
        }
    }
    let mut plan = Plan::default();
    plan.changes.extend(person_act(number, known.person.as_ref(), provisioned).map(Change::Person));
    let named_after = |(id, after): (EmploymentId, EmploymentRecord)| match known.employments.get(&id) {
        Some(before) => (id, after.named_after(before, today)),
        None => (id, after),
    };
    let wanted = register.employments.into_iter().map(named_after).collect();
    plan.changes.extend(acts(&known.employments, &wanted).into_iter().map(Change::Employment));
    Ok(plan)
}

fn person_act(
    number: &EmployeeNumber,
    known: Option<&PersonRecord>,
    provisioned: &ProvisionedState,
) -> Option<Act<PersonRecord>> {
    let name = |provisioned: &Option<String>, known: Option<&String>| {
        provisioned.as_ref().or(known).cloned().unwrap_or_default()
    };
    let after = PersonRecord {
        employee_number: number.clone(),
        given_name: name(&provisioned.given_name, known.map(|known| &known.given_name)),
        family_name: name(&provisioned.family_name, known.map(|known| &known.family_name)),
        protected: provisioned.protected.unwrap_or_else(|| known.is_some_and(|known| known.protected)),
    };
    match known {
        None => Some(Act::Added(after)),
        Some(before) => (*before != after).then(|| Act::Changed { before: before.clone(), after }),
    }
}

/// The differences between the known and the wanted employments, by id.
fn acts(
    known: &BTreeMap<EmploymentId, EmploymentRecord>,
    wanted: &BTreeMap<EmploymentId, EmploymentRecord>,
) -> Vec<Act<EmploymentRecord>> {
    let withdrawn = known.iter().filter(|(id, _)| !wanted.contains_key(id)).map(|(_, e)| Act::Withdrawn(e.clone()));
    let provisioned = wanted.iter().filter_map(|(id, after)| match known.get(id) {
        None => Some(Act::Added(after.clone())),
        Some(before) => (before != after).then(|| Act::Changed { before: before.clone(), after: after.clone() }),
    });
    withdrawn.chain(provisioned).collect()
}

/// A person's employments while they are changed from the known to the wanted state.
struct Register<'a> {
    number: &'a EmployeeNumber,
    employments: BTreeMap<EmploymentId, EmploymentRecord>,
    /// Employments that the deactivation of another account had ended, and that continue.
    restored: BTreeSet<EmploymentId>,
    successions: &'a Successions,
    beside: &'a Beside,
    default_form: EmploymentForm,
    today: NaiveDate,
}

impl Register<'_> {
    fn shown(&self) -> Option<EmploymentRecord> {
        let seen = self.employments.iter().filter(|(id, _)| self.sees(id));
        let seen = seen.map(|(id, employment)| (id.clone(), employment.clone())).collect();
        shown(&seen, self.today).cloned()
    }

    fn sees(&self, id: &EmploymentId) -> bool {
        !self.beside.hidden.contains(id)
    }

    /// Whether the account may end an employment: no other active account provisioned it, and if another is active,
    /// this account provisioned it.
    fn may_end(&self, id: &EmploymentId) -> bool {
        let beside = self.beside;
        !beside.of_active.contains(id) && (!beside.another_is_active || beside.own.contains(id))
    }

    /// Whether the employment continues after today.
    fn goes_on(&self, employment: &EmploymentRecord) -> bool {
        employment.ends_on.is_none_or(|last| last > self.today)
    }

    /// Ends an employment on a day, or withdraws it if it begins later.
    fn end(&mut self, id: &EmploymentId, last: NaiveDate) {
        let Some(employment) = self.employments.get_mut(id) else { return };
        if employment.starts_on > last {
            self.employments.remove(id);
        } else {
            employment.ends_on = Some(last);
        }
    }

    fn end_all(&mut self) {
        let ending = self.employments.values().filter(|employment| self.goes_on(employment));
        let ids = ending.map(|employment| employment.employment_id.clone()).filter(|id| self.may_end(id));
        let ids: Vec<EmploymentId> = ids.collect();
        for id in ids {
            self.end(&id, self.today);
        }
    }

    /// A free id: the first day, and a number if the person already had an employment from that day.
    fn new_id(&self, starts_on: NaiveDate) -> Option<EmploymentId> {
        let ids = (1_u32..).map(|place| match place {
            1 => format!("{}{starts_on}", EmploymentId::OF_PROVIDER),
            _ => format!("{}{starts_on}/{place}", EmploymentId::OF_PROVIDER),
        });
        ids.filter_map(|id| EmploymentId::parse(&id).ok()).find(|id| !self.employments.contains_key(id))
    }

    fn add(&mut self, post: &Post, starts_on: NaiveDate, form: Option<EmploymentForm>) -> Result<(), ProvisionFault> {
        let administration = post.administration.clone().ok_or(ProvisionFault::NoAdministration)?;
        let Some(employment_id) = self.new_id(starts_on) else { return Ok(()) };
        let record = EmploymentRecord {
            employee_number: self.number.clone(),
            employment_id: employment_id.clone(),
            administration,
            unit: post.unit.clone(),
            form: form.or(post.form).unwrap_or(self.default_form),
            starts_on,
            ends_on: post.ends_on,
            manager: post.manager.clone(),
            email: post.email.clone(),
            username: post.username.clone(),
            earlier: Vec::new(),
        };
        self.employments.insert(employment_id, record);
        Ok(())
    }

    /// The first day of a new employment: the provisioned day, unless an employment ended on it or later. Then the day
    /// is that of the old employment, and the new one begins today.
    ///
    /// An employment that another account provisioned and that lasts at least until today may overlap with the new one,
    /// from any day after its own first. So it does not matter whether that account is deactivated today before or
    /// after this.
    fn first_day(&self, provisioned: &Post) -> NaiveDate {
        let is_before = |employment: &EmploymentRecord, day: &NaiveDate| {
            let is_of_another = employment.employment_id.is_of_provider() && !self.owns(&employment.employment_id);
            match employment.ends_on {
                Some(last) if is_of_another && last < self.today => last < *day,
                _ if is_of_another => employment.starts_on < *day,
                Some(last) if !self.goes_on(employment) => last < *day,
                _ => true,
            }
        };
        let is_free = |day: &NaiveDate| self.employments.values().all(|employment| is_before(employment, day));
        provisioned.starts_on.filter(is_free).unwrap_or(self.today)
    }

    fn owns(&self, id: &EmploymentId) -> bool {
        self.beside.own.contains(id)
    }

    /// Continues HR's employments that the deactivation of the last active account ended today: this account is active
    /// the same day, so there was no day without one, in whichever order the two were provisioned.
    fn go_on_with_hrs(&mut self) {
        for (id, before) in &self.beside.ended_today {
            match self.employments.get_mut(id) {
                Some(employment) if employment.ends_on == Some(self.today) => employment.ends_on = before.ends_on,
                Some(_) => continue,
                None => drop(self.employments.insert(id.clone(), before.clone())),
            }
            self.restored.insert(id.clone());
        }
    }

    /// A person whom the provider provisions for the first time, again after it deleted them, or by another account. A
    /// last day before the first one belongs to an employment that ended.
    fn begin(&mut self, post: &Post) -> Result<(), ProvisionFault> {
        if post.administration.is_none() {
            return Ok(());
        }
        let starts_on = self.first_day(post);
        let is_back = self.employments.keys().any(EmploymentId::is_of_provider);
        let ends_on = post.ends_on.filter(|last| !is_back || *last >= starts_on);
        self.add(&Post { ends_on, ..post.clone() }, starts_on, None)
    }

    /// A person who had left: a new employment, unless HR's files have one already. A last day that has passed belongs
    /// to the employment that ended.
    fn begin_again(&mut self, post: &Post) -> Result<(), ProvisionFault> {
        let mut seen = self.employments.iter().filter(|(id, _)| self.sees(id) && !self.restored.contains(*id));
        if seen.any(|(_, employment)| self.goes_on(employment)) {
            return Ok(());
        }
        self.begin(&Post { ends_on: post.ends_on.filter(|last| *last > self.today), ..post.clone() })
    }

    /// Takes over the provider's changes to the shown employment.
    fn change(
        &mut self,
        was: &ProvisionedState,
        provisioned: &ProvisionedState,
        with_post: bool,
    ) -> Result<(), ProvisionFault> {
        let moves = with_post && was.post.administration != provisioned.post.administration;
        let Some(mut employment) = self.shown() else {
            return if moves { self.begin_again(&provisioned.post) } else { Ok(()) };
        };
        if !moves {
            self.touch_up_with(was, provisioned, with_post);
            return Ok(());
        }
        let administration = provisioned.post.administration.clone().ok_or(ProvisionFault::NoAdministration)?;
        if !employment.runs_or_is_to_come(self.today) {
            return self.begin_again(&provisioned.post);
        }
        let is_there = self.successions.has_led_to(&employment.as_recorded(), &administration, self.today);
        if is_there || employment.starts_on >= self.today {
            // A reorganisation has moved it there; or it has hardly begun, and the first administration was a mistake.
            employment.administration = administration;
            self.employments.insert(employment.employment_id.clone(), employment);
            self.touch_up_with(was, provisioned, with_post);
            return Ok(());
        }
        let form = if was.post.form == provisioned.post.form { Some(employment.form) } else { provisioned.post.form };
        let ends_on =
            if was.post.ends_on == provisioned.post.ends_on { employment.ends_on } else { provisioned.post.ends_on };
        // A changed first day is the day of the transfer, if possible.
        let reported_anew =
            provisioned.post.starts_on.filter(|day| was.post.starts_on != Some(*day) && *day > employment.starts_on);
        let starts_on = reported_anew.unwrap_or(self.today);
        self.end(&employment.employment_id, day_before(starts_on));
        self.add(&Post { ends_on, ..provisioned.post.clone() }, starts_on, form)
    }

    fn touch_up(&mut self, was: &ProvisionedState, provisioned: &ProvisionedState) {
        self.touch_up_with(was, provisioned, true);
    }

    fn touch_up_with(&mut self, was: &ProvisionedState, provisioned: &ProvisionedState, with_post: bool) {
        let Some(mut employment) = self.shown() else { return };
        let (was, provisioned) = (&was.post, &provisioned.post);
        if was.email != provisioned.email {
            employment.email.clone_from(&provisioned.email);
        }
        if was.username != provisioned.username {
            employment.username.clone_from(&provisioned.username);
        }
        if was.manager != provisioned.manager {
            employment.manager.clone_from(&provisioned.manager);
        }
        if with_post {
            if was.unit != provisioned.unit {
                employment.unit.clone_from(&provisioned.unit);
            }
            if let Some(form) = provisioned.form.filter(|form| was.form != Some(*form)) {
                employment.form = form;
            }
            if let Some(starts_on) = provisioned.starts_on.filter(|day| was.starts_on != Some(*day)) {
                employment.starts_on = starts_on;
            }
            if was.ends_on != provisioned.ends_on {
                employment.ends_on = provisioned.ends_on;
            }
        }
        self.employments.insert(employment.employment_id.clone(), employment);
    }

    /// Makes the employments as listed; one that is no longer listed ends today, or is withdrawn.
    fn take_list(
        &mut self,
        was: &[ProvisionedEmployment],
        list: &[ProvisionedEmployment],
        post: &Post,
    ) -> Result<(), ProvisionFault> {
        let named = |id: &EmploymentId| list.iter().any(|provisioned| provisioned.id.as_ref() == Some(id));
        for id in was.iter().filter_map(|was| was.id.as_ref()).filter(|id| !named(id)) {
            let ends = !self.beside.of_active.contains(id);
            if ends && self.employments.get(id).is_some_and(|employment| self.goes_on(employment)) {
                self.end(id, self.today);
            }
        }
        for provisioned in list.iter().filter(|provisioned| !was.contains(provisioned)) {
            let known = provisioned.id.as_ref().and_then(|id| self.employments.get(id)).cloned();
            let unknown = provisioned.id.as_ref().filter(|id| known.is_none() && id.is_of_provider());
            if let Some(id) = unknown {
                return Err(ProvisionFault::UnknownId(id.clone()));
            }
            let Some(employment_id) = provisioned.id.clone().or_else(|| self.new_id(provisioned.starts_on)) else {
                continue;
            };
            // A unit that was shown as empty, and still is empty, stays: it may have been withheld.
            let shown = provisioned.id.as_ref().and_then(|id| was.iter().find(|was| was.id.as_ref() == Some(id)));
            let unit = match (&known, shown) {
                (Some(known), Some(shown)) if shown.unit == provisioned.unit => known.unit.clone(),
                _ => provisioned.unit.clone(),
            };
            let (manager, email, username) = match known {
                Some(known) => (known.manager, known.email, known.username),
                None => (post.manager.clone(), post.email.clone(), post.username.clone()),
            };
            let record = EmploymentRecord {
                employee_number: self.number.clone(),
                employment_id: employment_id.clone(),
                administration: provisioned.administration.clone(),
                unit,
                form: provisioned.form,
                starts_on: provisioned.starts_on,
                ends_on: provisioned.ends_on,
                manager,
                email,
                username,
                earlier: Vec::new(),
            };
            self.employments.insert(employment_id, record);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
