//! Cells into values. Every reader notes what is wrong and goes on, so that one pass names all of it.

use std::borrow::Cow;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::mapping::Taken;
use super::spreadsheet;
use kurskoll_domain::calendar::LAST_DAY;
use kurskoll_domain::directory::problem::{Fault, FileKind, RowProblem, RowProblems, showable};
use kurskoll_domain::ids::{InvalidId, MAX_LENGTH};
use kurskoll_domain::training::{InvalidDecimal, decimal_from_text};

/// Says why a value cannot be in a column.
pub(super) type Check = fn(&str) -> Result<(), Fault>;

/// A column that Kurskoll knows.
#[derive(Debug)]
pub(super) struct Column {
    pub name: &'static str,
    /// The header must have it, and no cell in it may be empty.
    pub required: bool,
    /// Its values are never shown in a problem.
    personal: bool,
    /// Its values are days.
    pub is_day: bool,
    /// Refuses a value that the column never takes, if it takes few.
    pub check: Option<Check>,
}

impl Column {
    pub const fn required(name: &'static str) -> Self {
        Self { name, required: true, personal: false, is_day: false, check: None }
    }

    pub const fn optional(name: &'static str) -> Self {
        Self { required: false, ..Self::required(name) }
    }

    /// The same column, whose values are days.
    pub const fn day(self) -> Self {
        Self { is_day: true, ..self }
    }

    /// The same column, which takes few values.
    pub const fn checked(self, check: Check) -> Self {
        Self { check: Some(check), ..self }
    }

    /// The same column, whose values are about a person.
    pub const fn personal(self) -> Self {
        Self { personal: true, ..self }
    }
}

/// One cell of a row, trimmed; without text if it is empty or the file lacks the column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell<'a> {
    pub column: &'static Column,
    pub text: Option<&'a str>,
    /// Whether the file has the column at all.
    pub has_column: bool,
    mapped: Option<&'a Taken<'a>>,
}

impl<'a> Cell<'a> {
    pub fn new(column: &'static Column, cell: Option<&'a str>) -> Self {
        Self {
            column,
            text: cell.map(str::trim).filter(|text| !text.is_empty()),
            has_column: cell.is_some(),
            mapped: None,
        }
    }

    /// What a mapping made of a row.
    pub fn mapped(column: &'static Column, taken: &'a Taken<'a>) -> Self {
        Self { column, text: taken.text.as_deref(), has_column: taken.has_column, mapped: Some(taken) }
    }
}

/// Reads the cells of one row. A reader's `None` means that a problem was noted.
pub(super) struct RowReader<'p> {
    file: FileKind,
    line: u64,
    problems: &'p mut RowProblems,
    is_bad: bool,
}

impl<'p> RowReader<'p> {
    pub const fn new(file: FileKind, line: u64, problems: &'p mut RowProblems) -> Self {
        Self { file, line, problems, is_bad: false }
    }

    pub const fn is_bad(&self) -> bool {
        self.is_bad
    }

    pub fn note(&mut self, cell: Cell<'_>, fault: Fault) {
        // The file's own text: the mapped value need not be in the file at all.
        let written = cell.mapped.map_or(cell.text, |taken| taken.written.as_deref());
        let value = written.filter(|_| !cell.column.personal).and_then(showable);
        let header = cell.mapped.and_then(|taken| taken.header);
        let column = header.map_or(Cow::Borrowed(cell.column.name), |header| Cow::Owned(header.to_owned()));
        self.push(Some(column), value, fault);
    }

    pub fn note_row(&mut self, fault: Fault) {
        self.push(None, None, fault);
    }

    fn push(&mut self, column: Option<Cow<'static, str>>, value: Option<String>, fault: Fault) {
        self.is_bad = true;
        self.problems.push(RowProblem { file: self.file, line: Some(self.line), column, value, fault });
    }

    /// A value that may be empty.
    pub fn optional<T>(&mut self, cell: Cell<'_>, read: impl FnOnce(&str) -> Result<T, Fault>) -> Option<Option<T>> {
        if let Some(fault) = cell.mapped.and_then(|taken| taken.fault.as_ref()) {
            self.note(cell, fault.clone());
            return None;
        }
        let Some(text) = cell.text else { return Some(None) };
        match spreadsheet::check_error(text).and_then(|()| read(text)) {
            Ok(value) => Some(Some(value)),
            Err(fault) => {
                self.note(cell, fault);
                None
            }
        }
    }

    /// A value that may not be empty.
    pub fn required<T>(&mut self, cell: Cell<'_>, read: impl FnOnce(&str) -> Result<T, Fault>) -> Option<T> {
        if cell.text.is_none() {
            self.note(cell, Fault::Missing);
        }
        self.optional(cell, read).flatten()
    }

    /// The last day of something that starts on the day in another cell; `9999-12-31` is how some systems write "open".
    pub fn last_day(&mut self, cell: Cell<'_>, starts_on: Option<NaiveDate>) -> Option<Option<NaiveDate>> {
        let ends_on = self.optional(cell, day)?;
        if ends_on.zip(starts_on).is_some_and(|(last, first)| last < first) {
            self.note(cell, Fault::EndsBeforeItStarts);
            return None;
        }
        Some(ends_on.filter(|last| *last < LAST_DAY))
    }
}

/// An identifier, by its own rules.
pub(super) fn id<T>(parse: impl FnOnce(&str) -> Result<T, InvalidId>) -> impl FnOnce(&str) -> Result<T, Fault> {
    |text| {
        spreadsheet::check_visible(text)?;
        parse(text).map_err(Fault::Invalid)
    }
}

/// Free text on one line, within the limits of an identifier.
pub(super) fn text(text: &str) -> Result<String, Fault> {
    if text.chars().count() > MAX_LENGTH {
        return Err(Fault::Invalid(InvalidId::TooLong));
    }
    if text.chars().any(char::is_control) {
        return Err(Fault::Invalid(InvalidId::ControlCharacter));
    }
    Ok(text.to_owned())
}

/// An address or user name: text in which every character is visible.
pub(super) fn address(said: &str) -> Result<String, Fault> {
    spreadsheet::check_visible(said)?;
    text(said)
}

/// A day as `2026-03-01` or `20260301`, in the years 1900 to 9999.
pub(super) fn day(text: &str) -> Result<NaiveDate, Fault> {
    let bytes = text.as_bytes();
    let number = |range| {
        let digits: &[u8] = bytes.get(range)?;
        digits.iter().try_fold(0u32, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
    };
    let parts = match bytes {
        [_, _, _, _, b'-', _, _, b'-', _, _] => (number(0..4), number(5..7), number(8..10)),
        [_, _, _, _, _, _, _, _] => (number(0..4), number(4..6), number(6..8)),
        _ => return Err(spreadsheet::day_of_serial(text).map_or(Fault::NotADay, Fault::SerialDay)),
    };
    let (Some(year @ 1900..), Some(month), Some(day)) = parts else { return Err(Fault::NotADay) };
    i32::try_from(year).ok().and_then(|year| NaiveDate::from_ymd_opt(year, month, day)).ok_or(Fault::NotADay)
}

/// Yes or no, as spreadsheets and people write it.
pub(super) fn boolean(text: &str) -> Result<bool, Fault> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "yes" | "ja" => Ok(true),
        "false" | "0" | "no" | "nej" => Ok(false),
        _ => Err(Fault::NotABoolean),
    }
}

/// A decimal number with a point or a comma before its decimals, and nothing between its thousands.
pub(super) fn decimal(text: &str) -> Result<Decimal, Fault> {
    let number = match text.split_once(',') {
        Some((whole, decimals)) if !text.contains('.') && !decimals.contains(',') => {
            decimal_from_text(&format!("{whole}.{decimals}"))
        }
        Some(_) => Err(InvalidDecimal::NotANumber),
        None => decimal_from_text(text),
    };
    number.map_err(Fault::InvalidDecimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_with_or_without_hyphens() {
        let first_of_march = NaiveDate::from_ymd_opt(2026, 3, 1).expect("a day");
        assert_eq!(day("2026-03-01"), Ok(first_of_march));
        assert_eq!(day("20260301"), Ok(first_of_march));
        assert!(day("2028-02-29").is_ok());
        let bad = [
            "2026-02-29",
            "26-03-01",
            "2026-3-1",
            "01/03/2026",
            "2026/03/01",
            "2026030",
            "0026-03-01",
            "+2026-3-1",
            "åäö-",
        ];
        for text in bad {
            assert_eq!(day(text), Err(Fault::NotADay), "{text}");
        }
    }

    #[test]
    fn yes_and_no_are_understood_in_many_words() {
        for yes in ["true", "TRUE", "1", "yes", "Ja"] {
            assert_eq!(boolean(yes), Ok(true), "{yes}");
        }
        for no in ["false", "0", "NO", "nej"] {
            assert_eq!(boolean(no), Ok(false), "{no}");
        }
        assert_eq!(boolean("x"), Err(Fault::NotABoolean));
    }

    #[test]
    fn decimals_come_after_a_point_or_a_comma() {
        assert_eq!(decimal("17,5"), decimal("17.5"));
        assert_eq!(decimal("17,5").map(|d| d.to_string()), Ok("17.5".to_owned()));
        for text in ["1,234.5", "1,234,5", "1 234", "x", ","] {
            assert_eq!(decimal(text), Err(Fault::InvalidDecimal(InvalidDecimal::NotANumber)), "{text}");
        }
    }
}
