//! Corrections by hand to the known data of one employee, as a plan like that of an import.
//!
//! A correction states the facts, not the steps: a transfer ends one employment and adds another, in one correction,
//! with days in the past if that is when it happened. A report with an earlier `known_at` still gives the old facts.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::super::records::{AbsenceRecord, EmploymentRecord, PersonRecord};
use super::{Act, Change, Known, Plan};
use crate::directory::EmploymentForm;
use crate::ids::{AdministrationCode, EmployeeNumber, EmploymentId};

/// What changes of a person; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonPatch {
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub protected: Option<bool>,
}

/// What changes of an employment; `None` stays as it is, `Some(None)` empties.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EmploymentPatch {
    pub administration: Option<AdministrationCode>,
    pub unit: Option<String>,
    pub form: Option<EmploymentForm>,
    pub starts_on: Option<NaiveDate>,
    pub ends_on: Option<Option<NaiveDate>>,
    pub manager: Option<Option<EmployeeNumber>>,
    pub email: Option<Option<String>>,
    pub username: Option<Option<String>>,
}

/// The correction of one employment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmploymentCorrection {
    Add(EmploymentRecord),
    Change(EmploymentId, EmploymentPatch),
    /// It never existed.
    Withdraw(EmploymentId),
}

impl EmploymentCorrection {
    const fn id(&self) -> &EmploymentId {
        match self {
            Self::Add(record) => &record.employment_id,
            Self::Change(id, _) | Self::Withdraw(id) => id,
        }
    }
}

/// The correction of one absence, identified by its first day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AbsenceCorrection {
    Add {
        starts_on: NaiveDate,
        ends_on: Option<NaiveDate>,
    },
    /// Another first or last day; `None` stays as it is.
    Change {
        starts_on: NaiveDate,
        new_starts_on: Option<NaiveDate>,
        ends_on: Option<Option<NaiveDate>>,
    },
    /// It never existed.
    Withdraw {
        starts_on: NaiveDate,
    },
}

/// A correction of one employee's data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Correction {
    pub person: PersonPatch,
    pub employments: Vec<EmploymentCorrection>,
    pub absences: Vec<AbsenceCorrection>,
}

/// The part of a correction, for a JSON pointer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Whole,
    Employment(usize, &'static str),
    Absence(usize, &'static str),
}

/// Why a correction is not possible: what, in which part, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct CannotCorrect {
    pub part: Part,
    pub fault: CorrectionFault,
}

/// What is wrong with a part of a correction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorrectionFault {
    #[error("the correction changes nothing: what it says is what is known")]
    NoChange,
    #[error("{0} is no administration that is known; import it first")]
    UnknownAdministration(AdministrationCode),
    #[error("would be in administration {0} when that is closed; name another, or end it before")]
    ClosedAdministration(AdministrationCode),
    #[error("no employment {0} of this employee is known; its history names those that are")]
    UnknownEmployment(EmploymentId),
    #[error("an employment {0} of this employee is known already: change it, or add one with another id")]
    KnownEmployment(EmploymentId),
    #[error("ends_on {ends_on} is before starts_on {starts_on}; the last day cannot come before the first")]
    EndsBeforeItStarts { starts_on: NaiveDate, ends_on: NaiveDate },
    #[error("no absence from {0} on is known; its history names those that are")]
    UnknownAbsence(NaiveDate),
    #[error("an absence from {0} on is known already: change it")]
    KnownAbsence(NaiveDate),
    #[error("it is named twice; give its values once")]
    Twice,
}

fn ends_after(starts_on: NaiveDate, ends_on: Option<NaiveDate>) -> Result<(), CorrectionFault> {
    match ends_on.filter(|last| *last < starts_on) {
        Some(ends_on) => Err(CorrectionFault::EndsBeforeItStarts { starts_on, ends_on }),
        None => Ok(()),
    }
}

/// The changes of a correction; `known` holds the data of the employee, and the administrations. `None` if the
/// employee is not known.
pub fn correct(
    known: &Known,
    number: &EmployeeNumber,
    correction: &Correction,
    today: NaiveDate,
) -> Result<Option<Plan>, CannotCorrect> {
    let Some(person) = known.persons.get(number) else { return Ok(None) };
    let mut changes: Vec<Change> = Vec::new();
    let corrected = PersonRecord {
        employee_number: number.clone(),
        given_name: correction.person.given_name.clone().unwrap_or_else(|| person.given_name.clone()),
        family_name: correction.person.family_name.clone().unwrap_or_else(|| person.family_name.clone()),
        protected: correction.person.protected.unwrap_or(person.protected),
    };
    let is_protected = person.protected || corrected.protected;
    changes.extend(changed(person, corrected).map(Change::Person));
    let mut named: BTreeSet<&EmploymentId> = BTreeSet::new();
    for (place, part) in correction.employments.iter().enumerate() {
        let refused = |field, fault| CannotCorrect { part: Part::Employment(place, field), fault };
        if !named.insert(part.id()) {
            return Err(refused("employment_id", CorrectionFault::Twice));
        }
        let act = employment(known, number, part, today).map_err(|(field, fault)| refused(field, fault))?;
        changes.extend(act.map(Change::Employment));
    }
    changes.extend(absences(known, number, &correction.absences)?.into_iter().map(Change::Absence));
    if changes.is_empty() {
        return Err(CannotCorrect { part: Part::Whole, fault: CorrectionFault::NoChange });
    }
    let protected = is_protected.then(|| number.clone()).into_iter().collect();
    Ok(Some(Plan { changes, protected, ..Plan::default() }))
}

fn changed<T: Clone + PartialEq>(before: &T, after: T) -> Option<Act<T>> {
    (*before != after).then(|| Act::Changed { before: before.clone(), after })
}

fn employment(
    known: &Known,
    number: &EmployeeNumber,
    part: &EmploymentCorrection,
    today: NaiveDate,
) -> Result<Option<Act<EmploymentRecord>>, (&'static str, CorrectionFault)> {
    let id = part.id();
    let before = known.employments.get(&(number.clone(), id.clone()));
    let missing = || ("employment_id", CorrectionFault::UnknownEmployment(id.clone()));
    let act = match part {
        EmploymentCorrection::Add(record) => {
            if before.is_some() {
                return Err(("employment_id", CorrectionFault::KnownEmployment(id.clone())));
            }
            Some(Act::Added(EmploymentRecord { employee_number: number.clone(), ..record.clone() }))
        }
        EmploymentCorrection::Change(_, patch) => {
            let before = before.ok_or_else(missing)?;
            changed(before, patched(before.clone(), patch.clone()).named_after(before, today))
        }
        EmploymentCorrection::Withdraw(_) => return Ok(Some(Act::Withdrawn(before.ok_or_else(missing)?.clone()))),
    };
    if let Some(after) = act.as_ref().and_then(Act::after) {
        if !known.administrations.contains_key(&after.administration) {
            return Err(("administration", CorrectionFault::UnknownAdministration(after.administration.clone())));
        }
        ends_after(after.starts_on, after.ends_on).map_err(|fault| ("ends_on", fault))?;
        if let Some(closed) = known.successions.closed_to(&after.as_recorded()) {
            return Err(("administration", CorrectionFault::ClosedAdministration(closed)));
        }
    }
    Ok(act)
}

fn patched(before: EmploymentRecord, patch: EmploymentPatch) -> EmploymentRecord {
    EmploymentRecord {
        administration: patch.administration.unwrap_or(before.administration),
        unit: patch.unit.unwrap_or(before.unit),
        form: patch.form.unwrap_or(before.form),
        starts_on: patch.starts_on.unwrap_or(before.starts_on),
        ends_on: patch.ends_on.unwrap_or(before.ends_on),
        manager: patch.manager.unwrap_or(before.manager),
        email: patch.email.unwrap_or(before.email),
        username: patch.username.unwrap_or(before.username),
        ..before
    }
}

/// An absence is identified by its first day: with another first day it is a new one, and the old one is withdrawn.
fn absences(
    known: &Known,
    number: &EmployeeNumber,
    corrections: &[AbsenceCorrection],
) -> Result<Vec<Act<AbsenceRecord>>, CannotCorrect> {
    let record = |starts_on, ends_on| AbsenceRecord { employee_number: number.clone(), starts_on, ends_on };
    let mut acts = Vec::new();
    let mut named: BTreeSet<NaiveDate> = BTreeSet::new();
    for (place, correction) in corrections.iter().enumerate() {
        let refused = |field, fault| CannotCorrect { part: Part::Absence(place, field), fault };
        let of = |day: NaiveDate| {
            let found = known.absences.get(&(number.clone(), day));
            found.ok_or_else(|| refused("starts_on", CorrectionFault::UnknownAbsence(day)))
        };
        let is_known = |day: NaiveDate| known.absences.contains_key(&(number.clone(), day));
        let mut name = |day: NaiveDate| match named.insert(day) {
            true => Ok(()),
            false => Err(refused("starts_on", CorrectionFault::Twice)),
        };
        match *correction {
            AbsenceCorrection::Add { starts_on, ends_on } => {
                name(starts_on)?;
                if is_known(starts_on) {
                    return Err(refused("starts_on", CorrectionFault::KnownAbsence(starts_on)));
                }
                ends_after(starts_on, ends_on).map_err(|fault| refused("ends_on", fault))?;
                acts.push(Act::Added(record(starts_on, ends_on)));
            }
            AbsenceCorrection::Change { starts_on, new_starts_on, ends_on } => {
                name(starts_on)?;
                let before = of(starts_on)?;
                let first = new_starts_on.unwrap_or(starts_on);
                let after = record(first, ends_on.unwrap_or(before.ends_on));
                ends_after(first, after.ends_on).map_err(|fault| refused("ends_on", fault))?;
                if first == starts_on {
                    acts.extend(changed(before, after));
                    continue;
                }
                name(first)?;
                if is_known(first) {
                    return Err(refused("new_starts_on", CorrectionFault::KnownAbsence(first)));
                }
                acts.extend([Act::Withdrawn(before.clone()), Act::Added(after)]);
            }
            AbsenceCorrection::Withdraw { starts_on } => {
                name(starts_on)?;
                acts.push(Act::Withdrawn(of(starts_on)?.clone()));
            }
        }
    }
    Ok(acts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::directory::records::AdministrationRecord;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn number() -> EmployeeNumber {
        EmployeeNumber::parse("1001").expect("a number")
    }

    fn id(text: &str) -> EmploymentId {
        EmploymentId::parse(text).expect("an id")
    }

    fn code(text: &str) -> AdministrationCode {
        AdministrationCode::parse(text).expect("a code")
    }

    fn employed(employment: &str, administration: &str, starts_on: &str) -> EmploymentRecord {
        EmploymentRecord {
            employee_number: number(),
            employment_id: id(employment),
            administration: code(administration),
            unit: "Kök".to_owned(),
            form: EmploymentForm::Permanent,
            starts_on: day(starts_on),
            ends_on: None,
            manager: None,
            email: None,
            username: None,
            earlier: Vec::new(),
        }
    }

    /// Anna, in SEF since 2020, on leave in July.
    fn known() -> Known {
        let mut known = Known::default();
        for administration in ["SEF", "FGK"] {
            let record = AdministrationRecord { code: code(administration), name: String::new(), board: String::new() };
            known.administrations.insert(record.code.clone(), record);
        }
        let person = PersonRecord {
            employee_number: number(),
            given_name: "Anna".to_owned(),
            family_name: "Ek".to_owned(),
            protected: false,
        };
        known.persons.insert(number(), person);
        known.employments.insert((number(), id("1")), employed("1", "SEF", "2020-01-01"));
        let (starts_on, ends_on) = (day("2026-07-01"), Some(day("2026-07-31")));
        let absence = AbsenceRecord { employee_number: number(), starts_on, ends_on };
        known.absences.insert((number(), starts_on), absence);
        known
    }

    fn lines(correction: &Correction) -> Result<Vec<String>, CannotCorrect> {
        correct(&known(), &number(), correction, day("2026-02-26"))
            .map(|plan| plan.expect("she is known").lines().collect())
    }

    fn of_employments(employments: Vec<EmploymentCorrection>) -> Correction {
        Correction { employments, ..Correction::default() }
    }

    fn of_absences(absences: Vec<AbsenceCorrection>) -> Correction {
        Correction { absences, ..Correction::default() }
    }

    fn ending(last: &str) -> EmploymentCorrection {
        EmploymentCorrection::Change(
            id("1"),
            EmploymentPatch { ends_on: Some(Some(day(last))), ..EmploymentPatch::default() },
        )
    }

    #[test]
    fn a_transfer_dated_last_month_ends_one_employment_and_adds_another() {
        let transfer =
            of_employments(vec![ending("2026-01-31"), EmploymentCorrection::Add(employed("2", "FGK", "2026-02-01"))]);
        assert_eq!(
            lines(&transfer),
            Ok(vec![
                "employment 1001/1: ends_on – → 2026-01-31".to_owned(),
                "employment 1001/2: new, administration FGK, unit Kök, form permanent, starts_on 2026-02-01".to_owned(),
            ])
        );
    }

    #[test]
    fn an_employment_that_never_was_is_withdrawn() {
        let never = of_employments(vec![EmploymentCorrection::Withdraw(id("1"))]);
        assert_eq!(lines(&never), Ok(vec!["employment 1001/1: withdrawn".to_owned()]));
    }

    #[test]
    fn a_leave_that_began_on_another_day_is_another() {
        let change = AbsenceCorrection::Change {
            starts_on: day("2026-07-01"),
            new_starts_on: Some(day("2026-06-15")),
            ends_on: None,
        };
        assert_eq!(
            lines(&of_absences(vec![change])),
            Ok(vec![
                "absence 1001 from 2026-07-01: withdrawn".to_owned(),
                "absence 1001 from 2026-06-15: new, ends_on 2026-07-31".to_owned(),
            ])
        );
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        let first = day("2026-07-01");
        let other = |employment: &str| EmploymentCorrection::Withdraw(id(employment));
        for (correction, part, says) in [
            (Correction::default(), Part::Whole, "changes nothing"),
            (of_employments(vec![other("9")]), Part::Employment(0, "employment_id"), "no employment 9"),
            (
                of_employments(vec![EmploymentCorrection::Add(employed("1", "SEF", "2026-01-01"))]),
                Part::Employment(0, "employment_id"),
                "known already",
            ),
            (
                of_employments(vec![EmploymentCorrection::Add(employed("2", "XYZ", "2026-01-01"))]),
                Part::Employment(0, "administration"),
                "XYZ is no administration",
            ),
            (of_employments(vec![ending("2019-01-01")]), Part::Employment(0, "ends_on"), "before starts_on 2020-01-01"),
            (of_employments(vec![other("1"), other("1")]), Part::Employment(1, "employment_id"), "named twice"),
            (
                of_absences(vec![AbsenceCorrection::Withdraw { starts_on: day("2026-07-02") }]),
                Part::Absence(0, "starts_on"),
                "no absence from 2026-07-02",
            ),
            (
                of_absences(vec![AbsenceCorrection::Add { starts_on: first, ends_on: None }]),
                Part::Absence(0, "starts_on"),
                "known already",
            ),
        ] {
            let refused = lines(&correction).expect_err(says);
            assert_eq!(refused.part, part, "{says}");
            assert!(refused.to_string().contains(says), "{refused}");
        }
        let nobody = EmployeeNumber::parse("4711").expect("a number");
        assert_eq!(correct(&known(), &nobody, &Correction::default(), day("2026-02-26")), Ok(None));
    }

    proptest! {
        #[test]
        fn a_correction_that_was_made_changes_nothing_again(
            ends in prop::option::of(0..400_u64),
            name in prop::option::of("[A-Ö]{1,5}"),
            protected: Option<bool>,
        ) {
            let patch = EmploymentPatch {
                ends_on: Some(ends.map(|days| day("2026-01-01") + chrono::Days::new(days))),
                ..EmploymentPatch::default()
            };
            let correction = Correction {
                person: PersonPatch { given_name: name, family_name: None, protected },
                employments: vec![EmploymentCorrection::Change(id("1"), patch)],
                absences: Vec::new(),
            };
            let mut known = known();
            if let Ok(Some(plan)) = correct(&known, &number(), &correction, day("2026-02-26")) {
                known.apply(&plan);
            }
            let nothing = CannotCorrect { part: Part::Whole, fault: CorrectionFault::NoChange };
            prop_assert_eq!(correct(&known, &number(), &correction, day("2026-02-26")), Err(nothing));
        }
    }
}
