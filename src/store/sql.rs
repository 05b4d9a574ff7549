//! Statements with the same text on both databases.

use sea_orm::{ConnectionTrait, Statement, Value};

/// A statement with `$1`, `$2`, … for its values, which both databases understand.
pub fn statement(connection: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}

/// `$first, $first+1, …`: that many placeholders.
pub fn placeholders(first: usize, count: usize) -> String {
    (first..first + count).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ")
}

/// The values, with the last one repeated up to one of few lengths: `IN (…)` means the same, and the databases find the
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

/// The most values in one `IN (…)`.
pub const IN_AT_ONCE: usize = 500;
