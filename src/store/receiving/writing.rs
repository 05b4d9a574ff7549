//! The rows of a batch, and the two ways in which they are written: within a change that holds the clock, or all at
//! once where nothing else has changed.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Set, Value};
use serde::Serialize;

use super::known::{DuplicateKey, KnownLearner, LearnerName};
use super::pending::PendingRow;
use super::statements::{AttachmentRow, StatementRow};
use super::without::WithoutResultRow;
use crate::domain::ids::{AttemptName, EmployeeId, PlatformId};
use crate::domain::linking::{LearnerKeys, Unlinked};
use crate::domain::receiving::Delivery;
use crate::domain::training::ReportedResult;
use crate::store::chain::alterations::AlterationRow;
use crate::store::clock::{Change, ClockAt};
use crate::store::entities::delivery;
use crate::store::rows::insertion::{Insertion, insert_several, insertions, values};
use crate::store::rows::{Bytes, Part, row};
use crate::store::sql::statement;
use crate::store::stale::stale_rows;
use crate::store::{StoreError, instant};

/// What a batch adds to the register.
#[derive(Debug, Default)]
pub struct Rows<'a> {
    pub deliveries: Vec<DeliveryRow<'a>>,
    pub released: Vec<Release<'a>>,
    pub learners: Vec<LearnerRow<'a>>,
    pub events: Vec<EventRow<'a>>,
    pub statements: Vec<StatementRow<'a>>,
    pub without: Vec<WithoutResultRow<'a>>,
    pub attachments: Vec<AttachmentRow<'a>>,
    pub held: Vec<PendingRow>,
    /// What was said of deliveries that were not understood.
    pub alterations: Vec<AlterationRow>,
    /// Whose standing it touches.
    pub stale: BTreeSet<EmployeeId>,
}

/// A delivery that was kept in quarantine, as it is understood now.
#[derive(Debug)]
pub struct Release<'a> {
    pub id: i64,
    pub outcome: &'static str,
    pub problem: Option<&'a str>,
    pub problem_pointer: Option<&'a str>,
}

row! {
    #[derive(Debug, Serialize)]
    pub struct DeliveryRow<'a> in delivery {
        id: i64,
        platform_id: i64,
        delivery_key: &'a str,
        content_type: &'a str,
        headers: &'a str,
        body: Part<'a>,
        outcome: &'static str,
        problem: Option<&'a str>,
        problem_pointer: Option<&'a str>,
        received_at: i64,
        is_pulled: bool,
    }
}

impl<'a> DeliveryRow<'a> {
    pub fn new(
        delivery: &'a Delivery,
        id: i64,
        (outcome, problem, problem_pointer): (&'static str, Option<&'a str>, Option<&'a str>),
        at: i64,
    ) -> Self {
        Self {
            id,
            platform_id: delivery.platform.0,
            delivery_key: delivery.key.as_str(),
            content_type: &delivery.content_type,
            headers: &delivery.headers,
            body: Part::new(&delivery.body),
            outcome,
            problem,
            problem_pointer,
            received_at: at,
            is_pulled: delivery.is_pulled,
        }
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct LearnerRow<'a> in learner {
        id: i64,
        platform_id: i64,
        fingerprint: Bytes,
        employee_number: Option<&'a str>,
        email: Option<&'a str>,
        username: Option<&'a str>,
        account_home_page: Option<&'a str>,
        account_name: Option<&'a str>,
        recorded_at: i64,
        depends_on_day: bool,
        employee_id: Option<i64>,
        link_key: Option<&'static str>,
        unlinked: Option<&'static str>,
    }
}

impl<'a> LearnerRow<'a> {
    pub fn new(
        learner: &KnownLearner,
        (platform, print): &LearnerName,
        keys: &'a LearnerKeys,
        link_key: Option<&'static str>,
        at: i64,
    ) -> Self {
        Self {
            id: learner.id,
            platform_id: platform.0,
            fingerprint: Bytes(print.clone()),
            employee_number: keys.employee_number.as_ref().map(|number| number.as_str()),
            email: keys.email.as_deref(),
            username: keys.username.as_deref(),
            account_home_page: keys.account.as_ref().map(|account| account.home_page.as_str()),
            account_name: keys.account.as_ref().map(|account| account.name.as_str()),
            recorded_at: at,
            depends_on_day: learner.depends_on_day,
            employee_id: learner.employee.map(|employee| employee.0),
            link_key,
            unlinked: learner.unlinked.map(Unlinked::as_str),
        }
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct EventRow<'a> in event {
        id: i64,
        pub delivery_id: i64,
        pub platform_id: i64,
        learner_id: i64,
        pub event_id: &'a str,
        kind: &'static str,
        course_id: Option<String>,
        quiz_id: Option<String>,
        attempt: Option<i32>,
        attempt_name: Option<&'a str>,
        occurred_at: i64,
        score_points: Option<String>,
        score_of: Option<String>,
        passed: Option<bool>,
        pub revokes_event_id: Option<String>,
        revokes: Option<&'static str>,
        reported_at: Option<i64>,
        pub read_by: Option<i32>,
        /// How it came, where it ends a platform's silence of results.
        pub arrived_by: Option<&'static str>,
        reason: Option<&'a str>,
        pub repeats: bool,
        recorded_at: i64,
        pub employee_id: Option<i64>,
        pub unlinked: Option<&'static str>,
    }
    beside {
        /// Whether nobody had told it of the person.
        pub is_new: bool,
    }
}

impl<'a> EventRow<'a> {
    /// An event that is new, and nobody's so far.
    pub fn new(
        id: i64,
        delivery: i64,
        platform: PlatformId,
        result: &'a ReportedResult,
        report: &DuplicateKey,
        at: i64,
    ) -> Self {
        let (score_points, score_of) = report.score.clone().unzip();
        Self {
            id,
            delivery_id: delivery,
            platform_id: platform.0,
            learner_id: report.learner,
            event_id: result.event_id.as_str(),
            kind: report.kind,
            course_id: report.course.clone(),
            quiz_id: report.quiz.clone(),
            attempt: report.attempt,
            attempt_name: result.kind.attempt_name().map(AttemptName::as_str),
            occurred_at: report.occurred_at,
            score_points,
            score_of,
            passed: report.passed,
            revokes_event_id: report.revokes.clone(),
            revokes: report.how,
            reported_at: result.reported_at.map(instant::stored),
            read_by: None,
            arrived_by: None,
            reason: result.reason.as_deref(),
            repeats: false,
            is_new: true,
            recorded_at: at,
            employee_id: None,
            unlinked: None,
        }
    }
}

impl Rows<'_> {
    /// Writes them within a change that holds the clock.
    pub async fn write(mut self, change: &Change) -> Result<(), StoreError> {
        let connection = change.connection();
        for released in &self.released {
            let mut update = delivery::ActiveModel {
                id: Set(released.id),
                outcome: Set(released.outcome.to_owned()),
                ..Default::default()
            };
            if released.problem.is_some() {
                update.problem = Set(released.problem.map(str::to_owned));
                update.problem_pointer = Set(released.problem_pointer.map(str::to_owned));
            } else {
                // The problem stays as a record of why it waited.
                update.released_at = Set(Some(change.at()));
            }
            sea_orm::EntityTrait::update(update).exec(connection).await?;
        }
        insert_several(connection, self.tables()?).await
    }

    /// What is to be inserted. What every batch has is always there, so that its statement is one that is prepared.
    fn tables(&mut self) -> Result<Vec<Insertion>, StoreError> {
        let mut bodies = Vec::with_capacity(self.deliveries.iter().map(|row| row.body.length()).sum());
        for row in &mut self.deliveries {
            row.body.append_to(&mut bodies);
        }
        let stale = stale_rows(self.stale.iter().copied());
        let mut tables = vec![
            Insertion::of(&self.deliveries)?.with_parts(bodies),
            Insertion::of(&self.learners)?,
            Insertion::of(&self.events)?,
            Insertion::of(&stale)?,
        ];
        if !self.statements.is_empty() {
            tables.push(Insertion::of(&self.statements)?);
        }
        if !self.without.is_empty() {
            tables.push(Insertion::of(&self.without)?);
        }
        if !self.attachments.is_empty() {
            tables.push(Insertion::of(&self.attachments)?);
        }
        if !self.held.is_empty() {
            tables.push(Insertion::of(&self.held)?);
        }
        if !self.alterations.is_empty() {
            tables.push(Insertion::of(&self.alterations)?);
        }
        Ok(tables)
    }

    /// Writes them, and moves the clock, in one statement; only where the clock still stands as it was `seen`. Answers
    /// whether it did. `is_in_time` is a further condition on the instant.
    ///
    /// PostgreSQL alone takes several insertions in a statement, and there each statement less is a round trip less.
    pub async fn write_at_once(
        mut self,
        connection: &impl ConnectionTrait,
        seen: ClockAt,
        then: ClockAt,
        is_in_time: &str,
    ) -> Result<bool, StoreError> {
        let tables = self.tables()?;
        let insertions = insertions(connection, &tables, 4, "tick CROSS JOIN ");
        let sql = format!(
            "WITH tick AS (UPDATE transaction_clock SET at = $1, next_id = $2 WHERE at = $3 {is_in_time} RETURNING 1 AS ticked),
                 {insertions}
             SELECT COUNT(*) AS ticked FROM tick"
        );
        let clock: [Value; 3] = [then.at.into(), then.next_id.into(), seen.at.into()];
        let values = clock.into_iter().chain(values(tables));
        let row = connection.query_one_raw(statement(connection, &sql, values)).await?;
        let ticked: i64 = row.map(|row| row.try_get("", "ticked")).transpose()?.unwrap_or_default();
        Ok(ticked == 1)
    }
}
