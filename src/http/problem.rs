//! Every error as it is answered: RFC 9457 `application/problem+json`.
//!
//! A problem has a stable code, which becomes its `type`; programs branch on that, people read `detail`: what is wrong,
//! where, and what to do. Internal causes are never sent: a 5xx gives the request id, and the log has the rest.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use rocket::http::{ContentType, Header, Status};
use rocket::request::{Outcome, Request};
use rocket::response::{self, Responder, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::{ObjectBuilder, RefOr, Type};
use utoipa::{PartialSchema, ToSchema};

use super::request_id::RequestId;
use crate::app::Trouble;

/// How long to wait if nothing better is known, in seconds.
const RETRY_AFTER_SECONDS: u32 = 5;

/// An error as a client receives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The kind of problem, for programs: `signature-mismatch` becomes the type `/problems/signature-mismatch`.
    pub code: &'static str,
    /// The same for people: one short line, equal for all problems of a code.
    pub title: &'static str,
    /// This occurrence: what is wrong, where, and what to do.
    pub detail: String,
    /// The `Retry-After` header, in seconds.
    pub retry_after: Option<u32>,
    /// The `WWW-Authenticate` header.
    pub challenge: Option<Challenge>,
    /// The `Allow` header.
    pub allow: Option<Box<Allow>>,
    /// Extension members (RFC 9457, section 3.2), as `pointer` or `event_id`.
    pub members: Map<String, Value>,
    cause: Option<Cause>,
}

/// The methods that an address accepts, as the `Allow` header lists them. Boxed: few problems have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow(pub String);

/// How to authenticate, for a caller that did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// No token was sent (RFC 6750, section 3.1: then no error code either).
    Bearer,
    /// The token that was sent is not valid.
    BearerInvalidToken,
    /// A platform's key and secret are required (RFC 7617), as at the xAPI endpoint.
    Basic,
    /// The same, or a token instead.
    BasicOrBearer,
    /// The token that was sent instead is not valid.
    BasicOrBearerInvalidToken,
}

impl Challenge {
    /// Each challenge in its own header: many clients read a list of challenges as one.
    const fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Bearer => &[r#"Bearer realm="kurskoll""#],
            Self::BearerInvalidToken => &[r#"Bearer realm="kurskoll", error="invalid_token""#],
            Self::Basic => &[r#"Basic realm="kurskoll", charset="UTF-8""#],
            Self::BasicOrBearer => &[r#"Basic realm="kurskoll", charset="UTF-8""#, r#"Bearer realm="kurskoll""#],
            Self::BasicOrBearerInvalidToken => {
                &[r#"Basic realm="kurskoll", charset="UTF-8""#, r#"Bearer realm="kurskoll", error="invalid_token""#]
            }
        }
    }
}

/// The internal cause, for the log only: nothing that prints a problem prints this.
#[derive(Clone, PartialEq, Eq)]
struct Cause(Box<str>);

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(in the log)")
    }
}

/// A problem's JSON; the order is the one in which people read it.
#[derive(Serialize)]
struct ProblemView<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

impl Problem {
    /// The names that an extension member cannot have.
    const RESERVED: [&'static str; 6] = ["type", "title", "status", "detail", "instance", "request_id"];

    /// A problem of any kind; the functions below make the common ones.
    #[must_use]
    pub fn new(status: Status, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status: status.code,
            code,
            title,
            detail: detail.into(),
            retry_after: None,
            challenge: None,
            allow: None,
            members: Map::new(),
            cause: None,
        }
    }

    /// 400: this endpoint does not accept the request.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(Status::BadRequest, "bad-request", "The request is malformed", detail)
    }

    /// 401 with a challenge: no bearer token, or one that is not valid.
    #[must_use]
    pub fn unauthenticated(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Status::Unauthorized, code, "The caller is not authenticated", detail)
            .with_challenge(Challenge::Bearer)
    }

    /// 403: visible, but not allowed.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(Status::Forbidden, "forbidden", "Not allowed", detail)
    }

    /// 404: does not exist, or is not visible to the caller; the answer is the same.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(Status::NotFound, "not-found", "Not found", detail)
    }

    /// 408: the request did not arrive in time.
    #[must_use]
    pub fn request_timeout(within: Duration, slowest: u64) -> Self {
        let seconds = within.as_secs();
        let detail = format!(
            "The request did not arrive in time. Its head must be whole within {seconds} s; its body must not pause for longer, \
             nor come slower than {slowest} bytes a second. Send it again."
        );
        Self::new(Status::RequestTimeout, "request-too-slow", "The request came too slowly", detail)
    }

    /// 409: the request contradicts what is stored already.
    #[must_use]
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Status::Conflict, code, "In conflict with what is known", detail)
    }

    /// 413: larger than this endpoint accepts.
    #[must_use]
    pub fn payload_too_large(limit_bytes: u64) -> Self {
        let detail = format!(
            "The body is larger than {limit_bytes} bytes, the most that is accepted here. Send less at a time."
        );
        Self::new(Status::PayloadTooLarge, "payload-too-large", "The body is too large", detail)
            .with_member("limit_bytes", limit_bytes)
    }

    /// 415: `wanted` is the media type to send.
    #[must_use]
    pub fn unsupported_media_type(wanted: &str) -> Self {
        let detail =
            format!("This endpoint does not accept the body's media type. Send it with the Content-Type {wanted}.");
        Self::new(Status::UnsupportedMediaType, "unsupported-media-type", "The media type is not accepted", detail)
    }

    /// 422: read, but not understood.
    #[must_use]
    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Status::UnprocessableEntity, code, "The content is not understood", detail)
    }

    /// 429: too often.
    #[must_use]
    pub fn too_many_requests(retry_after_seconds: u32) -> Self {
        let detail = format!("Too many requests. Send again after {retry_after_seconds} s, and less often.");
        Self::new(Status::TooManyRequests, "too-many-requests", "Too many requests", detail)
            .with_retry_after(retry_after_seconds)
    }

    /// 503: not now, but soon again.
    #[must_use]
    pub fn unavailable(retry_after_seconds: u32) -> Self {
        let detail =
            format!("The register cannot answer right now. Send the same again after {retry_after_seconds} s.");
        Self::new(Status::ServiceUnavailable, "unavailable", "Not available right now", detail)
            .with_retry_after(retry_after_seconds)
    }

    /// Maps an internal error: 503 if the database was away or had no time, which passes; 500 if the fault is ours. The
    /// error and its sources go to the log with the request id when the answer is written; the client gets only the id.
    #[must_use]
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        let problem = match Trouble::of(error) {
            Some(_) => Self::unavailable(RETRY_AFTER_SECONDS),
            None => Self::standard(Status::InternalServerError),
        };
        problem.with_cause(error)
    }

    /// The problem for a bare status that no handler and no guard of ours explained.
    #[must_use]
    pub fn standard(status: Status) -> Self {
        match status.code {
            400 => Self::bad_request("The request could not be read. Check its syntax, its headers and its query."),
            401 => Self::unauthenticated(
                "token-missing",
                "No bearer token was sent. Send one as \"Authorization: Bearer …\".",
            ),
            403 => Self::forbidden("The roles of this token do not allow this."),
            404 => Self::not_found("There is nothing at this address, or nothing that this token may see."),
            405 => Self::new(
                status,
                "method-not-allowed",
                "The method is not allowed",
                "This address does not accept this method. The OpenAPI document lists those that it accepts.",
            ),
            413 => Self::new(
                status,
                "payload-too-large",
                "The body is too large",
                "The body is larger than what is accepted here. Send less at a time.",
            ),
            415 => Self::unsupported_media_type("that the OpenAPI document names"),
            422 => Self::unprocessable(
                "unprocessable",
                "The request was read, but a part of its path, query or body is not what belongs there.",
            ),
            429 => Self::too_many_requests(RETRY_AFTER_SECONDS),
            500 => Self::new(
                status,
                "internal",
                "The register failed",
                "The register failed while it answered, and the fault is not yours. Try again; \
                 if it stays, give the operator this request_id, under which the log has the rest.",
            ),
            503 => Self::unavailable(RETRY_AFTER_SECONDS),
            ..500 => Self::new(
                status,
                "refused",
                "The request was refused",
                "The request was refused with this status. The OpenAPI document describes what is accepted.",
            ),
            _ => Self { status: status.code, ..Self::standard(Status::InternalServerError) },
        }
    }

    /// Adds an extension member. The names of standard members are reserved.
    #[must_use]
    pub fn with_member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        debug_assert!(!Self::RESERVED.contains(&name), "{name} is a standard member");
        if !Self::RESERVED.contains(&name) {
            self.members.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Adds the place of the fault in a JSON body (a JSON pointer, RFC 6901).
    #[must_use]
    pub fn with_pointer(self, pointer: &str) -> Self {
        self.with_member("pointer", pointer)
    }

    /// Sets the detail of this occurrence.
    #[must_use]
    pub fn with_detail(self, detail: String) -> Self {
        Self { detail, ..self }
    }

    #[must_use]
    pub fn with_retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    #[must_use]
    pub fn with_challenge(self, challenge: Challenge) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    /// Adds the methods that the address accepts.
    #[must_use]
    pub fn with_allow(self, allow: String) -> Self {
        Self { allow: Some(Box::new(Allow(allow))), ..self }
    }

    /// 405: `allow` are the methods that the address accepts.
    #[must_use]
    pub fn method_not_allowed(allow: String) -> Self {
        let detail = format!("This address accepts {allow} and no other method.");
        Self::standard(Status::MethodNotAllowed).with_detail(detail).with_allow(allow)
    }

    /// Adds an internal cause for the log, for problems other than [`Problem::internal`].
    #[must_use]
    pub fn with_cause(self, error: &dyn Error) -> Self {
        Self { cause: Some(Cause(chain(error).into())), ..self }
    }

    /// The status as Rocket's type.
    #[must_use]
    pub const fn http_status(&self) -> Status {
        Status { code: self.status }
    }

    /// The whole answer, for a connection that ends before a request was read.
    pub(super) fn as_connection_bytes(&self) -> Vec<u8> {
        let request_id = RequestId::fresh();
        tracing::info!(%request_id, status = self.status, detail = %self.detail, "a connection was refused");
        let body = serde_json::to_string(&self.view(request_id.as_str())).unwrap_or_default();
        let retry_after = self.retry_after.map_or_else(String::new, |seconds| format!("retry-after: {seconds}\r\n"));
        format!(
            "HTTP/1.1 {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
             {retry_after}x-request-id: {request_id}\r\nconnection: close\r\n\r\n{body}",
            self.http_status(),
            body.len(),
        )
        .into_bytes()
    }

    /// The body of the problem, as the OpenAPI document shows it.
    pub(super) fn example(&self) -> Value {
        serde_json::to_value(self.view("0199f5a0-7cc1-7cc1-8000-000000000000")).unwrap_or_default()
    }

    fn view<'a>(&'a self, request_id: &'a str) -> ProblemView<'a> {
        ProblemView {
            r#type: format!("/problems/{}", self.code),
            title: self.title,
            status: self.status,
            detail: &self.detail,
            request_id,
            members: &self.members,
        }
    }

    /// Refuses in a guard: the problem is remembered for the catcher, which alone writes the answer.
    pub fn refuse<S>(self, request: &Request<'_>) -> Outcome<S, Self> {
        self.clone().keep(request);
        Outcome::Error((self.http_status(), self))
    }

    /// Keeps the problem for the catcher of its status.
    pub(super) fn keep(self, request: &Request<'_>) {
        request.local_cache(|| Kept(Some(self)));
    }

    /// The problem that a guard stored, if it belongs to this status.
    pub(super) fn kept(request: &Request<'_>, status: Status) -> Option<Self> {
        request.local_cache(|| Kept(None)).0.clone().filter(|problem| problem.status == status.code)
    }
}

/// A guard's problem on its way to the catcher, which gets no error value from Rocket.
struct Kept(Option<Problem>);

/// An error and its sources, as one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

impl<'r> Responder<'r, 'static> for Problem {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let request_id = RequestId::of(request).as_str();
        if let Some(Cause(cause)) = &self.cause {
            tracing::error!(request_id, status = self.status, code = self.code, cause, "a request failed");
        }
        let body = serde_json::to_vec(&self.view(request_id)).map_err(|_| Status::InternalServerError)?;
        let mut response = Response::build();
        response
            .status(self.http_status())
            .header(ContentType::new("application", "problem+json"))
            .header(Header::new("cache-control", "no-store"))
            .sized_body(body.len(), std::io::Cursor::new(body));
        if let Some(seconds) = self.retry_after {
            response.header(Header::new("retry-after", seconds.to_string()));
        }
        if let Some(allow) = self.allow {
            response.header(Header::new("allow", allow.0));
        }
        for challenge in self.challenge.map_or(&[][..], Challenge::headers) {
            response.header_adjoin(Header::new("www-authenticate", *challenge));
        }
        response.ok()
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        let text = |description: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(description));
        ObjectBuilder::new()
            .description(Some("An error (RFC 9457). Programs branch on `type`, people read `detail`."))
            .property(
                "type",
                text("What kind of problem it is: `/problems/` and a stable code.").format(uri_reference()),
            )
            .property("title", text("The kind of problem for people; equal for all problems of a type."))
            .property("status", ObjectBuilder::new().schema_type(Type::Integer).description(Some("The HTTP status.")))
            .property("detail", text("What is wrong, where, and what to do."))
            .property("request_id", text("The request, as the log calls it."))
            .property("pointer", text("Where in the body the fault is (RFC 6901), where there is a place."))
            .required("type")
            .required("title")
            .required("status")
            .required("detail")
            .required("request_id")
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

impl ToSchema for Problem {}

fn uri_reference() -> Option<utoipa::openapi::SchemaFormat> {
    Some(utoipa::openapi::SchemaFormat::Custom("uri-reference".to_owned()))
}
