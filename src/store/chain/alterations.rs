//! Rows that change in place. After every change to a row, the digests of its content are written in the same change.

use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::Serialize;

use super::coverage::TABLES;
use super::rows::{COLUMN_DIGEST, ColumnValue, column_values, digest_of, expressions};
use super::table::{ColumnKind, MutableColumns, Table, read_as};
use crate::store::rows::insertion::insert_in_chunks;
use crate::store::rows::{Bytes, row};
use crate::store::sql::{placeholders, statement};
use crate::store::{Change, StoreError};

row! {
    /// The digests of a row's content, on their way into the database.
    #[derive(Debug, Serialize)]
    pub struct AlterationRow in alteration {
        table_name: &'static str,
        row_key: String,
        digest: Bytes<[u8; 32]>,
        columns: Bytes,
        recorded_at: i64,
    }
}

impl AlterationRow {
    /// For a row whose covered columns are texts that the caller knows.
    #[must_use]
    pub fn of_texts(table_name: &'static str, key: i64, texts: &[Option<&str>], recorded_at: i64) -> Self {
        let columns: Vec<ColumnValue> = texts.iter().map(|text| ColumnValue::text(*text)).collect();
        Self::of(table_name, key.to_string(), Some(&columns), recorded_at)
    }

    fn of(table_name: &'static str, row_key: String, columns: Option<&[ColumnValue]>, recorded_at: i64) -> Self {
        // A deleted row has no content.
        let columns = columns.unwrap_or_default();
        Self {
            table_name,
            row_key,
            digest: Bytes(digest_of(columns.iter())),
            columns: Bytes(columns.iter().flat_map(ColumnValue::short_digest).collect()),
            recorded_at,
        }
    }
}

/// A row of a table that changes in place, as it is now.
#[derive(Debug, Clone)]
pub(super) struct CurrentRow {
    pub key: String,
    pub columns: Vec<ColumnValue>,
}

/// A table with its columns that change in place, and how these are read.
pub(super) struct MutableTable {
    pub table: &'static Table,
    pub mutable: MutableColumns,
    pub columns: Vec<(&'static str, ColumnKind)>,
}

/// The table of a name, if it has columns that change in place.
pub(super) fn mutable(name: &str) -> Option<MutableTable> {
    let table = TABLES.iter().find(|table| table.name == name)?;
    table.mutable.map(|mutable| MutableTable { table, mutable, columns: read_as(mutable.columns) })
}

fn select(connection: &impl ConnectionTrait, table: &Table, mutable: &MutableColumns) -> String {
    let columns = expressions(connection.get_database_backend(), &read_as(mutable.columns));
    format!("SELECT CAST(t.{} AS TEXT) AS k, {columns} FROM {} t WHERE ({})", mutable.key, table.name, mutable.only)
}

fn current_row(
    connection: &impl ConnectionTrait,
    row: &QueryResult,
    columns: &[(&'static str, ColumnKind)],
) -> Result<CurrentRow, StoreError> {
    Ok(CurrentRow {
        key: row.try_get("", "k")?,
        columns: column_values(connection.get_database_backend(), row, columns)?,
    })
}

/// The rows of some keys, as they are now.
pub(super) async fn rows_of(
    connection: &impl ConnectionTrait,
    name: &str,
    keys: &[String],
) -> Result<Vec<CurrentRow>, StoreError> {
    let Some(MutableTable { table, mutable, columns }) = mutable(name) else { return Ok(Vec::new()) };
    let values: Vec<Value> = if mutable.is_text {
        keys.iter().map(|key| key.as_str().into()).collect()
    } else {
        keys.iter().filter_map(|key| key.parse::<i64>().ok()).map(Value::from).collect()
    };
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let sql =
        format!("{} AND t.{} IN ({})", select(connection, table, &mutable), mutable.key, placeholders(1, values.len()));
    let rows = connection.query_all_raw(statement(connection, &sql, values)).await?;
    rows.iter().map(|row| current_row(connection, row, &columns)).collect()
}

/// Rows of a table that have no alteration.
pub(super) async fn unnoted(
    connection: &impl ConnectionTrait,
    table: &Table,
    at_most: u64,
) -> Result<Vec<CurrentRow>, StoreError> {
    let Some(mutable) = table.mutable else { return Ok(Vec::new()) };
    let sql = format!(
        "{} AND NOT EXISTS (SELECT 1 FROM alteration a
                            WHERE a.table_name = $1 AND a.row_key = CAST(t.{} AS TEXT)) LIMIT {at_most}",
        select(connection, table, &mutable),
        mutable.key
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [table.name.into()])).await?;
    rows.iter().map(|row| current_row(connection, row, &read_as(mutable.columns))).collect()
}

/// Notes the current content of some rows of a table, or that they are gone. Must be called in the change that wrote or
/// removed them, after the write.
pub async fn note(change: &Change, table: &'static str, keys: &[String]) -> Result<(), StoreError> {
    let connection = change.connection();
    let found = rows_of(connection, table, keys).await?;
    let rows: Vec<AlterationRow> = keys
        .iter()
        .map(|key| {
            let columns = found.iter().find(|row| row.key == *key).map(|row| row.columns.as_slice());
            AlterationRow::of(table, key.clone(), columns, change.at())
        })
        .collect();
    insert_in_chunks(connection, &rows, &|_| {}).await
}

/// Notes every row that has no alteration; returns how many there were.
pub(super) async fn note_the_unnoted(change: &Change) -> Result<usize, StoreError> {
    const AT_ONCE: u64 = 1000;
    let mut noted = 0;
    for table in TABLES {
        loop {
            let rows = unnoted(change.connection(), table, AT_ONCE).await?;
            if rows.is_empty() {
                break;
            }
            noted += rows.len();
            let noted_now: Vec<AlterationRow> = rows
                .into_iter()
                .map(|row| AlterationRow::of(table.name, row.key, Some(&row.columns), change.at()))
                .collect();
            insert_in_chunks(change.connection(), &noted_now, &|_| {}).await?;
        }
    }
    Ok(noted)
}

/// The newest alteration of a row.
#[derive(Debug)]
pub(super) struct Noted {
    pub table: String,
    pub key: String,
    pub columns: Vec<u8>,
}

impl Noted {
    /// Whether it says that the row is gone.
    pub fn is_gone(&self) -> bool {
        self.columns.is_empty()
    }

    /// The columns in which a row differs from the noted digests.
    pub fn differing(&self, columns: &[ColumnValue]) -> Vec<usize> {
        let noted = self.columns.chunks(COLUMN_DIGEST);
        let pairs = columns.iter().zip(noted).enumerate();
        pairs
            .filter(|(_, (column_values, noted))| column_values.short_digest().as_slice() != *noted)
            .map(|(place, _)| place)
            .collect()
    }
}

/// The newest alteration of each row, by their ids.
pub(super) async fn newest_after(
    connection: &impl ConnectionTrait,
    after: i64,
    at_most: u64,
) -> Result<(Vec<Noted>, Option<i64>), StoreError> {
    let sql = format!(
        "SELECT a.id AS id, a.table_name AS table_name, a.row_key AS row_key, a.columns AS columns,
                CASE WHEN EXISTS (SELECT 1 FROM alteration b WHERE b.table_name = a.table_name AND b.row_key = a.row_key
                                  AND b.id > a.id) THEN 1 ELSE 0 END AS is_old
         FROM alteration a WHERE a.id > $1 ORDER BY a.id LIMIT {at_most}"
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [after.into()])).await?;
    let (mut noted, mut last) = (Vec::with_capacity(rows.len()), None);
    for row in &rows {
        let id: i64 = row.try_get("", "id")?;
        last = Some(id);
        if row.try_get::<i32>("", "is_old")? == 0 {
            noted.push(Noted {
                table: row.try_get("", "table_name")?,
                key: row.try_get("", "row_key")?,
                columns: row.try_get("", "columns")?,
            });
        }
    }
    Ok((noted, last))
}
