//! A provider tells of a person for the first time, or again after it deleted them.

use serde_json::Value;

use super::load::load;
use super::write::{Wish, Writing};
use super::{Door, Resource, ScimError, Wanted};
use crate::app::{App, Asker};
use crate::domain::access::Action;
use crate::intake::scim::resource::{Projection, canonical};
use crate::intake::scim::user::UserError;
use crate::store::people;

impl App {
    /// Creates a user. An employee whom HR's files made is taken over; one who is a user of the provider's already is not.
    pub async fn create_scim_user(
        &self,
        asker: &Asker,
        door: &Door,
        body: &Value,
        wanted: Wanted<'_>,
    ) -> Result<Resource, ScimError> {
        let grant = asker.grant(Action::Provision)?;
        let schemas = &door.mapping.schemas;
        let projection = Projection::read(schemas, wanted.attributes, wanted.excluded_attributes)?;
        let body = canonical(schemas, body)?;
        let writing = Writing::begin(self, asker, &grant, door).await?;
        let user = writing.read(&body)?;
        let attribute = door.mapping.employee_number.clone();
        let number = user.employee_number.clone().ok_or(UserError::NoEmployeeNumber { attribute })?;
        let connection = writing.change.connection();
        let loaded = match people::by_number(connection, &number).await? {
            None => None,
            Some(employee) => load(connection, &[employee], writing.today).await?.remove(&employee),
        };
        let kept = loaded.as_ref().and_then(|loaded| loaded.kept.as_ref());
        let generation = match (kept, &loaded) {
            (Some(kept), Some(loaded)) if !kept.is_deleted => {
                return Err(ScimError::Exists { location: format!("{}/Users/{}", door.base, loaded.id()) });
            }
            (Some(kept), _) => kept.generation.saturating_add(1),
            (None, _) => 1,
        };
        let loaded = loaded.as_ref();
        let wish = Wish { number: &number, loaded, was: None, user, generation, action: "scim.user.create" };
        writing.fulfil(wish, &projection).await
    }
}
