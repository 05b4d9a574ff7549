//! DESIGN, "Status": which status takes precedence, and on which day each begins and ends. And "on time".

use super::*;

/// Hired on 1 March 2026, due on 31 March; the course is done on 10 March and holds for two months, that is to 9 May.
fn done_in_march() -> Given {
    given()
        .requiring(|requirement| (requirement.valid_months, requirement.renewal_days) = (Some(2), 14))
        .results([completed("a", "basics", "2026-03-10")])
}

#[test]
fn every_status_begins_and_ends_on_its_day() {
    done_in_march().has(&[
        ("2026-03-01", Status::Pending),
        ("2026-03-09", Status::Pending),
        ("2026-03-10", Status::Compliant),
        ("2026-04-24", Status::Compliant),
        ("2026-04-25", Status::Expiring),
        ("2026-05-09", Status::Expiring),
        ("2026-05-10", Status::Expired),
        ("2029-01-01", Status::Expired),
    ]);
}

#[test]
fn a_person_who_did_nothing_is_pending_up_to_the_due_day_and_overdue_after_it() {
    let given = given();
    assert_eq!(given.on("2026-03-01").due_on, Some(day("2026-03-31")));
    given.has(&[("2026-03-31", Status::Pending), ("2026-04-01", Status::Overdue)]);
}

#[test]
fn an_exempt_person_is_exempt_even_if_another_status_fits() {
    let given =
        done_in_march().exemptions([exempt("2026-03-05", "2026-06-01")]).absences([absent("2026-03-05", "2026-06-02")]);
    given.has(&[
        ("2026-03-04", Status::Pending),
        ("2026-03-05", Status::Exempt),
        ("2026-03-20", Status::Exempt),
        ("2026-06-01", Status::Exempt),
        ("2026-06-02", Status::OnLeave),
        ("2026-06-03", Status::Expired),
    ]);
}

#[test]
fn an_exempt_person_is_not_overdue() {
    let given = given().exemptions([exempt("2026-03-15", "2026-12-31")]);
    given.has(&[("2026-04-01", Status::Exempt), ("2026-12-31", Status::Exempt), ("2027-01-01", Status::Overdue)]);
}

#[test]
fn an_exemption_from_another_requirement_does_nothing() {
    let mut other = exempt("2026-03-01", "open");
    other.requirement = RequirementCode::parse("fire-safety").unwrap();
    assert_eq!(given().exemptions([other]).status("2026-03-02"), Status::Pending);
}

#[test]
fn an_exemption_does_not_move_the_due_day() {
    let given = given().exemptions([exempt("2026-03-01", "2026-03-20")]);
    assert_eq!(given.on("2026-03-25").due_on, Some(day("2026-03-31")));
}

#[test]
fn a_person_on_leave_is_on_leave_also_when_the_training_is_done_or_late() {
    let done = done_in_march().absences([absent("2026-03-12", "2026-03-13")]);
    done.has(&[
        ("2026-03-11", Status::Compliant),
        ("2026-03-12", Status::OnLeave),
        ("2026-03-13", Status::OnLeave),
        ("2026-03-14", Status::Compliant),
    ]);
    let late = given().absences([absent("2026-04-10", "2026-04-11")]);
    late.has(&[("2026-04-09", Status::Overdue), ("2026-04-10", Status::OnLeave), ("2026-04-12", Status::Overdue)]);
}

#[test]
fn a_stretch_is_expiring_when_its_last_day_is_within_the_renewal_days() {
    let with_renewal = |days| done_in_march().requiring(|requirement| requirement.renewal_days = days);
    // Nothing but the last day itself.
    with_renewal(0).has(&[("2026-05-08", Status::Compliant), ("2026-05-09", Status::Expiring)]);
    with_renewal(1).has(&[("2026-05-07", Status::Compliant), ("2026-05-08", Status::Expiring)]);
    // More days than the stretch has: never compliant.
    with_renewal(365).has(&[("2026-03-10", Status::Expiring), ("2026-05-09", Status::Expiring)]);
}

#[test]
fn a_stretch_that_was_renewed_in_time_is_no_longer_expiring() {
    let given =
        done_in_march().results([completed("a", "basics", "2026-03-10"), completed("b", "basics", "2026-05-01")]);
    given.has(&[
        ("2026-04-30", Status::Expiring),
        ("2026-05-01", Status::Compliant),
        ("2026-05-10", Status::Compliant),
        ("2026-06-30", Status::Expiring),
        ("2026-07-01", Status::Expired),
    ]);
}

#[test]
fn what_holds_for_ever_never_expires() {
    let given = given().results([completed("a", "basics", "2026-03-10")]);
    given.has(&[("2026-03-10", Status::Compliant), ("2029-10-31", Status::Compliant)]);
}

#[test]
fn training_that_ended_before_the_clock_started_is_not_expired() {
    // 10 December + 2 months: the last day is 9 February, before the first day at work.
    let earlier = |at| done_in_march().results([completed("a", "basics", at)]);
    earlier("2025-12-10").has(&[("2026-03-01", Status::Pending), ("2026-04-01", Status::Overdue)]);
    // It held on the first day at work, and on that day only.
    earlier("2026-01-02").has(&[("2026-03-01", Status::Expiring), ("2026-03-02", Status::Expired)]);
    // It ended the day before.
    earlier("2026-01-01").has(&[("2026-03-01", Status::Pending), ("2026-03-02", Status::Pending)]);
}

#[test]
fn a_person_is_on_time_when_the_timeline_holds_some_day_up_to_the_due_day() {
    let completing = |at| given().results([completed("a", "basics", at)]);
    assert!(completing("2026-03-31").on("2026-03-31").on_time);
    assert!(!completing("2026-04-01").on("2026-04-01").on_time);
    // Not before it is seen.
    assert!(!completing("2026-03-31").on("2026-03-30").on_time);
    // Still, when it has expired since.
    assert!(done_in_march().on("2027-01-01").on_time);
    // From before the employment, as long as it held on its first day.
    let earlier = |at| done_in_march().results([completed("a", "basics", at)]);
    assert!(earlier("2026-01-02").on("2026-04-01").on_time);
    assert!(!earlier("2026-01-01").on("2026-04-01").on_time);
}

#[test]
fn a_person_without_a_due_day_is_on_time_whenever_it_is_done() {
    let given = given().absences([absent("2026-03-15", "open")]).results([completed("a", "basics", "2027-06-01")]);
    assert_eq!(given.on("2026-03-14").due_on, None);
    assert!(!given.on("2027-05-31").on_time);
    assert!(given.on("2027-06-01").on_time);
}
