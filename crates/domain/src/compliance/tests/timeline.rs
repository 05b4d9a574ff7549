//! DESIGN, "Timeline": how long evidence holds, and how items and alternatives are put together.

use super::*;
use crate::calendar::AnnualDay;

/// Employed since 2025, with the course done on a day and holding for some months.
fn holding(completed_on: &str, months: u32) -> Given {
    given()
        .employments([employed("1", "SEF", "2025-01-01", "open")])
        .requiring(|requirement| {
            requirement.effective_from = day("2025-01-01");
            requirement.valid_months = Some(months);
        })
        .results([completed("a", "basics", completed_on)])
}

#[test]
fn months_are_clamped_to_the_months_end_and_leap_days() {
    for (completed_on, months, last_day) in [
        ("2026-01-31", 1, "2026-02-27"),
        ("2028-01-31", 1, "2028-02-28"),
        ("2026-01-28", 1, "2026-02-27"),
        ("2026-03-31", 1, "2026-04-29"),
        ("2025-12-31", 2, "2026-02-27"),
        ("2028-02-29", 12, "2029-02-27"),
        ("2026-02-28", 24, "2028-02-27"),
        ("2026-03-10", 12, "2027-03-09"),
    ] {
        let last_day = day(last_day);
        let state = holding(completed_on, months).on(completed_on);
        assert_eq!(state.valid_until, Some(last_day), "{completed_on} + {months} months");
        let next = last_day.succ_opt().unwrap().to_string();
        assert_eq!(holding(completed_on, months).status(&next), Status::Expired, "{next}");
    }
}

#[test]
fn evidence_that_touches_is_one_stretch_and_a_day_between_makes_two() {
    let twice =
        |at| holding("2026-01-10", 1).results([completed("a", "basics", "2026-01-10"), completed("b", "basics", at)]);
    let touching = twice("2026-02-10").on("2026-02-10");
    assert_eq!((touching.satisfied_on, touching.valid_until), (Some(day("2026-01-10")), Some(day("2026-03-09"))));
    let apart = twice("2026-02-11").on("2026-02-11");
    assert_eq!((apart.satisfied_on, apart.valid_until), (Some(day("2026-02-11")), Some(day("2026-03-10"))));
    assert_eq!(twice("2026-02-11").status("2026-02-10"), Status::Expired);
}

#[test]
fn an_alternative_holds_on_the_days_that_all_its_items_hold() {
    let given = holding("2026-01-10", 1)
        .requiring(|requirement| requirement.alternatives = vec![vec![course("basics"), quiz("test", "0.8")]])
        .results([
            completed("a", "basics", "2026-01-10"),
            attempted("b", "test", "2026-01-20", "15/15", None),
            completed("c", "basics", "2026-02-15"),
        ]);
    given.has(&[
        ("2026-01-10", Status::Overdue),
        ("2026-01-19", Status::Overdue),
        ("2026-01-20", Status::Expiring),
        ("2026-02-09", Status::Expiring),
        ("2026-02-10", Status::Expired),
        ("2026-02-15", Status::Expiring),
        ("2026-02-19", Status::Expiring),
        ("2026-02-20", Status::Expired),
    ]);
    assert_eq!(given.on("2026-01-25").valid_until, Some(day("2026-02-09")));
}

#[test]
fn one_alternative_is_enough_and_halves_of_two_are_not() {
    let either = |results: Vec<LinkedResult>| {
        holding("2026-01-10", 1)
            .requiring(|requirement| {
                requirement.alternatives =
                    vec![vec![course("basics"), quiz("test", "0.8")], vec![course("2023"), course("extra")]];
            })
            .results(results)
    };
    let (basics, old, extra) = (
        completed("a", "basics", "2026-01-10"),
        completed("b", "2023", "2026-01-10"),
        completed("c", "extra", "2026-01-11"),
    );
    assert_eq!(either(vec![basics.clone(), old.clone()]).status("2026-01-12"), Status::Overdue);
    assert!(either(vec![basics, old, extra]).status("2026-01-12").is_done());
}

#[test]
fn alternatives_that_follow_each_other_are_one_stretch() {
    let given = holding("2026-01-10", 1)
        .requiring(|requirement| requirement.alternatives = vec![vec![course("basics")], vec![course("2023")]])
        .results([completed("a", "2023", "2026-01-10"), completed("b", "basics", "2026-02-01")]);
    let state = given.on("2026-02-20");
    assert_eq!((state.satisfied_on, state.valid_until), (Some(day("2026-01-10")), Some(day("2026-02-28"))));
    assert_eq!(state.evidence_event_id, EventId::parse("a").ok());
}

#[test]
fn evidence_from_before_the_employment_counts_while_it_holds() {
    let given = holding("2026-02-20", 1).employments([employed("1", "SEF", "2026-03-01", "open")]);
    given.has(&[("2026-03-01", Status::Expiring), ("2026-03-19", Status::Expiring), ("2026-03-20", Status::Expired)]);
    assert!(given.on("2026-03-01").on_time);
    assert_eq!(given.on("2026-03-01").satisfied_on, Some(day("2026-02-20")));
}

#[test]
fn the_items_that_hold_are_given_by_their_place() {
    let given = holding("2026-01-10", 1)
        .requiring(|requirement| {
            requirement.alternatives = vec![
                vec![course("basics"), quiz("test", "0.8")],
                vec![quiz("test", "0.8"), quiz("test", "0.5"), course("extra")],
            ];
        })
        .results([completed("a", "extra", "2026-01-10"), attempted("b", "test", "2026-01-20", "6/10", None)]);
    assert_eq!(given.on("2026-01-09").held_items, 0);
    assert_eq!(given.on("2026-01-10").held_items, 0b1000);
    assert_eq!(given.on("2026-01-20").held_items, 0b1100);
    assert_eq!(given.on("2026-02-10").held_items, 0b0100);
}

/// Employed since 2025, with the course done on some days and holding up to a day of the year.
fn until_each(annual: &str, completed_on: &[&str]) -> Given {
    let results = completed_on.iter().map(|on| completed(on, "basics", on)).collect::<Vec<_>>();
    holding("2025-01-01", 1)
        .requiring(|requirement| {
            (requirement.valid_months, requirement.valid_until) = (None, AnnualDay::parse(annual).ok());
        })
        .results(results)
}

#[test]
fn evidence_holds_up_to_and_including_the_next_day_of_the_year_after_it() {
    for (annual, completed_on, last_day) in [
        ("12-31", "2026-03-10", "2026-12-31"),
        ("12-31", "2026-12-30", "2026-12-31"),
        // On the day itself, the next such day is the next year's.
        ("12-31", "2026-12-31", "2027-12-31"),
        ("06-30", "2026-03-10", "2026-06-30"),
        ("06-30", "2026-07-01", "2027-06-30"),
        ("02-29", "2026-01-10", "2026-02-28"),
        ("02-29", "2026-02-28", "2027-02-28"),
        ("02-29", "2027-03-10", "2028-02-29"),
    ] {
        let given = until_each(annual, &[completed_on]);
        assert_eq!(given.on(completed_on).valid_until, Some(day(last_day)), "{completed_on} until {annual}");
        let next = day(last_day).succ_opt().unwrap().to_string();
        assert_eq!(given.status(&next), Status::Expired, "{next}");
    }
}

#[test]
fn once_each_calendar_year_is_done_again_in_each_year() {
    // Renewed in December, it holds no longer than it did: next year's training is done next year.
    let given = until_each("12-31", &["2026-03-10", "2026-12-10", "2027-02-01"]);
    given.has(&[
        ("2026-03-10", Status::Compliant),
        ("2026-10-31", Status::Compliant),
        ("2026-11-01", Status::Expiring),
        ("2026-12-10", Status::Expiring),
        ("2026-12-31", Status::Expiring),
        ("2027-01-01", Status::Expired),
        ("2027-01-31", Status::Expired),
        ("2027-02-01", Status::Compliant),
    ]);
    let renewed = given.on("2027-02-01");
    assert_eq!((renewed.satisfied_on, renewed.valid_until), (Some(day("2027-02-01")), Some(day("2027-12-31"))));
    // From 31 December on, nothing lies between.
    let unbroken = until_each("12-31", &["2026-03-10", "2026-12-31"]).on("2027-06-01");
    assert_eq!((unbroken.satisfied_on, unbroken.valid_until), (Some(day("2026-03-10")), Some(day("2027-12-31"))));
}

#[test]
fn training_from_before_the_day_that_it_counts_from_is_no_evidence() {
    let given = holding("2026-05-31", 12).requiring(|requirement| requirement.counts_from = Some(day("2026-06-01")));
    assert_eq!(given.status("2026-05-31"), Status::Overdue);
    assert_eq!((given.on("2026-07-01").satisfied_on, given.on("2026-07-01").held_items), (None, 0));
    let counting = given.results([completed("a", "basics", "2026-05-31"), completed("b", "basics", "2026-06-01")]);
    counting.has(&[("2026-05-31", Status::Overdue), ("2026-06-01", Status::Compliant)]);
    assert_eq!(counting.on("2026-06-01").evidence_event_id, EventId::parse("b").ok());
    // Attempts are shown, whether they count or not.
    let tried = holding("2026-05-31", 12)
        .requiring(|requirement| {
            requirement.counts_from = Some(day("2026-06-01"));
            requirement.alternatives = vec![vec![quiz("test", "0.8")]];
        })
        .results([attempted("a", "test", "2026-05-31", "15/15", None)]);
    assert_eq!((tried.status("2026-06-01"), tried.on("2026-06-01").attempts), (Status::Overdue, 1));
}
