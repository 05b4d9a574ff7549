//! The audit trail, for those who may read it.

use crate::app::context::Act;
use crate::app::{App, Asker};
use crate::domain::access::{Action, Refused};
use crate::store::{StoreError, audit};

pub use crate::store::audit::AuditEntry;

/// Why the trail was not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadAuditError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Entries from the newest on, at the most so many; reading them leaves one too.
    pub async fn read_audit(
        &self,
        asker: &Asker,
        before: Option<i64>,
        at_most: u64,
    ) -> Result<Vec<AuditEntry>, ReadAuditError> {
        let grant = asker.grant(Action::ReadAudit)?;
        let entries = audit::list(self.store.connection(), before, at_most).await?;
        self.look(asker, &grant, Act { action: "audit.read", object: "audit trail" }).await?;
        Ok(entries)
    }
}
