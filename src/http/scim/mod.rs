//! The endpoint for the identity provider: SCIM 2.0 (RFC 7643, 7644, 9865) at `/scim/v2`.
//!
//! Described by its own `/Schemas`, `/ResourceTypes` and `/ServiceProviderConfig`, not by the OpenAPI document. One
//! file per noun; `requests` reads requests, `answers` writes answers, with errors in SCIM's own envelope.

pub mod answers;
pub mod bulk;
pub mod discovery;
pub mod groups;
pub mod requests;
pub mod search;
pub mod users;

use rocket::http::Status;
use rocket::{Catcher, Request, Route, catch, catchers, routes};

use crate::app::scim::{Mapping, MappingError, MappingText, ScimEndpoint};
use crate::config::ScimSettings;
use crate::http::catchers::meaning_of;

use answers::ScimProblem;

/// The endpoint as configured.
pub fn endpoint(settings: &ScimSettings) -> Result<ScimEndpoint, MappingError> {
    let words = settings.administrations.iter().map(|(word, code)| (word.as_str(), code.as_str()));
    let groups = settings.groups.iter().map(|(group, code)| (group.as_str(), code.as_str()));
    let mapping = Mapping::read(&MappingText {
        employee_number: &settings.employee_number,
        administration: &settings.administration,
        unit: &settings.unit,
        form: &settings.form,
        starts_on: &settings.starts_on,
        ends_on: &settings.ends_on,
        default_form: &settings.default_form,
        leading_code: settings.leading_code,
        administrations: words.collect(),
        groups: groups.collect(),
    })?;
    Ok(ScimEndpoint { mapping, base: format!("{}/scim/v2", settings.public_address.trim_end_matches('/')) })
}

/// Every route under `/scim/v2`.
pub fn routes() -> Vec<Route> {
    routes![
        users::list,
        users::search,
        users::create,
        users::show,
        users::replace,
        users::patch,
        users::delete,
        groups::list,
        groups::search,
        groups::show,
        groups::create,
        groups::replace,
        groups::patch,
        groups::delete,
        discovery::service_provider_config,
        discovery::resource_types,
        discovery::resource_type,
        discovery::schemas,
        discovery::schema,
        bulk::carry_out,
        search::all,
        search::me,
        search::create_me,
        search::replace_me,
        search::patch_me,
        search::delete_me,
    ]
}

/// The catchers, to be registered at `/scim`.
#[must_use]
pub fn catchers() -> Vec<Catcher> {
    catchers![any]
}

/// The problem of the guard that refused, or the meaning of the status.
#[catch(default)]
fn any(status: Status, request: &Request<'_>) -> ScimProblem {
    meaning_of(status, request).into()
}
