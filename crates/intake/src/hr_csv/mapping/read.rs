//! TOML into a mapping. One pass names all that is wrong, each with its line.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::days::DayFormat;
use super::fault::MOST_REPETITIONS;
use super::read_source::sources;
use super::{
    Condition, FileMapping, Group, HeaderName, Holds, Mapping, MappingFault, MappingProblems, Source, normalised,
};
use crate::hr_csv::cells::Column;
use crate::hr_csv::{absences, administrations, employments, exemptions, identities};
use crate::toml::{self, each};
use kurskoll_domain::directory::problem::FileKind;

static KINDS: [(FileKind, &[Column]); 5] = [
    (FileKind::Administrations, &administrations::COLUMNS),
    (FileKind::Employments, &employments::COLUMNS),
    (FileKind::Absences, &absences::COLUMNS),
    (FileKind::Exemptions, &exemptions::COLUMNS),
    (FileKind::Identities, &identities::COLUMNS),
];
const SECTION_KEYS: [&str; 6] = ["columns", "days", "skip", "group", "repeat", "ignore"];
const SKIP_KEYS: [&str; 4] = ["header", "is", "is_not", "is_empty"];
const GROUP_KEYS: [&str; 2] = ["key", "fill_down"];
const REPEAT_KEYS: [&str; 2] = ["from", "to"];
/// Lists may have any length.
const ANY_LENGTH: usize = usize::MAX;

pub(super) type Table<'v> = toml::Table<'v, MappingFault>;
pub(super) type Value<'v> = toml::Value<'v, MappingFault>;

/// Reads a mapping file.
pub(super) fn mapping(bytes: &[u8]) -> Result<Mapping, MappingProblems> {
    let kinds = toml::read("mapping", bytes, |file: Table<'_>| {
        file.only(&KINDS.map(|(kind, _)| kind.as_str()));
        let mut kinds = BTreeMap::new();
        for (kind, ours) in KINDS {
            kinds.extend(
                file.get(kind.as_str()).and_then(|value| section(&value.table()?, ours)).map(|read| (kind, read)),
            );
        }
        Some(kinds)
    })?;
    if kinds.is_empty() {
        return Err(MappingProblems::of_file("mapping", None, MappingFault::Nothing));
    }
    Ok(Mapping(kinds))
}

pub(super) fn header(value: Value<'_>) -> Option<HeaderName> {
    let text = value.text()?;
    if text.trim().is_empty() {
        return value.note(toml::TomlFault::Empty);
    }
    Some(HeaderName::new(text, value.line()))
}

pub(super) fn headers(value: Value<'_>) -> Option<Vec<HeaderName>> {
    each(value.filled_list(ANY_LENGTH)?, header)
}

/// A header that may not have `{n}` in it.
fn plain_header(value: Value<'_>) -> Option<HeaderName> {
    let header = header(value.clone())?;
    if header.repeats() { value.note(MappingFault::NothingToRepeat) } else { Some(header) }
}

fn words(value: Value<'_>) -> Option<Vec<String>> {
    each(value.filled_list(ANY_LENGTH)?, |word| word.text().map(normalised))
}

pub(super) fn days(value: Value<'_>) -> Option<Vec<DayFormat>> {
    each(value.filled_list(ANY_LENGTH)?, |format| {
        format.accept(DayFormat::parse(format.text()?).ok_or(MappingFault::NotADayFormat))
    })
}

fn section(section: &Table<'_>, ours: &'static [Column]) -> Option<FileMapping> {
    section.only(&SECTION_KEYS);
    let days = section.optional_or("days", Vec::new(), days);
    let repeat = section.optional("repeat", |value| repeat(&value.table()?));
    let sources =
        section.required("columns", |value| Some(sources(&value.table()?, ours, days.as_deref().unwrap_or_default())));
    let skip = section.optional_or("skip", Vec::new(), |value| each(value.tables(ANY_LENGTH)?, condition));
    let group = section.optional("group", |value| group(&value.table()?));
    let ignore = section.optional_or("ignore", Vec::new(), headers);
    let sources = sources?;
    let mut columns = ours.iter().zip(&sources);
    let repeating = columns.find(|(_, source)| source.as_ref().is_some_and(Source::repeats)).map(|(column, _)| column);
    match (&repeat, repeating) {
        (Some(Some(_)), None) => section.note_key("repeat", MappingFault::NothingRepeats)?,
        (Some(None), Some(column)) => {
            section.get("columns")?.table()?.note_key(column.name, MappingFault::NothingToRepeat)?;
        }
        _ => {}
    }
    Some(FileMapping { ours, sources, skip: skip?, group: group?, repeat: repeat?, ignore: ignore? })
}

fn condition(value: Value<'_>) -> Option<Condition> {
    let table = value.table()?;
    table.only(&SKIP_KEYS);
    let header = table.required("header", plain_header);
    let holds = match ["is", "is_not", "is_empty"].map(|name| table.get(name)) {
        [Some(is), None, None] => words(is).map(Holds::Is),
        [None, Some(is_not), None] => words(is_not).map(Holds::IsNot),
        [None, None, Some(is_empty)] => is_empty.flag().map(Holds::IsEmpty),
        _ => table.note(MappingFault::NotOneCondition),
    };
    Some(Condition { header: header?, holds: holds? })
}

fn group(table: &Table<'_>) -> Option<Group> {
    table.only(&GROUP_KEYS);
    let key = table.required("key", plain_header);
    let fill_down = table.required("fill_down", |value| each(value.filled_list(ANY_LENGTH)?, plain_header));
    Some(Group { key: key?, fill_down: fill_down? })
}

fn repeat(table: &Table<'_>) -> Option<RangeInclusive<u32>> {
    table.only(&REPEAT_KEYS);
    let from = table.required("from", |value| value.number(0, u32::MAX));
    let to = table.required("to", |value| value.number(0, u32::MAX));
    let (from, to) = (from?, to?);
    if from <= to && to - from < MOST_REPETITIONS { Some(from..=to) } else { table.note(MappingFault::WrongRange) }
}
