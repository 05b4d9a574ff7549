//! Transactions on connections that saw no error: after an error, nothing is committed and the connection is not used
//! again.

use std::future::Future;
use std::pin::Pin;

use futures::stream::BoxStream;
use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement, StreamTrait};
use tokio::sync::Mutex;

use super::pool::{self, Pool, PooledConnection};
use super::turns::Turn;

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A read snapshot. A SQLite transaction in WAL mode is one from its first read on.
    Reading,
    /// Changes. On SQLite the write lock is taken at once, so that the transaction does not fail half-way.
    Writing,
}

impl Purpose {
    const fn sql(self, backend: DbBackend) -> &'static str {
        match (self, backend) {
            (Self::Reading, DbBackend::Sqlite) => "BEGIN",
            (Self::Reading, _) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            (Self::Writing, DbBackend::Sqlite) => "BEGIN IMMEDIATE",
            (Self::Writing, _) => "BEGIN",
        }
    }
}

/// An open transaction. Dropped without [`Transaction::commit`], it rolls back.
#[derive(Debug)]
pub struct Transaction {
    pooled: Mutex<PooledConnection>,
    backend: DbBackend,
    /// Released with the transaction.
    turn: Option<Turn>,
}

impl Transaction {
    pub(super) async fn begin(pool: &Pool, purpose: Purpose) -> Result<Self, DbErr> {
        let backend = pool.get_database_backend();
        let mut pooled = pool.acquire().await?;
        pooled.begin(purpose.sql(backend)).await?;
        Ok(Self { pooled: Mutex::new(pooled), backend, turn: None })
    }

    /// The same, within a turn to write.
    pub(super) fn in_turn(self, turn: Turn) -> Self {
        Self { turn: Some(turn), ..self }
    }

    /// Commits. Fails if a statement of it did not end well, also if the caller ignored that: PostgreSQL answers
    /// `COMMIT` of such a transaction without an error, and SQLite has rolled it back, or done half of it.
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        let ended = self.pooled.into_inner().commit().await;
        drop(self.turn);
        ended
    }

    pub(super) async fn roll_back(self) -> Result<(), DbErr> {
        let ended = self.pooled.into_inner().roll_back().await;
        drop(self.turn);
        ended
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.backend
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.pooled.lock().await.execute(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.pooled.lock().await.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.pooled.lock().await.query_one(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.pooled.lock().await.query_all(statement).await
    }
}

impl StreamTrait for Transaction {
    type Stream<'a> = BoxStream<'a, Result<QueryResult, DbErr>>;

    fn get_database_backend(&self) -> DbBackend {
        self.backend
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Self::Stream<'a>, DbErr>> + 'a + Send>> {
        Box::pin(std::future::ready(Ok(pool::rows(&self.pooled, statement))))
    }
}
