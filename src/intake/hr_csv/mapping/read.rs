//! TOML into a mapping. One pass names all that is wrong, each with its line.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::days::DayFormat;
use super::fault::MOST_REPETITIONS;
use super::{
    Condition, FileMapping, Group, HeaderName, Holds, Mapping, MappingFault, MappingProblem, MappingProblems, Source,
    folded,
};
use crate::domain::directory::problem::FileKind;
use crate::intake::hr_csv::cells::Column;
use crate::intake::hr_csv::{absences, administrations, employments, exemptions, identities};

const KINDS: [&str; 5] = ["administrations", "employments", "absences", "exemptions", "identities"];
const SECTION_KEYS: [&str; 6] = ["columns", "days", "skip", "group", "repeat", "ignore"];
const SKIP_KEYS: [&str; 4] = ["header", "is", "is_not", "is_empty"];
const GROUP_KEYS: [&str; 2] = ["key", "fill_down"];
const REPEAT_KEYS: [&str; 2] = ["from", "to"];

/// Reads a mapping file.
pub(super) fn mapping(bytes: &[u8]) -> Result<Mapping, MappingProblems> {
    let whole = |line, fault| MappingProblems(vec![MappingProblem { line, key: String::new(), fault }]);
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| whole(None, MappingFault::NotUtf8))?;
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map(|span| line_of(text, span.start));
        whole(line, MappingFault::NotToml(error.message().to_owned()))
    })?;
    let mut reader = Reader { text, problems: Vec::new() };
    let mut kinds = BTreeMap::new();
    for (key, value) in table.get_ref() {
        let found = match key.get_ref().as_ref() {
            "administrations" => (FileKind::Administrations, &administrations::COLUMNS[..]),
            "employments" => (FileKind::Employments, &employments::COLUMNS[..]),
            "absences" => (FileKind::Absences, &absences::COLUMNS[..]),
            "exemptions" => (FileKind::Exemptions, &exemptions::COLUMNS[..]),
            "identities" => (FileKind::Identities, &identities::COLUMNS[..]),
            _ => {
                reader.note(key.span().start, key.get_ref(), MappingFault::UnknownKey { known: &KINDS });
                continue;
            }
        };
        if let Some(section) = reader.table(value, key.get_ref())
            && let Some(mapping) = reader.section(section, value.span().start, found.0.as_str(), found.1)
        {
            kinds.insert(found.0, mapping);
        }
    }
    if reader.problems.is_empty() && kinds.is_empty() {
        return Err(whole(None, MappingFault::Nothing));
    }
    reader.problems.sort_by_key(|problem| problem.line);
    if reader.problems.is_empty() { Ok(Mapping(kinds)) } else { Err(MappingProblems(reader.problems)) }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

pub(super) type SpannedValue<'i> = Spanned<DeValue<'i>>;

/// Reads values of one file, and notes what is wrong with them. `None` means that a problem was noted.
pub(super) struct Reader<'t> {
    text: &'t str,
    problems: Vec<MappingProblem>,
}

impl<'t> Reader<'t> {
    pub(super) fn note(&mut self, at: usize, key: &str, fault: MappingFault) {
        self.problems.push(MappingProblem { line: Some(line_of(self.text, at)), key: key.to_owned(), fault });
    }

    pub(super) fn table<'v>(&mut self, value: &'v SpannedValue<'t>, key: &str) -> Option<&'v DeTable<'t>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.note(value.span().start, key, MappingFault::WrongType("a table"));
        }
        table
    }

    fn texts(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Vec<(String, usize)>> {
        let wrong = MappingFault::WrongType("a list of texts in quotes");
        let Some(list) = value.get_ref().as_array() else {
            self.note(value.span().start, key, wrong);
            return None;
        };
        if list.is_empty() {
            self.note(value.span().start, key, MappingFault::Empty);
            return None;
        }
        let mut texts = Vec::new();
        for item in list.iter() {
            let Some(text) = item.get_ref().as_str() else {
                self.note(item.span().start, key, wrong);
                return None;
            };
            texts.push((text.to_owned(), item.span().start));
        }
        Some(texts)
    }

    pub(super) fn text(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<String> {
        let text = value.get_ref().as_str().map(ToOwned::to_owned);
        if text.is_none() {
            self.note(value.span().start, key, MappingFault::WrongType("a text in quotes"));
        }
        text
    }

    pub(super) fn header(&mut self, text: &str, at: usize, key: &str) -> Option<HeaderName> {
        if text.trim().is_empty() {
            self.note(at, key, MappingFault::Empty);
            return None;
        }
        Some(HeaderName::new(text, line_of(self.text, at)))
    }

    pub(super) fn headers(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Vec<HeaderName>> {
        let texts = self.texts(value, key)?;
        texts.into_iter().map(|(text, at)| self.header(&text, at, key)).collect()
    }

    /// A header that may not have `{n}` in it.
    fn plain_headers(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Vec<HeaderName>> {
        let headers = self.headers(value, key)?;
        if headers.iter().any(HeaderName::repeats) {
            self.note(value.span().start, key, MappingFault::NothingToRepeat);
            return None;
        }
        Some(headers)
    }

    fn plain_header(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<HeaderName> {
        let text = self.text(value, key)?;
        let header = self.header(&text, value.span().start, key)?;
        if header.repeats() {
            self.note(value.span().start, key, MappingFault::NothingToRepeat);
            return None;
        }
        Some(header)
    }

    pub(super) fn only(&mut self, table: &DeTable<'t>, key: &str, known: &'static [&'static str]) {
        for name in table.keys().filter(|name| !known.contains(&name.get_ref().as_ref())) {
            self.note(name.span().start, &format!("{key}.{}", name.get_ref()), MappingFault::UnknownKey { known });
        }
    }

    fn section(
        &mut self,
        section: &DeTable<'t>,
        at: usize,
        kind: &str,
        ours: &'static [Column],
    ) -> Option<FileMapping> {
        let before = self.problems.len();
        self.only(section, kind, &SECTION_KEYS);
        let days = section.get("days").and_then(|value| self.days(value, &format!("{kind}.days"))).unwrap_or_default();
        let repeat = section.get("repeat").and_then(|value| self.repeat(value, &format!("{kind}.repeat")));
        let columns_key = format!("{kind}.columns");
        let sources = match section.get("columns") {
            Some(value) => {
                let columns = self.table(value, &columns_key)?;
                self.sources(columns, value.span().start, &columns_key, ours, &days)
            }
            None => {
                self.note(at, &columns_key, MappingFault::Missing);
                return None;
            }
        };
        let skip = section.get("skip").and_then(|value| self.skip(value, &format!("{kind}.skip"))).unwrap_or_default();
        let group = section.get("group").and_then(|value| self.group(value, &format!("{kind}.group")));
        let ignore = section.get("ignore").and_then(|value| self.headers(value, &format!("{kind}.ignore")));
        let repeats = sources.iter().flatten().any(Source::repeats);
        if let Some(value) = section.get("repeat").filter(|_| repeat.is_some() && !repeats) {
            self.note(value.span().start, &format!("{kind}.repeat"), MappingFault::NothingRepeats);
        }
        if repeats && section.get("repeat").is_none() {
            let line = sources.iter().flatten().flat_map(Source::headers).find(|h| h.repeats()).map(|h| h.line);
            self.problems.push(MappingProblem { line, key: columns_key, fault: MappingFault::NothingToRepeat });
        }
        let ignore = ignore.unwrap_or_default();
        (self.problems.len() == before).then_some(FileMapping { ours, sources, skip, group, repeat, ignore })
    }

    pub(super) fn days(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Vec<DayFormat>> {
        let mut formats = Vec::new();
        for (text, at) in self.texts(value, key)? {
            match DayFormat::parse(&text) {
                Some(format) => formats.push(format),
                None => self.note(at, key, MappingFault::NotADayFormat),
            }
        }
        Some(formats)
    }

    fn skip(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Vec<Condition>> {
        let Some(list) = value.get_ref().as_array() else {
            self.note(value.span().start, key, MappingFault::WrongType("a list of tables: [[….skip]]"));
            return None;
        };
        list.iter().map(|item| self.condition(item, key)).collect()
    }

    fn condition(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Condition> {
        let table = self.table(value, key)?;
        self.only(table, key, &SKIP_KEYS);
        let header = match table.get("header") {
            Some(value) => self.plain_header(value, &format!("{key}.header")),
            None => {
                self.note(value.span().start, &format!("{key}.header"), MappingFault::Missing);
                None
            }
        };
        let mut words = |value, name: &str| {
            let texts = self.texts(value, &format!("{key}.{name}"))?;
            Some(texts.iter().map(|(text, _)| folded(text)).collect::<Vec<String>>())
        };
        let holds = match [table.get("is"), table.get("is_not"), table.get("is_empty")] {
            [Some(is), None, None] => words(is, "is").map(Holds::Is),
            [None, Some(is_not), None] => words(is_not, "is_not").map(Holds::IsNot),
            [None, None, Some(is_empty)] => {
                let said = is_empty.get_ref().as_bool();
                if said.is_none() {
                    let fault = MappingFault::WrongType("true or false");
                    self.note(is_empty.span().start, &format!("{key}.is_empty"), fault);
                }
                said.map(Holds::IsEmpty)
            }
            _ => {
                self.note(value.span().start, key, MappingFault::NotOneCondition);
                None
            }
        };
        Some(Condition { header: header?, holds: holds? })
    }

    fn group(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<Group> {
        let table = self.table(value, key)?;
        self.only(table, key, &GROUP_KEYS);
        let mut named = [None, None];
        for (place, name) in named.iter_mut().zip(GROUP_KEYS) {
            *place = table.get(name);
            if place.is_none() {
                self.note(value.span().start, &format!("{key}.{name}"), MappingFault::Missing);
            }
        }
        let [group_key, fill_down] = named;
        let group_key = group_key.and_then(|value| self.plain_header(value, &format!("{key}.key")));
        let fill_down = fill_down.and_then(|value| self.plain_headers(value, &format!("{key}.fill_down")));
        Some(Group { key: group_key?, fill_down: fill_down? })
    }

    fn repeat(&mut self, value: &SpannedValue<'t>, key: &str) -> Option<RangeInclusive<u32>> {
        let table = self.table(value, key)?;
        self.only(table, key, &REPEAT_KEYS);
        let number = |name: &str| {
            let number = table.get(name)?.get_ref().as_integer()?;
            u32::from_str_radix(number.as_str(), number.radix()).ok()
        };
        match (number("from"), number("to")) {
            (Some(from), Some(to)) if from <= to && to - from < MOST_REPETITIONS => Some(from..=to),
            _ => {
                self.note(value.span().start, key, MappingFault::WrongRange);
                None
            }
        }
    }
}
