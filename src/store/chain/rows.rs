//! Rows as the chain reads them: the same bytes for the same content, on each of the two databases.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};
use sha2::{Digest, Sha256};

use super::facet::Facet;
use super::table::{ColumnKind, Table};
use crate::store::StoreError;
use crate::store::sql::statement;

/// How many bytes of a column's digest are stored.
pub const COLUMN_DIGEST: usize = 4;

/// The most rows of a leaf.
pub const LEAF_ROWS: u64 = 1000;

/// The most bytes of rows that are read at a time; a single larger row is read by itself.
const BYTES_AT_ONCE: i64 = 4 * 1024 * 1024;

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnValue {
    /// `n` nothing, `t` text, `i` an integer, `r` a real, `b` bytes. PostgreSQL's columns have one type, and say `t`.
    kind: u8,
    bytes: Vec<u8>,
}

impl ColumnValue {
    /// A text, as both databases read it.
    #[must_use]
    pub fn text(text: Option<&str>) -> Self {
        text.map_or(Self { kind: b'n', bytes: Vec::new() }, |text| Self { kind: b't', bytes: text.as_bytes().to_vec() })
    }

    pub(super) const fn of(kind: u8, bytes: Vec<u8>) -> Self {
        Self { kind, bytes }
    }

    pub(super) const fn is_nothing(&self) -> bool {
        self.kind == b'n'
    }

    pub(super) fn is_day(&self) -> bool {
        std::str::from_utf8(&self.bytes).is_ok_and(|text| text.parse::<chrono::NaiveDate>().is_ok())
    }

    fn put(&self, digest: &mut Sha256) {
        digest.update([self.kind]);
        digest.update((self.bytes.len() as u64).to_be_bytes());
        digest.update(&self.bytes);
    }

    /// The first bytes of its digest.
    #[must_use]
    pub fn short_digest(&self) -> [u8; COLUMN_DIGEST] {
        let mut digest = Sha256::new();
        self.put(&mut digest);
        let whole: [u8; 32] = digest.finalize().into();
        [whole[0], whole[1], whole[2], whole[3]]
    }

    /// As a sentence shows it: short, and never bytes.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.kind {
            b'n' => "nothing".to_owned(),
            b'b' => {
                let digest: [u8; 32] = Sha256::digest(&self.bytes).into();
                format!("{} bytes with the digest {}", self.bytes.len(), hex::encode(&digest[..6]))
            }
            _ => {
                let text = String::from_utf8_lossy(&self.bytes);
                let start: String = text.chars().take(60).collect();
                if start.len() < text.len() { format!("{start}…") } else { start }
            }
        }
    }
}

/// A row as it is stored.
#[derive(Debug, Clone)]
pub struct Row {
    pub key: i64,
    /// When it was recorded, or when it ended.
    pub instant: Option<i64>,
    /// A column whose value is not possible.
    pub impossible: Option<String>,
    pub columns: Vec<ColumnValue>,
}

impl Row {
    /// The digest of its first columns.
    #[must_use]
    pub fn digest(&self, columns: usize) -> [u8; 32] {
        digest_of(self.columns.iter().take(columns))
    }

    /// The short digests of its first columns, one after the other.
    #[must_use]
    pub fn short_digests(&self, columns: usize) -> Vec<u8> {
        self.columns.iter().take(columns).flat_map(ColumnValue::short_digest).collect()
    }
}

/// The digest of some columns.
pub fn digest_of<'a>(columns: impl Iterator<Item = &'a ColumnValue>) -> [u8; 32] {
    let mut digest = Sha256::new();
    for column in columns {
        column.put(&mut digest);
    }
    digest.finalize().into()
}

/// The expressions that read columns.
pub fn expressions(backend: DbBackend, columns: &[(&'static str, ColumnKind)]) -> String {
    let source = |(name, kind): &(&'static str, ColumnKind)| match kind {
        ColumnKind::Plain | ColumnKind::Bytes => format!("t.{name}"),
        ColumnKind::Expression(expression) => format!("({expression})"),
    };
    if backend == DbBackend::Postgres {
        let read = columns.iter().enumerate().map(|(place, column)| match column.1 {
            ColumnKind::Bytes => format!("{} AS c{place}", source(column)),
            _ => format!("convert_to(({})::text, 'UTF8') AS c{place}", source(column)),
        });
        return read.collect::<Vec<_>>().join(", ");
    }
    let kinds = columns.iter().map(|column| format!("substr(typeof({}), 1, 1)", source(column)));
    let kinds = kinds.collect::<Vec<_>>().join(" || ");
    let read = columns.iter().enumerate();
    let read = read.map(|(place, column)| format!("CAST({} AS BLOB) AS c{place}", source(column)));
    format!("{kinds} AS kinds, {}", read.collect::<Vec<_>>().join(", "))
}

/// The columns of a row that was read with [`expressions`].
pub fn column_values(
    backend: DbBackend,
    row: &QueryResult,
    columns: &[(&'static str, ColumnKind)],
) -> Result<Vec<ColumnValue>, StoreError> {
    let kinds: Option<String> = if backend == DbBackend::Postgres { None } else { Some(row.try_get("", "kinds")?) };
    let kinds = kinds.as_deref().map(str::as_bytes);
    let read = |(place, (_, kind)): (usize, &(&'static str, ColumnKind))| {
        let bytes: Option<Vec<u8>> = row.try_get("", &format!("c{place}"))?;
        let Some(bytes) = bytes else { return Ok(ColumnValue::of(b'n', Vec::new())) };
        let declared = if *kind == ColumnKind::Bytes { b'b' } else { b't' };
        let kind = kinds.map_or(declared, |kinds| kinds.get(place).copied().unwrap_or(declared));
        Ok(ColumnValue::of(kind, bytes))
    };
    columns.iter().enumerate().map(read).collect()
}

/// The first rows of a facet with keys after one, up to and including another, in the order of their keys, and whether
/// that is all. All rows of one key are returned together.
pub async fn by_key(
    connection: &impl ConnectionTrait,
    facet: &Facet,
    (after, through): (i64, i64),
    at_most: u64,
) -> Result<(Vec<Row>, bool), StoreError> {
    let table = facet.table;
    let nearer = light_enough(connection, table, (after, through), at_most).await?;
    let through = nearer.unwrap_or(through);
    let instant = table.instant.unwrap_or("NULL");
    let condition = format!("{key} > $1 AND {key} <= $2", key = table.key);
    let order = table.then.map_or_else(|| table.key.to_owned(), |then| format!("{}, {then}", table.key));
    let sql = format!("{} WHERE {condition} ORDER BY {order} LIMIT {at_most}", select(connection, facet, instant));
    let rows = connection.query_all_raw(statement(connection, &sql, [after.into(), through.into()])).await?;
    let mut rows = read_all(connection, facet, &rows)?;
    let is_full = rows.len() as u64 >= at_most;
    if is_full && table.then.is_some() {
        // The last key may have more rows than were read.
        let last = rows.last().map(|row| row.key);
        if rows.first().map(|row| row.key) != last {
            rows.retain(|row| Some(row.key) != last);
        }
    }
    Ok((rows, !is_full && nearer.is_none()))
}

/// The last key up to which large rows are read at once; `None` if the table has no large rows.
async fn light_enough(
    connection: &impl ConnectionTrait,
    table: &Table,
    (after, through): (i64, i64),
    at_most: u64,
) -> Result<Option<i64>, StoreError> {
    let Some(weight) = table.weight else { return Ok(None) };
    let key = table.key;
    let sql = format!(
        "SELECT CAST({key} AS BIGINT) AS k, CAST({weight} AS BIGINT) AS w FROM {} t WHERE {key} > $1 AND {key} <= $2
         ORDER BY {key} LIMIT {at_most}",
        table.source()
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [after.into(), through.into()])).await?;
    let (mut sum, mut last) = (0_i64, None);
    for row in &rows {
        let weight: Option<i64> = row.try_get("", "w")?;
        sum = sum.saturating_add(weight.unwrap_or_default());
        if sum > BYTES_AT_ONCE && last.is_some() {
            return Ok(last);
        }
        last = Some(row.try_get("", "k")?);
    }
    Ok(None)
}

/// Rows of a facet that were ended at instants after one, up to and including another, and that follow a row that was
/// read.
pub async fn by_instant(
    connection: &impl ConnectionTrait,
    facet: &Facet,
    (after, through): (i64, i64),
    following: (i64, i64),
    at_most: u64,
) -> Result<Vec<Row>, StoreError> {
    let Some(late) = facet.late else { return Ok(Vec::new()) };
    let (key, instant) = (facet.table.key, format!("t.{}", late.instant));
    let sql = format!(
        "{} WHERE {instant} > $1 AND {instant} <= $2 AND ({instant}, {key}) > ($3, $4)
         ORDER BY {instant}, {key} LIMIT {at_most}",
        select(connection, facet, &instant)
    );
    let values: [Value; 4] = [after.into(), through.into(), following.0.into(), following.1.into()];
    let rows = connection.query_all_raw(statement(connection, &sql, values)).await?;
    read_all(connection, facet, &rows)
}

fn select(connection: &impl ConnectionTrait, facet: &Facet, instant: &str) -> String {
    let columns = expressions(connection.get_database_backend(), &facet.columns());
    let conditions = facet.conditions();
    let broken = conditions.iter().map(|(name, condition)| format!("WHEN NOT ({condition}) THEN '{name}'"));
    let broken = broken.collect::<Vec<_>>().join(" ");
    let broken = if broken.is_empty() { "NULL".to_owned() } else { format!("CASE {broken} END") };
    format!(
        "SELECT CAST({} AS BIGINT) AS k, CAST({instant} AS BIGINT) AS i, CAST({broken} AS TEXT) AS m, {columns} FROM {} t",
        facet.table.key,
        facet.table.source()
    )
}

fn read_all(connection: &impl ConnectionTrait, facet: &Facet, rows: &[QueryResult]) -> Result<Vec<Row>, StoreError> {
    let (backend, columns) = (connection.get_database_backend(), facet.columns());
    let read = |row: &QueryResult| {
        Ok(Row {
            key: row.try_get("", "k")?,
            instant: row.try_get("", "i")?,
            impossible: row.try_get("", "m")?,
            columns: column_values(backend, row, &columns)?,
        })
    };
    rows.iter().map(read).collect()
}

/// The name of a row, if its table has names for rows.
pub async fn called(connection: &impl ConnectionTrait, table: &Table, key: i64) -> Result<Option<String>, StoreError> {
    let Some(called) = table.called else { return Ok(None) };
    let sql =
        format!("SELECT CAST({called} AS TEXT) AS called FROM {} t WHERE {} = $1 LIMIT 1", table.source(), table.key);
    let row = connection.query_one_raw(statement(connection, &sql, [key.into()])).await?;
    Ok(row.map(|row| row.try_get("", "called")).transpose()?.flatten())
}
