//! The JSON API: a file per noun; each holds its views, its OpenAPI words, its handlers and what its errors become.

pub mod administrations;
pub mod audit;
pub mod deliveries;
pub mod employees;
pub mod links;
pub mod links_in_bulk;
pub mod reports;
pub mod unlinked;

use rocket::{Route, routes};

/// Every route under `/api/v1`.
pub fn routes() -> Vec<Route> {
    routes![
        crate::http::openapi::document,
        reports::onboarding,
        administrations::export_csv,
        administrations::export_xlsx,
        administrations::compliance,
        employees::show,
        unlinked::list,
        unlinked::export,
        links::list,
        links::make,
        links::undo,
        links_in_bulk::bulk,
        deliveries::list,
        deliveries::show,
        deliveries::replay,
        audit::list,
    ]
}
