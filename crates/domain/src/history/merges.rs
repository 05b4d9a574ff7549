//! Merges as history entries: which number became part of which, by whom and why, and how that was undone.

use super::{Entry, Field, HistoryRecord, Kind, change};
use crate::directory::merge::Merge;

impl HistoryRecord for Merge {
    const KIND: Kind = Kind::Merge;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn name(&self) -> String {
        self.duplicate_number.to_string()
    }

    fn fields(&self) -> Vec<Field> {
        vec![Field::new("duplicate", &self.duplicate_number), Field::new("kept", &self.kept_number)]
    }

    fn reason(&self) -> Option<&str> {
        Some(&self.reason)
    }
}

/// The entries of a merge: made, and undone if it was.
#[must_use]
pub fn entries_of_merge(merge: &Merge) -> Vec<Entry> {
    let made = change(merge.decided.at, None, Some(merge));
    let made = made.map(|entry| Entry { by: Some(merge.decided.by.clone()), ..entry });
    let undone = merge.undone.as_ref().and_then(|(act, because)| {
        let entry = change(act.at, Some(merge), None)?;
        Some(Entry { by: Some(act.by.clone()), reason: Some(because.clone()), ..entry })
    });
    made.into_iter().chain(undone).collect()
}
