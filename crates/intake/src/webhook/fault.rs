//! Why a delivery that is authentic was not understood: the place, the reason, and what the sender can do.

use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use kurskoll_domain::ids::InvalidId;
use kurskoll_domain::training::InvalidDecimal;

/// The first thing in a body that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {fault}", Place(pointer))]
pub struct NotUnderstood {
    /// Where, as a JSON pointer (RFC 6901): `/data/course/id`; empty for the body as a whole. Made of the names of
    /// known members alone, so never longer or stranger than they are.
    pub pointer: String,
    pub fault: Fault,
}

struct Place<'a>(&'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "the body" } else { self.0 })
    }
}

/// What is wrong in the place, worded to follow its name; what a sender can do about it stands after the colon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("stops being UTF-8 after {valid_bytes} bytes: send JSON in UTF-8")]
    NotUtf8 { valid_bytes: usize },
    #[error("is not JSON from line {line}, column {column} on: send one JSON object")]
    NotJson { line: usize, column: usize },
    #[error("nests objects or arrays more than {limit} deep: send the members that are documented, and not much else")]
    TooDeep { limit: usize },
    #[error("has a text with an escape that is no character: send well-formed Unicode")]
    BrokenText,
    #[error("has the member \"{name}\" twice: send it once")]
    RepeatedMember {
        /// With control characters escaped, and cut short.
        name: String,
    },
    #[error("is missing: send {expected}")]
    Missing { expected: Expected },
    #[error("is of the wrong kind: send {expected}")]
    WrongKind { expected: Expected },
    #[error("{0}: send plain text of 1 to {max} characters", max = kurskoll_domain::ids::MAX_LENGTH)]
    InvalidText(InvalidId),
    #[error(
        "has no key that names the learner: send at least one of employee_number, email, username, and account with home_page and name"
    )]
    NoLearnerKey,
    #[error(
        "is a Swedish personal identity number, which is never accepted as an employee number: send HR's number, or another key of the learner"
    )]
    PersonalIdentityNumber,
    #[error("{0}: send at most 20 digits with a decimal point, as a JSON number or a text")]
    InvalidDecimal(InvalidDecimal),
    #[error("must be greater than 0: send the points of a full score, or leave the score out")]
    FullScoreNotPositive,
    #[error("has raw points but not the max that they are out of: send max as well, or scaled, or percent")]
    RawWithoutMax,
    #[error("is more than the whole: send a share of 1 (0.85), or use percent for a share of 100 (85)")]
    ScaledBeyondOne,
    #[error("has neither a score nor passed: send at least one of them")]
    NothingGraded,
    #[error(
        "is not a time such as 2026-03-02T08:15:00+01:00: send RFC 3339, or the same without an offset for {zone} time"
    )]
    NotATime { zone: Tz },
    #[error("is a time that the clocks in {zone} skipped as they went forward: send the time with its offset")]
    SkippedTime { zone: Tz },
    #[error(
        "lies in the future, more than a day after {received_at} when it was received: set the sender's clock right"
    )]
    InTheFuture { received_at: DateTime<Utc> },
    #[error("is before 1990, when nobody did a course here: send the time when it happened")]
    TooLongAgo,
    #[error("names neither a course nor a quiz: send course or quiz with the id of what is withdrawn")]
    NothingWithdrawn,
    #[error(
        "is an empty text, which could mean one event or all of them: send the id, or leave event_id out to withdraw all"
    )]
    EmptyEventId,
}

/// The kind of value that a place takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Object,
    Text,
    TextOrInteger,
    NumberOrText,
    TrueOrFalse,
    PositiveInteger,
    Time,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "a JSON object",
            Self::Text => "a text",
            Self::TextOrInteger => "a text or a whole number",
            Self::NumberOrText => "a number or a text with its digits",
            Self::TrueOrFalse => "true, false or null",
            Self::PositiveInteger => "a whole number from 1 on",
            Self::Time => "a time as text, such as \"2026-03-02T08:15:00+01:00\"",
        })
    }
}
