//! Results that an administrator withdraws or restores by hand.

use chrono::{DateTime, NaiveDate, Utc};
use rocket::http::Status;
use rocket::serde::json::Json;
use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::compliance::decide_results::{
    DecideResultError, DecidedAnswer, DecisionAnswer, ResultDecisionRequest, StateChange, kind_of,
};
use crate::app::{App, Caller};
use crate::domain::approval::State as DecisionState;
use crate::domain::ids::{EventId, PlatformCode};
use crate::domain::training::{ResultDecision, Target, Verdict};
use crate::http::api::v1::employees::corrections::reason;
use crate::http::api::v1::employees::proposals::ReasonBody;
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// What is decided of a result.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResultDecisionBody {
    /// The event's id, as the platform or the evidence names it.
    #[schema(example = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W")]
    event_id: String,
    /// The platform's code; may be left out if only one platform reported an event with that id.
    #[schema(example = "larportal")]
    platform: Option<String>,
    /// `withdraw`, or `restore`.
    #[schema(example = "withdraw")]
    decision: String,
    /// Why.
    #[schema(example = "completed under the wrong account")]
    reason: String,
    /// Only report what would change.
    #[serde(default)]
    dry_run: bool,
}

/// A decision about a result.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultDecisionView {
    id: i64,
    platform: String,
    event_id: String,
    /// `withdraw`, or `restore`.
    #[schema(example = "withdraw")]
    decision: &'static str,
    /// `proposed` (waits for another person to approve it), `decided` (counts), `rejected`, or `withdrawn`: another
    /// decision replaced it, or it was undone.
    #[schema(example = "decided")]
    state: &'static str,
    reason: String,
    proposed_by: String,
    proposed_at: DateTime<Utc>,
    decided_by: Option<String>,
    /// From when on it is known and counts.
    decided_at: Option<DateTime<Utc>>,
    ended_by: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    ended_because: Option<String>,
}

/// The result that is decided about.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecidedResultView {
    platform: String,
    event_id: String,
    /// `completion`, `attempt` or `revocation`.
    #[schema(example = "completion")]
    kind: &'static str,
    course: Option<String>,
    quiz: Option<String>,
    occurred_at: DateTime<Utc>,
}

/// How a decision changes an employee's status.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateChangeView {
    employee_number: String,
    requirement: String,
    /// The first day on which it changes.
    from: NaiveDate,
    /// Today's status; null: the requirement does not bind the employee today.
    #[schema(example = "compliant")]
    status_before: Option<&'static str>,
    #[schema(example = "overdue")]
    status_after: Option<&'static str>,
    valid_until_before: Option<NaiveDate>,
    valid_until_after: Option<NaiveDate>,
}

/// What was decided, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultDecidedView {
    /// Null in a dry run.
    decision: Option<ResultDecisionView>,
    result: DecidedResultView,
    /// Whether it counts for nothing until another person approves it.
    needs_approval: bool,
    /// Whose state it changes, or would change once it is approved.
    changes: Vec<StateChangeView>,
}

/// A page of decisions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultDecisionsPageView {
    items: Vec<ResultDecisionView>,
    /// The `before` of the next request; null: no more.
    next: Option<String>,
}

impl ResultDecisionView {
    fn of(decision: ResultDecision, platform: &PlatformCode) -> Self {
        let state = decision.state().as_str();
        let ResultDecision { id, event_id, verdict, reason, proposed, decided, ended, .. } = decision;
        let (ended, ended_because) = ended.unzip();
        Self {
            id,
            platform: platform.to_string(),
            event_id: event_id.into(),
            decision: verdict.as_str(),
            state,
            reason,
            proposed_by: proposed.by,
            proposed_at: proposed.at,
            decided_at: decided.as_ref().map(|act| act.at),
            decided_by: decided.map(|act| act.by),
            ended_at: ended.as_ref().map(|act| act.at),
            ended_by: ended.map(|act| act.by),
            ended_because,
        }
    }
}

impl From<DecisionAnswer> for ResultDecisionView {
    fn from(answer: DecisionAnswer) -> Self {
        Self::of(answer.decision, &answer.platform)
    }
}

impl From<StateChange> for StateChangeView {
    fn from(change: StateChange) -> Self {
        let StateChange { number, requirement, from, before, after } = change;
        Self {
            employee_number: number.to_string(),
            requirement: requirement.to_string(),
            from,
            status_before: before.as_ref().map(|state| state.status.as_str()),
            status_after: after.as_ref().map(|state| state.status.as_str()),
            valid_until_before: before.and_then(|state| state.valid_until),
            valid_until_after: after.and_then(|state| state.valid_until),
        }
    }
}

impl From<DecidedAnswer> for ResultDecidedView {
    fn from(answer: DecidedAnswer) -> Self {
        let DecidedAnswer { decision, platform, event, needs_approval, changes } = answer;
        let (course, quiz) = match &event.target {
            Target::Course(course) => (Some(course.to_string()), None),
            Target::Quiz(quiz) => (None, Some(quiz.to_string())),
        };
        Self {
            decision: decision.map(|decision| ResultDecisionView::of(decision, &platform)),
            result: DecidedResultView {
                platform: platform.to_string(),
                kind: kind_of(&event.kind),
                event_id: event.event_id.into(),
                course,
                quiz,
                occurred_at: event.occurred_at,
            },
            needs_approval,
            changes: changes.into_iter().map(StateChangeView::from).collect(),
        }
    }
}

fn not_understood(pointer: &str, detail: String) -> Problem {
    Problem::unprocessable("not-understood", detail).with_pointer(pointer)
}

impl ResultDecisionBody {
    fn request(&self) -> Result<ResultDecisionRequest, Problem> {
        let invalid = |pointer: &'static str| {
            move |error: crate::domain::ids::InvalidId| not_understood(pointer, format!("{pointer} {error}"))
        };
        let verdict = Verdict::parse(&self.decision);
        Ok(ResultDecisionRequest {
            event_id: EventId::parse(&self.event_id).map_err(invalid("/event_id"))?,
            platform: self.platform.as_deref().map(PlatformCode::parse).transpose().map_err(invalid("/platform"))?,
            verdict: verdict.ok_or_else(|| {
                not_understood("/decision", "/decision is neither withdraw nor restore: send one of them".to_owned())
            })?,
            reason: reason(&self.reason)?,
            dry_run: self.dry_run,
        })
    }
}

fn decision(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("no decision about a result has the id {text}")))
}

/// Decisions about results, newest first
#[utoipa::path(
    get, path = "/api/v1/results/decisions", operation_id = "list_result_decisions", tag = "results", security(("bearer" = [])),
    params(
        ("state" = Option<String>, Query, description = "In one state only"),
        ("limit" = Option<u32>, Query, description = "How many, 1 to 500; 100 by default", minimum = 1, maximum = 500),
        ("before" = Option<i64>, Query, description = "`next` of the previous answer"),
    ),
    responses(
        (status = 200, description = "A page", body = ResultDecisionsPageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
    ),
)]
#[get("/results/decisions")]
pub async fn list(app: &State<App>, caller: Caller, query: Query) -> Result<Json<ResultDecisionsPageView>, Problem> {
    let query = query.only(&["state", "limit", "before"])?;
    let state = query.text("state").map(|text| {
        let words = DecisionState::ALL.map(DecisionState::as_str).join(", ");
        DecisionState::parse(text).ok_or_else(|| Problem::bad_request(format!("state={text} is none of: {words}")))
    });
    let at_most = query.limit(100, 500)?;
    let found = app.list_result_decisions(&caller, state.transpose()?, query.row("before")?, at_most as u64).await?;
    let next = found.last().filter(|_| found.len() == at_most).map(|last| last.decision.id.to_string());
    Ok(Json(ResultDecisionsPageView { items: found.into_iter().map(ResultDecisionView::from).collect(), next }))
}

/// A decision about a result
#[utoipa::path(
    get, path = "/api/v1/results/decisions/{id}", operation_id = "show_result_decision", tag = "results", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Its id")),
    responses(
        (status = 200, description = "The decision", body = ResultDecisionView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/results/decisions/<id>")]
pub async fn show(
    app: &State<App>,
    caller: Caller,
    query: Query,
    id: &str,
) -> Result<Json<ResultDecisionView>, Problem> {
    query.only(&[])?;
    Ok(Json(app.show_result_decision(&caller, decision(id)?).await?.into()))
}

/// Withdraws a result by hand, or restores one, and says whose state that changes
///
/// It counts at once, and takes precedence over what the platform revokes. If the register requires that two persons
/// agree, it waits for another person to approve it. With `dry_run`, nothing changes.
#[utoipa::path(
    post, path = "/api/v1/results/decisions", operation_id = "decide_result", tag = "results", security(("bearer" = [])),
    request_body = ResultDecisionBody,
    responses(
        (status = 200, description = "As it was decided or proposed, or would be", body = ResultDecidedView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 409, response = crate::http::openapi::Conflict),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::NotUnderstood),
    ),
)]
#[post("/results/decisions", data = "<body>")]
pub async fn decide(
    app: &State<App>,
    caller: Caller,
    query: Query,
    body: Result<JsonBody<ResultDecisionBody>, Problem>,
) -> Result<Json<ResultDecidedView>, Problem> {
    query.only(&[])?;
    let JsonBody(body) = body?;
    Ok(Json(app.decide_result(&caller, &body.request()?).await?.into()))
}

/// Approves a decision about a result that another person proposed; it counts from now on
#[utoipa::path(
    post, path = "/api/v1/results/decisions/{id}/approve", operation_id = "approve_result_decision", tag = "results", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Its id")),
    responses(
        (status = 200, description = "As it is now", body = ResultDecisionView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 409, response = crate::http::openapi::Conflict),
    ),
)]
#[post("/results/decisions/<id>/approve")]
pub async fn approve(
    app: &State<App>,
    caller: Caller,
    query: Query,
    id: &str,
) -> Result<Json<ResultDecisionView>, Problem> {
    query.only(&[])?;
    Ok(Json(app.approve_result_decision(&caller, decision(id)?).await?.into()))
}

/// Rejects a decision about a result that is proposed; it never counts, for a reason
#[utoipa::path(
    post, path = "/api/v1/results/decisions/{id}/reject", operation_id = "reject_result_decision", tag = "results", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Its id")),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "As it is now", body = ResultDecisionView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 409, response = crate::http::openapi::Conflict),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::NotUnderstood),
    ),
)]
#[post("/results/decisions/<id>/reject", data = "<body>")]
pub async fn reject(
    app: &State<App>,
    caller: Caller,
    query: Query,
    id: &str,
    body: Result<JsonBody<ReasonBody>, Problem>,
) -> Result<Json<ResultDecisionView>, Problem> {
    query.only(&[])?;
    let because = reason(&body?.0.reason)?;
    Ok(Json(app.reject_result_decision(&caller, decision(id)?, &because).await?.into()))
}

impl From<DecideResultError> for Problem {
    fn from(error: DecideResultError) -> Self {
        let text = error.to_string();
        match error {
            DecideResultError::Refused(_) => Self::forbidden(text),
            DecideResultError::UnknownEvent(_)
            | DecideResultError::UnknownPlatform(_)
            | DecideResultError::PriorTraining(_)
            | DecideResultError::UnknownDecision(_) => Self::not_found(text),
            DecideResultError::SeveralPlatforms { platforms, .. } => {
                let codes: Vec<String> = platforms.iter().map(ToString::to_string).collect();
                Self::conflict("several-platforms", text).with_member("platforms", codes)
            }
            DecideResultError::WithdrawnAlready { id, .. } | DecideResultError::Proposed(id) => {
                Self::conflict("known-already", text).with_member("id", id)
            }
            DecideResultError::NotWithdrawn(_) => Self::conflict("not-withdrawn", text),
            DecideResultError::SamePerson { .. } => {
                Self::new(Status::Conflict, "same-person", "Two persons must agree", text)
            }
            DecideResultError::NotProposed { .. } => Self::conflict("not-in-that-state", text),
            DecideResultError::Store(error) => Self::internal(&error),
        }
    }
}
