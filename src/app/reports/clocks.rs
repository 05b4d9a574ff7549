//! Valid time and transaction time of a query: `as_of` and `known_at`.

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::App;
use crate::store::act::AuditedRead;
use crate::store::{Reading, StoreError, clock};

/// Both times as requested: `None` is today, and now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clocks {
    pub as_of: Option<NaiveDate>,
    pub known_at: Option<DateTime<Utc>>,
}

/// As an audit entry says it: what was requested; without a request, the entry's own instant tells the time.
impl std::fmt::Display for Clocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(as_of) = self.as_of {
            write!(f, ", as of {as_of}")?;
        }
        if let Some(known_at) = self.known_at {
            write!(f, ", as known at {}", known_at.to_rfc3339())?;
        }
        Ok(())
    }
}

/// `known_at` lies in the future: what will be known then cannot be reported yet, nor reproduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("known_at lies in the future: what is known then can only be said when it has passed; leave it out for now")]
pub struct FutureKnownAt;

/// What a query is answered from.
#[derive(Debug)]
pub struct View {
    pub snapshot: Reading,
    pub as_of: NaiveDate,
    pub known_at: DateTime<Utc>,
    /// Whether this is all that is known now, so that the derived rows can be used.
    pub is_current: bool,
}

/// Why there is no view.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    #[error(transparent)]
    FutureKnownAt(#[from] FutureKnownAt),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Opens the view for `as_of` and `known_at`, within an act whose audit entry moved the transaction-time clock to
    /// now.
    ///
    /// A view of now is as of the newest instant in its snapshot. Everything that is recorded later has a later
    /// instant, so the same query with that `known_at` always gives the same answer.
    pub(in crate::app) async fn view(&self, clocks: Clocks, act: AuditedRead) -> Result<View, ViewError> {
        if clocks.known_at.is_some_and(|known_at| known_at > act.known_at()) {
            return Err(FutureKnownAt.into());
        }
        if clocks.known_at.is_none() {
            self.refresh_before_reading().await?;
        }
        let snapshot = act.open(&self.store).await?;
        let newest = clock::known_through(snapshot.connection()).await?;
        Ok(View {
            as_of: clocks.as_of.unwrap_or_else(|| self.today()),
            known_at: clocks.known_at.unwrap_or(newest),
            is_current: clocks.known_at.is_none(),
            snapshot,
        })
    }
}
