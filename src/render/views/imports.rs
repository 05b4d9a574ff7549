//! Imports and their differences in JSON.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::directory::imports::{FileSource, ImportReport, Undoes, Undone};
use crate::domain::directory::plan::undo::{Left, Undoing};
use crate::domain::directory::plan::{Counts, DifferenceRow, SharedKeys, Summary, Unusual};

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
    /// Empty if the records are from no file.
    files: Vec<ImportFileView>,
    /// Null if the files have our own headers.
    mapping: Option<ImportMappingView>,
    summary: ImportSummaryView,
    /// The import that this one undoes; null if it undoes none.
    undoes: Option<i64>,
    /// Why the import was undone; null if this one undoes none.
    reason: Option<String>,
    /// What undid it; null if nothing did.
    undone: Option<ImportUndoneView>,
}

/// The undoing of an import.
#[derive(Debug, Serialize, ToSchema)]
struct ImportUndoneView {
    /// The undoing, an import itself.
    import: i64,
    by: String,
    at: DateTime<Utc>,
    because: String,
}

/// What undoing an import changed, or would change.
#[derive(Debug, Serialize, ToSchema)]
pub struct UndoneImportView {
    /// The import that is undone.
    pub undoes: i64,
    /// The undoing, an import itself; null after a dry run.
    pub import: Option<i64>,
    pub dry_run: bool,
    pub summary: ImportSummaryView,
    /// The first rows of the difference.
    pub changes: Vec<DifferenceRowView>,
    /// Whether there are more: the undoing's own difference has all of them.
    pub has_more_changes: bool,
    /// What stays as it is.
    pub left: Vec<LeftView>,
}

/// Something that an undone import changed, and that stays as it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftView {
    #[schema(example = "employment")]
    kind: &'static str,
    /// As a difference names it.
    #[schema(example = "104233/1")]
    key: String,
    /// `changed_since`, `rested_on` or `without_administration`.
    #[schema(example = "changed_since")]
    why: &'static str,
}

impl UndoneImportView {
    /// With the first rows of the difference, at most so many.
    #[must_use]
    pub fn of(report: Option<i64>, undoes: i64, undoing: &Undoing, at_most: usize) -> Self {
        let mut rows = undoing.plan.difference();
        let changes: Vec<DifferenceRowView> = rows.by_ref().take(at_most).map(DifferenceRowView::from).collect();
        let left = |left: &Left| LeftView { kind: left.kind, key: left.key.clone(), why: left.why.as_str() };
        Self {
            undoes,
            import: report,
            dry_run: report.is_none(),
            summary: undoing.plan.summary().into(),
            has_more_changes: rows.next().is_some(),
            changes,
            left: undoing.left.iter().map(left).collect(),
        }
    }
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
    /// How many rows the mapping skipped.
    skipped: u64,
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
    /// The key of the record: `104233/1` for an employment.
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

/// Why files are refused that could be accepted if the operator allows it.
#[derive(Debug, Serialize)]
pub struct UnusualView {
    /// In a sentence, with the options that allow it.
    pub detail: String,
    #[serde(flatten)]
    pub unusual: Unusual,
}

impl UnusualView {
    /// `None` if nothing is refused.
    #[must_use]
    pub fn of(unusual: Unusual) -> Option<Self> {
        (!unusual.is_empty()).then(|| Self { detail: unusual.to_string(), unusual })
    }
}

/// What an import changes or would change, whole.
#[derive(Debug, Serialize)]
pub struct DifferenceView {
    pub dry_run: bool,
    /// The import's id; null if nothing was recorded.
    pub import: Option<i64>,
    pub summary: ImportSummaryView,
    /// That the import would be refused, and why, with what was allowed left out; null if it would not.
    pub refused: Option<UnusualView>,
    /// Addresses and user names that several people would have at once; null if there are none.
    pub shared_keys: Option<SharedKeys>,
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
        let ImportReport { id, at, subject, day, extent, sources, summary, undoes, undone } = report;
        let (undoes, reason) = undoes.map(|Undoes { import, reason }| (import, reason)).unzip();
        let undone = undone.map(|Undone { import, by, at, because }| ImportUndoneView { import, by, at, because });
        Self {
            id,
            at,
            by: subject,
            day,
            extent: extent.as_str(),
            files: sources.files.into_iter().map(ImportFileView::from).collect(),
            mapping: sources.mapping.map(|mapping| ImportMappingView { name: mapping.name, sha256: mapping.digest }),
            summary: summary.into(),
            undoes,
            reason,
            undone,
        }
    }
}

impl From<FileSource> for ImportFileView {
    fn from(file: FileSource) -> Self {
        let FileSource { kind, name, digest, bytes, records, skipped } = file;
        Self { kind: kind.as_str(), name, sha256: digest, bytes, records, skipped }
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
