//! TOML into where the fields are, and what is made of what stands there.

use std::collections::{BTreeMap, HashMap};

use chrono_tz::Tz;

use super::fault::ProfileFault;
use super::model::{After, Field, Finding, Others, Place, Source, ValueMap, normalised};
use super::parse::{MAX_LIST, Table, Value, texts};
use super::path::{InvalidPath, Path};
use super::statements::FIELDS;
use super::time::TimeFormat;
use crate::iri::is_iri;
use crate::toml::{TomlFault, each};
use kurskoll_domain::linking::LinkingKey;

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

/// Whose fields are read, for the places of the two differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grammar {
    Deliveries,
    /// A path may leave the `$.` out, and an extension is named by its IRI.
    Statements,
}

impl Grammar {
    fn known_fields(self) -> Vec<Field> {
        match self {
            Self::Deliveries => {
                Field::ALL.iter().map(|(_, field)| *field).filter(|field| *field != Field::Learner).collect()
            }
            Self::Statements => FIELDS.to_vec(),
        }
    }

    pub(super) fn fields(self, table: &Table<'_>) -> BTreeMap<Field, Finding> {
        let known = self.known_fields();
        table.only(&known.iter().map(|field| field.as_str()).collect::<Vec<_>>());
        let fields = table.entries().filter_map(|(name, value)| {
            let field = Field::parse(name).filter(|field| known.contains(field))?;
            // What could not be read counts as there: that it is missing would be said in vain.
            Some((field, self.finding(value, field).unwrap_or_else(some_place)))
        });
        fields.collect()
    }

    const fn source_keys(self) -> &'static [&'static str] {
        match self {
            Self::Deliveries => &SOURCE_KEYS,
            Self::Statements => &STATEMENT_SOURCE_KEYS,
        }
    }

    const fn finding_keys(self) -> &'static [&'static str] {
        match self {
            Self::Deliveries => &FINDING_KEYS,
            Self::Statements => &STATEMENT_FINDING_KEYS,
        }
    }

    /// `"$.path"`, a list of places, or a table that says more. An empty list takes nothing.
    fn finding(self, value: Value<'_>, field: Field) -> Option<Finding> {
        if !value.is_table() {
            return Some(Finding { sources: self.sources(value)?, ..Finding::default() });
        }
        let table = value.table()?;
        table.only(self.finding_keys());
        let sources = match table.get("first_of") {
            None => self.source_of(&table).map(|source| vec![source]),
            Some(_) if self.source_keys().iter().any(|name| table.has(name)) => table.note(ProfileFault::NotOneSource),
            Some(first_of) => self.sources(first_of),
        };
        let words = table.optional("values", |value| words(&value.table()?, &table, field));
        if table.has("others") && !table.has("values") {
            table.note_key::<()>("others", ProfileFault::WithoutValues);
        }
        for (name, fits, whose) in [
            ("formats", field.is_time(), "occurred_at"),
            ("zone", field.is_time(), "occurred_at"),
            ("type", matches!(field, Field::Course | Field::Quiz), "course and quiz"),
            ("is", field == Field::Learner, "learner"),
            ("range", field == Field::ScoreScaled, "score_scaled"),
            ("decimal_comma", field.is_number(), "scores"),
        ] {
            if table.has(name) && !fits {
                table.note_key::<()>(name, ProfileFault::NotOfField(whose));
            }
        }
        let nothing = table.optional_or("nothing", Vec::new(), texts);
        let formats = table.optional("formats", formats);
        let zone = table.optional("zone", zone);
        let absent = table.optional_or("absent", "refuse", |value| value.word(&["refuse", "ignore"]));
        let range = table.optional_or("range", "0..1", |value| value.word(&["0..1", "-1..1"]));
        let decimal_comma = table.optional("decimal_comma", |value| value.flag());
        let types = table.optional_or("type", Vec::new(), types);
        let key = table.optional("is", |value| {
            let word = value.word(&["employee_number", "email", "username"])?;
            let keys = [LinkingKey::EmployeeNumber, LinkingKey::Email, LinkingKey::Username];
            keys.into_iter().find(|key| key.as_str() == word)
        });
        Some(Finding {
            sources: sources?,
            words: words?,
            nothing: nothing?,
            formats: formats?,
            zone: zone?,
            is_from_minus_one: range? == "-1..1",
            decimal_comma: decimal_comma?,
            is_skipped_without: absent? == "ignore",
            types: types?,
            key: key?,
        })
    }

    /// A place, or several.
    fn sources(self, value: Value<'_>) -> Option<Vec<Source>> {
        each(value.one_or_list(MAX_SOURCES)?, |item| self.source(item))
    }

    fn source(self, value: Value<'_>) -> Option<Source> {
        if value.is_text() {
            return Some(Source { place: Place::Event(self.path_of_event(value)?), after: None, before: None });
        }
        if !value.is_table() {
            return value.must_be("a path in quotes such as \"$.user.email\", a table, or a list of these");
        }
        let table = value.table()?;
        table.only(self.source_keys());
        self.source_of(&table)
    }

    /// A path in an event; in a statement also without its `$.`, as in `context.instructor`.
    fn path_of_event(self, value: Value<'_>) -> Option<Path> {
        match self {
            Self::Deliveries => path(value, Path::parse),
            Self::Statements => path(value, Path::parse_in_statement),
        }
    }

    /// The place that a table names.
    pub(super) fn source_of(self, table: &Table<'_>) -> Option<Source> {
        let of_statement = |name: &str| table.get(name).filter(|_| self == Self::Statements);
        let extension_value = of_statement("extension");
        if of_statement("in").is_some() && extension_value.is_none() {
            return table.note_key("in", ProfileFault::NotOfField("an extension"));
        }
        let others = ["path", "in_body", "header", "constant"].map(|name| table.get(name));
        let place = match (extension_value, others) {
            (Some(value), [None, None, None, None]) => extension(value, table),
            (None, [Some(path), None, None, None]) => self.path_of_event(path).map(Place::Event),
            (None, [None, Some(in_body), None, None]) => path(in_body, Path::parse_singular).map(Place::Body),
            (None, [None, None, Some(name), None]) => header(name).map(Place::Header),
            (None, [None, None, None, Some(constant)]) => mark(constant).map(Place::Constant),
            _ => table.note(ProfileFault::NotOneSource),
        };
        let [after, after_last, before] = ["after", "after_last", "before"].map(|name| table.optional(name, mark));
        let after = match (after?, after_last?) {
            (Some(_), Some(_)) => return table.note_key("after", ProfileFault::BesideAfterLast),
            (first, last) => first.map(After::First).or(last.map(After::Last)),
        };
        Some(Source { place: place?, after, before: before? })
    }
}

/// An extension by its IRI, of the context unless `in` says otherwise.
fn extension(value: Value<'_>, table: &Table<'_>) -> Option<Place> {
    let iri = value.text()?;
    if !is_iri(iri) {
        return value.note(ProfileFault::NotAnIri);
    }
    let within = table.optional_or("in", "context", |value| value.word(&["context", "object", "result"]));
    let within = match within? {
        "object" => "object.definition",
        other => other,
    };
    let name = serde_json::Value::from(iri);
    value.accept(Path::parse(&format!("$.{within}.extensions[{name}]"))).map(Place::Event)
}

fn mark(value: Value<'_>) -> Option<String> {
    let text = value.filled()?;
    if text.len() > MAX_TEXT {
        return value.note(TomlFault::TooMany { found: text.len(), most: MAX_TEXT });
    }
    Some(text.to_owned())
}

pub(super) fn path(value: Value<'_>, parse: fn(&str) -> Result<Path, InvalidPath>) -> Option<Path> {
    value.accept(parse(value.text()?))
}

/// The name of a header (RFC 9110, section 5.1).
pub(super) fn header(value: Value<'_>) -> Option<String> {
    let name = value.text()?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > 100 || !name.bytes().all(is_token) {
        return value.note(ProfileFault::NotAHeader);
    }
    Some(name.to_owned())
}

fn types(value: Value<'_>) -> Option<Vec<String>> {
    each(value.one_or_some(MAX_LIST)?, |item| {
        let name = item.text()?;
        let is_type = ["course", "quiz", "attempt"].contains(&name) || is_iri(name);
        if is_type { Some(name.to_owned()) } else { item.note(ProfileFault::NotAType) }
    })
}

fn words(table: &Table<'_>, finding: &Table<'_>, field: Field) -> Option<ValueMap> {
    let mut ours = HashMap::new();
    for (word, value) in table.entries() {
        let Some(text) = value.text() else { continue };
        if field == Field::Passed && !["true", "false", ""].contains(&text) {
            value.note::<()>(ProfileFault::NeitherTrueNorFalse(text.to_owned()));
        }
        if ours.insert(normalised(word), text.to_owned()).is_some() {
            table.note_key::<()>(word, ProfileFault::SameWordTwice);
        }
    }
    let others = finding.optional_or("others", "refuse", |value| value.word(&["refuse", "keep", "nothing"]));
    let others = match others? {
        "keep" => Others::Keep,
        "nothing" => Others::Nothing,
        _ => Others::Refuse,
    };
    Some(ValueMap { ours, others })
}

pub(super) fn formats(value: Value<'_>) -> Option<Vec<TimeFormat>> {
    each(value.one_or_some(MAX_LIST)?, |item| {
        item.accept(TimeFormat::parse(item.text()?).ok_or(ProfileFault::NotATimeFormat))
    })
}

pub(super) fn zone(value: Value<'_>) -> Option<Tz> {
    value.accept(value.text()?.parse().map_err(|_| ProfileFault::NotAZone))
}

fn some_place() -> Finding {
    let place = Place::Constant(String::new());
    Finding { sources: vec![Source { place, after: None, before: None }], ..Finding::default() }
}
