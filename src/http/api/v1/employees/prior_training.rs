//! Recognised prior training: proposed, approved by somebody else where two must agree, and taken back.

use chrono::NaiveDate;
use rocket::serde::json::Json;
use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::employees::propose::{Decision, ProposalAnswer, ProposalRequest};
use crate::app::{App, Asker};
use crate::domain::directory::proposal::{Matter, MatterKind};
use crate::domain::ids::{CourseId, EmployeeNumber, QuizId};
use crate::domain::training::{Score, Target, decimal_from_text};
use crate::http::api::v1::employees::corrections::{reason, wrong};
use crate::http::api::v1::employees::proposals::{self, DecidedView, ReasonBody};
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

const KIND: MatterKind = MatterKind::PriorTraining;

/// What an employee did elsewhere: a course, or a quiz with its score where there was one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriorTrainingBody {
    #[schema(example = "104233")]
    employee_number: String,
    /// The course that it is as good as; left out where it is a quiz.
    #[schema(example = "infosec-basics")]
    course: Option<String>,
    /// The quiz that it is as good as; left out where it is a course.
    quiz: Option<String>,
    /// Of a quiz: the points, and the most that could be had. Without a score it is passed.
    score: Option<ScoreBody>,
    completed_on: NaiveDate,
    /// Why it is as good, and what proves it.
    #[schema(example = "certificate of 12 January from Region Skåne, seen")]
    reason: String,
}

/// A score, as decimals in strings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ScoreBody {
    #[schema(example = "17")]
    raw: String,
    #[schema(example = "20")]
    max: String,
}

impl PriorTrainingBody {
    fn request(&self) -> Result<ProposalRequest, Problem> {
        let number = EmployeeNumber::parse(&self.employee_number).map_err(|why| wrong("/employee_number", why))?;
        let target = match (&self.course, &self.quiz) {
            (Some(course), None) => Target::Course(CourseId::parse(course).map_err(|why| wrong("/course", why))?),
            (None, Some(quiz)) => Target::Quiz(QuizId::parse(quiz).map_err(|why| wrong("/quiz", why))?),
            _ => return Err(wrong("/course", "or quiz must be given, one of the two")),
        };
        if self.score.is_some() && matches!(target, Target::Course(_)) {
            return Err(wrong("/score", "belongs to a quiz; leave it out for a course"));
        }
        let score = self.score.as_ref().map(|score| {
            let number = |pointer: &str, text: &str| decimal_from_text(text).map_err(|why| wrong(pointer, why));
            let (raw, max) = (number("/score/raw", &score.raw)?, number("/score/max", &score.max)?);
            Score::new(raw, max).map_err(|why| wrong("/score", why))
        });
        let matter = Matter::PriorTraining { target, score: score.transpose()?, completed_on: self.completed_on };
        Ok(ProposalRequest { number, matter, reason: reason(&self.reason)? })
    }
}

/// Prior training that was recognised or proposed.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriorTrainingView {
    id: i64,
    /// By which evidence names it.
    #[schema(example = "prior:7")]
    event_id: String,
    employee_number: String,
    course: Option<String>,
    quiz: Option<String>,
    #[schema(example = "85.0")]
    score_percent: Option<String>,
    completed_on: NaiveDate,
    #[serde(flatten)]
    decided: DecidedView,
}

impl From<ProposalAnswer> for PriorTrainingView {
    fn from(answer: ProposalAnswer) -> Self {
        let decided = DecidedView::from(&answer.proposal);
        let id = answer.proposal.id;
        let (course, quiz, score, completed_on) = match answer.proposal.matter {
            Matter::PriorTraining { target: Target::Course(course), score, completed_on } => {
                (Some(course.into()), None, score, completed_on)
            }
            Matter::PriorTraining { target: Target::Quiz(quiz), score, completed_on } => {
                (None, Some(quiz.into()), score, completed_on)
            }
            Matter::Exemption { starts_on, .. } => (None, None, None, starts_on),
        };
        Self {
            id,
            event_id: format!("prior:{id}"),
            employee_number: answer.number,
            course,
            quiz,
            score_percent: score.map(|score| score.percent().to_string()),
            completed_on,
            decided,
        }
    }
}

/// A page of prior training, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriorTrainingsPageView {
    items: Vec<PriorTrainingView>,
    /// The `before` of the next request; null: no more.
    next: Option<String>,
}

/// Prior training that was recognised or proposed, from the newest on; those of whom the asker sees today
#[utoipa::path(
    get, path = "/api/v1/prior-training", operation_id = "list_prior_training", tag = "prior training", security(("bearer" = [])),
    params(
        ("employee_number" = Option<String>, Query, description = "Of one employee only"),
        ("state" = Option<String>, Query, description = "In one state only"),
        ("limit" = Option<u32>, Query, description = "How many, 1 to 500; 100 where it is left out", minimum = 1, maximum = 500),
        ("before" = Option<i64>, Query, description = "`next` of the answer before"),
    ),
    responses(
        (status = 200, description = "A page", body = PriorTrainingsPageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
    ),
)]
#[get("/prior-training")]
pub async fn list(app: &State<App>, asker: Asker, query: Query) -> Result<Json<PriorTrainingsPageView>, Problem> {
    let (items, next) = proposals::list(app, &asker, KIND, query).await?;
    Ok(Json(PriorTrainingsPageView { items: items.into_iter().map(PriorTrainingView::from).collect(), next }))
}

/// Prior training by its id
#[utoipa::path(
    get, path = "/api/v1/prior-training/{id}", operation_id = "show_prior_training", tag = "prior training", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Its id")),
    responses(
        (status = 200, description = "Prior training", body = PriorTrainingView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/prior-training/<id>")]
pub async fn show(app: &State<App>, asker: Asker, query: Query, id: &str) -> Result<Json<PriorTrainingView>, Problem> {
    query.only(&[])?;
    Ok(Json(app.show_proposal(&asker, (KIND, proposals::id(id)?)).await?.into()))
}

/// Recognises what an employee did elsewhere as evidence on its day
///
/// It counts at once; where the register is set up so that two must agree, it waits for somebody else to approve it.
#[utoipa::path(
    post, path = "/api/v1/prior-training", operation_id = "propose_prior_training", tag = "prior training", security(("bearer" = [])),
    request_body = PriorTrainingBody,
    responses(
        (status = 200, description = "As it was decided or proposed", body = PriorTrainingView),
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
#[post("/prior-training", data = "<body>")]
pub async fn propose(
    app: &State<App>,
    asker: Asker,
    query: Query,
    body: Result<JsonBody<PriorTrainingBody>, Problem>,
) -> Result<Json<PriorTrainingView>, Problem> {
    query.only(&[])?;
    let JsonBody(body) = body?;
    Ok(Json(app.propose(&asker, &body.request()?).await?.into()))
}

/// Approves prior training that somebody else proposed; it counts from now on
#[utoipa::path(
    post, path = "/api/v1/prior-training/{id}/approve", operation_id = "approve_prior_training", tag = "prior training", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Its id")),
    responses(
        (status = 200, description = "As it is now", body = PriorTrainingView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 409, response = crate::http::openapi::Conflict),
    ),
)]
#[post("/prior-training/<id>/approve")]
pub async fn approve(
    app: &State<App>,
    asker: Asker,
    query: Query,
    id: &str,
) -> Result<Json<PriorTrainingView>, Problem> {
    query.only(&[])?;
    Ok(Json(app.decide(&asker, (KIND, proposals::id(id)?), &Decision::Approve).await?.into()))
}

/// Rejects prior training that is proposed; it never counts, for a reason
#[utoipa::path(
    post, path = "/api/v1/prior-training/{id}/reject", operation_id = "reject_prior_training", tag = "prior training", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Its id")),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "As it is now", body = PriorTrainingView),
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
#[post("/prior-training/<id>/reject", data = "<body>")]
pub async fn reject(
    app: &State<App>,
    asker: Asker,
    query: Query,
    id: &str,
    body: Result<JsonBody<ReasonBody>, Problem>,
) -> Result<Json<PriorTrainingView>, Problem> {
    query.only(&[])?;
    let decision = Decision::Reject(reason(&body?.0.reason)?);
    Ok(Json(app.decide(&asker, (KIND, proposals::id(id)?), &decision).await?.into()))
}

/// Withdraws prior training that counts; what was reported stays as it was, for a reason
#[utoipa::path(
    post, path = "/api/v1/prior-training/{id}/withdraw", operation_id = "withdraw_prior_training", tag = "prior training", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Its id")),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "As it is now", body = PriorTrainingView),
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
#[post("/prior-training/<id>/withdraw", data = "<body>")]
pub async fn withdraw(
    app: &State<App>,
    asker: Asker,
    query: Query,
    id: &str,
    body: Result<JsonBody<ReasonBody>, Problem>,
) -> Result<Json<PriorTrainingView>, Problem> {
    query.only(&[])?;
    let decision = Decision::Withdraw(reason(&body?.0.reason)?);
    Ok(Json(app.decide(&asker, (KIND, proposals::id(id)?), &decision).await?.into()))
}
