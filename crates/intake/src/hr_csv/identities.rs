//! The identities file: `employee_number, platform, key, value, home_page, valid_from, valid_to`.

use super::cells::{Cell, Column, RowReader, address, day, id, text};
use super::mapping::FileMapping;
use super::{RawFile, Reading, spreadsheet, table};
use kurskoll_domain::calendar::LAST_DAY;
use kurskoll_domain::directory::problem::{Fault, FileKind, RowProblems};
use kurskoll_domain::directory::records::IdentityRecord;
use kurskoll_domain::ids::PlatformCode;
use kurskoll_domain::linking::{Identity, LinkingKey};

pub(super) static COLUMNS: [Column; 7] = [
    Column::required("employee_number").personal(),
    Column::required("platform"),
    Column::required("key").checked(|word| linking_key(word).map(drop)),
    Column::required("value").personal(),
    Column::optional("home_page").personal(),
    Column::optional("valid_from").day(),
    Column::optional("valid_to").day(),
];

/// Reads an identities file; each identity of an employee from each first day once.
pub fn read(bytes: &[u8]) -> Result<Reading<IdentityRecord>, RowProblems> {
    read_as(bytes, None)
}

/// Reads an identities file with other headers, which a mapping names.
pub fn read_as<'a>(
    file: impl Into<RawFile<'a>>,
    mapping: Option<&FileMapping>,
) -> Result<Reading<IdentityRecord>, RowProblems> {
    let mut sheet = table::read(FileKind::Identities, &COLUMNS, mapping, file.into(), read_row)?;
    sheet.refuse_repeats(&COLUMNS[3]);
    sheet.finish()
}

fn linking_key(word: &str) -> Result<LinkingKey, Fault> {
    LinkingKey::parse(word).ok_or(Fault::UnknownKey)
}

fn read_row(
    [employee_number, platform, key, value, home_page, valid_from, valid_to]: [Cell<'_>; 7],
    row: &mut RowReader<'_>,
) -> Option<IdentityRecord> {
    let employee_number = row.required(employee_number, spreadsheet::employee_number);
    let platform = row.required(platform, id(PlatformCode::parse));
    let key = row.required(key, linking_key);
    let value_text = row.required(value, |said| match key {
        // A personal identity number is no employee number here either.
        Some(LinkingKey::EmployeeNumber) => spreadsheet::employee_number(said).map(String::from),
        _ => address(said),
    });
    let home_page_text = row.optional(home_page, text);
    let first = row.optional(valid_from, day);
    let last = row.optional(valid_to, day).map(|last| last.filter(|last| *last < LAST_DAY));
    if let (Some(Some(first)), Some(Some(last))) = (first, last)
        && last < first
    {
        row.note(valid_to, Fault::EndsBeforeItIsValid);
    }
    let (key, value_text, home_page_text) = (key?, value_text?, home_page_text?);
    if home_page_text.is_some() && key != LinkingKey::Account {
        row.note(home_page, Fault::HomePageWithoutAccount);
    }
    let identity = Identity::new(key, &value_text, &home_page_text.unwrap_or_default());
    if identity.is_none() {
        row.note(value, Fault::Missing);
    }
    Some(IdentityRecord {
        employee_number: employee_number?,
        platform: platform?,
        identity: identity?,
        valid_from: first?,
        valid_to: last?,
    })
}
