//! The rows of a batch, and the two ways in which they are written: within a change that holds the clock, or all at
//! once where nothing else has changed.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Set, Value};
use serde::Serialize;

use super::pending::PendingRow;
use super::statements::{AttachmentRow, StatementRow};
use super::without::WithoutResultRow;
use crate::domain::ids::{AttemptName, EmployeeId};
use crate::domain::linking::{LinkingKey, Unlinked};
use crate::domain::receiving::{NewDelivery, NewEvent, NewLearner, Recorded};
use crate::store::chain::alterations::AlterationRow;
use crate::store::clock::{Change, ClockAt};
use crate::store::entities::delivery;
use crate::store::rows::insertion::{Insertion, insert_several, insertions, values};
use crate::store::rows::{Bytes, Part, row};
use crate::store::sql::statement;
use crate::store::stale::stale_rows;
use crate::store::{StoreError, instant};

/// What a batch adds to the register, as rows.
#[derive(Debug)]
pub struct Rows<'a> {
    pub deliveries: Vec<DeliveryRow<'a>>,
    pub released: Vec<Release<'a>>,
    pub learners: Vec<LearnerRow<'a>>,
    pub events: Vec<EventRow<'a>>,
    pub statements: Vec<StatementRow<'a>>,
    pub without: Vec<WithoutResultRow<'a>>,
    pub attachments: Vec<AttachmentRow<'a>>,
    pub pending: Vec<PendingRow>,
    /// What was said of deliveries that were not understood.
    pub alterations: Vec<AlterationRow>,
    /// The people whose compliance state it may change.
    pub stale: BTreeSet<EmployeeId>,
}

/// A delivery that was in quarantine, as it is understood now.
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
    fn new(new: &NewDelivery<'a>, at: i64) -> Self {
        let delivery = new.delivery;
        let (problem, problem_pointer) = new.problem().unzip();
        Self {
            id: new.id,
            platform_id: delivery.platform.0,
            delivery_key: delivery.key.as_str(),
            content_type: &delivery.content_type,
            headers: &delivery.headers,
            body: Part::new(&delivery.body),
            outcome: new.outcome(),
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
    fn new(new: NewLearner<'a>, at: i64) -> Self {
        let NewLearner { learner, name: (platform, fingerprint), keys, link_key } = new;
        Self {
            id: learner.id,
            platform_id: platform.0,
            fingerprint: Bytes(fingerprint),
            employee_number: keys.employee_number.as_ref().map(|number| number.as_str()),
            email: keys.email.as_deref(),
            username: keys.username.as_deref(),
            account_home_page: keys.account.as_ref().map(|account| account.home_page.as_str()),
            account_name: keys.account.as_ref().map(|account| account.name.as_str()),
            recorded_at: at,
            depends_on_day: learner.depends_on_day,
            employee_id: learner.employee.map(|employee| employee.0),
            link_key: link_key.map(LinkingKey::as_str),
            unlinked: learner.unlinked.map(Unlinked::as_str),
        }
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct EventRow<'a> in event {
        id: i64,
        delivery_id: i64,
        platform_id: i64,
        learner_id: i64,
        event_id: &'a str,
        kind: &'static str,
        course_id: Option<String>,
        quiz_id: Option<String>,
        attempt: Option<i32>,
        attempt_name: Option<&'a str>,
        occurred_at: i64,
        score_points: Option<String>,
        score_of: Option<String>,
        passed: Option<bool>,
        revokes_event_id: Option<String>,
        revokes: Option<&'static str>,
        reported_at: Option<i64>,
        read_by: Option<i32>,
        arrived_by: Option<&'static str>,
        reason: Option<&'a str>,
        repeats: bool,
        recorded_at: i64,
        employee_id: Option<i64>,
        unlinked: Option<&'static str>,
    }
}

impl<'a> EventRow<'a> {
    fn new(new: NewEvent<'a>, at: i64) -> Self {
        let NewEvent { result, key, .. } = new;
        let (score_points, score_of) = key.score.unzip();
        Self {
            id: new.id,
            delivery_id: new.delivery,
            platform_id: new.platform.0,
            learner_id: key.learner,
            event_id: result.event_id.as_str(),
            kind: key.kind,
            course_id: key.course,
            quiz_id: key.quiz,
            attempt: key.attempt,
            attempt_name: result.kind.attempt_name().map(AttemptName::as_str),
            occurred_at: key.occurred_at,
            score_points,
            score_of,
            passed: key.passed,
            revokes_event_id: key.revokes,
            revokes: key.how,
            reported_at: result.reported_at.map(instant::stored),
            read_by: new.read_by,
            arrived_by: new.arrived_by,
            reason: result.reason.as_deref(),
            repeats: new.repeats,
            recorded_at: at,
            employee_id: new.employee.map(|employee| employee.0),
            unlinked: new.unlinked.map(Unlinked::as_str),
        }
    }
}

impl<'a> Rows<'a> {
    /// The rows of what a batch records at an instant.
    pub fn of(recorded: Recorded<'a>, at: i64) -> Self {
        let altered = recorded.deliveries.iter().chain(&recorded.released).filter_map(|new| {
            let (problem, pointer) = new.problem()?;
            Some(AlterationRow::of_texts("delivery", new.id, &[Some(problem), Some(pointer)], at))
        });
        let alterations = altered.collect();
        let release = |new: NewDelivery<'a>| {
            let (problem, problem_pointer) = new.problem().unzip();
            Release { id: new.id, outcome: new.outcome(), problem, problem_pointer }
        };
        let without = recorded
            .statements
            .iter()
            .filter_map(|new| Some(WithoutResultRow::new(new.id, new.platform, new.statement.without.as_ref()?, at)));
        Self {
            without: without.collect(),
            alterations,
            deliveries: recorded.deliveries.iter().map(|new| DeliveryRow::new(new, at)).collect(),
            released: recorded.released.into_iter().map(release).collect(),
            learners: recorded.learners.into_iter().map(|new| LearnerRow::new(new, at)).collect(),
            events: recorded.events.into_iter().map(|new| EventRow::new(new, at)).collect(),
            statements: recorded.statements.iter().map(|new| StatementRow::new(new, at)).collect(),
            attachments: recorded.attachments.iter().map(AttachmentRow::new).collect(),
            pending: recorded.pending.iter().filter_map(|new| PendingRow::new(new, at)).collect(),
            stale: recorded.stale,
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
        if !self.pending.is_empty() {
            tables.push(Insertion::of(&self.pending)?);
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
