//! Lists and shows the reports of imports, and what each import changed.

use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::directory::imports::ImportReport;
use crate::domain::directory::plan::Plan;
use crate::store::{Act, StoreError, imports};

/// Why no report was shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowImportsError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no import has the id {0}")]
    UnknownImport(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Imports, newest first; `before` is the id of the last one that the caller has seen.
    pub async fn list_imports(
        &self,
        caller: &Caller,
        before: Option<i64>,
        at_most: u64,
    ) -> Result<Vec<ImportReport>, ShowImportsError> {
        let grant = caller.grant(Action::ReadImports)?;
        let reading = self.begin_read(caller, &grant, Act { action: "import.list", object: "imports" }).await?;
        Ok(imports::list(reading.connection(), reading.scope(), before, at_most).await?)
    }

    /// One import's report.
    pub async fn show_import(&self, caller: &Caller, id: i64) -> Result<ImportReport, ShowImportsError> {
        let grant = caller.grant(Action::ReadImports)?;
        let object = format!("import {id}");
        let reading = self.begin_read(caller, &grant, Act { action: "import.read", object: &object }).await?;
        let report = imports::by_id(reading.connection(), reading.scope(), id).await?;
        report.ok_or(ShowImportsError::UnknownImport(id))
    }

    /// What an import changed, derived from the facts that it recorded and superseded.
    ///
    /// It equals the difference that the import itself reported, except for people whose personal data became protected
    /// since, whose rows show the number only, and for data erased since.
    pub async fn import_difference(&self, caller: &Caller, id: i64) -> Result<(ImportReport, Plan), ShowImportsError> {
        let grant = caller.grant(Action::ReadImports)?;
        let object = format!("import {id}");
        let snapshot = self.begin_read(caller, &grant, Act { action: "import.difference", object: &object }).await?;
        let report = imports::by_id(snapshot.connection(), snapshot.scope(), id).await?;
        let report = report.ok_or(ShowImportsError::UnknownImport(id))?;
        let plan = imports::carried_out(snapshot.connection(), &report).await?;
        Ok((report, plan))
    }
}
