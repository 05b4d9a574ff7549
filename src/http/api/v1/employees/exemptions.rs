//! Exemptions by hand: proposed, approved by somebody else where two must agree, and taken back.

use chrono::NaiveDate;
use rocket::serde::json::Json;
use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::employees::propose::{Decision, ProposalAnswer, ProposalRequest};
use crate::app::{App, Asker};
use crate::domain::directory::proposal::{Matter, MatterKind};
use crate::domain::ids::{EmployeeNumber, RequirementCode};
use crate::http::api::v1::employees::corrections::{reason, wrong};
use crate::http::api::v1::employees::proposals::{self, DecidedView, ReasonBody};
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

const KIND: MatterKind = MatterKind::Exemption;

/// Days on which a requirement does not bind an employee.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExemptionBody {
    #[schema(example = "104233")]
    employee_number: String,
    #[schema(example = "infosec-onboarding")]
    requirement: String,
    starts_on: NaiveDate,
    /// The last exempt day; null: open.
    ends_on: Option<NaiveDate>,
    #[schema(example = "works in the field, without a computer")]
    reason: String,
}

impl ExemptionBody {
    fn request(&self) -> Result<ProposalRequest, Problem> {
        let Self { starts_on, ends_on, .. } = *self;
        if ends_on.is_some_and(|last| last < starts_on) {
            return Err(wrong("/ends_on", "is before starts_on; the last day cannot come before the first"));
        }
        let number = EmployeeNumber::parse(&self.employee_number).map_err(|why| wrong("/employee_number", why))?;
        let requirement = RequirementCode::parse(&self.requirement).map_err(|why| wrong("/requirement", why))?;
        let matter = Matter::Exemption { requirement, starts_on, ends_on };
        Ok(ProposalRequest { number, matter, reason: reason(&self.reason)? })
    }
}

/// An exemption that was decided or proposed here; those of HR's files are in the histories.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExemptionView {
    id: i64,
    employee_number: String,
    requirement: String,
    starts_on: NaiveDate,
    /// The last exempt day; null: open.
    ends_on: Option<NaiveDate>,
    #[serde(flatten)]
    decided: DecidedView,
}

impl From<ProposalAnswer> for ExemptionView {
    fn from(answer: ProposalAnswer) -> Self {
        let decided = DecidedView::from(&answer.proposal);
        let (requirement, starts_on, ends_on) = match answer.proposal.matter {
            Matter::Exemption { requirement, starts_on, ends_on } => (requirement.to_string(), starts_on, ends_on),
            Matter::PriorTraining { completed_on, .. } => (String::new(), completed_on, None),
        };
        Self { id: answer.proposal.id, employee_number: answer.number, requirement, starts_on, ends_on, decided }
    }
}

/// A page of exemptions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExemptionsPageView {
    items: Vec<ExemptionView>,
    /// The `before` of the next request; null: no more.
    next: Option<String>,
}

/// Exemptions that were decided or proposed here, from the newest on; those of whom the asker sees today
#[utoipa::path(
    get, path = "/api/v1/exemptions", operation_id = "list_exemption", tag = "exemptions", security(("bearer" = [])),
    params(
        ("employee_number" = Option<String>, Query, description = "Of one employee only"),
        ("state" = Option<String>, Query, description = "In one state only"),
        ("limit" = Option<u32>, Query, description = "How many, 1 to 500; 100 where it is left out", minimum = 1, maximum = 500),
        ("before" = Option<i64>, Query, description = "`next` of the answer before"),
    ),
    responses(
        (status = 200, description = "A page", body = ExemptionsPageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
    ),
)]
#[get("/exemptions")]
pub async fn list(app: &State<App>, asker: Asker, query: Query) -> Result<Json<ExemptionsPageView>, Problem> {
    let (items, next) = proposals::list(app, &asker, KIND, query).await?;
    Ok(Json(ExemptionsPageView { items: items.into_iter().map(ExemptionView::from).collect(), next }))
}

/// An exemption by its id
#[utoipa::path(
    get, path = "/api/v1/exemptions/{id}", operation_id = "show_exemption", tag = "exemptions", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Its id")),
    responses(
        (status = 200, description = "An exemption", body = ExemptionView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/exemptions/<id>")]
pub async fn show(app: &State<App>, asker: Asker, query: Query, id: &str) -> Result<Json<ExemptionView>, Problem> {
    query.only(&[])?;
    Ok(Json(app.show_proposal(&asker, (KIND, proposals::id(id)?)).await?.into()))
}

/// Exempts an employee from a requirement for a time
///
/// It counts at once; where the register is set up so that two must agree, it waits for somebody else to approve it.
#[utoipa::path(
    post, path = "/api/v1/exemptions", operation_id = "propose_exemption", tag = "exemptions", security(("bearer" = [])),
    request_body = ExemptionBody,
    responses(
        (status = 200, description = "As it was decided or proposed", body = ExemptionView),
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
#[post("/exemptions", data = "<body>")]
pub async fn propose(
    app: &State<App>,
    asker: Asker,
    query: Query,
    body: Result<JsonBody<ExemptionBody>, Problem>,
) -> Result<Json<ExemptionView>, Problem> {
    query.only(&[])?;
    let JsonBody(body) = body?;
    Ok(Json(app.propose(&asker, &body.request()?).await?.into()))
}

/// Approves an exemption that somebody else proposed; it counts from now on
#[utoipa::path(
    post, path = "/api/v1/exemptions/{id}/approve", operation_id = "approve_exemption", tag = "exemptions", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Its id")),
    responses(
        (status = 200, description = "As it is now", body = ExemptionView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 409, response = crate::http::openapi::Conflict),
    ),
)]
#[post("/exemptions/<id>/approve")]
pub async fn approve(app: &State<App>, asker: Asker, query: Query, id: &str) -> Result<Json<ExemptionView>, Problem> {
    query.only(&[])?;
    Ok(Json(app.decide(&asker, (KIND, proposals::id(id)?), &Decision::Approve).await?.into()))
}

/// Rejects an exemption that is proposed; it never counts, for a reason
#[utoipa::path(
    post, path = "/api/v1/exemptions/{id}/reject", operation_id = "reject_exemption", tag = "exemptions", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Its id")),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "As it is now", body = ExemptionView),
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
#[post("/exemptions/<id>/reject", data = "<body>")]
pub async fn reject(
    app: &State<App>,
    asker: Asker,
    query: Query,
    id: &str,
    body: Result<JsonBody<ReasonBody>, Problem>,
) -> Result<Json<ExemptionView>, Problem> {
    query.only(&[])?;
    let decision = Decision::Reject(reason(&body?.0.reason)?);
    Ok(Json(app.decide(&asker, (KIND, proposals::id(id)?), &decision).await?.into()))
}

/// Withdraws an exemption that counts; what was reported stays as it was, for a reason
#[utoipa::path(
    post, path = "/api/v1/exemptions/{id}/withdraw", operation_id = "withdraw_exemption", tag = "exemptions", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Its id")),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "As it is now", body = ExemptionView),
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
#[post("/exemptions/<id>/withdraw", data = "<body>")]
pub async fn withdraw(
    app: &State<App>,
    asker: Asker,
    query: Query,
    id: &str,
    body: Result<JsonBody<ReasonBody>, Problem>,
) -> Result<Json<ExemptionView>, Problem> {
    query.only(&[])?;
    let decision = Decision::Withdraw(reason(&body?.0.reason)?);
    Ok(Json(app.decide(&asker, (KIND, proposals::id(id)?), &decision).await?.into()))
}
