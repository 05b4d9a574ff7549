//! The index of terms, made behind the door: whoever sends does not wait for it, whoever asks first makes the rest.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;
use uuid::Uuid;

use super::TermDigest;
use super::activities::{ActivityName, KnownDefinition, keep_definitions};
use super::bodies::Place;
use crate::domain::ids::PlatformId;
use crate::store::clock::begin_immediate;
use crate::store::rows::statement;
use crate::store::rows_of_json::{self, Column, Kind};
use crate::store::{Store, StoreError, instant};

/// A statement that is to be indexed, or to which one refers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unindexed {
    pub id: i64,
    pub platform: PlatformId,
    pub statement_id: Uuid,
    pub refers_to: Option<Uuid>,
    pub place: Place,
    /// By which the same statement is known again.
    pub digest: Vec<u8>,
    /// The header of the delivery that brought it.
    pub headers: String,
}

const COLUMNS: &str = "s.id AS id, s.platform_id AS platform_id, s.statement_id AS statement_id,
    s.refers_to AS refers_to, s.delivery_id AS delivery_id, s.body_offset AS body_offset,
    s.body_length AS body_length, s.digest AS digest, d.headers AS headers";

fn unindexed(row: &sea_orm::QueryResult) -> Result<Unindexed, StoreError> {
    let unreadable = |column| StoreError::Unreadable { table: "statement", column };
    let id: Vec<u8> = row.try_get("", "statement_id")?;
    let refers_to: Option<Vec<u8>> = row.try_get("", "refers_to")?;
    let (offset, length): (i64, i64) = (row.try_get("", "body_offset")?, row.try_get("", "body_length")?);
    Ok(Unindexed {
        id: row.try_get("", "id")?,
        platform: PlatformId(row.try_get("", "platform_id")?),
        statement_id: Uuid::from_slice(&id).map_err(|_| unreadable("statement_id"))?,
        refers_to: refers_to.map(|id| Uuid::from_slice(&id)).transpose().map_err(|_| unreadable("refers_to"))?,
        place: Place {
            delivery: row.try_get("", "delivery_id")?,
            offset: usize::try_from(offset).map_err(|_| unreadable("body_offset"))?,
            length: usize::try_from(length).map_err(|_| unreadable("body_length"))?,
        },
        digest: row.try_get("", "digest")?,
        headers: row.try_get("", "headers")?,
    })
}

/// Through which statement the index is made.
pub async fn through(connection: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let row = connection.query_one_raw(statement(connection, "SELECT through FROM statement_index", [])).await?;
    let row = row.ok_or(StoreError::Unreadable { table: "statement_index", column: "through" })?;
    Ok(row.try_get("", "through")?)
}

/// The statements that follow one, oldest first.
pub async fn after(connection: &impl ConnectionTrait, id: i64, at_most: u64) -> Result<Vec<Unindexed>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM statement s JOIN delivery d ON d.id = s.delivery_id
         WHERE s.id > $1 ORDER BY s.id LIMIT {at_most}"
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [id.into()])).await?;
    rows.iter().map(unindexed).collect()
}

/// The newest statement; 0 where there is none.
pub async fn newest(connection: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let sql = "SELECT id FROM statement ORDER BY id DESC LIMIT 1";
    let row = connection.query_one_raw(statement(connection, sql, [])).await?;
    Ok(row.map(|row| row.try_get("", "id")).transpose()?.unwrap_or_default())
}

/// When the statement was stored that waits for the index behind so many others; nothing where none does.
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

/// The statement of an id on a platform, where it is kept.
pub async fn named(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    id: Uuid,
) -> Result<Option<Unindexed>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM statement s JOIN delivery d ON d.id = s.delivery_id
         WHERE s.statement_id = $1 AND s.platform_id = $2"
    );
    let values: [Value; 2] = [id.as_bytes().to_vec().into(), platform.0.into()];
    let row = connection.query_one_raw(statement(connection, &sql, values)).await?;
    row.as_ref().map(unindexed).transpose()
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

/// Which of some terms the index lacks.
pub async fn missing(
    connection: &impl ConnectionTrait,
    terms: &BTreeSet<(TermDigest, i64)>,
) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<TermRow> =
        terms.iter().map(|(term, statement)| TermRow { term: term.0, statement: *statement }).collect();
    let asked = rows_of_json::table(connection, 1, "w", TERM);
    let sql = format!(
        "SELECT DISTINCT w.statement AS statement FROM {asked} WHERE NOT EXISTS
             (SELECT 1 FROM statement_term t WHERE t.term = w.term AND t.statement = w.statement) ORDER BY 1"
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [rows_of_json::parameter(&rows)?])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "statement")?)).collect()
}

/// How many terms the index has of the statements through one.
pub async fn count_terms(connection: &impl ConnectionTrait, through: i64) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) AS terms FROM statement_term WHERE statement <= $1";
    let row = connection.query_one_raw(statement(connection, sql, [through.into()])).await?;
    let terms: i64 = row.map(|row| row.try_get("", "terms")).transpose()?.unwrap_or_default();
    Ok(terms.unsigned_abs())
}

#[derive(Debug, Serialize)]
struct TermRow {
    term: i64,
    statement: i64,
}

const TERM: &[Column] = &[("term", Kind::Integer), ("statement", Kind::Integer)];

impl Store {
    /// Writes terms, what is learned of activities, and that the index is made through a statement; only where it was made through `from` until now.
    /// Answers whether it did: another process may have been before.
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
            let given = rows_of_json::table(&transaction, 1, "given_rows", TERM);
            let sql = format!(
                "INSERT INTO statement_term (term, statement) SELECT term, statement FROM {given} WHERE TRUE
                 ON CONFLICT DO NOTHING"
            );
            transaction.execute_raw(statement(&transaction, &sql, [rows_of_json::parameter(&rows)?])).await?;
        }
        keep_definitions(&transaction, definitions).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
