use std::collections::HashMap;

use super::*;

const ANNA: EmployeeId = EmployeeId(1);
const BO: EmployeeId = EmployeeId(2);

fn day() -> NaiveDate {
    "2026-03-02".parse().expect("a day")
}

#[derive(Default)]
struct Known {
    fits: HashMap<Identity, Fit>,
    employed: Vec<EmployeeId>,
}

impl Known {
    fn by(mut self, key: LinkingKey, value: &str, employees: &[EmployeeId]) -> Self {
        let identity = Identity::new(key, value, "").expect("a value");
        self.fits.entry(identity).or_default().employees = employees.to_vec();
        self
    }

    fn by_hand(mut self, key: LinkingKey, value: &str, decision: ByHand) -> Self {
        let identity = Identity::new(key, value, "").expect("a value");
        self.fits.entry(identity).or_default().by_hand = Some(decision);
        self
    }

    fn employed(mut self, employees: &[EmployeeId]) -> Self {
        self.employed = employees.to_vec();
        self
    }

    fn link_in(&self, keys: &LearnerKeys, order: &[LinkingKey]) -> Link {
        let fit_of = |identity: &Identity| self.fits.get(identity).cloned().unwrap_or_default();
        link(keys, order, day(), fit_of, |employee, _| self.employed.contains(&employee))
    }

    fn link(&self, keys: &LearnerKeys) -> Link {
        self.link_in(keys, &LinkingKey::DEFAULT_ORDER)
    }
}

fn keys(number: &str, email: &str, username: &str) -> LearnerKeys {
    let text = |value: &str| (!value.is_empty()).then(|| normalized(value));
    LearnerKeys {
        employee_number: EmployeeNumber::parse(number).ok(),
        email: text(email),
        username: text(username),
        account: None,
    }
}

#[test]
fn the_first_key_that_fits_exactly_one_links() {
    let known = Known::default()
        .by(LinkingKey::EmployeeNumber, "1", &[ANNA])
        .by(LinkingKey::Email, "a@example.org", &[ANNA])
        .by(LinkingKey::Username, "bo", &[BO]);
    assert_eq!(known.link(&keys("1", "", "")), Link::To { employee: ANNA, by: LinkingKey::EmployeeNumber });
    assert_eq!(known.link(&keys("", "a@example.org", "bo")), Link::To { employee: ANNA, by: LinkingKey::Email });
    assert_eq!(known.link(&keys("", "x@example.org", "bo")), Link::To { employee: BO, by: LinkingKey::Username });
    assert_eq!(known.link(&keys("", "x@example.org", "x")), Link::None(Unlinked::Unknown));
}

#[test]
fn an_unknown_employee_number_does_not_stop_a_weaker_key() {
    let known = Known::default().by(LinkingKey::Email, "a@example.org", &[ANNA]);
    assert_eq!(known.link(&keys("9", "a@example.org", "")), Link::To { employee: ANNA, by: LinkingKey::Email });
}

#[test]
fn no_weaker_key_links_against_an_employee_number_that_is_anothers() {
    let known =
        Known::default().by(LinkingKey::EmployeeNumber, "1", &[ANNA]).by(LinkingKey::Email, "bo@example.org", &[BO]);
    let said = keys("1", "bo@example.org", "");
    assert_eq!(known.link(&said), Link::To { employee: ANNA, by: LinkingKey::EmployeeNumber });
    assert_eq!(known.link_in(&said, &[LinkingKey::Email]), Link::None(Unlinked::Contradicted));
}

#[test]
fn a_key_that_fits_several_fits_the_one_who_was_employed_on_the_day() {
    let shared = Known::default().by(LinkingKey::Email, "info@example.org", &[ANNA, BO]);
    let said = keys("", "info@example.org", "");
    assert_eq!(shared.link(&said), Link::None(Unlinked::Ambiguous));
    let one = Known::default().by(LinkingKey::Email, "info@example.org", &[ANNA, BO]).employed(&[BO]);
    assert_eq!(one.link(&said), Link::To { employee: BO, by: LinkingKey::Email });
    let both = Known::default().by(LinkingKey::Email, "info@example.org", &[ANNA, BO]).employed(&[ANNA, BO]);
    assert_eq!(both.link(&said), Link::None(Unlinked::Ambiguous));
}

#[test]
fn an_ambiguous_key_is_passed_over_for_one_that_fits() {
    let known =
        Known::default().by(LinkingKey::Email, "info@example.org", &[ANNA, BO]).by(LinkingKey::Username, "bo", &[BO]);
    assert_eq!(known.link(&keys("", "info@example.org", "bo")), Link::To { employee: BO, by: LinkingKey::Username });
}

#[test]
fn what_a_person_decided_goes_before_the_directory() {
    let said = keys("", "info@example.org", "");
    let shared = || Known::default().by(LinkingKey::Email, "info@example.org", &[ANNA, BO]).employed(&[BO]);
    let is_anna = shared().by_hand(LinkingKey::Email, "info@example.org", ByHand::Is(ANNA));
    assert_eq!(is_anna.link(&said), Link::To { employee: ANNA, by: LinkingKey::Email });
    let nobody = shared().by_hand(LinkingKey::Email, "info@example.org", ByHand::Dismissed);
    assert_eq!(nobody.link(&said), Link::None(Unlinked::Dismissed));
}

#[test]
fn a_result_is_dismissed_by_one_key_unless_another_may_still_be_somebodys() {
    let known = Known::default()
        .by_hand(LinkingKey::Email, "test@example.org", ByHand::Dismissed)
        .by(LinkingKey::Username, "both", &[ANNA, BO])
        .by(LinkingKey::Username, "bo", &[BO]);
    let dismissed = Link::None(Unlinked::Dismissed);
    assert_eq!(known.link(&keys("", "test@example.org", "x")), dismissed);
    assert_eq!(known.link_in(&keys("", "test@example.org", "x"), &[LinkingKey::Username]), dismissed);
    assert_eq!(known.link(&keys("", "test@example.org", "both")), Link::None(Unlinked::Ambiguous));
    assert_eq!(known.link(&keys("", "test@example.org", "bo")).employee(), Some(BO));
    assert_eq!(known.link(&keys("", "x@example.org", "y")), Link::None(Unlinked::Unknown));
}

#[test]
fn addresses_and_usernames_compare_trimmed_without_case_and_in_nfc() {
    let known = Known::default().by(LinkingKey::Email, "åsa.ö@example.org", &[ANNA]);
    assert_eq!(known.link(&keys("", "  A\u{30a}SA.O\u{308}@Example.ORG ", "")).employee(), Some(ANNA));
}

#[test]
fn only_the_platforms_own_keys_link() {
    let known = Known::default().by(LinkingKey::Username, "bo", &[BO]);
    assert_eq!(known.link_in(&keys("", "", "bo"), &[LinkingKey::Email]), Link::None(Unlinked::Unknown));
}
