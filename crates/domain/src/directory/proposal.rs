//! Exemptions and prior training that are proposed here, and that count once they are decided.
//!
//! If two must agree, a proposal counts only when another person approves it; otherwise it is decided when it is made.

use chrono::NaiveDate;

use crate::approval::{Act, State};
use crate::ids::{EmployeeId, EventId, PlatformId, RequirementCode};
use crate::training::{LinkedResult, ResultKind, Score, Target};

/// The content of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProposalContent {
    /// A requirement does not bind the employee for a time; `ends_on` is the last exempt day (`None`: open).
    Exemption { requirement: RequirementCode, starts_on: NaiveDate, ends_on: Option<NaiveDate> },
    /// The employee did this elsewhere: it is evidence as if a platform had reported it.
    PriorTraining { target: Target, score: Option<Score>, completed_on: NaiveDate },
}

/// The kinds of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalKind {
    Exemption,
    PriorTraining,
}

impl ProposalKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exemption => "exemption",
            Self::PriorTraining => "prior_training",
        }
    }
}

impl ProposalContent {
    #[must_use]
    pub const fn kind(&self) -> ProposalKind {
        match self {
            Self::Exemption { .. } => ProposalKind::Exemption,
            Self::PriorTraining { .. } => ProposalKind::PriorTraining,
        }
    }
}

/// A stored proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    pub id: i64,
    pub employee: EmployeeId,
    pub content: ProposalContent,
    pub reason: String,
    pub proposed: Act,
    /// From when it counts; `None`: not decided.
    pub decided: Option<Act>,
    /// From when it no longer counts, and why.
    pub ended: Option<(Act, String)>,
}

impl Proposal {
    #[must_use]
    pub const fn state(&self) -> State {
        match (&self.decided, &self.ended) {
            (None, None) => State::Proposed,
            (Some(_), None) => State::Decided,
            (None, Some(_)) => State::Rejected,
            (Some(_), Some(_)) => State::Withdrawn,
        }
    }

    /// Whether a person may approve it: anyone except the proposer.
    #[must_use]
    pub fn may_be_approved_by(&self, subject: &str) -> bool {
        self.proposed.by != subject
    }

    /// Prior training as a result of the person: evidence on its day, named `prior:` and the proposal's id. No platform
    /// reported it, so no platform's revocation withdraws it.
    #[must_use]
    pub fn as_result(&self) -> Option<LinkedResult> {
        let ProposalContent::PriorTraining { target, score, completed_on } = &self.content else { return None };
        let kind = match target {
            Target::Course(_) => ResultKind::Completion,
            Target::Quiz(_) => {
                ResultKind::Attempt { name: None, number: None, score: *score, passed: score.is_none().then_some(true) }
            }
        };
        Some(LinkedResult {
            platform: PlatformId::NONE,
            event_id: EventId::parse(&format!("prior:{}", self.id)).ok()?,
            target: target.clone(),
            kind,
            // Training done elsewhere has a day and no time.
            occurred_at: completed_on.and_time(chrono::NaiveTime::MIN).and_utc(),
            reported_at: None,
            day: *completed_on,
        })
    }
}
