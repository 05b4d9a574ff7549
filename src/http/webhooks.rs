//! The endpoint for the learning platforms: it receives signed deliveries, and answers `200` only when they are durable.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use rocket::data::{ByteUnit, Data, ToByteUnit};
use rocket::http::{Header, Status};
use rocket::request::{FromRequest, Outcome};
use rocket::serde::json::Json;
use rocket::{Request, State, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::connections::Addresses;
use super::problem::{Challenge, Problem};
use super::request_id::arrived_at;
use crate::app::App;
use crate::app::operating::metrics::DeliveryOutcome;
use crate::app::platforms::check_profile::is_form;
use crate::app::receiving::receive::{
    Headers, MAX_INFLATED, ReceiveError, Receiving, Request as Delivered, Stored, is_encoding_taken, place_in_body,
};
use crate::config::ReceivingSettings;
use crate::domain::compliance::effect::NoEffect;
use crate::domain::ids::PlatformCode;
use crate::domain::platform_health::Counted;
use crate::domain::receiving::Received;

/// What became of a stored delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceivedView {
    /// The `webhook-id`.
    #[schema(example = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W")]
    event_id: String,
    /// `accepted`; `duplicate` if it adds nothing to what is stored; `ignored` if it is not about anything that Kurskoll records.
    #[schema(example = "accepted")]
    outcome: &'static str,
    /// Whether the result is linked to an employee; if not, it waits and is linked when the directory knows its learner.
    linked: bool,
    /// `none` if what is stored has no effect now; left out otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "none")]
    effect: Option<&'static str>,
    /// The event, or the decision by hand (`hand:` and its id), that withdraws it.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn_by: Option<String>,
    /// Why it has no effect, and what to do if that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// The headers for the platform's adapter, and the media type.
#[derive(Debug)]
pub struct DeliveryHeaders<'r> {
    all: Headers<'r>,
    content_type: &'r str,
    content_encoding: &'r str,
    source: Option<IpAddr>,
    arrived_at: std::time::Instant,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for DeliveryHeaders<'r> {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let headers = request.headers();
        Outcome::Success(Self {
            all: headers.iter().filter_map(borrowed).collect(),
            content_type: headers.get_one("content-type").unwrap_or_default(),
            content_encoding: headers.get_one("content-encoding").unwrap_or_default(),
            source: Addresses::of(request),
            arrived_at: arrived_at(request),
        })
    }
}

/// A header, borrowed from the request.
fn borrowed(header: Header<'_>) -> Option<(&str, &str)> {
    match (header.name.string, header.value) {
        (Cow::Borrowed(name), Cow::Borrowed(value)) => Some((name, value)),
        _ => None,
    }
}

/// Receives a delivery from a learning platform
///
/// The signature follows the Standard Webhooks specification, over the raw body, or the platform's profile; with a profile, the body
/// (JSON or a form) is in the platform's own format. Answers `200` once the delivery is durable; a report requested after that includes
/// it. A body may be sent with `Content-Encoding: gzip`; the signature is over the bytes as they are sent. An authentic delivery that is
/// not understood is stored in quarantine (`422`) and can be replayed.
#[utoipa::path(
    post, path = "/webhooks/{platform}", operation_id = "receive_delivery", tag = "webhooks", security(("signature" = [])),
    params(
        ("platform" = String, Path, description = "The platform's code", example = "larportal"),
        ("webhook-id" = String, Header, description = "The delivery's id, the same when it is sent again; not of platforms that a profile reads otherwise"),
        ("webhook-timestamp" = String, Header, description = "Seconds since 1970; at most five minutes off"),
        ("webhook-signature" = String, Header, description = "One or several `v1,` and base64 of HMAC-SHA256, space-separated"),
    ),
    request_body(content = super::openapi::NativeDelivery, content_type = "application/json"),
    responses(
        (status = 200, description = "It is stored", body = ReceivedView),
        (status = 400, response = super::openapi::MalformedParameter),
        (status = 401, response = super::openapi::SignatureDoesNotHold),
        (status = 404, response = super::openapi::NotFound),
        (status = 408, response = super::openapi::TooSlow),
        (status = 409, response = super::openapi::Conflict),
        (status = 413, response = super::openapi::TooLarge),
        (status = 415, response = super::openapi::WrongMediaType),
        (status = 422, response = super::openapi::InQuarantine),
        (status = 429, response = super::openapi::TooOften),
        (status = 503, response = super::openapi::Unavailable),
    ),
)]
#[post("/webhooks/<platform>", data = "<data>")]
pub async fn receive(
    app: &State<App>,
    receiving: &State<Arc<Receiving>>,
    settings: &State<ReceivingSettings>,
    headers: DeliveryHeaders<'_>,
    platform: &str,
    data: Data<'_>,
) -> Result<Json<ReceivedView>, Problem> {
    let (arrived_at, source) = (headers.arrived_at, headers.source);
    let mut answer = take(receiving, settings, headers, platform, data).await;
    let counted = PlatformCode::parse(platform).ok().zip(counted_as(&answer));
    if let Err(problem) = &answer
        && [401, 404].contains(&problem.status)
        && let Err(too_often) = app.rate_limits.failed_from(source)
    {
        answer = Err(Problem::too_many_requests(too_often.retry_after_seconds));
    }
    let outcome = match &answer {
        Ok((_, outcome)) => *outcome,
        Err(problem) => outcome_of(problem),
    };
    app.metrics.delivery_answered(outcome, arrived_at.elapsed());
    if let Some((platform, what)) = counted {
        app.platform_counts.count(&platform, what, app.now());
    }
    answer.map(|(view, _)| Json(view))
}

/// The outcome that the metrics count for a refusal.
fn outcome_of(problem: &Problem) -> DeliveryOutcome {
    match problem.status {
        401 => DeliveryOutcome::Unauthenticated,
        409 => DeliveryOutcome::Conflict,
        422 => DeliveryOutcome::Quarantined,
        _ => DeliveryOutcome::Refused,
    }
}

/// What the platform's health counts. Only platforms that exist get these answers.
fn counted_as(answer: &Result<(ReceivedView, DeliveryOutcome), Problem>) -> Option<Counted> {
    match answer {
        Ok((_, DeliveryOutcome::Duplicate)) => Some(Counted::Duplicate),
        Ok(_) => None,
        Err(problem) => match problem.status {
            401 => Some(Counted::RefusedSignature),
            409 => Some(Counted::Conflict),
            429 => Some(Counted::RateLimited),
            _ => None,
        },
    }
}

async fn take(
    receiving: &Receiving,
    settings: &ReceivingSettings,
    headers: DeliveryHeaders<'_>,
    platform: &str,
    data: Data<'_>,
) -> Result<(ReceivedView, DeliveryOutcome), Problem> {
    let unknown = || Problem::not_found(format!("No platform has the code {platform}. Check the address."));
    let platform = PlatformCode::parse(platform).map_err(|_| unknown())?;
    if !is_json(headers.content_type) && !is_form(headers.content_type) {
        return Err(Problem::unsupported_media_type("application/json"));
    }
    if !is_encoding_taken(headers.content_encoding) {
        return Err(wrong_encoding());
    }
    let body = read_body(data, settings.max_body).await?;
    let delivered = Delivered { platform: &platform, headers: headers.all, content_type: headers.content_type, body };
    let Stored { event_id, received, no_effect } = receiving.receive(delivered).await?;
    let event_id = event_id.to_string();
    let view = |outcome, linked| ReceivedView {
        event_id: event_id.clone(),
        outcome,
        linked,
        effect: no_effect.as_ref().map(|_| "none"),
        withdrawn_by: no_effect.as_ref().and_then(NoEffect::withdrawn_by).map(ToString::to_string),
        detail: no_effect.as_ref().map(|why| format!("It is stored, and has no effect now: {why}.")),
    };
    match received {
        Received::Accepted { linked, .. } => Ok((view("accepted", linked), DeliveryOutcome::Accepted)),
        Received::Duplicate { linked, .. } => Ok((view("duplicate", linked), DeliveryOutcome::Duplicate)),
        Received::Ignored => Ok((view("ignored", false), DeliveryOutcome::Ignored)),
        Received::EventConflict(known) => Err(Problem::conflict(
            "delivery-conflict",
            "An event with this id is stored and says something else; that one stays. Send what is new under a new id.",
        )
        .with_member("event_id", known.to_string())),
        Received::Conflict => Err(Problem::conflict(
            "delivery-conflict",
            "A delivery with this webhook-id and another body is stored; that one stays. Send what is new under a new id.",
        )
        .with_member("event_id", event_id)),
        Received::Quarantined { delivery, pointer, problem } => Err(Problem::unprocessable(
            "not-understood",
            format!("The delivery is in quarantine: {} {problem}", place_in_body(&pointer)),
        )
        .with_pointer(&pointer)
        .with_member("event_id", event_id)
        .with_member("delivery_id", delivery)),
    }
}

/// 415 for a body that is compressed in another way than gzip.
fn wrong_encoding() -> Problem {
    let detail = "This endpoint does not accept the body's Content-Encoding. Send it with gzip, or plain; the signature is over the \
                  bytes as they are sent.";
    let title = "The content encoding is not accepted";
    Problem::new(Status::UnsupportedMediaType, "unsupported-content-encoding", title, detail)
}

/// `application/json`, or a type that is built on it (RFC 6839), with any parameters.
fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// Reads a body within its size limit. The time limit is the connection's (`connections`).
pub(super) async fn read_body(data: Data<'_>, limit: ByteUnit) -> Result<Vec<u8>, Problem> {
    let body = data.open(limit.as_u64().bytes()).into_bytes().await;
    let body = body.map_err(|_| Problem::bad_request("The body ended before its end. Send it again."))?;
    if body.is_complete() { Ok(body.into_inner()) } else { Err(Problem::payload_too_large(limit.as_u64())) }
}

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        match &error {
            ReceiveError::UnknownPlatform(_) | ReceiveError::WrongAdapter(_) => Self::not_found(error.to_string()),
            ReceiveError::NotAuthentic(why) | ReceiveError::WrongCredentials(why) => {
                let problem = Self::new(
                    Status::Unauthorized,
                    "signature-does-not-hold",
                    "The signature is not valid",
                    why.to_string(),
                );
                let asks = matches!(error, ReceiveError::WrongCredentials(_));
                if asks { problem.with_challenge(Challenge::Basic) } else { problem }
            }
            ReceiveError::NotJson => Self::unsupported_media_type("application/json"),
            ReceiveError::TooOften(too_often) => Self::too_many_requests(too_often.retry_after_seconds),
            ReceiveError::InflatesTooFar => Self::payload_too_large(MAX_INFLATED),
            ReceiveError::QueueFull => Self::unavailable(1).with_cause(&error),
            ReceiveError::Stopping => Self::unavailable(5),
            ReceiveError::NotStored(_) => Self::unavailable(5).with_cause(&error),
            ReceiveError::Store(_) => Self::unavailable(5).with_cause(&error),
        }
    }
}
