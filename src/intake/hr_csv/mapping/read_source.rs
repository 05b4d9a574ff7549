//! TOML into what a mapping says of each column of ours.

use std::collections::HashMap;

use toml::de::DeTable;

use super::days::DayFormat;
use super::read::{Reader, SpannedValue};
use super::{MappingFault, PLACE_OF_NUMBER, Source, Takes, Values, folded};
use crate::intake::hr_csv::cells::Column;

const SOURCE_KEYS: [&str; 9] =
    ["from", "first_of", "join", "with", "constant", "values", "others", "days", "when_empty"];

impl<'t> Reader<'t> {
    pub(super) fn sources(
        &mut self,
        columns: &DeTable<'t>,
        at: usize,
        key: &str,
        ours: &'static [Column],
        days: &[DayFormat],
    ) -> Vec<Option<Source>> {
        for name in columns.keys().filter(|name| !ours.iter().any(|column| column.name == name.get_ref().as_ref())) {
            let known = ours.iter().map(|column| column.name).collect();
            let key = format!("{key}.{}", name.get_ref());
            self.note(name.span().start, &key, MappingFault::UnknownColumn { known });
        }
        let mut sources = Vec::with_capacity(ours.len());
        for column in ours {
            let key = format!("{key}.{}", column.name);
            let value = columns.get(column.name);
            if value.is_none() && column.required {
                self.note(at, &key, MappingFault::MissingColumn);
            }
            sources.push(value.and_then(|value| self.source(value, &key, column, days)));
        }
        sources
    }

    /// `"Header"`, or a table that says more.
    fn source(
        &mut self,
        value: &SpannedValue<'t>,
        key: &str,
        column: &'static Column,
        days: &[DayFormat],
    ) -> Option<Source> {
        let days_of_file = || if column.is_day { days.to_vec() } else { Vec::new() };
        if value.get_ref().is_str() {
            let text = self.text(value, key)?;
            let header = self.header(&text, value.span().start, key)?;
            let takes = Takes::FirstOf(vec![header]);
            return Some(Source { takes, values: None, days: days_of_file(), when_empty: None });
        }
        let Some(table) = value.get_ref().as_table() else {
            self.note(value.span().start, key, MappingFault::WrongType("a header in quotes, or a table"));
            return None;
        };
        self.only(table, key, &SOURCE_KEYS);
        let takes = self.takes(table, value.span().start, key, column);
        let is_constant = matches!(takes, Some(Takes::Constant(_)));
        for beside in ["values", "days", "when_empty"] {
            if let Some(value) = table.get(beside).filter(|_| is_constant) {
                self.note(value.span().start, &format!("{key}.{beside}"), MappingFault::BesideConstant);
            }
        }
        let values = table.get("values").and_then(|value| self.values(value, table, &format!("{key}.values"), column));
        if let Some(value) = table.get("others").filter(|_| table.get("values").is_none()) {
            self.note(value.span().start, &format!("{key}.others"), MappingFault::WithoutValues);
        }
        let own_days = table.get("days").and_then(|value| {
            let key = format!("{key}.days");
            if !column.is_day {
                self.note(value.span().start, &key, MappingFault::NotADayColumn);
            }
            self.days(value, &key)
        });
        let when_empty = table.get("when_empty").and_then(|value| {
            let key = format!("{key}.when_empty");
            let word = self.text(value, &key)?;
            self.check_word(&word, value.span().start, &key, column);
            Some(word.trim().to_owned())
        });
        Some(Source { takes: takes?, values, days: own_days.unwrap_or_else(days_of_file), when_empty })
    }

    fn takes(&mut self, table: &DeTable<'t>, at: usize, key: &str, column: &'static Column) -> Option<Takes> {
        let named = ["from", "first_of", "join", "constant"].map(|name| table.get(name));
        if let Some(value) = table.get("with").filter(|_| table.get("join").is_none()) {
            self.note(value.span().start, &format!("{key}.with"), MappingFault::WithoutJoin);
        }
        match named {
            [Some(from), None, None, None] => {
                let key = format!("{key}.from");
                let text = self.text(from, &key)?;
                Some(Takes::FirstOf(vec![self.header(&text, from.span().start, &key)?]))
            }
            [None, Some(first_of), None, None] => {
                Some(Takes::FirstOf(self.headers(first_of, &format!("{key}.first_of"))?))
            }
            [None, None, Some(join), None] => {
                let with = table.get("with").map_or(Some(String::new()), |v| self.text(v, &format!("{key}.with")))?;
                Some(Takes::Joined { headers: self.headers(join, &format!("{key}.join"))?, with })
            }
            [None, None, None, Some(constant)] => {
                let key = format!("{key}.constant");
                let word = self.text(constant, &key)?;
                if word.trim().is_empty() {
                    self.note(constant.span().start, &key, MappingFault::Empty);
                }
                self.check_word(&word.replace(PLACE_OF_NUMBER, "1"), constant.span().start, &key, column);
                Some(Takes::Constant(word.trim().to_owned()))
            }
            _ => {
                self.note(at, key, MappingFault::NotOneSource);
                None
            }
        }
    }

    fn values(
        &mut self,
        value: &SpannedValue<'t>,
        source: &DeTable<'t>,
        key: &str,
        column: &'static Column,
    ) -> Option<Values> {
        let table = self.table(value, key)?;
        let mut ours = HashMap::with_capacity(table.len());
        for (word, value) in table {
            let key = format!("{key}.{}", word.get_ref());
            let Some(our_word) = self.text(value, &key) else { continue };
            self.check_word(&our_word, value.span().start, &key, column);
            if ours.insert(folded(word.get_ref()), our_word.trim().to_owned()).is_some() {
                self.note(word.span().start, &key, MappingFault::SameValueTwice);
            }
        }
        let keeps_others = match source.get("others").map(|value| (value.get_ref().as_str(), value.span().start)) {
            None | Some((Some("refuse"), _)) => false,
            Some((Some("keep"), _)) => true,
            Some((_, at)) => {
                self.note(at, &key.replace(".values", ".others"), MappingFault::UnknownOthers);
                false
            }
        };
        Some(Values { ours, keeps_others })
    }

    /// Refuses a word that the column would refuse in every row.
    fn check_word(&mut self, word: &str, at: usize, key: &str, column: &Column) {
        let word = word.trim();
        if let Some(Err(fault)) = column.check.filter(|_| !word.is_empty()).map(|check| check(word)) {
            self.note(at, key, MappingFault::NotOurWord { word: word.to_owned(), fault });
        }
    }
}
