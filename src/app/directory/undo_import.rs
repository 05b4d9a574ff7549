//! Undoes an import: what it changed, and no one changed since, becomes as before from now on.

use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::directory::imports::{ImportReport, Sources, Undoes, Undone};
use crate::domain::directory::plan::undo::{Undoing, undo};
use crate::domain::directory::plan::{Change, Extent};
use crate::store::{Act, Connection, Scope, StoreError, directory, imports, platforms, undoing};

/// Which import is undone, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoImportRequest {
    pub import: i64,
    pub reason: String,
    /// Whether this is a dry run.
    pub dry_run: bool,
}

/// What undoing an import changed, or would change.
#[derive(Debug)]
pub struct UndoneImport {
    pub import: ImportReport,
    pub undoing: Undoing,
    /// The id of the undoing, which is an import itself; `None` after a dry run.
    pub report: Option<i64>,
}

/// Why an import was not undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoImportError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no import has the id {0}; kurskoll directory imports lists them")]
    UnknownImport(i64),
    #[error("import {import} is undone already, by {} on {} (import {}): undo that one to have it back", .undone.by, .undone.at.format("%Y-%m-%d"), .undone.import)]
    UndoneAlready { import: i64, undone: Undone },
    #[error("import {0} changed nothing; there is nothing to undo")]
    ChangedNothing(i64),
    #[error(
        "nothing of import {import} is as it left it: all {left} things that it changed were changed since, or something depends on them"
    )]
    NothingLeft { import: i64, left: usize },
    #[error(
        "two persons must agree on exemptions here, and undoing import {0} would change some: propose each with POST /api/v1/exemptions, or turn approval.exemptions off"
    )]
    ExemptionsNeedApproval(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Undoes an import, or returns what that would change; `progress` gets how many more rows were written.
    ///
    /// What the import changed and no one changed since becomes as it was before; the rest stays, and is named. The
    /// undoing is an import of its own, with its difference, and can be undone in turn.
    pub async fn undo_import(
        &self,
        caller: &Caller,
        request: &UndoImportRequest,
        progress: crate::store::applying::Progress<'_>,
    ) -> Result<UndoneImport, UndoImportError> {
        let grant = caller.grant(Action::Operate)?;
        if request.dry_run {
            let entry = Act { action: "directory.preview-undo", object: &format!("import {}", request.import) };
            let reading = self.begin_read(caller, &grant, entry).await?;
            let (import, undoing) = self.undoing(reading.connection(), reading.scope(), request.import).await?;
            return Ok(UndoneImport { import, undoing, report: None });
        }
        // Nothing may change between the comparison and the writing; undoing is rare enough to lock others out.
        let change = self.begin_change(caller, &grant).await?;
        let (import, undoing) = self.undoing(change.connection(), change.scope(), request.import).await?;
        let undoes = Undoes { import: import.id, reason: request.reason.clone() };
        let (subject, today, summary) = (grant.subject(), self.today(), undoing.plan.summary());
        let sources = Sources::default();
        let report =
            imports::insert(&change, subject, today, Extent::Partial, &sources, &summary, Some(&undoes)).await?;
        let orders = platforms::link_orders(change.connection()).await?;
        undoing::apply(&change, &undoing.plan, &import, &orders, self.calendar, progress).await?;
        let (changes, left) = (undoing.plan.changes.len(), undoing.left.len());
        let object = format!(
            "import {} by import {report}, {changes} changes, {left} left, because {}",
            import.id, request.reason
        );
        change.commit(Act { action: "directory.undo", object: &object }).await?;
        Ok(UndoneImport { import, undoing, report: Some(report) })
    }

    async fn undoing(
        &self,
        connection: &impl Connection,
        scope: &Scope,
        import: i64,
    ) -> Result<(ImportReport, Undoing), UndoImportError> {
        let found = imports::by_id(connection, scope, import).await?;
        let report = found.ok_or(UndoImportError::UnknownImport(import))?;
        if let Some(undone) = report.undone {
            return Err(UndoImportError::UndoneAlready { import, undone });
        }
        let carried_out = imports::carried_out(connection, &report).await?;
        if carried_out.is_empty() {
            return Err(UndoImportError::ChangedNothing(import));
        }
        let (known, _) = directory::known(connection).await?;
        let rested_on = undoing::rested_on(connection, &carried_out).await?;
        let undoing = undo(&known, &carried_out, &rested_on, self.today());
        if undoing.plan.is_empty() {
            return Err(UndoImportError::NothingLeft { import, left: undoing.left.len() });
        }
        let is_exemption = |change: &Change| matches!(change, Change::Exemption(_));
        if self.approval.exemptions && undoing.plan.changes.iter().any(is_exemption) {
            return Err(UndoImportError::ExemptionsNeedApproval(import));
        }
        Ok((report, undoing))
    }
}
