use proptest::prelude::*;
use serde_json::json;

use super::super::schema;
use super::*;

fn parsed(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn path(text: &str) -> AttributePath {
    AttributePath::parse(text).expect("a path")
}

#[test]
fn the_examples_of_rfc_7644_are_read() {
    for text in [
        r#"userName eq "bjensen""#,
        r#"name.familyName co "O'Malley""#,
        r#"userName sw "J""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
        "title pr",
        r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
        r#"title pr and userType eq "Employee""#,
        r#"title pr or userType eq "Intern""#,
        r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
        r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
        r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
        r#"userType eq "Employee" and (emails.type eq "work")"#,
        r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
        r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
    ] {
        let filter = parsed(text);
        assert_eq!(parsed(&filter.to_string()), filter, "{text}");
        assert!(filter.bind(&schema::user()).is_ok(), "{text}");
    }
}

#[test]
fn or_binds_less_than_and_and_not_binds_most() {
    let [a, b, c] = ["a pr", "b pr", "c pr"].map(parsed);
    assert_eq!(parsed("a pr or b pr and c pr"), Filter::Or(vec![a.clone(), Filter::And(vec![b.clone(), c.clone()])]));
    assert_eq!(
        parsed("(a pr or b pr) and NOT (c pr)"),
        Filter::And(vec![Filter::Or(vec![a, b]), Filter::Not(Box::new(c))])
    );
    // An attribute may be called not, and or.
    assert_eq!(parsed("not pr"), Filter::Present(path("not")));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, wanted) in [
        ("", FilterError::Expected { at: 1, expected: "an attribute, not, or an opening parenthesis" }),
        (
            "userName eq",
            FilterError::Expected { at: 12, expected: "a text in double quotes, a number, true, false or null" },
        ),
        ("åke pr", FilterError::Character { at: 1, character: 'å' }),
        ("userName eq \"x", FilterError::BrokenText { at: 13 }),
        ("userName eq \"\\q\"", FilterError::BrokenText { at: 13 }),
        ("(userName pr", FilterError::Expected { at: 13, expected: "a closing parenthesis" }),
        ("userName xx \"x\"", FilterError::Expected { at: 10, expected: "one of eq ne co sw ew gt ge lt le pr" }),
    ] {
        assert_eq!(Filter::parse(text), Err(wanted), "{text}");
    }
}

#[test]
fn a_filter_has_bounds() {
    let deep = |levels: usize| format!("{}a pr{}", "(".repeat(levels), ")".repeat(levels));
    assert!(Filter::parse(&deep(DEEPEST)).is_ok());
    assert_eq!(Filter::parse(&deep(DEEPEST + 1)), Err(FilterError::TooDeep));
    assert_eq!(Filter::parse(&"not (".repeat(1000)), Err(FilterError::TooDeep));
    let long = |terms: usize| vec!["a pr"; terms].join(" or ");
    assert!(Filter::parse(&long(MOST_TERMS)).is_ok());
    assert_eq!(Filter::parse(&long(MOST_TERMS + 1)), Err(FilterError::TooManyTerms));
    assert_eq!(Filter::parse(&"x".repeat(LONGEST + 1)), Err(FilterError::TooLong));
}

#[test]
fn an_index_finds_what_equality_names() {
    let schemas = schema::user();
    let lookups = |text: &str| {
        let bound = parsed(text).bind(&schemas).expect("bound");
        bound
            .lookups()
            .map(|all| all.into_iter().map(|one| format!("{}={}", one.attribute, one.value)).collect::<Vec<_>>())
    };
    let some = |all: &[&str]| Some(all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
    assert_eq!(lookups("userName eq \"ANNA\""), some(&["userName=anna"]));
    assert_eq!(lookups("externalId eq \"X\" and active eq true"), some(&["externalId=X"]));
    assert_eq!(lookups("userName eq \"a\" or externalId eq \"b\""), some(&["userName=a", "externalId=b"]));
    assert_eq!(lookups("emails[type eq \"work\" and value eq \"a\"]"), some(&["emails.value=a"]));
    assert_eq!(lookups("userName eq \"a\" or active eq true"), None);
    assert_eq!(lookups("not (userName eq \"a\")"), None);
    assert_eq!(lookups("userName sw \"a\""), None);
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<String>().prop_map(Literal::Text),
        any::<i64>().prop_map(|number| Literal::Number(number.into())),
        any::<bool>().prop_map(Literal::Boolean),
        Just(Literal::Null),
    ]
}

fn attribute() -> impl Strategy<Value = AttributePath> {
    prop_oneof![
        Just("userName"),
        Just("name.familyName"),
        Just("active"),
        Just("not"),
        Just("$ref"),
        Just("emails"),
        Just("meta.created"),
        Just("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"),
    ]
    .prop_map(path)
}

fn filter() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        attribute().prop_map(Filter::Present),
        (attribute(), prop::sample::select(&Operator::ALL[..]), literal())
            .prop_map(|(path, operator, literal)| Filter::Compare(path, operator, literal)),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.clone().prop_map(|inner| Filter::Not(Box::new(inner))),
            (attribute(), inner).prop_map(|(path, inner)| Filter::Within(path, Box::new(inner))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(filter in filter()) {
        prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
    }

    #[test]
    fn no_text_makes_reading_fail_otherwise_than_with_an_error(text in any::<String>()) {
        drop(Filter::parse(&text));
    }

    #[test]
    fn nothing_that_looks_like_a_filter_does_either(
        words in prop::collection::vec(prop::sample::select(&["a", "not", "and", "or", "eq", "pr", "(", ")", "[", "]", "\"x\"", "1", "true", ".", "\\"][..]), 0..30)
    ) {
        drop(Filter::parse(&words.join(" ")));
        drop(Filter::parse(&words.concat()));
    }

    #[test]
    fn not_turns_every_answer_around(filter in filter(), active in any::<bool>(), name in "[a-c]{0,2}") {
        let schemas = schema::user();
        let user = json!({"userName": name, "active": active, "emails": [{"value": "a@example.org", "type": "work"}]});
        let user = user.as_object().expect("an object");
        if let Ok(bound) = filter.bind(&schemas) {
            let turned = Filter::Not(Box::new(filter.clone())).bind(&schemas).expect("bound as well");
            prop_assert_eq!(bound.holds(user), !turned.holds(user));
        }
    }
}
