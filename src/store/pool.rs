//! Connections, each of which is closed as soon as one of its statements did not end well.
//!
//! The driver counts a connection's transactions. The count is wrong once SQLite has rolled one back by itself: later
//! statements then run in a savepoint that is never committed (decision 40). So this module does not use that count. A
//! connection is used only while every statement on it ran to its end. After a statement fails, or its caller stops
//! waiting, the connection is closed. Transactions are in `transaction`.

use std::sync::Arc;

use futures::StreamExt;
use futures::channel::mpsc;
use futures::stream::{self, BoxStream};
use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sea_query::Values;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{self, AssertSqlSafe, Postgres, Sqlite};
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    SqlxPostgresConnector, SqlxSqliteConnector, Statement,
};
use sea_query_sqlx::SqlxValues;

/// Connections to the database, for single statements and for transactions.
#[derive(Debug, Clone)]
pub struct Pool {
    connections: DatabaseConnection,
    observer: Option<Observer>,
}

/// Sees every statement before it is executed: for tests that check which statements the database gets.
#[derive(Clone)]
pub(super) struct Observer(pub Arc<dyn Fn(&str) + Send + Sync>);

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Observer")
    }
}

impl Pool {
    pub(super) const fn over(connections: DatabaseConnection) -> Self {
        Self { connections, observer: None }
    }

    /// The same, with an observer.
    pub(super) fn observed(self, observer: Observer) -> Self {
        Self { observer: Some(observer), ..self }
    }

    pub(super) async fn acquire(&self) -> Result<PooledConnection, DbErr> {
        let raw = match self.connections.get_database_backend() {
            DbBackend::Sqlite => self.connections.get_sqlite_connection_pool().acquire().await.map(Raw::Sqlite),
            _ => self.connections.get_postgres_connection_pool().acquire().await.map(Raw::Postgres),
        };
        let raw = raw.map_err(|error| match error {
            sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
            sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
            error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
        })?;
        Ok(PooledConnection {
            raw: Some(raw),
            is_sound: true,
            is_in_transaction: false,
            observer: self.observer.clone(),
        })
    }

    /// A separate connection of the library's type, for migrations. The caller closes it.
    pub(super) async fn apart(&self) -> Result<DatabaseConnection, DbErr> {
        let failed = |error: sqlx::Error| DbErr::Conn(RuntimeErr::SqlxError(error.into()));
        if self.connections.get_database_backend() == DbBackend::Sqlite {
            let options = self.connections.get_sqlite_connection_pool().connect_options();
            let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect_with((*options).clone());
            return Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.await.map_err(failed)?));
        }
        let options = self.connections.get_postgres_connection_pool().connect_options();
        let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1).connect_with((*options).clone());
        Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool.await.map_err(failed)?))
    }

    /// Where a SQLite register is.
    pub(super) fn file(&self) -> Option<std::path::PathBuf> {
        (self.connections.get_database_backend() == DbBackend::Sqlite)
            .then(|| self.connections.get_sqlite_connection_pool().connect_options().get_filename().to_owned())
    }

    /// Closes the unused connections to a SQLite file.
    pub(super) async fn close_idle(&self) {
        if self.connections.get_database_backend() != DbBackend::Sqlite {
            return;
        }
        let pool = self.connections.get_sqlite_connection_pool();
        // All are taken first: closing one makes no space for another here.
        let idle: Vec<PoolConnection<Sqlite>> = std::iter::from_fn(|| pool.try_acquire()).collect();
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a connection did not close well");
            }
        }
    }

    pub(super) async fn close(self) -> Result<(), DbErr> {
        self.connections.close().await
    }
}

/// A single statement: committed when it ends well.
#[async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DbBackend {
        self.connections.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.acquire().await?.execute(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.acquire().await?.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.acquire().await?.query_one(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.acquire().await?.query_all(statement).await
    }
}

#[derive(Debug)]
enum Raw {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Raw {
    fn close_on_drop(&mut self) {
        match self {
            Self::Sqlite(connection) => connection.close_on_drop(),
            Self::Postgres(connection) => connection.close_on_drop(),
        }
    }
}

/// The same code for a connection of either kind.
macro_rules! on {
    ($raw:expr, $connection:ident => $call:expr) => {
        match $raw {
            Raw::Sqlite($connection) => $call,
            Raw::Postgres($connection) => $call,
        }
    };
}

/// A connection taken from its pool. It goes back only if every statement on it ended well.
#[derive(Debug)]
pub(super) struct PooledConnection {
    raw: Option<Raw>,
    /// Whether no statement failed or was given up. False while a statement runs.
    is_sound: bool,
    is_in_transaction: bool,
    observer: Option<Observer>,
}

fn parts_of(statement: Statement, observer: Option<&Observer>) -> (AssertSqlSafe<String>, SqlxValues) {
    if let Some(Observer(observe)) = observer {
        observe(&statement.sql);
    }
    (AssertSqlSafe(statement.sql), SqlxValues(statement.values.unwrap_or(Values(Vec::new()))))
}

fn not_executed(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

fn not_queried(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

impl PooledConnection {
    /// The connection, for a statement whose end is reported to [`PooledConnection::ended`]. If no end is reported, no
    /// other statement runs on the connection.
    fn start(&mut self) -> Result<&mut Raw, DbErr> {
        let spent =
            || DbErr::Custom("a statement failed before this one; nothing more is done in its transaction".into());
        if !std::mem::replace(&mut self.is_sound, false) {
            return Err(spent());
        }
        self.raw.as_mut().ok_or_else(spent)
    }

    const fn ended<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.is_sound = result.is_ok();
        result
    }

    pub async fn execute(&mut self, statement: Statement) -> Result<ExecResult, DbErr> {
        let (sql, values) = parts_of(statement, self.observer.as_ref());
        let done = on!(self.start()?, connection => {
            sqlx::query_with(sql, values).execute(&mut **connection).await.map(ExecResult::from)
        });
        self.ended(done).map_err(not_executed)
    }

    pub async fn execute_unprepared(&mut self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = AssertSqlSafe(sql.to_owned());
        let done = on!(self.start()?, connection => {
            sqlx::raw_sql(sql).execute(&mut **connection).await.map(ExecResult::from)
        });
        self.ended(done).map_err(not_executed)
    }

    pub async fn query_one(&mut self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let (sql, values) = parts_of(statement, self.observer.as_ref());
        let row = on!(self.start()?, connection => {
            let row = sqlx::query_with(sql, values).fetch_optional(&mut **connection).await;
            row.map(|row| row.map(QueryResult::from))
        });
        self.ended(row).map_err(not_queried)
    }

    pub async fn query_all(&mut self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let (sql, values) = parts_of(statement, self.observer.as_ref());
        let rows = on!(self.start()?, connection => {
            let rows = sqlx::query_with(sql, values).fetch_all(&mut **connection).await;
            rows.map(|rows| rows.into_iter().map(QueryResult::from).collect())
        });
        self.ended(rows).map_err(not_queried)
    }

    /// Sends the rows of a query one after another.
    pub async fn send_rows(&mut self, statement: Statement, mut to: mpsc::Sender<Result<QueryResult, DbErr>>) {
        use futures::SinkExt;
        let (sql, values) = parts_of(statement, self.observer.as_ref());
        let raw = match self.start() {
            Ok(raw) => raw,
            Err(error) => return drop(to.send(Err(error)).await),
        };
        let mut rows: BoxStream<'_, Result<QueryResult, sqlx::Error>> = on!(raw, connection => {
            sqlx::query_with(sql, values).fetch(&mut **connection).map(|row| row.map(QueryResult::from)).boxed()
        });
        while let Some(row) = rows.next().await {
            let is_error = row.is_err();
            if to.send(row.map_err(not_queried)).await.is_err() || is_error {
                return;
            }
        }
        drop(rows);
        self.is_sound = true;
    }

    /// `BEGIN`, `COMMIT` or `ROLLBACK`. They are sent as they are, since each fails if the connection is not in the
    /// expected state. They count as done only when the database says that the statement ran to its end.
    async fn control(&mut self, sql: &'static str) -> Result<(), DbErr> {
        let ended: usize = on!(self.start()?, connection => {
            let mut ends = sqlx::raw_sql(sql).execute_many(&mut **connection);
            let mut ended = 0;
            while let Some(end) = ends.next().await {
                end.map_err(not_executed)?;
                ended += 1;
            }
            ended
        });
        if ended != 1 {
            return Err(DbErr::Custom(format!("the database did not say that it has done {sql}")));
        }
        self.is_sound = true;
        Ok(())
    }

    pub async fn begin(&mut self, sql: &'static str) -> Result<(), DbErr> {
        self.control(sql).await?;
        self.is_in_transaction = true;
        Ok(())
    }

    pub async fn commit(mut self) -> Result<(), DbErr> {
        self.control("COMMIT").await?;
        self.is_in_transaction = false;
        Ok(())
    }

    pub async fn roll_back(mut self) -> Result<(), DbErr> {
        self.control("ROLLBACK").await?;
        self.is_in_transaction = false;
        Ok(())
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        let Some(mut raw) = self.raw.take() else { return };
        if self.is_sound && !self.is_in_transaction {
            return; // Back to its pool.
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if self.is_sound => {
                // Not sound until the task runs: a runtime that is ending drops it at once, and the connection is
                // closed.
                let mut left = Self { raw: Some(raw), is_sound: false, is_in_transaction: true, observer: None };
                runtime.spawn(async move {
                    left.is_sound = true;
                    if let Err(error) = left.roll_back().await {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "a transaction was ended by closing it"
                        );
                    }
                });
            }
            // Closing undoes what was open.
            _ => raw.close_on_drop(),
        }
    }
}

/// The rows of a query over a connection that others may use meanwhile.
pub(super) fn rows<'a>(
    pooled: &'a tokio::sync::Mutex<PooledConnection>,
    statement: Statement,
) -> BoxStream<'a, Result<QueryResult, DbErr>> {
    let (sender, receiver) = mpsc::channel(16);
    let sending = stream::once(async move { pooled.lock().await.send_rows(statement, sender).await });
    stream::select(receiver, sending.filter_map(|()| std::future::ready(None))).boxed()
}
