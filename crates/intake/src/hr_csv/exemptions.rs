//! The exemptions file: `employee_number, requirement, starts_on, ends_on, reason`.

use super::cells::{Cell, Column, RowReader, day, id, text};
use super::mapping::FileMapping;
use super::{RawFile, Reading, spreadsheet, table};
use kurskoll_domain::directory::problem::{FileKind, RowProblems};
use kurskoll_domain::directory::records::ExemptionRecord;
use kurskoll_domain::ids::RequirementCode;

pub(super) static COLUMNS: [Column; 5] = [
    Column::required("employee_number").personal(),
    Column::required("requirement"),
    Column::required("starts_on").day(),
    Column::optional("ends_on").day(),
    Column::optional("reason").personal(),
];

/// Reads an exemptions file; each employee, requirement and first day once.
pub fn read(bytes: &[u8]) -> Result<Reading<ExemptionRecord>, RowProblems> {
    read_as(bytes, None)
}

/// Reads an exemptions file with other headers, which a mapping names.
pub fn read_as<'a>(
    file: impl Into<RawFile<'a>>,
    mapping: Option<&FileMapping>,
) -> Result<Reading<ExemptionRecord>, RowProblems> {
    let mut sheet = table::read(FileKind::Exemptions, &COLUMNS, mapping, file.into(), read_row)?;
    sheet.refuse_repeats(&COLUMNS[2]);
    sheet.finish()
}

fn read_row(
    [employee_number, requirement, starts_on, ends_on, reason]: [Cell<'_>; 5],
    row: &mut RowReader<'_>,
) -> Option<ExemptionRecord> {
    let employee_number = row.required(employee_number, spreadsheet::employee_number);
    let requirement = row.required(requirement, id(RequirementCode::parse));
    let starts_on = row.required(starts_on, day);
    let ends_on = row.last_day(ends_on, starts_on);
    let reason = row.optional(reason, text);
    Some(ExemptionRecord {
        employee_number: employee_number?,
        requirement: requirement?,
        starts_on: starts_on?,
        ends_on: ends_on?,
        reason: reason?.unwrap_or_default(),
    })
}
