//! Which employee numbers are one person, as known at an instant.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter};

use super::StoreError;
use super::entities::merge_fact::{Column, Entity};
use super::known_at::known_at;
use crate::domain::directory::merge::Merges;
use crate::domain::ids::EmployeeId;

/// An SQL expression: the person that the employee in a column is, as known now.
pub(super) fn person_now(column: &str) -> String {
    format!(
        "COALESCE((SELECT g.kept_employee_id FROM merge_fact g
                   WHERE g.duplicate_employee_id = {column} AND g.superseded_at IS NULL), {column})"
    )
}

/// An SQL query: the ids of the kept numbers that have a protected duplicate now.
pub(super) const KEPT_OF_PROTECTED: &str = "SELECT g.kept_employee_id FROM merge_fact g
     JOIN employee_fact d ON d.employee_id = g.duplicate_employee_id AND d.superseded_at IS NULL AND d.protected
     WHERE g.superseded_at IS NULL";

/// The merges in force at an instant (`None`: now). They are few.
pub async fn merges(connection: &impl ConnectionTrait, at: Option<DateTime<Utc>>) -> Result<Merges, StoreError> {
    let known = known_at(Column::RecordedAt, Column::SupersededAt, at);
    let mut merges = Merges::default();
    for row in Entity::find().filter(known).all(connection).await? {
        merges.insert(EmployeeId(row.duplicate_employee_id), EmployeeId(row.kept_employee_id));
    }
    Ok(merges)
}
