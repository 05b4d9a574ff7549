//! The last word on every error: Rocket's own error pages are never seen.

use rocket::http::Status;
use rocket::{Catcher, Request, catch, catchers};

use super::{methods, problem::Problem};

/// The catchers, to be registered at `/`.
#[must_use]
pub fn all() -> Vec<Catcher> {
    catchers![any]
}

/// What the guard that refused had to say, or what the status means.
#[catch(default)]
fn any(status: Status, request: &Request<'_>) -> Problem {
    meaning_of(status, request)
}

/// The problem that a status of Rocket's or of a guard stands for.
pub(super) fn meaning_of(status: Status, request: &Request<'_>) -> Problem {
    Problem::kept(request, status)
        .or_else(|| methods::refused(status, request))
        .unwrap_or_else(|| Problem::standard(status))
}
