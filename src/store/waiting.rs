//! The queue of those whose results wait for somebody to be theirs.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use super::entities::{event, learner};
use super::learners::unlinked_of;
use super::links::keys_of;
use super::rows::{IN_AT_ONCE, statement};
use super::{StoreError, instant};
use crate::domain::ids::PlatformId;
use crate::domain::linking::{Identity, LearnerKeys, LinkingKey, Unlinked};

/// A learner whose results wait unlinked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingLearner {
    pub id: i64,
    pub platform: PlatformId,
    pub keys: LearnerKeys,
    pub why: Unlinked,
    /// Results that wait, the same thing told twice counted once.
    pub results: u64,
    pub first_recorded_at: DateTime<Utc>,
    pub last_recorded_at: DateTime<Utc>,
}

/// Learners whose results wait, by id; `after` is the id of the last one that was seen.
pub async fn waiting(
    connection: &impl ConnectionTrait,
    after: Option<i64>,
    at_most: u64,
) -> Result<Vec<WaitingLearner>, StoreError> {
    let rows = connection
        .query_all_raw(statement(
            connection,
            "SELECT e.learner_id AS learner, COUNT(*) AS results, MIN(e.recorded_at) AS first_at,
                    MAX(e.recorded_at) AS last_at, MAX(e.unlinked) AS why
             FROM event e
             WHERE e.employee_id IS NULL AND e.learner_id > $1 AND NOT e.repeats AND e.kind <> 'revocation'
             GROUP BY e.learner_id ORDER BY e.learner_id LIMIT $2",
            [after.unwrap_or_default().into(), i64::try_from(at_most).unwrap_or(i64::MAX).into()],
        ))
        .await?;
    let mut counted = Vec::with_capacity(rows.len());
    for row in rows {
        let (learner, results): (i64, i64) = (row.try_get("", "learner")?, row.try_get("", "results")?);
        let (first, last): (i64, i64) = (row.try_get("", "first_at")?, row.try_get("", "last_at")?);
        let why: Option<String> = row.try_get("", "why")?;
        counted.push((learner, results, first, last, why));
    }
    let ids: Vec<i64> = counted.iter().map(|row| row.0).collect();
    let mut learners: HashMap<i64, learner::Model> = HashMap::new();
    for ids in ids.chunks(IN_AT_ONCE) {
        let rows = learner::Entity::find().filter(learner::Column::Id.is_in(ids.iter().copied()));
        learners.extend(rows.all(connection).await?.into_iter().map(|row| (row.id, row)));
    }
    let mut waiting = Vec::with_capacity(counted.len());
    for (id, results, first, last, why) in counted {
        let Some(row) = learners.get(&id) else { continue };
        waiting.push(WaitingLearner {
            id,
            platform: PlatformId(row.platform_id),
            keys: keys_of(row)?,
            why: unlinked_of(why.as_deref()),
            results: results.unsigned_abs(),
            first_recorded_at: instant::read(first),
            last_recorded_at: instant::read(last),
        });
    }
    Ok(waiting)
}

/// The keys of every learner of a platform whom an identity names, and whether results of theirs wait.
pub async fn named_by(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    identity: &Identity,
) -> Result<Vec<(LearnerKeys, bool)>, StoreError> {
    use learner::Column;
    let (column, home_page) = match identity.key {
        LinkingKey::EmployeeNumber => (Column::EmployeeNumber, None),
        LinkingKey::Email => (Column::Email, None),
        LinkingKey::Username => (Column::Username, None),
        LinkingKey::Account => (Column::AccountName, Some(Column::AccountHomePage.eq(identity.home_page.as_str()))),
    };
    let rows = learner::Entity::find()
        .filter(Column::PlatformId.eq(platform.0))
        .filter(Condition::all().add(column.eq(identity.value.as_str())).add_option(home_page))
        .all(connection)
        .await?;
    let mut waiting: BTreeSet<i64> = BTreeSet::new();
    for rows in rows.chunks(IN_AT_ONCE) {
        let found: Vec<i64> = event::Entity::find()
            .select_only()
            .column(event::Column::LearnerId)
            .distinct()
            .filter(event::Column::LearnerId.is_in(rows.iter().map(|row| row.id)))
            .filter(event::Column::EmployeeId.is_null())
            .filter(event::Column::Repeats.eq(false))
            .filter(event::Column::Kind.ne("revocation"))
            .into_tuple()
            .all(connection)
            .await?;
        waiting.extend(found);
    }
    rows.iter().map(|row| Ok((keys_of(row)?, waiting.contains(&row.id)))).collect()
}

/// How many results wait unlinked now.
pub async fn count_waiting(connection: &impl ConnectionTrait) -> Result<u64, StoreError> {
    Ok(event::Entity::find()
        .filter(event::Column::EmployeeId.is_null())
        .filter(event::Column::Repeats.eq(false))
        .filter(event::Column::Kind.ne("revocation"))
        .count(connection)
        .await?)
}
