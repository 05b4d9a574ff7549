//! A stored statement as it is given back (Communication 2.1.3, the parameter `format`).
//!
//! A statement is stored as it was sent, and what an LRS adds is put into its text; every byte that need not change
//! stays, numbers with all their digits. In every format a context activity that was sent alone comes back in a list
//! (Data 2.4.6.2).

mod edits;
mod parts;

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use self::edits::Edits;
use self::parts::{Part, parts};
use super::forms;
use super::language::AcceptLanguage;
use crate::json::{Document, Value};

/// What an LRS says of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetByLrs<'a> {
    /// If the statement has none (Data 2.4.1).
    pub id: Uuid,
    /// If the statement has none (Data 2.4.7).
    pub timestamp: DateTime<Utc>,
    /// In place of any that was sent (Data 2.4.8).
    pub stored: DateTime<Utc>,
    /// An agent or a group as JSON, in place of any that was sent (Data 2.4.9).
    pub authority: &'a str,
    /// If the statement has none (Data 2.4.10).
    pub version: &'a str,
    /// Whether times are written in UTC and to RFC 3339, however they were sent: 2.0 has them so.
    pub times_in_utc: bool,
}

/// How statements are given back.
#[derive(Clone, Copy)]
pub enum Format<'f> {
    /// As they were sent.
    Exact,
    /// With only what identifies agents, verbs and activities.
    Ids,
    /// With what the LRS knows of activities, in the reader's language.
    Canonical {
        languages: &'f AcceptLanguage,
        /// The definition that the LRS has of an activity, as JSON.
        definition: &'f dyn Fn(&str) -> Option<String>,
    },
}

/// A stored statement was not JSON. It was once, so its store is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored statement is not a JSON object: restore it from a backup")]
pub struct BrokenStatement;

/// Writes a statement that was accepted once.
///
/// * `raw`: the statement as it was sent.
pub fn render(raw: &str, set: &SetByLrs<'_>, format: Format<'_>) -> Result<String, BrokenStatement> {
    let document = Document::parse(raw).map_err(|_| BrokenStatement)?;
    let statement = document.root();
    let members = statement.members().ok_or(BrokenStatement)?;
    let mut edits = Edits::default();
    for part in parts(statement) {
        change(&mut edits, part, format);
    }
    if set.times_in_utc {
        let own = [Some(statement), member(statement, "object").filter(|object| is_sub_statement(*object))];
        for input in own.into_iter().flatten().filter_map(|statement| member(statement, "timestamp")) {
            if let Some(in_utc) = input.text().and_then(Result::ok).and_then(|text| forms::in_utc(&text)) {
                edits.replace(input, format!("\"{in_utc}\""));
            }
        }
    }

    let authority = rendered_actor(set.authority, format);
    let set_or_replaced = [
        ("id", format!("\"{}\"", set.id), false),
        ("timestamp", time(set.timestamp), false),
        ("stored", time(set.stored), true),
        ("authority", authority.into_owned(), true),
        ("version", format!("\"{}\"", set.version), false),
    ];
    let mut added = String::new();
    for (name, value, replaces) in set_or_replaced {
        let input = members.clone().find(|member| member.name().is_ok_and(|input| input == name));
        match input {
            Some(input) if replaces => edits.replace(input.value, value),
            Some(_) => {}
            None => added.push_str(&format!(",\"{name}\":{value}")),
        }
    }
    // A statement has an actor, so there is something before the comma.
    edits.insert_before_end(statement, added);
    Ok(edits.apply(raw))
}

fn is_sub_statement(object: Value<'_, '_>) -> bool {
    let kind = member(object, "objectType").and_then(|kind| kind.text()?.ok());
    kind.as_deref() == Some("SubStatement")
}

/// UTC, in microseconds, which is a store's precision.
fn time(instant: DateTime<Utc>) -> String {
    format!("\"{}\"", instant.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// The changes of one part by the format.
fn change(edits: &mut Edits, part: Part<'_, '_>, format: Format<'_>) {
    match (part, format) {
        (Part::AloneInContext(activity), _) => edits.wrap(activity),
        (Part::Actor(actor), Format::Ids) => edits.replace(actor, actor_ids(actor)),
        (Part::ActorAsObject(actor), Format::Ids) => edits.replace(actor, object_ids(actor)),
        (Part::Verb(verb), Format::Ids) => edits.replace(verb, only(verb, &["id"])),
        (Part::Activity(activity), Format::Ids) => edits.replace(activity, only(activity, &["id"])),
        (Part::Verb(verb), Format::Canonical { languages, .. }) => {
            if let Some(display) = member(verb, "display") {
                cut(edits, display, languages);
            }
        }
        (Part::Attachment(attachment), Format::Canonical { languages, .. }) => {
            for map in ["display", "description"].into_iter().filter_map(|name| member(attachment, name)) {
                cut(edits, map, languages);
            }
        }
        (Part::Activity(activity), Format::Canonical { languages, definition }) => {
            let id = member(activity, "id").and_then(|id| id.text()?.ok());
            let known = id.and_then(|id| definition(&id)).and_then(|known| cut_definition(&known, languages));
            match (known, member(activity, "definition")) {
                (Some(known), Some(input)) => edits.replace(input, known),
                (Some(known), None) => edits.insert_before_end(activity, format!(",\"definition\":{known}")),
                (None, Some(input)) => cut_maps(edits, input, languages),
                (None, None) => {}
            }
        }
        (Part::Actor(_) | Part::ActorAsObject(_) | Part::Verb(_) | Part::Activity(_) | Part::Attachment(_), _) => {}
    }
}

fn member<'d, 'a>(object: Value<'d, 'a>, name: &str) -> Option<Value<'d, 'a>> {
    let found = object.members()?.find(|member| member.name().is_ok_and(|input| input == name));
    found.map(|member| member.value)
}

/// An object with some of its members alone, as they were sent.
fn only(object: Value<'_, '_>, names: &[&str]) -> String {
    let kept = object.members().into_iter().flatten().filter_map(|member| {
        let name = member.name().ok()?;
        names.contains(&name.as_ref()).then(|| format!("\"{name}\":{}", member.value.raw()))
    });
    format!("{{{}}}", kept.collect::<Vec<_>>().join(","))
}

/// The identifiers of an agent or a group.
const IDENTIFIERS: [&str; 4] = ["mbox", "mbox_sha1sum", "openid", "account"];
/// The same, with what distinguishes a group from an agent.
const IDENTIFIERS_WITH_TYPE: [&str; 5] = ["objectType", "mbox", "mbox_sha1sum", "openid", "account"];

/// What identifies an agent or a group: its identifier; the members of a group that has none. What has no `objectType`
/// is an agent (Data 2.4.2.1), so only a group needs one.
fn actor_ids(actor: Value<'_, '_>) -> String {
    let kind = member(actor, "objectType").and_then(|kind| kind.text()?.ok());
    if kind.as_deref() != Some("Group") {
        return only(actor, &IDENTIFIERS);
    }
    if IDENTIFIERS.iter().any(|name| member(actor, name).is_some()) {
        return only(actor, &IDENTIFIERS_WITH_TYPE);
    }
    let members = member(actor, "member").and_then(Value::elements).into_iter().flatten();
    let members: Vec<String> = members.map(|agent| only(agent, &IDENTIFIERS)).collect();
    format!("{{\"objectType\":\"Group\",\"member\":[{}]}}", members.join(","))
}

/// The same of a statement's object: what has no `objectType` there is an activity (Data 2.4.4).
fn object_ids(actor: Value<'_, '_>) -> String {
    let kind = member(actor, "objectType").and_then(|kind| kind.text()?.ok());
    if kind.as_deref() == Some("Agent") { only(actor, &IDENTIFIERS_WITH_TYPE) } else { actor_ids(actor) }
}

fn rendered_actor<'a>(json: &'a str, format: Format<'_>) -> Cow<'a, str> {
    match (format, Document::parse(json)) {
        (Format::Ids, Ok(document)) => actor_ids(document.root()).into(),
        _ => json.into(),
    }
}

/// Leaves only the entry of a language map that fits the reader best.
fn cut(edits: &mut Edits, map: Value<'_, '_>, languages: &AcceptLanguage) {
    let entries: Vec<_> = map.members().into_iter().flatten().collect();
    if entries.len() < 2 {
        return;
    }
    let tags: Vec<Cow<'_, str>> = entries.iter().map(|entry| entry.name().unwrap_or_default()).collect();
    let best = languages.best(tags.iter().map(AsRef::as_ref)).and_then(|at| tags.get(at).zip(entries.get(at)));
    if let Some((tag, entry)) = best {
        // A language tag has nothing in it that JSON would escape.
        edits.replace(map, format!("{{\"{tag}\":{}}}", entry.value.raw()));
    }
}

/// Cuts the language maps of a definition: its own, and those of its interaction's components.
fn cut_maps(edits: &mut Edits, definition: Value<'_, '_>, languages: &AcceptLanguage) {
    let lists = ["choices", "scale", "source", "target", "steps"].into_iter();
    let components = lists.filter_map(|name| member(definition, name)?.elements()).flatten();
    let of_components = components.filter_map(|component| member(component, "description"));
    let own = ["name", "description"].into_iter().filter_map(|name| member(definition, name));
    for map in own.chain(of_components) {
        cut(edits, map, languages);
    }
}

/// A definition with its language maps cut; `None` if it is no JSON object.
fn cut_definition(definition: &str, languages: &AcceptLanguage) -> Option<String> {
    let document = Document::parse(definition).ok()?;
    document.root().members()?;
    let mut edits = Edits::default();
    cut_maps(&mut edits, document.root(), languages);
    Some(edits.apply(definition))
}

#[cfg(test)]
mod tests;
