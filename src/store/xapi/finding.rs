//! Finds statements by what they say, page by page.
//!
//! A page costs what is on it, however many statements there are. The rarest of the requested terms leads, newest or
//! oldest first; the other terms are looked up for each statement that it gives.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use super::TermDigest;
use super::bodies::Place;
use crate::domain::ids::PlatformId;
use crate::store::rows::question::find;
use crate::store::rows::{Bytes, row, selected};
use crate::store::sql::statement;
use crate::store::{StoreError, instant};

/// How many statements of a term are counted to see whether it is rarer than another.
const COUNTED: i64 = 2_000;

/// Which statements to find.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub platform: PlatformId,
    /// All of them must match.
    pub terms: Vec<TermDigest>,
    /// Stored later than this.
    pub since: Option<DateTime<Utc>>,
    /// Stored at this or before.
    pub until: Option<DateTime<Utc>>,
    pub ascending: bool,
    /// The last one that was seen; the page starts after it, in the order.
    pub after: Option<i64>,
    pub at_most: u64,
}

/// A stored statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Greater for statements that were stored later.
    pub id: i64,
    pub statement_id: Uuid,
    pub place: Place,
    pub stored_at: DateTime<Utc>,
    /// Its own time; `None` if it gives none.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The headers of the delivery that contains it.
    pub headers: String,
}

row! {
    /// A statement `s` with its delivery `d`.
    #[derive(Debug, FromQueryResult)]
    struct FoundRow {
        id: i64,
        statement_id: Bytes,
        delivery_id: i64,
        body_offset: i64,
        body_length: i64,
        stored_at: i64,
        occurred_at: Option<i64>,
        headers: String = "d.headers",
    }
}

/// The condition that a statement is not voided. A statement that voids another cannot be voided (Data 2.3.2).
///
/// Not EXISTS: for that, PostgreSQL first lists all voided statements, and reads every statement for it. A subquery
/// with a limit runs for each statement of the page.
const NOT_VOIDED: &str = "(s.voids OR (SELECT v.id FROM statement v
    WHERE v.refers_to = s.statement_id AND v.platform_id = s.platform_id AND v.voids LIMIT 1) IS NULL)";

fn found(row: FoundRow) -> Result<Found, StoreError> {
    let unreadable = |column| StoreError::Unreadable { table: "statement", column };
    Ok(Found {
        id: row.id,
        statement_id: Uuid::from_slice(&row.statement_id.0).map_err(|_| unreadable("statement_id"))?,
        place: Place {
            delivery: row.delivery_id,
            offset: usize::try_from(row.body_offset).map_err(|_| unreadable("body_offset"))?,
            length: usize::try_from(row.body_length).map_err(|_| unreadable("body_length"))?,
        },
        stored_at: instant::read(row.stored_at),
        occurred_at: row.occurred_at.map(instant::read),
        headers: row.headers,
    })
}

/// One statement; `voided`: whether to find a voided one, or one that is not voided.
pub async fn by_id(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    id: Uuid,
    voided: bool,
) -> Result<Option<Found>, StoreError> {
    let columns = selected::<FoundRow>("s");
    let not = if voided { "NOT " } else { "" };
    let sql = format!(
        "SELECT {columns} FROM statement s JOIN delivery d ON d.id = s.delivery_id
         WHERE s.statement_id = $1 AND s.platform_id = $2 AND {not}{NOT_VOIDED}"
    );
    let values: [Value; 2] = [id.as_bytes().to_vec().into(), platform.0.into()];
    find(connection, &sql, values).await?.into_iter().next().map(found).transpose()
}

/// A page of statements, in the order in which they were stored or its reverse.
pub async fn page(connection: &impl ConnectionTrait, wanted: &Wanted) -> Result<Vec<Found>, StoreError> {
    let Some(range) = range(connection, wanted).await? else { return Ok(Vec::new()) };
    let terms = rarest_first(connection, &wanted.terms).await?;
    let (order, at_most) = (if wanted.ascending { "ASC" } else { "DESC" }, wanted.at_most);
    let columns = selected::<FoundRow>("s");
    let bounds: [Value; 2] = [range.first.into(), range.last.into()];
    let (sql, values) = match terms.split_first() {
        None => {
            let sql = format!(
                "SELECT {columns} FROM statement s JOIN delivery d ON d.id = s.delivery_id
                 WHERE s.platform_id = $3 AND s.stored_at >= $4 AND s.stored_at <= $5 AND s.id >= $1 AND s.id <= $2
                       AND {NOT_VOIDED}
                 ORDER BY s.stored_at {order}, s.id {order} LIMIT {at_most}"
            );
            let others = [wanted.platform.0, range.stored_from, range.stored_until].map(Value::from);
            (sql, bounds.into_iter().chain(others).collect::<Vec<Value>>())
        }
        Some((leading, others)) => {
            let all: String = (0..others.len())
                .map(|place| {
                    let number = place + 4;
                    format!(
                        " AND (SELECT o.term FROM statement_term o WHERE o.term = ${number} AND o.statement = t.statement) IS NOT NULL"
                    )
                })
                .collect();
            let sql = format!(
                "SELECT {columns} FROM statement_term t
                 JOIN statement s ON s.id = t.statement JOIN delivery d ON d.id = s.delivery_id
                 WHERE t.term = $3 AND t.statement >= $1 AND t.statement <= $2{all} AND {NOT_VOIDED}
                 ORDER BY t.statement {order} LIMIT {at_most}"
            );
            let terms = std::iter::once(leading).chain(others).map(|term| Value::from(term.0));
            (sql, bounds.into_iter().chain(terms).collect())
        }
    };
    find(connection, &sql, values).await?.into_iter().map(found).collect()
}

/// The ids between which a page lies, and the instants at which these were stored.
struct Range {
    first: i64,
    last: i64,
    stored_from: i64,
    stored_until: i64,
}

/// `None` if no id can be between them.
async fn range(connection: &impl ConnectionTrait, wanted: &Wanted) -> Result<Option<Range>, StoreError> {
    let mut range = Range { first: 0, last: i64::MAX, stored_from: 0, stored_until: i64::MAX };
    if let Some(since) = wanted.since {
        let sql = "SELECT id FROM statement WHERE platform_id = $1 AND stored_at > $2 ORDER BY stored_at, id LIMIT 1";
        match edge(connection, sql, wanted.platform, since).await? {
            Some(first) => (range.first, range.stored_from) = (first, instant::stored(since)),
            None => return Ok(None),
        }
    }
    if let Some(until) = wanted.until {
        let sql = "SELECT id FROM statement WHERE platform_id = $1 AND stored_at <= $2
                   ORDER BY stored_at DESC, id DESC LIMIT 1";
        match edge(connection, sql, wanted.platform, until).await? {
            Some(last) => (range.last, range.stored_until) = (last, instant::stored(until)),
            None => return Ok(None),
        }
    }
    if let Some(after) = wanted.after {
        let row = connection
            .query_one_raw(statement(connection, "SELECT stored_at FROM statement WHERE id = $1", [after.into()]))
            .await?;
        let Some(row) = row else { return Ok(None) };
        let stored_at: i64 = row.try_get("", "stored_at")?;
        if wanted.ascending {
            range.first = range.first.max(after.saturating_add(1));
            range.stored_from = range.stored_from.max(stored_at);
        } else {
            range.last = range.last.min(after.saturating_sub(1));
            range.stored_until = range.stored_until.min(stored_at);
        }
    }
    Ok((range.first <= range.last).then_some(range))
}

async fn edge(
    connection: &impl ConnectionTrait,
    sql: &str,
    platform: PlatformId,
    at: DateTime<Utc>,
) -> Result<Option<i64>, StoreError> {
    let values: [Value; 2] = [platform.0.into(), instant::stored(at).into()];
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    Ok(row.map(|row| row.try_get("", "id")).transpose()?)
}

/// The terms, the rarest first, as far as a short count shows.
async fn rarest_first(connection: &impl ConnectionTrait, terms: &[TermDigest]) -> Result<Vec<TermDigest>, StoreError> {
    if terms.len() < 2 {
        return Ok(terms.to_vec());
    }
    let mut counted = Vec::with_capacity(terms.len());
    for term in terms {
        let sql = "SELECT COUNT(*) AS few FROM (SELECT 1 FROM statement_term WHERE term = $1 LIMIT $2) AS counted";
        let values: [Value; 2] = [term.0.into(), COUNTED.into()];
        let row = connection.query_one_raw(statement(connection, sql, values)).await?;
        let few: i64 = row.map(|row| row.try_get("", "few")).transpose()?.unwrap_or_default();
        counted.push((few, *term));
    }
    counted.sort_by_key(|(few, _)| *few);
    Ok(counted.into_iter().map(|(_, term)| term).collect())
}
