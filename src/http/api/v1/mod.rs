//! The JSON API: a file per noun; each has its views, its OpenAPI texts, its handlers and the problems of its errors.

pub mod compliance;
pub mod directory;
pub mod employees;
pub mod linking;
pub mod operating;
pub mod platforms;
pub mod quarantine;
pub mod receiving;
pub mod reports;

use rocket::{Route, routes};

/// Every route under `/api/v1`.
pub fn routes() -> Vec<Route> {
    routes![
        crate::http::openapi::document,
        reports::report::onboarding,
        reports::trend::onboarding,
        directory::reorganisations::make,
        directory::reorganisations::list,
        directory::reorganisations::undo,
        reports::comparison::differences,
        reports::export::export_csv,
        reports::export::export_xlsx,
        reports::export::compliance,
        employees::show::show,
        employees::history::show,
        employees::corrections::make,
        employees::merges::make,
        employees::merges::list,
        employees::merges::undo,
        employees::exemptions::list,
        employees::exemptions::show,
        employees::exemptions::propose,
        employees::exemptions::approve,
        employees::exemptions::reject,
        employees::exemptions::withdraw,
        employees::prior_training::list,
        employees::prior_training::show,
        employees::prior_training::propose,
        employees::prior_training::approve,
        employees::prior_training::reject,
        employees::prior_training::withdraw,
        directory::imports::list,
        directory::imports::show,
        directory::imports::show_difference,
        directory::imports::export_difference,
        directory::imports::undo,
        linking::unlinked::list,
        linking::unlinked::export,
        linking::links::list,
        linking::links::make,
        linking::links::undo,
        linking::bulk::bulk,
        platforms::profiles::list,
        platforms::profiles::check,
        platforms::profiles::show,
        platforms::show::list,
        platforms::show::health,
        receiving::rereading::reread,
        receiving::results::import,
        compliance::result_decisions::list,
        compliance::result_decisions::show,
        compliance::result_decisions::decide,
        compliance::result_decisions::approve,
        compliance::result_decisions::reject,
        receiving::deliveries::list,
        receiving::deliveries::show,
        receiving::deliveries::replay,
        quarantine::workbench::list,
        quarantine::workbench::groups,
        quarantine::workbench::replay,
        quarantine::workbench::take,
        quarantine::workbench::dismiss,
        quarantine::workbench::undo,
        operating::audit::list,
    ]
}
