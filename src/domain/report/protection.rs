//! What an export says of an employee with protected personal data.

use super::ExportRow;

/// Takes away what the row of an employee with protected personal data must not show: "the number and the status, and
/// no name, e-mail or unit" (DESIGN, section 3, "Doors").
///
/// Protect a row before it is sorted or compared: a row that stood among the names of its unit would give them away.
pub fn protect(row: &mut ExportRow) {
    row.unit.clear();
    row.given_name.clear();
    row.family_name.clear();
    row.email.clear();
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::domain::compliance::Status;
    use crate::domain::directory::EmploymentForm;
    use crate::domain::ids::{AdministrationCode, EmployeeNumber, RequirementCode};

    fn row() -> ExportRow {
        let day = NaiveDate::from_ymd_opt(2026, 2, 26).expect("a day");
        ExportRow {
            administration: AdministrationCode::parse("SEF").expect("a code"),
            administration_name: "Serviceförvaltningen".to_owned(),
            unit: "Måltid norr".to_owned(),
            employee_number: EmployeeNumber::parse("104233").expect("a number"),
            given_name: "Åsa".to_owned(),
            family_name: "Öberg".to_owned(),
            email: "asa.oberg@example.org".to_owned(),
            employment_form: EmploymentForm::Permanent,
            starts_on: day,
            requirement: RequirementCode::parse("infosec-onboarding").expect("a code"),
            status: Status::Overdue,
            due_on: Some(day),
            satisfied_on: None,
            valid_until: None,
            best_score_percent: None,
            attempts: 2,
            last_attempt_on: Some(day),
            evidence_event_id: None,
            as_of: day,
        }
    }

    #[test]
    fn a_protected_row_shows_the_number_and_the_status_and_no_name_e_mail_or_unit() {
        let mut protected = row();
        protect(&mut protected);
        let blank = String::new;
        let expected = ExportRow { unit: blank(), given_name: blank(), family_name: blank(), email: blank(), ..row() };
        assert_eq!(protected, expected);
    }
}
