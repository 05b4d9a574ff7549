//! Deliveries in: many at once in one transaction, each with its own answer.
//!
//! Concurrent requests share a commit (group commit): what `receive` is given becomes durable together. `known` reads what
//! the register holds of it, `decide` tells new from known from contradicting, links, and says whose standing is touched,
//! and `writing` writes it; all of it or nothing.
//!
//! Two ways lead there. A change that takes the clock first keeps everybody else from changing anything meanwhile. Where
//! statements cost a round trip (PostgreSQL) that is tried last: first the reading is done without any lock, and one
//! statement writes everything if the clock still stands where this process last left it, so that nothing had changed.

mod decide;
pub mod file;
mod known;
mod pending;
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
use crate::domain::receiving::{Again, Delivery, Received};

use decide::{Decided, decide, ids_for};
use known::Known;
use pending::Pending;

pub(super) use known::fingerprint;

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
        let held = Pending::read(change.connection(), batch).await?;
        let ids = reserved + held.ids();
        if ids > reserved {
            change.reserve_more(ids - reserved).await?;
        }
        let known = Known::read(change.connection(), batch, &held, calendar).await?;
        let Decided { answers, rows, .. } = decide(batch, &held, known, change.at(), change.first_id(), calendar);
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
        let held = Pending::read(&self.receivers, batch).await?;
        let then = ClockAt { at: seen.instant_after(now), next_id: seen.next_id + ids_for(batch) + held.ids() };
        let known = Known::read(&self.receivers, batch, &held, calendar).await?;
        let Decided { answers, rows, .. } = decide(batch, &held, known, then.at, seen.next_id, calendar);
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

/// Receives a batch that is kept in quarantine once more, within a change that somebody asked for.
pub async fn receive_again(
    change: &Change,
    batch: &[Delivery],
    calendar: CityCalendar,
) -> Result<Vec<Again>, StoreError> {
    let held = Pending::read(change.connection(), batch).await?;
    change.reserve_more(held.ids()).await?;
    let known = Known::read(change.connection(), batch, &held, calendar).await?;
    let decided = decide(batch, &held, known, change.at(), change.first_id(), calendar);
    let again = decided.again();
    decided.rows.write(change).await?;
    Ok(again)
}

/// What receiving a batch again would amount to, from what a snapshot holds.
pub async fn preview_again(
    connection: &impl ConnectionTrait,
    batch: &[Delivery],
    calendar: CityCalendar,
) -> Result<Vec<Again>, StoreError> {
    let held = Pending::read(connection, batch).await?;
    let known = Known::read(connection, batch, &held, calendar).await?;
    // The ids are nobody's: nothing is written.
    Ok(decide(batch, &held, known, 0, i64::MIN, calendar).again())
}
