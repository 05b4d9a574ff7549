//! HR's files, and a platform's history, from bytes into records (DESIGN, "Files in").
//!
//! One module for each kind of file names its columns and reads a row. `raw` finds out what a file is, `decode` makes
//! text of bytes, `lines` rows of text, `workbook` rows of a sheet, `table` records of rows, and `cells` values of
//! cells. `mapping` reads files with other headers than ours. All or nothing: a file with anything wrong in it gives no
//! record, and every problem is named. What a file changes is decided in `domain::directory::plan`. Start at
//! `absences`, the shortest.

pub mod absences;
pub mod administrations;
pub mod by_profile;
mod cells;
mod decode;
pub mod employments;
pub mod exemptions;
mod first_line;
pub mod identities;
mod lines;
pub mod mapping;
pub mod prior_training;
mod raw;
pub mod results;
mod spreadsheet;
mod table;
mod workbook;

#[cfg(test)]
mod tests;

pub use raw::RawFile;

use kurskoll_domain::directory::records::Row;

/// What was read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading<T> {
    /// In the order of the file.
    pub rows: Vec<Row<T>>,
    /// Columns of the header that mean nothing here, as written: perhaps a misspelling.
    pub ignored_columns: Vec<String>,
    /// Optional columns that the header does not have: read as if all their cells were empty.
    pub absent_columns: Vec<&'static str>,
    /// How many rows the mapping skipped.
    pub skipped: usize,
}
