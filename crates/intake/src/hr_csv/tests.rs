use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono::NaiveDate;
use chrono_tz::Europe::Stockholm;

use super::*;
use kurskoll_domain::directory::EmploymentForm;
use kurskoll_domain::directory::problem::RowProblems;
use kurskoll_domain::directory::records::ReportedEmployment;
use kurskoll_domain::linking::LinkingKey;
use kurskoll_domain::training::{ResultKind, Target};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/hr").join(name)
}

fn good(name: &str) -> Vec<u8> {
    std::fs::read(folder("good").join(name)).expect("a fixture")
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn file_clock() -> results::FileClock {
    results::FileClock { zone: Stockholm, read_at: "2026-02-26T12:00:00Z".parse().expect("an instant") }
}

/// The problems of a file, read as its name's first word says.
fn problems_of(name: &str, bytes: &[u8]) -> RowProblems {
    let problems = match name.split('-').next() {
        Some("administrations") => administrations::read(bytes).err(),
        Some("employments") => employments::read(bytes).err(),
        Some("absences") => absences::read(bytes).err(),
        Some("exemptions") => exemptions::read(bytes).err(),
        Some("identities") => identities::read(bytes).err(),
        Some("results") => results::read(bytes, file_clock()).err(),
        _ => panic!("{name} is named for no kind of file"),
    };
    problems.unwrap_or_else(|| panic!("{name} was taken"))
}

#[test]
fn each_broken_file_is_refused_for_its_own_fault() {
    let mut said = String::new();
    let mut names: Vec<String> = std::fs::read_dir(folder("broken"))
        .expect("fixtures")
        .map(|entry| entry.expect("a fixture").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    for name in names {
        let bytes = std::fs::read(folder("broken").join(&name)).expect("a fixture");
        said.push_str(&format!("{name}\n{}\n\n", problems_of(&name, &bytes)));
    }
    assert!(!said.contains("9876") && !said.contains("9877"), "a personal identity number was shown:\n{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn encodings_separators_and_orders_of_columns_say_the_same() {
    let plain = employments::read(&good("employments.csv")).expect("a good file");
    let records = |reading: &Reading<ReportedEmployment>| -> Vec<ReportedEmployment> {
        reading.rows.iter().map(|row| row.record.clone()).collect()
    };
    for name in ["employments-windows-1252-semicolons.csv", "employments-utf8-mark-semicolons.csv"] {
        let other = employments::read(&good(name)).expect("a good file");
        assert_eq!(records(&other), records(&plain), "{name}");
        assert_eq!(other.ignored_columns, ["title"], "{name}");
        let lines: Vec<u64> = other.rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [3, 5, 7, 8, 9], "{name}: blank lines count, and so do line breaks in a cell");
    }
    let plain = administrations::read(&good("administrations.csv")).expect("a good file");
    for name in ["administrations-windows-1252-semicolons.csv", "administrations-utf8-mark-semicolons.csv"] {
        assert_eq!(administrations::read(&good(name)).expect("a good file"), plain, "{name}");
    }
}

#[test]
fn an_employment_is_read_as_it_was_written() {
    let reading = employments::read(&good("employments.csv")).expect("a good file");
    let row = &reading.rows[1];
    let ReportedEmployment { given_name, family_name, protected, employment } = &row.record;
    assert_eq!((row.line, given_name.as_str(), family_name.as_str(), *protected), (3, "Åsa", "Öberg", Some(false)));
    assert_eq!(employment.employee_number.as_str(), "104233");
    assert_eq!(employment.employment_id.as_str(), "2");
    assert_eq!(employment.administration.as_str(), "HVO");
    assert_eq!(employment.unit, "Hemtjänst 4");
    assert_eq!(employment.form, EmploymentForm::Hourly);
    assert_eq!((employment.starts_on, employment.ends_on), (day("2026-01-12"), Some(day("2026-06-14"))));
    assert_eq!(employment.manager.as_ref().map(|manager| manager.as_str()), Some("100002"));
    assert_eq!(employment.email.as_deref(), Some("asa.oberg@example.org"));
    let protected: Vec<Option<bool>> = reading.rows.iter().map(|row| row.record.protected).collect();
    assert_eq!(protected, [Some(false), Some(false), Some(false), Some(true), Some(false)]);
    assert_eq!(reading.rows[4].record.employment.ends_on, None, "9999-12-31 is how some systems write open");
}

#[test]
fn a_file_without_the_column_says_nothing_of_protection() {
    let reading = employments::read(&good("employments-fewest-columns.csv")).expect("a good file");
    assert_eq!(reading.rows[0].record.protected, None);
    let absent = ["email", "username", "unit", "ends_on", "manager_employee_number", "protected"];
    assert_eq!(reading.absent_columns, absent);
    assert!(reading.ignored_columns.is_empty());
}

#[test]
fn the_small_files_are_read_as_they_were_written() {
    let absences = absences::read(&good("absences.csv")).expect("a good file").rows;
    let days: Vec<_> = absences.iter().map(|row| (row.record.starts_on, row.record.ends_on)).collect();
    assert_eq!(days, [(day("2026-02-02"), Some(day("2026-02-27"))), (day("2026-03-01"), None)]);

    let exemptions = exemptions::read(&good("exemptions.csv")).expect("a good file").rows;
    let reasons: Vec<&str> = exemptions.iter().map(|row| row.record.reason.as_str()).collect();
    assert_eq!(reasons, ["Har ingen inloggning – bara fältarbete", ""]);

    let identities = identities::read(&good("identities.csv")).expect("a good file").rows;
    let said: Vec<_> = identities
        .iter()
        .map(|row| &row.record.identity)
        .map(|identity| (identity.key, identity.value.as_str(), identity.home_page.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (LinkingKey::Account, "17", "https://larportal.example.org"),
            (LinkingKey::Email, "asa.berg@example.org", ""),
            (LinkingKey::Username, "kimlin", ""),
        ]
    );
}

#[test]
fn results_are_read_in_the_platforms_own_time_and_each_event_once() {
    let rows = results::read(&good("results.csv"), file_clock()).expect("a good file").rows;
    let said: Vec<String> = rows
        .iter()
        .map(|row| {
            let result = &row.record;
            let target = match &result.target {
                Target::Course(course) => course.as_str(),
                Target::Quiz(quiz) => quiz.as_str(),
            };
            let grade = match &result.kind {
                ResultKind::Attempt { score, passed, .. } => {
                    format!("{:?} {passed:?}", score.map(|score| score.percent().to_string()))
                }
                other => format!("{other:?}"),
            };
            let key = result.learner.identities().next().expect("a key").value;
            format!("{} {} {key} {target} {} {grade}", row.line, result.event_id, result.occurred_at.to_rfc3339())
        })
        .collect();
    assert_eq!(
        said,
        [
            "2 old-1 104233 infosec-basics-2023 2023-09-14T10:00:00+00:00 Completion",
            "3 old-2 104233 infosec-basics-quiz 2024-05-01T11:45:00+00:00 Some(\"87.5\") None",
            "4 old-3 rene.hakansson@example.org infosec-basics-quiz 2024-05-02T06:00:00+00:00 None Some(true)",
            "5 old-4 renhak infosec-basics 2024-05-03T05:59:59+00:00 Completion",
        ]
    );
}

#[test]
fn a_file_with_a_header_and_no_rows_is_a_picture_of_nobody() {
    let reading = absences::read(b"employee_number,starts_on\r\n\r\n,\r\n").expect("a good file");
    assert!(reading.rows.is_empty());
}

#[test]
fn what_reads_as_a_name_twice_is_two_columns_only_where_kurskoll_knows_it() {
    let reading = absences::read(b"note;note;employee_number;starts_on;\na;b;1;2026-01-01;\n").expect("a good file");
    assert_eq!(reading.ignored_columns, ["note", "note"]);
    assert_eq!(reading.rows.len(), 1);
}

#[test]
fn no_more_than_a_thousand_problems_are_listed() {
    let file = "employee_number,starts_on\n".to_owned() + &"1,x\n".repeat(1200);
    let problems = absences::read(file.as_bytes()).expect_err("a broken file");
    assert_eq!((problems.listed().len(), problems.total()), (1000, 1200));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_reader_stumble(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = results::read(&bytes, file_clock());
        bytes.splice(0..0, *b"employee_number;starts_on\n1;2026-01-01\n");
        let _ = absences::read(&bytes);
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them(blank in proptest::collection::vec(0usize..3, 1..20)) {
        let mut file = "\n\nemployee_number,starts_on,note\r\n".to_owned();
        let mut expected = Vec::new();
        for (number, blank) in blank.iter().enumerate() {
            file.push_str(&"\r\n".repeat(*blank));
            expected.push(1 + file.matches('\n').count() as u64);
            file.push_str(&format!("{number},2026-01-01,\"{}\"\n", "\n".repeat(*blank)));
        }
        let rows = absences::read(file.as_bytes()).expect("a good file").rows;
        proptest::prop_assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn no_good_file_is_forgotten() {
    let names: BTreeSet<String> = std::fs::read_dir(folder("good"))
        .expect("fixtures")
        .map(|entry| entry.expect("a fixture").file_name().into_string().expect("a name"))
        .collect();
    for name in &names {
        let bytes = good(name);
        let rows = match name.split(['-', '.']).next() {
            Some("administrations") => administrations::read(&bytes).map(|reading| reading.rows.len()),
            Some("employments") => employments::read(&bytes).map(|reading| reading.rows.len()),
            Some("absences") => absences::read(&bytes).map(|reading| reading.rows.len()),
            Some("exemptions") => exemptions::read(&bytes).map(|reading| reading.rows.len()),
            Some("identities") => identities::read(&bytes).map(|reading| reading.rows.len()),
            Some("results") => results::read(&bytes, file_clock()).map(|reading| reading.rows.len()),
            _ => panic!("{name} is named for no kind of file"),
        };
        assert!(rows.unwrap_or_else(|problems| panic!("{name}: {problems}")) > 0, "{name}");
    }
}
