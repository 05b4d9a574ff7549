//! Several accounts that an identity provider has for one employee number: which account governs which employments, and
//! which one gives the person's data.
//!
//! A city with several tenants makes a second account when a person moves from one to another, and deactivates the
//! first. Both orders must end the same, so nothing here depends on when an account arrived.
//!
//! * An account governs the employments that it provisioned. No other account is shown them, changes them or ends them.
//! * Employments that no account provisioned are HR's. They end by HR's file, by a correction, or with the last active
//!   account.
//! * Of several active accounts one gives the person's data: the one whose newest employment began last.
//!
//! Start at [`beside`].

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::records::{EmploymentRecord, PersonRecord};
use crate::ids::EmploymentId;
use crate::linking::normalized;

/// An account that a provider has of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Which of the person's accounts it is, from 1.
    pub generation: u32,
    /// The provider deleted it: it governs nothing, and its id belongs to no user.
    pub is_deleted: bool,
    /// Whether the person works here, as the provider says.
    pub active: bool,
    pub user_name: String,
    /// The employments that it provisioned.
    pub governs: BTreeSet<EmploymentId>,
    /// The name that it provisioned; `None`: it gave none.
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    /// Whether it says that the person's data are protected.
    pub says_protected: bool,
}

impl Account {
    fn governs(&self, employment: &EmploymentId) -> bool {
        !self.is_deleted && self.governs.contains(employment)
    }

    fn is_active(&self) -> bool {
        !self.is_deleted && self.active
    }
}

/// What one account must know of the person's other accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// Whether another account of the person is active.
    pub another_is_active: bool,
    /// The employments that this account provisioned.
    pub own: BTreeSet<EmploymentId>,
    /// Those that other active accounts provisioned.
    pub of_active: BTreeSet<EmploymentId>,
    /// Those that this account is not shown.
    pub hidden: BTreeSet<EmploymentId>,
    /// HR's employments that ended today with another account, the last active one, as they were before.
    pub ended_today: BTreeMap<EmploymentId, EmploymentRecord>,
}

/// The view that the account of a generation has of a person's other accounts; `employments` are all of the person's.
///
/// An account is shown what it provisioned. It is also shown what no account provisioned, unless others are active and
/// either it is not, or it has an employment of its own.
#[must_use]
pub fn beside(
    accounts: &[Account],
    generation: u32,
    active: bool,
    employments: &BTreeMap<EmploymentId, EmploymentRecord>,
) -> Beside {
    let (mine, others): (Vec<&Account>, Vec<&Account>) =
        accounts.iter().partition(|account| account.generation == generation);
    let arrived_by = |accounts: &[&Account], id: &EmploymentId| accounts.iter().any(|account| account.governs(id));
    let active_others: Vec<&Account> = others.iter().copied().filter(|account| account.is_active()).collect();
    let chosen = |test: &dyn Fn(&EmploymentId) -> bool| employments.keys().filter(|id| test(id)).cloned().collect();
    let own: BTreeSet<EmploymentId> = chosen(&|id| arrived_by(&mine, id));
    let sees_hrs = active_others.is_empty() || (active && own.is_empty());
    Beside {
        another_is_active: !active_others.is_empty(),
        of_active: chosen(&|id| arrived_by(&active_others, id)),
        hidden: chosen(&|id| !arrived_by(&mine, id) && (arrived_by(&others, id) || !sees_hrs)),
        own,
        ended_today: BTreeMap::new(),
    }
}

/// The generations of the accounts that have an employment, in order: those that provisioned it; if none did, the
/// active ones, or all if none is active.
#[must_use]
pub fn employed_as(accounts: &[Account], employment: &EmploymentId) -> Vec<u32> {
    let generations = |test: &dyn Fn(&Account) -> bool| -> Vec<u32> {
        accounts
            .iter()
            .filter(|account| !account.is_deleted && test(account))
            .map(|account| account.generation)
            .collect()
    };
    let provisioned = generations(&|account| account.governs(employment));
    let active = if provisioned.is_empty() { generations(&Account::is_active) } else { provisioned };
    if active.is_empty() { generations(&|_| true) } else { active }
}

/// The active account that gives the person's data: the one whose newest employment began last; of several the one with
/// the first user name.
#[must_use]
pub fn speaker<'a>(
    accounts: &'a [Account],
    employments: &BTreeMap<EmploymentId, EmploymentRecord>,
) -> Option<&'a Account> {
    let newest = |account: &Account| -> Option<NaiveDate> {
        let own = employments.values().filter(|employment| account.governs(&employment.employment_id));
        own.map(|employment| employment.starts_on).max()
    };
    accounts
        .iter()
        .filter(|account| account.is_active())
        .max_by_key(|account| (newest(account), Reverse((normalized(&account.user_name), account.generation))))
}

/// Whether an account's data about the person are the register's: no other account is active, or this one is the
/// [`speaker`].
#[must_use]
pub fn speaks(accounts: &[Account], generation: u32, employments: &BTreeMap<EmploymentId, EmploymentRecord>) -> bool {
    speaker(accounts, employments).is_none_or(|speaker| speaker.generation == generation)
}

/// A name to be written for the person; `None`: the known one stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameToWrite {
    pub given_name: Option<String>,
    pub family_name: Option<String>,
}

/// The name to write after an account gives `now`. `before` are all accounts as they were, `after` as they will be,
/// each with the employments of its time.
///
/// If another account is the speaker, the name is stored with the account only. If the account was the speaker and is
/// deactivated, the next speaker's name replaces its name, but not a name that HR's files have given since.
#[must_use]
pub fn name_to_write(
    (before, employments_before): (&[Account], &BTreeMap<EmploymentId, EmploymentRecord>),
    (after, employments_after): (&[Account], &BTreeMap<EmploymentId, EmploymentRecord>),
    generation: u32,
    person: Option<&PersonRecord>,
    now: &NameToWrite,
) -> NameToWrite {
    let next = match speaker(after, employments_after) {
        Some(next) if next.generation != generation => next,
        _ => return now.clone(),
    };
    let gone = speaker(before, employments_before).filter(|gone| gone.generation == generation);
    let (Some(gone), Some(person)) = (gone, person) else { return NameToWrite::default() };
    let follows = |gone: &Option<String>, next: &Option<String>, known: &String| {
        next.clone().filter(|_| gone.as_ref() == Some(known))
    };
    NameToWrite {
        given_name: follows(&gone.given_name, &next.given_name, &person.given_name),
        family_name: follows(&gone.family_name, &next.family_name, &person.family_name),
    }
}

/// Whether the person's data stay protected though the account of a generation says that they are not: another account
/// says that they are.
#[must_use]
pub fn another_protects(accounts: &[Account], generation: u32) -> bool {
    accounts.iter().any(|other| other.generation != generation && !other.is_deleted && other.says_protected)
}

#[cfg(test)]
mod tests;
