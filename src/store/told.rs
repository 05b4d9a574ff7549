//! What was told about courses and quizzes, before anybody asks whose it is.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entities::event;
use super::people::result_of;
use super::rows::{IN_AT_ONCE, statement};
use super::{StoreError, instant};
use crate::domain::calendar::CityCalendar;
use crate::domain::ids::{EmployeeId, PlatformId};
use crate::domain::training::{LinkedResult, ResultKind, Target};

/// A result with the learner of whom it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub learner: i64,
    /// Whose it is now.
    pub owner: Option<EmployeeId>,
    pub result: LinkedResult,
}

/// The results about some courses and quizzes that were recorded up to an instant, and every revocation that names an event.
pub async fn results_about(
    connection: &impl ConnectionTrait,
    targets: &[Target],
    at: DateTime<Utc>,
    calendar: CityCalendar,
) -> Result<Vec<Told>, StoreError> {
    told_where(connection, about(targets).add(event::Column::RecordedAt.lte(instant::kept(at))), calendar).await
}

/// The results about some courses and quizzes that are nobody's now, and every revocation that names one that is.
///
/// Looks at what waits only, however many events there are that do not.
pub async fn waiting_about(
    connection: &impl ConnectionTrait,
    targets: &[Target],
    calendar: CityCalendar,
) -> Result<Vec<Told>, StoreError> {
    let nobodys = Condition::all().add(event::Column::EmployeeId.is_null());
    let mut waiting = told_where(connection, nobodys, calendar).await?;
    waiting.retain(|told| {
        let names_an_event = matches!(told.result.kind, ResultKind::Revocation { event_id: Some(_) });
        names_an_event || targets.contains(&told.result.target)
    });
    let naming = connection
        .query_all_raw(statement(
            connection,
            "SELECT r.id AS id FROM event w
             JOIN event r ON r.platform_id = w.platform_id AND r.revokes_event_id = w.event_id
             WHERE w.employee_id IS NULL AND r.employee_id IS NOT NULL",
            [],
        ))
        .await?;
    let naming: Vec<i64> = naming.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?;
    for naming in naming.chunks(IN_AT_ONCE) {
        let named = Condition::all().add(event::Column::Id.is_in(naming.iter().copied()));
        waiting.extend(told_where(connection, named, calendar).await?);
    }
    Ok(waiting)
}

/// The results of some learners that are nobody's now, by learner, each with every revocation that names one of them.
pub async fn unlinked_of(
    connection: &impl ConnectionTrait,
    learners: &[i64],
    calendar: CityCalendar,
) -> Result<Vec<Told>, StoreError> {
    use event::Column;
    let mut told = Vec::new();
    for learners in learners.chunks(IN_AT_ONCE) {
        let theirs = Condition::all().add(Column::LearnerId.is_in(learners.iter().copied()));
        let theirs = theirs.add(Column::EmployeeId.is_null()).add(Column::Repeats.eq(false));
        told.extend(told_where(connection, theirs, calendar).await?);
    }
    let known: BTreeSet<(PlatformId, String)> =
        told.iter().map(|told| (told.result.platform, told.result.event_id.to_string())).collect();
    let ids: Vec<&String> = known.iter().map(|(_, event_id)| event_id).collect();
    for ids in ids.chunks(IN_AT_ONCE) {
        let naming = Condition::all().add(Column::RevokesEventId.is_in(ids.iter().copied()));
        let naming = told_where(connection, naming.add(Column::RevokesEventId.is_not_null()), calendar).await?;
        // One that is among them already stays as it is.
        told.extend(
            naming
                .into_iter()
                .filter(|told| !known.contains(&(told.result.platform, told.result.event_id.to_string()))),
        );
    }
    Ok(told)
}

fn about(targets: &[Target]) -> Condition {
    use event::Column;
    let text = |target: &Target| match target {
        Target::Course(course) => course.to_string(),
        Target::Quiz(quiz) => quiz.to_string(),
    };
    let courses = targets.iter().filter(|target| matches!(target, Target::Course(_))).map(text);
    let quizzes = targets.iter().filter(|target| matches!(target, Target::Quiz(_))).map(text);
    let any = Condition::any()
        .add(Column::CourseId.is_in(courses).and(Column::QuizId.is_null()))
        .add(Column::QuizId.is_in(quizzes))
        .add(Column::RevokesEventId.is_not_null());
    Condition::all().add(any)
}

async fn told_where(
    connection: &impl ConnectionTrait,
    chosen: Condition,
    calendar: CityCalendar,
) -> Result<Vec<Told>, StoreError> {
    let rows = event::Entity::find().filter(chosen).order_by_asc(event::Column::Id).all(connection).await?;
    let told = |row: &event::Model| {
        let owner = row.employee_id.map(EmployeeId);
        Ok(Told { learner: row.learner_id, owner, result: result_of(row, calendar)? })
    };
    rows.iter().map(told).collect()
}

/// When the results of some learners happened that were recorded up to an instant; the same thing told twice once,
/// revocations left out.
pub async fn told_by(
    connection: &impl ConnectionTrait,
    learners: &[i64],
    at: DateTime<Utc>,
) -> Result<Vec<(i64, DateTime<Utc>)>, StoreError> {
    use event::Column;
    let mut told = Vec::new();
    for learners in learners.chunks(IN_AT_ONCE) {
        let rows: Vec<(i64, i64)> = event::Entity::find()
            .select_only()
            .columns([Column::LearnerId, Column::OccurredAt])
            .filter(Column::LearnerId.is_in(learners.iter().copied()))
            .filter(Column::RecordedAt.lte(instant::kept(at)))
            .filter(Column::Repeats.eq(false))
            .filter(Column::Kind.ne("revocation"))
            .into_tuple()
            .all(connection)
            .await?;
        told.extend(rows.into_iter().map(|(learner, occurred_at)| (learner, instant::read(occurred_at))));
    }
    Ok(told)
}
