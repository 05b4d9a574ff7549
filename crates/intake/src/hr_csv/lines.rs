//! Text into rows: the separator, and quoting per RFC 4180.

use std::io::Read;

use csv::{ReaderBuilder, StringRecord};

use kurskoll_domain::directory::problem::Fault;

/// The rows of a text, the header being the first.
pub(super) struct TextLines<'t> {
    body: &'t str,
    separator: u8,
    reader: csv::Reader<&'t [u8]>,
    /// The line on which the next row can begin at the earliest.
    line: u64,
}

/// A row as it is in the file.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// On which line it begins, from 1; of a workbook, the row of its sheet.
    pub line: u64,
    pub record: StringRecord,
    quotes_are_whole: bool,
}

impl Line {
    /// A row of a sheet.
    pub(super) const fn of_sheet(line: u64, record: StringRecord) -> Self {
        Self { line, record, quotes_are_whole: true }
    }

    /// Whether it is one of those that spreadsheets leave at the end.
    pub(super) fn is_empty(&self) -> bool {
        self.record.iter().all(|cell| cell.trim().is_empty())
    }

    /// Checks that it has as many cells as the header, and whole quotes.
    pub(super) fn check(&self, width: usize) -> Result<(), Fault> {
        if !self.quotes_are_whole {
            return Err(Fault::BrokenQuotes);
        }
        if self.record.len() != width {
            return Err(Fault::WrongNumberOfCells { expected: width, found: self.record.len() });
        }
        Ok(())
    }
}

impl<'t> TextLines<'t> {
    /// * `text`: with line feeds or without; with commas, semicolons or tabs: the separator that its first line has
    ///   most of, or the one that a spreadsheet's first line `sep=;` names.
    pub(super) fn of(text: &'t str) -> Result<Self, Fault> {
        let body = text.trim_start_matches(['\r', '\n']);
        let mut line = 1 + count_line_feeds(text.as_bytes().get(..text.len() - body.len()).unwrap_or_default());
        let (separator_line, body) = match body.split_once('\n') {
            Some((first, rest)) if says_separator(first).is_some() => {
                line += 1;
                (says_separator(first), rest)
            }
            _ => (None, body),
        };
        let separator = match separator_line {
            Some(Some(separator)) => separator,
            Some(None) => return Err(Fault::UnknownSeparator),
            None => separator_of(body),
        };
        let reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(body.as_bytes());
        Ok(Self { body, separator, reader, line })
    }
}

/// Rows that are not blank.
impl Iterator for TextLines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let mut record = StringRecord::new();
        let start = offset(&self.reader);
        // The input is text in memory, so reading it cannot fail.
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

/// The separator that a first line such as `sep=;` names, which spreadsheets read and write; `Some(None)` if it is not
/// a supported one.
fn says_separator(line: &str) -> Option<Option<u8>> {
    let line = line.trim_end_matches('\r').trim_matches('"');
    let named = line.get(..4).filter(|word| word.eq_ignore_ascii_case("sep=")).and_then(|_| line.get(4..))?;
    // A tab may have been lost with white space at the end.
    let named = if named.is_empty() { "\t" } else { named };
    let mut bytes = named.bytes();
    Some(match (bytes.next(), bytes.next()) {
        (Some(byte @ (b';' | b',' | b'\t' | b'|')), None) => Some(byte),
        _ => None,
    })
}

/// Comma, semicolon or tab: the one that is most frequent in the header line.
fn separator_of(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |separator: u8| header.bytes().filter(|byte| *byte == separator).count();
    let (commas, semicolons, tabs) = (count(b','), count(b';'), count(b'\t'));
    if tabs > commas && tabs > semicolons {
        b'\t'
    } else if semicolons > commas {
        b';'
    } else {
        b','
    }
}

fn offset<R: Read>(reader: &csv::Reader<R>) -> usize {
    usize::try_from(reader.position().byte()).unwrap_or(usize::MAX)
}

fn count_line_feeds(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// Whether every cell that opens with a quotation mark closes with one, right before a separator or the end of the row.
///
/// The `csv` crate accepts what comes after a closing mark, and lets an open one swallow the rows that follow. In a
/// full file those people would count as having left.
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

    #[test]
    fn the_first_line_of_a_spreadsheet_says_the_separator() {
        let rows = |text: &'static str| -> Vec<(u64, usize)> {
            let lines = TextLines::of(text).expect("rows");
            lines.map(|line| (line.line, line.record.len())).collect()
        };
        let expected: Vec<(u64, usize)> = vec![(2, 2), (3, 2)];
        for text in ["sep=;\na;b\nc,d;e\n", "sep=,\r\na,b\r\nc;d,e", "SEP=|\na|b\nc;,d|e", "\"sep=\t\"\na\tb\nc,;d\te"]
        {
            assert_eq!(rows(text), expected, "{text:?}");
        }
        assert_eq!(rows("a\tb,c\td\n1\t2\t3\n"), [(1, 3), (2, 3)], "tabs without being told");
        assert!(matches!(TextLines::of("sep=x\na\n"), Err(Fault::UnknownSeparator)));
        assert_eq!(rows("separator\na\n"), [(1, 1), (2, 1)]);
    }
}
