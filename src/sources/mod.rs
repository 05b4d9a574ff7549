//! Other systems that Kurskoll pulls from: Learning Record Stores and Moodle's web service, over HTTP.
//!
//! Each file queries one kind of system and returns its bytes; `intake` reads them. No redirect to another address is
//! followed, no answer above a limit is read into memory, and no secret is in an address or an error.

mod address;
pub mod lrs;
pub mod moodle;

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};

pub use address::{Address, InvalidAddress};

/// How long a system may take for one answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// How long it may take to be reached.
const REACHED_WITHIN: Duration = Duration::from_secs(10);

/// The largest answer, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Why a system gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("{host} could not be reached: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("{host} did not answer within {} seconds", ANSWERED_WITHIN.as_secs())]
    TooSlow { host: String },
    #[error(
        "{host} does not accept the key or the secret (it answered {status}): set the pull up again with valid ones"
    )]
    Unauthorized { host: String, status: u16 },
    #[error("{host} has nothing at the address (it answered {status}): set the pull up again with the right one")]
    NotThere { host: String, status: u16 },
    #[error("{host} redirects to {to}: set the pull up again with the address that answers")]
    Moved { host: String, to: String },
    #[error("{host} answered {status}")]
    Failed { host: String, status: u16 },
    #[error("{host} answered with more than {} MiB", MAX_ANSWER / 1024 / 1024)]
    TooLarge { host: String },
    #[error("{host} refers to another host for more, where the key and the secret would not be safe")]
    MoreElsewhere { host: String },
    #[error("the secure connection cannot be set up on this machine")]
    NoClient(#[source] reqwest::Error),
}

/// What a system answered.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Fetched {
    /// The media type with its parameters; empty if there is none.
    #[must_use]
    pub fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The HTTP client.
fn client() -> Result<Client, SourceError> {
    Client::builder()
        .user_agent(concat!("Kurskoll/", env!("CARGO_PKG_VERSION")))
        .timeout(ANSWERED_WITHIN)
        .connect_timeout(REACHED_WITHIN)
        // A redirected request would send the secret to another address.
        .redirect(Policy::none())
        .build()
        .map_err(SourceError::NoClient)
}

/// Sends a request, and reads a successful answer to its end.
async fn fetch(host: &str, request: RequestBuilder) -> Result<Fetched, SourceError> {
    let unreachable = |error: reqwest::Error| {
        let host = host.to_owned();
        if error.is_timeout() {
            SourceError::TooSlow { host }
        } else {
            SourceError::Unreachable { host, reason: reason_of(&error.without_url()) }
        }
    };
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if status != StatusCode::OK {
        return Err(refused(host, status, response.headers()));
    }
    let too_large = || SourceError::TooLarge { host: host.to_owned() };
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > MAX_ANSWER) {
        return Err(too_large());
    }
    let headers = response.headers().clone();
    let mut body = Vec::with_capacity(announced.unwrap_or_default());
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Fetched { headers, body })
}

/// The innermost cause: it says what happened, while the outer ones say what was tried.
fn reason_of(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn refused(host: &str, status: StatusCode, headers: &HeaderMap) -> SourceError {
    let (host, code) = (host.to_owned(), status.as_u16());
    match code {
        401 | 403 => SourceError::Unauthorized { host, status: code },
        404 | 405 | 410 => SourceError::NotThere { host, status: code },
        300..=399 => {
            let to = headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("another address");
            // What follows the path may be a secret.
            let to = to.split(['?', '#']).next().unwrap_or_default();
            SourceError::Moved { host, to: to.chars().take(200).collect() }
        }
        _ => SourceError::Failed { host, status: code },
    }
}
