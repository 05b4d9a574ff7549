//! Imports that HR can trust: other systems' files, differences for machines, and reports that can be fetched later.

use std::collections::BTreeSet;

use kurskoll::app::directory::import::{ImportRequest, Imported, digest_of};
use kurskoll::app::{Caller, system_clock};
use kurskoll::domain::access::Role;
use kurskoll::domain::calendar::CityCalendar;
use kurskoll::domain::directory::imports::{FileSource, Sources};
use kurskoll::domain::directory::plan::{Allowed, Extent, Known, plan};
use kurskoll::domain::directory::problem::FileKind;
use kurskoll::intake::hr_csv;
use kurskoll::render::difference;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::support::app::{Answer, HrFiles, TestApp};
use crate::support::commands::CommandLine;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{ADMINISTRATIONS, EMPLOYMENTS, REQUIREMENT, small_city};

fn full() -> ImportRequest {
    ImportRequest { extent: Extent::Full, dry_run: false, allowed: Allowed::everything() }
}

const HEADER: &str = "employee_number,given_name,family_name,email,username,employment_id,administration,unit,form,\
                      starts_on,ends_on,manager_employee_number,protected\n";

fn fixture(name: &str) -> String {
    format!("{}/fixtures/hr/mappings/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Imports an employments file as the command does: with its digest.
pub async fn import_employments(app: &TestApp, employments: &str, request: ImportRequest) -> Imported {
    let files = HrFiles { employments, ..HrFiles::default() }.read();
    let source = FileSource {
        kind: FileKind::Employments,
        name: "emp.csv".to_owned(),
        digest: digest_of(employments.as_bytes()),
        bytes: employments.len() as u64,
        records: files.employments.as_ref().map_or(0, Vec::len) as u64,
        skipped: 0,
    };
    let sources = Sources { files: vec![source], mapping: None };
    app.app.import_files(&Caller::operator(), &files, &sources, request, &|_| {}).await.expect("imported")
}

/// A difference as CSV, as it was reported at the time of the import.
fn reported(imported: &Imported) -> String {
    let rows = imported.plan.difference().map(|row| difference::csv_row(&row));
    std::iter::once(difference::csv_header()).chain(rows).collect()
}

async fn as_auditor(app: &TestApp, path: &str) -> Answer {
    let token = app.token(Role::Auditor, &[]).await;
    app.get(path, Some(&token)).await
}

async fn difference_csv(app: &TestApp, import: i64) -> String {
    let answer = as_auditor(app, &format!("/api/v1/imports/{import}/difference.csv")).await;
    assert_eq!(
        (answer.status, answer.headers["content-type"].as_str()),
        (200, "text/csv; charset=utf-8"),
        "{}",
        answer.body
    );
    answer.body
}

/// The newest entry of the audit trail about an import.
async fn audited(app: &TestApp) -> String {
    let page = as_auditor(app, "/api/v1/audit?limit=20").await.ok();
    let entries = page["items"].as_array().expect("entries");
    let is_of_imports = |entry: &&Value| entry["action"].as_str().is_some_and(|action| action.starts_with("import."));
    let entry = entries.iter().find(is_of_imports).expect("an entry");
    format!("{} {} {}", entry["subject"], entry["action"], entry["object"]).replace('"', "")
}

both_databases! {
    async fn another_systems_files_are_imported_by_a_mapping_and_the_import_is_reported(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        app.apply(REQUIREMENT).await;
        let line = CommandLine::on(&database);
        line.write("adm.csv", "code,name,board\nSEF,Serviceförvaltningen,\nFGK,Gatukontoret,\nHVO,Omsorgen,\n");
        let arguments = format!(
            "directory import --administrations adm.csv --employments {} --mapping {} --full",
            fixture("continuation-rows.csv"),
            fixture("continuation-rows.toml")
        );
        let would = line.ok(&format!("{arguments} --dry-run --format json")).json();
        assert_eq!((&would["dry_run"], &would["import"]), (&json!(true), &Value::Null));
        assert_eq!(would["summary"]["employments"]["added"], 4);
        assert_eq!(app.rows_in("import_report").await, 0);

        let did = line.ok(&format!("{arguments} --format csv"));
        assert!(did.err.ends_with("Changed: administrations 3 added; persons 3 added; employments 4 added. Import 1.\n"), "{}", did.err);
        assert!(did.err.contains("continuation-rows.csv: 2 rows skipped by the mapping\n"), "{}", did.err);
        let rows: Vec<&str> = did.out.split("\r\n").filter(|row| row.contains(",105002") || row.contains(",104233/2")).collect();
        insta::allow_duplicates!(insta::assert_snapshot!(rows.join("\n"), @r#"
        person,added,105002,,,
        employment,added,104233/2,administration,,HVO
        employment,added,104233/2,unit,,"Hemtjänst 4, Natt"
        employment,added,104233/2,form,,hourly
        employment,added,104233/2,starts_on,,2026-01-12
        employment,added,104233/2,ends_on,,2026-06-14
        employment,added,104233/2,manager_employee_number,,100002
        employment,added,104233/2,email,,asa.oberg@example.org
        employment,added,104233/2,username,,asaobe
        employment,added,105002,,,
        "#));
        let protected: Vec<&str> = did.out.split("\r\n").filter(|row| row.contains("105002")).collect();
        assert_eq!(protected, ["person,added,105002,,,", "employment,added,105002,,,"], "only the number");

        // A report that is fetched later is the same.
        assert_eq!(line.ok("directory imports 1 --format csv").out, did.out);
        assert_eq!(difference_csv(&app, 1).await, did.out);
        let report = app.get_as_city("/api/v1/imports/1").await.ok();
        assert_eq!((&report["by"], &report["extent"]), (&json!("operator"), &json!("full")));
        assert_eq!(report["mapping"]["name"], "continuation-rows.toml");
        let file = &report["files"][1];
        assert_eq!((&file["name"], &file["records"], &file["skipped"]), (&json!("continuation-rows.csv"), &json!(4), &json!(2)));
        let bytes = std::fs::read(fixture("continuation-rows.csv")).expect("a fixture");
        assert_eq!((&file["sha256"], &file["bytes"]), (&json!(digest_of(&bytes)), &json!(bytes.len())));
        assert_eq!(line.ok("directory imports --format json").json(), json!([report]));
        let shown = line.ok("directory imports 1").out;
        assert!(shown.contains("SHA-256") && shown.contains("\nemployment 104233/2: new, administration HVO"), "{shown}");
        assert!(line.ok("directory imports").out.starts_with("import\tat\tby\textent\tfiles\tchanged\n1\t"));

        // The same file again changes nothing, and the answer says so.
        let again = line.ok(&arguments);
        assert!(again.out.is_empty() && again.err.contains("\nNothing changes: the same files were imported on "), "{}", again.err);
        assert_eq!(app.rows_in("import_report").await, 1);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn errors_in_a_mapping_or_in_a_mapped_file_are_named_and_nothing_changes(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let line = CommandLine::on(&database);
        line.write("broken.toml", "[employments]\ncolumns = { employee_number = \"Nr\", nam = \"Namn\" }\n");
        line.write("map.toml", "[absences.columns]\nemployee_number = \"Anst.nr\"\nstarts_on = \"Ledig från\"\n");
        line.write("abs.csv", "Anst.nr;Ledig från;Orsak\n1001;2026-02-02;x\n4711;2026-02-02;x\n");
        let wrong = line.run("directory import --absences abs.csv --mapping broken.toml --partial");
        assert_eq!((wrong.code, wrong.out.as_str()), (Some(1), ""));
        assert!(wrong.err.starts_with("mapping, line 2: employments.columns.nam is not a column of ours"), "{}", wrong.err);
        assert!(wrong.err.ends_with("kurskoll: nothing was imported: 7 problems in broken.toml\n"), "{}", wrong.err);
        let wrong = line.run("directory import --absences abs.csv --mapping map.toml --partial");
        insta::allow_duplicates!(insta::assert_snapshot!(wrong.err, @r"
        abs.csv: columns that mean nothing here: Orsak
        absences, line 3, column Anst.nr (employee_number): the value is no employee who is known or in the employments file; add their employment first
        kurskoll: nothing was imported: 1 problem
        "));
        line.run("directory import --absences abs.csv --mapping nowhere.toml --partial").assert_failed("nowhere.toml cannot be read");
        // Refused imports leave no report; the first is the small city's.
        assert_eq!(app.rows_in("import_report").await, 1);
    }

    async fn a_difference_is_derived_again_from_the_facts_exactly(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        app.apply(REQUIREMENT).await;
        app.platform("larportal").await;
        let everything = HrFiles {
            administrations: ADMINISTRATIONS,
            employments: EMPLOYMENTS,
            absences: "employee_number,starts_on,ends_on\n1001,2026-02-01,\n1002,2026-03-01,\n",
            exemptions: "employee_number,requirement,starts_on,ends_on,reason\n1002,infosec-onboarding,2026-02-10,,=1+1\n",
            identities: "employee_number,platform,key,value,home_page\n1001,larportal,account,17,https://l.example.org\n",
        };
        let changed = EMPLOYMENTS
            .replace("1002,Bo,Öberg,bo@example.org,bo,1,SEF,Lokalvård,permanent,2026-02-10,,", "1002,Bo,Ödman,bo@example.org,bo,1,SEF,Städ,permanent,2026-02-10,2026-09-30,")
            // 1001/1 ends on the day before, as the file states; 1003/2 ends because the file lacks it.
            .replace("1001,Anna,Andersson,anna@example.org,anna,1,SEF,Måltid,permanent,2020-01-01,,", "1001,Anna,Andersson,anna@example.org,anna,1,SEF,Måltid,permanent,2020-01-01,2026-02-25,")
            .replace("1003,Cecilia,Berg,cecilia@example.org,cecilia,2,SEF,Måltid,hourly,2026-01-07,,,\n", "1009,Nils,Ny,,,1,SEF,Måltid,hourly,2026-04-01,,,\n");
        let second = HrFiles {
            employments: &changed,
            absences: "employee_number,starts_on,ends_on\n1001,2026-02-01,2026-02-25\n",
            exemptions: "employee_number,requirement,starts_on,ends_on,reason\n",
            identities: "employee_number,platform,key,value,home_page\n1001,larportal,account,18,https://l.example.org\n",
            administrations: "code,name,board\nSEF,Service,Servicenämnden\nFGK,Fastighets- och gatukontoret,Tekniska nämnden\n",
        };
        let without_the_new = changed.replace("1009,Nils,Ny,,,1,SEF,Måltid,hourly,2026-04-01,,,\n", "");
        let third = HrFiles { employments: &without_the_new, ..HrFiles::default() };
        let mut count_before = Vec::new();
        for (files, extent) in [(everything, Extent::Full), (second, Extent::Full), (third, Extent::Full), (everything, Extent::Partial)] {
            let request = ImportRequest { extent, ..full() };
            let imported = app.app.import_files(&Caller::operator(), &files.read(), &Sources::default(), request, &|_| {}).await;
            let imported = imported.expect("imported");
            let id = imported.report.expect("a report");
            let lines: Vec<String> = imported.plan.lines().collect();
            count_before.push((id, reported(&imported), lines));
        }
        for (id, reported, lines) in &count_before {
            assert_eq!(&difference_csv(&app, *id).await, reported, "import {id}");
            let (report, derived) = app.app.import_difference(&Caller::operator(), *id).await.expect("a difference");
            assert_eq!(&derived.lines().collect::<Vec<_>>(), lines);
            assert_eq!(derived.summary(), report.summary);
        }
        insta::allow_duplicates!(insta::assert_snapshot!(count_before[1].1.replace('\r', ""), @r"
        kind,act,key,field,before,after
        administration,changed,SEF,name,Serviceförvaltningen,Service
        person,changed,1002,family_name,Öberg,Ödman
        person,added,1009,given_name,,Nils
        person,added,1009,family_name,,Ny
        employment,ended,1001/1,ends_on,,2026-02-25
        employment,changed,1002/1,unit,Lokalvård,Städ
        employment,changed,1002/1,ends_on,,2026-09-30
        employment,ended,1003/2,ends_on,,2026-02-25
        employment,added,1009/1,administration,,SEF
        employment,added,1009/1,unit,,Måltid
        employment,added,1009/1,form,,hourly
        employment,added,1009/1,starts_on,,2026-04-01
        absence,ended,1001 from 2026-02-01,ends_on,,2026-02-25
        absence,withdrawn,1002 from 2026-03-01,,,
        exemption,ended,1002 from infosec-onboarding from 2026-02-10,ends_on,,2026-02-25
        identity,withdrawn,1001 at larportal: account 17 on https://l.example.org,,,
        identity,added,1001 at larportal: account 18 on https://l.example.org,,,
        "));
    }

    async fn an_employee_who_becomes_protected_is_hidden_in_earlier_differences_too(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let before = difference_csv(&app, 1).await;
        assert!(before.contains("person,added,1002,family_name,,Öberg\r\n") && !before.contains("David"), "{before}");
        let part = format!("{HEADER}1002,Bo,Öberg,bo@example.org,bo,1,SEF,Lokalvård,permanent,2026-02-10,,1001,yes\n");
        app.import(HrFiles { employments: &part, ..HrFiles::default() }).await;
        let after = difference_csv(&app, 1).await;
        let rows: Vec<&str> = after.split("\r\n").filter(|row| row.contains("1002")).collect();
        assert_eq!(rows, ["person,added,1002,,,", "employment,added,1002,,,"]);
        assert_eq!(difference_csv(&app, 2).await, "kind,act,key,field,before,after\r\nperson,changed,1002,,,\r\n");
        // An employee who was protected then stays hidden in that difference, even after the protection has ended.
        let part = format!("{HEADER}1004,David,Ek,david@example.org,david,1,FGK,Gata,permanent,2026-01-05,,,no\n");
        app.import(HrFiles { employments: &part, ..HrFiles::default() }).await;
        assert!(!difference_csv(&app, 1).await.contains("David"));
        assert!(!difference_csv(&app, 3).await.contains("David"));
    }

    async fn imports_and_differences_are_paged_as_json_or_csv_and_audited(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        for unit in ["Alfa", "Beta"] {
            let part = format!("{HEADER}1002,Bo,Öberg,bo@example.org,bo,1,SEF,{unit},permanent,2026-02-10,,1001,\n");
            app.import(HrFiles { employments: &part, ..HrFiles::default() }).await;
        }
        let page = as_auditor(&app, "/api/v1/imports?limit=2").await.ok();
        let ids = |page: &Value| page["items"].as_array().expect("items").iter().map(|item| item["id"].as_i64()).collect::<Vec<_>>();
        assert_eq!((ids(&page), &page["next"]), (vec![Some(3), Some(2)], &json!("2")));
        let rest = as_auditor(&app, "/api/v1/imports?limit=2&before=2").await.ok();
        assert_eq!((ids(&rest), &rest["next"]), (vec![Some(1)], &Value::Null));

        let all = as_auditor(&app, "/api/v1/imports/1/difference").await.ok();
        let mut paged = Vec::new();
        let mut after = String::new();
        loop {
            let page = as_auditor(&app, &format!("/api/v1/imports/1/difference?limit=7{after}")).await.ok();
            paged.extend(page["items"].as_array().expect("items").clone());
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(json!(paged), all["items"]);
        assert_eq!(
            as_auditor(&app, "/api/v1/imports/2/difference").await.ok(),
            json!({"items": [{"kind": "employment", "act": "changed", "key": "1002/1", "field": "unit",
                              "before": "Lokalvård", "after": "Alfa"}], "next": null})
        );
        let token = app.token(Role::City, &[]).await;
        let request = app.client.get(format!("{}/api/v1/imports/2/difference", app.address));
        let request = request.bearer_auth(&token).header("accept", "text/csv, application/json;q=0.5");
        let csv = Answer::to(request).await.expect("an answer");
        assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
        assert_eq!(csv.body, "kind,act,key,field,before,after\r\nemployment,changed,1002/1,unit,Lokalvård,Alfa\r\n");

        for path in ["/api/v1/imports/99", "/api/v1/imports/99/difference", "/api/v1/imports/x/difference.csv"] {
            assert!(as_auditor(&app, path).await.problem(404).starts_with("no import has the id "), "{path}");
        }
        as_auditor(&app, "/api/v1/imports/1/difference?format=csv").await.problem(400);
        as_auditor(&app, "/api/v1/imports").await.ok();
        assert_eq!(audited(&app).await, "test auditor import.list imports");
        as_auditor(&app, "/api/v1/imports/3").await.ok();
        assert_eq!(audited(&app).await, "test auditor import.read import 3");
        as_auditor(&app, "/api/v1/imports/3/difference.csv").await;
        assert_eq!(audited(&app).await, "test auditor import.difference import 3");
        let officer = app.token(Role::Administration, &["SEF"]).await;
        app.get("/api/v1/imports", Some(&officer)).await.problem(403);
    }

    async fn the_same_file_of_26_000_rows_again_records_nothing(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        app.import(HrFiles { administrations: ADMINISTRATIONS, ..HrFiles::default() }).await;
        let mut employments = HEADER.to_owned();
        for nth in 0..26_000 {
            employments += &format!("{},Kim,Lind,p{nth}@example.org,,1,SEF,Enhet {},permanent,2025-01-01,,,\n", 100_000 + nth, nth % 90);
        }
        let first = import_employments(&app, &employments, full()).await;
        assert_eq!(first.plan.summary().employments.added, 26_000);
        let mut before = Vec::new();
        let tables = ["employee", "employee_fact", "employment_fact", "identity_claim", "audit_entry", "stale", "import_report"];
        for table in tables {
            before.push(app.rows_in(table).await);
        }
        let known_at = "SELECT at FROM transaction_clock";
        let clock = rows(&app, known_at).await;
        app.clock.advance(chrono::Duration::days(3));
        let again = import_employments(&app, &employments, full()).await;
        assert!(again.plan.is_empty() && again.report.is_none());
        assert_eq!(again.same_files.map(|report| report.id), first.report);
        for (table, count) in tables.iter().zip(before) {
            assert_eq!(app.rows_in(table).await, count, "{table}");
        }
        assert_eq!(rows(&app, known_at).await, clock);
        // Other bytes with the same content are another file: its import is reported, and changes nothing.
        let crlf = employments.replace('\n', "\r\n");
        let other = import_employments(&app, &crlf, full()).await;
        assert!(other.plan.is_empty() && other.same_files.is_none());
        assert_eq!(difference_csv(&app, other.report.expect("a report")).await, "kind,act,key,field,before,after\r\n");
    }

    async fn two_processes_that_import_at_once_end_as_one_after_the_other(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        app.import(HrFiles { administrations: ADMINISTRATIONS, ..HrFiles::default() }).await;
        let line = CommandLine::on(&database);
        let today = CityCalendar::new(chrono_tz::Europe::Stockholm).day_of(system_clock()());
        let mut known = Known::default();
        known.apply(&plan(&known, &HrFiles { administrations: ADMINISTRATIONS, ..HrFiles::default() }.read(), Extent::Full, today).expect("a plan"));
        for round in 0..3 {
            // Each file has people whom the other lacks, and other units for the people in both.
            let picture = |name: &str, people: std::ops::Range<u32>| {
                let rows = people.map(|nth| format!("{},Kim,Lind,{name}{nth}@example.org,,1,SEF,{name} {round},permanent,2025-01-01,,,\n", 2000 + nth));
                HEADER.to_owned() + &rows.collect::<String>()
            };
            let pictures = [picture("alfa", 0..400), picture("beta", 150..600)];
            let running: Vec<_> = pictures
                .iter()
                .enumerate()
                .map(|(nth, text)| {
                    line.write(&format!("{nth}.csv"), text);
                    let mut command = line.command(&format!("directory import --employments {nth}.csv --full --allow-mass-ending --allow-mass-key-changes"));
                    command.spawn().expect("it starts")
                })
                .collect();
            for mut process in running {
                assert!(process.wait().expect("it ends").success());
            }
            let serial = [[0, 1], [1, 0]].map(|order| {
                let mut known = known.clone();
                for nth in order {
                    let files = HrFiles { employments: &pictures[nth], ..HrFiles::default() }.read();
                    known.apply(&plan(&known, &files, Extent::Full, today).expect("a plan"));
                }
                known
            });
            let now = current(&app).await;
            let found = serial.iter().find(|known| employments_of(known) == now);
            known = found.expect("as one of the two orders").clone();
        }
        assert_eq!(app.differences().await, [""; 0]);
    }
}

/// The first column of each row of a query.
async fn rows(app: &TestApp, sql: &str) -> Vec<i64> {
    let connection = app.app.store.connection(kurskoll::store::Unscoped::Operating);
    let question = Statement::from_string(connection.get_database_backend(), sql);
    let found = connection.query_all_raw(question).await.expect("an answer");
    found.iter().map(|row| row.try_get_by_index(0).expect("a number")).collect()
}

/// Number, unit, e-mail and last day of every employment that is known now.
async fn current(app: &TestApp) -> BTreeSet<String> {
    let connection = app.app.store.connection(kurskoll::store::Unscoped::Operating);
    let sql =
        "SELECT e.number, f.unit, f.email, f.ends_on FROM employment_fact f JOIN employee e ON e.id = f.employee_id
               WHERE f.superseded_at IS NULL";
    let found = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await;
    let said = |row: sea_orm::QueryResult| {
        let text = |at| row.try_get_by_index::<String>(at).expect("text");
        let ends_on: Option<chrono::NaiveDate> = row.try_get_by_index(3).expect("a day");
        format!("{} {} {} {ends_on:?}", text(0), text(1), text(2))
    };
    found.expect("an answer").into_iter().map(said).collect()
}

/// The same of a directory that the planner computed in memory.
fn employments_of(known: &Known) -> BTreeSet<String> {
    let said = |e: &kurskoll::domain::directory::records::EmploymentRecord| {
        format!("{} {} {} {:?}", e.employee_number, e.unit, e.email.as_deref().unwrap_or_default(), e.ends_on)
    };
    known.employments.values().map(said).collect()
}

#[test]
fn every_example_mapping_reads_its_files() {
    use kurskoll::intake::hr_csv::mapping::Mapping;
    let read = |name: &str| std::fs::read(fixture(name)).expect("a fixture");
    let names: BTreeSet<String> = std::fs::read_dir(fixture(""))
        .expect("fixtures")
        .filter_map(|entry| entry.expect("a fixture").file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    assert!(names.len() >= 2, "{names:?}");
    for name in names {
        let mapping = Mapping::parse(&read(&name)).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        let stem = name.trim_end_matches(".toml");
        let file = [format!("{stem}.csv"), format!("{stem}-employments.csv")]
            .into_iter()
            .find(|file| std::path::Path::new(&fixture(file)).exists())
            .unwrap_or_else(|| panic!("{name} has no file of employments"));
        let reading = hr_csv::employments::read_as(&read(&file), mapping.of(FileKind::Employments));
        assert!(!reading.unwrap_or_else(|problems| panic!("{file}: {problems}")).rows.is_empty());
    }
}
