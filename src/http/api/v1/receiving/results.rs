//! A platform's history as a file: what people did before it was connected.

use rocket::data::Data;
use rocket::http::ContentType;
use rocket::serde::json::Json;
use rocket::{State, post};

use crate::app::receiving::import_results::{ImportResultsError, ResultsRequest};
use crate::app::{App, Caller};
use crate::config::ReceivingSettings;
use crate::domain::access::Action;
use crate::domain::directory::problem::RowProblems;
use crate::domain::ids::PlatformCode;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;
use crate::http::webhooks::read_body;
use crate::render::views::{ResultsImportView, RowProblemView};

/// The media type of a workbook, behind `application/`.
const WORKBOOK: &str = "vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Imports a file of results from before a platform was connected; all or nothing
///
/// The file is stored as a delivery, and each of its results is evidence as if the platform had sent it. A known result
/// is recognised by the event's id, or by its content; it adds nothing, and neither does the same file again. The file
/// is text (CSV) or a workbook (XLSX), recognised by its first bytes. Columns: `event_id`, `type`, `employee_number`,
/// `email`, `username`, `course_id`, `quiz_id`, `occurred_at`, `score_raw`, `score_max`, `passed`.
#[utoipa::path(
    post, path = "/api/v1/platforms/{code}/results", operation_id = "import_results", tag = "platforms", security(("bearer" = [])),
    params(
        ("code" = String, Path, description = "The platform's code", example = "larportal"),
        ("dry_run" = Option<bool>, Query, description = "Only report what would change"),
        ("sheet" = Option<String>, Query, description = "The sheet, in a workbook that has several"),
    ),
    request_body(content(
        (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )),
    responses(
        (status = 200, description = "What became of it, or would", body = ResultsImportView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 408, response = crate::http::openapi::TooSlow),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::BadRows),
    ),
)]
#[post("/platforms/<code>/results", data = "<data>")]
pub async fn import(
    app: &State<App>,
    settings: &State<ReceivingSettings>,
    caller: Caller,
    query: Query,
    content_type: Option<&ContentType>,
    code: &str,
    data: Data<'_>,
) -> Result<Json<ResultsImportView>, Problem> {
    let query = query.only(&["dry_run", "sheet"])?;
    let dry_run = query.word("dry_run", &["false", "true"])? == Some("true");
    // Before the file is read: it may be large.
    caller.grant(Action::Operate).map_err(|refused| Problem::forbidden(refused.to_string()))?;
    let unknown = || Problem::not_found(format!("no platform has the code {code}"));
    let platform = PlatformCode::parse(code).map_err(|_| unknown())?;
    let is_workbook = content_type.is_some_and(|kind| kind.top() == "application" && kind.sub() == WORKBOOK);
    if !is_workbook && !content_type.is_some_and(|kind| kind.is_csv()) {
        return Err(Problem::unsupported_media_type("text/csv"));
    }
    let bytes = read_body(data, settings.max_results_file).await?;
    let name = if is_workbook { "results.xlsx" } else { "results.csv" };
    let sheet = query.text("sheet");
    let request = ResultsRequest { platform: &platform, name, bytes: &bytes, sheet, profile: None, dry_run };
    let imported = app.import_results(&caller, request, &|_| {}).await?;
    Ok(Json(imported.view(&platform, dry_run)))
}

/// What is wrong with a file, row by row.
#[must_use]
pub fn bad_rows(problems: &RowProblems) -> Problem {
    let first = problems.listed().first().map(ToString::to_string).unwrap_or_default();
    let detail = format!("Nothing was imported: {} wrong, the first of them {first}", count(problems.total()));
    let listed = serde_json::to_value(RowProblemView::all(problems)).unwrap_or_default();
    Problem::unprocessable("bad-rows", detail)
        .with_member("problems", listed)
        .with_member("total_problems", problems.total())
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 thing is".to_owned() } else { format!("{problems} things are") }
}

impl From<ImportResultsError> for Problem {
    fn from(error: ImportResultsError) -> Self {
        match error {
            ImportResultsError::Refused(refused) => Self::forbidden(refused.to_string()),
            ImportResultsError::UnknownPlatform(_) => Self::not_found(error.to_string()),
            ImportResultsError::Problems(problems) => bad_rows(&problems),
            // This endpoint accepts no profile.
            ImportResultsError::Profile(_) => Self::bad_request(error.to_string()),
            ImportResultsError::Store(error) => Self::internal(&error),
        }
    }
}
