//! Inserts rows: many with one statement, and into several tables in one round trip.

use sea_orm::{ConnectionTrait, DbBackend, Value};
use serde::Serialize;

use super::{Column, TableRow, names, names_of, parameter, table_of};
use crate::store::StoreError;
use crate::store::sql::{placeholders, statement};

/// Rows for one table of the database.
#[derive(Debug)]
pub struct Insertion {
    into: &'static str,
    columns: &'static [Column],
    rows: Value,
    /// The bytes of its [`Part`](super::Part) columns.
    parts: Option<Vec<u8>>,
}

impl Insertion {
    /// Rows without parts.
    pub fn of<R: TableRow + Serialize>(rows: &[R]) -> Result<Self, StoreError> {
        Ok(Self { into: R::TABLE, columns: R::COLUMNS, rows: parameter(rows)?, parts: None })
    }

    /// The same, with the parameter that contains the rows' parts.
    pub fn with_parts(self, parts: Vec<u8>) -> Self {
        Self { parts: Some(parts), ..self }
    }
}

/// The parameters of some insertions, in order: for each its rows, then its parts if it has some.
pub fn values(tables: Vec<Insertion>) -> impl Iterator<Item = Value> {
    let (rows, parts): (Vec<Value>, Vec<Option<Vec<u8>>>) =
        tables.into_iter().map(|insertion| (insertion.rows, insertion.parts)).unzip();
    rows.into_iter().chain(parts.into_iter().flatten().map(Value::from))
}

/// The table of the rows of one insertion; the parameters of all insertions start at `$first`.
fn given(connection: &impl ConnectionTrait, tables: &[Insertion], place: usize, first: usize) -> String {
    let before = tables.iter().take(place).filter(|insertion| insertion.parts.is_some()).count();
    let numbers = (first + place, first + tables.len() + before);
    let columns = tables.get(place).map(|insertion| insertion.columns).unwrap_or_default();
    table_of(connection, numbers, "given_rows", columns)
}

/// The insertions as common table expressions, which PostgreSQL runs in one statement. Their [`values`] are the
/// parameters from `$first` on; `from` is what precedes the tables of their rows.
pub fn insertions(connection: &impl ConnectionTrait, tables: &[Insertion], first: usize, from: &str) -> String {
    let expression = |(place, Insertion { into, columns, .. }): (usize, &Insertion)| {
        let (names, given) = (names_of(columns), given(connection, tables, place, first));
        format!("into_{into} AS (INSERT INTO {into} ({names}) SELECT {names} FROM {from}{given})")
    };
    tables.iter().enumerate().map(expression).collect::<Vec<_>>().join(", ")
}

/// Inserts rows into several tables, in their order, in one round trip.
pub async fn insert_several(connection: &impl ConnectionTrait, tables: Vec<Insertion>) -> Result<(), StoreError> {
    let sql = match connection.get_database_backend() {
        DbBackend::Postgres => format!("WITH {} SELECT 1", insertions(connection, &tables, 1, "")),
        // SQLite cannot insert in a table expression, but takes several statements with common parameters.
        _ => {
            let insertion = |(place, Insertion { into, columns, .. }): (usize, &Insertion)| {
                let (names, given) = (names_of(columns), given(connection, &tables, place, 1));
                format!("INSERT INTO {into} ({names}) SELECT {names} FROM {given}")
            };
            tables.iter().enumerate().map(insertion).collect::<Vec<_>>().join("; ")
        }
    };
    connection.execute_raw(statement(connection, &sql, values(tables))).await?;
    Ok(())
}

/// Inserts rows, all in one statement; does nothing without rows.
pub async fn insert<R: TableRow + Serialize>(connection: &impl ConnectionTrait, rows: &[R]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    insert_several(connection, vec![Insertion::of(rows)?]).await
}

/// The numbers of rows in one statement: few, so that the databases find their prepared statements again. The largest
/// fits eleven columns below SQLite's limit of 32,766 values.
const ROWS_AT_ONCE: [usize; 5] = [1024, 128, 16, 4, 1];

/// Inserts many rows with few statements that have a placeholder for every value: for a whole city, SQLite takes a
/// third of the time that it needs for JSON. `progress` gets each statement's number of rows.
pub async fn insert_in_chunks<R: TableRow>(
    connection: &impl ConnectionTrait,
    rows: &[R],
    progress: &(dyn Fn(usize) + Send + Sync),
) -> Result<(), StoreError> {
    let mut prepared: Option<(usize, String)> = None;
    let mut left = rows;
    for length in ROWS_AT_ONCE {
        while let Some((chunk, rest)) = left.split_at_checked(length) {
            let sql = match prepared.take() {
                Some((of, sql)) if of == length => sql,
                _ => insertion_of::<R>(connection, length),
            };
            let mut values = Vec::with_capacity(length * R::COLUMNS.len());
            chunk.iter().for_each(|row| row.append_values(&mut values));
            connection.execute_raw(statement(connection, &sql, values)).await?;
            progress(length);
            (prepared, left) = (Some((length, sql)), rest);
        }
    }
    Ok(())
}

/// A statement that inserts that many rows.
fn insertion_of<R: TableRow>(connection: &impl ConnectionTrait, rows: usize) -> String {
    let columns = R::COLUMNS.len();
    // SQLite searches all names for the name of each value: with thousands of values, they must have no names.
    let are_numbered = connection.get_database_backend() == DbBackend::Postgres;
    let row_of = |row: usize| {
        if are_numbered { placeholders(1 + row * columns, columns) } else { vec!["?"; columns].join(", ") }
    };
    let rows: Vec<String> = (0..rows).map(|row| format!("({})", row_of(row))).collect();
    format!("INSERT INTO {} ({}) VALUES {}", R::TABLE, names::<R>(), rows.join(", "))
}
