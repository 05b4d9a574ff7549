//! TOML into a profile. One pass names all that is wrong, each with its line.

use std::collections::BTreeMap;

use super::fault::{ProfileFault, ProfileProblems};
use super::model::{
    Accepts, BodyForm, Condition, Defaults, Field, Finding, Holds, Kind, Place, Profile, Rule, Signing, normalised,
};
use super::parse_fields::{Grammar, formats, path, zone};
use super::parse_signature::signing;
use super::path::Path;
use crate::toml::{self, TomlFault, each};
use crate::withdraws::Withdraws;

/// The largest profile that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// The most rules of a profile, and conditions of a rule.
const MAX_RULES: usize = 100;
const MAX_CONDITIONS: usize = 10;
/// The most texts in a list.
pub(super) const MAX_LIST: usize = 100;

const KEYS: [&str; 7] = ["title", "documented", "signature", "body", "defaults", "fields", "events"];
const BODY_KEYS: [&str; 3] = ["accepts", "json_fields", "each"];
const DEFAULT_KEYS: [&str; 4] = ["nothing", "formats", "zone", "decimal_comma"];
const RULE_KEYS: [&str; 5] = ["is", "type", "when", "withdraws", "fields"];
const CONDITION_KEYS: [&str; 9] =
    ["path", "in_body", "header", "after", "after_last", "before", "is", "is_not", "exists"];
const KINDS: [&str; 4] = ["completion", "attempt", "revocation", "ignore"];

/// A table of a profile.
pub type Table<'v> = toml::Table<'v, ProfileFault>;
/// A value of a profile.
pub type Value<'v> = toml::Value<'v, ProfileFault>;

impl Profile {
    /// Reads a profile, or names everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ProfileProblems> {
        read_toml(text, |file| profile(&file, None))
    }

    /// Reads the profile of a file's rows, which nobody signs: the same, but that `signature` may be missing.
    pub fn of_files(text: &str) -> Result<Self, ProfileProblems> {
        read_toml(text, |file| profile(&file, Some(Signing::StandardWebhooks)))
    }
}

/// Reads the TOML of a profile of any kind.
pub fn read_toml<T>(text: &str, read: impl FnOnce(Table<'_>) -> Option<T>) -> Result<T, ProfileProblems> {
    if text.len() > MAX_BYTES {
        return Err(ProfileProblems::of_file("profile", None, ProfileFault::TooLarge { limit: MAX_BYTES }));
    }
    toml::read("profile", text.as_bytes(), read)
}

/// A list of texts, or one text.
pub(super) fn texts(value: Value<'_>) -> Option<Vec<String>> {
    each(value.one_or_list(MAX_LIST)?, |item| item.text().map(ToOwned::to_owned))
}

/// The same as words are compared; at least one.
fn words(value: Value<'_>) -> Option<Vec<String>> {
    each(value.one_or_some(MAX_LIST)?, |item| item.text().map(normalised))
}

/// `unsigned`: what stands for `signature` where that may be missing.
fn profile(file: &Table<'_>, unsigned: Option<Signing>) -> Option<Profile> {
    file.only(&KEYS);
    let title = file.required("title", |value| value.filled());
    file.optional("documented", |value| value.text());
    let signature = |value: Value<'_>| signing(&value.table()?);
    let signing = match unsigned {
        None => file.required("signature", signature),
        Some(unsigned) => file.optional_or("signature", unsigned, signature),
    };
    let json = BodyForm { accepts: Accepts::Json, json_fields: Vec::new(), each: Vec::new() };
    let body = file.optional_or("body", json, |value| body(&value.table()?));
    let defaults = file.optional_or("defaults", Defaults::default(), |value| defaults(&value.table()?));
    let fields = file.get("fields").and_then(|value| Some(Grammar::Deliveries.fields(&value.table()?)));
    let fields = fields.unwrap_or_default();
    let rules = file.required("events", |value| rules(value, &fields));
    Some(Profile {
        title: title?.to_owned(),
        signing: signing?,
        body: body?,
        defaults: defaults?,
        fields,
        rules: rules?,
        is_native: false,
    })
}

fn body(table: &Table<'_>) -> Option<BodyForm> {
    table.only(&BODY_KEYS);
    let accepts = table.optional_or("accepts", "json", |value| value.word(&["json", "form", "both"]));
    let json_fields = table.optional_or("json_fields", Vec::new(), texts);
    let paths = |value: Value<'_>| each(value.one_or_list(MAX_LIST)?, |item| path(item, Path::parse));
    let events = table.optional_or("each", Vec::new(), paths);
    let accepts = match accepts? {
        "form" => Accepts::Form,
        "both" => Accepts::Both,
        _ => Accepts::Json,
    };
    Some(BodyForm { accepts, json_fields: json_fields?, each: events? })
}

fn defaults(table: &Table<'_>) -> Option<Defaults> {
    table.only(&DEFAULT_KEYS);
    let nothing = table.optional_or("nothing", Vec::new(), texts);
    let formats = table.optional_or("formats", Vec::new(), formats);
    let zone = table.optional("zone", zone);
    let decimal_comma = table.optional_or("decimal_comma", false, |value| value.flag());
    Some(Defaults { nothing: nothing?, formats: formats?, zone: zone?, decimal_comma: decimal_comma? })
}

fn rules(value: Value<'_>, shared: &BTreeMap<Field, Finding>) -> Option<Vec<Rule>> {
    let rules = value.tables(MAX_RULES)?;
    if rules.is_empty() {
        return value.note(TomlFault::Empty);
    }
    each(rules, |item| rule(&item.table()?, shared))
}

fn rule(table: &Table<'_>, shared: &BTreeMap<Field, Finding>) -> Option<Rule> {
    table.only(&RULE_KEYS);
    let kinds = table.required("is", kinds);
    let types = table.optional_or("type", Vec::new(), words);
    let when = table.optional_or("when", Vec::new(), |value| each(value.one_or_list(MAX_CONDITIONS)?, condition));
    let withdraws = table.optional_or("withdraws", Withdraws::default(), |value| {
        value.word(&Withdraws::WORDS).and_then(Withdraws::parse)
    });
    let fields = table.get("fields").and_then(|value| Some(Grammar::Deliveries.fields(&value.table()?)));
    let fields = fields.unwrap_or_default();
    let rule = Rule { kinds: kinds?, types: types?, when: when?, withdraws: withdraws?, fields };
    let says = |field: Field| {
        let finding = rule.fields.get(&field).or_else(|| shared.get(&field));
        finding.is_some_and(|finding| !finding.sources.is_empty())
    };
    if !rule.types.is_empty() && !shared.contains_key(&Field::Type) {
        table.note_key::<()>("type", ProfileFault::NoTypeField);
    }
    if rule.kinds.is_empty() {
        return Some(rule);
    }
    let mut needed = vec![Field::OccurredAt];
    needed.extend(rule.kinds.contains(&Kind::Completion).then_some(Field::Course));
    needed.extend(rule.kinds.contains(&Kind::Attempt).then_some(Field::Quiz));
    for field in needed.into_iter().filter(|field| !says(*field)) {
        table.note::<()>(ProfileFault::FieldNotFound(field));
    }
    let keys = [Field::EmployeeNumber, Field::Email, Field::Username].into_iter().any(says)
        || (says(Field::AccountName) && says(Field::AccountHomePage));
    if !keys {
        table.note::<()>(ProfileFault::NoLearnerKey);
    }
    Some(rule)
}

fn kinds(value: Value<'_>) -> Option<Vec<Kind>> {
    let words = each(value.one_or_list(MAX_LIST)?, |item| item.word(&KINDS))?;
    let kinds: Vec<Kind> = words
        .iter()
        .filter_map(|word| match *word {
            "completion" => Some(Kind::Completion),
            "attempt" => Some(Kind::Attempt),
            "revocation" => Some(Kind::Revocation),
            _ => None,
        })
        .collect();
    let repeats = words.iter().enumerate().any(|(place, word)| words.iter().take(place).any(|other| other == word));
    let ignores_some = words.contains(&"ignore") && words.len() > 1;
    if words.is_empty() || repeats || ignores_some {
        return value.note(ProfileFault::NotKinds);
    }
    Some(kinds)
}

fn condition(value: Value<'_>) -> Option<Condition> {
    let table = value.table()?;
    table.only(&CONDITION_KEYS);
    let source = Grammar::Deliveries.source_of(&table);
    let holds = match ["is", "is_not", "exists"].map(|name| table.get(name)) {
        [Some(is), None, None] => words(is).map(Holds::Is),
        [None, Some(is_not), None] => words(is_not).map(Holds::IsNot),
        [None, None, Some(exists)] => exists.flag().map(Holds::Exists),
        _ => table.note(ProfileFault::NotOneCondition),
    };
    let source = source?;
    if matches!(source.place, Place::Constant(_)) {
        return table.note(ProfileFault::NotOneSource);
    }
    Some(Condition { source, holds: holds? })
}
