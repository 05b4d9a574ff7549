//! Who did which training, and when: what really happened, before a learning platform reports it.
//!
//! Most people are trained, and the administrations differ. Some trainings have expired or will soon, some people
//! failed a quiz before they passed it, some did half, some did the old course.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::{Europe::Stockholm, Tz};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::administrations::ADMINISTRATIONS;
use super::people::{Person, days_after, days_before};
use super::{DemoCity, Part, chance};
use crate::domain::directory::EmploymentForm;

pub(super) const COURSE: &str = "infosec-basics";
pub(super) const QUIZ: &str = "infosec-basics-quiz";
pub(super) const OLD_COURSE: &str = "infosec-basics-2023";
pub(super) const MANAGERS_COURSE: &str = "infosec-managers";

/// The full score of the quiz, in tenths of a point; 160 pass.
pub(super) const FULL_TENTHS: u32 = 200;
const PASSING_TENTHS: u32 = 160;

/// One thing that somebody did.
#[derive(Debug)]
pub(super) struct Training<'a> {
    pub who: &'a Person,
    pub what: Did,
    pub at: DateTime<Tz>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Did {
    Completed {
        course: &'static str,
    },
    /// An attempt at the quiz, with tenths of a point.
    Attempted {
        number: u32,
        tenths: u32,
    },
}

impl Did {
    pub const fn passed(self) -> bool {
        match self {
            Self::Completed { .. } => true,
            Self::Attempted { tenths, .. } => tenths >= PASSING_TENTHS,
        }
    }
}

/// How far a person has come.
#[derive(Debug, Clone, Copy)]
enum Progress {
    /// The training is valid today.
    Trained(NaiveDate),
    /// Only the old course, last year.
    OldCourse(NaiveDate),
    /// The course, but no passed quiz.
    Half(NaiveDate),
    /// The training has expired.
    RanOut(NaiveDate),
    Nothing,
}

impl DemoCity {
    /// All that people did up to yesterday, person by person.
    pub(super) fn trainings(&self) -> Vec<Training<'_>> {
        let mut trainer = Trainer { rng: chance(self.seed, Part::Training), today: self.today };
        let mut trainings = Vec::with_capacity(self.people.len() * 2);
        for person in &self.people {
            trainer.train(person, &mut trainings);
        }
        trainings
    }
}

struct Trainer {
    rng: Xoshiro256PlusPlus,
    today: NaiveDate,
}

impl Trainer {
    fn days(&mut self, range: std::ops::RangeInclusive<u64>) -> u64 {
        self.rng.random_range(range)
    }

    fn train<'a>(&mut self, who: &'a Person, trainings: &mut Vec<Training<'a>>) {
        let mut did = |what, at| trainings.push(Training { who, what, at });
        match self.draw_progress(who) {
            Progress::Trained(day) | Progress::RanOut(day) => {
                let passed_at = self.instant_on(day);
                let failed_before = self.rng.random_ratio(1, 4);
                if failed_before {
                    let earlier = passed_at - TimeDelta::minutes(self.rng.random_range(25..4_000));
                    did(self.failed_attempt(1), earlier);
                }
                did(Did::Completed { course: COURSE }, passed_at - TimeDelta::minutes(self.rng.random_range(1..20)));
                let tenths = self.rng.random_range(PASSING_TENTHS / 5..=FULL_TENTHS / 5) * 5;
                did(Did::Attempted { number: if failed_before { 2 } else { 1 }, tenths }, passed_at);
            }
            Progress::OldCourse(day) => did(Did::Completed { course: OLD_COURSE }, self.instant_on(day)),
            Progress::Half(day) => {
                let at = self.instant_on(day);
                did(Did::Completed { course: COURSE }, at);
                if self.rng.random_ratio(2, 3) {
                    did(self.failed_attempt(1), at + TimeDelta::minutes(12));
                }
            }
            Progress::Nothing => {}
        }
        if who.is_leader() && self.rng.random_ratio(85, 100) {
            let day = self.draw_day(who, 3..=250);
            did(Did::Completed { course: MANAGERS_COURSE }, self.instant_on(day));
        }
    }

    fn draw_progress(&mut self, who: &Person) -> Progress {
        let yesterday = days_before(self.today, 1);
        let Some(latest) = who.latest_engagement() else { return Progress::Nothing };
        if who.first_day() > yesterday {
            // Before the first day, a few have done it already.
            return if self.rng.random_ratio(1, 10) { Progress::Trained(yesterday) } else { Progress::Nothing };
        }
        let usual = ADMINISTRATIONS[latest.administration].trained_percent;
        let percent = match latest.form {
            EmploymentForm::Hourly => usual.saturating_sub(8),
            _ => (usual + 2).min(100),
        };
        let long_here = who.first_day() < days_before(self.today, 400);
        if self.rng.random_ratio(percent, 100) {
            match self.rng.random_range(0..100) {
                0..8 if long_here => Progress::OldCourse(self.day_of_last_year(who)),
                8..20 => Progress::Trained(self.draw_day(who, 306..=360)),
                _ => Progress::Trained(self.draw_day(who, 1..=300)),
            }
        } else {
            match self.rng.random_range(0..100) {
                0..25 if long_here => Progress::RanOut(self.draw_day(who, 370..=640)),
                25..45 => Progress::Half(self.draw_day(who, 1..=200)),
                _ => Progress::Nothing,
            }
        }
    }

    /// A day so many days ago, or soon after the first day of a person who began later; never after the last day.
    fn draw_day(&mut self, who: &Person, days_ago: std::ops::RangeInclusive<u64>) -> NaiveDate {
        let yesterday = days_before(self.today, 1);
        let last = who.last_day().map_or(yesterday, |last| last.min(yesterday));
        let drawn = days_before(self.today, self.days(days_ago)).min(last);
        if drawn >= who.first_day() {
            return drawn;
        }
        let soon = self.days(0..=45).min(self.days(0..=45));
        days_after(who.first_day(), soon).min(last)
    }

    /// A day of last year on which training is still valid, unless this year is nearly over.
    fn day_of_last_year(&mut self, who: &Person) -> NaiveDate {
        let new_years_eve = u64::from(self.today.ordinal());
        self.draw_day(who, new_years_eve..=new_years_eve.max(350) + 5)
    }

    fn failed_attempt(&mut self, number: u32) -> Did {
        Did::Attempted { number, tenths: self.rng.random_range(10..PASSING_TENTHS / 5) * 5 }
    }

    /// A moment of a day: mostly in working hours, sometimes past midnight, when the day in UTC is another.
    fn instant_on(&mut self, day: NaiveDate) -> DateTime<Tz> {
        let minute = match self.rng.random_range(0..50) {
            0 => self.rng.random_range(10..50),
            1..4 => self.rng.random_range(18 * 60..24 * 60 - 30),
            _ => self.rng.random_range(7 * 60..17 * 60),
        };
        let second = self.rng.random_range(0..60);
        let time = NaiveTime::from_num_seconds_from_midnight_opt(minute * 60 + second, 0).unwrap_or_default();
        let local = day.and_time(time);
        Stockholm.from_local_datetime(&local).earliest().unwrap_or_else(|| Stockholm.from_utc_datetime(&local))
    }
}
