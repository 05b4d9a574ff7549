//! The id of a request: it connects the answer, the log lines and the audit entries.

use std::convert::Infallible;
use std::fmt;
use std::time::Instant;

use rocket::request::{FromRequest, Outcome, Request};
use uuid::Uuid;

/// The header that carries the id, in both directions.
pub const HEADER: &str = "x-request-id";

/// The longest id that is accepted from a caller, in characters.
const MAX_LENGTH: usize = 64;

/// The caller's `x-request-id` if it is 1 to 64 of `A-Z a-z 0-9 . _ -`, else a UUID of version 7.
///
/// Nothing else is accepted, because the id is written to logs and headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The id of this request; the same on each call.
    pub fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(|| {
            let from_caller = request.headers().get_one(HEADER).and_then(Self::parse);
            from_caller.unwrap_or_else(Self::fresh)
        })
    }

    /// A new id.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7().to_string())
    }

    fn parse(text: &str) -> Option<Self> {
        let takes = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let sound = (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(takes);
        sound.then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for &'r RequestId {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(RequestId::of(request))
    }
}

/// When a request arrived, on the monotonic clock.
struct Arrival(Instant);

/// When the request arrived: the time of the first call.
pub fn arrived_at(request: &Request<'_>) -> Instant {
    request.local_cache(|| Arrival(Instant::now())).0
}

/// The pattern of the route that answered, such as `/api/v1/platforms/<code>`: never the requested path or its query,
/// which can hold personal data.
#[must_use]
pub fn route_pattern<'r>(request: &'r Request<'_>) -> &'r str {
    request.route().map_or("unmatched", |route| route.uri.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_the_caller_is_taken_only_when_it_is_harmless() {
        let longest = "a".repeat(MAX_LENGTH);
        for id in ["1", "0198f1c2-7b1e-7c1f-8f00-3f5b1c2d4e5f", "trace_1.2-A", longest.as_str()] {
            assert_eq!(RequestId::parse(id).map(|id| id.0).as_deref(), Some(id));
        }
        let too_long = "a".repeat(MAX_LENGTH + 1);
        for id in ["", "a b", "å", "a\r\nset-cookie: x", "a\"b", "{}", "a/b", too_long.as_str()] {
            assert_eq!(RequestId::parse(id), None, "{id:?}");
        }
    }
}
