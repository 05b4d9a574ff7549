//! One line in the log for each request, and a span around what its handler logs.
//!
//! Both carry the request id and the route's pattern. The raw path and query are never logged: they can hold personal
//! data. Rocket's own request lines contain them; `cli::logging` filters those out.

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::Header;
use rocket::route::{Handler, Outcome};
use rocket::{Data, Request, Response, Route};
use tracing::Instrument;

use super::request_id::{HEADER, RequestId, arrived_at, route_pattern};

/// Logs each request when it is answered, and puts its id on the answer.
#[derive(Debug, Clone, Copy)]
pub struct RequestLog;

#[rocket::async_trait]
impl Fairing for RequestLog {
    fn info(&self) -> Info {
        Info { name: "Request log", kind: Kind::Request | Kind::Response | Kind::Singleton }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        arrived_at(request);
        RequestId::of(request);
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let request_id = RequestId::of(request).as_str();
        response.set_header(Header::new(HEADER, request_id));
        let duration_us = u64::try_from(arrived_at(request).elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            request_id,
            method = request.method().as_str(),
            route = route_pattern(request),
            status = response.status().code,
            duration_us,
            "request answered"
        );
    }
}

/// Wraps each route's guards and handler in a span with the request id, so that all that they log names the request.
/// Rocket's fairings cannot do this: they end before the handler begins.
#[must_use]
pub fn traced(routes: Vec<Route>) -> Vec<Route> {
    let traced = |mut route: Route| {
        route.handler = Box::new(Traced(route.handler));
        route
    };
    routes.into_iter().map(traced).collect()
}

#[derive(Clone)]
struct Traced(Box<dyn Handler>);

#[rocket::async_trait]
impl Handler for Traced {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let span = tracing::info_span!(
            "request",
            request_id = RequestId::of(request).as_str(),
            method = request.method().as_str(),
            route = route_pattern(request)
        );
        self.0.handle(request, data).instrument(span).await
    }
}
