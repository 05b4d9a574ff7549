//! What is observed of a platform: when it sent something, how much of it waits, and how late and how far out of order
//! it arrived.
//!
//! Cheap on millions of deliveries: counts read only an index, the rhythm makes two lookups for each hour, and spreads
//! read the latest deliveries.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult};
use serde::Serialize;

use super::deliveries::last_word;
use super::entities::platform_count;
use super::parsed::parsed;
use super::rows::question::{ids_parameter, is_one_of};
use super::rows::{parameter, row, table};
use super::sql::statement;
use super::{Store, StoreError, instant};
use crate::domain::ids::{PlatformCode, PlatformId};
use crate::domain::platform_health::{ActiveHour, Counted, RHYTHM_WEEKS};
use crate::domain::receiving::{FILE_TYPE, PULLED, SENT};

/// How many of the latest deliveries a spread reads.
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
    /// Adds to the counts. Counts are not facts: no report depends on them, and the transaction-time clock does not
    /// move.
    pub async fn add_counts(&self, counts: &[HourCount]) -> Result<(), StoreError> {
        row! {
            #[derive(Serialize)]
            struct CountRow<'a> {
                code: &'a str,
                hour: i64,
                what: &'static str,
                times: i64,
            }
        }
        if counts.is_empty() {
            return Ok(());
        }
        let rows: Vec<CountRow<'_>> = counts
            .iter()
            .map(|count| CountRow {
                code: count.platform.as_str(),
                hour: instant::stored(count.hour),
                what: count.what.as_str(),
                times: i64::try_from(count.times).unwrap_or(i64::MAX),
            })
            .collect();
        // In a fixed order, so that two processes that add at once do not deadlock.
        let sql = format!(
            "INSERT INTO platform_count (platform_id, hour, what, times)
             SELECT p.id, w.hour, w.what, w.times FROM {} JOIN platform p ON p.code = w.code WHERE TRUE
             ORDER BY p.id, w.hour, w.what
             ON CONFLICT (platform_id, hour, what) DO UPDATE SET times = platform_count.times + excluded.times",
            table::<CountRow<'_>>(&self.writers, 1, "w")
        );
        self.write_alone(&sql, [parameter(&rows)?]).await?;
        Ok(())
    }
}

/// The counts since an instant, by whole hours: the hour that contains the instant is included.
pub async fn counts_since(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    since: DateTime<Utc>,
) -> Result<[u64; 4], StoreError> {
    use platform_count::Column;
    let rows = platform_count::Entity::find()
        .filter(Column::PlatformId.eq(platform.0))
        .filter(Column::Hour.gte(instant::stored(hour_of(since))));
    let mut counts = [0_u64; 4];
    for row in rows.all(connection).await? {
        let place = Counted::parse(&row.what).and_then(|what| Counted::ALL.iter().position(|of| *of == what));
        if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
            *count = count.saturating_add(row.times.unsigned_abs());
        }
    }
    Ok(counts)
}

/// When a platform was added, when it last sent something, and when it last reported a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoke {
    pub platform: PlatformId,
    pub code: PlatformCode,
    pub added_at: DateTime<Utc>,
    pub last_at: Option<DateTime<Utc>>,
    pub last_result_at: Option<DateTime<Utc>>,
    /// Whether it never sent anything by itself, and has been pulled from.
    pub is_only_pulled: bool,
}

/// The id of the first (`MIN`) or last (`MAX`) delivery with a result that arrived in one of two ways. The platform and
/// the way are expressions; `fits` is a condition over `e`. `known_at` is an expression, if the query is about what was
/// known then: results that were reread since are found where they moved to.
fn report(end: &str, (platform, arrived_by): (&str, &str), fits: &str, known_at: Option<&str>) -> String {
    let order = if end == "MIN" { "ASC" } else { "DESC" };
    let from = |table: &str, known: &str| {
        format!(
            "(SELECT e.delivery_id FROM {table} e
              WHERE e.platform_id = {platform} AND e.arrived_by = {arrived_by} AND e.repeats = FALSE AND {fits} {known}
              ORDER BY e.delivery_id {order} LIMIT 1)"
        )
    };
    match known_at {
        None => from("event", ""),
        Some(at) => format!(
            "(SELECT {end}(x.id) FROM (SELECT {} AS id UNION ALL SELECT {} AS id) x)",
            from("event", &format!("AND e.recorded_at <= {at}")),
            from("superseded_event", &format!("AND e.recorded_at <= {at} AND e.superseded_at > {at}"))
        ),
    }
}

/// When each platform last sent something and last reported a result, by code: now, or as known at an instant. A file
/// of its history does not count.
pub async fn spoke(
    connection: &impl ConnectionTrait,
    known_at: Option<DateTime<Utc>>,
) -> Result<Vec<Spoke>, StoreError> {
    let then = known_at.map(|_| "$2");
    let up_to = if known_at.is_some() { " AND d.received_at <= $2" } else { "" };
    let known = if known_at.is_some() { "p.recorded_at <= $2" } else { "1 = 1" };
    let result = |way: &str| {
        let id = report("MAX", ("p.id", &format!("'{way}'")), "1 = 1", then);
        format!("(SELECT d.received_at FROM delivery d WHERE d.id = {id})")
    };
    let sql = format!(
        "SELECT p.id, p.code, p.recorded_at, {} AS sent_at, {} AS pulled_at, {} AS result_sent_at, {} AS result_pulled_at
         FROM platform p WHERE {known} ORDER BY p.code",
        last_word(&format!("NOT d.is_pulled{up_to}"), "$1"),
        last_word(&format!("d.is_pulled{up_to}"), "$1"),
        result(SENT),
        result(PULLED),
    );
    let spoke = |row: &QueryResult| -> Result<Spoke, StoreError> {
        let code: String = row.try_get("", "code")?;
        let (sent, pulled): (Option<i64>, Option<i64>) = (row.try_get("", "sent_at")?, row.try_get("", "pulled_at")?);
        let is_only_pulled = sent.is_none() && pulled.is_some();
        let result = if is_only_pulled { "result_pulled_at" } else { "result_sent_at" };
        let last_result: Option<i64> = row.try_get("", result)?;
        Ok(Spoke {
            platform: PlatformId(row.try_get("", "id")?),
            code: parsed(PlatformCode::parse(&code), "platform", "code")?,
            added_at: instant::read(row.try_get("", "recorded_at")?),
            last_at: sent.or(pulled).map(instant::read),
            last_result_at: last_result.map(instant::read),
            is_only_pulled,
        })
    };
    let mut values = vec![sea_orm::Value::from(FILE_TYPE)];
    values.extend(known_at.map(|at| sea_orm::Value::from(instant::stored(at))));
    connection.query_all_raw(statement(connection, &sql, values)).await?.iter().map(spoke).collect()
}

/// The data from which a rhythm is learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// All arrivals.
    OfAnything,
    /// Arrivals of results, as they are known now or were known at an instant.
    OfResults { known_at: Option<DateTime<Utc>> },
}

/// The first and last arrival of each hour of the last weeks in which something arrived. The arrivals were sent by the
/// platform, or pulled if it is only pulled from.
pub async fn active_hours(
    connection: &impl ConnectionTrait,
    spoke: &Spoke,
    arrivals: Arrivals,
    now: DateTime<Utc>,
) -> Result<Vec<ActiveHour>, StoreError> {
    row! {
        #[derive(Serialize)]
        struct Hour {
            begins: i64,
        }
    }
    let this = hour_of(now);
    let hours = (0..=RHYTHM_WEEKS * 7 * 24).rev();
    let hours: Vec<Hour> =
        hours.map(|ago| Hour { begins: instant::stored(this - HOUR * i32::try_from(ago).unwrap_or(0)) }).collect();
    let length = HOUR.num_microseconds().unwrap_or_default();
    let within = |what: &str, order: &str| {
        format!(
            "(SELECT {what} FROM delivery d
              WHERE d.platform_id = $2 AND d.received_at >= w.begins AND d.received_at < w.begins + {length}
                  AND d.content_type <> $3 AND d.is_pulled = $4
              ORDER BY d.received_at {order} LIMIT 1)"
        )
    };
    // Ids and instants of deliveries increase together, so the hour's results are those between its first and last
    // delivery.
    let result = |end: &str, known_at: Option<&str>| {
        let (first, last) = (within("d.id", "ASC"), within("d.id", "DESC"));
        let fits = format!("e.delivery_id >= {first} AND e.delivery_id <= {last}");
        let id = report(end, ("$2", "$5"), &fits, known_at);
        format!("(SELECT d.received_at FROM delivery d WHERE d.id = {id})")
    };
    let by_pulling = spoke.is_only_pulled;
    let mut values =
        vec![parameter(&hours)?, spoke.platform.0.into(), sea_orm::Value::from(FILE_TYPE), by_pulling.into()];
    let (first, last) = match arrivals {
        Arrivals::OfAnything => (within("d.received_at", "ASC"), within("d.received_at", "DESC")),
        Arrivals::OfResults { known_at } => {
            let then = known_at.map(|_| "$6");
            values.push(sea_orm::Value::from(if by_pulling { PULLED } else { SENT }));
            values.extend(known_at.map(|at| sea_orm::Value::from(instant::stored(at))));
            (result("MIN", then), result("MAX", then))
        }
    };
    let sql = format!(
        "SELECT {first} AS first_at, {last} AS last_at FROM {} ORDER BY w.begins",
        table::<Hour>(connection, 1, "w")
    );
    let mut active = Vec::new();
    for row in connection.query_all_raw(statement(connection, &sql, values)).await? {
        let (first, last): (Option<i64>, Option<i64>) = (row.try_get("", "first_at")?, row.try_get("", "last_at")?);
        if let Some((first, last)) = first.zip(last) {
            active.push(ActiveHour { first: instant::read(first), last: instant::read(last) });
        }
    }
    Ok(active)
}

/// How many deliveries arrived since an instant, and how many of them wait in quarantine now.
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
    let values = [platform.0.into(), instant::stored(since).into()];
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
    /// What was verified in addition to the body, as JSON.
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
    let values = [platform.0.into(), instant::stored(since).into(), FILE_TYPE.into(), SAMPLE.into()];
    let latest = |row: &QueryResult| -> Result<LatestDelivery, StoreError> {
        Ok(LatestDelivery {
            id: row.try_get("", "id")?,
            received_at: instant::read(row.try_get("", "received_at")?),
            headers: row.try_get("", "headers")?,
        })
    };
    connection.query_all_raw(statement(connection, sql, values)).await?.iter().map(latest).collect()
}

/// When the events of some deliveries happened, in the order in which they arrived; without repeats.
pub async fn occurred_in(
    connection: &impl ConnectionTrait,
    deliveries: &[LatestDelivery],
) -> Result<Vec<DateTime<Utc>>, StoreError> {
    let among = is_one_of(connection, "e.delivery_id");
    let sql = format!("SELECT e.occurred_at FROM event e WHERE {among} AND NOT e.repeats ORDER BY e.id");
    let rows = connection
        .query_all_raw(statement(connection, &sql, [ids_parameter(deliveries.iter().map(|delivery| delivery.id))?]))
        .await?;
    rows.iter().map(|row| Ok(instant::read(row.try_get("", "occurred_at")?))).collect()
}
