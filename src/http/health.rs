//! Whether the process lives, and whether it can serve.

use std::sync::Arc;

use rocket::http::{Header, Status};
use rocket::response::{self, Responder};
use rocket::serde::json::Json;
use rocket::{Request, Route, State, get, routes};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::app::operating::clock_watch::Warning;
use crate::app::operating::health::Check;
use crate::app::receiving::receive::Receiving;

/// The `Retry-After` if it is not ready, in seconds.
const RETRY_AFTER_SECONDS: &str = "1";

/// The routes, to be mounted at `/`.
#[must_use]
pub fn routes() -> Vec<Route> {
    routes![live, ready]
}

/// The process answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LivenessView {
    /// Always `live`.
    pub status: &'static str,
}

/// Whether the service can do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReadinessView {
    /// `ready` if every check passed.
    pub status: ReadinessStatus,
    pub checks: Vec<ReadinessCheck>,
    /// What someone should look at. A warning does not stop the service.
    pub warnings: Vec<ReadinessWarning>,
}

/// Something that someone should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReadinessWarning {
    /// The subject, such as `clock-of-server`.
    pub name: &'static str,
    pub detail: String,
}

/// The sum of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadinessStatus {
    Ready,
    NotReady,
}

/// One thing that the service needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReadinessCheck {
    /// What was checked, such as `database` or `migrations`.
    pub name: &'static str,
    pub passed: bool,
    /// What is wrong, if it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl ReadinessCheck {
    fn of(Check { name, fault }: Check) -> Self {
        Self { name, passed: fault.is_none(), detail: fault }
    }
}

impl ReadinessView {
    /// Ready if all checks passed.
    #[must_use]
    pub fn from_checks(checks: Vec<ReadinessCheck>) -> Self {
        let all_passed = checks.iter().all(|check| check.passed);
        let status = if all_passed { ReadinessStatus::Ready } else { ReadinessStatus::NotReady };
        Self { status, checks, warnings: Vec::new() }
    }

    fn warning_of(self, warnings: Vec<Warning>) -> Self {
        let view = |Warning { name, detail }| ReadinessWarning { name, detail };
        Self { warnings: warnings.into_iter().map(view).collect(), ..self }
    }
}

/// The process lives; says nothing about the database.
#[get("/health/live")]
pub(super) fn live() -> Json<LivenessView> {
    Json(LivenessView { status: "live" })
}

/// Whether the service can do its work: the database can be written, which is tried, and has the tables of this
/// version, and deliveries are accepted. If not, answers `503` within two seconds and says what is wrong: send requests
/// elsewhere.
#[get("/health/ready")]
async fn ready(app: &State<App>, receiving: &State<Arc<Receiving>>) -> Readiness {
    let found = app.health.ask().await;
    let closed = "the service is stopping: it accepts no deliveries".to_owned();
    let fault = (!receiving.is_open()).then_some(closed);
    // A delivery that may not be recorded is not accepted.
    let fault = fault.or_else(|| app.store.may_record().err().map(|error| error.to_string()));
    let receiving = Check { name: "receiving", fault };
    let checks = found.checks.iter().cloned().chain([receiving]);
    let view = ReadinessView::from_checks(checks.map(ReadinessCheck::of).collect());
    Readiness(view.warning_of(app.clock_watch.warnings()))
}

/// The view with its status, and the `Retry-After`.
#[derive(Debug)]
struct Readiness(ReadinessView);

impl<'r> Responder<'r, 'static> for Readiness {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let is_ready = self.0.status == ReadinessStatus::Ready;
        let mut response = Json(self.0).respond_to(request)?;
        response.set_header(Header::new("cache-control", "no-store"));
        if !is_ready {
            response.set_status(Status::ServiceUnavailable);
            response.set_header(Header::new("retry-after", RETRY_AFTER_SECONDS));
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_ready_when_every_check_passed() {
        let check = |passed| ReadinessCheck { name: "database", passed, detail: None };
        assert_eq!(ReadinessView::from_checks(vec![check(true), check(true)]).status, ReadinessStatus::Ready);
        let view = ReadinessView::from_checks(vec![check(true), check(false)]);
        insta::assert_json_snapshot!(view.status, @r#""not_ready""#);
    }
}
