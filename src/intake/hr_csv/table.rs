//! Text into rows: the separator, the header that names the columns, and quoting per RFC 4180.

use std::collections::HashMap;
use std::hash::Hash;
use std::io::Read;

use csv::{ReaderBuilder, StringRecord};

use super::Reading;
use super::cells::{Cell, Column, RowReader};
use super::decode::decode;
use super::mapping::{Applied, FileMapping};
use crate::domain::directory::problem::{Fault, FileKind, RowProblem, RowProblems, showable};
use crate::domain::directory::records::{Keyed, Row};

/// A file that is being read: its good rows so far, and what is wrong.
pub(super) struct Sheet<'m, T> {
    file: FileKind,
    mapping: Option<&'m FileMapping>,
    reading: Reading<T>,
    problems: RowProblems,
}

/// Reads the rows of a file. `read_row` gets the cells in the order of `columns`, whatever their order in the file.
///
/// Blank lines, and rows of empty cells such as spreadsheets leave at the end, are passed over.
pub(super) fn read<'m, T, const N: usize>(
    file: FileKind,
    columns: &'static [Column; N],
    mapping: Option<&'m FileMapping>,
    bytes: &[u8],
    mut read_row: impl FnMut([Cell<'_>; N], &mut RowReader<'_>) -> Option<T>,
) -> Result<Sheet<'m, T>, RowProblems> {
    let whole_file = |fault| RowProblem { file, line: None, column: None, value: None, fault };
    let text = decode(bytes).map_err(whole_file)?;
    let mut lines = Lines::of(&text);
    let Some(header) = lines.next() else { return Err(whole_file(Fault::NoHeader).into()) };
    let record = header.record;
    let width = record.len();
    let mut layout = match mapping {
        Some(mapping) => Layout::Mapped(Applied::find(mapping, file, &record)?),
        None => Layout::Ours(Header::read(file, columns, &record)?),
    };
    let mut sheet = Sheet { file, mapping, reading: layout.reading(columns), problems: RowProblems::default() };
    for line in lines {
        if line.is_empty() {
            continue;
        }
        let (begins_on, record) = (line.line, &line.record);
        if let Err(fault) = line.check(width) {
            RowReader::new(file, begins_on, &mut sheet.problems).note_row(fault);
            continue;
        }
        let mut take = |cells: [Cell<'_>; N]| {
            let mut row = RowReader::new(file, begins_on, &mut sheet.problems);
            let read = read_row(cells, &mut row);
            if let Some(record) = read.filter(|_| !row.is_bad()) {
                sheet.reading.rows.push(Row { line: begins_on, record });
            }
        };
        match &mut layout {
            Layout::Ours(header) => {
                take(std::array::from_fn(|at| Cell::new(&columns[at], header.places[at].and_then(|i| record.get(i)))))
            }
            Layout::Mapped(applied) => {
                let Some(filled) = applied.filled(record) else { continue };
                let mut taken = 0;
                for cells in applied.taken(&filled) {
                    taken += 1;
                    take(std::array::from_fn(|at| {
                        cells.get(at).map_or(Cell::new(&columns[at], None), |cell| Cell::mapped(&columns[at], cell))
                    }));
                }
                if taken == 0 {
                    applied.nothing_in_row();
                }
            }
        }
    }
    if let Layout::Mapped(applied) = &layout {
        sheet.reading.passed_over = applied.passed_over();
    }
    Ok(sheet)
}

/// The rows of a text, the header being the first.
pub(super) struct Lines<'t> {
    body: &'t str,
    separator: u8,
    reader: csv::Reader<&'t [u8]>,
    /// The line on which the next row can begin at the earliest.
    line: u64,
}

/// A row as it stands in the text.
pub(super) struct Line {
    /// On which line it begins, from 1.
    pub line: u64,
    pub record: StringRecord,
    quotes_are_whole: bool,
}

impl Line {
    /// Whether it is one of those that spreadsheets leave at the end.
    pub fn is_empty(&self) -> bool {
        self.record.iter().all(|cell| cell.trim().is_empty())
    }

    /// That it has as many cells as the header, and whole quotes.
    pub fn check(&self, width: usize) -> Result<(), Fault> {
        if !self.quotes_are_whole {
            return Err(Fault::BrokenQuotes);
        }
        if self.record.len() != width {
            return Err(Fault::WrongNumberOfCells { expected: width, found: self.record.len() });
        }
        Ok(())
    }
}

impl<'t> Lines<'t> {
    /// * `text`: with line feeds or without, and with commas or semicolons, whichever its first line has more of.
    pub fn of(text: &'t str) -> Self {
        let body = text.trim_start_matches(['\r', '\n']);
        let line = 1 + count_line_feeds(text.as_bytes().get(..text.len() - body.len()).unwrap_or_default());
        let separator = separator_of(body);
        let reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(body.as_bytes());
        Self { body, separator, reader, line }
    }
}

/// Rows that are not blank.
impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let mut record = StringRecord::new();
        let start = offset(&self.reader);
        // Reading from memory that is text already: there is nothing that could fail.
        let is_row = self.reader.read_record(&mut record).unwrap_or(false);
        let raw = self.body.as_bytes().get(start..offset(&self.reader)).unwrap_or_default();
        // A line feed that ended the row before is still there, and so are blank lines between.
        let blank = raw.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let (blank, raw) = raw.split_at(blank);
        let begins_on = self.line + count_line_feeds(blank);
        self.line = begins_on + count_line_feeds(raw);
        is_row.then(|| Line { line: begins_on, record, quotes_are_whole: quotes_are_whole(raw, self.separator) })
    }
}

impl<T> Sheet<'_, T> {
    /// Refuses rows that have the key of a row before them, naming `column`.
    pub(super) fn refuse_repeats(&mut self, column: &'static Column)
    where
        T: Keyed,
    {
        let mut order: Vec<&Row<T>> = self.reading.rows.iter().collect();
        order.sort_by(|a, b| a.record.key().cmp(&b.record.key()));
        for same in order.chunk_by(|a, b| a.record.key() == b.record.key()) {
            let [first, repeats @ ..] = same else { continue };
            for repeat in repeats {
                let fault = Fault::Repeats { line: first.line };
                self.problems.push(RowProblem {
                    file: self.file,
                    line: Some(repeat.line),
                    column: Some(column.name.into()),
                    value: None,
                    fault,
                });
            }
        }
    }

    /// Refuses each row that `contradicts` the first row of its group, in the column that it says.
    pub(super) fn refuse_contradictions<K: Eq + Hash>(
        &mut self,
        group: impl for<'a> Fn(&'a T) -> &'a K,
        contradicts: impl Fn(&T, &T) -> Option<&'static Column>,
        fault: impl Fn(u64) -> Fault,
    ) {
        let mut firsts: HashMap<&K, &Row<T>> = HashMap::with_capacity(self.reading.rows.len());
        for row in &self.reading.rows {
            let first = *firsts.entry(group(&row.record)).or_insert(row);
            if let Some(column) = contradicts(&first.record, &row.record) {
                self.problems.push(RowProblem {
                    file: self.file,
                    line: Some(row.line),
                    column: Some(column.name.into()),
                    value: None,
                    fault: fault(first.line),
                });
            }
        }
    }

    /// The reading, if nothing was wrong.
    pub(super) fn finish(mut self) -> Result<Reading<T>, RowProblems> {
        if let Some(mapping) = self.mapping {
            // Those that speak of several rows still have our names.
            self.problems.rename_columns(|_, ours| mapping.headers_of(ours));
        }
        self.problems.sort();
        if self.problems.is_empty() { Ok(self.reading) } else { Err(self.problems) }
    }
}

/// How the cells of a row become ours.
enum Layout<'m, const N: usize> {
    Ours(Header<N>),
    Mapped(Applied<'m>),
}

impl<const N: usize> Layout<'_, N> {
    fn reading<T>(&self, columns: &'static [Column; N]) -> Reading<T> {
        match self {
            Self::Ours(header) => header.reading(columns),
            Self::Mapped(applied) => Reading {
                rows: Vec::new(),
                ignored_columns: applied.ignored(),
                absent_columns: applied.absent(),
                passed_over: 0,
            },
        }
    }
}

/// Where each column stands in the file.
struct Header<const N: usize> {
    places: [Option<usize>; N],
    ignored: Vec<String>,
}

impl<const N: usize> Header<N> {
    fn read(file: FileKind, columns: &'static [Column; N], names: &StringRecord) -> Result<Self, RowProblems> {
        let mut header = Self { places: [None; N], ignored: Vec::new() };
        let mut problems = RowProblems::default();
        let mut note = |column: &Column, fault| {
            problems.push(RowProblem { file, line: None, column: Some(column.name.into()), value: None, fault });
        };
        for (place, name) in names.iter().enumerate() {
            let name = name.trim();
            match columns.iter().zip(&mut header.places).find(|(column, _)| column.name.eq_ignore_ascii_case(name)) {
                Some((_, known @ None)) => *known = Some(place),
                Some((column, Some(_))) => note(column, Fault::DuplicateColumn),
                None if name.is_empty() => {}
                // What is no column's name may be a person's: the header may be missing altogether.
                None => header.ignored.extend(showable(name)),
            }
        }
        for (column, place) in columns.iter().zip(&header.places) {
            if column.required && place.is_none() {
                note(column, Fault::MissingColumn);
            }
        }
        if problems.is_empty() { Ok(header) } else { Err(problems) }
    }

    fn reading<T>(&self, columns: &'static [Column; N]) -> Reading<T> {
        let absent = columns.iter().zip(&self.places).filter(|(_, place)| place.is_none());
        Reading {
            rows: Vec::new(),
            ignored_columns: self.ignored.clone(),
            absent_columns: absent.map(|(column, _)| column.name).collect(),
            passed_over: 0,
        }
    }
}

/// Comma or semicolon: whichever stands more often in the header line.
fn separator_of(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    if header.matches(';').count() > header.matches(',').count() { b';' } else { b',' }
}

fn offset<R: Read>(reader: &csv::Reader<R>) -> usize {
    usize::try_from(reader.position().byte()).unwrap_or(usize::MAX)
}

fn count_line_feeds(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// Whether every cell that opens with a quotation mark closes with one, right before a separator or the end of the row.
///
/// The `csv` crate takes what comes after a closing mark, and lets an open one swallow the rows that follow: in a full
/// file those people would have left.
fn quotes_are_whole(raw: &[u8], separator: u8) -> bool {
    #[derive(Clone, Copy, PartialEq)]
    enum In {
        Start,
        Plain,
        Quoted,
        Closed,
    }
    let mut state = In::Start;
    for &byte in raw {
        let ends_cell = byte == separator || byte == b'\n' || byte == b'\r';
        state = match state {
            In::Start if byte == b'"' => In::Quoted,
            In::Quoted if byte == b'"' => In::Closed,
            In::Quoted => In::Quoted,
            In::Closed if byte == b'"' => In::Quoted,
            _ if ends_cell => In::Start,
            In::Closed => return false,
            In::Start | In::Plain => In::Plain,
        };
    }
    state != In::Quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_quotation_mark_is_noticed() {
        for whole in ["a;b\n", "\"a\";b\r\n", "\"a;\"\"b\"\"\n\";c", "a\"b;c", "\"\";\"\"\n", "", "\"\"\"\""] {
            assert!(quotes_are_whole(whole.as_bytes(), b';'), "{whole:?}");
        }
        for broken in ["\"a;b\n", "\"a\"b;c\n", "a;\"b\nc;\"d\"\n", "\"\"\"", "\"a\" ;b"] {
            assert!(!quotes_are_whole(broken.as_bytes(), b';'), "{broken:?}");
        }
    }
}
