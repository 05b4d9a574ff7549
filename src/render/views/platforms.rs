//! How platforms fare, in JSON.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::decimal;
use crate::domain::ids::PlatformCode;
use crate::domain::platform_health::{Counted, PlatformHealth, SilenceAlarm, Spread};

/// For how long a platform has been silent, and for how long it may.
#[derive(Debug, Serialize, ToSchema)]
pub struct SilenceView {
    /// Its last delivery; null where it has never sent.
    pub last_delivery_at: Option<DateTime<Utc>>,
    /// Since then, or since it was added.
    #[schema(example = 5400)]
    silence_seconds: i64,
    /// Above which the alarm rings; null where the operator wants none.
    #[schema(example = 453_720)]
    threshold_seconds: Option<i64>,
    /// `configured`, `learned` (twice the median of its last eight weeks' longest silences) or `standard` (72 hours).
    #[schema(example = "learned")]
    threshold_from: &'static str,
    /// Whether the alarm rings.
    alarm: bool,
}

impl SilenceView {
    #[must_use]
    pub fn of(last_delivery_at: Option<DateTime<Utc>>, alarm: &SilenceAlarm) -> Self {
        Self {
            last_delivery_at,
            silence_seconds: alarm.silence.num_seconds(),
            threshold_seconds: alarm.threshold.map(|threshold| threshold.num_seconds()),
            threshold_from: alarm.threshold_from.as_str(),
            alarm: alarm.rings(),
        }
    }
}

/// How a platform fares.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlatformHealthView {
    #[schema(example = "larportal")]
    platform: String,
    /// From when on deliveries and what is counted by the hour are counted.
    since: DateTime<Utc>,
    silence: SilenceView,
    /// Deliveries that are kept; a file of results is one.
    #[schema(example = 1520)]
    deliveries: u64,
    /// Those of them that wait in quarantine now.
    quarantined: u64,
    /// In percent with one decimal; null of no deliveries.
    #[schema(example = "0.3")]
    quarantined_share: Option<String>,
    /// Results of the last 28 days that are somebody's.
    linked_results: u64,
    /// Results of the last 28 days that wait.
    waiting_results: u64,
    /// In percent with one decimal; null of no results.
    #[schema(example = "98.7")]
    linked_share: Option<String>,
    /// By how much deliveries came after the instant that their sender signed: below zero where its clock is ahead. Of the
    /// latest thousand; null where none was signed with an instant.
    clock_skew: Option<SpreadView>,
    /// How far events lay behind the newest that had come before them. Of the latest thousand deliveries; null of none.
    out_of_order: Option<SpreadView>,
    /// Sent again, and known. This and what follows is counted by the hour.
    duplicates: u64,
    /// A known id with other bytes.
    conflicts: u64,
    /// The signature, its secret or its time did not hold.
    refused_signatures: u64,
    /// Sent more often than is allowed.
    rate_limited: u64,
}

/// Quantiles of durations, in seconds with three decimals.
#[derive(Debug, Serialize, ToSchema)]
struct SpreadView {
    #[schema(example = "0.214")]
    median_seconds: String,
    /// Nineteen of twenty are at most this.
    p95_seconds: String,
    /// The one farthest from zero.
    max_seconds: String,
}

impl From<Spread> for SpreadView {
    fn from(spread: Spread) -> Self {
        Self {
            median_seconds: seconds(spread.median),
            p95_seconds: seconds(spread.p95),
            max_seconds: seconds(spread.max),
        }
    }
}

/// A duration in seconds with three decimals, cut off.
#[must_use]
pub fn seconds(duration: TimeDelta) -> String {
    let milliseconds = duration.num_milliseconds();
    let sign = if milliseconds < 0 { "-" } else { "" };
    let milliseconds = milliseconds.unsigned_abs();
    format!("{sign}{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

impl PlatformHealthView {
    #[must_use]
    pub fn of(platform: &PlatformCode, health: &PlatformHealth) -> Self {
        Self {
            platform: platform.to_string(),
            since: health.since,
            silence: SilenceView::of(health.last_delivery_at, &health.alarm),
            deliveries: health.deliveries,
            quarantined: health.quarantined,
            quarantined_share: decimal(health.quarantined_share()),
            linked_results: health.linked,
            waiting_results: health.waiting,
            linked_share: decimal(health.linked_share()),
            clock_skew: health.clock_skew.map(Into::into),
            out_of_order: health.out_of_order.map(Into::into),
            duplicates: health.count_of(Counted::Duplicate),
            conflicts: health.count_of(Counted::Conflict),
            refused_signatures: health.count_of(Counted::RefusedSignature),
            rate_limited: health.count_of(Counted::RateLimited),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_keep_their_sign_below_one() {
        for (milliseconds, text) in [(0, "0.000"), (-5, "-0.005"), (61_234, "61.234"), (-61_000, "-61.000")] {
            assert_eq!(seconds(TimeDelta::milliseconds(milliseconds)), text);
        }
    }
}
