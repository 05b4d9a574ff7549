//! Seals the chain after deliveries are received, and returns its head.

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::store::chain;
pub use crate::store::chain::Head;
pub use crate::store::chain::sealing::Sealed;
use crate::store::{Snapshot, StoreError, Unscoped};

/// The version that reads deliveries now. Changes whenever the same bytes would be read differently: if another version
/// read a delivery, `verify` reports no difference for it, as long as the chain says that the delivery is unchanged.
pub const READER: &str = concat!("2 ", env!("CARGO_PKG_VERSION"));

impl App {
    /// Seals the next link of what was committed since the last.
    pub async fn seal_some(&self) -> Result<Sealed, StoreError> {
        let sealed = self.store.seal_some(READER, self.now()).await?;
        if let Sealed::Through { head, .. } = sealed {
            self.metrics.set_chain_head(head.number, head.through);
        }
        self.metrics.set_clock_set_back(sealed == Sealed::ClockSetBack);
        Ok(sealed)
    }

    /// Seals all that had been committed when it began; returns the head of the chain.
    pub async fn seal_all(&self) -> Result<Option<Head>, StoreError> {
        let until = chain::clock(self.store.connection(Unscoped::Deriving)).await?.map(|(at, _)| at);
        while let Sealed::Through { head, is_all } = self.seal_some().await? {
            if is_all || until.is_none_or(|until| head.through.timestamp_micros() >= until) {
                break;
            }
        }
        self.chain_head().await
    }

    /// The head of the chain.
    pub async fn chain_head(&self) -> Result<Option<Head>, StoreError> {
        chain::head(self.store.connection(Unscoped::Deriving)).await
    }

    /// Whether the version that read deliveries at an instant reads differently from this one.
    pub(in crate::app) async fn was_read_by_another(
        &self,
        snapshot: &Snapshot,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        Ok(chain::reader_at(snapshot.connection(), at).await?.is_some_and(|reader| reader != READER))
    }
}
