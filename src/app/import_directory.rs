//! HR's files into the directory: planned, looked at, and recorded all or nothing.

use super::context::Act;
use super::{App, Asker};
use crate::domain::access::{Action, Refused};
use crate::domain::directory::plan::{Extent, Files, MassEnding, Plan, plan};
use crate::domain::directory::problem::RowProblems;
use crate::store::{StoreError, directory, platforms, settings};

/// How an import is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportRequest {
    pub extent: Extent,
    /// Only say what would change.
    pub dry_run: bool,
    /// Take a full file that ends more than a tenth of the employments.
    pub allow_mass_ending: bool,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the files refer to what is not known")]
    Problems(RowProblems),
    #[error(
        "the files would end {} of {} employments, more than a tenth: see what with --dry-run, and allow it with --allow-mass-ending",
        .0.ending, .0.running
    )]
    MassEnding(MassEnding),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How often an import may be overtaken by another change of the directory before it holds the others back.
const OVERTAKEN_AT_MOST: usize = 4;

impl App {
    /// Imports files; answers what they changed, or would change.
    pub async fn import_directory(
        &self,
        asker: &Asker,
        files: &Files,
        request: ImportRequest,
    ) -> Result<Plan, ImportError> {
        let grant = asker.grant(Action::Operate)?;
        let mut overtaken = 0;
        loop {
            // The last try holds others back while it plans: an identity provider may tell of thousands without a pause.
            let holding = overtaken == OVERTAKEN_AT_MOST && !request.dry_run;
            let held = if holding { Some(self.store.change(self.now()).await?) } else { None };
            let (known, changed_at) = match &held {
                Some(change) => directory::known(change.connection()).await?,
                None => directory::known(self.store.snapshot().await?.connection()).await?,
            };
            let plan = plan(&known, files, request.extent, self.today()).map_err(ImportError::Problems)?;
            if request.dry_run || plan.is_empty() {
                return Ok(plan);
            }
            if let Some(ending) = plan.mass_ending.filter(|_| !request.allow_mass_ending) {
                return Err(ImportError::MassEnding(ending));
            }
            let change = match held {
                Some(change) => change,
                None => self.store.change(self.now()).await?,
            };
            let now_changed_at = settings::read(change.connection(), settings::DIRECTORY_CHANGED_AT).await?;
            if now_changed_at != changed_at {
                change.roll_back().await?;
                overtaken += 1;
                continue;
            }
            let orders = platforms::link_orders(change.connection()).await?;
            directory::apply(&change, &plan, &orders, self.calendar).await?;
            let object = format!("{} changes", plan.changes.len());
            self.audit(&change, asker, &grant, Act { action: "directory.import", object: &object }).await?;
            change.commit().await?;
            return Ok(plan);
        }
    }
}
