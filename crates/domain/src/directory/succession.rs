//! Reorganisations: which administration has an employment on which days.
//!
//! HR reports the administration of an employment, and reports the old one until its system changes. A reorganisation
//! moves the employments that are reported in one administration, or in a unit of it, to another from a day on. Later
//! HR's system names the new one for all days, past days included. That says nothing new: the earlier names still say
//! where the employment was (`earlier_place`). [`Successions`] holds the reorganisations that are known at an instant
//! and answers for any day. Start at [`Successions::follow`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use chrono::{DateTime, NaiveDate, Utc};

use super::{Employment, RecordedEmployment};
use crate::calendar::day_before;
use crate::ids::AdministrationCode;

#[cfg(test)]
mod tests;

/// A unit that no step can name: it represents all units that no step names.
const NO_UNIT: &str = "\0";

/// One change of administrations on the day of a reorganisation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Employments reported in `from` are in `to`: only those of `unit`, or, if that is `None`, all that no other step
    /// names.
    Moves { from: AdministrationCode, to: AdministrationCode, unit: Option<String> },
    /// It exists from the day on.
    Opens(AdministrationCode),
    /// It takes no employments from the day on.
    Closes(AdministrationCode),
}

/// The changes of administrations on a day, for one reason; all or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reorganisation {
    pub id: i64,
    pub on_day: NaiveDate,
    pub steps: Vec<Step>,
    pub reason: String,
    pub made_by: String,
    pub recorded_at: DateTime<Utc>,
    /// By whom, when, and why it was undone.
    pub undone: Option<Undone>,
}

/// A reorganisation that was undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    pub by: String,
    pub at: DateTime<Utc>,
    pub because: String,
}

/// Why reorganisations contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unworkable {
    #[error("{0} would move to itself; name another administration, or leave the step out")]
    ToItself(AdministrationCode),
    #[error("on {on_day} {what} would move both to {first} and to {second}; name one of them")]
    TwoWays { on_day: NaiveDate, what: String, first: AdministrationCode, second: AdministrationCode },
    #[error(
        "{from} would move to {to} on {on_day}, but what is recorded in {to} is in {goes_on_to} by then; move {from} to where it ends, or give the new administration a code of its own"
    )]
    GoesOn { from: AdministrationCode, to: AdministrationCode, on_day: NaiveDate, goes_on_to: AdministrationCode },
    #[error("{code} would both open and close on {on_day}; leave one of them out")]
    OpensAndCloses { code: AdministrationCode, on_day: NaiveDate },
    #[error("{0} would move to {1} on {2}, when it takes no employments; open it, or move to another")]
    MovesToClosed(AdministrationCode, AdministrationCode, NaiveDate),
}

/// The moves of one day: the targets of an administration's units, and the target of the rest of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Moves {
    units: BTreeMap<(AdministrationCode, String), AdministrationCode>,
    rest: BTreeMap<AdministrationCode, AdministrationCode>,
}

impl Moves {
    fn of(&self, code: &AdministrationCode, unit: &str) -> Option<&AdministrationCode> {
        // Few reorganisations name units: the common case makes no key.
        let by_unit = if self.units.is_empty() { None } else { self.units.get(&(code.clone(), unit.to_owned())) };
        by_unit.or_else(|| self.rest.get(code))
    }
}

/// A part of an employment's path through administrations.
#[derive(Debug, Clone, Copy)]
struct Leg<'a> {
    /// `None`: from the beginning.
    first: Option<NaiveDate>,
    administration: &'a AdministrationCode,
    unit: &'a str,
}

/// Days of an employment on which one administration has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay<'a> {
    pub first: NaiveDate,
    /// `None`: open.
    pub last: Option<NaiveDate>,
    pub administration: &'a AdministrationCode,
    pub unit: &'a str,
}

/// The reorganisations that are known at an instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Successions {
    by_day: BTreeMap<NaiveDate, Moves>,
    /// Every code that a step moves from: employments in other codes stay where they are.
    from: BTreeSet<AdministrationCode>,
    /// By code, the days on which it opens (`true`) or closes.
    terms: BTreeMap<AdministrationCode, BTreeMap<NaiveDate, bool>>,
}

impl Successions {
    /// The tree of each day, from steps in any order; or why they contradict each other.
    pub fn of<'a>(steps: impl IntoIterator<Item = (NaiveDate, &'a Step)>) -> Result<Self, Unworkable> {
        let steps: BTreeSet<(NaiveDate, &Step)> = steps.into_iter().collect();
        let mut known = Self::default();
        for (on_day, step) in &steps {
            known.add(*on_day, step)?;
        }
        for (on_day, step) in &steps {
            let Step::Moves { from, to, unit } = step else { continue };
            let comes_along = |unit: &&str| {
                let moves = known.by_day.get(on_day);
                moves.is_none_or(|moves| !moves.units.contains_key(&(from.clone(), (*unit).to_owned())))
            };
            let units: Vec<&str> = match unit {
                Some(unit) => vec![unit],
                None => known.units_of(to).filter(comes_along).chain([NO_UNIT]).collect(),
            };
            for unit in units {
                let goes_on_to = known.resolve(to, unit, *on_day);
                if goes_on_to != to {
                    let (from, to, goes_on_to) = (from.clone(), to.clone(), goes_on_to.clone());
                    return Err(Unworkable::GoesOn { from, to, on_day: *on_day, goes_on_to });
                }
            }
            if known.is_closed(to, *on_day) {
                return Err(Unworkable::MovesToClosed(from.clone(), to.clone(), *on_day));
            }
        }
        Ok(known)
    }

    fn add(&mut self, on_day: NaiveDate, step: &Step) -> Result<(), Unworkable> {
        match step {
            Step::Moves { from, to, .. } if from == to => return Err(Unworkable::ToItself(from.clone())),
            Step::Moves { from, to, unit } => {
                let moves = self.by_day.entry(on_day).or_default();
                let before = match unit {
                    Some(unit) => moves.units.insert((from.clone(), unit.clone()), to.clone()),
                    None => moves.rest.insert(from.clone(), to.clone()),
                };
                if let Some(first) = before.filter(|before| before != to) {
                    let what = unit.as_ref().map_or_else(|| from.to_string(), |unit| format!("{unit} in {from}"));
                    return Err(Unworkable::TwoWays { on_day, what, first, second: to.clone() });
                }
                self.from.insert(from.clone());
            }
            Step::Opens(code) | Step::Closes(code) => {
                let opens = matches!(step, Step::Opens(_));
                let before = self.terms.entry(code.clone()).or_default().insert(on_day, opens);
                if before.is_some_and(|before| before != opens) {
                    return Err(Unworkable::OpensAndCloses { code: code.clone(), on_day });
                }
            }
        }
        Ok(())
    }

    /// The units of an administration that some step names.
    fn units_of<'a>(&'a self, code: &'a AdministrationCode) -> impl Iterator<Item = &'a str> {
        let units = self.by_day.values().flat_map(|moves| moves.units.keys());
        units.filter(move |(from, _)| from == code).map(|(_, unit)| unit.as_str())
    }

    /// Whether nothing was ever reorganised.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_day.is_empty() && self.terms.is_empty()
    }

    /// The administration that has, on a day, the employments that are reported in a code.
    #[must_use]
    pub fn resolve<'a>(
        &'a self,
        recorded: &'a AdministrationCode,
        unit: &str,
        day: NaiveDate,
    ) -> &'a AdministrationCode {
        let mut code = recorded;
        if self.from.contains(recorded) {
            for moves in self.by_day.range(..=day).map(|(_, moves)| moves) {
                code = moves.of(code, unit).unwrap_or(code);
            }
        }
        code
    }

    /// The path of an employment, from the beginning of time: that of the code that was named first. If a later code
    /// lies on the path, the path continues from there; otherwise it begins again with that code.
    ///
    /// It depends only on the named codes and on the steps in force. The order in which steps were recorded does not
    /// matter, nor whether they were recorded before or after a file that names their targets.
    fn way<'a>(&'a self, recorded: &'a RecordedEmployment) -> Vec<Leg<'a>> {
        let earlier = recorded.earlier.iter().map(|place| (&place.administration, place.unit.as_str()));
        let mut way: Vec<Leg<'a>> = Vec::new();
        for (code, unit) in earlier.chain([(&recorded.administration, recorded.unit.as_str())]) {
            let reached = way.iter().position(|leg| leg.administration == code);
            let first = reached.and_then(|place| way.get(place)).and_then(|leg| leg.first);
            way.truncate(reached.unwrap_or(0));
            self.walk(first, code, unit, &mut way);
        }
        way
    }

    /// Continues the path from an administration that has the employment from a day on (`None`: from the beginning).
    fn walk<'a>(
        &'a self,
        first: Option<NaiveDate>,
        code: &'a AdministrationCode,
        unit: &'a str,
        way: &mut Vec<Leg<'a>>,
    ) {
        way.push(Leg { first, administration: code, unit });
        if !self.from.contains(code) {
            return;
        }
        let later = first.map_or(Bound::Unbounded, Bound::Excluded);
        let mut code = code;
        for (day, moves) in self.by_day.range((later, Bound::Unbounded)) {
            if let Some(to) = moves.of(code, unit).filter(|to| *to != code) {
                code = to;
                way.push(Leg { first: Some(*day), administration: code, unit });
            }
        }
    }

    /// The administration that has an employment on a day, which need not be a day of the employment.
    #[must_use]
    pub fn place<'a>(&'a self, recorded: &'a RecordedEmployment, day: NaiveDate) -> &'a AdministrationCode {
        let way = self.way(recorded);
        let there = way.iter().rev().find(|leg| leg.first.is_none_or(|first| first <= day));
        there.map_or(&recorded.administration, |leg| leg.administration)
    }

    /// The administrations of an employment on its own days, with these days, in order.
    #[must_use]
    pub fn stays<'a>(&'a self, recorded: &'a RecordedEmployment) -> Vec<Stay<'a>> {
        let way = self.way(recorded);
        let next = way.iter().skip(1).map(|leg| leg.first.map(day_before)).chain([None]);
        let within = |(leg, last): (&Leg<'a>, Option<NaiveDate>)| {
            let first = leg.first.map_or(recorded.starts_on, |first| first.max(recorded.starts_on));
            let last = [last, recorded.ends_on].into_iter().flatten().min();
            let Leg { administration, unit, .. } = *leg;
            last.is_none_or(|last| first <= last).then_some(Stay { first, last, administration, unit })
        };
        way.iter().zip(next).filter_map(within).collect()
    }

    /// The administrations that have an employment on some of its days, one after the other.
    #[must_use]
    pub fn places<'a>(&'a self, recorded: &'a RecordedEmployment) -> Vec<&'a AdministrationCode> {
        self.stays(recorded).into_iter().map(|stay| stay.administration).collect()
    }

    /// Whether an employment was, is or will be in an administration on any day.
    #[must_use]
    pub fn leads_to(&self, recorded: &RecordedEmployment, code: &AdministrationCode) -> bool {
        self.way(recorded).iter().any(|leg| leg.administration == code)
    }

    /// Whether reorganisations have moved an employment to an administration by a day: a file that names it then is no
    /// news.
    #[must_use]
    pub fn has_led_to(&self, recorded: &RecordedEmployment, code: &AdministrationCode, day: NaiveDate) -> bool {
        let begun = |leg: &&Leg<'_>| leg.first.is_none_or(|first| first <= day);
        self.way(recorded).iter().filter(begun).any(|leg| leg.administration == code)
    }

    /// Whether two records of an employment have it in the same administrations from the same days on.
    #[must_use]
    pub fn agree(&self, before: &RecordedEmployment, after: &RecordedEmployment) -> bool {
        let (before, after) = (self.way(before), self.way(after));
        let places = |way: &[Leg<'_>]| -> Vec<(Option<NaiveDate>, AdministrationCode)> {
            way.iter().map(|leg| (leg.first, leg.administration.clone())).collect()
        };
        places(&before) == places(&after)
    }

    /// An employment as reported, cut where it moves: one for each administration that has it, in the order of days.
    #[must_use]
    pub fn follow(&self, employment: Employment) -> Vec<Employment> {
        if employment.moved.is_none() && !self.from.contains(&employment.administration) {
            return vec![employment];
        }
        let recorded = employment.as_recorded();
        let stays = self.stays(&recorded);
        let is_where_it_was_recorded = match stays.as_slice() {
            // It ends before it begins.
            [] => true,
            [only] => *only.administration == employment.administration && only.unit == employment.unit,
            _ => false,
        };
        if is_where_it_was_recorded {
            return vec![employment];
        }
        let segment = |stay: &Stay<'_>| Employment {
            administration: stay.administration.clone(),
            unit: stay.unit.to_owned(),
            starts_on: stay.first,
            ends_on: stay.last,
            moved: Some(recorded.clone()),
            ..employment.clone()
        };
        stays.iter().map(segment).collect()
    }

    /// Whether an administration takes no employments on a day: it has closed, and has not opened again.
    #[must_use]
    pub fn is_closed(&self, code: &AdministrationCode, day: NaiveDate) -> bool {
        let terms = self.terms.get(code);
        terms.and_then(|terms| terms.range(..=day).next_back()).is_some_and(|(_, opens)| !opens)
    }

    /// The administration, if any, that would have an employment on days on which it is closed.
    #[must_use]
    pub fn closed_to(&self, recorded: &RecordedEmployment) -> Option<AdministrationCode> {
        if self.terms.is_empty() {
            return None;
        }
        let is_closed = |stay: &Stay<'_>| {
            let terms = self.terms.get(stay.administration);
            let closings = terms.into_iter().flatten().filter(|(_, opens)| !**opens).map(|(day, _)| *day);
            let mut within = closings.filter(|day| stay.first < *day && stay.last.is_none_or(|last| *day <= last));
            self.is_closed(stay.administration, stay.first) || within.next().is_some()
        };
        self.stays(recorded).iter().find(|stay| is_closed(stay)).map(|stay| stay.administration.clone())
    }

    /// Whether a reorganisation names an administration. Then it is in the tree of some day, even if HR's files do not
    /// list it.
    #[must_use]
    pub fn names(&self, code: &AdministrationCode) -> bool {
        let targets = || self.by_day.values().flat_map(|moves| moves.units.values().chain(moves.rest.values()));
        self.from.contains(code) || self.terms.contains_key(code) || targets().any(|to| to == code)
    }

    /// Whether a report of a day omits an administration without people: all employments reported in it are
    /// elsewhere by then, or it has closed, or it has not opened yet.
    #[must_use]
    pub fn is_gone(&self, code: &AdministrationCode, day: NaiveDate) -> bool {
        let not_yet = || {
            let first = self.terms.get(code).and_then(|terms| terms.iter().next());
            first.is_some_and(|(first, opens)| *opens && day < *first)
        };
        self.resolve(code, NO_UNIT, day) != code || self.is_closed(code, day) || not_yet()
    }
}
