//! The part of a body around a place that was not understood, without what may name a person.

mod redaction;

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

use redaction::redacted;

/// How much is shown before and after the place, in bytes.
const BEFORE: usize = 80;
const AFTER: usize = 240;

/// A part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The text around the place, with each byte of what may be personal shown as an asterisk; what is not UTF-8 shows
    /// as U+FFFD.
    pub text: String,
    /// How many bytes of the body stand before it.
    pub offset: usize,
    /// How many bytes of the body stand before the place itself.
    pub place: usize,
    /// Whether the body has more before it, or behind.
    pub is_cut: bool,
}

/// The part of a body around a place (RFC 6901), without what may name a person: nobody knows who that is, and whether
/// their personal data are protected; where the place is missing, around the object that lacks it, and where the body
/// is no JSON, around where it stops being it.
#[must_use]
pub fn excerpt(body: &[u8], pointer: &str) -> Excerpt {
    let place = match std::str::from_utf8(body) {
        Err(error) => error.valid_up_to(),
        Ok(text) => place_in(text, pointer),
    };
    let is_boundary = |at: usize| body.get(at).is_none_or(|byte| byte & 0xC0 != 0x80);
    let mut from = place.saturating_sub(BEFORE);
    while from < place && !is_boundary(from) {
        from += 1;
    }
    let mut to = place.saturating_add(AFTER).min(body.len());
    while to > place && !is_boundary(to) {
        to -= 1;
    }
    let redacted = redacted(body);
    let text = String::from_utf8_lossy(redacted.get(from..to).unwrap_or_default()).into_owned();
    Excerpt { text, offset: from, place, is_cut: from > 0 || to < body.len() }
}

/// How many bytes stand before a place.
fn place_in(text: &str, pointer: &str) -> usize {
    let whole: &RawValue = match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(whole) => whole,
        Err(error) => return offset_of(text, error.line(), error.column()),
    };
    let mut value = whole;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let Some(next) = member(value, &step) else { break };
        value = next;
    }
    // A raw value is a part of the text that it was read from.
    (value.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}

fn member<'a>(value: &'a RawValue, step: &str) -> Option<&'a RawValue> {
    if value.get().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
        return items.get(step.parse::<usize>().ok()?).copied();
    }
    let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(value.get()).ok()?;
    members.get(step).copied()
}

/// The offset of a line and column as serde_json counts them: both from 1, columns in bytes.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &str =
        r#"{"type": "course.completed", "data": {"learner": {"email": "a@x"}, "items": [1, {"a/b": 2}]}}"#;

    fn at(body: &str, pointer: &str) -> String {
        let excerpt = excerpt(body.as_bytes(), pointer);
        body[excerpt.place..].chars().take(12).collect()
    }

    #[test]
    fn an_excerpt_names_nobody() {
        let shown = excerpt(BODY.as_bytes(), "/data/learner").text;
        assert!(shown.contains(r#""learner": {"email": "***"}"#), "{shown}");
        assert!(shown.contains(r#""type": "course.completed""#), "{shown}");
    }

    #[test]
    fn a_place_is_found_by_its_pointer() {
        assert_eq!(at(BODY, "/data/learner"), r#"{"email": "a"#);
        assert_eq!(at(BODY, "/data/items/1/a~1b"), "2}]}}");
        assert_eq!(at(BODY, ""), r#"{"type": "co"#);
    }

    #[test]
    fn where_the_place_is_missing_the_object_that_lacks_it_is_shown() {
        assert_eq!(at(BODY, "/data/course/id"), r#"{"learner": "#);
        assert_eq!(at(BODY, "/data/items/7"), r#"[1, {"a/b": "#);
    }

    #[test]
    fn a_body_that_is_no_json_is_shown_where_it_stops_being_it() {
        assert_eq!(at("{\"a\": 1,\n \"b\": x}", ""), "x}");
        assert_eq!(excerpt(b"ab\xffcd", "").place, 2);
        assert_eq!(excerpt(b"[1, \xff2]", "").text, "[1, \u{fffd}2]");
        assert_eq!(excerpt(b"", "/a").text, "");
    }

    #[test]
    fn a_long_body_is_cut_on_both_sides() {
        let long = format!(r#"{{"a": "{}", "b": "{}"}}"#, "å".repeat(500), "ö".repeat(500));
        let excerpt = excerpt(long.as_bytes(), "/b");
        assert!(excerpt.is_cut && excerpt.text.contains(r#""b": "ö"#) && excerpt.text.len() <= BEFORE + AFTER);
        assert_eq!(excerpt.place, long.find(r#""ö"#).expect("a place"));
    }

    proptest! {
        #[test]
        fn any_bytes_and_any_pointer_are_shown(body in proptest::collection::vec(any::<u8>(), 0..600), pointer in ".{0,20}") {
            let excerpt = excerpt(&body, &pointer);
            prop_assert!(excerpt.offset <= excerpt.place && excerpt.place <= body.len());
        }
    }
}
