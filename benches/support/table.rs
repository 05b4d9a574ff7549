//! A small table in Markdown, as `docs/figures.md` has it.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

/// Prints rows under a header; the first column is text, the others are figures.
pub fn print(header: &[&str], rows: Vec<Vec<String>>) {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(header.to_vec()).add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}\n");
}

/// A ratio as it is written: two digits that count.
pub fn ratio(ours: f64, theirs: f64) -> String {
    let ratio = ours / theirs;
    if ratio >= 10.0 { format!("{ratio:.0}") } else { format!("{ratio:.2}") }
}
