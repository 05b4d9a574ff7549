//! TOML into what a mapping says of each column of ours.

use std::collections::HashMap;

use super::days::DayFormat;
use super::read::{Table, Value, days, header, headers};
use super::{MappingFault, PLACE_OF_NUMBER, Source, Takes, Values, normalised};
use crate::hr_csv::cells::Column;
use crate::toml::TomlFault;

const SOURCE_KEYS: [&str; 9] =
    ["from", "first_of", "join", "with", "constant", "values", "others", "days", "when_empty"];

pub(super) fn sources(columns: &Table<'_>, ours: &'static [Column], days_of_file: &[DayFormat]) -> Vec<Option<Source>> {
    let names: Vec<&str> = ours.iter().map(|column| column.name).collect();
    columns.only_or(&names, |_, known| MappingFault::UnknownColumn(known));
    let source = |column: &'static Column| match columns.get(column.name) {
        Some(value) => source(value, column, if column.is_day { days_of_file } else { &[] }),
        None if column.required => columns.note_key(column.name, MappingFault::MissingColumn),
        None => None,
    };
    ours.iter().map(source).collect()
}

/// `"Header"`, or a table that says more.
fn source(value: Value<'_>, column: &Column, days_of_file: &[DayFormat]) -> Option<Source> {
    if value.is_text() {
        let takes = Takes::FirstOf(vec![header(value)?]);
        return Some(Source { takes, values: None, days: days_of_file.to_vec(), when_empty: None });
    }
    if !value.is_table() {
        return value.must_be("a header in quotes, or a table");
    }
    let table = value.table()?;
    table.only(&SOURCE_KEYS);
    let takes = takes(&table, column);
    if matches!(takes, Some(Takes::Constant(_))) {
        for beside in ["values", "days", "when_empty"].into_iter().filter(|name| table.has(name)) {
            table.note_key::<()>(beside, MappingFault::BesideConstant);
        }
    }
    if table.has("others") && !table.has("values") {
        table.note_key::<()>("others", MappingFault::WithoutValues);
    }
    if table.has("days") && !column.is_day {
        table.note_key::<()>("days", MappingFault::NotADayColumn);
    }
    let values = table.optional("values", |value| values(&value.table()?, &table, column));
    let own_days = table.optional_or("days", days_of_file.to_vec(), days);
    let when_empty = table.optional("when_empty", |value| {
        let word = value.text()?.trim();
        check_word(word, &value, column)?;
        Some(word.to_owned())
    });
    Some(Source { takes: takes?, values: values?, days: own_days?, when_empty: when_empty? })
}

fn takes(table: &Table<'_>, column: &Column) -> Option<Takes> {
    if table.has("with") && !table.has("join") {
        table.note_key::<()>("with", MappingFault::WithoutJoin);
    }
    match ["from", "first_of", "join", "constant"].map(|name| table.get(name)) {
        [Some(from), None, None, None] => Some(Takes::FirstOf(vec![header(from)?])),
        [None, Some(first_of), None, None] => Some(Takes::FirstOf(headers(first_of)?)),
        [None, None, Some(join), None] => {
            let with = table.optional_or("with", "", |value| value.text());
            Some(Takes::Joined { headers: headers(join)?, with: with?.to_owned() })
        }
        [None, None, None, Some(constant)] => {
            let word = constant.text()?.trim();
            if word.is_empty() {
                return constant.note(TomlFault::Empty);
            }
            check_word(&word.replace(PLACE_OF_NUMBER, "1"), &constant, column)?;
            Some(Takes::Constant(word.to_owned()))
        }
        _ => table.note(MappingFault::NotOneSource),
    }
}

fn values(table: &Table<'_>, source: &Table<'_>, column: &Column) -> Option<Values> {
    let mut ours = HashMap::new();
    for (word, value) in table.entries() {
        let Some(our_word) = value.text().map(str::trim) else { continue };
        check_word(our_word, &value, column);
        if ours.insert(normalised(word), our_word.to_owned()).is_some() {
            table.note_key::<()>(word, MappingFault::SameValueTwice);
        }
    }
    let others = source.optional_or("others", "refuse", |value| value.word(&["refuse", "keep"]));
    Some(Values { ours, keeps_others: others? == "keep" })
}

/// Refuses a value that the column would refuse in every row.
fn check_word(word: &str, value: &Value<'_>, column: &Column) -> Option<()> {
    match column.check.filter(|_| !word.is_empty()).map(|check| check(word)) {
        Some(Err(fault)) => value.note(MappingFault::NotOurWord { word: word.to_owned(), fault }),
        _ => Some(()),
    }
}
