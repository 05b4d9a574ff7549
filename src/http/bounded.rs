//! The bound on every request that needs the database: while the database is away, the answer is an early `503`.
//!
//! It does not bound the work: a report of a whole city may take its time as long as the database answers. A request
//! that is given up here may have been carried out: the client sends it again, and what was stored is recognised.

use rocket::http::Status;
use rocket::route::{Handler, Outcome};
use rocket::{Data, Request, Route};

use super::problem::Problem;
use crate::app::{App, Trouble};

/// The `Retry-After` of such an answer, in seconds.
const RETRY_AFTER_SECONDS: u32 = 2;

/// Wraps each route's guards and handler in the bound.
#[must_use]
pub fn bounded(routes: Vec<Route>) -> Vec<Route> {
    let bounded = |mut route: Route| {
        route.handler = Box::new(Bounded(route.handler));
        route
    };
    routes.into_iter().map(bounded).collect()
}

#[derive(Clone)]
struct Bounded(Box<dyn Handler>);

#[rocket::async_trait]
impl Handler for Bounded {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let Some(app) = request.rocket().state::<App>() else { return self.0.handle(request, data).await };
        if let Some(trouble) = app.health.away() {
            return turned_away(request, trouble, Problem::unavailable(RETRY_AFTER_SECONDS));
        }
        tokio::select! {
            biased;
            outcome = self.0.handle(request, data) => outcome,
            trouble = app.health.given_up() => {
                let detail = format!(
                    "The register could not answer in time. Whether it carried out the request is not known: send the same again \
                     after {RETRY_AFTER_SECONDS} s; what it has already is recognised."
                );
                turned_away(request, trouble, Problem::unavailable(RETRY_AFTER_SECONDS).with_detail(detail))
            }
        }
    }
}

/// Answers through the catchers, which know each endpoint's error envelope.
fn turned_away<'r>(request: &'r Request<'_>, trouble: Trouble, problem: Problem) -> Outcome<'r> {
    tracing::warn!(%trouble, "a request was given up: the register cannot answer");
    problem.keep(request);
    Outcome::Error(Status::ServiceUnavailable)
}
