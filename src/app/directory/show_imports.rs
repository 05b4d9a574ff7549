//! Reports of imports: listed, shown, and what each changed.

use crate::app::context::Act;
use crate::app::{App, Asker};
use crate::domain::access::{Action, Refused};
use crate::domain::directory::imports::ImportReport;
use crate::domain::directory::plan::Plan;
use crate::store::{StoreError, imports};

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
    /// Imports from the newest on; `before` is the id of the last one that was seen.
    pub async fn list_imports(
        &self,
        asker: &Asker,
        before: Option<i64>,
        at_most: u64,
    ) -> Result<Vec<ImportReport>, ShowImportsError> {
        let grant = asker.grant(Action::ReadImports)?;
        self.look(asker, &grant, Act { action: "import.list", object: "imports" }).await?;
        Ok(imports::list(self.store.connection(), before, at_most).await?)
    }

    /// One import's report.
    pub async fn show_import(&self, asker: &Asker, id: i64) -> Result<ImportReport, ShowImportsError> {
        let grant = asker.grant(Action::ReadImports)?;
        self.look(asker, &grant, Act { action: "import.read", object: &format!("import {id}") }).await?;
        let report = imports::by_id(self.store.connection(), id).await?;
        report.ok_or(ShowImportsError::UnknownImport(id))
    }

    /// What an import changed, told from the facts that it recorded and superseded.
    ///
    /// It is the difference that the import itself told, but for people whose personal data became protected since: their
    /// rows show the number only; and but for what was erased since.
    pub async fn import_difference(&self, asker: &Asker, id: i64) -> Result<(ImportReport, Plan), ShowImportsError> {
        let grant = asker.grant(Action::ReadImports)?;
        self.look(asker, &grant, Act { action: "import.difference", object: &format!("import {id}") }).await?;
        let snapshot = self.store.snapshot().await?;
        let report = imports::by_id(snapshot.connection(), id).await?;
        let report = report.ok_or(ShowImportsError::UnknownImport(id))?;
        let plan = imports::carried_out(snapshot.connection(), &report).await?;
        Ok((report, plan))
    }
}
