//! What learning platforms report, in Kurskoll's own terms: completions, graded quiz attempts and revocations.

mod digest;
mod score;

use chrono::{DateTime, NaiveDate, Utc};

use super::ids::{AttemptName, CourseId, EventId, PlatformId, QuizId};
use super::linking::LearnerKeys;

pub use score::{InvalidDecimal, PassMark, Score, decimal_from_text, one_decimal};

/// What a result is about: a course, or a quiz.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    Course(CourseId),
    Quiz(QuizId),
}

/// What a result says (DESIGN, "result": completion, graded quiz attempt, or revocation).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ResultKind {
    Completion,
    /// A quiz attempt: its name where the platform has one for each, its number where it counts them, its score and the
    /// platform's own verdict. One that has a name may be told before it is graded, and again whenever its grade changes.
    Attempt {
        name: Option<AttemptName>,
        number: Option<u32>,
        score: Option<Score>,
        passed: Option<bool>,
    },
    /// Withdraws the event of that id, or where there is none, all that the learner did in the target up to its instant.
    Revocation {
        event_id: Option<EventId>,
    },
}

impl ResultKind {
    /// By which an attempt is known whenever it is told of.
    #[must_use]
    pub const fn attempt_name(&self) -> Option<&AttemptName> {
        match self {
            Self::Attempt { name, .. } => name.as_ref(),
            Self::Completion | Self::Revocation { .. } => None,
        }
    }

    /// Whether it says that an attempt was made, and nothing yet of how it went: that may be told later, under its name.
    #[must_use]
    pub const fn is_ungraded(&self) -> bool {
        matches!(self, Self::Attempt { name: Some(_), score: None, passed: None, .. })
    }
}

/// One result as a platform reported it, before anybody knows whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedResult {
    pub event_id: EventId,
    pub learner: LearnerKeys,
    pub target: Target,
    pub kind: ResultKind,
    /// The platform's instant of what happened.
    pub occurred_at: DateTime<Utc>,
    /// Why it was withdrawn; only revocations have one.
    pub reason: Option<String>,
}

/// One result that is linked to the person at hand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LinkedResult {
    pub platform: PlatformId,
    pub event_id: EventId,
    pub target: Target,
    pub kind: ResultKind,
    pub occurred_at: DateTime<Utc>,
    /// The city's calendar day of `occurred_at`.
    pub day: NaiveDate,
}
