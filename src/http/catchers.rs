//! Every error is answered here: a client never sees Rocket's own error pages.

use rocket::http::Status;
use rocket::{Catcher, Request, catch, catchers};

use super::{methods, problem::Problem};

/// The catchers, to be registered at `/`.
#[must_use]
pub fn all() -> Vec<Catcher> {
    catchers![any]
}

/// The problem of the guard that refused, or the meaning of the status.
#[catch(default)]
fn any(status: Status, request: &Request<'_>) -> Problem {
    meaning_of(status, request)
}

/// The problem for a status that Rocket or a guard set.
pub(super) fn meaning_of(status: Status, request: &Request<'_>) -> Problem {
    Problem::kept(request, status)
        .or_else(|| methods::refused(status, request))
        .unwrap_or_else(|| Problem::standard(status))
}
