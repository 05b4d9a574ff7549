//! What a delivery was understood to say.

use uuid::Uuid;

use crate::ids::EventId;
use crate::training::{ReportedResult, WithoutResult};

/// What a delivery was understood to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Results(Vec<ReportedResult>),
    /// xAPI statements, and the results that were extracted from them, each under its statement's id.
    Statements {
        statements: Vec<NewStatement>,
        results: Vec<ReportedResult>,
        attachments: Vec<NewAttachment>,
    },
    /// Nothing that concerns Kurskoll: it is stored and ignored.
    Nothing,
    /// A part of a delivery in quarantine; the rest of it stays there, for this reason.
    Part {
        taken: Box<Content>,
        pointer: String,
        problem: String,
    },
    NotUnderstood {
        /// Where in the body (RFC 6901).
        pointer: String,
        problem: String,
    },
}

/// What makes two statements the same one.
pub type StatementDigest = [u8; 32];

/// One statement of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStatement {
    /// Unique within the platform.
    pub id: Uuid,
    /// Equal for statements that the standard says are the same (xAPI 1.0.3, Data, 2.3.3).
    pub digest: StatementDigest,
    /// Where its bytes are in the delivery's body.
    pub offset: usize,
    pub length: usize,
    /// Its `timestamp`, in microseconds.
    pub occurred_at: Option<i64>,
    /// The statement that its object refers to.
    pub refers_to: Option<Uuid>,
    /// Whether it voids that statement.
    pub voids: bool,
    pub progress: Option<Cmi5Progress>,
    /// What it is about without giving a result of it.
    pub without: Option<WithoutResult>,
    /// Which of the delivery's results were extracted from it, by their places.
    pub results: std::ops::Range<usize>,
}

/// The content of an attachment, which came with its statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachment {
    /// In hexadecimal, in lower case.
    pub sha2: String,
    pub content_type: String,
    /// Where its bytes are in the delivery's body.
    pub offset: usize,
    pub length: usize,
}

/// What a cmi5 statement says of its registration (cmi5, section 9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cmi5Progress {
    /// Something was done: completed, passed or waived.
    Done(Uuid),
    /// A course or block is satisfied. That may be said of somebody who did nothing (moveOn NotApplicable; cmi5, 10.2.4),
    /// so it counts as soon as something was done.
    Satisfied(Uuid),
}

impl NewStatement {
    /// The id of the event that is extracted from it.
    #[must_use]
    pub fn event_id(&self) -> EventId {
        EventId::of_uuid(self.id)
    }
}

impl Cmi5Progress {
    #[must_use]
    pub const fn registration(self) -> Uuid {
        match self {
            Self::Done(registration) | Self::Satisfied(registration) => registration,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Satisfied(_) => "satisfied",
        }
    }
}

impl Content {
    /// What was not understood, and where (RFC 6901).
    #[must_use]
    pub fn not_understood(pointer: impl Into<String>, problem: &impl ToString) -> Self {
        Self::NotUnderstood { pointer: pointer.into(), problem: problem.to_string() }
    }

    /// Its results, if any.
    #[must_use]
    pub fn results(&self) -> &[ReportedResult] {
        match self {
            Self::Results(results) | Self::Statements { results, .. } => results,
            Self::Part { taken, .. } => taken.results(),
            Self::Nothing | Self::NotUnderstood { .. } => &[],
        }
    }

    /// The ids of its results.
    #[must_use]
    pub fn event_ids(&self) -> Vec<EventId> {
        self.results().iter().map(|result| result.event_id.clone()).collect()
    }

    /// Its statements, in their order in the body.
    #[must_use]
    pub fn statements(&self) -> &[NewStatement] {
        match self {
            Self::Statements { statements, .. } => statements,
            Self::Part { taken, .. } => taken.statements(),
            Self::Results(_) | Self::Nothing | Self::NotUnderstood { .. } => &[],
        }
    }

    #[must_use]
    pub fn attachments(&self) -> &[NewAttachment] {
        match self {
            Self::Statements { attachments, .. } => attachments,
            Self::Part { taken, .. } => taken.attachments(),
            Self::Results(_) | Self::Nothing | Self::NotUnderstood { .. } => &[],
        }
    }

    /// What is taken of it: all but what stays in quarantine.
    #[must_use]
    pub fn taken(&self) -> &Self {
        match self {
            Self::Part { taken, .. } => taken,
            _ => self,
        }
    }
}
