//! Who calls, with which right; and the acts that a right opens.

use super::App;
use crate::domain::access::{Action, Grant, Principal, Refused};
use crate::store::act::AuditedRead;
use crate::store::{Act, Author, Changing, Reading, StoreError};

/// Somebody who calls a use case, through whichever endpoint.
#[derive(Debug, Clone)]
pub struct Caller {
    pub principal: Principal,
    /// Ties the audit entry to the log; `cli` at the command line.
    pub request_id: String,
}

impl Caller {
    /// The operator at the command line.
    #[must_use]
    pub fn operator() -> Self {
        Self { principal: Principal::operator(), request_id: "cli".to_owned() }
    }

    /// The right to act; see [`Principal::grant`].
    pub fn grant(&self, action: Action) -> Result<Grant, Refused> {
        self.principal.grant(action)
    }

    pub(super) fn author<'a>(&'a self, grant: &'a Grant) -> Author<'a> {
        Author { grant, request_id: &self.request_id }
    }
}

impl App {
    /// Begins an act that reads: its audit entry is committed, then its snapshot is opened.
    pub(super) async fn begin_read(
        &self,
        caller: &Caller,
        grant: &Grant,
        entry: Act<'_>,
    ) -> Result<Reading, StoreError> {
        self.audited_read(caller, grant, entry).await?.open(&self.store).await
    }

    /// The same, where something is done between the audit entry and the snapshot.
    pub(super) async fn audited_read(
        &self,
        caller: &Caller,
        grant: &Grant,
        entry: Act<'_>,
    ) -> Result<AuditedRead, StoreError> {
        self.store.begin_read(caller.author(grant), entry, (self.now(), self.calendar)).await
    }

    /// Begins an act that changes something.
    pub(super) async fn begin_change<'a>(
        &self,
        caller: &'a Caller,
        grant: &'a Grant,
    ) -> Result<Changing<'a>, StoreError> {
        self.store.begin_change(caller.author(grant), (self.now(), self.calendar)).await
    }

    /// Ends a dry run: undoes the change, and leaves the audit entry of having seen what it would do.
    pub(super) async fn end_preview(&self, change: Changing<'_>, entry: Act<'_>) -> Result<(), StoreError> {
        let author = change.author();
        change.roll_back().await?;
        self.store.begin_read(author, entry, (self.now(), self.calendar)).await.map(drop)
    }
}
