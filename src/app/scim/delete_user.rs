//! A provider deletes a user (DELETE): it is deactivated, and its id becomes invalid. The employee stays known.

use super::write::Writing;
use super::{Precondition, ScimEndpoint, ScimError};
use crate::app::{App, Caller};
use crate::domain::access::Action;
use crate::intake::scim::user::waiting_id;

impl App {
    /// Deletes a user, but no employee.
    pub async fn delete_scim_user(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        id: &str,
        precondition: Precondition<'_>,
    ) -> Result<(), ScimError> {
        let grant = caller.grant(Action::Provision)?;
        let writing = Writing::begin(self, caller, &grant, endpoint).await?;
        if let Some((user, _)) = writing.find_waiting(id, precondition).await? {
            writing.forget_waiting(user.id).await?;
            return writing.done("scim.user.delete", &format!("user {}", waiting_id(user.id))).await;
        }
        let (loaded, before) = writing.find(id, precondition).await?;
        let was = writing.read(&before)?;
        writing.deactivate(&loaded, &was).await
    }
}
