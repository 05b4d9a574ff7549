//! One question about users and groups together (RFC 7644, section 3.4.3).

use serde_json::Value;

use super::{ScimEndpoint, ScimError};
use crate::app::{App, Caller};
use crate::domain::access::Action;
use crate::intake::scim::discovery::list_response;
use crate::intake::scim::paging::{ListError, ListText, Start};
use crate::intake::scim::schema;
use crate::store::Act;

/// What one type of resource has to say.
struct Part {
    total: usize,
    resources: Vec<Value>,
}

impl Part {
    fn of(mut response: Value) -> Self {
        let total = response.get("totalResults").and_then(Value::as_u64).unwrap_or_default();
        let resources = response.get_mut("Resources").map(Value::take);
        let resources = match resources {
            Some(Value::Array(resources)) => resources,
            _ => Vec::new(),
        };
        Self { total: usize::try_from(total).unwrap_or(usize::MAX), resources }
    }
}

impl App {
    /// Answers a ListResponse of users and then groups, in pages by index. A name that only one of the two has has no
    /// value in the other (section 3.4.2.1). An order of one's own and cursors are for one type at a time.
    pub async fn search_scim(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        text: &ListText,
    ) -> Result<Value, ScimError> {
        let grant = caller.grant(Action::Provision)?;
        for (name, given) in [("sortBy", &text.sort_by), ("cursor", &text.cursor)] {
            if given.is_some() {
                return Err(ListError::NotOfSeveralTypes(name).into());
            }
        }
        let (users, groups) = (&endpoint.mapping.schemas, schema::group());
        let (users, groups) = (users.beside(&groups), groups.beside(users));
        let (of_users, of_groups) = (text.understand(&users)?, text.understand(&groups)?);
        let past = match of_users.start {
            Start::Index(past) => past,
            Start::Cursor(_) => 0,
        };
        let entry = Act { action: "scim.users.read", object: "users and groups" };
        let reading = self.begin_read(caller, &grant, entry).await?;
        let users = Part::of(self.users_of(&reading, endpoint, &of_users).await?);
        let count = of_groups.count.saturating_sub(users.resources.len());
        let of_groups = of_groups.after(past.saturating_sub(users.total), count);
        let groups = Part::of(self.groups_of(&reading, endpoint, &of_groups).await?);
        let resources: Vec<Value> = users.resources.into_iter().chain(groups.resources).collect();
        Ok(list_response(users.total + groups.total, past + 1, resources))
    }

    /// Who asks as a person: nobody, for a token of the role `scim` is no person's (RFC 7644, section 3.11, which lets
    /// a service answer `501`).
    pub fn scim_me(&self, caller: &Caller) -> ScimError {
        caller.grant(Action::Provision).err().map_or(ScimError::NoMe, ScimError::from)
    }
}
