//! Statements and bulk inserts, the same words on both databases.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};

/// A statement with `$1`, `$2`, … for its values, which both databases understand.
pub fn statement(connection: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}

/// `$first, $first+1, …`: that many placeholders.
pub fn placeholders(first: usize, count: usize) -> String {
    (first..first + count).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ")
}

/// The values, the last of them repeated up to one of few lengths: `IN (…)` means the same, and the databases find the
/// prepared statement again.
pub fn padded<T: Clone>(values: &[T]) -> impl Iterator<Item = T> {
    let length = values.len().next_power_of_two().min(IN_AT_ONCE.max(values.len()));
    let last = values.last().cloned();
    values
        .iter()
        .cloned()
        .chain(std::iter::repeat_with(move || last.clone()).flatten())
        .take(length * usize::from(!values.is_empty()))
}

/// The most values that are asked for in one `IN (…)`.
pub const IN_AT_ONCE: usize = 500;

/// The lengths in which rows are inserted: few, so that the databases' prepared statements are found again. The longest
/// keeps eleven columns below SQLite's 32,766 values.
const ROWS_AT_ONCE: [usize; 5] = [1024, 128, 16, 4, 1];

/// Inserts many rows with few statements, whose words are put together once. `progress` is told of each chunk's length.
pub async fn insert_rows<const N: usize>(
    connection: &impl ConnectionTrait,
    table: &str,
    columns: [&str; N],
    rows: impl Iterator<Item = [Value; N]>,
    progress: &(dyn Fn(usize) + Send + Sync),
) -> Result<(), DbErr> {
    // SQLite looks for the name of each value among all of them: thousands have to go without.
    let are_numbered = connection.get_database_backend() == DbBackend::Postgres;
    let row_of = |row: usize| if are_numbered { placeholders(1 + row * N, N) } else { ["?"; N].join(", ") };
    let sql_for = |rows: usize| {
        let rows: Vec<String> = (0..rows).map(|row| format!("({})", row_of(row))).collect();
        format!("INSERT INTO {table} ({}) VALUES {}", columns.join(", "), rows.join(", "))
    };
    let [longest, shorter @ ..] = ROWS_AT_ONCE;
    let mut whole_chunk: Option<String> = None;
    let mut values: Vec<Value> = Vec::with_capacity(N * longest);
    for row in rows {
        values.extend(row);
        if values.len() == N * longest {
            let sql = whole_chunk.get_or_insert_with(|| sql_for(longest));
            connection.execute_raw(statement(connection, sql, values.drain(..))).await?;
            progress(longest);
        }
    }
    for length in shorter {
        while values.len() >= N * length {
            let chunk = values.drain(..N * length);
            connection.execute_raw(statement(connection, &sql_for(length), chunk)).await?;
            progress(length);
        }
    }
    Ok(())
}

/// An id that tells nothing of how many there are: for whatever somebody with a part of the city is shown. It is a whole number
/// that every reader of JSON takes exactly (53 bits).
pub(super) fn opaque_id() -> i64 {
    (rand::random::<u64>() >> 11).cast_signed().max(1)
}
