//! The employments file: one row for each employment, with what it says of the person.

use super::cells::{Cell, Column, RowReader, address, boolean, day, id, text};
use super::mapping::FileMapping;
use super::{RawFile, Reading, spreadsheet, table};
use kurskoll_domain::directory::EmploymentForm;
use kurskoll_domain::directory::problem::{Fault, FileKind, RowProblems};
use kurskoll_domain::directory::records::{EmploymentRecord, ReportedEmployment};
use kurskoll_domain::ids::{AdministrationCode, EmploymentId};

pub(super) static COLUMNS: [Column; 13] = [
    Column::required("employee_number").personal(),
    Column::required("given_name").personal(),
    Column::required("family_name").personal(),
    Column::optional("email").personal(),
    Column::optional("username").personal(),
    Column::required("employment_id").personal(),
    Column::required("administration"),
    Column::optional("unit").personal(),
    Column::required("form").checked(|word| form(word).map(drop)),
    Column::required("starts_on").day(),
    Column::optional("ends_on").day(),
    Column::optional("manager_employee_number").personal(),
    Column::optional("protected").checked(|word| boolean(word).map(drop)),
];

/// Reads an employments file; each employment of an employee once, and each employee by one name.
pub fn read(bytes: &[u8]) -> Result<Reading<ReportedEmployment>, RowProblems> {
    read_as(bytes, None)
}

/// Reads an employments file with other headers, which a mapping names.
pub fn read_as<'a>(
    file: impl Into<RawFile<'a>>,
    mapping: Option<&FileMapping>,
) -> Result<Reading<ReportedEmployment>, RowProblems> {
    let mut sheet = table::read(FileKind::Employments, &COLUMNS, mapping, file.into(), read_row)?;
    sheet.refuse_repeats(&COLUMNS[5]);
    sheet.refuse_contradictions(
        |row| &row.employment.employee_number,
        |first, row| {
            if first.given_name != row.given_name {
                Some(&COLUMNS[1])
            } else if first.family_name != row.family_name {
                Some(&COLUMNS[2])
            } else {
                None
            }
        },
        |line| Fault::NameDiffers { line },
    );
    sheet.finish()
}

fn form(word: &str) -> Result<EmploymentForm, Fault> {
    EmploymentForm::parse(word).ok_or(Fault::UnknownForm)
}

fn read_row(cells: [Cell<'_>; 13], row: &mut RowReader<'_>) -> Option<ReportedEmployment> {
    let [
        employee_number,
        given_name,
        family_name,
        email,
        username,
        employment_id,
        administration,
        unit,
        form_cell,
        starts_on,
        ends_on,
        manager,
        protected,
    ] = cells;
    let says_whether_protected = protected.has_column;
    let employee_number = row.required(employee_number, spreadsheet::employee_number);
    let given_name = row.required(given_name, text);
    let family_name = row.required(family_name, text);
    let email = row.optional(email, address);
    let username = row.optional(username, address);
    let employment_id = row.required(employment_id, |text| {
        spreadsheet::check_id(text)?;
        let employment_id = id(EmploymentId::parse)(text)?;
        if employment_id.is_of_provider() { Err(Fault::ReservedForProvider) } else { Ok(employment_id) }
    });
    let administration = row.required(administration, id(AdministrationCode::parse));
    let unit = row.optional(unit, text);
    let form = row.required(form_cell, form);
    let starts_on = row.required(starts_on, day);
    let ends_on = row.last_day(ends_on, starts_on);
    let manager = row.optional(manager, spreadsheet::employee_number);
    let protected = row.optional(protected, boolean);
    Some(ReportedEmployment {
        given_name: given_name?,
        family_name: family_name?,
        protected: says_whether_protected.then_some(protected?.unwrap_or(false)),
        employment: EmploymentRecord {
            earlier: Vec::new(),
            employee_number: employee_number?,
            employment_id: employment_id?,
            administration: administration?,
            unit: unit?.unwrap_or_default(),
            form: form?,
            starts_on: starts_on?,
            ends_on: ends_on?,
            manager: manager?,
            email: email?,
            username: username?,
        },
    })
}
