//! The rows in which the records of HR's files are stored.

use chrono::NaiveDate;
use serde::Serialize;

use super::rows::row;
use crate::domain::directory::records::{
    AbsenceRecord, AdministrationRecord, EmploymentRecord, ExemptionRecord, PersonRecord,
};
use crate::domain::ids::EmployeeId;

row! {
    #[derive(Debug, Serialize)]
    pub struct EmployeeRow<'a> in employee {
        pub number: &'a str,
        pub recorded_at: i64,
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct AdministrationRow<'a> in administration_fact {
        code: &'a str,
        name: &'a str,
        board: &'a str,
        recorded_at: i64,
    }
}

impl<'a> AdministrationRow<'a> {
    pub fn new(record: &'a AdministrationRecord, at: i64) -> Self {
        let AdministrationRecord { code, name, board } = record;
        Self { code: code.as_str(), name, board, recorded_at: at }
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct PersonRow<'a> in employee_fact {
        employee_id: i64,
        given_name: &'a str,
        family_name: &'a str,
        protected: bool,
        recorded_at: i64,
    }
}

impl<'a> PersonRow<'a> {
    pub fn new(employee: EmployeeId, record: &'a PersonRecord, at: i64) -> Self {
        let PersonRecord { given_name, family_name, protected, .. } = record;
        Self { employee_id: employee.0, given_name, family_name, protected: *protected, recorded_at: at }
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct EmploymentRow<'a> in employment_fact {
        employee_id: i64,
        employment_id: &'a str,
        administration: &'a str,
        unit: &'a str,
        form: &'static str,
        starts_on: NaiveDate,
        ends_on: Option<NaiveDate>,
        email: Option<&'a str>,
        username: Option<&'a str>,
        manager_number: Option<&'a str>,
        /// Its earlier places, as JSON.
        earlier: Option<String>,
        recorded_at: i64,
    }
}

impl<'a> EmploymentRow<'a> {
    pub fn new(employee: EmployeeId, record: &'a EmploymentRecord, at: i64) -> Self {
        let is_named_as_always = record.earlier.is_empty();
        Self {
            employee_id: employee.0,
            employment_id: record.employment_id.as_str(),
            administration: record.administration.as_str(),
            unit: &record.unit,
            form: record.form.as_str(),
            starts_on: record.starts_on,
            ends_on: record.ends_on,
            email: record.email.as_deref(),
            username: record.username.as_deref(),
            manager_number: record.manager.as_ref().map(|number| number.as_str()),
            earlier: (!is_named_as_always).then(|| serde_json::to_string(&record.earlier).unwrap_or_default()),
            recorded_at: at,
        }
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct AbsenceRow in absence_fact {
        employee_id: i64,
        starts_on: NaiveDate,
        ends_on: Option<NaiveDate>,
        recorded_at: i64,
    }
}

impl AbsenceRow {
    pub const fn new(employee: EmployeeId, record: &AbsenceRecord, at: i64) -> Self {
        let AbsenceRecord { starts_on, ends_on, .. } = record;
        Self { employee_id: employee.0, starts_on: *starts_on, ends_on: *ends_on, recorded_at: at }
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct ExemptionRow<'a> in exemption_fact {
        employee_id: i64,
        requirement: &'a str,
        starts_on: NaiveDate,
        ends_on: Option<NaiveDate>,
        reason: &'a str,
        recorded_at: i64,
    }
}

impl<'a> ExemptionRow<'a> {
    pub fn new(employee: EmployeeId, record: &'a ExemptionRecord, at: i64) -> Self {
        let ExemptionRecord { requirement, starts_on, ends_on, reason, .. } = record;
        Self {
            employee_id: employee.0,
            requirement: requirement.as_str(),
            starts_on: *starts_on,
            ends_on: *ends_on,
            reason,
            recorded_at: at,
        }
    }
}
