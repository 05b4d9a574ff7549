//! How a file with other headers than ours becomes one of ours: which header is which column, and what its values mean.
//!
//! `read` and `read_source` make a [`Mapping`] from TOML, or name everything that is wrong with it. `apply` finds its
//! headers in a file and gives each row's cells. docs/importing.md describes the format. Start at [`FileMapping`].

mod apply;
mod days;
mod fault;
mod read;
mod read_source;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use days::DayFormat;

use super::cells::Column;
use kurskoll_domain::directory::problem::{FileKind, RowProblems};

pub(super) use apply::{Applied, Taken};
pub use fault::{MappingFault, MappingProblems};

/// The mappings of some kinds of files; a kind that is not among them has our own headers.
#[derive(Debug, Clone)]
pub struct Mapping(BTreeMap<FileKind, FileMapping>);

impl Mapping {
    /// Reads a mapping file, or names everything that is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, MappingProblems> {
        read::mapping(bytes)
    }

    /// How files of a kind are read.
    #[must_use]
    pub fn of(&self, kind: FileKind) -> Option<&FileMapping> {
        self.0.get(&kind)
    }

    /// Names the columns by the file's own headers in problems that were not found in the file itself.
    pub fn rename(&self, problems: &mut RowProblems) {
        problems.rename_columns(|file, ours| self.of(file)?.headers_of(ours));
    }
}

/// How one kind of file is read.
#[derive(Debug, Clone)]
pub struct FileMapping {
    ours: &'static [Column],
    /// For each column of ours where it comes from; `None`: as if the file did not have it.
    sources: Vec<Option<Source>>,
    /// Rows that are skipped, if any of these holds.
    skip: Vec<Condition>,
    group: Option<Group>,
    /// The numbers that `{n}` in a header represents. A row has a record for each of its groups that is filled.
    repeat: Option<RangeInclusive<u32>>,
    /// Headers that are known to be of no use here.
    ignore: Vec<HeaderName>,
}

/// A header: compared without its capitals, shown as the mapping writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct HeaderName {
    written: String,
    normalised: String,
    /// The line of the mapping that has it.
    line: usize,
}

impl HeaderName {
    fn new(written: &str, line: usize) -> Self {
        Self { written: written.trim().to_owned(), normalised: normalised(written), line }
    }

    fn repeats(&self) -> bool {
        self.written.contains(PLACE_OF_NUMBER)
    }

    fn numbered(&self, number: u32) -> Self {
        Self::new(&self.written.replace(PLACE_OF_NUMBER, &number.to_string()), self.line)
    }
}

const PLACE_OF_NUMBER: &str = "{n}";

/// How headers and values are compared: trimmed, without capitals, in NFC.
fn normalised(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    text.trim().nfc().collect::<String>().to_lowercase()
}

/// Where a column of ours comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    takes: Takes,
    values: Option<Values>,
    /// The formats of its days, in the order in which they are tried; empty: ours.
    days: Vec<DayFormat>,
    when_empty: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Takes {
    /// The first of these that is not empty.
    FirstOf(Vec<HeaderName>),
    /// Those that are not empty, with a text between.
    Joined {
        headers: Vec<HeaderName>,
        with: String,
    },
    Constant(String),
}

impl Source {
    fn headers(&self) -> &[HeaderName] {
        match &self.takes {
            Takes::FirstOf(headers) | Takes::Joined { headers, .. } => headers,
            Takes::Constant(_) => &[],
        }
    }

    /// Whether it differs from one group of columns to the next.
    fn repeats(&self) -> bool {
        self.headers().iter().any(HeaderName::repeats)
    }
}

/// What the file's values mean.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Values {
    /// By the normalised value.
    ours: HashMap<String, String>,
    /// Whether a value that is not listed stays as it is; else it is a problem.
    keeps_others: bool,
}

/// When a row is skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    header: HeaderName,
    holds: Holds,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Holds {
    Is(Vec<String>),
    IsNot(Vec<String>),
    IsEmpty(bool),
}

impl Condition {
    fn holds(&self, cell: &str) -> bool {
        match &self.holds {
            Holds::Is(words) => words.contains(&normalised(cell)),
            Holds::IsNot(words) => !words.contains(&normalised(cell)),
            Holds::IsEmpty(empty) => cell.is_empty() == *empty,
        }
    }
}

/// Rows that belong together: a group begins when the cell of `key` is filled with something else than before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    key: HeaderName,
    /// The columns in which an empty cell means what the group's previous row said.
    fill_down: Vec<HeaderName>,
}

impl FileMapping {
    /// The headers that a column of ours comes from, as a problem names them.
    pub(super) fn headers_of(&self, ours: &str) -> Option<String> {
        let place = self.ours.iter().position(|column| column.name == ours)?;
        let source = self.sources.get(place)?.as_ref()?;
        let headers: Vec<&str> = source.headers().iter().map(|header| header.written.as_str()).collect();
        Some(match &source.takes {
            Takes::FirstOf(_) => format!("{} ({ours})", headers.join(" or ")),
            Takes::Joined { .. } => format!("{} ({ours})", headers.join(" with ")),
            Takes::Constant(_) => format!("{ours} (a constant of the mapping)"),
        })
    }
}
