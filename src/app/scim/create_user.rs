//! A provider sends a user for the first time, again after it deleted the user, or with another account.

use serde_json::Value;

use super::write::Writing;
use super::{Resource, ScimEndpoint, ScimError, Wanted};
use crate::app::{App, Caller};
use crate::domain::access::Action;
use crate::intake::scim::resource::{Projection, canonical};

impl App {
    /// Creates a user. An employee from HR's files is taken over. An employee who is a user of the provider already
    /// gets another user, unless an active user has this user name. If the directory does not know the employee, the
    /// user waits.
    pub async fn create_scim_user(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        body: &Value,
        wanted: Wanted<'_>,
    ) -> Result<Resource, ScimError> {
        let grant = caller.grant(Action::Provision)?;
        let schemas = &endpoint.mapping.schemas;
        let projection = Projection::read(schemas, wanted.attributes, wanted.excluded_attributes)?;
        let body = canonical(schemas, body)?;
        let writing = Writing::begin(self, caller, &grant, endpoint).await?;
        writing.resolve_or_wait(None, &body, "scim.user.create", &projection).await
    }
}
