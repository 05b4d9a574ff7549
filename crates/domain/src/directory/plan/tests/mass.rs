//! Changes to many at once must be allowed, and so must a new number for a known person.

use super::*;

/// Twenty people with addresses and user names, numbered from 1000.
fn people() -> Vec<ReportedEmployment> {
    (0..20)
        .map(|n| {
            let mut reported = employment(&format!("{}/{n} SEF 2020-01-{:02}", 1000 + n, n % 28 + 1));
            reported.given_name = format!("Given{}", "abcdefghijklmnopqrstuvwxyz".chars().nth(n).expect("a letter"));
            reported.employment.email = Some(format!("person{n}@example.org"));
            reported.employment.username = Some(format!("person{n}"));
            reported
        })
        .collect()
}

fn file(reported_rows: Vec<ReportedEmployment>) -> Files {
    Files { employments: rows(reported_rows), ..Files::default() }
}

fn planned(known: &Known, reported_rows: Vec<ReportedEmployment>, extent: Extent) -> Plan {
    plan(known, &file(reported_rows), extent, TODAY).expect("a plan")
}

/// The kinds that a full file is refused for, after the first `many` people are changed.
fn refused_for(many: usize, change: impl Fn(&mut ReportedEmployment)) -> Vec<(MassKind, usize, usize)> {
    let known = known(&file(people()));
    let mut reported = people();
    reported.iter_mut().take(many).for_each(change);
    let masses = planned(&known, reported, Extent::Full).unusual.mass_changes;
    masses.iter().map(|mass| (mass.kind, mass.affected, mass.of)).collect()
}

#[test]
fn each_kind_of_change_is_asked_about_beyond_a_tenth() {
    type Makes = fn(&mut ReportedEmployment);
    let kinds: [(MassKind, Makes); 7] = [
        (MassKind::StartChanges, |reported| reported.employment.starts_on = day("2021-01-01")),
        (MassKind::Moves, |reported| reported.employment.administration = code("FGK")),
        (MassKind::KeyChanges, |reported| {
            reported.employment.email = reported.employment.email.as_ref().map(|m| format!("x{m}"))
        }),
        (MassKind::KeyChanges, |reported| reported.employment.username = None),
        (MassKind::NameChanges, |reported| std::mem::swap(&mut reported.given_name, &mut reported.family_name)),
        (MassKind::FormChanges, |reported| reported.employment.form = EmploymentForm::Hourly),
        (MassKind::Ending, |reported| reported.employment.ends_on = Some(day("2026-03-01"))),
    ];
    for (kind, change) in kinds {
        assert_eq!(refused_for(2, change), [], "{kind:?}: a tenth");
        assert_eq!(refused_for(3, change), [(kind, 3, 20)], "{kind:?}");
    }
    assert_eq!(refused_for(20, |reported| reported.employment.unit = "Kök".to_owned()), [], "units are renamed often");
    let case = |reported: &mut ReportedEmployment| {
        reported.employment.email = reported.employment.email.as_ref().map(|email| email.to_uppercase());
    };
    assert_eq!(refused_for(20, case), [], "an address in capitals is the same");
}

#[test]
fn several_kinds_are_named_in_one_message_with_examples_and_their_options() {
    let known = known(&file(people()));
    let mut reported = people();
    for reported in reported.iter_mut().take(12) {
        reported.employment.starts_on = day("2020-02-01");
        reported.employment.administration = code("FGK");
    }
    reported[1].protected = Some(true);
    let unusual = planned(&known, reported, Extent::Full).unusual;
    insta::assert_snapshot!(unusual, @"the files would change the first day of 12 of 20 employments, more than a tenth (for example 1000/0: starts_on 2020-01-01 → 2020-02-01; 1001; 1002/2: starts_on 2020-01-03 → 2020-02-01): allow it with --allow-mass-start-changes; and they would move to other administrations, without a reorganisation, 12 of 20 employments, more than a tenth (for example 1000/0: SEF → FGK; 1001; 1002/2: SEF → FGK): allow it with --allow-mass-moves");
    let moves = Allowed { kinds: [MassKind::Moves].into(), ..Allowed::nothing() };
    let left = unusual.without(&moves);
    assert_eq!(left.mass_changes.iter().map(|mass| mass.kind).collect::<Vec<_>>(), [MassKind::StartChanges]);
    assert!(unusual.without(&Allowed::everything()).is_empty());
}

#[test]
fn in_a_small_register_one_is_a_correction_and_two_are_asked_about() {
    let three: Vec<ReportedEmployment> = people().into_iter().take(3).collect();
    let known = known(&file(three.clone()));
    let masses = |many: usize, extent| {
        let mut reported = three.clone();
        reported.iter_mut().take(many).for_each(|reported| reported.employment.starts_on = day("2021-01-01"));
        planned(&known, reported, extent).unusual.mass_changes.len()
    };
    assert_eq!([1, 2, 3].map(|many| masses(many, Extent::Full)), [0, 1, 1]);
    assert_eq!(masses(3, Extent::Partial), 0, "a part of the picture is what somebody picked, up to four");
}

#[test]
fn a_part_of_the_picture_that_changes_many_is_asked_about_too() {
    let known = known(&file(people()));
    let part = |many: usize| {
        let mut reported: Vec<_> = people().into_iter().take(many).collect();
        reported.iter_mut().for_each(|reported| reported.employment.starts_on = day("2021-01-01"));
        planned(&known, reported, Extent::Partial).unusual.mass_changes.len()
    };
    assert_eq!((part(4), part(5)), (0, 1));
}

#[test]
fn moves_that_a_reorganisation_explains_are_not_asked_about() {
    use crate::directory::succession::{Step, Successions};
    let mut known = known(&file(people()));
    let step = Step::Moves { from: code("SEF"), to: code("FGK"), unit: None };
    known.successions = Successions::of([(day("2026-01-01"), &step)]).expect("it can be");
    let mut reported = people();
    reported.iter_mut().for_each(|reported| reported.employment.administration = code("FGK"));
    assert_eq!(planned(&known, reported, Extent::Full).unusual, Unusual::default());
}

#[test]
fn an_administration_that_is_missing_whole_is_asked_about_though_it_is_no_tenth() {
    let mut all: Vec<String> = (0..100).map(|n| format!("{n}/a SEF 2020-01-01")).collect();
    all.extend((100..105).map(|n| format!("{n}/a FGK 2020-01-01")));
    let known = known(&employments(all.iter().map(String::as_str)));
    let without = |missing: usize| {
        let reported = employments(all.iter().map(String::as_str).take(105 - missing));
        plan(&known, &reported, Extent::Full, TODAY).expect("a plan").unusual.to_string()
    };
    assert_eq!(without(4), "");
    assert_eq!(
        without(5),
        "the files would end 5 of 105 employments, all that run or are to come in FGK (for example 100/a; 101/a; 102/a): allow it with --allow-mass-ending"
    );
}

#[test]
fn a_file_with_a_header_only_is_asked_about() {
    let mut before = employments(["1/a SEF 2020-01-01"]);
    before.absences = rows([absence("1", "2026-03-01", None), absence("1", "2026-06-01", None)]);
    before.identities = rows([identity("1", "17"), identity("1", "18")]);
    let known = known(&before);
    let empty = Files { absences: rows([]), identities: rows([]), ..Files::default() };
    let unusual = |extent| plan(&known, &empty, extent, TODAY).expect("a plan").unusual.to_string();
    assert_eq!(
        unusual(Extent::Full),
        "the files would end 2 of 2 absences, since their file has no rows: allow it with --allow-mass-ending; and \
         they would end 2 of 2 identities, since their file has no rows: allow it with --allow-mass-ending"
    );
    assert_eq!(unusual(Extent::Partial), "");
}

#[test]
fn who_is_uncovered_is_shown_by_number_alone() {
    let mut before = people();
    before.iter_mut().take(4).for_each(|reported| reported.protected = Some(true));
    let known = known(&file(before));
    let unusual = planned(&known, people(), Extent::Full).unusual.to_string();
    assert!(unusual.starts_with("the files would uncover 4 of 4 people with protected personal data"), "{unusual}");
    assert!(unusual.contains("(for example 1000; 1001; 1002): allow it with --allow-mass-unprotecting"), "{unusual}");
}

/// Pairs of an old number and its probable new one.
fn pairs(known: &Known, reported: Vec<ReportedEmployment>, extent: Extent) -> Vec<(String, String)> {
    let found = planned(known, reported, extent).unusual.renumberings;
    found.into_iter().map(|pair| (pair.old.to_string(), pair.new.to_string())).collect()
}

fn pair(old: &str, new: &str) -> (String, String) {
    (old.to_owned(), new.to_owned())
}

#[test]
fn a_new_number_of_somebody_who_ends_is_named_below_any_share() {
    let mut before = people();
    before[3].employment.employee_number = number("0104233");
    let known = known(&file(before.clone()));
    let renumbered = |to: &str, change: fn(&mut ReportedEmployment)| {
        let mut reported = before.clone();
        reported[3].employment.employee_number = number(to);
        change(&mut reported[3]);
        pairs(&known, reported, Extent::Full)
    };
    assert_eq!(renumbered("104233", |_| {}), [pair("0104233", "104233")], "lost zeros");
    assert_eq!(renumbered("778899", |_| {}), [pair("0104233", "778899")], "another number altogether");
    let other_name = |reported: &mut ReportedEmployment| reported.given_name = "Maja".to_owned();
    assert_eq!(renumbered("778899", other_name), [pair("0104233", "778899")], "address, user name and employment");
    let no_keys = |reported: &mut ReportedEmployment| {
        (reported.employment.email, reported.employment.username) = (None, None);
    };
    assert_eq!(renumbered("778899", no_keys), [pair("0104233", "778899")], "a rare name, first day and place");
    let other_human = |reported: &mut ReportedEmployment| {
        reported.given_name = "Maja".to_owned();
        reported.employment.username = Some("maja".to_owned());
        reported.employment.starts_on = day("2026-04-01");
    };
    assert_eq!(renumbered("778899", other_human), [], "an address that is handed on");
}

#[test]
fn a_pair_is_taken_when_somebody_says_that_it_is_another_person() {
    let known = known(&file(people()));
    let mut reported = people();
    reported[3].employment.employee_number = number("2003");
    reported[4].employment.employee_number = number("2004");
    let unusual = planned(&known, reported, Extent::Full).unusual;
    insta::assert_snapshot!(unusual, @"the files have 2 new people who seem to be known under another number: 2003 for 1003 (the same address, user name, employment_id, name, first day); 2004 for 1004 (the same address, user name, employment_id, name, first day). Mend the file where digits were lost; say --new-person 2003 (or --allow-mass-renumbering for all) where they are other people, and where a number was changed indeed, and then merge the two (POST /api/v1/employees/2003/merge)");
    let one = Allowed { new_persons: [number("2003")].into(), ..Allowed::nothing() };
    assert_eq!(unusual.without(&one).renumberings.len(), 1);
    let all = Allowed { kinds: [MassKind::Renumbering].into(), ..Allowed::nothing() };
    assert!(unusual.without(&all).is_empty());
}

#[test]
fn in_a_part_of_the_picture_a_second_number_of_somebody_who_stays_is_named() {
    let known = known(&file(people()));
    let mut second = people().remove(3);
    second.employment.employee_number = number("01003");
    assert_eq!(pairs(&known, vec![second.clone()], Extent::Partial), [pair("1003", "01003")]);
    let mut colleague = second.clone();
    colleague.given_name = "Maja".to_owned();
    colleague.employment.employee_number = number("2003");
    assert_eq!(pairs(&known, vec![colleague], Extent::Partial), [], "another name: a new colleague");
    // A person who is in the file under both numbers is there on purpose.
    assert_eq!(pairs(&known, vec![people().remove(3), second], Extent::Partial), []);
}

#[test]
fn a_key_that_several_people_have_is_counted() {
    let known = known(&file(people()));
    let mut reported = people();
    for reported in reported.iter_mut().take(4) {
        reported.employment.email = Some("Kontoret@example.org ".trim().to_owned());
    }
    reported[5].employment.username = Some("PERSON4".to_owned());
    let shared = planned(&known, reported, Extent::Full).shared_keys;
    assert_eq!((shared.addresses, shared.user_names, shared.people), (1, 1, 6));
    insta::assert_snapshot!(shared, @"1 address and 1 user name are given to several people at once, 6 in all (for example 1000, 1001, 1002 and 1 more; 1004, 1005); results under them are linked by another key only");
    assert!(planned(&known, people(), Extent::Full).shared_keys.is_empty());
}

#[test]
fn two_numbers_of_one_human_share_no_address() {
    let mut both = people();
    both[1].employment.email = both[0].employment.email.clone();
    let mut known = known(&file(both.clone()));
    assert_eq!(planned(&known, both.clone(), Extent::Full).shared_keys.people, 2);
    known.merged.insert(number("1001"), number("1000"));
    assert!(planned(&known, both, Extent::Full).shared_keys.is_empty());
}

#[test]
fn a_code_in_other_capitals_is_no_other_administration() {
    let known = known(&file(people()));
    let mut reported = people();
    reported[3].employment.administration = code("sef");
    let problems = plan(&known, &file(reported), Extent::Full, TODAY).expect_err("refused").to_string();
    assert_eq!(
        problems,
        "employments, line 5, column administration: \"sef\" differs from administration SEF in capitals only; write it so, \
         or record a reorganisation where the code changed"
    );
    let codes = Files { administrations: rows(["FGK", "sef"].map(administration)), ..Files::default() };
    let problems = plan(&known, &codes, Extent::Partial, TODAY).expect_err("refused").to_string();
    assert!(problems.starts_with("administrations, line 3, column code: \"sef\" differs from"), "{problems}");
}
