//! Exemptions and prior training that were proposed in Kurskoll, and who decided them.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};

use super::clock::Change;
use super::entities::proposal::{ActiveModel, Column, Entity, Model};
use super::known_at::known_at;
use super::opaque_id::opaque_id;
use super::parsed::parsed;
use super::results::score_from;
use super::stale::mark_stale;
use super::whose::Whose;
use super::{StoreError, instant};
use crate::domain::approval::{Act, State};
use crate::domain::directory::proposal::{Proposal, ProposalContent, ProposalKind};
use crate::domain::ids::{CourseId, EmployeeId, QuizId, RequirementCode};
use crate::domain::training::Target;

const TABLE: &str = "proposal";

fn proposal_of(row: Model) -> Result<Proposal, StoreError> {
    let unreadable = |column| StoreError::Unreadable { table: TABLE, column };
    let content = match row.kind.as_str() {
        "exemption" => {
            let code = row.requirement.as_deref().ok_or(unreadable("requirement"))?;
            ProposalContent::Exemption {
                requirement: parsed(RequirementCode::parse(code), TABLE, "requirement")?,
                starts_on: row.starts_on,
                ends_on: row.ends_on,
            }
        }
        "prior_training" => {
            let target = match (&row.course_id, &row.quiz_id) {
                (None, Some(quiz)) => Target::Quiz(parsed(QuizId::parse(quiz), TABLE, "quiz_id")?),
                (Some(course), None) => Target::Course(parsed(CourseId::parse(course), TABLE, "course_id")?),
                _ => return Err(unreadable("course_id")),
            };
            let score = score_from(row.score_points.as_deref(), row.score_of.as_deref(), TABLE)?;
            ProposalContent::PriorTraining { target, score, completed_on: row.starts_on }
        }
        _ => return Err(unreadable("kind")),
    };
    let act = |by: Option<String>, at: Option<i64>| by.zip(at).map(|(by, at)| Act { by, at: instant::read(at) });
    let ended = act(row.ended_by, row.superseded_at);
    Ok(Proposal {
        id: row.id,
        employee: EmployeeId(row.employee_id),
        content,
        reason: row.reason,
        proposed: Act { by: row.proposed_by, at: instant::read(row.proposed_at) },
        decided: act(row.decided_by, row.recorded_at),
        ended: ended.map(|act| (act, row.ended_because.unwrap_or_default())),
    })
}

/// Stores a proposal; one that is `decided` counts from now on.
pub async fn insert(
    change: &Change,
    employee: EmployeeId,
    content: &ProposalContent,
    (by, reason): (&str, &str),
    decided: bool,
) -> Result<Proposal, StoreError> {
    let mut row = ActiveModel {
        id: Set(opaque_id()),
        kind: Set(content.kind().as_str().to_owned()),
        employee_id: Set(employee.0),
        reason: Set(reason.to_owned()),
        proposed_by: Set(by.to_owned()),
        proposed_at: Set(change.at()),
        decided_by: Set(decided.then(|| by.to_owned())),
        recorded_at: Set(decided.then(|| change.at())),
        ..Default::default()
    };
    match content {
        ProposalContent::Exemption { requirement, starts_on, ends_on } => {
            row.requirement = Set(Some(requirement.to_string()));
            row.starts_on = Set(*starts_on);
            row.ends_on = Set(*ends_on);
        }
        ProposalContent::PriorTraining { target, score, completed_on } => {
            match target {
                Target::Course(course) => row.course_id = Set(Some(course.to_string())),
                Target::Quiz(quiz) => row.quiz_id = Set(Some(quiz.to_string())),
            }
            row.score_points = Set(score.map(|score| score.points().to_string()));
            row.score_of = Set(score.map(|score| score.of().to_string()));
            row.starts_on = Set(*completed_on);
        }
    }
    let row = Entity::insert(row).exec_with_returning(change.connection()).await?;
    if decided {
        mark_stale(change.connection(), [employee]).await?;
    }
    proposal_of(row)
}

/// Approves a proposal: it counts from now on.
pub async fn decide(change: &Change, proposal: &Proposal, by: &str) -> Result<(), StoreError> {
    let decided =
        ActiveModel { decided_by: Set(Some(by.to_owned())), recorded_at: Set(Some(change.at())), ..Default::default() };
    Entity::update_many().set(decided).filter(Column::Id.eq(proposal.id)).exec(change.connection()).await?;
    mark_stale(change.connection(), [proposal.employee]).await
}

/// Ends a proposal: rejects it if it never counted, else withdraws it.
pub async fn end(change: &Change, proposal: &Proposal, (by, because): (&str, &str)) -> Result<(), StoreError> {
    let ended = ActiveModel {
        ended_by: Set(Some(by.to_owned())),
        ended_because: Set(Some(because.to_owned())),
        superseded_at: Set(Some(change.at())),
        ..Default::default()
    };
    Entity::update_many().set(ended).filter(Column::Id.eq(proposal.id)).exec(change.connection()).await?;
    mark_stale(change.connection(), [proposal.employee]).await
}

/// One proposal of a kind.
pub async fn by_id(
    connection: &impl ConnectionTrait,
    kind: ProposalKind,
    id: i64,
) -> Result<Option<Proposal>, StoreError> {
    let found = Entity::find_by_id(id).filter(Column::Kind.eq(kind.as_str())).one(connection).await?;
    found.map(proposal_of).transpose()
}

/// Which proposals to list.
#[derive(Debug, Clone, Copy)]
pub struct ProposalFilter {
    pub kind: ProposalKind,
    pub employee: Option<EmployeeId>,
    pub state: Option<State>,
    /// When the last one that was seen was proposed, and its id; older ones follow.
    pub before: Option<(DateTime<Utc>, i64)>,
}

/// Proposals, newest first.
pub async fn list(
    connection: &impl ConnectionTrait,
    filter: ProposalFilter,
    at_most: u64,
) -> Result<Vec<Proposal>, StoreError> {
    let (decided, ended) = (Column::RecordedAt, Column::SupersededAt);
    let state = filter.state.map(|state| match state {
        State::Proposed => Condition::all().add(decided.is_null()).add(ended.is_null()),
        State::Decided => Condition::all().add(decided.is_not_null()).add(ended.is_null()),
        State::Rejected => Condition::all().add(decided.is_null()).add(ended.is_not_null()),
        State::Withdrawn => Condition::all().add(decided.is_not_null()).add(ended.is_not_null()),
    });
    let chosen = Condition::all()
        .add(Column::Kind.eq(filter.kind.as_str()))
        .add_option(filter.employee.map(|employee| Column::EmployeeId.eq(employee.0)))
        .add_option(state)
        .add_option(filter.before.map(|(at, id)| {
            let at = instant::stored(at);
            Column::ProposedAt.lt(at).or(Column::ProposedAt.eq(at).and(Column::Id.lt(id)))
        }));
    let found = Entity::find().filter(chosen).order_by_desc(Column::ProposedAt).order_by_desc(Column::Id);
    let rows = found.limit(at_most).all(connection).await?;
    rows.into_iter().map(proposal_of).collect()
}

/// Every proposal about an employee, oldest first.
pub async fn of_employee(connection: &impl ConnectionTrait, employee: EmployeeId) -> Result<Vec<Proposal>, StoreError> {
    let found = Entity::find().filter(Column::EmployeeId.eq(employee.0));
    let rows = found.order_by_asc(Column::ProposedAt).order_by_asc(Column::Id);
    rows.all(connection).await?.into_iter().map(proposal_of).collect()
}

/// The proposals about some people that counted at an instant (`None`: now).
pub async fn that_count(
    connection: &impl ConnectionTrait,
    whose: Whose<'_>,
    at: Option<DateTime<Utc>>,
) -> Result<Vec<Proposal>, StoreError> {
    let known = known_at(Column::RecordedAt, Column::SupersededAt, at);
    let mut found = Vec::new();
    for whose in whose.conditions(Column::EmployeeId) {
        let rows = Entity::find()
            .filter(whose)
            .filter(Column::RecordedAt.is_not_null())
            .filter(known.clone())
            .order_by_asc(Column::ProposedAt)
            .order_by_asc(Column::Id);
        for row in rows.all(connection).await? {
            found.push(proposal_of(row)?);
        }
    }
    Ok(found)
}
