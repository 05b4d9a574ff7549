//! The health of a platform: whether it is silent for unusually long, and what arrives late, twice or not understood.
//!
//! Pure figures over observations; `app::show_platforms` makes these. Start at [`SilenceAlarm::of`].

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::pulling::Pulls;
use super::rate::rate;

/// The number of weeks from which a platform's rhythm is learned.
pub const RHYTHM_WEEKS: i64 = 8;

/// The number of weeks with arrivals that a rhythm needs.
const WEEKS_BELIEVED: usize = 3;

/// The threshold before the rhythm is known.
const STANDARD: TimeDelta = TimeDelta::hours(72);

/// The smallest learned threshold: gaps below an hour are not measured.
pub const EARLIEST: TimeDelta = TimeDelta::hours(1);

/// Where a threshold comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThresholdFrom {
    /// The operator's configuration.
    Configured,
    /// The platform's own rhythm.
    Learned,
    /// Nothing else is known yet.
    Standard,
}

impl ThresholdFrom {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Learned => "learned",
            Self::Standard => "standard",
        }
    }
}

/// The first and the last arrival within an hour that has arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveHour {
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
}

/// For how long a platform has been silent, and for how long it may be: without any delivery, or without any result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SilenceAlarm {
    /// Since its last delivery or result, or since it was added.
    pub silence: TimeDelta,
    /// `None`: the operator wants no alarm.
    pub threshold: Option<TimeDelta>,
    pub threshold_from: ThresholdFrom,
}

impl SilenceAlarm {
    /// The alarm of a platform: at the configured time if there is one (no alarm at 0), otherwise when it is silent for
    /// longer than twice the median of the longest silences of its last [`RHYTHM_WEEKS`] weeks.
    ///
    /// A week has a night and a weekend in it, so both are in every week's longest silence and neither rings. An outage
    /// makes one week's silence long, and the median does not follow it: the next one rings as soon as the first. Until
    /// three weeks have had arrivals, 72 hours hold. The same rule applies to arrivals of any kind and to those of
    /// results: a platform that stops sending completions but still sends other events is silent only in results.
    #[must_use]
    pub fn of(
        now: DateTime<Utc>,
        silent_since: DateTime<Utc>,
        configured: Option<TimeDelta>,
        arrivals: &[ActiveHour],
    ) -> Self {
        let silence = now.signed_duration_since(silent_since).max(TimeDelta::zero());
        let (threshold, threshold_from) = match configured {
            Some(configured) if configured.is_zero() => (None, ThresholdFrom::Configured),
            Some(configured) => (Some(configured), ThresholdFrom::Configured),
            None => match learned(now, arrivals) {
                Some(threshold) => (Some(threshold), ThresholdFrom::Learned),
                None => (Some(STANDARD), ThresholdFrom::Standard),
            },
        };
        Self { silence, threshold, threshold_from }
    }

    /// Whether an operator should check.
    #[must_use]
    pub fn rings(&self) -> bool {
        self.threshold.is_some_and(|threshold| self.silence > threshold)
    }
}

/// When a platform sent its last result, and whether that is too long ago.
///
/// A result is a completion or a graded attempt that was not known before. Withdrawals, ungraded attempts, repeated
/// results and results from a file of history do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultSilence {
    /// When its delivery arrived.
    pub last_result_at: Option<DateTime<Utc>>,
    pub alarm: SilenceAlarm,
}

/// Twice the median of each week's longest silence; a silence belongs to the week in which it ended.
fn learned(now: DateTime<Utc>, arrivals: &[ActiveHour]) -> Option<TimeDelta> {
    let weeks = usize::try_from(RHYTHM_WEEKS).unwrap_or_default();
    let mut longest: Vec<Option<TimeDelta>> = vec![None; weeks];
    for (before, after) in arrivals.iter().zip(arrivals.iter().skip(1)) {
        let ago = now.signed_duration_since(after.first).num_days() / 7;
        let silence = after.first.signed_duration_since(before.last);
        if let Some(week) = usize::try_from(ago).ok().and_then(|ago| longest.get_mut(ago)) {
            *week = Some(week.map_or(silence, |longest| longest.max(silence)));
        }
    }
    let mut longest: Vec<TimeDelta> = longest.into_iter().flatten().collect();
    if longest.len() < WEEKS_BELIEVED {
        return None;
    }
    longest.sort_unstable();
    // Of two in the middle the longer one: a late alarm is better than a false one.
    longest.get(longest.len() / 2).map(|median| (*median * 2).max(EARLIEST))
}

/// Quantiles of some durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    pub median: TimeDelta,
    /// Nineteen of twenty are at most this.
    pub p95: TimeDelta,
    /// The one farthest from zero.
    pub max: TimeDelta,
}

impl Spread {
    /// The quantiles by nearest rank; `None` if there are no durations.
    #[must_use]
    pub fn of(mut durations: Vec<TimeDelta>) -> Option<Self> {
        durations.sort_unstable();
        let at = |percent: usize| durations.get((durations.len() * percent).div_ceil(100).max(1) - 1).copied();
        let max = durations.iter().copied().max_by_key(|duration| duration.abs())?;
        Some(Self { median: at(50)?, p95: at(95)?, max })
    }
}

/// How far each event lies behind the newest one that arrived before it, in the order of arrival.
#[must_use]
pub fn depths(occurred: &[DateTime<Utc>]) -> Vec<TimeDelta> {
    let mut newest: Option<DateTime<Utc>> = None;
    let depth = |instant: &DateTime<Utc>| {
        let newest_so_far = newest.map_or(*instant, |newest| newest.max(*instant));
        newest = Some(newest_so_far);
        newest_so_far.signed_duration_since(*instant)
    };
    occurred.iter().map(depth).collect()
}

/// Requests without a row of their own, counted by the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// Sent again, and known.
    Duplicate,
    /// A known id with other bytes.
    Conflict,
    /// The signature, its secret or its time was not valid.
    RefusedSignature,
    /// Sent more often than the operator allows.
    RateLimited,
}

impl Counted {
    pub const ALL: [Self; 4] = [Self::Duplicate, Self::Conflict, Self::RefusedSignature, Self::RateLimited];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::RefusedSignature => "refused_signature",
            Self::RateLimited => "rate_limited",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|counted| counted.as_str() == word)
    }
}

/// The health of a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformHealth {
    /// From when on the following are counted.
    pub since: DateTime<Utc>,
    pub last_delivery_at: Option<DateTime<Utc>>,
    pub alarm: SilenceAlarm,
    /// The same for its results: completions and graded attempts that it sent by itself.
    pub results: ResultSilence,
    /// Stored deliveries that arrived since, and those of them that wait in quarantine now.
    pub deliveries: u64,
    pub quarantined: u64,
    /// Linked results of the last 28 days, and those that wait.
    pub linked: u64,
    pub waiting: u64,
    /// The first and last of these days.
    pub linked_days: (NaiveDate, NaiveDate),
    /// How long after the signed instant the latest deliveries arrived.
    pub clock_skew: Option<Spread>,
    /// How far the latest events lay behind the newest that had arrived.
    pub out_of_order: Option<Spread>,
    /// The number of each [`Counted`] since.
    pub counted: [u64; 4],
    /// The results of pulling from it, if it is pulled from.
    pub pull: Option<Pulls>,
}

impl PlatformHealth {
    /// The share of deliveries that wait in quarantine, in percent with one decimal.
    #[must_use]
    pub fn quarantined_share(&self) -> Option<Decimal> {
        rate(self.quarantined, self.deliveries)
    }

    /// The share of results that are linked, in percent with one decimal.
    #[must_use]
    pub fn linked_share(&self) -> Option<Decimal> {
        rate(self.linked, self.linked + self.waiting)
    }

    #[must_use]
    pub fn count_of(&self, what: Counted) -> u64 {
        Counted::ALL.into_iter().zip(self.counted).find(|(counted, _)| *counted == what).map_or(0, |(_, count)| count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    /// Every hour from eight to five on the working days of so many weeks before a Monday at noon.
    fn office_hours(now: DateTime<Utc>, weeks: i64) -> Vec<ActiveHour> {
        let monday = now - TimeDelta::hours(12);
        let day = |day: i64| monday + TimeDelta::days(day);
        let mut hours: Vec<ActiveHour> = (-7 * weeks..=0)
            .filter(|day| day.rem_euclid(7) < 5)
            .flat_map(|number| (8..17).map(move |hour| (number, hour)))
            .map(|(number, hour)| {
                let first = day(number) + TimeDelta::hours(hour);
                ActiveHour { first, last: first + TimeDelta::minutes(59) }
            })
            .collect();
        hours.retain(|hour| hour.last < now);
        hours
    }

    #[test]
    fn nights_and_weekends_do_not_ring_and_two_weekends_long_do() {
        let now = at("2026-02-23T12:00:00Z");
        let alarm = SilenceAlarm::of(now, now, None, &office_hours(now, 8));
        // From Friday a minute to five to Monday at eight: 63 hours and a minute, twice.
        assert_eq!(alarm.threshold, Some(TimeDelta::minutes(2 * (63 * 60 + 1))));
        assert_eq!(alarm.threshold_from, ThresholdFrom::Learned);
        for (hours, rings) in [(63, false), (126, false), (127, true)] {
            let alarm = SilenceAlarm::of(now, now - TimeDelta::hours(hours), None, &office_hours(now, 8));
            assert_eq!(alarm.rings(), rings, "{hours} hours");
        }
    }

    #[test]
    fn an_outage_does_not_teach_the_alarm_to_wait_longer() {
        let now = at("2026-02-23T12:00:00Z");
        let mut hours = office_hours(now, 8);
        let usual = SilenceAlarm::of(now, now, None, &hours).threshold;
        // Ten days of silence, a month ago.
        hours.retain(|hour| hour.first < at("2026-01-19T00:00:00Z") || hour.first > at("2026-01-29T00:00:00Z"));
        assert_eq!(SilenceAlarm::of(now, now, None, &hours).threshold, usual);
    }

    #[test]
    fn until_the_rhythm_is_known_three_days_hold_and_configured_hours_always_do() {
        let now = at("2026-02-23T12:00:00Z");
        let alarm = |hours: Option<i64>, weeks| {
            SilenceAlarm::of(now, now, hours.map(TimeDelta::hours), &office_hours(now, weeks))
        };
        assert_eq!(
            (alarm(None, 0).threshold, alarm(None, 0).threshold_from),
            (Some(STANDARD), ThresholdFrom::Standard)
        );
        assert_eq!(alarm(None, 1).threshold, Some(STANDARD));
        assert_eq!(alarm(Some(6), 8).threshold, Some(TimeDelta::hours(6)));
        assert_eq!(alarm(Some(0), 8).threshold, None);
        assert!(!SilenceAlarm::of(now, at("2020-01-01T00:00:00Z"), Some(TimeDelta::zero()), &[]).rings());
    }

    #[test]
    fn quantiles_are_those_of_the_nearest_rank() {
        let seconds = |all: &[i64]| all.iter().map(|s| TimeDelta::seconds(*s)).collect::<Vec<_>>();
        assert_eq!(Spread::of(Vec::new()), None);
        let spread = Spread::of(seconds(&[-300, 3, 1, 2])).expect("some");
        assert_eq!([spread.median, spread.p95, spread.max].map(|d| d.num_seconds()), [1, 3, -300]);
        let many = Spread::of((1..=100).map(TimeDelta::seconds).collect()).expect("some");
        assert_eq!([many.median, many.p95, many.max].map(|d| d.num_seconds()), [50, 95, 100]);
    }

    #[test]
    fn what_comes_in_order_has_no_depth() {
        let instants = ["2026-02-01T00:00:00Z", "2026-02-03T00:00:00Z", "2026-02-02T00:00:00Z", "2026-02-04T00:00:00Z"];
        let depths: Vec<i64> = depths(&instants.map(at)).iter().map(TimeDelta::num_days).collect();
        assert_eq!(depths, [0, 0, 1, 0]);
    }

    proptest! {
        #[test]
        fn depths_and_quantiles_keep_their_bounds(offsets in proptest::collection::vec(0_i64..1_000_000, 0..50)) {
            let instants: Vec<_> = offsets.iter().map(|o| DateTime::UNIX_EPOCH + TimeDelta::seconds(*o)).collect();
            let all = depths(&instants);
            prop_assert!(all.iter().all(|depth| *depth >= TimeDelta::zero()));
            let is_ordered = offsets.is_sorted();
            prop_assert_eq!(is_ordered, all.iter().all(TimeDelta::is_zero));
            if let Some(spread) = Spread::of(all) {
                prop_assert!(spread.median <= spread.p95 && spread.p95 <= spread.max);
            }
        }

        #[test]
        fn any_arrivals_give_an_alarm_of_an_hour_or_more(gaps in proptest::collection::vec(0_i64..200, 0..300)) {
            let now = at("2026-02-23T12:00:00Z");
            let mut arrivals = Vec::new();
            let mut when = now;
            for gap in gaps {
                when -= TimeDelta::hours(gap);
                arrivals.push(ActiveHour { first: when, last: when });
            }
            arrivals.reverse();
            let alarm = SilenceAlarm::of(now, now, None, &arrivals);
            prop_assert!(alarm.threshold.is_some_and(|threshold| threshold >= EARLIEST));
        }
    }
}
