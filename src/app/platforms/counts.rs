//! Counts what platforms do that leaves no row of its own, in memory, and writes the counts every few seconds.
//!
//! A duplicate or a refused signature must not cost a statement while a delivery is received. A crash loses seconds of
//! a count that nothing depends on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::domain::ids::PlatformCode;
use crate::domain::platform_health::Counted;
use crate::store::StoreError;
use crate::store::platform_health::{HourCount, hour_of};

/// The platform, the start of the hour, and what is counted.
type Key = (PlatformCode, DateTime<Utc>, Counted);

/// The counts of this process that are not written yet.
#[derive(Debug, Default)]
pub struct PlatformCounts(Mutex<BTreeMap<Key, u64>>);

impl PlatformCounts {
    /// Counts one occurrence. Only for known platforms, so the number of keys is limited.
    pub fn count(&self, platform: &PlatformCode, what: Counted, now: DateTime<Utc>) {
        self.add(platform.clone(), hour_of(now), what, 1);
    }

    fn add(&self, platform: PlatformCode, hour: DateTime<Utc>, what: Counted, times: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((platform, hour, what)).or_default() += times;
    }

    fn take(&self) -> Vec<HourCount> {
        let taken = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let count = |((platform, hour, what), times)| HourCount { platform, hour, what, times };
        taken.into_iter().map(count).collect()
    }
}

impl App {
    /// Writes what was counted since the last time; what cannot be written is left for the next time.
    pub async fn write_platform_counts(&self) -> Result<(), StoreError> {
        let taken = self.platform_counts.take();
        let written = self.store.add_counts(&taken).await;
        if written.is_err() {
            for HourCount { platform, hour, what, times } in taken {
                self.platform_counts.add(platform, hour, what, times);
            }
        }
        written
    }
}
