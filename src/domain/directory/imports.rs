//! What is kept of an import: which files, whose, when, and how much they changed.

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
    /// How many rows the mapping passed over.
    pub passed_over: u64,
}

/// The mapping by which files were read.
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
    /// The same for the same contents, whatever the files are called; `None` where no file was given.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(kind: FileKind, name: &str, digest: &str) -> FileSource {
        FileSource { kind, name: name.to_owned(), digest: digest.to_owned(), bytes: 1, records: 1, passed_over: 0 }
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
