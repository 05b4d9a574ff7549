//! Pages of other origins that use xAPI from a browser (the Fetch standard, "CORS protocol"): content from authoring
//! tools, and units that are launched elsewhere. Only origins that the configuration names, and only under `/xapi`.

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::{Header, Method, Status};
use rocket::route::{Handler, Outcome};
use rocket::{Data, Request, Response, Route, async_trait};

use crate::config::{ReceivingSettings, WebOrigin};
use crate::http::problem::Problem;

/// The methods that a page may use.
const METHODS: &str = "GET, HEAD, POST, PUT, DELETE";
/// The headers that it may send.
const HEADERS: &str = "Authorization, Content-Type, X-Experience-API-Version, If-Match, If-None-Match, Accept-Language, Accept, X-Request-Id";
/// The headers that it may read, besides those that every page may.
const EXPOSED: &str = "ETag, Last-Modified, X-Experience-API-Version, X-Experience-API-Consistent-Through, Retry-After, \
                       WWW-Authenticate, X-Request-Id";
/// For how many seconds a browser may cache the answer: two hours, the most that Chromium accepts.
const MAX_AGE_SECONDS: &str = "7200";

/// The origin of a request, if the configuration names it.
fn named_origin<'r>(request: &'r Request<'_>) -> Option<&'r WebOrigin> {
    let origin = request.headers().get_one("origin")?;
    let settings = request.rocket().state::<ReceivingSettings>()?;
    settings.xapi_origins.iter().find(|named| named.is(origin))
}

/// The preflight route. Preflights carry no key and need no database.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![Route::new(Method::Options, "/<resource..>", Preflight)]
}

#[derive(Clone)]
struct Preflight;

#[async_trait]
impl Handler for Preflight {
    async fn handle<'r>(&self, request: &'r Request<'_>, _: Data<'r>) -> Outcome<'r> {
        if request.headers().get_one("origin").is_some() && named_origin(request).is_none() {
            return Outcome::from(
                request,
                Problem::forbidden(
                    "Pages of this origin may not use xAPI here. Name the origin in receiving.xapi_origins of the configuration.",
                ),
            );
        }
        let mut response = Response::build();
        response.status(Status::NoContent).raw_header("allow", METHODS);
        if named_origin(request).is_some() {
            response
                .raw_header("access-control-allow-methods", METHODS)
                .raw_header("access-control-allow-headers", HEADERS)
                .raw_header("access-control-max-age", MAX_AGE_SECONDS);
        }
        Outcome::Success(response.finalize())
    }
}

/// The CORS headers on every answer at `/xapi`, errors included: without them a page cannot read an answer.
#[derive(Debug, Clone, Copy)]
pub struct CrossOrigin;

#[async_trait]
impl Fairing for CrossOrigin {
    fn info(&self) -> Info {
        Info { name: "xAPI across origins", kind: Kind::Response | Kind::Singleton }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let settings = request.rocket().state::<ReceivingSettings>();
        let is_open = settings.is_some_and(|settings| !settings.xapi_origins.is_empty());
        if !is_open || request.uri().path().segments().next() != Some("xapi") {
            return;
        }
        // A cache must not give the answer for one origin to another.
        response.adjoin_header(Header::new("vary", "Origin"));
        if let Some(origin) = named_origin(request) {
            response.set_header(Header::new("access-control-allow-origin", origin.to_string()));
            // Some clients always send credentials; a named origin is trusted with them.
            response.set_header(Header::new("access-control-allow-credentials", "true"));
            response.set_header(Header::new("access-control-expose-headers", EXPOSED));
        }
    }
}
