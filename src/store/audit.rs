//! The audit trail: each read of a person's data, each export and each change.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::act::Scope;
use super::entities::audit_entry;
use super::{StoreError, instant};

/// One entry of the trail: who did what, when, and within which scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub id: i64,
    pub at: DateTime<Utc>,
    /// A token's subject, or `operator` at the command line.
    pub subject: String,
    /// What was done, for example `report.read`.
    pub action: String,
    /// The object, for example `requirement infosec-onboarding`.
    pub object: String,
    /// The administrations: `city`, or their codes.
    pub scope: String,
    pub request_id: String,
}

/// Entries, newest first, that are older than the one with the id `before`.
pub async fn list(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    before: i64,
    at_most: u64,
) -> Result<Vec<AuditEntry>, StoreError> {
    if !scope.is_all() {
        return Ok(Vec::new());
    }
    let found = audit_entry::Entity::find()
        .filter(audit_entry::Column::Id.lt(before))
        .order_by_desc(audit_entry::Column::Id)
        .limit(at_most);
    let entry_of = |row: audit_entry::Model| AuditEntry {
        id: row.id,
        at: instant::read(row.at),
        subject: row.subject,
        action: row.action,
        object: row.object,
        scope: row.scope,
        request_id: row.request_id,
    };
    Ok(found.all(connection).await?.into_iter().map(entry_of).collect())
}
