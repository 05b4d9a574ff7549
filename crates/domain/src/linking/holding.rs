//! The holders of a key on each day (DESIGN, "Keys have days"), derived from HR's records of it and their instants.
//!
//! [`resolved`] drops the claims that never held, [`Holding`] answers for a day. Both depend on days, not on the order
//! in which records of one day arrived.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};

use super::{ByHand, Fit};
use crate::calendar::{DaySet, day_after};
use crate::ids::{EmployeeId, PlatformId};

/// An instant, and the city's day on which it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub at: DateTime<Utc>,
    pub day: NaiveDate,
}

/// HR's record that a key belongs to an employee, for as long as HR had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub holder: EmployeeId,
    /// Where it holds; `None`: on every platform.
    pub platform: Option<PlatformId>,
    /// When HR gave it.
    pub recorded: Moment,
    /// When HR took it back.
    pub taken: Option<Moment>,
    /// The first day, if HR gives it.
    pub valid_from: Option<NaiveDate>,
    /// The last day, if HR gives it.
    pub valid_to: Option<NaiveDate>,
    /// Whether the import that gave it was undone.
    pub undone: bool,
    /// The instant at which an import, undone since, took it back: the claim continues as if that had not happened.
    pub continues: Option<DateTime<Utc>>,
    /// The last day of the employments that give it; `None`: open, or not given by an employment.
    pub carried_to: Option<NaiveDate>,
    /// The day from which it may have been the holder's already, before HR gave it.
    pub perhaps_from: Option<NaiveDate>,
}

impl Claim {
    /// Given and taken back without a day in between, or undone, or taken back before it began.
    fn never_was(&self) -> bool {
        let taken_before_it_counted = |taken: Moment| {
            taken.day <= day_after(self.recorded.day) || self.valid_from.is_some_and(|first| taken.day <= first)
        };
        self.undone || self.taken.is_some_and(taken_before_it_counted)
    }

    /// Whether what was taken back is given again so that it was never away: by the same change with other days, by the
    /// undoing of what took it, or without a day in between.
    fn goes_on_in(&self, later: &Self) -> bool {
        let Some(taken) = self.taken.filter(|_| !self.undone) else { return false };
        let has_other_days = self.valid_to.zip(later.valid_from).is_some_and(|(last, first)| last < first)
            || later.valid_to.zip(self.valid_from).is_some_and(|(last, first)| last < first);
        let is_given_again = later.recorded.at == taken.at
            || later.continues == Some(taken.at)
            || (later.recorded.at > taken.at && later.recorded.day <= day_after(taken.day));
        (self.holder, self.platform) == (later.holder, later.platform) && is_given_again && !has_other_days
    }

    fn first(&self) -> NaiveDate {
        self.valid_from.unwrap_or(self.recorded.day)
    }

    /// The first day on which HR no longer gives it.
    fn until(&self) -> Option<NaiveDate> {
        let last_days = [self.valid_to, self.carried_to].into_iter().flatten().map(day_after);
        last_days.chain(self.taken.map(|taken| taken.day)).min()
    }

    /// Whether HR gives it to the holder on a day.
    fn is_given_on(&self, day: NaiveDate) -> bool {
        self.first() <= day && self.until().is_none_or(|until| day < until)
    }

    /// Whether a day is not after the last day that HR gives.
    fn allows(&self, day: NaiveDate) -> bool {
        self.valid_to.is_none_or(|last| day <= last)
    }
}

/// The claims of one key without those that never held. A claim that was taken back and given again without a day in
/// between, or with other days, becomes one.
#[must_use]
pub fn resolved(mut claims: Vec<Claim>) -> Vec<Claim> {
    if let [only] = claims.as_slice() {
        // Nearly all.
        if only.never_was() {
            claims.clear();
        }
        return claims;
    }
    claims.sort_by_key(|claim| (claim.holder, claim.platform, claim.recorded.at));
    let mut resolved: Vec<Claim> = Vec::with_capacity(claims.len());
    for claim in claims {
        match resolved.iter_mut().rev().find(|before| before.goes_on_in(&claim)) {
            Some(before) => *before = Claim { recorded: before.recorded, ..claim },
            None => resolved.push(claim),
        }
    }
    resolved.retain(|claim| !claim.never_was());
    resolved
}

/// The day from which a key that HR gave on `recorded_on` may have been the person's already: the first day of their
/// then unbroken employment, unless HR gave them another value since. `otherwise` are the days from and to which HR
/// gave them other values of the same key.
///
/// Employed since 1 February, and first given the address on 1 March: perhaps from 1 February. With another address
/// from HR until 1 March: from 1 March.
#[must_use]
pub fn perhaps_from(
    recorded_on: NaiveDate,
    employed: &DaySet,
    otherwise: impl Iterator<Item = (NaiveDate, Option<NaiveDate>)>,
) -> Option<NaiveDate> {
    let began = employed.last_stretch_from_before(recorded_on)?.first;
    let said_until = otherwise.filter(|(from, _)| *from < recorded_on).map(|(_, to)| to.unwrap_or(recorded_on)).max();
    let from = said_until.map_or(began, |until| until.max(began));
    (from < recorded_on).then_some(from)
}

/// A decision by hand about a key, for some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    pub id: i64,
    /// The later decision has the larger one: its transaction time, in microseconds; ids are in no order.
    pub decided_at: i64,
    /// The first day; `None`: from the beginning.
    pub from: Option<NaiveDate>,
    /// The last day; `None`: for ever.
    pub to: Option<NaiveDate>,
    pub by_hand: ByHand,
}

impl Decided {
    /// Whether it covers a day.
    #[must_use]
    pub fn covers(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|first| first <= day) && self.to.is_none_or(|last| day <= last)
    }
}

/// The holders of a key on a platform, on every day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holding {
    /// The employee with this employee number, if the key is one.
    pub always: Option<EmployeeId>,
    /// Resolved claims, of this platform or of every one.
    pub claims: Vec<Claim>,
    pub decisions: Vec<Decided>,
}

impl Holding {
    /// The employees that the key fits on a day.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> Fit {
        let employees: BTreeSet<EmployeeId> = self.always.into_iter().chain(self.holders_on(day)).collect();
        Fit { employees: employees.into_iter().collect(), by_hand: self.decided_on(day) }
    }

    fn decided_on(&self, day: NaiveDate) -> Option<ByHand> {
        let covering = self.decisions.iter().filter(|decision| decision.covers(day));
        covering.max_by_key(|decision| (decision.decided_at, decision.id)).map(|decision| decision.by_hand)
    }

    /// All employees that it fits on some day from `first` to `last`, and a decision by hand for one of these days.
    #[must_use]
    pub fn within(&self, first: NaiveDate, last: NaiveDate) -> Fit {
        let mut employees = BTreeSet::new();
        let mut by_hand = None;
        for day in self.turns().into_iter().map(|day| day.max(first)).filter(|day| *day <= last) {
            let fit = self.on(day);
            employees.extend(fit.employees);
            by_hand = by_hand.or(fit.by_hand);
        }
        Fit { employees: employees.into_iter().collect(), by_hand }
    }

    /// Whether the owner of a result depends on the day: the key fits others on other days, or several on some day.
    #[must_use]
    pub fn depends_on_the_day(&self) -> bool {
        if self.decisions.is_empty() && self.always_is_all() {
            return false;
        }
        // A decision by hand takes precedence over the directory.
        let meant = |fit: Fit| match fit.by_hand {
            Some(by_hand) => (Some(by_hand), Vec::new()),
            None => (None, fit.employees),
        };
        let mut fits = self.turns().into_iter().map(|day| meant(self.on(day)));
        let Some(first) = fits.next() else { return false };
        first.1.len() > 1 || fits.any(|other| other != first)
    }

    /// Whether the same person, or no one, clearly has it on every day.
    fn always_is_all(&self) -> bool {
        match (self.claims.as_slice(), self.always) {
            ([], _) => true,
            ([only], None) => only.valid_from.is_none() && only.valid_to.is_none(),
            _ => false,
        }
    }

    /// The first day of all, and each day that may differ from the day before.
    fn turns(&self) -> BTreeSet<NaiveDate> {
        let mut turns = BTreeSet::from([NaiveDate::MIN]);
        for claim in &self.claims {
            turns.insert(claim.first());
            turns.insert(claim.recorded.day);
            turns.extend(claim.until());
            turns.extend(claim.valid_to.map(day_after));
            turns.extend(claim.perhaps_from);
        }
        for decision in &self.decisions {
            turns.extend(decision.from);
            turns.extend(decision.to.map(day_after));
        }
        turns
    }

    /// The holders on a day by HR's claims (DESIGN, "Keys have days").
    ///
    /// Days that HR itself gives take precedence over the days on which HR recorded a claim.
    fn holders_on(&self, day: NaiveDate) -> BTreeSet<EmployeeId> {
        if self.claims.is_empty() {
            return BTreeSet::new();
        }
        let (dated, undated): (Vec<&Claim>, Vec<&Claim>) =
            self.claims.iter().partition(|claim| claim.valid_from.is_some());
        let given: Vec<&Claim> = dated.iter().copied().filter(|claim| claim.is_given_on(day)).collect();
        let Some(latest) = given.iter().map(|claim| claim.first()).max() else {
            let holders = by_when_recorded(&undated, day);
            return if holders.is_empty() { last_of_dated(&dated, day) } else { holders };
        };
        // One without an end continues until it begins for another person.
        let given = given.into_iter().filter(|claim| claim.valid_to.is_some() || claim.first() == latest);
        let given: Vec<&Claim> = given.collect();
        let recorded_on = given.iter().map(|claim| claim.recorded.day).max();
        let given_since =
            undated.into_iter().filter(|claim| claim.is_given_on(day) && Some(claim.recorded.day) > recorded_on);
        given.into_iter().chain(given_since).map(|claim| claim.holder).collect()
    }
}

/// The holders of a key on a day by claims without a first day from HR: from when it was given until it was given to
/// another person.
fn by_when_recorded(claims: &[&Claim], day: NaiveDate) -> BTreeSet<EmployeeId> {
    let of = |chosen: &dyn Fn(&Claim) -> bool| -> BTreeSet<EmployeeId> {
        claims.iter().filter(|claim| chosen(claim)).map(|claim| claim.holder).collect()
    };
    let mut holders = of(&|claim| claim.is_given_on(day));
    if holders.is_empty() {
        let held_to = |claim: &Claim| claim.until().unwrap_or(NaiveDate::MAX).max(claim.first());
        let before = claims.iter().filter(|claim| claim.first() <= day).map(|claim| held_to(claim)).max();
        holders = match before {
            // The last holder keeps it after HR took it back,
            Some(last) => of(&|claim| claim.first() <= day && held_to(claim) == last && claim.allows(day)),
            // and the first one had it before HR gave it.
            None => {
                let first = claims.iter().map(|claim| claim.first()).min();
                of(&|claim| Some(claim.first()) == first && claim.allows(day))
            }
        };
    }
    // A person who was employed already may have had it before HR gave it.
    let is_near = |claim: &Claim| claim.perhaps_from.is_some_and(|from| from <= day) && day < claim.first();
    holders.extend(of(&|claim| is_near(claim) && claim.allows(day)));
    holders
}

/// The holders that keep a key after HR took it back, if HR gave it from a day on without a last day.
fn last_of_dated(claims: &[&Claim], day: NaiveDate) -> BTreeSet<EmployeeId> {
    let stored = || claims.iter().filter(|claim| claim.valid_to.is_none() && claim.first() <= day);
    let latest = stored().map(|claim| claim.first()).max();
    stored().filter(|claim| Some(claim.first()) == latest).map(|claim| claim.holder).collect()
}

#[cfg(test)]
mod tests;
