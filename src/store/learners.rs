//! Learners as platforms name them, and the links that are kept for them.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entities::{event, learner};
use super::links::keys_of;
use super::rows::statement;
use super::{StoreError, instant};
use crate::domain::ids::{EmployeeId, PlatformId};
use crate::domain::linking::{LearnerKeys, Unlinked};

pub(super) fn unlinked_of(word: Option<&str>) -> Unlinked {
    match word {
        Some("ambiguous") => Unlinked::Ambiguous,
        Some("contradicted") => Unlinked::Contradicted,
        _ => Unlinked::Unknown,
    }
}

/// Every learner that was known at an instant: its id, its platform and its keys.
pub async fn as_known(
    connection: &impl ConnectionTrait,
    at: DateTime<Utc>,
) -> Result<Vec<(i64, PlatformId, LearnerKeys)>, StoreError> {
    let rows =
        learner::Entity::find().filter(learner::Column::RecordedAt.lte(instant::kept(at))).all(connection).await?;
    rows.iter().map(|row| Ok((row.id, PlatformId(row.platform_id), keys_of(row)?))).collect()
}

/// An event's kept link, for comparing with what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLink {
    pub event: i64,
    pub learner: i64,
    pub event_id: String,
    pub occurred_at: DateTime<Utc>,
    pub employee: Option<EmployeeId>,
    pub why: Option<Unlinked>,
}

/// A learner's kept link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLearner {
    pub id: i64,
    pub depends_on_day: bool,
    pub employee: Option<EmployeeId>,
    pub why: Option<Unlinked>,
}

/// Every learner's kept link.
pub async fn kept_learners(connection: &impl ConnectionTrait) -> Result<Vec<KeptLearner>, StoreError> {
    let rows = learner::Entity::find().order_by_asc(learner::Column::Id).all(connection).await?;
    let kept = |row: learner::Model| KeptLearner {
        id: row.id,
        depends_on_day: row.depends_on_day,
        employee: row.employee_id.map(EmployeeId),
        why: row.unlinked.as_deref().map(|word| unlinked_of(Some(word))),
    };
    Ok(rows.into_iter().map(kept).collect())
}

/// Events with their kept links, by id; `after` is the id of the last one that was seen.
pub async fn kept_links(
    connection: &impl ConnectionTrait,
    after: i64,
    at_most: u64,
) -> Result<Vec<KeptLink>, StoreError> {
    let rows = event::Entity::find()
        .filter(event::Column::Id.gt(after))
        .order_by_asc(event::Column::Id)
        .limit(at_most)
        .all(connection)
        .await?;
    let link_of = |row: event::Model| KeptLink {
        event: row.id,
        learner: row.learner_id,
        event_id: row.event_id,
        occurred_at: instant::read(row.occurred_at),
        employee: row.employee_id.map(EmployeeId),
        why: row.unlinked.as_deref().map(|word| unlinked_of(Some(word))),
    };
    Ok(rows.into_iter().map(link_of).collect())
}

/// Events that tell something of which not exactly one telling counts as the first.
pub async fn miscounted_repeats(connection: &impl ConnectionTrait) -> Result<Vec<String>, StoreError> {
    let rows = connection
        .query_all_raw(statement(
            connection,
            "SELECT MIN(event_id) AS event_id FROM event
             GROUP BY learner_id, kind, course_id, quiz_id, attempt, occurred_at, score_points, score_of, passed,
                      revokes_event_id, attempt_name
             HAVING SUM(CASE WHEN repeats THEN 0 ELSE 1 END) <> 1",
            [],
        ))
        .await?;
    rows.iter().map(|row| Ok(row.try_get("", "event_id")?)).collect()
}
