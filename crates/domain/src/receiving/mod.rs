//! What a platform sent, once it is verified and understood, and what became of it.
//!
//! [`Delivery`] is one request; [`Content`] is what it says, made by the intake. [`decide`] tells new from known from
//! contradicting, links learners, and says what is to be recorded, from what the store read ([`Known`], [`Pending`]).

mod content;
mod decide;
mod duplicates;
mod known;
mod recorded;
mod recording;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use content::{Cmi5Progress, Content, NewAttachment, NewStatement, StatementDigest};
pub use decide::{Decided, DecidedPart, DecidedResult, decide, decide_again, decide_part, ids_for};
pub use duplicates::{DuplicateKey, DuplicateKeyOfPerson, LearnerName, fingerprint};
pub use known::{Known, KnownDelivery, KnownEvent, KnownLearner, Linker, Pending, PendingResult};
pub use recorded::{NewDelivery, NewEvent, NewLearner, NewPending, Recorded, RecordedAttachment, RecordedStatement};

use crate::ids::{EventId, PlatformId};
use crate::linking::LinkingKey;

/// How a result arrived that the platform sent, as it is stored.
pub const SENT: &str = "sent";
/// How a result arrived that was pulled from the platform.
pub const PULLED: &str = "pulled";

/// The media type of a stored file of results; no webhook can have it.
pub const FILE_TYPE: &str = "text/csv";

/// One authenticated request from a platform, with what it says.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub platform: PlatformId,
    /// The platform's linking keys, strongest first.
    pub linking_keys: Arc<[LinkingKey]>,
    /// Unique within the platform: the sender's id (Standard Webhooks' `webhook-id`), or a digest of the body.
    pub key: EventId,
    pub content_type: String,
    /// The headers that were verified or read, as JSON.
    pub headers: String,
    /// Whether it was pulled; else the platform sent it.
    pub is_pulled: bool,
    /// The version of the platform's own profile that read it; `None` if the platform has none.
    pub read_by: Option<i32>,
    pub body: Vec<u8>,
    pub content: Content,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// It is stored. `new` of its results were not known before; `linked` if every result is linked to an employee.
    Accepted {
        new: usize,
        linked: bool,
        /// Whether a revocation may concern its results: their effect must be looked up.
        is_doubtful: bool,
    },
    /// The same delivery is stored already, or it says only what is known.
    Duplicate {
        linked: bool,
        is_doubtful: bool,
        /// Whether its results were stored beside those that say the same.
        is_stored: bool,
    },
    Ignored,
    /// Another delivery with the same key is stored; that one stays.
    Conflict,
    /// One of its results or statements has the id of a stored one that says something else.
    EventConflict(EventId),
    Quarantined {
        delivery: i64,
        pointer: String,
        problem: String,
    },
}

impl Received {
    /// Whether the delivery leaves quarantine.
    #[must_use]
    pub const fn is_understood(&self) -> bool {
        matches!(self, Self::Accepted { .. } | Self::Duplicate { .. } | Self::Ignored)
    }
}

/// What became, or would become, of a delivery that is read again, and of its results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    pub received: Received,
    /// Results that were not known before, and how many of them are linked.
    pub new: u64,
    pub linked: u64,
}
