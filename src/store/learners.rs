//! Learners as platforms name them, and their stored links.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, Value};

use super::chain::scope::{Scope, in_scope};
use super::entities::learner;
use super::links::keys_of;
use super::sql::{placeholders, statement};
use super::{StoreError, instant};
use crate::domain::ids::{EmployeeId, PlatformId};
use crate::domain::linking::{LearnerKeys, Link, Unlinked};

pub(super) fn unlinked_of(word: Option<&str>) -> Unlinked {
    match word {
        Some("dismissed") => Unlinked::Dismissed,
        Some("ambiguous") => Unlinked::Ambiguous,
        Some("contradicted") => Unlinked::Contradicted,
        _ => Unlinked::Unknown,
    }
}

/// The columns of a stored link: the employee, the key that linked, and why it is unlinked.
pub(super) fn link_columns(link: Link) -> (Option<i64>, Option<String>, Option<String>) {
    match link {
        Link::To { employee, by } => (Some(employee.0), Some(by.as_str().to_owned()), None),
        Link::None(why) => (None, None, Some(why.as_str().to_owned())),
    }
}

/// Every learner that was known at an instant: its id, its platform and its keys.
pub async fn as_known(
    connection: &impl ConnectionTrait,
    at: DateTime<Utc>,
) -> Result<Vec<(i64, PlatformId, LearnerKeys)>, StoreError> {
    let rows =
        learner::Entity::find().filter(learner::Column::RecordedAt.lte(instant::stored(at))).all(connection).await?;
    rows.iter().map(|row| Ok((row.id, PlatformId(row.platform_id), keys_of(row)?))).collect()
}

/// An event's stored link, for comparison with the expected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEventLink {
    pub event: i64,
    pub learner: i64,
    pub event_id: String,
    pub occurred_at: DateTime<Utc>,
    pub employee: Option<EmployeeId>,
    pub unlinked: Option<String>,
}

/// A learner with its keys and its stored link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLearner {
    pub id: i64,
    pub platform: PlatformId,
    pub keys: LearnerKeys,
    pub recorded_at: DateTime<Utc>,
    pub depends_on_day: bool,
    /// The employee, the key that linked, or why it is unlinked.
    pub link: (Option<i64>, Option<String>, Option<String>),
}

/// Learners with their stored links, by id; `after` is the id of the last one that was seen.
pub async fn stored_learners(
    connection: &impl ConnectionTrait,
    after: i64,
    at_most: u64,
    scope: Scope,
) -> Result<Vec<StoredLearner>, StoreError> {
    let rows = learner::Entity::find()
        .filter(learner::Column::Id.gt(after))
        .filter(Expr::cust(in_scope("learner.id", scope)))
        .order_by_asc(learner::Column::Id)
        .limit(at_most)
        .all(connection)
        .await?;
    let stored = |row: learner::Model| {
        Ok(StoredLearner {
            keys: keys_of(&row)?,
            id: row.id,
            platform: PlatformId(row.platform_id),
            recorded_at: instant::read(row.recorded_at),
            depends_on_day: row.depends_on_day,
            link: (row.employee_id, row.link_key, row.unlinked),
        })
    };
    rows.into_iter().map(stored).collect()
}

/// Events of some learners with their stored links, by learner, instant and id; `after` is the last one that was seen.
pub async fn links_of(
    connection: &impl ConnectionTrait,
    learners: &[i64],
    after: (i64, i64, i64),
    at_most: u64,
) -> Result<Vec<StoredEventLink>, StoreError> {
    let learners: Vec<i64> = learners.iter().copied().filter(|id| *id >= after.0).collect();
    if learners.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id, learner_id, event_id, occurred_at, employee_id, unlinked FROM event
         WHERE learner_id IN ({}) AND (learner_id, occurred_at, id) > ($1, $2, $3)
         ORDER BY learner_id, occurred_at, id LIMIT {at_most}",
        placeholders(4, learners.len())
    );
    let values = [after.0, after.1, after.2].into_iter().chain(learners).map(Value::from);
    let rows = connection.query_all_raw(statement(connection, &sql, values)).await?;
    let link_of = |row: &QueryResult| -> Result<StoredEventLink, StoreError> {
        let employee: Option<i64> = row.try_get("", "employee_id")?;
        Ok(StoredEventLink {
            event: row.try_get("", "id")?,
            learner: row.try_get("", "learner_id")?,
            event_id: row.try_get("", "event_id")?,
            occurred_at: instant::read(row.try_get("", "occurred_at")?),
            employee: employee.map(EmployeeId),
            unlinked: row.try_get("", "unlinked")?,
        })
    };
    rows.iter().map(link_of).collect()
}

/// Events of which not exactly one of the repeats counts as the first.
pub async fn miscounted_repeats(connection: &impl ConnectionTrait, scope: Scope) -> Result<Vec<String>, StoreError> {
    let sql = format!(
        "SELECT MIN(event_id) AS event_id FROM event WHERE {}
         GROUP BY learner_id, kind, course_id, quiz_id, attempt, occurred_at, score_points, score_of, passed,
                  revokes_event_id, revokes, attempt_name
         HAVING SUM(CASE WHEN repeats THEN 0 ELSE 1 END) <> 1 LIMIT 1000",
        in_scope("learner_id", scope)
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "event_id")?)).collect()
}

/// Events whose learners do not exist.
pub async fn events_without_owner(connection: &impl ConnectionTrait) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT e.event_id AS event_id FROM event e
               WHERE NOT EXISTS (SELECT 1 FROM learner l WHERE l.id = e.learner_id) ORDER BY e.id LIMIT 1000";
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "event_id")?)).collect()
}
