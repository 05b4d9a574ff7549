use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

const FIXTURES: [&str; 4] = [EVERYTHING, SUB_STATEMENT, VOIDING, CONTEXT_AGENTS];

/// Every place in a value, with its pointer; extensions are skipped, since they may hold anything.
fn places(json: &Json, pointer: &str, all: &mut Vec<String>) {
    let mut inner = |name: &str, value: &Json| {
        let place = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        if name != "extensions" {
            places(value, &place, all);
        }
        all.push(place);
    };
    match json {
        Json::Object(members) => members.iter().for_each(|(name, value)| inner(name, value)),
        Json::Array(elements) => elements.iter().enumerate().for_each(|(at, value)| inner(&at.to_string(), value)),
        _ => {}
    }
}

fn places_of(fixture: &str) -> Vec<String> {
    let mut all = Vec::new();
    places(&serde_json::from_str(fixture).expect("JSON"), "", &mut all);
    all
}

#[test]
fn null_is_refused_wherever_it_stands_but_in_extensions() {
    for fixture in FIXTURES {
        for place in places_of(fixture) {
            let body = with(fixture, &place, Some(Json::Null));
            let refused = read(&body, Version::V2_0).expect_err(&place);
            // An objectType that is null is no objectType of any kind.
            assert!(matches!(refused.fault, Fault::Null { .. }), "{place}: {refused}");
            assert_eq!(refused.pointer, place);
        }
    }
}

#[test]
fn a_value_of_another_type_is_refused_wherever_it_stands_but_in_extensions() {
    for fixture in FIXTURES {
        let json: Json = serde_json::from_str(fixture).expect("JSON");
        for place in places_of(fixture) {
            let other = match json.pointer(&place).expect("a place") {
                Json::Number(number) => json!(number.to_string()),
                Json::Bool(truth) => json!(truth.to_string()),
                Json::String(_) | Json::Array(_) | Json::Object(_) | Json::Null => json!(7),
            };
            let body = with(fixture, &place, Some(other));
            let refused = read(&body, Version::V2_0).expect_err(&place);
            assert!(matches!(refused.fault, Fault::WrongType { .. }), "{place}: {refused}");
            assert_eq!(refused.pointer, place);
        }
    }
}

#[test]
fn a_member_that_nobody_knows_is_refused_in_every_object() {
    for fixture in FIXTURES {
        let json: Json = serde_json::from_str(fixture).expect("JSON");
        let objects = places_of(fixture).into_iter().filter(|place| {
            let is_free = place.ends_with("/extensions");
            json.pointer(place).is_some_and(Json::is_object) && !is_free
        });
        for object in objects.chain([String::new()]) {
            let place = format!("{object}/no_such");
            let body = with(fixture, &place, Some(json!("x")));
            let refused = read(&body, Version::V2_0).expect_err(&place);
            assert!(matches!(refused.fault, Fault::Unknown | Fault::NotALanguageTag), "{place}: {refused}");
            assert_eq!(refused.pointer, place);
        }
    }
}

#[test]
fn a_name_in_other_letters_is_refused_in_every_object() {
    for fixture in FIXTURES {
        for place in places_of(fixture) {
            let (parent, name) = place.rsplit_once('/').expect("a place within");
            let json: Json = serde_json::from_str(fixture).expect("JSON");
            let is_map = ["display", "name", "description"].iter().any(|map| parent.ends_with(map));
            if is_map || name.parse::<usize>().is_ok() {
                continue;
            }
            let value = json.pointer(&place).cloned();
            let other_place = format!("{parent}/{}", name.to_uppercase());
            let body = with(&with(fixture, &place, None), &other_place, value);
            // What is missing may be missed first, and what an object is may depend on its objectType.
            let refused = read(&body, Version::V2_0).expect_err(&other_place);
            assert!(refused.pointer.starts_with(parent), "{other_place}: {refused}");
        }
    }
}

fn some_json() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{}])),
        Just(json!({"objectType": "Group"})),
    ]
}

proptest! {
    #[test]
    fn a_spoiled_place_is_refused_there_or_taken(fixture in 0..FIXTURES.len(), at in any::<prop::sample::Index>(), value in some_json()) {
        let fixture = FIXTURES[fixture];
        let all = places_of(fixture);
        let place = at.get(&all);
        let body = with(fixture, place, Some(value));
        if let Err(refused) = read(&body, Version::V2_0) {
            let parent = place.rsplit_once('/').map_or("", |(parent, _)| parent);
            // The fault is in the place, within it, or between it and its neighbours.
            prop_assert!(refused.pointer.starts_with(parent) || place.starts_with(&refused.pointer) || refused.pointer.starts_with("/context"), "{}: {}", place, refused);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(read_body(&bytes, Version::V1_0_3));
    }

    #[test]
    fn no_cut_and_no_changed_byte_makes_it_panic(cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = EVERYTHING.as_bytes().to_vec();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        drop(read_body(&bytes, Version::V2_0));
        drop(read_body(&bytes[..cut.index(bytes.len())], Version::V2_0));
    }

    #[test]
    fn the_statements_of_a_batch_lie_in_it_as_they_were_sent(picks in prop::collection::vec(0..FIXTURES.len(), 0..6), space in "[ \t\r\n]{0,3}") {
        // One id may come once only.
        let bodies: Vec<String> = picks
            .iter()
            .map(|pick| if *pick == 0 { with(EVERYTHING, "/id", None) } else { FIXTURES[*pick].trim().to_owned() })
            .collect();
        let body = format!("{space}[{space}{}{space}]{space}", bodies.join(&format!("{space},{space}")));
        let read = read(&body, Version::V2_0).expect("valid statements");
        prop_assert!(read.is_array);
        prop_assert_eq!(read.statements.len(), bodies.len());
        for (statement, input) in read.statements.iter().zip(&bodies) {
            prop_assert_eq!(statement.raw, input);
            prop_assert_eq!(&body[statement.offset..statement.offset + statement.raw.len()], input);
        }
    }
}
