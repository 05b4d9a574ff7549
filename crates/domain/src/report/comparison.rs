//! Two transaction times compared: whose status differs on a day, and because of which facts recorded in between.
//!
//! A person's data at both times is divided into facts: an employment, an absence, an exemption, a result, the
//! requirement itself. A fact that differs is a shift. All facts that a merge of two employee numbers, or its undoing,
//! moved are one shift. The status differs *because of* each shift without which it would be the old status. If there
//! is none (either of two completions would do), because of each shift without which it would be a different one. If
//! there is none of these either, because of all of them.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::access::{OwnDays, Visible};
use crate::calendar::Stretch;
use crate::compliance::requirement::in_effect_on;
use crate::compliance::span::shown_employments;
use crate::compliance::state::state_on;
use crate::compliance::{Person, RequirementVersion, Status};
use crate::directory::{Absence, Employment, Exemption};
use crate::ids::{AdministrationCode, EmploymentId, EventId, PlatformId};
use crate::training::{LinkedResult, ResultKind};

/// What was known at one instant about one person and the requirement.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// `None`: the person was not known.
    pub person: Option<&'a Person>,
    /// The requirement's versions.
    pub versions: &'a [RequirementVersion],
}

/// A person's status; `None` if the person counts in no visible administration.
#[must_use]
pub fn status(person: &Person, versions: &[RequirementVersion], visible: &Visible, day: NaiveDate) -> Option<Status> {
    let version = in_effect_on(versions, day)?;
    let counts = || shown_employments(person, version, day).into_keys().any(|code| visible.includes(code));
    if !visible.is_all() && !counts() {
        return None;
    }
    state_on(person, versions, day).map(|(_, state)| state.status)
}

/// The key by which a fact is the same at both times.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactKey {
    Employment(EmploymentId),
    /// By its first day.
    Absence(NaiveDate),
    /// By its first day: of this requirement.
    Exemption(NaiveDate),
    Result(PlatformId, EventId),
    /// The requirement itself: another version judges.
    Requirement,
    /// All facts that a merge of employee numbers, or its undoing, moved from or to another person.
    Merge,
}

/// Persons from whom, or to whom, a merge or its undoing moved facts.
#[derive(Debug, Clone, Default)]
pub struct Moved<'a> {
    /// The persons, as known at the first time, whose numbers belong to this person at the second.
    pub came: Vec<&'a Person>,
    /// The persons, as known at the second time, whose numbers belonged to this person at the first.
    pub went: Vec<&'a Person>,
}

impl Moved<'_> {
    /// Takes out of `facts` those that these persons have as well; or all of them, if the person is not known
    /// separately at the other time.
    fn taken_out(
        facts: &mut BTreeMap<FactKey, Vec<Fact>>,
        persons: &[&Person],
        known: &Known<'_>,
        is_nobody_else: bool,
    ) -> Vec<Fact> {
        if persons.is_empty() {
            return Vec::new();
        }
        if is_nobody_else {
            return std::mem::take(facts).into_values().flatten().collect();
        }
        let mut moved = Vec::new();
        for person in persons {
            for (key, theirs) in facts_of(&Known { person: Some(person), versions: known.versions }) {
                let Some(own) = facts.get_mut(&key) else { continue };
                for fact in theirs {
                    if let Some(place) = own.iter().position(|own| *own == fact) {
                        moved.push(own.remove(place));
                    }
                }
            }
        }
        facts.retain(|_, facts| !facts.is_empty());
        moved
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fact {
    Employment(Employment),
    Absence(Absence),
    Exemption(Exemption),
    Result(LinkedResult),
}

/// A fact that differs between the two times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    pub key: FactKey,
    before: Vec<Fact>,
    after: Vec<Fact>,
}

impl Shift {
    /// Whether a caller may see it: employments by their administrations, absences and exemptions by own days, and a
    /// revocation by the day on which it happened. Evidence may be shown wherever it was done.
    #[must_use]
    pub fn is_visible(&self, visible: &Visible, own: &OwnDays) -> bool {
        let is_own = |fact: &Fact| match fact {
            Fact::Absence(Absence { starts_on, ends_on }) | Fact::Exemption(Exemption { starts_on, ends_on, .. }) => {
                Stretch::inclusive(*starts_on, *ends_on).is_some_and(|days| own.touches(days))
            }
            Fact::Result(result) => !matches!(result.kind, ResultKind::Revocation { .. }) || own.contains(result.day),
            Fact::Employment(_) => true,
        };
        if !matches!(self.key, FactKey::Merge) && !self.before.iter().chain(&self.after).all(is_own) {
            return false;
        }
        let mut administrations = self.before.iter().chain(&self.after).filter_map(|fact| match fact {
            Fact::Employment(employment) => Some(&employment.administration),
            _ => None,
        });
        !matches!(self.key, FactKey::Employment(_))
            || administrations.any(|code: &AdministrationCode| visible.includes(code))
    }
}

/// A person's facts that can affect a requirement.
fn facts_of(known: &Known<'_>) -> BTreeMap<FactKey, Vec<Fact>> {
    let mut facts: BTreeMap<FactKey, Vec<Fact>> = BTreeMap::new();
    let Some(person) = known.person else { return facts };
    let code = known.versions.first().map(|version| &version.requirement.code);
    for employment in &person.employments {
        // Each version of an employment is another row; the row is ignored here.
        let employment = Employment { fact_id: 0, ..employment.clone() };
        facts.entry(FactKey::Employment(employment.id.clone())).or_default().push(Fact::Employment(employment));
    }
    for absence in &person.absences {
        facts.entry(FactKey::Absence(absence.starts_on)).or_default().push(Fact::Absence(absence.clone()));
    }
    for exemption in person.exemptions.iter().filter(|exemption| Some(&exemption.requirement) == code) {
        facts.entry(FactKey::Exemption(exemption.starts_on)).or_default().push(Fact::Exemption(exemption.clone()));
    }
    for result in &person.results {
        let key = FactKey::Result(result.platform, result.event_id.clone());
        facts.entry(key).or_default().push(Fact::Result(result.clone()));
    }
    facts
}

fn person_of<'a>(facts: impl Iterator<Item = &'a Fact>) -> Person {
    let mut person = Person::default();
    for fact in facts {
        match fact {
            Fact::Employment(employment) => person.employments.push(employment.clone()),
            Fact::Absence(absence) => person.absences.push(absence.clone()),
            Fact::Exemption(exemption) => person.exemptions.push(exemption.clone()),
            Fact::Result(result) => person.results.push(result.clone()),
        }
    }
    person
}

/// The facts that stayed and that changed between two transaction times.
struct Shifted {
    shifts: Vec<Shift>,
    /// The facts that are the same at both times.
    unshifted: Vec<Fact>,
}

/// The facts that differ at the second time, for a day.
#[must_use]
pub fn shifts(before: &Known<'_>, after: &Known<'_>, moved: &Moved<'_>, day: NaiveDate) -> Vec<Shift> {
    shifted(before, after, moved, day).shifts
}

fn shifted(before: &Known<'_>, after: &Known<'_>, moved: &Moved<'_>, day: NaiveDate) -> Shifted {
    let (mut was, mut is) = (facts_of(before), facts_of(after));
    let (mut shifts, mut unshifted) = (Vec::new(), Vec::new());
    let went = Moved::taken_out(&mut was, &moved.went, before, after.person.is_none());
    let came = Moved::taken_out(&mut is, &moved.came, after, before.person.is_none());
    if !(went.is_empty() && came.is_empty()) {
        shifts.push(Shift { key: FactKey::Merge, before: went, after: came });
    }
    for (key, before) in was {
        let after = is.remove(&key).unwrap_or_default();
        if before != after {
            shifts.push(Shift { key, before, after });
        } else {
            unshifted.extend(before);
        }
    }
    shifts.extend(is.into_iter().map(|(key, after)| Shift { key, before: Vec::new(), after }));
    if in_effect_on(before.versions, day) != in_effect_on(after.versions, day) {
        shifts.push(Shift { key: FactKey::Requirement, before: Vec::new(), after: Vec::new() });
    }
    Shifted { shifts, unshifted }
}

/// The shifts because of which a status differs between two transaction times; none if it does not.
#[must_use]
pub fn because(
    before: &Known<'_>,
    after: &Known<'_>,
    moved: &Moved<'_>,
    visible: &Visible,
    day: NaiveDate,
) -> Vec<Shift> {
    let Shifted { shifts, unshifted } = shifted(before, after, moved, day);
    let judged = |is_made: &dyn Fn(usize) -> bool| {
        let moved = shifts.iter().enumerate().flat_map(
            |(place, shift)| {
                if is_made(place) { &shift.after } else { &shift.before }
            },
        );
        let requirement = shifts.iter().position(|shift| shift.key == FactKey::Requirement);
        let versions = if requirement.is_none_or(is_made) { after.versions } else { before.versions };
        status(&person_of(unshifted.iter().chain(moved)), versions, visible, day)
    };
    let (was, is) = (judged(&|_| false), judged(&|_| true));
    if was == is {
        return Vec::new();
    }
    let without: Vec<Option<Status>> = (0..shifts.len()).map(|left_out| judged(&|place| place != left_out)).collect();
    let pick = |chosen: &dyn Fn(&Option<Status>) -> bool| -> Vec<Shift> {
        shifts.iter().zip(&without).filter(|(_, status)| chosen(status)).map(|(shift, _)| shift.clone()).collect()
    };
    let decisive = pick(&|status| *status == was);
    if !decisive.is_empty() {
        return decisive;
    }
    let needed = pick(&|status| *status != is);
    if needed.is_empty() { shifts } else { needed }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compliance::{Audience, Item, Requirement};
    use crate::directory::EmploymentForm;
    use crate::ids::{CourseId, EmployeeId, RequirementCode};
    use crate::training::Target;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    const TODAY: &str = "2026-05-01";

    fn version(number: u32, new_hire_days: u32) -> RequirementVersion {
        let requirement = Requirement {
            code: RequirementCode::parse("infosec").expect("a code"),
            title_sv: String::new(),
            title_en: String::new(),
            audience: Audience::default(),
            alternatives: vec![vec![Item::Course(CourseId::parse("basics").expect("an id"))]],
            new_hire_days,
            existing_staff_due_on: None,
            valid_months: None,
            valid_until: None,
            counts_from: None,
            renewal_days: 60,
            effective_from: day("2026-01-01"),
            effective_to: None,
        };
        RequirementVersion { version: number, requirement }
    }

    fn employed(id: &str, administration: &str, starts_on: &str) -> Employment {
        Employment {
            fact_id: 7,
            id: EmploymentId::parse(id).expect("an id"),
            administration: AdministrationCode::parse(administration).expect("a code"),
            unit: String::new(),
            form: EmploymentForm::Permanent,
            starts_on: day(starts_on),
            ends_on: None,
            moved: None,
        }
    }

    fn completed(event: &str, on: &str) -> LinkedResult {
        LinkedResult {
            platform: PlatformId(1),
            event_id: EventId::parse(event).expect("an id"),
            target: Target::Course(CourseId::parse("basics").expect("an id")),
            kind: ResultKind::Completion,
            occurred_at: day(on).and_time(chrono::NaiveTime::MIN).and_utc(),
            reported_at: None,
            day: day(on),
        }
    }

    fn hired() -> Person {
        Person { employments: vec![employed("1", "SEF", "2026-03-01")], ..Person::default() }
    }

    fn keys(before: &Person, after: &Person) -> Vec<FactKey> {
        let versions = [version(1, 30)];
        let known = |person| Known { person: Some(person), versions: &versions };
        let because = because(&known(before), &known(after), &Moved::default(), &Visible::All, day(TODAY));
        because.into_iter().map(|shift| shift.key).collect()
    }

    #[test]
    fn of_many_facts_the_one_is_named_without_which_the_status_were_what_it_was() {
        let mut after = hired();
        after.results.push(completed("e-1", "2026-03-05"));
        after.absences.push(Absence { starts_on: day("2026-02-01"), ends_on: Some(day("2026-02-03")) });
        assert_eq!(keys(&hired(), &after), [FactKey::Result(PlatformId(1), EventId::parse("e-1").expect("an id"))]);
    }

    #[test]
    fn where_either_of_two_would_do_both_are_named() {
        let mut after = hired();
        after.results.extend([completed("e-1", "2026-03-05"), completed("e-2", "2026-03-06")]);
        assert_eq!(keys(&hired(), &after).len(), 2);
    }

    #[test]
    fn where_only_both_together_do_both_are_named() {
        let before = Person::default();
        let mut after = hired();
        after.results.push(completed("e-1", "2026-03-05"));
        // Without the employment there is no status, as before; without the course they would be late.
        assert_eq!(keys(&before, &after), [FactKey::Employment(EmploymentId::parse("1").expect("an id"))]);
    }

    #[test]
    fn another_version_of_the_requirement_is_a_cause() {
        let person = hired();
        let (one, two) = ([version(1, 30)], [version(1, 30), version(2, 90)]);
        let before = Known { person: Some(&person), versions: &one };
        let after = Known { person: Some(&person), versions: &two };
        let because = because(&before, &after, &Moved::default(), &Visible::All, day(TODAY));
        assert_eq!(because.into_iter().map(|shift| shift.key).collect::<Vec<_>>(), [FactKey::Requirement]);
    }

    #[test]
    fn what_concerns_another_administration_alone_is_not_shown() {
        let own = Visible::administrations([AdministrationCode::parse("SEF").expect("a code")].into());
        let mut after = hired();
        after.employments.push(employed("2", "FGK", "2026-02-01"));
        let versions = [version(1, 61)];
        let known = |person| Known { person: Some(person), versions: &versions };
        let before = hired();
        // The earlier employment elsewhere starts the clock earlier.
        let because = because(&known(&before), &known(&after), &Moved::default(), &own, day("2026-05-01"));
        assert_eq!(because.len(), 1);
        let days = own.own_days(EmployeeId(1), &after.employments);
        assert!(!because[0].is_visible(&own, &days) && because[0].is_visible(&Visible::All, &OwnDays::All));
    }

    /// Two states of a person.
    fn person() -> impl Strategy<Value = Person> {
        let employment = (1..3_u8, 0..2_usize, 1..5_u32).prop_map(|(id, place, month)| {
            employed(&id.to_string(), ["SEF", "FGK"][place], &format!("2026-{month:02}-01"))
        });
        let result = (1..4_u8, 1..5_u32)
            .prop_map(|(event, month)| completed(&format!("e-{event}"), &format!("2026-{month:02}-02")));
        let absence = (1..6_u32, 1..40_u64).prop_map(|(month, days)| {
            let first = day(&format!("2026-{month:02}-01"));
            Absence { starts_on: first, ends_on: Some(first + chrono::Days::new(days)) }
        });
        let exemption = (1..6_u32).prop_map(|month| Exemption {
            requirement: RequirementCode::parse("infosec").expect("a code"),
            starts_on: day(&format!("2026-{month:02}-15")),
            ends_on: None,
        });
        (
            prop::collection::btree_map(1..3_u8, employment, 0..3),
            prop::collection::vec(result, 0..3),
            prop::collection::vec(absence, 0..2),
            prop::collection::vec(exemption, 0..2),
        )
            .prop_map(|(employments, results, absences, exemptions)| Person {
                employments: employments.into_values().collect(),
                absences,
                exemptions,
                results,
            })
    }

    proptest! {
        #[test]
        fn whoever_differs_has_a_cause_and_whoever_does_not_has_none(
            before in person(), after in person(), days in (20..60_u32, 20..60_u32), own: bool,
        ) {
            let visible = if own { Visible::administrations([AdministrationCode::parse("SEF").expect("a code")].into()) } else { Visible::All };
            let (then, now) = ([version(1, days.0)], [version(1, days.0), version(2, days.1)]);
            let first = Known { person: Some(&before), versions: &then };
            let second = Known { person: Some(&after), versions: &now };
            let today = day(TODAY);
            let differs = status(&before, &then, &visible, today) != status(&after, &now, &visible, today);
            let because_of = because(&first, &second, &Moved::default(), &visible, today);
            prop_assert_eq!(differs, !because_of.is_empty());
            let all = shifts(&first, &second, &Moved::default(), today);
            prop_assert!(because_of.iter().all(|shift| all.contains(shift)));
            prop_assert_eq!(because(&first, &first, &Moved::default(), &visible, today), Vec::new());
        }
    }
}
