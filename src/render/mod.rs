//! Domain values → bytes: how a report, an export and an answer are written.
//!
//! Nothing is decided or computed here; a wrong figure is corrected in `domain`. Start at [`EXPORT_COLUMNS`] for a
//! column of an export, at [`views`] for an answer in JSON, at [`report_table`] for the report on a terminal.

pub mod difference;
pub mod export_csv;
pub mod export_xlsx;
mod formula;
pub mod imports;
pub mod queue_csv;
pub mod report_table;
pub mod text;
pub mod views;

/// The columns of an export, in the order of every format (DESIGN, section 3, "Doors").
pub const EXPORT_COLUMNS: [&str; 19] = [
    "administration",
    "administration_name",
    "unit",
    "employee_number",
    "given_name",
    "family_name",
    "email",
    "employment_form",
    "starts_on",
    "requirement",
    "status",
    "due_on",
    "satisfied_on",
    "valid_until",
    "best_score_percent",
    "attempts",
    "last_attempt_on",
    "evidence_event_id",
    "as_of",
];

#[cfg(test)]
mod fixtures;
