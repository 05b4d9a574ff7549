//! Any JSON, and two documents that are merged.

use kurskoll_intake::json::{Document, Kind, Malformed, Unclear, Value};
use kurskoll_intake::xapi::merging;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::{parts, text};

/// How many places are checked by their pointers: each pointer is followed from the root.
const MOST_POINTERS: usize = 40;

pub fn read(bytes: &[u8]) {
    match parts(bytes)[..] {
        [one] => alone(one),
        [stored, sent, ..] => together(stored, sent),
        [] => {}
    }
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

fn alone(bytes: &[u8]) {
    let read = Document::from_bytes(bytes);
    let grammar = serde_json::from_slice::<&RawValue>(without_mark(bytes));
    match (&read, &grammar) {
        (Ok(_), Ok(_)) | (Err(_), Err(_)) | (Err(Malformed::TooDeep), Ok(_)) => {}
        _ => panic!("one reads what the other does not: {read:?}, {grammar:?}"),
    }
    let Ok(document) = read else { return };
    let again = Document::parse(document.root().raw()).map(|document| document.root().raw().to_owned());
    assert_eq!(again.as_deref(), Ok(document.root().raw()));
    let tree = serde_json::from_slice::<Json>(without_mark(bytes));
    match (document.check(), tree) {
        (Ok(()), Ok(tree)) => {
            same(document.root(), &tree);
            let mut left = MOST_POINTERS;
            found(document.root(), &tree, &tree, &mut left);
        }
        (Err((place, Unclear::RepeatedMember { name })), _) => {
            drop(place.pointer());
            let times = place.members().into_iter().flatten().filter(|member| member.name().as_deref() == Ok(&name));
            assert!(times.count() > 1, "{name} is not there twice");
        }
        (Err((_, Unclear::BrokenText)), Ok(_)) => panic!("a text that is whole is told to be broken"),
        // What no float holds is no number to serde_json, and it stands one level less.
        (_, Err(_)) => {}
    }
}

/// Checks that every value is what serde_json reads.
fn same(value: Value<'_, '_>, tree: &Json) {
    match tree {
        Json::Null => assert_eq!(value.kind(), Kind::Null),
        Json::Bool(bool) => assert_eq!(value.bool(), Some(*bool)),
        Json::String(text) => assert_eq!(value.text().and_then(Result::ok).as_deref(), Some(text.as_str())),
        Json::Number(tree) => {
            let number = value.number();
            assert!(
                number.is_some_and(|number| number.compare(&number).is_eq() && number.decimal().is_none_or(|_| true))
            );
            if let Some(whole) = tree.as_u64() {
                assert_eq!(number.and_then(|number| number.whole()), Some(whole));
            }
            let [one, other] = [number.map(|number| number.canonical()), number.map(|number| number.raw().to_owned())];
            assert!(one.is_some_and(|canonical| canonical.len() <= other.map_or(0, |raw| raw.len()) + 45));
        }
        Json::Array(trees) => {
            assert_eq!(value.elements().map(Iterator::count), Some(trees.len()));
            let elements = value.elements().into_iter().flatten();
            elements.zip(trees).for_each(|(value, tree)| same(value, tree));
        }
        Json::Object(trees) => {
            assert_eq!(value.members().map(Iterator::count), Some(trees.len()));
            for member in value.members().into_iter().flatten() {
                let name = member.name().unwrap_or_default();
                same(member.value, trees.get(name.as_ref()).unwrap_or(&Json::Null));
            }
        }
    }
}

/// Checks that the pointer of a value leads to it.
fn found(value: Value<'_, '_>, tree: &Json, whole: &Json, left: &mut usize) {
    if *left == 0 {
        return;
    }
    *left -= 1;
    assert_eq!(whole.pointer(&value.pointer()).map(std::ptr::from_ref), Some(std::ptr::from_ref(tree)));
    match tree {
        Json::Array(trees) => {
            let elements = value.elements().into_iter().flatten();
            elements.zip(trees).for_each(|(value, tree)| found(value, tree, whole, left));
        }
        Json::Object(trees) => {
            for member in value.members().into_iter().flatten() {
                let tree = member.name().ok().and_then(|name| trees.get(name.as_ref()));
                tree.into_iter().for_each(|tree| found(member.value, tree, whole, left));
            }
        }
        _ => {}
    }
}

fn together(stored: &[u8], sent: &[u8]) {
    if let Ok(merged) = merging::merge(stored, sent) {
        let read = |bytes: &[u8]| serde_json::from_slice::<Json>(without_mark(bytes)).ok();
        if let (Some(Json::Object(mut stored)), Some(Json::Object(sent))) = (read(stored), read(sent)) {
            stored.extend(sent);
            assert_eq!(read(&merged), Some(Json::Object(stored)));
        }
        let document = Document::from_bytes(&merged).map(|document| document.check().is_ok());
        assert_eq!(document, Ok(true), "what was merged is not clear");
    }
    let defined = merging::merge_definitions(text(stored), text(sent));
    if [stored, sent].iter().any(|text| merging::merge(text, b"{}").is_ok()) {
        assert!(Document::parse(&defined).is_ok());
    }
}
