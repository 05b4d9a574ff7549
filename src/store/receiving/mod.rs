//! Deliveries in: many at once in one transaction, each with its own answer.
//!
//! Concurrent requests share a commit (group commit): what `receive` is given becomes durable together. `known` reads what
//! the register holds of it, [`decide`] decides what becomes of it, and `writing` writes that: all of it or nothing.
//!
//! Two ways lead there. A change that takes the clock first keeps everybody else from changing anything meanwhile. Where
//! statements cost a round trip (PostgreSQL) that is tried last: first the reading is done without any lock, and one
//! statement writes everything if the clock still stands where this process last left it, so that nothing had changed.

pub mod file;
mod known;
mod pending;
mod queries;
pub mod reread;
pub mod rereading;
mod statements;
pub mod without;
mod writing;

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use super::clock::{Change, ClockAt};
use super::{Author, Changing, Store, StoreError};
use crate::domain::calendar::CityCalendar;
use crate::domain::receiving::{Again, Decided, Delivery, Received, decide, ids_for};

use known::KnownOfBatch;
use writing::Rows;

impl Store {
    /// Keeps a batch of deliveries; when it returns, all that it answers is durable.
    ///
    /// The answers stand in the order of the deliveries.
    pub async fn receive(
        &self,
        batch: &[Delivery],
        calendar: CityCalendar,
        now: DateTime<Utc>,
    ) -> Result<Vec<Received>, StoreError> {
        if !self.is_sqlite()
            && let Some(answers) = self.receive_at_once(batch, calendar, now).await?
        {
            return Ok(answers);
        }
        let reserved = ids_for(batch);
        let change = self.change_over(&self.receivers, now, reserved).await?;
        let pending = pending::read(change.connection(), batch).await?;
        let ids = reserved + pending.ids();
        if ids > reserved {
            change.reserve_more(ids - reserved).await?;
        }
        let KnownOfBatch { known, index } = KnownOfBatch::read(change.connection(), batch, &pending, calendar).await?;
        let Decided { answers, recorded, .. } = decide(batch, &pending, (known, &index), change.first_id(), calendar);
        let rows = Rows::of(recorded, change.at());
        rows.write(&change).await?;
        let left = ClockAt { at: change.at(), next_id: change.first_id() + ids };
        change.commit().await?;
        self.leave_clock(left);
        Ok(answers)
    }

    /// The same without a lock; nothing where the clock moved meanwhile, or where more than rows are to be written.
    async fn receive_at_once(
        &self,
        batch: &[Delivery],
        calendar: CityCalendar,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<Received>>, StoreError> {
        let Some(seen) = self.clock_left() else { return Ok(None) };
        let pending = pending::read(&self.receivers, batch).await?;
        let then = ClockAt { at: seen.instant_after(now), next_id: seen.next_id + ids_for(batch) + pending.ids() };
        let KnownOfBatch { known, index } = KnownOfBatch::read(&self.receivers, batch, &pending, calendar).await?;
        let Decided { answers, recorded, .. } = decide(batch, &pending, (known, &index), seen.next_id, calendar);
        let rows = Rows::of(recorded, then.at);
        if !rows.released.is_empty() || !rows.write_at_once(&self.receivers, seen, then, &self.is_near_server()).await?
        {
            return Ok(None);
        }
        self.leave_clock(then);
        Ok(Some(answers))
    }
}

impl Store {
    /// Begins a caller's change with the ids of a batch reserved.
    pub async fn begin_change_for<'a>(
        &self,
        author: Author<'a>,
        (now, calendar): (DateTime<Utc>, CityCalendar),
        batch: &[Delivery],
    ) -> Result<Changing<'a>, StoreError> {
        Ok(Changing::over(self.change_reserving(now, ids_for(batch)).await?, author, calendar))
    }
}

/// Receives a batch from quarantine once more, within a caller's change.
pub async fn receive_again(
    change: &Change,
    batch: &[Delivery],
    calendar: CityCalendar,
) -> Result<Vec<Again>, StoreError> {
    let pending = pending::read(change.connection(), batch).await?;
    change.reserve_more(pending.ids()).await?;
    let KnownOfBatch { known, index } = KnownOfBatch::read(change.connection(), batch, &pending, calendar).await?;
    let decided = decide(batch, &pending, (known, &index), change.first_id(), calendar);
    let again = decided.again();
    Rows::of(decided.recorded, change.at()).write(change).await?;
    Ok(again)
}

/// What receiving a batch again would amount to, from what a snapshot holds.
pub async fn preview_again(
    connection: &impl ConnectionTrait,
    batch: &[Delivery],
    calendar: CityCalendar,
) -> Result<Vec<Again>, StoreError> {
    let pending = pending::read(connection, batch).await?;
    let KnownOfBatch { known, index } = KnownOfBatch::read(connection, batch, &pending, calendar).await?;
    // The ids do not matter: nothing is written.
    Ok(decide(batch, &pending, (known, &index), i64::MIN, calendar).again())
}
