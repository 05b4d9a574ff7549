//! The groups that an identity provider writes, and their members.
//!
//! A membership is a fact with the time during which it was known; only the current state of a group itself is stored.
//! No function here reads all members of a group unless the caller wants them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde::Serialize;

use super::chain::alterations;
use super::clock::Change;
use super::entities::{scim_group, scim_member};
use super::rows::insertion::insert_in_chunks;
use super::rows::row;
use super::sql::IN_AT_ONCE;
use super::{StoreError, instant};

/// A group of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimGroup {
    pub id: i64,
    pub display_name: String,
    /// The provider's own id.
    pub external_id: Option<String>,
    /// Increases with every change, also of the members.
    pub revision: i64,
    pub created_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
}

fn group_of(row: scim_group::Model) -> ScimGroup {
    ScimGroup {
        id: row.id,
        display_name: row.display_name,
        external_id: row.external_id,
        revision: row.revision,
        created_at: instant::read(row.created_at),
        changed_at: instant::read(row.changed_at),
    }
}

/// Creates a group without members.
pub async fn insert(change: &Change, display_name: &str, external_id: Option<&str>) -> Result<ScimGroup, StoreError> {
    let row = scim_group::ActiveModel {
        display_name: Set(display_name.to_owned()),
        external_id: Set(external_id.map(ToOwned::to_owned)),
        revision: Set(1),
        deleted: Set(false),
        created_at: Set(change.at()),
        changed_at: Set(change.at()),
        ..Default::default()
    };
    let row = scim_group::Entity::insert(row).exec_with_returning(change.connection()).await?;
    alterations::note(change, "scim_group", &[row.id.to_string()]).await?;
    Ok(group_of(row))
}

/// Stores the current name of a group, under the next revision; returns that revision.
pub async fn save(change: &Change, group: &ScimGroup) -> Result<ScimGroup, StoreError> {
    let row = scim_group::ActiveModel {
        display_name: Set(group.display_name.clone()),
        external_id: Set(group.external_id.clone()),
        revision: Set(group.revision.saturating_add(1)),
        changed_at: Set(change.at()),
        ..Default::default()
    };
    set(change, group.id, row).await?;
    let group = group.clone();
    Ok(ScimGroup { revision: group.revision.saturating_add(1), changed_at: instant::read(change.at()), ..group })
}

/// Deletes a group that has no members any more.
pub async fn delete(change: &Change, group: &ScimGroup) -> Result<(), StoreError> {
    let row = scim_group::ActiveModel {
        deleted: Set(true),
        external_id: Set(None),
        revision: Set(group.revision.saturating_add(1)),
        changed_at: Set(change.at()),
        ..Default::default()
    };
    set(change, group.id, row).await
}

async fn set(change: &Change, id: i64, row: scim_group::ActiveModel) -> Result<(), StoreError> {
    let only = scim_group::Entity::update_many().set(row).filter(scim_group::Column::Id.eq(id));
    only.exec(change.connection()).await?;
    alterations::note(change, "scim_group", &[id.to_string()]).await
}

/// The group with an id.
pub async fn by_id(connection: &impl ConnectionTrait, id: i64) -> Result<Option<ScimGroup>, StoreError> {
    let found = scim_group::Entity::find_by_id(id).filter(scim_group::Column::Deleted.eq(false));
    Ok(found.one(connection).await?.map(group_of))
}

/// The group with a provider's own id.
pub async fn by_external_id(connection: &impl ConnectionTrait, id: &str) -> Result<Option<ScimGroup>, StoreError> {
    let found = scim_group::Entity::find().filter(scim_group::Column::ExternalId.eq(id));
    Ok(found.filter(scim_group::Column::Deleted.eq(false)).one(connection).await?.map(group_of))
}

/// Every group, the oldest first.
pub async fn list(connection: &impl ConnectionTrait) -> Result<Vec<ScimGroup>, StoreError> {
    let found = scim_group::Entity::find().filter(scim_group::Column::Deleted.eq(false));
    Ok(found.order_by_asc(scim_group::Column::Id).all(connection).await?.into_iter().map(group_of).collect())
}

/// The ids of the members of a group, or of every group, by group.
pub async fn members(
    connection: &impl ConnectionTrait,
    group: Option<i64>,
) -> Result<BTreeMap<i64, BTreeSet<String>>, StoreError> {
    use scim_member::Column;
    let mut found = scim_member::Entity::find().select_only().columns([Column::GroupId, Column::UserId]);
    if let Some(group) = group {
        found = found.filter(Column::GroupId.eq(group));
    }
    let rows: Vec<(i64, String)> = found.filter(Column::SupersededAt.is_null()).into_tuple().all(connection).await?;
    let mut members: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for (group, user) in rows {
        members.entry(group).or_default().insert(user);
    }
    Ok(members)
}

/// Which of some users are members of a group.
pub async fn members_among(
    connection: &impl ConnectionTrait,
    group: i64,
    users: &BTreeSet<String>,
) -> Result<BTreeSet<String>, StoreError> {
    use scim_member::Column;
    let users: Vec<&String> = users.iter().collect();
    let mut found = BTreeSet::new();
    for users in users.chunks(IN_AT_ONCE) {
        let rows = scim_member::Entity::find().select_only().column(Column::UserId);
        let rows = rows.filter(Column::GroupId.eq(group)).filter(Column::SupersededAt.is_null());
        let rows = rows.filter(Column::UserId.is_in(users.iter().copied()));
        found.extend(rows.into_tuple::<String>().all(connection).await?);
    }
    Ok(found)
}

/// The groups of some users, by user.
pub async fn groups_of(
    connection: &impl ConnectionTrait,
    users: &[String],
) -> Result<BTreeMap<String, Vec<ScimGroup>>, StoreError> {
    use scim_member::Column;
    let mut memberships: Vec<(i64, String)> = Vec::new();
    for users in users.chunks(IN_AT_ONCE) {
        let rows = scim_member::Entity::find().select_only().columns([Column::GroupId, Column::UserId]);
        let rows = rows.filter(Column::UserId.is_in(users)).filter(Column::SupersededAt.is_null());
        memberships.extend(rows.into_tuple::<(i64, String)>().all(connection).await?);
    }
    if memberships.is_empty() {
        return Ok(BTreeMap::new());
    }
    memberships.sort();
    let named: BTreeSet<i64> = memberships.iter().map(|(group, _)| *group).collect();
    let rows = scim_group::Entity::find().filter(scim_group::Column::Id.is_in(named)).all(connection).await?;
    let groups: BTreeMap<i64, ScimGroup> = rows.into_iter().map(|row| (row.id, group_of(row))).collect();
    let mut found: BTreeMap<String, Vec<ScimGroup>> = BTreeMap::new();
    for (group, user) in memberships {
        found.entry(user).or_default().extend(groups.get(&group).cloned());
    }
    Ok(found)
}

row! {
    #[derive(Debug, Serialize)]
    struct MemberRow<'a> in scim_member {
        group_id: i64,
        user_id: &'a str,
        recorded_at: i64,
    }
}

/// Makes some users members of a group; they are not members yet.
pub async fn add(change: &Change, group: i64, users: &BTreeSet<String>) -> Result<(), StoreError> {
    let at = change.at();
    let rows: Vec<MemberRow<'_>> =
        users.iter().map(|user| MemberRow { group_id: group, user_id: user, recorded_at: at }).collect();
    insert_in_chunks(change.connection(), &rows, &|_| {}).await
}

/// Ends the membership of some users in a group.
pub async fn remove(change: &Change, group: i64, users: &BTreeSet<String>) -> Result<(), StoreError> {
    use scim_member::Column;
    let users: Vec<&String> = users.iter().collect();
    for users in users.chunks(IN_AT_ONCE) {
        let ended = scim_member::ActiveModel { superseded_at: Set(Some(change.at())), ..Default::default() };
        let only = scim_member::Entity::update_many().set(ended).filter(Column::GroupId.eq(group));
        let only = only.filter(Column::SupersededAt.is_null()).filter(Column::UserId.is_in(users.iter().copied()));
        only.exec(change.connection()).await?;
    }
    Ok(())
}

/// Ends every membership of a deleted user.
pub async fn leave_all(change: &Change, user: &str) -> Result<(), StoreError> {
    let groups = groups_of(change.connection(), &[user.to_owned()]).await?;
    for group in groups.into_values().flatten() {
        remove(change, group.id, &BTreeSet::from([user.to_owned()])).await?;
        save(change, &group).await?;
    }
    Ok(())
}
