//! Imports HR's files into the directory: plans, checks, and records all or nothing.

use sha2::{Digest, Sha256};

use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::directory::imports::{ImportReport, Sources};
use crate::domain::directory::plan::{Allowed, Extent, Files, Known, Plan, Unusual, plan};
use crate::domain::directory::problem::RowProblems;
use crate::store::{Act, Connection, StoreError, Unscoped, applying, directory, imports, platforms, scim, settings};

/// The options of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRequest {
    pub extent: Extent,
    /// Whether this is a dry run.
    pub dry_run: bool,
    /// The kinds of unusual change that are intended, and so not refused.
    pub allowed: Allowed,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the files refer to what is not known")]
    Problems(RowProblems),
    #[error("{0}; see all of it with --dry-run")]
    Unusual(Box<Unusual>),
    #[error(
        "two persons must agree on exemptions here, and a file has one: propose each with POST /api/v1/exemptions, or turn approval.exemptions off"
    )]
    ExemptionsNeedApproval,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The outcome of an import.
#[derive(Debug)]
pub struct Imported {
    pub plan: Plan,
    /// The id of its report; `None` if nothing was recorded: a dry run, or files that change nothing.
    pub report: Option<i64>,
    /// The newest import of the very same files by the same mapping. If they change something now, something else was
    /// recorded since, and they revert it.
    pub same_files: Option<ImportReport>,
}

/// How many times another change of the directory may overtake an import before the import locks others out.
const OVERTAKEN_AT_MOST: usize = 4;

/// SHA-256 of a file's bytes, in lower-case hexadecimal digits.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl App {
    /// Imports records that do not come from HR's files; returns what they changed, or would change.
    pub async fn import_directory(
        &self,
        caller: &Caller,
        files: &Files,
        request: ImportRequest,
    ) -> Result<Plan, ImportError> {
        Ok(self.import_files(caller, files, &Sources::default(), request, &|_| {}).await?.plan)
    }

    /// Imports files; `progress` gets how many more rows were written.
    ///
    /// Of two imports at once, the one that commits later is planned again on the result of the earlier one. Files that
    /// were imported before and change nothing leave no trace; other files that change nothing leave a report that says
    /// so.
    pub async fn import_files(
        &self,
        caller: &Caller,
        files: &Files,
        sources: &Sources,
        request: ImportRequest,
        progress: applying::Progress<'_>,
    ) -> Result<Imported, ImportError> {
        let grant = caller.grant(Action::Operate)?;
        if files.exemptions.is_some() && self.approval.exemptions {
            return Err(ImportError::ExemptionsNeedApproval);
        }
        let key = sources.key();
        let mut overtaken = 0;
        loop {
            // The last try holds others back while it plans: an identity provider may send thousands of changes without
            // a pause.
            let holding = overtaken == OVERTAKEN_AT_MOST && !request.dry_run;
            let held = if holding { Some(self.begin_change(caller, &grant).await?) } else { None };
            let (known, changed_at, same_files) = match &held {
                Some(change) => known_and_same(change.connection(), key.as_deref()).await?,
                None => {
                    known_and_same(self.store.snapshot(Unscoped::Planning).await?.connection(), key.as_deref()).await?
                }
            };
            let today = self.today();
            let plan = plan(&known, files, request.extent, today).map_err(ImportError::Problems)?;
            drop(known);
            let leaves_no_trace = plan.is_empty() && (key.is_none() || same_files.is_some());
            if request.dry_run || leaves_no_trace {
                return Ok(Imported { plan, report: None, same_files });
            }
            let unusual = plan.unusual.without(&request.allowed);
            if !unusual.is_empty() {
                return Err(ImportError::Unusual(Box::new(unusual)));
            }
            let change = match held {
                Some(change) => change,
                None => self.begin_change(caller, &grant).await?,
            };
            let now_changed_at = settings::read(change.connection(), settings::DIRECTORY_CHANGED_AT).await?;
            if now_changed_at != changed_at {
                change.roll_back().await?;
                overtaken += 1;
                continue;
            }
            if !plan.is_empty() {
                let orders = platforms::link_orders(change.connection()).await?;
                applying::apply(&change, &plan, &orders, self.calendar, progress).await?;
            }
            let employments = files.employments.iter().flatten().map(|row| &row.record.employment);
            scim::leave_to_hr(
                &change,
                employments.map(|reported| (&reported.employee_number, &reported.employment_id)),
            )
            .await?;
            let summary = plan.summary();
            let report =
                imports::insert(&change, grant.subject(), today, request.extent, sources, &summary, None).await?;
            let unusual: Vec<&str> = plan.unusual.options().into_iter().collect();
            let allowed = if unusual.is_empty() { String::new() } else { format!(", by {}", unusual.join(" ")) };
            let object = format!("import {report}, {} changes{allowed}", plan.changes.len());
            change.commit(Act { action: "directory.import", object: &object }).await?;
            return Ok(Imported { plan, report: Some(report), same_files });
        }
    }
}

/// The directory as it is known, the instant of its last change, and the newest import of the same files.
async fn known_and_same(
    connection: &impl Connection,
    key: Option<&str>,
) -> Result<(Known, Option<String>, Option<ImportReport>), StoreError> {
    let (known, changed_at) = directory::known(connection).await?;
    let same_files = match key {
        Some(key) => imports::latest_of(connection, key).await?,
        None => None,
    };
    Ok((known, changed_at, same_files))
}
