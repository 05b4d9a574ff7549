//! DESIGN, "Requirements are versioned": which version judges.

use super::*;

/// One version from January, and a newer one from July that wants another course.
fn two_versions() -> Given {
    given().then_requiring(|requirement| {
        requirement.effective_from = day("2026-07-01");
        requirement.alternatives = vec![vec![course("advanced")]];
    })
}

fn judges(given: &Given, on: &str) -> Option<u32> {
    given.judged(on).map(|(version, _)| version)
}

#[test]
fn a_newer_version_judges_from_the_day_it_takes_effect() {
    let given = two_versions().results([completed("a", "basics", "2026-03-10")]);
    assert_eq!(judges(&given, "2026-06-30"), Some(1));
    assert_eq!(judges(&given, "2026-07-01"), Some(2));
    // As if there were no other: for the new version all earlier employees are existing staff.
    given.has(&[
        ("2026-06-30", Status::Compliant),
        ("2026-07-01", Status::Pending),
        ("2026-07-31", Status::Pending),
        ("2026-08-01", Status::Overdue),
    ]);
}

#[test]
fn what_was_done_for_an_older_version_counts_for_a_newer_one() {
    let given = two_versions().results([completed("a", "advanced", "2026-03-10")]);
    given.has(&[("2026-06-30", Status::Overdue), ("2026-07-01", Status::Compliant)]);
}

#[test]
fn no_version_judges_before_it_takes_effect_or_after_it_ended() {
    let given = given().requiring(|requirement| {
        requirement.effective_from = day("2026-04-01");
        requirement.effective_to = Some(day("2026-06-30"));
    });
    let judging = ["2026-03-31", "2026-04-01", "2026-06-30", "2026-07-01"].map(|on| judges(&given, on));
    assert_eq!(judging, [None, Some(1), Some(1), None]);
}

#[test]
fn an_ended_newer_version_does_not_revive_an_older_one() {
    let mut given = two_versions();
    given.versions[1].requirement.effective_to = Some(day("2026-09-30"));
    assert_eq!(judges(&given, "2026-09-30"), Some(2));
    assert_eq!(judges(&given, "2026-10-01"), None);
}

#[test]
fn a_version_from_the_same_day_corrects_the_older_one() {
    let given = given().then_requiring(|requirement| requirement.new_hire_days = 60);
    assert_eq!(judges(&given, "2026-03-01"), Some(2));
    assert_eq!(given.on("2026-03-01").due_on, Some(day("2026-04-30")));
}

#[test]
fn a_newer_version_from_an_earlier_day_replaces_the_older_one_whole() {
    let given = given().then_requiring(|requirement| requirement.effective_from = day("2025-07-01"));
    assert_eq!(judges(&given, "2026-03-01"), Some(2));
}

#[test]
fn the_order_in_which_versions_are_given_does_not_matter() {
    let mut given = two_versions();
    given.versions.reverse();
    assert_eq!(judges(&given, "2026-06-30"), Some(1));
    assert_eq!(judges(&given, "2026-07-01"), Some(2));
}

#[test]
fn a_person_who_leaves_the_audience_with_a_newer_version_is_no_longer_bound() {
    let given = given().then_requiring(|requirement| {
        requirement.effective_from = day("2026-07-01");
        requirement.audience.forms = [EmploymentForm::Hourly].into();
    });
    assert!(given.is_bound("2026-06-30"));
    assert!(!given.is_bound("2026-07-01"));
}
