//! Where platforms are pulled from for what they may have failed to send, which process pulls right now, and how far
//! that has come.
//!
//! Nothing here is a fact that a report depends on: pulled results arrive as deliveries.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use super::chain::alterations;
use super::clock::{Change, begin_immediate};
use super::entities::platform_pull;
use super::parsed::parsed;
use super::sql::statement;
use super::{Store, StoreError, instant};
use crate::domain::calendar::CityCalendar;
use crate::domain::ids::{CourseId, PlatformId};
use crate::domain::pulling::{Brought, SourceKind};
use crate::domain::receiving::fingerprint;
use crate::domain::training::ReportedResult;

/// Where and how a platform is pulled from.
#[derive(Clone, PartialEq, Eq)]
pub struct PullSettings {
    pub source: SourceKind,
    pub address: String,
    /// Kurskoll's user name there, which goes with the secret.
    pub username: Option<String>,
    pub secret: String,
    /// What else the kind of source needs, as JSON.
    pub details: String,
    pub every: TimeDelta,
}

impl std::fmt::Debug for PullSettings {
    // Leaves out the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").field("source", &self.source).field("address", &self.address).finish_non_exhaustive()
    }
}

/// A platform that is pulled from, and the outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    pub platform: PlatformId,
    pub settings: PullSettings,
    /// When it was set up, or changed.
    pub recorded_at: DateTime<Utc>,
    /// What the source had stored up to this instant has been fetched; `None` at first.
    pub since: Option<DateTime<Utc>>,
    /// When the source stored the newest fetched item.
    pub newest: Option<DateTime<Utc>>,
    pub due_at: DateTime<Utc>,
    /// While a process pulls, no other process pulls until this instant.
    pub reserved_until: Option<DateTime<Utc>>,
    pub begun_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub succeeded_at: Option<DateTime<Utc>>,
    /// How many times in a row it has failed.
    pub failures: u32,
    /// Why it failed the last time.
    pub problem: Option<String>,
    /// What the last pull brought, so far.
    pub brought: Brought,
}

fn pull_of(row: platform_pull::Model) -> Result<Pull, StoreError> {
    let unreadable = |column| StoreError::Unreadable { table: "platform_pull", column };
    Ok(Pull {
        platform: PlatformId(row.platform_id),
        settings: PullSettings {
            source: SourceKind::parse(&row.source).ok_or_else(|| unreadable("source"))?,
            address: row.address,
            username: row.username,
            secret: row.secret,
            details: row.details,
            every: TimeDelta::try_seconds(row.every_seconds).ok_or_else(|| unreadable("every_seconds"))?,
        },
        recorded_at: instant::read(row.recorded_at),
        since: row.since.map(instant::read),
        newest: row.newest.map(instant::read),
        due_at: instant::read(row.due_at),
        reserved_until: row.reserved_until.map(instant::read),
        begun_at: row.begun_at.map(instant::read),
        ended_at: row.ended_at.map(instant::read),
        succeeded_at: row.succeeded_at.map(instant::read),
        failures: parsed(u32::try_from(row.failures), "platform_pull", "failures")?,
        problem: row.problem,
        brought: Brought {
            returned: row.returned.unsigned_abs(),
            found: row.found.unsigned_abs(),
            refused: row.refused.unsigned_abs(),
            contradicting: row.contradicting.unsigned_abs(),
            undated: row.undated.unsigned_abs(),
        },
    })
}

/// How a platform is pulled from, if it is.
pub async fn of(connection: &impl ConnectionTrait, platform: PlatformId) -> Result<Option<Pull>, StoreError> {
    platform_pull::Entity::find_by_id(platform.0).one(connection).await?.map(pull_of).transpose()
}

/// All platforms that are pulled from.
pub async fn list(connection: &impl ConnectionTrait) -> Result<Vec<Pull>, StoreError> {
    let rows = platform_pull::Entity::find().order_by_asc(platform_pull::Column::PlatformId).all(connection).await?;
    rows.into_iter().map(pull_of).collect()
}

/// The platforms that are due, and that no process pulls from right now.
pub async fn due(connection: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<PlatformId>, StoreError> {
    use platform_pull::Column;
    let now = instant::stored(now);
    let due: Vec<i64> = platform_pull::Entity::find()
        .select_only()
        .column(Column::PlatformId)
        .filter(Column::DueAt.lte(now))
        .filter(Condition::any().add(Column::ReservedUntil.is_null()).add(Column::ReservedUntil.lt(now)))
        .order_by_asc(Column::DueAt)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(due.into_iter().map(PlatformId).collect())
}

/// Sets how a platform is pulled from, from now on. A process that pulls from it right now loses its reservation.
///
/// * `now`: when it is first due; `had`: how far it had come.
pub async fn set(
    change: &Change,
    platform: PlatformId,
    settings: &PullSettings,
    now: DateTime<Utc>,
    had: Had,
) -> Result<(), StoreError> {
    let row = platform_pull::ActiveModel {
        platform_id: Set(platform.0),
        source: Set(settings.source.as_str().to_owned()),
        address: Set(settings.address.clone()),
        username: Set(settings.username.clone()),
        secret: Set(settings.secret.clone()),
        details: Set(settings.details.clone()),
        every_seconds: Set(settings.every.num_seconds()),
        recorded_at: Set(change.at()),
        since: Set(had.since.map(instant::stored)),
        newest: Set(had.newest.map(instant::stored)),
        due_at: Set(instant::stored(now)),
        holder: Set(None),
        reserved_until: Set(None),
        begun_at: Set(None),
        ended_at: Set(None),
        succeeded_at: Set(None),
        failures: Set(0),
        problem: Set(None),
        returned: Set(0),
        found: Set(0),
        refused: Set(0),
        contradicting: Set(0),
        undated: Set(0),
    };
    remove(change, platform).await?;
    platform_pull::Entity::insert(row).exec_without_returning(change.connection()).await?;
    alterations::note(change, "platform_pull", &[platform.0.to_string()]).await
}

/// Stops pulling from a platform; returns whether it was pulled from.
pub async fn remove(change: &Change, platform: PlatformId) -> Result<bool, StoreError> {
    let removed = platform_pull::Entity::delete_by_id(platform.0).exec(change.connection()).await?;
    if removed.rows_affected > 0 {
        alterations::note(change, "platform_pull", &[platform.0.to_string()]).await?;
    }
    Ok(removed.rows_affected > 0)
}

/// How far a pull has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Had {
    /// What the source had stored up to this instant has been fetched.
    pub since: Option<DateTime<Utc>>,
    /// When the source stored the newest fetched item.
    pub newest: Option<DateTime<Utc>>,
}

/// What is recorded of a running pull.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    pub had: Had,
    pub brought: Brought,
    /// No other process pulls until this instant.
    pub reserved_until: DateTime<Utc>,
}

/// How a pull ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub had: Had,
    pub brought: Brought,
    pub at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    /// How many times in a row it has failed, this time included.
    pub failures: u32,
    /// Why it failed, if it did.
    pub problem: Option<String>,
}

impl Store {
    /// Reserves a pull, so that no other process pulls from the platform before `until`; `None` if another process has
    /// reserved it.
    pub async fn hold_pull(
        &self,
        platform: PlatformId,
        holder: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Pull>, StoreError> {
        let sql =
            "UPDATE platform_pull SET holder = $1, reserved_until = $2, begun_at = $3, returned = 0, found = 0, refused = 0,
                       contradicting = 0, undated = 0
                   WHERE platform_id = $4 AND (reserved_until IS NULL OR reserved_until < $3)";
        let values = [holder.into(), instant::stored(until).into(), instant::stored(now).into(), platform.0.into()];
        let held = self.write_alone(sql, values).await?;
        if held == 0 { Ok(None) } else { of(&self.writers, platform).await }
    }

    /// Notes how far a pull has come; returns whether the holder still has the reservation.
    pub async fn note_pull(&self, platform: PlatformId, holder: &str, progress: &Progress) -> Result<bool, StoreError> {
        let row = platform_pull::ActiveModel {
            since: Set(progress.had.since.map(instant::stored)),
            newest: Set(progress.had.newest.map(instant::stored)),
            reserved_until: Set(Some(instant::stored(progress.reserved_until))),
            ..counted(progress.brought)
        };
        self.update_reserved(platform, holder, row).await
    }

    /// Notes how a pull ended, and releases it.
    pub async fn end_pull(&self, platform: PlatformId, holder: &str, ended: Ended) -> Result<bool, StoreError> {
        let succeeded = ended.problem.is_none();
        let mut row = platform_pull::ActiveModel {
            since: Set(ended.had.since.map(instant::stored)),
            newest: Set(ended.had.newest.map(instant::stored)),
            due_at: Set(instant::stored(ended.due_at)),
            holder: Set(None),
            reserved_until: Set(None),
            ended_at: Set(Some(instant::stored(ended.at))),
            failures: Set(i64::from(ended.failures)),
            problem: Set(ended.problem),
            ..counted(ended.brought)
        };
        if succeeded {
            row.succeeded_at = Set(Some(instant::stored(ended.at)));
        }
        self.update_reserved(platform, holder, row).await
    }

    /// Releases all pulls of a holder that stops; they are due as before.
    pub async fn release_pulls(&self, holder: &str) -> Result<(), StoreError> {
        use platform_pull::Column;
        let row = platform_pull::ActiveModel { holder: Set(None), reserved_until: Set(None), ..Default::default() };
        let writing = begin_immediate(self).await?;
        let update = platform_pull::Entity::update_many().set(row).filter(Column::Holder.eq(holder));
        update.exec(&writing).await?;
        Ok(writing.commit().await?)
    }

    async fn update_reserved(
        &self,
        platform: PlatformId,
        holder: &str,
        row: platform_pull::ActiveModel,
    ) -> Result<bool, StoreError> {
        use platform_pull::Column;
        let writing = begin_immediate(self).await?;
        let updated = platform_pull::Entity::update_many()
            .set(row)
            .filter(Column::PlatformId.eq(platform.0))
            .filter(Column::Holder.eq(holder))
            .exec(&writing)
            .await?;
        writing.commit().await?;
        Ok(updated.rows_affected > 0)
    }
}

fn counted(brought: Brought) -> platform_pull::ActiveModel {
    let count = |count: u64| Set(i64::try_from(count).unwrap_or(i64::MAX));
    platform_pull::ActiveModel {
        returned: count(brought.returned),
        found: count(brought.found),
        refused: count(brought.refused),
        contradicting: count(brought.contradicting),
        undated: count(brought.undated),
        ..Default::default()
    }
}

/// How many results of a platform arrived only by pulling since an instant: those that it had not sent.
pub async fn found_since(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    since: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) AS found FROM delivery d JOIN event e ON e.delivery_id = d.id
               WHERE d.is_pulled AND d.platform_id = $1 AND d.received_at >= $2 AND NOT e.repeats";
    let values = [platform.0.into(), instant::stored(since).into()];
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    let found: i64 = row.map(|row| row.try_get("", "found")).transpose()?.unwrap_or_default();
    Ok(found.unsigned_abs())
}

/// When the learners of a platform last completed a course, by its reports.
#[derive(Debug, Clone, Default)]
pub struct KnownCompletions(HashMap<Vec<u8>, Vec<DateTime<Utc>>>);

impl KnownCompletions {
    /// Whether a completion of the course need not be recorded: the platform has reported that the same learner
    /// completed it at that instant, or later on the same day in the city's time zone. A platform reports a completion
    /// when it notices it. That is never earlier and may be after midnight: then the days of the completion and the
    /// report differ.
    #[must_use]
    pub fn cover(&self, completion: &ReportedResult, calendar: CityCalendar) -> bool {
        let day = calendar.day_of(completion.occurred_at);
        let known = self.0.get(&fingerprint(&completion.learner));
        known.is_some_and(|known| {
            known.iter().any(|returned| *returned >= completion.occurred_at && calendar.day_of(*returned) == day)
        })
    }
}

/// The known completions of a course on a platform.
pub async fn completions_of(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    course: &CourseId,
) -> Result<KnownCompletions, StoreError> {
    let sql = "SELECT l.fingerprint, e.occurred_at FROM event e JOIN learner l ON l.id = e.learner_id
               WHERE e.course_id = $1 AND e.platform_id = $2 AND e.kind = 'completion' AND NOT e.repeats";
    let values = [course.as_str().into(), platform.0.into()];
    let rows = connection.query_all_raw(statement(connection, sql, values)).await?;
    let mut known: HashMap<Vec<u8>, Vec<DateTime<Utc>>> = HashMap::new();
    for row in &rows {
        let fingerprint: Vec<u8> = row.try_get("", "fingerprint")?;
        known.entry(fingerprint).or_default().push(instant::read(row.try_get("", "occurred_at")?));
    }
    Ok(KnownCompletions(known))
}
