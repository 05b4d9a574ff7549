//! A file as it was given, and its rows: of text, or of a workbook's sheet.

use super::lines::{Line, TextLines};
use super::{decode, workbook};
use kurskoll_domain::directory::problem::Fault;

/// A file's bytes, and the sheet that is meant if it is a workbook with several.
#[derive(Debug, Clone, Copy)]
pub struct RawFile<'a> {
    pub bytes: &'a [u8],
    pub sheet: Option<&'a str>,
}

impl<'a> From<&'a [u8]> for RawFile<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self { bytes, sheet: None }
    }
}

impl<'a> From<&'a Vec<u8>> for RawFile<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self { bytes, sheet: None }
    }
}

/// What the rows are read from.
pub(super) enum Rows<'a> {
    Text(std::borrow::Cow<'a, str>),
    Sheet(Vec<Line>),
}

impl<'a> Rows<'a> {
    /// Finds out what the file is by its first bytes, regardless of its name.
    pub(super) fn of(file: RawFile<'a>) -> Result<Self, Fault> {
        if workbook::is_archive(file.bytes) {
            return workbook::rows(file.bytes, file.sheet).map(Self::Sheet);
        }
        decode::decode(file.bytes).map(Self::Text)
    }

    /// Whether cells of days may hold typed days, which are always read the same way.
    pub(super) const fn is_workbook(&self) -> bool {
        matches!(self, Self::Sheet(_))
    }

    /// The rows that are not blank, the header being the first.
    pub(super) fn lines(&self) -> Result<Lines<'_>, Fault> {
        match self {
            Self::Text(text) => TextLines::of(text).map(|lines| Lines::Text(Box::new(lines))),
            Self::Sheet(rows) => Ok(Lines::Sheet(rows.iter())),
        }
    }
}

/// The rows of a file, one after the other.
pub(super) enum Lines<'t> {
    Text(Box<TextLines<'t>>),
    Sheet(std::slice::Iter<'t, Line>),
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        match self {
            Self::Text(lines) => lines.next(),
            Self::Sheet(rows) => rows.next().cloned(),
        }
    }
}
