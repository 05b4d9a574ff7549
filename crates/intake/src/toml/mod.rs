//! The one reader of TOML files that people write: requirements, mappings of HR's files, platform profiles.
//!
//! It walks tables, lists and values, and notes every problem with its line and its place in the file, as
//! `events[0].fields.email`. Each format says what the values mean and what else may be wrong; its faults are the
//! reader's `F`. Start at [`read`].

mod fault;
mod problem;
mod table;
mod value;

#[cfg(test)]
mod tests;

use std::cell::RefCell;

use ::toml::de::DeTable;

pub use fault::{Known, TomlFault};
pub use problem::{Place, Problem, Problems};
pub use table::Table;
pub use value::{Scalar, Value, each};

/// Reads a file, or names everything that is wrong with it, in the order of its lines.
///
/// `name` says what the file is, as its problems begin: "profile". `read` gives `None` if it noted a problem.
pub fn read<T, F: From<TomlFault>>(
    name: &'static str,
    bytes: &[u8],
    read: impl FnOnce(Table<'_, F>) -> Option<T>,
) -> Result<T, Problems<F>> {
    let whole = |line, fault: TomlFault| Problems::of_file(name, line, fault.into());
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| whole(None, TomlFault::NotUtf8))?;
    let parsed = DeTable::parse(text).map_err(|error| {
        let line = error.span().map(|span| line_of(text, span.start));
        whole(line, TomlFault::NotToml(error.message().to_owned()))
    })?;
    let notes = Notes { name, text, problems: RefCell::new(Vec::new()) };
    let done = read(Table { notes: &notes, table: parsed.get_ref(), start: 0, place: Place::default() });
    let mut problems = notes.problems.into_inner();
    problems.sort_by_key(|problem| problem.line);
    match done {
        Some(done) if problems.is_empty() => Ok(done),
        _ => Err(Problems(problems)),
    }
}

/// What is wrong with a file, as far as it was read.
struct Notes<'v, F> {
    name: &'static str,
    text: &'v str,
    problems: RefCell<Vec<Problem<F>>>,
}

impl<F> Notes<'_, F> {
    fn line_of(&self, at: usize) -> usize {
        line_of(self.text, at)
    }

    /// Notes a fault, and gives the `None` that represents the value.
    fn note<T>(&self, at: usize, place: &Place, fault: F) -> Option<T> {
        let problem = Problem { file: self.name, line: Some(self.line_of(at)), place: place.clone(), fault };
        self.problems.borrow_mut().push(problem);
        None
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
