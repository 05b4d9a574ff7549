//! DESIGN, "Assignment and due day": when the clock starts, and what moves the due day.

use super::*;

/// Clock and due day on a day.
fn clock_and_due(given: &Given, on: &str) -> (String, String) {
    let state = given.on(on);
    (state.clock.to_string(), state.due_on.map_or("none".to_owned(), |due| due.to_string()))
}

#[track_caller]
fn is_due(given: &Given, on: &str, clock: &str, due: &str) {
    assert_eq!(clock_and_due(given, on), (clock.to_owned(), due.to_owned()), "on {on}");
}

#[test]
fn a_new_hire_is_due_new_hire_days_after_the_first_day() {
    is_due(&given(), "2026-03-01", "2026-03-01", "2026-03-31");
    let sooner = given().requiring(|requirement| requirement.new_hire_days = 0);
    is_due(&sooner, "2026-03-01", "2026-03-01", "2026-03-01");
    sooner.has(&[("2026-03-01", Status::Pending), ("2026-03-02", Status::Overdue)]);
}

#[test]
fn existing_staff_are_due_on_their_own_day_and_new_hires_are_not() {
    let started = |on| {
        given()
            .employments([employed("1", "SEF", on, "open")])
            .requiring(|requirement| requirement.existing_staff_due_on = Some(day("2026-06-30")))
    };
    is_due(&started("2025-12-31"), "2026-01-01", "2026-01-01", "2026-06-30");
    // A person who starts on the very day is a new hire.
    is_due(&started("2026-01-01"), "2026-01-01", "2026-01-01", "2026-01-31");
}

#[test]
fn existing_staff_without_a_day_of_their_own_are_due_as_if_hired_when_it_took_effect() {
    let given = given().employments([employed("1", "SEF", "2025-02-01", "open")]);
    is_due(&given, "2026-01-01", "2026-01-01", "2026-01-31");
}

#[test]
fn existing_staff_whose_day_lies_before_the_requirement_are_late_at_once() {
    let given = given()
        .employments([employed("1", "SEF", "2025-02-01", "open")])
        .requiring(|requirement| requirement.existing_staff_due_on = Some(day("2025-12-15")))
        .absences([absent("2025-12-01", "2025-12-31")])
        .results([completed("a", "basics", "2025-12-10")]);
    is_due(&given, "2026-01-01", "2026-01-01", "2025-12-15");
    let state = given.on("2026-01-01");
    assert_eq!((state.status, state.on_time), (Status::Compliant, false));
}

#[test]
fn an_assignment_continues_through_a_transfer() {
    let given = given()
        .employments([employed("1", "SEF", "2026-02-01", "2026-02-28"), employed("2", "SF", "2026-03-01", "open")]);
    is_due(&given, "2026-03-01", "2026-02-01", "2026-03-03");
}

#[test]
fn an_assignment_continues_through_parallel_employments() {
    let given = given().employments([
        employed("3", "SF", "2026-05-01", "2026-08-31"),
        employed("1", "SEF", "2026-02-01", "2026-06-30"),
        employed("2", "SF", "2026-03-01", "2026-03-31"),
    ]);
    for on in ["2026-02-01", "2026-03-15", "2026-06-01", "2026-08-31"] {
        is_due(&given, on, "2026-02-01", "2026-03-03");
    }
}

#[test]
fn an_assignment_continues_over_a_gap_of_thirty_days_and_not_of_thirty_one() {
    let returned =
        |on| given().employments([employed("1", "SEF", "2026-02-01", "2026-03-31"), employed("2", "SEF", on, "open")]);
    // 1 to 30 April are thirty days.
    is_due(&returned("2026-05-01"), "2026-05-01", "2026-02-01", "2026-03-03");
    is_due(&returned("2026-05-02"), "2026-05-02", "2026-05-02", "2026-06-01");
    is_due(&returned("2026-05-02"), "2026-03-31", "2026-02-01", "2026-03-03");
    assert!(!returned("2026-05-01").is_bound("2026-04-15"));
}

#[test]
fn a_gap_outside_the_audience_counts_as_any_other() {
    let mut hourly = employed("2", "SEF", "2026-03-01", "2026-04-30");
    hourly.form = EmploymentForm::Hourly;
    let given = given()
        .employments([
            employed("1", "SEF", "2026-02-01", "2026-02-28"),
            hourly,
            employed("3", "SEF", "2026-05-01", "open"),
        ])
        .requiring(|requirement| requirement.audience.forms = [EmploymentForm::Permanent].into());
    is_due(&given, "2026-05-01", "2026-05-01", "2026-05-31");
}

#[test]
fn a_person_who_returns_over_a_short_gap_into_a_requirement_is_existing_staff() {
    let given = given()
        .employments([employed("1", "SEF", "2025-06-01", "2025-12-20"), employed("2", "SEF", "2026-01-10", "open")])
        .requiring(|requirement| requirement.existing_staff_due_on = Some(day("2026-06-30")));
    is_due(&given, "2026-01-10", "2026-01-01", "2026-06-30");
}

#[test]
fn training_that_held_in_an_earlier_assignment_is_not_expired_in_the_next() {
    let given = given()
        .employments([employed("1", "SEF", "2026-02-01", "2026-03-31"), employed("2", "SEF", "2026-06-01", "open")])
        .requiring(|requirement| requirement.valid_months = Some(1))
        .results([completed("a", "basics", "2026-02-10")]);
    given.has(&[("2026-03-10", Status::Expired), ("2026-06-01", Status::Pending), ("2026-07-02", Status::Overdue)]);
}

#[test]
fn each_day_of_absence_up_to_the_due_day_moves_it_by_one() {
    for (absences, due) in [
        (vec![absent("2026-03-10", "2026-03-14")], "2026-04-05"),
        // Absences that overlap: each day moves it once.
        (vec![absent("2026-03-10", "2026-03-14"), absent("2026-03-12", "2026-03-16")], "2026-04-07"),
        // Before the clock: nothing.
        (vec![absent("2026-02-01", "2026-02-28")], "2026-03-31"),
        (vec![absent("2026-02-20", "2026-03-02")], "2026-04-02"),
        // On the due day itself, and the day after it.
        (vec![absent("2026-03-31", "2026-03-31")], "2026-04-01"),
        (vec![absent("2026-04-01", "2026-04-30")], "2026-03-31"),
        // It extends past the due day: all of it counts, as the due day moves on.
        (vec![absent("2026-03-30", "2026-04-30")], "2026-05-02"),
        // The second lies in the days to which the first has moved it.
        (vec![absent("2026-03-10", "2026-03-14"), absent("2026-04-03", "2026-04-04")], "2026-04-07"),
        (vec![absent("2026-04-06", "2026-04-07"), absent("2026-03-10", "2026-03-14")], "2026-04-05"),
        // It ends before it starts.
        (vec![absent("2026-03-14", "2026-03-10")], "2026-03-31"),
    ] {
        let given = given().absences(absences.clone());
        assert_eq!(given.on("2026-03-01").due_on, Some(day(due)), "{absences:?}");
    }
}

#[test]
fn absence_moves_the_day_of_existing_staff_from_when_the_requirement_took_effect() {
    let given = given()
        .employments([employed("1", "SEF", "2025-02-01", "open")])
        .requiring(|requirement| requirement.existing_staff_due_on = Some(day("2026-06-30")))
        .absences([absent("2025-12-22", "2026-01-05")]);
    is_due(&given, "2026-01-06", "2026-01-01", "2026-07-05");
}

#[test]
fn an_open_absence_leaves_no_due_day() {
    let away = given().absences([absent("2026-03-15", "open")]);
    is_due(&away, "2026-03-01", "2026-03-01", "none");
    away.has(&[("2026-03-14", Status::Pending), ("2026-03-15", Status::OnLeave), ("2029-03-15", Status::OnLeave)]);
    // From the due day on: none either.
    is_due(&given().absences([absent("2026-03-31", "open")]), "2026-03-01", "2026-03-01", "none");
    // After it: the due day stays.
    is_due(&given().absences([absent("2026-04-01", "open")]), "2026-03-01", "2026-03-01", "2026-03-31");
    // Another absence moves the due day into the open one.
    let moved = given().absences([absent("2026-03-10", "2026-03-14"), absent("2026-04-05", "open")]);
    is_due(&moved, "2026-03-01", "2026-03-01", "none");
}

#[test]
fn a_year_of_leave_moves_the_due_day_by_a_year() {
    let given = given().absences([absent("2026-03-31", "2027-03-30")]);
    is_due(&given, "2027-04-01", "2026-03-01", "2027-03-31");
    given.has(&[("2027-03-30", Status::OnLeave), ("2027-03-31", Status::Pending), ("2027-04-01", Status::Overdue)]);
}
