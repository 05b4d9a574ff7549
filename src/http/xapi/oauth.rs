//! `/xapi/oauth/token`: exchanges a platform's key and secret for a token that is valid for an hour (RFC 6749, section
//! 4.4).

use std::net::IpAddr;
use std::sync::Arc;

use rocket::data::{Data, ToByteUnit};
use rocket::http::{Header, Status};
use rocket::request::{FromRequest, Outcome, Request};
use rocket::response::{self, Responder, Response};
use rocket::serde::json::Json;
use rocket::{State, post};
use serde::Serialize;

use crate::app::App;
use crate::app::xapi::credentials::{CredentialError, Credentials, read_basic};
use crate::app::xapi::scopes::grant;
use crate::auth::{Authenticator, PLATFORM_TOKEN_SECONDS, PlatformToken};
use crate::http::connections::Addresses;
use crate::http::problem::Problem;
use crate::http::webhooks::read_body;

/// The largest form that is accepted, in bytes.
const MOST_BYTES: u64 = 8 * 1024;

/// What a request has besides its form.
#[derive(Debug)]
pub struct TokenHeaders<'r> {
    authorization: Vec<&'r str>,
    content_type: &'r str,
    source: Option<IpAddr>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for TokenHeaders<'r> {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let headers = request.headers();
        Outcome::Success(Self {
            authorization: headers.get("authorization").collect(),
            content_type: headers.get_one("content-type").unwrap_or_default(),
            source: Addresses::of(request),
        })
    }
}

/// A token (RFC 6749, section 5.1).
#[derive(Debug, Serialize)]
pub struct TokenView {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    /// The granted scope, which may be less than requested.
    scope: String,
}

/// Why there is no token (RFC 6749, section 5.2), in that standard's own envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    #[error(
        "send a form (application/x-www-form-urlencoded in UTF-8), each field once, and key and secret in one place"
    )]
    InvalidRequest,
    #[error("the key or its secret is not valid; make new ones with kurskoll platform rotate-secret")]
    InvalidClient,
    #[error("send grant_type=client_credentials")]
    UnsupportedGrantType,
    #[error(
        "no scope of those that were sent is known; send some of all, all/read, statements/write, statements/read, statements/read/mine, state and profile, or leave scope out"
    )]
    InvalidScope,
}

/// Why there is no token: the client's fault, or the register's.
#[derive(Debug, Responder)]
pub enum TokenError {
    Refused(TokenRefusal),
    Problem(Problem),
}

impl From<TokenRefusal> for TokenError {
    fn from(refusal: TokenRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<'r> Responder<'r, 'static> for TokenRefusal {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let (status, error) = match self {
            Self::InvalidRequest => (Status::BadRequest, "invalid_request"),
            Self::InvalidClient => (Status::Unauthorized, "invalid_client"),
            Self::UnsupportedGrantType => (Status::BadRequest, "unsupported_grant_type"),
            Self::InvalidScope => (Status::BadRequest, "invalid_scope"),
        };
        let body = serde_json::json!({"error": error, "error_description": self.to_string()});
        let mut response = Response::build_from(Json(body).respond_to(request)?);
        response.status(status).header(Header::new("cache-control", "no-store"));
        if self == Self::InvalidClient {
            response.header(Header::new("www-authenticate", r#"Basic realm="kurskoll", charset="UTF-8""#));
        }
        response.ok()
    }
}

/// `POST /xapi/oauth/token`
#[post("/oauth/token", data = "<data>")]
pub async fn issue(
    app: &State<App>,
    credentials: &State<Credentials>,
    authenticator: &State<Arc<Authenticator>>,
    headers: TokenHeaders<'_>,
    data: Data<'_>,
) -> Result<Json<TokenView>, TokenError> {
    let kind = headers.content_type.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(TokenRefusal::InvalidRequest.into());
    }
    let body = read_body(data, MOST_BYTES.bytes()).await.map_err(TokenError::Problem)?;
    let form = TokenForm::read(&body)?;
    let (key, secret) = form.client(&headers.authorization)?;
    match form.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(_) => return Err(TokenRefusal::UnsupportedGrantType.into()),
        None => return Err(TokenRefusal::InvalidRequest.into()),
    }
    let scope = grant(form.scope.as_deref()).ok_or(TokenRefusal::InvalidScope)?;
    match credentials.proved(app, &key, &secret).await {
        Ok(_) => {}
        Err(CredentialError::Store(error)) => {
            return Err(TokenError::Problem(Problem::unavailable(5).with_cause(&error)));
        }
        // 401, or 429 for a client that guesses too often, as at the other resources.
        Err(_) => {
            return Err(match app.rate_limits.failed_from(headers.source) {
                Ok(_) => TokenRefusal::InvalidClient.into(),
                Err(too_often) => TokenError::Problem(Problem::too_many_requests(too_often.retry_after_seconds)),
            });
        }
    }
    let failed = |error: &dyn std::error::Error| TokenError::Problem(Problem::unavailable(5).with_cause(error));
    let ring = app.key_ring().await.map_err(|error| failed(&error))?;
    let access_token = authenticator
        .issue_for_platform(&ring, PlatformToken { key, scope: scope.clone() })
        .map_err(|error| failed(&error))?;
    Ok(Json(TokenView { access_token, token_type: "Bearer", expires_in: PLATFORM_TOKEN_SECONDS, scope }))
}

/// The fields that are read; others are ignored, as RFC 6749, section 3.2, requires.
#[derive(Debug, Default)]
struct TokenForm {
    grant_type: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

impl TokenForm {
    fn read(body: &[u8]) -> Result<Self, TokenRefusal> {
        let mut form = Self::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            let field = match name.as_ref() {
                "grant_type" => &mut form.grant_type,
                "scope" => &mut form.scope,
                "client_id" => &mut form.client_id,
                "client_secret" => &mut form.client_secret,
                _ => continue,
            };
            // Section 3.2: no field is repeated, and one without a value counts as not sent.
            if field.is_some() {
                return Err(TokenRefusal::InvalidRequest);
            }
            *field = Some(value.into_owned()).filter(|value| !value.is_empty());
        }
        Ok(form)
    }

    /// The key and the secret, by Basic or in the form (section 2.3.1), and never in both.
    fn client(&self, authorization: &[&str]) -> Result<(String, String), TokenRefusal> {
        match (authorization, &self.client_id, &self.client_secret) {
            ([], Some(key), Some(secret)) => Ok((key.clone(), secret.clone())),
            ([], ..) => Err(TokenRefusal::InvalidClient),
            ([header], _, None) => {
                // Both consist of characters that need no encoding: encoded or not, they are the same.
                let (key, secret) = read_basic(Some(header)).map_err(|_| TokenRefusal::InvalidClient)?;
                // The id alone may be in the form as well, if it is the same.
                let same = self.client_id.as_ref().is_none_or(|id| *id == key);
                if same { Ok((key, secret)) } else { Err(TokenRefusal::InvalidRequest) }
            }
            _ => Err(TokenRefusal::InvalidRequest),
        }
    }
}
