//! Deliveries in quarantine are read again: their stored bytes, with what Kurskoll understands today.
//!
//! One, some or all, a hundred at a time: each hundred is a change of its own, so that a hundred thousand need no more
//! memory than a hundred, keep nobody waiting, and can be gone on with where they were left.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use chrono::{DateTime, Utc};

use crate::app::quarantine::show::{QuarantineRequest, filter_of};
use crate::app::receiving::readers::{PlatformReader, StoredRequest};
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::{PlatformCode, PlatformId};
use crate::domain::receiving::{Again, Delivery, Received};
use crate::intake::request::Arrival;
use crate::store::platforms::{self, Platform};
use crate::store::quarantine::{self, From, QuarantineFilter, Waiting};
use crate::store::{Act, StoreError, Unscoped, deliveries, receiving};

/// How many deliveries are read again in one change.
const AT_ONCE: usize = 100;

/// Which deliveries are to be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    Ids(Vec<i64>),
    All(QuarantineRequest),
}

/// What is to be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayRequest {
    pub which: Which,
    /// The id of the last one that was read again; later ones follow.
    pub after: i64,
    pub at_most: usize,
    /// Only say what would change.
    pub dry_run: bool,
}

/// A delivery that was read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedDelivery {
    pub id: i64,
    pub platform: PlatformCode,
    pub again: Again,
}

/// What became of what was read again, or would become of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Oldest first.
    pub deliveries: Vec<ReplayedDelivery>,
    /// Where to go on; `None` where all is done.
    pub next: Option<i64>,
}

/// Why a delivery was not read again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no delivery {0} is in quarantine")]
    NotInQuarantine(i64),
    #[error("no platform has the code {0}")]
    UnknownPlatform(PlatformCode),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Reads one delivery again; it leaves quarantine where it is understood now.
    pub async fn replay(&self, caller: &Caller, id: i64) -> Result<Received, ReplayError> {
        let one = ReplayRequest { which: Which::Ids(vec![id]), after: i64::MIN, at_most: 1, dry_run: false };
        let replayed = self.replay_some(caller, &one).await?.deliveries.pop();
        replayed.map(|one| one.again.received).ok_or(ReplayError::NotInQuarantine(id))
    }

    /// Reads deliveries again, oldest first; those that are understood now leave quarantine. Ids of deliveries that do
    /// not wait are skipped.
    ///
    /// In a dry run nothing changes, and each hundred is previewed as if it were the only one: a result that two of
    /// them report is new in both.
    pub async fn replay_some(&self, caller: &Caller, request: &ReplayRequest) -> Result<Replayed, ReplayError> {
        caller.grant(Action::Replay)?;
        let known: BTreeMap<PlatformId, Platform> = platforms::list(self.store.connection(Unscoped::Receiving))
            .await?
            .into_iter()
            .map(|known| (known.id, known))
            .collect();
        let source = Source::of(request, &known)?;
        let mut replayed = Replayed::default();
        let mut after = request.after;
        while replayed.deliveries.len() < request.at_most {
            let wanted = AT_ONCE.min(request.at_most - replayed.deliveries.len());
            let waiting = self.next_of(&source, after, wanted).await?;
            let Some(last) = waiting.last() else {
                replayed.next = None;
                return Ok(replayed);
            };
            after = last.id;
            replayed.next = Some(after);
            self.replay_at_once(caller, &known, waiting, request.dry_run, &mut replayed.deliveries).await?;
        }
        if self.next_of(&source, after, 1).await?.is_empty() {
            replayed.next = None;
        }
        Ok(replayed)
    }

    /// The next of those that are to be read again.
    async fn next_of(&self, source: &Source, after: i64, at_most: usize) -> Result<Vec<Waiting>, StoreError> {
        let connection = self.store.connection(Unscoped::Receiving);
        match source {
            Source::Ids(ids) => {
                let next: Vec<i64> = ids.iter().copied().filter(|id| *id > after).collect();
                for some in next.chunks(at_most.max(1)) {
                    let waiting = quarantine::by_ids(connection, some).await?;
                    if !waiting.is_empty() {
                        return Ok(waiting);
                    }
                }
                Ok(Vec::new())
            }
            Source::All(filter) => {
                quarantine::page(connection, &Unscoped::Receiving.scope(), filter, From::After(after), at_most as u64)
                    .await
            }
        }
    }

    async fn replay_at_once(
        &self,
        caller: &Caller,
        platforms: &BTreeMap<PlatformId, Platform>,
        waiting: Vec<Waiting>,
        dry_run: bool,
        done: &mut Vec<ReplayedDelivery>,
    ) -> Result<(), ReplayError> {
        let grant = caller.grant(Action::Replay)?;
        let now = self.now();
        let (mut names, mut batch) = (Vec::with_capacity(waiting.len()), Vec::with_capacity(waiting.len()));
        let mut readers: BTreeMap<PlatformId, PlatformReader> = BTreeMap::new();
        for waiting in waiting {
            let platform = platforms.get(&waiting.platform);
            let platform = platform.ok_or(StoreError::Unreadable { table: "delivery", column: "platform_id" })?;
            names.push((waiting.id, platform.code.clone()));
            let reader = match readers.entry(waiting.platform) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    let connection = self.store.connection(Unscoped::Receiving);
                    unknown.insert(PlatformReader::of(connection, platform.clone()).await?)
                }
            };
            batch.push(read_again(waiting, reader, now));
        }
        let object = match names.as_slice() {
            [(id, _)] => format!("delivery {id}"),
            [(first, _), .., (last, _)] => format!("{} deliveries from {first} to {last}", names.len()),
            [] => return Ok(()),
        };
        let again = if dry_run {
            let snapshot = self.store.snapshot(Unscoped::Receiving).await?;
            let again = receiving::preview_again(snapshot.connection(), &batch, self.calendar).await?;
            self.audited_read(caller, &grant, Act { action: "delivery.preview", object: &object }).await?;
            again
        } else {
            let change = self.store.begin_change_for(caller.author(&grant), (now, self.calendar), &batch).await?;
            let again = receiving::receive_again(&change, &batch, self.calendar).await?;
            change.commit(Act { action: "delivery.replay", object: &object }).await?;
            again
        };
        let reported =
            names.into_iter().zip(again).map(|((id, platform), again)| ReplayedDelivery { id, platform, again });
        done.extend(reported);
        Ok(())
    }

    /// The ids of all deliveries in quarantine, oldest first.
    pub async fn quarantined(&self, caller: &Caller) -> Result<Vec<i64>, ReplayError> {
        caller.grant(Action::Replay)?;
        Ok(deliveries::quarantined(self.store.connection(Unscoped::Receiving)).await?)
    }
}

/// Where the deliveries come from.
enum Source {
    /// In order, each once.
    Ids(Vec<i64>),
    All(QuarantineFilter),
}

impl Source {
    fn of(request: &ReplayRequest, platforms: &BTreeMap<PlatformId, Platform>) -> Result<Self, ReplayError> {
        match &request.which {
            Which::Ids(ids) => {
                let mut ids = ids.clone();
                ids.sort_unstable();
                ids.dedup();
                Ok(Self::Ids(ids))
            }
            Which::All(wanted) => {
                let filter = filter_of(wanted, platforms.values());
                filter.map(Self::All).map_err(ReplayError::UnknownPlatform)
            }
        }
    }
}

/// A delivery as if it arrived now.
fn read_again(waiting: Waiting, reader: &PlatformReader, now: DateTime<Utc>) -> Delivery {
    let Waiting { key, content_type, headers, body, received_at, .. } = waiting;
    // A result without a time happened when it was sent.
    let arrival = Arrival { received_at, read_at: now };
    reader.deliver_again(StoredRequest { key, content_type, headers, body }, arrival)
}
