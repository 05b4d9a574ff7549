//! The queries about a batch: what each reads, and of what.

use std::collections::BTreeSet;

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{EmployeeId, EventId, PlatformId};
use crate::domain::receiving::{Delivery, DuplicateKey, DuplicateKeyOfPerson, Pending, fingerprint};
use crate::domain::training::ReportedResult;
use crate::store::entities::event;
use crate::store::rows::question::{Question, each, each_or_none, read};
use crate::store::rows::{Bytes, Row, names, row, selected};
use crate::store::{StoreError, instant};

/// What a stored event says.
pub(super) fn key_of_event(row: &event::Model) -> DuplicateKey {
    DuplicateKey {
        learner: row.learner_id,
        kind: kind_of(&row.kind),
        course: row.course_id.clone(),
        quiz: row.quiz_id.clone(),
        attempt: row.attempt,
        attempt_name: row.attempt_name.clone(),
        occurred_at: row.occurred_at,
        score: row.score_points.clone().zip(row.score_of.clone()),
        passed: row.passed,
        revokes: row.revokes_event_id.clone(),
        how: row.revokes.as_deref().and_then(how_of),
    }
}

/// What a stored event says of a learner; `None` in a row without an event.
pub fn key_of_row(row: LearnerRow) -> Option<DuplicateKey> {
    Some(DuplicateKey {
        learner: row.id,
        kind: kind_of(&row.kind?),
        course: row.course_id,
        quiz: row.quiz_id,
        attempt: row.attempt,
        attempt_name: row.attempt_name,
        occurred_at: row.occurred_at?,
        score: row.score_points.zip(row.score_of),
        passed: row.passed,
        revokes: row.revokes_event_id,
        how: row.revokes.as_deref().and_then(how_of),
    })
}

pub fn kind_of(word: &str) -> &'static str {
    match word {
        "attempt" => "attempt",
        "revocation" => "revocation",
        _ => "completion",
    }
}

pub fn how_of(word: &str) -> Option<&'static str> {
    ["event", "statement", "up_to", "recent"].into_iter().find(|known| *known == word)
}

/// The results of a batch, and those that it may release.
pub fn results_of<'a>(
    batch: &'a [Delivery],
    pending: &'a Pending,
) -> impl Iterator<Item = (PlatformId, &'a ReportedResult)> + Clone {
    let reported =
        batch.iter().flat_map(|delivery| delivery.content.results().iter().map(|result| (delivery.platform, result)));
    reported.chain(pending.results.iter().map(|pending| (pending.platform, &pending.result)))
}

row! {
    /// A name within a platform, as a parameter.
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    struct Named<'a> {
        platform_id: i64,
        name: &'a str,
    }
}

row! {
    #[derive(Debug, Deserialize)]
    pub struct DeliveryRow {
        pub id: i64,
        pub platform_id: i64,
        pub delivery_key: String,
        pub body: Bytes,
        pub outcome: String,
        /// Whether it has results and every one of them is linked.
        pub linked: i64 = "COALESCE((SELECT MIN(CASE WHEN e.employee_id IS NULL THEN 0 ELSE 1 END) FROM event e
                                 WHERE e.delivery_id = d.id), 0)",
    }
}

pub fn deliveries(connection: &impl ConnectionTrait, batch: &[Delivery]) -> Result<Option<Question>, StoreError> {
    // With + 0 the key alone finds it. In a new table PostgreSQL would as soon read all that the platform ever sent.
    let stored = each(connection, "delivery", "d", "d.delivery_key = w.name AND d.platform_id + 0 = w.platform_id");
    let sql = format!("SELECT {} FROM {{w}} {stored}", selected::<DeliveryRow>("d"));
    question::<DeliveryRow>(batch.iter().map(|delivery| (delivery.platform, &delivery.key)), sql)
}

/// The rows that `sql` finds of the names, which are the table `w` in it, each once; nothing where there are none.
fn question<'a, F: Row>(
    names: impl Iterator<Item = (PlatformId, &'a EventId)>,
    sql: String,
) -> Result<Option<Question>, StoreError> {
    let names: BTreeSet<Named<'_>> =
        names.map(|(platform, name)| Named { platform_id: platform.0, name: name.as_str() }).collect();
    let names: Vec<Named<'_>> = names.into_iter().collect();
    if names.is_empty() { Ok(None) } else { Question::new::<F, _>(&names, sql).map(Some) }
}

/// The event ids that a batch revokes.
fn revoked_event_ids(batch: &[Delivery]) -> impl Iterator<Item = (PlatformId, &EventId)> {
    let results = batch.iter().flat_map(|d| d.content.results().iter().map(|r| (d.platform, r)));
    results.filter_map(|(platform, result)| result.kind.revoked_event().map(|event_id| (platform, event_id)))
}

row! {
    /// An event, and the keys by which its learner was named.
    #[derive(Debug, Deserialize)]
    pub struct EventRow {
        pub platform_id: i64,
        pub event_id: String,
        pub learner_id: i64,
        pub employee_id: Option<i64>,
        pub kind: String,
        pub course_id: Option<String>,
        pub quiz_id: Option<String>,
        pub attempt: Option<i32>,
        pub attempt_name: Option<String>,
        pub occurred_at: i64,
        pub score_points: Option<String>,
        pub score_of: Option<String>,
        pub passed: Option<bool>,
        pub revokes_event_id: Option<String>,
        pub revokes: Option<String>,
        pub employee_number: Option<String> = "l.employee_number",
        pub email: Option<String> = "l.email",
        pub username: Option<String> = "l.username",
        pub account_home_page: Option<String> = "l.account_home_page",
        pub account_name: Option<String> = "l.account_name",
    }
}

/// The events with ids of the batch. A file of results may have reported an event under the id of a delivery.
pub fn events(
    connection: &impl ConnectionTrait,
    batch: &[Delivery],
    pending: &Pending,
) -> Result<Option<Question>, StoreError> {
    let stored = each(connection, "event", "e", "e.platform_id = w.platform_id AND e.event_id = w.name");
    let learner = each(connection, "learner", "l", "l.id = e.learner_id");
    let sql = format!("SELECT {} FROM {{w}} {stored} {learner}", selected::<EventRow>("e"));
    let ids = results_of(batch, pending).map(|(platform, result)| (platform, &result.event_id));
    question::<EventRow>(ids, sql)
}

row! {
    #[derive(Debug, Deserialize)]
    pub struct OwnerRow {
        pub platform_id: i64,
        pub event_id: String,
        pub employee_id: Option<i64>,
    }
}

pub fn owners_of_the_revoked(
    connection: &impl ConnectionTrait,
    batch: &[Delivery],
) -> Result<Option<Question>, StoreError> {
    let named = each(connection, "event", "e", "e.platform_id = w.platform_id AND e.event_id = w.name");
    let named_by_it = each(connection, "event", "e", "e.platform_id = u.platform_id AND e.event_id = u.names");
    // UNION, not UNION ALL: revocations that name each other in a circle end it.
    let sql = format!(
        "WITH RECURSIVE up (platform_id, event_id, names, employee_id) AS (
             SELECT w.platform_id, w.name, e.revokes_event_id, e.employee_id FROM {{w}} {named}
             UNION
             SELECT u.platform_id, u.event_id, e.revokes_event_id, e.employee_id FROM up u {named_by_it}
         )
         SELECT {} FROM up WHERE employee_id IS NOT NULL",
        names::<OwnerRow>()
    );
    question::<OwnerRow>(revoked_event_ids(batch), sql)
}

row! {
    #[derive(Debug, Deserialize)]
    pub struct NamingRow {
        pub platform_id: i64,
        pub event_id: String = "w.name",
    }
}

/// Asks which event ids of a batch a revocation names, or a decision by hand; nearly always none.
pub fn naming(connection: &impl ConnectionTrait, batch: &[Delivery]) -> Result<Option<Question>, StoreError> {
    let revoking = each(connection, "event", "r", "r.platform_id = w.platform_id AND r.revokes_event_id = w.name");
    let decided = each(connection, "result_decision", "d", "d.event_id = w.name AND d.platform_id = w.platform_id");
    let sql = format!(
        "SELECT {columns} FROM {{w}} {revoking} UNION ALL SELECT {columns} FROM {{w}} {decided}",
        columns = selected::<NamingRow>("w")
    );
    let results = batch.iter().filter(|delivery| delivery.content.statements().is_empty());
    let ids = results.flat_map(|d| d.content.results().iter().map(|result| (d.platform, &result.event_id)));
    question::<NamingRow>(ids, sql)
}

row! {
    /// A learner at an instant, as a parameter.
    #[derive(Debug, Serialize)]
    struct LookupKey<'a> {
        platform_id: i64,
        fingerprint: Bytes<&'a [u8]>,
        occurred_at: i64,
    }
}

/// What `sql` finds of the learners of a batch, each at every instant of which it speaks; nothing where there are none.
fn question_of_learners<F: Row>(
    batch: &[Delivery],
    pending: &Pending,
    sql: String,
) -> Result<Option<Question>, StoreError> {
    let mut keys: BTreeSet<(PlatformId, Vec<u8>, i64)> = BTreeSet::new();
    for (platform, result) in results_of(batch, pending) {
        keys.insert((platform, fingerprint(&result.learner), instant::stored(result.occurred_at)));
    }
    if keys.is_empty() {
        return Ok(None);
    }
    let rows: Vec<LookupKey<'_>> = keys
        .iter()
        .map(|(platform, print, occurred_at)| LookupKey {
            platform_id: platform.0,
            fingerprint: Bytes(print),
            occurred_at: *occurred_at,
        })
        .collect();
    Question::new::<F, _>(&rows, sql).map(Some)
}

row! {
    /// A learner, and what was reported of it at the instant, if anything.
    #[derive(Debug, Deserialize)]
    pub struct LearnerRow {
        pub id: i64 = "l.id",
        pub platform_id: i64 = "l.platform_id",
        pub fingerprint: Bytes = "l.fingerprint",
        pub depends_on_day: bool = "l.depends_on_day",
        pub employee_id: Option<i64> = "l.employee_id",
        pub unlinked: Option<String> = "l.unlinked",
        /// Whether anything of it, or of its employee, was ever revoked.
        pub revoked: bool = "(
            (SELECT v.id FROM event v WHERE v.learner_id = l.id AND v.kind = 'revocation' LIMIT 1) IS NOT NULL
            OR (SELECT v.id FROM event v WHERE v.employee_id = l.employee_id AND v.kind = 'revocation' LIMIT 1) IS NOT NULL)",
        pub kind: Option<String>,
        pub course_id: Option<String>,
        pub quiz_id: Option<String>,
        pub attempt: Option<i32>,
        pub attempt_name: Option<String>,
        pub occurred_at: Option<i64>,
        pub score_points: Option<String>,
        pub score_of: Option<String>,
        pub passed: Option<bool>,
        pub revokes_event_id: Option<String>,
        pub revokes: Option<String>,
    }
}

pub fn learners(
    connection: &impl ConnectionTrait,
    batch: &[Delivery],
    pending: &Pending,
) -> Result<Option<Question>, StoreError> {
    let learner = each(connection, "learner", "l", "l.platform_id = w.platform_id AND l.fingerprint = w.fingerprint");
    let reported = each_or_none(connection, "event", "e", "e.learner_id = l.id AND e.occurred_at = w.occurred_at");
    let sql = format!("SELECT {} FROM {{w}} {learner} {reported}", selected::<LearnerRow>("e"));
    question_of_learners::<LearnerRow>(batch, pending, sql)
}

row! {
    /// A person on a platform at an instant, as a parameter.
    #[derive(Debug, Serialize)]
    struct PersonLookupKey {
        employee_id: i64,
        platform_id: i64,
        occurred_at: i64,
    }
}

row! {
    /// What was reported of a person.
    #[derive(Debug, Deserialize)]
    pub struct DuplicateKeyRow {
        pub employee_id: i64,
        pub platform_id: i64,
        pub kind: String,
        pub course_id: Option<String>,
        pub quiz_id: Option<String>,
        pub attempt: Option<i32>,
        pub attempt_name: Option<String>,
        pub occurred_at: i64,
        pub score_points: Option<String>,
        pub score_of: Option<String>,
        pub passed: Option<bool>,
        pub revokes_event_id: Option<String>,
        pub revokes: Option<String>,
    }
}

impl DuplicateKeyRow {
    pub fn read(found: &str) -> Result<Option<DuplicateKeyOfPerson>, StoreError> {
        let row: Self = read(found)?;
        let reported = DuplicateKey {
            learner: 0,
            kind: kind_of(&row.kind),
            course: row.course_id,
            quiz: row.quiz_id,
            attempt: row.attempt,
            attempt_name: row.attempt_name,
            occurred_at: row.occurred_at,
            score: row.score_points.zip(row.score_of),
            passed: row.passed,
            revokes: row.revokes_event_id,
            how: row.revokes.as_deref().and_then(how_of),
        };
        Ok(Some((EmployeeId(row.employee_id), PlatformId(row.platform_id), reported)))
    }
}

/// What was reported, at the instants of a batch, of the people of its learners under other keys.
pub fn of_the_learners_people(
    connection: &impl ConnectionTrait,
    batch: &[Delivery],
    pending: &Pending,
) -> Result<Option<Question>, StoreError> {
    let learner = each(connection, "learner", "l", "l.platform_id = w.platform_id AND l.fingerprint = w.fingerprint");
    let reported = each(connection, "event", "e", "e.employee_id = l.employee_id AND e.occurred_at = w.occurred_at");
    let sql = format!(
        "SELECT {} FROM {{w}} {learner} {reported} WHERE e.platform_id = l.platform_id AND e.learner_id <> l.id",
        selected::<DuplicateKeyRow>("e")
    );
    question_of_learners::<DuplicateKeyRow>(batch, pending, sql)
}

/// What was reported of some people on a platform at an instant each.
pub fn of_people(
    connection: &impl ConnectionTrait,
    people: &BTreeSet<(EmployeeId, PlatformId, i64)>,
) -> Result<Question, StoreError> {
    let row = |(person, platform, occurred_at): &(EmployeeId, PlatformId, i64)| PersonLookupKey {
        employee_id: person.0,
        platform_id: platform.0,
        occurred_at: *occurred_at,
    };
    let rows: Vec<PersonLookupKey> = people.iter().map(row).collect();
    let reported = each(
        connection,
        "event",
        "e",
        "e.employee_id = w.employee_id AND e.occurred_at = w.occurred_at AND e.platform_id + 0 = w.platform_id",
    );
    let sql = format!("SELECT {} FROM {{w}} {reported}", selected::<DuplicateKeyRow>("e"));
    Question::new::<DuplicateKeyRow, _>(&rows, sql)
}
