//! The content of HR's files, one plain record for each row, before it is compared with the known directory (`plan`).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::earlier_place;
use super::proposal::ProposalContent;
use super::{EarlierPlace, EmploymentForm, RecordedEmployment};
use crate::ids::{AdministrationCode, EmployeeNumber, EmploymentId, PlatformCode, RequirementCode};
use crate::linking::Identity;
use crate::training::{Score, Target};

/// A record and the line of the file on which it begins (1 is the header).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<T> {
    pub line: u64,
    pub record: T,
}

/// The key by which a record is the same one from file to file.
///
/// The maps of [`super::plan::Known`] have the owned form of the same key, in the same order.
pub trait Keyed {
    type Key<'a>: Ord
    where
        Self: 'a;

    fn key(&self) -> Self::Key<'_>;
}

/// A department of the city under a political board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdministrationRecord {
    pub code: AdministrationCode,
    pub name: String,
    /// Empty if HR names none.
    pub board: String,
}

impl Keyed for AdministrationRecord {
    type Key<'a> = &'a AdministrationCode;

    fn key(&self) -> Self::Key<'_> {
        &self.code
    }
}

/// A person's data, the same for all their employments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRecord {
    pub employee_number: EmployeeNumber,
    pub given_name: String,
    pub family_name: String,
    /// Protected personal data: no name, e-mail or unit is shown.
    pub protected: bool,
}

impl Keyed for PersonRecord {
    type Key<'a> = &'a EmployeeNumber;

    fn key(&self) -> Self::Key<'_> {
        &self.employee_number
    }
}

/// One engagement of a person in one administration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmploymentRecord {
    pub employee_number: EmployeeNumber,
    pub employment_id: EmploymentId,
    pub administration: AdministrationCode,
    /// Empty if HR names none.
    pub unit: String,
    pub form: EmploymentForm,
    pub starts_on: NaiveDate,
    /// The last day at work; `None`: open.
    pub ends_on: Option<NaiveDate>,
    pub manager: Option<EmployeeNumber>,
    /// As written, trimmed; compared by `linking::normalized`.
    pub email: Option<String>,
    /// As written, trimmed; compared by `linking::normalized`.
    pub username: Option<String>,
    /// The administrations that HR named before this one, the oldest first; not in any file ([`Self::named_after`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierPlace>,
}

impl EmploymentRecord {
    /// Where and when it is, as HR reports it.
    #[must_use]
    pub fn as_recorded(&self) -> RecordedEmployment {
        RecordedEmployment {
            administration: self.administration.clone(),
            unit: self.unit.clone(),
            earlier: self.earlier.clone(),
            starts_on: self.starts_on,
            ends_on: self.ends_on,
        }
    }

    /// This record, reported on a day, with the earlier names of the employment, which was known as `before`.
    #[must_use]
    pub fn named_after(self, before: &Self, today: NaiveDate) -> Self {
        let known = (&before.administration, before.unit.as_str());
        let earlier = earlier_place::remember(&before.earlier, known, &self.administration, today);
        Self { earlier, ..self }
    }
}

impl Keyed for EmploymentRecord {
    type Key<'a> = (&'a EmployeeNumber, &'a EmploymentId);

    fn key(&self) -> Self::Key<'_> {
        (&self.employee_number, &self.employment_id)
    }
}

/// A row of the employments file: an employment, and the person's data in that row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedEmployment {
    pub given_name: String,
    pub family_name: String,
    /// `None` if the file has no such column. Then the known value stays, so a file
    /// without the column does not end anyone's protection.
    pub protected: Option<bool>,
    pub employment: EmploymentRecord,
}

impl Keyed for ReportedEmployment {
    type Key<'a> = (&'a EmployeeNumber, &'a EmploymentId);

    fn key(&self) -> Self::Key<'_> {
        self.employment.key()
    }
}

/// Days on which an employee is on leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsenceRecord {
    pub employee_number: EmployeeNumber,
    pub starts_on: NaiveDate,
    /// The last day of leave; `None`: open.
    pub ends_on: Option<NaiveDate>,
}

impl Keyed for AbsenceRecord {
    type Key<'a> = (&'a EmployeeNumber, NaiveDate);

    fn key(&self) -> Self::Key<'_> {
        (&self.employee_number, self.starts_on)
    }
}

/// Days on which a requirement does not bind an employee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExemptionRecord {
    pub employee_number: EmployeeNumber,
    pub requirement: RequirementCode,
    pub starts_on: NaiveDate,
    /// The last exempt day; `None`: open.
    pub ends_on: Option<NaiveDate>,
    /// Empty if HR gives none.
    pub reason: String,
}

impl Keyed for ExemptionRecord {
    type Key<'a> = (&'a EmployeeNumber, &'a RequirementCode, NaiveDate);

    fn key(&self) -> Self::Key<'_> {
        (&self.employee_number, &self.requirement, self.starts_on)
    }
}

/// Training that an employee did elsewhere, and why it is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriorTrainingRecord {
    pub employee_number: EmployeeNumber,
    pub target: Target,
    /// The score of a quiz; without one it counts as passed.
    pub score: Option<Score>,
    pub completed_on: NaiveDate,
    pub reason: String,
}

impl PriorTrainingRecord {
    /// The content of the proposal.
    #[must_use]
    pub fn content(&self) -> ProposalContent {
        ProposalContent::PriorTraining {
            target: self.target.clone(),
            score: self.score,
            completed_on: self.completed_on,
        }
    }
}

impl Keyed for PriorTrainingRecord {
    type Key<'a> = (&'a EmployeeNumber, &'a Target, NaiveDate);

    fn key(&self) -> Self::Key<'_> {
        (&self.employee_number, &self.target, self.completed_on)
    }
}

/// An identity of a person at a platform that HR's other files do not have. All fields but the last day are its key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdentityRecord {
    pub employee_number: EmployeeNumber,
    pub platform: PlatformCode,
    pub identity: Identity,
    /// The first day on which it is theirs; `None`: `linking::holding` derives it.
    pub valid_from: Option<NaiveDate>,
    /// The last such day; `None`: `linking::holding` derives it.
    pub valid_to: Option<NaiveDate>,
}

impl Keyed for IdentityRecord {
    type Key<'a> = (&'a EmployeeNumber, &'a PlatformCode, &'a Identity, Option<NaiveDate>);

    fn key(&self) -> Self::Key<'_> {
        (&self.employee_number, &self.platform, &self.identity, self.valid_from)
    }
}
