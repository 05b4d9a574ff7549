//! Rows into records: the header that names the columns, and what is wrong in any row.

use std::collections::HashMap;
use std::hash::Hash;

use csv::StringRecord;

use super::Reading;
use super::cells::{Cell, Column, RowReader};
use super::first_line;
use super::mapping::{Applied, FileMapping};
use super::raw::{RawFile, Rows};
use kurskoll_domain::directory::problem::{Fault, FileKind, RowProblem, RowProblems, showable};
use kurskoll_domain::directory::records::{Keyed, Row};

/// A file that is being read: its good rows so far, and what is wrong.
pub(super) struct Sheet<'m, T> {
    file: FileKind,
    mapping: Option<&'m FileMapping>,
    reading: Reading<T>,
    problems: RowProblems,
}

/// Reads the rows of a file. `read_row` gets the cells in the order of `columns`, not in that of the file.
///
/// Blank lines, and rows of empty cells such as spreadsheets leave at the end, are skipped.
pub(super) fn read<'m, T, const N: usize>(
    file: FileKind,
    columns: &'static [Column; N],
    mapping: Option<&'m FileMapping>,
    raw: RawFile<'_>,
    mut read_row: impl FnMut([Cell<'_>; N], &mut RowReader<'_>) -> Option<T>,
) -> Result<Sheet<'m, T>, RowProblems> {
    let whole_file = |fault| RowProblem { file, line: None, column: None, value: None, fault };
    let rows = Rows::of(raw).map_err(whole_file)?;
    let mut lines = rows.lines().map_err(whole_file)?;
    let Some(header) = lines.next() else { return Err(whole_file(Fault::NoHeader).into()) };
    let record = header.record;
    let width = record.len();
    let mut layout = match mapping {
        Some(mapping) => Layout::Mapped(Applied::find(mapping, file, &record, rows.is_workbook())?),
        None => {
            first_line::check(file, columns, &record).map_err(whole_file)?;
            Layout::Ours(Header::read(file, columns, &record)?)
        }
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
        sheet.reading.skipped = applied.skipped();
    }
    Ok(sheet)
}

impl<T> Sheet<'_, T> {
    /// Refuses rows that have the key of an earlier row, naming `column`.
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
            // Problems that are about several rows still have our names.
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
                skipped: 0,
            },
        }
    }
}

/// Where each column is in the file.
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
                // A name that is no column may be a person's: the header may be missing altogether.
                None => header.ignored.extend(showable(name)),
            }
        }
        let found = match header.ignored.as_slice() {
            [] => String::new(),
            names => format!(", which has {} besides", names.join(", ")),
        };
        for (column, place) in columns.iter().zip(&header.places) {
            if column.required && place.is_none() {
                note(column, Fault::MissingColumn { found: found.clone() });
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
            skipped: 0,
        }
    }
}
