//! `/xapi/agents`: an agent as a Person (Communication 2.4).

use rocket::get;
use rocket::serde::json::Json;
use serde_json::Value;

use super::caller::PlatformCaller;
use super::documents::parameter_fault;
use super::request_parts::RequestParts;
use crate::app::xapi::documents::{Actor, parameters, person_of};
use crate::http::problem::Problem;

/// `GET /xapi/agents?agent=…`: a Person with the requested agent, and no more.
#[get("/agents")]
pub fn show(caller: PlatformCaller, parts: RequestParts<'_>) -> Result<Json<Value>, Problem> {
    get(&caller, &parts)
}

pub(super) fn get(caller: &PlatformCaller, parts: &RequestParts<'_>) -> Result<Json<Value>, Problem> {
    parts.only(&["agent"])?;
    let fault = |fault| parameter_fault("agent", &fault);
    match parameters::actor(parts.required("agent")?, caller.version).map_err(fault)? {
        Actor::Agent(agent) => Ok(Json(person_of(&agent))),
        Actor::Group(_) => Err(fault(parameters::ParameterFault::NoAgent)),
    }
}
