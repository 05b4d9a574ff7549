//! The audit trail, for callers that may read it.

use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::store::{Act, StoreError, audit};

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
    /// Entries, newest first, at most so many; reading them leaves one too.
    pub async fn read_audit(
        &self,
        caller: &Caller,
        before: Option<i64>,
        at_most: u64,
    ) -> Result<Vec<AuditEntry>, ReadAuditError> {
        let grant = caller.grant(Action::ReadAudit)?;
        let reading = self.begin_read(caller, &grant, Act { action: "audit.read", object: "audit trail" }).await?;
        // The entries before this read: its own entry is shown by the next read.
        let before = before.unwrap_or_else(|| reading.entry_id());
        Ok(audit::list(reading.connection(), reading.scope(), before, at_most).await?)
    }
}
