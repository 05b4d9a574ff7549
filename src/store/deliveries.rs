//! Deliveries as they were received, and those that wait in quarantine.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, IntoCondition};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select,
};

use super::act::Scope;
use super::entities::{delivery, event, platform, superseded_event};
use super::parsed::parsed;
use super::sql::statement;
use super::{StoreError, instant};
use crate::domain::ids::{EmployeeId, EventId, PlatformId};

/// One stored delivery, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDelivery {
    pub id: i64,
    pub platform: PlatformId,
    pub platform_code: String,
    pub key: EventId,
    pub content_type: String,
    /// Whether it was pulled, and not sent.
    pub is_pulled: bool,
    /// What was verified in addition to the body, as JSON.
    pub headers: String,
    /// `accepted`, `ignored` or `quarantined`.
    pub outcome: String,
    pub problem: Option<String>,
    pub problem_pointer: Option<String>,
    pub received_at: DateTime<Utc>,
    /// When it left quarantine.
    pub released_at: Option<DateTime<Utc>>,
    pub size: u64,
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    pub outcome: Option<String>,
    pub platform: Option<PlatformId>,
    /// The sender's id of the delivery, or of an event in it.
    pub sent_as: Option<EventId>,
    /// The id of the last one that was seen; older ones follow.
    pub before: Option<i64>,
}

async fn codes(connection: &impl ConnectionTrait) -> Result<BTreeMap<i64, String>, StoreError> {
    Ok(platform::Entity::find().all(connection).await?.into_iter().map(|row| (row.id, row.code)).collect())
}

/// A delivery's row without its bytes, which can be tens of millions in a file of results.
#[derive(Debug, FromQueryResult)]
struct WithoutBody {
    id: i64,
    platform_id: i64,
    delivery_key: String,
    content_type: String,
    is_pulled: bool,
    headers: String,
    outcome: String,
    problem: Option<String>,
    problem_pointer: Option<String>,
    received_at: i64,
    released_at: Option<i64>,
    size: i32,
}

/// The columns of [`WithoutBody`].
fn without_body() -> Select<delivery::Entity> {
    use delivery::Column;
    delivery::Entity::find()
        .select_only()
        .columns([Column::Id, Column::PlatformId, Column::DeliveryKey, Column::ContentType, Column::Headers])
        .columns([Column::Outcome, Column::Problem, Column::ProblemPointer, Column::ReceivedAt, Column::ReleasedAt])
        .column(Column::IsPulled)
        .column_as(Expr::cust("LENGTH(body)"), "size")
}

fn stored(row: WithoutBody, codes: &BTreeMap<i64, String>) -> Result<StoredDelivery, StoreError> {
    Ok(StoredDelivery {
        id: row.id,
        platform: PlatformId(row.platform_id),
        platform_code: codes.get(&row.platform_id).cloned().unwrap_or_default(),
        key: parsed(EventId::parse(&row.delivery_key), "delivery", "delivery_key")?,
        content_type: row.content_type,
        is_pulled: row.is_pulled,
        headers: row.headers,
        outcome: row.outcome,
        problem: row.problem,
        problem_pointer: row.problem_pointer,
        received_at: instant::read(row.received_at),
        released_at: row.released_at.map(instant::read),
        size: u64::try_from(row.size).unwrap_or_default(),
    })
}

/// That a delivery waits in quarantine, written exactly as in the partial index: a planner does not match a parameter
/// with it.
fn waits() -> Condition {
    Expr::cust("outcome = 'quarantined'").into_condition().add(delivery::Column::Problem.is_not_null())
}

/// Deliveries, newest first.
pub async fn list(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    filter: &DeliveryFilter,
    at_most: u64,
) -> Result<Vec<StoredDelivery>, StoreError> {
    if !scope.is_all() {
        return Ok(Vec::new());
    }
    use delivery::Column;
    let codes = codes(connection).await?;
    let sent_as = match &filter.sent_as {
        Some(id) => Some(sent_as(connection, id, filter.platform, &codes).await?),
        None => None,
    };
    let outcome = filter.outcome.as_deref().map(|outcome| match outcome {
        "quarantined" => waits(),
        "ignored" => Expr::cust("outcome = 'ignored'").into_condition(),
        outcome => Column::Outcome.eq(outcome).into_condition(),
    });
    let chosen = Condition::all()
        .add_option(outcome)
        .add_option(filter.platform.map(|platform| Column::PlatformId.eq(platform.0)))
        .add_option(sent_as.map(|ids| Column::Id.is_in(ids)))
        .add_option(filter.before.map(|before| Column::Id.lt(before)));
    let found = without_body().filter(chosen).order_by_desc(Column::Id).limit(at_most);
    let found = found.into_model::<WithoutBody>().all(connection).await?;
    found.into_iter().map(|row| stored(row, &codes)).collect()
}

/// The deliveries that have a given id, or contain an event with it, of one platform or of any.
async fn sent_as(
    connection: &impl ConnectionTrait,
    id: &EventId,
    platform: Option<PlatformId>,
    codes: &BTreeMap<i64, String>,
) -> Result<BTreeSet<i64>, StoreError> {
    // Each table has an index by platform and id.
    let platforms: Vec<i64> = platform.map_or_else(|| codes.keys().copied().collect(), |platform| vec![platform.0]);
    let deliveries = delivery::Entity::find().select_only().column(delivery::Column::Id);
    let deliveries = deliveries
        .filter(delivery::Column::PlatformId.is_in(platforms.iter().copied()))
        .filter(delivery::Column::DeliveryKey.eq(id.as_str()));
    let events = event::Entity::find().select_only().column(event::Column::DeliveryId);
    let events = events
        .filter(event::Column::PlatformId.is_in(platforms.iter().copied()))
        .filter(event::Column::EventId.eq(id.as_str()));
    let then = superseded_event::Entity::find().select_only().column(superseded_event::Column::DeliveryId);
    let then = then
        .filter(superseded_event::Column::PlatformId.is_in(platforms))
        .filter(superseded_event::Column::EventId.eq(id.as_str()));
    let mut found: BTreeSet<i64> = deliveries.into_tuple::<i64>().all(connection).await?.into_iter().collect();
    found.extend(events.into_tuple::<i64>().all(connection).await?);
    found.extend(then.into_tuple::<i64>().all(connection).await?);
    Ok(found)
}

/// One delivery with its bytes.
pub async fn by_id(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    id: i64,
) -> Result<Option<(StoredDelivery, Vec<u8>)>, StoreError> {
    if !scope.is_all() {
        return Ok(None);
    }
    let codes = codes(connection).await?;
    let Some(row) = delivery::Entity::find_by_id(id).one(connection).await? else { return Ok(None) };
    let without_body = WithoutBody {
        id: row.id,
        platform_id: row.platform_id,
        delivery_key: row.delivery_key,
        content_type: row.content_type,
        is_pulled: row.is_pulled,
        headers: row.headers,
        outcome: row.outcome,
        problem: row.problem,
        problem_pointer: row.problem_pointer,
        received_at: row.received_at,
        released_at: row.released_at,
        size: i32::try_from(row.body.len()).unwrap_or(i32::MAX),
    };
    Ok(Some((stored(without_body, &codes)?, row.body)))
}

/// The employees who own the results of a delivery.
pub async fn owners(connection: &impl ConnectionTrait, id: i64) -> Result<BTreeSet<EmployeeId>, StoreError> {
    let owners: Vec<i64> = event::Entity::find()
        .select_only()
        .column(event::Column::EmployeeId)
        .distinct()
        .filter(event::Column::DeliveryId.eq(id))
        .filter(event::Column::EmployeeId.is_not_null())
        .into_tuple()
        .all(connection)
        .await?;
    Ok(owners.into_iter().map(EmployeeId).collect())
}

/// The ids of all deliveries that wait in quarantine, oldest first.
pub async fn quarantined(connection: &impl ConnectionTrait) -> Result<Vec<i64>, StoreError> {
    use delivery::Column;
    Ok(delivery::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(waits())
        .order_by_asc(Column::Id)
        .into_tuple()
        .all(connection)
        .await?)
}

/// How many deliveries waited in quarantine at an instant; those that were dismissed by then are not counted.
pub async fn count_quarantined(connection: &impl ConnectionTrait, at: DateTime<Utc>) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) AS waiting FROM delivery d
               WHERE d.problem IS NOT NULL AND d.received_at <= $1 AND (d.released_at IS NULL OR d.released_at > $1)
                   AND NOT EXISTS (SELECT 1 FROM quarantine_dismissal x
                                   WHERE x.delivery_id = d.id AND x.recorded_at <= $1
                                       AND (x.superseded_at IS NULL OR x.superseded_at > $1))";
    let row = connection.query_one_raw(statement(connection, sql, [instant::stored(at).into()])).await?;
    let waiting: i64 = row.map(|row| row.try_get("", "waiting")).transpose()?.unwrap_or_default();
    Ok(waiting.unsigned_abs())
}

/// When a platform `p` last sent something, by those of its deliveries `d` that fit.
///
/// A file of its history, which has the media type `file`, does not count. Pulled deliveries count only if the platform
/// never sends by itself.
pub(super) fn last_word(fits: &str, file: &str) -> String {
    format!(
        "(SELECT d.received_at FROM delivery d WHERE d.platform_id = p.id AND d.content_type <> {file} AND {fits}
          ORDER BY d.received_at DESC LIMIT 1)"
    )
}
