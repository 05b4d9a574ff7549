//! A mapping applied to one file: where its headers are, and what the cells of a row say in our values.

use std::borrow::Cow;

use csv::StringRecord;

use super::super::{cells, first_line};
use super::{FileMapping, HeaderName, PLACE_OF_NUMBER, Source, Takes, normalised};
use kurskoll_domain::directory::problem::{Fault, FileKind, RowProblem, RowProblems, showable};

/// A mapping whose headers were found in a file.
pub(in crate::hr_csv) struct Applied<'m> {
    mapping: &'m FileMapping,
    /// What a row holds, for each group of columns; a single one if nothing repeats.
    groups: Vec<Vec<Option<Taking<'m>>>>,
    /// The places of the conditions' headers.
    skip_places: Vec<usize>,
    filling: Option<Filling>,
    ignored: Vec<String>,
    skipped: usize,
    /// Cells of days are days, regardless of the mapping's formats for files of text.
    is_workbook: bool,
}

/// One column of ours, and where its cells are.
struct Taking<'m> {
    source: &'m Source,
    /// Each with the header as a problem names it.
    places: Vec<(usize, String)>,
    /// How a problem names all of them.
    shown: String,
    constant: Option<String>,
    repeats: bool,
}

/// What the rows of the group so far said, in the columns that are filled down.
struct Filling {
    key_place: usize,
    key: String,
    /// The key's own place is the first.
    said: Vec<(usize, String)>,
}

/// What a row says in a column of ours.
#[derive(Debug, Default)]
pub(in crate::hr_csv) struct Taken<'a> {
    /// Our value; nothing if it is empty.
    pub text: Option<Cow<'a, str>>,
    /// As the file writes it.
    pub written: Option<Cow<'a, str>>,
    /// The file's header.
    pub header: Option<&'a str>,
    /// What the mapping cannot make of it.
    pub fault: Option<Fault>,
    pub has_column: bool,
}

impl<'m> Applied<'m> {
    /// Finds the mapping's headers in a file, or names each that is missing or is there twice.
    pub fn find(
        mapping: &'m FileMapping,
        file: FileKind,
        names: &StringRecord,
        is_workbook: bool,
    ) -> Result<Self, RowProblems> {
        let mut finder = Finder {
            file,
            names: names.iter().map(normalised).collect(),
            used: vec![false; names.len()],
            problems: RowProblems::default(),
        };
        let numbers: Vec<Option<u32>> =
            mapping.repeat.clone().map_or_else(|| vec![None], |numbers| numbers.map(Some).collect());
        let mut groups = Vec::with_capacity(numbers.len());
        for number in &numbers {
            let taking =
                |(source, ours): (&'m Option<Source>, &str)| Some(finder.taking(source.as_ref()?, ours, *number));
            let columns = mapping.sources.iter().zip(mapping.ours.iter().map(|column| column.name));
            groups.push(columns.map(taking).collect());
        }
        let skip_places = mapping.skip.iter().filter_map(|condition| finder.place(&condition.header)).collect();
        let filling = mapping.group.as_ref().and_then(|group| {
            let key_place = finder.place(&group.key)?;
            let places: Vec<usize> = group.fill_down.iter().filter_map(|header| finder.place(header)).collect();
            let others = places.into_iter().filter(|place| *place != key_place);
            let said = std::iter::once(key_place).chain(others).map(|place| (place, String::new())).collect();
            Some(Filling { key_place, key: String::new(), said })
        });
        for header in &mapping.ignore {
            for number in &numbers {
                let name = number.map_or_else(|| header.clone(), |number| header.numbered(number));
                finder.mark_all(&name);
            }
        }
        finder.problems.sort();
        if !finder.problems.is_empty() {
            if finder.used.iter().all(|used| !used) {
                let wanted: Vec<&str> =
                    finder.problems.listed().iter().filter_map(|problem| problem.column.as_deref()).collect();
                let expected = format!("as the mapping has them: {}", wanted.join(", "));
                let fault = first_line::not_a_header(names, expected);
                return Err(RowProblem { file, line: None, column: None, value: None, fault }.into());
            }
            return Err(finder.problems);
        }
        let unused = names.iter().zip(&finder.used).filter(|(name, used)| !**used && !name.trim().is_empty());
        let ignored = unused.filter_map(|(name, _)| showable(name)).collect();
        Ok(Self { mapping, groups, skip_places, filling, ignored, skipped: 0, is_workbook })
    }

    /// Headers of the file that the mapping does not name.
    pub fn ignored(&self) -> Vec<String> {
        self.ignored.clone()
    }

    /// How many rows the mapping skipped, or found nothing in.
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    /// Columns of ours that the mapping does not name.
    pub fn absent(&self) -> Vec<&'static str> {
        let pairs = self.mapping.ours.iter().zip(&self.mapping.sources);
        pairs.filter(|(_, source)| source.is_none()).map(|(column, _)| column.name).collect()
    }

    /// The cells of a row, filled down; nothing if the row is skipped.
    pub fn filled<'r>(&mut self, record: &'r StringRecord) -> Option<Vec<Cow<'r, str>>> {
        let mut cells: Vec<Cow<'r, str>> = record.iter().map(|cell| Cow::Borrowed(cell.trim())).collect();
        if let Some(filling) = &mut self.filling {
            filling.fill(&mut cells);
        }
        let mut conditions = self.mapping.skip.iter().zip(&self.skip_places);
        let skips = conditions.any(|(condition, place)| cells.get(*place).is_some_and(|cell| condition.holds(cell)));
        self.skipped += usize::from(skips);
        (!skips).then_some(cells)
    }

    /// What a row says, once for each of its groups of columns that has a filled cell.
    pub fn taken<'a>(&'a self, cells: &'a [Cow<'_, str>]) -> impl Iterator<Item = Vec<Taken<'a>>> {
        let has_groups = self.mapping.repeat.is_some();
        let is_filled = move |group: &&Vec<Option<Taking<'_>>>| {
            !has_groups || group.iter().flatten().filter(|taking| taking.repeats).any(|taking| taking.is_filled(cells))
        };
        let taken = |taking: &'a Option<Taking<'_>>| {
            taking.as_ref().map_or_else(Taken::default, |t| t.taken(cells, self.is_workbook))
        };
        self.groups.iter().filter(is_filled).map(move |group| group.iter().map(taken).collect())
    }

    /// Counts a row in which no group of columns was filled.
    pub const fn nothing_in_row(&mut self) {
        self.skipped += 1;
    }
}

impl Filling {
    /// A row continues the group if its key is empty or the same; else it begins another.
    fn fill<'r>(&mut self, cells: &mut [Cow<'r, str>]) {
        let key = cells.get(self.key_place).map(|cell| cell.as_ref()).unwrap_or_default();
        if !key.is_empty() && key != self.key {
            self.key = key.to_owned();
            self.said.iter_mut().for_each(|(_, said)| said.clear());
        }
        for (place, said) in &mut self.said {
            let Some(cell) = cells.get_mut(*place) else { continue };
            if cell.is_empty() {
                *cell = Cow::Owned(said.clone());
            } else {
                said.clear();
                said.push_str(cell);
            }
        }
    }
}

impl<'m> Taking<'m> {
    fn is_filled(&self, cells: &[Cow<'_, str>]) -> bool {
        self.places.iter().any(|(place, _)| cells.get(*place).is_some_and(|cell| !cell.is_empty()))
    }

    fn taken<'a>(&'a self, cells: &'a [Cow<'_, str>], is_workbook: bool) -> Taken<'a> {
        let mut filled = self.places.iter().filter_map(|(place, shown)| {
            let cell = cells.get(*place)?.as_ref();
            (!cell.is_empty()).then_some((cell, shown.as_str()))
        });
        let (written, header): (Option<Cow<'a, str>>, &str) = match &self.source.takes {
            Takes::FirstOf(_) => match filled.next() {
                Some((cell, shown)) => (Some(Cow::Borrowed(cell)), shown),
                None => (None, &self.shown),
            },
            Takes::Joined { with, .. } => {
                let parts: Vec<&str> = filled.map(|(cell, _)| cell).collect();
                let joined = (!parts.is_empty()).then(|| Cow::Owned(parts.join(with)));
                (joined, &self.shown)
            }
            Takes::Constant(_) => (self.constant.as_deref().map(Cow::Borrowed), &self.shown),
        };
        let (text, fault) = match &written {
            Some(written) => self.translated(written, is_workbook),
            None => (self.source.when_empty.as_deref().map(Cow::Borrowed), None),
        };
        Taken { text: text.filter(|text| !text.is_empty()), written, header: Some(header), fault, has_column: true }
    }

    /// Our value for a text of the file; or the text as it is, and why there is no value.
    fn translated<'a>(&'a self, written: &Cow<'a, str>, is_workbook: bool) -> (Option<Cow<'a, str>>, Option<Fault>) {
        let as_it_is = || Some(written.clone());
        let mut text = written.clone();
        if let Some(values) = &self.source.values {
            match values.ours.get(&normalised(written)) {
                Some(ours) => return (Some(Cow::Borrowed(ours.as_str())), None),
                None if !values.keeps_others => return (as_it_is(), Some(Fault::NotInMapping)),
                None => {}
            }
        }
        let formats = &self.source.days;
        if !formats.is_empty() {
            let of_cell = || is_workbook.then(|| cells::day(&text).ok()).flatten();
            match formats.iter().find_map(|format| format.day(&text)).or_else(of_cell) {
                Some(day) => text = Cow::Owned(day.to_string()),
                None => {
                    let formats: Vec<&str> = formats.iter().map(|format| format.as_str()).collect();
                    return (as_it_is(), Some(Fault::NotADayAsMapped { formats: formats.join(" or ") }));
                }
            }
        }
        (Some(text), None)
    }
}

/// Looks for headers in the first row of a file.
struct Finder {
    file: FileKind,
    /// Normalised.
    names: Vec<String>,
    used: Vec<bool>,
    problems: RowProblems,
}

impl Finder {
    fn taking<'m>(&mut self, source: &'m Source, ours: &str, number: Option<u32>) -> Taking<'m> {
        let numbered = |header: &HeaderName| number.map_or_else(|| header.clone(), |number| header.numbered(number));
        let headers: Vec<HeaderName> = source.headers().iter().map(numbered).collect();
        let mut places = Vec::with_capacity(headers.len());
        for header in &headers {
            if let Some(place) = self.place(header) {
                places.push((place, format!("{} ({ours})", header.written)));
            }
        }
        let written: Vec<&str> = headers.iter().map(|header| header.written.as_str()).collect();
        let (shown, constant) = match &source.takes {
            Takes::FirstOf(_) => (format!("{} ({ours})", written.join(" or ")), None),
            Takes::Joined { .. } => (format!("{} ({ours})", written.join(" with ")), None),
            Takes::Constant(word) => {
                let number = number.map(|number| number.to_string());
                let word = number.map_or_else(|| word.clone(), |number| word.replace(PLACE_OF_NUMBER, &number));
                (format!("{ours} (a constant of the mapping)"), Some(word))
            }
        };
        Taking { source, places, shown, constant, repeats: source.repeats() }
    }

    fn place(&mut self, header: &HeaderName) -> Option<usize> {
        let mut state = self.names.iter().enumerate().filter(|(_, name)| **name == header.normalised);
        let (place, again) = (state.next().map(|(place, _)| place), state.next().is_some());
        let fault = match place {
            None => Fault::HeaderOfMapping { line: header.line },
            Some(_) if again => Fault::DuplicateColumn,
            Some(place) => {
                if let Some(used) = self.used.get_mut(place) {
                    *used = true;
                }
                return Some(place);
            }
        };
        let column = Some(header.written.clone().into());
        let problem = RowProblem { file: self.file, line: None, column, value: None, fault };
        // A header may be named in several places.
        if self.problems.listed().iter().all(|noted| noted.column != problem.column) {
            self.problems.push(problem);
        }
        None
    }

    fn mark_all(&mut self, header: &HeaderName) {
        for (name, used) in self.names.iter().zip(&mut self.used) {
            *used |= *name == header.normalised;
        }
    }
}
