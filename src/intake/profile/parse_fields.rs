//! TOML into where the fields are, and what is made of what stands there.

use std::collections::{BTreeMap, HashMap};

use chrono_tz::Tz;

use super::fault::ProfileFault;
use super::model::{After, Field, Finding, Others, Place, Source, Words, folded};
use super::parse::{Reader, Section, SpannedValue};
use super::path::{InvalidPath, Path};
use super::time::TimeFormat;

const SOURCE_KEYS: [&str; 7] = ["path", "in_body", "header", "constant", "after", "after_last", "before"];
const FINDING_KEYS: [&str; 15] = [
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
            let Some(field) = Field::parse(name.get_ref()) else {
                let known = Field::ALL.iter().map(|(name, _)| *name).collect();
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
        self.only(section, &FINDING_KEYS);
        let sources = match section.get("first_of") {
            None => self.source_of(section).map(|source| vec![source]),
            Some(_) if SOURCE_KEYS.iter().any(|name| section.get(name).is_some()) => {
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
        if let Some(value) = section.get("range") {
            let word = self.word(value, &section.name_of("range"), &["0..1", "-1..1"])?;
            finding.is_from_minus_one = word == "-1..1";
        }
        finding.decimal_comma =
            section.get("decimal_comma").and_then(|value| self.flag(value, &section.name_of("decimal_comma")));
        Some(finding)
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
            let place = Place::Event(self.path(value, key, Path::parse)?);
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
        self.only(section, &SOURCE_KEYS);
        self.source_of(section)
    }

    /// The place that a table names.
    pub(super) fn source_of(&mut self, section: Section<'_, 't>) -> Option<Source> {
        let place = match ["path", "in_body", "header", "constant"].map(|name| section.get(name)) {
            [Some(path), None, None, None] => self.path(path, &section.name_of("path"), Path::parse).map(Place::Event),
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
