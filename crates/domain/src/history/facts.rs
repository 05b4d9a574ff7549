//! The facts of a history, and the entry fields of each.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Field, HistoryRecord, Kind};
use crate::directory::records::{AbsenceRecord, EmploymentRecord, ExemptionRecord, IdentityRecord, PersonRecord};
use crate::ids::{EmployeeNumber, EventId, RequirementCode};
use crate::linking::Identity;
use crate::training::{ResultKind, Score, Target};

impl HistoryRecord for PersonRecord {
    const KIND: Kind = Kind::Person;

    fn key(&self) -> String {
        String::new()
    }

    fn name(&self) -> String {
        self.employee_number.to_string()
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            Field::new("given_name", &self.given_name).personal(),
            Field::new("family_name", &self.family_name).personal(),
            Field::new("protected", self.protected),
        ]
    }
}

impl HistoryRecord for EmploymentRecord {
    const KIND: Kind = Kind::Employment;

    fn key(&self) -> String {
        self.employment_id.to_string()
    }

    fn name(&self) -> String {
        self.employment_id.to_string()
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            Field::new("administration", &self.administration),
            Field::new("unit", &self.unit).personal(),
            Field::new("form", self.form.as_str()),
            Field::new("starts_on", self.starts_on),
            Field::maybe("ends_on", self.ends_on),
            Field::maybe("manager_employee_number", self.manager.as_ref()).personal(),
            Field::maybe("email", self.email.as_ref()).personal(),
            Field::maybe("username", self.username.as_ref()).personal(),
        ]
    }
}

impl HistoryRecord for AbsenceRecord {
    const KIND: Kind = Kind::Absence;

    fn key(&self) -> String {
        self.starts_on.to_string()
    }

    fn name(&self) -> String {
        self.starts_on.to_string()
    }

    fn fields(&self) -> Vec<Field> {
        vec![Field::new("starts_on", self.starts_on), Field::maybe("ends_on", self.ends_on)]
    }
}

fn exemption(requirement: &RequirementCode, starts_on: NaiveDate, ends_on: Option<NaiveDate>) -> Vec<Field> {
    vec![Field::new("requirement", requirement), Field::new("starts_on", starts_on), Field::maybe("ends_on", ends_on)]
}

/// An exemption from one of HR's files.
impl HistoryRecord for ExemptionRecord {
    const KIND: Kind = Kind::Exemption;

    fn key(&self) -> String {
        format!("{} {}", self.requirement, self.starts_on)
    }

    fn name(&self) -> String {
        format!("{} from {}", self.requirement, self.starts_on)
    }

    fn fields(&self) -> Vec<Field> {
        exemption(&self.requirement, self.starts_on, self.ends_on)
    }

    fn reason(&self) -> Option<&str> {
        Some(&self.reason)
    }
}

/// An exemption that was decided here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedExemption {
    pub id: i64,
    pub requirement: RequirementCode,
    pub starts_on: NaiveDate,
    pub ends_on: Option<NaiveDate>,
    pub reason: String,
}

impl HistoryRecord for DecidedExemption {
    const KIND: Kind = Kind::Exemption;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn name(&self) -> String {
        format!("{} from {}", self.requirement, self.starts_on)
    }

    fn fields(&self) -> Vec<Field> {
        exemption(&self.requirement, self.starts_on, self.ends_on)
    }

    fn reason(&self) -> Option<&str> {
        Some(&self.reason)
    }
}

fn target(target: &Target) -> Vec<Field> {
    match target {
        Target::Course(course) => vec![Field::new("course", course), Field::maybe("quiz", None::<&str>)],
        Target::Quiz(quiz) => vec![Field::maybe("course", None::<&str>), Field::new("quiz", quiz)],
    }
}

fn score(score: Option<&Score>) -> Field {
    Field::maybe("score_percent", score.map(Score::percent))
}

/// Training done elsewhere that an administrator recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriorTraining {
    pub id: i64,
    pub target: Target,
    pub score: Option<Score>,
    pub completed_on: NaiveDate,
    pub reason: String,
}

impl HistoryRecord for PriorTraining {
    const KIND: Kind = Kind::PriorTraining;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn name(&self) -> String {
        format!("prior:{}", self.id)
    }

    fn fields(&self) -> Vec<Field> {
        let mut fields = target(&self.target);
        fields.extend([Field::new("completed_on", self.completed_on), score(self.score.as_ref())]);
        fields
    }

    fn reason(&self) -> Option<&str> {
        Some(&self.reason)
    }
}

/// The person's identity at a platform, from HR's file of identities.
impl HistoryRecord for IdentityRecord {
    const KIND: Kind = Kind::Identity;

    fn key(&self) -> String {
        let Identity { key, value, home_page } = &self.identity;
        let from = self.valid_from.map(|day| day.to_string()).unwrap_or_default();
        format!("{} {} {home_page} {value} {from}", self.platform, key.as_str())
    }

    fn name(&self) -> String {
        format!("{} at {}", self.identity.key.as_str(), self.platform)
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            Field::new("value", &self.identity.value).personal(),
            Field::new("home_page", &self.identity.home_page).personal(),
            Field::maybe("valid_from", self.valid_from),
            Field::maybe("valid_to", self.valid_to),
        ]
    }
}

/// A link by hand of one of the person's identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub platform: String,
    pub identity: Identity,
    /// `None`: the identity is dismissed.
    pub employee_number: Option<EmployeeNumber>,
    /// The first day; `None`: from the beginning.
    pub valid_from: Option<NaiveDate>,
    /// The last day; `None`: for ever.
    pub valid_to: Option<NaiveDate>,
    pub reason: String,
}

impl HistoryRecord for Link {
    const KIND: Kind = Kind::Link;

    fn key(&self) -> String {
        let Identity { key, value, home_page } = &self.identity;
        let days = [self.valid_from, self.valid_to].map(|day| day.map(|day| day.to_string()).unwrap_or_default());
        format!("{} {} {home_page} {value} {}", self.platform, key.as_str(), days.join(" "))
    }

    fn name(&self) -> String {
        format!("{} at {}", self.identity.key.as_str(), self.platform)
    }

    fn fields(&self) -> Vec<Field> {
        let to = self.employee_number.as_ref().map_or("nobody", EmployeeNumber::as_str);
        vec![
            Field::new("value", &self.identity.value).personal(),
            Field::new("links_to", to),
            Field::maybe("from", self.valid_from),
            Field::maybe("to", self.valid_to),
        ]
    }

    fn reason(&self) -> Option<&str> {
        Some(&self.reason)
    }
}

/// A result that a platform reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub event_id: EventId,
    pub platform: String,
    pub target: Target,
    pub kind: ResultKind,
    pub occurred_at: DateTime<Utc>,
    /// Why it was withdrawn; only revocations have one.
    pub reason: Option<String>,
}

impl HistoryRecord for Received {
    const KIND: Kind = Kind::Result;

    fn key(&self) -> String {
        format!("{} {}", self.platform, self.event_id)
    }

    fn name(&self) -> String {
        self.event_id.to_string()
    }

    fn fields(&self) -> Vec<Field> {
        let (type_, attempt, passed, revokes, of) = match &self.kind {
            ResultKind::Completion => ("course.completed", None, None, None, None),
            ResultKind::Attempt { name, score, passed, .. } => {
                let type_ = if self.kind.is_ungraded() { "quiz.submitted" } else { "quiz.graded" };
                (type_, name.as_ref(), *passed, None, score.as_ref())
            }
            ResultKind::Revocation(revokes) => ("completion.revoked", None, None, revokes.event_id(), None),
        };
        let mut fields = vec![Field::new("type", type_), Field::new("platform", &self.platform)];
        fields.extend(target(&self.target));
        fields.extend([
            Field::maybe("attempt", attempt),
            Field::new("occurred_at", self.occurred_at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
            score(of),
            Field::maybe("passed", passed),
            Field::maybe("revokes_event_id", revokes),
        ]);
        fields
    }

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
