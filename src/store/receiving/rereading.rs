//! What is stored of deliveries, to be compared with what their bytes say.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult};
use serde::Serialize;
use uuid::Uuid;

use crate::domain::ids::{EventId, PlatformId};
use crate::domain::receiving::{Cmi5Progress, DuplicateKey, NewAttachment, NewStatement, fingerprint};
use crate::domain::training::ReportedResult;
use crate::store::chain::scope::{Scope, in_scope};
use crate::store::parsed::parsed;
use crate::store::rows::question::{each, find, ids_parameter, is_one_of};
use crate::store::rows::{Bytes, parameter, row, selected, table};
use crate::store::sql::statement;
use crate::store::{StoreError, instant};

/// The most bytes of bodies that are read at a time, but for one that has more by itself.
const BYTES_AT_ONCE: i64 = 8 * 1024 * 1024;

/// A stored delivery, with its bytes.
#[derive(Debug, Clone)]
pub struct StoredBytes {
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

row! {
    #[derive(Debug, FromQueryResult)]
    struct DeliveryRow in delivery {
        id: i64,
        platform_id: i64,
        delivery_key: String,
        content_type: String,
        headers: String,
        body: Bytes,
        outcome: String,
        is_pulled: bool,
        received_at: i64,
        released_at: Option<i64>,
    }
}

/// Deliveries that follow one, oldest first, as many as are not too much at once; and the id of the last that was looked at.
pub async fn deliveries_after(
    connection: &impl ConnectionTrait,
    after: i64,
    at_most: u64,
    scope: Scope,
) -> Result<(Vec<StoredBytes>, Option<i64>), StoreError> {
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
        "SELECT {} FROM delivery d WHERE {} ORDER BY d.id",
        selected::<DeliveryRow>("d"),
        is_one_of(connection, "d.id")
    );
    let rows: Vec<DeliveryRow> = find(connection, &sql, [ids_parameter(ids)?]).await?;
    let stored = |row: DeliveryRow| -> Result<StoredBytes, StoreError> {
        Ok(StoredBytes {
            id: row.id,
            platform: PlatformId(row.platform_id),
            key: parsed(EventId::parse(&row.delivery_key), "delivery", "delivery_key")?,
            content_type: row.content_type,
            headers: row.headers,
            body: row.body.0,
            is_quarantined: row.outcome == "quarantined",
            is_pulled: row.is_pulled,
            received_at: instant::read(row.received_at),
            released_at: row.released_at.map(instant::read),
        })
    };
    Ok((rows.into_iter().map(stored).collect::<Result<_, _>>()?, last))
}

/// What an event says, field by field, as text; what has no value is `nothing`.
pub type Fields = Vec<(&'static str, String)>;

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
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
    let reported = DuplicateKey::of(0, result);
    let (score_points, score_of) = reported.score.unzip();
    let account = result.learner.account.as_ref();
    vec![
        ("kind", reported.kind.to_owned()),
        ("course_id", shown(reported.course)),
        ("quiz_id", shown(reported.quiz)),
        ("attempt", shown(reported.attempt)),
        ("attempt_name", shown(reported.attempt_name)),
        ("occurred_at", shown_instant(reported.occurred_at)),
        ("score_points", shown(score_points)),
        ("score_of", shown(score_of)),
        ("passed", shown(reported.passed)),
        ("revokes_event_id", shown(reported.revokes)),
        ("reason", shown(result.reason.as_deref())),
        ("learner's employee_number", shown(result.learner.employee_number.as_ref())),
        ("learner's email", shown(result.learner.email.as_deref())),
        ("learner's username", shown(result.learner.username.as_deref())),
        ("learner's account_home_page", shown(account.map(|account| account.home_page.as_str()))),
        ("learner's account_name", shown(account.map(|account| account.name.as_str()))),
        ("learner's fingerprint", hex::encode(fingerprint(&result.learner))),
    ]
}

row! {
    /// An event with the keys of its learner.
    #[derive(Debug, FromQueryResult)]
    struct EventRow in event {
        delivery_id: i64,
        platform_id: i64,
        event_id: String,
        kind: Option<String>,
        course_id: Option<String>,
        quiz_id: Option<String>,
        attempt: Option<i32>,
        attempt_name: Option<String>,
        occurred_at: i64,
        score_points: Option<String>,
        score_of: Option<String>,
        passed: Option<bool>,
        revokes_event_id: Option<String>,
        reason: Option<String>,
        employee_number: Option<String> = "l.employee_number",
        email: Option<String> = "l.email",
        username: Option<String> = "l.username",
        account_home_page: Option<String> = "l.account_home_page",
        account_name: Option<String> = "l.account_name",
        fingerprint: Option<Bytes> = "l.fingerprint",
    }
}

fn event_of(row: EventRow) -> StoredEvent {
    let fields = vec![
        ("kind", shown(row.kind)),
        ("course_id", shown(row.course_id)),
        ("quiz_id", shown(row.quiz_id)),
        ("attempt", shown(row.attempt)),
        ("attempt_name", shown(row.attempt_name)),
        ("occurred_at", shown_instant(row.occurred_at)),
        ("score_points", shown(row.score_points)),
        ("score_of", shown(row.score_of)),
        ("passed", shown(row.passed)),
        ("revokes_event_id", shown(row.revokes_event_id)),
        ("reason", shown(row.reason)),
        ("learner's employee_number", shown(row.employee_number)),
        ("learner's email", shown(row.email)),
        ("learner's username", shown(row.username)),
        ("learner's account_home_page", shown(row.account_home_page)),
        ("learner's account_name", shown(row.account_name)),
        ("learner's fingerprint", hex::encode(row.fingerprint.map(|bytes| bytes.0).unwrap_or_default())),
    ];
    StoredEvent {
        delivery: row.delivery_id,
        platform: PlatformId(row.platform_id),
        event_id: row.event_id,
        occurred_at: instant::read(row.occurred_at),
        fields,
    }
}

/// The events of some deliveries.
pub async fn events_of(connection: &impl ConnectionTrait, deliveries: &[i64]) -> Result<Vec<StoredEvent>, StoreError> {
    let sql = format!(
        "SELECT {} FROM event e LEFT JOIN learner l ON l.id = e.learner_id WHERE {} ORDER BY e.id",
        selected::<EventRow>("e"),
        is_one_of(connection, "e.delivery_id")
    );
    let rows = find(connection, &sql, [ids_parameter(deliveries.iter().copied())?]).await?;
    Ok(rows.into_iter().map(event_of).collect())
}

/// Events whose deliveries are gone.
pub async fn events_without_delivery(connection: &impl ConnectionTrait) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT e.event_id AS event_id FROM event e
               WHERE NOT EXISTS (SELECT 1 FROM delivery d WHERE d.id = e.delivery_id) ORDER BY e.id LIMIT 1000";
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "event_id")?)).collect()
}

row! {
    #[derive(Debug, Serialize)]
    struct NameRow<'a> {
        platform_id: i64,
        name: &'a str,
    }
}

/// The events that have some ids.
pub async fn events_named(
    connection: &impl ConnectionTrait,
    names: &BTreeSet<(PlatformId, &str)>,
) -> Result<Vec<StoredEvent>, StoreError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<NameRow<'_>> =
        names.iter().map(|(platform, name)| NameRow { platform_id: platform.0, name }).collect();
    let sql = format!(
        "SELECT {} FROM {} {} LEFT JOIN learner l ON l.id = e.learner_id",
        selected::<EventRow>("e"),
        table::<NameRow<'_>>(connection, 1, "w"),
        each(connection, "event", "e", "e.platform_id = w.platform_id AND e.event_id = w.name")
    );
    let rows = find(connection, &sql, [parameter(&keys)?]).await?;
    Ok(rows.into_iter().map(event_of).collect())
}

/// A stored statement, field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStatement {
    pub delivery: i64,
    pub id: Uuid,
    pub fields: Fields,
}

/// What a statement says, as its row should.
#[must_use]
pub fn fields_of_statement(reported: &NewStatement) -> Fields {
    vec![
        ("body_offset", reported.offset.to_string()),
        ("body_length", reported.length.to_string()),
        ("digest", hex::encode(reported.digest)),
        ("occurred_at", shown(reported.occurred_at.map(shown_instant))),
        ("refers_to", shown(reported.refers_to)),
        ("voids", reported.voids.to_string()),
        ("registration", shown(reported.progress.map(Cmi5Progress::registration))),
        ("progress", shown(reported.progress.map(Cmi5Progress::as_str))),
    ]
}

row! {
    #[derive(Debug, FromQueryResult)]
    struct StatementRow in statement {
        delivery_id: i64,
        statement_id: Bytes,
        body_offset: i64,
        body_length: i64,
        digest: Bytes,
        occurred_at: Option<i64>,
        refers_to: Option<Bytes>,
        voids: bool,
        registration: Option<Bytes>,
        progress: Option<String>,
    }
}

/// The statements of some deliveries. `+` keeps a planner from reading the whole table in the order of its ids.
pub async fn statements_of(
    connection: &impl ConnectionTrait,
    deliveries: &[i64],
) -> Result<Vec<StoredStatement>, StoreError> {
    let sql = format!(
        "SELECT {} FROM statement s WHERE {} ORDER BY +s.id",
        selected::<StatementRow>("s"),
        is_one_of(connection, "s.delivery_id")
    );
    let rows: Vec<StatementRow> = find(connection, &sql, [ids_parameter(deliveries.iter().copied())?]).await?;
    let uuid = |bytes: Option<Bytes>| bytes.and_then(|bytes| Uuid::from_slice(&bytes.0).ok());
    let stored = |row: StatementRow| StoredStatement {
        delivery: row.delivery_id,
        id: uuid(Some(row.statement_id)).unwrap_or_default(),
        fields: vec![
            ("body_offset", row.body_offset.to_string()),
            ("body_length", row.body_length.to_string()),
            ("digest", hex::encode(row.digest.0)),
            ("occurred_at", shown(row.occurred_at.map(shown_instant))),
            ("refers_to", shown(uuid(row.refers_to))),
            ("voids", row.voids.to_string()),
            ("registration", shown(uuid(row.registration))),
            ("progress", shown(row.progress)),
        ],
    };
    Ok(rows.into_iter().map(stored).collect())
}

row! {
    #[derive(Debug, Serialize)]
    struct StatementName<'a> {
        platform_id: i64,
        id: Bytes<&'a [u8]>,
    }
}

/// Which of some statements, or of some registrations, have a row in a table that fits.
async fn found_in(
    connection: &impl ConnectionTrait,
    (stored_in, column, condition): (&str, &str, &str),
    names: &BTreeSet<(PlatformId, Uuid)>,
) -> Result<BTreeSet<(PlatformId, Uuid)>, StoreError> {
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let keys: Vec<StatementName<'_>> = names
        .iter()
        .map(|(platform, id)| StatementName { platform_id: platform.0, id: Bytes(id.as_bytes()) })
        .collect();
    let sql = format!(
        "SELECT w.platform_id AS platform_id, w.id AS id FROM {}
         WHERE EXISTS (SELECT 1 FROM {stored_in} s WHERE s.{column} = w.id AND s.platform_id = w.platform_id AND {condition})",
        table::<StatementName<'_>>(connection, 1, "w")
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [parameter(&keys)?])).await?;
    let read = |row: &QueryResult| -> Result<(PlatformId, Uuid), StoreError> {
        let id: Vec<u8> = row.try_get("", "id")?;
        Ok((PlatformId(row.try_get("", "platform_id")?), Uuid::from_slice(&id).unwrap_or_default()))
    };
    rows.iter().map(read).collect()
}

/// Which of some statements are stored.
pub async fn stored_among(
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
    found_in(connection, ("statement", "registration", "s.progress = 'done'"), registrations).await
}

/// In which of some registrations a result is pending.
pub async fn pending_among(
    connection: &impl ConnectionTrait,
    registrations: &BTreeSet<(PlatformId, Uuid)>,
) -> Result<BTreeSet<(PlatformId, Uuid)>, StoreError> {
    found_in(connection, ("pending_result", "registration", "1 = 1"), registrations).await
}

row! {
    #[derive(Debug, FromQueryResult)]
    struct AttachmentRow in statement_attachment {
        delivery_id: i64,
        sha2: String,
        content_type: String,
        body_offset: i64,
        body_length: i64,
    }
}

/// The attachments of some deliveries, by delivery: hash, media type and place.
pub async fn attachments_of(
    connection: &impl ConnectionTrait,
    deliveries: &[i64],
) -> Result<Vec<(i64, String)>, StoreError> {
    let sql = format!(
        "SELECT {} FROM statement_attachment a WHERE {} ORDER BY +a.id",
        selected::<AttachmentRow>("a"),
        is_one_of(connection, "a.delivery_id")
    );
    let rows = find(connection, &sql, [ids_parameter(deliveries.iter().copied())?]).await?;
    let read = |AttachmentRow { delivery_id, sha2, content_type, body_offset, body_length }| {
        (delivery_id, format!("{sha2} {content_type} at {body_offset}, {body_length} bytes"))
    };
    Ok(rows.into_iter().map(read).collect())
}

/// The same of what a delivery says.
#[must_use]
pub fn attachment_says(sent: &NewAttachment) -> String {
    format!("{} {} at {}, {} bytes", sent.sha2, sent.content_type, sent.offset, sent.length)
}

/// Every stored secret of a platform, the newest first.
pub async fn secrets_held(connection: &impl ConnectionTrait, platform: PlatformId) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT secret FROM platform_secret WHERE platform_id = $1 ORDER BY id DESC";
    let rows = connection.query_all_raw(statement(connection, sql, [platform.0.into()])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "secret")?)).collect()
}
