//! What learning platforms report, in Kurskoll's own terms: completions, graded quiz attempts and revocations.

mod digest;
mod score;

use chrono::{DateTime, NaiveDate, Utc};

use super::ids::{CourseId, EventId, PlatformId, QuizId};
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
    /// A graded quiz attempt: its number where the platform counts them, its score and the platform's own verdict.
    Attempt {
        number: Option<u32>,
        score: Option<Score>,
        passed: Option<bool>,
    },
    /// Withdraws the event of that id, or where there is none, all that the learner did in the target up to its instant.
    Revocation {
        event_id: Option<EventId>,
    },
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
