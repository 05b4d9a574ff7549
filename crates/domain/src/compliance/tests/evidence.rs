//! DESIGN, "Evidence" and "The same thing told twice": what counts, what is withdrawn, what is the same.

use super::*;

/// The quiz with the pass mark 0.8, attempted on 10 March.
fn after_attempt(score: &str, passed: Option<bool>) -> Given {
    given().requiring(|requirement| requirement.alternatives = vec![vec![quiz("test", "0.8")]]).results([attempted(
        "a",
        "test",
        "2026-03-10",
        score,
        passed,
    )])
}

#[test]
fn a_completion_counts_from_its_day_and_for_its_course_only() {
    let given = given().results([completed("a", "basics", "2026-03-10"), completed("b", "fire", "2026-03-02")]);
    given.has(&[("2026-03-09", Status::Pending), ("2026-03-10", Status::Compliant)]);
}

#[test]
fn a_completion_counts_from_its_day_in_the_city() {
    let given = given().results([completed("a", "basics", "2026-03-10T23:30:00Z")]);
    given.has(&[("2026-03-10", Status::Pending), ("2026-03-11", Status::Compliant)]);
}

#[test]
fn a_mark_is_reached_exactly() {
    assert!(after_attempt("12/15", None).status("2026-03-10").is_done());
    assert!(!after_attempt("11.99/15", None).status("2026-03-10").is_done());
    assert!(after_attempt("0.8/1", None).status("2026-03-10").is_done());
    assert!(!after_attempt("0.79999999999999999999/1", None).status("2026-03-10").is_done());
}

#[test]
fn with_a_score_the_mark_decides_and_without_one_the_platform() {
    for (score, passed, is_done) in [
        ("12/15", Some(false), true),
        ("11/15", Some(true), false),
        ("", Some(true), true),
        ("", Some(false), false),
        ("", None, false),
    ] {
        assert_eq!(after_attempt(score, passed).status("2026-03-10").is_done(), is_done, "{score:?} {passed:?}");
    }
}

#[test]
fn a_later_failure_never_takes_away_an_earlier_pass() {
    let mut given = after_attempt("15/15", Some(true));
    given.person.results.push(attempted("b", "test", "2026-03-20", "0/15", Some(false)));
    given.has(&[
        ("2026-03-10", Status::Compliant),
        ("2026-03-20", Status::Compliant),
        ("2027-03-20", Status::Compliant),
    ]);
}

#[test]
fn the_completion_of_a_course_is_no_pass_in_a_quiz_of_that_name() {
    let given = after_attempt("", None).results([completed("a", "test", "2026-03-10")]);
    assert_eq!(given.status("2026-03-10"), Status::Pending);
}

#[test]
fn a_revocation_of_an_event_takes_its_evidence_away_whole() {
    let given = given().results([
        completed("a", "basics", "2026-03-10"),
        withdraws_event("r", "a", of_course("basics"), "2026-03-20"),
    ]);
    // Also on days before the revocation: a withdrawn result counts on no day.
    given.has(&[("2026-03-10", Status::Pending), ("2026-03-20", Status::Pending), ("2026-04-01", Status::Overdue)]);
}

#[test]
fn a_revocation_may_arrive_and_even_be_dated_before_the_result_it_withdraws() {
    let given = given().results([
        withdraws_event("r", "a", of_course("basics"), "2026-03-01"),
        completed("a", "basics", "2026-03-10"),
    ]);
    assert_eq!(given.status("2026-03-10"), Status::Pending);
}

#[test]
fn a_revocation_of_an_event_leaves_what_was_done_at_another_instant() {
    let given = given().results([
        completed("a", "basics", "2026-03-10"),
        completed("b", "basics", "2026-03-12"),
        withdraws_event("r", "a", of_course("basics"), "2026-03-20"),
    ]);
    given.has(&[("2026-03-11", Status::Pending), ("2026-03-12", Status::Compliant)]);
}

#[test]
fn a_revocation_withdraws_the_same_result_sent_under_another_id() {
    let given = given().results([
        completed("a", "basics", "2026-03-10"),
        completed("a-resent", "basics", "2026-03-10"),
        withdraws_event("r", "a", of_course("basics"), "2026-03-20"),
    ]);
    assert_eq!(given.status("2026-03-21"), Status::Pending);
}

#[test]
fn an_attempt_with_another_number_is_another_attempt() {
    let pass = |event, number| numbered(number, attempted(event, "test", "2026-03-10", "15/15", None));
    let withdrawn = withdraws_event("r", "a", of_quiz("test"), "2026-03-20");
    let same = after_attempt("", None).results([pass("a", 1), pass("b", 1), withdrawn.clone()]);
    assert_eq!(same.status("2026-03-10"), Status::Pending);
    let another = after_attempt("", None).results([pass("a", 1), pass("b", 2), withdrawn]);
    assert_eq!(another.status("2026-03-10"), Status::Compliant);
    assert_eq!(another.on("2026-03-10").attempts, 1);
}

#[test]
fn a_revocation_without_an_event_withdraws_all_up_to_its_instant() {
    let withdrawn = |at| {
        given().results([
            completed("a", "basics", "2026-03-08"),
            completed("b", "basics", "2026-03-10T10:00:00Z"),
            withdraws_up_to("r", of_course("basics"), at),
        ])
    };
    // At the very instant: withdrawn. A second earlier: not.
    assert_eq!(withdrawn("2026-03-10T10:00:00Z").status("2026-03-11"), Status::Pending);
    withdrawn("2026-03-10T09:59:59Z").has(&[("2026-03-09", Status::Pending), ("2026-03-10", Status::Compliant)]);
}

#[test]
fn a_completion_after_such_a_revocation_counts_again() {
    let given = given().results([
        completed("b", "basics", "2026-03-15"),
        withdraws_up_to("r", of_course("basics"), "2026-03-12"),
        completed("a", "basics", "2026-03-10"),
    ]);
    given.has(&[("2026-03-14", Status::Pending), ("2026-03-15", Status::Compliant)]);
    assert_eq!(given.on("2026-03-15").evidence_event_id, EventId::parse("b").ok());
}

#[test]
fn such_a_revocation_leaves_other_courses_and_quizzes() {
    let given = given().results([
        completed("a", "basics", "2026-03-10"),
        withdraws_up_to("r", of_course("fire"), "2026-03-12"),
        withdraws_up_to("s", of_quiz("basics"), "2026-03-12"),
    ]);
    assert_eq!(given.status("2026-03-12"), Status::Compliant);
}

#[test]
fn a_revocation_of_another_platform_does_nothing() {
    let given = given().results([
        completed("a", "basics", "2026-03-10"),
        from_platform(2, withdraws_event("r", "a", of_course("basics"), "2026-03-20")),
        from_platform(2, withdraws_up_to("s", of_course("basics"), "2026-03-20")),
    ]);
    assert_eq!(given.status("2026-03-20"), Status::Compliant);
}

#[test]
fn reports_of_two_platforms_are_two_results() {
    let given = given().results([
        completed("a", "basics", "2026-03-10"),
        from_platform(2, completed("a", "basics", "2026-03-10")),
        withdraws_event("r", "a", of_course("basics"), "2026-03-20"),
    ]);
    assert_eq!(given.status("2026-03-20"), Status::Compliant);
}

#[test]
fn a_report_sees_evidence_from_days_up_to_its_own() {
    let seen = given()
        .requiring(|requirement| requirement.valid_months = Some(1))
        .results([completed("a", "basics", "2026-03-10"), completed("b", "basics", "2026-04-05")]);
    assert_eq!(seen.on("2026-04-04").valid_until, Some(day("2026-04-09")));
    assert_eq!(seen.on("2026-04-05").valid_until, Some(day("2026-05-04")));
}
