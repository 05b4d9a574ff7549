//! Where the fields of xAPI statements stand, where a platform's profile says so: by the grammar of webhooks' profiles.
//!
//! `[fields]` says it for every verb, `[[events]]` with `verb` and `fields` for some. A place is a JSON path in the
//! statement, the same without its `$.`, or an extension by its IRI. What is made of what stands there,
//! `intake::xapi::places` decides.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::document::{Document, Said};
use super::fault::{ProfileFault, ReadingFault, shown};
use super::model::{Accepts, BodyForm, Field, Finding, Place, Source};
use super::parse::{MAX_LIST, Table};
use super::parse_fields::Grammar;
use super::reading::translated;
use super::time;
use crate::toml::{Known, TomlFault, each};
use crate::webhook::instant::PlatformClock;
use kurskoll_domain::linking::LinkingKey;

/// The fields that statements have.
pub const FIELDS: [Field; 10] = [
    Field::Learner,
    Field::EmployeeNumber,
    Field::Email,
    Field::Username,
    Field::AccountHomePage,
    Field::AccountName,
    Field::Course,
    Field::Quiz,
    Field::Attempt,
    Field::OccurredAt,
];

/// What verbs are called in a profile of statements, beside their IRIs.
pub const VERBS: [&str; 8] =
    ["completed", "attended", "passed", "failed", "scored", "satisfied", "waived", "uncompleted"];

const EVENT_KEYS: [&str; 2] = ["verb", "fields"];

/// The members of a statement, of its context, and of its context's activities: a path that begins otherwise finds
/// nothing.
const MEMBERS: [&str; 11] = [
    "id",
    "actor",
    "verb",
    "object",
    "result",
    "context",
    "timestamp",
    "stored",
    "authority",
    "version",
    "attachments",
];
const OF_CONTEXT: [&str; 11] = [
    "registration",
    "instructor",
    "team",
    "contextActivities",
    "revision",
    "platform",
    "language",
    "statement",
    "extensions",
    "contextAgents",
    "contextGroups",
];
const OF_ACTIVITIES: [&str; 4] = ["parent", "grouping", "category", "other"];

/// Where a platform's statements have what they report, if that is not the usual place.
#[derive(Debug, Clone, Default)]
pub struct StatementFields {
    /// The profile's text, by which two are the same; empty where it names no place.
    written: String,
    shared: BTreeMap<Field, Finding>,
    /// The first that names a verb.
    of_verbs: Vec<OfVerbs>,
}

/// The fields of some verbs, by our words for them or their IRIs.
type OfVerbs = (Vec<String>, BTreeMap<Field, Finding>);

impl PartialEq for StatementFields {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for StatementFields {}

/// A verb: our word for it, and its IRI.
pub type Verb<'v> = (&'static str, &'v str);

impl StatementFields {
    /// Reads the places that a profile of statements names. `text` is all of it; `is_verb` says which IRIs it reads as
    /// a verb.
    pub fn read(file: &Table<'_>, text: &str, is_verb: impl Fn(&str) -> bool) -> Option<Self> {
        let shared = file.optional_or("fields", BTreeMap::new(), |value| Some(fields(&value.table()?)));
        let of_verbs = file.optional_or("events", Vec::new(), |value| {
            each(value.one_or_list(MAX_LIST)?, |item| of_verbs(&item.table()?, &is_verb))
        });
        let (shared, of_verbs) = (shared?, of_verbs?);
        let says_something = !shared.is_empty() || !of_verbs.is_empty();
        let written = if says_something { text.to_owned() } else { String::new() };
        Some(Self { written, shared, of_verbs })
    }

    /// Whether everything stands in its usual place.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    fn finding(&self, field: Field, (word, iri): Verb<'_>) -> Option<&Finding> {
        let named = |verbs: &[String]| verbs.iter().any(|verb| verb == word || verb == iri);
        let mut own = self.of_verbs.iter().filter(|(verbs, _)| named(verbs));
        own.find_map(|(_, fields)| fields.get(&field)).or_else(|| self.shared.get(&field))
    }
}

/// What one of `[[events]]` says: of which verbs, and where their fields stand.
fn of_verbs(table: &Table<'_>, is_verb: &impl Fn(&str) -> bool) -> Option<OfVerbs> {
    table.only(&EVENT_KEYS);
    let verbs = table.required("verb", |value| {
        each(value.one_or_some(MAX_LIST)?, |item| {
            let verb = item.text()?;
            let is_known = VERBS.contains(&verb) || is_verb(verb);
            if is_known { Some(verb.to_owned()) } else { item.note(ProfileFault::NotAVerb(shown(verb))) }
        })
    });
    let fields = table.required("fields", |value| Some(fields(&value.table()?)));
    verbs.zip(fields)
}

fn fields(table: &Table<'_>) -> BTreeMap<Field, Finding> {
    let fields = Grammar::Statements.fields(table);
    if fields.contains_key(&Field::AccountName) != fields.contains_key(&Field::AccountHomePage) {
        table.note::<()>(ProfileFault::HalfAnAccount);
    }
    for (name, value) in table.entries() {
        let field = Field::parse(name);
        let Some((field, finding)) = field.and_then(|field| fields.get_key_value(&field)) else { continue };
        if finding.sources.is_empty() {
            value.note::<()>(TomlFault::Empty);
        }
        let may_be_constant = matches!(field, Field::Course | Field::Quiz | Field::AccountHomePage);
        for source in &finding.sources {
            match &source.place {
                Place::Constant(text) if !may_be_constant && !text.is_empty() => {
                    value.note::<()>(ProfileFault::ConstantOfEach);
                }
                Place::Event(path) => {
                    if let Some(known) = strange_beginning(&path.to_string()) {
                        value.note::<()>(ProfileFault::NotInAStatement(known));
                    }
                }
                Place::Body(_) | Place::Header(_) | Place::Constant(_) => {}
            }
        }
    }
    fields
}

/// What there is in the place of a path's beginning, where no statement has that.
fn strange_beginning(path: &str) -> Option<Known> {
    let mut names = path.strip_prefix("$.")?.split('.').map(|name| name.split('[').next().unwrap_or(name));
    let mut below = |known: &[&'static str]| {
        let name = names.next().filter(|name| !name.is_empty() && *name != "*")?;
        Some(if known.contains(&name) { Ok(name) } else { Err(Known::instead_of(name, known.to_vec())) })
    };
    match below(&MEMBERS)? {
        Ok("context") => {}
        other => return other.err(),
    }
    match below(&OF_CONTEXT)? {
        Ok("contextActivities") => {}
        other => return other.err(),
    }
    below(&OF_ACTIVITIES)?.err()
}

/// A statement as places are looked for in it.
#[derive(Debug)]
pub struct StatementDocument {
    document: Document,
    /// The same with each of the context's activities in a list, and with the first of them alone: one is as good as a
    /// list of one (Data 2.4.6.2), so a path that is written for either finds both.
    lists: Value,
    singles: Value,
}

impl StatementDocument {
    /// Of a statement that was read.
    #[must_use]
    pub fn of(raw: &str) -> Option<Self> {
        let form = BodyForm { accepts: Accepts::Json, json_fields: Vec::new(), each: Vec::new() };
        let document = Document::read(&form, "application/json", raw.as_bytes()).ok()?;
        let around = |change: fn(&mut Value)| {
            let mut value = document.value.clone();
            let activities = value.pointer_mut("/context/contextActivities").and_then(Value::as_object_mut);
            activities.into_iter().flatten().for_each(|(_, activities)| change(activities));
            value
        };
        let lists = around(|activities| {
            if activities.is_object() {
                *activities = Value::Array(vec![activities.take()]);
            }
        });
        let singles = around(|activities| {
            if let Some(first) = activities.as_array_mut().and_then(|all| all.first_mut()) {
                *activities = first.take();
            }
        });
        Some(Self { document, lists, singles })
    }
}

/// What stands in the places of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Sought {
    /// Where it was found; all places where it was looked for, if it was not.
    pub looked_at: String,
    /// Where it stands in the statement (RFC 6901).
    pub pointer: Option<String>,
    pub found: Option<Thing>,
}

/// What a place has.
#[derive(Debug, Clone, PartialEq)]
pub enum Thing {
    /// A text, a number or a truth value, as the profile's words translate it.
    Text(String),
    /// An object: an agent, a group, an activity.
    Object(Value),
    /// A list of several.
    Several,
    /// A word that the profile's values do not list.
    Unlisted(String),
}

impl Thing {
    /// As it is shown.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => shown(text),
            Self::Object(value) => shown(&value.to_string()),
            Self::Several => "a list of several".to_owned(),
            Self::Unlisted(problem) => problem.clone(),
        }
    }
}

impl StatementFields {
    /// Looks for a field of a statement with some verb; nothing where the profile does not say where it stands.
    ///
    /// `is_of` says whether an activity's type is one of those that the profile names.
    #[must_use]
    pub fn seek(
        &self,
        field: Field,
        verb: Verb<'_>,
        statement: &StatementDocument,
        is_of: &dyn Fn(&str, &[String]) -> bool,
    ) -> Option<Sought> {
        let finding = self.finding(field, verb)?;
        for source in &finding.sources {
            if let Some((thing, pointer)) = look(source, finding, field, statement, is_of) {
                return Some(Sought { looked_at: source.to_string(), pointer, found: Some(thing) });
            }
        }
        let looked: Vec<String> = finding.sources.iter().map(ToString::to_string).collect();
        Some(Sought { looked_at: looked.join(", "), pointer: None, found: None })
    }

    /// Which key a text is that stands for a learner, where the profile says so.
    #[must_use]
    pub fn key_of(&self, field: Field, verb: Verb<'_>) -> Option<LinkingKey> {
        self.finding(field, verb)?.key
    }

    /// Reads a time as the profile has it; nothing where it says "never".
    ///
    /// # Errors
    /// It is no time in any of the profile's formats, or none at which something may have happened.
    pub fn time(
        &self,
        field: Field,
        verb: Verb<'_>,
        text: &str,
        received_at: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, ReadingFault> {
        let finding = self.finding(field, verb);
        let zone = finding.and_then(|finding| finding.zone).unwrap_or(chrono_tz::UTC);
        let formats = finding.and_then(|finding| finding.formats.as_deref()).unwrap_or_default();
        time::read(text, formats, &PlatformClock { zone, received_at })
    }
}

fn look(
    source: &Source,
    finding: &Finding,
    field: Field,
    statement: &StatementDocument,
    is_of: &dyn Fn(&str, &[String]) -> bool,
) -> Option<(Thing, Option<String>)> {
    let path = match &source.place {
        Place::Constant(text) => return Some((Thing::Text(text.clone()), None)),
        // A statement has no headers, and its profile names none.
        Place::Header(_) | Place::Body(_) => return None,
        Place::Event(path) => path,
    };
    let trees = [&statement.document.value, &statement.lists, &statement.singles];
    let of_a_type = |value: &Value| {
        let kind = value.pointer("/definition/type").and_then(Value::as_str);
        finding.types.is_empty() || kind.is_some_and(|kind| is_of(kind, &finding.types))
    };
    let is_about_activities = matches!(field, Field::Course | Field::Quiz);
    for tree in trees {
        for (pointer, value) in path.locate(tree) {
            // A list of activities is as good as its first of the type, and a list of one as that one.
            let (pointer, value) = match value.as_array() {
                None => (pointer, value),
                Some(items) if is_about_activities => {
                    match items.iter().enumerate().find(|(_, item)| item.is_object() && of_a_type(item)) {
                        Some((place, item)) => (format!("{pointer}/{place}"), item),
                        None => continue,
                    }
                }
                Some(items) => match items.as_slice() {
                    [] => continue,
                    [one] => (format!("{pointer}/0"), one),
                    _ => return Some((Thing::Several, Some(pointer))),
                },
            };
            if value.is_object() {
                if !is_about_activities || of_a_type(value) {
                    return Some((Thing::Object(value.clone()), Some(pointer)));
                }
                continue;
            }
            if is_about_activities && !finding.types.is_empty() {
                continue;
            }
            let Said::Text(text) = statement.document.said(&pointer, value) else { continue };
            let Some(part) = source.part(&text).filter(|part| !part.is_empty()) else { continue };
            if finding.nothing.iter().any(|word| word == part) || (field.is_time() && time::says_never(part)) {
                continue;
            }
            match translated(field, finding, part) {
                Ok(Some(word)) => return Some((Thing::Text(word), Some(pointer))),
                Ok(None) => {}
                Err(fault) => return Some((Thing::Unlisted(fault.to_string()), Some(pointer))),
            }
        }
    }
    None
}
