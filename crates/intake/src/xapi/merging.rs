//! JSON objects that are laid over others: documents that are posted (Communication 2.2), and definitions of
//! activities.
//!
//! Every value keeps the bytes in which it was sent; members stay in their order, and new ones follow.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::json::{Document, Malformed, Unclear, Value};

/// Which of two documents cannot be merged, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeFault {
    #[error("the stored document {0}")]
    Stored(NoObject),
    #[error("the document that was sent {0}")]
    Input(NoObject),
}

/// Why a text is not one JSON object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoObject {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Unclear(#[from] Unclear),
    #[error("is no JSON object")]
    OfAnotherKind,
}

/// Checks that a document is one JSON object, which others can be laid over.
pub fn check(sent: &[u8]) -> Result<(), MergeFault> {
    read(sent).map(|_| ()).map_err(MergeFault::Input)
}

/// Lays one document's members over another's.
pub fn merge(stored: &[u8], sent: &[u8]) -> Result<Vec<u8>, MergeFault> {
    let stored = read(stored).map_err(MergeFault::Stored)?;
    let sent = read(sent).map_err(MergeFault::Input)?;
    Ok(laid_over(stored.root(), sent.root(), &|_, _, sent| sent.raw().to_owned()).into_bytes())
}

/// Lays what a statement says of an activity over what older ones said: names and descriptions language by language,
/// extensions one by one, and the rest as the newer has it. What is no JSON object says nothing.
#[must_use]
pub fn merge_definitions(older: &str, newer: &str) -> String {
    let (older_document, newer_document) = match (read(older.as_bytes()), read(newer.as_bytes())) {
        (Ok(older), Ok(newer)) => (older, newer),
        (_, Err(_)) => return older.to_owned(),
        (Err(_), Ok(_)) => return newer.to_owned(),
    };
    let each = |name: &str, older: Value<'_, '_>, newer: Value<'_, '_>| {
        let is_map = matches!(name, "name" | "description" | "extensions");
        if is_map && older.members().is_some() && newer.members().is_some() {
            laid_over(older, newer, &|_, _, newer| newer.raw().to_owned())
        } else {
            newer.raw().to_owned()
        }
    };
    laid_over(older_document.root(), newer_document.root(), &each)
}

/// A document that is one JSON object, in which no object has a member twice.
fn read(text: &[u8]) -> Result<Document<'_>, NoObject> {
    let document = Document::from_bytes(text)?;
    document.check().map_err(|(_, unclear)| unclear)?;
    if document.root().members().is_some() { Ok(document) } else { Err(NoObject::OfAnotherKind) }
}

/// How a member that both objects have is written, by its name.
type Both<'f> = &'f dyn Fn(&str, Value<'_, '_>, Value<'_, '_>) -> String;

fn laid_over(under: Value<'_, '_>, over: Value<'_, '_>, both: Both<'_>) -> String {
    let mut given: HashMap<Cow<'_, str>, Value<'_, '_>> = HashMap::new();
    for member in over.members().into_iter().flatten() {
        if let Ok(name) = member.name() {
            given.insert(name, member.value);
        }
    }
    let mut written = String::with_capacity(under.raw().len() + over.raw().len());
    let mut write = |name: &str, value: &str| {
        written.push(if written.is_empty() { '{' } else { ',' });
        written.push_str(&serde_json::Value::from(name).to_string());
        written.push(':');
        written.push_str(value);
    };
    for member in under.members().into_iter().flatten() {
        let Ok(name) = member.name() else { continue };
        match given.remove(&name) {
            Some(value) => write(&name, &both(&name, member.value, value)),
            None => write(&name, member.value.raw()),
        }
    }
    for member in over.members().into_iter().flatten() {
        let Ok(name) = member.name() else { continue };
        if given.contains_key(&name) {
            write(&name, member.value.raw());
        }
    }
    if written.is_empty() {
        return "{}".to_owned();
    }
    written.push('}');
    written
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value as Json, json};

    use super::*;

    fn merged(stored: &str, sent: &str) -> String {
        String::from_utf8(merge(stored.as_bytes(), sent.as_bytes()).expect("two objects")).expect("text")
    }

    #[test]
    fn what_is_sent_lies_over_what_is_kept_and_keeps_its_digits() {
        assert_eq!(
            merged(r#"{"a": 1.50, "b":{"x":1}}"#, r#"{"b" : {"y":2e0},"c":[ ]}"#),
            r#"{"a":1.50,"b":{"y":2e0},"c":[ ]}"#
        );
        assert_eq!(merged("{}", " { } "), "{}");
        assert_eq!(merged(r#"{"\u0061":1}"#, r#"{"a":2}"#), r#"{"a":2}"#);
    }

    #[test]
    fn what_is_no_clear_object_is_not_merged() {
        for not in ["", "[]", "7", "{", r#"{"a":1,"a":2}"#, "{} {}"] {
            assert!(matches!(merge(b"{}", not.as_bytes()), Err(MergeFault::Input(_))), "{not}");
            assert!(matches!(merge(not.as_bytes(), b"{}"), Err(MergeFault::Stored(_))), "{not}");
        }
        assert!(merge(&[0xff], b"{}").is_err());
    }

    #[test]
    fn names_of_an_activity_merge_by_language_and_the_newest_is_believed() {
        let older = r#"{"name":{"sv":"Säkerhet","en":"Secruity"},"type":"https://a.example/t","extensions":{"https://a.example/1":1}}"#;
        let newer = r#"{"name":{"en":"Security"},"type":"https://a.example/u","extensions":{"https://a.example/2":2}}"#;
        assert_eq!(
            merge_definitions(older, newer),
            r#"{"name":{"sv":"Säkerhet","en":"Security"},"type":"https://a.example/u","extensions":{"https://a.example/1":1,"https://a.example/2":2}}"#
        );
        assert_eq!(merge_definitions(older, "null"), older);
    }

    fn objects() -> impl Strategy<Value = Map<String, Json>> {
        let members = prop::collection::btree_map("[a-dåä\"\\\\\n]{0,2}", any::<i32>(), 0..6);
        members.prop_map(|members| members.into_iter().map(|(name, value)| (name, json!(value))).collect())
    }

    proptest! {
        #[test]
        fn merging_is_what_extending_a_map_is(stored in objects(), sent in objects()) {
            let written = merged(&Json::from(stored.clone()).to_string(), &Json::from(sent.clone()).to_string());
            let mut expected = stored;
            expected.extend(sent);
            prop_assert_eq!(serde_json::from_str::<Json>(&written).expect("JSON"), Json::from(expected));
        }
    }
}
