//! What learning platforms report, in Kurskoll's own terms: completions, graded quiz attempts and revocations.

mod decision;
mod digest;
mod score;
mod without;

use chrono::{DateTime, NaiveDate, Utc};

use super::ids::{AttemptName, CourseId, EventId, PlatformId, QuizId};
use super::linking::LearnerKeys;

pub use decision::{ResultDecision, Verdict};
pub use score::{InvalidDecimal, PassMark, Score, decimal_from_text, one_decimal};
pub use without::{Lacks, WithoutResult};

/// The subject of a result: a course, or a quiz.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    Course(CourseId),
    Quiz(QuizId),
}

/// The kind of a result (DESIGN, "result": completion, graded quiz attempt, or revocation).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ResultKind {
    Completion,
    /// A quiz attempt: its name if the platform has one for each, its number if it counts them, its score and the
    /// platform's own verdict. One with a name may be reported before it is graded, and again when its grade changes.
    Attempt {
        name: Option<AttemptName>,
        number: Option<u32>,
        score: Option<Score>,
        passed: Option<bool>,
    },
    Revocation(Revokes),
}

/// What a revocation withdraws (DESIGN, "Evidence").
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Revokes {
    /// An event, and results with the same content.
    Event(EventId),
    /// The same by a voiding xAPI statement: no other statement can void that one (xAPI 1.0.3, Data 2.3.2).
    Statement(EventId),
    /// All that the learner did in the target up to the revocation's instant.
    UpTo,
    /// What the learner did in the target on the revocation's own day in the city, or on the day before, up to its
    /// instant: platforms reset progress when a renewal window opens, and older results still count.
    Recent,
    /// An administrator decided, at the revocation's instant, that an event is withdrawn; or that it counts, even if
    /// the platform revokes it.
    ByHand { event_id: EventId, counts: bool },
}

impl Revokes {
    /// The event that it names.
    #[must_use]
    pub const fn event_id(&self) -> Option<&EventId> {
        match self {
            Self::Event(event_id) | Self::Statement(event_id) | Self::ByHand { event_id, .. } => Some(event_id),
            Self::UpTo | Self::Recent => None,
        }
    }

    /// Its name, as it is stored and shown.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::Statement(_) => "statement",
            Self::UpTo => "up_to",
            Self::Recent => "recent",
            Self::ByHand { counts: false, .. } => "withdrawn_by_hand",
            Self::ByHand { counts: true, .. } => "restored_by_hand",
        }
    }
}

impl ResultKind {
    /// The name of an attempt, the same in every report of it.
    #[must_use]
    pub const fn attempt_name(&self) -> Option<&AttemptName> {
        match self {
            Self::Attempt { name, .. } => name.as_ref(),
            Self::Completion | Self::Revocation(_) => None,
        }
    }

    /// What a revocation withdraws.
    #[must_use]
    pub const fn revokes(&self) -> Option<&Revokes> {
        match self {
            Self::Revocation(revokes) => Some(revokes),
            Self::Completion | Self::Attempt { .. } => None,
        }
    }

    /// The event that a revocation names.
    #[must_use]
    pub fn revoked_event(&self) -> Option<&EventId> {
        self.revokes().and_then(Revokes::event_id)
    }

    #[must_use]
    pub const fn is_revocation(&self) -> bool {
        matches!(self, Self::Revocation(_))
    }

    /// Whether it only says that an attempt was made, without a grade; that may be reported later, under the same name.
    #[must_use]
    pub const fn is_ungraded(&self) -> bool {
        matches!(self, Self::Attempt { name: Some(_), score: None, passed: None, .. })
    }
}

/// One result as a platform reported it, before it is linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedResult {
    pub event_id: EventId,
    pub learner: LearnerKeys,
    pub target: Target,
    pub kind: ResultKind,
    /// The platform's instant of what happened.
    pub occurred_at: DateTime<Utc>,
    /// When the platform reported it, if that is given besides when it happened. Revocations have none: they happen
    /// when they are reported.
    pub reported_at: Option<DateTime<Utc>>,
    /// Why it was withdrawn; only revocations have one.
    pub reason: Option<String>,
}

/// One result that is linked to the given person.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LinkedResult {
    pub platform: PlatformId,
    pub event_id: EventId,
    pub target: Target,
    pub kind: ResultKind,
    pub occurred_at: DateTime<Utc>,
    /// When the platform reported it, if that is given besides when it happened.
    pub reported_at: Option<DateTime<Utc>>,
    /// The city's calendar day of `occurred_at`.
    pub day: NaiveDate,
}
