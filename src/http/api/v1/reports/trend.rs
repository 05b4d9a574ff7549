//! The trend of a requirement.

use rocket::serde::json::Json;
use rocket::{State, get};

use crate::app::reports::trend::{BuildTrendError, Trend, TrendPoint, TrendRequest};
use crate::app::{App, Caller};
use crate::domain::ids::RequirementCode;
use crate::domain::report::trend::{Interval, Tree};
use crate::http::guards::query::Query;
use crate::http::problem::Problem;
use crate::render::views::{TrendAdministrationView, TrendFiguresView, TrendPointView, TrendView};

impl From<&Trend> for TrendView {
    fn from(trend: &Trend) -> Self {
        let point = |point: &TrendPoint| TrendPointView {
            as_of: point.as_of,
            version: point.version,
            city: point.city.as_ref().map(TrendFiguresView::from),
            administrations: point.administrations.iter().map(TrendAdministrationView::from).collect(),
        };
        Self {
            requirement: trend.requirement.to_string(),
            known_at: trend.known_at,
            interval: trend.interval.as_str(),
            tree: trend.tree.as_str(),
            tree_of: trend.tree_of,
            points: trend.points.iter().map(point).collect(),
        }
    }
}

/// How a requirement was met on one day after another, in the tree of each day or in today's
///
/// A point is the last day of each interval, and `to`. In today's tree an administration's earlier points are those of
/// the people whose employments are in it by now; "today" is the day of `known_at`. Statuses are the same in either
/// tree.
#[utoipa::path(
    get, path = "/api/v1/reports/onboarding/trend", operation_id = "onboarding_trend", tag = "reports", security(("bearer" = [])),
    params(
        ("requirement" = String, Query, description = "The requirement's code", example = "infosec-onboarding"),
        ("from" = NaiveDate, Query, description = "Points from this day on"),
        ("to" = NaiveDate, Query, description = "The last point"),
        ("interval" = Option<String>, Query, description = "The interval between points; `month` by default"),
        ("tree" = Option<String>, Query, description = "The tree to count in; `of_day` by default"),
        ("known_at" = Option<DateTime<Utc>>, Query, description = "The instant of knowledge; now by default"),
    ),
    responses(
        (status = 200, description = "The trend", body = TrendView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/reports/onboarding/trend")]
pub async fn onboarding(app: &State<App>, caller: Caller, query: Query) -> Result<Json<TrendView>, Problem> {
    let query = query.only(&["requirement", "from", "to", "interval", "tree", "known_at"])?;
    let missing = |name: &str| Problem::bad_request(format!("{name} is missing; give it as ?{name}=2026-02-26"));
    let request = TrendRequest {
        requirement: query.required_id("requirement", RequirementCode::parse)?,
        from: query.day("from")?.ok_or_else(|| missing("from"))?,
        to: query.day("to")?.ok_or_else(|| missing("to"))?,
        interval: query.word("interval", Interval::WORDS)?.and_then(Interval::parse).unwrap_or(Interval::Month),
        tree: query.word("tree", Tree::WORDS)?.and_then(Tree::parse).unwrap_or(Tree::OfDay),
        known_at: query.instant("known_at")?,
    };
    Ok(Json(TrendView::from(&app.build_trend(&caller, &request).await?)))
}

impl From<BuildTrendError> for Problem {
    fn from(error: BuildTrendError) -> Self {
        match error {
            BuildTrendError::Report(error) => error.into(),
            BuildTrendError::Trend(fault) => Self::bad_request(fault.to_string()),
        }
    }
}
