//! Access to a platform's JSON: every refusal knows its place, and numbers keep the digits that were sent.

use rust_decimal::Decimal;

use super::fault::{Expected, Fault, NotUnderstood};
use crate::json::{self, Document, Kind, MAX_DEPTH, Malformed, Unclear};
use kurskoll_domain::training::decimal_from_text;

/// The longest member name that a fault repeats, in characters.
const MAX_NAME_SHOWN: usize = 60;

/// The whole of a body: UTF-8, with or without a byte order mark. Longer than memory addresses is no JSON at all.
pub(super) fn document(body: &[u8]) -> Result<Document<'_>, NotUnderstood> {
    Document::from_bytes(body).map_err(|malformed| {
        let fault = match malformed {
            Malformed::NotUtf8 { valid_bytes } => Fault::NotUtf8 { valid_bytes },
            Malformed::NotJson { line, column } => Fault::NotJson { line, column },
            Malformed::TooLong => Fault::NotJson { line: 1, column: 1 },
            Malformed::TooDeep => Fault::TooDeep { limit: MAX_DEPTH },
        };
        NotUnderstood { pointer: String::new(), fault }
    })
}

/// The JSON of a body, which is one document, without any byte order mark.
pub(crate) fn text(body: &[u8]) -> Result<&str, NotUnderstood> {
    document(body).map(|document| document.root().raw())
}

/// The fault of an object that has a member twice.
pub(crate) fn repeated_member(name: &str) -> Fault {
    Fault::RepeatedMember { name: name.chars().take(MAX_NAME_SHOWN).flat_map(char::escape_debug).collect() }
}

/// One value and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'d>(json::Value<'d, 'd>);

impl<'d> Value<'d> {
    pub(super) const fn whole(document: &'d Document<'d>) -> Self {
        Self(document.root())
    }

    pub(super) fn refuse(&self, fault: Fault) -> NotUnderstood {
        NotUnderstood { pointer: self.0.pointer(), fault }
    }

    fn wrong_kind(&self, expected: Expected) -> NotUnderstood {
        self.refuse(Fault::WrongKind { expected })
    }

    fn unclear(&self, unclear: Unclear) -> NotUnderstood {
        self.refuse(match unclear {
            Unclear::BrokenText => Fault::BrokenText,
            Unclear::RepeatedMember { name } => {
                Fault::RepeatedMember { name: name.chars().take(MAX_NAME_SHOWN).flat_map(char::escape_debug).collect() }
            }
        })
    }

    /// The members of an object, each name once.
    pub(super) fn object(&self) -> Result<Object<'d>, NotUnderstood> {
        if self.0.kind() != Kind::Object {
            return Err(self.wrong_kind(Expected::Object));
        }
        self.0.check_members().map_err(|unclear| self.unclear(unclear))?;
        Ok(Object(*self))
    }

    pub(super) fn text(&self) -> Result<String, NotUnderstood> {
        self.text_as(Expected::Text)
    }

    pub(super) fn time_text(&self) -> Result<String, NotUnderstood> {
        self.text_as(Expected::Time)
    }

    fn text_as(&self, expected: Expected) -> Result<String, NotUnderstood> {
        let text = self.0.text().ok_or_else(|| self.wrong_kind(expected))?;
        text.map(Into::into).map_err(|unclear| self.unclear(unclear))
    }

    /// A text, or the digits of a whole number: platforms send ids as either.
    pub(super) fn text_or_integer(&self) -> Result<String, NotUnderstood> {
        let raw = self.0.raw();
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(raw.to_owned())
        } else {
            self.text_as(Expected::TextOrInteger)
        }
    }

    /// A decimal from the digits of a number or of a text; `None` where the text is empty.
    pub(super) fn decimal(&self) -> Result<Option<Decimal>, NotUnderstood> {
        let digits = match self.0.kind() {
            Kind::Number => self.0.raw().to_owned(),
            _ => self.text_as(Expected::NumberOrText)?,
        };
        if digits.trim().is_empty() {
            return Ok(None);
        }
        decimal_from_text(&digits).map(Some).map_err(|invalid| self.refuse(Fault::InvalidDecimal(invalid)))
    }

    pub(super) fn true_or_false(&self) -> Result<bool, NotUnderstood> {
        self.0.bool().ok_or_else(|| self.wrong_kind(Expected::TrueOrFalse))
    }

    pub(super) fn positive_integer(&self) -> Result<u32, NotUnderstood> {
        let number = self.0.raw().parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| self.wrong_kind(Expected::PositiveInteger))
    }
}

/// The members of one object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'d>(Value<'d>);

impl<'d> Object<'d> {
    /// A member; `null` is the same as none.
    pub(super) fn get(&self, name: &'static str) -> Option<Value<'d>> {
        let mut members = self.0.0.members()?;
        let member = members.find(|member| member.name().is_ok_and(|sent| sent == name))?;
        Some(member.value).filter(|value| !value.is_null()).map(Value)
    }

    pub(super) fn require(&self, name: &'static str, expected: Expected) -> Result<Value<'d>, NotUnderstood> {
        self.get(name).ok_or_else(|| self.refuse_member(name, Fault::Missing { expected }))
    }

    pub(super) fn require_object(&self, name: &'static str) -> Result<Self, NotUnderstood> {
        self.require(name, Expected::Object)?.object()
    }

    pub(super) fn get_object(&self, name: &'static str) -> Result<Option<Self>, NotUnderstood> {
        self.get(name).map(|value| value.object()).transpose()
    }

    pub(super) fn refuse(&self, fault: Fault) -> NotUnderstood {
        self.0.refuse(fault)
    }

    /// Names that we look for need no escaping in a pointer.
    pub(super) fn refuse_member(&self, name: &'static str, fault: Fault) -> NotUnderstood {
        let mut refusal = self.refuse(fault);
        refusal.pointer.push('/');
        refusal.pointer.push_str(name);
        refusal
    }
}
