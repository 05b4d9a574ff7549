//! One human under two employee numbers: the duplicate is read as part of the number that is kept.
//!
//! There are no chains: a kept number is not a duplicate, and a duplicate has no duplicates. So resolving an employee
//! takes one lookup, and undoing a merge never affects another.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::approval::Act;
use crate::ids::{EmployeeId, EmployeeNumber};

/// The merges that held at an instant: each duplicate with its kept employee.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merges(BTreeMap<EmployeeId, EmployeeId>);

/// Why a merge is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotMerge {
    #[error("an employee number cannot be its own duplicate")]
    Itself,
    #[error("the duplicate is merged already")]
    MergedAlready,
    /// With the employee that it is merged into.
    #[error("the one to keep is a duplicate itself")]
    KeptIsDuplicate(EmployeeId),
    /// With one of them.
    #[error("the duplicate has duplicates of its own")]
    DuplicateHasDuplicates(EmployeeId),
}

impl Merges {
    /// Adds a duplicate that is merged already.
    pub fn insert(&mut self, duplicate: EmployeeId, kept: EmployeeId) {
        self.0.insert(duplicate, kept);
    }

    /// Resolves an employee: a duplicate to the kept one, any other to itself.
    #[must_use]
    pub fn person(&self, employee: EmployeeId) -> EmployeeId {
        self.0.get(&employee).copied().unwrap_or(employee)
    }

    #[must_use]
    pub fn is_duplicate(&self, employee: EmployeeId) -> bool {
        self.0.contains_key(&employee)
    }

    /// The duplicates of an employee, by id.
    pub fn duplicates_of(&self, kept: EmployeeId) -> impl Iterator<Item = EmployeeId> {
        self.0.iter().filter(move |(_, of)| **of == kept).map(|(duplicate, _)| *duplicate)
    }

    /// Every duplicate with its kept employee.
    pub fn iter(&self) -> impl Iterator<Item = (EmployeeId, EmployeeId)> {
        self.0.iter().map(|(duplicate, kept)| (*duplicate, *kept))
    }

    /// Whether a duplicate may be merged into another employee.
    pub fn may_merge(&self, duplicate: EmployeeId, kept: EmployeeId) -> Result<(), CannotMerge> {
        if duplicate == kept {
            return Err(CannotMerge::Itself);
        }
        if self.is_duplicate(duplicate) {
            return Err(CannotMerge::MergedAlready);
        }
        if self.is_duplicate(kept) {
            return Err(CannotMerge::KeptIsDuplicate(self.person(kept)));
        }
        self.duplicates_of(duplicate).next().map_or(Ok(()), |own| Err(CannotMerge::DuplicateHasDuplicates(own)))
    }
}

/// A stored merge: who decided it and why, and who undid it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    pub id: i64,
    pub duplicate: EmployeeId,
    pub duplicate_number: EmployeeNumber,
    pub kept: EmployeeId,
    pub kept_number: EmployeeNumber,
    pub reason: String,
    pub decided: Act,
    /// With the reason.
    pub undone: Option<(Act, String)>,
}

impl Merge {
    /// Whether it held at an instant.
    #[must_use]
    pub fn is_known_at(&self, at: DateTime<Utc>) -> bool {
        self.decided.at <= at && self.undone.as_ref().is_none_or(|(undone, _)| at < undone.at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_chain_is_refused_from_both_ends() {
        let [a, b, c] = [1, 2, 3].map(EmployeeId);
        let mut merges = Merges::default();
        assert_eq!(merges.may_merge(a, a), Err(CannotMerge::Itself));
        assert_eq!(merges.may_merge(a, b), Ok(()));
        merges.insert(a, b);
        assert_eq!(merges.may_merge(a, c), Err(CannotMerge::MergedAlready));
        assert_eq!(merges.may_merge(c, a), Err(CannotMerge::KeptIsDuplicate(b)));
        assert_eq!(merges.may_merge(b, c), Err(CannotMerge::DuplicateHasDuplicates(a)));
        assert_eq!(merges.may_merge(c, b), Ok(()));
    }

    proptest! {
        #[test]
        fn whoever_somebody_is_is_no_duplicate(wanted in prop::collection::vec((0..6_i64, 0..6_i64), 0..20)) {
            let mut merges = Merges::default();
            for (duplicate, kept) in wanted.into_iter().map(|(a, b)| (EmployeeId(a), EmployeeId(b))) {
                if merges.may_merge(duplicate, kept).is_ok() {
                    merges.insert(duplicate, kept);
                }
            }
            for employee in (0..6).map(EmployeeId) {
                let person = merges.person(employee);
                prop_assert!(!merges.is_duplicate(person));
                prop_assert_eq!(person != employee, merges.duplicates_of(person).any(|id| id == employee));
            }
        }
    }
}
