//! Groups, read: the provider's own, and the administrations, read-only, with those who are employed there today.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::write_group::version_of_group;
use super::{Resource, ScimEndpoint, ScimError, Wanted, version_of};
use crate::app::{App, Caller, StoreError};
use crate::domain::access::Action;
use crate::domain::ids::{AdministrationCode, EmployeeId};
use crate::intake::scim::discovery::list_response;
use crate::intake::scim::group::{GroupId, GroupView, write};
use crate::intake::scim::paging::{List, ListText, Start};
use crate::intake::scim::resource::Projection;
use crate::intake::scim::schema;
use crate::intake::scim::user::{UserId, group_location, instant};
use crate::store::scim_groups::{self, ScimGroup};
use crate::store::{Act, Connection, Reading, clock, directory, scim};

/// Where the provider's groups come in the order of all: after the administrations.
const PROVIDED: i64 = 1 << 32;

/// A group as it is shown.
struct Shown {
    /// Its place in the order of all.
    place: i64,
    resource: Map<String, Value>,
    /// Empty where the members were not looked at for whom it would stand.
    version: String,
}

/// A provider's group as it is shown.
pub(super) fn shown_group(group: &ScimGroup, members: BTreeSet<String>, base: &str) -> Map<String, Value> {
    let id = GroupId(group.id).to_string();
    let (created, changed) = (instant(group.created_at), instant(group.changed_at));
    let view = GroupView {
        id: &id,
        display_name: &group.display_name,
        external_id: group.external_id.as_deref(),
        times: Some((&created, &changed)),
        location: &format!("{base}/Groups/{id}"),
    };
    write(view, members.into_iter(), base)
}

impl App {
    /// Answers a ListResponse of groups.
    pub async fn list_scim_groups(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        text: &ListText,
    ) -> Result<Value, ScimError> {
        let grant = caller.grant(Action::Provision)?;
        let schemas = schema::group();
        let list = text.understand(&schemas)?;
        let reading = self.begin_read(caller, &grant, Act { action: "scim.groups.read", object: "groups" }).await?;
        self.groups_of(&reading, endpoint, &list).await
    }

    /// A ListResponse of the groups that a question is about. Members are looked at only where it asks for them.
    pub(super) async fn groups_of(
        &self,
        reading: &Reading,
        endpoint: &ScimEndpoint,
        list: &List<'_>,
    ) -> Result<Value, ScimError> {
        let is_pulled =
            list.filter.as_ref().is_some_and(|filter| filter.looks_at("members")) || list.sorts_by("members");
        let with_members = is_pulled || list.projection.shows("members");
        let connection = reading.connection();
        let mut groups = self.administrations(connection, endpoint, None, with_members).await?;
        groups.extend(provided(connection, endpoint, with_members).await?);
        let mut wanted: Vec<Shown> = groups.into_iter().filter(|group| list.wants(&group.resource)).collect();
        wanted.sort_by_cached_key(|group| Ordered(list, list.cursor_of(&group.resource, group.place)));
        let total = wanted.len();
        let past = match &list.start {
            Start::Index(past) => *past,
            Start::Cursor(None) => 0,
            Start::Cursor(Some(after)) => wanted
                .iter()
                .take_while(|group| list.order(&list.cursor_of(&group.resource, group.place), after).is_le())
                .count(),
        };
        let page: Vec<&Shown> = wanted.iter().skip(past).take(list.count).collect();
        let last = page.last().filter(|_| past + page.len() < total);
        let next = last.map(|group| list.cursor_of(&group.resource, group.place).written());
        let shown = |group: &&Shown| {
            Resource::of_version(group.resource.clone(), group.version.clone(), &list.projection).body.into()
        };
        let resources: Vec<Value> = page.iter().map(shown).collect();
        let mut response = list_response(total, past + 1, resources);
        if let (Start::Cursor(_), Some(response)) = (&list.start, response.as_object_mut()) {
            response.remove("startIndex");
            response.extend(next.map(|next| ("nextCursor".to_owned(), next.into())));
        }
        Ok(response)
    }

    /// Shows a group. Members that the client excludes are not read.
    pub async fn read_scim_group(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        id: &str,
        wanted: Wanted<'_>,
    ) -> Result<Resource, ScimError> {
        let grant = caller.grant(Action::Provision)?;
        let projection = Projection::read(&schema::group(), wanted.attributes, wanted.excluded_attributes)?;
        let unknown = || ScimError::NotFound { kind: "group", id: id.to_owned() };
        let with_members = projection.shows("members");
        if let Some(GroupId(key)) = GroupId::parse(id) {
            let object = format!("group {id}");
            let reading = self.begin_read(caller, &grant, Act { action: "scim.group.read", object: &object }).await?;
            let connection = reading.connection();
            if let Some(group) = scim_groups::by_id(connection, key).await? {
                let members = if with_members {
                    scim_groups::members(connection, Some(key)).await?.remove(&key).unwrap_or_default()
                } else {
                    BTreeSet::new()
                };
                let shown = shown_group(&group, members, &endpoint.base);
                return Ok(Resource::of_version(shown, version_of_group(&group), &projection));
            }
        }
        let code = AdministrationCode::parse(id).map_err(|_| unknown())?;
        let object = format!("administration {code}");
        let reading = self.begin_read(caller, &grant, Act { action: "scim.group.read", object: &object }).await?;
        let group = self.administrations(reading.connection(), endpoint, Some(&code), with_members).await?.pop();
        let group = group.ok_or_else(unknown)?;
        Ok(Resource::of_version(group.resource, group.version, &projection))
    }

    async fn administrations(
        &self,
        connection: &impl Connection,
        endpoint: &ScimEndpoint,
        only: Option<&AdministrationCode>,
        with_members: bool,
    ) -> Result<Vec<Shown>, StoreError> {
        let mut administrations =
            directory::administrations(connection, clock::known_through(connection).await?).await?;
        administrations.retain(|code, _| only.is_none_or(|only| only == code));
        let mut members =
            if with_members { scim::members(connection, only, self.today()).await? } else { BTreeMap::new() };
        let waited = if with_members { scim::waited(connection).await? } else { BTreeMap::new() };
        let user = |(employee, generation): (EmployeeId, u32)| {
            UserId { employee, generation, waited_as: waited.get(&(employee, generation)).copied() }.to_string()
        };
        let group = |(place, (code, name)): (i64, (AdministrationCode, String))| {
            let view = GroupView {
                id: code.as_str(),
                display_name: &name,
                external_id: None,
                times: None,
                location: &group_location(&endpoint.base, &code),
            };
            let resource = write(view, members.remove(&code).unwrap_or_default().into_iter().map(user), &endpoint.base);
            let version = if with_members { version_of(&resource) } else { String::new() };
            Shown { place, resource, version }
        };
        Ok((1..).zip(administrations).map(group).collect())
    }
}

/// The provider's groups.
async fn provided(
    connection: &impl Connection,
    endpoint: &ScimEndpoint,
    with_members: bool,
) -> Result<Vec<Shown>, StoreError> {
    let groups = scim_groups::list(connection).await?;
    let mut members = if with_members { scim_groups::members(connection, None).await? } else { BTreeMap::new() };
    let shown = |group: ScimGroup| Shown {
        place: PROVIDED.saturating_add(group.id),
        resource: shown_group(&group, members.remove(&group.id).unwrap_or_default(), &endpoint.base),
        version: version_of_group(&group),
    };
    Ok(groups.into_iter().map(shown).collect())
}

/// A place in the requested order.
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
