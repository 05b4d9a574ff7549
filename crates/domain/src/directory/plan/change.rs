//! The changes that a plan consists of.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::super::records::{
    AbsenceRecord, AdministrationRecord, EmploymentRecord, ExemptionRecord, IdentityRecord, PersonRecord,
};
use super::mass::Unusual;
use super::sharing::SharedKeys;
use crate::ids::{AdministrationCode, EmployeeNumber, EmploymentId, RequirementCode};

/// What happens to one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act<T> {
    Added(T),
    /// The file differs from the known record.
    Changed {
        before: T,
        after: T,
    },
    /// Only ends, on the day before a full import: it is missing from the file, or the file says so.
    Ended {
        before: T,
        after: T,
    },
    /// Missing from a full file, and it has not begun or has no days.
    Withdrawn(T),
}

impl<T> Act<T> {
    /// The name used in a difference.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Added(_) => "added",
            Self::Changed { .. } => "changed",
            Self::Ended { .. } => "ended",
            Self::Withdrawn(_) => "withdrawn",
        }
    }

    /// The record as it was known; `None` if it is new.
    pub const fn before(&self) -> Option<&T> {
        match self {
            Self::Added(_) => None,
            Self::Changed { before, .. } | Self::Ended { before, .. } | Self::Withdrawn(before) => Some(before),
        }
    }

    /// The record as it will be known from now on; `None` if it is withdrawn.
    pub const fn after(&self) -> Option<&T> {
        match self {
            Self::Added(after) | Self::Changed { after, .. } | Self::Ended { after, .. } => Some(after),
            Self::Withdrawn(_) => None,
        }
    }

    /// The record as it will be, or as it was if it is withdrawn: both have the same key.
    pub const fn record(&self) -> &T {
        match self {
            Self::Added(record)
            | Self::Changed { after: record, .. }
            | Self::Ended { after: record, .. }
            | Self::Withdrawn(record) => record,
        }
    }
}

/// One change of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Administration(Act<AdministrationRecord>),
    /// A person whose employments end stays known; withdrawn only if the import that added them is undone.
    Person(Act<PersonRecord>),
    Employment(Act<EmploymentRecord>),
    Absence(Act<AbsenceRecord>),
    Exemption(Act<ExemptionRecord>),
    /// Added or withdrawn only.
    Identity(Act<IdentityRecord>),
}

impl Change {
    /// The person that the change is about; `None` for administrations.
    #[must_use]
    pub const fn employee_number(&self) -> Option<&EmployeeNumber> {
        match self {
            Self::Administration(_) => None,
            Self::Person(act) => Some(&act.record().employee_number),
            Self::Employment(act) => Some(&act.record().employee_number),
            Self::Absence(act) => Some(&act.record().employee_number),
            Self::Exemption(act) => Some(&act.record().employee_number),
            Self::Identity(act) => Some(&act.record().employee_number),
        }
    }
}

/// What an import changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// By kind (administrations first, then persons and their records) and by key.
    pub changes: Vec<Change>,
    /// Changes that are refused unless the caller allows them.
    pub unusual: Unusual,
    /// Keys that several people would have at once.
    pub shared_keys: SharedKeys,
    /// The people with protected personal data, before or after: their lines show only the number.
    pub(super) protected: BTreeSet<EmployeeNumber>,
}

/// The position of a change in a plan: its kind, then its record's key.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order<'a> {
    Administration(&'a AdministrationCode),
    Person(&'a EmployeeNumber),
    Employment(&'a EmployeeNumber, &'a EmploymentId),
    Absence(&'a EmployeeNumber, NaiveDate),
    Exemption(&'a EmployeeNumber, &'a RequirementCode, NaiveDate),
    Identity(&'a IdentityRecord),
}

impl Change {
    pub(super) const fn order(&self) -> Order<'_> {
        match self {
            Self::Administration(act) => Order::Administration(&act.record().code),
            Self::Person(act) => Order::Person(&act.record().employee_number),
            Self::Employment(act) => Order::Employment(&act.record().employee_number, &act.record().employment_id),
            Self::Absence(act) => Order::Absence(&act.record().employee_number, act.record().starts_on),
            Self::Exemption(act) => {
                let ExemptionRecord { employee_number, requirement, starts_on, .. } = act.record();
                Order::Exemption(employee_number, requirement, *starts_on)
            }
            Self::Identity(act) => Order::Identity(act.record()),
        }
    }
}

impl Plan {
    /// Whether the lines of a change show only the number.
    pub(super) fn protects(&self, change: &Change) -> bool {
        change.employee_number().is_some_and(|number| self.protected.contains(number))
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How much changes.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for change in &self.changes {
            match change {
                Change::Administration(act) => summary.administrations.count(act),
                Change::Person(act) => summary.persons.count(act),
                Change::Employment(act) => summary.employments.count(act),
                Change::Absence(act) => summary.absences.count(act),
                Change::Exemption(act) => summary.exemptions.count(act),
                Change::Identity(act) => summary.identities.count(act),
            }
        }
        summary
    }
}

/// How many records of a kind were added, changed, ended and withdrawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub added: usize,
    pub changed: usize,
    pub ended: usize,
    pub withdrawn: usize,
}

impl Counts {
    const fn count<T>(&mut self, act: &Act<T>) {
        match act {
            Act::Added(_) => self.added += 1,
            Act::Changed { .. } => self.changed += 1,
            Act::Ended { .. } => self.ended += 1,
            Act::Withdrawn(_) => self.withdrawn += 1,
        }
    }
}

/// How much an import changes, for each kind of record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub administrations: Counts,
    pub persons: Counts,
    pub employments: Counts,
    pub absences: Counts,
    pub exemptions: Counts,
    pub identities: Counts,
}

impl Summary {
    /// The counts with the names of their kinds.
    #[must_use]
    pub const fn by_kind(&self) -> [(&'static str, Counts); 6] {
        [
            ("administrations", self.administrations),
            ("persons", self.persons),
            ("employments", self.employments),
            ("absences", self.absences),
            ("exemptions", self.exemptions),
            ("identities", self.identities),
        ]
    }
}
