use chrono::{NaiveTime, TimeDelta};
use proptest::prelude::*;

use super::*;
use crate::calendar::{Stretch, add_days};

const ANNA: EmployeeId = EmployeeId(1);
const BO: EmployeeId = EmployeeId(2);

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// Noon of a day, and some hours later.
fn moment(on: NaiveDate, hours: i64) -> Moment {
    let noon = on.and_time(NaiveTime::MIN) + TimeDelta::hours(12);
    Moment { at: noon.and_utc() + TimeDelta::hours(hours), day: on }
}

fn given(holder: EmployeeId, recorded: &str, taken: &str) -> Claim {
    Claim {
        holder,
        platform: None,
        recorded: moment(day(recorded), 0),
        taken: taken.parse().ok().map(|on| moment(on, 0)),
        valid_from: None,
        valid_to: None,
        undone: false,
        continues: None,
        carried_to: None,
        perhaps_from: None,
    }
}

fn dated(holder: EmployeeId, recorded: &str, from: &str, to: &str) -> Claim {
    Claim {
        platform: Some(PlatformId(1)),
        valid_from: from.parse().ok(),
        valid_to: to.parse().ok(),
        ..given(holder, recorded, "")
    }
}

/// The holders on some days: `A`, `B`, both or none.
fn on_days(claims: Vec<Claim>, days: &[&str]) -> Vec<String> {
    let holding = Holding { claims: resolved(claims), ..Holding::default() };
    let name = |employee: &EmployeeId| if *employee == ANNA { "A" } else { "B" };
    days.iter().map(|on| holding.on(day(on)).employees.iter().map(name).collect::<String>()).collect()
}

#[test]
fn an_address_is_its_holders_until_hr_gives_it_to_somebody_else() {
    // Anna leaves, or changes her name, in 2025; Bo is new in 2026.
    for taken in ["2025-06-01", ""] {
        let mut anna = given(ANNA, "2024-01-10", taken);
        anna.carried_to = Some(day("2025-05-31"));
        let bo = given(BO, "2026-03-01", "");
        let days = ["2020-01-01", "2024-06-01", "2025-05-31", "2025-08-01", "2026-02-28", "2026-03-01", "2027-01-01"];
        assert_eq!(on_days(vec![bo, anna], &days), ["A", "A", "A", "A", "A", "B", "B"]);
    }
}

#[test]
fn its_last_holder_keeps_what_hr_took_back() {
    let days = ["2020-01-01", "2025-05-31", "2025-06-01", "2030-01-01"];
    assert_eq!(on_days(vec![given(ANNA, "2024-01-10", "2025-06-01")], &days), ["A"; 4]);
    // A new holder who has left as well keeps it, and the former one does not.
    let both = vec![given(ANNA, "2024-01-10", "2025-06-01"), given(BO, "2025-07-01", "2025-09-01")];
    assert_eq!(on_days(both, &days), ["A", "A", "A", "B"]);
}

#[test]
fn what_is_given_and_taken_back_without_a_day_in_between_never_was() {
    let mixed_up = |last: &str, again: &str| {
        let anna = [given(ANNA, "2024-01-10", "2026-03-02"), given(ANNA, again, "")];
        anna.into_iter().chain([given(BO, "2026-03-02", last)]).collect::<Vec<_>>()
    };
    let days = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"];
    assert_eq!(on_days(mixed_up("2026-03-02", "2026-03-02"), &days), ["A"; 5]);
    assert_eq!(on_days(mixed_up("2026-03-03", "2026-03-03"), &days), ["A"; 5]);
    assert_eq!(on_days(mixed_up("2026-03-04", "2026-03-04"), &days), ["A", "B", "B", "A", "A"]);
    // It never held, even if no one else has the key.
    assert_eq!(on_days(vec![given(BO, "2026-03-02", "2026-03-03")], &days), [""; 5]);
    // A file that takes it back for a day does not split a claim of years.
    let parted = vec![given(ANNA, "2026-03-01", "2026-03-02"), given(ANNA, "2026-03-03", "")];
    assert_eq!(on_days(parted, &days), ["A"; 5]);
}

#[test]
fn an_import_that_is_undone_leaves_no_claim_behind() {
    let wrong = moment(day("2026-03-02"), 0);
    let anna = given(ANNA, "2026-03-01", "2026-03-02");
    let bo = Claim { undone: true, ..given(BO, "2026-03-02", "2026-03-20") };
    let again = Claim { continues: Some(wrong.at), ..given(ANNA, "2026-03-20", "") };
    let days = ["2026-03-01", "2026-03-02", "2026-03-10", "2026-03-20"];
    assert_eq!(on_days(vec![anna.clone(), bo.clone(), again], &days), ["A"; 4]);
    // Before the import was undone the claim held; within a day it would not have.
    assert_eq!(on_days(vec![anna, Claim { undone: false, ..bo }], &days), ["B"; 4]);
}

#[test]
fn who_was_at_work_before_hr_said_so_may_have_had_it_already() {
    let mut anna = given(ANNA, "2020-01-10", "");
    anna.carried_to = Some(day("2025-12-31"));
    let mut bo = given(BO, "2026-03-01", "");
    let at_work = DaySet::union_of(Stretch::new(day("2026-02-01"), None));
    bo.perhaps_from = perhaps_from(day("2026-03-01"), &at_work, std::iter::empty());
    let days = ["2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01"];
    assert_eq!(on_days(vec![anna.clone(), bo.clone()], &days), ["A", "AB", "AB", "B"]);
    // HR gave him another address up to then: that one was his.
    let another = [(day("2026-02-01"), Some(day("2026-03-01")))];
    assert_eq!(perhaps_from(day("2026-03-01"), &at_work, another.into_iter()), None);
    let another = [(day("2026-02-01"), Some(day("2026-02-15")))];
    assert_eq!(perhaps_from(day("2026-03-01"), &at_work, another.into_iter()), Some(day("2026-02-15")));
    // A person who returns did not have it while they were away, nor before.
    let back = [("2010-01-01", "2012-12-31"), ("2026-02-01", "")];
    let back = back.map(|(first, last)| Stretch::inclusive(day(first), last.parse().ok()).expect("days"));
    assert_eq!(perhaps_from(day("2026-03-01"), &DaySet::union_of(back), std::iter::empty()), Some(day("2026-02-01")));
}

#[test]
fn what_hr_gives_to_two_at_once_fits_both_as_long_as_it_does() {
    let days = ["2019-01-01", "2024-01-01", "2025-08-01", "2026-04-01"];
    let both = vec![given(ANNA, "2020-01-10", ""), given(BO, "2025-07-01", "")];
    assert_eq!(on_days(both, &days), ["A", "A", "AB", "AB"]);
    let same_day = vec![given(ANNA, "2020-01-10", ""), given(BO, "2020-01-10", "")];
    assert_eq!(on_days(same_day, &days), ["AB"; 4]);
    let taken = vec![given(ANNA, "2020-01-10", "2026-01-01"), given(BO, "2025-07-01", "")];
    assert_eq!(on_days(taken, &days), ["A", "A", "AB", "B"]);
}

#[test]
fn two_who_exchange_their_addresses_have_each_others_from_that_day() {
    let first = vec![given(ANNA, "2020-01-10", "2026-03-01"), given(BO, "2026-03-01", "")];
    assert_eq!(on_days(first, &["2026-02-28", "2026-03-01"]), ["A", "B"]);
}

#[test]
fn days_that_hr_says_itself_hold_exactly() {
    let days = ["2025-12-31", "2026-01-01", "2026-06-30", "2026-07-01", "2026-12-01"];
    assert_eq!(on_days(vec![dated(ANNA, "2026-02-01", "2026-01-01", "2026-06-30")], &days), ["", "A", "A", "", ""]);
    assert_eq!(on_days(vec![dated(ANNA, "2026-02-01", "2026-01-01", "")], &days), ["", "A", "A", "A", "A"]);
    assert_eq!(on_days(vec![dated(ANNA, "2026-02-01", "", "2026-06-30")], &days), ["A", "A", "A", "", ""]);
    // One without an end continues until it begins for another person.
    let handed_on = vec![dated(ANNA, "2026-02-01", "2026-01-01", ""), dated(BO, "2026-02-01", "2026-07-01", "")];
    assert_eq!(on_days(handed_on, &days), ["", "A", "A", "B", "B"]);
    let undated = vec![dated(ANNA, "2026-02-01", "", ""), dated(BO, "2026-02-01", "2026-07-01", "")];
    assert_eq!(on_days(undated, &days), ["A", "A", "A", "B", "B"]);
    let lent = vec![dated(ANNA, "2026-02-01", "", ""), dated(BO, "2026-02-01", "2026-01-01", "2026-06-30")];
    assert_eq!(on_days(lent, &days), ["A", "B", "B", "A", "A"]);
}

#[test]
fn other_days_for_the_same_correct_what_was_said_before() {
    let mut wrong = dated(ANNA, "2026-02-01", "2026-01-01", "");
    wrong.taken = Some(moment(day("2026-05-01"), 0));
    let corrected = dated(ANNA, "2026-05-01", "2026-03-01", "2026-06-30");
    let days = ["2026-02-01", "2026-03-01", "2026-06-30", "2026-07-01"];
    assert_eq!(on_days(vec![wrong, corrected], &days), ["", "A", "A", ""]);
}

#[test]
fn what_one_person_always_has_does_not_depend_on_the_day() {
    let depends = |claims: Vec<Claim>| Holding { claims: resolved(claims), ..Holding::default() }.depends_on_the_day();
    assert!(!depends(vec![]));
    assert!(!depends(vec![given(ANNA, "2024-01-10", "")]));
    assert!(!depends(vec![given(ANNA, "2024-01-10", "2025-01-10"), given(ANNA, "2026-01-10", "")]));
    assert!(depends(vec![given(ANNA, "2024-01-10", ""), given(BO, "2024-01-10", "")]));
    assert!(depends(vec![given(ANNA, "2024-01-10", "2025-01-10"), given(BO, "2026-01-10", "")]));
    assert!(depends(vec![dated(ANNA, "2024-01-10", "2025-01-10", "")]));
}

#[test]
fn what_is_decided_by_hand_holds_on_its_days_and_the_newest_first() {
    let decided = |id, from: &str, to: &str, by_hand| Decided {
        id,
        decided_at: id,
        from: from.parse().ok(),
        to: to.parse().ok(),
        by_hand,
    };
    let holding = Holding {
        claims: vec![given(ANNA, "2024-01-10", "")],
        decisions: vec![
            decided(1, "", "", ByHand::Is(BO)),
            decided(2, "2026-02-01", "2026-02-28", ByHand::Dismissed),
            decided(3, "2026-02-28", "", ByHand::Is(ANNA)),
        ],
        ..Holding::default()
    };
    let on = |text: &str| holding.on(day(text)).by_hand;
    assert_eq!(on("2026-01-31"), Some(ByHand::Is(BO)));
    assert_eq!(on("2026-02-01"), Some(ByHand::Dismissed));
    assert_eq!(on("2026-02-28"), Some(ByHand::Is(ANNA)));
    assert!(holding.depends_on_the_day());
    let all = Holding { decisions: vec![decided(1, "", "", ByHand::Is(BO))], ..Holding::default() };
    assert!(!all.depends_on_the_day());
}

prop_compose! {
    fn claim()(
        holder in 1_i64..4,
        recorded in 0_u32..30,
        hours in 0_i64..8,
        taken in prop::option::of(1_u32..20),
        from in prop::option::weighted(0.3, 0_u32..40),
        to in prop::option::weighted(0.2, 0_u32..20),
        carried in prop::option::weighted(0.2, 0_u32..40),
        perhaps in prop::option::weighted(0.3, 1_u32..10),
    ) -> Claim {
        let base = day("2026-01-01");
        let recorded_on = add_days(base, recorded);
        let valid_from = from.map(|from| add_days(base, from));
        Claim {
            holder: EmployeeId(holder),
            recorded: moment(recorded_on, hours),
            taken: taken.map(|days| moment(add_days(recorded_on, days), hours)),
            valid_from,
            valid_to: to.map(|days| add_days(valid_from.unwrap_or(recorded_on), days)),
            carried_to: carried.map(|days| add_days(base, days)).filter(|_| valid_from.is_none()),
            perhaps_from: perhaps.map(|days| recorded_on - TimeDelta::days(days.into())).filter(|_| valid_from.is_none()),
            ..given(EmployeeId(holder), "2026-01-01", "")
        }
    }
}

proptest! {
    /// In any order, and at any hour of a day.
    #[test]
    fn the_order_of_claims_does_not_matter(claims in prop::collection::vec(claim(), 0..6), shift in 0_usize..6) {
        let mut turned = claims.clone();
        turned.reverse();
        if !turned.is_empty() {
            let by = shift % turned.len();
            turned.rotate_left(by);
        }
        let [one, other] = [claims, turned].map(|claims| Holding { claims: resolved(claims), ..Holding::default() });
        for offset in 0..90 {
            let on = add_days(day("2025-12-01"), offset);
            prop_assert_eq!(one.on(on), other.on(on), "{}", on);
        }
    }

    /// Days between two turns are the same, and a key that does not depend on the day is the same on every day.
    #[test]
    fn nothing_changes_but_at_a_turn(claims in prop::collection::vec(claim(), 0..6)) {
        let holding = Holding { claims: resolved(claims), ..Holding::default() };
        let turns = holding.turns();
        let mut everybody = BTreeSet::new();
        for offset in 0..120 {
            let on = add_days(day("2025-11-15"), offset);
            let before = on - TimeDelta::days(1);
            if !turns.contains(&on) {
                prop_assert_eq!(holding.on(on), holding.on(before), "{}", on);
            }
            if offset > 0 {
                everybody.extend(holding.on(on).employees);
            }
            if !holding.depends_on_the_day() {
                prop_assert_eq!(holding.on(on), holding.on(NaiveDate::MIN));
            }
        }
        let within = holding.within(day("2025-11-16"), add_days(day("2025-11-15"), 119)).employees;
        prop_assert_eq!(within, everybody.into_iter().collect::<Vec<_>>());
    }
}
