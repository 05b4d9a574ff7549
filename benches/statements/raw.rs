//! The same by raw SQL: a request's bytes and a row for each of its statements, a transaction a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Instant;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Statement, TransactionTrait, Value};
use sha2::{Digest, Sha256};

use crate::support::Failure;
use crate::support::databases::Database;

/// How many statements a second are durable.
pub async fn write(database: &Database, bodies: Vec<Vec<u8>>, batch: usize, clients: usize) -> Result<f64, Failure> {
    let mut options = ConnectOptions::new(&database.url);
    // As durable as the store's own.
    options.max_connections(u32::try_from(clients)?).sqlx_logging(false).map_sqlx_sqlite_opts(|options| {
        options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
    });
    let connections = sea_orm::Database::connect(options).await?;
    let bodies = Arc::new(bodies);
    let next = Arc::new(AtomicUsize::new(0));
    let ids = Arc::new(AtomicI64::new(1));
    let begun = Instant::now();
    let mut writing = tokio::task::JoinSet::new();
    // SQLite has one writer: several would only wait for each other.
    let writers = if database.url.starts_with("sqlite") { 1 } else { clients };
    for _ in 0..writers {
        let (connection, bodies) = (connections.clone(), bodies.clone());
        let (next, ids) = (next.clone(), ids.clone());
        writing.spawn(async move {
            let backend = connection.get_database_backend();
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let first = ids.fetch_add(i64::try_from(batch)? + 1, Ordering::Relaxed);
                let transaction = connection.begin().await?;
                let values: [Value; 3] = [first.into(), format!("raw-{first}").into(), body.clone().into()];
                let sql = "INSERT INTO delivery (id, platform_id, delivery_key, content_type, headers, body, outcome, received_at)
                           VALUES ($1, 1, $2, 'application/json', '{}', $3, 'accepted', $1)";
                transaction.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
                let mut rows = Vec::with_capacity(batch);
                let mut values: Vec<Value> = Vec::with_capacity(3 * batch);
                for place in 0..batch {
                    let digest: [u8; 32] = Sha256::digest(format!("{first} {place}")).into();
                    rows.push(format!("(${}, 1, ${}, {first}, 0, 100, ${}, {first}, 1, FALSE)", 3 * place + 1, 3 * place + 2, 3 * place + 3));
                    let id = first + 1 + i64::try_from(place)?;
                    values.extend([id.into(), digest[..16].to_vec().into(), digest.to_vec().into()]);
                }
                let sql = format!(
                    "INSERT INTO statement (id, platform_id, statement_id, delivery_id, body_offset, body_length, digest,
                                            stored_at, occurred_at, voids) VALUES {}",
                    rows.join(", ")
                );
                transaction.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
                transaction.commit().await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(written) = writing.join_next().await {
        written??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand statements")]
    let per_second = (bodies.len() * batch) as f64 / begun.elapsed().as_secs_f64();
    connections.close().await?;
    Ok(per_second)
}
