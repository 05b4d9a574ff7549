//! A provider writes a user anew (PUT).

use serde_json::Value;

use super::write::{Wish, Writing};
use super::{Door, Precondition, Resource, ScimError, Wanted};
use crate::app::{App, Asker};
use crate::domain::access::Action;
use crate::intake::scim::resource::{Projection, canonical};
use crate::intake::scim::user::{forget_unsaid, keep_unspoken, says_no_employments};

impl App {
    /// Replaces a user; what the client does not speak of at all stays ([`keep_unspoken`]).
    pub async fn replace_scim_user(
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
        let no_employments = says_no_employments(body);
        let mut body = canonical(schemas, body)?;
        let writing = Writing::begin(self, asker, &grant, door).await?;
        if let Some((user, before)) = writing.find_waiting(id, precondition).await? {
            return writing.replace_waiting((&user, &before), body, &projection).await;
        }
        let (loaded, before) = writing.find(id, precondition).await?;
        let administration = &door.mapping.administration;
        let was_said = loaded.kept.as_ref().is_some_and(|kept| kept.told.contains_key(administration));
        let is_said = was_said || door.mapping.text(administration, &body).is_some();
        keep_unspoken(&mut body, &before, &door.mapping);
        let (was, mut user) = (writing.read(&before)?, writing.read(&body)?);
        forget_unsaid(&mut user.account.told, administration, is_said);
        if no_employments {
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
            waited: None,
            gone: Vec::new(),
            action: "scim.user.replace",
        };
        writing.fulfil(wish, &projection).await
    }
}
