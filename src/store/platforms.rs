//! The platforms that may send, and their secrets.

use chrono::{DateTime, Duration, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Set, SqlErr,
};

use super::chain::alterations;
use super::clock::Change;
use super::entities::{platform, platform_secret};
use super::links::LinkOrders;
use super::parsed::parsed;
use super::{StoreError, instant};
use crate::domain::ids::{PlatformCode, PlatformId};
use crate::domain::linking::LinkingKey;

/// How long an old secret stays valid after a rotation.
pub const OLD_SECRET_HOLDS: Duration = Duration::days(1);

/// A learning platform that is allowed to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    pub id: PlatformId,
    pub code: PlatformCode,
    pub adapter: String,
    /// The strongest key first.
    pub linking_keys: Vec<LinkingKey>,
    /// The time zone for times without an offset.
    pub time_zone: chrono_tz::Tz,
}

/// A platform with the code exists already.
#[derive(Debug, thiserror::Error)]
pub enum InsertPlatformError {
    #[error("the code is taken")]
    CodeTaken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(super) fn platform_of(row: platform::Model) -> Result<Platform, StoreError> {
    let keys: Option<Vec<LinkingKey>> = row.linking_keys.split(',').map(LinkingKey::parse).collect();
    Ok(Platform {
        id: PlatformId(row.id),
        code: parsed(PlatformCode::parse(&row.code), "platform", "code")?,
        adapter: row.adapter,
        linking_keys: keys.ok_or(StoreError::Unreadable { table: "platform", column: "linking_keys" })?,
        time_zone: parsed(row.time_zone.parse(), "platform", "time_zone")?,
    })
}

/// All platforms, by code.
pub async fn list(connection: &impl ConnectionTrait) -> Result<Vec<Platform>, StoreError> {
    let rows = platform::Entity::find().order_by_asc(platform::Column::Code).all(connection).await?;
    rows.into_iter().map(platform_of).collect()
}

pub async fn by_code(connection: &impl ConnectionTrait, code: &PlatformCode) -> Result<Option<Platform>, StoreError> {
    let found = platform::Entity::find().filter(platform::Column::Code.eq(code.as_str())).one(connection).await?;
    found.map(platform_of).transpose()
}

/// The linking keys of every platform.
pub async fn link_orders(connection: &impl ConnectionTrait) -> Result<LinkOrders, StoreError> {
    Ok(list(connection).await?.into_iter().map(|platform| (platform.id, platform.linking_keys)).collect())
}

/// Adds a platform.
pub async fn insert(
    change: &Change,
    code: &PlatformCode,
    adapter: &str,
    linking_keys: &[LinkingKey],
    time_zone: chrono_tz::Tz,
) -> Result<PlatformId, InsertPlatformError> {
    let keys: Vec<&str> = linking_keys.iter().map(|key| key.as_str()).collect();
    let row = platform::ActiveModel {
        code: Set(code.to_string()),
        adapter: Set(adapter.to_owned()),
        linking_keys: Set(keys.join(",")),
        time_zone: Set(time_zone.name().to_owned()),
        recorded_at: Set(change.at()),
        ..Default::default()
    };
    match platform::Entity::insert(row).exec(change.connection()).await {
        Ok(inserted) => Ok(PlatformId(inserted.last_insert_id)),
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
            Err(InsertPlatformError::CodeTaken)
        }
        Err(error) => Err(StoreError::from(error).into()),
    }
}

/// What happens to the old secrets of a platform when it gets a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldSecrets {
    /// They stay valid for [`OLD_SECRET_HOLDS`], so that the platform has time to change.
    HoldOn,
    /// They end at once, as after a leak.
    EndNow,
}

impl OldSecrets {
    /// When they end, if a change makes the new one.
    pub(super) fn until(self, change: &Change) -> i64 {
        instant::stored(match self {
            Self::HoldOn => change.known_at() + OLD_SECRET_HOLDS,
            Self::EndNow => change.known_at(),
        })
    }
}

/// Adds a secret.
pub async fn add_secret(
    change: &Change,
    platform: PlatformId,
    secret: &str,
    old: OldSecrets,
) -> Result<(), StoreError> {
    use platform_secret::Column;
    let until = old.until(change);
    let old = Condition::all()
        .add(Column::PlatformId.eq(platform.0))
        .add(Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(until)));
    let affected = platform_secret::Entity::find().select_only().column(Column::Id).filter(old.clone());
    let mut touched: Vec<i64> = affected.into_tuple().all(change.connection()).await?;
    platform_secret::Entity::update_many()
        .set(platform_secret::ActiveModel { expires_at: Set(Some(until)), ..Default::default() })
        .filter(old)
        .exec(change.connection())
        .await?;
    let row = platform_secret::ActiveModel {
        platform_id: Set(platform.0),
        secret: Set(secret.to_owned()),
        created_at: Set(change.at()),
        expires_at: Set(None),
        ..Default::default()
    };
    touched.push(platform_secret::Entity::insert(row).exec(change.connection()).await?.last_insert_id);
    let touched: Vec<String> = touched.iter().map(ToString::to_string).collect();
    alterations::note(change, "platform_secret", &touched).await
}

/// The secrets of a platform that are valid at an instant, the newest first.
pub async fn secrets_at(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    now: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    use platform_secret::Column;
    let rows = platform_secret::Entity::find()
        .filter(Column::PlatformId.eq(platform.0))
        .filter(Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(instant::stored(now))))
        .order_by_desc(Column::Id)
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| row.secret).collect())
}
