//! The contents of attachments, by their hashes.

use sea_orm::ConnectionTrait;
use serde::Serialize;

use crate::domain::ids::PlatformId;
use crate::store::StoreError;
use crate::store::rows::question::each;
use crate::store::rows::{parameter, row, table};
use crate::store::sql::statement;

/// A content that was sent with a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAttachment {
    /// In hexadecimal, in lower case.
    pub sha2: String,
    pub content_type: String,
    pub content: Vec<u8>,
}

row! {
    #[derive(Debug, Serialize)]
    struct LookupKey<'a> {
        sha2: &'a str,
    }
}

/// The contents that a platform sent, each once; hashes without a content are left out.
pub async fn read(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    hashes: &[String],
) -> Result<Vec<StoredAttachment>, StoreError> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<LookupKey<'_>> = hashes.iter().map(|sha2| LookupKey { sha2 }).collect();
    let requested = table::<LookupKey<'_>>(connection, 1, "w");
    let first = "a.id = (SELECT MIN(f.id) FROM statement_attachment f WHERE f.sha2 = w.sha2 AND f.platform_id = $2)";
    let stored = each(connection, "statement_attachment", "a", first);
    let sql = format!(
        "SELECT a.sha2 AS sha2, a.content_type AS content_type,
                substr(d.body, CAST(a.body_offset AS INTEGER) + 1, CAST(a.body_length AS INTEGER)) AS content
         FROM {requested} {stored} JOIN delivery d ON d.id = a.delivery_id ORDER BY a.id"
    );
    let values = [parameter(&keys)?, platform.0.into()];
    let rows = connection.query_all_raw(statement(connection, &sql, values)).await?;
    let read = |row: &sea_orm::QueryResult| {
        Ok(StoredAttachment {
            sha2: row.try_get("", "sha2")?,
            content_type: row.try_get("", "content_type")?,
            content: row.try_get("", "content")?,
        })
    };
    rows.iter().map(read).collect()
}
