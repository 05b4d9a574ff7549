//! Attempts that a platform reports more than once, under a name: regrades, later grades, grades sent again.

use super::*;

/// The quiz with the pass mark 0.8, valid for a year, and its reports in many orders (all of them, for up to three).
fn reported(results: &[LinkedResult]) -> Vec<Given> {
    let quiz = given().requiring(|requirement| {
        requirement.alternatives = vec![vec![quiz("test", "0.8")]];
        requirement.valid_months = Some(12);
    });
    let mut orders = Vec::new();
    for turn in 0..results.len() {
        let turned = [&results[turn..], &results[..turn]].concat();
        orders.extend([turned.iter().rev().cloned().collect(), turned]);
    }
    orders.into_iter().map(|results: Vec<LinkedResult>| quiz.clone().results(results)).collect()
}

/// One report of the first attempt.
fn first(event: &str, at: &str, score: &str) -> LinkedResult {
    named("attempt-1", attempted(event, "test", at, score, None))
}

/// A report that the first attempt was handed in.
fn handed_in(event: &str, at: &str) -> LinkedResult {
    first(event, at, "")
}

fn of_attempts(state: &ComplianceState) -> (u32, Option<String>, Option<NaiveDate>) {
    (state.attempts, state.best_score_percent.map(|best| best.to_string()), state.last_attempt_on)
}

fn scored(percent: &str) -> Option<String> {
    Some(percent.to_owned())
}

fn withdraws(event: &str, at: &str) -> LinkedResult {
    withdraws_event("r", event, of_quiz("test"), at)
}

#[test]
fn a_grade_that_is_raised_later_counts_from_the_day_of_the_attempt() {
    for given in reported(&[first("a", "2026-03-10", "10/15"), first("b", "2026-03-20", "13/15")]) {
        given.has(&[("2026-03-09", Status::Pending), ("2026-03-10", Status::Compliant)]);
        let state = given.on("2026-03-31");
        assert_eq!(state.satisfied_on, Some(day("2026-03-10")));
        assert_eq!(state.valid_until, Some(day("2027-03-09")));
        assert_eq!(state.evidence_event_id, EventId::parse("b").ok());
        assert_eq!(of_attempts(&state), (1, scored("86.7"), Some(day("2026-03-10"))));
    }
}

#[test]
fn a_grade_that_is_lowered_later_takes_nothing_away() {
    for given in reported(&[first("a", "2026-03-10", "13/15"), first("b", "2026-03-20", "10/15")]) {
        given.has(&[("2026-03-10", Status::Compliant), ("2026-03-20", Status::Compliant)]);
        assert_eq!(of_attempts(&given.on("2026-03-20")), (1, scored("86.7"), Some(day("2026-03-10"))));
    }
}

#[test]
fn a_grade_that_is_sent_again_later_does_not_prolong_anything() {
    for given in reported(&[first("a", "2026-03-10", "13/15"), first("b", "2026-06-20", "13/15")]) {
        assert_eq!(given.on("2026-07-01").valid_until, Some(day("2027-03-09")));
        assert_eq!(given.on("2026-07-01").attempts, 1);
    }
}

#[test]
fn another_name_is_another_attempt_and_so_is_no_name() {
    let second = named("attempt-2", attempted("b", "test", "2026-03-20", "13/15", None));
    let unnamed = attempted("b", "test", "2026-03-20", "13/15", None);
    for later in [second, unnamed] {
        for given in reported(&[first("a", "2026-03-10", "10/15"), later]) {
            given.has(&[("2026-03-19", Status::Pending), ("2026-03-20", Status::Compliant)]);
            assert_eq!(of_attempts(&given.on("2026-03-20")), (2, scored("86.7"), Some(day("2026-03-20"))));
        }
    }
}

#[test]
fn the_same_name_on_another_platform_or_at_another_quiz_is_another_attempt() {
    let elsewhere = from_platform(2, first("b", "2026-03-20", "13/15"));
    let of_another = named("attempt-1", attempted("b", "other", "2026-03-20", "13/15", None));
    for (later, attempts) in [(elsewhere, 2), (of_another, 1)] {
        for given in reported(&[first("a", "2026-03-10", "10/15"), later]) {
            assert_eq!(given.status("2026-03-10"), Status::Pending);
            assert_eq!(given.on("2026-03-20").attempts, attempts);
        }
    }
}

#[test]
fn the_name_decides_and_not_the_number() {
    for given in
        reported(&[numbered(1, first("a", "2026-03-10", "10/15")), numbered(2, first("b", "2026-03-20", "13/15"))])
    {
        assert_eq!(given.status("2026-03-10"), Status::Compliant);
        assert_eq!(given.on("2026-03-20").attempts, 1);
    }
}

#[test]
fn an_attempt_that_is_graded_later_counts_from_the_day_on_which_it_was_handed_in() {
    for given in reported(&[handed_in("a", "2026-03-10"), first("b", "2026-03-20", "13/15")]) {
        given.has(&[("2026-03-09", Status::Pending), ("2026-03-10", Status::Compliant)]);
        assert_eq!(given.on("2026-03-20").evidence_event_id, EventId::parse("b").ok());
        assert_eq!(of_attempts(&given.on("2026-03-20")), (1, scored("86.7"), Some(day("2026-03-10"))));
    }
}

#[test]
fn an_attempt_that_is_not_graded_yet_is_neither_evidence_nor_counted() {
    for given in reported(&[handed_in("a", "2026-03-10"), handed_in("b", "2026-03-20")]) {
        assert_eq!(given.status("2026-03-20"), Status::Pending);
        assert_eq!(of_attempts(&given.on("2026-03-20")), (0, None, None));
    }
    // Together with one that is.
    let graded = named("attempt-2", attempted("b", "test", "2026-03-12", "6/15", None));
    for given in reported(&[handed_in("a", "2026-03-20"), graded]) {
        assert_eq!(of_attempts(&given.on("2026-03-20")), (1, scored("40.0"), Some(day("2026-03-12"))));
    }
}

#[test]
fn withdrawing_the_regrade_leaves_the_earlier_report() {
    let regraded = first("b", "2026-03-20", "13/15");
    let resent = first("b-resent", "2026-03-20", "13/15");
    for given in reported(&[first("a", "2026-03-10", "10/15"), regraded, resent, withdraws("b", "2026-03-21")]) {
        given.has(&[("2026-03-10", Status::Pending), ("2026-03-21", Status::Pending)]);
        assert_eq!(of_attempts(&given.on("2026-03-21")), (1, scored("66.7"), Some(day("2026-03-10"))));
    }
}

#[test]
fn an_attempt_whose_first_report_is_withdrawn_has_the_day_of_the_next() {
    let reports =
        [first("a", "2026-03-10", "10/15"), first("b", "2026-03-20", "13/15"), first("c", "2026-03-22", "12/15")];
    for given in reported(&[&reports[..], &[withdraws("a", "2026-03-25")]].concat()) {
        given.has(&[("2026-03-19", Status::Pending), ("2026-03-20", Status::Compliant)]);
        assert_eq!(of_attempts(&given.on("2026-03-25")), (1, scored("86.7"), Some(day("2026-03-20"))));
    }
}

#[test]
fn a_revocation_up_to_an_instant_goes_by_the_instant_of_the_attempt() {
    let reports = [first("a", "2026-03-10", "10/15"), first("b", "2026-03-20", "13/15")];
    // Between the two, the whole attempt is withdrawn; before both, it stays.
    for (up_to, attempts) in [("2026-03-09", 1), ("2026-03-10", 0), ("2026-03-15", 0), ("2026-03-25", 0)] {
        for given in reported(&[&reports[..], &[withdraws_up_to("r", of_quiz("test"), up_to)]].concat()) {
            let state = given.on("2026-03-25");
            assert_eq!((state.attempts, state.status.is_done()), (attempts, attempts == 1), "up to {up_to}");
        }
    }
    // An attempt whose first report was withdrawn was not made on that report's day.
    let both = [withdraws("a", "2026-03-11"), withdraws_up_to("s", of_quiz("test"), "2026-03-15")];
    for given in reported(&[&reports[..], &both].concat()) {
        given.has(&[("2026-03-19", Status::Pending), ("2026-03-20", Status::Compliant)]);
    }
}

#[test]
fn a_grade_that_arrives_after_the_day_of_a_report_still_counts_from_the_day_of_the_attempt() {
    for given in reported(&[first("a", "2026-03-10", "10/15"), first("b", "2026-06-20", "13/15")]) {
        given.has(&[("2026-03-10", Status::Compliant), ("2026-05-01", Status::Compliant)]);
    }
}
