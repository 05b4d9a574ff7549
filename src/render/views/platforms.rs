//! The health of platforms, in JSON.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::decimal;
use crate::domain::ids::PlatformCode;
use crate::domain::platform_health::{Counted, PlatformHealth, ResultSilence, SilenceAlarm, Spread};
use crate::domain::pulling::{Brought, PullState};

/// For how long a platform has been silent, and for how long it may.
#[derive(Debug, Serialize, ToSchema)]
pub struct SilenceView {
    /// Its last delivery; null if it has never sent.
    pub last_delivery_at: Option<DateTime<Utc>>,
    /// Since then, or since it was added.
    #[schema(example = 5400)]
    silence_seconds: i64,
    /// Above which the alarm rings; null if the operator wants none.
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

/// For how long a platform has reported no result, and for how long it may.
///
/// A result is a completion or a graded attempt that was not reported before; it counts when its delivery arrived.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultSilenceView {
    /// Its last result; null if it has never reported one.
    pub last_result_at: Option<DateTime<Utc>>,
    /// Since then, or since it was added.
    #[schema(example = 5400)]
    silence_seconds: i64,
    /// Above which the alarm rings; null if the operator wants none.
    #[schema(example = 453_720)]
    threshold_seconds: Option<i64>,
    /// `configured`, `learned` (twice the median of its last eight weeks' longest silences of results) or `standard`
    /// (72 hours).
    #[schema(example = "learned")]
    threshold_from: &'static str,
    /// Whether the alarm rings.
    alarm: bool,
}

impl ResultSilenceView {
    #[must_use]
    pub fn of(ResultSilence { last_result_at, alarm }: &ResultSilence) -> Self {
        Self {
            last_result_at: *last_result_at,
            silence_seconds: alarm.silence.num_seconds(),
            threshold_seconds: alarm.threshold.map(|threshold| threshold.num_seconds()),
            threshold_from: alarm.threshold_from.as_str(),
            alarm: alarm.rings(),
        }
    }
}

/// A platform's health.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlatformHealthView {
    #[schema(example = "larportal")]
    platform: String,
    /// From when on deliveries, and what is counted by the hour, are counted.
    since: DateTime<Utc>,
    silence: SilenceView,
    result_silence: ResultSilenceView,
    /// Stored deliveries; a file of results is one.
    #[schema(example = 1520)]
    deliveries: u64,
    /// Those of them that wait in quarantine now.
    quarantined: u64,
    /// In percent with one decimal; null of no deliveries.
    #[schema(example = "0.3")]
    quarantined_share: Option<String>,
    /// Results of the last 28 days that are linked.
    linked_results: u64,
    /// Results of the last 28 days that wait.
    waiting_results: u64,
    /// In percent with one decimal; null of no results.
    #[schema(example = "98.7")]
    linked_share: Option<String>,
    /// The first of these days.
    #[schema(example = "2026-01-30")]
    linked_from: NaiveDate,
    /// The last of them: today.
    #[schema(example = "2026-02-26")]
    linked_to: NaiveDate,
    /// By how much deliveries arrived after the instant that their sender signed: below zero where its clock is ahead.
    /// Of the latest thousand; null if none was signed with an instant.
    clock_skew: Option<SpreadView>,
    /// How far events were behind the newest that arrived before them. Of the latest thousand deliveries; null of none.
    out_of_order: Option<SpreadView>,
    /// Sent again, and known. This and what follows is counted by the hour.
    duplicates: u64,
    /// A known id with other bytes.
    conflicts: u64,
    /// The signature, its secret or its time was not valid.
    refused_signatures: u64,
    /// Sent more often than is allowed.
    rate_limited: u64,
    /// How the platform is pulled from; null if it is not.
    pull: Option<PullView>,
}

/// How a platform is pulled from, and what that found.
#[derive(Debug, Serialize, ToSchema)]
pub struct PullView {
    /// `xapi`: a Learning Record Store; `moodle`: Moodle's web service.
    #[schema(example = "xapi")]
    source: String,
    #[schema(example = "https://lrs.example.org/xapi")]
    address: String,
    #[schema(example = 3600)]
    every_seconds: i64,
    /// What the store had up to then is pulled; null at first, and for Moodle, which is queried for everything every
    /// time.
    since: Option<DateTime<Utc>>,
    /// When the next pull is due.
    due_at: DateTime<Utc>,
    is_under_way: bool,
    begun_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    succeeded_at: Option<DateTime<Utc>>,
    /// How many times in a row it failed.
    failures: u32,
    /// Why it failed the last time; null if it did not.
    problem: Option<String>,
    /// Whether no pull has succeeded for twice its interval and an hour: the operator should look.
    is_late: bool,
    /// Results that only pulls found since `since` of the platform: they would have been lost otherwise.
    #[schema(example = 3)]
    found: u64,
    /// What the last pull found, or has found so far.
    last: BroughtView,
}

/// What a pull found.
#[derive(Debug, Serialize, ToSchema)]
pub struct BroughtView {
    /// Statements or completions that the source returned.
    returned: u64,
    /// Results among them that were not known.
    found: u64,
    /// Those that were not understood, and are stored in quarantine.
    refused: u64,
    /// Those with the id of a stored one and other content; the stored one stays.
    contradicting: u64,
    /// Completions without a time, which cannot be stored.
    undated: u64,
}

impl From<Brought> for BroughtView {
    fn from(brought: Brought) -> Self {
        let Brought { returned, found, refused, contradicting, undated } = brought;
        Self { returned, found, refused, contradicting, undated }
    }
}

impl PullView {
    #[must_use]
    pub fn of(state: &PullState, found: u64) -> Self {
        Self {
            source: state.source.as_str().to_owned(),
            address: state.address.clone(),
            every_seconds: state.every.num_seconds(),
            since: state.since,
            due_at: state.due_at,
            is_under_way: state.is_under_way,
            begun_at: state.begun_at,
            ended_at: state.ended_at,
            succeeded_at: state.succeeded_at,
            failures: state.failures,
            problem: state.problem.clone(),
            is_late: state.is_late,
            found,
            last: state.brought.into(),
        }
    }
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
            result_silence: ResultSilenceView::of(&health.results),
            deliveries: health.deliveries,
            quarantined: health.quarantined,
            quarantined_share: decimal(health.quarantined_share()),
            linked_results: health.linked,
            waiting_results: health.waiting,
            linked_share: decimal(health.linked_share()),
            linked_from: health.linked_days.0,
            linked_to: health.linked_days.1,
            clock_skew: health.clock_skew.map(Into::into),
            out_of_order: health.out_of_order.map(Into::into),
            duplicates: health.count_of(Counted::Duplicate),
            conflicts: health.count_of(Counted::Conflict),
            refused_signatures: health.count_of(Counted::RefusedSignature),
            rate_limited: health.count_of(Counted::RateLimited),
            pull: health.pull.as_ref().map(|pulls| PullView::of(&pulls.state, pulls.found)),
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
