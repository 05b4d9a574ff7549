//! The transaction-time clock: every change that records something takes it first, and gets an instant that no change
//! had before. Receiving may instead move it with the statement that writes, if the clock has not moved since the
//! reading (`receiving`).
//!
//! The clock is one row. Updating it holds its lock until the commit, so instants increase strictly in the order in
//! which changes become visible, in one process or in many. A report that reads the clock and the facts in one snapshot
//! has therefore seen all that was recorded up to that instant, and nothing can be recorded before it later.

use std::sync::PoisonError;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use tokio::time::Instant;

use super::pool::Pool;
use super::proof::Proof;
use super::sql::statement;
use super::transaction::{Purpose, Transaction};
use super::trouble::Trouble;
use super::{Store, StoreError, instant};

/// The time of PostgreSQL's server, in the form of stored instants.
pub(super) const SERVER_TIME: &str = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)";

/// How far an instant that this process chose may be from the server's time when the server receives it, in
/// microseconds.
const APART: i64 = 5_000_000;

/// A transaction that records something at one transaction time. Dropped without [`Change::commit`], it rolls back.
#[derive(Debug)]
pub struct Change {
    transaction: Transaction,
    proof: Option<Proof>,
    at: i64,
    first_id: i64,
}

impl Change {
    /// The transaction time of everything in this change.
    #[must_use]
    pub fn known_at(&self) -> DateTime<Utc> {
        instant::read(self.at)
    }

    pub(super) const fn at(&self) -> i64 {
        self.at
    }

    /// The first of the ids that were reserved for this change.
    pub(super) const fn first_id(&self) -> i64 {
        self.first_id
    }

    /// Reserves that many ids; returns the first of them.
    pub(super) async fn reserve(&self, ids: i64) -> Result<i64, StoreError> {
        let sql = "UPDATE transaction_clock SET next_id = next_id + $1 RETURNING next_id";
        let row = self.transaction.query_one_raw(statement(&self.transaction, sql, [ids.into()])).await?;
        let row = row.ok_or(StoreError::Unreadable { table: "transaction_clock", column: "next_id" })?;
        let next_id: i64 = row.try_get("", "next_id")?;
        Ok(next_id - ids)
    }

    /// Reserves that many more ids; they follow those that the change has.
    pub(super) async fn reserve_more(&self, ids: i64) -> Result<(), StoreError> {
        let sql = "UPDATE transaction_clock SET next_id = next_id + $1";
        self.transaction.execute_raw(statement(&self.transaction, sql, [ids.into()])).await?;
        Ok(())
    }

    #[must_use]
    pub const fn connection(&self) -> &Transaction {
        &self.transaction
    }

    /// Commits the change. When this returns, the change survives a crash, and on SQLite another connection has seen
    /// it. After an error, the change may be committed or not.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await?;
        match self.proof {
            Some(proof) => proof.sees(self.at).await,
            None => Ok(()),
        }
    }

    pub async fn roll_back(self) -> Result<(), StoreError> {
        Ok(self.transaction.roll_back().await?)
    }
}

/// The clock's instant, and the next id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClockAt {
    pub at: i64,
    pub next_id: i64,
}

impl ClockAt {
    /// The instant of a change that follows at `now`, computed as the clock's own statement does.
    pub(super) fn instant_after(self, now: DateTime<Utc>) -> i64 {
        instant::stored(now).max(self.at.saturating_add(1))
    }
}

impl Store {
    /// Where this process last left the clock. This is a guess: a caller that uses it writes only if the clock is still
    /// there.
    pub(super) fn clock_left(&self) -> Option<ClockAt> {
        *self.clock_left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn leave_clock(&self, left: ClockAt) {
        *self.clock_left.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
    }

    /// The time of the database's server; `None` on SQLite, which has no server.
    pub async fn server_time(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        if self.is_sqlite() {
            return Ok(None);
        }
        let sql = format!("SELECT {SERVER_TIME} AS server_time");
        let row = self.readers.query_one_raw(statement(&self.readers, &sql, [])).await?;
        Ok(row.map(|row| row.try_get("", "server_time")).transpose()?.map(instant::read))
    }

    /// Runs a single statement that writes no fact; returns how many rows it changed. On SQLite it waits for its turn.
    pub(super) async fn write_alone(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<u64, StoreError> {
        if !self.is_sqlite() {
            return Ok(self.writers.execute_raw(statement(&self.writers, sql, values)).await?.rows_affected());
        }
        let writing = begin_immediate(self).await?;
        let done = writing.execute_raw(statement(&writing, sql, values)).await?;
        writing.commit().await?;
        Ok(done.rows_affected())
    }

    /// The instant of the transaction-time clock.
    pub async fn known_through(&self) -> Result<DateTime<Utc>, StoreError> {
        known_through(&self.readers).await
    }

    /// An expression for the instant that a change requests with `$1`. If the server's clock is used, the instant is
    /// limited to [`APART`] from the server's time.
    fn requested(&self) -> String {
        match self.goes_by_server {
            true => format!("GREATEST(LEAST($1, {SERVER_TIME} + {APART}), {SERVER_TIME} - {APART})"),
            false => "$1".to_owned(),
        }
    }

    /// A condition on `$1`, an instant that was chosen before: see [`Self::requested`]. The instant right after the
    /// newest one is always allowed.
    pub(super) fn is_near_server(&self) -> String {
        match self.goes_by_server {
            true => format!("AND ($1 = at + 1 OR $1 <= {SERVER_TIME} + {APART}) AND $1 >= {SERVER_TIME} - {APART}"),
            false => String::new(),
        }
    }

    /// Begins a change at `now`, or just after the newest instant if that is later.
    pub(super) async fn open_change(&self, now: DateTime<Utc>) -> Result<Change, StoreError> {
        self.change_reserving(now, 0).await
    }

    /// The same, with that many ids reserved for deliveries, learners and events.
    pub(super) async fn change_reserving(&self, now: DateTime<Utc>, ids: i64) -> Result<Change, StoreError> {
        self.change_over(&self.writers, now, ids).await
    }

    /// The same over some connections.
    pub(super) async fn change_over(
        &self,
        connections: &Pool,
        now: DateTime<Utc>,
        ids: i64,
    ) -> Result<Change, StoreError> {
        let transaction = begin_over(self, connections).await?;
        let requested = self.requested();
        let row = transaction
            .query_one_raw(statement(
                &transaction,
                &format!(
                    "UPDATE transaction_clock SET at = CASE WHEN at < {requested} THEN {requested} ELSE at + 1 END,
                         next_id = next_id + $2
                     RETURNING at, next_id"
                ),
                [instant::stored(now).into(), ids.into()],
            ))
            .await?
            .ok_or(StoreError::Unreadable { table: "transaction_clock", column: "at" })?;
        let (at, next_id): (i64, i64) = (row.try_get("", "at")?, row.try_get("", "next_id")?);
        Ok(Change { transaction, proof: self.proof.clone(), at, first_id: next_id - ids })
    }
}

/// If the wait for a connection takes longer than this, the rest of the patience is set as the limit for the lock.
const LONG: Duration = Duration::from_millis(100);

/// Begins a transaction that will write; on SQLite it takes the write lock at once, so that it does not fail half-way.
/// It waits no longer than the store's patience, for the lock and for everything before it.
pub(super) async fn begin_immediate(store: &Store) -> Result<Transaction, StoreError> {
    begin_over(store, &store.writers).await
}

async fn begin_over(store: &Store, connections: &Pool) -> Result<Transaction, StoreError> {
    store.may_record()?;
    let begun = Instant::now();
    let deadline = begun + store.patience.lock;
    if store.is_sqlite() {
        return begin_on_sqlite(store, deadline).await;
    }
    let transaction = Transaction::begin(connections, Purpose::Writing).await?;
    if begun.elapsed() > LONG {
        let left = deadline.saturating_duration_since(Instant::now()).max(LONG);
        let sql = format!("SET LOCAL lock_timeout = {}", left.as_millis());
        transaction.execute_unprepared(&sql).await?;
    }
    Ok(transaction)
}

/// Each try is short, so that no thread waits in SQLite after its caller has given up.
async fn begin_on_sqlite(store: &Store, deadline: Instant) -> Result<Transaction, StoreError> {
    let turn = store.turns.take(deadline).await;
    let turn = turn.ok_or_else(|| {
        // The callers before it in this process waited in vain as well, because another process holds the lock.
        let trouble = if store.turns.writer().is_some() { Trouble::Locked } else { Trouble::NoneFree };
        store.reach.away(trouble, None)
    })?;
    loop {
        match Transaction::begin(&store.writers, Purpose::Writing).await.map_err(StoreError::from) {
            Ok(transaction) => return Ok(transaction.in_turn(turn)),
            Err(error) if Trouble::of(&error) == Some(Trouble::Locked) && Instant::now() < deadline => {}
            Err(error) => {
                // After a process opens the file's shared memory read-only, it stays read-only as long as any
                // connection is open.
                if Trouble::of(&error) == Some(Trouble::ReadOnly) {
                    store.close_idle().await;
                }
                return Err(store.reach.explained(error));
            }
        }
    }
}

/// The newest transaction time in a snapshot.
pub async fn known_through(connection: &impl ConnectionTrait) -> Result<DateTime<Utc>, StoreError> {
    let row: Option<QueryResult> =
        connection.query_one_raw(statement(connection, "SELECT at FROM transaction_clock", [])).await?;
    let row = row.ok_or(StoreError::Unreadable { table: "transaction_clock", column: "at" })?;
    Ok(instant::read(row.try_get("", "at")?))
}
