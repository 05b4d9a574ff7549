//! The caller, by the bearer token in `Authorization` (RFC 6750, section 2.1).

use std::sync::Arc;

use rocket::request::{FromRequest, Outcome, Request};
use rocket::{Ignite, Rocket, Sentinel};

use crate::auth::{Authenticator, TokenError};
use crate::domain::access::Principal;
use crate::http::problem::{Challenge, Problem};

/// The `Retry-After` if the keys cannot be read, in seconds.
const RETRY_AFTER_SECONDS: u32 = 2;

/// A caller with a valid token. `Arc<Authenticator>` must be managed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer(pub Principal);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Bearer {
    type Error = Problem;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Problem> {
        let Some(authenticator) = request.rocket().state::<Arc<Authenticator>>() else {
            return Problem::internal(&NoAuthenticator).refuse(request);
        };
        let mut headers = request.headers().get("authorization");
        let answer = match (headers.next(), headers.next()) {
            (None, _) => Err(TokenError::Missing),
            (Some(header), None) => match bearer_token(header) {
                Some(token) => authenticator.authenticate(token).await,
                None => Err(TokenError::Malformed),
            },
            // Two headers: a proxy in front may have checked one, and we the other.
            (Some(_), Some(_)) => Err(TokenError::Malformed),
        };
        match answer {
            Ok(principal) => Outcome::Success(Self(principal)),
            Err(error) => problem(error).refuse(request),
        }
    }
}

/// Without an authenticator the launch fails, not the first request.
impl Sentinel for Bearer {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        rocket.state::<Arc<Authenticator>>().is_none()
    }
}

/// A route was mounted in a rocket that was never ignited, or the sentinel was bypassed.
#[derive(Debug, thiserror::Error)]
#[error("no Arc<Authenticator> is managed")]
struct NoAuthenticator;

/// The token of an `Authorization` header; the scheme's name may be in any case (RFC 9110, section 11.1).
fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

fn problem(error: TokenError) -> Problem {
    let code = match error {
        TokenError::Missing => "token-missing",
        TokenError::Malformed => "token-malformed",
        TokenError::WrongAlgorithm => "token-wrong-algorithm",
        TokenError::UnknownKey => "token-unknown-key",
        TokenError::KeysUnread => return Problem::unavailable(RETRY_AFTER_SECONDS).with_cause(&error),
        TokenError::BadSignature => "token-signature-mismatch",
        TokenError::Expired => "token-expired",
        TokenError::NotYetValid => "token-not-yet-valid",
        TokenError::WrongIssuer => "token-wrong-issuer",
        TokenError::WrongAudience => "token-wrong-audience",
        TokenError::UnknownRole => "token-unknown-role",
        TokenError::Scope(_) => "token-wrong-scope",
    };
    let advice = match error {
        TokenError::Missing | TokenError::Malformed => "Send one token as \"Authorization: Bearer …\".",
        TokenError::NotYetValid => "Check the clocks of both machines.",
        _ => "Ask the operator for a new one (\"kurskoll token issue\").",
    };
    let problem = Problem::unauthenticated(code, format!("The caller cannot be identified: {error}. {advice}"));
    let was_sent = error != TokenError::Missing;
    if was_sent { problem.with_challenge(Challenge::BearerInvalidToken) } else { problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_follows_the_schemes_name_in_any_case() {
        for header in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c "] {
            assert_eq!(bearer_token(header), Some("a.b.c"), "{header}");
        }
        for header in ["", "a.b.c", "Bearer", "Basic a.b.c", "Bearera.b.c"] {
            assert_eq!(bearer_token(header), None, "{header}");
        }
    }
}
