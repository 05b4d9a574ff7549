//! Whether the register can be written right now: proved by durably writing a value that is there already.
//!
//! It writes the transaction-time clock, with its current value. Every change needs that row, so a transaction that
//! holds it is noticed, and no table grows. The probe has a time limit that does not depend on the database.

use std::pin::pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend};
use tokio::time::{sleep, timeout};

use super::clock::{SERVER_TIME, begin_immediate};
use super::sql::statement;
use super::trouble::Trouble;
use super::{Store, StoreError, instant};

/// How long writing may take, and after how long a second connection checks whether the server is there at all.
const WRITTEN_WITHIN: Duration = Duration::from_millis(1600);
const DOUBTED_AFTER: Duration = Duration::from_millis(300);

/// The register was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    /// The instant of the transaction-time clock.
    pub known_through: DateTime<Utc>,
    /// The time of the database server; SQLite has none.
    pub server_time: Option<DateTime<Utc>>,
    /// Migrations that are not applied yet.
    pub pending_migrations: usize,
}

/// The register was not written.
#[derive(Debug)]
pub struct Failure {
    pub error: StoreError,
    /// `None` if the fault is not the database's.
    pub trouble: Option<Trouble>,
    /// Who blocks it, if that is known.
    pub by: Option<String>,
}

impl Failure {
    /// Whether nothing can be done at all, not even reading.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.trouble.is_some_and(Trouble::is_away)
    }
}

/// The stage that writing has reached.
#[derive(Debug, Default)]
struct Progress(AtomicU8);

const WAITING_FOR_LOCK: u8 = 1;
const COMMITTING: u8 = 2;

impl Progress {
    fn reached(&self, stage: u8) {
        self.0.store(stage, Ordering::Relaxed);
    }

    /// The trouble that explains a timeout at this stage.
    fn trouble(&self) -> Trouble {
        match self.0.load(Ordering::Relaxed) {
            WAITING_FOR_LOCK => Trouble::Locked,
            COMMITTING => Trouble::TooSlow,
            _ => Trouble::NoneFree,
        }
    }
}

impl Store {
    /// Writes, and returns the time of the database's clock, or what blocks it. Returns within two seconds.
    pub async fn prove(&self) -> Result<Proven, Failure> {
        let progress = Progress::default();
        let within = WRITTEN_WITHIN.saturating_sub(DOUBTED_AFTER);
        let reached = async {
            sleep(DOUBTED_AFTER).await;
            self.reach.prove(within).await
        };
        let (mut reached, mut writing) = (pin!(reached), pin!(timeout(WRITTEN_WITHIN, self.touch(&progress))));
        let mut is_there = None;
        let written = tokio::select! {
            written = &mut writing => written,
            reached = &mut reached => {
                is_there = Some(reached);
                writing.await
            }
        };
        let error = match written {
            Ok(Ok(proven)) => return Ok(proven),
            Ok(Err(error)) => self.reach.explained(error),
            Err(_) => self.reach.away(progress.trouble(), None),
        };
        // The server's answer decides whether no connection is free, or no server is there.
        let error = match (Trouble::of(&error), is_there) {
            (Some(Trouble::NoneFree | Trouble::Locked | Trouble::TooSlow), Some(Err(reason))) => reason,
            (Some(Trouble::NoneFree), None) => reached.await.err().unwrap_or(error),
            _ => error,
        };
        let trouble = Trouble::of(&error);
        let by = if trouble == Some(Trouble::Locked) { self.who_writes().await } else { None };
        Err(Failure { error, trouble, by })
    }

    async fn touch(&self, progress: &Progress) -> Result<Proven, StoreError> {
        let (server_time, is_postgres) = match self.writers.get_database_backend() {
            DbBackend::Postgres => (SERVER_TIME, true),
            _ => ("CAST(NULL AS BIGINT)", false),
        };
        if !is_postgres {
            // SQLite takes the lock when the transaction begins.
            progress.reached(WAITING_FOR_LOCK);
        }
        let writing = begin_immediate(self).await?;
        progress.reached(WAITING_FOR_LOCK);
        let sql = format!("UPDATE transaction_clock SET at = at RETURNING at, {server_time} AS server_time");
        let row = writing.query_one_raw(statement(&writing, &sql, [])).await?;
        let row = row.ok_or(StoreError::Unreadable { table: "transaction_clock", column: "at" })?;
        progress.reached(COMMITTING);
        writing.commit().await?;
        let server_time: Option<i64> = row.try_get("", "server_time")?;
        Ok(Proven {
            known_through: instant::read(row.try_get("", "at")?),
            server_time: server_time.map(instant::read),
            pending_migrations: self.pending_migrations().await?,
        })
    }

    async fn who_writes(&self) -> Option<String> {
        match self.is_sqlite() {
            true => self.turns.writer(),
            false => self.reach.who_holds_the_clock(Duration::from_millis(200)).await,
        }
    }
}
