//! The xAPI statements of a batch: which are new, which are known, and which contradict a stored one.

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::ids::PlatformId;
use crate::domain::receiving::{
    Cmi5Progress, Delivery, NewStatement, RecordedAttachment, RecordedStatement, StatementDigest,
};
use crate::store::StoreError;
use crate::store::rows::question::{Question, each};
use crate::store::rows::{Bytes, row, selected};

/// Every statement of a batch.
pub fn of_batch(batch: &[Delivery]) -> impl Iterator<Item = (PlatformId, &NewStatement)> {
    batch.iter().flat_map(|delivery| delivery.content.statements().iter().map(|reported| (delivery.platform, reported)))
}

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

/// The query for the stored statements of a batch; `None` if it has no statements.
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
    pub fn new(new: &RecordedStatement<'a>, at: i64) -> Self {
        let reported = new.statement;
        Self {
            id: new.id,
            platform_id: new.platform.0,
            statement_id: Bytes(reported.id.as_bytes()),
            delivery_id: new.delivery,
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
    pub fn new(new: &RecordedAttachment<'a>) -> Self {
        let sent = new.attachment;
        Self {
            id: new.id,
            platform_id: new.platform.0,
            sha2: &sent.sha2,
            content_type: &sent.content_type,
            delivery_id: new.delivery,
            body_offset: sent.offset,
            body_length: sent.length,
        }
    }
}
