//! One human under two employee numbers: merged by hand, undone, listed.

use chrono::{DateTime, NaiveDate, Utc};
use rocket::serde::json::Json;
use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::employees::merge::{MergeAnswer, MergeError, MergeRequest};
use crate::app::{App, Caller};
use crate::domain::directory::merge::Merge;
use crate::domain::ids::EmployeeNumber;
use crate::http::api::v1::employees::corrections::{StatusChangeView, reason, status_changes, wrong};
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// Which number is a duplicate, and how that is known.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeBody {
    /// The number that becomes part of the one in the path.
    #[schema(example = "104999")]
    duplicate: String,
    #[schema(example = "hired twice in January, seen in the payroll system")]
    reason: String,
    /// Only report what would change.
    #[serde(default)]
    dry_run: bool,
}

/// Why a merge is undone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoMergeBody {
    #[schema(example = "two persons of the same name after all")]
    reason: String,
}

/// A merge: who decided it and why, and who undid it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MergeView {
    id: i64,
    #[schema(example = "104233")]
    kept: String,
    #[schema(example = "104999")]
    duplicate: String,
    reason: String,
    decided_by: String,
    decided_at: DateTime<Utc>,
    /// Null while it is in effect, as are the next two.
    undone_by: Option<String>,
    undone_at: Option<DateTime<Utc>>,
    undone_because: Option<String>,
}

/// A page of merges, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct MergePageView {
    items: Vec<MergeView>,
    /// The `before` of the next request; null: no more.
    next: Option<String>,
}

/// A merge that was made or undone, or would be, and what it does to today's statuses.
#[derive(Debug, Serialize, ToSchema)]
pub struct MergedView {
    /// Null in a dry run.
    merge: Option<MergeView>,
    dry_run: bool,
    /// From when on it is known; null in a dry run.
    known_at: Option<DateTime<Utc>>,
    /// The day of the statuses: today.
    as_of: NaiveDate,
    /// The kept employee's, in every requirement that bound them before, or does now.
    kept_statuses: Vec<StatusChangeView>,
    /// The same of the duplicate, who counts nowhere while merged.
    duplicate_statuses: Vec<StatusChangeView>,
}

impl From<Merge> for MergeView {
    fn from(merge: Merge) -> Self {
        let (undone, undone_because) = merge.undone.unzip();
        let (undone_by, undone_at) = undone.map(|act| (act.by, act.at)).unzip();
        Self {
            id: merge.id,
            kept: merge.kept_number.into(),
            duplicate: merge.duplicate_number.into(),
            reason: merge.reason,
            decided_by: merge.decided.by,
            decided_at: merge.decided.at,
            undone_by,
            undone_at,
            undone_because,
        }
    }
}

impl From<MergeAnswer> for MergedView {
    fn from(answer: MergeAnswer) -> Self {
        let is_made = !answer.is_dry_run;
        Self {
            merge: is_made.then(|| answer.merge.into()),
            dry_run: answer.is_dry_run,
            known_at: is_made.then_some(answer.known_at),
            as_of: answer.as_of,
            kept_statuses: status_changes(answer.kept_statuses),
            duplicate_statuses: status_changes(answer.duplicate_statuses),
        }
    }
}

/// Merges a duplicate employee number into this employee: one human from now on
///
/// What is known under either number is judged together, and counts once; a report with an earlier `known_at` says what
/// was known then. Files and identity providers may still use both numbers.
#[utoipa::path(
    post, path = "/api/v1/employees/{employee_number}/merge", operation_id = "merge_employees", tag = "employees", security(("bearer" = [])),
    params(("employee_number" = String, Path, description = "The number that is kept", example = "104233")),
    request_body = MergeBody,
    responses(
        (status = 200, description = "The merge, and what it changes today", body = MergedView),
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
#[post("/employees/<employee_number>/merge", data = "<body>")]
pub async fn make(
    app: &State<App>,
    caller: Caller,
    employee_number: &str,
    query: Query,
    body: Result<JsonBody<MergeBody>, Problem>,
) -> Result<Json<MergedView>, Problem> {
    query.only(&[])?;
    let JsonBody(body) = body?;
    let request = MergeRequest {
        kept: EmployeeNumber::parse(employee_number)
            .map_err(|why| Problem::not_found(format!("the employee number {why}")))?,
        duplicate: EmployeeNumber::parse(&body.duplicate).map_err(|why| wrong("/duplicate", why))?,
        reason: reason(&body.reason)?,
        dry_run: body.dry_run,
    };
    Ok(Json(app.merge_employees(&caller, &request).await?.into()))
}

/// Undoes a merge: two persons from now on, each with what is known under their own number
#[utoipa::path(
    post, path = "/api/v1/merges/{id}/undo", operation_id = "undo_merge", tag = "employees", security(("bearer" = [])),
    params(("id" = i64, Path, description = "The merge's id")),
    request_body = UndoMergeBody,
    responses(
        (status = 200, description = "The merge, undone, and what that changes today", body = MergedView),
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
#[post("/merges/<id>/undo", data = "<body>")]
pub async fn undo(
    app: &State<App>,
    caller: Caller,
    query: Query,
    id: &str,
    body: Result<JsonBody<UndoMergeBody>, Problem>,
) -> Result<Json<MergedView>, Problem> {
    query.only(&[])?;
    let JsonBody(body) = body?;
    let id = id.parse().map_err(|_| Problem::not_found(format!("no merge with the id {id} is known")))?;
    Ok(Json(app.undo_merge(&caller, id, &reason(&body.reason)?).await?.into()))
}

/// Merges, newest first, undone ones included
#[utoipa::path(
    get, path = "/api/v1/merges", operation_id = "list_merges", tag = "employees", security(("bearer" = [])),
    params(
        ("limit" = Option<u32>, Query, description = "How many, 1 to 500; 100 by default", minimum = 1, maximum = 500),
        ("before" = Option<String>, Query, description = "`next` of the previous answer"),
    ),
    responses(
        (status = 200, description = "A page of merges", body = MergePageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
    ),
)]
#[get("/merges")]
pub async fn list(app: &State<App>, caller: Caller, query: Query) -> Result<Json<MergePageView>, Problem> {
    let query = query.only(&["limit", "before"])?;
    let limit = query.limit(100, 500)?;
    let found = app.list_merges(&caller, query.row("before")?, limit as u64).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.id.to_string());
    Ok(Json(MergePageView { items: found.into_iter().map(MergeView::from).collect(), next }))
}

impl From<MergeError> for Problem {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::Refused(refused) => Self::forbidden(refused.to_string()),
            MergeError::UnknownEmployee(_) | MergeError::UnknownMerge(_) => Self::not_found(error.to_string()),
            MergeError::UnknownDuplicate(_) | MergeError::Itself(_) => {
                Self::unprocessable("cannot-be-merged", error.to_string()).with_pointer("/duplicate")
            }
            MergeError::MergedAlready { id, .. } => {
                Self::conflict("merged-already", error.to_string()).with_member("id", id)
            }
            MergeError::KeptIsDuplicate { .. } | MergeError::DuplicateHasDuplicates { .. } => {
                Self::conflict("would-be-a-chain", error.to_string())
            }
            MergeError::UndoneAlready(_) => Self::conflict("undone-already", error.to_string()),
            MergeError::Store(error) => Self::internal(&error),
        }
    }
}
