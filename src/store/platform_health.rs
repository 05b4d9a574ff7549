//! What is observed of a platform: when it spoke, how much of it waits, how late and how far out of order it came.
//!
//! Cheap on millions of deliveries: counts read an index alone, the rhythm asks twice for each hour, and spreads look at the
//! latest deliveries.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult};
use serde::Serialize;

use super::deliveries::last_word;
use super::entities::platform_count;
use super::people::parsed;
use super::receiving::file::FILE_TYPE;
use super::rows::statement;
use super::rows_of_json::{self, Column, Kind, is_one_of};
use super::{Store, StoreError, instant};
use crate::domain::ids::{PlatformCode, PlatformId};
use crate::domain::platform_health::{ActiveHour, Counted, RHYTHM_WEEKS};

/// How many of the latest deliveries a spread looks at.
pub const SAMPLE: i64 = 1000;

const HOUR: TimeDelta = TimeDelta::hours(1);

/// How many times something that leaves no row happened to a platform within the hour that begins at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourCount {
    pub platform: PlatformCode,
    pub hour: DateTime<Utc>,
    pub what: Counted,
    pub times: u64,
}

/// The beginning of an instant's hour.
#[must_use]
pub fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = at.timestamp();
    DateTime::from_timestamp(seconds - seconds.rem_euclid(3600), 0).unwrap_or(at)
}

impl Store {
    /// Adds to what was counted. Counts are no facts: no report rests on them, and the clock of knowledge does not move.
    pub async fn add_counts(&self, counts: &[HourCount]) -> Result<(), StoreError> {
        #[derive(Serialize)]
        struct Row<'a> {
            code: &'a str,
            hour: i64,
            what: &'static str,
            times: i64,
        }
        const ROW: &[Column] =
            &[("code", Kind::Text), ("hour", Kind::Integer), ("what", Kind::Text), ("times", Kind::Integer)];
        if counts.is_empty() {
            return Ok(());
        }
        let rows: Vec<Row<'_>> = counts
            .iter()
            .map(|count| Row {
                code: count.platform.as_str(),
                hour: instant::kept(count.hour),
                what: count.what.as_str(),
                times: i64::try_from(count.times).unwrap_or(i64::MAX),
            })
            .collect();
        // In one order, so that two processes that add at once do not wait for each other in a ring.
        let sql = format!(
            "INSERT INTO platform_count (platform_id, hour, what, times)
             SELECT p.id, w.hour, w.what, w.times FROM {} JOIN platform p ON p.code = w.code WHERE TRUE
             ORDER BY p.id, w.hour, w.what
             ON CONFLICT (platform_id, hour, what) DO UPDATE SET times = platform_count.times + excluded.times",
            rows_of_json::table(&self.writers, 1, "w", ROW)
        );
        let rows = rows_of_json::parameter(&rows)?;
        self.write_alone(&sql, [rows]).await?;
        Ok(())
    }
}

/// How many of each since an instant, as far as hours tell: the hour in which it lies is among them.
pub async fn counts_since(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    since: DateTime<Utc>,
) -> Result<[u64; 4], StoreError> {
    use platform_count::Column;
    let rows = platform_count::Entity::find()
        .filter(Column::PlatformId.eq(platform.0))
        .filter(Column::Hour.gte(instant::kept(hour_of(since))));
    let mut counts = [0_u64; 4];
    for row in rows.all(connection).await? {
        let place = Counted::parse(&row.what).and_then(|what| Counted::ALL.iter().position(|of| *of == what));
        if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
            *count = count.saturating_add(row.times.unsigned_abs());
        }
    }
    Ok(counts)
}

/// When a platform was added, and when it last spoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoke {
    pub platform: PlatformId,
    pub code: PlatformCode,
    pub added_at: DateTime<Utc>,
    pub last_at: Option<DateTime<Utc>>,
    /// Whether it never sent anything by itself, and has been asked.
    pub is_only_asked: bool,
}

/// When each platform last spoke, by code. A file of its history is no word of the platform's.
pub async fn spoke(connection: &impl ConnectionTrait) -> Result<Vec<Spoke>, StoreError> {
    let sql = format!(
        "SELECT p.id, p.code, p.recorded_at, {} AS sent_at, {} AS pulled_at FROM platform p ORDER BY p.code",
        last_word("NOT d.is_pulled", "$1"),
        last_word("d.is_pulled", "$1")
    );
    let spoke = |row: &QueryResult| -> Result<Spoke, StoreError> {
        let code: String = row.try_get("", "code")?;
        let (sent, pulled): (Option<i64>, Option<i64>) = (row.try_get("", "sent_at")?, row.try_get("", "pulled_at")?);
        Ok(Spoke {
            platform: PlatformId(row.try_get("", "id")?),
            code: parsed(PlatformCode::parse(&code), "platform", "code")?,
            added_at: instant::read(row.try_get("", "recorded_at")?),
            last_at: sent.or(pulled).map(instant::read),
            is_only_asked: sent.is_none() && pulled.is_some(),
        })
    };
    connection.query_all_raw(statement(connection, &sql, [FILE_TYPE.into()])).await?.iter().map(spoke).collect()
}

/// The first and last arrival of each hour of the last weeks in which something came by the platform's own doing, or by
/// asking.
pub async fn active_hours(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    by_asking: bool,
    now: DateTime<Utc>,
) -> Result<Vec<ActiveHour>, StoreError> {
    #[derive(Serialize)]
    struct Hour {
        begins: i64,
    }
    const HOURS: &[Column] = &[("begins", Kind::Integer)];
    let this = hour_of(now);
    let hours = (0..=RHYTHM_WEEKS * 7 * 24).rev();
    let hours: Vec<Hour> =
        hours.map(|ago| Hour { begins: instant::kept(this - HOUR * i32::try_from(ago).unwrap_or(0)) }).collect();
    let length = HOUR.num_microseconds().unwrap_or_default();
    let arrival = |order: &str| {
        format!(
            "(SELECT d.received_at FROM delivery d
              WHERE d.platform_id = $2 AND d.received_at >= w.begins AND d.received_at < w.begins + {length}
                  AND d.content_type <> $3 AND d.is_pulled = $4
              ORDER BY d.received_at {order} LIMIT 1)"
        )
    };
    let sql = format!(
        "SELECT {} AS first_at, {} AS last_at FROM {} ORDER BY w.begins",
        arrival("ASC"),
        arrival("DESC"),
        rows_of_json::table(connection, 1, "w", HOURS)
    );
    let values = [rows_of_json::parameter(&hours)?, platform.0.into(), FILE_TYPE.into(), by_asking.into()];
    let mut active = Vec::new();
    for row in connection.query_all_raw(statement(connection, &sql, values)).await? {
        let (first, last): (Option<i64>, Option<i64>) = (row.try_get("", "first_at")?, row.try_get("", "last_at")?);
        if let Some((first, last)) = first.zip(last) {
            active.push(ActiveHour { first: instant::read(first), last: instant::read(last) });
        }
    }
    Ok(active)
}

/// How many deliveries came since an instant, and how many of them wait in quarantine now.
pub async fn deliveries_since(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    since: DateTime<Utc>,
) -> Result<(u64, u64), StoreError> {
    let sql = "SELECT (SELECT COUNT(*) FROM delivery d WHERE d.platform_id = $1 AND d.received_at >= $2) AS deliveries,
                      (SELECT COUNT(*) FROM delivery d
                       LEFT JOIN quarantine_dismissal x ON x.delivery_id = d.id AND x.superseded_at IS NULL
                       WHERE d.outcome = 'quarantined' AND d.platform_id = $1 AND d.received_at >= $2
                           AND x.id IS NULL) AS quarantined";
    let values = [platform.0.into(), instant::kept(since).into()];
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    let row = row.ok_or(StoreError::Unreadable { table: "delivery", column: "received_at" })?;
    let (deliveries, quarantined): (i64, i64) = (row.try_get("", "deliveries")?, row.try_get("", "quarantined")?);
    Ok((deliveries.unsigned_abs(), quarantined.unsigned_abs()))
}

/// One of the latest deliveries of a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatestDelivery {
    pub id: i64,
    pub received_at: DateTime<Utc>,
    /// What was verified beside the body, as JSON.
    pub headers: String,
}

/// The latest deliveries since an instant, newest first, at most [`SAMPLE`].
pub async fn latest(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    since: DateTime<Utc>,
) -> Result<Vec<LatestDelivery>, StoreError> {
    let sql = "SELECT d.id, d.received_at, d.headers FROM delivery d
               WHERE d.platform_id = $1 AND d.received_at >= $2 AND d.content_type <> $3
               ORDER BY d.received_at DESC LIMIT $4";
    let values = [platform.0.into(), instant::kept(since).into(), FILE_TYPE.into(), SAMPLE.into()];
    let latest = |row: &QueryResult| -> Result<LatestDelivery, StoreError> {
        Ok(LatestDelivery {
            id: row.try_get("", "id")?,
            received_at: instant::read(row.try_get("", "received_at")?),
            headers: row.try_get("", "headers")?,
        })
    };
    connection.query_all_raw(statement(connection, sql, values)).await?.iter().map(latest).collect()
}

/// When the events of some deliveries happened, in the order in which they came; the same thing told twice once.
pub async fn occurred_in(
    connection: &impl ConnectionTrait,
    deliveries: &[LatestDelivery],
) -> Result<Vec<DateTime<Utc>>, StoreError> {
    #[derive(Serialize)]
    struct Asked {
        id: i64,
    }
    const ASKED: &[Column] = &[("id", Kind::Integer)];
    let asked: Vec<Asked> = deliveries.iter().map(|delivery| Asked { id: delivery.id }).collect();
    let among = is_one_of(connection, "e.delivery_id", ASKED);
    let sql = format!("SELECT e.occurred_at FROM event e WHERE {among} AND NOT e.repeats ORDER BY e.id");
    let rows = connection.query_all_raw(statement(connection, &sql, [rows_of_json::parameter(&asked)?])).await?;
    rows.iter().map(|row| Ok(instant::read(row.try_get("", "occurred_at")?))).collect()
}
