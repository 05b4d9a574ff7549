//! The headers of every answer of the xAPI endpoint (Communication 2.1.3 and 3.3).

use chrono::SecondsFormat;
use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::Header;
use rocket::{Request, Response};

use super::alternate::header;
use crate::app::App;
use crate::app::xapi::receive::Version;

/// The instant up to which all statements can be found.
pub const CONSISTENT_THROUGH: &str = "X-Experience-API-Consistent-Through";
const VERSION: &str = "X-Experience-API-Version";

/// The version of a request, by its header; `None` if it has none that is supported.
pub fn version_of(request: &Request<'_>) -> Option<Version> {
    header(request, "x-experience-api-version").and_then(|header| Version::parse(header).ok())
}

/// The fairing.
#[derive(Debug, Clone, Copy)]
pub struct XapiHeaders;

#[rocket::async_trait]
impl Fairing for XapiHeaders {
    fn info(&self) -> Info {
        Info { name: "xAPI headers", kind: Kind::Response | Kind::Singleton }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        if request.uri().path().segments().next() != Some("xapi") {
            return;
        }
        // A client without a supported version gets the newest of 1.0, which every client knows.
        let version = version_of(request).unwrap_or(Version::V1_0_3);
        response.set_header(Header::new(VERSION, version.header()));
        if let Some(app) = request.rocket().state::<App>()
            && !response.headers().contains(CONSISTENT_THROUGH)
            && let Some(through) = app.last_consistent_through().await
        {
            let through = through.to_rfc3339_opts(SecondsFormat::Micros, true);
            response.set_header(Header::new(CONSISTENT_THROUGH, through));
        }
    }
}
