//! Pulling what platforms may have failed to send: when the next pull is due, and from where it continues.
//!
//! Pure figures over instants. `app::pull` does the pulling.

use chrono::{DateTime, TimeDelta, Utc};

/// The default overlap: how far before the newest fetched item the next pull starts, to fetch items that a source
/// stored late. Items that were fetched before are deduplicated.
pub const LOOK_BACK: TimeDelta = TimeDelta::minutes(10);

/// The shortest time between two pulls.
pub const SHORTEST: TimeDelta = TimeDelta::minutes(1);

/// The longest time between two pulls.
pub const LONGEST: TimeDelta = TimeDelta::days(31);

/// The wait before a retry after a first failure.
const FIRST_RETRY: TimeDelta = TimeDelta::minutes(1);

/// A pull that is late by less is not reported.
const GRACE: TimeDelta = TimeDelta::hours(1);

/// The due time of the next pull after one that ended at `ended_at`, with so many failures in a row: `every` later, and
/// after failures sooner, with a wait that doubles each time.
#[must_use]
pub fn next_due(ended_at: DateTime<Utc>, every: TimeDelta, failures: u32) -> DateTime<Utc> {
    let wait = match failures {
        0 => every,
        // Ten doublings are 17 hours.
        _ => (FIRST_RETRY * (1 << (failures - 1).min(10))).min(every),
    };
    ended_at + wait
}

/// The instant from which the next pull starts, when everything stored up to `newest` has been fetched.
///
/// * `before`: where this pull started. The next one never starts earlier.
/// * `look_back`: the overlap before `newest`.
/// * `consistent_through`: up to where the source promises that nothing is missing (xAPI 1.0.3, Communication 2.1.3).
#[must_use]
pub fn resume_point(
    before: Option<DateTime<Utc>>,
    newest: Option<DateTime<Utc>>,
    consistent_through: Option<DateTime<Utc>>,
    look_back: TimeDelta,
) -> Option<DateTime<Utc>> {
    let had = newest.map(|newest| consistent_through.map_or(newest, |through| newest.min(through)));
    had.and_then(|had| had.checked_sub_signed(look_back)).max(before)
}

/// Whether no pull has succeeded for so long that an operator should check.
///
/// * `since`: when a pull last succeeded, or when it was set up.
#[must_use]
pub fn is_late(now: DateTime<Utc>, since: DateTime<Utc>, every: TimeDelta) -> bool {
    now.signed_duration_since(since) > every * 2 + GRACE
}

/// The kind of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A Learning Record Store, for its statements.
    Xapi,
    /// Moodle's web service, for completions of courses.
    Moodle,
}

impl SourceKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Xapi => "xapi",
            Self::Moodle => "moodle",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Xapi, Self::Moodle].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The result of a pull.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Brought {
    /// Statements or completions that the source returned.
    pub returned: u64,
    /// Results among them that were not known: they would have been missing.
    pub found: u64,
    /// Those that were not understood, and are stored in quarantine.
    pub refused: u64,
    /// Those with a known id and other content: the stored one stays.
    pub contradicting: u64,
    /// Completions without a time.
    pub undated: u64,
}

impl Brought {
    /// The sum of two results.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self {
            returned: self.returned.saturating_add(more.returned),
            found: self.found.saturating_add(more.found),
            refused: self.refused.saturating_add(more.refused),
            contradicting: self.contradicting.saturating_add(more.contradicting),
            undated: self.undated.saturating_add(more.undated),
        }
    }
}

/// The configuration and state of pulling from a platform: all but the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullState {
    pub source: SourceKind,
    pub address: String,
    pub every: TimeDelta,
    /// Everything that the source had stored up to then has been fetched.
    pub since: Option<DateTime<Utc>>,
    pub due_at: DateTime<Utc>,
    pub is_under_way: bool,
    pub begun_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub succeeded_at: Option<DateTime<Utc>>,
    /// How many times in a row it failed.
    pub failures: u32,
    pub problem: Option<String>,
    /// Whether it has not succeeded for so long that an operator should check.
    pub is_late: bool,
    /// The result of the last pull, so far.
    pub brought: Brought,
}

/// The results of pulling from a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulls {
    pub state: PullState,
    /// Results that only pulls found, from the instant on from which the platform's figures are counted.
    pub found: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_pull_follows_at_its_time_and_sooner_after_failures() {
        let ended = at("2026-03-02T12:00:00Z");
        let minutes =
            |failures| next_due(ended, TimeDelta::hours(1), failures).signed_duration_since(ended).num_minutes();
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 60].map(minutes), [60, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(next_due(ended, TimeDelta::days(31), u32::MAX), ended + TimeDelta::minutes(1024));
    }

    #[test]
    fn it_goes_on_ten_minutes_before_the_newest_that_is_had() {
        let point = |before, newest, through| resume_point(before, newest, through, LOOK_BACK);
        let noon = at("2026-03-02T12:00:00Z");
        let early = at("2026-03-02T11:00:00Z");
        let (ten_to, ten_to_eleven) = (at("2026-03-02T11:50:00Z"), at("2026-03-02T10:50:00Z"));
        assert_eq!(point(None, None, Some(noon)), None);
        assert_eq!(point(None, Some(noon), None), Some(ten_to));
        // The source says that items stored after eleven may be incomplete.
        assert_eq!(point(None, Some(noon), Some(early)), Some(ten_to_eleven));
        assert_eq!(point(None, Some(early), Some(noon)), Some(ten_to_eleven));
        assert_eq!(point(Some(early), None, Some(noon)), Some(early));
        assert_eq!(point(Some(noon), Some(early), None), Some(noon));
    }

    #[test]
    fn a_pull_is_late_after_two_times_and_an_hour() {
        let now = at("2026-03-02T12:00:00Z");
        let late = |minutes| is_late(now, now - TimeDelta::minutes(minutes), TimeDelta::hours(1));
        assert_eq!([0, 120, 180, 181].map(late), [false, false, false, true]);
    }

    proptest! {
        #[test]
        fn the_next_pull_comes_after_this_one_and_within_its_time(failures: u32, minutes in 1_i64..44_640) {
            let ended = at("2026-03-02T12:00:00Z");
            let every = TimeDelta::minutes(minutes);
            let due = next_due(ended, every, failures);
            prop_assert!(due > ended && due <= ended + every);
            prop_assert!(next_due(ended, every, failures.max(1)) <= next_due(ended, every, failures.max(1).saturating_add(1)));
        }

        #[test]
        fn nothing_that_may_be_missing_is_passed_over(
            before in proptest::option::of(0_i64..1_000_000),
            newest in proptest::option::of(0_i64..1_000_000),
            through in proptest::option::of(0_i64..1_000_000),
        ) {
            let instant = |seconds: i64| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
            let [before, newest, through] = [before, newest, through].map(|seconds| seconds.map(instant));
            let point = resume_point(before, newest, through, LOOK_BACK);
            prop_assert!(point >= before);
            if point != before {
                prop_assert!(point <= newest && through.is_none_or(|through| point <= Some(through)));
            }
        }
    }
}
