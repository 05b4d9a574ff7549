//! Withdrawals that are withdrawn, resets, decisions by hand, and results sent again after a withdrawal: DESIGN,
//! "Evidence".

use super::*;
use crate::compliance::effect::{Effect, NoEffect, effect_of};

/// The reports, in many orders.
fn in_orders(results: &[LinkedResult]) -> Vec<Given> {
    let mut orders = Vec::new();
    for turn in 0..results.len() {
        let turned = [&results[turn..], &results[..turn]].concat();
        orders.extend([turned.iter().rev().cloned().collect(), turned]);
    }
    orders.into_iter().map(|results: Vec<LinkedResult>| given().results(results)).collect()
}

fn event(id: &str) -> EventId {
    EventId::parse(id).unwrap()
}

fn effect(results: &[LinkedResult], id: &str) -> Effect {
    effect_of(results, (LARPORTAL, &event(id))).unwrap()
}

/// `basics` on 10 March, and revocations, each of the one before.
fn chain(length: usize) -> Vec<LinkedResult> {
    let mut reported = vec![completed("r0", "basics", "2026-03-10")];
    for place in 1..=length {
        let (this, before) = (format!("r{place}"), format!("r{}", place - 1));
        reported.push(withdraws_event(&this, &before, of_course("basics"), "2026-03-20"));
    }
    reported
}

#[test]
fn a_revocation_of_a_revocation_restores_what_that_one_withdrew() {
    for length in 0..6 {
        for given in in_orders(&chain(length)) {
            let status = if length % 2 == 0 { Status::Compliant } else { Status::Pending };
            given.has(&[("2026-03-10", status), ("2026-03-21", status)]);
        }
    }
}

#[test]
fn a_chain_of_a_hundred_thousand_revocations_is_followed() {
    let reported = chain(100_000);
    assert_eq!(crate::compliance::withdrawal::not_withdrawn(&reported).len(), 1);
}

#[test]
fn a_revocation_of_a_reset_restores_all_that_the_reset_withdrew() {
    for kind in [withdraws_up_to, resets] {
        let reported = [
            completed("a", "basics", "2026-03-10"),
            kind("reset", of_course("basics"), "2026-03-11"),
            withdraws_event("r", "reset", of_course("basics"), "2026-03-12"),
        ];
        for given in in_orders(&reported) {
            assert_eq!(given.status("2026-03-12"), Status::Compliant);
        }
        for given in in_orders(&reported[..2]) {
            assert_eq!(given.status("2026-03-12"), Status::Pending);
        }
    }
}

#[test]
fn revocations_in_a_circle_withdraw_nothing() {
    let circle = |names: &[(&str, &str)]| {
        let revocations = names.iter().map(|(id, of)| withdraws_event(id, of, of_course("basics"), "2026-03-20"));
        let reported: Vec<LinkedResult> =
            std::iter::once(completed("a", "basics", "2026-03-10")).chain(revocations).collect();
        for given in in_orders(&reported) {
            assert_eq!(given.status("2026-03-21"), Status::Compliant, "{names:?}");
        }
        effect(&reported, names[0].0)
    };
    assert_eq!(circle(&[("r", "r")]), Effect::None(NoEffect::Circular));
    assert_eq!(circle(&[("r", "s"), ("s", "r")]), Effect::None(NoEffect::Circular));
    assert_eq!(circle(&[("r", "s"), ("s", "t"), ("t", "r")]), Effect::None(NoEffect::Circular));
    // Broken from outside, the circle is a chain: u withdraws s, so nothing withdraws r.
    let reported = [
        withdraws_event("r", "s", of_course("basics"), "2026-03-20"),
        withdraws_event("s", "r", of_course("basics"), "2026-03-20"),
        withdraws_event("u", "s", of_course("basics"), "2026-03-21"),
    ];
    let before = NoEffect::WithdrawnBefore { event: event("s"), by: event("u") };
    assert_eq!(effect(&reported, "r"), Effect::None(before));
}

#[test]
fn what_voids_cannot_be_voided() {
    let reported =
        [completed("a", "basics", "2026-03-10"), voids("v", "a", "2026-03-11"), voids("w", "v", "2026-03-12")];
    for given in in_orders(&reported) {
        assert_eq!(given.status("2026-03-12"), Status::Pending);
    }
    assert_eq!(effect(&reported, "w"), Effect::None(NoEffect::OfVoiding(event("v"))));
    // An *un-completed* is not a voiding statement, and can be voided.
    let reported = [
        completed("a", "basics", "2026-03-10"),
        resets("u", of_course("basics"), "2026-03-11"),
        voids("w", "u", "2026-03-12"),
    ];
    for given in in_orders(&reported) {
        assert_eq!(given.status("2026-03-12"), Status::Compliant);
    }
}

#[test]
fn a_reset_withdraws_results_of_its_own_day_and_the_day_before() {
    for (reset_at, status) in [
        ("2026-03-10T23:30:00Z", Status::Pending),
        ("2026-03-11T22:59:00Z", Status::Pending),
        // Half past midnight in Stockholm: the third day.
        ("2026-03-11T23:30:00Z", Status::Compliant),
        ("2027-02-10", Status::Compliant),
        ("2026-03-10T11:59:59Z", Status::Compliant),
    ] {
        let reported = [completed("a", "basics", "2026-03-10"), resets("u", of_course("basics"), reset_at)];
        for given in in_orders(&reported) {
            assert_eq!(given.status("2026-03-12"), status, "{reset_at}");
        }
        let has_effect = matches!(effect(&reported, "u"), Effect::Some { .. });
        assert_eq!(has_effect, status == Status::Pending, "{reset_at}");
    }
}

#[test]
fn a_reset_withdraws_an_attempt_by_the_day_of_the_attempt_and_not_of_its_grade() {
    let attempt = |event, at, score| named("one", attempted(event, "test", at, score, None));
    let quiz = given().requiring(|requirement| requirement.alternatives = vec![vec![quiz("test", "0.8")]]);
    let reported = [
        attempt("a", "2026-03-10", ""),
        attempt("b", "2026-03-20", "15/15"),
        resets("u", of_quiz("test"), "2026-03-20T18:00:00Z"),
    ];
    assert_eq!(quiz.results(reported).status("2026-03-20"), Status::Compliant);
}

#[test]
fn a_revocation_that_names_one_of_two_scores_leaves_the_other() {
    let quiz = given().requiring(|requirement| requirement.alternatives = vec![vec![quiz("test", "0.8")]]);
    let reported = |withdrawn| {
        quiz.clone().results([
            numbered(1, attempted("high", "test", "2026-03-10", "15/15", None)),
            numbered(1, attempted("low", "test", "2026-03-10", "12/15", None)),
            withdraws_event("r", withdrawn, of_quiz("test"), "2026-03-20"),
        ])
    };
    for (withdrawn, best) in [("high", "80.0"), ("low", "100.0")] {
        let state = reported(withdrawn).on("2026-03-21");
        assert_eq!(state.status, Status::Compliant);
        assert_eq!((state.attempts, state.best_score_percent.map(|best| best.to_string())), (1, Some(best.to_owned())));
    }
}

#[test]
fn a_result_sent_again_after_a_withdrawal_counts_and_one_reported_before_it_does_not() {
    let first = reported("2026-03-10", completed("a", "basics", "2026-03-10"));
    let withdrawn = withdraws_event("r", "a", of_course("basics"), "2026-03-20");
    for (reported_at, status) in
        [("2026-03-10", Status::Pending), ("2026-03-20", Status::Pending), ("2026-03-20T12:00:01Z", Status::Compliant)]
    {
        let again = reported(reported_at, completed("b", "basics", "2026-03-10"));
        let all = [first.clone(), withdrawn.clone(), again];
        for given in in_orders(&all) {
            assert_eq!(given.status("2026-03-21"), status, "{reported_at}");
        }
        let expected = match status {
            Status::Compliant => Effect::Some { is_anew: true },
            _ => Effect::None(NoEffect::Withdrawn(event("r"))),
        };
        assert_eq!(effect(&all, "b"), expected);
    }
    // A platform that does not say when it reports sends the same content.
    for given in in_orders(&[first, withdrawn, completed("b", "basics", "2026-03-10")]) {
        assert_eq!(given.status("2026-03-21"), Status::Pending);
    }
}

#[test]
fn a_decision_by_hand_takes_precedence_over_a_revocation_by_the_platform() {
    let done = completed("a", "basics", "2026-03-10");
    let revoked = withdraws_event("r", "a", of_course("basics"), "2026-03-20");
    let all_before = withdraws_up_to("s", of_course("basics"), "2026-03-20");
    let withdrawn = decided("hand:1", "a", false, "2026-03-21");
    let restored = decided("hand:2", "a", true, "2026-03-22");
    let cases: [(&[&LinkedResult], Status); 6] = [
        (&[&withdrawn], Status::Pending),
        (&[&revoked, &restored], Status::Compliant),
        (&[&all_before, &restored], Status::Compliant),
        // The later of two.
        (&[&withdrawn, &restored], Status::Compliant),
        (&[&revoked, &withdrawn, &restored, &all_before], Status::Compliant),
        (&[&revoked], Status::Pending),
    ];
    for (others, status) in cases {
        let reported: Vec<LinkedResult> = std::iter::once(&done).chain(others.iter().copied()).cloned().collect();
        for given in in_orders(&reported) {
            assert_eq!(given.status("2026-03-23"), status, "{others:?}");
        }
    }
    // A revocation withdrawn by hand has no effect.
    for given in in_orders(&[done.clone(), revoked, decided("hand:3", "r", false, "2026-03-22")]) {
        assert_eq!(given.status("2026-03-23"), Status::Compliant);
    }
    // Sent again under another id it is the same, and withdrawn as well.
    let again = reported("2026-04-20", completed("b", "basics", "2026-03-10"));
    for given in in_orders(&[done, withdrawn, again]) {
        assert_eq!(given.status("2026-03-23"), Status::Pending);
    }
}

#[test]
fn a_revocation_without_effect_says_why() {
    let done = completed("a", "basics", "2026-03-10");
    let with = |revocation: LinkedResult| effect(&[done.clone(), revocation], "r");
    let unknown = withdraws_event("r", "x", of_course("basics"), "2026-03-20");
    assert_eq!(with(unknown), Effect::None(NoEffect::UnknownEvent(event("x"))));
    assert_eq!(with(withdraws_up_to("r", of_course("fire"), "2026-03-20")), Effect::None(NoEffect::NothingUpTo));
    assert_eq!(with(resets("r", of_course("basics"), "2026-03-20")), Effect::None(NoEffect::NothingRecent));
    let twice = [
        done.clone(),
        withdraws_event("q", "a", of_course("basics"), "2026-03-19"),
        withdraws_event("r", "a", of_course("basics"), "2026-03-20"),
    ];
    let before = NoEffect::WithdrawnBefore { event: event("a"), by: event("q") };
    assert_eq!(effect(&twice, "r"), Effect::None(before));
    assert_eq!(effect(&twice, "a"), Effect::None(NoEffect::Withdrawn(event("q"))));
    assert_eq!(effect(&[done.clone(), completed("b", "basics", "2026-03-10")], "b"), Effect::Repeats);
    assert_eq!(effect(&[done], "a"), Effect::Some { is_anew: false });
}
