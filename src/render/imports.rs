//! Reports of imports, as lines for a terminal and as CSV.

use chrono::SecondsFormat;

use super::difference::cell;
use super::text::seconds;
use crate::domain::directory::imports::ImportReport;
use crate::domain::directory::plan::Summary;

/// The first line of a list of imports as CSV.
#[must_use]
pub fn csv_header() -> String {
    "id,at,by,day,extent,files,added,changed,ended,withdrawn\r\n".to_owned()
}

/// One import of a list as CSV.
#[must_use]
pub fn csv_row(report: &ImportReport) -> String {
    let [added, changed, ended, withdrawn] = totals(&report.summary);
    let at = report.at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let numbers = format!("{added},{changed},{ended},{withdrawn}");
    let (subject, files) = (cell(&report.subject), cell(&names(report)));
    format!("{},{at},{subject},{},{},{files},{numbers}\r\n", report.id, report.day, report.extent.as_str())
}

/// The columns of a list of imports for people.
pub const COLUMNS: [&str; 6] = ["import", "at", "by", "extent", "files", "changed"];

/// One import of a list, a cell for each of [`COLUMNS`].
#[must_use]
pub fn row(report: &ImportReport) -> Vec<String> {
    let undone = report.undone.as_ref().map(|undone| format!("; undone by import {}", undone.import));
    vec![
        report.id.to_string(),
        seconds(report.at),
        report.subject.clone(),
        report.extent.as_str().to_owned(),
        names(report),
        format!("{}{}", summary(&report.summary), undone.unwrap_or_default()),
    ]
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(", because {reason}") }
}

/// Everything about one import but what it changed.
#[must_use]
pub fn page(report: &ImportReport) -> String {
    let at = seconds(report.at);
    let mut page =
        format!("import {}, {at}, by {}, {} as of {}\n", report.id, report.subject, report.extent.as_str(), report.day);
    for file in &report.sources.files {
        let skipped = match file.skipped {
            0 => String::new(),
            rows => format!(", {rows} rows skipped"),
        };
        let (kind, name, records, bytes, digest) = (file.kind, &file.name, file.records, file.bytes, &file.digest);
        page.push_str(&format!("{kind}: {name}, {records} records{skipped}, {bytes} bytes, SHA-256 {digest}\n"));
    }
    if let Some(mapping) = &report.sources.mapping {
        page.push_str(&format!("mapping: {}, SHA-256 {}\n", mapping.name, mapping.digest));
    }
    if let Some(undoes) = &report.undoes {
        page.push_str(&format!("undoes import {}{}\n", undoes.import, because(&undoes.reason)));
    }
    page.push_str(&format!("changed: {}\n", summary(&report.summary)));
    if let Some(undone) = &report.undone {
        let at = seconds(undone.at);
        let why = because(&undone.because);
        page.push_str(&format!("undone by {} on {at} (import {}){why}\n", undone.by, undone.import));
    }
    page
}

/// What an import changes, in one line: `employments 12 added, 3 changed; absences 1 added`.
#[must_use]
pub fn summary(summary: &Summary) -> String {
    let kinds = summary.by_kind().into_iter().filter_map(|(kind, counts)| {
        let acts = [
            ("added", counts.added),
            ("changed", counts.changed),
            ("ended", counts.ended),
            ("withdrawn", counts.withdrawn),
        ];
        let reported: Vec<String> =
            acts.iter().filter(|(_, count)| *count > 0).map(|(act, count)| format!("{count} {act}")).collect();
        (!reported.is_empty()).then(|| format!("{kind} {}", reported.join(", ")))
    });
    let kinds: Vec<String> = kinds.collect();
    if kinds.is_empty() { "nothing".to_owned() } else { kinds.join("; ") }
}

fn names(report: &ImportReport) -> String {
    if let Some(undoes) = &report.undoes {
        return format!("(undoes {})", undoes.import);
    }
    report.sources.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(" ")
}

fn totals(summary: &Summary) -> [usize; 4] {
    summary.by_kind().into_iter().fold([0; 4], |[added, changed, ended, withdrawn], (_, counts)| {
        [added + counts.added, changed + counts.changed, ended + counts.ended, withdrawn + counts.withdrawn]
    })
}
