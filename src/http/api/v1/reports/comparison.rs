//! A report compared with the same as known earlier.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rocket::serde::json::Json;
use rocket::{State, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::employees::history::AttributedEntry;
use crate::app::reports::compare::{
    Cause, CompareError, ComparisonAnswer, ComparisonRequest, DifferenceAnswer, DifferencesAnswer,
};
use crate::app::{App, Caller};
use crate::domain::compliance::Status;
use crate::domain::ids::{EmployeeNumber, RequirementCode};
use crate::http::api::v1::employees::history::FieldChangeView;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;
use crate::render::views::{CountsView, ReportView};

/// A report, and how it differs from the same as known at `compare_known_at`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparedReportView {
    #[serde(flatten)]
    pub report: ReportView,
    /// Only where `compare_known_at` was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ComparisonView>,
}

/// How a report differs from the same as known earlier.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparisonView {
    /// The earlier instant of knowledge.
    known_at: DateTime<Utc>,
    /// The city's counts then; null for a caller who may not see it.
    city: Option<CountsView>,
    /// The administrations' counts then, by code; one in which nobody counted is left out.
    administrations: BTreeMap<String, CountsView>,
    /// How many persons' status differs.
    #[schema(example = 14)]
    differing: u64,
    /// Where they are listed, each with the facts that made the difference.
    differences: String,
}

impl From<&ComparisonAnswer> for ComparisonView {
    fn from(answer: &ComparisonAnswer) -> Self {
        let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let administrations = answer.administrations_then.iter();
        Self {
            known_at: answer.compare_known_at,
            city: answer.city_then.map(CountsView::from),
            administrations: administrations.map(|(code, then)| (code.to_string(), CountsView::from(*then))).collect(),
            differing: answer.differing,
            differences: format!(
                "/api/v1/reports/onboarding/differences?requirement={}&as_of={}&known_at={}&compare_known_at={}",
                answer.requirement,
                answer.as_of,
                instant(answer.known_at),
                instant(answer.compare_known_at)
            ),
        }
    }
}

/// A page of the persons whose status differs, by employee number.
#[derive(Debug, Serialize, ToSchema)]
pub struct DifferencesPageView {
    #[schema(example = "infosec-onboarding")]
    requirement: String,
    as_of: NaiveDate,
    known_at: DateTime<Utc>,
    compare_known_at: DateTime<Utc>,
    /// How many persons' status differs, on all pages.
    differing: u64,
    items: Vec<DifferenceView>,
    /// The `after` of the next request; null: no more.
    next: Option<String>,
}

/// A person whose status differs.
#[derive(Debug, Serialize, ToSchema)]
struct DifferenceView {
    #[schema(example = "104233")]
    employee_number: String,
    /// Where the person counts, then or now.
    administrations: Vec<String>,
    /// Null: the person did not count.
    #[schema(example = "overdue")]
    status_before: Option<&'static str>,
    /// Null: the person does not count.
    #[schema(example = "compliant")]
    status_now: Option<&'static str>,
    because: Vec<CauseView>,
}

/// A fact that became known between, and without which the status would be what it was.
#[derive(Debug, Default, Serialize, ToSchema)]
struct CauseView {
    /// As in a history; or `requirement`, `reorganisation` (an employment is elsewhere by it), `linked_otherwise` (a
    /// result that was known before is linked to another employee now), or `not_shown` (something that this token may
    /// not see).
    #[schema(example = "result")]
    kind: &'static str,
    known_at: Option<DateTime<Utc>>,
    by: Option<String>,
    how: Option<&'static str>,
    /// Which of the kind.
    of: Option<String>,
    happened: Option<&'static str>,
    changes: Vec<FieldChangeView>,
    hidden: bool,
    reason: Option<String>,
}

impl From<Cause> for CauseView {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Entry(AttributedEntry { entry, by, how }) => Self {
                kind: entry.kind.as_str(),
                known_at: Some(entry.known_at),
                by,
                how: Some(how.as_str()),
                of: Some(entry.of),
                happened: Some(entry.happened.as_str()),
                changes: entry.changes.into_iter().map(FieldChangeView::from).collect(),
                hidden: entry.is_hidden,
                reason: entry.reason,
            },
            Cause::Requirement { version, known_at, by } => Self {
                kind: "requirement",
                known_at: Some(known_at),
                by,
                of: Some(format!("version {version}")),
                ..Self::default()
            },
            Cause::LinkedOtherwise { event_id } => {
                Self { kind: "linked_otherwise", of: Some(event_id.into()), ..Self::default() }
            }
            Cause::Reorganisation { id, on_day, known_at, by, is_undone } => Self {
                kind: "reorganisation",
                known_at: Some(known_at),
                by: Some(by),
                of: Some(format!("{id} on {on_day}")),
                happened: Some(if is_undone { "withdrawn" } else { "added" }),
                ..Self::default()
            },
            Cause::NotShown => Self { kind: "not_shown", ..Self::default() },
        }
    }
}

impl From<DifferenceAnswer> for DifferenceView {
    fn from(answer: DifferenceAnswer) -> Self {
        Self {
            employee_number: answer.number.into(),
            administrations: answer.administrations.into_iter().map(String::from).collect(),
            status_before: answer.before.map(Status::as_str),
            status_now: answer.now.map(Status::as_str),
            because: answer.because.into_iter().map(CauseView::from).collect(),
        }
    }
}

impl From<DifferencesAnswer> for DifferencesPageView {
    fn from(answer: DifferencesAnswer) -> Self {
        let DifferencesAnswer { comparison, persons, next } = answer;
        Self {
            requirement: comparison.requirement.into(),
            as_of: comparison.as_of,
            known_at: comparison.known_at,
            compare_known_at: comparison.compare_known_at,
            differing: comparison.differing,
            items: persons.into_iter().map(DifferenceView::from).collect(),
            next: next.map(String::from),
        }
    }
}

/// The persons whose status differs between two times of knowledge, each with the facts that made the difference
///
/// A fact is named if the status would be unchanged without it. If there is none (either of two completions would do),
/// all facts that became known between and without which it would be another are named, or all.
#[utoipa::path(
    get, path = "/api/v1/reports/onboarding/differences", operation_id = "onboarding_differences", tag = "reports", security(("bearer" = [])),
    params(
        ("requirement" = String, Query, description = "The requirement's code", example = "infosec-onboarding"),
        ("as_of" = Option<NaiveDate>, Query, description = "The day that both are about; today by default"),
        ("known_at" = Option<DateTime<Utc>>, Query, description = "The later instant of knowledge; now by default"),
        ("compare_known_at" = DateTime<Utc>, Query, description = "The earlier instant of knowledge"),
        ("limit" = Option<u32>, Query, description = "How many persons, 1 to 500; 100 by default", minimum = 1, maximum = 500),
        ("after" = Option<String>, Query, description = "`next` of the previous answer"),
    ),
    responses(
        (status = 200, description = "A page of persons", body = DifferencesPageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/reports/onboarding/differences")]
pub async fn differences(app: &State<App>, caller: Caller, query: Query) -> Result<Json<DifferencesPageView>, Problem> {
    let query = query.only(&["requirement", "as_of", "known_at", "compare_known_at", "limit", "after"])?;
    let missing = || Problem::bad_request("compare_known_at is missing; give it as ?compare_known_at=…");
    let request = ComparisonRequest {
        requirement: query.required_id("requirement", RequirementCode::parse)?,
        clocks: query.clocks()?,
        compare_known_at: query.instant("compare_known_at")?.ok_or_else(missing)?,
    };
    let after = query.id("after", EmployeeNumber::parse)?;
    let found = app.list_differences(&caller, &request, after.as_ref(), query.limit(100, 500)?).await?;
    Ok(Json(found.into()))
}

impl From<CompareError> for Problem {
    fn from(error: CompareError) -> Self {
        match error {
            CompareError::Refused(refused) => Self::forbidden(refused.to_string()),
            CompareError::UnknownRequirement(_) => Self::not_found(error.to_string()),
            CompareError::ComparedWithLater | CompareError::FutureKnownAt(_) => Self::bad_request(error.to_string()),
            CompareError::Store(error) => Self::internal(&error),
        }
    }
}
