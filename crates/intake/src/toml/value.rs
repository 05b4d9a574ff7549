//! A value: text, number, day, list or table; or a problem if it is something else.

use ::toml::Spanned;
use ::toml::de::DeValue;
use chrono::NaiveDate;

use super::{Notes, Place, Table, TomlFault};

/// A value of a file.
pub struct Value<'v, F> {
    pub(super) notes: &'v Notes<'v, F>,
    pub(super) value: &'v Spanned<DeValue<'v>>,
    pub(super) place: Place,
}

impl<F> Clone for Value<'_, F> {
    fn clone(&self) -> Self {
        Self { notes: self.notes, value: self.value, place: self.place.clone() }
    }
}

/// The kind of a value, for a format that accepts a text as well as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'v> {
    Text(&'v str),
    Whole(i64),
    /// With a point or an exponent.
    Float,
    Other,
}

impl<'v, F: From<TomlFault>> Value<'v, F> {
    /// Notes a problem of the value, and gives the `None` that represents it.
    pub fn note<T>(&self, fault: impl Into<F>) -> Option<T> {
        self.notes.note(self.value.span().start, &self.place, fault.into())
    }

    /// What was made of the value, or `None` if its fault was noted.
    pub fn accept<T>(&self, made: Result<T, impl Into<F>>) -> Option<T> {
        made.map_or_else(|fault| self.note(fault), Some)
    }

    /// Notes that it should have been something else.
    pub fn must_be<T>(&self, what: &'static str) -> Option<T> {
        self.note(TomlFault::WrongType(what))
    }

    /// The line on which it begins.
    #[must_use]
    pub fn line(&self) -> usize {
        self.notes.line_of(self.value.span().start)
    }

    fn get(&self) -> &'v DeValue<'v> {
        self.value.get_ref()
    }

    #[must_use]
    pub fn is_text(&self) -> bool {
        self.get().is_str()
    }

    #[must_use]
    pub fn is_table(&self) -> bool {
        self.get().is_table()
    }

    /// What it is, without a problem if that is of no use.
    #[must_use]
    pub fn as_text(&self) -> Option<&'v str> {
        self.get().as_str()
    }

    pub fn text(&self) -> Option<&'v str> {
        self.as_text().or_else(|| self.must_be("a text in quotes"))
    }

    /// A text that is not empty.
    pub fn filled(&self) -> Option<&'v str> {
        self.text().and_then(|text| if text.is_empty() { self.note(TomlFault::Empty) } else { Some(text) })
    }

    pub fn flag(&self) -> Option<bool> {
        self.get().as_bool().or_else(|| self.must_be("true or false"))
    }

    /// A text that is one of some values.
    pub fn word(&self, words: &'static [&'static str]) -> Option<&'static str> {
        let known = self.as_text().and_then(|text| words.iter().copied().find(|word| *word == text));
        known.or_else(|| self.note(TomlFault::NotOneOf { words }))
    }

    pub fn number(&self, from: u32, to: u32) -> Option<u32> {
        let number = self.get().as_integer();
        let number = number.and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok());
        let number = number.filter(|number| (from..=to).contains(number));
        number.or_else(|| self.note(TomlFault::OutOfRange { from, to }))
    }

    /// A day as TOML writes it, without quotes.
    pub fn day(&self) -> Option<NaiveDate> {
        let day = self.get().as_datetime().filter(|moment| moment.time.is_none() && moment.offset.is_none());
        day.and_then(|moment| moment.date)
            .and_then(|date| NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into()))
            .or_else(|| self.must_be("a day without quotes, as 2026-01-01"))
    }

    #[must_use]
    pub fn scalar(&self) -> Scalar<'v> {
        match self.get() {
            DeValue::String(text) => Scalar::Text(text),
            DeValue::Integer(whole) => {
                i64::from_str_radix(whole.as_str(), whole.radix()).map_or(Scalar::Other, Scalar::Whole)
            }
            DeValue::Float(_) => Scalar::Float,
            _ => Scalar::Other,
        }
    }

    pub fn table(&self) -> Option<Table<'v, F>> {
        let Some(table) = self.get().as_table() else { return self.must_be("a table") };
        Some(Table { notes: self.notes, table, start: self.value.span().start, place: self.place.clone() })
    }

    /// The items of a list.
    pub fn list(&self, most: usize) -> Option<Vec<Self>> {
        let Some(list) = self.get().as_array() else { return self.must_be("a list in brackets") };
        if list.len() > most {
            return self.note(TomlFault::TooMany { found: list.len(), most });
        }
        let item = |(index, value)| Self { notes: self.notes, value, place: self.place.item(index) };
        Some(list.iter().enumerate().map(item).collect())
    }

    /// The items of a list that is not empty.
    pub fn filled_list(&self, most: usize) -> Option<Vec<Self>> {
        self.list(most).and_then(|items| if items.is_empty() { self.note(TomlFault::Empty) } else { Some(items) })
    }

    /// The items of a list, or the one value in its place.
    pub fn one_or_list(&self, most: usize) -> Option<Vec<Self>> {
        if self.get().is_array() { self.list(most) } else { Some(vec![self.clone()]) }
    }

    /// The same; at least one.
    pub fn one_or_some(&self, most: usize) -> Option<Vec<Self>> {
        if self.get().is_array() { self.filled_list(most) } else { Some(vec![self.clone()]) }
    }

    /// The tables of `[[name]]`.
    pub fn tables(&self, most: usize) -> Option<Vec<Self>> {
        if self.get().is_array() { self.list(most) } else { self.must_be("a list of tables, each under [[…]]") }
    }
}

/// Reads every item, so that each one's problems are noted; `None` if there was one.
pub fn each<'v, T, F: From<TomlFault>>(
    items: Vec<Value<'v, F>>,
    read: impl FnMut(Value<'v, F>) -> Option<T>,
) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = items.into_iter().map(read).collect();
    read.into_iter().collect()
}
