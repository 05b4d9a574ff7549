//! Reading again what a platform sent and Kurskoll understood, by the platform's newest profile.

use chrono::{DateTime, NaiveDate, Utc};
use rocket::serde::json::Json;
use rocket::{State, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::receiving::reread::{RereadAnswer, RereadError, RereadEvent, RereadRequest};
use crate::app::{App, Caller};
use crate::domain::ids::PlatformCode;
use crate::http::api::v1::compliance::result_decisions::StateChangeView;
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// What is read again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RereadBody {
    /// Only what was received on this day in the city or later.
    #[schema(example = "2026-01-01")]
    since: Option<NaiveDate>,
    /// Only report what would change.
    #[serde(default)]
    dry_run: bool,
    /// `next` of the previous answer.
    after: Option<i64>,
    /// How many deliveries, 1 to 1000; 500 by default.
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
}

/// An event that is read differently.
#[derive(Debug, Serialize, ToSchema)]
pub struct RereadEventView {
    /// The id of the delivery that reports it.
    delivery_id: i64,
    event_id: String,
    /// `added`, `changed`, `dropped`, or `contradicting`: another delivery reported an event with this id and other
    /// content, and stays.
    #[schema(example = "changed")]
    difference: &'static str,
}

/// What reading again changed, or would change.
#[derive(Debug, Serialize, ToSchema)]
pub struct RereadView {
    dry_run: bool,
    /// How many deliveries were read.
    deliveries: u64,
    added: usize,
    changed: usize,
    dropped: usize,
    contradicting: usize,
    events: Vec<RereadEventView>,
    /// The deliveries that the newest profile does not understand; they stay as they were understood.
    not_understood: Vec<i64>,
    /// Whose status changes, and how.
    changes: Vec<StateChangeView>,
    /// Where to go on; null if all is done.
    next: Option<i64>,
}

impl From<RereadEvent> for RereadEventView {
    fn from(event: RereadEvent) -> Self {
        Self { delivery_id: event.delivery, event_id: event.event_id.into(), difference: event.difference.as_str() }
    }
}

impl RereadView {
    fn of(answer: RereadAnswer, dry_run: bool) -> Self {
        let events: Vec<RereadEventView> = answer.events.into_iter().map(RereadEventView::from).collect();
        let count = |word: &str| events.iter().filter(|event| event.difference == word).count();
        Self {
            dry_run,
            deliveries: answer.deliveries,
            added: count("added"),
            changed: count("changed"),
            dropped: count("dropped"),
            contradicting: count("contradicting"),
            events,
            not_understood: answer.not_understood,
            changes: answer.changes.into_iter().map(StateChangeView::from).collect(),
            next: answer.next,
        }
    }
}

/// Reads what a platform sent and was understood once more, by its newest profile
///
/// Differences are known from now on; earlier reports stay as they were. Each hundred deliveries are a change of their
/// own. An answer with a `next` has more to do: send the same with it as `after`. A dry run says what would change,
/// each hundred as if it were alone.
#[utoipa::path(
    post, path = "/api/v1/platforms/{code}/reread", operation_id = "reread_platform", tag = "platforms", security(("bearer" = [])),
    params(("code" = String, Path, description = "The platform's code", example = "larportal")),
    request_body = RereadBody,
    responses(
        (status = 200, description = "What changed, or would", body = RereadView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::NotUnderstood),
    ),
)]
#[post("/platforms/<code>/reread", data = "<body>")]
pub async fn reread(
    app: &State<App>,
    caller: Caller,
    query: Query,
    code: &str,
    body: Result<JsonBody<RereadBody>, Problem>,
) -> Result<Json<RereadView>, Problem> {
    /// The most deliveries that a request reads again.
    const AT_MOST: u64 = 1000;
    query.only(&[])?;
    let JsonBody(RereadBody { since, dry_run, after, limit }) = body?;
    let unknown = || Problem::not_found(format!("no platform has the code {code}"));
    let platform = PlatformCode::parse(code).map_err(|_| unknown())?;
    let at_most = limit.unwrap_or(500);
    if !(1..=AT_MOST).contains(&at_most) {
        let detail = format!("/limit is not a number from 1 to {AT_MOST}");
        return Err(Problem::unprocessable("not-understood", detail).with_pointer("/limit"));
    }
    let since: Option<DateTime<Utc>> = since.map(|day| app.calendar.first_instant_of(day));
    let request = RereadRequest { platform, since, after, at_most, dry_run };
    Ok(Json(RereadView::of(app.reread_platform(&caller, &request).await?, dry_run)))
}

impl From<RereadError> for Problem {
    fn from(error: RereadError) -> Self {
        match error {
            RereadError::Refused(refused) => Self::forbidden(refused.to_string()),
            RereadError::UnknownPlatform(_) => Self::not_found(error.to_string()),
            RereadError::UnknownDelivery(_) => {
                Self::unprocessable("not-understood", error.to_string()).with_pointer("/after")
            }
            RereadError::Store(error) => Self::internal(&error),
        }
    }
}
