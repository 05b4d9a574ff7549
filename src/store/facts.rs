//! Reads rows of facts as the records in HR's files.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, EntityTrait};

use super::StoreError;
use super::employments::{earlier_of, employment_of};
use super::entities::{
    absence_fact, administration_fact, employee_fact, employment_fact, exemption_fact, identity_claim, platform,
};
use super::parsed::parsed;
use crate::domain::directory::records::{
    AbsenceRecord, AdministrationRecord, EmploymentRecord, ExemptionRecord, IdentityRecord, PersonRecord,
};
use crate::domain::ids::{AdministrationCode, EmployeeNumber, PlatformCode, RequirementCode};
use crate::domain::linking::{Identity, LinkingKey};

/// The source of a claim that a file of employments makes by its addresses.
pub(super) const FROM_EMPLOYMENTS: &str = "employments";

/// The source of a claim of an identities file.
pub(super) const FROM_IDENTITIES: &str = "identities";

pub(super) fn code(code: &str) -> Result<AdministrationCode, StoreError> {
    parsed(AdministrationCode::parse(code), "administration_fact", "code")
}

/// Every platform's code, by its key.
pub(super) async fn platforms(connection: &impl ConnectionTrait) -> Result<HashMap<i64, PlatformCode>, StoreError> {
    let rows = platform::Entity::find().all(connection).await?;
    rows.into_iter().map(|row| Ok((row.id, parsed(PlatformCode::parse(&row.code), "platform", "code")?))).collect()
}

pub(super) fn administration(row: administration_fact::Model) -> Result<AdministrationRecord, StoreError> {
    Ok(AdministrationRecord { code: code(&row.code)?, name: row.name, board: row.board })
}

pub(super) fn person(employee_number: EmployeeNumber, row: employee_fact::Model) -> PersonRecord {
    let employee_fact::Model { given_name, family_name, protected, .. } = row;
    PersonRecord { employee_number, given_name, family_name, protected }
}

pub(super) fn employment(number: EmployeeNumber, row: employment_fact::Model) -> Result<EmploymentRecord, StoreError> {
    let employment = employment_of(&row)?;
    let manager = row.manager_number.as_deref().map(EmployeeNumber::parse).transpose();
    Ok(EmploymentRecord {
        employee_number: number,
        employment_id: employment.id,
        administration: employment.administration,
        unit: employment.unit,
        form: employment.form,
        starts_on: employment.starts_on,
        ends_on: employment.ends_on,
        manager: parsed(manager, "employment_fact", "manager_number")?,
        earlier: earlier_of(&row)?,
        email: row.email,
        username: row.username,
    })
}

pub(super) const fn absence(employee_number: EmployeeNumber, row: absence_fact::Model) -> AbsenceRecord {
    AbsenceRecord { employee_number, starts_on: row.starts_on, ends_on: row.ends_on }
}

pub(super) fn exemption(
    employee_number: EmployeeNumber,
    row: exemption_fact::Model,
) -> Result<ExemptionRecord, StoreError> {
    Ok(ExemptionRecord {
        employee_number,
        requirement: parsed(RequirementCode::parse(&row.requirement), "exemption_fact", "requirement")?,
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        reason: row.reason,
    })
}

pub(super) fn identity(
    employee_number: EmployeeNumber,
    row: identity_claim::Model,
    platforms: &HashMap<i64, PlatformCode>,
) -> Result<IdentityRecord, StoreError> {
    let unreadable = |column| StoreError::Unreadable { table: "identity_claim", column };
    let platform = row.platform_id.and_then(|id| platforms.get(&id)).ok_or_else(|| unreadable("platform_id"))?;
    let key = LinkingKey::parse(&row.key).ok_or_else(|| unreadable("key"))?;
    let identity_claim::Model { value, home_page, valid_from, valid_to, .. } = row;
    let identity = Identity { key, value, home_page };
    Ok(IdentityRecord { employee_number, platform: platform.clone(), identity, valid_from, valid_to })
}
