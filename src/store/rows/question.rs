//! Finds rows by rows: matches for each row of a parameter, and several such queries in one round trip.

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Value};
use serde::{Deserialize, Serialize};

use super::{Column, Kind, Row, names, parameter, row, table, table_of};
use crate::store::StoreError;
use crate::store::sql::statement;

row! {
    /// An id, for a query about many ids.
    #[derive(Debug, Serialize)]
    pub struct IdRow {
        id: i64,
    }
}

/// The ids as a parameter.
pub fn ids_parameter(ids: impl IntoIterator<Item = i64>) -> Result<Value, StoreError> {
    parameter(&ids.into_iter().map(|id| IdRow { id }).collect::<Vec<_>>())
}

/// The condition that a column has one of the ids in the parameter `$1`, so that an index is used; see [`each`].
pub fn is_one_of(connection: &impl ConnectionTrait, column: &str) -> String {
    let values = format!("SELECT {} FROM {}", names::<IdRow>(), table::<IdRow>(connection, 1, "given_rows"));
    match connection.get_database_backend() {
        DbBackend::Postgres => format!("{column} = ANY (ARRAY({values}))"),
        _ => format!("{column} IN ({values})"),
    }
}

/// Joins each preceding row with the matching rows of a table, by an index. Without this, both databases would read the
/// whole table: they cannot know how few rows a parameter contains.
pub fn each(connection: &impl ConnectionTrait, table: &str, alias: &str, condition: &str) -> String {
    match connection.get_database_backend() {
        DbBackend::Postgres => {
            format!("CROSS JOIN LATERAL (SELECT * FROM {table} {alias} WHERE {condition} OFFSET 0) AS {alias}")
        }
        _ => format!("CROSS JOIN {table} AS {alias} ON {condition}"),
    }
}

/// The same, but a row without a match stays, with NULLs.
pub fn each_or_none(connection: &impl ConnectionTrait, table: &str, alias: &str, condition: &str) -> String {
    match connection.get_database_backend() {
        DbBackend::Postgres => {
            format!("LEFT JOIN LATERAL (SELECT * FROM {table} {alias} WHERE {condition} OFFSET 0) AS {alias} ON TRUE")
        }
        _ => format!("LEFT JOIN {table} AS {alias} ON {condition}"),
    }
}

/// The rows that a statement finds, if it selects their columns.
pub async fn find<R: Row + FromQueryResult>(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<R>, StoreError> {
    Ok(R::find_by_statement(statement(connection, sql, values)).all(connection).await?)
}

/// One of several queries in one statement.
#[derive(Debug)]
pub struct Question {
    found: &'static [Column],
    sql: String,
    about: &'static [Column],
    keys: Value,
}

impl Question {
    /// A query for rows `F`: a `SELECT` of its columns in which `{w}` stands for the table of the given rows.
    pub fn new<F: Row, A: Row + Serialize>(about: &[A], sql: String) -> Result<Self, StoreError> {
        Ok(Self { found: F::COLUMNS, sql, about: A::COLUMNS, keys: parameter(about)? })
    }
}

/// Runs all queries in one statement: each row has the number of its query, and a JSON object of its columns.
pub async fn ask(
    connection: &impl ConnectionTrait,
    questions: Vec<Question>,
) -> Result<Vec<(usize, String)>, StoreError> {
    if questions.is_empty() {
        return Ok(Vec::new());
    }
    let (mut parts, mut values) = (Vec::with_capacity(questions.len()), Vec::with_capacity(questions.len()));
    for (number, Question { found, sql, about, keys }) in questions.into_iter().enumerate() {
        values.push(keys);
        let sql = sql.replace("{w}", &table_of(connection, (values.len(), 0), "w", about));
        let object = object(connection, found);
        parts.push(format!("SELECT {number} AS question, {object} AS found FROM ({sql}) AS a"));
    }
    let rows = connection.query_all_raw(statement(connection, &parts.join(" UNION ALL "), values)).await?;
    let read = |row: &sea_orm::QueryResult| {
        let question: i32 = row.try_get("", "question")?;
        Ok((usize::try_from(question).unwrap_or_default(), row.try_get("", "found")?))
    };
    rows.iter().map(read).collect()
}

/// The expression that makes a JSON object of a row of the table `a`.
fn object(connection: &impl ConnectionTrait, columns: &[Column]) -> String {
    let postgres = connection.get_database_backend() == DbBackend::Postgres;
    let member = |Column { name, kind, .. }: &Column| match kind {
        Kind::Bytes if postgres => format!("'{name}', encode(a.{name}, 'hex')"),
        Kind::Bytes => format!("'{name}', hex(a.{name})"),
        // SQLite stores 0 and 1.
        Kind::Boolean if !postgres => {
            format!("'{name}', json(CASE a.{name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END)")
        }
        _ => format!("'{name}', a.{name}"),
    };
    let members = columns.iter().map(member).collect::<Vec<_>>().join(", ");
    if postgres { format!("json_build_object({members})::text") } else { format!("json_object({members})") }
}

/// Parses a row that was found.
pub fn read<'de, R: Row + Deserialize<'de>>(found: &'de str) -> Result<R, StoreError> {
    serde_json::from_str(found).map_err(StoreError::Unwritable)
}
