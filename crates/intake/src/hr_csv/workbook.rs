//! A workbook's sheet (XLSX) into the rows that a file of text would have: days as days, numbers as they were meant.
//!
//! A workbook is an archive, and may unpack to far more than it seems. All of it is measured before any of it is read,
//! and what is read from it is limited again. Cells are read one after the other; the size that the sheet states
//! allocates nothing.

use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Cell, DataRef, ExcelDateTime, ExcelDateTimeType, Reader, SheetType, SheetVisible, Xlsx};
use csv::StringRecord;
use zip::ZipArchive;

use super::lines::Line;
use kurskoll_domain::directory::problem::Fault;

/// How many bytes a workbook may unpack to, at the most.
struct Limits {
    /// All parts together.
    unpacked: u64,
    /// A part that is read into memory whole: texts, formats, the list of sheets.
    in_memory: u64,
}

const LIMITS: Limits = Limits { unpacked: 1 << 30, in_memory: 256 << 20 };

/// The most parts; a workbook has some dozens.
const PARTS_AT_MOST: usize = 10_000;

/// The most bytes of a sheet's rows, with what each cell costs.
const ROWS_AT_MOST: usize = 512 << 20;

/// What a cell costs in addition to its text, in bytes.
const CELL: usize = 8;

/// In days.
const HALF_A_SECOND: f64 = 0.5 / 86_400.0;

/// Columns beyond belong to no table of ours.
const COLUMNS_AT_MOST: u32 = 1000;

/// Beyond this a workbook's numbers lose digits.
const EXACT_BELOW: f64 = 1e15;

#[cfg(test)]
mod tests;

type Book<'a> = Xlsx<Cursor<&'a [u8]>>;

/// Whether a file is an archive, as a workbook is.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// The rows with something in them of a workbook's sheet: of the named one, or of the only one that has any.
pub(super) fn rows(bytes: &[u8], sheet: Option<&str>) -> Result<Vec<Line>, Fault> {
    // A panic of the library on an unforeseen file ends here.
    catch_unwind(AssertUnwindSafe(|| {
        measure(bytes, &LIMITS)?;
        let mut book: Book<'_> = Xlsx::new(Cursor::new(bytes)).map_err(|_| Fault::BrokenWorkbook)?;
        read_sheet(&mut book, sheet)
    }))
    .unwrap_or(Err(Fault::BrokenWorkbook))
}

/// Checks that the archive is a workbook, and what it unpacks to.
fn measure(bytes: &[u8], limits: &Limits) -> Result<(), Fault> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| Fault::BrokenWorkbook)?;
    let is_there = |name: &str| archive.index_for_name(name).is_some();
    if is_there("xl/workbook.bin") || is_there("mimetype") || is_there("word/document.xml") {
        return Err(Fault::OtherWorkbook);
    }
    if !is_there("xl/workbook.xml") && !is_there("_rels/.rels") {
        return Err(Fault::Archive);
    }
    if archive.len() > PARTS_AT_MOST {
        return Err(Fault::WorkbookTooLarge);
    }
    let mut left = limits.unpacked;
    for place in 0..archive.len() {
        let part = archive.by_index(place).map_err(|_| Fault::BrokenWorkbook)?;
        let is_sheet = part.name().is_ok_and(|name| name.contains("/worksheets/"));
        let at_most = if is_sheet { left } else { left.min(limits.in_memory) };
        let unpacked = std::io::copy(&mut part.take(at_most + 1), &mut std::io::sink());
        let unpacked = unpacked.map_err(|_| Fault::BrokenWorkbook)?;
        if unpacked > at_most {
            return Err(Fault::WorkbookTooLarge);
        }
        left -= unpacked;
    }
    Ok(())
}

fn read_sheet(book: &mut Book<'_>, sheet: Option<&str>) -> Result<Vec<Line>, Fault> {
    let is_table = |known: &&calamine::Sheet| known.typ == SheetType::WorkSheet;
    let (all, visible): (Vec<String>, Vec<String>) = {
        let sheets = book.sheets_metadata();
        let visible = sheets.iter().filter(is_table).filter(|known| known.visible == SheetVisible::Visible);
        let visible = visible.map(|known| known.name.clone()).collect();
        (sheets.iter().filter(is_table).map(|known| known.name.clone()).collect(), visible)
    };
    if let Some(named) = sheet {
        let found = all.iter().find(|name| name.trim().to_lowercase() == named.trim().to_lowercase());
        let name = found.ok_or_else(|| Fault::NoSuchSheet { sheets: all.join(", ") })?.clone();
        return cells_of(book, &name);
    }
    let mut filled: Vec<(String, Vec<Line>)> = Vec::new();
    for name in visible {
        let rows = cells_of(book, &name)?;
        if !rows.is_empty() {
            filled.push((name, rows));
        }
        if filled.len() > 1 {
            let sheets: Vec<&str> = all.iter().map(String::as_str).collect();
            return Err(Fault::SeveralSheets { sheets: sheets.join(", ") });
        }
    }
    Ok(filled.pop().map(|(_, rows)| rows).unwrap_or_default())
}

/// The rows of one sheet, each as wide as the first.
fn cells_of(book: &mut Book<'_>, sheet: &str) -> Result<Vec<Line>, Fault> {
    let from_1904 = book.has_1904_epoch();
    let merged = book.merge_cells_by_sheet_name(sheet).map_err(|_| Fault::BrokenWorkbook)?;
    let mut reader = book.worksheet_cells_reader(sheet).map_err(|_| Fault::BrokenWorkbook)?;
    // By style: to how many digits a number is filled with zeros, as it is shown.
    let zeros: Vec<Option<usize>> = reader
        .styles()
        .iter()
        .map(|style| zeros_of(style.number_format.as_ref().map(|format| format.format_code.as_str())?))
        .collect();
    let mut rows = Gathered::default();
    while let Some((cell, style)) = reader.next_cell_with_style_id().map_err(|_| Fault::BrokenWorkbook)? {
        let text = text_of(&cell, zeros.get(style).copied().flatten(), from_1904)?;
        if !text.trim().is_empty() {
            rows.add(cell.get_position(), &text)?;
        }
    }
    let rows = rows.finish();
    let header = rows.first().map_or(0, |header| header.line);
    // The rows below the first of a merged cell are empty, though they do not look so.
    if let Some(region) =
        merged.iter().find(|region| u64::from(region.end.0) >= header && region.start.0 < region.end.0)
    {
        return Err(Fault::MergedCells { cell: address(region.start) });
    }
    Ok(rows)
}

/// Rows that are being gathered, cell by cell.
#[derive(Default)]
struct Gathered {
    rows: Vec<(u32, Vec<String>)>,
    cost: usize,
}

impl Gathered {
    fn add(&mut self, (row, column): (u32, u32), text: &str) -> Result<(), Fault> {
        if column >= COLUMNS_AT_MOST {
            return Err(Fault::TooManyColumns { cell: address((row, column)) });
        }
        match self.rows.last() {
            Some((last, _)) if *last == row => {}
            Some((last, _)) if *last > row => return Err(Fault::BrokenWorkbook),
            _ => self.rows.push((row, Vec::new())),
        }
        let Some((_, cells)) = self.rows.last_mut() else { return Ok(()) };
        let place = usize::try_from(column).unwrap_or(usize::MAX);
        if place < cells.len() {
            return Err(Fault::BrokenWorkbook);
        }
        self.cost += text.len() + CELL * (place + 1 - cells.len()) * 4;
        if self.cost > ROWS_AT_MOST {
            return Err(Fault::WorkbookTooLarge);
        }
        cells.resize(place, String::new());
        cells.push(text.to_owned());
        Ok(())
    }

    fn finish(self) -> Vec<Line> {
        let width = self.rows.first().map_or(0, |(_, header)| header.len());
        let line = |(row, mut cells): (u32, Vec<String>)| {
            cells.resize(cells.len().max(width), String::new());
            Line::of_sheet(u64::from(row) + 1, StringRecord::from(cells))
        };
        self.rows.into_iter().map(line).collect()
    }
}

/// A cell as a file of text would have it.
fn text_of(cell: &Cell<DataRef<'_>>, zeros: Option<usize>, from_1904: bool) -> Result<String, Fault> {
    let lost = || Fault::DigitsLost { cell: address(cell.get_position()) };
    Ok(match cell.get_value() {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(said) => said.to_string(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number, zeros).ok_or_else(lost)?,
        DataRef::DateTime(at) if at.is_datetime() => {
            // To the nearest second: a day's fraction is seldom a whole one.
            let at = ExcelDateTime::new(at.as_f64() + HALF_A_SECOND, ExcelDateTimeType::DateTime, from_1904);
            let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
            let day = format!("{year:04}-{month:02}-{day:02}");
            if (hour, minute, second) == (0, 0, 0) { day } else { format!("{day} {hour:02}:{minute:02}:{second:02}") }
        }
        DataRef::DateTime(span) => number_text(span.as_f64(), None).ok_or_else(lost)?,
        DataRef::DateTimeIso(text) => {
            let text = text.trim_end_matches('Z');
            let day = text.split_once('T').filter(|(_, time)| time.bytes().all(|b| matches!(b, b'0' | b':' | b'.')));
            day.map_or(text, |(day, _)| day).to_owned()
        }
        DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
    })
}

/// A number as it was meant: whole, or to the fifteen digits that a workbook keeps; nothing if it has more.
fn number_text(number: f64, zeros: Option<usize>) -> Option<String> {
    if !number.is_finite() || number.abs() >= EXACT_BELOW {
        return None;
    }
    if number.fract() == 0.0 {
        let digits = format!("{number:.0}");
        return Some(match zeros {
            Some(width) if number >= 0.0 => format!("{digits:0>width$}"),
            _ => digits,
        });
    }
    let scientific = format!("{number:.14e}");
    let exponent: i32 = scientific.split_once('e')?.1.parse().ok()?;
    let decimals = usize::try_from(14 - exponent).ok()?.min(20);
    let text = format!("{number:.decimals$}");
    Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

/// To how many digits a format fills a number with zeros: seven for `0000000`.
fn zeros_of(format: &str) -> Option<usize> {
    let is_zeros = format.len() > 1 && format.bytes().all(|byte| byte == b'0');
    is_zeros.then_some(format.len().min(32))
}

/// A cell's address: `B7`.
fn address((row, column): (u32, u32)) -> String {
    let mut letters = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        let digit = u8::try_from((left - 1) % 26).unwrap_or_default();
        letters.push(char::from(b'A' + digit));
        left = (left - 1) / 26;
    }
    letters.reverse();
    format!("{}{}", letters.into_iter().collect::<String>(), row + 1)
}
