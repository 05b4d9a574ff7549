//! What is kept of deliveries, for comparing it with what their bytes say.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::Serialize;
use uuid::Uuid;

use super::known::{Told, fingerprint};
use super::statements::{Deed, NewAttachment, NewStatement};
use crate::domain::ids::{EventId, PlatformId};
use crate::domain::training::ReportedResult;
use crate::store::chain::checking::Scope;
use crate::store::people::parsed;
use crate::store::rows::statement;
use crate::store::rows_of_json::{self, Bytes, Column, Kind, each, is_one_of};
use crate::store::{StoreError, instant};

/// How many rows of an id block belong to one part of a verification.
pub const BLOCK: i64 = 1000;

/// The most bytes of bodies that are read at a time, but for one that has more by itself.
const BYTES_AT_ONCE: i64 = 8 * 1024 * 1024;

/// A kept delivery, with its bytes.
#[derive(Debug, Clone)]
pub struct KeptBytes {
    pub id: i64,
    pub platform: PlatformId,
    pub key: EventId,
    pub content_type: String,
    pub headers: String,
    pub body: Vec<u8>,
    pub is_quarantined: bool,
    pub is_pulled: bool,
    pub received_at: DateTime<Utc>,
    pub released_at: Option<DateTime<Utc>>,
}

/// Deliveries that follow one, oldest first, as many as are not too much at once; and the id of the last that was looked at.
pub async fn deliveries_after(
    connection: &impl ConnectionTrait,
    after: i64,
    at_most: u64,
    scope: Scope,
) -> Result<(Vec<KeptBytes>, Option<i64>), StoreError> {
    let sql = format!(
        "SELECT d.id AS id, CAST(LENGTH(d.body) AS BIGINT) AS length FROM delivery d WHERE d.id > $1 AND {}
         ORDER BY d.id LIMIT {at_most}",
        in_scope("d.id", scope)
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [after.into()])).await?;
    let (mut bytes, mut ids) = (0_i64, Vec::new());
    for row in &rows {
        let (id, length): (i64, i64) = (row.try_get("", "id")?, row.try_get("", "length")?);
        bytes = bytes.saturating_add(length);
        if bytes > BYTES_AT_ONCE && !ids.is_empty() {
            break;
        }
        ids.push(id);
    }
    let last = ids.last().copied();
    let sql = format!(
        "SELECT d.id AS id, d.platform_id AS platform_id, d.delivery_key AS delivery_key, d.content_type AS content_type,
                d.headers AS headers, d.body AS body, d.outcome AS outcome, d.is_pulled AS is_pulled,
                d.received_at AS received_at, d.released_at AS released_at
         FROM delivery d WHERE {} ORDER BY d.id",
        is_one_of(connection, "d.id", ID)
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [ids_parameter(&ids)?])).await?;
    let kept = |row: &QueryResult| -> Result<KeptBytes, StoreError> {
        let key: String = row.try_get("", "delivery_key")?;
        let outcome: String = row.try_get("", "outcome")?;
        let released_at: Option<i64> = row.try_get("", "released_at")?;
        Ok(KeptBytes {
            id: row.try_get("", "id")?,
            platform: PlatformId(row.try_get("", "platform_id")?),
            key: parsed(EventId::parse(&key), "delivery", "delivery_key")?,
            content_type: row.try_get("", "content_type")?,
            headers: row.try_get("", "headers")?,
            body: row.try_get("", "body")?,
            is_quarantined: outcome == "quarantined",
            is_pulled: row.try_get("", "is_pulled")?,
            received_at: instant::read(row.try_get("", "received_at")?),
            released_at: released_at.map(instant::read),
        })
    };
    Ok((rows.iter().map(kept).collect::<Result<_, _>>()?, last))
}

/// The condition that an id belongs to the part that is verified.
pub fn in_scope(id: &str, scope: Scope) -> String {
    match scope.of {
        0 | 1 => "1 = 1".to_owned(),
        of => format!("({id} / {BLOCK}) % {of} = {}", scope.part.saturating_sub(1)),
    }
}

const ID: &[Column] = &[("id", Kind::Integer)];

#[derive(Debug, Serialize)]
struct IdRow {
    id: i64,
}

fn ids_parameter(ids: &[i64]) -> Result<Value, StoreError> {
    rows_of_json::parameter(&ids.iter().map(|id| IdRow { id: *id }).collect::<Vec<_>>())
}

/// What an event says, field by field, as text; what has no value is `nothing`.
pub type Fields = Vec<(&'static str, String)>;

/// A kept event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    pub delivery: i64,
    pub platform: PlatformId,
    pub event_id: String,
    pub occurred_at: DateTime<Utc>,
    pub fields: Fields,
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| value.to_string())
}

/// An instant as it is shown; the microseconds are its own.
fn shown_instant(micros: i64) -> String {
    instant::read(micros).to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// What a result says, as its event should.
#[must_use]
pub fn fields_of(result: &ReportedResult) -> Fields {
    let told = Told::of(0, result);
    let (score_points, score_of) = told.score.unzip();
    let account = result.learner.account.as_ref();
    vec![
        ("kind", told.kind.to_owned()),
        ("course_id", shown(told.course)),
        ("quiz_id", shown(told.quiz)),
        ("attempt", shown(told.attempt)),
        ("attempt_name", shown(told.attempt_name)),
        ("occurred_at", shown_instant(told.occurred_at)),
        ("score_points", shown(score_points)),
        ("score_of", shown(score_of)),
        ("passed", shown(told.passed)),
        ("revokes_event_id", shown(told.revokes)),
        ("reason", shown(result.reason.as_deref())),
        ("learner's employee_number", shown(result.learner.employee_number.as_ref())),
        ("learner's email", shown(result.learner.email.as_deref())),
        ("learner's username", shown(result.learner.username.as_deref())),
        ("learner's account_home_page", shown(account.map(|account| account.home_page.as_str()))),
        ("learner's account_name", shown(account.map(|account| account.name.as_str()))),
        ("learner's fingerprint", hex::encode(fingerprint(&result.learner))),
    ]
}

const EVENT: &str =
    "e.delivery_id AS delivery_id, e.platform_id AS platform_id, e.event_id AS event_id, e.kind AS kind,
    e.course_id AS course_id, e.quiz_id AS quiz_id, e.attempt AS attempt, e.attempt_name AS attempt_name,
    e.occurred_at AS occurred_at, e.score_points AS score_points, e.score_of AS score_of, e.passed AS passed,
    e.revokes_event_id AS revokes_event_id, e.reason AS reason, l.employee_number AS employee_number, l.email AS email,
    l.username AS username, l.account_home_page AS account_home_page, l.account_name AS account_name,
    l.fingerprint AS fingerprint";

fn event_of(row: &QueryResult) -> Result<KeptEvent, StoreError> {
    let text = |column: &str| -> Result<String, StoreError> { Ok(shown(row.try_get::<Option<String>>("", column)?)) };
    let occurred_at: i64 = row.try_get("", "occurred_at")?;
    let fingerprint: Option<Vec<u8>> = row.try_get("", "fingerprint")?;
    let fields = vec![
        ("kind", text("kind")?),
        ("course_id", text("course_id")?),
        ("quiz_id", text("quiz_id")?),
        ("attempt", shown(row.try_get::<Option<i32>>("", "attempt")?)),
        ("attempt_name", text("attempt_name")?),
        ("occurred_at", shown_instant(occurred_at)),
        ("score_points", text("score_points")?),
        ("score_of", text("score_of")?),
        ("passed", shown(row.try_get::<Option<bool>>("", "passed")?)),
        ("revokes_event_id", text("revokes_event_id")?),
        ("reason", text("reason")?),
        ("learner's employee_number", text("employee_number")?),
        ("learner's email", text("email")?),
        ("learner's username", text("username")?),
        ("learner's account_home_page", text("account_home_page")?),
        ("learner's account_name", text("account_name")?),
        ("learner's fingerprint", hex::encode(fingerprint.unwrap_or_default())),
    ];
    Ok(KeptEvent {
        delivery: row.try_get("", "delivery_id")?,
        platform: PlatformId(row.try_get("", "platform_id")?),
        event_id: row.try_get("", "event_id")?,
        occurred_at: instant::read(occurred_at),
        fields,
    })
}

/// The events of some deliveries.
pub async fn events_of(connection: &impl ConnectionTrait, deliveries: &[i64]) -> Result<Vec<KeptEvent>, StoreError> {
    let sql = format!(
        "SELECT {EVENT} FROM event e LEFT JOIN learner l ON l.id = e.learner_id WHERE {} ORDER BY e.id",
        is_one_of(connection, "e.delivery_id", ID)
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [ids_parameter(deliveries)?])).await?;
    rows.iter().map(event_of).collect()
}

/// Events whose deliveries are gone.
pub async fn events_without_delivery(connection: &impl ConnectionTrait) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT e.event_id AS event_id FROM event e
               WHERE NOT EXISTS (SELECT 1 FROM delivery d WHERE d.id = e.delivery_id) ORDER BY e.id LIMIT 1000";
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "event_id")?)).collect()
}

#[derive(Debug, Serialize)]
struct NameRow<'a> {
    platform_id: i64,
    name: &'a str,
}

const NAME: &[Column] = &[("platform_id", Kind::Integer), ("name", Kind::Text)];

/// The events that have some ids.
pub async fn events_named(
    connection: &impl ConnectionTrait,
    names: &BTreeSet<(PlatformId, &str)>,
) -> Result<Vec<KeptEvent>, StoreError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let asked: Vec<NameRow<'_>> =
        names.iter().map(|(platform, name)| NameRow { platform_id: platform.0, name }).collect();
    let sql = format!(
        "SELECT {EVENT} FROM {} {} LEFT JOIN learner l ON l.id = e.learner_id",
        rows_of_json::table(connection, 1, "w", NAME),
        each(connection, "event", "e", "e.platform_id = w.platform_id AND e.event_id = w.name")
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [rows_of_json::parameter(&asked)?])).await?;
    rows.iter().map(event_of).collect()
}

/// A kept statement, field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptStatement {
    pub delivery: i64,
    pub id: Uuid,
    pub fields: Fields,
}

/// What a statement says, as its row should.
#[must_use]
pub fn fields_of_statement(told: &NewStatement) -> Fields {
    vec![
        ("body_offset", told.offset.to_string()),
        ("body_length", told.length.to_string()),
        ("digest", hex::encode(told.digest)),
        ("occurred_at", shown(told.occurred_at.map(shown_instant))),
        ("refers_to", shown(told.refers_to)),
        ("voids", told.voids.to_string()),
        ("registration", shown(told.deed.map(Deed::registration))),
        ("deed", shown(told.deed.map(Deed::as_str))),
    ]
}

/// The statements of some deliveries. `+` keeps a planner from reading the whole table in the order of its ids.
pub async fn statements_of(
    connection: &impl ConnectionTrait,
    deliveries: &[i64],
) -> Result<Vec<KeptStatement>, StoreError> {
    let sql = format!(
        "SELECT s.delivery_id AS delivery_id, s.statement_id AS statement_id, s.body_offset AS body_offset,
                s.body_length AS body_length, s.digest AS digest, s.occurred_at AS occurred_at,
                s.refers_to AS refers_to, s.voids AS voids, s.registration AS registration, s.deed AS deed
         FROM statement s WHERE {} ORDER BY +s.id",
        is_one_of(connection, "s.delivery_id", ID)
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [ids_parameter(deliveries)?])).await?;
    let uuid = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok());
    let kept = |row: &QueryResult| -> Result<KeptStatement, StoreError> {
        let number = |column: &str| -> Result<String, StoreError> { Ok(row.try_get::<i64>("", column)?.to_string()) };
        let fields = vec![
            ("body_offset", number("body_offset")?),
            ("body_length", number("body_length")?),
            ("digest", hex::encode(row.try_get::<Vec<u8>>("", "digest")?)),
            ("occurred_at", shown(row.try_get::<Option<i64>>("", "occurred_at")?.map(shown_instant))),
            ("refers_to", shown(uuid(row.try_get("", "refers_to")?))),
            ("voids", row.try_get::<bool>("", "voids")?.to_string()),
            ("registration", shown(uuid(row.try_get("", "registration")?))),
            ("deed", shown(row.try_get::<Option<String>>("", "deed")?)),
        ];
        Ok(KeptStatement {
            delivery: row.try_get("", "delivery_id")?,
            id: uuid(Some(row.try_get("", "statement_id")?)).unwrap_or_default(),
            fields,
        })
    };
    rows.iter().map(kept).collect()
}

#[derive(Debug, Serialize)]
struct StatementName<'a> {
    platform_id: i64,
    id: Bytes<'a>,
}

/// Which of some statements, or of some registrations, have a row in a table that fits.
async fn found_in(
    connection: &impl ConnectionTrait,
    (table, column, condition): (&str, &str, &str),
    names: &BTreeSet<(PlatformId, Uuid)>,
) -> Result<BTreeSet<(PlatformId, Uuid)>, StoreError> {
    const NAMED: &[Column] = &[("platform_id", Kind::Integer), ("id", Kind::Bytes)];
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let asked: Vec<StatementName<'_>> = names
        .iter()
        .map(|(platform, id)| StatementName { platform_id: platform.0, id: Bytes(id.as_bytes()) })
        .collect();
    let sql = format!(
        "SELECT w.platform_id AS platform_id, w.id AS id FROM {}
         WHERE EXISTS (SELECT 1 FROM {table} s WHERE s.{column} = w.id AND s.platform_id = w.platform_id AND {condition})",
        rows_of_json::table(connection, 1, "w", NAMED)
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [rows_of_json::parameter(&asked)?])).await?;
    let read = |row: &QueryResult| -> Result<(PlatformId, Uuid), StoreError> {
        let id: Vec<u8> = row.try_get("", "id")?;
        Ok((PlatformId(row.try_get("", "platform_id")?), Uuid::from_slice(&id).unwrap_or_default()))
    };
    rows.iter().map(read).collect()
}

/// Which of some statements are kept.
pub async fn kept_among(
    connection: &impl ConnectionTrait,
    statements: &BTreeSet<(PlatformId, Uuid)>,
) -> Result<BTreeSet<(PlatformId, Uuid)>, StoreError> {
    found_in(connection, ("statement", "statement_id", "1 = 1"), statements).await
}

/// In which of some registrations something was done.
pub async fn done_among(
    connection: &impl ConnectionTrait,
    registrations: &BTreeSet<(PlatformId, Uuid)>,
) -> Result<BTreeSet<(PlatformId, Uuid)>, StoreError> {
    found_in(connection, ("statement", "registration", "s.deed = 'done'"), registrations).await
}

/// In which of some registrations a result is held.
pub async fn held_among(
    connection: &impl ConnectionTrait,
    registrations: &BTreeSet<(PlatformId, Uuid)>,
) -> Result<BTreeSet<(PlatformId, Uuid)>, StoreError> {
    found_in(connection, ("held_result", "registration", "1 = 1"), registrations).await
}

/// The attachments of some deliveries, by delivery: hash, media type and place.
pub async fn attachments_of(
    connection: &impl ConnectionTrait,
    deliveries: &[i64],
) -> Result<Vec<(i64, String)>, StoreError> {
    let sql = format!(
        "SELECT a.delivery_id AS delivery_id, a.sha2 AS sha2, a.content_type AS content_type, a.body_offset AS body_offset,
                a.body_length AS body_length
         FROM statement_attachment a WHERE {} ORDER BY +a.id",
        is_one_of(connection, "a.delivery_id", ID)
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [ids_parameter(deliveries)?])).await?;
    let read = |row: &QueryResult| -> Result<(i64, String), StoreError> {
        let (offset, length): (i64, i64) = (row.try_get("", "body_offset")?, row.try_get("", "body_length")?);
        let (sha2, media_type): (String, String) = (row.try_get("", "sha2")?, row.try_get("", "content_type")?);
        Ok((row.try_get("", "delivery_id")?, format!("{sha2} {media_type} at {offset}, {length} bytes")))
    };
    rows.iter().map(read).collect()
}

/// The same of what a delivery says.
#[must_use]
pub fn attachment_says(sent: &NewAttachment) -> String {
    format!("{} {} at {}, {} bytes", sent.sha2, sent.content_type, sent.offset, sent.length)
}

/// Every secret that a platform was given and that is held, the newest first.
pub async fn secrets_held(connection: &impl ConnectionTrait, platform: PlatformId) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT secret FROM platform_secret WHERE platform_id = $1 ORDER BY id DESC";
    let rows = connection.query_all_raw(statement(connection, sql, [platform.0.into()])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "secret")?)).collect()
}
