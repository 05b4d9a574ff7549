//! The xAPI endpoint at `/xapi`: a Learning Record Store for each platform that has a key (1.0.3, and 2.0 = IEEE
//! 9274.1.1-2023).
//!
//! Described by its standard, not by the OpenAPI document. One file per resource; `caller` identifies the caller and
//! its version, `cors` admits pages of named origins, `request_parts` reads a request, also in the `alternate` syntax,
//! and `headers` sets the headers of every answer. Errors are problems, as everywhere.

pub mod about;
pub mod activities;
pub mod agents;
pub mod alternate;
pub mod answers;
pub mod caller;
pub mod cors;
pub mod documents;
pub mod headers;
pub mod oauth;
pub mod request_parts;
pub mod statements;

use rocket::{Route, routes};

/// Every route under `/xapi`.
#[must_use]
pub fn routes() -> Vec<Route> {
    let mut routes = routes![
        about::about,
        activities::show,
        agents::show,
        oauth::issue,
        statements::find,
        statements::find_more,
        statements::store,
        statements::store_one
    ];
    routes.extend(documents::routes());
    routes.push(alternate::route());
    routes
}
