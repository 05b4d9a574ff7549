//! The absences file: `employee_number, starts_on, ends_on`.

use super::cells::{Column, day};
use super::mapping::FileMapping;
use super::{RawFile, Reading, spreadsheet, table};
use kurskoll_domain::directory::problem::{FileKind, RowProblems};
use kurskoll_domain::directory::records::AbsenceRecord;

pub(super) static COLUMNS: [Column; 3] = [
    Column::required("employee_number").personal(),
    Column::required("starts_on").day(),
    Column::optional("ends_on").day(),
];

/// Reads an absences file; each employee and first day once.
pub fn read(bytes: &[u8]) -> Result<Reading<AbsenceRecord>, RowProblems> {
    read_as(bytes, None)
}

/// Reads an absences file with other headers, which a mapping names.
pub fn read_as<'a>(
    file: impl Into<RawFile<'a>>,
    mapping: Option<&FileMapping>,
) -> Result<Reading<AbsenceRecord>, RowProblems> {
    let mut sheet = table::read(
        FileKind::Absences,
        &COLUMNS,
        mapping,
        file.into(),
        |[employee_number, starts_on, ends_on], row| {
            let employee_number = row.required(employee_number, spreadsheet::employee_number);
            let starts_on = row.required(starts_on, day);
            let ends_on = row.last_day(ends_on, starts_on);
            Some(AbsenceRecord { employee_number: employee_number?, starts_on: starts_on?, ends_on: ends_on? })
        },
    )?;
    sheet.refuse_repeats(&COLUMNS[1]);
    sheet.finish()
}
