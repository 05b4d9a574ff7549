//! The xAPI door at `/xapi`: a Learning Record Store for each platform that has a key (1.0.3, and 2.0 = IEEE 9274.1.1-2023).
//!
//! Described by its standard, not by the OpenAPI document. A file per resource; `caller` tells who asks and in which
//! version, `headers` what every answer carries. Errors are problems, as everywhere.

pub mod about;
pub mod answers;
pub mod caller;
pub mod headers;
pub mod statements;

use rocket::{Route, routes};

/// Every route under `/xapi`.
#[must_use]
pub fn routes() -> Vec<Route> {
    routes![about::about, statements::find, statements::find_more, statements::store, statements::store_one]
}
