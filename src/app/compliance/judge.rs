//! Derives a person's rows from what is known of the person: the domain judges each requirement.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::app::App;
use crate::domain::compliance::requirement::in_effect_on;
use crate::domain::compliance::span::{scope_spans, shown_employments, state_spans};
use crate::domain::compliance::state::state_on;
use crate::domain::compliance::{ComplianceState, RequirementVersion};
use crate::domain::directory::Employment;
use crate::domain::ids::{AdministrationCode, RequirementCode};
use crate::domain::report::ExportRow;
use crate::domain::report::protection::protect;
use crate::domain::report::sort::SwedishOrder;
use crate::store::compliance_states::Derived;
use crate::store::export_rows::{PlacedRow, RowPlace};
use crate::store::people::KnownEmployee;

/// All versions of every requirement, by its code.
pub type Requirements = BTreeMap<RequirementCode, Vec<RequirementVersion>>;

/// The key by which an export sorts a person on the days of an employment in a unit. It leaves out protected data: the
/// place of a row among the names of its unit would reveal them.
fn sort_key(order: &SwedishOrder, employee: &KnownEmployee, unit: &str) -> Vec<u8> {
    let number = employee.number.as_str();
    if employee.protected {
        order.export_key("", "", "", number)
    } else {
        order.export_key(unit, &employee.family_name, &employee.given_name, number)
    }
}

/// The derived rows of a person in every requirement.
pub(in crate::app) fn derive(
    order: &SwedishOrder,
    employee: &KnownEmployee,
    requirements: &Requirements,
) -> Vec<Derived> {
    let mut derived = Vec::new();
    for (code, versions) in requirements {
        let compliance_states = state_spans(&employee.person, versions);
        if compliance_states.is_empty() {
            continue;
        }
        let scopes = scope_spans(&employee.person, versions).into_iter().map(|span| {
            let key = sort_key(order, employee, &span.unit);
            (span, key)
        });
        derived.push(Derived {
            employee: employee.id,
            requirement: code.clone(),
            compliance_states,
            scopes: scopes.collect(),
        });
    }
    derived
}

/// A person's state on a day, and the administrations in which the person counts.
pub(in crate::app) struct Judged<'a> {
    pub state: ComplianceState,
    pub shown: BTreeMap<&'a AdministrationCode, &'a Employment>,
}

/// Judges a person on a day; `None` if the requirement does not bind the person.
pub(in crate::app) fn judge<'a>(
    employee: &'a KnownEmployee,
    versions: &[RequirementVersion],
    day: NaiveDate,
) -> Option<Judged<'a>> {
    let (_, state) = state_on(&employee.person, versions, day)?;
    let version = in_effect_on(versions, day)?;
    Some(Judged { state, shown: shown_employments(&employee.person, version, day) })
}

impl App {
    /// A person's row in an administration and a requirement on a day, as an export shows it.
    pub(in crate::app) fn row_of(
        &self,
        employee: &KnownEmployee,
        requirement: &RequirementCode,
        versions: &[RequirementVersion],
        (administration, administration_name): (&AdministrationCode, &str),
        day: NaiveDate,
    ) -> Option<PlacedRow> {
        let Judged { state, shown } = judge(employee, versions, day)?;
        let employment = *shown.get(administration)?;
        let contact = employee.contacts.get(&employment.fact_id);
        let mut row = ExportRow {
            administration: administration.clone(),
            administration_name: administration_name.to_owned(),
            unit: employment.unit.clone(),
            employee_number: employee.number.clone(),
            given_name: employee.given_name.clone(),
            family_name: employee.family_name.clone(),
            email: contact.and_then(|contact| contact.email.clone()).unwrap_or_default(),
            employment_form: employment.form,
            starts_on: employment.began_on(),
            requirement: requirement.clone(),
            status: state.status,
            due_on: state.due_on,
            satisfied_on: state.satisfied_on,
            valid_until: state.valid_until,
            best_score_percent: state.best_score_percent,
            attempts: state.attempts,
            last_attempt_on: state.last_attempt_on,
            evidence_event_id: state.evidence_event_id,
            as_of: day,
        };
        if employee.protected {
            protect(&mut row);
        }
        let place = RowPlace {
            sort_key: sort_key(&self.order, employee, &employment.unit),
            requirement: requirement.to_string(),
        };
        Some(PlacedRow { place, protected: employee.protected, row })
    }
}
