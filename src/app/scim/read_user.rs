//! One user.

use super::load::{Loading, load_user};
use super::{Door, Resource, ScimError, Wanted};
use crate::app::context::Act;
use crate::app::{App, Asker};
use crate::domain::access::Action;
use crate::intake::scim::resource::Projection;
use crate::intake::scim::user::UserId;
use crate::store::{clock, directory};

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
        let wanted = UserId::parse(id).ok_or_else(unknown)?;
        self.look(asker, &grant, Act { action: "scim.user.read", object: &format!("user {wanted}") }).await?;
        let snapshot = self.store.snapshot().await?;
        let connection = snapshot.connection();
        let today = self.today();
        let administrations = directory::administrations(connection, clock::known_through(connection).await?).await?;
        let loading = Loading { door, administrations: &administrations, today };
        let loaded = load_user(connection, wanted, today).await?.ok_or_else(unknown)?;
        Ok(Resource::new(loaded.resource(loading, self), &projection))
    }
}
