//! Statements and bulk inserts, the same words on both databases.

use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, Statement, Value};

/// A statement with `$1`, `$2`, … for its values, which both databases understand.
pub fn statement(connection: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}

/// `$first, $first+1, …`: that many placeholders.
pub fn placeholders(first: usize, count: usize) -> String {
    (first..first + count).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ")
}

/// The most values that are asked for in one `IN (…)`.
pub const IN_AT_ONCE: usize = 500;

/// Inserts rows in chunks of few different lengths, so that the databases' prepared statements are found again.
pub async fn insert_all<A>(connection: &impl ConnectionTrait, rows: Vec<A>) -> Result<(), DbErr>
where
    A: ActiveModelTrait + Send,
    A::Entity: EntityTrait,
{
    let mut rows = rows.into_iter();
    loop {
        let left = rows.len();
        let length = match left {
            0 => return Ok(()),
            128.. => 128,
            16.. => 16,
            4.. => 4,
            _ => 1,
        };
        let chunk: Vec<A> = rows.by_ref().take(length).collect();
        A::Entity::insert_many(chunk).exec_without_returning(connection).await?;
    }
}
