//! The learning platforms, and the health of each.

use rocket::serde::json::Json;
use rocket::{State, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::platforms::show::{PlatformInShort, ShowPlatformsError};
use crate::app::{App, Caller};
use crate::domain::ids::PlatformCode;
use crate::domain::linking::LinkingKey;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;
use crate::render::views::{PlatformHealthView, ResultSilenceView, SilenceView};

/// Every platform, by code.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlatformsView {
    items: Vec<PlatformView>,
}

/// A platform in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlatformView {
    #[schema(example = "larportal")]
    code: String,
    /// Its adapter.
    #[schema(example = "native")]
    adapter: String,
    /// The keys by which its learners are linked, strongest first.
    linking_keys: Vec<&'static str>,
    /// The zone of its times that have no offset.
    #[schema(example = "Europe/Stockholm")]
    time_zone: String,
    silence: SilenceView,
    result_silence: ResultSilenceView,
    /// How many of its deliveries wait in quarantine.
    quarantined: u64,
}

impl From<PlatformInShort> for PlatformView {
    fn from(shown: PlatformInShort) -> Self {
        let platform = shown.platform;
        Self {
            code: platform.code.into(),
            adapter: platform.adapter,
            linking_keys: platform.linking_keys.into_iter().map(LinkingKey::as_str).collect(),
            time_zone: platform.time_zone.name().to_owned(),
            silence: SilenceView::of(shown.last_delivery_at, &shown.alarm),
            result_silence: ResultSilenceView::of(&shown.results),
            quarantined: shown.quarantined,
        }
    }
}

/// Every platform in short: whether it sends, and how many deliveries wait in quarantine
#[utoipa::path(
    get, path = "/api/v1/platforms", operation_id = "list_platforms", tag = "platforms", security(("bearer" = [])),
    responses(
        (status = 200, description = "All of them, by code", body = PlatformsView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
    ),
)]
#[get("/platforms")]
pub async fn list(app: &State<App>, caller: Caller, query: Query) -> Result<Json<PlatformsView>, Problem> {
    query.only(&[])?;
    let items = app.show_platforms(&caller).await?.into_iter().map(PlatformView::from);
    Ok(Json(PlatformsView { items: items.collect() }))
}

/// A platform's health: its silence and alarm, and what arrives late, twice, out of order or not understood
#[utoipa::path(
    get, path = "/api/v1/platforms/{code}/health", operation_id = "show_platform_health", tag = "platforms", security(("bearer" = [])),
    params(
        ("code" = String, Path, description = "The platform's code", example = "larportal"),
        ("since" = Option<String>, Query, description = "Counts from this instant; a week ago by default"),
    ),
    responses(
        (status = 200, description = "Its health", body = PlatformHealthView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/platforms/<code>/health")]
pub async fn health(
    app: &State<App>,
    caller: Caller,
    query: Query,
    code: &str,
) -> Result<Json<PlatformHealthView>, Problem> {
    let query = query.only(&["since"])?;
    let since = query.instant("since")?;
    let unknown = || Problem::not_found(format!("no platform has the code {code}"));
    let code = PlatformCode::parse(code).map_err(|_| unknown())?;
    let health = app.platform_health(&caller, &code, since).await?;
    Ok(Json(PlatformHealthView::of(&code, &health)))
}

impl From<ShowPlatformsError> for Problem {
    fn from(error: ShowPlatformsError) -> Self {
        match error {
            ShowPlatformsError::Refused(refused) => Self::forbidden(refused.to_string()),
            ShowPlatformsError::UnknownPlatform(_) => Self::not_found(error.to_string()),
            ShowPlatformsError::Store(error) => Self::internal(&error),
        }
    }
}
