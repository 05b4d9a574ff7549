//! A provider replaces a user (PUT).

use serde_json::Value;

use super::write::{UserUpdate, Writing};
use super::{Precondition, Resource, ScimEndpoint, ScimError, Wanted};
use crate::app::{App, Caller};
use crate::domain::access::Action;
use crate::intake::scim::resource::{Projection, canonical};
use crate::intake::scim::user::{forget_unsaid, keep_unspoken, says_no_employments};

impl App {
    /// Replaces a user; attributes that the client does not mention at all stay ([`keep_unspoken`]).
    pub async fn replace_scim_user(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        id: &str,
        precondition: Precondition<'_>,
        body: &Value,
        wanted: Wanted<'_>,
    ) -> Result<Resource, ScimError> {
        let grant = caller.grant(Action::Provision)?;
        let schemas = &endpoint.mapping.schemas;
        let projection = Projection::read(schemas, wanted.attributes, wanted.excluded_attributes)?;
        let no_employments = says_no_employments(body);
        let mut body = canonical(schemas, body)?;
        let writing = Writing::begin(self, caller, &grant, endpoint).await?;
        if let Some((user, before)) = writing.find_waiting(id, precondition).await? {
            return writing.replace_waiting((&user, &before), body, &projection).await;
        }
        let (loaded, before) = writing.find(id, precondition).await?;
        let administration = &endpoint.mapping.administration;
        let was_said = loaded.stored.as_ref().is_some_and(|stored| stored.provisioned.contains_key(administration));
        let is_said = was_said || endpoint.mapping.text(administration, &body).is_some();
        keep_unspoken(&mut body, &before, &endpoint.mapping);
        let (was, mut user) = (writing.read(&before)?, writing.read(&body)?);
        forget_unsaid(&mut user.account.provisioned, administration, is_said);
        if no_employments {
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
            gone: Vec::new(),
            action: "scim.user.replace",
        };
        writing.apply(update, &projection).await
    }
}
