//! Who asks at the xAPI door, and in which version of it.

use std::net::IpAddr;
use std::sync::Arc;

use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};

use super::headers::version_of;
use crate::app::App;
use crate::app::xapi::credentials::{Credential, CredentialError, Credentials};
use crate::app::xapi::receive::Version;
use crate::http::problem::{Challenge, Problem};

/// A platform that has proved who it is, and the version that it speaks.
#[derive(Debug, Clone)]
pub struct Caller {
    pub credential: Arc<Credential>,
    pub version: Version,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Caller {
    type Error = Problem;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Problem> {
        let (Some(app), Some(credentials)) = (request.rocket().state::<App>(), request.rocket().state::<Credentials>())
        else {
            return Problem::standard(Status::InternalServerError).refuse(request);
        };
        let mut sent = request.headers().get("authorization");
        let authorization = match (sent.next(), sent.next()) {
            // Two headers: whichever one a proxy in front believed, we might believe the other.
            (Some(_), Some(_)) => return refused(app, CredentialError::Malformed, request.client_ip()).refuse(request),
            (first, _) => first,
        };
        let credential = match credentials.platform(app, authorization).await {
            Ok(credential) => credential,
            Err(CredentialError::Store(error)) => return Problem::unavailable(5).with_cause(&error).refuse(request),
            Err(error) => return refused(app, error, request.client_ip()).refuse(request),
        };
        match version_of(request) {
            Some(version) => Outcome::Success(Self { credential, version }),
            None => Problem::bad_request(
                "The header X-Experience-API-Version is missing, or none of the versions that are spoken here. \
                 Send 1.0.3 or 2.0.0.",
            )
            .refuse(request),
        }
    }
}

/// 401, or 429 for who guesses too often.
fn refused(app: &App, error: CredentialError, source: Option<IpAddr>) -> Problem {
    if let Err(too_often) = app.rate_limits.failed_from(source) {
        return Problem::too_many_requests(too_often.retry_after_seconds);
    }
    Problem::new(
        Status::Unauthorized,
        "credentials-do-not-hold",
        "Who is asking is not known",
        format!("Who is asking cannot be told: {error}."),
    )
    .with_challenge(Challenge::Basic)
}
