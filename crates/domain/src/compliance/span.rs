//! Spans: a person's days cut where the judgement changes, so that a report of any day can be read instead of computed.
//!
//! A span is one call of [`Case::on`] that is true for all its days. Statuses that change at midnight need no job.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::requirement::{RequirementVersion, in_effect_on};
use super::state::{Case, ComplianceState, Person};
use crate::calendar::{Stretch, day_after};
use crate::directory::Employment;
use crate::ids::AdministrationCode;

/// Consecutive days on which one person's compliance state in one requirement stays the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSpan {
    pub days: Stretch,
    /// The requirement's version that judges on these days.
    pub version: u32,
    pub state: ComplianceState,
}

/// Consecutive days on which a person counts in an administration, by one employment that a report shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeSpan {
    pub days: Stretch,
    pub administration: AdministrationCode,
    /// The employment in the administration and in the audience that started first; the smaller id of several.
    pub employment_fact: i64,
    /// Its unit on these days.
    pub unit: String,
}

/// Pairs each day of a sorted set with the next one (`None`: for ever).
fn stretches(days: &BTreeSet<NaiveDate>) -> impl Iterator<Item = Stretch> {
    let until = days.iter().skip(1).map(|day| Some(*day)).chain([None]);
    days.iter().zip(until).filter_map(|(first, until)| Stretch::new(*first, until))
}

fn turning_days_of(person: &Person, versions: &[RequirementVersion]) -> BTreeSet<NaiveDate> {
    let employments = person.employments.iter().flat_map(|e| [Some(e.starts_on), e.ends_on.map(day_after)]);
    let effect = versions
        .iter()
        .map(|version| &version.requirement)
        .flat_map(|requirement| [Some(requirement.effective_from), requirement.effective_to.map(day_after)]);
    employments.chain(effect).flatten().collect()
}

/// All spans of a person in a requirement, in order. Days on which it does not bind the person have none.
#[must_use]
pub fn state_spans(person: &Person, versions: &[RequirementVersion]) -> Vec<StateSpan> {
    let cases: Vec<Case<'_>> = versions.iter().map(|version| Case::new(person, version)).collect();
    let mut days = turning_days_of(person, versions);
    days.extend(cases.iter().flat_map(Case::turning_days));
    let mut spans: Vec<StateSpan> = Vec::new();
    for stretch in stretches(&days) {
        let Some(version) = in_effect_on(versions, stretch.first) else { continue };
        let judged = cases.iter().find(|case| case.version() == version).and_then(|case| case.on(stretch.first));
        let Some(state) = judged else { continue };
        match spans.last_mut() {
            Some(last)
                if last.days.until == Some(stretch.first) && last.version == version.version && last.state == state =>
            {
                last.days.until = stretch.until;
            }
            _ => spans.push(StateSpan { days: stretch, version: version.version, state }),
        }
    }
    spans
}

/// The employment that a report shows for each administration in which the person counts on a day.
#[must_use]
pub fn shown_employments<'a>(
    person: &'a Person,
    version: &RequirementVersion,
    day: NaiveDate,
) -> BTreeMap<&'a AdministrationCode, &'a Employment> {
    let mut shown: BTreeMap<&AdministrationCode, &Employment> = BTreeMap::new();
    for employment in &person.employments {
        if !employment.covers(day) || !version.requirement.audience.binds(employment) {
            continue;
        }
        let known = shown.entry(&employment.administration).or_insert(employment);
        if (employment.began_on(), &employment.id) < (known.began_on(), &known.id) {
            *known = employment;
        }
    }
    shown
}

/// All spans on which a person counts in some administration under a requirement, by administration and then in order.
#[must_use]
pub fn scope_spans(person: &Person, versions: &[RequirementVersion]) -> Vec<ScopeSpan> {
    let mut by_administration: BTreeMap<&AdministrationCode, Vec<ScopeSpan>> = BTreeMap::new();
    for days in stretches(&turning_days_of(person, versions)) {
        let Some(version) = in_effect_on(versions, days.first) else { continue };
        for (administration, employment) in shown_employments(person, version, days.first) {
            let spans = by_administration.entry(administration).or_default();
            match spans.last_mut() {
                Some(last)
                    if last.days.until == Some(days.first)
                        && last.employment_fact == employment.fact_id
                        && last.unit == employment.unit =>
                {
                    last.days.until = days.until;
                }
                _ => spans.push(ScopeSpan {
                    days,
                    administration: administration.clone(),
                    employment_fact: employment.fact_id,
                    unit: employment.unit.clone(),
                }),
            }
        }
    }
    by_administration.into_values().flatten().collect()
}
