//! One user.

use super::load::{Loading, load_user};
use super::waiting::waiting_resource;
use super::{Resource, ScimEndpoint, ScimError, Wanted};
use crate::app::{App, Caller};
use crate::domain::access::Action;
use crate::intake::scim::resource::Projection;
use crate::intake::scim::user::UserReference;
use crate::store::{Act, clock, directory};

impl App {
    /// Shows a user; the read is audited.
    pub async fn read_scim_user(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        id: &str,
        wanted: Wanted<'_>,
    ) -> Result<Resource, ScimError> {
        let grant = caller.grant(Action::Provision)?;
        let schemas = &endpoint.mapping.schemas;
        let projection = Projection::read(schemas, wanted.attributes, wanted.excluded_attributes)?;
        let unknown = || ScimError::NotFound { kind: "user", id: id.to_owned() };
        UserReference::parse(id).ok_or_else(unknown)?;
        let object = format!("user {id}");
        let reading = self.begin_read(caller, &grant, Act { action: "scim.user.read", object: &object }).await?;
        let connection = reading.connection();
        if let Some(waiting) = waiting_resource(connection, id, &endpoint.base).await? {
            return Ok(Resource::new(waiting, &projection));
        }
        let today = self.today();
        let administrations = directory::administrations(connection, clock::known_through(connection).await?).await?;
        let loading = Loading { endpoint, administrations: &administrations, today };
        let loaded = load_user(connection, id, today).await?.ok_or_else(unknown)?;
        Ok(Resource::new(loaded.resource(loading, self), &projection))
    }
}
