//! The index of terms, which is made after the request: the sender does not wait for it, and the first query completes
//! it.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;
use uuid::Uuid;

use super::TermDigest;
use super::activities::{ActivityName, KnownDefinition, keep_definitions};
use super::bodies::Place;
use crate::domain::ids::PlatformId;
use crate::store::clock::begin_immediate;
use crate::store::rows::question::find;
use crate::store::rows::{Bytes, names, parameter, row, selected, table};
use crate::store::sql::statement;
use crate::store::{Store, StoreError, instant};

/// A statement to be indexed, or one that another refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unindexed {
    pub id: i64,
    pub platform: PlatformId,
    pub statement_id: Uuid,
    pub refers_to: Option<Uuid>,
    pub place: Place,
    /// A digest that identifies the same statement.
    pub digest: Vec<u8>,
    /// The headers of the delivery that contains it.
    pub headers: String,
}

row! {
    /// A statement `s` with its delivery `d`.
    #[derive(Debug, FromQueryResult)]
    struct UnindexedRow {
        id: i64,
        platform_id: i64,
        statement_id: Bytes,
        refers_to: Option<Bytes>,
        delivery_id: i64,
        body_offset: i64,
        body_length: i64,
        digest: Bytes,
        headers: String = "d.headers",
    }
}

fn unindexed(row: UnindexedRow) -> Result<Unindexed, StoreError> {
    let unreadable = |column| StoreError::Unreadable { table: "statement", column };
    let refers_to = row.refers_to.map(|id| Uuid::from_slice(&id.0)).transpose();
    Ok(Unindexed {
        id: row.id,
        platform: PlatformId(row.platform_id),
        statement_id: Uuid::from_slice(&row.statement_id.0).map_err(|_| unreadable("statement_id"))?,
        refers_to: refers_to.map_err(|_| unreadable("refers_to"))?,
        place: Place {
            delivery: row.delivery_id,
            offset: usize::try_from(row.body_offset).map_err(|_| unreadable("body_offset"))?,
            length: usize::try_from(row.body_length).map_err(|_| unreadable("body_length"))?,
        },
        digest: row.digest.0,
        headers: row.headers,
    })
}

/// The last statement that is indexed.
pub async fn through(connection: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let row = connection.query_one_raw(statement(connection, "SELECT through FROM statement_index", [])).await?;
    let row = row.ok_or(StoreError::Unreadable { table: "statement_index", column: "through" })?;
    Ok(row.try_get("", "through")?)
}

/// The statements that follow one, oldest first.
pub async fn after(connection: &impl ConnectionTrait, id: i64, at_most: u64) -> Result<Vec<Unindexed>, StoreError> {
    let sql = format!(
        "SELECT {} FROM statement s JOIN delivery d ON d.id = s.delivery_id
         WHERE s.id > $1 ORDER BY s.id LIMIT {at_most}",
        selected::<UnindexedRow>("s")
    );
    find(connection, &sql, [id.into()]).await?.into_iter().map(unindexed).collect()
}

/// The newest statement; 0 if there is none.
pub async fn newest(connection: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let sql = "SELECT id FROM statement ORDER BY id DESC LIMIT 1";
    let row = connection.query_one_raw(statement(connection, sql, [])).await?;
    Ok(row.map(|row| row.try_get("", "id")).transpose()?.unwrap_or_default())
}

/// When the statement was stored that waits for the index after so many others; `None` if there is none.
pub async fn waiting_behind(
    connection: &impl ConnectionTrait,
    others: u64,
) -> Result<Option<chrono::DateTime<chrono::Utc>>, StoreError> {
    let sql = format!(
        "SELECT s.stored_at AS stored_at FROM statement s
         WHERE s.id > (SELECT through FROM statement_index) ORDER BY s.id LIMIT 1 OFFSET {others}"
    );
    let row = connection.query_one_raw(statement(connection, &sql, [])).await?;
    let stored_at: Option<i64> = row.map(|row| row.try_get("", "stored_at")).transpose()?;
    Ok(stored_at.map(instant::read))
}

/// The statement with an id on a platform, if it is stored.
pub async fn named(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    id: Uuid,
) -> Result<Option<Unindexed>, StoreError> {
    let sql = format!(
        "SELECT {} FROM statement s JOIN delivery d ON d.id = s.delivery_id
         WHERE s.statement_id = $1 AND s.platform_id = $2",
        selected::<UnindexedRow>("s")
    );
    let values: [Value; 2] = [id.as_bytes().to_vec().into(), platform.0.into()];
    find(connection, &sql, values).await?.into_iter().next().map(unindexed).transpose()
}

/// The statements that refer to one.
pub async fn referring_to(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    id: Uuid,
) -> Result<Vec<(i64, Uuid)>, StoreError> {
    let sql = "SELECT id, statement_id FROM statement WHERE refers_to = $1 AND platform_id = $2";
    let values: [Value; 2] = [id.as_bytes().to_vec().into(), platform.0.into()];
    let rows = connection.query_all_raw(statement(connection, sql, values)).await?;
    let read = |row: &sea_orm::QueryResult| {
        let id: Vec<u8> = row.try_get("", "statement_id")?;
        let id =
            Uuid::from_slice(&id).map_err(|_| StoreError::Unreadable { table: "statement", column: "statement_id" })?;
        Ok((row.try_get("", "id")?, id))
    };
    rows.iter().map(read).collect()
}

/// The terms among some that the index lacks.
pub async fn missing(
    connection: &impl ConnectionTrait,
    terms: &BTreeSet<(TermDigest, i64)>,
) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<TermRow> =
        terms.iter().map(|(term, statement)| TermRow { term: term.0, statement: *statement }).collect();
    let keys = table::<TermRow>(connection, 1, "w");
    let sql = format!(
        "SELECT DISTINCT w.statement AS statement FROM {keys} WHERE NOT EXISTS
             (SELECT 1 FROM statement_term t WHERE t.term = w.term AND t.statement = w.statement) ORDER BY 1"
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [parameter(&rows)?])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "statement")?)).collect()
}

/// How many terms the index has for the statements up to one.
pub async fn count_terms(connection: &impl ConnectionTrait, through: i64) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) AS terms FROM statement_term WHERE statement <= $1";
    let row = connection.query_one_raw(statement(connection, sql, [through.into()])).await?;
    let terms: i64 = row.map(|row| row.try_get("", "terms")).transpose()?.unwrap_or_default();
    Ok(terms.unsigned_abs())
}

row! {
    #[derive(Debug, Serialize)]
    struct TermRow in statement_term {
        term: i64,
        statement: i64,
    }
}

impl Store {
    /// Writes terms, the new definitions of activities, and the last indexed statement; only if the index was made up
    /// to `from` until now. Returns whether it did: another process may have been first.
    pub async fn index_statements(
        &self,
        from: i64,
        through: i64,
        terms: &BTreeSet<(TermDigest, i64)>,
        definitions: &BTreeMap<ActivityName, KnownDefinition>,
    ) -> Result<bool, StoreError> {
        let transaction = begin_immediate(self).await?;
        let sql = "UPDATE statement_index SET through = $1 WHERE through = $2";
        let values: [Value; 2] = [through.into(), from.into()];
        let moved = transaction.execute_raw(statement(&transaction, sql, values)).await?.rows_affected();
        if moved == 0 {
            transaction.roll_back().await?;
            return Ok(false);
        }
        let rows: Vec<TermRow> =
            terms.iter().map(|(term, statement)| TermRow { term: term.0, statement: *statement }).collect();
        if !rows.is_empty() {
            let given = table::<TermRow>(&transaction, 1, "given_rows");
            let names = names::<TermRow>();
            let sql = format!(
                "INSERT INTO statement_term ({names}) SELECT {names} FROM {given} WHERE TRUE ON CONFLICT DO NOTHING"
            );
            transaction.execute_raw(statement(&transaction, &sql, [parameter(&rows)?])).await?;
        }
        keep_definitions(&transaction, definitions).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
