//! Reads an employment from its row.

use super::StoreError;
use super::entities::employment_fact;
use super::parsed::parsed;
use crate::domain::directory::{EarlierPlace, Employment, EmploymentForm, RecordedEmployment};
use crate::domain::ids::{AdministrationCode, EmploymentId};

pub(super) fn employment_of(row: &employment_fact::Model) -> Result<Employment, StoreError> {
    const TABLE: &str = "employment_fact";
    let administration = parsed(AdministrationCode::parse(&row.administration), TABLE, "administration")?;
    let earlier = earlier_of(row)?;
    let moved = (!earlier.is_empty()).then(|| RecordedEmployment {
        administration: administration.clone(),
        unit: row.unit.clone(),
        earlier,
        starts_on: row.starts_on,
        ends_on: row.ends_on,
    });
    Ok(Employment {
        fact_id: row.id,
        id: parsed(EmploymentId::parse(&row.employment_id), TABLE, "employment_id")?,
        administration,
        unit: row.unit.clone(),
        form: EmploymentForm::parse(&row.form).ok_or(StoreError::Unreadable { table: TABLE, column: "form" })?,
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        moved,
    })
}

/// The earlier places of an employment.
pub(super) fn earlier_of(row: &employment_fact::Model) -> Result<Vec<EarlierPlace>, StoreError> {
    match &row.earlier {
        None => Ok(Vec::new()),
        Some(json) => parsed(serde_json::from_str(json), "employment_fact", "earlier"),
    }
}
