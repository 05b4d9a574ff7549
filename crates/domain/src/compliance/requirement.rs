//! Requirements: what a person must have done, by when, and for how long it holds.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::calendar::{AnnualDay, Stretch, add_months};
use crate::directory::{Employment, EmploymentForm};
use crate::ids::{AdministrationCode, CourseId, QuizId, RequirementCode};
use crate::training::{PassMark, Target};

/// The most different items that one requirement may name.
pub const MAX_ITEMS: usize = 60;

/// The people that are bound; an empty list binds all (DESIGN, "Requirement").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    pub administrations: BTreeSet<AdministrationCode>,
    pub forms: BTreeSet<EmploymentForm>,
    pub units: BTreeSet<String>,
}

impl Audience {
    /// Whether an employment is in the audience, on its days.
    #[must_use]
    pub fn binds(&self, employment: &Employment) -> bool {
        (self.administrations.is_empty() || self.administrations.contains(&employment.administration))
            && (self.forms.is_empty() || self.forms.contains(&employment.form))
            && (self.units.is_empty() || self.units.contains(&employment.unit))
    }
}

/// What must be done: a course completed, or a quiz passed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Item {
    Course(CourseId),
    Quiz { quiz: QuizId, pass_mark: PassMark },
}

/// A rule as a file states it, before it has a version (DESIGN, "Requirements").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    pub code: RequirementCode,
    pub title_sv: String,
    pub title_en: String,
    pub audience: Audience,
    /// One of the lists must be whole. Neither it nor any list in it is empty.
    pub alternatives: Vec<Vec<Item>>,
    /// Days from the clock's start to the due day.
    pub new_hire_days: u32,
    /// The due day of people who were in the audience when the requirement took effect.
    pub existing_staff_due_on: Option<NaiveDate>,
    /// Calendar months that evidence holds; without it and `valid_until`, for ever.
    pub valid_months: Option<u32>,
    /// The day of each year up to and including which evidence holds; instead of `valid_months`.
    pub valid_until: Option<AnnualDay>,
    /// Training from before this day is not evidence.
    pub counts_from: Option<NaiveDate>,
    /// Days before its end from which a stretch is expiring.
    pub renewal_days: u32,
    pub effective_from: NaiveDate,
    /// The last day in effect; `None`: open.
    pub effective_to: Option<NaiveDate>,
}

impl Requirement {
    /// The different items of all alternatives, in the order in which they first appear.
    #[must_use]
    pub fn items(&self) -> Vec<&Item> {
        let mut items: Vec<&Item> = Vec::new();
        for item in self.alternatives.iter().flatten() {
            if !items.contains(&item) {
                items.push(item);
            }
        }
        items
    }

    /// The courses and quizzes that its items name, each once.
    #[must_use]
    pub fn targets(&self) -> Vec<Target> {
        let mut targets: Vec<Target> = Vec::new();
        for item in self.alternatives.iter().flatten() {
            let target = match item {
                Item::Course(course) => Target::Course(course.clone()),
                Item::Quiz { quiz, .. } => Target::Quiz(quiz.clone()),
            };
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        targets
    }

    /// The days on which evidence of a day holds: for its months, or up to and including the next day of the year after
    /// it. `None` if training of that day does not count.
    #[must_use]
    pub fn holds(&self, day: NaiveDate) -> Option<Stretch> {
        if self.counts_from.is_some_and(|from| day < from) {
            return None;
        }
        match (self.valid_until, self.valid_months) {
            (Some(annual), _) => Stretch::inclusive(day, Some(annual.next_after(day))),
            (None, Some(months)) => Stretch::new(day, Some(add_months(day, months))),
            (None, None) => Stretch::new(day, None),
        }
    }

    /// For each alternative, the items that make it whole: bit *i* for the *i*-th of [`Self::items`].
    #[must_use]
    pub fn alternatives_by_items(&self) -> Vec<u64> {
        let items = self.items();
        let bit = |item: &Item| items.iter().position(|known| *known == item).map_or(0, |place| 1u64 << place);
        self.alternatives.iter().map(|list| list.iter().map(bit).fold(0, |whole, item| whole | item)).collect()
    }
}

/// A requirement as it was applied; never rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementVersion {
    /// 1 for the first, counted per code.
    pub version: u32,
    pub requirement: Requirement,
}

/// The version in effect on a day: the newest of those that have begun, unless it has ended by then. An older version
/// does not come back to life when a newer one ends.
#[must_use]
pub fn in_effect_on(versions: &[RequirementVersion], day: NaiveDate) -> Option<&RequirementVersion> {
    versions
        .iter()
        .filter(|version| version.requirement.effective_from <= day)
        .max_by_key(|version| version.version)
        .filter(|version| version.requirement.effective_to.is_none_or(|last| day <= last))
}
