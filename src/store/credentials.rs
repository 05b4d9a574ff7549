//! Keys and secrets of platforms that send both in every request. Only digests of secrets are stored.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, Set};

use super::chain::alterations;
use super::clock::Change;
use super::entities::{platform, platform_credential};
use super::platforms::{OldSecrets, Platform, platform_of};
use super::{StoreError, instant};
use crate::domain::ids::PlatformId;

/// A known key, and the platform that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    pub platform: Platform,
    pub secret_digest: Vec<u8>,
    /// When it expires; `None` if no end is set.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Adds a key.
pub async fn add(
    change: &Change,
    platform: PlatformId,
    (key, secret_digest): (&str, &[u8]),
    old: OldSecrets,
) -> Result<(), StoreError> {
    use platform_credential::Column;
    let until = old.until(change);
    let old = Condition::all()
        .add(Column::PlatformId.eq(platform.0))
        .add(Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(until)));
    let affected = platform_credential::Entity::find().select_only().column(Column::Id).filter(old.clone());
    let mut touched: Vec<i64> = affected.into_tuple().all(change.connection()).await?;
    platform_credential::Entity::update_many()
        .set(platform_credential::ActiveModel { expires_at: Set(Some(until)), ..Default::default() })
        .filter(old)
        .exec(change.connection())
        .await?;
    let row = platform_credential::ActiveModel {
        platform_id: Set(platform.0),
        key: Set(key.to_owned()),
        secret_digest: Set(secret_digest.to_vec()),
        created_at: Set(change.at()),
        expires_at: Set(None),
        ..Default::default()
    };
    touched.push(platform_credential::Entity::insert(row).exec(change.connection()).await?.last_insert_id);
    let touched: Vec<String> = touched.iter().map(ToString::to_string).collect();
    alterations::note(change, "platform_credential", &touched).await
}

/// A key, whether it has expired or not.
pub async fn by_key(connection: &impl ConnectionTrait, key: &str) -> Result<Option<Credential>, StoreError> {
    let found =
        platform_credential::Entity::find().filter(platform_credential::Column::Key.eq(key)).one(connection).await?;
    let Some(found) = found else { return Ok(None) };
    let of = platform::Entity::find_by_id(found.platform_id).one(connection).await?;
    let of = of.ok_or(StoreError::Unreadable { table: "platform_credential", column: "platform_id" })?;
    Ok(Some(Credential {
        platform: platform_of(of)?,
        secret_digest: found.secret_digest,
        expires_at: found.expires_at.map(instant::read),
    }))
}
