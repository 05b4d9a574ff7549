//! The queue of those whose results wait for somebody to be theirs.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, QuerySelect};

use super::decisions::{self, Decision};
use super::entities::{event, learner};
use super::learners::unlinked_of;
use super::links::keys_of;
use super::people::parsed;
use super::rows::{IN_AT_ONCE, statement};
use super::{StoreError, instant};
use crate::domain::ids::{EmployeeNumber, PlatformId};
use crate::domain::linking::{Account, Identity, LearnerKeys, LinkingKey, Unlinked};

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

/// Every learner some of whose results are nobody's, by id: those that wait and those that were dismissed.
pub async fn unlinked(
    connection: &impl ConnectionTrait,
    platform: Option<PlatformId>,
) -> Result<Vec<WaitingLearner>, StoreError> {
    let rows = connection
        .query_all_raw(statement(
            connection,
            "SELECT l.id, l.platform_id, l.employee_number, l.email, l.username, l.account_home_page, l.account_name,
                    w.results, w.first_at, w.last_at, w.why
             FROM (SELECT e.learner_id, COUNT(*) AS results, MIN(e.recorded_at) AS first_at,
                          MAX(e.recorded_at) AS last_at, MAX(e.unlinked) AS why
                   FROM event e
                   WHERE e.employee_id IS NULL AND NOT e.repeats AND e.kind <> 'revocation'
                   GROUP BY e.learner_id) w
             JOIN learner l ON l.id = w.learner_id
             WHERE $1 = 0 OR l.platform_id = $1
             ORDER BY l.id",
            [platform.map_or(0, |platform| platform.0).into()],
        ))
        .await?;
    let learner = |row: &QueryResult| -> Result<WaitingLearner, StoreError> {
        let results: i64 = row.try_get("", "results")?;
        let why: Option<String> = row.try_get("", "why")?;
        let number: Option<String> = row.try_get("", "employee_number")?;
        let number = number.as_deref().map(EmployeeNumber::parse).transpose();
        let name: Option<String> = row.try_get("", "account_name")?;
        let home_page: Option<String> = row.try_get("", "account_home_page")?;
        Ok(WaitingLearner {
            id: row.try_get("", "id")?,
            platform: PlatformId(row.try_get("", "platform_id")?),
            keys: LearnerKeys {
                employee_number: parsed(number, "learner", "employee_number")?,
                email: row.try_get("", "email")?,
                username: row.try_get("", "username")?,
                account: name.map(|name| Account { home_page: home_page.unwrap_or_default(), name }),
            },
            why: unlinked_of(why.as_deref()),
            results: results.unsigned_abs(),
            first_recorded_at: instant::read(row.try_get("", "first_at")?),
            last_recorded_at: instant::read(row.try_get("", "last_at")?),
        })
    };
    rows.iter().map(learner).collect()
}

/// Every dismissed learner, with the decision by which an identity of theirs is nobody's (of several the first).
pub async fn dismissed(connection: &impl ConnectionTrait) -> Result<BTreeMap<i64, Decision>, StoreError> {
    let decisions = decisions::nobodys(connection).await?;
    let mut learners = BTreeMap::new();
    for key in LinkingKey::DEFAULT_ORDER {
        let of_key: Vec<&Decision> = decisions.iter().filter(|decision| decision.identity.key == key).collect();
        for some in of_key.chunks(IN_AT_ONCE) {
            let values = some.iter().map(|decision| decision.identity.value.as_str());
            let named = learner::Entity::find()
                .filter(column_of(key).is_in(values))
                .filter(learner::Column::EmployeeId.is_null())
                // Whoever another key may still fit is ambiguous or contradicted, and waits on.
                .filter(learner::Column::Unlinked.eq(Unlinked::Unknown.as_str()));
            for row in named.all(connection).await? {
                let identity = keys_of(&row)?.identity(key);
                let is_its = |decision: &&&Decision| {
                    decision.platform.0 == row.platform_id && Some(&decision.identity) == identity.as_ref()
                };
                if let Some(decision) = some.iter().find(is_its) {
                    let first: &mut Decision = learners.entry(row.id).or_insert_with(|| (*decision).clone());
                    if decision.id < first.id {
                        *first = (*decision).clone();
                    }
                }
            }
        }
    }
    Ok(learners)
}

const fn column_of(key: LinkingKey) -> learner::Column {
    match key {
        LinkingKey::EmployeeNumber => learner::Column::EmployeeNumber,
        LinkingKey::Email => learner::Column::Email,
        LinkingKey::Username => learner::Column::Username,
        LinkingKey::Account => learner::Column::AccountName,
    }
}

/// The keys of every learner of a platform whom an identity names, and whether results of theirs wait.
pub async fn named_by(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    identity: &Identity,
) -> Result<Vec<(LearnerKeys, bool)>, StoreError> {
    use learner::Column;
    let home_page =
        (identity.key == LinkingKey::Account).then(|| Column::AccountHomePage.eq(identity.home_page.as_str()));
    let column = column_of(identity.key);
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

/// How many results are nobody's now, by learner; the same thing told twice once, revocations left out.
pub async fn count_by_learner(connection: &impl ConnectionTrait) -> Result<Vec<(i64, u64)>, StoreError> {
    let rows: Vec<(i64, i64)> = event::Entity::find()
        .select_only()
        .column(event::Column::LearnerId)
        .column_as(event::Column::Id.count(), "results")
        .filter(event::Column::EmployeeId.is_null())
        .filter(event::Column::Repeats.eq(false))
        .filter(event::Column::Kind.ne("revocation"))
        .group_by(event::Column::LearnerId)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(|(learner, results)| (learner, results.unsigned_abs())).collect())
}

/// Results of somebody that happened between two instants (the second left out): a platform and how many.
pub async fn count_linked_between(
    connection: &impl ConnectionTrait,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(PlatformId, u64)>, StoreError> {
    let rows = connection
        .query_all_raw(statement(
            connection,
            "SELECT platform_id, COUNT(*) AS results FROM event
             WHERE occurred_at >= $1 AND occurred_at < $2 AND employee_id IS NOT NULL
                   AND NOT repeats AND kind <> 'revocation'
             GROUP BY platform_id",
            [instant::kept(from).into(), instant::kept(until).into()],
        ))
        .await?;
    let counted = |row: &QueryResult| -> Result<(PlatformId, u64), StoreError> {
        let results: i64 = row.try_get("", "results")?;
        Ok((PlatformId(row.try_get("", "platform_id")?), results.unsigned_abs()))
    };
    rows.iter().map(counted).collect()
}

/// Results of nobody that happened between two instants (the second left out): a platform, a learner and how many.
pub async fn count_unlinked_between(
    connection: &impl ConnectionTrait,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(PlatformId, i64, u64)>, StoreError> {
    let rows = connection
        .query_all_raw(statement(
            connection,
            "SELECT platform_id, learner_id, COUNT(*) AS results FROM event
             WHERE occurred_at >= $1 AND occurred_at < $2 AND employee_id IS NULL
                   AND NOT repeats AND kind <> 'revocation'
             GROUP BY platform_id, learner_id",
            [instant::kept(from).into(), instant::kept(until).into()],
        ))
        .await?;
    let counted = |row: &QueryResult| -> Result<(PlatformId, i64, u64), StoreError> {
        let results: i64 = row.try_get("", "results")?;
        let platform = PlatformId(row.try_get("", "platform_id")?);
        Ok((platform, row.try_get("", "learner_id")?, results.unsigned_abs()))
    };
    rows.iter().map(counted).collect()
}

/// Results that happened between two instants (the second left out) and were recorded up to another: a platform, a
/// learner and when.
pub async fn results_between(
    connection: &impl ConnectionTrait,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    at: DateTime<Utc>,
) -> Result<Vec<(PlatformId, i64, DateTime<Utc>)>, StoreError> {
    let rows = connection
        .query_all_raw(statement(
            connection,
            "SELECT platform_id, learner_id, occurred_at FROM event
             WHERE occurred_at >= $1 AND occurred_at < $2 AND recorded_at <= $3
                   AND NOT repeats AND kind <> 'revocation'",
            [instant::kept(from).into(), instant::kept(until).into(), instant::kept(at).into()],
        ))
        .await?;
    let told = |row: &QueryResult| -> Result<(PlatformId, i64, DateTime<Utc>), StoreError> {
        let platform = PlatformId(row.try_get("", "platform_id")?);
        Ok((platform, row.try_get("", "learner_id")?, instant::read(row.try_get("", "occurred_at")?)))
    };
    rows.iter().map(told).collect()
}
