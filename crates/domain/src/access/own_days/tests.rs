//! Own days: dated examples, and the property that no other administration's data decide.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::compliance::state::state_on;
use crate::compliance::{Audience, Item, Requirement, RequirementVersion};
use crate::directory::EmploymentForm;
use crate::ids::{AdministrationCode, CourseId, EmploymentId, RequirementCode};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

const ANNA: EmployeeId = EmployeeId(1);

fn code(text: &str) -> AdministrationCode {
    AdministrationCode::parse(text).expect("a code")
}

fn employed(id: &str, administration: &str, starts_on: &str, ends_on: &str) -> Employment {
    Employment {
        fact_id: 1,
        id: EmploymentId::parse(id).expect("an id"),
        administration: code(administration),
        unit: String::new(),
        form: EmploymentForm::Permanent,
        starts_on: day(starts_on),
        ends_on: ends_on.parse().ok(),
        moved: None,
    }
}

fn only(codes: &[&str]) -> Visible {
    Visible::administrations(codes.iter().map(|text| code(text)).collect::<BTreeSet<_>>())
}

/// Anna: SEF to 31 March, FGK from 1 April to 30 June, SEF again from 1 July.
fn anna() -> Vec<Employment> {
    vec![
        employed("1", "SEF", "2026-01-01", "2026-03-31"),
        employed("2", "FGK", "2026-04-01", "2026-06-30"),
        employed("3", "SEF", "2026-07-01", ""),
    ]
}

#[test]
fn own_days_are_those_of_own_employments() {
    let sef = only(&["SEF"]).own_days(ANNA, &anna());
    for (on, is_own) in [
        ("2025-12-31", false),
        ("2026-01-01", true),
        ("2026-03-31", true),
        ("2026-04-01", false),
        ("2026-06-30", false),
        ("2026-07-01", true),
        ("2036-01-01", true),
    ] {
        assert_eq!(sef.contains(day(on)), is_own, "{on}");
    }
    assert_eq!(sef.last_day(), None);
    assert_eq!(only(&["FGK"]).own_days(ANNA, &anna()).last_day(), Some(day("2026-06-30")));
    assert!(only(&["KS"]).own_days(ANNA, &anna()).is_none());
    assert!(only(&[]).own_days(ANNA, &anna()).is_none());
    assert_eq!(Visible::All.own_days(ANNA, &anna()), OwnDays::All);
    assert_eq!(
        only(&["SEF", "FGK"])
            .own_days(ANNA, &anna())
            .within(Stretch::inclusive(day("2026-03-01"), None).expect("days"))
            .len(),
        1
    );
}

#[test]
fn an_absence_is_shown_by_its_own_days() {
    let absences = [Absence { starts_on: day("2026-03-20"), ends_on: Some(day("2026-07-10")) }];
    let shown: Vec<String> = only(&["SEF"])
        .own_days(ANNA, &anna())
        .absences(&absences)
        .iter()
        .map(|absence| format!("{} {:?}", absence.starts_on, absence.ends_on.map(|last| last.to_string())))
        .collect();
    assert_eq!(shown, [r#"2026-03-20 Some("2026-03-31")"#, r#"2026-07-01 Some("2026-07-10")"#]);
}

#[test]
fn a_reason_belongs_to_the_day_it_was_given_on_and_to_the_days_it_is_about() {
    let fgk = only(&["FGK"]).own_days(ANNA, &anna());
    let days = |first: &str, last: &str| Stretch::inclusive(day(first), last.parse().ok());
    for (decided_on, about, may_read) in [
        ("2026-04-02", days("2026-03-20", "2026-04-10"), true),
        ("2026-03-20", days("2026-03-20", "2026-04-10"), false),
        ("2026-03-20", days("2026-04-01", "2026-04-10"), true),
        ("2026-03-20", days("2026-04-01", ""), false),
        ("2026-03-20", None, false),
    ] {
        assert_eq!(fgk.may_read_reason(day(decided_on), about), may_read, "{decided_on} {about:?}");
    }
}

fn version() -> RequirementVersion {
    let requirement = Requirement {
        code: RequirementCode::parse("infosec").expect("a code"),
        title_sv: String::new(),
        title_en: String::new(),
        audience: Audience::default(),
        alternatives: vec![vec![Item::Course(CourseId::parse("basics").expect("an id"))]],
        new_hire_days: 30,
        existing_staff_due_on: None,
        valid_months: None,
        valid_until: None,
        counts_from: None,
        renewal_days: 60,
        effective_from: day("2026-01-01"),
        effective_to: None,
    };
    RequirementVersion { version: 1, requirement }
}

proptest! {
    /// Absences after the own days change no status on them: figures are the same for every caller.
    #[test]
    fn a_status_on_an_own_day_is_the_same_as_for_a_city_wide_caller(
        absences in prop::collection::vec((0..120_u64, prop::option::of(0..60_u64)), 0..5), on in 0..120_u64,
    ) {
        let base = day("2026-01-01");
        let absences = absences.into_iter().map(|(first, length)| {
            let starts_on = base + chrono::Days::new(first);
            Absence { starts_on, ends_on: length.map(|length| starts_on + chrono::Days::new(length)) }
        });
        let person = Person { employments: anna(), absences: absences.collect(), ..Person::default() };
        let on = base + chrono::Days::new(on);
        for codes in [["SEF"], ["FGK"]] {
            let own = only(&codes).own_days(ANNA, &person.employments);
            if own.contains(on) {
                let judged = own.judged(person.clone(), on);
                let status = |person: &Person| state_on(person, &[version()], on).map(|(_, state)| state.status);
                prop_assert_eq!(status(&judged), status(&person));
            }
        }
    }
}
