//! The administrations as Groups: read-only, with those who are employed there today.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Door, Resource, ScimError, Wanted};
use crate::app::context::Act;
use crate::app::{App, Asker, StoreError};
use crate::domain::access::Action;
use crate::domain::ids::AdministrationCode;
use crate::intake::scim::discovery::list_response;
use crate::intake::scim::paging::{List, ListText, Start};
use crate::intake::scim::resource::Projection;
use crate::intake::scim::schema::{self, GROUP};
use crate::intake::scim::user::{UserId, group_location};
use crate::store::{clock, directory, scim};

impl App {
    /// Answers a ListResponse of groups.
    pub async fn list_scim_groups(&self, asker: &Asker, door: &Door, text: &ListText) -> Result<Value, ScimError> {
        let grant = asker.grant(Action::Provision)?;
        let schemas = schema::group();
        let list = text.understand(&schemas)?;
        self.look(asker, &grant, Act { action: "scim.groups.read", object: "groups" }).await?;
        self.groups_of(door, &list).await
    }

    /// A ListResponse of the groups that a question is about.
    pub(super) async fn groups_of(&self, door: &Door, list: &List<'_>) -> Result<Value, ScimError> {
        let with_members = list.filter.is_some() || list.projection.shows("members");
        let groups = self.groups(door, None, with_members).await?;
        let mut wanted: Vec<(i64, Map<String, Value>)> =
            (1..).zip(groups.into_values()).filter(|(_, group)| list.wants(group)).collect();
        wanted.sort_by_cached_key(|(place, group)| Ordered(list, list.cursor_of(group, *place)));
        let total = wanted.len();
        let past = match &list.start {
            Start::Index(past) => *past,
            Start::Cursor(None) => 0,
            Start::Cursor(Some(after)) => wanted
                .iter()
                .take_while(|(place, group)| list.order(&list.cursor_of(group, *place), after).is_le())
                .count(),
        };
        let page: Vec<&(i64, Map<String, Value>)> = wanted.iter().skip(past).take(list.count).collect();
        let last = page.last().filter(|_| past + page.len() < total);
        let next = last.map(|(place, group)| list.cursor_of(group, *place).written());
        let resources: Vec<Value> =
            page.iter().map(|(_, group)| Resource::new(group.clone(), &list.projection).body.into()).collect();
        let mut response = list_response(total, past + 1, resources);
        if let (Start::Cursor(_), Some(response)) = (&list.start, response.as_object_mut()) {
            response.remove("startIndex");
            response.extend(next.map(|next| ("nextCursor".to_owned(), next.into())));
        }
        Ok(response)
    }

    /// Shows an administration as a Group.
    pub async fn read_scim_group(
        &self,
        asker: &Asker,
        door: &Door,
        id: &str,
        wanted: Wanted<'_>,
    ) -> Result<Resource, ScimError> {
        let grant = asker.grant(Action::Provision)?;
        let projection = Projection::read(&schema::group(), wanted.attributes, wanted.excluded_attributes)?;
        let unknown = || ScimError::NotFound { kind: "group", id: id.to_owned() };
        let code = AdministrationCode::parse(id).map_err(|_| unknown())?;
        self.look(asker, &grant, Act { action: "scim.group.read", object: &format!("administration {code}") }).await?;
        let group = self.groups(door, Some(&code), true).await?.remove(&code).ok_or_else(unknown)?;
        Ok(Resource::new(group, &projection))
    }

    async fn groups(
        &self,
        door: &Door,
        only: Option<&AdministrationCode>,
        with_members: bool,
    ) -> Result<BTreeMap<AdministrationCode, Map<String, Value>>, StoreError> {
        let snapshot = self.store.snapshot().await?;
        let connection = snapshot.connection();
        let mut administrations =
            directory::administrations(connection, clock::known_through(connection).await?).await?;
        administrations.retain(|code, _| only.is_none_or(|only| only == code));
        let mut members =
            if with_members { scim::members(connection, only, self.today()).await? } else { BTreeMap::new() };
        let group = |(code, name): (AdministrationCode, String)| {
            let member = |id: UserId| {
                let reference = format!("{}/Users/{id}", door.base);
                json!({"value": id.to_string(), "$ref": reference, "type": "User"})
            };
            let members: Vec<Value> = members
                .remove(&code)
                .unwrap_or_default()
                .into_iter()
                .map(|(employee, generation)| member(UserId { employee, generation }))
                .collect();
            let mut group = Map::new();
            group.insert("schemas".to_owned(), json!([GROUP]));
            group.insert("id".to_owned(), code.as_str().into());
            group.insert("displayName".to_owned(), name.into());
            if !members.is_empty() {
                group.insert("members".to_owned(), members.into());
            }
            let location = group_location(&door.base, &code);
            group.insert("meta".to_owned(), json!({"resourceType": "Group", "location": location}));
            (code, group)
        };
        Ok(administrations.into_iter().map(group).collect())
    }
}

/// A place in the order that is asked for.
struct Ordered<'a>(&'a List<'a>, crate::intake::scim::paging::Cursor);

impl PartialEq for Ordered<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered<'_> {}

impl PartialOrd for Ordered<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.order(&self.1, &other.1)
    }
}
