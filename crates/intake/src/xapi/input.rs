//! A value that was sent, and the checks of what it is. Every refusal knows its place.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::fault::{Expected, Fault, Refusal};
use super::forms;
use super::text::{Duration, Extensions, LanguageMap};
use super::version::Version;
use crate::iri::is_iri;
use crate::json::{Document, Elements, Kind, Number, Unclear, Value, push_escaped};

/// The most members for which an object of the standard has names.
const MAX_FIELDS: usize = 16;

/// One value, and the version by which it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'d, 'a> {
    value: Value<'d, 'a>,
    version: Version,
}

impl<'d, 'a> Input<'d, 'a> {
    pub(super) const fn whole(document: &'d Document<'a>, version: Version) -> Self {
        Self { value: document.root(), version }
    }

    pub(super) const fn version(self) -> Version {
        self.version
    }

    pub(super) fn kind(self) -> Kind {
        self.value.kind()
    }

    pub(super) fn raw(self) -> &'a str {
        self.value.raw()
    }

    pub(super) fn offset(self) -> usize {
        self.value.offset()
    }

    /// A refusal of this value. The reader of the batch knows which statement it is in.
    pub(super) fn refuse(self, fault: Fault) -> Refusal {
        Refusal { index: None, pointer: self.value.pointer(), fault }
    }

    pub(super) fn refuse_member(self, name: &str, fault: Fault) -> Refusal {
        let mut refusal = self.refuse(fault);
        refusal.pointer.push('/');
        push_escaped(&mut refusal.pointer, name);
        refusal
    }

    fn unclear(self, unclear: Unclear) -> Refusal {
        match unclear {
            Unclear::RepeatedMember { ref name } => self.refuse_member(&name.clone(), Fault::Unclear(unclear)),
            Unclear::BrokenText => self.refuse(Fault::Unclear(unclear)),
        }
    }

    /// Checks the whole document: no member twice and no broken text anywhere.
    pub(super) fn check(document: &'d Document<'a>, version: Version) -> Result<(), Refusal> {
        document.check().map_err(|(value, unclear)| Self { value, version }.unclear(unclear))
    }

    fn wrong_type(self, expected: Expected) -> Refusal {
        self.refuse(if self.value.is_null() { Fault::Null { expected } } else { Fault::WrongType { expected } })
    }

    pub(super) fn text(self, expected: Expected) -> Result<Cow<'a, str>, Refusal> {
        let text = self.value.text().ok_or_else(|| self.wrong_type(expected))?;
        text.map_err(|unclear| self.unclear(unclear))
    }

    /// A text of a required form.
    fn text_of(self, expected: Expected, fits: fn(&str) -> bool, fault: Fault) -> Result<Cow<'a, str>, Refusal> {
        let text = self.text(expected)?;
        if fits(&text) { Ok(text) } else { Err(self.refuse(fault)) }
    }

    pub(super) fn iri(self) -> Result<Cow<'a, str>, Refusal> {
        self.text_of(Expected::Iri, is_iri, Fault::NotAnIri)
    }

    pub(super) fn mbox(self) -> Result<Cow<'a, str>, Refusal> {
        self.text_of(Expected::Iri, forms::is_mbox, Fault::NotAnMbox)
    }

    pub(super) fn sha1(self) -> Result<Cow<'a, str>, Refusal> {
        self.text_of(Expected::Text, forms::is_sha1, Fault::NotASha1)
    }

    /// In lower case.
    pub(super) fn sha2(self) -> Result<String, Refusal> {
        let digits = self.text_of(Expected::Text, forms::is_sha2, Fault::NotASha2)?;
        Ok(digits.to_ascii_lowercase())
    }

    pub(super) fn media_type(self) -> Result<Cow<'a, str>, Refusal> {
        self.text_of(Expected::Text, forms::is_media_type, Fault::NotAMediaType)
    }

    pub(super) fn language_tag(self) -> Result<Cow<'a, str>, Refusal> {
        self.text_of(Expected::LanguageTag, forms::is_language_tag, Fault::NotALanguageTag)
    }

    pub(super) fn duration(self) -> Result<Duration<'a>, Refusal> {
        self.text_of(Expected::Duration, forms::is_duration, Fault::NotADuration).map(Duration)
    }

    pub(super) fn uuid(self) -> Result<Uuid, Refusal> {
        forms::uuid(&self.text(Expected::Uuid)?).ok_or_else(|| self.refuse(Fault::NotAUuid))
    }

    pub(super) fn timestamp(self) -> Result<DateTime<Utc>, Refusal> {
        forms::timestamp(&self.text(Expected::Time)?, self.version).map_err(|fault| self.refuse(fault))
    }

    pub(super) fn bool(self) -> Result<bool, Refusal> {
        self.value.bool().ok_or_else(|| self.wrong_type(Expected::TrueOrFalse))
    }

    pub(super) fn number(self) -> Result<Number<'a>, Refusal> {
        self.value.number().ok_or_else(|| self.wrong_type(Expected::Number))
    }

    pub(super) fn whole_number(self) -> Result<u64, Refusal> {
        self.value.number().and_then(|number| number.whole()).ok_or_else(|| self.wrong_type(Expected::WholeNumber))
    }

    /// Reads each value of an array.
    pub(super) fn list<T>(
        self,
        expected: Expected,
        read: impl FnMut(Self) -> Result<T, Refusal>,
    ) -> Result<Vec<T>, Refusal> {
        let elements: Elements<'d, 'a> = self.value.elements().ok_or_else(|| self.wrong_type(expected))?;
        let version = self.version;
        elements.map(move |value| Self { value, version }).map(read).collect()
    }

    pub(super) fn language_map(self) -> Result<LanguageMap<'a>, Refusal> {
        let members = self.value.members().ok_or_else(|| self.wrong_type(Expected::LanguageMap))?;
        let mut map = Vec::new();
        for member in members {
            let tag = member.name().map_err(|unclear| self.unclear(unclear))?;
            if !forms::is_language_tag(&tag) {
                return Err(self.refuse_member(&tag, Fault::NotALanguageTag));
            }
            map.push((tag, Self { value: member.value, ..self }.text(Expected::Text)?));
        }
        Ok(LanguageMap(map))
    }

    pub(super) fn extensions(self) -> Result<Extensions<'a>, Refusal> {
        let members = self.value.members().ok_or_else(|| self.wrong_type(Expected::Extensions))?;
        for member in members {
            let name = member.name().map_err(|unclear| self.unclear(unclear))?;
            if !is_iri(&name) {
                return Err(self.refuse_member(&name, Fault::NotAnIri));
            }
        }
        Ok(Extensions { raw: self.raw() })
    }

    /// The members of an object that has no others than those `known`.
    pub(super) fn fields(self, expected: Expected, known: &'static [&'static str]) -> Result<Fields<'d, 'a>, Refusal> {
        let members = self.value.members().ok_or_else(|| self.wrong_type(expected))?;
        let mut found = [None; MAX_FIELDS];
        for member in members {
            let name = member.name().map_err(|unclear| self.unclear(unclear))?;
            let place = known.iter().position(|known| *known == name).and_then(|at| found.get_mut(at));
            let Some(place) = place else {
                let right = known.iter().find(|known| known.eq_ignore_ascii_case(&name));
                let fault = right.map_or(Fault::Unknown, |right| Fault::WrongCase { right });
                return Err(Self { value: member.value, ..self }.refuse(fault));
            };
            *place = Some(member.value);
        }
        Ok(Fields { object: self, known, found })
    }

    /// The text of an object's `objectType`, without reading the rest.
    pub(super) fn object_type(self, expected: Expected) -> Result<Option<(Cow<'a, str>, Self)>, Refusal> {
        let mut members = self.value.members().ok_or_else(|| self.wrong_type(expected))?;
        let member = members.find(|member| member.name().is_ok_and(|name| name == "objectType"));
        let Some(member) = member else { return Ok(None) };
        let input = Self { value: member.value, ..self };
        Ok(Some((input.text(Expected::Text)?, input)))
    }
}

/// The members of one object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'d, 'a> {
    object: Input<'d, 'a>,
    known: &'static [&'static str],
    found: [Option<Value<'d, 'a>>; MAX_FIELDS],
}

impl<'d, 'a> Fields<'d, 'a> {
    pub(super) const fn object(&self) -> Input<'d, 'a> {
        self.object
    }

    /// A member, if it was sent. Only names that the object was opened with are ever found.
    pub(super) fn get(&self, name: &str) -> Option<Input<'d, 'a>> {
        let at = self.known.iter().position(|known| *known == name)?;
        let value = self.found.get(at).copied().flatten()?;
        Some(Input { value, ..self.object })
    }

    pub(super) fn require(&self, name: &str, expected: Expected) -> Result<Input<'d, 'a>, Refusal> {
        self.get(name).ok_or_else(|| self.refuse_member(name, Fault::Missing { expected }))
    }

    /// Reads a member, if it was sent.
    pub(super) fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(Input<'d, 'a>) -> Result<T, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        self.get(name).map(read).transpose()
    }

    pub(super) fn refuse_member(&self, name: &str, fault: Fault) -> Refusal {
        self.object.refuse_member(name, fault)
    }

    /// Checks that `objectType` is what the place takes: required if it distinguishes this object from others.
    pub(super) fn object_type_is(&self, right: &'static str, required: bool) -> Result<(), Refusal> {
        let Some(input) = self.get("objectType") else {
            let missing = Fault::Missing { expected: Expected::Exactly(right) };
            return if required { Err(self.refuse_member("objectType", missing)) } else { Ok(()) };
        };
        if input.text(Expected::Exactly(right))? == right {
            Ok(())
        } else {
            Err(input.refuse(Fault::NotInSet { expected: Expected::Exactly(right) }))
        }
    }
}
