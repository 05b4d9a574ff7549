//! Deliveries as they were received, and those in quarantine.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use rocket::serde::json::Json;
use rocket::{State, get, post};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::directory::import::digest_of;
use crate::app::quarantine::replay::ReplayError;
use crate::app::receiving::show_deliveries::{
    DeliveriesRequest, ShowDeliveriesError, ShownBody, StoredDelivery, text_of,
};
use crate::app::{App, Caller};
use crate::domain::ids::{EventId, PlatformCode};
use crate::domain::receiving::Received;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// A page of deliveries, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveriesPageView {
    items: Vec<DeliveryView>,
    /// The `before` of the next request; null: no more.
    next: Option<String>,
}

/// One authenticated request from a platform.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    id: i64,
    platform: String,
    /// The sender's id of it.
    delivery_id: String,
    /// `accepted`, `ignored` or `quarantined`.
    #[schema(example = "quarantined")]
    outcome: String,
    /// Why it is, or was, in quarantine.
    problem: Option<String>,
    /// Where in the body (RFC 6901).
    problem_pointer: Option<String>,
    received_at: DateTime<Utc>,
    /// When it left quarantine.
    released_at: Option<DateTime<Utc>>,
    content_type: String,
    /// Whether it was pulled from the platform or its store; else it was sent.
    is_pulled: bool,
    size: u64,
}

/// One delivery with what was signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryWithBodyView {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// The headers that were verified.
    headers: serde_json::Value,
    /// The body, byte for byte; null if it is withheld.
    body_base64: Option<String>,
    /// The body as text, if it is UTF-8; inflated if it was sent compressed.
    body_text: Option<String>,
    /// Why the body is withheld: it is about an employee with protected personal data, whose name, address and user
    /// name are shown to nobody but the platform that sent them. Null if it is shown.
    body_withheld: Option<&'static str>,
    /// SHA-256 of the body, by which it can be compared, in lower-case hexadecimal digits.
    body_sha256: String,
}

/// The text instead of a body that is withheld.
const WITHHELD: &str =
    "it is about an employee with protected personal data; anyone with the bytes can compare their SHA-256";

/// What became of a delivery that was read again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayView {
    id: i64,
    /// `accepted`, `duplicate`, `ignored` or `quarantined`.
    #[schema(example = "accepted")]
    outcome: &'static str,
    linked: bool,
    /// Why it stays in quarantine.
    problem: Option<String>,
    problem_pointer: Option<String>,
}

impl From<StoredDelivery> for DeliveryView {
    fn from(stored: StoredDelivery) -> Self {
        Self {
            id: stored.id,
            platform: stored.platform_code,
            delivery_id: stored.key.into(),
            outcome: stored.outcome,
            problem: stored.problem,
            problem_pointer: stored.problem_pointer,
            received_at: stored.received_at,
            released_at: stored.released_at,
            content_type: stored.content_type,
            is_pulled: stored.is_pulled,
            size: stored.size,
        }
    }
}

impl ReplayView {
    fn of(id: i64, received: Received) -> Self {
        let plain = |outcome, linked| Self { id, outcome, linked, problem: None, problem_pointer: None };
        match received {
            Received::Accepted { linked, .. } => plain("accepted", linked),
            Received::Duplicate { linked, .. } => plain("duplicate", linked),
            Received::Ignored => plain("ignored", false),
            Received::Conflict | Received::EventConflict(_) => Self {
                problem: Some("another delivery reported an event with the same id".to_owned()),
                ..plain("quarantined", false)
            },
            Received::Quarantined { pointer, problem, .. } => {
                Self { problem: Some(problem), problem_pointer: Some(pointer), ..plain("quarantined", false) }
            }
        }
    }
}

/// Deliveries, newest first
#[utoipa::path(
    get, path = "/api/v1/deliveries", operation_id = "list_deliveries", tag = "deliveries", security(("bearer" = [])),
    params(
        ("outcome" = Option<String>, Query, description = "`accepted`, `ignored` or `quarantined`", example = "quarantined"),
        ("platform" = Option<String>, Query, description = "Only this platform's"),
        ("event_id" = Option<String>, Query, description = "Only what the platform sent under this id; needs `platform`"),
        ("limit" = Option<u32>, Query, description = "How many, 1 to 500; 100 by default", minimum = 1, maximum = 500),
        ("before" = Option<String>, Query, description = "`next` of the previous answer"),
    ),
    responses(
        (status = 200, description = "A page of deliveries", body = DeliveriesPageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/deliveries")]
pub async fn list(app: &State<App>, caller: Caller, query: Query) -> Result<Json<DeliveriesPageView>, Problem> {
    let query = query.only(&["outcome", "platform", "event_id", "limit", "before"])?;
    let outcome = query.text("outcome");
    if outcome.is_some_and(|outcome| !["accepted", "ignored", "quarantined"].contains(&outcome)) {
        return Err(Problem::bad_request("outcome is none of accepted, ignored, quarantined".to_owned()));
    }
    let (platform, sent_as) = (query.id("platform", PlatformCode::parse)?, query.id("event_id", EventId::parse)?);
    if sent_as.is_some() && platform.is_none() {
        return Err(Problem::bad_request("event_id is a platform's own; give platform as well".to_owned()));
    }
    let limit = query.limit(100, 500)?;
    let request = DeliveriesRequest {
        outcome: outcome.map(ToOwned::to_owned),
        platform,
        sent_as,
        before: query.row("before")?,
        at_most: limit as u64,
    };
    let found = app.list_deliveries(&caller, &request).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.id.to_string());
    Ok(Json(DeliveriesPageView { items: found.into_iter().map(DeliveryView::from).collect(), next }))
}

/// One delivery, with its bytes and the headers that were verified
#[utoipa::path(
    get, path = "/api/v1/deliveries/{id}", operation_id = "show_delivery", tag = "deliveries", security(("bearer" = [])),
    params(("id" = i64, Path, description = "The delivery's id")),
    responses(
        (status = 200, description = "The delivery", body = DeliveryWithBodyView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/deliveries/<id>")]
pub async fn show(
    app: &State<App>,
    caller: Caller,
    query: Query,
    id: &str,
) -> Result<Json<DeliveryWithBodyView>, Problem> {
    query.only(&[])?;
    let (stored, body) = app.show_delivery(&caller, row(id)?).await?;
    let (body_base64, body_text, body_withheld, body_sha256) = match body {
        ShownBody::Whole(body) => (Some(STANDARD.encode(&body)), text_of(&body), None, digest_of(&body)),
        ShownBody::Withheld { digest } => (None, None, Some(WITHHELD), digest),
    };
    Ok(Json(DeliveryWithBodyView {
        headers: serde_json::from_str(&stored.headers).unwrap_or_default(),
        body_base64,
        body_text,
        body_withheld,
        body_sha256,
        delivery: stored.into(),
    }))
}

/// Reads a delivery in quarantine again; it leaves quarantine if it is understood now
#[utoipa::path(
    post, path = "/api/v1/deliveries/{id}/replay", operation_id = "replay_delivery", tag = "deliveries", security(("bearer" = [])),
    params(("id" = i64, Path, description = "The delivery's id")),
    responses(
        (status = 200, description = "What became of it", body = ReplayView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[post("/deliveries/<id>/replay")]
pub async fn replay(app: &State<App>, caller: Caller, query: Query, id: &str) -> Result<Json<ReplayView>, Problem> {
    query.only(&[])?;
    let id = row(id)?;
    Ok(Json(ReplayView::of(id, app.replay(&caller, id).await?)))
}

fn row(id: &str) -> Result<i64, Problem> {
    id.parse().map_err(|_| Problem::not_found(format!("no delivery has the id {id}")))
}

impl From<ShowDeliveriesError> for Problem {
    fn from(error: ShowDeliveriesError) -> Self {
        match error {
            ShowDeliveriesError::Refused(refused) => Self::forbidden(refused.to_string()),
            ShowDeliveriesError::UnknownPlatform(_) | ShowDeliveriesError::UnknownDelivery(_) => {
                Self::not_found(error.to_string())
            }
            ShowDeliveriesError::Store(error) => Self::internal(&error),
        }
    }
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Refused(refused) => Self::forbidden(refused.to_string()),
            ReplayError::NotInQuarantine(_) | ReplayError::UnknownPlatform(_) => Self::not_found(error.to_string()),
            ReplayError::Store(error) => Self::internal(&error),
        }
    }
}
