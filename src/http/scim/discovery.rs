//! `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas` (RFC 7644, section 4).

use rocket::{State, get};

use super::answers::{ScimAnswer, ScimProblem};
use crate::app::scim::Door;
use crate::app::{App, Asker};

#[get("/ServiceProviderConfig")]
pub fn service_provider_config(app: &State<App>, door: &State<Door>, asker: Asker) -> Result<ScimAnswer, ScimProblem> {
    Ok(ScimAnswer::Plain(app.scim_service_provider_config(&asker, door)?))
}

#[get("/ResourceTypes")]
pub fn resource_types(app: &State<App>, door: &State<Door>, asker: Asker) -> Result<ScimAnswer, ScimProblem> {
    Ok(ScimAnswer::Plain(app.scim_resource_types(&asker, door, None)?))
}

#[get("/ResourceTypes/<id>")]
pub fn resource_type(app: &State<App>, door: &State<Door>, asker: Asker, id: &str) -> Result<ScimAnswer, ScimProblem> {
    Ok(ScimAnswer::Plain(app.scim_resource_types(&asker, door, Some(id))?))
}

#[get("/Schemas")]
pub fn schemas(app: &State<App>, door: &State<Door>, asker: Asker) -> Result<ScimAnswer, ScimProblem> {
    Ok(ScimAnswer::Plain(app.scim_schemas(&asker, door, None)?))
}

#[get("/Schemas/<id>")]
pub fn schema(app: &State<App>, door: &State<Door>, asker: Asker, id: &str) -> Result<ScimAnswer, ScimProblem> {
    Ok(ScimAnswer::Plain(app.scim_schemas(&asker, door, Some(id))?))
}
