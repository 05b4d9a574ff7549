use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::domain::directory::EmploymentForm;
use crate::domain::ids::EmploymentId;

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
        assert_eq!((segment.began_on(), segment.told_in()), (day("2020-03-01"), &code("SEF")));
    }
    // Told in the old code after the day: there from the beginning.
    assert_eq!(places(&tree, employed("SEF", "Kök", "2026-08-01", Some("2026-09-30"))), ["SF 2026-08-01..2026-09-30"]);
    // Left the day before: nothing moves. The last day is the day itself: it is the successor's.
    assert_eq!(places(&tree, employed("SEF", "", "2020-03-01", Some("2026-06-30"))), ["SEF 2020-03-01..2026-06-30"]);
    assert_eq!(
        places(&tree, employed("SEF", "", "2020-03-01", Some("2026-07-01"))),
        ["SEF 2020-03-01..2026-06-30", "SF 2026-07-01..2026-07-01"]
    );
    // Whoever is elsewhere stays.
    assert_eq!(places(&tree, employed("FGK", "", "2020-03-01", None)), ["FGK 2020-03-01.."]);
}

#[test]
fn a_split_goes_by_unit_and_the_rest_stays_or_goes_as_it_is_told() {
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
    // Whoever is told in A after 2027 could be of the old A or of the new one.
    assert!(matches!(tree(&[("2026-07-01", "A>B"), ("2027-01-01", "C>A")]), Err(Unworkable::GoesOn { .. })));
    let back = tree(&[("2026-07-01", "A>B"), ("2027-01-01", "B>A")]).expect("a tree");
    assert_eq!(back.resolve(&code("A"), "", day("2027-01-01")), &code("A"));
    // A unit that leaves B the day A comes to B: A says where its own such unit goes.
    assert!(matches!(tree(&[("2026-07-01", "A>B"), ("2026-07-01", "B/u>C")]), Err(Unworkable::GoesOn { .. })));
    tree(&[("2026-07-01", "A>B"), ("2026-07-01", "A/u>C"), ("2026-07-01", "B/u>C")]).expect("a tree");
}

#[test]
fn a_closed_administration_takes_nobody_unless_its_people_go_elsewhere() {
    let closed = tree(&[("2026-07-01", "-SEF")]).expect("a tree");
    let told = |to: Option<&str>| ToldEmployment {
        administration: code("SEF"),
        starts_on: day("2026-01-01"),
        ends_on: to.map(day),
    };
    assert_eq!(closed.closed_to(&told(None), "Kök"), Some(&code("SEF")));
    assert_eq!(closed.closed_to(&told(Some("2026-06-30")), "Kök"), None);
    assert_eq!(closed.closed_to(&told(Some("2026-07-01")), "Kök"), Some(&code("SEF")));
    let merged = tree(&[("2026-07-01", "-SEF"), ("2026-07-01", "SEF>SF")]).expect("a tree");
    assert_eq!(merged.closed_to(&told(None), "Kök"), None);
    let opened = tree(&[("2026-07-01", "+MF")]).expect("a tree");
    assert!(opened.is_gone(&code("MF"), day("2026-06-30")) && !opened.is_gone(&code("MF"), day("2026-07-01")));
    assert!(matches!(tree(&[("2026-07-01", "-SF"), ("2026-07-01", "SEF>SF")]), Err(Unworkable::MovesToClosed(..))));
}

#[test]
fn a_file_that_renames_what_has_moved_says_nothing_new() {
    let tree = tree(&[("2026-07-01", "SEF>SF"), ("2027-01-01", "SF>DSF")]).expect("a tree");
    assert!(tree.is_the_same(&code("SEF"), &code("DSF"), ""));
    assert!(!tree.is_the_same(&code("SEF"), &code("SF"), ""));
    assert!(!tree.is_the_same(&code("FGK"), &code("DSF"), ""));
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

/// As many of the steps as stand together.
fn workable(steps: &[(NaiveDate, Step)]) -> Vec<(NaiveDate, Step)> {
    let mut kept: Vec<(NaiveDate, Step)> = Vec::new();
    for step in steps {
        kept.push(step.clone());
        if Successions::of(kept.iter().map(|(day, step)| (*day, step))).is_err() {
            kept.pop();
        }
    }
    kept
}

fn of(steps: &[(NaiveDate, Step)]) -> Successions {
    Successions::of(steps.iter().map(|(day, step)| (*day, step))).expect("they stand together")
}

proptest! {
    #[test]
    fn what_is_resolved_stays_where_it_is(steps in steps()) {
        let tree = of(&workable(&steps));
        for on_day in (0..8).map(first_day) {
            for (told, unit) in CODES.iter().flat_map(|code| UNITS.map(|unit| (code, unit))) {
                let once = tree.resolve(&code(told), unit, on_day).clone();
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
        for (told, unit) in CODES.iter().flat_map(|code| UNITS.map(|unit| (code, unit))) {
            let told = code(told);
            prop_assert_eq!(whole.resolve(&told, unit, first_day(last)), earlier.resolve(&told, unit, first_day(last)));
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
                prop_assert_eq!(segment.told_in(), &employment.administration);
            }
        }
    }
}
