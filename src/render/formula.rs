//! What a spreadsheet would run: texts that begin as a formula does, and how they are defused (OWASP, "CSV Injection").

use std::borrow::Cow;

/// The sign that makes a spreadsheet take a cell as text.
const TEXT_MARK: char = '\'';

/// Puts a `'` before whatever a spreadsheet would run as a formula: `=1+1` becomes `'=1+1`.
///
/// That is a text that begins with `=`, `+`, `-`, `@` or one of their full-width forms, right away or behind white
/// space, quotes and characters that do not show; and one that begins with a tab or a line end.
///
/// The same goes for each part of the text behind a tab, a line end or `foreign_separator`, the cell separator of the
/// other dialect: opened as that dialect, `x;=1+1` would be two cells, the second of them live, and quotes around it do
/// not help since they are no longer at the beginning of a cell.
///
/// Nothing else is changed, and two different texts never become the same.
pub(super) fn defused(text: &str, foreign_separator: char) -> Cow<'_, str> {
    let separates = |c: char| c == foreign_separator || is_tab_or_line_end(c);
    if !text.contains(separates) {
        return if begins_formula(text) { Cow::Owned(format!("{TEXT_MARK}{text}")) } else { Cow::Borrowed(text) };
    }
    let mut defused = String::with_capacity(text.len() + 4);
    if begins_with_tab_or_line_end(text) {
        defused.push(TEXT_MARK);
    }
    for part in text.split_inclusive(separates) {
        if begins_formula(part) {
            defused.push(TEXT_MARK);
        }
        defused.push_str(part);
    }
    Cow::Owned(defused)
}

fn begins_formula(text: &str) -> bool {
    let begins = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    // Almost every text begins with a letter or a digit.
    !text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.trim_start_matches(is_skipped).starts_with(begins)
}

/// Whether a text begins so, marked already or not: else a marked and an unmarked one would become the same.
fn begins_with_tab_or_line_end(text: &str) -> bool {
    text.trim_start_matches(TEXT_MARK).starts_with(is_tab_or_line_end)
}

const fn is_tab_or_line_end(c: char) -> bool {
    matches!(c, '\t' | '\r' | '\n')
}

/// Whether some spreadsheet looks past a character at the beginning of a cell.
fn is_skipped(c: char) -> bool {
    let quotes = matches!(c, '"' | '\'' | '`' | '´' | '‘'..='‟' | '«' | '»' | '‹' | '›' | '＂' | '＇');
    let does_not_show = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    quotes || does_not_show || c.is_whitespace() || c.is_control()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_marked_as_text() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+46 8 508", "'+46 8 508"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1", "'＝1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠x", "'＠x"),
            ("  =1", "'  =1"),
            ("\u{a0}\u{feff}=1", "'\u{a0}\u{feff}=1"),
            ("\"=1\"", "'\"=1\""),
            ("”=1", "'”=1"),
            ("\0=1", "'\0=1"),
            ("\tAnna", "'\tAnna"),
            ("\rAnna", "'\rAnna"),
            ("-", "'-"),
        ] {
            assert_eq!(defused(text, ';'), expected, "{text:?}");
        }
    }

    #[test]
    fn a_text_that_is_already_marked_is_marked_again_so_that_it_stays_apart_from_the_unmarked_one() {
        assert_eq!(defused("'=1", ';'), "''=1");
        assert_eq!(defused("'\tAnna", ';'), "''\tAnna");
    }

    #[test]
    fn a_part_that_another_spreadsheet_would_take_for_a_cell_is_marked_too() {
        assert_eq!(defused("Eva;=1+1;x", ';'), "Eva;'=1+1;x");
        assert_eq!(defused("Eva\r\n-1", ';'), "Eva\r\n'-1");
        assert_eq!(defused("Eva\t \"@x", ';'), "Eva\t' \"@x");
        assert_eq!(defused("Eva;=1", ','), "Eva;=1");
        assert_eq!(defused("Eva,=1", ','), "Eva,'=1");
    }

    #[test]
    fn names_and_addresses_stay_as_they_are() {
        for text in
            ["", "Åsa", "Ann-Marie", "O'Brien", "'t Hooft", "a+b@example.org", "Kök; norr", "A=B", "\"Kickan\" Ek"]
        {
            assert_eq!(defused(text, ';'), text);
        }
    }

    /// Removes the marks again: the proof that nothing was lost.
    fn live(defused: &str, foreign_separator: char) -> String {
        let separates = |c: char| c == foreign_separator || is_tab_or_line_end(c);
        let marked = |part: &str| part.strip_prefix(TEXT_MARK).filter(|rest| begins_formula(rest)).map(str::to_owned);
        let unmarked = |text: &str| -> String {
            text.split_inclusive(separates).map(|part| marked(part).unwrap_or_else(|| part.to_owned())).collect()
        };
        match defused.strip_prefix(TEXT_MARK) {
            Some(rest) if begins_with_tab_or_line_end(rest) => unmarked(rest),
            _ => unmarked(defused),
        }
    }

    proptest! {
        #[test]
        fn no_part_begins_a_formula_and_nothing_is_lost(text in "([=+@＝'\" \t\r\n;,a-]|\\PC){0,8}") {
            let cell = defused(&text, ';');
            prop_assert_eq!(live(&cell, ';'), text.as_str());
            prop_assert!(!cell.starts_with(is_tab_or_line_end));
            for part in cell.split([';', '\t', '\r', '\n']) {
                let seen = part.trim_start_matches(|c: char| c != TEXT_MARK && is_skipped(c));
                prop_assert!(seen.starts_with(TEXT_MARK) || !begins_formula(seen), "{part:?}");
            }
        }
    }
}
