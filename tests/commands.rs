//! Commands, run as the built binary: what each prints on which stream, and what it leaves in the register.

use std::collections::BTreeSet;

use kurskoll::intake::webhook::signature::WebhookSecret;
use sea_orm::{ConnectionTrait, Database};
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::commands::CommandLine;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{ADMINISTRATIONS, EMPLOYMENTS, REQUIREMENT, completed, small_city};

const REPORT: &str = "report --requirement infosec-onboarding --as-of 2026-02-26";

/// A folder with the small city's files, and a register that contains them.
pub fn small_city_of_files() -> CommandLine {
    with_files(CommandLine::new())
}

/// The same in any folder.
pub fn with_files(here: CommandLine) -> CommandLine {
    here.write("adm.csv", ADMINISTRATIONS);
    here.write("emp.csv", EMPLOYMENTS);
    here.write("requirements.toml", REQUIREMENT);
    here.ok("requirements apply requirements.toml");
    here.ok("directory import --administrations adm.csv --employments emp.csv --full");
    here
}

#[test]
fn an_error_lists_what_exists_and_shows_the_expected_form() {
    let here = CommandLine::new();
    here.ok("migrate");
    here.run("report --requirement infosec").assert_failed(
        "no requirement infosec was known then; there are none yet: `kurskoll requirements apply FILE.toml` makes them",
    );
    let here = with_files(here);
    here.run("report --requirement infosec").assert_failed("there are: infosec-onboarding");
    here.run("report --requirement infosec --trend-from 2026-01-01 --trend-to 2026-02-01")
        .assert_failed("there are: infosec-onboarding");
    here.run("export --administration HVO --output hvo.csv").assert_failed("there are: FGK, SEF");
    here.run("export --administration SEF --requirement infosec --output sef.csv")
        .assert_failed("there are: infosec-onboarding");
    // A requirement that exists now but was not known then is not offered as an alternative.
    let earlier = here.run("report --requirement infosec-onboarding --known-at 2020-01-01T12:00:00Z");
    assert_eq!(earlier.err, "kurskoll: no requirement infosec-onboarding was known then\n");
    for (line, shown) in [
        ("report --requirement infosec-onboarding --as-of 31/12/2026", "a day is written year first: 2026-12-31"),
        ("report --requirement infosec-onboarding --known-at 2026-01-01", "2026-01-01T12:00:00Z"),
        ("export --administration SEF --output sef.csv --as-of imorgon", "a day is written as 2026-12-31"),
        ("platform health larportal --since 2026-01-01", "2026-01-01T12:00:00Z"),
        ("quarantine list --since igår", "2026-12-31T12:00:00Z"),
    ] {
        let ran = here.run(line);
        assert!(ran.code == Some(2) && ran.err.contains(shown), "{line}: {}", ran.err);
    }
    let issued = here.ok("token issue --role administration --administration HVO --administration SEF");
    assert_eq!(issued.err, "Warning: the token shows nothing of HVO, which is not known; there are: FGK, SEF\n");
    assert_eq!(issued.out.lines().count(), 1);
    assert_eq!(here.ok("token issue --role administration --administration SEF").err, "");
}

#[test]
fn a_requirement_file_in_another_encoding_is_named_and_a_byte_order_mark_is_accepted() {
    let here = CommandLine::new();
    let windows: Vec<u8> = REQUIREMENT.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    assert!(std::str::from_utf8(&windows).is_err(), "it has letters beyond ASCII");
    here.write("windows.toml", windows);
    here.run("requirements apply windows.toml").assert_failed("(Windows-1252, probably); save it as UTF-8");
    let utf16: Vec<u8> = [0xFEFF].into_iter().chain(REQUIREMENT.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    here.write("utf16.toml", utf16);
    here.run("requirements apply utf16.toml").assert_failed("is UTF-16; save it as UTF-8");
    here.write("marked.toml", format!("\u{feff}{REQUIREMENT}"));
    here.ok("requirements apply marked.toml");
}

#[test]
fn a_port_that_is_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let here = CommandLine::new().with("ROCKET_PORT", &port);
    let ran = here.run("serve");
    let reported = format!(
        "kurskoll: port {port} at 127.0.0.1 cannot be used: another program listens there; choose one with ROCKET_PORT"
    );
    assert!(ran.code == Some(1) && ran.err.contains(&reported), "{}", ran.err);
}

both_databases! {
    async fn tables_are_created_and_found_again(database: TestDatabase) {
        let here = CommandLine::on(&database);
        for _ in 0..2 {
            let ran = here.ok("migrate");
            assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", "The database is up to date.\n"));
        }
    }

    async fn a_platforms_secret_is_alone_on_the_last_line(database: TestDatabase) {
        let here = CommandLine::on(&database);
        let added = here.ok("platform add larportal --linking-keys email,employee_number,email");
        let rotated = here.ok("platform rotate-secret larportal");
        for ran in [&added, &rotated] {
            let secret = ran.out.strip_suffix('\n').expect("a whole line");
            assert!(WebhookSecret::parse(secret).is_ok(), "no secret alone: {}", ran.out);
            assert!(!ran.err.contains(secret));
        }
        assert_ne!(added.out, rotated.out);
        here.ok("platform add annan --time-zone Europe/Helsinki");
        insta::allow_duplicates! {
            insta::assert_snapshot!(here.ok("platform list").out, @r"
            platform	adapter	linking keys	time zone	profile version
            annan	native	employee_number,email,username,account	Europe/Helsinki	
            larportal	native	email,employee_number	Europe/Stockholm	
            ");
        }
    }

    async fn requirements_that_are_applied_twice_are_unchanged(database: TestDatabase) {
        let here = CommandLine::on(&database);
        here.write("requirements.toml", REQUIREMENT);
        let apply = || here.ok("requirements apply requirements.toml").err;
        let said = apply();
        insta::allow_duplicates!(insta::assert_snapshot!(said, @"infosec-onboarding: version 1 applied: in effect from 2026-01-01; training holds for 12 months; new employees have 30 days; existing staff until 2026-06-30"));
        assert_eq!(apply(), "infosec-onboarding: unchanged, version 1\n");
        here.write("requirements.toml", REQUIREMENT.replace("new_hire_days = 30", "new_hire_days = 60"));
        assert!(apply().starts_with("infosec-onboarding: version 2 applied: in effect from 2026-01-01"));
        // Content that an older version already has makes no new version.
        here.write("requirements.toml", REQUIREMENT);
        let said = apply();
        insta::allow_duplicates!(insta::assert_snapshot!(said, @"infosec-onboarding: nothing applied: version 1 says this already, and was replaced by version 2 from 2026-01-01; to apply it again, give it the effective_from of the day from which it shall apply"));
        let again = REQUIREMENT
            .replace("effective_from = 2026-01-01", "effective_from = 2026-07-01\neffective_to = 2027-06-30\ncounts_from = 2026-06-01")
            .replace("existing_staff_due_on = 2026-06-30", "existing_staff_due_on = 2026-12-31")
            .replace("valid_months = 12", "valid_until = \"12-31\"");
        here.write("requirements.toml", again);
        let said = apply();
        insta::allow_duplicates!(insta::assert_snapshot!(said, @"infosec-onboarding: version 3 applied: in effect from 2026-07-01 to 2027-06-30, that day included; training holds up to and including the next 12-31 after its day; training from before 2026-06-01 does not count; new employees have 30 days; existing staff until 2026-12-31"));
    }

    async fn an_import_says_what_it_changes_and_changes_it_once(database: TestDatabase) {
        let here = CommandLine::on(&database);
        here.write("adm.csv", ADMINISTRATIONS);
        here.write("emp.csv", EMPLOYMENTS);
        let import = "directory import --administrations adm.csv --employments emp.csv --full";
        let planned = here.ok(&format!("{import} --dry-run"));
        let changed = here.ok(import);
        let again = here.ok(import);
        assert_eq!((changed.out.as_str(), again.out.as_str()), ("", ""));
        insta::allow_duplicates! {
            insta::assert_snapshot!(planned.out, @r"
            administration FGK: new, name Fastighets- och gatukontoret, board Tekniska nämnden
            administration SEF: new, name Serviceförvaltningen, board Servicenämnden
            person 1001: new, given_name Anna, family_name Andersson
            person 1002: new, given_name Bo, family_name Öberg
            person 1003: new, given_name Cecilia, family_name Berg
            person 1004: new
            employment 1001/1: new, administration SEF, unit Måltid, form permanent, starts_on 2020-01-01, email anna@example.org, username anna
            employment 1002/1: new, administration SEF, unit Lokalvård, form permanent, starts_on 2026-02-10, manager_employee_number 1001, email bo@example.org, username bo
            employment 1003/1: new, administration FGK, unit Gata, form hourly, starts_on 2026-01-05, email cecilia@example.org, username cecilia
            employment 1003/2: new, administration SEF, unit Måltid, form hourly, starts_on 2026-01-07, email cecilia@example.org, username cecilia
            employment 1004: new
            ");
            insta::assert_snapshot!([planned.err, changed.err].concat(), @r"
            Would change: administrations 2 added; persons 4 added; employments 5 added.
            Changed: administrations 2 added; persons 4 added; employments 5 added. Import 1.
            ");
        }
        assert!(again.err.starts_with("Nothing changes: the same files were imported on "), "{}", again.err);
    }

    async fn a_backup_is_of_the_databases_own_kind(database: TestDatabase) {
        let here = with_files(CommandLine::on(&database));
        let ran = here.ok("backup copy");
        assert_eq!(ran.out, "");
        assert!(ran.err.starts_with("A copy of the register is in copy.\nIts chain ends with link "), "{}", ran.err);
        let copy = std::fs::read(here.path("copy")).expect("the copy");
        let kind: &[u8] = if database.url.starts_with("sqlite:") { b"SQLite format 3" } else { b"PGDMP" };
        assert!(copy.starts_with(kind), "{:?}", copy.get(..16));
        here.run("backup copy").assert_failed("exists already");
    }

    async fn verify_finds_what_was_tampered_with(database: TestDatabase) {
        let here = with_files(CommandLine::on(&database));
        let sound = here.ok("verify");
        assert_eq!(sound.out, "");
        assert!(sound.err.contains(" 0 events, 0 statements, 4 employees, and "), "{}", sound.err);
        assert!(sound.err.contains("compared: everything is as it was recorded, and everything derived follows from the facts."), "{}", sound.err);
        let connection = Database::connect(&database.url).await.expect("the database is there");
        let tampered = "UPDATE compliance_state SET status = 'compliant' WHERE status = 'overdue'";
        assert!(connection.execute_unprepared(tampered).await.expect("a change").rows_affected() > 0);
        let ran = here.run("verify");
        assert_eq!(ran.code, Some(1));
        assert!(ran.out.lines().count() > 0 && ran.out.lines().all(|line| line.contains("compliant")), "{}", ran.out);
        let last = ran.err.lines().last().unwrap_or_default();
        assert!(last.starts_with("kurskoll: ") && last.contains("between what should be and what is"), "{}", ran.err);
    }

    async fn quarantine_is_listed_shown_and_replayed_while_the_service_runs(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let here = CommandLine::on(&database);
        let secret = here.ok("platform add larportal").out;
        let secret = WebhookSecret::parse(secret.trim()).expect("a secret");
        let empty = here.ok("quarantine list");
        assert_eq!((empty.out.as_str(), empty.err.as_str()), ("", "No such delivery is in quarantine.\n"));
        // In the future for the service's clock, which stands still; in the past for the machine's clock, which the commands use.
        let ahead = completed(json!({"employee_number": "1001"}), "infosec-basics", "2026-03-01T10:00:00+01:00");
        let wrong = json!({"type": "course.completed", "timestamp": "2026-02-20T10:00:00+01:00", "data": {}});
        for (id, body) in [("q-1", &ahead), ("q-2", &wrong)] {
            assert_eq!(app.deliver("larportal", &secret, id, body).await.status, 422);
        }
        let listed = here.ok("quarantine list").out;
        assert!(listed.starts_with("delivery\tplatform\treceived\twhere\tproblem\n"), "{listed}");
        let rows: Vec<Vec<&str>> = listed.lines().skip(1).map(|line| line.split('\t').collect()).collect();
        assert_eq!(rows.len(), 2, "{listed}");
        assert!(rows.iter().all(|row| row.len() == 5 && row[1] == "larportal" && !row[4].is_empty()), "{listed}");
        let id = rows[0][0];
        assert_eq!(here.ok(&format!("quarantine show {id}")).out, wrong.to_string());
        let replayed = here.ok(&format!("quarantine replay {id}"));
        assert!(replayed.err.contains("stays in quarantine") && replayed.err.ends_with("0 of 1 left quarantine.\n"), "{}", replayed.err);
        assert_eq!(replayed.out, "");
        let all = here.ok("quarantine replay --all").err;
        assert!(all.ends_with("\n1 of 2 left quarantine.\n"), "{all}");
        let listed = here.ok("quarantine list").out;
        assert!(listed.lines().count() == 2 && listed.contains(&format!("\n{id}\t")), "{listed}");
    }
}

#[test]
fn a_broken_file_names_each_bad_row_and_changes_nothing() {
    let here = small_city_of_files();
    let before = here.ok(&format!("{REPORT} --format json")).json();
    for (file, kind) in [
        ("employments-many-problems", "employments"),
        ("employments-unknown-form", "employments"),
        ("absences-personal-identity-number", "absences"),
        ("administrations-duplicate-code", "administrations"),
    ] {
        let path = format!("{}/fixtures/hr/broken/{file}.csv", env!("CARGO_MANIFEST_DIR"));
        let ran = here.run(&format!("directory import --{kind} {path} --partial"));
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{file}: {}", ran.err);
        let last = ran.err.lines().last().unwrap_or_default();
        assert!(last.starts_with("kurskoll: nothing was imported: "), "{file}: {}", ran.err);
    }
    let path = format!("{}/fixtures/hr/broken/employments-many-problems.csv", env!("CARGO_MANIFEST_DIR"));
    let ran = here.run(&format!("directory import --employments {path} --partial"));
    insta::assert_snapshot!(ran.err, @r#"
    employments, line 3, column given_name: the value is empty; fill it in
    employments, line 3, column family_name: the value is empty; fill it in
    employments, line 3, column employment_id: the value is empty; fill it in
    employments, line 3, column administration: the value is empty; fill it in
    employments, line 3, column form: "x" is not a form of employment; use one of permanent, fixed_term, hourly, consultant, trainee
    employments, line 3, column starts_on: "y" is not a day; write it as 2026-03-01 or 20260301
    employments, line 3, column ends_on: "z" is not a day; write it as 2026-03-01 or 20260301
    employments, line 3, column protected: "w" is neither yes nor no; use true, false, 1, 0, yes, no, ja or nej
    kurskoll: nothing was imported: 8 problems
    "#);
    let path = format!("{}/fixtures/requirements/broken/unknown-fields.toml", env!("CARGO_MANIFEST_DIR"));
    let ran = here.run(&format!("requirements apply {path}"));
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    insta::assert_snapshot!(ran.err.replace(&path, "unknown-fields.toml"), @r"
    requirements, line 8 (infosec-onboarding): requirement[0].valid_month is not known here; did you mean valid_months? Known are code, title_sv, title_en, audience, alternatives, new_hire_days, existing_staff_due_on, valid_months, valid_until, counts_from, renewal_days, effective_from, effective_to
    requirements, line 10 (infosec-onboarding): requirement[0].audience.unit is not known here; did you mean units? Known are administrations, forms, units
    requirements, line 12 (infosec-onboarding): requirement[0].alternatives[0][1].passmark is not known here; did you mean pass_mark? Known are course, quiz, pass_mark
    requirements, line 12 (infosec-onboarding): requirement[0].alternatives[0][1].pass_mark is missing; write it
    kurskoll: nothing was applied: unknown-fields.toml has 4 problems
    ");
    let mut after = here.ok(&format!("{REPORT} --format json")).json();
    after["known_at"] = before["known_at"].clone();
    assert_eq!(after, before);
}

#[test]
fn a_file_that_refers_to_something_unknown_changes_nothing() {
    let here = small_city_of_files();
    here.write("abs.csv", "employee_number,starts_on,ends_on\n1001,2026-03-01,2026-03-05\n9999,2026-03-01,\n");
    let ran = here.run("directory import --absences abs.csv --partial");
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    insta::assert_snapshot!(ran.err, @r"
    absences, line 3, column employee_number: the value is no employee who is known or in the employments file; add their employment first
    kurskoll: nothing was imported: 1 problem
    ");
    here.write("abs.csv", "employee_number,starts_on,ends_on\n1001,2026-03-01,2026-03-05\n");
    insta::assert_snapshot!(here.ok("directory import --absences abs.csv --partial").err, @r"
    Changed: absences 1 added. Import 2.
    ");
}

#[test]
fn a_missing_column_and_an_unknown_one_are_reported() {
    let here = small_city_of_files();
    here.write("emp.csv", "employee_number;given_name;family_name;employment_id;administration;form;starts_on;shoe_size\n1005;Eva;Ek;1;SEF;permanent;2026-01-01;38\n");
    let ran = here.ok("directory import --employments emp.csv --partial");
    insta::assert_snapshot!(ran.err, @r"
    emp.csv: columns that mean nothing here: shoe_size
    emp.csv: columns that are missing, and read as empty: email, username, unit, ends_on, manager_employee_number
    Changed: persons 1 added; employments 1 added. Import 2.
    ");
}

#[test]
fn a_full_file_that_ends_most_employments_is_refused_without_force() {
    let here = small_city_of_files();
    let few: String = EMPLOYMENTS.lines().take(3).flat_map(|line| [line, "\n"]).collect();
    here.write("emp.csv", few);
    let import = "directory import --employments emp.csv --full";
    let planned = here.ok(&format!("{import} --dry-run"));
    assert!(planned.err.contains("--allow-mass-ending"), "{}", planned.err);
    here.run(import).assert_failed("--allow-mass-ending");
    let changed = here.ok(&format!("{import} --allow-mass-ending"));
    assert!(changed.err.starts_with("Changed: "), "{}", changed.err);
}

#[test]
fn a_report_is_json_or_a_table_on_standard_output() {
    let here = small_city_of_files();
    let ran = here.ok(&format!("{REPORT} --format json"));
    assert_eq!(ran.err, "");
    let report = ran.json();
    assert_eq!((&report["as_of"], &report["city"]["counts"]["in_scope"]), (&json!("2026-02-26"), &json!(4)));
    let table = here.ok(REPORT);
    assert_eq!(table.err, "");
    for word in ["Serviceförvaltningen", "Fastighets- och gatukontoret"] {
        assert!(table.out.contains(word), "{}", table.out);
    }
    // The same `as_of` and `known_at` give the same report again.
    let known_at = report["known_at"].as_str().expect("an instant");
    here.write("abs.csv", "employee_number,starts_on,ends_on\n1002,2026-02-20,\n");
    here.ok("directory import --absences abs.csv --partial");
    assert_eq!(here.ok(&format!("{REPORT} --format json --known-at {known_at}")).json(), report);
    assert_ne!(here.ok(&format!("{REPORT} --format json")).json()["city"], report["city"]);
}

#[test]
fn an_export_is_a_file_or_standard_output() {
    let here = small_city_of_files();
    let export = "export --administration SEF --as-of 2026-02-26";
    let ran = here.ok(&format!("{export} --output sef.csv"));
    assert_eq!(ran.out, "");
    let file = std::fs::read_to_string(here.path("sef.csv")).expect("the file");
    assert_eq!(file.lines().count(), 4, "{file}");
    assert_eq!(here.ok(&format!("{export} --output -")).out, file);
    here.ok(&format!("{export} --output sef.xlsx"));
    assert!(std::fs::read(here.path("sef.xlsx")).expect("the workbook").starts_with(b"PK"));
    here.ok(&format!("{export} --output excel.csv --dialect excel-sv"));
    let excel = std::fs::read_to_string(here.path("excel.csv")).expect("the file");
    assert!(excel.starts_with("\u{feff}administration;"), "{excel}");
    let left: BTreeSet<String> = std::fs::read_dir(here.path("."))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("unfinished"))
        .collect();
    assert_eq!(left, BTreeSet::new());
}

#[test]
fn a_token_is_printed_alone() {
    let here = CommandLine::new();
    here.ok("migrate");
    let ran =
        here.ok("token issue --role administration --administration SEF --administration FGK --subject anna --ttl 30m");
    assert_eq!(ran.err, "Warning: the token shows nothing of FGK, SEF, which is not known; there are none yet\n");
    let token = ran.out.strip_suffix('\n').expect("a whole line");
    let parts: Vec<&str> = token.split('.').collect();
    assert!(parts.len() == 3 && parts.iter().all(|part| !part.is_empty()), "{token}");
    let rotated = here.ok("token rotate-key --revoke-older");
    assert_eq!(rotated.out, "");
}

#[test]
fn a_backup_opens_and_says_the_same() {
    let here = small_city_of_files();
    let ran = here.ok("backup copies.db");
    assert_eq!(ran.out, "");
    here.run("backup copies.db").assert_failed("exists already");
    let copy = here.like().with("ROCKET_DATABASE_URL", "sqlite:copies.db");
    let said = |at: &CommandLine| at.ok(&format!("{REPORT} --format json")).json()["administrations"].clone();
    assert_eq!(said(&copy), said(&here));
    copy.ok("verify");
}
