//! A results file in a platform's own format: each row is an event, which a profile reads as it reads a webhook.
//!
//! A row is read as a JSON object whose members are the columns, by their names in the header: `$.Epost`, or
//! `$['E-post']`. All that a profile can say of a body (alternatives, values, formats and zones of times, decimal
//! commas, events to ignore) it can also say of a row.

use std::collections::HashMap;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::raw::Rows;
use super::results::FileClock;
use super::spreadsheet;
use super::{RawFile, Reading};
use crate::profile::{Misread, Profile, interpret};
use crate::request::{Arrival, Headers, RawRequest};
use kurskoll_domain::directory::problem::{Fault, FileKind, RowProblem, RowProblems};
use kurskoll_domain::directory::records::Row;
use kurskoll_domain::ids::EventId;
use kurskoll_domain::training::ReportedResult;

/// Reads a results file by a profile.
///
/// * `platform`: its code. It keeps the ids of events that have none apart from another platform's.
///
/// Rows that the profile ignores are counted as skipped. An event that is reported twice with the same content is
/// stored once; with other content it is refused.
pub fn read<'a>(
    file: impl Into<RawFile<'a>>,
    profile: &Profile,
    platform: &str,
    clock: FileClock,
) -> Result<Reading<ReportedResult>, RowProblems> {
    let whole_file = |fault| RowProblem { file: FileKind::Results, line: None, column: None, value: None, fault };
    let rows = Rows::of(file.into()).map_err(whole_file)?;
    let mut lines = rows.lines().map_err(whole_file)?;
    let Some(header) = lines.next() else { return Err(whole_file(Fault::NoHeader).into()) };
    let names = names(&header.record)?;
    let mut reading = Reading { rows: Vec::new(), ignored_columns: Vec::new(), absent_columns: Vec::new(), skipped: 0 };
    let mut problems = RowProblems::default();
    let mut known: HashMap<EventId, (u64, ReportedResult)> = HashMap::new();
    for row in lines {
        if row.is_empty() {
            continue;
        }
        let results = match row.check(names.len()) {
            Ok(()) => results(&names, &row.record, profile, platform, clock),
            Err(fault) => Err((None, fault)),
        };
        match results {
            Ok(results) if results.is_empty() => reading.skipped += 1,
            Ok(results) => {
                for result in results {
                    match known.get(&result.event_id) {
                        Some((_, first)) if *first == result => {}
                        Some((line, _)) => problems.push(problem(row.line, None, Fault::Repeats { line: *line })),
                        None => {
                            known.insert(result.event_id.clone(), (row.line, result.clone()));
                            reading.rows.push(Row { line: row.line, record: result });
                        }
                    }
                }
            }
            Err((column, fault)) => problems.push(problem(row.line, column, fault)),
        }
    }
    problems.sort();
    if problems.is_empty() { Ok(reading) } else { Err(problems) }
}

fn problem(line: u64, column: Option<String>, fault: Fault) -> RowProblem {
    RowProblem { file: FileKind::Results, line: Some(line), column: column.map(Into::into), value: None, fault }
}

/// The columns' names, which must all differ.
fn names(header: &csv::StringRecord) -> Result<Vec<String>, RowProblems> {
    let names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let mut problems = RowProblems::default();
    for (place, name) in names.iter().enumerate() {
        if names.iter().take(place).any(|earlier| earlier == name) {
            let column = Some(name.clone().into());
            let fault = Fault::DuplicateColumn;
            problems.push(RowProblem { file: FileKind::Results, line: None, column, value: None, fault });
        }
    }
    if problems.is_empty() { Ok(names) } else { Err(problems) }
}

/// The results of a row, or the column and what is wrong there.
fn results(
    names: &[String],
    record: &csv::StringRecord,
    profile: &Profile,
    platform: &str,
    clock: FileClock,
) -> Result<Vec<ReportedResult>, (Option<String>, Fault)> {
    // An empty cell says nothing, like a missing member.
    let filled = names.iter().zip(record).filter(|(_, cell)| !cell.trim().is_empty());
    let cells = filled.map(|(name, cell)| (name.clone(), Value::from(cell.trim())));
    let event = Value::Object(cells.collect::<Map<_, _>>()).to_string();
    let known = RawRequest {
        // A row has the id that the profile finds, or one derived from its content.
        key: &EventId::of_uuid(Uuid::nil()),
        platform,
        headers: Headers::default(),
        content_type: "application/json",
        body: event.as_bytes(),
        zone: clock.zone,
        arrival: Arrival::at(clock.read_at),
    };
    let results = interpret(profile, &known).map_err(|Misread { pointer, fault }| {
        // `/E-post` is the column; what a file has of RFC 6901's escapes is rare, and undone.
        let column = pointer.strip_prefix('/').map(|column| column.replace("~1", "/").replace("~0", "~"));
        (column, Fault::ByProfile(fault.to_string()))
    })?;
    // A webhook's numbers were never in a spreadsheet; a file's may have been.
    for number in results.iter().filter_map(|result| result.learner.employee_number.as_ref()) {
        spreadsheet::check_number(number.as_str()).map_err(|fault| {
            let column = names.iter().zip(record).find(|(_, cell)| cell.trim() == number.as_str());
            (column.map(|(name, _)| name.clone()), fault)
        })?;
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kurskoll_domain::training::ResultKind;

    const PROFILE: &str = r#"
        title = "Gamla portalen"
        [defaults]
        nothing = ["saknas"]
        [fields]
        type = "$.Typ"
        employee_number = "$.Anstnr"
        email = "$['E-post']"
        course = "$.Kurs"
        quiz = "$.Kurs"
        score_raw = { path = "$.Poäng", decimal_comma = true }
        score_max = { constant = "20" }
        passed = { path = "$.Utfall", values = { "Godkänd" = "true", "Underkänd" = "false" } }
        occurred_at = { path = "$.Datum", formats = ["%d.%m.%Y %H:%M", "%d.%m.%Y"] }
        [[events]]
        type = "kurs"
        is = "completion"
        [[events]]
        type = "prov"
        is = "attempt"
        [[events]]
        type = "forum"
        is = "ignore"
    "#;

    fn read_file(file: &str) -> Result<Reading<ReportedResult>, RowProblems> {
        let profile = Profile::of_files(PROFILE).expect("a profile");
        let read_at = "2026-02-26T12:00:00Z".parse().expect("an instant");
        read(file.as_bytes(), &profile, "larportal", FileClock { zone: chrono_tz::Europe::Stockholm, read_at })
    }

    #[test]
    fn a_row_is_read_as_an_event_of_the_platform() {
        let file = "Anstnr;E-post;Typ;Kurs;Datum;Poäng;Utfall\n\
            1001;anna@example.org;kurs;infosec;02.03.2024 08:14;;\n\
            1002;saknas;prov;infosec-prov;02.03.2024 09:00;\"17,5\";Godkänd\n\
            1003;;forum;x;i går;;\n\
            1002;saknas;prov;infosec-prov;02.03.2024 09:00;\"17,5\";Godkänd\n";
        let reading = read_file(file).expect("a good file");
        assert_eq!(reading.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 3], "the same twice is one");
        assert_eq!(reading.skipped, 1);
        let quiz = &reading.rows[1].record;
        assert_eq!(quiz.occurred_at.to_rfc3339(), "2024-03-02T08:00:00+00:00");
        assert_eq!(quiz.learner.email, None);
        let ResultKind::Attempt { score, passed, .. } = &quiz.kind else { panic!("an attempt") };
        assert_eq!((score.map(|score| score.percent().to_string()), *passed), (Some("87.5".to_owned()), Some(true)));
    }

    #[test]
    fn a_row_without_a_type_or_a_state_is_passed_over_where_the_profile_says_so() {
        let file = "Anstnr;E-post;Typ;Kurs;Datum;Poäng;Utfall\n\
            1001;;kurs;infosec;02.03.2024;;\n\
            1001;;;infosec;i går;;\n\
            1002;;prov;infosec-prov;02.03.2024;;\n\
            1003;;prov;infosec-prov;02.03.2024;12;Pågår\n\
            1004;;kurs;infosec;;;\n";
        read_file(file).expect_err("a row without a type is refused unless the profile says otherwise");
        let lenient = PROFILE
            .replace(r#"type = "$.Typ""#, r#"type = { path = "$.Typ", absent = "ignore" }"#)
            .replace(r#""Underkänd" = "false" }"#, r#""Underkänd" = "false" }, others = "nothing", absent = "ignore""#)
            .replace(r#"formats = ["%d.%m.%Y %H:%M", "%d.%m.%Y"]"#, r#"formats = ["%d.%m.%Y"], absent = "ignore""#);
        let profile = Profile::of_files(&lenient).expect("a profile");
        let read_at = "2026-02-26T12:00:00Z".parse().expect("an instant");
        let clock = FileClock { zone: chrono_tz::Europe::Stockholm, read_at };
        let reading = read(file.as_bytes(), &profile, "larportal", clock).expect("a good file");
        assert_eq!(reading.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2]);
        assert_eq!(reading.skipped, 4);
    }

    #[test]
    fn every_bad_row_is_named_with_its_column() {
        let file = "Anstnr;E-post;Typ;Kurs;Datum;Poäng;Utfall\n\
            1001;;kurs;infosec;2 mars;;\n\
            1002;;prov;infosec-prov;02.03.2024;mycket;\n\
            ;;kurs;infosec;02.03.2024;;\n\
            1003;;kurs;infosec\n";
        let problems = read_file(file).expect_err("bad rows");
        let named: Vec<(Option<u64>, Option<String>)> = problems
            .listed()
            .iter()
            .map(|problem| (problem.line, problem.column.as_deref().map(str::to_owned)))
            .collect();
        let column = |name: &str| Some(name.to_owned());
        assert_eq!(
            named,
            [(Some(2), column("Datum")), (Some(3), column("Poäng")), (Some(4), None), (Some(5), None)],
            "{problems:?}"
        );
    }

    #[test]
    fn a_number_that_a_spreadsheet_made_is_refused_here_too() {
        let file = "Anstnr;E-post;Typ;Kurs;Datum;Poäng;Utfall\n1,04233E+05;;kurs;infosec;02.03.2024;;\n";
        let problems = read_file(file).expect_err("a bad row").to_string();
        assert!(problems.starts_with("results, line 2, column Anstnr: the value is a power of ten"), "{problems}");
        assert!(problems.contains("it was probably 104233"), "{problems}");
    }

    #[test]
    fn a_header_names_each_column_once() {
        for (file, total) in [("", 1), ("Typ;Kurs;Typ\n", 1)] {
            assert_eq!(read_file(file).expect_err("no header").total(), total, "{file}");
        }
    }
}
