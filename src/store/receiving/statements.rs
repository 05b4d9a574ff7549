//! The xAPI statements of a batch: which are new, which are known, and which say otherwise than a kept one.

use std::collections::HashMap;

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Content, Delivery};
use crate::domain::ids::{EventId, PlatformId};
use crate::domain::training::WithoutResult;
use crate::store::StoreError;
use crate::store::rows::question::{Question, each};
use crate::store::rows::{Bytes, row, selected};

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
    /// Its `timestamp`, in microseconds; nothing where it has none.
    pub occurred_at: Option<i64>,
    /// The statement that its object refers to.
    pub refers_to: Option<Uuid>,
    /// Whether it voids that statement.
    pub voids: bool,
    pub progress: Option<Cmi5Progress>,
    /// What it is about and gives no result of.
    pub without: Option<WithoutResult>,
    /// Which of the delivery's results it tells, by their places.
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

impl NewStatement {
    /// The id of the event that it tells.
    pub(super) fn event_id(&self) -> EventId {
        EventId::of_uuid(self.id)
    }
}

/// What a cmi5 statement tells of its registration (cmi5, section 9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cmi5Progress {
    /// Something was done: completed, passed or waived.
    Done(Uuid),
    /// A course or block is satisfied, which counts as soon as something was done.
    Satisfied(Uuid),
}

impl Cmi5Progress {
    pub const fn registration(self) -> Uuid {
        match self {
            Self::Done(registration) | Self::Satisfied(registration) => registration,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Satisfied(_) => "satisfied",
        }
    }
}

impl Content {
    pub(super) fn statements(&self) -> &[NewStatement] {
        match self {
            Self::Statements { statements, .. } => statements,
            Self::Part { taken, .. } => taken.statements(),
            Self::Results(_) | Self::Nothing | Self::NotUnderstood { .. } => &[],
        }
    }
}

impl Content {
    pub(super) fn attachments(&self) -> &[NewAttachment] {
        match self {
            Self::Statements { attachments, .. } => attachments,
            Self::Part { taken, .. } => taken.attachments(),
            Self::Results(_) | Self::Nothing | Self::NotUnderstood { .. } => &[],
        }
    }
}

/// Every statement of a batch.
pub fn of_batch(batch: &[Delivery]) -> impl Iterator<Item = (PlatformId, &NewStatement)> {
    batch.iter().flat_map(|delivery| delivery.content.statements().iter().map(|reported| (delivery.platform, reported)))
}

/// Statements that are kept, by platform and id.
pub type KnownStatements = HashMap<(PlatformId, Uuid), StatementDigest>;

row! {
    #[derive(Debug, Serialize)]
    struct LookupKey<'a> {
        platform_id: i64,
        statement_id: Bytes<&'a [u8]>,
    }
}

row! {
    #[derive(Debug, Deserialize)]
    pub struct KnownRow {
        platform_id: i64,
        statement_id: Bytes,
        digest: Bytes,
    }
}

impl KnownRow {
    pub fn read(self) -> Result<((PlatformId, Uuid), StatementDigest), StoreError> {
        let id = Uuid::from_slice(&self.statement_id.0);
        let id = id.map_err(|_| StoreError::Unreadable { table: "statement", column: "statement_id" })?;
        let digest = self.digest.0.try_into();
        let digest = digest.map_err(|_| StoreError::Unreadable { table: "statement", column: "digest" })?;
        Ok(((PlatformId(self.platform_id), id), digest))
    }
}

/// Asks which statements of a batch are kept; nothing where it has none.
pub fn question(connection: &impl ConnectionTrait, batch: &[Delivery]) -> Result<Option<Question>, StoreError> {
    let keys: Vec<LookupKey<'_>> = of_batch(batch)
        .map(|(platform, reported)| LookupKey { platform_id: platform.0, statement_id: Bytes(reported.id.as_bytes()) })
        .collect();
    if keys.is_empty() {
        return Ok(None);
    }
    let stored =
        each(connection, "statement", "s", "s.statement_id = w.statement_id AND s.platform_id = w.platform_id");
    let sql = format!("SELECT {} FROM {{w}} {stored}", selected::<KnownRow>("s"));
    Question::new::<KnownRow, _>(&keys, sql).map(Some)
}

row! {
    #[derive(Debug, Serialize)]
    pub struct StatementRow<'a> in statement {
        id: i64,
        platform_id: i64,
        statement_id: Bytes<&'a [u8]>,
        delivery_id: i64,
        body_offset: usize,
        body_length: usize,
        digest: Bytes<&'a [u8]>,
        stored_at: i64,
        occurred_at: Option<i64>,
        refers_to: Option<Bytes<[u8; 16]>>,
        voids: bool,
        registration: Option<Bytes<[u8; 16]>>,
        progress: Option<&'static str>,
    }
}

impl<'a> StatementRow<'a> {
    pub fn new(id: i64, delivery: i64, platform: PlatformId, reported: &'a NewStatement, at: i64) -> Self {
        Self {
            id,
            platform_id: platform.0,
            statement_id: Bytes(reported.id.as_bytes()),
            delivery_id: delivery,
            body_offset: reported.offset,
            body_length: reported.length,
            digest: Bytes(&reported.digest),
            stored_at: at,
            occurred_at: reported.occurred_at,
            refers_to: reported.refers_to.map(|id| Bytes(id.into_bytes())),
            voids: reported.voids,
            registration: reported.progress.map(|progress| Bytes(progress.registration().into_bytes())),
            progress: reported.progress.map(Cmi5Progress::as_str),
        }
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct AttachmentRow<'a> in statement_attachment {
        id: i64,
        platform_id: i64,
        sha2: &'a str,
        content_type: &'a str,
        delivery_id: i64,
        body_offset: usize,
        body_length: usize,
    }
}

impl<'a> AttachmentRow<'a> {
    pub fn new(id: i64, delivery: i64, platform: PlatformId, sent: &'a NewAttachment) -> Self {
        Self {
            id,
            platform_id: platform.0,
            sha2: &sent.sha2,
            content_type: &sent.content_type,
            delivery_id: delivery,
            body_offset: sent.offset,
            body_length: sent.length,
        }
    }
}
