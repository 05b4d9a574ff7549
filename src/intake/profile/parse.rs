//! TOML into a profile. One pass names all that is wrong, each with its line.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{ProfileFault, ProfileProblem, ProfileProblems};
use super::model::{
    Accepts, BodyForm, Condition, Defaults, Field, Finding, Holds, Kind, Place, Profile, Rule, Signing, folded,
};
use super::path::Path;
use crate::intake::withdraws::Withdraws;

/// The largest profile that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// The most rules of a profile, and conditions of a rule.
const MAX_RULES: usize = 100;
const MAX_CONDITIONS: usize = 10;
/// The most texts in a list.
const MAX_LIST: usize = 100;

const KEYS: [&str; 7] = ["title", "documented", "signature", "body", "defaults", "fields", "events"];
const BODY_KEYS: [&str; 3] = ["accepts", "json_fields", "each"];
const DEFAULT_KEYS: [&str; 4] = ["nothing", "formats", "zone", "decimal_comma"];
const RULE_KEYS: [&str; 5] = ["is", "type", "when", "withdraws", "fields"];
const CONDITION_KEYS: [&str; 9] =
    ["path", "in_body", "header", "after", "after_last", "before", "is", "is_not", "exists"];
const KINDS: [&str; 4] = ["completion", "attempt", "revocation", "ignore"];

impl Profile {
    /// Reads a profile, or names everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ProfileProblems> {
        Self::read(text, true)
    }

    /// Reads the profile of a file's rows, which nobody signs: the same, but that `signature` may be missing.
    pub fn of_files(text: &str) -> Result<Self, ProfileProblems> {
        Self::read(text, false)
    }

    fn read(text: &str, is_signed: bool) -> Result<Self, ProfileProblems> {
        let whole = |line, fault| ProfileProblems(vec![ProfileProblem { line, key: String::new(), fault }]);
        if text.len() > MAX_BYTES {
            return Err(whole(None, ProfileFault::TooLarge { limit: MAX_BYTES }));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map(|span| line_of(text, span.start));
            whole(line, ProfileFault::NotToml(error.message().to_owned()))
        })?;
        let mut reader = Reader { text, is_signed, is_of_statements: false, problems: Vec::new() };
        let profile = reader.profile(table.get_ref());
        reader.problems.sort_by_key(|problem| problem.line);
        match profile {
            Some(profile) if reader.problems.is_empty() => Ok(profile),
            _ => Err(ProfileProblems(reader.problems)),
        }
    }
}

pub(super) fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

pub(super) type SpannedValue<'i> = Spanned<DeValue<'i>>;

/// A table, where it begins, and its name.
#[derive(Clone, Copy)]
pub(super) struct Section<'v, 't> {
    pub(super) table: &'v DeTable<'t>,
    pub(super) at: usize,
    pub(super) key: &'v str,
}

impl<'v, 't> Section<'v, 't> {
    pub(super) fn get(&self, name: &str) -> Option<&'v SpannedValue<'t>> {
        self.table.get(name)
    }

    pub(super) fn name_of(&self, name: &str) -> String {
        if self.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.key) }
    }
}

/// Reads values of one file, and notes what is wrong with them. `None` means that a problem was noted.
pub(super) struct Reader<'t> {
    text: &'t str,
    /// Whether what it reads must be signed.
    is_signed: bool,
    /// Whether it reads a profile of statements: places may leave the `$.` out, and name extensions by their IRIs.
    pub(super) is_of_statements: bool,
    problems: Vec<ProfileProblem>,
}

impl<'t> Reader<'t> {
    pub(super) const fn of_statements(text: &'t str) -> Self {
        Self { text, is_signed: false, is_of_statements: true, problems: Vec::new() }
    }

    /// What is wrong, in the order of its lines.
    pub(super) fn problems(mut self) -> Vec<ProfileProblem> {
        self.problems.sort_by_key(|problem| problem.line);
        self.problems
    }

    pub(super) fn note<T>(&mut self, at: usize, key: &str, fault: ProfileFault) -> Option<T> {
        self.problems.push(ProfileProblem { line: Some(line_of(self.text, at)), key: key.to_owned(), fault });
        None
    }

    /// Notes that a key is missing from a table.
    pub(super) fn missing<T>(&mut self, section: Section<'_, 't>, name: &str) -> Option<T> {
        self.note(section.at, &section.name_of(name), ProfileFault::Missing)
    }

    pub(super) fn section<'v>(&mut self, value: &'v SpannedValue<'t>, key: &'v str) -> Option<Section<'v, 't>> {
        match value.get_ref().as_table() {
            Some(table) => Some(Section { table, at: value.span().start, key }),
            None => self.note(value.span().start, key, ProfileFault::WrongType("a table")),
        }
    }

    pub(super) fn only(&mut self, section: Section<'_, 't>, known: &[&'static str]) {
        for name in section.table.keys().filter(|name| !known.contains(&name.get_ref().as_ref())) {
            let fault = ProfileFault::UnknownKey { known: known.to_vec() };
            self.note::<()>(name.span().start, &section.name_of(name.get_ref()), fault);
        }
    }

    pub(super) fn text(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<String> {
        match value.get_ref().as_str() {
            Some(text) => Some(text.to_owned()),
            None => self.note(value.span().start, key, ProfileFault::WrongType("a text in quotes")),
        }
    }

    pub(super) fn filled(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<String> {
        let text = self.text(value, key)?;
        if text.is_empty() { self.note(value.span().start, key, ProfileFault::Empty) } else { Some(text) }
    }

    pub(super) fn flag(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<bool> {
        match value.get_ref().as_bool() {
            Some(flag) => Some(flag),
            None => self.note(value.span().start, key, ProfileFault::WrongType("true or false")),
        }
    }

    /// A text that is one of some words.
    pub(super) fn word(
        &mut self,
        value: &SpannedValue<'t>,
        key: &str,
        words: &'static [&'static str],
    ) -> Option<&'static str> {
        let known = value.get_ref().as_str().and_then(|text| words.iter().find(|word| **word == text));
        match known {
            Some(word) => Some(word),
            None => self.note(value.span().start, key, ProfileFault::NotOneOf { words }),
        }
    }

    pub(super) fn number(&mut self, value: &SpannedValue<'t>, key: &str, from: u32, to: u32) -> Option<u32> {
        let number = value.get_ref().as_integer();
        let number = number.and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok());
        match number {
            Some(number) if (from..=to).contains(&number) => Some(number),
            _ => self.note(value.span().start, key, ProfileFault::OutOfRange { from, to }),
        }
    }

    /// The items of a list, or the one that stands in its place.
    pub(super) fn items<'v>(&mut self, value: &'v SpannedValue<'t>, key: &str) -> Option<Vec<&'v SpannedValue<'t>>> {
        let Some(list) = value.get_ref().as_array() else { return Some(vec![value]) };
        if list.len() > MAX_LIST {
            let fault = ProfileFault::TooMany { found: list.len(), most: MAX_LIST };
            return self.note(value.span().start, key, fault);
        }
        Some(list.iter().collect())
    }

    /// A list of texts, or one text.
    pub(super) fn texts(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Vec<String>> {
        let items = self.items(value, key)?;
        items.into_iter().map(|item| self.text(item, key)).collect()
    }

    /// The same as words are compared; at least one.
    fn words(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Vec<String>> {
        let texts = self.texts(value, key)?;
        if texts.is_empty() {
            return self.note(value.span().start, key, ProfileFault::Empty);
        }
        Some(texts.iter().map(|text| folded(text)).collect())
    }

    fn profile(&mut self, table: &DeTable<'t>) -> Option<Profile> {
        let whole = Section { table, at: 0, key: "" };
        self.only(whole, &KEYS);
        let title = match whole.get("title") {
            Some(value) => self.filled(value, "title"),
            None => self.missing(whole, "title"),
        };
        if let Some(value) = whole.get("documented") {
            self.text(value, "documented");
        }
        let signing = match whole.get("signature") {
            Some(value) => self.section(value, "signature").and_then(|section| self.signing(section)),
            None if self.is_signed => self.missing(whole, "signature"),
            None => Some(Signing::StandardWebhooks),
        };
        let body = match whole.get("body") {
            Some(value) => self.section(value, "body").and_then(|section| self.body(section)),
            None => Some(BodyForm { accepts: Accepts::Json, json_fields: Vec::new(), each: Vec::new() }),
        };
        let defaults = match whole.get("defaults") {
            Some(value) => self.section(value, "defaults").map(|section| self.defaults(section)),
            None => Some(Defaults::default()),
        };
        let fields = match whole.get("fields") {
            Some(value) => self.section(value, "fields").map(|section| self.fields(section)),
            None => Some(BTreeMap::new()),
        };
        let fields = fields.unwrap_or_default();
        let rules = match whole.get("events") {
            Some(value) => self.rules(value, &fields),
            None => self.missing(whole, "events"),
        };
        Some(Profile { title: title?, signing: signing?, body: body?, defaults: defaults?, fields, rules: rules? })
    }

    fn body(&mut self, section: Section<'_, 't>) -> Option<BodyForm> {
        self.only(section, &BODY_KEYS);
        let accepts = match section.get("accepts") {
            None => Some(Accepts::Json),
            Some(value) => self.word(value, "body.accepts", &["json", "form", "both"]).map(|word| match word {
                "form" => Accepts::Form,
                "both" => Accepts::Both,
                _ => Accepts::Json,
            }),
        };
        let json_fields =
            section.get("json_fields").map_or(Some(Vec::new()), |value| self.texts(value, "body.json_fields"));
        let each = section.get("each").map_or(Some(Vec::new()), |value| {
            let items = self.items(value, "body.each")?;
            items.into_iter().map(|item| self.path(item, "body.each", Path::parse)).collect()
        });
        Some(BodyForm { accepts: accepts?, json_fields: json_fields?, each: each? })
    }

    fn defaults(&mut self, section: Section<'_, 't>) -> Defaults {
        self.only(section, &DEFAULT_KEYS);
        Defaults {
            nothing: section.get("nothing").and_then(|v| self.texts(v, "defaults.nothing")).unwrap_or_default(),
            formats: section.get("formats").and_then(|v| self.formats(v, "defaults.formats")).unwrap_or_default(),
            zone: section.get("zone").and_then(|value| self.zone(value, "defaults.zone")),
            decimal_comma: section
                .get("decimal_comma")
                .and_then(|value| self.flag(value, "defaults.decimal_comma"))
                .unwrap_or_default(),
        }
    }

    fn rules(&mut self, value: &SpannedValue<'t>, shared: &BTreeMap<Field, Finding>) -> Option<Vec<Rule>> {
        let at = value.span().start;
        let Some(list) = value.get_ref().as_array() else {
            return self.note(at, "events", ProfileFault::WrongType("a list of tables: [[events]]"));
        };
        if list.is_empty() {
            return self.note(at, "events", ProfileFault::Empty);
        }
        if list.len() > MAX_RULES {
            return self.note(at, "events", ProfileFault::TooMany { found: list.len(), most: MAX_RULES });
        }
        let read = |(place, item)| {
            let key = format!("events[{}]", place + 1);
            let section = self.section(item, &key)?;
            self.rule(section, shared)
        };
        let rules: Vec<Option<Rule>> = list.iter().enumerate().map(read).collect();
        rules.into_iter().collect()
    }

    fn rule(&mut self, section: Section<'_, 't>, shared: &BTreeMap<Field, Finding>) -> Option<Rule> {
        self.only(section, &RULE_KEYS);
        let kinds = match section.get("is") {
            Some(value) => self.kinds(value, &section.name_of("is")),
            None => self.missing(section, "is"),
        };
        let types = section.get("type").map_or(Some(Vec::new()), |value| self.words(value, &section.name_of("type")));
        let when = section.get("when").map_or(Some(Vec::new()), |value| self.when(value, &section.name_of("when")));
        let withdraws = match section.get("withdraws") {
            Some(value) => {
                self.word(value, &section.name_of("withdraws"), &Withdraws::WORDS).and_then(Withdraws::parse)
            }
            None => Some(Withdraws::default()),
        };
        let key = section.name_of("fields");
        let fields = match section.get("fields") {
            Some(value) => self.section(value, &key).map(|own| self.fields(own)).unwrap_or_default(),
            None => BTreeMap::new(),
        };
        let rule = Rule { kinds: kinds?, types: types?, when: when?, withdraws: withdraws?, fields };
        let says = |field: Field| {
            let finding = rule.fields.get(&field).or_else(|| shared.get(&field));
            finding.is_some_and(|finding| !finding.sources.is_empty())
        };
        if !rule.types.is_empty() && !shared.contains_key(&Field::Type) {
            self.note::<()>(section.at, &section.name_of("type"), ProfileFault::NoTypeField);
        }
        if rule.kinds.is_empty() {
            return Some(rule);
        }
        let mut needed = vec![Field::OccurredAt];
        needed.extend(rule.kinds.contains(&Kind::Completion).then_some(Field::Course));
        needed.extend(rule.kinds.contains(&Kind::Attempt).then_some(Field::Quiz));
        for field in needed.into_iter().filter(|field| !says(*field)) {
            self.note::<()>(section.at, section.key, ProfileFault::FieldNotFound(field));
        }
        let keys = [Field::EmployeeNumber, Field::Email, Field::Username].into_iter().any(says)
            || (says(Field::AccountName) && says(Field::AccountHomePage));
        if !keys {
            self.note::<()>(section.at, section.key, ProfileFault::NoLearnerKey);
        }
        Some(rule)
    }

    fn kinds(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Vec<Kind>> {
        let items = self.items(value, key)?;
        let words = items.into_iter().map(|item| self.word(item, key, &KINDS)).collect::<Option<Vec<_>>>()?;
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
            return self.note(value.span().start, key, ProfileFault::NotKinds);
        }
        Some(kinds)
    }

    fn when(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Vec<Condition>> {
        let items = self.items(value, key)?;
        if items.len() > MAX_CONDITIONS {
            let fault = ProfileFault::TooMany { found: items.len(), most: MAX_CONDITIONS };
            return self.note(value.span().start, key, fault);
        }
        items.into_iter().map(|item| self.condition(item, key)).collect()
    }

    fn condition(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Condition> {
        let section = self.section(value, key)?;
        self.only(section, &CONDITION_KEYS);
        let source = self.source_of(section);
        let holds = match ["is", "is_not", "exists"].map(|name| section.get(name)) {
            [Some(is), None, None] => self.words(is, &section.name_of("is")).map(Holds::Is),
            [None, Some(is_not), None] => self.words(is_not, &section.name_of("is_not")).map(Holds::IsNot),
            [None, None, Some(exists)] => self.flag(exists, &section.name_of("exists")).map(Holds::Exists),
            _ => self.note(section.at, key, ProfileFault::NotOneCondition),
        };
        let source = source?;
        if matches!(source.place, Place::Constant(_)) {
            return self.note(section.at, key, ProfileFault::NotOneSource);
        }
        Some(Condition { source, holds: holds? })
    }
}
