//! Headers that tell browsers and caches to be careful, on every answer.
//!
//! `Strict-Transport-Security` is not among them: the proxy in front terminates TLS, so it is the one to promise TLS.

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::{ContentType, Header};
use rocket::{Request, Response};

/// Set on every answer, replacing what Rocket or a handler set.
const ALWAYS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// Pages load only from here, run no inline script, and may not be framed.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                           font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
                           frame-ancestors 'none'";

/// An answer that is not a page has nothing to load.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// The fairing. A handler may set its own `Content-Security-Policy` or `Cache-Control`. Without one, no cache may store
/// the answer, because most answers are about people.
#[derive(Debug, Clone, Copy)]
pub struct SecurityHeaders;

#[rocket::async_trait]
impl Fairing for SecurityHeaders {
    fn info(&self) -> Info {
        Info { name: "Security headers", kind: Kind::Response | Kind::Singleton }
    }

    async fn on_response<'r>(&self, _: &'r Request<'_>, response: &mut Response<'r>) {
        for (name, value) in ALWAYS {
            response.set_header(Header::new(name, value));
        }
        let is_page = response.content_type().is_some_and(|media| media.media_type() == ContentType::HTML.media_type());
        let policy = if is_page { PAGE_POLICY } else { DATA_POLICY };
        for (name, value) in [("content-security-policy", policy), ("cache-control", "no-store")] {
            if !response.headers().contains(name) {
                response.set_header(Header::new(name, value));
            }
        }
    }
}
