//! A provider tells of a person for the first time, again after it deleted them, or by another account.

use serde_json::Value;

use super::load::{Household, households};
use super::write::{Wish, Writing};
use super::{Door, Resource, ScimError, Wanted};
use crate::app::{App, Asker};
use crate::domain::access::Action;
use crate::domain::ids::EmployeeNumber;
use crate::intake::scim::resource::{Projection, canonical};
use crate::intake::scim::user::{ReadUser, UserError};
use crate::store::{people, scim};

impl App {
    /// Creates a user. An employee whom HR's files made is taken over. One who is a user of the provider's already gets another
    /// one, unless an active user has this user name.
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
        let number = match user.employee_number.clone() {
            Some(number) => number,
            None => writing.number_of_one_who_is_back(&user).await?,
        };
        let household = writing.household(&number).await?;
        let household = household.as_ref();
        let generation = household.map_or(1, Household::next_generation);
        let action = "scim.user.create";
        let wish = Wish { number: &number, household, kept: None, was: None, user, generation, action };
        writing.fulfil(wish, &projection).await
    }
}

impl Writing<'_> {
    async fn household(&self, number: &EmployeeNumber) -> Result<Option<Household>, ScimError> {
        let connection = self.change.connection();
        let Some(employee) = people::by_number(connection, number).await? else { return Ok(None) };
        Ok(households(connection, &[employee]).await?.remove(&employee))
    }

    /// The number of a person who is told of without one: the provider's own id is that of their users, who are all
    /// deactivated.
    async fn number_of_one_who_is_back(&self, user: &ReadUser) -> Result<EmployeeNumber, ScimError> {
        let attribute = self.door.mapping.employee_number.clone();
        let unknown = UserError::NoEmployeeNumber { attribute };
        let Some(external_id) = &user.account.external_id else { return Err(unknown.into()) };
        let connection = self.change.connection();
        let users = scim::by_external_id(connection, external_id).await?;
        let Some(first) = users.first() else { return Err(unknown.into()) };
        if users.iter().any(|user| user.active || user.employee != first.employee) {
            return Err(unknown.into());
        }
        let mut found = households(connection, &[first.employee]).await?;
        found.remove(&first.employee).map(|household| household.number).ok_or_else(|| unknown.into())
    }
}
