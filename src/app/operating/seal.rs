//! Seals the chain behind receiving, and says where it ends.

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::store::chain;
pub use crate::store::chain::Head;
pub use crate::store::chain::sealing::Sealed;
use crate::store::{Snapshot, StoreError};

/// What reads deliveries now. Changes whenever the same bytes would be read otherwise: `verify` takes a delivery that an
/// other one read and that is read otherwise today for no difference, as long as the chain says that it is as it was.
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

    /// Seals all that had been committed when it began; answers where the chain ends.
    pub async fn seal_all(&self) -> Result<Option<Head>, StoreError> {
        let until = chain::clock(self.store.connection()).await?.map(|(at, _)| at);
        while let Sealed::Through { head, is_all } = self.seal_some().await? {
            if is_all || until.is_none_or(|until| head.through.timestamp_micros() >= until) {
                break;
            }
        }
        self.chain_head().await
    }

    /// Where the chain ends.
    pub async fn chain_head(&self) -> Result<Option<Head>, StoreError> {
        chain::head(self.store.connection()).await
    }

    /// Whether what read a delivery at an instant reads otherwise than what reads now.
    pub(in crate::app) async fn was_read_by_another(
        &self,
        snapshot: &Snapshot,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        Ok(chain::reader_at(snapshot.connection(), at).await?.is_some_and(|reader| reader != READER))
    }
}
