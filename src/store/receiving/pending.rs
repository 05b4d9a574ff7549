//! Pending results: cmi5's `satisfied`, which a platform may report of a learner who did nothing.
//!
//! With moveOn NotApplicable an LMS reports `satisfied` as soon as a learner is enrolled (cmi5, section 10.2.4). It counts
//! once the platform has reported that something was done in that registration; the order makes no difference.

use std::collections::BTreeSet;

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::statements::of_batch;
use crate::domain::ids::{CourseId, EmployeeNumber, EventId, PlatformId};
use crate::domain::linking::{Account, LearnerKeys};
use crate::domain::receiving::{Cmi5Progress, Delivery, NewPending, Pending, PendingResult};
use crate::domain::training::{ReportedResult, ResultKind, Target};
use crate::store::parsed::parsed;
use crate::store::rows::question::{self, Question, ask, each};
use crate::store::rows::{Bytes, Row, row, selected};
use crate::store::{StoreError, instant};

row! {
    #[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
    struct LookupKey {
        platform_id: i64,
        registration: Bytes<[u8; 16]>,
    }
}

/// The rows that `sql` finds of the registrations of a batch, as far as their progress is one; nothing where there are none.
fn query<F: Row>(
    batch: &[Delivery],
    of: fn(Cmi5Progress) -> Option<Uuid>,
    sql: String,
) -> Result<Option<Question>, StoreError> {
    let keys: BTreeSet<LookupKey> = of_batch(batch)
        .filter_map(|(platform, reported)| Some((platform, reported.progress.and_then(of)?)))
        .map(|(platform, registration)| LookupKey {
            platform_id: platform.0,
            registration: Bytes(registration.into_bytes()),
        })
        .collect();
    if keys.is_empty() {
        return Ok(None);
    }
    Question::new::<F, _>(&keys.into_iter().collect::<Vec<_>>(), sql).map(Some)
}

row! {
    #[derive(Debug, Deserialize)]
    struct PendingRowFound {
        id: i64,
        platform_id: i64,
        registration: Bytes,
        delivery_id: i64,
        result: String,
    }
}

row! {
    #[derive(Debug, Deserialize)]
    struct DoneRow {
        platform_id: i64,
        registration: Bytes,
    }
}

fn registration_of(bytes: &[u8], table: &'static str) -> Result<Uuid, StoreError> {
    Uuid::from_slice(bytes).map_err(|_| StoreError::Unreadable { table, column: "registration" })
}

/// Reads what the register holds of a batch's registrations; queries nothing if the batch has none.
pub(super) async fn read(connection: &impl ConnectionTrait, batch: &[Delivery]) -> Result<Pending, StoreError> {
    let mut pending = Pending::default();
    let (mut questions, mut about_pending) = (Vec::new(), Vec::new());
    let done = |progress| matches!(progress, Cmi5Progress::Done(_)).then(|| progress.registration());
    let satisfied = |progress| matches!(progress, Cmi5Progress::Satisfied(_)).then(|| progress.registration());
    let same = "h.registration = w.registration AND h.platform_id = w.platform_id";
    let stored = each(connection, "pending_result", "h", same);
    let sql = format!("SELECT {} FROM {{w}} {stored}", selected::<PendingRowFound>("h"));
    if let Some(question) = query::<PendingRowFound>(batch, done, sql)? {
        questions.push(question);
        about_pending.push(true);
    }
    let sql = format!(
        "SELECT {} FROM {{w}} WHERE EXISTS (SELECT 1 FROM statement s WHERE s.registration = w.registration
                                            AND s.platform_id = w.platform_id AND s.progress = 'done')",
        selected::<DoneRow>("w")
    );
    if let Some(question) = query::<DoneRow>(batch, satisfied, sql)? {
        questions.push(question);
        about_pending.push(false);
    }
    for (question, found) in ask(connection, questions).await? {
        if about_pending.get(question) == Some(&true) {
            pending.results.push(pending_result(question::read(&found)?)?);
        } else {
            let row: DoneRow = question::read(&found)?;
            let registration = registration_of(&row.registration.0, "statement")?;
            pending.done.insert((PlatformId(row.platform_id), registration));
        }
    }
    pending.results.sort_by_key(|pending| pending.id);
    Ok(pending)
}

fn pending_result(row: PendingRowFound) -> Result<PendingResult, StoreError> {
    let reported: PendingCompletion = serde_json::from_str(&row.result).map_err(StoreError::Unwritable)?;
    Ok(PendingResult {
        id: row.id,
        platform: PlatformId(row.platform_id),
        registration: registration_of(&row.registration.0, "pending_result")?,
        delivery: row.delivery_id,
        result: reported.result()?,
    })
}

/// A completion as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct PendingCompletion {
    event_id: String,
    employee_number: Option<String>,
    email: Option<String>,
    username: Option<String>,
    account: Option<(String, String)>,
    course: String,
    occurred_at: i64,
}

impl PendingCompletion {
    fn of(result: &ReportedResult) -> Option<Self> {
        let Target::Course(course) = &result.target else { return None };
        Some(Self {
            event_id: result.event_id.to_string(),
            employee_number: result.learner.employee_number.as_ref().map(ToString::to_string),
            email: result.learner.email.clone(),
            username: result.learner.username.clone(),
            account: result.learner.account.as_ref().map(|a| (a.home_page.clone(), a.name.clone())),
            course: course.to_string(),
            occurred_at: instant::stored(result.occurred_at),
        })
    }

    fn result(self) -> Result<ReportedResult, StoreError> {
        const TABLE: &str = "pending_result";
        let number = self.employee_number.as_deref().map(EmployeeNumber::parse).transpose();
        Ok(ReportedResult {
            event_id: parsed(EventId::parse(&self.event_id), TABLE, "result")?,
            learner: LearnerKeys {
                employee_number: parsed(number, TABLE, "result")?,
                email: self.email,
                username: self.username,
                account: self.account.map(|(home_page, name)| Account { home_page, name }),
            },
            target: Target::Course(parsed(CourseId::parse(&self.course), TABLE, "result")?),
            kind: ResultKind::Completion,
            occurred_at: instant::read(self.occurred_at),
            reported_at: None,
            reason: None,
        })
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct PendingRow in pending_result {
        id: i64,
        platform_id: i64,
        registration: Bytes<[u8; 16]>,
        delivery_id: i64,
        result: String,
        recorded_at: i64,
    }
}

impl PendingRow {
    /// The row of a completion; `None` for another result, which never waits.
    pub fn new(pending: &NewPending<'_>, at: i64) -> Option<Self> {
        let reported = PendingCompletion::of(pending.result)?;
        Some(Self {
            id: pending.id,
            platform_id: pending.platform.0,
            registration: Bytes(pending.registration.into_bytes()),
            delivery_id: pending.delivery,
            result: serde_json::to_string(&reported).ok()?,
            recorded_at: at,
        })
    }
}
