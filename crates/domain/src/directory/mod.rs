//! Who works where: employees, their employments, absences and exemptions, as HR reports them.
//!
//! Plain facts. Their meaning for a requirement is in `compliance`; the changes that a file makes are in `plan`.

pub mod accounts;
pub mod earlier_place;
pub mod imports;
pub mod merge;
pub mod plan;
pub mod problem;
pub mod proposal;
pub mod records;
pub mod succession;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::calendar::Stretch;
use super::ids::{AdministrationCode, EmploymentId, RequirementCode};
pub use earlier_place::EarlierPlace;

/// The form of an employment (DESIGN, "Files in").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmploymentForm {
    Permanent,
    FixedTerm,
    Hourly,
    Consultant,
    Trainee,
}

impl EmploymentForm {
    pub const ALL: [Self; 5] = [Self::Permanent, Self::FixedTerm, Self::Hourly, Self::Consultant, Self::Trainee];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::FixedTerm => "fixed_term",
            Self::Hourly => "hourly",
            Self::Consultant => "consultant",
            Self::Trainee => "trainee",
        }
    }

    /// Reads HR's name for it, in upper or lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str().eq_ignore_ascii_case(text.trim()))
    }
}

/// One engagement of a person in one administration, from a day to a day or open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Employment {
    /// The store's key of this fact. It has no order; it ties a report's row to the fact that the row shows.
    pub fact_id: i64,
    pub id: EmploymentId,
    /// The administration that has the employment on these days, in the tree of each day (`succession`).
    pub administration: AdministrationCode,
    /// Empty if HR names none.
    pub unit: String,
    pub form: EmploymentForm,
    /// The first of these days. An employment that a reorganisation moves is given as several, one after the other.
    pub starts_on: NaiveDate,
    /// The last day at work; `None`: open.
    pub ends_on: Option<NaiveDate>,
    /// What HR reported, if a reorganisation moves the employment or HR named other administrations earlier; `None`:
    /// the same as above.
    pub moved: Option<RecordedEmployment>,
}

/// Where and on which days an employment is, as HR reported it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEmployment {
    pub administration: AdministrationCode,
    pub unit: String,
    /// The earlier names, the oldest first (`earlier_place`).
    pub earlier: Vec<EarlierPlace>,
    /// The employment's own first day: the one that an export shows, and by which the earliest is chosen.
    pub starts_on: NaiveDate,
    pub ends_on: Option<NaiveDate>,
}

impl Employment {
    /// The days of the employment, its last one included; `None` if it ends before it starts.
    #[must_use]
    pub fn days(&self) -> Option<Stretch> {
        Stretch::inclusive(self.starts_on, self.ends_on)
    }

    #[must_use]
    pub fn covers(&self, day: NaiveDate) -> bool {
        self.starts_on <= day && self.ends_on.is_none_or(|last| day <= last)
    }

    /// The employment's own first day, in whichever administration it began.
    #[must_use]
    pub fn began_on(&self) -> NaiveDate {
        self.moved.as_ref().map_or(self.starts_on, |reported| reported.starts_on)
    }

    /// Where and when it is, as HR reported it.
    #[must_use]
    pub fn as_recorded(&self) -> RecordedEmployment {
        self.moved.clone().unwrap_or_else(|| RecordedEmployment {
            administration: self.administration.clone(),
            unit: self.unit.clone(),
            earlier: Vec::new(),
            starts_on: self.starts_on,
            ends_on: self.ends_on,
        })
    }
}

/// Days on which an employee is on leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    pub starts_on: NaiveDate,
    /// The last day of leave; `None`: open.
    pub ends_on: Option<NaiveDate>,
}

/// Days on which a requirement does not bind an employee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exemption {
    pub requirement: RequirementCode,
    pub starts_on: NaiveDate,
    /// The last exempt day; `None`: open.
    pub ends_on: Option<NaiveDate>,
}
