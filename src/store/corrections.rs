//! Why corrections by hand were made. What they changed are facts of the same instant.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};

use super::clock::Change;
use super::entities::correction;
use super::{StoreError, instant};
use crate::domain::ids::EmployeeId;

/// Stores the reason of a correction, at the change's own instant.
pub async fn insert(change: &Change, employee: EmployeeId, reason: &str) -> Result<(), StoreError> {
    let row = correction::ActiveModel {
        recorded_at: Set(change.at()),
        employee_id: Set(employee.0),
        reason: Set(reason.to_owned()),
    };
    correction::Entity::insert(row).exec_without_returning(change.connection()).await?;
    Ok(())
}

/// The reasons of an employee's corrections, by their instants.
pub async fn reasons(
    connection: &impl ConnectionTrait,
    employee: EmployeeId,
) -> Result<BTreeMap<DateTime<Utc>, String>, StoreError> {
    let rows = correction::Entity::find().filter(correction::Column::EmployeeId.eq(employee.0));
    let rows = rows.all(connection).await?;
    Ok(rows.into_iter().map(|row| (instant::read(row.recorded_at), row.reason)).collect())
}
