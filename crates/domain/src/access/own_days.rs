//! Scope has days: which of a person's days are the caller's own, and which data belong to them (DESIGN, section 4).
//!
//! One rule for every endpoint. An administration's own days of a person are the days on which one of the person's
//! employments is in it, in that day's tree of administrations. Nothing else decides, so another administration's data
//! never change an answer. All functions here are pure; `app/own_people.rs` applies them to people,
//! `domain/history/scoped.rs` to histories.

use chrono::{DateTime, NaiveDate, Utc};

use super::Visible;
use crate::calendar::{CityCalendar, DaySet, Stretch, day_after, day_before};
use crate::compliance::Person;
use crate::directory::proposal::{Proposal, ProposalContent};
use crate::directory::{Absence, Employment};
use crate::ids::EmployeeId;

/// The days on which a person is, was or will be the caller's own.
///
/// > Anna is employed in SEF from 1 January to 31 March, and in FGK from 1 April. An officer of SEF owns her days up to
/// > 31 March, one of FGK those from 1 April, and one of both all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnDays {
    /// A caller that sees the whole city sees every day of every person.
    All,
    /// Only these. If there are none, the person does not exist for the caller.
    Only(DaySet),
}

impl Visible {
    /// The days of a person that are the caller's own.
    #[must_use]
    pub fn own_days<'a>(&self, employee: EmployeeId, employments: impl IntoIterator<Item = &'a Employment>) -> OwnDays {
        match self {
            Self::All => OwnDays::All,
            Self::Only(own) if own.people.contains(&employee) => OwnDays::All,
            Self::Only(_) => {
                let own = employments.into_iter().filter(|employment| self.includes(&employment.administration));
                OwnDays::Only(DaySet::union_of(own.filter_map(Employment::days)))
            }
        }
    }
}

impl OwnDays {
    /// Whether the person exists for the caller at all.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Only(days) if days.is_empty())
    }

    #[must_use]
    pub fn contains(&self, day: NaiveDate) -> bool {
        match self {
            Self::All => true,
            Self::Only(days) => days.contains(day),
        }
    }

    /// Whether some of the days are own.
    #[must_use]
    pub fn touches(&self, days: Stretch) -> bool {
        !self.within(days).is_empty()
    }

    /// Whether all of the days are own.
    #[must_use]
    pub fn contains_all(&self, days: Stretch) -> bool {
        self.within(days) == [days]
    }

    /// The own days among the days.
    #[must_use]
    pub fn within(&self, days: Stretch) -> Vec<Stretch> {
        match self {
            Self::All => vec![days],
            Self::Only(own) => own.intersection(&DaySet::union_of([days])).stretches().to_vec(),
        }
    }

    /// The last own day; `None` if there is no end.
    #[must_use]
    pub fn last_day(&self) -> Option<NaiveDate> {
        match self {
            Self::All => None,
            Self::Only(days) => days.stretches().last().and_then(Stretch::last),
        }
    }

    /// The end of the last own day; `None` if there is none. The caller does not see names, addresses and numbers of
    /// the person that become known from this instant on.
    #[must_use]
    pub fn known_until(&self, calendar: CityCalendar) -> Option<DateTime<Utc>> {
        self.last_day().map(|last| calendar.first_instant_of(day_after(last)))
    }

    /// Absences as they may be shown: only their own days.
    #[must_use]
    pub fn absences(&self, absences: &[Absence]) -> Vec<Absence> {
        let stretches = absences.iter().filter_map(|absence| Stretch::inclusive(absence.starts_on, absence.ends_on));
        let own = stretches.flat_map(|days| self.within(days));
        own.map(|days| Absence { starts_on: days.first, ends_on: days.last() }).collect()
    }

    /// A person as one of their days is judged: without the absences after the run of own days that contains it. These
    /// cannot change the day's status, only its due day.
    #[must_use]
    pub fn judged(&self, mut person: Person, day: NaiveDate) -> Person {
        let Self::Only(days) = self else { return person };
        let Some(last) = days.stretch_at(day).and_then(|stretch| stretch.last()) else { return person };
        person.absences.retain(|absence| absence.starts_on <= last);
        for absence in &mut person.absences {
            absence.ends_on = Some(absence.ends_on.map_or(last, |ends_on| ends_on.min(last)));
        }
        person
    }

    /// Whether the caller may read the reason of a decision: it was decided on an own day, or is only about own days.
    #[must_use]
    pub fn may_read_reason(&self, decided_on: NaiveDate, about: Option<Stretch>) -> bool {
        self.contains(decided_on) || about.is_some_and(|days| self.contains_all(days))
    }

    /// Whether a result counts on some own day: it happened on one, or is evidence that holds on one (`holds`: the days
    /// on which it holds, for each item that it is evidence for).
    #[must_use]
    pub fn includes_result(&self, day: NaiveDate, mut holds: impl Iterator<Item = Stretch>) -> bool {
        self.contains(day) || holds.any(|days| self.touches(days))
    }

    /// The part of a proposal that belongs to own days: an exemption from the first to the last of its own days, or
    /// prior training that counts on one (`holds` as in [`Self::includes_result`]). Reasons of another administration's
    /// days are empty.
    #[must_use]
    pub fn proposal(
        &self,
        proposal: &Proposal,
        calendar: CityCalendar,
        holds: impl Iterator<Item = Stretch>,
    ) -> Option<Proposal> {
        if *self == Self::All {
            return Some(proposal.clone());
        }
        let mut seen = proposal.clone();
        let about = match &mut seen.content {
            ProposalContent::Exemption { starts_on, ends_on, .. } => {
                let days = Stretch::inclusive(*starts_on, *ends_on)?;
                let own = self.within(days);
                let (first, last) = own.first().zip(own.last())?;
                (*starts_on, *ends_on) = (first.first, last.until.map(day_before));
                Some(days)
            }
            ProposalContent::PriorTraining { completed_on, .. } => {
                if !self.includes_result(*completed_on, holds) {
                    return None;
                }
                Stretch::inclusive(*completed_on, Some(*completed_on))
            }
        };
        if !self.may_read_reason(calendar.day_of(seen.proposed.at), about) {
            seen.reason.clear();
        }
        if let Some((act, because)) = &mut seen.ended
            && !self.may_read_reason(calendar.day_of(act.at), about)
        {
            because.clear();
        }
        Some(seen)
    }
}

#[cfg(test)]
mod tests;
