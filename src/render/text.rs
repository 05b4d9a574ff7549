//! Lists and sentences for a terminal: times that look the same everywhere, columns if they fit, else blocks.

use chrono::{DateTime, SecondsFormat, Utc};
use textwrap::{Options, WordSeparator, WordSplitter};

/// The default width in columns.
pub const USUAL_WIDTH: usize = 80;

/// The gap between columns.
const GAP: &str = "  ";

/// An instant as people read it: RFC 3339 in UTC, whole seconds.
#[must_use]
pub fn seconds(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// An instant of knowledge, to the microsecond if it has any: so that it can be requested again.
#[must_use]
pub fn exact(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A text without the characters by which it could steer the terminal, or break a line.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// How many columns of a terminal a text takes.
#[must_use]
pub fn width_of(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// A sentence over as many lines as it needs, the later ones indented.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> String {
    textwrap::fill(text, whole_words(width).subsequent_indent("  "))
}

/// Breaks at spaces alone: a day, a code or an address stays whole, so that it can be copied.
fn whole_words(width: usize) -> Options<'static> {
    let options = Options::new(width).break_words(false).word_separator(WordSeparator::AsciiSpace);
    options.word_splitter(WordSplitter::NoHyphenation)
}

/// Rows under a header as columns, where each fits a line; else each row as a block, a line for each column.
///
/// Every line ends in a line break. A row has as many cells as there are columns.
#[must_use]
pub fn listing(columns: &[&str], rows: &[Vec<String>], width: usize) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|place| {
            let cells = rows.iter().filter_map(|row| row.get(place));
            let header = columns.get(place).map_or(0, |header| width_of(header));
            cells.map(|cell| width_of(cell)).fold(header, usize::max)
        })
        .collect();
    let whole = widths.iter().sum::<usize>() + GAP.len() * columns.len().saturating_sub(1);
    if whole > width {
        let blocks = rows.iter().map(|row| block(columns, row, width));
        return blocks.collect::<Vec<_>>().join("\n");
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - width_of(cell))));
        format!("{}\n", padded.collect::<Vec<_>>().join(GAP).trim_end())
    };
    let header = line(&mut columns.iter().copied());
    let rule = format!("{}\n", "-".repeat(whole));
    let lines = rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
    [header, rule].into_iter().chain(lines).collect()
}

/// A row as a block: each cell after the name of its column, what is empty left out.
fn block(columns: &[&str], row: &[String], width: usize) -> String {
    let longest = columns.iter().map(|column| width_of(column)).max().unwrap_or(0);
    let indent = " ".repeat(longest + GAP.len());
    let options = whole_words(width.max(longest + 20)).subsequent_indent(&indent);
    let filled = columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
    let lines = filled.map(|(column, cell)| {
        let padding = " ".repeat(longest - width_of(column));
        textwrap::fill(&format!("{column}{padding}{GAP}{cell}"), &options) + "\n"
    });
    lines.collect()
}

/// Rows as a program reads them: a header, tabs between cells, a line for each row.
#[must_use]
pub fn tabs(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| printable(cell.as_ref())).collect();
    cells.join("\t") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 3] = ["id", "platform", "problem"];

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        vec![row(["17", "larportal", "lies in the future: 2026-03-01T09:00:00Z"]), row(["4", "åäö", "is missing"])]
    }

    #[test]
    fn rows_that_fit_stand_in_columns_under_their_header() {
        insta::assert_snapshot!(listing(&COLUMNS, &rows(), 80), @r"
        id  platform   problem
        -------------------------------------------------------
        17  larportal  lies in the future: 2026-03-01T09:00:00Z
        4   åäö        is missing
        ");
    }

    #[test]
    fn rows_that_do_not_fit_become_blocks_whose_words_stay_whole() {
        insta::assert_snapshot!(listing(&COLUMNS, &rows(), 40), @r"
        id        17
        platform  larportal
        problem   lies in the future:
                  2026-03-01T09:00:00Z

        id        4
        platform  åäö
        problem   is missing
        ");
    }

    #[test]
    fn a_cell_cannot_steer_the_terminal_or_break_a_row() {
        let row = vec!["1".to_owned(), "a\tb".to_owned(), "\u{1b}[2J\nx".to_owned()];
        for text in [listing(&COLUMNS, std::slice::from_ref(&row), 80), tabs(&row)] {
            assert!(!text.replace(['\n', '\t'], "").contains(char::is_control), "{text:?}");
        }
        assert_eq!(tabs(&row).matches('\t').count(), 2);
    }

    #[test]
    fn a_time_looks_the_same_whatever_it_is_exact_to() {
        let at = DateTime::from_timestamp_micros(1_772_107_200_250_000).expect("a time");
        assert_eq!((seconds(at).as_str(), exact(at).as_str()), ("2026-02-26T12:00:00Z", "2026-02-26T12:00:00.250Z"));
    }
}
