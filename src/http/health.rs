//! Whether the process lives, and whether it can serve.

use std::sync::Arc;

use rocket::http::Status;
use rocket::response::status::Custom;
use rocket::serde::json::Json;
use rocket::{Route, State, get, routes};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::app::receive_delivery::Receiving;

/// To be mounted at `/`.
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
    /// `ready` when every check passed.
    pub status: ReadinessStatus,
    pub checks: Vec<ReadinessCheck>,
}

/// The sum of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadinessStatus {
    Ready,
    NotReady,
}

/// One thing that the service needs in order to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReadinessCheck {
    /// What was looked at, as `database` or `migrations`.
    pub name: &'static str,
    pub passed: bool,
}

impl ReadinessView {
    /// Ready when all checks passed.
    #[must_use]
    pub fn from_checks(checks: Vec<ReadinessCheck>) -> Self {
        let all_passed = checks.iter().all(|check| check.passed);
        let status = if all_passed { ReadinessStatus::Ready } else { ReadinessStatus::NotReady };
        Self { status, checks }
    }
}

/// The process lives; says nothing of the database.
#[get("/health/live")]
pub(super) fn live() -> Json<LivenessView> {
    Json(LivenessView { status: "live" })
}

/// Whether the service can do its work: the database answers and has the tables of this version, and deliveries are
/// taken. `503` where it cannot: send requests elsewhere.
#[get("/health/ready")]
async fn ready(app: &State<App>, receiving: &State<Arc<Receiving>>) -> Custom<Json<ReadinessView>> {
    let pending = app.store.pending_migrations().await;
    if let Err(error) = &pending {
        tracing::error!(error = error as &dyn std::error::Error, "the database does not answer");
    }
    let recording = app.store.may_record();
    if let Err(error) = &recording {
        tracing::error!(error = error as &dyn std::error::Error, "nothing is recorded");
    }
    let view = ReadinessView::from_checks(vec![
        ReadinessCheck { name: "database", passed: pending.is_ok() },
        ReadinessCheck { name: "migrations", passed: pending.is_ok_and(|pending| pending == 0) },
        ReadinessCheck { name: "receiving", passed: receiving.is_open() && recording.is_ok() },
    ]);
    let status = if view.status == ReadinessStatus::Ready { Status::Ok } else { Status::ServiceUnavailable };
    Custom(status, Json(view))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_ready_when_every_check_passed() {
        let check = |passed| ReadinessCheck { name: "database", passed };
        assert_eq!(ReadinessView::from_checks(vec![check(true), check(true)]).status, ReadinessStatus::Ready);
        let view = ReadinessView::from_checks(vec![check(true), check(false)]);
        insta::assert_json_snapshot!(view.status, @r#""not_ready""#);
    }
}
