//! The clock of knowledge: whoever records something takes it first, and gets an instant that nobody had before. Receiving
//! may move it with the statement that writes instead, if it stands where it did before the reading (`receiving`).
//!
//! The clock is one row. Updating it holds its lock until the commit, so instants increase strictly in the order in which
//! changes become visible, in one process or in many. A report that reads the clock and the facts in one snapshot has
//! therefore seen all that was known at that instant, and nothing can slip in behind it later.

use std::sync::PoisonError;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult};

use super::proof::Proof;
use super::rows::statement;
use super::transaction::{Purpose, Transaction};
use super::{Store, StoreError, instant};

/// A transaction that records something at one instant of knowledge. Dropped without [`Change::commit`], it undoes all.
#[derive(Debug)]
pub struct Change {
    transaction: Transaction,
    proof: Option<Proof>,
    at: i64,
    first_id: i64,
}

impl Change {
    /// The instant at which everything in this change becomes known.
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

    /// Reserves that many ids beyond those that the change has; they follow them.
    pub(super) async fn reserve_more(&self, ids: i64) -> Result<(), StoreError> {
        let sql = "UPDATE knowledge_clock SET next_id = next_id + $1";
        self.transaction.execute_raw(statement(&self.transaction, sql, [ids.into()])).await?;
        Ok(())
    }

    #[must_use]
    pub const fn connection(&self) -> &Transaction {
        &self.transaction
    }

    /// Makes the change durable; when this returns it survives a crash, and on SQLite another connection has seen it. An
    /// error does not say that it is undone.
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

/// Where the clock stands, and which id is the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClockAt {
    pub at: i64,
    pub next_id: i64,
}

impl ClockAt {
    /// The instant of a change that follows at `now`, as the clock's own statement reckons it.
    pub(super) fn instant_after(self, now: DateTime<Utc>) -> i64 {
        instant::kept(now).max(self.at.saturating_add(1))
    }
}

impl Store {
    /// Where this process last left the clock. A guess: whoever goes by it writes only where the clock still stands so.
    pub(super) fn clock_left(&self) -> Option<ClockAt> {
        *self.clock_left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn leave_clock(&self, left: ClockAt) {
        *self.clock_left.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
    }

    /// Begins a change at `now`, or just after the newest instant that was given out where that is later.
    pub async fn change(&self, now: DateTime<Utc>) -> Result<Change, StoreError> {
        self.change_reserving(now, 0).await
    }

    /// The same, with that many ids reserved for deliveries, learners and events.
    pub(super) async fn change_reserving(&self, now: DateTime<Utc>, ids: i64) -> Result<Change, StoreError> {
        let transaction = begin_immediate(self).await?;
        let row = transaction
            .query_one_raw(statement(
                &transaction,
                "UPDATE knowledge_clock SET at = CASE WHEN at < $1 THEN $1 ELSE at + 1 END, next_id = next_id + $2
                 RETURNING at, next_id",
                [instant::kept(now).into(), ids.into()],
            ))
            .await?
            .ok_or(StoreError::Unreadable { table: "knowledge_clock", column: "at" })?;
        let (at, next_id): (i64, i64) = (row.try_get("", "at")?, row.try_get("", "next_id")?);
        Ok(Change { transaction, proof: self.proof.clone(), at, first_id: next_id - ids })
    }
}

/// Begins a transaction that will write; on SQLite it takes the write lock at once rather than fail half-way.
pub(super) async fn begin_immediate(store: &Store) -> Result<Transaction, StoreError> {
    store.may_record()?;
    Ok(Transaction::begin(&store.writers, Purpose::Writing).await?)
}

/// The newest instant of knowledge that a snapshot holds.
pub async fn known_through(connection: &impl ConnectionTrait) -> Result<DateTime<Utc>, StoreError> {
    let row: Option<QueryResult> =
        connection.query_one_raw(statement(connection, "SELECT at FROM knowledge_clock", [])).await?;
    let row = row.ok_or(StoreError::Unreadable { table: "knowledge_clock", column: "at" })?;
    Ok(instant::read(row.try_get("", "at")?))
}
