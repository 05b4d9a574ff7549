//! The queue of learners whose results are unlinked.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, QuerySelect};

use super::entities::{event, learner};
use super::learners::unlinked_of;
use super::links::keys_of;
use super::parsed::parsed;
use super::sql::{IN_AT_ONCE, statement};
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
    /// The number of waiting results, without repeats.
    pub results: u64,
    pub first_recorded_at: DateTime<Utc>,
    pub last_recorded_at: DateTime<Utc>,
    /// When the first and the last of them happened.
    pub happened: (DateTime<Utc>, DateTime<Utc>),
}

/// Every learner with waiting results, or with `dismissed` ones, by id; each with these results only.
pub async fn unlinked(
    connection: &impl ConnectionTrait,
    platform: Option<PlatformId>,
    dismissed: bool,
) -> Result<Vec<WaitingLearner>, StoreError> {
    let rows = connection
        .query_all_raw(statement(
            connection,
            "SELECT l.id, l.platform_id, l.employee_number, l.email, l.username, l.account_home_page, l.account_name,
                    w.results, w.first_at, w.last_at, w.first_on, w.last_on, w.why
             FROM (SELECT e.learner_id, COUNT(*) AS results, MIN(e.recorded_at) AS first_at,
                          MAX(e.recorded_at) AS last_at, MIN(e.occurred_at) AS first_on, MAX(e.occurred_at) AS last_on,
                          MAX(CASE e.unlinked WHEN 'contradicted' THEN 3 WHEN 'ambiguous' THEN 2
                                              WHEN 'dismissed' THEN 1 ELSE 0 END) AS why
                   FROM event e
                   WHERE e.employee_id IS NULL AND NOT e.repeats AND e.kind <> 'revocation'
                         AND (e.unlinked = 'dismissed') = $2
                   GROUP BY e.learner_id) w
             JOIN learner l ON l.id = w.learner_id
             WHERE $1 = 0 OR l.platform_id = $1
             ORDER BY l.id",
            [platform.map_or(0, |platform| platform.0).into(), dismissed.into()],
        ))
        .await?;
    let learner = |row: &QueryResult| -> Result<WaitingLearner, StoreError> {
        let results: i64 = row.try_get("", "results")?;
        let why: i32 = row.try_get("", "why")?;
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
            why: match why {
                3 => Unlinked::Contradicted,
                2 => Unlinked::Ambiguous,
                1 => Unlinked::Dismissed,
                _ => Unlinked::Unknown,
            },
            results: results.unsigned_abs(),
            first_recorded_at: instant::read(row.try_get("", "first_at")?),
            last_recorded_at: instant::read(row.try_get("", "last_at")?),
            happened: (instant::read(row.try_get("", "first_on")?), instant::read(row.try_get("", "last_on")?)),
        })
    };
    rows.iter().map(learner).collect()
}

const fn column_of(key: LinkingKey) -> learner::Column {
    match key {
        LinkingKey::EmployeeNumber => learner::Column::EmployeeNumber,
        LinkingKey::Email => learner::Column::Email,
        LinkingKey::Username => learner::Column::Username,
        LinkingKey::Account => learner::Column::AccountName,
    }
}

/// A learner that an identity matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedLearner {
    pub id: i64,
    pub keys: LearnerKeys,
    /// When the first and the last of its unlinked results happened.
    pub dismissal: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// Every learner of a platform that an identity matches.
pub async fn named_by(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    identity: &Identity,
) -> Result<Vec<NamedLearner>, StoreError> {
    use learner::Column;
    let home_page =
        (identity.key == LinkingKey::Account).then(|| Column::AccountHomePage.eq(identity.home_page.as_str()));
    let column = column_of(identity.key);
    let rows = learner::Entity::find()
        .filter(Column::PlatformId.eq(platform.0))
        .filter(Condition::all().add(column.eq(identity.value.as_str())).add_option(home_page))
        .all(connection)
        .await?;
    let mut dismissals: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for rows in rows.chunks(IN_AT_ONCE) {
        let found: Vec<(i64, i64, i64)> = event::Entity::find()
            .select_only()
            .column(event::Column::LearnerId)
            .column_as(event::Column::OccurredAt.min(), "first_on")
            .column_as(event::Column::OccurredAt.max(), "last_on")
            .filter(event::Column::LearnerId.is_in(rows.iter().map(|row| row.id)))
            .filter(event::Column::EmployeeId.is_null())
            .filter(event::Column::Repeats.eq(false))
            .filter(event::Column::Kind.ne("revocation"))
            .group_by(event::Column::LearnerId)
            .into_tuple()
            .all(connection)
            .await?;
        dismissals.extend(found.into_iter().map(|(learner, first, last)| (learner, (first, last))));
    }
    rows.iter()
        .map(|row| {
            let dismissal = dismissals.get(&row.id).map(|(first, last)| (instant::read(*first), instant::read(*last)));
            Ok(NamedLearner { id: row.id, keys: keys_of(row)?, dismissal })
        })
        .collect()
}

/// How many results wait now, and how many are dismissed; without repeats and revocations.
pub async fn count_unlinked(connection: &impl ConnectionTrait) -> Result<(u64, u64), StoreError> {
    let rows = connection
        .query_all_raw(statement(
            connection,
            "SELECT unlinked, COUNT(*) AS results FROM event
             WHERE employee_id IS NULL AND NOT repeats AND kind <> 'revocation' GROUP BY unlinked",
            [],
        ))
        .await?;
    let (mut waiting, mut dismissed) = (0, 0);
    for row in rows {
        let why: Option<String> = row.try_get("", "unlinked")?;
        let results: i64 = row.try_get("", "results")?;
        match unlinked_of(why.as_deref()) {
            Unlinked::Dismissed => dismissed += results.unsigned_abs(),
            Unlinked::Unknown | Unlinked::Ambiguous | Unlinked::Contradicted => waiting += results.unsigned_abs(),
        }
    }
    Ok((waiting, dismissed))
}

/// Linked results that happened from one instant up to another (exclusive): a platform and how many.
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
            [instant::stored(from).into(), instant::stored(until).into()],
        ))
        .await?;
    rows.iter().map(counted).collect()
}

/// Waiting results that happened from one instant up to another (exclusive): a platform and how many.
pub async fn count_waiting_between(
    connection: &impl ConnectionTrait,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(PlatformId, u64)>, StoreError> {
    let rows = connection
        .query_all_raw(statement(
            connection,
            "SELECT platform_id, COUNT(*) AS results FROM event
             WHERE occurred_at >= $1 AND occurred_at < $2 AND employee_id IS NULL AND unlinked <> 'dismissed'
                   AND NOT repeats AND kind <> 'revocation'
             GROUP BY platform_id",
            [instant::stored(from).into(), instant::stored(until).into()],
        ))
        .await?;
    rows.iter().map(counted).collect()
}

fn counted(row: &QueryResult) -> Result<(PlatformId, u64), StoreError> {
    let results: i64 = row.try_get("", "results")?;
    Ok((PlatformId(row.try_get("", "platform_id")?), results.unsigned_abs()))
}

/// Results that happened from one instant up to another (exclusive) and were recorded up to a third: a platform, a
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
                   AND NOT repeats AND kind <> 'revocation'
             UNION ALL
             SELECT platform_id, learner_id, occurred_at FROM superseded_event
             WHERE occurred_at >= $1 AND occurred_at < $2 AND recorded_at <= $3 AND superseded_at > $3
                   AND NOT repeats AND kind <> 'revocation'",
            [instant::stored(from).into(), instant::stored(until).into(), instant::stored(at).into()],
        ))
        .await?;
    let reported = |row: &QueryResult| -> Result<(PlatformId, i64, DateTime<Utc>), StoreError> {
        let platform = PlatformId(row.try_get("", "platform_id")?);
        Ok((platform, row.try_get("", "learner_id")?, instant::read(row.try_get("", "occurred_at")?)))
    };
    rows.iter().map(reported).collect()
}
