//! What is to be recorded so that the answers to a batch are true.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::content::{NewAttachment, NewStatement};
use super::duplicates::{DuplicateKey, LearnerName};
use super::known::KnownLearner;
use super::{Content, Delivery};
use crate::ids::{EmployeeId, PlatformId};
use crate::linking::{LearnerKeys, LinkingKey, Unlinked};
use crate::training::ReportedResult;

/// What a batch adds to the register.
#[derive(Debug, Default)]
pub struct Recorded<'a> {
    pub deliveries: Vec<NewDelivery<'a>>,
    /// Deliveries that were in quarantine, as they are understood now.
    pub released: Vec<NewDelivery<'a>>,
    pub learners: Vec<NewLearner<'a>>,
    pub events: Vec<NewEvent<'a>>,
    pub statements: Vec<RecordedStatement<'a>>,
    pub attachments: Vec<RecordedAttachment<'a>>,
    pub pending: Vec<NewPending<'a>>,
    /// The people whose compliance state it may change.
    pub stale: BTreeSet<EmployeeId>,
}

/// A delivery with its id.
#[derive(Debug)]
pub struct NewDelivery<'a> {
    pub id: i64,
    pub delivery: &'a Delivery,
}

/// A learner that was not known.
#[derive(Debug)]
pub struct NewLearner<'a> {
    pub learner: KnownLearner,
    pub name: LearnerName,
    pub keys: &'a LearnerKeys,
    /// The key by which it is linked, unless the link depends on the day.
    pub link_key: Option<LinkingKey>,
}

/// An event, with its link.
#[derive(Debug)]
pub struct NewEvent<'a> {
    pub id: i64,
    pub delivery: i64,
    pub platform: PlatformId,
    pub result: &'a ReportedResult,
    pub key: DuplicateKey,
    pub employee: Option<EmployeeId>,
    /// Why it is not linked, if the learner's link depends on the day.
    pub unlinked: Option<Unlinked>,
    /// Whether the learner has an event that says the same.
    pub repeats: bool,
    /// Whether nothing had reported it of the person.
    pub is_new: bool,
    pub read_by: Option<i32>,
    /// How it arrived, if it ends the platform's silence.
    pub arrived_by: Option<&'static str>,
}

/// A statement with its id, and that of its delivery.
#[derive(Debug)]
pub struct RecordedStatement<'a> {
    pub id: i64,
    pub delivery: i64,
    pub platform: PlatformId,
    pub statement: &'a NewStatement,
}

/// An attachment with its id, and that of its delivery.
#[derive(Debug)]
pub struct RecordedAttachment<'a> {
    pub id: i64,
    pub delivery: i64,
    pub platform: PlatformId,
    pub attachment: &'a NewAttachment,
}

/// A result that waits until something is done in its registration.
#[derive(Debug)]
pub struct NewPending<'a> {
    pub id: i64,
    pub delivery: i64,
    pub platform: PlatformId,
    pub registration: Uuid,
    pub result: &'a ReportedResult,
}

impl<'a> NewDelivery<'a> {
    /// What became of it, as it is stored: `accepted`, `ignored` or `quarantined`.
    #[must_use]
    pub const fn outcome(&self) -> &'static str {
        match &self.delivery.content {
            Content::Results(_) => "accepted",
            Content::Statements { results, .. } if !results.is_empty() => "accepted",
            Content::Nothing | Content::Statements { .. } => "ignored",
            Content::NotUnderstood { .. } | Content::Part { .. } => "quarantined",
        }
    }

    /// Why it is in quarantine, and the place in its body (RFC 6901).
    #[must_use]
    pub fn problem(&self) -> Option<(&'a str, &'a str)> {
        match &self.delivery.content {
            Content::NotUnderstood { pointer, problem } | Content::Part { pointer, problem, .. } => {
                Some((problem, pointer))
            }
            Content::Results(_) | Content::Nothing | Content::Statements { .. } => None,
        }
    }
}
