//! `GET /metrics`, and the fairing that counts requests.

use std::sync::Arc;

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::ContentType;
use rocket::{Data, Request, Response, Route, State, get, routes};

use super::problem::Problem;
use super::request_id::{arrived_at, route_pattern};
use crate::app::operating::metrics::Metrics;

/// The routes, to be mounted at `/`; `Arc<Metrics>` must be managed.
#[must_use]
pub fn routes() -> Vec<Route> {
    routes![metrics]
}

/// The operator's metrics, in Prometheus' text format.
#[get("/metrics")]
fn metrics(metrics: &State<Arc<Metrics>>) -> Result<(ContentType, String), Problem> {
    let text = metrics.render().map_err(|error| Problem::internal(&error))?;
    let media = ContentType::new("text", "plain").with_params([("version", "0.0.4"), ("charset", "utf-8")]);
    Ok((media, text))
}

/// Counts every request by its route's pattern, method and status.
#[derive(Debug, Clone)]
pub struct RequestMetrics(pub Arc<Metrics>);

#[rocket::async_trait]
impl Fairing for RequestMetrics {
    fn info(&self) -> Info {
        Info { name: "Request metrics", kind: Kind::Request | Kind::Response }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        arrived_at(request);
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let took = arrived_at(request).elapsed();
        self.0.request_answered(route_pattern(request), request.method().as_str(), response.status().code, took);
    }
}
