//! Deliveries in quarantine: finds them by platform and problem, groups them, and dismisses them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, Set, SqlErr, Value};

use super::act::Scope;
use super::clock::Change;
use super::entities::{quarantine_dismissal, quarantine_taking};
use super::parsed::parsed;
use super::sql::{placeholders, statement};
use super::{StoreError, instant};
use crate::domain::ids::{EventId, PlatformCode, PlatformId};
use crate::domain::quarantine::{ANYTHING, Group};

/// Which waiting deliveries to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuarantineFilter {
    pub platform: Option<PlatformId>,
    /// A problem in which [`ANYTHING`] matches any text.
    pub problem: Option<String>,
    /// Received at this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Those that were dismissed, instead of the others.
    pub dismissed: bool,
}

/// A waiting delivery, with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub id: i64,
    pub platform: PlatformId,
    pub key: EventId,
    pub content_type: String,
    /// What was verified in addition to the body, as JSON.
    pub headers: String,
    pub body: Vec<u8>,
    /// The place of the problem in the body (RFC 6901).
    pub pointer: String,
    pub problem: String,
    pub received_at: DateTime<Utc>,
    pub dismissal: Option<Dismissal>,
}

/// Why a delivery needs no more attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dismissal {
    pub reason: String,
    pub by: String,
    pub at: DateTime<Utc>,
}

/// Where a page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The newest first, before an id.
    Before(Option<i64>),
    /// The oldest first, after an id.
    After(i64),
}

/// Written exactly as in the partial index, which is used only if the statement contains the index's condition.
const WAITING: &str = "d.outcome = 'quarantined'";

/// The conditions of a filter, and their values from `$1` on.
fn conditions(filter: &QuarantineFilter) -> (Vec<String>, Vec<Value>) {
    let (mut conditions, mut values): (Vec<String>, Vec<Value>) = (vec![WAITING.to_owned()], Vec::new());
    let mut add = |condition: &str, value: Value| {
        values.push(value);
        conditions.push(condition.replace("{}", &format!("${}", values.len())));
    };
    if let Some(platform) = filter.platform {
        add("d.platform_id = {}", platform.0.into());
    }
    if let Some(problem) = &filter.problem {
        add("d.problem LIKE {} ESCAPE '\\'", pattern(problem).into());
    }
    if let Some(since) = filter.since {
        add("d.received_at >= {}", instant::stored(since).into());
    }
    conditions.push(if filter.dismissed { "x.id IS NOT NULL" } else { "x.id IS NULL" }.to_owned());
    (conditions, values)
}

/// A problem as a pattern for SQL's `LIKE`.
fn pattern(problem: &str) -> String {
    let mut pattern = String::with_capacity(problem.len());
    for c in problem.chars() {
        match c {
            ANYTHING => pattern.push('%'),
            '%' | '_' | '\\' => pattern.extend(['\\', c]),
            _ => pattern.push(c),
        }
    }
    pattern
}

const DISMISSAL: &str = "LEFT JOIN quarantine_dismissal x ON x.delivery_id = d.id AND x.superseded_at IS NULL";

/// A page of waiting deliveries.
pub async fn page(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    filter: &QuarantineFilter,
    from: From,
    at_most: u64,
) -> Result<Vec<Waiting>, StoreError> {
    if !scope.is_all() {
        return Ok(Vec::new());
    }
    let (mut conditions, mut values) = conditions(filter);
    let order = match from {
        From::Before(None) => "DESC",
        From::Before(Some(id)) => {
            values.push(id.into());
            conditions.push(format!("d.id < ${}", values.len()));
            "DESC"
        }
        From::After(id) => {
            values.push(id.into());
            conditions.push(format!("d.id > ${}", values.len()));
            "ASC"
        }
    };
    values.push(i64::try_from(at_most).unwrap_or(i64::MAX).into());
    let sql =
        format!("{} WHERE {} ORDER BY d.id {order} LIMIT ${}", selected(), conditions.join(" AND "), values.len());
    let rows = connection.query_all_raw(statement(connection, &sql, values)).await?;
    rows.iter().map(waiting).collect()
}

/// The waiting ones among some deliveries, dismissed or not, by id.
pub async fn by_ids(connection: &impl ConnectionTrait, ids: &[i64]) -> Result<Vec<Waiting>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("{} WHERE {WAITING} AND d.id IN ({}) ORDER BY d.id", selected(), placeholders(1, ids.len()));
    let values = ids.iter().map(|id| Value::from(*id));
    let rows = connection.query_all_raw(statement(connection, &sql, values)).await?;
    rows.iter().map(waiting).collect()
}

/// The ids among some that wait.
pub async fn waiting_among(connection: &impl ConnectionTrait, ids: &[i64]) -> Result<BTreeSet<i64>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sql = format!("SELECT d.id FROM delivery d WHERE {WAITING} AND d.id IN ({})", placeholders(1, ids.len()));
    let values = ids.iter().map(|id| Value::from(*id));
    let rows = connection.query_all_raw(statement(connection, &sql, values)).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

fn selected() -> String {
    format!(
        "SELECT d.id, d.platform_id, d.delivery_key, d.content_type, d.headers, d.body, d.problem, d.problem_pointer,
                d.received_at, x.reason, x.dismissed_by, x.recorded_at AS dismissed_at
         FROM delivery d {DISMISSAL}"
    )
}

fn waiting(row: &QueryResult) -> Result<Waiting, StoreError> {
    let key: String = row.try_get("", "delivery_key")?;
    let (reason, by): (Option<String>, Option<String>) = (row.try_get("", "reason")?, row.try_get("", "dismissed_by")?);
    let at: Option<i64> = row.try_get("", "dismissed_at")?;
    let text = |column: &str| -> Result<String, StoreError> {
        Ok(row.try_get::<Option<String>>("", column)?.unwrap_or_default())
    };
    Ok(Waiting {
        id: row.try_get("", "id")?,
        platform: PlatformId(row.try_get("", "platform_id")?),
        key: parsed(EventId::parse(&key), "delivery", "delivery_key")?,
        content_type: row.try_get("", "content_type")?,
        headers: row.try_get("", "headers")?,
        body: row.try_get("", "body")?,
        pointer: text("problem_pointer")?,
        problem: text("problem")?,
        received_at: instant::read(row.try_get("", "received_at")?),
        dismissal: reason.zip(by).zip(at).map(|((reason, by), at)| Dismissal { reason, by, at: instant::read(at) }),
    })
}

/// How many deliveries wait.
pub async fn count(connection: &impl ConnectionTrait, filter: &QuarantineFilter) -> Result<u64, StoreError> {
    let (conditions, values) = conditions(filter);
    let sql = format!("SELECT COUNT(*) AS waiting FROM delivery d {DISMISSAL} WHERE {}", conditions.join(" AND "));
    let row = connection.query_one_raw(statement(connection, &sql, values)).await?;
    let count: i64 = row.map(|row| row.try_get("", "waiting")).transpose()?.unwrap_or_default();
    Ok(count.unsigned_abs())
}

/// The waiting deliveries, grouped by platform, place and the exact text of the problem.
pub async fn groups(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    filter: &QuarantineFilter,
) -> Result<Vec<Group>, StoreError> {
    if !scope.is_all() {
        return Ok(Vec::new());
    }
    let (conditions, values) = conditions(filter);
    let sql = format!(
        "SELECT p.code, w.problem, w.problem_pointer, w.deliveries, w.oldest, w.newest, w.example
         FROM (SELECT d.platform_id, d.problem, d.problem_pointer, COUNT(*) AS deliveries,
                      MIN(d.received_at) AS oldest, MAX(d.received_at) AS newest, MAX(d.id) AS example
               FROM delivery d {DISMISSAL} WHERE {}
               GROUP BY d.platform_id, d.problem, d.problem_pointer) w
         JOIN platform p ON p.id = w.platform_id",
        conditions.join(" AND ")
    );
    let group = |row: &QueryResult| -> Result<Group, StoreError> {
        let code: String = row.try_get("", "code")?;
        let deliveries: i64 = row.try_get("", "deliveries")?;
        Ok(Group {
            platform: parsed(PlatformCode::parse(&code), "platform", "code")?,
            pointer: row.try_get::<Option<String>>("", "problem_pointer")?.unwrap_or_default(),
            problem: row.try_get::<Option<String>>("", "problem")?.unwrap_or_default(),
            deliveries: deliveries.unsigned_abs(),
            oldest: instant::read(row.try_get("", "oldest")?),
            newest: instant::read(row.try_get("", "newest")?),
            example: row.try_get("", "example")?,
        })
    };
    connection.query_all_raw(statement(connection, &sql, values)).await?.iter().map(group).collect()
}

/// Dismisses a delivery; returns false if it was dismissed before.
pub async fn dismiss(change: &Change, delivery: i64, reason: &str, by: &str) -> Result<bool, StoreError> {
    let row = quarantine_dismissal::ActiveModel {
        delivery_id: Set(delivery),
        reason: Set(reason.to_owned()),
        dismissed_by: Set(by.to_owned()),
        recorded_at: Set(change.at()),
        superseded_at: Set(None),
        ..Default::default()
    };
    match quarantine_dismissal::Entity::insert(row).exec_without_returning(change.connection()).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Undoes a dismissal; returns false if there was none.
pub async fn undo_dismissal(change: &Change, delivery: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE quarantine_dismissal SET superseded_at = $1 WHERE delivery_id = $2 AND superseded_at IS NULL";
    let connection = change.connection();
    let done = connection.execute_raw(statement(connection, sql, [change.at().into(), delivery.into()])).await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that parts of a delivery were taken out of quarantine, by their places in its body.
pub async fn note_taken(change: &Change, delivery: i64, pointers: &[String], by: &str) -> Result<(), StoreError> {
    for pointer in pointers {
        let row = quarantine_taking::ActiveModel {
            delivery_id: Set(delivery),
            pointer: Set(pointer.clone()),
            taken_by: Set(by.to_owned()),
            recorded_at: Set(change.at()),
            ..Default::default()
        };
        quarantine_taking::Entity::insert(row).exec_without_returning(change.connection()).await?;
    }
    Ok(())
}

/// The parts of a delivery that were taken out of quarantine, by their places in its body.
pub async fn taken_of(connection: &impl ConnectionTrait, delivery: i64) -> Result<BTreeSet<String>, StoreError> {
    let rows = quarantine_taking::Entity::find()
        .filter(quarantine_taking::Column::DeliveryId.eq(delivery))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| row.pointer).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_of_a_problem_is_any_text_and_nothing_else_is() {
        assert_eq!(pattern(r"line …, 100% of a\b_c"), r"line %, 100\% of a\\b\_c");
    }
}
