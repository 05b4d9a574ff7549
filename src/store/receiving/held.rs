//! Results that wait for a deed: cmi5's `satisfied`, which a platform may tell of somebody who did nothing.
//!
//! With moveOn NotApplicable an LMS tells `satisfied` as soon as somebody is enrolled (cmi5, section 10.2.4). It counts
//! once the same platform has told that something was done in that registration, before or after: the end is the same.

use std::collections::{BTreeSet, HashSet};

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Delivery;
use super::statements::{Deed, of_batch};
use crate::domain::ids::{CourseId, EmployeeNumber, EventId, PlatformId};
use crate::domain::linking::{Account, LearnerKeys};
use crate::domain::training::{ReportedResult, ResultKind, Target};
use crate::store::parsed::parsed;
use crate::store::rows::question::{Question, ask, each, read};
use crate::store::rows::{Bytes, Row, row, selected};
use crate::store::{StoreError, instant};

/// A result that is kept and counts for nothing yet.
#[derive(Debug)]
pub struct HeldResult {
    pub id: i64,
    pub platform: PlatformId,
    pub registration: Uuid,
    /// The delivery that told it.
    pub delivery: i64,
    pub result: ReportedResult,
}

/// What the register holds of the registrations of a batch.
#[derive(Debug, Default)]
pub struct Held {
    pub results: Vec<HeldResult>,
    /// The registrations of the batch in which something was done.
    pub done: HashSet<(PlatformId, Uuid)>,
}

row! {
    #[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
    struct Asked {
        platform_id: i64,
        registration: Bytes<[u8; 16]>,
    }
}

/// The rows that `sql` finds of the registrations of a batch, as far as their deed is one; nothing where there are none.
fn question<F: Row>(
    batch: &[Delivery],
    of: fn(Deed) -> Option<Uuid>,
    sql: String,
) -> Result<Option<Question>, StoreError> {
    let asked: BTreeSet<Asked> = of_batch(batch)
        .filter_map(|(platform, told)| Some((platform, told.deed.and_then(of)?)))
        .map(|(platform, registration)| Asked {
            platform_id: platform.0,
            registration: Bytes(registration.into_bytes()),
        })
        .collect();
    if asked.is_empty() {
        return Ok(None);
    }
    Question::new::<F, _>(&asked.into_iter().collect::<Vec<_>>(), sql).map(Some)
}

row! {
    #[derive(Debug, Deserialize)]
    struct HeldRowFound {
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

impl Held {
    /// Reads what a batch could meet; asks nothing where the batch has no deed.
    pub async fn read(connection: &impl ConnectionTrait, batch: &[Delivery]) -> Result<Self, StoreError> {
        let mut held = Self::default();
        let (mut questions, mut about_held) = (Vec::new(), Vec::new());
        let done = |deed| matches!(deed, Deed::Done(_)).then(|| deed.registration());
        let satisfied = |deed| matches!(deed, Deed::Satisfied(_)).then(|| deed.registration());
        let same = "h.registration = w.registration AND h.platform_id = w.platform_id";
        let kept = each(connection, "held_result", "h", same);
        let sql = format!("SELECT {} FROM {{w}} {kept}", selected::<HeldRowFound>("h"));
        if let Some(question) = question::<HeldRowFound>(batch, done, sql)? {
            questions.push(question);
            about_held.push(true);
        }
        let sql = format!(
            "SELECT {} FROM {{w}} WHERE EXISTS (SELECT 1 FROM statement s WHERE s.registration = w.registration
                                                AND s.platform_id = w.platform_id AND s.deed = 'done')",
            selected::<DoneRow>("w")
        );
        if let Some(question) = question::<DoneRow>(batch, satisfied, sql)? {
            questions.push(question);
            about_held.push(false);
        }
        for (question, found) in ask(connection, questions).await? {
            if about_held.get(question) == Some(&true) {
                held.results.push(held_result(read(&found)?)?);
            } else {
                let row: DoneRow = read(&found)?;
                let registration = registration_of(&row.registration.0, "statement")?;
                held.done.insert((PlatformId(row.platform_id), registration));
            }
        }
        held.results.sort_by_key(|held| held.id);
        Ok(held)
    }

    /// At the most a learner and an event for each result.
    pub fn ids(&self) -> i64 {
        i64::try_from(2 * self.results.len()).unwrap_or(i64::MAX)
    }

    /// The results that wait for a deed in a registration.
    pub fn waiting_for(&self, platform: PlatformId, registration: Uuid) -> impl Iterator<Item = &HeldResult> {
        self.results.iter().filter(move |held| held.platform == platform && held.registration == registration)
    }
}

fn held_result(row: HeldRowFound) -> Result<HeldResult, StoreError> {
    let told: HeldCompletion = serde_json::from_str(&row.result).map_err(StoreError::Unwritable)?;
    Ok(HeldResult {
        id: row.id,
        platform: PlatformId(row.platform_id),
        registration: registration_of(&row.registration.0, "held_result")?,
        delivery: row.delivery_id,
        result: told.result()?,
    })
}

/// A completion as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct HeldCompletion {
    event_id: String,
    employee_number: Option<String>,
    email: Option<String>,
    username: Option<String>,
    account: Option<(String, String)>,
    course: String,
    occurred_at: i64,
}

impl HeldCompletion {
    fn of(result: &ReportedResult) -> Option<Self> {
        let Target::Course(course) = &result.target else { return None };
        Some(Self {
            event_id: result.event_id.to_string(),
            employee_number: result.learner.employee_number.as_ref().map(ToString::to_string),
            email: result.learner.email.clone(),
            username: result.learner.username.clone(),
            account: result.learner.account.as_ref().map(|a| (a.home_page.clone(), a.name.clone())),
            course: course.to_string(),
            occurred_at: instant::kept(result.occurred_at),
        })
    }

    fn result(self) -> Result<ReportedResult, StoreError> {
        const TABLE: &str = "held_result";
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
            told_at: None,
            reason: None,
        })
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct HeldRow in held_result {
        id: i64,
        platform_id: i64,
        registration: Bytes<[u8; 16]>,
        delivery_id: i64,
        result: String,
        recorded_at: i64,
    }
}

impl HeldRow {
    /// The row of a completion; nothing for another result, which waits for no deed.
    pub fn new(
        id: i64,
        delivery: i64,
        platform: PlatformId,
        registration: Uuid,
        result: &ReportedResult,
        at: i64,
    ) -> Option<Self> {
        let told = HeldCompletion::of(result)?;
        Some(Self {
            id,
            platform_id: platform.0,
            registration: Bytes(registration.into_bytes()),
            delivery_id: delivery,
            result: serde_json::to_string(&told).ok()?,
            recorded_at: at,
        })
    }
}
