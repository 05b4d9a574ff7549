//! The JSON API: a file per noun; each holds its views, its OpenAPI words, its handlers and what its errors become.

pub mod administrations;
pub mod audit;
pub mod comparison;
pub mod corrections;
pub mod deliveries;
pub mod employees;
pub mod exemptions;
pub mod history;
pub mod imports;
pub mod links;
pub mod links_in_bulk;
pub mod merges;
pub mod platforms;
pub mod prior_training;
pub mod profiles;
pub mod proposals;
pub mod quarantine;
pub mod reorganisations;
pub mod reports;
pub mod rereading;
pub mod result_decisions;
pub mod results;
pub mod trend;
pub mod unlinked;

use rocket::{Route, routes};

/// Every route under `/api/v1`.
pub fn routes() -> Vec<Route> {
    routes![
        crate::http::openapi::document,
        reports::onboarding,
        trend::onboarding,
        reorganisations::make,
        reorganisations::list,
        reorganisations::undo,
        comparison::differences,
        administrations::export_csv,
        administrations::export_xlsx,
        administrations::compliance,
        employees::show,
        history::show,
        corrections::make,
        merges::make,
        merges::list,
        merges::undo,
        exemptions::list,
        exemptions::show,
        exemptions::propose,
        exemptions::approve,
        exemptions::reject,
        exemptions::withdraw,
        prior_training::list,
        prior_training::show,
        prior_training::propose,
        prior_training::approve,
        prior_training::reject,
        prior_training::withdraw,
        imports::list,
        imports::show,
        imports::show_difference,
        imports::export_difference,
        imports::undo,
        unlinked::list,
        unlinked::export,
        links::list,
        links::make,
        links::undo,
        links_in_bulk::bulk,
        profiles::list,
        profiles::check,
        profiles::show,
        platforms::list,
        platforms::health,
        rereading::reread,
        results::import,
        result_decisions::list,
        result_decisions::show,
        result_decisions::decide,
        result_decisions::approve,
        result_decisions::reject,
        deliveries::list,
        deliveries::show,
        deliveries::replay,
        quarantine::list,
        quarantine::groups,
        quarantine::replay,
        quarantine::take,
        quarantine::dismiss,
        quarantine::undo,
        audit::list,
    ]
}
