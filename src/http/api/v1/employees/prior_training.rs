//! Recognised prior training: proposed, approved by another person if two must agree, and withdrawn.

use rocket::serde::json::Json;
use rocket::{State, get, post};

use super::proposal_views::{PriorTrainingBody, PriorTrainingView, PriorTrainingsPageView};
use super::proposals::{self, ReasonBody};
use crate::app::{App, Caller};
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// Prior training that was recognised or proposed, newest first; those of employees whom the caller may see today
#[utoipa::path(
    get, path = "/api/v1/prior-training", operation_id = "list_prior_training", tag = "prior training", security(("bearer" = [])),
    params(
        ("employee_number" = Option<String>, Query, description = "Of one employee only"),
        ("state" = Option<String>, Query, description = "In one state only"),
        ("limit" = Option<u32>, Query, description = "How many, 1 to 500; 100 by default", minimum = 1, maximum = 500),
        ("before" = Option<i64>, Query, description = "`next` of the previous answer"),
    ),
    responses(
        (status = 200, description = "A page", body = PriorTrainingsPageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
    ),
)]
#[get("/prior-training")]
pub async fn list(app: &State<App>, caller: Caller, query: Query) -> Result<Json<PriorTrainingsPageView>, Problem> {
    let (items, next) = proposals::list(app, &caller, query).await?;
    Ok(Json(PriorTrainingsPageView { items, next }))
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
pub async fn show(
    app: &State<App>,
    caller: Caller,
    query: Query,
    id: &str,
) -> Result<Json<PriorTrainingView>, Problem> {
    proposals::show(app, &caller, query, id).await
}

/// Recognises what an employee did elsewhere as evidence on its day
///
/// It counts at once; if the register requires that two persons agree, it waits for another person to approve it.
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
    caller: Caller,
    query: Query,
    body: Result<JsonBody<PriorTrainingBody>, Problem>,
) -> Result<Json<PriorTrainingView>, Problem> {
    proposals::propose(app, &caller, query, body).await
}

/// Approves prior training that another person proposed; it counts from now on
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
    caller: Caller,
    query: Query,
    id: &str,
) -> Result<Json<PriorTrainingView>, Problem> {
    proposals::approve(app, &caller, query, id).await
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
    caller: Caller,
    query: Query,
    id: &str,
    body: Result<JsonBody<ReasonBody>, Problem>,
) -> Result<Json<PriorTrainingView>, Problem> {
    proposals::reject(app, &caller, query, id, body).await
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
    caller: Caller,
    query: Query,
    id: &str,
    body: Result<JsonBody<ReasonBody>, Problem>,
) -> Result<Json<PriorTrainingView>, Problem> {
    proposals::withdraw(app, &caller, query, id, body).await
}
