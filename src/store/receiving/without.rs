//! The statements that give no result of what they are about, one row for each.

use std::collections::HashMap;

use sea_orm::ConnectionTrait;
use serde::Serialize;
use uuid::Uuid;

use crate::domain::ids::PlatformId;
use crate::domain::receiving::{Delivery, NewStatement};
use crate::domain::training::WithoutResult;
use crate::store::StoreError;
use crate::store::clock::Change;
use crate::store::rows::insertion::insert;
use crate::store::rows::question::each_or_none;
use crate::store::rows::row;
use crate::store::sql::{IN_AT_ONCE, placeholders, statement};

row! {
    #[derive(Debug, Serialize)]
    pub struct WithoutResultRow<'a> in statement_without_result {
        statement_id: i64,
        platform_id: i64,
        object: &'a str,
        lacks: &'static str,
        reason: &'static str,
        verb: &'a str,
        recorded_at: i64,
    }
}

impl<'a> WithoutResultRow<'a> {
    /// The row of a stored statement.
    pub fn new(statement: i64, platform: PlatformId, without: &'a WithoutResult, at: i64) -> Self {
        Self {
            statement_id: statement,
            platform_id: platform.0,
            object: &without.object,
            lacks: without.lacks.as_str(),
            reason: without.reason,
            verb: &without.verb,
            recorded_at: at,
        }
    }
}

/// What is stored of a statement that gives no result: as [`WithoutResult`], with the reason as it is stored.
pub type Stored = (String, String, String, String);

fn as_stored(without: &WithoutResult) -> Stored {
    let WithoutResult { object, lacks, reason, verb } = without;
    (object.clone(), lacks.as_str().to_owned(), (*reason).to_owned(), verb.clone())
}

/// A stored statement, and what is stored of it here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWithout {
    pub delivery: i64,
    pub id: i64,
    pub statement: Uuid,
    pub stored: Option<Stored>,
}

/// The statements of some deliveries, each with what is stored of it here now.
pub async fn of_deliveries(
    connection: &impl ConnectionTrait,
    deliveries: &[i64],
) -> Result<Vec<StoredWithout>, StoreError> {
    let fits = "w.statement_id = s.id AND w.superseded_at IS NULL";
    let stored = each_or_none(connection, "statement_without_result", "w", fits);
    let mut all = Vec::new();
    for some in deliveries.chunks(IN_AT_ONCE) {
        let sql = format!(
            "SELECT s.id AS id, s.delivery_id AS delivery_id, s.statement_id AS statement, w.object AS object,
                    w.lacks AS lacks, w.reason AS reason, w.verb AS verb
             FROM statement s {stored} WHERE s.delivery_id IN ({}) ORDER BY s.id",
            placeholders(1, some.len())
        );
        for row in connection.query_all_raw(statement(connection, &sql, some.iter().map(|id| (*id).into()))).await? {
            let name: Vec<u8> = row.try_get("", "statement")?;
            let name = Uuid::from_slice(&name);
            let object: Option<String> = row.try_get("", "object")?;
            let stored = match object {
                Some(object) => {
                    Some((object, row.try_get("", "lacks")?, row.try_get("", "reason")?, row.try_get("", "verb")?))
                }
                None => None,
            };
            all.push(StoredWithout {
                delivery: row.try_get("", "delivery_id")?,
                id: row.try_get("", "id")?,
                statement: name.map_err(|_| StoreError::Unreadable { table: "statement", column: "statement_id" })?,
                stored,
            });
        }
    }
    Ok(all)
}

/// What should be stored of a statement here.
#[must_use]
pub fn said(statement: &NewStatement) -> Option<Stored> {
    statement.without.as_ref().map(as_stored)
}

/// Records what deliveries that are read again give no result of, where that is something else than before.
pub async fn renew(change: &Change, understood: &[(i64, Delivery)]) -> Result<(), StoreError> {
    let connection = change.connection();
    let ids: Vec<i64> = understood.iter().map(|(id, _)| *id).collect();
    let platforms: HashMap<i64, PlatformId> =
        understood.iter().map(|(id, delivery)| (*id, delivery.platform)).collect();
    let now: HashMap<(i64, Uuid), &WithoutResult> = understood
        .iter()
        .flat_map(|(id, delivery)| {
            let statements = delivery.content.statements().iter();
            statements.filter_map(|said| Some(((*id, said.id), said.without.as_ref()?)))
        })
        .collect();
    let (mut ended, mut rows) = (Vec::new(), Vec::new());
    for stored in of_deliveries(connection, &ids).await? {
        let said = now.get(&(stored.delivery, stored.statement)).copied();
        if said.map(as_stored) == stored.stored {
            continue;
        }
        ended.extend(stored.stored.is_some().then_some(stored.id));
        if let (Some(said), Some(platform)) = (said, platforms.get(&stored.delivery)) {
            rows.push(WithoutResultRow::new(stored.id, *platform, said, change.at()));
        }
    }
    for some in ended.chunks(IN_AT_ONCE) {
        let sql = format!(
            "UPDATE statement_without_result SET superseded_at = $1 WHERE superseded_at IS NULL AND statement_id IN ({})",
            placeholders(2, some.len())
        );
        let values = std::iter::once(change.at().into()).chain(some.iter().map(|id| (*id).into()));
        connection.execute_raw(statement(connection, &sql, values)).await?;
    }
    insert(connection, &rows).await
}
