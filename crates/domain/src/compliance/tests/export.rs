//! DESIGN, section 3, the export's paragraph: which stretch, event, attempts and employment a row shows.

use std::collections::BTreeMap;

use super::*;
use crate::compliance::span::{ScopeSpan, scope_spans, shown_employments};

fn event(id: &str) -> Option<EventId> {
    EventId::parse(id).ok()
}

fn with_quiz() -> Given {
    given().requiring(|requirement| {
        requirement.alternatives = vec![vec![course("basics"), quiz("test", "0.8")], vec![course("2023")]];
        requirement.valid_months = Some(1);
    })
}

#[test]
fn satisfied_on_and_valid_until_are_those_of_the_last_stretch_when_none_holds() {
    let given = given()
        .requiring(|requirement| requirement.valid_months = Some(1))
        .results([completed("a", "basics", "2026-03-10"), completed("b", "basics", "2026-06-10")]);
    for (on, satisfied_on, valid_until, rests_on) in [
        ("2026-03-09", None, None, None),
        ("2026-03-10", Some("2026-03-10"), Some("2026-04-09"), event("a")),
        ("2026-05-20", Some("2026-03-10"), Some("2026-04-09"), event("a")),
        ("2026-06-10", Some("2026-06-10"), Some("2026-07-09"), event("b")),
        ("2026-12-31", Some("2026-06-10"), Some("2026-07-09"), event("b")),
    ] {
        let state = given.on(on);
        assert_eq!(state.satisfied_on, satisfied_on.map(day), "on {on}");
        assert_eq!(state.valid_until, valid_until.map(day), "on {on}");
        assert_eq!(state.evidence_event_id, rests_on, "on {on}");
    }
}

#[test]
fn valid_until_is_empty_for_what_holds_for_ever() {
    let state = given().results([completed("a", "basics", "2026-03-10")]).on("2026-03-10");
    assert_eq!((state.satisfied_on, state.valid_until), (Some(day("2026-03-10")), None));
}

#[test]
fn the_evidence_shown_is_the_event_that_made_the_alternative_whole() {
    let given = with_quiz().results([
        completed("b", "basics", "2026-03-10"),
        attempted("c", "test", "2026-03-12", "9/10", None),
        // Begins nothing: the course held already.
        completed("a", "basics", "2026-03-12"),
    ]);
    assert_eq!(given.on("2026-03-11").evidence_event_id, None);
    assert_eq!(given.on("2026-03-12").evidence_event_id, event("c"));
}

#[test]
fn the_smallest_id_of_several_events_is_shown() {
    let same_day = given().results([
        completed("c", "basics", "2026-03-10T10:00:00Z"),
        completed("b", "basics", "2026-03-10T12:00:00Z"),
        completed("a", "basics", "2026-03-11"),
    ]);
    assert_eq!(same_day.on("2026-03-12").evidence_event_id, event("b"));
    let two_items = with_quiz().results([
        attempted("y", "test", "2026-03-10", "9/10", None),
        completed("x", "basics", "2026-03-10"),
        // Another quiz, and a score below the pass mark.
        attempted("a", "other", "2026-03-10", "9/10", None),
        attempted("b", "test", "2026-03-10T15:00:00Z", "1/10", None),
    ]);
    assert_eq!(two_items.on("2026-03-10").evidence_event_id, event("x"));
}

#[test]
fn a_result_reported_under_several_ids_is_shown_by_the_smallest() {
    let given = given().results([completed("z", "basics", "2026-03-10"), completed("m", "basics", "2026-03-10")]);
    assert_eq!(given.on("2026-03-10").evidence_event_id, event("m"));
}

#[test]
fn attempts_are_all_that_were_made_at_the_named_quizzes_up_to_the_day() {
    let given = with_quiz().results([
        attempted("a", "test", "2026-02-20", "5/15", None),
        attempted("b", "test", "2026-03-10", "12/15", None),
        attempted("c", "test", "2026-03-20", "10/15", None),
        attempted("d", "other", "2026-03-21", "15/15", None),
        completed("e", "basics", "2026-03-22"),
    ]);
    for (on, attempts, best, last_attempt_on) in [
        ("2026-03-01", 1, Some("33.3"), Some("2026-02-20")),
        ("2026-03-10", 2, Some("80.0"), Some("2026-03-10")),
        ("2026-03-25", 3, Some("80.0"), Some("2026-03-20")),
    ] {
        let state = given.on(on);
        assert_eq!(state.attempts, attempts, "on {on}");
        assert_eq!(state.best_score_percent.map(|best| best.to_string()).as_deref(), best, "on {on}");
        assert_eq!(state.last_attempt_on, last_attempt_on.map(day), "on {on}");
    }
}

#[test]
fn a_person_who_never_tried_has_no_attempts() {
    let state = with_quiz().results([completed("a", "2023", "2026-03-10")]).on("2026-03-10");
    assert_eq!((state.attempts, state.best_score_percent, state.last_attempt_on), (0, None, None));
}

#[test]
fn an_attempt_without_a_score_counts_and_has_none() {
    let state = with_quiz().results([attempted("a", "test", "2026-03-10", "", Some(true))]).on("2026-03-10");
    assert_eq!((state.attempts, state.best_score_percent), (1, None));
    assert_eq!(state.last_attempt_on, Some(day("2026-03-10")));
}

#[test]
fn an_attempt_reported_twice_counts_once() {
    let reported = |event, score| numbered(1, attempted(event, "test", "2026-03-10", score, None));
    let twice = with_quiz().results([reported("a", "9/10"), reported("b", "9/10")]).on("2026-03-10");
    assert_eq!(twice.attempts, 1);
    // Reported with different scores: it counts once, with the best.
    let differing =
        with_quiz().results([reported("a", "5/10"), reported("b", "9/10"), reported("c", "")]).on("2026-03-10");
    assert_eq!(differing.attempts, 1);
    assert_eq!(differing.best_score_percent, decimal_from_text("90.0").ok());
    assert_eq!(differing.held_items, 0b010);
}

#[test]
fn withdrawn_attempts_do_not_count() {
    let given = with_quiz().results([
        attempted("a", "test", "2026-03-10", "9/10", None),
        attempted("b", "test", "2026-03-12", "6/10", None),
        withdraws_event("r", "a", of_quiz("test"), "2026-03-13"),
    ]);
    let state = given.on("2026-03-12");
    assert_eq!((state.attempts, state.best_score_percent), (1, decimal_from_text("60.0").ok()));
}

/// The ids of the employments that are shown on a day, by administration.
fn shown(given: &Given, on: &str) -> BTreeMap<String, String> {
    let shown = shown_employments(&given.person, &given.versions[0], day(on));
    let facts: BTreeMap<_, _> = shown.iter().map(|(code, e)| ((*code).clone(), e.fact_id)).collect();
    assert_eq!(facts, ORACLE.shown_on(&given.person, &given.versions, day(on)), "on {on}");
    shown.into_iter().map(|(code, employment)| (code.to_string(), employment.id.to_string())).collect()
}

#[test]
fn the_employment_that_started_first_is_shown_for_each_administration() {
    let given = given().employments([
        employed("3", "SEF", "2026-03-01", "open"),
        employed("4", "SEF", "2026-02-01", "2026-03-31"),
        employed("2", "SEF", "2026-03-01", "open"),
        employed("1", "SF", "2026-03-15", "open"),
    ]);
    let of = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    assert_eq!(shown(&given, "2026-03-14"), of(&[("SEF", "4")]));
    assert_eq!(shown(&given, "2026-03-31"), of(&[("SEF", "4"), ("SF", "1")]));
    // Two that started on the same day: the smaller id.
    assert_eq!(shown(&given, "2026-04-01"), of(&[("SEF", "2"), ("SF", "1")]));
    assert_eq!(shown(&given, "2026-01-31"), of(&[]));
}

#[test]
fn an_employment_outside_the_audience_is_not_shown() {
    let mut trainee = employed("1", "SEF", "2026-01-01", "open");
    trainee.form = EmploymentForm::Trainee;
    let given = given()
        .employments([trainee, employed("2", "SEF", "2026-03-01", "open")])
        .requiring(|requirement| requirement.audience.forms = [EmploymentForm::Permanent].into());
    assert_eq!(shown(&given, "2026-02-01"), BTreeMap::new());
    assert_eq!(shown(&given, "2026-03-01").into_values().collect::<Vec<_>>(), ["2"]);
}

#[test]
fn scope_spans_follow_the_shown_employment() {
    let given = given().employments([
        employed("1", "SEF", "2025-06-01", "2026-03-31"),
        employed("2", "SEF", "2026-02-01", "open"),
        employed("3", "SF", "2026-03-01", "2026-03-31"),
    ]);
    let spans: Vec<_> = scope_spans(&given.person, &given.versions)
        .into_iter()
        .map(|ScopeSpan { days, administration, employment_fact, .. }| {
            (administration.to_string(), employment_fact, days.first.to_string(), days.last().map(|d| d.to_string()))
        })
        .collect();
    let fact = |id: char| i64::from(u32::from(id));
    let until = |text: &str| Some(text.to_owned());
    assert_eq!(
        spans,
        [
            ("SEF".to_owned(), fact('1'), "2026-01-01".to_owned(), until("2026-03-31")),
            ("SEF".to_owned(), fact('2'), "2026-04-01".to_owned(), None),
            ("SF".to_owned(), fact('3'), "2026-03-01".to_owned(), until("2026-03-31")),
        ]
    );
}
