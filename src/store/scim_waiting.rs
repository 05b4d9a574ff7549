//! Users of an identity provider whom the directory does not know yet.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use super::chain::alterations;
use super::clock::Change;
use super::entities::scim_waiting::{ActiveModel, Column, Entity, Model};
use super::parsed::parsed;
use super::sql::{IN_AT_ONCE, statement};
use super::{StoreError, instant};
use crate::domain::linking::normalized;

const WAITING: &str = "waiting";

/// A user that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingUser {
    pub id: i64,
    pub user: Waiting,
    pub created_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
}

/// What a provider wrote about a user that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub active: bool,
    pub user_name: String,
    pub email: Option<String>,
    pub external_id: Option<String>,
    /// The User, as far as it is stored.
    pub resource: serde_json::Map<String, serde_json::Value>,
}

/// How a user stopped waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The directory knows the person.
    Known,
    Deleted,
}

fn waiting_of(row: Model) -> Result<WaitingUser, StoreError> {
    let user = Waiting {
        active: row.active,
        user_name: row.user_name,
        email: row.email_key,
        external_id: row.external_id,
        resource: parsed(serde_json::from_str(&row.resource), "scim_waiting", "resource")?,
    };
    let (created_at, changed_at) = (instant::read(row.created_at), instant::read(row.changed_at));
    Ok(WaitingUser { id: row.id, user, created_at, changed_at })
}

fn row_of(change: &Change, user: &Waiting) -> ActiveModel {
    ActiveModel {
        state: Set(WAITING.to_owned()),
        active: Set(user.active),
        user_name: Set(user.user_name.clone()),
        user_name_key: Set(normalized(&user.user_name)),
        email_key: Set(user.email.as_deref().map(normalized)),
        external_id: Set(user.external_id.clone()),
        resource: Set(serde_json::Value::Object(user.resource.clone()).to_string()),
        changed_at: Set(change.at()),
        ..Default::default()
    }
}

/// Stores a user that waits from now on; returns the id.
pub async fn insert(change: &Change, user: &Waiting) -> Result<i64, StoreError> {
    let row = ActiveModel { created_at: Set(change.at()), ..row_of(change, user) };
    let row = Entity::insert(row).exec_with_returning(change.connection()).await?;
    alterations::note(change, "scim_waiting", &[row.id.to_string()]).await?;
    Ok(row.id)
}

/// Stores the new data of a user.
pub async fn save(change: &Change, id: i64, user: &Waiting) -> Result<(), StoreError> {
    set(change, id, row_of(change, user)).await
}

/// The user waits no more; its data is deleted here.
pub async fn end(change: &Change, id: i64, how: Ended) -> Result<(), StoreError> {
    let state = match how {
        Ended::Known => "known",
        Ended::Deleted => "deleted",
    };
    let row = ActiveModel {
        state: Set(state.to_owned()),
        active: Set(false),
        user_name: Set(String::new()),
        user_name_key: Set(String::new()),
        email_key: Set(None),
        external_id: Set(None),
        resource: Set("{}".to_owned()),
        changed_at: Set(change.at()),
        ..Default::default()
    };
    set(change, id, row).await
}

async fn set(change: &Change, id: i64, row: ActiveModel) -> Result<(), StoreError> {
    Entity::update_many().set(row).filter(Column::Id.eq(id)).exec(change.connection()).await?;
    alterations::note(change, "scim_waiting", &[id.to_string()]).await
}

fn who_wait() -> sea_orm::Select<Entity> {
    Entity::find().filter(Column::State.eq(WAITING)).order_by_asc(Column::Id)
}

async fn all(
    connection: &impl ConnectionTrait,
    found: sea_orm::Select<Entity>,
) -> Result<Vec<WaitingUser>, StoreError> {
    found.all(connection).await?.into_iter().map(waiting_of).collect()
}

pub async fn by_id(connection: &impl ConnectionTrait, id: i64) -> Result<Option<WaitingUser>, StoreError> {
    Ok(all(connection, who_wait().filter(Column::Id.eq(id))).await?.pop())
}

/// Which of some ids are those of users that wait.
pub async fn existing(connection: &impl ConnectionTrait, ids: &[i64]) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::new();
    for ids in ids.chunks(IN_AT_ONCE) {
        let rows = who_wait().select_only().column(Column::Id).filter(Column::Id.is_in(ids.iter().copied()));
        found.extend(rows.into_tuple::<i64>().all(connection).await?);
    }
    Ok(found)
}

pub async fn by_user_name(
    connection: &impl ConnectionTrait,
    user_name: &str,
) -> Result<Option<WaitingUser>, StoreError> {
    Ok(all(connection, who_wait().filter(Column::UserNameKey.eq(normalized(user_name)))).await?.pop())
}

/// All waiting users that may match a value: a user name, an address or a provider's own id.
pub async fn candidates(connection: &impl ConnectionTrait, value: &str) -> Result<Vec<WaitingUser>, StoreError> {
    let key = normalized(value);
    let any = Condition::any()
        .add(Column::UserNameKey.eq(key.as_str()))
        .add(Column::EmailKey.eq(key.as_str()))
        .add(Column::ExternalId.eq(value));
    all(connection, who_wait().filter(any)).await
}

/// How many wait.
pub async fn count(connection: &impl ConnectionTrait) -> Result<u64, StoreError> {
    let row = connection
        .query_one_raw(statement(
            connection,
            "SELECT COUNT(*) AS n FROM scim_waiting WHERE state = $1",
            [WAITING.into()],
        ))
        .await?;
    let count: i64 = row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default();
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Waiting users after an id, at most so many.
pub async fn after(connection: &impl ConnectionTrait, id: i64, at_most: u64) -> Result<Vec<WaitingUser>, StoreError> {
    all(connection, who_wait().filter(Column::Id.gt(id)).limit(at_most)).await
}

/// Waiting users after the first so many, at most so many.
pub async fn page(connection: &impl ConnectionTrait, past: u64, at_most: u64) -> Result<Vec<WaitingUser>, StoreError> {
    all(connection, who_wait().offset(past).limit(at_most)).await
}

/// Waiting users after an id, if somebody in the directory has or had their address or user name; at most so many.
pub async fn perhaps_known(
    connection: &impl ConnectionTrait,
    after: i64,
    at_most: u64,
) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT w.id AS id FROM scim_waiting w WHERE w.state = $1 AND w.id > $2 AND EXISTS (
                   SELECT 1 FROM identity_claim c
                   WHERE c.key IN ('email', 'username') AND c.value IN (w.user_name_key, w.email_key)
               ) ORDER BY w.id LIMIT $3";
    let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
    let values = [WAITING.into(), after.into(), at_most.into()];
    let rows = connection.query_all_raw(statement(connection, sql, values)).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}
