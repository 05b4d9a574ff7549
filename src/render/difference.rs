//! What an import changes, as CSV: RFC 4180, a row for each field.

use super::formula::defused;
use crate::domain::directory::plan::DifferenceRow;

/// The first line of the file.
#[must_use]
pub fn csv_header() -> String {
    format!("{}\r\n", DifferenceRow::COLUMNS.join(","))
}

/// One row of the file. A cell that a spreadsheet would run as a formula is defused.
#[must_use]
pub fn csv_row(row: &DifferenceRow) -> String {
    let DifferenceRow { kind, act, key, field, before, after } = row;
    let cells = [kind, act, key.as_str(), field.unwrap_or_default()].into_iter();
    let cells = cells.chain([before, after].map(|value| value.as_deref().unwrap_or_default()));
    format!("{}\r\n", cells.map(cell).collect::<Vec<_>>().join(","))
}

/// A cell, quoted if necessary.
pub(super) fn cell(text: &str) -> String {
    let text = defused(text, ';');
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_a_spreadsheet_would_run_is_defused_and_one_with_a_comma_is_quoted() {
        let row = DifferenceRow {
            kind: "employment",
            act: "changed",
            key: "104233/1".to_owned(),
            field: Some("unit"),
            before: Some("=1+1".to_owned()),
            after: Some("Gata, \"park\"".to_owned()),
        };
        assert_eq!(csv_row(&row), "employment,changed,104233/1,unit,'=1+1,\"Gata, \"\"park\"\"\"\r\n");
        let row = DifferenceRow { field: None, before: None, after: None, ..row };
        assert_eq!(csv_row(&row), "employment,changed,104233/1,,,\r\n");
        assert_eq!(csv_header(), "kind,act,key,field,before,after\r\n");
    }
}
