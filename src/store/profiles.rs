//! The profiles of platforms, in their versions; a version is written once.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Set};

use super::clock::Change;
use super::entities::platform_profile;
use super::parsed::parsed;
use super::{StoreError, instant};
use crate::domain::ids::PlatformId;

/// A version of a platform's profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileVersion {
    /// 1 for the platform's first profile.
    pub version: u32,
    pub text: String,
    pub recorded_at: DateTime<Utc>,
}

/// The newest profile of a platform, if it has one.
pub async fn newest(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
) -> Result<Option<ProfileVersion>, StoreError> {
    use platform_profile::Column;
    let found = platform_profile::Entity::find()
        .filter(Column::PlatformId.eq(platform.0))
        .order_by_desc(Column::Version)
        .one(connection)
        .await?;
    found.map(version_of).transpose()
}

/// Every profile that a platform has had, oldest first.
pub async fn versions(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
) -> Result<Vec<ProfileVersion>, StoreError> {
    use platform_profile::Column;
    let found = platform_profile::Entity::find()
        .filter(Column::PlatformId.eq(platform.0))
        .order_by_asc(Column::Version)
        .all(connection)
        .await?;
    found.into_iter().map(version_of).collect()
}

fn version_of(row: platform_profile::Model) -> Result<ProfileVersion, StoreError> {
    Ok(ProfileVersion {
        version: parsed(u32::try_from(row.version), "platform_profile", "version")?,
        text: row.text,
        recorded_at: instant::read(row.recorded_at),
    })
}

/// Gives a platform a new profile; from the commit on it is the newest.
pub async fn insert(change: &Change, platform: PlatformId, version: u32, text: &str) -> Result<(), StoreError> {
    let row = platform_profile::ActiveModel {
        platform_id: Set(platform.0),
        version: Set(parsed(i32::try_from(version), "platform_profile", "version")?),
        text: Set(text.to_owned()),
        recorded_at: Set(change.at()),
        ..Default::default()
    };
    platform_profile::Entity::insert(row).exec_without_returning(change.connection()).await?;
    Ok(())
}
