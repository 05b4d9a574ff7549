//! What platforms reported about courses and quizzes, linked or not.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entities::{event, superseded_event};
use super::learners;
use super::results::result_of;
use super::sql::IN_AT_ONCE;
use super::{StoreError, instant, result_decisions, revocations};
use crate::domain::calendar::CityCalendar;
use crate::domain::ids::EmployeeId;
use crate::domain::linking::Unlinked;
use crate::domain::training::{LinkedResult, Target};

/// A result with the learner that it was reported of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResult {
    pub learner: i64,
    /// The employee that it is linked to now.
    pub owner: Option<EmployeeId>,
    /// Why it is unlinked now.
    pub why: Option<Unlinked>,
    pub result: LinkedResult,
}

/// The results about some courses and quizzes that were recorded up to an instant, and every revocation that names an
/// event.
pub async fn results_about(
    connection: &impl ConnectionTrait,
    targets: &[Target],
    at: DateTime<Utc>,
    calendar: CityCalendar,
) -> Result<Vec<StoredResult>, StoreError> {
    let stored =
        results_where(connection, about(targets).add(event::Column::RecordedAt.lte(instant::stored(at))), calendar);
    let mut stored: Vec<StoredResult> = stored.await?.into_iter().map(|(_, stored)| stored).collect();
    // Results that were known then and were reread since.
    for row in superseded_event::Entity::find()
        .filter(about_then(targets))
        .filter(superseded_event::Column::RecordedAt.lte(instant::stored(at)))
        .filter(superseded_event::Column::SupersededAt.gt(instant::stored(at)))
        .order_by_asc(superseded_event::Column::Id)
        .all(connection)
        .await?
    {
        let row = event::Model::from(row);
        let owner = row.employee_id.map(EmployeeId);
        let why = row.unlinked.as_deref().map(|word| learners::unlinked_of(Some(word)));
        stored.push(StoredResult { learner: row.learner_id, owner, why, result: result_of(&row, calendar)? });
    }
    Ok(stored)
}

/// The results about some courses and quizzes that are unlinked now, and what withdraws or restores them.
///
/// Reads only unlinked results, however many others there are.
pub async fn waiting_about(
    connection: &impl ConnectionTrait,
    targets: &[Target],
    calendar: CityCalendar,
) -> Result<Vec<StoredResult>, StoreError> {
    let dismissals = Condition::all().add(event::Column::EmployeeId.is_null());
    let mut waiting = results_where(connection, dismissals, calendar).await?;
    waiting
        .retain(|(_, stored)| stored.result.kind.revoked_event().is_some() || targets.contains(&stored.result.target));
    with_revocations(connection, waiting, calendar).await
}

/// Results with the revocations that name one of them, directly or through others, and the decisions by hand about
/// them. Each of these has the learner of the first result that it leads to.
async fn with_revocations(
    connection: &impl ConnectionTrait,
    stored: Vec<(i64, StoredResult)>,
    calendar: CityCalendar,
) -> Result<Vec<StoredResult>, StoreError> {
    let learners: HashMap<i64, i64> = stored.iter().map(|(id, stored)| (*id, stored.learner)).collect();
    let named: Vec<(i64, LinkedResult)> = stored.iter().map(|(id, stored)| (*id, stored.result.clone())).collect();
    let mut all: Vec<StoredResult> = stored.into_iter().map(|(_, stored)| stored).collect();
    let mut met: BTreeSet<i64> = BTreeSet::new();
    for (root, row) in revocations::naming(connection, &named).await? {
        let Some(learner) = learners.get(&root) else { continue };
        // One that is already among them stays as it is.
        if !learners.contains_key(&row.id) && met.insert(row.id) {
            all.push(StoredResult { learner: *learner, owner: None, why: None, result: result_of(&row, calendar)? });
        }
    }
    let decisions = result_decisions::that_count(connection, None).await?;
    for decision in &decisions {
        let of = all
            .iter()
            .find(|stored| stored.result.platform == decision.platform && stored.result.event_id == decision.event_id);
        let decided = of.and_then(|of| Some((of.learner, decision.as_result(&of.result)?)));
        all.extend(decided.map(|(learner, result)| StoredResult { learner, owner: None, why: None, result }));
    }
    Ok(all)
}

/// The results of some learners that are unlinked now, by learner, each with what withdraws or restores them.
pub async fn unlinked_of(
    connection: &impl ConnectionTrait,
    learners: &[i64],
    calendar: CityCalendar,
) -> Result<Vec<StoredResult>, StoreError> {
    use event::Column;
    let mut stored = Vec::new();
    for some in learners.chunks(IN_AT_ONCE) {
        let theirs = Condition::all().add(Column::LearnerId.is_in(some.iter().copied()));
        let theirs = theirs.add(Column::EmployeeId.is_null()).add(Column::Repeats.eq(false));
        stored.extend(results_where(connection, theirs, calendar).await?);
    }
    with_revocations(connection, stored, calendar).await
}

/// The results of some learners, linked or not, by when they were recorded; without repeats.
pub async fn of_learners(
    connection: &impl ConnectionTrait,
    learners: &[i64],
    calendar: CityCalendar,
) -> Result<Vec<StoredResult>, StoreError> {
    use event::Column;
    let mut stored = Vec::new();
    for some in learners.chunks(IN_AT_ONCE) {
        let theirs = Condition::all().add(Column::LearnerId.is_in(some.iter().copied()));
        let theirs = results_where(connection, theirs.add(Column::Repeats.eq(false)), calendar).await?;
        stored.extend(theirs.into_iter().map(|(_, stored)| stored));
    }
    Ok(stored)
}

fn about(targets: &[Target]) -> Condition {
    use event::Column;
    let (courses, quizzes) = names(targets);
    let any = Condition::any()
        .add(Column::CourseId.is_in(courses).and(Column::QuizId.is_null()))
        .add(Column::QuizId.is_in(quizzes))
        .add(Column::RevokesEventId.is_not_null());
    Condition::all().add(any)
}

/// The same for results that were reread since.
fn about_then(targets: &[Target]) -> Condition {
    use superseded_event::Column;
    let (courses, quizzes) = names(targets);
    let any = Condition::any()
        .add(Column::CourseId.is_in(courses).and(Column::QuizId.is_null()))
        .add(Column::QuizId.is_in(quizzes))
        .add(Column::RevokesEventId.is_not_null());
    Condition::all().add(any)
}

/// The ids of courses, and of quizzes.
fn names(targets: &[Target]) -> (Vec<String>, Vec<String>) {
    let mut names = (Vec::new(), Vec::new());
    for target in targets {
        match target {
            Target::Course(course) => names.0.push(course.to_string()),
            Target::Quiz(quiz) => names.1.push(quiz.to_string()),
        }
    }
    names
}

/// Each with the id of its row.
async fn results_where(
    connection: &impl ConnectionTrait,
    chosen: Condition,
    calendar: CityCalendar,
) -> Result<Vec<(i64, StoredResult)>, StoreError> {
    let rows = event::Entity::find().filter(chosen).order_by_asc(event::Column::Id).all(connection).await?;
    let stored = |row: &event::Model| {
        let owner = row.employee_id.map(EmployeeId);
        let why = row.unlinked.as_deref().map(|word| learners::unlinked_of(Some(word)));
        Ok((row.id, StoredResult { learner: row.learner_id, owner, why, result: result_of(row, calendar)? }))
    };
    rows.iter().map(stored).collect()
}

/// When the results of some learners happened that were recorded up to an instant; without repeats and revocations.
pub async fn times_of_results(
    connection: &impl ConnectionTrait,
    learners: &[i64],
    at: DateTime<Utc>,
) -> Result<Vec<(i64, DateTime<Utc>)>, StoreError> {
    use event::Column;
    let mut stored = Vec::new();
    for some in learners.chunks(IN_AT_ONCE) {
        let rows: Vec<(i64, i64)> = event::Entity::find()
            .select_only()
            .columns([Column::LearnerId, Column::OccurredAt])
            .filter(Column::LearnerId.is_in(some.iter().copied()))
            .filter(Column::RecordedAt.lte(instant::stored(at)))
            .filter(Column::Repeats.eq(false))
            .filter(Column::Kind.ne("revocation"))
            .into_tuple()
            .all(connection)
            .await?;
        let then: Vec<(i64, i64)> = superseded_event::Entity::find()
            .select_only()
            .columns([superseded_event::Column::LearnerId, superseded_event::Column::OccurredAt])
            .filter(superseded_event::Column::LearnerId.is_in(learners.iter().copied()))
            .filter(superseded_event::Column::RecordedAt.lte(instant::stored(at)))
            .filter(superseded_event::Column::SupersededAt.gt(instant::stored(at)))
            .filter(superseded_event::Column::Repeats.eq(false))
            .filter(superseded_event::Column::Kind.ne("revocation"))
            .into_tuple()
            .all(connection)
            .await?;
        let all = rows.into_iter().chain(then);
        stored.extend(all.map(|(learner, occurred_at)| (learner, instant::read(occurred_at))));
    }
    Ok(stored)
}
