//! Imports and their differences in JSON.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::directory::imports::{FileSource, ImportReport};
use crate::domain::directory::plan::{Counts, DifferenceRow, MassEnding, Summary};

/// One import of HR's files.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportView {
    id: i64,
    /// When it became known.
    at: DateTime<Utc>,
    /// Who imported: a token's subject, or `operator` at the command line.
    by: String,
    /// The day on which the files were compared with the directory.
    day: NaiveDate,
    /// `full`: who is missing has left; `partial`: who is missing stays.
    #[schema(example = "full")]
    extent: &'static str,
    /// Empty where the records came from no file.
    files: Vec<ImportFileView>,
    /// Null where the files have our own headers.
    mapping: Option<ImportMappingView>,
    summary: ImportSummaryView,
}

/// One file of an import.
#[derive(Debug, Serialize, ToSchema)]
struct ImportFileView {
    #[schema(example = "employments")]
    kind: &'static str,
    name: String,
    /// SHA-256 of its bytes, in hexadecimal digits.
    sha256: String,
    bytes: u64,
    /// How many records were read from it.
    records: u64,
    /// How many rows the mapping passed over.
    passed_over: u64,
}

/// The mapping by which files were read.
#[derive(Debug, Serialize, ToSchema)]
struct ImportMappingView {
    name: String,
    sha256: String,
}

/// How much an import changes, for each kind of record.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportSummaryView {
    administrations: ImportCountsView,
    persons: ImportCountsView,
    employments: ImportCountsView,
    absences: ImportCountsView,
    exemptions: ImportCountsView,
    identities: ImportCountsView,
}

/// How many records of a kind were added, changed, ended and withdrawn.
#[derive(Debug, Serialize, ToSchema)]
struct ImportCountsView {
    added: usize,
    changed: usize,
    ended: usize,
    withdrawn: usize,
}

/// One field that an import changes, or a change that shows no field.
///
/// Of a person with protected personal data it shows the number, and what kind of record changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct DifferenceRowView {
    #[schema(example = "employment")]
    kind: &'static str,
    /// `added`, `changed`, `ended` or `withdrawn`.
    #[schema(example = "changed")]
    act: &'static str,
    /// What the record is called: `104233/1` for an employment.
    #[schema(example = "104233/1")]
    key: String,
    /// The column of HR's file.
    #[schema(example = "unit")]
    field: Option<&'static str>,
    before: Option<String>,
    after: Option<String>,
}

/// A page of what an import changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct DifferencePageView {
    pub items: Vec<DifferenceRowView>,
    /// The `after` of the next request; null: no more.
    pub next: Option<String>,
}

/// A page of imports, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportPageView {
    pub items: Vec<ImportView>,
    /// The `before` of the next request; null: no more.
    pub next: Option<String>,
}

/// What an import changes or would change, whole.
#[derive(Debug, Serialize)]
pub struct DifferenceView {
    pub dry_run: bool,
    /// The import's id; null where nothing was recorded.
    pub import: Option<i64>,
    pub summary: ImportSummaryView,
    /// That the import would be refused, and why; null where it would not.
    pub mass_ending: Option<MassEnding>,
    pub changes: Vec<DifferenceRowView>,
}

/// One import with what it changed.
#[derive(Debug, Serialize)]
pub struct ImportWithDifferenceView {
    #[serde(flatten)]
    pub import: ImportView,
    pub changes: Vec<DifferenceRowView>,
}

impl From<ImportReport> for ImportView {
    fn from(report: ImportReport) -> Self {
        let ImportReport { id, at, subject, day, extent, sources, summary } = report;
        Self {
            id,
            at,
            by: subject,
            day,
            extent: extent.as_str(),
            files: sources.files.into_iter().map(ImportFileView::from).collect(),
            mapping: sources.mapping.map(|mapping| ImportMappingView { name: mapping.name, sha256: mapping.digest }),
            summary: summary.into(),
        }
    }
}

impl From<FileSource> for ImportFileView {
    fn from(file: FileSource) -> Self {
        let FileSource { kind, name, digest, bytes, records, passed_over } = file;
        Self { kind: kind.as_str(), name, sha256: digest, bytes, records, passed_over }
    }
}

impl From<Summary> for ImportSummaryView {
    fn from(summary: Summary) -> Self {
        let Summary { administrations, persons, employments, absences, exemptions, identities } = summary;
        Self {
            administrations: administrations.into(),
            persons: persons.into(),
            employments: employments.into(),
            absences: absences.into(),
            exemptions: exemptions.into(),
            identities: identities.into(),
        }
    }
}

impl From<Counts> for ImportCountsView {
    fn from(counts: Counts) -> Self {
        let Counts { added, changed, ended, withdrawn } = counts;
        Self { added, changed, ended, withdrawn }
    }
}

impl From<DifferenceRow> for DifferenceRowView {
    fn from(row: DifferenceRow) -> Self {
        let DifferenceRow { kind, act, key, field, before, after } = row;
        Self { kind, act, key, field, before, after }
    }
}
