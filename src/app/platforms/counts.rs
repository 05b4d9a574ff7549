//! What platforms do that leaves no row of its own, counted in memory and written down every few seconds.
//!
//! A duplicate or a refused signature must cost the way in no statement. What a crash loses is seconds of a count that
//! nothing rests on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::domain::ids::PlatformCode;
use crate::domain::platform_health::Counted;
use crate::store::StoreError;
use crate::store::platform_health::{HourCount, hour_of};

/// What is counted: of which platform, in the hour that begins when, and what.
type Key = (PlatformCode, DateTime<Utc>, Counted);

/// The counts of this process that are not written down yet.
#[derive(Debug, Default)]
pub struct PlatformCounts(Mutex<BTreeMap<Key, u64>>);

impl PlatformCounts {
    /// Something happened once. Only of platforms that there are: so the keys are few, whatever is sent.
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
    /// Writes down what was counted since the last time; what cannot be written is kept for the next.
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
