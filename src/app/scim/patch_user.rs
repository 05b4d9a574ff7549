//! A provider changes parts of a user (PATCH): attributes, the administration, or whether the user is active.

use serde_json::Value;

use super::write::{UserUpdate, Writing};
use super::{Patched, Precondition, ScimEndpoint, ScimError, Wanted, version_of};
use crate::app::{App, Caller};
use crate::domain::access::Action;
use crate::intake::scim::patch::{self, only_removes};
use crate::intake::scim::resource::Projection;
use crate::intake::scim::user::{forget_unsaid, with_values_not_stored};

impl App {
    /// Changes a user: applies all operations, or none if one fails.
    pub async fn patch_scim_user(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        id: &str,
        precondition: Precondition<'_>,
        body: &Value,
        wanted: Wanted<'_>,
    ) -> Result<Patched, ScimError> {
        let grant = caller.grant(Action::Provision)?;
        let schemas = &endpoint.mapping.schemas;
        let projection = Projection::read(schemas, wanted.attributes, wanted.excluded_attributes)?;
        let writing = Writing::begin(self, caller, &grant, endpoint).await?;
        if let Some((user, before)) = writing.find_waiting(id, precondition).await? {
            let (resource, is_unchanged) = writing.patch_waiting((&user, &before), body, &projection).await?;
            return Ok(Patched { resource, is_unchanged });
        }
        let (loaded, before) = writing.find(id, precondition).await?;
        let mut patched = before.clone();
        let stored = loaded.stored.as_ref().map(|stored| stored.provisioned.clone()).unwrap_or_default();
        with_values_not_stored(&mut patched, &stored);
        let after = patch::apply(schemas, &patched, body)?;
        let (was, mut user) = (writing.read(&before)?, writing.read(&after)?);
        let administration = &endpoint.mapping.administration;
        let is_said = stored.contains_key(administration)
            || user.account.provisioned.get(administration) != was.account.provisioned.get(administration);
        forget_unsaid(&mut user.account.provisioned, administration, is_said);
        // A list that was removed is an empty one.
        if was.provisioned.employments.is_some() && user.provisioned.employments.is_none() {
            user.provisioned.employments = Some(Vec::new());
        }
        if user.employee_number.as_ref().is_some_and(|number| *number != loaded.household.number) {
            return Err(ScimError::OtherEmployee);
        }
        let update = UserUpdate {
            number: &loaded.household.number,
            household: Some(&loaded.household),
            stored: loaded.stored.as_ref(),
            was: Some(was),
            user,
            generation: loaded.id().generation,
            waited: None,
            gone: patch::removed(schemas, &after, body),
            action: "scim.user.patch",
        };
        let resource = writing.apply(update, &projection).await?;
        let is_unchanged = only_removes(body) && resource.version == version_of(&before);
        Ok(Patched { resource, is_unchanged })
    }
}
