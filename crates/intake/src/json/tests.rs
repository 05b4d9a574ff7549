use std::cmp::Ordering;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;

fn parse(text: &str) -> Document<'_> {
    Document::parse(text).unwrap_or_else(|malformed| panic!("{text} {malformed}"))
}

fn as_serde(value: Value<'_, '_>) -> Json {
    match value.kind() {
        Kind::Null => Json::Null,
        Kind::True | Kind::False => Json::Bool(value.bool().expect("a boolean")),
        Kind::Number => serde_json::from_str(value.raw()).expect("a number"),
        Kind::Text => Json::String(value.text().expect("a text").expect("whole").into_owned()),
        Kind::Array => value.elements().expect("an array").map(as_serde).collect(),
        Kind::Object => value
            .members()
            .expect("an object")
            .map(|member| (member.name().expect("whole").into_owned(), as_serde(member.value)))
            .collect(),
    }
}

#[test]
fn what_the_grammar_allows_is_read() {
    for text in [
        "0",
        "-0",
        "1.50",
        "1e9",
        "1E+9",
        "-1.0e-9",
        "null",
        "true",
        "false",
        "\"\"",
        "[]",
        "{}",
        " [ ] ",
        "[1,[2,{}]]",
        r#"{"a":{"b":[1,"x",null]},"c":"\u00e5\ud83d\ude00\/\b\f\n\r\t\"\\"}"#,
        "\"å\u{7f}\u{2028}\"",
    ] {
        assert_eq!(as_serde(parse(text).root()), serde_json::from_str::<Json>(text).expect("JSON"), "{text}");
    }
}

#[test]
fn what_the_grammar_forbids_is_refused_in_its_place() {
    for (text, line, column) in [
        ("", 1, 1),
        (" ", 1, 2),
        ("[1,]", 1, 4),
        ("{\"a\" 1}", 1, 6),
        ("{\"a\":1,}", 1, 8),
        ("{a:1}", 1, 2),
        ("[1 2]", 1, 4),
        ("[}", 1, 2),
        ("{]", 1, 2),
        ("[1}", 1, 3),
        ("]", 1, 1),
        ("01", 1, 2),
        ("1.", 1, 3),
        (".5", 1, 1),
        ("-", 1, 2),
        ("+1", 1, 1),
        ("1e", 1, 3),
        ("NaN", 1, 1),
        ("nul", 1, 4),
        ("'a'", 1, 1),
        ("\"a", 1, 3),
        ("\"\\x\"", 1, 3),
        ("\"\\u12g4\"", 1, 6),
        ("\"a\n\"", 1, 3),
        ("{}\n{}", 2, 1),
        ("[\n\n\t1,\n  ?]", 4, 3),
        ("/* */ 1", 1, 1),
    ] {
        assert_eq!(Document::parse(text).map(drop), Err(Malformed::NotJson { line, column }), "{text}");
    }
    assert_eq!(Document::from_bytes(b"[\"\xed\xa0\x80\"]").map(drop), Err(Malformed::NotUtf8 { valid_bytes: 2 }));
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let document = parse("\u{feff}[1]");
    assert_eq!((document.root().raw(), document.root().offset()), ("[1]", 3));
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Document::parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(Document::parse(&nested(MAX_DEPTH + 1)).map(drop), Err(Malformed::TooDeep));
}

#[test]
fn a_value_knows_its_bytes_and_its_path() {
    let text = r#"{"a": [10, {"b/c": "x"}], "~": {"": 1.50}}"#;
    let document = parse(text);
    let members: Vec<_> = document.root().members().expect("an object").map(|member| member.value).collect();
    let second = members[0].elements().expect("an array").nth(1).expect("two");
    let inner = second.members().expect("an object").next().expect("one").value;
    assert_eq!((inner.raw(), inner.pointer().as_str()), (r#""x""#, "/a/1/b~1c"));
    assert_eq!(&text[inner.offset()..][..inner.raw().len()], inner.raw());
    let empty = members[1].members().expect("an object").next().expect("one").value;
    assert_eq!((empty.raw(), empty.pointer().as_str()), ("1.50", "/~0/"));
    assert_eq!(document.root().pointer(), "");
}

#[test]
fn a_name_that_comes_twice_is_found_wherever_it_is() {
    let refused = |text: &str| match parse(text).check() {
        Err((value, Unclear::RepeatedMember { name })) => (value.pointer(), name),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(r#"{"x":[{"a":1,"b":2,"a":3}]}"#), ("/x/0".to_owned(), "a".to_owned()));
    assert_eq!(refused(r#"{"a":1,"\u0061":2}"#), (String::new(), "a".to_owned()));
    let many: Vec<String> = (0..100).map(|number| format!("\"{number}\":0")).collect();
    assert!(parse(&format!("{{{}}}", many.join(","))).check().is_ok());
    for repeated in ["0", "15", "16", "99"] {
        assert_eq!(refused(&format!("{{{},\"{repeated}\":1}}", many.join(","))).1, repeated);
    }
}

#[test]
fn a_long_or_odd_name_is_cut_short_in_words() {
    let name = format!("\u{7}{}", "x".repeat(1000));
    let words = Unclear::RepeatedMember { name }.to_string();
    assert_eq!(words, format!("has the member \"\\u{{7}}{}\" twice: send it once", "x".repeat(59)));
}

#[test]
fn half_a_character_is_found_in_texts_and_names() {
    for text in [r#"["\ud800"]"#, r#"["\udc00"]"#, r#"["\ud800x"]"#, r#"["\ud800\u0041"]"#, r#"{"\ud800":1}"#] {
        assert!(matches!(parse(text).check(), Err((_, Unclear::BrokenText))), "{text}");
    }
}

#[test]
fn numbers_compare_by_their_value_exactly() {
    use Ordering::{Equal, Greater, Less};
    for (left, order, right) in [
        ("1", Equal, "1.0"),
        ("1", Equal, "10e-1"),
        ("0", Equal, "-0.000e9"),
        ("100", Equal, "1e2"),
        ("0.1", Less, "0.10000000000000000000000000000000001"),
        ("-1", Less, "1"),
        ("-2", Less, "-1"),
        ("-0.5", Greater, "-0.51"),
        ("9", Less, "10"),
        ("1e400", Greater, "9e399"),
        ("1e-400", Less, "1e-399"),
        ("0", Less, "1e-99999999999999999999999999999999999999999"),
        ("20", Less, "20.000000000000000000000000000000001"),
    ] {
        let number = |raw| parse(raw).root().number().expect("a number");
        assert_eq!(number(left).compare(&number(right)), order, "{left} and {right}");
        assert_eq!(number(right).compare(&number(left)), order.reverse(), "{right} and {left}");
        assert_eq!(number(left).canonical() == number(right).canonical(), order == Equal, "{left} and {right}");
    }
    for (raw, whole) in [
        ("0", Some(0)),
        ("4096", Some(4096)),
        ("4.096e3", Some(4096)),
        ("1.5", None),
        ("-1", None),
        ("-0", Some(0)),
        ("1e30", None),
        ("18446744073709551616", None),
    ] {
        assert_eq!(parse(raw).root().number().expect("a number").whole(), whole, "{raw}");
    }
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 60, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Json::from),
            prop::collection::btree_map(any::<String>(), inner, 0..20)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_was_written_is_read(json in any_json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&json).expect("JSON") } else { json.to_string() };
        let document = parse(&text);
        prop_assert!(document.check().is_ok());
        // A float may come back as its neighbour: it is the text that both read.
        prop_assert_eq!(as_serde(document.root()), serde_json::from_str::<Json>(&text).expect("JSON"));
    }

    #[test]
    fn what_is_json_to_one_reader_is_json_to_the_other(text in r#"[\[\]{}",:0-9eE.+\-tfn\\u ]{0,24}"#) {
        // serde_json refuses half a character and numbers beyond a float; the grammar allows both.
        let ours = Document::parse(&text).is_ok();
        let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
        prop_assert_eq!(ours, theirs, "{}", text);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(document) = Document::from_bytes(&bytes) {
            drop(document.check().map_err(|(value, _)| value.pointer()));
        }
    }

    #[test]
    fn each_value_is_found_by_its_path(json in any_json()) {
        let text = json.to_string();
        let json: Json = serde_json::from_str(&text).expect("JSON");
        let document = parse(&text);
        for (place, found) in paths(document.root()) {
            prop_assert_eq!(json.pointer(&place), Some(&found));
        }
    }
}

/// Every value but the names, with its path.
fn paths(value: Value<'_, '_>) -> Vec<(String, Json)> {
    let mut all = vec![(value.pointer(), as_serde(value))];
    let inner = value.elements().into_iter().flatten();
    let members = value.members().into_iter().flatten().map(|member| member.value);
    all.extend(inner.chain(members).flat_map(paths));
    all
}
