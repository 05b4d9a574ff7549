//! An import undone, as examples; `properties` tests it with files of all kinds.

use super::super::undo::{Stays, undo};
use super::*;

/// The directory after files, with what they changed.
fn imported(before: &Known, files: &Files, extent: Extent) -> (Known, Plan) {
    let plan = plan(before, files, extent, TODAY).expect("a plan");
    let mut after = before.clone();
    after.apply(&plan);
    (after, plan)
}

fn undone(known: &Known, carried_out: &Plan) -> (Known, Vec<(String, Stays)>) {
    let undoing = undo(known, carried_out, &BTreeSet::new(), TODAY);
    let mut after = known.clone();
    after.apply(&undoing.plan);
    (after, undoing.left.into_iter().map(|left| (format!("{} {}", left.kind, left.key), left.why)).collect())
}

#[test]
fn what_nobody_changed_since_is_as_before() {
    let before = known(&employments(["1/a SEF 2020-01-01", "2/a SEF 2020-01-01", "3/a SEF 2026-05-01"]));
    let second = employments(["2/a FGK 2021-01-01", "9/a SEF 2026-01-01"]);
    let (after, plan) = imported(&before, &second, Extent::Full);
    assert_ne!(after, before);
    assert_eq!(undone(&after, &plan), (before, Vec::new()));
}

#[test]
fn what_was_changed_since_is_named_and_left() {
    let before = known(&employments(["1/a SEF 2020-01-01", "2/a SEF 2020-01-01"]));
    let (after, plan) = imported(
        &before,
        &employments(["1/a FGK 2020-01-01", "2/a FGK 2020-01-01", "9/a SEF 2026-01-01"]),
        Extent::Full,
    );
    let later = employments(["1/a FGK 2020-01-01 2026-12-31", "9/b SEF 2026-02-01"]);
    let (later, _) = imported(&after, &later, Extent::Partial);
    let (left, named) = undone(&later, &plan);
    assert_eq!(
        named,
        [("employment 1/a".to_owned(), Stays::ChangedSince), ("person 9".to_owned(), Stays::RestedOn)],
        "person 9 has a second employment by now"
    );
    assert_eq!(
        left.employments
            .values()
            .map(|e| format!("{}/{} {}", e.employee_number, e.employment_id, e.administration))
            .collect::<Vec<_>>(),
        ["1/a FGK", "2/a SEF", "9/b SEF"]
    );
}

#[test]
fn an_administration_stays_while_somebody_works_there() {
    let before = known(&employments(["1/a SEF 2020-01-01"]));
    let mut files = employments(["2/a HVO 2020-01-01"]);
    files.administrations = rows(["HVO", "FGK", "SEF"].map(administration));
    let (after, plan) = imported(&before, &files, Extent::Partial);
    assert_eq!(undone(&after, &plan), (before.clone(), Vec::new()));
    let (later, _) = imported(&after, &employments(["3/a HVO 2026-01-01"]), Extent::Partial);
    assert_eq!(undone(&later, &plan).1, [("administration HVO".to_owned(), Stays::RestedOn)]);
}

#[test]
fn an_employment_does_not_go_back_to_an_administration_that_is_gone() {
    let before = known(&employments(["1/a FGK 2020-01-01"]));
    let (after, plan) = imported(&before, &employments(["1/a SEF 2020-01-01"]), Extent::Partial);
    let only = Files { administrations: rows([administration("SEF")]), ..Files::default() };
    let (later, _) = imported(&after, &only, Extent::Full);
    assert_eq!(undone(&later, &plan).1, [("employment 1/a".to_owned(), Stays::WithoutAdministration)]);
}

#[test]
fn a_person_on_whom_something_rests_stays_known() {
    let before = known(&employments(["1/a SEF 2020-01-01"]));
    let (after, plan) = imported(&before, &employments(["2/a SEF 2020-01-01"]), Extent::Partial);
    let undoing = undo(&after, &plan, &[number("2")].into(), TODAY);
    assert_eq!(undoing.plan.lines().collect::<Vec<_>>(), ["employment 2/a: withdrawn"]);
    assert_eq!(undoing.left.iter().map(|left| left.why).collect::<Vec<_>>(), [Stays::RestedOn]);
}

#[test]
fn an_undoing_is_undone_like_any_import() {
    let before = known(&employments(["1/a SEF 2020-01-01"]));
    let (after, plan) = imported(&before, &employments(["1/a FGK 2021-01-01", "2/a SEF 2020-01-01"]), Extent::Partial);
    let first = undo(&after, &plan, &BTreeSet::new(), TODAY).plan;
    let mut back = after.clone();
    back.apply(&first);
    assert_eq!(back, before);
    let again = undo(&back, &first, &BTreeSet::new(), TODAY);
    back.apply(&again.plan);
    assert_eq!((back, again.left), (after, Vec::new()));
}
