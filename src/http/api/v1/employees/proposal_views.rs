//! Exemptions and prior training as they are sent and shown.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::employees::propose::{ProposalAnswer, ProposalRequest};
use crate::domain::directory::proposal::{Proposal, ProposalContent, ProposalKind};
use crate::domain::ids::{CourseId, EmployeeNumber, QuizId, RequirementCode};
use crate::domain::training::{Score, Target, decimal_from_text};
use crate::http::api::v1::employees::corrections::{reason, wrong};
use crate::http::problem::Problem;

/// A kind of proposals, as it is shown.
pub trait ProposalView: Sized {
    const KIND: ProposalKind;

    /// `None` if it is of another kind.
    fn of(answer: ProposalAnswer) -> Option<Self>;
}

/// What is sent to propose something.
pub trait ProposalBody {
    type View: ProposalView;

    fn request(&self) -> Result<ProposalRequest, Problem>;
}

/// The state of something that is proposed and decided here, by whom, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecidedView {
    /// `proposed` (waits for another person to approve it), `decided` (counts), `rejected` or `withdrawn`.
    #[schema(example = "decided")]
    state: &'static str,
    /// Null if it belongs to another administration: it was given on a day on which the employee was outside the
    /// caller's scope, and covers other than own days.
    reason: Option<String>,
    proposed_by: String,
    proposed_at: DateTime<Utc>,
    /// Who decided: another person than the one who proposed it, if two must agree.
    decided_by: Option<String>,
    /// From when on it is known and counts.
    decided_at: Option<DateTime<Utc>>,
    /// Who rejected or withdrew it.
    ended_by: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    ended_because: Option<String>,
}

impl From<&Proposal> for DecidedView {
    fn from(proposal: &Proposal) -> Self {
        let Proposal { reason, proposed, decided, ended, .. } = proposal.clone();
        let (ended, ended_because) = ended.unzip();
        let ended_because = ended_because.filter(|because| !because.is_empty());
        Self {
            state: proposal.state().as_str(),
            reason: Some(reason).filter(|reason| !reason.is_empty()),
            proposed_by: proposed.by,
            proposed_at: proposed.at,
            decided_at: decided.as_ref().map(|act| act.at),
            decided_by: decided.map(|act| act.by),
            ended_at: ended.as_ref().map(|act| act.at),
            ended_by: ended.map(|act| act.by),
            ended_because,
        }
    }
}

/// Days on which a requirement does not bind an employee.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExemptionBody {
    #[schema(example = "104233")]
    employee_number: String,
    #[schema(example = "infosec-onboarding")]
    requirement: String,
    starts_on: NaiveDate,
    /// The last exempt day; null: open.
    ends_on: Option<NaiveDate>,
    #[schema(example = "works in the field, without a computer")]
    reason: String,
}

impl ProposalBody for ExemptionBody {
    type View = ExemptionView;

    fn request(&self) -> Result<ProposalRequest, Problem> {
        let Self { starts_on, ends_on, .. } = *self;
        if ends_on.is_some_and(|last| last < starts_on) {
            return Err(wrong("/ends_on", "is before starts_on; the last day cannot come before the first"));
        }
        let number = EmployeeNumber::parse(&self.employee_number).map_err(|why| wrong("/employee_number", why))?;
        let requirement = RequirementCode::parse(&self.requirement).map_err(|why| wrong("/requirement", why))?;
        let content = ProposalContent::Exemption { requirement, starts_on, ends_on };
        Ok(ProposalRequest { number, content, reason: reason(&self.reason)? })
    }
}

/// An exemption that was decided or proposed here; those of HR's files are in the histories.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExemptionView {
    id: i64,
    employee_number: String,
    requirement: String,
    starts_on: NaiveDate,
    /// The last exempt day; null: open.
    ends_on: Option<NaiveDate>,
    #[serde(flatten)]
    decided: DecidedView,
}

impl ProposalView for ExemptionView {
    const KIND: ProposalKind = ProposalKind::Exemption;

    fn of(ProposalAnswer { number, proposal }: ProposalAnswer) -> Option<Self> {
        let decided = DecidedView::from(&proposal);
        let ProposalContent::Exemption { requirement, starts_on, ends_on } = proposal.content else { return None };
        let requirement = requirement.into();
        Some(Self { id: proposal.id, employee_number: number, requirement, starts_on, ends_on, decided })
    }
}

/// A page of exemptions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExemptionsPageView {
    pub(super) items: Vec<ExemptionView>,
    /// The `before` of the next request; null: no more.
    pub(super) next: Option<String>,
}

/// What an employee did elsewhere: a course, or a quiz with its score if there was one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriorTrainingBody {
    #[schema(example = "104233")]
    employee_number: String,
    /// The course that it is as good as; left out if it is a quiz.
    #[schema(example = "infosec-basics")]
    course: Option<String>,
    /// The quiz that it is as good as; left out if it is a course.
    quiz: Option<String>,
    /// Of a quiz: the points, and the highest possible score. Without a score it is passed.
    score: Option<ScoreBody>,
    completed_on: NaiveDate,
    /// Why it is as good, and what proves it.
    #[schema(example = "certificate of 12 January from Region Skåne, seen")]
    reason: String,
}

/// A score, as decimals in strings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ScoreBody {
    #[schema(example = "17")]
    raw: String,
    #[schema(example = "20")]
    max: String,
}

impl ProposalBody for PriorTrainingBody {
    type View = PriorTrainingView;

    fn request(&self) -> Result<ProposalRequest, Problem> {
        let number = EmployeeNumber::parse(&self.employee_number).map_err(|why| wrong("/employee_number", why))?;
        let target = match (&self.course, &self.quiz) {
            (Some(course), None) => Target::Course(CourseId::parse(course).map_err(|why| wrong("/course", why))?),
            (None, Some(quiz)) => Target::Quiz(QuizId::parse(quiz).map_err(|why| wrong("/quiz", why))?),
            _ => return Err(wrong("/course", "or quiz must be given, one of the two")),
        };
        if self.score.is_some() && matches!(target, Target::Course(_)) {
            return Err(wrong("/score", "belongs to a quiz; leave it out for a course"));
        }
        let score = self.score.as_ref().map(|score| {
            let number = |pointer: &str, text: &str| decimal_from_text(text).map_err(|why| wrong(pointer, why));
            let (raw, max) = (number("/score/raw", &score.raw)?, number("/score/max", &score.max)?);
            Score::new(raw, max).map_err(|why| wrong("/score", why))
        });
        let content =
            ProposalContent::PriorTraining { target, score: score.transpose()?, completed_on: self.completed_on };
        Ok(ProposalRequest { number, content, reason: reason(&self.reason)? })
    }
}

/// Prior training that was recognised or proposed.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriorTrainingView {
    id: i64,
    /// The id by which evidence names it.
    #[schema(example = "prior:7")]
    event_id: String,
    employee_number: String,
    course: Option<String>,
    quiz: Option<String>,
    #[schema(example = "85.0")]
    score_percent: Option<String>,
    completed_on: NaiveDate,
    #[serde(flatten)]
    decided: DecidedView,
}

impl ProposalView for PriorTrainingView {
    const KIND: ProposalKind = ProposalKind::PriorTraining;

    fn of(ProposalAnswer { number, proposal }: ProposalAnswer) -> Option<Self> {
        let decided = DecidedView::from(&proposal);
        let ProposalContent::PriorTraining { target, score, completed_on } = proposal.content else { return None };
        let (course, quiz) = match target {
            Target::Course(course) => (Some(course.into()), None),
            Target::Quiz(quiz) => (None, Some(quiz.into())),
        };
        Some(Self {
            id: proposal.id,
            event_id: format!("prior:{}", proposal.id),
            employee_number: number,
            course,
            quiz,
            score_percent: score.map(|score| score.percent().to_string()),
            completed_on,
            decided,
        })
    }
}

/// A page of prior training, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriorTrainingsPageView {
    pub(super) items: Vec<PriorTrainingView>,
    /// The `before` of the next request; null: no more.
    pub(super) next: Option<String>,
}
