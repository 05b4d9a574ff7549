//! A provider changes some of a user (PATCH): attributes, the administration, or whether the person works here.

use serde_json::Value;

use super::write::{Wish, Writing};
use super::{Door, Precondition, Resource, ScimError, Wanted};
use crate::app::{App, Asker};
use crate::domain::access::Action;
use crate::intake::scim::patch;
use crate::intake::scim::resource::Projection;
use crate::intake::scim::user::with_addresses_not_kept;

impl App {
    /// Changes a user: all operations, or on an error none.
    pub async fn patch_scim_user(
        &self,
        asker: &Asker,
        door: &Door,
        id: &str,
        precondition: Precondition<'_>,
        body: &Value,
        wanted: Wanted<'_>,
    ) -> Result<Resource, ScimError> {
        let grant = asker.grant(Action::Provision)?;
        let schemas = &door.mapping.schemas;
        let projection = Projection::read(schemas, wanted.attributes, wanted.excluded_attributes)?;
        let writing = Writing::begin(self, asker, &grant, door).await?;
        let (loaded, before) = writing.find(id, precondition).await?;
        let mut patched = before.clone();
        if let Some(kept) = &loaded.kept {
            with_addresses_not_kept(&mut patched, &kept.told);
        }
        let after = patch::apply(schemas, &patched, body)?;
        let (was, mut user) = (writing.read(&before)?, writing.read(&after)?);
        // A list that was taken away is an empty one.
        if was.told.employments.is_some() && user.told.employments.is_none() {
            user.told.employments = Some(Vec::new());
        }
        if user.employee_number.as_ref().is_some_and(|number| *number != loaded.household.number) {
            return Err(ScimError::OtherEmployee);
        }
        let wish = Wish {
            number: &loaded.household.number,
            household: Some(&loaded.household),
            kept: loaded.kept.as_ref(),
            was: Some(was),
            user,
            generation: loaded.id().generation,
            action: "scim.user.patch",
        };
        writing.fulfil(wish, &projection).await
    }
}
