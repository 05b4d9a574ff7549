//! Kept deliveries read again by a newer profile: what they say otherwise than they were understood is known from now on.
//!
//! The end is what would be known had the newest profile read everything from the start. What was known until now moves to
//! `superseded_event`; reading again changes nothing the second time.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IdenStatic, Iterable, QueryFilter, QueryOrder, Set,
};
use uuid::Uuid;

use super::known::KnownOfBatch;
use super::pending::{self, PendingRow};
use super::queries::key_of_event;
use super::writing::Rows;
use crate::domain::calendar::CityCalendar;
use crate::domain::ids::{EmployeeId, EventId, PlatformId};
use crate::domain::receiving::{
    Cmi5Progress, Content, DecidedResult, Delivery, DuplicateKey, FILE_TYPE, NewPending, NewStatement, Pending,
    decide_again, fingerprint, ids_for,
};
use crate::domain::training::ReportedResult;
use crate::store::clock::Change;
use crate::store::entities::{delivery, event, learner};
use crate::store::parsed::parsed;
use crate::store::rows::insertion::insert;
use crate::store::sql::{IN_AT_ONCE, placeholders, statement};
use crate::store::stale::mark_stale;
use crate::store::{StoreError, instant, revocations};

/// A stored delivery that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDelivery {
    pub id: i64,
    pub key: EventId,
    pub content_type: String,
    pub headers: String,
    pub body: Vec<u8>,
    pub outcome: String,
    pub received_at: DateTime<Utc>,
}

fn stored(row: delivery::Model) -> Result<StoredDelivery, StoreError> {
    Ok(StoredDelivery {
        id: row.id,
        key: parsed(EventId::parse(&row.delivery_key), "delivery", "delivery_key")?,
        content_type: row.content_type,
        headers: row.headers,
        body: row.body,
        outcome: row.outcome,
        received_at: instant::read(row.received_at),
    })
}

/// The next deliveries of a platform that were understood, oldest first; `after` is the id of the last one that was read.
/// Files of its history are left out: their columns are read by profiles of their own.
pub async fn page(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    since: Option<DateTime<Utc>>,
    after: Option<i64>,
    at_most: u64,
) -> Result<Vec<StoredDelivery>, StoreError> {
    // By when they were received, for which there is an index; ids and instants increase together.
    let from = match after {
        None => None,
        Some(after) => delivery::Entity::find_by_id(after).one(connection).await?.map(|row| row.received_at),
    };
    let from = from.unwrap_or(i64::MIN).max(since.map_or(i64::MIN, instant::stored));
    let sql = "SELECT d.* FROM delivery d
               WHERE d.platform_id = $1 AND d.received_at >= $2 AND (d.received_at > $2 OR d.id > $3)
                   AND d.outcome <> 'quarantined' AND d.content_type <> $4
               ORDER BY d.received_at, d.id LIMIT $5";
    let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
    let values = [platform.0.into(), from.into(), after.unwrap_or(i64::MIN).into(), FILE_TYPE.into(), at_most.into()];
    let rows = delivery::Entity::find().from_raw_sql(statement(connection, sql, values)).all(connection).await?;
    rows.into_iter().map(stored).collect()
}

/// The deliveries that reported some registrations as satisfied.
pub async fn satisfying(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    registrations: &BTreeSet<Uuid>,
) -> Result<Vec<StoredDelivery>, StoreError> {
    let mut ids: BTreeSet<i64> = BTreeSet::new();
    let all: Vec<Vec<u8>> = registrations.iter().map(|one| one.as_bytes().to_vec()).collect();
    for some in all.chunks(IN_AT_ONCE) {
        let sql = format!(
            "SELECT s.delivery_id AS id FROM statement s
             WHERE s.registration IN ({}) AND s.progress = 'satisfied' AND s.platform_id = $1",
            placeholders(2, some.len())
        );
        let values = std::iter::once(platform.0.into()).chain(some.iter().map(|bytes| bytes.clone().into()));
        for row in connection.query_all_raw(statement(connection, &sql, values)).await? {
            ids.insert(row.try_get("", "id")?);
        }
    }
    let ids: Vec<i64> = ids.into_iter().collect();
    let mut deliveries = Vec::new();
    for some in ids.chunks(IN_AT_ONCE) {
        let found = delivery::Entity::find().filter(delivery::Column::Id.is_in(some.iter().copied()));
        for row in found.order_by_asc(delivery::Column::Id).all(connection).await? {
            deliveries.push(stored(row)?);
        }
    }
    Ok(deliveries)
}

/// What becomes of a result when its delivery is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    Added,
    Changed,
    Dropped,
    /// Another delivery reported an event of this id that says something else: that one stays.
    Contradicting,
}

impl Difference {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Dropped => "dropped",
            Self::Contradicting => "contradicting",
        }
    }
}

/// What differs from what was known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reread {
    /// The delivery, the event's id, and what becomes of it.
    pub differences: Vec<(i64, EventId, Difference)>,
    /// The deliveries that are not understood any more, which stay as they were understood.
    pub not_understood: Vec<i64>,
    /// Whose results differ.
    pub employees: BTreeSet<EmployeeId>,
    /// The registrations of which something else is reported now.
    pub registrations: BTreeSet<Uuid>,
}

/// Records what deliveries say that were read again, where it differs from what was understood.
pub async fn reread(change: &Change, batch: &[(i64, Delivery)], calendar: CityCalendar) -> Result<Reread, StoreError> {
    let connection = change.connection();
    let mut reread = Reread::default();
    let understood: Vec<(i64, Delivery)> = batch
        .iter()
        .filter(|(id, delivery)| {
            let is_understood = !matches!(delivery.content, Content::NotUnderstood { .. });
            reread.not_understood.extend((!is_understood).then_some(*id));
            is_understood
        })
        .cloned()
        .collect();
    let deliveries: Vec<Delivery> = understood.iter().map(|(_, delivery)| delivery.clone()).collect();
    let pending = pending::read(connection, &deliveries).await?;
    reread.registrations = renew_progress(change, &understood, &pending).await?;
    super::without::renew(change, &understood).await?;
    let now: Vec<(i64, Delivery)> = understood
        .iter()
        .map(|(id, delivery)| {
            let content = Content::Results(counting(delivery, &pending, &deliveries));
            (*id, Delivery { content, ..delivery.clone() })
        })
        .collect();
    let superseded = differing(connection, &now, &mut reread).await?;
    supersede(change, &superseded, &mut reread).await?;
    let parts: Vec<Delivery> = now.iter().map(|(_, delivery)| delivery.clone()).collect();
    // What is pending was looked at above.
    let none = Pending::default();
    let KnownOfBatch { known, index } = KnownOfBatch::read(connection, &parts, &none, calendar).await?;
    let first_id = change.reserve(ids_for(&parts)).await?;
    let (recorded, decided) = decide_again(&now, &none, (known, &index), first_id, calendar);
    let changed: HashSet<(i64, &str)> = superseded.iter().map(|row| (row.delivery_id, row.event_id.as_str())).collect();
    for ((id, delivery), results) in now.iter().zip(decided) {
        for (result, decided) in delivery.content.results().iter().zip(results) {
            let difference = match decided {
                DecidedResult::Known => continue,
                DecidedResult::KnownOtherwise => Difference::Contradicting,
                DecidedResult::New { .. } if changed.contains(&(*id, result.event_id.as_str())) => Difference::Changed,
                DecidedResult::New { .. } => Difference::Added,
            };
            reread.differences.push((*id, result.event_id.clone(), difference));
        }
    }
    let stored: HashSet<(i64, EventId)> =
        reread.differences.iter().map(|(id, event_id, _)| (*id, event_id.clone())).collect();
    for row in &superseded {
        let event_id = parsed(EventId::parse(&row.event_id), "event", "event_id")?;
        if !stored.contains(&(row.delivery_id, event_id.clone())) {
            reread.differences.push((row.delivery_id, event_id, Difference::Dropped));
        }
    }
    reread.employees.extend(recorded.stale.iter().copied());
    Rows::of(recorded, change.at()).write(change).await?;
    mark_stale(connection, reread.employees.iter().copied()).await?;
    Ok(reread)
}

/// The results of a delivery that count: what is satisfied counts if something was done in its registration.
fn counting(delivery: &Delivery, pending: &Pending, batch: &[Delivery]) -> Vec<ReportedResult> {
    let Content::Statements { statements, results, .. } = &delivery.content else {
        return delivery.content.results().to_vec();
    };
    let is_done_here = |registration: Uuid| {
        let mut all = batch.iter().filter(|other| other.platform == delivery.platform);
        all.any(|other| {
            other
                .content
                .statements()
                .iter()
                .any(|reported| reported.progress == Some(Cmi5Progress::Done(registration)))
        })
    };
    let counts = |reported: &&NewStatement| match reported.progress {
        Some(Cmi5Progress::Satisfied(registration)) => {
            pending.done.contains(&(delivery.platform, registration)) || is_done_here(registration)
        }
        Some(Cmi5Progress::Done(_)) | None => true,
    };
    let reported = statements.iter().filter(counts);
    reported.flat_map(|reported| results.get(reported.results.clone()).unwrap_or_default()).cloned().collect()
}

/// The stored events of some deliveries that say something else now, or are not reported any more.
async fn differing(
    connection: &impl ConnectionTrait,
    now: &[(i64, Delivery)],
    reread: &mut Reread,
) -> Result<Vec<event::Model>, StoreError> {
    let mut rows: Vec<event::Model> = Vec::new();
    let ids: Vec<i64> = now.iter().map(|(id, _)| *id).collect();
    for ids in ids.chunks(IN_AT_ONCE) {
        let found = event::Entity::find().filter(event::Column::DeliveryId.is_in(ids.iter().copied()));
        rows.extend(found.order_by_asc(event::Column::Id).all(connection).await?);
    }
    let learners: BTreeSet<i64> = rows.iter().map(|row| row.learner_id).collect();
    let learners: Vec<i64> = learners.into_iter().collect();
    let mut prints: HashMap<i64, Vec<u8>> = HashMap::new();
    for learners in learners.chunks(IN_AT_ONCE) {
        let found = learner::Entity::find().filter(learner::Column::Id.is_in(learners.iter().copied()));
        prints.extend(found.all(connection).await?.into_iter().map(|row| (row.id, row.fingerprint)));
    }
    let said: HashMap<(i64, &str), &ReportedResult> = now
        .iter()
        .flat_map(|(id, delivery)| {
            delivery.content.results().iter().map(|result| ((*id, result.event_id.as_str()), result))
        })
        .collect();
    let differs = |row: &event::Model| {
        said.get(&(row.delivery_id, row.event_id.as_str())).is_none_or(|result| {
            prints.get(&row.learner_id) != Some(&fingerprint(&result.learner))
                || key_of_event(row) != DuplicateKey::of(row.learner_id, result)
                || row.reported_at != result.reported_at.map(instant::stored)
                || row.reason != result.reason
        })
    };
    rows.retain(|row| differs(row));
    reread.employees.extend(rows.iter().filter_map(|row| row.employee_id.map(EmployeeId)));
    Ok(rows)
}

/// Moves events to what was known until now, and lets another that says the same be the first of its kind.
async fn supersede(change: &Change, rows: &[event::Model], reread: &mut Reread) -> Result<(), StoreError> {
    let connection = change.connection();
    for row in rows.iter().filter(|row| row.revokes_event_id.is_some()) {
        let name = (PlatformId(row.platform_id), parsed(EventId::parse(&row.event_id), "event", "event_id")?);
        let around = revocations::around(connection, (name.0, &name.1), CityCalendar::default()).await?;
        reread.employees.extend(around.into_iter().flat_map(|around| around.employees));
    }
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    move_away(change, &ids).await?;
    let mut next = change.reserve(i64::try_from(rows.len()).unwrap_or(i64::MAX)).await?;
    for row in rows.iter().filter(|row| !row.repeats) {
        let twins = event::Entity::find()
            .filter(event::Column::LearnerId.eq(row.learner_id))
            .filter(event::Column::OccurredAt.eq(row.occurred_at))
            .order_by_asc(event::Column::Id);
        let twins = twins.all(connection).await?;
        let alike: Vec<&event::Model> = twins.iter().filter(|twin| key_of_event(twin) == key_of_event(row)).collect();
        if alike.iter().any(|twin| !twin.repeats) {
            continue;
        }
        let Some(first) = alike.first() else { continue };
        move_away(change, &[first.id]).await?;
        let mut renewed: event::ActiveModel = event::ActiveModel::from((*first).clone()).reset_all();
        renewed.id = Set(next);
        renewed.repeats = Set(false);
        renewed.recorded_at = Set(change.at());
        event::Entity::insert(renewed).exec_without_returning(connection).await?;
        next += 1;
    }
    Ok(())
}

async fn move_away(change: &Change, ids: &[i64]) -> Result<(), StoreError> {
    let columns = event::Column::iter().map(|column| column.as_str().to_owned()).collect::<Vec<_>>().join(", ");
    let connection = change.connection();
    for ids in ids.chunks(IN_AT_ONCE) {
        let which = placeholders(2, ids.len());
        let sql = format!(
            "INSERT INTO superseded_event ({columns}, superseded_at) SELECT {columns}, $1 FROM event WHERE id IN ({which})"
        );
        let values = std::iter::once(change.at().into()).chain(ids.iter().map(|id| (*id).into()));
        connection.execute_raw(statement(connection, &sql, values)).await?;
        let sql = format!("DELETE FROM event WHERE id IN ({})", placeholders(1, ids.len()));
        connection.execute_raw(statement(connection, &sql, ids.iter().map(|id| (*id).into()))).await?;
    }
    Ok(())
}

/// Updates what statements say of their registrations, if that changed, and what is pending because of it.
async fn renew_progress(
    change: &Change,
    understood: &[(i64, Delivery)],
    pending: &Pending,
) -> Result<BTreeSet<Uuid>, StoreError> {
    let connection = change.connection();
    let mut touched = BTreeSet::new();
    let mut waits: Vec<PendingRow> = Vec::new();
    let deliveries: Vec<Delivery> = understood.iter().map(|(_, delivery)| delivery.clone()).collect();
    let reported: usize = understood.iter().map(|(_, delivery)| delivery.content.statements().len()).sum();
    let mut next = change.reserve(i64::try_from(reported).unwrap_or(i64::MAX)).await?;
    for (id, delivery) in understood {
        let Content::Statements { statements: all, results, .. } = &delivery.content else { continue };
        let stored = stored_progress(connection, delivery.platform, all).await?;
        for reported in all {
            let Some(row) = stored.get(reported.id.as_bytes().as_slice()) else { continue };
            let registration = reported.progress.map(|progress| progress.registration().as_bytes().to_vec());
            let progress = reported.progress.map(Cmi5Progress::as_str);
            if (row.progress.as_deref(), &row.registration) == (progress, &registration) {
                continue;
            }
            let before = row.registration.as_deref().and_then(|bytes| Uuid::from_slice(bytes).ok());
            touched.extend(before.into_iter().chain(reported.progress.map(Cmi5Progress::registration)));
            let sql = "UPDATE statement SET progress = $1, registration = $2 WHERE id = $3";
            let values = [progress.map(str::to_owned).into(), registration.into(), row.id.into()];
            connection.execute_raw(statement(connection, sql, values)).await?;
            if row.progress.as_deref() == Some("satisfied") {
                let event_id = EventId::of_uuid(reported.id);
                forget_pending(change, *id, &event_id).await?;
            }
            if let Some(Cmi5Progress::Satisfied(registration)) = reported.progress
                && counting(delivery, pending, &deliveries)
                    .iter()
                    .all(|one| one.event_id != EventId::of_uuid(reported.id))
            {
                for result in results.get(reported.results.clone()).unwrap_or_default() {
                    let (delivery, platform) = (*id, delivery.platform);
                    let new = NewPending { id: next, delivery, platform, registration, result };
                    waits.extend(PendingRow::new(&new, change.at()));
                    next += 1;
                }
            }
        }
    }
    insert(connection, &waits).await?;
    Ok(touched)
}

/// What a stored statement says of its registration.
struct StoredProgress {
    id: i64,
    progress: Option<String>,
    registration: Option<Vec<u8>>,
}

/// The same of some statements, as far as they are stored, by their ids.
async fn stored_progress(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    reported: &[NewStatement],
) -> Result<HashMap<Vec<u8>, StoredProgress>, StoreError> {
    let mut stored = HashMap::new();
    for some in reported.chunks(IN_AT_ONCE) {
        let sql = format!(
            "SELECT s.id, s.statement_id, s.progress, s.registration FROM statement s
             WHERE s.statement_id IN ({}) AND s.platform_id = $1",
            placeholders(2, some.len())
        );
        let ids = some.iter().map(|reported| reported.id.as_bytes().to_vec().into());
        let values = std::iter::once(platform.0.into()).chain(ids);
        for row in connection.query_all_raw(statement(connection, &sql, values)).await? {
            let progress = StoredProgress {
                id: row.try_get("", "id")?,
                progress: row.try_get("", "progress")?,
                registration: row.try_get("", "registration")?,
            };
            stored.insert(row.try_get("", "statement_id")?, progress);
        }
    }
    Ok(stored)
}

/// Deletes what was pending of a delivery's statement, which says something else now.
async fn forget_pending(change: &Change, delivery: i64, event_id: &EventId) -> Result<(), StoreError> {
    let connection = change.connection();
    let named = format!("%\"event_id\":\"{event_id}%");
    let sql = "DELETE FROM pending_result WHERE delivery_id = $1 AND result LIKE $2";
    connection.execute_raw(statement(connection, sql, [delivery.into(), named.into()])).await?;
    Ok(())
}
