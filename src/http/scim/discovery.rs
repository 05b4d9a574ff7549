//! `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas` (RFC 7644, section 4).

use rocket::{State, get};

use super::answers::{ScimAnswer, ScimProblem};
use crate::app::scim::ScimEndpoint;
use crate::app::{App, Caller};

#[get("/ServiceProviderConfig")]
pub fn service_provider_config(
    app: &State<App>,
    endpoint: &State<ScimEndpoint>,
    caller: Caller,
) -> Result<ScimAnswer, ScimProblem> {
    Ok(ScimAnswer::Plain(app.scim_service_provider_config(&caller, endpoint)?))
}

#[get("/ResourceTypes")]
pub fn resource_types(
    app: &State<App>,
    endpoint: &State<ScimEndpoint>,
    caller: Caller,
) -> Result<ScimAnswer, ScimProblem> {
    Ok(ScimAnswer::Plain(app.scim_resource_types(&caller, endpoint, None)?))
}

#[get("/ResourceTypes/<id>")]
pub fn resource_type(
    app: &State<App>,
    endpoint: &State<ScimEndpoint>,
    caller: Caller,
    id: &str,
) -> Result<ScimAnswer, ScimProblem> {
    Ok(ScimAnswer::Plain(app.scim_resource_types(&caller, endpoint, Some(id))?))
}

#[get("/Schemas")]
pub fn schemas(app: &State<App>, endpoint: &State<ScimEndpoint>, caller: Caller) -> Result<ScimAnswer, ScimProblem> {
    Ok(ScimAnswer::Plain(app.scim_schemas(&caller, endpoint, None)?))
}

#[get("/Schemas/<id>")]
pub fn schema(
    app: &State<App>,
    endpoint: &State<ScimEndpoint>,
    caller: Caller,
    id: &str,
) -> Result<ScimAnswer, ScimProblem> {
    Ok(ScimAnswer::Plain(app.scim_schemas(&caller, endpoint, Some(id))?))
}
