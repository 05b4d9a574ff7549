//! The instant through which all statements can be found: `X-Experience-API-Consistent-Through` (Communication 2.1.3).
//!
//! A statement's `stored` is the transaction time at which it was committed, and transaction times follow the order of
//! commits (`store::clock`). So the transaction-time clock, read before the statements are, is the latest instant that
//! can be promised. The machine's own clock is not, since a commit in progress has an earlier instant. For queries by
//! terms the promise ends at the last statement that a query still adds to the index.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::index::AT_A_QUESTION;
use crate::app::App;
use crate::store::{StoreError, Unscoped, clock, xapi::indexing};

/// How old a promise in other answers may be. It stays true for ever, but a newer one is more useful.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// How far the transaction-time clock may be behind before it is moved for readers that wait for an instant to pass.
const MAY_LAG: TimeDelta = TimeDelta::milliseconds(500);

/// The last promise of this process; shared by the clones of an [`App`].
#[derive(Debug, Default)]
pub struct Consistency(Mutex<Promises>);

#[derive(Debug, Default, Clone, Copy)]
struct Promises {
    last: Option<(DateTime<Utc>, Instant)>,
    is_read: bool,
}

impl App {
    /// The instant through which a read after this call finds all statements, by terms too.
    pub async fn consistent_through(&self) -> Result<DateTime<Utc>, StoreError> {
        let connection = self.store.connection(Unscoped::Receiving);
        let known = clock::known_through(connection).await?;
        // A query by terms first indexes up to so many.
        let waiting = indexing::waiting_behind(connection, AT_A_QUESTION).await?;
        let through = waiting.map_or(known, |stored| known.min(stored - TimeDelta::microseconds(1)));
        let mut promises = self.consistency.0.lock().unwrap_or_else(PoisonError::into_inner);
        *promises = Promises { last: Some((through, Instant::now())), is_read: true };
        Ok(through)
    }

    /// The last promise, renewed if it is older than a second. `None` if no promise could ever be made.
    pub async fn last_consistent_through(&self) -> Option<DateTime<Utc>> {
        let last = self.consistency.0.lock().unwrap_or_else(PoisonError::into_inner).last;
        if let Some((through, at)) = last
            && at.elapsed() < FRESH_FOR
        {
            return Some(through);
        }
        match self.consistent_through().await {
            Ok(through) => Some(through),
            Err(_) => last.map(|(through, _)| through),
        }
    }

    /// Moves the transaction-time clock to now if nothing was stored for a while and the promise was read since: a
    /// reader that waits for an instant to pass sees it pass. Called by a job.
    pub async fn keep_promise_fresh(&self) -> Result<(), StoreError> {
        let is_read = {
            let mut promises = self.consistency.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut promises.is_read)
        };
        let now = self.now();
        if is_read && clock::known_through(self.store.connection(Unscoped::Receiving)).await? + MAY_LAG < now {
            self.store.change(Unscoped::Receiving, now).await?.commit().await?;
        }
        Ok(())
    }
}
