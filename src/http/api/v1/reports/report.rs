//! Reports: figures per administration.

use rocket::serde::json::Json;
use rocket::{State, get};

use crate::app::reports::build::{BuildReportError, ReportRequest};
use crate::app::reports::clocks::Clocks;
use crate::app::reports::compare::ComparisonRequest;
use crate::app::{App, Caller};
use crate::domain::ids::RequirementCode;
use crate::http::api::v1::reports::comparison::{ComparedReportView, ComparisonView};
use crate::http::guards::query::Query;
use crate::http::problem::Problem;
use crate::render::views::ReportView;

/// How a requirement is met, in the city and in each administration
///
/// What was reported once is reported the same again with the same `as_of` and `known_at`. An administration's officer
/// gets the figures of their own administrations; `city` is then null. With `compare_known_at` it also says how many
/// persons' status differs from what was known then.
#[utoipa::path(
    get, path = "/api/v1/reports/onboarding", operation_id = "onboarding_report", tag = "reports", security(("bearer" = [])),
    params(
        ("requirement" = String, Query, description = "The requirement's code", example = "infosec-onboarding"),
        ("as_of" = Option<NaiveDate>, Query, description = "The day that the report is about; today by default"),
        ("known_at" = Option<DateTime<Utc>>, Query, description = "The instant of knowledge; now by default"),
        ("compare_known_at" = Option<DateTime<Utc>>, Query, description = "An earlier instant of knowledge: how the report differs from the same as known then"),
        ("due_from" = Option<NaiveDate>, Query, description = "First due day that the on-time rate looks at; by default a year before `as_of`"),
        ("due_to" = Option<NaiveDate>, Query, description = "Last due day that the on-time rate looks at"),
    ),
    responses(
        (status = 200, description = "The report", body = ComparedReportView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/reports/onboarding")]
pub async fn onboarding(app: &State<App>, caller: Caller, query: Query) -> Result<Json<ComparedReportView>, Problem> {
    let query = query.only(&["requirement", "as_of", "known_at", "compare_known_at", "due_from", "due_to"])?;
    let request = ReportRequest {
        requirement: query.required_id("requirement", RequirementCode::parse)?,
        clocks: query.clocks()?,
        due_from: query.day("due_from")?,
        due_to: query.day("due_to")?,
    };
    let earlier = query.instant("compare_known_at")?;
    let report = app.build_report(&caller, &request).await?;
    let comparison = match earlier {
        None => None,
        Some(compare_known_at) => {
            let clocks = Clocks { as_of: Some(report.as_of), known_at: Some(report.known_at) };
            let request = ComparisonRequest { requirement: request.requirement, clocks, compare_known_at };
            Some(ComparisonView::from(&app.compare_reports(&caller, &request).await?))
        }
    };
    Ok(Json(ComparedReportView { report: ReportView::from(&report), comparison }))
}

impl From<BuildReportError> for Problem {
    fn from(error: BuildReportError) -> Self {
        match error {
            BuildReportError::Refused(refused) => Self::forbidden(refused.to_string()),
            BuildReportError::UnknownRequirement(_) => Self::not_found(error.to_string()),
            BuildReportError::EmptyPeriod { .. } | BuildReportError::FutureKnownAt(_) => {
                Self::bad_request(error.to_string())
            }
            BuildReportError::Store(error) => Self::internal(&error),
        }
    }
}
