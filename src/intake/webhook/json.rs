//! A JSON document read member by member: every value knows its place, and numbers keep the digits that were sent.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use rust_decimal::Decimal;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::{Expected, Fault, NotUnderstood};
use crate::domain::training::decimal_from_text;

/// How deep objects and arrays may nest: what serde_json itself would stand.
const MAX_DEPTH: usize = 128;

/// The longest member name that a fault repeats, in characters.
const MAX_NAME_SHOWN: usize = 60;

/// A body that is one JSON document in UTF-8, with or without a byte order mark, no deeper than [`MAX_DEPTH`].
pub(in crate::intake) fn document(body: &[u8]) -> Result<&RawValue, NotUnderstood> {
    let refuse = |fault| NotUnderstood { pointer: String::new(), fault };
    let text =
        std::str::from_utf8(body).map_err(|error| refuse(Fault::NotUtf8 { valid_bytes: error.valid_up_to() }))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let raw: &RawValue = serde_json::from_str(text)
        .map_err(|error| refuse(Fault::NotJson { line: error.line(), column: error.column() }))?;
    // A raw value is checked without recursion and thus at any depth; who reads it later may not be so careful.
    if depth(raw.get()) > MAX_DEPTH { Err(refuse(Fault::TooDeep { limit: MAX_DEPTH })) } else { Ok(raw) }
}

/// The fault of an object that has a member twice.
pub(in crate::intake) fn repeated_member(name: &str) -> Fault {
    Fault::RepeatedMember { name: name.chars().take(MAX_NAME_SHOWN).flat_map(char::escape_debug).collect() }
}

/// One value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Value<'a> {
    pointer: String,
    raw: &'a RawValue,
}

impl<'a> Value<'a> {
    /// The whole of a body: UTF-8, with or without a byte order mark.
    pub(super) fn document(body: &'a [u8]) -> Result<Self, NotUnderstood> {
        Ok(Self { pointer: String::new(), raw: document(body)? })
    }

    pub(super) fn refuse(&self, fault: Fault) -> NotUnderstood {
        NotUnderstood { pointer: self.pointer.clone(), fault }
    }

    fn wrong_kind(&self, expected: Expected) -> NotUnderstood {
        self.refuse(Fault::WrongKind { expected })
    }

    fn is_text(&self) -> bool {
        self.raw.get().starts_with('"')
    }

    /// The members of an object, each name once.
    pub(super) fn object(&self) -> Result<Object<'a>, NotUnderstood> {
        if !self.raw.get().starts_with('{') {
            return Err(self.wrong_kind(Expected::Object));
        }
        // Well-formed as it is, it can only fail in the escapes of a name.
        let members: Members<'a> = serde_json::from_str(self.raw.get()).map_err(|_| self.refuse(Fault::BrokenText))?;
        match members.repeated {
            Some(name) => Err(self.refuse(repeated_member(&name))),
            None => Ok(Object { pointer: self.pointer.clone(), members: members.by_name }),
        }
    }

    pub(super) fn text(&self) -> Result<String, NotUnderstood> {
        self.text_as(Expected::Text)
    }

    pub(super) fn time_text(&self) -> Result<String, NotUnderstood> {
        self.text_as(Expected::Time)
    }

    fn text_as(&self, expected: Expected) -> Result<String, NotUnderstood> {
        if !self.is_text() {
            return Err(self.wrong_kind(expected));
        }
        serde_json::from_str(self.raw.get()).map_err(|_| self.refuse(Fault::BrokenText))
    }

    /// A text, or the digits of a whole number: platforms send ids as either.
    pub(super) fn text_or_integer(&self) -> Result<String, NotUnderstood> {
        let raw = self.raw.get();
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(raw.to_owned())
        } else {
            self.text_as(Expected::TextOrInteger)
        }
    }

    /// A decimal from the digits of a number or of a text; `None` where the text is empty.
    pub(super) fn decimal(&self) -> Result<Option<Decimal>, NotUnderstood> {
        let raw = self.raw.get();
        let digits = if raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            raw.to_owned()
        } else {
            self.text_as(Expected::NumberOrText)?
        };
        if digits.trim().is_empty() {
            return Ok(None);
        }
        decimal_from_text(&digits).map(Some).map_err(|invalid| self.refuse(Fault::InvalidDecimal(invalid)))
    }

    pub(super) fn true_or_false(&self) -> Result<bool, NotUnderstood> {
        match self.raw.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong_kind(Expected::TrueOrFalse)),
        }
    }

    pub(super) fn positive_integer(&self) -> Result<u32, NotUnderstood> {
        let number = self.raw.get().parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| self.wrong_kind(Expected::PositiveInteger))
    }
}

/// The members of one object.
#[derive(Debug, Clone)]
pub(super) struct Object<'a> {
    pointer: String,
    members: BTreeMap<String, &'a RawValue>,
}

impl<'a> Object<'a> {
    /// A member; `null` is the same as none.
    pub(super) fn get(&self, name: &'static str) -> Option<Value<'a>> {
        let raw = self.members.get(name).copied().filter(|raw| raw.get() != "null")?;
        Some(Value { pointer: self.pointer_to(name), raw })
    }

    pub(super) fn require(&self, name: &'static str, expected: Expected) -> Result<Value<'a>, NotUnderstood> {
        self.get(name).ok_or_else(|| self.refuse_member(name, Fault::Missing { expected }))
    }

    pub(super) fn require_object(&self, name: &'static str) -> Result<Self, NotUnderstood> {
        self.require(name, Expected::Object)?.object()
    }

    pub(super) fn get_object(&self, name: &'static str) -> Result<Option<Self>, NotUnderstood> {
        self.get(name).map(|value| value.object()).transpose()
    }

    pub(super) fn refuse(&self, fault: Fault) -> NotUnderstood {
        NotUnderstood { pointer: self.pointer.clone(), fault }
    }

    pub(super) fn refuse_member(&self, name: &'static str, fault: Fault) -> NotUnderstood {
        NotUnderstood { pointer: self.pointer_to(name), fault }
    }

    /// Names that we look for need no escaping in a pointer.
    fn pointer_to(&self, name: &'static str) -> String {
        format!("{}/{name}", self.pointer)
    }
}

/// An object's members unread, and the first name that came twice.
struct Members<'a> {
    by_name: BTreeMap<String, &'a RawValue>,
    repeated: Option<String>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members { by_name: BTreeMap::new(), repeated: None };
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    match members.by_name.entry(name) {
                        Entry::Vacant(place) => {
                            place.insert(value);
                        }
                        Entry::Occupied(taken) => {
                            members.repeated.get_or_insert_with(|| taken.key().clone());
                        }
                    }
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

/// How deep objects and arrays nest in a text that is JSON.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
