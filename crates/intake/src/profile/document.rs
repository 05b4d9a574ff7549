//! A body as paths are looked for in it: JSON, or a form read as an object of texts.
//!
//! Numbers keep the digits that were sent: where the tree's own number would print otherwise, the digits stand beside
//! it.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use super::fault::{Misread, ReadingFault};
use super::model::{Accepts, BodyForm};
use crate::webhook::fault::Fault;
use crate::webhook::json;

/// A body that could be read.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) value: Value,
    digits: Digits,
}

/// The digits of the numbers at and below a place, where the tree's own number would print otherwise. Each name on the
/// way to them is kept once: many numbers deep below long names are no more than the body itself.
#[derive(Debug, Default)]
struct Digits {
    own: Option<String>,
    below: BTreeMap<String, Self>,
}

impl Digits {
    fn add(&mut self, name: String, digits: Self) {
        if digits.own.is_some() || !digits.below.is_empty() {
            self.below.insert(name, digits);
        }
    }

    fn at(&self, pointer: &str) -> Option<&str> {
        let steps = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
        let place = steps.into_iter().try_fold(self, |place, step| place.below.get(&step));
        place?.own.as_deref()
    }
}

/// What a place in a document says, in the sender's own digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    Text(String),
    /// An object or an array.
    Structure,
}

impl Document {
    pub(super) fn read(form: &BodyForm, content_type: &str, body: &[u8]) -> Result<Self, Misread> {
        if form.accepts.form(content_type) {
            return read_form(body, &form.json_fields);
        }
        let (value, digits) = Walk::over(json::text(body)?).value()?;
        Ok(Self { value, digits })
    }

    /// What a value says that stands at `pointer`.
    pub(super) fn said(&self, pointer: &str, value: &Value) -> Said {
        match value {
            Value::Null => Said::Nothing,
            Value::Bool(bool) => Said::Text(bool.to_string()),
            Value::Number(number) => {
                Said::Text(self.digits.at(pointer).map_or_else(|| number.to_string(), ToOwned::to_owned))
            }
            Value::String(text) => Said::Text(text.clone()),
            Value::Array(_) | Value::Object(_) => Said::Structure,
        }
    }
}

impl Accepts {
    /// Whether a body of this media type is read as a form.
    pub(super) fn form(self, content_type: &str) -> bool {
        match self {
            Self::Json => false,
            Self::Form => true,
            Self::Both => is_form(content_type),
        }
    }
}

/// Whether a media type is that of a form.
#[must_use]
pub fn is_form(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// `application/x-www-form-urlencoded` (URL Standard, section 5.1), but strict where that is lenient: UTF-8, each name
/// once.
fn read_form(body: &[u8], json_fields: &[String]) -> Result<Document, Misread> {
    let mut document = Document { value: Value::Null, digits: Digits::default() };
    let mut fields = Map::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let at = pair.iter().position(|byte| *byte == b'=');
        let (name, value) = at.map_or((pair, &b""[..]), |at| (&pair[..at], &pair[at + 1..]));
        let name = decoded(name)?;
        let text = decoded(value)?;
        let value = if json_fields.contains(&name) {
            let mut walk = Walk::over(json::text(text.as_bytes())?);
            walk.enter(&name);
            let (value, digits) = walk.value()?;
            document.digits.add(name.clone(), digits);
            value
        } else {
            Value::String(text)
        };
        if fields.contains_key(&name) {
            return Err(Misread::at("", json::repeated_member(&name)));
        }
        fields.insert(name, value);
    }
    document.value = Value::Object(fields);
    Ok(document)
}

fn decoded(bytes: &[u8]) -> Result<String, Misread> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded = percent_decode(&spaced).decode_utf8();
    decoded.map(Into::into).map_err(|_| Misread { pointer: String::new(), fault: ReadingFault::FormNotUtf8 })
}

/// Goes over a text that is known to be JSON, and not too deep.
struct Walk<'a> {
    text: &'a str,
    at: usize,
    pointer: String,
}

impl<'a> Walk<'a> {
    fn over(text: &'a str) -> Self {
        Self { text, at: 0, pointer: String::new() }
    }

    fn enter(&mut self, name: &str) -> usize {
        let outside = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        outside
    }

    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over a byte if it comes next.
    fn takes(&mut self, byte: u8) -> bool {
        let comes = self.peek() == Some(byte);
        self.at += usize::from(comes);
        comes
    }

    fn value(&mut self) -> Result<(Value, Digits), Misread> {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(|text| (Value::String(text), Digits::default())),
            _ => Ok(self.scalar()),
        }
    }

    fn object(&mut self) -> Result<(Value, Digits), Misread> {
        let (mut members, mut digits) = (Map::new(), Digits::default());
        self.at += 1;
        while !self.takes(b'}') && self.peek().is_some() {
            let name = self.string()?;
            self.takes(b':');
            if members.contains_key(&name) {
                return Err(Misread::at(&self.pointer, json::repeated_member(&name)));
            }
            let outside = self.enter(&name);
            let (value, within) = self.value()?;
            self.pointer.truncate(outside);
            digits.add(name.clone(), within);
            members.insert(name, value);
            self.takes(b',');
        }
        Ok((Value::Object(members), digits))
    }

    fn array(&mut self) -> Result<(Value, Digits), Misread> {
        let (mut items, mut digits) = (Vec::new(), Digits::default());
        self.at += 1;
        while !self.takes(b']') && self.peek().is_some() {
            let place = items.len().to_string();
            let outside = self.enter(&place);
            let (value, within) = self.value()?;
            self.pointer.truncate(outside);
            digits.add(place, within);
            items.push(value);
            self.takes(b',');
        }
        Ok((Value::Array(items), digits))
    }

    fn string(&mut self) -> Result<String, Misread> {
        self.peek();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let length = end.map_or(rest.len(), |end| end + 2);
        self.at += length.max(1);
        let quoted = rest.get(..length).unwrap_or_default();
        serde_json::from_str(quoted).map_err(|_| Misread::at(&self.pointer, Fault::BrokenText))
    }

    /// A number, or true, false or null.
    fn scalar(&mut self) -> (Value, Digits) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let ends = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}');
        let length = rest.bytes().position(ends).unwrap_or(rest.len());
        self.at += length.max(1);
        let raw = rest.get(..length).unwrap_or_default();
        // What no float holds stays a text of its digits, which is refused where a number is wanted.
        let value = serde_json::from_str(raw).unwrap_or_else(|_| Value::String(raw.to_owned()));
        let own = match &value {
            Value::Number(number) if number.to_string() != raw => Some(raw.to_owned()),
            _ => None,
        };
        (value, Digits { own, below: BTreeMap::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<Document, Misread> {
        let form = BodyForm { accepts: Accepts::Json, json_fields: Vec::new(), each: Vec::new() };
        Document::read(&form, "application/json", text.as_bytes())
    }

    fn form(text: &str) -> Result<Document, Misread> {
        let form = BodyForm { accepts: Accepts::Form, json_fields: vec!["data".to_owned()], each: Vec::new() };
        Document::read(&form, "application/x-www-form-urlencoded", text.as_bytes())
    }

    #[test]
    fn a_number_keeps_the_digits_that_were_sent() {
        let document = json(r#"{"a": [0.80, 1.75e1, 17, 12345678901234567890123, 1e999], "b~/": 1.50}"#).expect("JSON");
        for (pointer, digits) in [
            ("/a/0", "0.80"),
            ("/a/1", "1.75e1"),
            ("/a/2", "17"),
            ("/a/3", "12345678901234567890123"),
            ("/a/4", "1e999"),
            ("/b~0~1", "1.50"),
        ] {
            let value = document.value.pointer(pointer).expect("a value");
            assert_eq!(document.said(pointer, value), Said::Text(digits.to_owned()), "{pointer}");
        }
    }

    #[test]
    fn many_numbers_deep_below_long_names_are_kept_as_briefly_as_they_came() {
        fn bytes(digits: &Digits) -> usize {
            let below = digits.below.iter().map(|(name, digits)| name.len() + bytes(digits));
            digits.own.as_ref().map_or(0, String::len) + below.sum::<usize>()
        }
        let (open, close) = (format!("{{\"{}\":", "n".repeat(1000)).repeat(100), "}".repeat(100));
        let text = format!("{open}[{}1e1]{close}", "1e1,".repeat(1000));
        let document = json(&text).expect("JSON");
        assert!(bytes(&document.digits) < 2 * text.len(), "{} of {}", bytes(&document.digits), text.len());
        let pointer = format!("{}/1000", format!("/{}", "n".repeat(1000)).repeat(100));
        let last = document.value.pointer(&pointer).expect("a number");
        assert_eq!(document.said(&pointer, last), Said::Text("1e1".to_owned()));
    }

    #[test]
    fn a_member_that_stands_there_twice_is_refused_wherever_it_is() {
        let misread = json(r#"{"a": [{"b": 1, "\u0062": 2}]}"#).expect_err("twice");
        assert_eq!(misread.to_string(), r#"/a/0 has the member "b" twice: send it once"#);
        let misread = form("a=1&b=2&%61=3").expect_err("twice");
        assert_eq!(misread.to_string(), r#"the body has the member "a" twice: send it once"#);
    }

    #[test]
    fn a_form_is_an_object_of_texts_and_of_the_json_that_some_of_them_hold() {
        let document = form("name=%C3%85sa+Berg&empty=&bare&data=%7B%22score%22%3A+0.50%7D").expect("a form");
        let expected = serde_json::json!({"name": "Åsa Berg", "empty": "", "bare": "", "data": {"score": 0.5}});
        assert_eq!(document.value, expected);
        let score = document.value.pointer("/data/score").expect("a score");
        assert_eq!(document.said("/data/score", score), Said::Text("0.50".to_owned()));
        assert!(form("name=%FF").is_err());
        assert!(form("data=%7B").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_json_is_read_as_serde_json_reads_it(text in r#"[\[\]{}",:0-9a-z\\ue.+ -]{0,60}"#) {
            if let (Ok(expected), Ok(document)) = (serde_json::from_str::<Value>(&text), json(&text)) {
                proptest::prop_assert_eq!(document.value, expected);
            }
        }

        #[test]
        fn no_bytes_make_a_form_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            let form = BodyForm { accepts: Accepts::Both, json_fields: vec!["a".to_owned()], each: Vec::new() };
            drop(Document::read(&form, "application/x-www-form-urlencoded; charset=utf-8", &bytes));
        }
    }
}
