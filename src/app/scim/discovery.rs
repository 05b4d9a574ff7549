//! What the endpoint says of itself, to any caller that may use it.

use serde_json::Value;

use super::{ScimEndpoint, ScimError};
use crate::app::{App, Caller};
use crate::domain::access::Action;
use crate::intake::scim::discovery;

impl App {
    /// `/ServiceProviderConfig`.
    pub fn scim_service_provider_config(&self, caller: &Caller, endpoint: &ScimEndpoint) -> Result<Value, ScimError> {
        caller.grant(Action::Provision)?;
        Ok(discovery::service_provider_config(&endpoint.base))
    }

    /// `/ResourceTypes`, or one of them.
    pub fn scim_resource_types(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        id: Option<&str>,
    ) -> Result<Value, ScimError> {
        caller.grant(Action::Provision)?;
        all_or_one(discovery::resource_types(&endpoint.base, &endpoint.mapping), "resource type", id)
    }

    /// `/Schemas`, or one of them.
    pub fn scim_schemas(&self, caller: &Caller, endpoint: &ScimEndpoint, id: Option<&str>) -> Result<Value, ScimError> {
        caller.grant(Action::Provision)?;
        all_or_one(discovery::schemas(&endpoint.base, &endpoint.mapping), "schema", id)
    }
}

fn all_or_one(all: Vec<Value>, kind: &'static str, id: Option<&str>) -> Result<Value, ScimError> {
    let Some(id) = id else { return Ok(discovery::list_response(all.len(), 1, all)) };
    let is_it = |one: &Value| one.get("id").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(id));
    all.into_iter().find(is_it).ok_or_else(|| ScimError::NotFound { kind, id: id.to_owned() })
}
