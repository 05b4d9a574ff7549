//! The people behind a report.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::decimal;
use crate::domain::compliance::Status;
use crate::domain::directory::EmploymentForm;
use crate::domain::report::ExportRow;

/// One page of the people of an administration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CompliancePageView {
    /// Sorted by unit, family name, given name and employee number, in Swedish order.
    pub items: Vec<ComplianceRowView>,
    /// The cursor of the next page; null on the last.
    #[schema(example = "MTA0MjMz")]
    pub next: Option<String>,
}

/// The status of one person in one requirement; the same fields as an export's columns. Of an employee with protected
/// personal data, the unit, the names and the e-mail are empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ComplianceRowView {
    #[schema(example = "SEF")]
    pub administration: String,
    #[schema(example = "Serviceförvaltningen")]
    pub administration_name: String,
    #[schema(example = "Måltid norr")]
    pub unit: String,
    #[schema(example = "104233")]
    pub employee_number: String,
    #[schema(example = "Åsa")]
    pub given_name: String,
    #[schema(example = "Öberg")]
    pub family_name: String,
    #[schema(example = "asa.oberg@example.org")]
    pub email: String,
    #[schema(schema_with = employment_form_schema)]
    pub employment_form: EmploymentForm,
    /// The first day of the employment.
    #[schema(example = "2026-01-12")]
    pub starts_on: NaiveDate,
    #[schema(example = "infosec-onboarding")]
    pub requirement: String,
    #[schema(schema_with = status_schema)]
    pub status: Status,
    /// The last day on which doing it is on time; null while an open absence keeps moving it.
    #[schema(example = "2026-02-11")]
    pub due_on: Option<NaiveDate>,
    /// The first day of the period that covers `as_of`, else of the last one before it.
    #[schema(example = "2026-01-20")]
    pub satisfied_on: Option<NaiveDate>,
    /// That period's last day; null: for ever, or no period.
    #[schema(example = "2027-01-19")]
    pub valid_until: Option<NaiveDate>,
    /// The best score of all attempts at the requirement's quizzes, in percent.
    #[schema(example = "87.5")]
    pub best_score_percent: Option<String>,
    /// Attempts at the requirement's quizzes.
    #[schema(example = 2)]
    pub attempts: u32,
    #[schema(example = "2026-01-20")]
    pub last_attempt_on: Option<NaiveDate>,
    /// The event whose evidence begins the period.
    #[schema(example = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W")]
    pub evidence_event_id: Option<String>,
    #[schema(example = "2026-02-26")]
    pub as_of: NaiveDate,
}

fn words(words: impl IntoIterator<Item = &'static str>, example: &'static str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).examples([example]).build()
}

fn status_schema() -> Object {
    words(Status::ALL.map(Status::as_str), Status::Compliant.as_str())
}

fn employment_form_schema() -> Object {
    words(EmploymentForm::ALL.map(EmploymentForm::as_str), EmploymentForm::Permanent.as_str())
}

impl From<ExportRow> for ComplianceRowView {
    fn from(row: ExportRow) -> Self {
        Self {
            administration: row.administration.into(),
            administration_name: row.administration_name,
            unit: row.unit,
            employee_number: row.employee_number.into(),
            given_name: row.given_name,
            family_name: row.family_name,
            email: row.email,
            employment_form: row.employment_form,
            starts_on: row.starts_on,
            requirement: row.requirement.into(),
            status: row.status,
            due_on: row.due_on,
            satisfied_on: row.satisfied_on,
            valid_until: row.valid_until,
            best_score_percent: decimal(row.best_score_percent),
            attempts: row.attempts,
            last_attempt_on: row.last_attempt_on,
            evidence_event_id: row.evidence_event_id.map(String::from),
            as_of: row.as_of,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use utoipa::PartialSchema;

    use super::*;
    use crate::render::EXPORT_COLUMNS;
    use crate::render::fixtures::row;

    fn json(value: &impl Serialize) -> Value {
        serde_json::to_value(value).expect("JSON")
    }

    #[test]
    fn a_row_in_json_has_the_columns_of_an_export() {
        let text = serde_json::to_string_pretty(&ComplianceRowView::from(row())).expect("JSON");
        let names: Vec<&str> =
            text.lines().filter_map(|line| line.trim().strip_prefix('"')?.split('"').next()).collect();
        assert_eq!(names, EXPORT_COLUMNS);
        insta::assert_snapshot!(text, @r#"
        {
          "administration": "SEF",
          "administration_name": "Serviceförvaltningen",
          "unit": "Måltid norr",
          "employee_number": "104233",
          "given_name": "Åsa",
          "family_name": "Öberg",
          "email": "asa.oberg@example.org",
          "employment_form": "permanent",
          "starts_on": "2026-01-12",
          "requirement": "infosec-onboarding",
          "status": "compliant",
          "due_on": "2026-02-11",
          "satisfied_on": "2026-01-20",
          "valid_until": "2027-01-19",
          "best_score_percent": "87.5",
          "attempts": 2,
          "last_attempt_on": "2026-01-20",
          "evidence_event_id": "msg_01",
          "as_of": "2026-02-26"
        }
        "#);
    }

    #[test]
    fn the_schema_of_a_row_lists_every_status_and_form() {
        let schema = json(&ComplianceRowView::schema());
        assert_eq!(schema["properties"]["status"]["enum"], json(&Status::ALL));
        assert_eq!(schema["properties"]["employment_form"]["enum"], json(&EmploymentForm::ALL));
        assert_eq!(schema["properties"]["valid_until"]["format"], "date");
    }
}
