//! Imports of HR's files: their reports, and what each changed.

use rocket::http::{Accept, ContentType};
use rocket::response::Responder;
use rocket::serde::json::Json;
use rocket::{State, get, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::directory::show_imports::ShowImportsError;
use crate::app::directory::undo_import::{UndoImportError, UndoImportRequest};
use crate::app::{App, Caller};
use crate::http::api::v1::employees::corrections::reason;
use crate::http::api::v1::reports::export::Download;
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;
use crate::http::whole_body::WholeBody;
use crate::render::difference;
use crate::render::views::{DifferencePageView, DifferenceRowView, ImportPageView, ImportView, UndoneImportView};

/// A page in JSON, or the whole as CSV.
#[derive(Responder)]
pub enum DifferenceAnswer {
    Page(Json<DifferencePageView>),
    File(Box<Download<WholeBody>>),
}

fn row(id: &str) -> Result<i64, Problem> {
    id.parse().map_err(|_| Problem::not_found(format!("no import has the id {id}")))
}

/// Imports of HR's files, newest first
#[utoipa::path(
    get, path = "/api/v1/imports", operation_id = "list_imports", tag = "imports", security(("bearer" = [])),
    params(
        ("limit" = Option<u32>, Query, description = "How many, 1 to 500; 100 by default", minimum = 1, maximum = 500),
        ("before" = Option<String>, Query, description = "`next` of the previous answer"),
    ),
    responses(
        (status = 200, description = "A page of imports", body = ImportPageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
    ),
)]
#[get("/imports")]
pub async fn list(app: &State<App>, caller: Caller, query: Query) -> Result<Json<ImportPageView>, Problem> {
    let query = query.only(&["limit", "before"])?;
    let limit = query.limit(100, 500)?;
    let found = app.list_imports(&caller, query.row("before")?, limit as u64).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.id.to_string());
    Ok(Json(ImportPageView { items: found.into_iter().map(ImportView::from).collect(), next }))
}

/// One import: who imported which files when, and how much they changed
#[utoipa::path(
    get, path = "/api/v1/imports/{id}", operation_id = "show_import", tag = "imports", security(("bearer" = [])),
    params(("id" = i64, Path, description = "The import's id")),
    responses(
        (status = 200, description = "The import", body = ImportView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/imports/<id>")]
pub async fn show(app: &State<App>, caller: Caller, query: Query, id: &str) -> Result<Json<ImportView>, Problem> {
    query.only(&[])?;
    Ok(Json(app.show_import(&caller, row(id)?).await?.into()))
}

/// What an import changed: a page of it in JSON, or all of it as CSV if `Accept` names `text/csv`
///
/// One row for each field that was added, changed or removed, derived from the facts. For a person who has protected
/// personal data now, or had it then, only the number is shown.
#[utoipa::path(
    get, path = "/api/v1/imports/{id}/difference", operation_id = "show_import_difference", tag = "imports", security(("bearer" = [])),
    params(
        ("id" = i64, Path, description = "The import's id"),
        ("limit" = Option<u32>, Query, description = "How many rows of JSON, 1 to 10000; 1000 by default", minimum = 1, maximum = 10000),
        ("after" = Option<String>, Query, description = "`next` of the previous answer"),
    ),
    responses(
        (status = 200, description = "What it changed", content(
            (DifferencePageView = "application/json"),
            (String = "text/csv"),
        )),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/imports/<id>/difference")]
pub async fn show_difference(
    app: &State<App>,
    caller: Caller,
    query: Query,
    accept: Option<&Accept>,
    id: &str,
) -> Result<DifferenceAnswer, Problem> {
    let query = query.only(&["limit", "after"])?;
    let limit = query.limit(1000, 10_000)?;
    let after = usize::try_from(query.row("after")?.unwrap_or(0)).unwrap_or(usize::MAX);
    let asks_for_csv = accept.is_some_and(|accept| accept.preferred().media_type().is_csv());
    if asks_for_csv {
        return Ok(DifferenceAnswer::File(Box::new(file(app, &caller, row(id)?).await?)));
    }
    let (_, plan) = app.import_difference(&caller, row(id)?).await?;
    let mut rows = plan.difference().skip(after);
    let items: Vec<DifferenceRowView> = rows.by_ref().take(limit).map(DifferenceRowView::from).collect();
    let next = rows.next().map(|_| (after + items.len()).to_string());
    Ok(DifferenceAnswer::Page(Json(DifferencePageView { items, next })))
}

/// What an import changed, as CSV
#[utoipa::path(
    get, path = "/api/v1/imports/{id}/difference.csv", operation_id = "export_import_difference", tag = "imports", security(("bearer" = [])),
    params(("id" = i64, Path, description = "The import's id")),
    responses(
        (status = 200, description = "The file", content_type = "text/csv", body = String),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/imports/<id>/difference.csv")]
pub async fn export_difference(
    app: &State<App>,
    caller: Caller,
    query: Query,
    id: &str,
) -> Result<Download<WholeBody>, Problem> {
    query.only(&[])?;
    file(app, &caller, row(id)?).await
}

async fn file(app: &App, caller: &Caller, id: i64) -> Result<Download<WholeBody>, Problem> {
    let (_, plan) = app.import_difference(caller, id).await?;
    let mut body = WholeBody::default();
    body.append(difference::csv_header().as_bytes()).map_err(|error| Problem::internal(&error))?;
    for row in plan.difference() {
        body.append(difference::csv_row(&row).as_bytes()).map_err(|error| Problem::internal(&error))?;
    }
    let kind = ContentType::new("text", "csv").with_params(("charset", "utf-8"));
    Ok(Download::new(body, kind, &format!("import-{id}.csv")))
}

/// Why an import is undone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoImportBody {
    #[schema(example = "the file was last year's")]
    reason: String,
    /// Only report what would change.
    #[serde(default)]
    dry_run: bool,
}

/// How many rows of its difference the answer to an undoing has.
const FIRST_CHANGES: usize = 1000;

/// Undoes an import: what it changed and nobody changed since is as it was before
///
/// What was changed since is listed and left, and so is what something else depends on. The undoing is an import of its
/// own: it has an id and a difference, and is undone like one. Reports with a `known_at` before it stay as they were.
#[utoipa::path(
    post, path = "/api/v1/imports/{id}/undo", operation_id = "undo_import", tag = "imports", security(("bearer" = [])),
    params(("id" = i64, Path, description = "The import's id")),
    request_body = UndoImportBody,
    responses(
        (status = 200, description = "What it changed, or would", body = UndoneImportView),
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
#[post("/imports/<id>/undo", data = "<body>")]
pub async fn undo(
    app: &State<App>,
    caller: Caller,
    query: Query,
    id: &str,
    body: Result<JsonBody<UndoImportBody>, Problem>,
) -> Result<Json<UndoneImportView>, Problem> {
    query.only(&[])?;
    let JsonBody(body) = body?;
    let request = UndoImportRequest { import: row(id)?, reason: reason(&body.reason)?, dry_run: body.dry_run };
    let undone = app.undo_import(&caller, &request, &|_| {}).await?;
    Ok(Json(UndoneImportView::of(undone.report, undone.import.id, &undone.undoing, FIRST_CHANGES)))
}

impl From<UndoImportError> for Problem {
    fn from(error: UndoImportError) -> Self {
        match error {
            UndoImportError::Refused(refused) => Self::forbidden(refused.to_string()),
            UndoImportError::UnknownImport(_) => Self::not_found(error.to_string()),
            UndoImportError::UndoneAlready { .. } => Self::conflict("undone-already", error.to_string()),
            UndoImportError::ChangedNothing(_) | UndoImportError::NothingLeft { .. } => {
                Self::conflict("nothing-to-undo", error.to_string())
            }
            UndoImportError::ExemptionsNeedApproval(_) => Self::conflict("approval-needed", error.to_string()),
            UndoImportError::Store(error) => Self::internal(&error),
        }
    }
}

impl From<ShowImportsError> for Problem {
    fn from(error: ShowImportsError) -> Self {
        match error {
            ShowImportsError::Refused(refused) => Self::forbidden(refused.to_string()),
            ShowImportsError::UnknownImport(_) => Self::not_found(error.to_string()),
            ShowImportsError::Store(error) => Self::internal(&error),
        }
    }
}
