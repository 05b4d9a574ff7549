//! A difference as rows for machines: one for each field that changes.

use serde::Serialize;

use super::describe::{Described, NONE};
use super::{Act, Change, Plan};

/// One field that an import changes; or a change that shows no field.
///
/// For a person with protected personal data, before, after or now, the row shows the number and the kind of record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferenceRow {
    /// `administration`, `person`, `employment`, `absence`, `exemption` or `identity`.
    pub kind: &'static str,
    /// `added`, `changed`, `ended` or `withdrawn`.
    pub act: &'static str,
    /// The record's name: `104233/1` for an employment.
    pub key: String,
    /// The column of HR's file; `None` if there is none to show.
    pub field: Option<&'static str>,
    /// `None` if it is empty or the record is new.
    pub before: Option<String>,
    /// `None` if it is empty or the record is withdrawn.
    pub after: Option<String>,
}

impl DifferenceRow {
    /// The names of its fields, in the order of a file's columns.
    pub const COLUMNS: [&'static str; 6] = ["kind", "act", "key", "field", "before", "after"];
}

impl Plan {
    /// Every change in the same order as [`Plan::lines`], one row for each field that it gives, changes or removes.
    pub fn difference(&self) -> impl Iterator<Item = DifferenceRow> {
        self.changes.iter().flat_map(|change| {
            let is_protected = self.protects(change);
            match change {
                Change::Administration(act) => rows(act, is_protected),
                Change::Person(act) => rows(act, is_protected),
                Change::Employment(act) => rows(act, is_protected),
                Change::Absence(act) => rows(act, is_protected),
                Change::Exemption(act) => rows(act, is_protected),
                Change::Identity(act) => rows(act, is_protected),
            }
        })
    }
}

fn rows<T: Described>(act: &Act<T>, is_protected: bool) -> Vec<DifferenceRow> {
    let record = act.record();
    let key = if is_protected { record.owner().to_owned() } else { record.name() };
    let row = |field, before: Option<String>, after: Option<String>| DifferenceRow {
        kind: T::NOUN,
        act: act.as_str(),
        key: key.clone(),
        field,
        before: before.filter(|text| text != NONE),
        after: after.filter(|text| text != NONE),
    };
    if is_protected {
        return vec![row(None, None, None)];
    }
    let fields = |record: Option<&T>| record.map(T::fields).unwrap_or_default();
    let (before, after) = (fields(act.before()), fields(act.after()));
    let names = if before.is_empty() { &after } else { &before };
    let rows: Vec<DifferenceRow> = names
        .iter()
        .enumerate()
        .map(|(at, (field, _))| {
            let value = |fields: &[(&'static str, String)]| fields.get(at).map(|(_, value)| value.clone());
            row(Some(field), value(&before), value(&after))
        })
        .filter(|row| row.before != row.after)
        .collect();
    if rows.is_empty() { vec![row(None, None, None)] } else { rows }
}
