//! Requirements in their versions; a version is written once.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use super::clock::Change;
use super::entities::requirement_version;
use super::parsed::parsed;
use super::{StoreError, instant};
use crate::domain::compliance::{Requirement, RequirementVersion, definition};
use crate::domain::ids::RequirementCode;

/// The versions of a requirement that were known at an instant (`None`: now), oldest first.
pub async fn versions(
    connection: &impl ConnectionTrait,
    code: &RequirementCode,
    at: Option<DateTime<Utc>>,
) -> Result<Vec<RequirementVersion>, StoreError> {
    use requirement_version::Column;
    let mut found = requirement_version::Entity::find().filter(Column::Code.eq(code.as_str()));
    if let Some(at) = at {
        found = found.filter(Column::RecordedAt.lte(instant::stored(at)));
    }
    let rows = found.order_by_asc(Column::Version).all(connection).await?;
    rows.into_iter()
        .map(|row| {
            let json = parsed(serde_json::from_str(&row.definition), "requirement_version", "definition")?;
            let requirement: Requirement = parsed(definition::from_json(json), "requirement_version", "definition")?;
            let version = parsed(u32::try_from(row.version), "requirement_version", "version")?;
            Ok(RequirementVersion { version, requirement })
        })
        .collect()
}

/// The versions of a requirement that were recorded after an instant and up to another, with their instants.
pub async fn recorded_between(
    connection: &impl ConnectionTrait,
    code: &RequirementCode,
    (after, up_to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(u32, DateTime<Utc>)>, StoreError> {
    use requirement_version::Column;
    let rows = requirement_version::Entity::find()
        .filter(Column::Code.eq(code.as_str()))
        .filter(Column::RecordedAt.gt(instant::stored(after)))
        .filter(Column::RecordedAt.lte(instant::stored(up_to)))
        .order_by_asc(Column::Version)
        .all(connection)
        .await?;
    let read = |row: requirement_version::Model| {
        Ok((parsed(u32::try_from(row.version), "requirement_version", "version")?, instant::read(row.recorded_at)))
    };
    rows.into_iter().map(read).collect()
}

/// The codes of all requirements, in order.
pub async fn codes(connection: &impl ConnectionTrait) -> Result<Vec<RequirementCode>, StoreError> {
    let codes: Vec<String> = requirement_version::Entity::find()
        .select_only()
        .column(requirement_version::Column::Code)
        .distinct()
        .order_by_asc(requirement_version::Column::Code)
        .into_tuple()
        .all(connection)
        .await?;
    codes.iter().map(|code| parsed(RequirementCode::parse(code), "requirement_version", "code")).collect()
}

/// Adds a version.
pub async fn insert(change: &Change, version: &RequirementVersion) -> Result<(), StoreError> {
    let row = requirement_version::ActiveModel {
        code: Set(version.requirement.code.to_string()),
        version: Set(parsed(i32::try_from(version.version), "requirement_version", "version")?),
        definition: Set(definition::to_json(&version.requirement).to_string()),
        recorded_at: Set(change.at()),
        ..Default::default()
    };
    requirement_version::Entity::insert(row).exec_without_returning(change.connection()).await?;
    Ok(())
}
