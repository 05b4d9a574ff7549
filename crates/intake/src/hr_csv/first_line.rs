//! A first line that names no columns: reported once, as it was read, with what was expected.

use csv::StringRecord;

use super::cells::{Column, day};
use super::{absences, administrations, employments, exemptions, identities, prior_training, results};
use kurskoll_domain::directory::problem::{Fault, FileKind, showable};

/// The longest first line that is shown, in characters.
const SHOWN: usize = 60;

/// Checks that a header is of this kind of file: it names at least one of its columns, and is not another kind's.
pub(super) fn check(file: FileKind, columns: &[Column], header: &StringRecord) -> Result<(), Fault> {
    let named = |columns: &[Column]| columns.iter().filter(|column| is_named(column, header)).count();
    let has_required = |columns: &[Column]| columns.iter().filter(|c| c.required).all(|c| is_named(c, header));
    if named(columns) == 0 {
        let mapping = "or --mapping says which of another system's columns they are (docs/importing.md)";
        return Err(not_a_header(header, format!("{}; {mapping}", expected(columns))));
    }
    if has_required(columns) {
        return Ok(());
    }
    // The header has all that another kind needs, and more of that kind's columns than of this one's.
    let others = kinds().into_iter().filter(|(kind, theirs)| *kind != file && has_required(theirs));
    let best = others.map(|(kind, theirs)| (named(theirs), kind)).max_by_key(|(count, _)| *count);
    match best {
        Some((count, found)) if count >= named(columns) && count == filled(header) => {
            Err(Fault::OtherKind { found, expected: expected(columns) })
        }
        _ => Ok(()),
    }
}

/// The fault of a first line that names none of the columns.
pub(super) fn not_a_header(header: &StringRecord, expected: String) -> Fault {
    Fault::NotAHeader { first: shown(header), expected }
}

fn kinds() -> [(FileKind, &'static [Column]); 7] {
    [
        (FileKind::Administrations, &administrations::COLUMNS),
        (FileKind::Employments, &employments::COLUMNS),
        (FileKind::Absences, &absences::COLUMNS),
        (FileKind::Exemptions, &exemptions::COLUMNS),
        (FileKind::Identities, &identities::COLUMNS),
        (FileKind::PriorTraining, &prior_training::COLUMNS),
        (FileKind::Results, &results::COLUMNS),
    ]
}

fn is_named(column: &Column, header: &StringRecord) -> bool {
    header.iter().any(|name| column.name.eq_ignore_ascii_case(name.trim()))
}

fn filled(header: &StringRecord) -> usize {
    header.iter().filter(|name| !name.trim().is_empty()).count()
}

fn expected(columns: &[Column]) -> String {
    let required = columns.iter().filter(|column| column.required).map(|column| column.name);
    let mut names: Vec<&str> = required.collect();
    if names.is_empty() {
        names = columns.iter().map(|column| column.name).collect();
    }
    format!("separated by commas, semicolons or tabs: {}", names.join(", "))
}

/// The first line as read. A line that seems to be about a person is only said to look like a row.
fn shown(header: &StringRecord) -> String {
    let cells: Vec<&str> = header.iter().map(str::trim).collect();
    let is_data = |cell: &&str| {
        cell.contains('@') || day(cell).is_ok() || cell.len() > 3 && cell.bytes().all(|byte| byte.is_ascii_digit())
    };
    if cells.iter().any(is_data) {
        return "what looks like a row, not like a header".to_owned();
    }
    let line = cells.join(";");
    let line = line.trim_end_matches(';');
    let long = line.chars().count() > SHOWN;
    let cut: String = line.chars().take(SHOWN).collect();
    // In pieces, since each is cut short by itself.
    let pieces: Vec<String> = cut.split(';').map(|piece| showable(piece).unwrap_or_default()).collect();
    let more = if long { "…" } else { "" };
    format!("\"{}{more}\"", pieces.join(";"))
}
