//! Several accounts that an identity provider has of one employee number: which speaks of which employments, and which
//! speaks of the person.
//!
//! A city with several tenants makes a second account when somebody moves from one to another, and deactivates the first.
//! Both orders must end the same, so nothing here depends on when an account came.
//!
//! * An account governs the employments that it told. No other account is shown them, changes them or ends them.
//! * What no account told is HR's. It ends by HR's file, by a correction, or with the last active account.
//! * Of several active accounts one speaks of the person: the one whose newest employment began last.
//!
//! Start at [`beside`].

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::records::{EmploymentRecord, PersonRecord};
use crate::domain::ids::EmploymentId;
use crate::domain::linking::normalized;

/// An account that a provider has of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Which of the person's accounts it is, from 1.
    pub generation: u32,
    /// The provider let go of it: it governs nothing, and its id is nobody's.
    pub is_deleted: bool,
    /// Whether the person works here, in the provider's own word.
    pub active: bool,
    pub user_name: String,
    /// The employments that it told.
    pub governs: BTreeSet<EmploymentId>,
    /// The name that it told; `None`: it told none.
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    /// Whether it told that the person's data are protected.
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
    /// The employments that this account told.
    pub own: BTreeSet<EmploymentId>,
    /// Those that other active accounts told.
    pub of_active: BTreeSet<EmploymentId>,
    /// Those that this account is not shown.
    pub hidden: BTreeSet<EmploymentId>,
    /// What HR's files had told, as it was before another account, the last active one, went today and ended it.
    pub ended_today: BTreeMap<EmploymentId, EmploymentRecord>,
}

/// What stands beside the account of a generation, among all accounts of a person; `employments` are all of the person's.
///
/// An account is shown what it told. What no account told it is shown as well, unless others are active and it is not, or
/// has an employment of its own.
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

/// The accounts in whose name the person is employed there: those that told the employment; where none did, the active
/// ones, or all where none is active. Their generations, in order.
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

/// The active account that speaks of the person: the one whose newest employment began last; of several the one whose user
/// name comes first.
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

/// Whether what an account tells of the person is the register's word: no other account is active, or this one is the
/// [`speaker`].
#[must_use]
pub fn speaks(accounts: &[Account], generation: u32, employments: &BTreeMap<EmploymentId, EmploymentRecord>) -> bool {
    speaker(accounts, employments).is_none_or(|speaker| speaker.generation == generation)
}

/// A name, as it is to be told of the person; `None`: what is known stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameToWrite {
    pub given_name: Option<String>,
    pub family_name: Option<String>,
}

/// The name that follows from what an account, `now`, tells. `before` are all accounts as they were, `after` as they will
/// be, each with the employments of its time.
///
/// Where another speaks of the person, the account's own word is kept with the account alone. Where the account was the
/// speaker and goes, the next speaker's name takes the place of its name, but not of one that HR's files gave since.
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

/// Whether the person's data stay protected though the account of a generation says that they are not: another one told
/// that they are.
#[must_use]
pub fn another_protects(accounts: &[Account], generation: u32) -> bool {
    accounts.iter().any(|other| other.generation != generation && !other.is_deleted && other.says_protected)
}

#[cfg(test)]
mod tests;
