//! Dated examples, and properties of any accounts.

use proptest::prelude::*;

use super::super::EmploymentForm;
use super::*;
use crate::ids::{AdministrationCode, EmployeeNumber};

fn id(text: &str) -> EmploymentId {
    EmploymentId::parse(text).expect("an id")
}

fn employment(name: &str, starts_on: &str) -> (EmploymentId, EmploymentRecord) {
    let record = EmploymentRecord {
        employee_number: EmployeeNumber::parse("1").expect("a number"),
        employment_id: id(name),
        administration: AdministrationCode::parse("SEF").expect("a code"),
        unit: String::new(),
        form: EmploymentForm::Permanent,
        starts_on: starts_on.parse().expect("a day"),
        ends_on: None,
        manager: None,
        email: None,
        username: None,
        earlier: Vec::new(),
    };
    (id(name), record)
}

/// The person of most examples: HR's employment, one provisioned by the first account in 2020, one by the second in
/// 2026.
fn employments() -> BTreeMap<EmploymentId, EmploymentRecord> {
    [employment("1", "2018-01-01"), employment("scim:a", "2020-01-01"), employment("scim:b", "2026-04-01")].into()
}

fn account(generation: u32, user_name: &str, active: bool, governs: &[&str]) -> Account {
    Account {
        generation,
        active,
        user_name: user_name.to_owned(),
        governs: governs.iter().map(|name| id(name)).collect(),
        family_name: Some(format!("Ek {user_name}")),
        ..Account::default()
    }
}

fn names(ids: &BTreeSet<EmploymentId>) -> Vec<&str> {
    ids.iter().map(EmploymentId::as_str).collect()
}

fn person(family_name: &str) -> PersonRecord {
    PersonRecord {
        employee_number: EmployeeNumber::parse("1").expect("a number"),
        given_name: "Eva".to_owned(),
        family_name: family_name.to_owned(),
        protected: false,
    }
}

#[test]
fn an_account_alone_sees_everything_that_no_other_provisioned() {
    let alone = [account(1, "a", true, &["scim:a"]), account(2, "b", false, &["scim:b"])];
    let seen = beside(&alone, 1, true, &employments());
    assert_eq!((seen.another_is_active, names(&seen.hidden)), (false, vec!["scim:b"]));
    let other = beside(&alone, 2, false, &employments());
    assert_eq!((other.another_is_active, names(&other.hidden)), (true, vec!["1", "scim:a"]));
}

#[test]
fn of_two_active_accounts_each_sees_its_own_and_one_that_told_nothing_sees_hrs() {
    let both = [account(1, "a", true, &[]), account(2, "b", true, &["scim:b"])];
    assert_eq!(names(&beside(&both, 1, true, &employments()).hidden), ["scim:b"]);
    assert_eq!(names(&beside(&both, 2, true, &employments()).hidden), ["1", "scim:a"]);
    assert_eq!(names(&beside(&both, 2, true, &employments()).own), ["scim:b"]);
}

#[test]
fn a_deleted_account_governs_nothing() {
    let gone = Account { is_deleted: true, ..account(1, "a", true, &["scim:a"]) };
    let seen = beside(&[gone.clone(), account(2, "b", true, &["scim:b"])], 2, true, &employments());
    assert_eq!((seen.another_is_active, names(&seen.hidden)), (false, Vec::new()));
    assert_eq!(employed_as(&[gone, account(2, "b", true, &[])], &id("scim:a")), [2]);
}

#[test]
fn who_told_an_employment_is_employed_in_it_and_hrs_is_everybodys_who_is_active() {
    let both = [account(1, "a", true, &["scim:a"]), account(2, "b", false, &["scim:b"])];
    assert_eq!(employed_as(&both, &id("scim:a")), [1]);
    assert_eq!(employed_as(&both, &id("scim:b")), [2]);
    assert_eq!(employed_as(&both, &id("1")), [1]);
    let none = both.map(|account| Account { active: false, ..account });
    assert_eq!(employed_as(&none, &id("1")), [1, 2]);
}

#[test]
fn the_account_of_the_newest_employment_speaks_of_the_person() {
    let both = [account(1, "a", true, &["scim:a"]), account(2, "b", true, &["scim:b"])];
    assert!(speaks(&both, 2, &employments()) && !speaks(&both, 1, &employments()));
    let same_day = [account(1, "b", true, &["scim:b"]), account(2, "A", true, &["scim:b"])];
    assert!(speaks(&same_day, 2, &employments()), "of two that are alike the user name that comes first");
    let gone = [account(1, "a", true, &["scim:a"]), account(2, "b", false, &["scim:b"])];
    assert!(speaks(&gone, 1, &employments()) && !speaks(&gone, 2, &employments()));
    let nobody = [account(1, "a", false, &["scim:a"]), account(2, "b", false, &["scim:b"])];
    assert!(speaks(&nobody, 1, &employments()) && speaks(&nobody, 2, &employments()));
}

#[test]
fn when_the_speaker_goes_the_next_ones_name_follows_unless_hrs_file_gave_another() {
    let all = employments();
    let before = [account(1, "a", true, &["scim:a"]), account(2, "b", true, &["scim:b"])];
    let after = [before[0].clone(), Account { active: false, ..before[1].clone() }];
    let now = NameToWrite { given_name: None, family_name: Some("Ek b".to_owned()) };
    let provisioned = |known: &str| name_to_write((&before, &all), (&after, &all), 2, Some(&person(known)), &now);
    assert_eq!(provisioned("Ek b").family_name.as_deref(), Some("Ek a"));
    assert_eq!(provisioned("Ekström"), NameToWrite::default());
    // The other account's name stays with that account.
    let written = name_to_write((&before, &all), (&before, &all), 1, Some(&person("Ek b")), &now);
    assert_eq!(written, NameToWrite::default());
}

proptest! {
    /// Nothing depends on the order of the accounts, which is their order of arrival.
    #[test]
    fn the_order_of_accounts_does_not_matter(
        first in any::<(bool, bool)>(), second in any::<(bool, bool)>(), third in any::<(bool, bool)>(),
    ) {
        let of = |generation: u32, name: &str, governs: &[&str], (active, is_deleted): (bool, bool)| Account {
            is_deleted, ..account(generation, name, active, governs)
        };
        let all = [of(1, "a", &["scim:a"], first), of(2, "b", &["scim:b"], second), of(3, "c", &[], third)];
        let mut turned = all.clone();
        turned.reverse();
        for account in &all {
            let (generation, active) = (account.generation, account.active);
            prop_assert_eq!(
                beside(&all, generation, active, &employments()),
                beside(&turned, generation, active, &employments())
            );
        }
        prop_assert_eq!(speaker(&all, &employments()), speaker(&turned, &employments()));
        // If a person has a user, each employment belongs to some account.
        if all.iter().any(|account| !account.is_deleted) {
            for id in employments().keys() {
                prop_assert!(!employed_as(&all, id).is_empty());
            }
        }
    }
}
