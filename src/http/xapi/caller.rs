//! The caller at the xAPI endpoint, and the version that it uses.

use std::net::IpAddr;
use std::sync::Arc;

use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};

use super::alternate::header_values;
use super::headers::version_of;
use crate::app::App;
use crate::app::xapi::credentials::{Credential, CredentialError, Credentials};
use crate::app::xapi::receive::Version;
use crate::app::xapi::scopes::{Granted, Use};
use crate::auth::{Authenticator, PlatformToken, TokenError};
use crate::http::connections::Addresses;
use crate::http::problem::{Challenge, Problem};

/// An authenticated platform, and the version that it uses.
#[derive(Debug, Clone)]
pub struct PlatformCaller {
    pub credential: Arc<Credential>,
    pub version: Version,
    granted: Granted,
}

impl PlatformCaller {
    /// Checks that the token's scope allows the use (Communication 3.2: 403).
    pub fn may(&self, wanted: Use) -> Result<(), Problem> {
        if self.granted.allows(wanted) {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "The scope of the token does not allow this. Get one with the scope {}, or with all.",
            wanted.scope()
        )))
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for PlatformCaller {
    type Error = Problem;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Problem> {
        match credential_of(request).await {
            Ok((credential, granted)) => match version_of(request) {
                Some(version) => Outcome::Success(Self { credential, version, granted }),
                None => Problem::bad_request(
                    "The header X-Experience-API-Version is missing, or none of the versions that are supported here. \
                     Send 1.0.3 or 2.0.0.",
                )
                .refuse(request),
            },
            Err(error) => error.refuse(request),
        }
    }
}

async fn credential_of(request: &Request<'_>) -> Result<(Arc<Credential>, Granted), Problem> {
    let rocket = request.rocket();
    let (Some(app), Some(credentials), Some(authenticator)) =
        (rocket.state::<App>(), rocket.state::<Credentials>(), rocket.state::<Arc<Authenticator>>())
    else {
        return Err(Problem::standard(Status::InternalServerError));
    };
    let authorization = match header_values(request, "authorization").as_slice() {
        [] => None,
        [one] => Some(*one),
        // A proxy in front may have checked one of several headers, and we another.
        _ => return Err(refused(app, CredentialError::Malformed, Addresses::of(request))),
    };
    let token = authorization.and_then(|header| header.trim().split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let credential = match token {
        Some((_, token)) => match authenticator.authenticate_platform(token.trim_start()).await {
            Ok(PlatformToken { key, scope }) => {
                credentials.of_token(app, &key).await.map(|credential| (credential, Granted::of_scope(&scope)))
            }
            Err(error @ TokenError::KeysUnread) => return Err(Problem::unavailable(5).with_cause(&error)),
            Err(_) => Err(CredentialError::TokenDoesNotHold),
        },
        None => {
            let credential = credentials.platform(app, authorization).await;
            credential.map(|credential| (credential, Granted::EVERYTHING))
        }
    };
    credential.map_err(|error| refused(app, error, Addresses::of(request)))
}

/// 401, or 429 for a client that guesses too often.
fn refused(app: &App, error: CredentialError, source: Option<IpAddr>) -> Problem {
    let challenge = match error {
        CredentialError::Store(error) => return Problem::unavailable(5).with_cause(&error),
        CredentialError::Missing => Challenge::BasicOrBearer,
        CredentialError::TokenDoesNotHold => Challenge::BasicOrBearerInvalidToken,
        CredentialError::Malformed | CredentialError::DoesNotHold => Challenge::Basic,
    };
    if let Err(too_often) = app.rate_limits.failed_from(source) {
        return Problem::too_many_requests(too_often.retry_after_seconds);
    }
    Problem::new(
        Status::Unauthorized,
        "credentials-do-not-hold",
        "The caller is not authenticated",
        format!("The caller cannot be identified: {error}."),
    )
    .with_challenge(challenge)
}
