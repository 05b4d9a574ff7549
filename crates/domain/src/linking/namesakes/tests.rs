use proptest::prelude::*;

use super::*;
use crate::ids::{AdministrationCode, EmployeeNumber};

const PLATFORM: PlatformId = PlatformId(1);

fn today() -> NaiveDate {
    "2026-03-02".parse().expect("a day")
}

fn known(key: LinkingKey, value: &str, formerly: bool) -> KnownBy {
    KnownBy { identity: Identity::new(key, value, "").expect("a value"), platform: None, formerly }
}

fn person(id: i64, number: &str, given: &str, family: &str, email: &str) -> Namesake {
    let administration = AdministrationCode::parse("SEF").expect("a code");
    let starts_on = "2020-01-01".parse().expect("a day");
    Namesake {
        employee: EmployeeId(id),
        number: number.to_owned(),
        given_name: given.to_owned(),
        family_name: family.to_owned(),
        engagements: vec![Engagement { administration, starts_on, ends_on: None }],
        known_by: if email.is_empty() { vec![] } else { vec![known(LinkingKey::Email, email, false)] },
    }
}

fn city() -> Vec<Namesake> {
    vec![
        person(1, "104233", "Anna-Karin", "Svensson", "anna.svensson@example.org"),
        person(2, "104871", "Åsa", "Öberg", "asa.oberg@example.org"),
        person(3, "100017", "Bo", "Ek", "bo.ek@example.org"),
        person(4, "100020", "Søren", "Kjær", ""),
        person(5, "100030", "Anna", "Svenson", ""),
        person(6, "000042", "Nils", "von Platen", "nils@example.org"),
    ]
}

fn keys(number: &str, email: &str, username: &str) -> LearnerKeys {
    let text = |value: &str| (!value.is_empty()).then(|| super::super::normalized(value));
    LearnerKeys {
        employee_number: EmployeeNumber::parse(number).ok(),
        email: text(email),
        username: text(username),
        account: None,
    }
}

fn suggested(people: Vec<Namesake>, keys: LearnerKeys) -> Vec<Suggestion> {
    Namesakes::new(people).suggest(PLATFORM, &[keys], today(), |_| true)
}

/// `who: reasons`, the likeliest first.
fn reported(people: Vec<Namesake>, keys: LearnerKeys) -> Vec<String> {
    let line = |suggestion: Suggestion| {
        let codes: Vec<&str> = suggestion.reasons.iter().map(|reason| reason.code()).collect();
        format!("{} {}: {}", suggestion.employee.0, suggestion.score, codes.join(" "))
    };
    suggested(people, keys).into_iter().map(line).collect()
}

#[test]
fn names_are_found_in_addresses_and_user_names() {
    for (email, username, expected) in [
        ("anna.svensson@other.example", "", vec!["1 80: same_name same_local_part", "5 55: near_name"]),
        ("svensson.anna@x.example", "", vec!["1 75: same_name", "5 55: near_name"]),
        ("annakarin.svensson2@x.example", "", vec!["1 75: same_name"]),
        ("aasa.oeberg@x.example", "", vec!["2 80: same_name same_local_part"]),
        ("åsa.öberg@x.example", "", vec!["2 80: same_name same_local_part"]),
        ("soren.kjaer@x.example", "", vec!["4 75: same_name"]),
        ("b.ek@x.example", "", vec!["3 55: name_pattern"]),
        ("", "annasvensson", vec!["1 80: same_name same_user_name", "5 55: near_name"]),
        ("", "annasvenssen", vec!["1 55: near_name", "5 51: near_name"]),
        ("", "annsve", vec!["5 50: name_pattern", "1 50: name_pattern"]),
        ("", "asvensson17", vec!["1 55: name_pattern"]),
        ("", "nils.vonplaten", vec!["6 75: same_name"]),
        ("", "qqqqqq", vec![]),
        ("anna@x.example", "", vec![]),
        ("x@y.example", "z", vec![]),
    ] {
        let lines = reported(city(), keys("", email, username));
        assert_eq!(lines, expected, "{email} {username}");
    }
}

#[test]
fn numbers_are_found_by_their_zeros_and_by_a_slip_of_the_finger() {
    for (number, expected) in [
        ("0104233", vec!["1 90: leading_zeros number_one_digit"]),
        ("42", vec!["6 85: leading_zeros"]),
        ("104323", vec!["1 50: number_transposed"]),
        ("10423", vec!["1 40: number_one_digit"]),
        ("100018", vec!["3 40: number_one_digit"]),
        ("777777", vec![]),
    ] {
        assert_eq!(reported(city(), keys(number, "", "")), expected, "{number}");
    }
}

#[test]
fn a_sign_that_fits_many_says_nothing() {
    let many: Vec<Namesake> =
        (0..10).map(|n| person(n, &format!("10000{n}"), &format!("Maja{n}"), "Berg", "")).collect();
    assert_eq!(reported(many.clone(), keys("10000", "", "")), [""; 0]);
    assert_eq!(reported(many, keys("", "m.berg@x.example", "")), [""; 0]);
}

#[test]
fn who_starts_soon_comes_before_who_has_left_and_before_who_works_on() {
    let mut people: Vec<Namesake> = (1..=3)
        .map(|n| {
            let mut person = person(n, &n.to_string(), "Eva", "Dal", "");
            person.known_by = vec![known(LinkingKey::Email, "info@example.org", false)];
            person
        })
        .collect();
    let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
    people[0].engagements[0].ends_on = Some(day("2026-02-01"));
    people[1].engagements[0].starts_on = day("2026-04-01");
    assert_eq!(
        reported(people, keys("", "info@example.org", "")),
        ["2 83: key_fits starts_soon", "1 78: key_fits ended_lately", "3 75: key_fits"]
    );
}

#[test]
fn a_key_that_was_withdrawn_still_suggests_and_a_key_of_another_platform_does_not() {
    let mut people = city();
    people[2].known_by.push(known(LinkingKey::Username, "xyz", true));
    people[3].known_by.push(KnownBy { platform: Some(PlatformId(2)), ..known(LinkingKey::Username, "abc", false) });
    assert_eq!(reported(people.clone(), keys("", "", "xyz"))[0], "3 80: known_formerly");
    assert_eq!(reported(people, keys("", "", "abc")), ["4 65: same_user_name"]);
}

#[test]
fn nobody_is_suggested_who_may_not_be() {
    let index = Namesakes::new(city());
    let learner = [keys("", "anna.svensson@other.example", "")];
    let others = index.suggest(PLATFORM, &learner, today(), |person| person.employee != EmployeeId(1));
    assert_eq!(others.iter().map(|s| s.employee.0).collect::<Vec<_>>(), [5]);
}

fn any_keys() -> impl Strategy<Value = LearnerKeys> {
    ("([0-9]{0,7})", "([a-zåäöéøæ.0-9-]{0,14}@x)?", "[A-Za-zåäö.]{0,12}", any::<bool>()).prop_map(
        |(number, email, username, wild)| {
            if wild { keys("", "anna.svensson@x", &username) } else { keys(&number, &email, &username) }
        },
    )
}

proptest! {
    #[test]
    fn only_the_known_are_suggested_in_an_order_that_does_not_depend_on_theirs(keys in any_keys(), seed in 0_usize..6) {
        let mut turned = city();
        turned.rotate_left(seed);
        let one = suggested(city(), keys.clone());
        prop_assert_eq!(&one, &suggested(turned, keys));
        prop_assert!(one.len() <= AT_MOST);
        prop_assert!(one.iter().all(|s| (1..=6).contains(&s.employee.0) && s.score > 0 && !s.reasons.is_empty()));
        prop_assert!(one.is_sorted_by(|a, b| a.score >= b.score));
    }

    /// A person is found if any one letter of a name of five or more is wrong, and one with the very name is first.
    #[test]
    fn one_wrong_letter_is_near_and_the_same_is_nearer(given in "[b-df-hj-np-tv-z]{5,9}", family in "[b-df-hj-np-tv-z]{5,9}", place in 0_usize..5, letter in "[b-df-hj-np-tv-z]") {
        let mut slip = given.clone();
        slip.replace_range(place..=place, &letter);
        prop_assume!(slip != given);
        let people = vec![person(1, "1", &given, &family, ""), person(2, "2", &slip, &family, "")];
        let found = suggested(people, keys("", &format!("{slip}.{family}@x.example"), ""));
        prop_assert_eq!(found.iter().map(|s| s.employee.0).collect::<Vec<_>>(), [2, 1]);
    }
}
