//! A table: which keys it has, which it must have, and which it may not have.

use ::toml::de::DeTable;

use super::{Known, Notes, Place, TomlFault, Value};

/// A table of a file.
pub struct Table<'v, F> {
    pub(super) notes: &'v Notes<'v, F>,
    pub(super) table: &'v DeTable<'v>,
    pub(super) start: usize,
    pub(super) place: Place,
}

impl<'v, F: From<TomlFault>> Table<'v, F> {
    /// The same table, whose problems also say what people call it.
    #[must_use]
    pub fn called(self, name: String) -> Self {
        Self { place: self.place.called(name), ..self }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'v, F>> {
        let value = self.table.get(name)?;
        Some(Value { notes: self.notes, value, place: self.place.key(name) })
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// Reads a key that must be there.
    pub fn required<T>(&self, name: &str, read: impl FnOnce(Value<'v, F>) -> Option<T>) -> Option<T> {
        match self.get(name) {
            Some(value) => read(value),
            None => self.missing(name),
        }
    }

    /// Reads a key that may be missing. The outer `None` means that a problem was noted.
    pub fn optional<T>(&self, name: &str, read: impl FnOnce(Value<'v, F>) -> Option<T>) -> Option<Option<T>> {
        self.get(name).map_or(Some(None), |value| read(value).map(Some))
    }

    /// Reads a key, or gives the default if it is missing.
    pub fn optional_or<T>(&self, name: &str, default: T, read: impl FnOnce(Value<'v, F>) -> Option<T>) -> Option<T> {
        self.get(name).map_or(Some(default), read)
    }

    /// All keys with their values.
    pub fn entries(&self) -> impl Iterator<Item = (&'v str, Value<'v, F>)> {
        self.table.iter().map(|(name, value)| {
            let name: &str = name.get_ref();
            (name, Value { notes: self.notes, value, place: self.place.key(name) })
        })
    }

    /// Refuses keys that are not known: a misspelt `valid_month` would otherwise hold for ever.
    pub fn only(&self, known: &[&'static str]) {
        self.only_or(known, |_, known| TomlFault::UnknownKey(known).into());
    }

    /// The same, if the format has a fault of its own for a name.
    pub fn only_or(&self, known: &[&'static str], fault: impl Fn(&str, Known) -> F) {
        let names = self.table.keys().map(|name| name.get_ref().as_ref());
        for name in names.filter(|name| !known.contains(name)) {
            self.note_key::<()>(name, fault(name, Known::instead_of(name, known.to_vec())));
        }
    }

    /// Notes a problem of the table.
    pub fn note<T>(&self, fault: impl Into<F>) -> Option<T> {
        self.notes.note(self.start, &self.place, fault.into())
    }

    /// Notes that a key is missing.
    pub fn missing<T>(&self, name: &str) -> Option<T> {
        self.note_key(name, TomlFault::Missing)
    }

    /// Notes a problem of a key, whether the table has it or should have it.
    pub fn note_key<T>(&self, name: &str, fault: impl Into<F>) -> Option<T> {
        let start = self.table.get_key_value(name).map_or(self.start, |(key, _)| key.span().start);
        self.notes.note(start, &self.place.key(name), fault.into())
    }
}
