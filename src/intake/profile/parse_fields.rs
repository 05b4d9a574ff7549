//! TOML into where the fields are, and what is made of what stands there.

use std::collections::{BTreeMap, HashMap};

use chrono_tz::Tz;

use super::fault::ProfileFault;
use super::model::{After, Field, Finding, Others, Place, Source, Words, folded};
use super::parse::{Reader, Section, SpannedValue};
use super::path::{InvalidPath, Path};
use super::time::TimeFormat;
use crate::domain::linking::LinkingKey;
use crate::intake::iri::is_iri;

const SOURCE_KEYS: [&str; 7] = ["path", "in_body", "header", "constant", "after", "after_last", "before"];
const FINDING_KEYS: [&str; 16] = [
    "path",
    "in_body",
    "header",
    "constant",
    "after",
    "after_last",
    "before",
    "first_of",
    "values",
    "others",
    "nothing",
    "formats",
    "zone",
    "range",
    "decimal_comma",
    "absent",
];
/// The same of statements, which have one body and no headers, and extensions.
const STATEMENT_SOURCE_KEYS: [&str; 7] = ["path", "extension", "in", "constant", "after", "after_last", "before"];
const STATEMENT_FINDING_KEYS: [&str; 15] = [
    "path",
    "extension",
    "in",
    "constant",
    "after",
    "after_last",
    "before",
    "first_of",
    "values",
    "others",
    "nothing",
    "formats",
    "zone",
    "type",
    "is",
];
/// The most places for one field.
const MAX_SOURCES: usize = 10;
/// The longest constant and mark, in bytes.
const MAX_TEXT: usize = 500;

impl<'t> Reader<'t> {
    pub(super) fn fields(&mut self, section: Section<'_, 't>) -> BTreeMap<Field, Finding> {
        let mut fields = BTreeMap::new();
        for (name, value) in section.table {
            let key = section.name_of(name.get_ref());
            let of_these = |field: &Field| *field != Field::Learner || self.is_of_statements;
            let Some(field) = Field::parse(name.get_ref()).filter(of_these) else {
                let known = Field::ALL.iter().filter(|(_, field)| of_these(field)).map(|(name, _)| *name).collect();
                self.note::<()>(name.span().start, &key, ProfileFault::UnknownKey { known });
                continue;
            };
            // What could not be read counts as there: that it is missing would be said in vain.
            fields.insert(field, self.finding(value, &key, field).unwrap_or_else(some_place));
        }
        fields
    }

    /// `"$.path"`, a list of places, or a table that says more. An empty list takes nothing.
    fn finding(&mut self, value: &SpannedValue<'t>, key: &str, field: Field) -> Option<Finding> {
        if value.get_ref().as_table().is_none() {
            let sources = self.sources(value, key)?;
            return Some(Finding { sources, ..Finding::default() });
        }
        let section = self.section(value, key)?;
        self.only(section, if self.is_of_statements { &STATEMENT_FINDING_KEYS } else { &FINDING_KEYS });
        let sources = match section.get("first_of") {
            None => self.source_of(section).map(|source| vec![source]),
            Some(_) if self.source_keys().iter().any(|name| section.get(name).is_some()) => {
                self.note(section.at, key, ProfileFault::NotOneSource)
            }
            Some(first_of) => self.sources(first_of, &section.name_of("first_of")),
        };
        let words = section.get("values").map(|value| {
            let key = section.name_of("values");
            self.section(value, &key).and_then(|values| self.values(values, section, field))
        });
        if let Some(value) = section.get("others").filter(|_| words.is_none()) {
            self.note::<()>(value.span().start, &section.name_of("others"), ProfileFault::WithoutValues);
        }
        let of_times = ProfileFault::NotOfField("occurred_at");
        for name in ["formats", "zone"] {
            self.refuse_unless(field.is_time(), section, name, &of_times);
        }
        self.refuse_unless(
            matches!(field, Field::Course | Field::Quiz),
            section,
            "type",
            &ProfileFault::NotOfField("course and quiz"),
        );
        self.refuse_unless(field == Field::Learner, section, "is", &ProfileFault::NotOfField("learner"));
        self.refuse_unless(field == Field::ScoreScaled, section, "range", &ProfileFault::NotOfField("score_scaled"));
        self.refuse_unless(field.is_number(), section, "decimal_comma", &ProfileFault::NotOfField("scores"));
        let mut finding = Finding { sources: sources?, ..Finding::default() };
        finding.words = words.flatten();
        if let Some(value) = section.get("nothing") {
            finding.nothing = self.texts(value, &section.name_of("nothing"))?;
        }
        if let Some(value) = section.get("formats") {
            finding.formats = Some(self.formats(value, &section.name_of("formats"))?);
        }
        finding.zone = section.get("zone").and_then(|value| self.zone(value, &section.name_of("zone")));
        if let Some(value) = section.get("absent").filter(|_| !self.is_of_statements) {
            let word = self.word(value, &section.name_of("absent"), &["refuse", "ignore"])?;
            finding.is_passed_over_without = word == "ignore";
        }
        if let Some(value) = section.get("range") {
            let word = self.word(value, &section.name_of("range"), &["0..1", "-1..1"])?;
            finding.is_from_minus_one = word == "-1..1";
        }
        finding.decimal_comma =
            section.get("decimal_comma").and_then(|value| self.flag(value, &section.name_of("decimal_comma")));
        if let Some(value) = section.get("type") {
            finding.types = self.texts(value, &section.name_of("type"))?;
            let is_type = |name: &String| ["course", "quiz", "attempt"].contains(&name.as_str()) || is_iri(name);
            if !finding.types.iter().all(is_type) || finding.types.is_empty() {
                return self.note(value.span().start, &section.name_of("type"), ProfileFault::NotAType);
            }
        }
        if let Some(value) = section.get("is") {
            let word = self.word(value, &section.name_of("is"), &["employee_number", "email", "username"])?;
            finding.key = [LinkingKey::EmployeeNumber, LinkingKey::Email, LinkingKey::Username]
                .into_iter()
                .find(|key| key.as_str() == word);
        }
        Some(finding)
    }

    const fn source_keys(&self) -> &'static [&'static str] {
        if self.is_of_statements { &STATEMENT_SOURCE_KEYS } else { &SOURCE_KEYS }
    }

    fn refuse_unless(&mut self, fits: bool, section: Section<'_, 't>, name: &str, fault: &ProfileFault) {
        if let Some(value) = section.get(name).filter(|_| !fits) {
            self.note::<()>(value.span().start, &section.name_of(name), fault.clone());
        }
    }

    /// A place, or several.
    fn sources(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Vec<Source>> {
        let items = self.items(value, key)?;
        if items.len() > MAX_SOURCES {
            let fault = ProfileFault::TooMany { found: items.len(), most: MAX_SOURCES };
            return self.note(value.span().start, key, fault);
        }
        items.into_iter().map(|item| self.source(item, key)).collect()
    }

    fn source(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Source> {
        if value.get_ref().as_str().is_some() {
            let place = Place::Event(self.path_of_event(value, key)?);
            return Some(Source { place, after: None, before: None });
        }
        let section = match value.get_ref().as_table() {
            Some(table) => Section { table, at: value.span().start, key },
            None => {
                let fault =
                    ProfileFault::WrongType("a path in quotes such as \"$.user.email\", a table, or a list of these");
                return self.note(value.span().start, key, fault);
            }
        };
        self.only(section, self.source_keys());
        self.source_of(section)
    }

    /// A path in an event; in a statement also without its `$.`, as in `context.instructor`.
    fn path_of_event(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Path> {
        let parse: fn(&str) -> Result<Path, InvalidPath> =
            if self.is_of_statements { Path::parse_in_statement } else { Path::parse };
        self.path(value, key, parse)
    }

    /// An extension by its IRI, of the context unless `in` says otherwise.
    fn extension(&mut self, value: &SpannedValue<'t>, section: Section<'_, 't>) -> Option<Place> {
        let key = section.name_of("extension");
        let iri = self.text(value, &key)?;
        if !is_iri(&iri) {
            return self.note(value.span().start, &key, ProfileFault::NotAnIri);
        }
        let within = match section.get("in") {
            None => "context",
            Some(value) => match self.word(value, &section.name_of("in"), &["context", "object", "result"])? {
                "object" => "object.definition",
                other => other,
            },
        };
        let name = serde_json::Value::from(iri);
        match Path::parse(&format!("$.{within}.extensions[{name}]")) {
            Ok(path) => Some(Place::Event(path)),
            Err(invalid) => self.note(value.span().start, &key, ProfileFault::Path(invalid)),
        }
    }

    /// The place that a table names.
    pub(super) fn source_of(&mut self, section: Section<'_, 't>) -> Option<Source> {
        let extension = section.get("extension").filter(|_| self.is_of_statements);
        if let Some(value) = section.get("in").filter(|_| self.is_of_statements && extension.is_none()) {
            return self.note(value.span().start, &section.name_of("in"), ProfileFault::NotOfField("an extension"));
        }
        let others = ["path", "in_body", "header", "constant"].map(|name| section.get(name));
        let place = match others {
            _ if extension.is_some_and(|_| others.iter().any(Option::is_some)) => {
                self.note(section.at, section.key, ProfileFault::NotOneSource)
            }
            [None, None, None, None] if extension.is_some() => {
                extension.and_then(|value| self.extension(value, section))
            }
            [Some(path), None, None, None] => self.path_of_event(path, &section.name_of("path")).map(Place::Event),
            [None, Some(path), None, None] => {
                self.path(path, &section.name_of("in_body"), Path::parse_singular).map(Place::Body)
            }
            [None, None, Some(name), None] => self.header(name, &section.name_of("header")).map(Place::Header),
            [None, None, None, Some(text)] => self.mark(text, &section.name_of("constant")).map(Place::Constant),
            _ => self.note(section.at, section.key, ProfileFault::NotOneSource),
        };
        let mut marks = ["after", "after_last", "before"].map(|name| (section.name_of(name), section.get(name), None));
        for (key, value, mark) in &mut marks {
            if let Some(value) = *value {
                *mark = Some(self.mark(value, key)?);
            }
        }
        let [(_, _, after), (_, last, after_last), (_, _, before)] = marks;
        if let Some(value) = last.filter(|_| after.is_some()) {
            return self.note(value.span().start, &section.name_of("after"), ProfileFault::BesideAfterLast);
        }
        let after = after.map(After::First).or(after_last.map(After::Last));
        Some(Source { place: place?, after, before })
    }

    fn mark(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<String> {
        let text = self.filled(value, key)?;
        if text.len() > MAX_TEXT {
            return self.note(value.span().start, key, ProfileFault::TooMany { found: text.len(), most: MAX_TEXT });
        }
        Some(text)
    }

    pub(super) fn path(
        &mut self,
        value: &SpannedValue<'t>,
        key: &str,
        parse: fn(&str) -> Result<Path, InvalidPath>,
    ) -> Option<Path> {
        let text = self.text(value, key)?;
        match parse(&text) {
            Ok(path) => Some(path),
            Err(invalid) => self.note(value.span().start, key, ProfileFault::Path(invalid)),
        }
    }

    /// The name of a header (RFC 9110, section 5.1).
    pub(super) fn header(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<String> {
        let name = self.text(value, key)?;
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || name.len() > 100 || !name.bytes().all(is_token) {
            return self.note(value.span().start, key, ProfileFault::NotAHeader);
        }
        Some(name)
    }

    fn values(&mut self, section: Section<'_, 't>, of: Section<'_, 't>, field: Field) -> Option<Words> {
        let mut ours = HashMap::with_capacity(section.table.len());
        for (word, value) in section.table {
            let key = section.name_of(word.get_ref());
            let text = self.text(value, &key)?;
            if field == Field::Passed && !["true", "false", ""].contains(&text.as_str()) {
                self.note::<()>(value.span().start, &key, ProfileFault::NeitherTrueNorFalse(text.clone()));
            }
            if ours.insert(folded(word.get_ref()), text).is_some() {
                self.note::<()>(word.span().start, &key, ProfileFault::SameWordTwice);
            }
        }
        let others = match of.get("others") {
            None => Others::Refuse,
            Some(value) => match self.word(value, &of.name_of("others"), &["refuse", "keep", "nothing"])? {
                "keep" => Others::Keep,
                "nothing" => Others::Nothing,
                _ => Others::Refuse,
            },
        };
        Some(Words { ours, others })
    }

    pub(super) fn formats(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Vec<TimeFormat>> {
        let items = self.items(value, key)?;
        if items.is_empty() {
            return self.note(value.span().start, key, ProfileFault::Empty);
        }
        let read = |item: &SpannedValue<'t>| {
            let text = self.text(item, key)?;
            TimeFormat::parse(&text).or_else(|| self.note(item.span().start, key, ProfileFault::NotATimeFormat))
        };
        items.into_iter().map(read).collect()
    }

    pub(super) fn zone(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Tz> {
        let text = self.text(value, key)?;
        text.parse().ok().or_else(|| self.note(value.span().start, key, ProfileFault::NotAZone))
    }
}

fn some_place() -> Finding {
    let place = Place::Constant(String::new());
    Finding { sources: vec![Source { place, after: None, before: None }], ..Finding::default() }
}
