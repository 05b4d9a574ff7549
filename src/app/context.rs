//! Who asks, with which right, on whose behalf; and the audit entry that every look, export and change leaves.

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::domain::access::{Action, Grant, Principal, Refused, Visible};
use crate::store::{Change, StoreError, audit};

/// Somebody who asks for something, through whichever door.
#[derive(Debug, Clone)]
pub struct Asker {
    pub principal: Principal,
    /// Ties the audit entry to the log; `cli` at the command line.
    pub request_id: String,
}

impl Asker {
    /// The operator at the command line.
    #[must_use]
    pub fn operator() -> Self {
        Self { principal: Principal::operator(), request_id: "cli".to_owned() }
    }

    /// The right to act; see [`Principal::grant`].
    pub fn grant(&self, action: Action) -> Result<Grant, Refused> {
        self.principal.grant(action)
    }
}

/// What an audit entry says was done.
#[derive(Debug, Clone)]
pub struct Act<'a> {
    /// `noun.verb`, for example `report.read`.
    pub action: &'static str,
    pub object: &'a str,
}

/// A scope as an audit entry shows it: `city`, or the codes of administrations.
fn scope_of(visible: &Visible) -> String {
    match visible {
        Visible::All => "city".to_owned(),
        Visible::Only(own) => own.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

impl App {
    /// Leaves an audit entry within a change.
    pub(in crate::app) async fn audit(
        &self,
        change: &Change,
        asker: &Asker,
        grant: &Grant,
        act: Act<'_>,
    ) -> Result<(), StoreError> {
        audit::insert(change, grant.subject(), act.action, act.object, &scope_of(grant.visible()), &asker.request_id)
            .await
    }

    /// Leaves the audit entry of a look, and moves the clock of knowledge to now: whatever is recorded from here on is
    /// later than the instant that this returns.
    pub(in crate::app) async fn look(
        &self,
        asker: &Asker,
        grant: &Grant,
        act: Act<'_>,
    ) -> Result<DateTime<Utc>, StoreError> {
        let change = self.store.change(self.now()).await?;
        self.audit(&change, asker, grant, act).await?;
        let pinned = change.known_at();
        change.commit().await?;
        Ok(pinned)
    }
}
