//! One user.

use super::load::{Loading, load_user};
use super::waiting::waiting_resource;
use super::{Door, Resource, ScimError, Wanted};
use crate::app::{App, Asker};
use crate::domain::access::Action;
use crate::intake::scim::resource::Projection;
use crate::intake::scim::user::UserReference;
use crate::store::{Act, clock, directory};

impl App {
    /// Shows a user, and leaves the audit entry of the look.
    pub async fn read_scim_user(
        &self,
        asker: &Asker,
        door: &Door,
        id: &str,
        wanted: Wanted<'_>,
    ) -> Result<Resource, ScimError> {
        let grant = asker.grant(Action::Provision)?;
        let schemas = &door.mapping.schemas;
        let projection = Projection::read(schemas, wanted.attributes, wanted.excluded_attributes)?;
        let unknown = || ScimError::NotFound { kind: "user", id: id.to_owned() };
        UserReference::parse(id).ok_or_else(unknown)?;
        let object = format!("user {id}");
        let reading = self.begin_read(asker, &grant, Act { action: "scim.user.read", object: &object }).await?;
        let connection = reading.connection();
        if let Some(waiting) = waiting_resource(connection, id, &door.base).await? {
            return Ok(Resource::new(waiting, &projection));
        }
        let today = self.today();
        let administrations = directory::administrations(connection, clock::known_through(connection).await?).await?;
        let loading = Loading { door, administrations: &administrations, today };
        let loaded = load_user(connection, id, today).await?.ok_or_else(unknown)?;
        Ok(Resource::new(loaded.resource(loading, self), &projection))
    }
}
