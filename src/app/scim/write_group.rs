//! A provider's groups, written: created, renamed, given members, deleted. A group that the configuration ties to an
//! administration says where its members work.

use serde_json::Value;

use super::groups::shown_group;
use super::write::Writing;
use super::{Precondition, Resource, ScimEndpoint, ScimError, Wanted};
use crate::app::{App, Caller};
use crate::domain::access::Action;
use crate::domain::ids::AdministrationCode;
use crate::intake::scim::group::{GroupId, GroupPatch, MemberChange, read, read_patch};
use crate::intake::scim::resource::Projection;
use crate::intake::scim::schema;
use crate::store::scim_groups::{self, ScimGroup};

/// The answer to a PATCH of a group.
#[derive(Debug)]
pub enum PatchedGroup {
    /// The client named the attributes that it wants to see.
    Shown(Resource),
    /// Its ETag alone: it may have many thousand members.
    Version(String),
}

impl PatchedGroup {
    /// The group, if it is shown.
    #[must_use]
    pub fn shown(self) -> Option<Resource> {
        match self {
            Self::Shown(resource) => Some(resource),
            Self::Version(_) => None,
        }
    }
}

/// The update of a group.
struct GroupUpdate<'a> {
    display_name: &'a str,
    external_id: Option<&'a str>,
    members: &'a [MemberChange],
}

impl App {
    /// Creates a group.
    pub async fn create_scim_group(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        body: &Value,
        wanted: Wanted<'_>,
    ) -> Result<Resource, ScimError> {
        let grant = caller.grant(Action::Provision)?;
        let projection = Projection::read(&schema::group(), wanted.attributes, wanted.excluded_attributes)?;
        let text = read(body)?;
        let writing = Writing::begin(self, caller, &grant, endpoint).await?;
        writing.no_other_has(text.external_id.as_deref(), None).await?;
        let group = scim_groups::insert(&writing.change, &text.display_name, text.external_id.as_deref()).await?;
        let stands_for = writing.stands_for(&text.display_name, text.external_id.as_deref())?;
        let members = [MemberChange::Add(text.members)];
        writing.change_members(group.id, &members, (stands_for.as_ref(), stands_for.as_ref())).await?;
        writing.group_done(&group, "scim.group.create", &projection).await
    }

    /// Replaces a group (PUT). Members that are not named are removed.
    pub async fn replace_scim_group(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        id: &str,
        precondition: Precondition<'_>,
        body: &Value,
        wanted: Wanted<'_>,
    ) -> Result<Resource, ScimError> {
        let grant = caller.grant(Action::Provision)?;
        let projection = Projection::read(&schema::group(), wanted.attributes, wanted.excluded_attributes)?;
        let writing = Writing::begin(self, caller, &grant, endpoint).await?;
        let group = writing.find_group(id, precondition).await?;
        let text = read(body)?;
        let members = [MemberChange::Replace(text.members)];
        let update = GroupUpdate {
            display_name: &text.display_name,
            external_id: text.external_id.as_deref(),
            members: &members,
        };
        let group = writing.apply_group(&group, update).await?;
        writing.group_done(&group, "scim.group.replace", &projection).await
    }

    /// Changes parts of a group (PATCH); of its members only the named ones are read.
    pub async fn patch_scim_group(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        id: &str,
        precondition: Precondition<'_>,
        body: &Value,
        wanted: Wanted<'_>,
    ) -> Result<PatchedGroup, ScimError> {
        let grant = caller.grant(Action::Provision)?;
        let projection = Projection::read(&schema::group(), wanted.attributes, wanted.excluded_attributes)?;
        let is_wanted = wanted.attributes.is_some() || wanted.excluded_attributes.is_some();
        let writing = Writing::begin(self, caller, &grant, endpoint).await?;
        let group = writing.find_group(id, precondition).await?;
        let GroupPatch { display_name, external_id, members } = read_patch(body)?;
        let external_id = external_id.unwrap_or_else(|| group.external_id.clone());
        let display_name = display_name.unwrap_or_else(|| group.display_name.clone());
        let update =
            GroupUpdate { display_name: &display_name, external_id: external_id.as_deref(), members: &members };
        let group = writing.apply_group(&group, update).await?;
        if is_wanted {
            return Ok(PatchedGroup::Shown(writing.group_done(&group, "scim.group.patch", &projection).await?));
        }
        writing.done("scim.group.patch", &format!("group {}", GroupId(group.id))).await?;
        Ok(PatchedGroup::Version(version_of_group(&group)))
    }

    /// Deletes a group: its memberships end, and so do the employments that it carried.
    pub async fn delete_scim_group(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        id: &str,
        precondition: Precondition<'_>,
    ) -> Result<(), ScimError> {
        let grant = caller.grant(Action::Provision)?;
        let writing = Writing::begin(self, caller, &grant, endpoint).await?;
        let group = writing.find_group(id, precondition).await?;
        let stands_for = endpoint.mapping.administration_of_group(&group.display_name, group.external_id.as_deref());
        let members = [MemberChange::Replace(std::collections::BTreeSet::new())];
        writing.change_members(group.id, &members, (stands_for, None)).await?;
        scim_groups::delete(&writing.change, &group).await?;
        writing.done("scim.group.delete", &format!("group {}", GroupId(group.id))).await
    }
}

/// The ETag of a group: its revision.
pub(super) fn version_of_group(group: &ScimGroup) -> String {
    format!("W/\"{}\"", group.revision)
}

impl Writing<'_> {
    /// The provider's group with an id, if the client saw this version of it. Administrations are groups that cannot be
    /// written.
    async fn find_group(&self, id: &str, precondition: Precondition<'_>) -> Result<ScimGroup, ScimError> {
        let found = match GroupId::parse(id) {
            Some(GroupId(id)) => scim_groups::by_id(self.change.connection(), id).await?,
            None => None,
        };
        let Some(group) = found else {
            let is_administration = self.administrations.keys().any(|code| code.as_str() == id);
            return Err(if is_administration {
                ScimError::GroupsAreReadOnly
            } else {
                ScimError::NotFound { kind: "group", id: id.to_owned() }
            });
        };
        if precondition.holds(&version_of_group(&group)) { Ok(group) } else { Err(ScimError::OtherVersion) }
    }

    /// A provider's own id belongs to one group: a client that sends a group again after losing the answer gets its
    /// location.
    async fn no_other_has(&self, external_id: Option<&str>, own: Option<i64>) -> Result<(), ScimError> {
        let Some(external_id) = external_id else { return Ok(()) };
        match scim_groups::by_external_id(self.change.connection(), external_id).await? {
            Some(other) if Some(other.id) != own => {
                let location = format!("{}/Groups/{}", self.endpoint.base, GroupId(other.id));
                Err(ScimError::GroupExists { location })
            }
            _ => Ok(()),
        }
    }

    /// Applies an update, and returns the resulting group; an unchanged group keeps its version.
    async fn apply_group(&self, group: &ScimGroup, update: GroupUpdate<'_>) -> Result<ScimGroup, ScimError> {
        self.no_other_has(update.external_id, Some(group.id)).await?;
        let mapping = &self.endpoint.mapping;
        let before = mapping.administration_of_group(&group.display_name, group.external_id.as_deref());
        let after = self.stands_for(update.display_name, update.external_id)?;
        let has_other_members = self.change_members(group.id, update.members, (before, after.as_ref())).await?;
        let is_called_otherwise =
            group.display_name != update.display_name || group.external_id.as_deref() != update.external_id;
        if !has_other_members && !is_called_otherwise {
            return Ok(group.clone());
        }
        let called = ScimGroup {
            display_name: update.display_name.to_owned(),
            external_id: update.external_id.map(ToOwned::to_owned),
            ..group.clone()
        };
        let saved = scim_groups::save(&self.change, &called).await?;
        if before != after.as_ref() {
            self.carry_anew(&saved, (before, after.as_ref())).await?;
        }
        Ok(saved)
    }

    /// Changes the members; returns whether they changed. `before` and `after` are the administrations that the group
    /// represented and represents: if they differ, this function does not handle the members who stay.
    async fn change_members(
        &self,
        group: i64,
        changes: &[MemberChange],
        (before, after): (Option<&AdministrationCode>, Option<&AdministrationCode>),
    ) -> Result<bool, ScimError> {
        let membership = self.membership(group, changes).await?;
        if membership.is_empty() {
            return Ok(false);
        }
        let joining = self.users_named(&membership.joining, true).await?;
        scim_groups::remove(&self.change, group, &membership.leaving).await?;
        scim_groups::add(&self.change, group, &membership.joining).await?;
        if let Some(code) = before {
            let leaving = self.users_named(&membership.leaving, false).await?;
            self.carry(code, &leaving.known, false).await?;
        }
        if let Some(code) = after {
            self.carry(code, &joining.known, true).await?;
        }
        Ok(true)
    }

    /// Moves the members of a group whose new name represents another administration.
    async fn carry_anew(
        &self,
        group: &ScimGroup,
        (before, after): (Option<&AdministrationCode>, Option<&AdministrationCode>),
    ) -> Result<(), ScimError> {
        let members = scim_groups::members(self.change.connection(), Some(group.id)).await?;
        let members = self.users_named(&members.into_values().next().unwrap_or_default(), false).await?;
        if let Some(code) = before {
            self.carry(code, &members.known, false).await?;
        }
        if let Some(code) = after {
            self.carry(code, &members.known, true).await?;
        }
        Ok(())
    }

    async fn group_done(
        self,
        group: &ScimGroup,
        action: &'static str,
        projection: &Projection,
    ) -> Result<Resource, ScimError> {
        let members = if projection.shows("members") {
            scim_groups::members(self.change.connection(), Some(group.id)).await?.into_values().next()
        } else {
            None
        };
        let shown = shown_group(group, members.unwrap_or_default(), &self.endpoint.base);
        self.done(action, &format!("group {}", GroupId(group.id))).await?;
        Ok(Resource::of_version(shown, version_of_group(group), projection))
    }
}
