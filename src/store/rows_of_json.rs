//! Many rows in one parameter, and the rows of several questions in one answer, as JSON.
//!
//! A statement of one text whatever the number of rows, which both databases find prepared, costs a fraction of one
//! with a placeholder for every value; and one that asks several things costs one round trip.

use sea_orm::{ConnectionTrait, DbBackend, Value};
use serde::Serialize;

use super::StoreError;

/// What a column of such a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Boolean,
    Text,
    /// A [`Bytes`].
    Bytes,
    /// A day, as chrono writes it.
    Day,
    /// Bytes that are a part of a parameter of their own, which spares them being written in hexadecimal: the objects say
    /// where they are in it, as `NAME_at` and `NAME_length`.
    Part,
}

/// A column's name, which is also the field's in the JSON objects, and what it holds.
pub type Column = (&'static str, Kind);

/// Bytes as they stand in JSON: hexadecimal, which both databases read without an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Bytes<'a>(#[serde(serialize_with = "hex::serialize")] pub &'a [u8]);

/// The rows as a parameter.
pub fn parameter(rows: &[impl Serialize]) -> Result<Value, StoreError> {
    Ok(serde_json::to_string(rows).map_err(StoreError::Unwritable)?.into())
}

/// The names of some columns, as a list.
pub fn names(columns: &[Column]) -> String {
    columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// A table expression, called `alias`, of the rows in the parameter `$number`.
pub fn table(connection: &impl ConnectionTrait, number: usize, alias: &str, columns: &[Column]) -> String {
    table_with_parts(connection, (number, 0), alias, columns)
}

/// The same, where the bytes of parts are in the parameter `$parts`.
fn table_with_parts(
    connection: &impl ConnectionTrait,
    (number, parts): (usize, usize),
    alias: &str,
    columns: &[Column],
) -> String {
    if connection.get_database_backend() == DbBackend::Postgres {
        let read = columns.iter().map(|(name, kind)| match kind {
            Kind::Bytes => format!("decode({name}, 'hex') AS {name}"),
            Kind::Part => format!("substring(${parts}::bytea FROM {name}_at + 1 FOR {name}_length) AS {name}"),
            _ => (*name).to_owned(),
        });
        let typed = columns.iter().map(|(name, kind)| {
            let kind = match kind {
                Kind::Integer => "BIGINT",
                Kind::Boolean => "BOOLEAN",
                Kind::Text | Kind::Bytes => "TEXT",
                Kind::Day => "DATE",
                Kind::Part => return format!("{name}_at INTEGER, {name}_length INTEGER"),
            };
            format!("{name} {kind}")
        });
        let (read, typed) = (read.collect::<Vec<_>>().join(", "), typed.collect::<Vec<_>>().join(", "));
        // OFFSET 0 keeps the bytes from being decoded anew wherever they are named.
        return format!(
            "(SELECT {read} FROM json_to_recordset(${number}::json) AS given({typed}) OFFSET 0) AS {alias}"
        );
    }
    let read = columns.iter().map(|(name, kind)| match kind {
        Kind::Bytes => format!("unhex(value ->> '{name}') AS {name}"),
        Kind::Part => {
            // A part of no bytes would be NULL.
            format!("COALESCE(substr(${parts}, (value ->> '{name}_at') + 1, value ->> '{name}_length'), x'') AS {name}")
        }
        _ => format!("value ->> '{name}' AS {name}"),
    });
    format!("(SELECT {} FROM json_each(${number})) AS {alias}", read.collect::<Vec<_>>().join(", "))
}

/// Rows for one table of the database.
#[derive(Debug)]
pub struct Insertion {
    pub into: &'static str,
    pub columns: &'static [Column],
    /// From [`parameter`].
    pub rows: Value,
    /// The bytes of its columns that are a [`Kind::Part`].
    pub parts: Option<Vec<u8>>,
}

impl Insertion {
    /// Rows without parts.
    pub const fn of(into: &'static str, columns: &'static [Column], rows: Value) -> Self {
        Self { into, columns, rows, parts: None }
    }
}

/// The parameters of some insertions, in order: each one's rows, then the parts of those that have some.
pub fn values(tables: Vec<Insertion>) -> impl Iterator<Item = Value> {
    let (rows, parts): (Vec<Value>, Vec<Option<Vec<u8>>>) =
        tables.into_iter().map(|insertion| (insertion.rows, insertion.parts)).unzip();
    rows.into_iter().chain(parts.into_iter().flatten().map(Value::from))
}

/// The table of the rows of one of some insertions, whose parameters are those from `$first` on.
fn given(connection: &impl ConnectionTrait, tables: &[Insertion], place: usize, first: usize) -> String {
    let before = tables.iter().take(place).filter(|insertion| insertion.parts.is_some()).count();
    let numbers = (first + place, first + tables.len() + before);
    let columns = tables.get(place).map(|insertion| insertion.columns).unwrap_or_default();
    table_with_parts(connection, numbers, "given_rows", columns)
}

/// The insertions as common table expressions, which PostgreSQL carries out in one statement; their [`values`] are the
/// parameters from `$first` on, and their rows stand after `from`.
pub fn insertions(connection: &impl ConnectionTrait, tables: &[Insertion], first: usize, from: &str) -> String {
    let expression = |(place, Insertion { into, columns, .. }): (usize, &Insertion)| {
        let (names, given) = (names(columns), given(connection, tables, place, first));
        format!("into_{into} AS (INSERT INTO {into} ({names}) SELECT {names} FROM {from}{given})")
    };
    tables.iter().enumerate().map(expression).collect::<Vec<_>>().join(", ")
}

/// Inserts rows into several tables, in their order, in one round trip.
pub async fn insert_several(connection: &impl ConnectionTrait, tables: Vec<Insertion>) -> Result<(), StoreError> {
    let sql = match connection.get_database_backend() {
        DbBackend::Postgres => format!("WITH {} SELECT 1", insertions(connection, &tables, 1, "")),
        // SQLite inserts in no table expression, but takes several statements with common parameters.
        _ => {
            let insertion = |(place, Insertion { into, columns, .. }): (usize, &Insertion)| {
                let (names, given) = (names(columns), given(connection, &tables, place, 1));
                format!("INSERT INTO {into} ({names}) SELECT {names} FROM {given}")
            };
            tables.iter().enumerate().map(insertion).collect::<Vec<_>>().join("; ")
        }
    };
    connection.execute_raw(super::rows::statement(connection, &sql, values(tables))).await?;
    Ok(())
}

/// Inserts rows, all in one statement; none where there are none.
pub async fn insert(
    connection: &impl ConnectionTrait,
    into: &'static str,
    columns: &'static [Column],
    rows: &[impl Serialize],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    insert_several(connection, vec![Insertion::of(into, columns, parameter(rows)?)]).await
}

/// Joins each row before it with the rows of a table that fit it, found by an index. Left to themselves, both databases
/// would rather read all of the table: they cannot know how few rows a parameter holds.
pub fn each(connection: &impl ConnectionTrait, table: &str, alias: &str, condition: &str) -> String {
    match connection.get_database_backend() {
        DbBackend::Postgres => {
            format!("CROSS JOIN LATERAL (SELECT * FROM {table} {alias} WHERE {condition} OFFSET 0) AS {alias}")
        }
        _ => format!("CROSS JOIN {table} AS {alias} ON {condition}"),
    }
}

/// The same, where a row that none fits stays with nothing beside it.
pub fn each_or_none(connection: &impl ConnectionTrait, table: &str, alias: &str, condition: &str) -> String {
    match connection.get_database_backend() {
        DbBackend::Postgres => {
            format!("LEFT JOIN LATERAL (SELECT * FROM {table} {alias} WHERE {condition} OFFSET 0) AS {alias} ON TRUE")
        }
        _ => format!("LEFT JOIN {table} AS {alias} ON {condition}"),
    }
}

/// The condition that a column has one of the values of the first column of the parameter `$1`, found by an index; see
/// [`each`].
pub fn is_one_of(connection: &impl ConnectionTrait, column: &str, columns: &[Column]) -> String {
    let given = table(connection, 1, "given_rows", columns);
    let values = format!("SELECT {} FROM {given}", names(columns.get(..1).unwrap_or_default()));
    match connection.get_database_backend() {
        DbBackend::Postgres => format!("{column} = ANY (ARRAY({values}))"),
        _ => format!("{column} IN ({values})"),
    }
}

/// One of several things that are asked in one statement.
#[derive(Debug)]
pub struct Question {
    /// What its rows are made of.
    pub columns: &'static [Column],
    /// A `SELECT` of these columns in which `{w}` stands for the table of what is asked about.
    pub sql: String,
    pub about: &'static [Column],
    /// The rows of that table, from [`parameter`].
    pub asked: Value,
}

/// Asks everything in one statement: each row with the number of its question, as a JSON object of its columns.
pub async fn ask(
    connection: &impl ConnectionTrait,
    questions: Vec<Question>,
) -> Result<Vec<(usize, String)>, StoreError> {
    if questions.is_empty() {
        return Ok(Vec::new());
    }
    let (mut parts, mut values) = (Vec::with_capacity(questions.len()), Vec::with_capacity(questions.len()));
    for (number, Question { columns, sql, about, asked }) in questions.into_iter().enumerate() {
        values.push(asked);
        let sql = sql.replace("{w}", &table(connection, values.len(), "w", about));
        let object = object(connection, columns);
        parts.push(format!("SELECT {number} AS question, {object} AS found FROM ({sql}) AS a"));
    }
    let rows = connection.query_all_raw(super::rows::statement(connection, &parts.join(" UNION ALL "), values)).await?;
    let read = |row: &sea_orm::QueryResult| {
        let question: i32 = row.try_get("", "question")?;
        Ok((usize::try_from(question).unwrap_or_default(), row.try_get("", "found")?))
    };
    rows.iter().map(read).collect()
}

/// The expression that makes a JSON object of a row of the table `a`.
fn object(connection: &impl ConnectionTrait, columns: &[Column]) -> String {
    let postgres = connection.get_database_backend() == DbBackend::Postgres;
    let member = |(name, kind): &Column| match kind {
        Kind::Bytes if postgres => format!("'{name}', encode(a.{name}, 'hex')"),
        Kind::Bytes => format!("'{name}', hex(a.{name})"),
        // SQLite keeps 0 and 1.
        Kind::Boolean if !postgres => {
            format!("'{name}', json(CASE a.{name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END)")
        }
        _ => format!("'{name}', a.{name}"),
    };
    let members = columns.iter().map(member).collect::<Vec<_>>().join(", ");
    if postgres { format!("json_build_object({members})::text") } else { format!("json_object({members})") }
}

/// A row that was found.
pub fn read<'de, T: serde::Deserialize<'de>>(found: &'de str) -> Result<T, StoreError> {
    serde_json::from_str(found).map_err(StoreError::Unwritable)
}
