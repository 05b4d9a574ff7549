//! The record of an import: which files, by whom, when, and how much they changed.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::plan::{Extent, Summary};
use super::problem::FileKind;

/// A file as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSource {
    pub kind: FileKind,
    /// Its name, without the folder.
    pub name: String,
    /// SHA-256 of its bytes, in lower-case hexadecimal digits.
    pub digest: String,
    pub bytes: u64,
    /// How many records were read from it: of a row with several employments, each.
    pub records: u64,
    /// How many rows the mapping skipped.
    pub skipped: u64,
}

/// The mapping with which files were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingSource {
    pub name: String,
    /// SHA-256, as a file's.
    pub digest: String,
}

/// Where the records of an import come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    pub files: Vec<FileSource>,
    pub mapping: Option<MappingSource>,
}

impl Sources {
    /// The same for the same contents, regardless of file names; `None` if no file was given.
    #[must_use]
    pub fn key(&self) -> Option<String> {
        let mut parts: Vec<String> = self.files.iter().map(|file| format!("{} {}", file.kind, file.digest)).collect();
        parts.sort();
        parts.extend(self.mapping.iter().map(|mapping| format!("mapping {}", mapping.digest)));
        (!self.files.is_empty()).then(|| parts.join(", "))
    }
}

/// The report of one import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    pub id: i64,
    /// When it became known: what it recorded and superseded bears this instant.
    pub at: DateTime<Utc>,
    /// Who imported: a token's subject, or `operator` at the command line.
    pub subject: String,
    /// The day on which the files were compared with the directory.
    pub day: NaiveDate,
    pub extent: Extent,
    pub sources: Sources,
    pub summary: Summary,
    /// The import that this one undoes, and why, if it is an undoing.
    pub undoes: Option<Undoes>,
    /// The undoing that undid this one, if there is one that is not undone itself.
    pub undone: Option<Undone>,
}

/// The import that an undoing undoes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoes {
    pub import: i64,
    pub reason: String,
}

/// The undoing of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The undoing, an import itself.
    pub import: i64,
    pub by: String,
    pub at: DateTime<Utc>,
    pub because: String,
}

/// Which imports are undone, and by which undoing. An undoing that is itself undone undoes nothing.
///
/// * `undoings`: the id of each, and of the import that it undoes.
#[must_use]
pub fn taken_back(undoings: impl IntoIterator<Item = (i64, i64)>) -> BTreeMap<i64, i64> {
    let mut undoings: Vec<(i64, i64)> = undoings.into_iter().collect();
    undoings.sort_unstable();
    let mut taken_back = BTreeMap::new();
    // From the newest on: the undoing of an undoing is later than it.
    for (undoing, import) in undoings.into_iter().rev() {
        if !taken_back.contains_key(&undoing) {
            taken_back.entry(import).or_insert(undoing);
        }
    }
    taken_back
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(kind: FileKind, name: &str, digest: &str) -> FileSource {
        FileSource { kind, name: name.to_owned(), digest: digest.to_owned(), bytes: 1, records: 1, skipped: 0 }
    }

    #[test]
    fn an_undoing_that_is_undone_takes_nothing_back() {
        assert_eq!(taken_back([]), BTreeMap::new());
        assert_eq!(taken_back([(2, 1)]), [(1, 2)].into());
        assert_eq!(taken_back([(2, 1), (3, 2)]), [(2, 3)].into());
        assert_eq!(taken_back([(2, 1), (3, 2), (4, 3)]), [(1, 2), (3, 4)].into());
        assert_eq!(taken_back([(2, 1), (3, 2), (4, 1)]), [(1, 4), (2, 3)].into(), "undone anew");
    }

    #[test]
    fn the_same_contents_are_the_same_files_whatever_they_are_called() {
        let one = Sources {
            files: vec![file(FileKind::Employments, "a.csv", "aa"), file(FileKind::Absences, "b.csv", "bb")],
            mapping: None,
        };
        let mut other = one.clone();
        other.files.reverse();
        "c.csv".clone_into(&mut other.files[0].name);
        assert_eq!(one.key(), other.key());
        other.mapping = Some(MappingSource { name: "m.toml".to_owned(), digest: "cc".to_owned() });
        assert_ne!(one.key(), other.key(), "another mapping reads something else");
        other.mapping = None;
        "dd".clone_into(&mut other.files[0].digest);
        assert_ne!(one.key(), other.key());
        assert_eq!(Sources::default().key(), None);
    }
}
