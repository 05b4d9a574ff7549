//! A plan as lines that a person reads before it is carried out.

use super::describe::{Described, NONE};
use super::{Act, Change, Plan};

impl Plan {
    /// One line for each change, always in the same order: `employment 104233/1: administration SEF → FGK`. For a
    /// person with protected personal data it shows the number and the kind of record.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.changes.iter().map(|change| {
            let is_protected = self.protects(change);
            match change {
                Change::Administration(act) => line(act, is_protected),
                Change::Person(act) => line(act, is_protected),
                Change::Employment(act) => line(act, is_protected),
                Change::Absence(act) => line(act, is_protected),
                Change::Exemption(act) => line(act, is_protected),
                Change::Identity(act) => line(act, is_protected),
            }
        })
    }
}

fn line<T: Described>(act: &Act<T>, is_protected: bool) -> String {
    let (noun, record) = (T::NOUN, act.record());
    if is_protected {
        let verb = match act {
            Act::Added(_) => "new",
            Act::Changed { .. } => "changed",
            Act::Ended { .. } => "ended",
            Act::Withdrawn(_) => "withdrawn",
        };
        return format!("{noun} {}: {verb}", record.owner());
    }
    let text = match act {
        Act::Added(record) => {
            let fields = record.fields().into_iter().filter(|(_, value)| value != NONE);
            let fields: Vec<String> = fields.map(|(field, value)| format!("{field} {value}")).collect();
            if fields.is_empty() { "new".to_owned() } else { format!("new, {}", fields.join(", ")) }
        }
        Act::Changed { before, after } => differing(before, after),
        Act::Ended { before, after } => format!("ended, {}", differing(before, after)),
        Act::Withdrawn(_) => "withdrawn".to_owned(),
    };
    format!("{noun} {}: {text}", record.name())
}

fn differing<T: Described>(before: &T, after: &T) -> String {
    let pairs = before.fields().into_iter().zip(after.fields());
    let differing = pairs.filter(|((_, before), (_, after))| before != after);
    let arrows: Vec<String> =
        differing.map(|((field, before), (_, after))| format!("{field} {before} → {after}")).collect();
    arrows.join(", ")
}
