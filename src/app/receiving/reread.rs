//! Reading again: what a platform sent and Kurskoll understood, understood by the newest profile.
//!
//! A mended profile helps what comes from now on and what waits in quarantine. What was understood wrongly was answered
//! as taken; since every delivery is stored, it is read again here. A hundred deliveries are a change of their own, so
//! that others go on, memory stays flat, and an interrupted reading goes on where it was, or from the start: what says
//! the same changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::app::compliance::decide_results::{StateChange, changes};
use crate::app::compliance::refresh::versions_of_all;
use crate::app::receiving::readers::{PlatformReader, StoredRequest};
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::{EmployeeId, EventId, PlatformCode};
use crate::domain::receiving::Delivery;
use crate::intake::request::Arrival;
use crate::store::people::{self, KnownEmployee};
use crate::store::platforms::{self, Platform};
use crate::store::receiving::reread::{self, Reread, StoredDelivery};
use crate::store::whose::Whose;
use crate::store::{Act, Changing, Connection, StoreError, Unscoped, employees, merges};

pub use crate::store::receiving::reread::Difference;

/// How many deliveries are read again in one change.
const AT_ONCE: u64 = 100;

/// What is to be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RereadRequest {
    pub platform: PlatformCode,
    /// Received at this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// The id of the last delivery that was read again; later ones follow.
    pub after: Option<i64>,
    pub at_most: u64,
    /// Only say what would change.
    pub dry_run: bool,
}

/// An event that is known otherwise from now on, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RereadEvent {
    pub delivery: i64,
    pub event_id: EventId,
    pub difference: Difference,
}

/// What reading again changed, or would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RereadAnswer {
    pub deliveries: u64,
    pub events: Vec<RereadEvent>,
    /// The deliveries that the newest profile does not understand; they stay as they were understood.
    pub not_understood: Vec<i64>,
    pub changes: Vec<StateChange>,
    /// Where to go on; `None` where all is done.
    pub next: Option<i64>,
}

/// Why nothing was read again.
#[derive(Debug, thiserror::Error)]
pub enum RereadError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no platform has the code {0}")]
    UnknownPlatform(PlatformCode),
    #[error("no delivery has the id {0}: give the next of the reading that was left, or leave it out")]
    UnknownDelivery(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Reads deliveries of a platform again that were understood, oldest first; what they say otherwise is known from
    /// now on.
    ///
    /// In a dry run nothing changes, and each hundred is previewed as if it were the only one.
    pub async fn reread_platform(&self, caller: &Caller, request: &RereadRequest) -> Result<RereadAnswer, RereadError> {
        caller.grant(Action::Operate)?;
        let connection = self.store.connection(Unscoped::Receiving);
        let platform = platforms::by_code(connection, &request.platform).await?;
        let platform = platform.ok_or_else(|| RereadError::UnknownPlatform(request.platform.clone()))?;
        let mut answer = RereadAnswer { next: request.after, ..RereadAnswer::default() };
        loop {
            let left = request.at_most.saturating_sub(answer.deliveries);
            let page = reread::page(connection, platform.id, request.since, answer.next, AT_ONCE.min(left)).await?;
            let Some(last) = page.last().map(|last| last.id) else {
                if left > 0 {
                    answer.next = None;
                }
                return Ok(answer);
            };
            answer.deliveries += page.len() as u64;
            answer.next = Some(last);
            self.reread_page(caller, request, &platform, page, &mut answer).await?;
        }
    }

    async fn reread_page(
        &self,
        caller: &Caller,
        request: &RereadRequest,
        platform: &Platform,
        page: Vec<StoredDelivery>,
        answer: &mut RereadAnswer,
    ) -> Result<(), RereadError> {
        let grant = caller.grant(Action::Operate)?;
        let reader = PlatformReader::of(self.store.connection(Unscoped::Receiving), platform.clone()).await?;
        let now = self.now();
        let ids: BTreeSet<i64> = page.iter().map(|stored| stored.id).collect();
        let batch = read_stored(&reader, page, now);
        let change = self.begin_change(caller, &grant).await?;
        let before = self.store.snapshot(Unscoped::Receiving).await?;
        let mut reread = reread::reread(&change, &batch, self.calendar).await?;
        // What is satisfied counts if something was done in its registration, whichever delivery reported that.
        let others = reread::satisfying(change.connection(), platform.id, &reread.registrations).await?;
        if !others.is_empty() {
            let others = read_stored(&reader, others, now);
            let Reread { differences, not_understood, employees, .. } =
                reread::reread(&change, &others, self.calendar).await?;
            reread.differences.extend(differences);
            reread.not_understood.extend(not_understood);
            reread.employees.extend(employees);
        }
        let is_changed = reread.differences.iter().any(|(_, _, difference)| *difference != Difference::Contradicting);
        if is_changed {
            let requirements = versions_of_all(change.connection()).await?;
            let then = self.known_of(before.connection(), &reread.employees).await?;
            let now = self.known_of(change.connection(), &reread.employees).await?;
            add_changes(&mut answer.changes, changes(&then, &now, &requirements, self.today()));
        }
        drop(before);
        let event = |(delivery, event_id, difference)| RereadEvent { delivery, event_id, difference };
        answer.events.extend(reread.differences.into_iter().map(event));
        answer.not_understood.extend(reread.not_understood);
        self.finish_page(caller, &grant, request, (change, is_changed), &ids).await
    }

    async fn finish_page(
        &self,
        caller: &Caller,
        grant: &crate::domain::access::Grant,
        request: &RereadRequest,
        (change, is_changed): (Changing<'_>, bool),
        ids: &BTreeSet<i64>,
    ) -> Result<(), RereadError> {
        let (first, last) = (ids.first().copied().unwrap_or_default(), ids.last().copied().unwrap_or_default());
        let object = format!("{} deliveries of {} from {first} to {last}", ids.len(), request.platform);
        if request.dry_run || !is_changed {
            change.roll_back().await?;
            let action = if request.dry_run { "platform.preview-reread" } else { "platform.reread" };
            self.audited_read(caller, grant, Act { action, object: &object }).await?;
            return Ok(());
        }
        change.commit(Act { action: "platform.reread", object: &object }).await?;
        Ok(())
    }

    /// Some people with their results, as a connection sees them.
    async fn known_of(
        &self,
        connection: &impl Connection,
        employees: &BTreeSet<EmployeeId>,
    ) -> Result<Vec<KnownEmployee>, StoreError> {
        let merges = merges::merges(connection, None).await?;
        let ids: BTreeSet<EmployeeId> = employees.iter().map(|employee| merges.person(*employee)).collect();
        let ids: Vec<EmployeeId> = ids.into_iter().collect();
        let mut known =
            employees::known(connection, &Unscoped::RestsOnEverybody.scope(), Whose::Only(&ids), None).await?;
        people::attach_linked_results(connection, &mut known, self.calendar).await?;
        Ok(known.into_values().collect())
    }
}

/// Stored deliveries as the newest profile understands them.
fn read_stored(reader: &PlatformReader, stored: Vec<StoredDelivery>, now: DateTime<Utc>) -> Vec<(i64, Delivery)> {
    let read = |stored: StoredDelivery| {
        let StoredDelivery { id, key, content_type, headers, body, received_at, .. } = stored;
        let arrival = Arrival { received_at, read_at: now };
        (id, reader.deliver_again(StoredRequest { key, content_type, headers, body }, arrival))
    };
    stored.into_iter().map(read).collect()
}

/// Adds what a hundred deliveries change to what earlier ones did: of one person and requirement, from the first to the
/// last.
fn add_changes(all: &mut Vec<StateChange>, more: Vec<StateChange>) {
    let mut places: BTreeMap<_, usize> = all
        .iter()
        .enumerate()
        .map(|(place, change)| ((change.number.clone(), change.requirement.clone()), place))
        .collect();
    for change in more {
        match places.get(&(change.number.clone(), change.requirement.clone())).and_then(|place| all.get_mut(*place)) {
            Some(known) => {
                known.from = known.from.min(change.from);
                known.after = change.after;
            }
            None => {
                places.insert((change.number.clone(), change.requirement.clone()), all.len());
                all.push(change);
            }
        }
    }
}
