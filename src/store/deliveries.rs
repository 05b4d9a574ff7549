//! Deliveries as they were received, and those that wait in quarantine.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select,
};

use super::entities::{delivery, event, platform, superseded_event};
use super::people::parsed;
use super::rows::statement;
use super::{StoreError, instant};
use crate::domain::ids::{EmployeeId, EventId, PlatformId};

/// One kept delivery, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDelivery {
    pub id: i64,
    pub platform: PlatformId,
    pub platform_code: String,
    pub key: EventId,
    pub content_type: String,
    /// Whether it was asked for, and not sent.
    pub is_pulled: bool,
    /// What was verified beside the body, as JSON.
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
    /// The sender's id of the delivery, or of an event that it told.
    pub sent_as: Option<EventId>,
    /// The id of the last one that was seen; older ones follow.
    pub before: Option<i64>,
}

async fn codes(connection: &impl ConnectionTrait) -> Result<BTreeMap<i64, String>, StoreError> {
    Ok(platform::Entity::find().all(connection).await?.into_iter().map(|row| (row.id, row.code)).collect())
}

/// A delivery's row without its bytes, of which a file of results has tens of millions.
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

fn kept(row: WithoutBody, codes: &BTreeMap<i64, String>) -> Result<KeptDelivery, StoreError> {
    Ok(KeptDelivery {
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

/// Deliveries from the newest on.
pub async fn list(
    connection: &impl ConnectionTrait,
    filter: &DeliveryFilter,
    at_most: u64,
) -> Result<Vec<KeptDelivery>, StoreError> {
    use delivery::Column;
    let sent_as = |id: &EventId| {
        let told = event::Entity::find().select_only().column(event::Column::DeliveryId);
        let told = QueryTrait::into_query(told.filter(event::Column::EventId.eq(id.as_str())));
        let then = superseded_event::Entity::find().select_only().column(superseded_event::Column::DeliveryId);
        let then = QueryTrait::into_query(then.filter(superseded_event::Column::EventId.eq(id.as_str())));
        Column::DeliveryKey.eq(id.as_str()).or(Column::Id.in_subquery(told)).or(Column::Id.in_subquery(then))
    };
    let chosen = Condition::all()
        .add_option(filter.outcome.as_ref().map(|outcome| Column::Outcome.eq(outcome.as_str())))
        .add_option((filter.outcome.as_deref() == Some("quarantined")).then(|| Column::Problem.is_not_null()))
        .add_option(filter.platform.map(|platform| Column::PlatformId.eq(platform.0)))
        .add_option(filter.sent_as.as_ref().map(sent_as))
        .add_option(filter.before.map(|before| Column::Id.lt(before)));
    let found = without_body().filter(chosen).order_by_desc(Column::Id).limit(at_most);
    let found = found.into_model::<WithoutBody>().all(connection).await?;
    let codes = codes(connection).await?;
    found.into_iter().map(|row| kept(row, &codes)).collect()
}

/// One delivery with its bytes.
pub async fn by_id(connection: &impl ConnectionTrait, id: i64) -> Result<Option<(KeptDelivery, Vec<u8>)>, StoreError> {
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
    Ok(Some((kept(without_body, &codes)?, row.body)))
}

/// Whose the results of a delivery are.
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
        .filter(Column::Problem.is_not_null())
        .filter(Column::Outcome.eq("quarantined"))
        .order_by_asc(Column::Id)
        .into_tuple()
        .all(connection)
        .await?)
}

/// How many deliveries waited in quarantine at an instant; those that were dismissed by then did not.
pub async fn count_quarantined(connection: &impl ConnectionTrait, at: DateTime<Utc>) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) AS waiting FROM delivery d
               WHERE d.problem IS NOT NULL AND d.received_at <= $1 AND (d.released_at IS NULL OR d.released_at > $1)
                   AND NOT EXISTS (SELECT 1 FROM quarantine_dismissal x
                                   WHERE x.delivery_id = d.id AND x.recorded_at <= $1
                                       AND (x.superseded_at IS NULL OR x.superseded_at > $1))";
    let row = connection.query_one_raw(statement(connection, sql, [instant::kept(at).into()])).await?;
    let waiting: i64 = row.map(|row| row.try_get("", "waiting")).transpose()?.unwrap_or_default();
    Ok(waiting.unsigned_abs())
}

/// When a platform `p` last spoke, by those of its deliveries `d` that fit.
///
/// A file of its history, which has the media type `file`, is no word of the platform's; and what it was asked for is one
/// only where it never sends by itself.
pub(super) fn last_word(fits: &str, file: &str) -> String {
    format!(
        "(SELECT d.received_at FROM delivery d WHERE d.platform_id = p.id AND d.content_type <> {file} AND {fits}
          ORDER BY d.received_at DESC LIMIT 1)"
    )
}
