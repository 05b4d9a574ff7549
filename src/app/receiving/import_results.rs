//! A platform's history as a file: what people did before it was connected, stored as a delivery of its own.

use chrono::{DateTime, Utc};

use crate::app::directory::import::digest_of;
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::directory::problem::RowProblems;
use crate::domain::ids::{EventId, PlatformCode};
use crate::intake::hr_csv::results::{self, FileClock};
use crate::intake::hr_csv::{RawFile, by_profile};
use crate::intake::profile::{Profile, ProfileProblems};
use crate::render::views::ResultsImportView;
use crate::store::receiving::file::{self, Progress, ResultsFile, StoreFileError, Tally};
use crate::store::{Act, StoreError, Unscoped, platforms};

/// A file of results.
#[derive(Debug, Clone, Copy)]
pub struct ResultsRequest<'a> {
    pub platform: &'a PlatformCode,
    /// What the file is called, for people who look at the delivery later.
    pub name: &'a str,
    pub bytes: &'a [u8],
    /// The sheet that is meant, where it is a workbook with several.
    pub sheet: Option<&'a str>,
    /// The profile by which its rows are read, where its columns are not ours.
    pub profile: Option<&'a str>,
    /// Only say what would change.
    pub dry_run: bool,
}

/// What became of a file of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedResults {
    pub tally: Tally,
    /// The delivery that the file is stored as; `None` in a dry run, and if there is nothing to store.
    pub delivery: Option<i64>,
    /// When the very same file was imported, where it was: then nothing changed.
    pub same_file_at: Option<DateTime<Utc>>,
    /// Columns of the header that mean nothing here, as written.
    pub ignored_columns: Vec<String>,
    /// Columns that the file lacks: read as empty.
    pub absent_columns: Vec<&'static str>,
    /// Rows that the profile ignores.
    pub skipped: u64,
}

/// Why no result was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportResultsError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no platform has the code {0}")]
    UnknownPlatform(PlatformCode),
    #[error("the file has rows that cannot be read")]
    Problems(RowProblems),
    #[error("{0}")]
    Profile(#[from] ProfileProblems),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<StoreFileError> for ImportResultsError {
    fn from(error: StoreFileError) -> Self {
        match error {
            StoreFileError::Problems(problems) => Self::Problems(problems),
            StoreFileError::Store(error) => error.into(),
        }
    }
}

impl App {
    /// Imports a file of results, all or nothing; `progress` gets the number of further results that were decided
    /// about.
    ///
    /// A file that was imported before, byte for byte, leaves no trace; another file with the same results is stored
    /// and adds nothing to them.
    pub async fn import_results(
        &self,
        caller: &Caller,
        request: ResultsRequest<'_>,
        progress: Progress<'_>,
    ) -> Result<ImportedResults, ImportResultsError> {
        let grant = caller.grant(Action::Operate)?;
        let platform = platforms::by_code(self.store.connection(Unscoped::Receiving), request.platform).await?;
        let platform = platform.ok_or_else(|| ImportResultsError::UnknownPlatform(request.platform.clone()))?;
        let clock = FileClock { zone: platform.time_zone, read_at: self.now() };
        let file = RawFile { bytes: request.bytes, sheet: request.sheet };
        let reading = match request.profile {
            None => results::read(file, clock),
            Some(text) => {
                let profile = Profile::of_files(text)?;
                by_profile::read(file, &profile, platform.code.as_str(), clock)
            }
        };
        let reading = reading.map_err(ImportResultsError::Problems)?;
        let mut imported = ImportedResults {
            tally: Tally { results: reading.rows.len() as u64, ..Tally::default() },
            delivery: None,
            same_file_at: None,
            ignored_columns: reading.ignored_columns,
            absent_columns: reading.absent_columns,
            skipped: reading.skipped as u64,
        };
        if reading.rows.is_empty() {
            return Ok(imported);
        }
        let file = ResultsFile {
            platform: &platform,
            key: key_of(file, request.profile)?,
            headers: headers_of(&request, grant.subject()),
            body: request.bytes,
            rows: reading.rows,
        };
        if request.dry_run {
            let snapshot = self.store.snapshot(Unscoped::Receiving).await?;
            if let Some((delivery, at)) = file::stored_before(snapshot.connection(), &file).await? {
                return Ok(imported.same_as(delivery, at));
            }
            imported.tally = file::preview(snapshot.connection(), file, self.calendar, progress).await?;
            return Ok(imported);
        }
        let change =
            self.store.begin_change_for_file(caller.author(&grant), (self.now(), self.calendar), &file).await?;
        if let Some((delivery, at)) = file::stored_before(change.connection(), &file).await? {
            change.roll_back().await?;
            return Ok(imported.same_as(delivery, at));
        }
        let (delivery, tally) = file::keep(&change, file, self.calendar, progress).await?;
        let object = format!("delivery {delivery} of {}, {} results, {} new", platform.code, tally.results, tally.new);
        change.commit(Act { action: "results.import", object: &object }).await?;
        imported.tally = tally;
        imported.delivery = Some(delivery);
        Ok(imported)
    }
}

impl ImportedResults {
    /// Whether it may have changed anybody's compliance state.
    #[must_use]
    pub const fn has_changed(&self, dry_run: bool) -> bool {
        !dry_run && self.same_file_at.is_none() && self.tally.new > 0
    }

    /// The same in JSON.
    #[must_use]
    pub fn view(&self, platform: &PlatformCode, dry_run: bool) -> ResultsImportView {
        ResultsImportView {
            platform: platform.to_string(),
            dry_run,
            delivery: self.delivery,
            same_file_at: self.same_file_at,
            results: self.tally.results,
            new: self.tally.new,
            linked: self.tally.linked,
            waiting: self.tally.new.saturating_sub(self.tally.linked),
            known: self.tally.known,
            skipped: self.skipped,
            ignored_columns: self.ignored_columns.clone(),
            absent_columns: self.absent_columns.iter().map(|column| (*column).to_owned()).collect(),
        }
    }

    /// The file was imported before: all of it is known.
    fn same_as(mut self, delivery: i64, at: DateTime<Utc>) -> Self {
        self.tally.known = self.tally.results;
        self.delivery = Some(delivery);
        self.same_file_at = Some(at);
        self
    }
}

/// The key of a file's delivery: read by another profile, or another sheet of it, it is another delivery.
fn key_of(file: RawFile<'_>, profile: Option<&str>) -> Result<EventId, StoreError> {
    let by = profile.map(|profile| format!(" by {}", digest_of(profile.as_bytes()))).unwrap_or_default();
    let sheet = file.sheet.map(|sheet| format!(" sheet {}", digest_of(sheet.as_bytes()))).unwrap_or_default();
    EventId::parse(&format!("file:sha256:{}{sheet}{by}", digest_of(file.bytes)))
        .map_err(|_| StoreError::Unreadable { table: "delivery", column: "delivery_key" })
}

/// What is known of a file beside its bytes; the profile stands there whole, for without it the bytes say nothing.
fn headers_of(request: &ResultsRequest<'_>, subject: &str) -> String {
    let mut headers = serde_json::json!({"file": request.name, "imported_by": subject});
    if let (Some(profile), Some(headers)) = (request.profile, headers.as_object_mut()) {
        headers.insert("profile".to_owned(), profile.into());
    }
    if let (Some(sheet), Some(headers)) = (request.sheet, headers.as_object_mut()) {
        headers.insert("sheet".to_owned(), sheet.into());
    }
    headers.to_string()
}
