//! The names and addresses of people, in all their versions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entities::{employee_fact, employment_fact};
use super::parsed::parsed;
use super::people::Contact;
use super::whose::Whose;
use super::{StoreError, instant};
use crate::domain::history::Version;
use crate::domain::ids::{EmployeeId, EmployeeNumber, EmploymentId};

/// A given and a family name.
pub type Name = (String, String);

/// The names under some employee numbers, and the addresses of their employments, oldest first.
#[derive(Debug, Default)]
pub struct Called {
    pub names: HashMap<EmployeeId, Vec<Version<Name>>>,
    pub contacts: HashMap<(EmployeeId, EmploymentId), Vec<Version<Contact>>>,
}

/// The names and addresses under some employee numbers, as known at an instant.
pub async fn called(
    connection: &impl ConnectionTrait,
    numbers: &[EmployeeId],
    known_at: DateTime<Utc>,
) -> Result<Called, StoreError> {
    let mut called = Called::default();
    let at = instant::stored(known_at);
    for whose in Whose::Only(numbers).conditions(employee_fact::Column::EmployeeId) {
        use employee_fact::Column;
        let found = employee_fact::Entity::find().filter(whose).filter(Column::RecordedAt.lte(at));
        for row in found.order_by_asc(Column::RecordedAt).all(connection).await? {
            let version = version((row.given_name, row.family_name), row.recorded_at, row.superseded_at);
            called.names.entry(EmployeeId(row.employee_id)).or_default().push(version);
        }
    }
    for whose in Whose::Only(numbers).conditions(employment_fact::Column::EmployeeId) {
        use employment_fact::Column;
        let found = employment_fact::Entity::find().filter(whose).filter(Column::RecordedAt.lte(at));
        for row in found.order_by_asc(Column::RecordedAt).all(connection).await? {
            let id = parsed(EmploymentId::parse(&row.employment_id), "employment_fact", "employment_id")?;
            let manager = row.manager_number.as_deref().map(EmployeeNumber::parse).transpose();
            let manager = parsed(manager, "employment_fact", "manager_number")?;
            let contact = Contact { email: row.email, username: row.username, manager };
            let key = (EmployeeId(row.employee_id), id);
            let version = version(contact, row.recorded_at, row.superseded_at);
            called.contacts.entry(key).or_default().push(version);
        }
    }
    Ok(called)
}

fn version<T>(record: T, recorded_at: i64, superseded_at: Option<i64>) -> Version<T> {
    Version { record, recorded_at: instant::read(recorded_at), superseded_at: superseded_at.map(instant::read) }
}
