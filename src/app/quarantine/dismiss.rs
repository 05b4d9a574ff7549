//! A quarantined delivery that was resolved in another way is dismissed with a reason, which can be undone.
//!
//! It stays stored and readable, and can still be replayed; it counts in no report's data quality while it is
//! dismissed.

use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::store::{Act, StoreError, quarantine};

/// The most deliveries that are dismissed at once.
pub const DISMISSED_AT_MOST: usize = 1000;

/// Why nothing was dismissed or undone.
#[derive(Debug, thiserror::Error)]
pub enum DismissError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no delivery {0} is in quarantine")]
    NotInQuarantine(i64),
    #[error("delivery {0} is dismissed already")]
    AlreadyDismissed(i64),
    #[error("delivery {0} is not dismissed")]
    NotDismissed(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Dismisses deliveries in quarantine, all or none of them.
    pub async fn dismiss_deliveries(&self, caller: &Caller, ids: &[i64], reason: &str) -> Result<(), DismissError> {
        let grant = caller.grant(Action::Replay)?;
        let change = self.begin_change(caller, &grant).await?;
        for ids in ids.chunks(100) {
            let waiting = quarantine::waiting_among(change.connection(), ids).await?;
            for id in ids {
                if !waiting.contains(id) {
                    return Err(DismissError::NotInQuarantine(*id));
                }
                if !quarantine::dismiss(&change, *id, reason, grant.subject()).await? {
                    return Err(DismissError::AlreadyDismissed(*id));
                }
                let object = format!("delivery {id}: {reason}");
                change.note(Act { action: "delivery.dismiss", object: &object }).await?;
            }
        }
        Ok(change.commit_noted().await?)
    }

    /// Undoes the dismissal of a delivery: it waits again.
    pub async fn undo_dismissal(&self, caller: &Caller, id: i64, reason: &str) -> Result<(), DismissError> {
        let grant = caller.grant(Action::Replay)?;
        let change = self.begin_change(caller, &grant).await?;
        if !quarantine::undo_dismissal(&change, id).await? {
            return Err(DismissError::NotDismissed(id));
        }
        let object = format!("delivery {id}: {reason}");
        Ok(change.commit(Act { action: "delivery.undo-dismissal", object: &object }).await?)
    }
}
