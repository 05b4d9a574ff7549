//! The administrations file: `code, name, board`.

use super::cells::{Column, id, text};
use super::mapping::FileMapping;
use super::{RawFile, Reading, table};
use kurskoll_domain::directory::problem::{FileKind, RowProblems};
use kurskoll_domain::directory::records::AdministrationRecord;
use kurskoll_domain::ids::AdministrationCode;

pub(super) static COLUMNS: [Column; 3] =
    [Column::required("code"), Column::required("name"), Column::optional("board")];

/// Reads an administrations file; each code once.
pub fn read(bytes: &[u8]) -> Result<Reading<AdministrationRecord>, RowProblems> {
    read_as(bytes, None)
}

/// Reads an administrations file with other headers, which a mapping names.
pub fn read_as<'a>(
    file: impl Into<RawFile<'a>>,
    mapping: Option<&FileMapping>,
) -> Result<Reading<AdministrationRecord>, RowProblems> {
    let mut sheet =
        table::read(FileKind::Administrations, &COLUMNS, mapping, file.into(), |[code, name, board], row| {
            let code = row.required(code, id(AdministrationCode::parse));
            let name = row.required(name, text);
            let board = row.optional(board, text);
            Some(AdministrationRecord { code: code?, name: name?, board: board?.unwrap_or_default() })
        })?;
    sheet.refuse_repeats(&COLUMNS[0]);
    sheet.finish()
}
