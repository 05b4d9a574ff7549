//! What the door says of itself, to whoever may use it.

use serde_json::Value;

use super::{Door, ScimError};
use crate::app::{App, Asker};
use crate::domain::access::Action;
use crate::intake::scim::discovery;

impl App {
    /// `/ServiceProviderConfig`.
    pub fn scim_service_provider_config(&self, asker: &Asker, door: &Door) -> Result<Value, ScimError> {
        asker.grant(Action::Provision)?;
        Ok(discovery::service_provider_config(&door.base))
    }

    /// `/ResourceTypes`, or one of them.
    pub fn scim_resource_types(&self, asker: &Asker, door: &Door, id: Option<&str>) -> Result<Value, ScimError> {
        asker.grant(Action::Provision)?;
        all_or_one(discovery::resource_types(&door.base, &door.mapping), "resource type", id)
    }

    /// `/Schemas`, or one of them.
    pub fn scim_schemas(&self, asker: &Asker, door: &Door, id: Option<&str>) -> Result<Value, ScimError> {
        asker.grant(Action::Provision)?;
        all_or_one(discovery::schemas(&door.base, &door.mapping), "schema", id)
    }
}

fn all_or_one(all: Vec<Value>, kind: &'static str, id: Option<&str>) -> Result<Value, ScimError> {
    let Some(id) = id else { return Ok(discovery::list_response(all.len(), 1, all)) };
    let is_it = |one: &Value| one.get("id").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(id));
    all.into_iter().find(is_it).ok_or_else(|| ScimError::NotFound { kind, id: id.to_owned() })
}
