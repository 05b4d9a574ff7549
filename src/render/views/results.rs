//! An import of results, and what is wrong with a file that was not imported, in JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::directory::problem::{RowProblem, RowProblems};

/// What became of a file of results, or would become of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultsImportView {
    #[schema(example = "larportal")]
    pub platform: String,
    /// Nothing was changed: it is only said what would be.
    pub dry_run: bool,
    /// The delivery that the file is stored as; null in a dry run, and if there is nothing to store.
    pub delivery: Option<i64>,
    /// When the very same file was imported before, if it was: then nothing changed.
    pub same_file_at: Option<DateTime<Utc>>,
    /// The file's results; the same thing twice under one id counts once.
    pub results: u64,
    /// The new ones.
    pub new: u64,
    /// The new ones that are linked to an employee.
    pub linked: u64,
    /// The new ones that wait to be linked.
    pub waiting: u64,
    /// Those that were known, under the same id or another.
    pub known: u64,
    /// Rows that the profile ignores.
    pub skipped: u64,
    /// Unknown columns of the header, as written: perhaps a misspelling.
    pub ignored_columns: Vec<String>,
    /// Columns that the file lacks: read as empty.
    pub absent_columns: Vec<String>,
}

/// One thing that is wrong with a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowProblemView {
    /// The line on which the row begins, 1 for the header; null if the file as a whole is meant.
    #[schema(example = 17)]
    line: Option<u64>,
    #[schema(example = "occurred_at")]
    column: Option<String>,
    /// The value there, unless it can be personal data.
    value: Option<String>,
    /// What is wrong with it, and what to do.
    reason: String,
}

impl From<&RowProblem> for RowProblemView {
    fn from(problem: &RowProblem) -> Self {
        Self {
            line: problem.line,
            column: problem.column.as_deref().map(ToOwned::to_owned),
            value: problem.value.clone(),
            reason: problem.fault.to_string(),
        }
    }
}

impl RowProblemView {
    /// Those of a file that are listed.
    #[must_use]
    pub fn all(problems: &RowProblems) -> Vec<Self> {
        problems.listed().iter().map(Self::from).collect()
    }
}
