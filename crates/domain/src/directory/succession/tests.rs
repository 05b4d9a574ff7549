use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::directory::EmploymentForm;
use crate::directory::records::EmploymentRecord;
use crate::ids::{EmployeeNumber, EmploymentId};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn code(text: &str) -> AdministrationCode {
    AdministrationCode::parse(text).expect("a code")
}

/// `SEF>SF`, or `SEF/Kök>MF` for a unit; `+MF` opens, `-SEF` closes.
fn step(text: &str) -> Step {
    match text.split_once('>') {
        Some((from, to)) => {
            let (from, unit) = from.split_once('/').map_or((from, None), |(from, unit)| (from, Some(unit.to_owned())));
            Step::Moves { from: code(from), to: code(to), unit }
        }
        None if text.starts_with('+') => Step::Opens(code(&text[1..])),
        None => Step::Closes(code(&text[1..])),
    }
}

fn tree(steps: &[(&str, &str)]) -> Result<Successions, Unworkable> {
    let steps: Vec<(NaiveDate, Step)> = steps.iter().map(|(on_day, text)| (day(on_day), step(text))).collect();
    Successions::of(steps.iter().map(|(day, step)| (*day, step)))
}

fn employed(administration: &str, unit: &str, from: &str, to: Option<&str>) -> Employment {
    Employment {
        fact_id: 7,
        id: EmploymentId::parse("1").expect("an id"),
        administration: code(administration),
        unit: unit.to_owned(),
        form: EmploymentForm::Permanent,
        starts_on: day(from),
        ends_on: to.map(day),
        moved: None,
    }
}

fn places(successions: &Successions, employment: Employment) -> Vec<String> {
    let segments = successions.follow(employment);
    let shown = |e: &Employment| {
        let last = e.ends_on.map_or_else(String::new, |last| last.to_string());
        format!("{} {}..{last}", e.administration, e.starts_on)
    };
    segments.iter().map(shown).collect()
}

#[test]
fn an_employment_follows_through_a_chain_and_keeps_its_first_day() {
    let tree = tree(&[("2026-07-01", "SEF>SF"), ("2027-01-01", "SF>DSF")]).expect("a tree");
    let employment = employed("SEF", "Kök", "2020-03-01", None);
    assert_eq!(
        places(&tree, employment.clone()),
        ["SEF 2020-03-01..2026-06-30", "SF 2026-07-01..2026-12-31", "DSF 2027-01-01.."]
    );
    for segment in tree.follow(employment) {
        assert_eq!((segment.began_on(), segment.as_recorded().administration), (day("2020-03-01"), code("SEF")));
    }
    // Reported in the old code after the day: in the new one from the beginning.
    assert_eq!(places(&tree, employed("SEF", "Kök", "2026-08-01", Some("2026-09-30"))), ["SF 2026-08-01..2026-09-30"]);
    // The last day is the day before: nothing moves. The last day is the day itself: that day is the successor's.
    assert_eq!(places(&tree, employed("SEF", "", "2020-03-01", Some("2026-06-30"))), ["SEF 2020-03-01..2026-06-30"]);
    assert_eq!(
        places(&tree, employed("SEF", "", "2020-03-01", Some("2026-07-01"))),
        ["SEF 2020-03-01..2026-06-30", "SF 2026-07-01..2026-07-01"]
    );
    // An employment elsewhere stays.
    assert_eq!(places(&tree, employed("FGK", "", "2020-03-01", None)), ["FGK 2020-03-01.."]);
}

#[test]
fn a_split_goes_by_unit_and_the_rest_stays_or_goes_as_recorded() {
    let stays = tree(&[("2026-07-01", "SEF/Kök>MF")]).expect("a tree");
    assert_eq!(
        places(&stays, employed("SEF", "Kök", "2026-01-01", None)),
        ["SEF 2026-01-01..2026-06-30", "MF 2026-07-01.."]
    );
    assert_eq!(places(&stays, employed("SEF", "Tvätt", "2026-01-01", None)), ["SEF 2026-01-01.."]);
    assert!(!stays.is_gone(&code("SEF"), day("2026-07-01")));
    let goes = tree(&[("2026-07-01", "SEF/Kök>MF"), ("2026-07-01", "SEF>RF")]).expect("a tree");
    assert_eq!(goes.resolve(&code("SEF"), "Kök", day("2026-07-01")), &code("MF"));
    assert_eq!(goes.resolve(&code("SEF"), "Tvätt", day("2026-07-01")), &code("RF"));
    assert!(goes.is_gone(&code("SEF"), day("2026-07-01")) && !goes.is_gone(&code("SEF"), day("2026-06-30")));
}

#[test]
fn a_circle_on_one_day_and_a_code_that_goes_on_are_refused_and_coming_back_is_not() {
    assert!(matches!(tree(&[("2026-07-01", "A>A")]), Err(Unworkable::ToItself(_))));
    assert!(matches!(tree(&[("2026-07-01", "A>B"), ("2026-07-01", "B>A")]), Err(Unworkable::GoesOn { .. })));
    assert!(matches!(tree(&[("2026-07-01", "A>B"), ("2026-07-01", "B>C")]), Err(Unworkable::GoesOn { .. })));
    assert!(matches!(tree(&[("2026-07-01", "A>B"), ("2026-07-01", "A>C")]), Err(Unworkable::TwoWays { .. })));
    // An employment reported in A after 2027 could be in the old A or in the new one.
    assert!(matches!(tree(&[("2026-07-01", "A>B"), ("2027-01-01", "C>A")]), Err(Unworkable::GoesOn { .. })));
    let back = tree(&[("2026-07-01", "A>B"), ("2027-01-01", "B>A")]).expect("a tree");
    assert_eq!(back.resolve(&code("A"), "", day("2027-01-01")), &code("A"));
    // A unit leaves B on the day on which A moves to B: A must say where its own unit of that name goes.
    assert!(matches!(tree(&[("2026-07-01", "A>B"), ("2026-07-01", "B/u>C")]), Err(Unworkable::GoesOn { .. })));
    tree(&[("2026-07-01", "A>B"), ("2026-07-01", "A/u>C"), ("2026-07-01", "B/u>C")]).expect("a tree");
}

#[test]
fn a_closed_administration_takes_nobody_unless_its_people_go_elsewhere() {
    let closed = tree(&[("2026-07-01", "-SEF")]).expect("a tree");
    let recorded = |to: Option<&str>| RecordedEmployment {
        administration: code("SEF"),
        unit: "Kök".to_owned(),
        earlier: Vec::new(),
        starts_on: day("2026-01-01"),
        ends_on: to.map(day),
    };
    assert_eq!(closed.closed_to(&recorded(None)), Some(code("SEF")));
    assert_eq!(closed.closed_to(&recorded(Some("2026-06-30"))), None);
    assert_eq!(closed.closed_to(&recorded(Some("2026-07-01"))), Some(code("SEF")));
    let merged = tree(&[("2026-07-01", "-SEF"), ("2026-07-01", "SEF>SF")]).expect("a tree");
    assert_eq!(merged.closed_to(&recorded(None)), None);
    let opened = tree(&[("2026-07-01", "+MF")]).expect("a tree");
    assert!(opened.is_gone(&code("MF"), day("2026-06-30")) && !opened.is_gone(&code("MF"), day("2026-07-01")));
    assert!(matches!(tree(&[("2026-07-01", "-SF"), ("2026-07-01", "SEF>SF")]), Err(Unworkable::MovesToClosed(..))));
}

/// An employment since 2020 as HR named it, one administration after the other, each on a day of its own.
fn named(names: &[(&str, &str)]) -> EmploymentRecord {
    let record = |(administration, unit): &(&str, &str)| EmploymentRecord {
        employee_number: EmployeeNumber::parse("1001").expect("a number"),
        employment_id: EmploymentId::parse("1").expect("an id"),
        administration: code(administration),
        unit: (*unit).to_owned(),
        form: EmploymentForm::Permanent,
        starts_on: day("2020-01-01"),
        ends_on: None,
        manager: None,
        email: None,
        username: None,
        earlier: Vec::new(),
    };
    let mut on = day("2026-08-01");
    let mut names = names.iter().map(record);
    let first = names.next().expect("it is named");
    names.fold(first, |before, now| {
        on = on + chrono::Days::new(7);
        now.named_after(&before, on)
    })
}

fn ways(tree: &Successions, names: &[(&str, &str)]) -> Vec<String> {
    let recorded = named(names).as_recorded();
    let shown = |stay: &Stay<'_>| format!("{}/{} from {}", stay.administration, stay.unit, stay.first);
    tree.stays(&recorded).iter().map(shown).collect()
}

#[test]
fn a_code_that_a_step_leads_to_changes_nothing_of_the_past_wherever_in_the_chain() {
    // The issue's own case: A is B since July, and a unit of B leaves next year.
    let to_come = tree(&[("2026-07-01", "A>B"), ("2027-07-01", "B/U>C")]).expect("a tree");
    let as_it_was = ["A/U from 2020-01-01", "B/U from 2026-07-01", "C/U from 2027-07-01"];
    for names in
        [&[("A", "U")][..], &[("A", "U"), ("B", "U")], &[("A", "U"), ("C", "U")], &[("A", "U"), ("C", "U"), ("B", "U")]]
    {
        assert_eq!(ways(&to_come, names), as_it_was, "{names:?}");
    }
    let twice = tree(&[("2025-07-01", "A>B"), ("2026-07-01", "B>C")]).expect("a tree");
    let as_it_was = ["A/U from 2020-01-01", "B/U from 2025-07-01", "C/U from 2026-07-01"];
    for names in [&[("A", "U"), ("B", "U")][..], &[("A", "U"), ("C", "U")], &[("A", "U"), ("B", "U"), ("C", "U")]] {
        assert_eq!(ways(&twice, names), as_it_was, "{names:?}");
    }
    // It ended in between: on its own days nothing changes.
    let ended = EmploymentRecord { ends_on: Some(day("2025-12-31")), ..named(&[("A", "U"), ("B", "U")]) }.as_recorded();
    assert_eq!(twice.places(&ended), [&code("A"), &code("B")]);
}

#[test]
fn what_leads_nowhere_is_a_correction_of_all_days() {
    let tree = tree(&[("2026-07-01", "A>B")]).expect("a tree");
    assert_eq!(ways(&tree, &[("A", "U"), ("X", "U")]), ["X/U from 2020-01-01"]);
    assert_eq!(ways(&tree, &[("B", "U"), ("A", "U")]), ["A/U from 2020-01-01", "B/U from 2026-07-01"]);
    assert_eq!(ways(&tree, &[("A", "U"), ("X", "U"), ("B", "U")]), ["B/U from 2020-01-01"]);
}

#[test]
fn a_unit_that_is_renamed_with_its_administration_is_what_it_was_before() {
    let split =
        tree(&[("2026-07-01", "A/Kök>M"), ("2026-07-01", "A>B"), ("2027-07-01", "M/Storkök>N")]).expect("a tree");
    let renamed = ways(&split, &[("A", "Kök"), ("M", "Storkök")]);
    assert_eq!(renamed, ["A/Kök from 2020-01-01", "M/Storkök from 2026-07-01", "N/Storkök from 2027-07-01"]);
    assert_eq!(ways(&split, &[("A", "Kök")]), ["A/Kök from 2020-01-01", "M/Kök from 2026-07-01"]);
}

#[test]
fn a_code_that_comes_back_is_the_same_again() {
    let back = tree(&[("2026-07-01", "A>B"), ("2027-01-01", "B>A")]).expect("a tree");
    let as_it_was = ["A/U from 2020-01-01", "B/U from 2026-07-01", "A/U from 2027-01-01"];
    for names in [&[("A", "U"), ("B", "U")][..], &[("A", "U"), ("B", "U"), ("A", "U")]] {
        assert_eq!(ways(&back, names), as_it_was, "{names:?}");
    }
}

const CODES: [&str; 4] = ["A", "B", "C", "D"];
const UNITS: [&str; 3] = ["", "u", "v"];

fn first_day(days: u64) -> NaiveDate {
    day("2026-01-01") + chrono::Days::new(days)
}

prop_compose! {
    fn steps()(drawn in vec((0u64..6, 0..4usize, 0..4usize, 0..4usize), 0..7)) -> Vec<(NaiveDate, Step)> {
        let step = |(on_day, from, to, unit): (u64, usize, usize, usize)| {
            let unit = UNITS.get(unit).map(|unit| (*unit).to_owned());
            (first_day(on_day), Step::Moves { from: code(CODES[from]), to: code(CODES[to]), unit })
        };
        drawn.into_iter().map(step).collect()
    }
}

/// As many of the steps as are consistent.
fn workable(steps: &[(NaiveDate, Step)]) -> Vec<(NaiveDate, Step)> {
    let mut possible: Vec<(NaiveDate, Step)> = Vec::new();
    for step in steps {
        possible.push(step.clone());
        if Successions::of(possible.iter().map(|(day, step)| (*day, step))).is_err() {
            possible.pop();
        }
    }
    possible
}

fn of(steps: &[(NaiveDate, Step)]) -> Successions {
    Successions::of(steps.iter().map(|(day, step)| (*day, step))).expect("they stand together")
}

proptest! {
    #[test]
    fn what_is_resolved_stays_where_it_is(steps in steps()) {
        let tree = of(&workable(&steps));
        for on_day in (0..8).map(first_day) {
            for (recorded, unit) in CODES.iter().flat_map(|code| UNITS.map(|unit| (code, unit))) {
                let once = tree.resolve(&code(recorded), unit, on_day).clone();
                prop_assert_eq!(tree.resolve(&once, unit, on_day), &once);
            }
        }
    }

    #[test]
    fn the_order_in_which_steps_are_known_is_nothing(steps in steps()) {
        let steps = workable(&steps);
        let mut turned = steps.clone();
        turned.reverse();
        prop_assert_eq!(of(&steps), of(&turned));
    }

    #[test]
    fn the_tree_of_a_day_does_not_know_what_comes_later(steps in steps(), last in 0u64..7) {
        let steps = workable(&steps);
        let up_to: Vec<_> = steps.iter().filter(|(on_day, _)| *on_day <= first_day(last)).cloned().collect();
        let (whole, earlier) = (of(&steps), of(&up_to));
        for (recorded, unit) in CODES.iter().flat_map(|code| UNITS.map(|unit| (code, unit))) {
            let recorded = code(recorded);
            prop_assert_eq!(whole.resolve(&recorded, unit, first_day(last)), earlier.resolve(&recorded, unit, first_day(last)));
        }
    }

    #[test]
    fn the_days_of_an_employment_are_what_they_were_each_where_the_tree_of_the_day_has_it(
        steps in steps(), place in 0..4usize, unit in 0..3usize, from in 0u64..7, length in prop::option::of(0u64..7),
    ) {
        let tree = of(&workable(&steps));
        let last = length.map(|length| first_day(from + length));
        let starts_on = first_day(from).to_string();
        let last = last.map(|last| last.to_string());
        let employment = employed(CODES[place], UNITS[unit], &starts_on, last.as_deref());
        let segments = tree.follow(employment.clone());
        for on_day in (0..16).map(first_day) {
            let there: Vec<_> = segments.iter().filter(|segment| segment.covers(on_day)).collect();
            prop_assert_eq!(there.len(), usize::from(employment.covers(on_day)));
            for segment in there {
                prop_assert_eq!(&segment.administration, tree.resolve(&employment.administration, UNITS[unit], on_day));
                prop_assert_eq!(segment.began_on(), employment.starts_on);
                prop_assert_eq!(segment.as_recorded(), employment.as_recorded());
            }
        }
    }

    /// If HR names any codes of the chain, in any order and at any time, each day's place is that of the code from
    /// which the chain begins.
    #[test]
    fn whatever_of_the_chain_is_named_each_day_has_its_place(
        steps in steps(), first in 0..4usize, unit in 0..3usize, drawn in vec(0..8usize, 0..8), turned: prop::sample::Index,
    ) {
        let tree = of(&workable(&steps));
        let unit = UNITS[unit];
        let as_first_named = named(&[(CODES[first], unit)]).as_recorded();
        let chain: Vec<String> = tree.way(&as_first_named).iter().map(|leg| leg.administration.to_string()).collect();
        let mut names = vec![(CODES[first], unit)];
        names.extend(drawn.iter().map(|at| (chain[at % chain.len()].as_str(), unit)));
        let recorded = named(&names).as_recorded();
        prop_assert_eq!(tree.stays(&recorded), tree.stays(&as_first_named));
        // Even if the first of them is not named first, unless another leads back to it.
        let leads_back = |from: &String| *from != CODES[first] && tree.leads_to(&named(&[(from, unit)]).as_recorded(), &code(CODES[first]));
        if !chain.iter().any(leads_back) {
            let turn = turned.index(names.len());
            names.rotate_left(turn);
            let recorded = named(&names).as_recorded();
            prop_assert_eq!(tree.stays(&recorded), tree.stays(&as_first_named));
        }
    }

    /// Compared with the rule read day by day. Undoing a step undoes what depended on it, and nothing else.
    #[test]
    fn what_was_named_and_what_stands_decide_and_nothing_else(
        steps in steps(), drawn in vec(0..4usize, 1..6), unit in 0..3usize, undone in 0..7usize,
    ) {
        let mut steps = workable(&steps);
        if undone < steps.len() {
            steps.remove(undone);
        }
        let Ok(tree) = Successions::of(steps.iter().map(|(day, step)| (*day, step))) else { return Ok(()) };
        let unit = UNITS[unit];
        let names: Vec<(&str, &str)> = drawn.iter().map(|code| (CODES[*code], unit)).collect();
        let recorded = named(&names).as_recorded();
        let is_brought_to = |from: &str, to: &str| {
            std::iter::once(day("1900-01-01")).chain((0..8).map(first_day)).any(|on| *tree.resolve(&code(from), unit, on) == code(to))
        };
        let begins = names.iter().map(|(name, _)| *name).reduce(|from, to| if is_brought_to(from, to) { from } else { to });
        let begins = code(begins.expect("it is named"));
        for on_day in (0..8).map(first_day) {
            prop_assert_eq!(tree.place(&recorded, on_day), tree.resolve(&begins, unit, on_day));
        }
    }

    #[test]
    fn a_place_is_that_of_the_stay(steps in steps(), drawn in vec((0..4usize, 0..3usize), 1..6)) {
        let tree = of(&workable(&steps));
        let names: Vec<(&str, &str)> = drawn.iter().map(|(code, unit)| (CODES[*code], UNITS[*unit])).collect();
        let recorded = named(&names).as_recorded();
        let stays = tree.stays(&recorded);
        for on_day in (0..8).map(first_day) {
            let there: Vec<_> = stays.iter().filter(|s| s.first <= on_day && s.last.is_none_or(|last| on_day <= last)).collect();
            prop_assert_eq!(there.len(), 1);
            prop_assert_eq!(there[0].administration, tree.place(&recorded, on_day));
        }
        // The last code that was named is on the path.
        prop_assert!(tree.leads_to(&recorded, &recorded.administration));
    }
}
