//! An administration's people: exported as a file, and in pages.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rocket::http::{ContentType, Header};
use rocket::response::Responder;
use rocket::serde::json::Json;
use rocket::{State, get};

use crate::app::reports::export::{RowPlace, RowsError, RowsRequest};
use crate::app::{App, Caller};
use crate::domain::ids::{AdministrationCode, RequirementCode};
use crate::http::guards::query::Query;
use crate::http::problem::Problem;
use crate::http::whole_body::WholeBody;
use crate::render::views::{CompliancePageView, ComplianceRowView};

/// A file to be saved under a name.
#[derive(Responder)]
pub struct Download<B> {
    body: B,
    content_type: ContentType,
    disposition: Header<'static>,
}

impl<B> Download<B> {
    pub(in crate::http::api::v1) fn new(body: B, content_type: ContentType, name: &str) -> Self {
        // A code can hold what a header cannot: RFC 6266's extended form carries it.
        let name = rocket::http::RawStr::new(name).percent_encode().to_string();
        let disposition = Header::new("Content-Disposition", format!("attachment; filename*=UTF-8''{name}"));
        Self { body, content_type, disposition }
    }
}

fn code_of(code: &str) -> Result<AdministrationCode, Problem> {
    AdministrationCode::parse(code).map_err(|_| Problem::not_found(format!("no administration {code} is known here")))
}

fn export_request(code: &str, query: &Query) -> Result<RowsRequest, Problem> {
    Ok(RowsRequest {
        administration: code_of(code)?,
        requirement: query.id("requirement", RequirementCode::parse)?,
        clocks: query.clocks()?,
        status: None,
        unit: None,
    })
}

/// An administration's people as CSV: one row a person and requirement
///
/// Sorted by unit, family name, given name and employee number. The row of a person with protected personal data shows
/// the number and the status, and no name, e-mail or unit.
#[utoipa::path(
    get, path = "/api/v1/administrations/{code}/export.csv", operation_id = "export_csv", tag = "administrations", security(("bearer" = [])),
    params(
        ("code" = String, Path, description = "The administration's code", example = "SEF"),
        ("requirement" = Option<String>, Query, description = "Only this requirement"),
        ("as_of" = Option<NaiveDate>, Query, description = "The day; today by default"),
        ("known_at" = Option<DateTime<Utc>>, Query, description = "The instant of knowledge; now by default"),
        ("dialect" = Option<String>, Query, description = "`rfc4180` (commas, UTF-8) or `excel-sv` (BOM, semicolons, decimal commas)"),
    ),
    responses(
        (status = 200, description = "The file", content_type = "text/csv", body = String),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/administrations/<code>/export.csv")]
pub async fn export_csv(
    app: &State<App>,
    caller: Caller,
    code: &str,
    query: Query,
) -> Result<Download<WholeBody>, Problem> {
    let query = query.only(&["requirement", "as_of", "known_at", "dialect"])?;
    let dialect = query.dialect()?;
    let request = export_request(code, &query)?;
    let mut chunks = app.export_csv(&caller, &request, dialect).await?;
    let mut file = WholeBody::default();
    while let Some(chunk) = chunks.recv().await {
        let chunk = chunk.map_err(|error| Problem::internal(&error))?;
        file.append(&chunk).map_err(|error| Problem::internal(&error))?;
    }
    let kind = ContentType::new("text", "csv").with_params(("charset", "utf-8"));
    Ok(Download::new(file, kind, &format!("{}.csv", request.administration)))
}

/// The same as a workbook
#[utoipa::path(
    get, path = "/api/v1/administrations/{code}/export.xlsx", operation_id = "export_xlsx", tag = "administrations", security(("bearer" = [])),
    params(
        ("code" = String, Path, description = "The administration's code", example = "SEF"),
        ("requirement" = Option<String>, Query, description = "Only this requirement"),
        ("as_of" = Option<NaiveDate>, Query, description = "The day; today by default"),
        ("known_at" = Option<DateTime<Utc>>, Query, description = "The instant of knowledge; now by default"),
    ),
    responses(
        (status = 200, description = "The workbook", content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", body = inline(crate::http::openapi::FileBytes)),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 422, response = crate::http::openapi::TooLargeForAWorkbook),
    ),
)]
#[get("/administrations/<code>/export.xlsx")]
pub async fn export_xlsx(
    app: &State<App>,
    caller: Caller,
    code: &str,
    query: Query,
) -> Result<Download<Vec<u8>>, Problem> {
    let query = query.only(&["requirement", "as_of", "known_at"])?;
    let request = export_request(code, &query)?;
    let workbook = app.export_xlsx(&caller, &request).await?;
    let kind = ContentType::new("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet");
    Ok(Download::new(workbook, kind, &format!("{}.xlsx", request.administration)))
}

/// An administration's people in pages
///
/// In the order of the export. `next` of an answer is the `after` of the next request. A `unit` leaves out those with
/// protected personal data, whose unit is not shown.
#[utoipa::path(
    get, path = "/api/v1/administrations/{code}/compliance", operation_id = "list_compliance", tag = "administrations", security(("bearer" = [])),
    params(
        ("code" = String, Path, description = "The administration's code", example = "SEF"),
        ("requirement" = Option<String>, Query, description = "Only this requirement"),
        ("status" = Option<String>, Query, description = "Only this status", example = "overdue"),
        ("unit" = Option<String>, Query, description = "Only this unit"),
        ("as_of" = Option<NaiveDate>, Query, description = "The day; today by default"),
        ("known_at" = Option<DateTime<Utc>>, Query, description = "The instant of knowledge; now by default"),
        ("limit" = Option<u32>, Query, description = "How many rows, 1 to 1000; 100 by default", minimum = 1, maximum = 1000),
        ("after" = Option<String>, Query, description = "`next` of the previous answer"),
    ),
    responses(
        (status = 200, description = "A page of rows", body = CompliancePageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/administrations/<code>/compliance")]
pub async fn compliance(
    app: &State<App>,
    caller: Caller,
    code: &str,
    query: Query,
) -> Result<Json<CompliancePageView>, Problem> {
    let query = query.only(&["requirement", "status", "unit", "as_of", "known_at", "limit", "after"])?;
    let request = RowsRequest {
        status: query.status("status")?,
        unit: query.text("unit").map(ToOwned::to_owned),
        ..export_request(code, &query)?
    };
    let after = query.text("after").map(place_of).transpose()?;
    let page = app.list_compliance(&caller, &request, after, query.limit(100, 1000)?).await?;
    Ok(Json(CompliancePageView {
        items: page.rows.into_iter().map(|placed| ComplianceRowView::from(placed.row)).collect(),
        next: page.next.as_ref().map(cursor),
    }))
}

/// A row's place as an opaque cursor.
fn cursor(place: &RowPlace) -> String {
    let mut bytes = place.requirement.clone().into_bytes();
    bytes.push(0);
    bytes.extend_from_slice(&place.sort_key);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn place_of(cursor: &str) -> Result<RowPlace, Problem> {
    let wrong = || Problem::bad_request("after is not the `next` of an earlier answer".to_owned());
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    let end = bytes.iter().position(|byte| *byte == 0).ok_or_else(wrong)?;
    let (requirement, sort_key) = bytes.split_at(end);
    let requirement = std::str::from_utf8(requirement).map_err(|_| wrong())?.to_owned();
    Ok(RowPlace { requirement, sort_key: sort_key[1..].to_vec() })
}

impl From<RowsError> for Problem {
    fn from(error: RowsError) -> Self {
        match error {
            RowsError::Refused(refused) => Self::forbidden(refused.to_string()),
            RowsError::UnknownAdministration(_) | RowsError::UnknownRequirement(_) => {
                Self::not_found(error.to_string())
            }
            RowsError::FutureKnownAt(error) => Self::bad_request(error.to_string()),
            RowsError::Store(error) => Self::internal(&error),
            RowsError::WorkbookNotPacked => Self::internal(&error),
            RowsError::Workbook(error) => Self::unprocessable("too-large-for-a-workbook", error.to_string()),
        }
    }
}
