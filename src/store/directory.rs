//! The directory: administrations, employees and what HR records of them, read whole. `applying` changes it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};

use super::entities::{
    absence_fact, administration_fact, employee, employee_fact, employment_fact, exemption_fact, identity_claim,
};
use super::facts::FROM_IDENTITIES;
use super::parsed::parsed;
use super::{StoreError, facts, instant, merges, reorganisations, requirements, settings};
use crate::domain::directory::plan::Known;
use crate::domain::ids::{AdministrationCode, EmployeeNumber};

/// The administrations that were known at an instant, by code, with their names.
pub async fn administrations(
    connection: &impl ConnectionTrait,
    known_at: DateTime<Utc>,
) -> Result<BTreeMap<AdministrationCode, String>, StoreError> {
    use administration_fact::Column;
    let at = instant::stored(known_at);
    let rows = administration_fact::Entity::find()
        .filter(Column::RecordedAt.lte(at))
        .filter(Column::SupersededAt.is_null().or(Column::SupersededAt.gt(at)))
        .all(connection)
        .await?;
    rows.into_iter().map(|row| Ok((facts::code(&row.code)?, row.name))).collect()
}

/// The units among some that an employment has now.
pub async fn units_among(
    connection: &impl ConnectionTrait,
    units: &BTreeSet<&str>,
) -> Result<BTreeSet<String>, StoreError> {
    use employment_fact::Column;
    if units.is_empty() {
        return Ok(BTreeSet::new());
    }
    let found = employment_fact::Entity::find().select_only().column(Column::Unit).distinct();
    let found = found.filter(Column::SupersededAt.is_null()).filter(Column::Unit.is_in(units.iter().copied()));
    Ok(found.into_tuple::<String>().all(connection).await?.into_iter().collect())
}

/// The directory as it is known now, and the instant of its last change. A later change uses the instant to check that
/// the directory is unchanged.
pub async fn known(connection: &impl ConnectionTrait) -> Result<(Known, Option<String>), StoreError> {
    let mut known = Known {
        requirements: requirements::codes(connection).await?.into_iter().collect(),
        successions: reorganisations::successions(connection, None).await?,
        ..Known::default()
    };
    let platforms = facts::platforms(connection).await?;
    known.platforms = platforms.values().cloned().collect();
    let current = administration_fact::Entity::find().filter(administration_fact::Column::SupersededAt.is_null());
    for row in current.all(connection).await? {
        let record = facts::administration(row)?;
        known.administrations.insert(record.code.clone(), record);
    }
    let mut numbers: HashMap<i64, EmployeeNumber> = HashMap::new();
    for row in employee::Entity::find().all(connection).await? {
        numbers.insert(row.id, parsed(EmployeeNumber::parse(&row.number), "employee", "number")?);
    }
    let number_of = |id: i64| {
        numbers.get(&id).cloned().ok_or(StoreError::Unreadable { table: "employment_fact", column: "employee_id" })
    };
    for (duplicate, stored) in merges::merges(connection, None).await?.iter() {
        known.merged.insert(number_of(duplicate.0)?, number_of(stored.0)?);
    }
    let current = employee_fact::Entity::find().filter(employee_fact::Column::SupersededAt.is_null());
    for row in current.all(connection).await? {
        let record = facts::person(number_of(row.employee_id)?, row);
        known.persons.insert(record.employee_number.clone(), record);
    }
    let current = employment_fact::Entity::find().filter(employment_fact::Column::SupersededAt.is_null());
    for row in current.all(connection).await? {
        let record = facts::employment(number_of(row.employee_id)?, row)?;
        known.employments.insert((record.employee_number.clone(), record.employment_id.clone()), record);
    }
    let current = absence_fact::Entity::find().filter(absence_fact::Column::SupersededAt.is_null());
    for row in current.all(connection).await? {
        let record = facts::absence(number_of(row.employee_id)?, row);
        known.absences.insert((record.employee_number.clone(), record.starts_on), record);
    }
    let current = exemption_fact::Entity::find().filter(exemption_fact::Column::SupersededAt.is_null());
    for row in current.all(connection).await? {
        let record = facts::exemption(number_of(row.employee_id)?, row)?;
        let key = (record.employee_number.clone(), record.requirement.clone(), record.starts_on);
        known.exemptions.insert(key, record);
    }
    let current = identity_claim::Entity::find()
        .filter(identity_claim::Column::SupersededAt.is_null())
        .filter(identity_claim::Column::Source.eq(FROM_IDENTITIES));
    for row in current.all(connection).await? {
        known.identities.insert(facts::identity(number_of(row.employee_id)?, row, &platforms)?);
    }
    Ok((known, settings::read(connection, settings::DIRECTORY_CHANGED_AT).await?))
}
