//! Changes to a text at places of it, which leave the rest as it is.

use std::ops::Range;

use crate::json::Value;

/// Changes that lie apart from each other.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Puts another text in a value's place.
    pub(super) fn replace(&mut self, value: Value<'_, '_>, text: String) {
        self.0.push((range(value), text));
    }

    /// Adds text within an object or array, after all that it holds.
    pub(super) fn insert_before_end(&mut self, container: Value<'_, '_>, text: String) {
        let bracket = range(container).end.saturating_sub(1);
        self.0.push((bracket..bracket, text));
    }

    /// Makes a value a list of itself.
    pub(super) fn wrap(&mut self, value: Value<'_, '_>) {
        let Range { start, end } = range(value);
        self.0.push((start..start, "[".to_owned()));
        self.0.push((end..end, "]".to_owned()));
    }

    /// The text with all changes made. A change that lies within another one is lost.
    pub(super) fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(Range { start, end }, _)| (*start, *end));
        let added: usize = self.0.iter().map(|(_, new)| new.len()).sum();
        let mut changed = String::with_capacity(text.len() + added);
        let mut at = 0;
        for (Range { start, end }, new) in self.0 {
            if start >= at {
                changed.push_str(text.get(at..start).unwrap_or_default());
                changed.push_str(&new);
                at = end;
            }
        }
        changed.push_str(text.get(at..).unwrap_or_default());
        changed
    }
}

fn range(value: Value<'_, '_>) -> Range<usize> {
    value.offset()..value.offset() + value.raw().len()
}
