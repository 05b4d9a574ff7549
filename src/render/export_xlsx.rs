//! An export as an Excel workbook, in which days are days and numbers are numbers.
//!
//! Rows go to a temporary file as they arrive, so that any number of rows takes constant memory.

use std::io::Write;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, IgnoreError, Workbook, Worksheet, XlsxError};

use super::EXPORT_COLUMNS;
use crate::domain::report::ExportRow;

/// The rows of a worksheet, header included (Microsoft, "Excel specifications and limits").
const SHEET_ROWS: u32 = 1_048_576;

const HEADER_ROW: u32 = 0;

/// Each column's width in characters, in the order of [`EXPORT_COLUMNS`]: what it usually holds, or its name beside the
/// filter's button.
const WIDTHS: [u8; 19] = [17, 32, 28, 20, 16, 18, 32, 19, 12, 26, 12, 12, 16, 15, 22, 12, 19, 40, 12];

/// Why an export could not become a workbook.
#[derive(Debug, thiserror::Error)]
pub enum XlsxExportError {
    #[error(
        "the export has more than the {} people that fit in a workbook: export one requirement at a time, or as CSV",
        SHEET_ROWS - 1
    )]
    TooManyRows,
    #[error("a text in the column {column} is longer than the 32,767 characters that a workbook's cell holds")]
    TextTooLong { column: &'static str },
    #[error("the workbook could not be written")]
    Workbook(#[source] XlsxError),
}

/// A workbook that is being written: row by row, then the bytes.
pub struct XlsxExport {
    workbook: Workbook,
    sheet: Worksheet,
    formats: Formats,
    next_row: u32,
}

struct Formats {
    day: Format,
    percent: Format,
}

impl XlsxExport {
    /// Begins a workbook with its header. `known_at` is the export's instant of knowledge; it becomes the workbook's
    /// time of creation, so that the same export is the same bytes whenever it is made.
    ///
    /// # Errors
    ///
    /// [`XlsxExportError::Workbook`] if no temporary file can be made.
    pub fn new(known_at: DateTime<Utc>) -> Result<Self, XlsxExportError> {
        Self::begun(known_at).map_err(XlsxExportError::Workbook)
    }

    fn begun(known_at: DateTime<Utc>) -> Result<Self, XlsxError> {
        let mut workbook = Workbook::new();
        let created = ExcelDateTime::from_timestamp(known_at.timestamp())?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
        let mut sheet = workbook.new_worksheet_with_constant_memory()?;
        sheet.set_name("Kurskoll")?;
        let name = Format::new().set_bold();
        for (column, (title, width)) in (0..).zip(EXPORT_COLUMNS.into_iter().zip(WIDTHS)) {
            sheet.set_column_width(column, width)?;
            sheet.write_string_with_format(HEADER_ROW, column, title, &name)?;
        }
        sheet.set_freeze_panes(HEADER_ROW + 1, 0)?;
        sheet.set_repeat_rows(HEADER_ROW, HEADER_ROW)?;
        sheet.set_landscape();
        let formats =
            Formats { day: Format::new().set_num_format("yyyy-mm-dd"), percent: Format::new().set_num_format("0.0") };
        Ok(Self { workbook, sheet, formats, next_row: HEADER_ROW + 1 })
    }

    /// Appends one row.
    ///
    /// # Errors
    ///
    /// [`XlsxExportError::TooManyRows`] if the sheet is full, [`XlsxExportError::TextTooLong`] if a text does not
    /// fit its cell, [`XlsxExportError::Workbook`] for anything else.
    pub fn write_row(&mut self, row: &ExportRow) -> Result<(), XlsxExportError> {
        if self.next_row >= SHEET_ROWS {
            return Err(XlsxExportError::TooManyRows);
        }
        let mut cells = Cells { sheet: &mut self.sheet, formats: &self.formats, row: self.next_row, column: 0 };
        cells.write(row).map_err(|cause| match cause {
            XlsxError::MaxStringLengthExceeded => XlsxExportError::TextTooLong { column: cells.column_name() },
            cause => XlsxExportError::Workbook(cause),
        })?;
        self.next_row += 1;
        Ok(())
    }

    /// Ends the workbook and gives its bytes.
    ///
    /// # Errors
    ///
    /// [`XlsxExportError::Workbook`] if the temporary file cannot be read or packed.
    pub fn into_bytes(self) -> Result<Vec<u8>, XlsxExportError> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes)?;
        Ok(bytes)
    }

    /// Ends the workbook and writes it.
    ///
    /// # Errors
    ///
    /// [`XlsxExportError::Workbook`] if it cannot be packed or written.
    pub fn write_to<W: Write + Send>(self, writer: W) -> Result<(), XlsxExportError> {
        self.ended().and_then(|mut workbook| workbook.save_to_writer(writer)).map_err(XlsxExportError::Workbook)
    }

    fn ended(mut self) -> Result<Workbook, XlsxError> {
        let last_row = self.next_row - 1;
        let last_column = EXPORT_COLUMNS.len() as u16 - 1;
        self.sheet.autofilter(HEADER_ROW, 0, last_row, last_column)?;
        // Employee numbers are texts of digits on purpose: no green corner on each of them.
        self.sheet.ignore_error_range(HEADER_ROW, 0, last_row, last_column, IgnoreError::NumberStoredAsText)?;
        self.workbook.push_worksheet(self.sheet);
        Ok(self.workbook)
    }
}

/// One row of the sheet, cell by cell.
struct Cells<'a> {
    sheet: &'a mut Worksheet,
    formats: &'a Formats,
    row: u32,
    column: u16,
}

impl Cells<'_> {
    fn write(&mut self, row: &ExportRow) -> Result<(), XlsxError> {
        self.text(row.administration.as_str())?;
        self.text(&row.administration_name)?;
        self.text(&row.unit)?;
        self.text(row.employee_number.as_str())?;
        self.text(&row.given_name)?;
        self.text(&row.family_name)?;
        self.text(&row.email)?;
        self.text(row.employment_form.as_str())?;
        self.day(Some(row.starts_on))?;
        self.text(row.requirement.as_str())?;
        self.text(row.status.as_str())?;
        self.day(row.due_on)?;
        self.day(row.satisfied_on)?;
        self.day(row.valid_until)?;
        self.percent(row.best_score_percent)?;
        self.number(row.attempts)?;
        self.day(row.last_attempt_on)?;
        self.text(row.evidence_event_id.as_ref().map_or("", |id| id.as_str()))?;
        self.day(Some(row.as_of))
    }

    /// A text, which a workbook never reads as a formula: each cell has a type.
    fn text(&mut self, text: &str) -> Result<(), XlsxError> {
        self.sheet.write_string(self.row, self.column, text)?;
        self.column += 1;
        Ok(())
    }

    fn day(&mut self, day: Option<NaiveDate>) -> Result<(), XlsxError> {
        match day.map(|day| (day, excel_day(day))) {
            Some((_, Some(date))) => {
                self.sheet.write_datetime_with_format(self.row, self.column, date, &self.formats.day)?;
            }
            // A workbook knows no days before 1900.
            Some((day, None)) => {
                self.sheet.write_string(self.row, self.column, day.to_string())?;
            }
            None => {}
        }
        self.column += 1;
        Ok(())
    }

    fn number(&mut self, number: u32) -> Result<(), XlsxError> {
        self.sheet.write_number(self.row, self.column, number)?;
        self.column += 1;
        Ok(())
    }

    /// A percentage with one decimal. A workbook's numbers are binary: this is the file format's own, at the very end,
    /// and shows the same digits again.
    fn percent(&mut self, value: Option<Decimal>) -> Result<(), XlsxError> {
        if let Some(number) = value.as_ref().and_then(ToPrimitive::to_f64) {
            self.sheet.write_number_with_format(self.row, self.column, number, &self.formats.percent)?;
        }
        self.column += 1;
        Ok(())
    }

    fn column_name(&self) -> &'static str {
        EXPORT_COLUMNS.get(usize::from(self.column)).copied().unwrap_or_default()
    }
}

fn excel_day(day: NaiveDate) -> Option<ExcelDateTime> {
    let year = u16::try_from(day.year()).ok()?;
    let [month, dom] = [day.month(), day.day()].map(|number| u8::try_from(number).ok());
    ExcelDateTime::from_ymd(year, month?, dom?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures::{day, row};

    fn export() -> XlsxExport {
        XlsxExport::new("2026-02-26T12:00:00Z".parse().expect("an instant")).expect("a workbook")
    }

    #[test]
    fn an_export_is_a_workbook_and_the_same_bytes_each_time() {
        let bytes = || {
            let mut export = export();
            export.write_row(&row()).expect("a row");
            export.into_bytes().expect("a workbook")
        };
        let first = bytes();
        // A zip archive's signature.
        assert!(first.starts_with(b"PK\x03\x04"));
        assert_eq!(first, bytes());
    }

    #[test]
    fn an_export_of_nobody_is_a_workbook_with_a_header() {
        assert!(export().into_bytes().expect("a workbook").starts_with(b"PK"));
    }

    #[test]
    fn the_last_row_of_the_sheet_is_written_and_one_more_is_refused() {
        let mut export = export();
        export.next_row = SHEET_ROWS - 1;
        export.write_row(&row()).expect("the last row");
        assert!(matches!(export.write_row(&row()), Err(XlsxExportError::TooManyRows)));
        assert!(export.into_bytes().is_ok());
    }

    #[test]
    fn a_text_that_does_not_fit_a_cell_is_refused_by_its_column() {
        let long = ExportRow { unit: "å".repeat(32_768), ..row() };
        let refused = export().write_row(&long);
        assert!(matches!(refused, Err(XlsxExportError::TextTooLong { column: "unit" })), "{refused:?}");
    }

    #[test]
    fn a_day_before_1900_does_not_spoil_the_export() {
        let old = ExportRow { starts_on: day("1899-01-01"), ..row() };
        assert!(export().write_row(&old).is_ok());
    }
}
