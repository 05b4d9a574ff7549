//! HR's files into the directory: full and partial files, all or nothing.

use std::path::Path;

use kurskoll::app::directory::import::{ImportError, ImportRequest};
use kurskoll::domain::directory::plan::{Allowed, Extent, Plan};
use serde_json::{Value, json};

use crate::support::app::{HrFiles, TestApp};
use crate::support::command::kurskoll;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{ADMINISTRATIONS, EMPLOYMENTS, REQUIREMENT, completed, small_city};

pub const EMPLOYMENTS_HEADER: &str = "employee_number,given_name,family_name,email,username,employment_id,\
administration,unit,form,starts_on,ends_on,manager_employee_number,protected\n";

/// A file of employments with these rows.
pub fn employments(rows: &[&str]) -> String {
    format!("{EMPLOYMENTS_HEADER}{}\n", rows.join("\n"))
}

/// The small city's file without one employee's rows.
fn without(employee_number: &str) -> String {
    let stored = EMPLOYMENTS.lines().filter(|line| !line.starts_with(employee_number));
    stored.map(|line| format!("{line}\n")).collect()
}

fn lines(plan: &Plan) -> String {
    plan.lines().collect::<Vec<_>>().join("\n")
}

/// The row counts of everything that an import can leave behind.
async fn left_behind(app: &TestApp) -> Vec<i64> {
    let mut rows = Vec::new();
    for table in [
        "administration_fact",
        "employee",
        "employee_fact",
        "employment_fact",
        "absence_fact",
        "exemption_fact",
        "identity_claim",
        "audit_entry",
        "stale",
    ] {
        rows.push(app.rows_in(table).await);
    }
    rows
}

/// The employee numbers of an administration's export on a day, in the export's order.
async fn exported(app: &TestApp, administration: &str, as_of: &str) -> Vec<String> {
    let answer = app.get_as_city(&format!("/api/v1/administrations/{administration}/export.csv?as_of={as_of}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut reader = csv::Reader::from_reader(answer.body.as_bytes());
    reader.records().map(|row| row.expect("a row")[3].to_owned()).collect()
}

async fn employee(app: &TestApp, number: &str) -> Value {
    app.get_as_city(&format!("/api/v1/employees/{number}")).await.ok()
}

both_databases! {
    async fn a_partial_file_adds_and_changes_and_leaves_the_rest(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let part = employments(&[
            "1002,Bo,Öberg,bo@example.org,bo,1,SEF,Städ,permanent,2026-02-10,2026-06-30,1001,",
            "1005,Eva,Ek,,,1,SEF,Städ,trainee,2026-03-01,,,",
        ]);
        let plan = app.import(HrFiles { employments: &part, ..HrFiles::default() }).await;
        insta::allow_duplicates!(insta::assert_snapshot!(lines(&plan), @r"
        person 1005: new, given_name Eva, family_name Ek
        employment 1002/1: unit Lokalvård → Städ, ends_on – → 2026-06-30
        employment 1005/1: new, administration SEF, unit Städ, form trainee, starts_on 2026-03-01
        "));
        assert_eq!(exported(&app, "SEF", "2026-02-26").await, ["1001", "1003", "1002"]);
        assert_eq!(employee(&app, "1002").await["employments"][0]["ends_on"], "2026-06-30");
    }

    async fn an_employee_who_is_missing_from_a_full_file_has_left(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let plan = app.import_full(HrFiles { employments: &without("1002"), ..HrFiles::default() }).await;
        insta::allow_duplicates!(insta::assert_snapshot!(lines(&plan), @"employment 1002/1: ended, ends_on – → 2026-02-25"));
        assert_eq!(exported(&app, "SEF", "2026-02-25").await, ["1002", "1001", "1003"]);
        assert_eq!(exported(&app, "SEF", "2026-02-26").await, ["1001", "1003"]);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_future_employment_that_is_missing_from_a_full_file_is_withdrawn(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let coming = employments(&["1006,Ida,Ek,,,1,SEF,Städ,permanent,2026-04-01,,,"]);
        app.import(HrFiles { employments: &coming, ..HrFiles::default() }).await;
        assert_eq!(exported(&app, "SEF", "2026-04-01").await, ["1002", "1001", "1003", "1006"]);
        let plan = app.import_full(HrFiles { employments: EMPLOYMENTS, ..HrFiles::default() }).await;
        assert_eq!(lines(&plan), "employment 1006/1: withdrawn");
        assert_eq!(exported(&app, "SEF", "2026-04-01").await, ["1002", "1001", "1003"]);
    }

    async fn a_full_file_that_ends_more_than_a_tenth_is_refused_without_force(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let before = left_behind(&app).await;
        let part = without("1002");
        let files = HrFiles { employments: &part, ..HrFiles::default() };
        let refused = app.try_import(files, Extent::Full).await.expect_err("too much at once");
        insta::allow_duplicates!(insta::assert_snapshot!(refused, @"the files would end 1 of 5 employments, more than a tenth (for example 1002/1): allow it with --allow-mass-ending; see all of it with --dry-run"));
        assert_eq!(left_behind(&app).await, before);
        let reported = ImportRequest { extent: Extent::Full, dry_run: true, allowed: Allowed::nothing() };
        let would = app.import_as(files, reported).await.expect("a dry run");
        let mass = would.unusual.mass_changes.first().expect("a mass change");
        assert_eq!((mass.affected, mass.of), (1, 5));
        assert_eq!(left_behind(&app).await, before);
        let allowed = ImportRequest { extent: Extent::Full, dry_run: false, allowed: Allowed::everything() };
        app.import_as(files, allowed).await.expect("allowed");
        assert_eq!(exported(&app, "SEF", "2026-02-26").await, ["1001", "1003"]);
    }

    async fn a_dry_run_says_what_would_change_and_changes_nothing(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        app.apply(REQUIREMENT).await;
        let before = left_behind(&app).await;
        let files = HrFiles { administrations: ADMINISTRATIONS, employments: EMPLOYMENTS, ..HrFiles::default() };
        let dry = ImportRequest { extent: Extent::Full, dry_run: true, allowed: Allowed::nothing() };
        let would = app.import_as(files, dry.clone()).await.expect("a plan");
        assert_eq!(left_behind(&app).await, before);
        let did = app.import_as(files, ImportRequest { dry_run: false, ..dry }).await.expect("imported");
        assert_eq!(lines(&would), lines(&did));
    }

    async fn the_same_files_again_change_nothing(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        app.apply(REQUIREMENT).await;
        app.platform("larportal").await;
        let files = HrFiles {
            administrations: ADMINISTRATIONS,
            employments: EMPLOYMENTS,
            absences: "employee_number,starts_on,ends_on\n1001,2026-02-01,2026-02-10\n",
            exemptions: "employee_number,requirement,starts_on,ends_on,reason\n\
                         1002,infosec-onboarding,2026-02-10,,utan inloggning\n",
            identities: "employee_number,platform,key,value,home_page\n\
                         1001,larportal,account,17,https://larportal.example.org\n\
                         1001,larportal,email,Anna.Ek@Example.org,\n",
        };
        app.import_full(files).await;
        app.refresh().await;
        let before = left_behind(&app).await;
        for extent in [Extent::Full, Extent::Partial] {
            app.clock.advance(chrono::Duration::days(1));
            let plan = app.try_import(files, extent).await.expect("nothing to refuse");
            assert_eq!(lines(&plan), "");
        }
        assert_eq!(left_behind(&app).await, before);
    }

    async fn a_row_that_refers_to_something_unknown_is_named_and_nothing_changes(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let before = left_behind(&app).await;
        let part = employments(&[
            "1005,Eva,Ek,,,1,SEF,Städ,permanent,2026-03-01,,,",
            "1006,Ida,Ek,,,1,XYZ,Städ,permanent,2026-03-01,,,",
        ]);
        let files = HrFiles {
            employments: &part,
            absences: "employee_number,starts_on,ends_on\n1001,2026-02-01,\n4711,2026-02-01,\n",
            exemptions: "employee_number,requirement,starts_on,ends_on,reason\n1001,gdpr,2026-02-01,,\n",
            identities: "employee_number,platform,key,value,home_page\n1001,nowhere,username,anna,\n",
            ..HrFiles::default()
        };
        let refused = app.try_import(files, Extent::Partial).await.expect_err("unknown references");
        let ImportError::Problems(problems) = refused else { panic!("{refused:?}") };
        let named: Vec<String> = problems.listed().iter().map(ToString::to_string).collect();
        insta::allow_duplicates!(insta::assert_snapshot!(named.join("\n"), @r#"
        employments, line 3, column administration: "XYZ" is no administration that is known or in the administrations file; add it there first
        absences, line 3, column employee_number: the value is no employee who is known or in the employments file; add their employment first
        exemptions, line 2, column requirement: "gdpr" is no known requirement; apply its file first (`kurskoll requirements apply`)
        identities, line 2, column platform: "nowhere" is no known platform; add it first (`kurskoll platform add`)
        "#));
        assert_eq!(left_behind(&app).await, before);
    }

    async fn an_administration_in_use_cannot_go_missing_from_a_full_file(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let only = "code,name,board\nSEF,Serviceförvaltningen,Servicenämnden\n";
        let refused = app.try_import(HrFiles { administrations: only, ..HrFiles::default() }, Extent::Full).await;
        let Err(ImportError::Problems(problems)) = refused else { panic!("{refused:?}") };
        insta::allow_duplicates!(insta::assert_snapshot!(problems.listed()[0], @r#"administrations, column code: "FGK" is missing from the full file, but 2 employments there run or are to come; keep it, or move or end them"#));
        let report = app.get_as_city("/api/v1/reports/onboarding?requirement=infosec-onboarding").await.ok();
        assert_eq!(report["administrations"].as_array().map(Vec::len), Some(2));
    }

    async fn an_identity_from_a_file_links_until_a_full_file_lacks_it(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.platform("andra").await;
        let account = json!({"account": {"home_page": "https://larportal.example.org", "name": "17"}});
        let body = completed(account, "infosec-basics-2023", "2026-02-01T10:00:00+01:00");
        let answer = app.deliver("larportal", &secret, "e-1", &body).await.ok();
        assert_eq!(answer["linked"], false);
        let header = "employee_number,platform,key,value,home_page";
        for (row, status) in [
            ("1002,larportal,account,17,https://larportal.example.org", "compliant"),
            ("1002,larportal,account,17,https://another.example.org", "pending"),
            ("1002,andra,account,17,https://larportal.example.org", "pending"),
            ("1002,larportal,account,17,https://larportal.example.org", "compliant"),
            ("1001,larportal,account,17,https://larportal.example.org", "pending"),
        ] {
            let identities = format!("{header}\n{row}\n");
            app.import_full(HrFiles { identities: &identities, ..HrFiles::default() }).await;
            assert_eq!(employee(&app, "1002").await["requirements"][0]["status"], status, "{row}");
        }
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_protected_employee_is_shown_with_number_and_status_only(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.refresh().await;
        let part = employments(&["1002,Bo,Öberg,bo@example.org,bo,1,SEF,Lokalvård,permanent,2026-02-10,,1001,yes"]);
        let plan = app.import(HrFiles { employments: &part, ..HrFiles::default() }).await;
        assert_eq!(lines(&plan), "person 1002: changed");
        let shown = || async {
            let export = app.get_as_city("/api/v1/administrations/SEF/export.csv").await.body;
            export.lines().find(|line| line.contains(",1002,")).map(ToOwned::to_owned).expect("a row")
        };
        let expected = "SEF,Serviceförvaltningen,,1002,,,,permanent,2026-02-10,infosec-onboarding,pending,2026-03-12,,,,0,,,2026-02-26";
        assert_eq!(shown().await, expected);
        app.refresh().await;
        assert_eq!(shown().await, expected);
    }

    async fn concurrent_imports_do_not_mix(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let picture = |unit: &str| {
            let rows: Vec<String> = (1..=6)
                .map(|nth| format!("200{nth},Person,Nummer,,,1,SEF,{unit},permanent,2026-01-0{nth},,,"))
                .collect();
            employments(&rows.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let pictures = ["Alfa", "Beta", "Gamma"].map(picture);
        let full = ImportRequest { extent: Extent::Full, dry_run: false, allowed: Allowed::everything() };
        let import = |employments: &str| {
            let files = HrFiles { employments, ..HrFiles::default() }.read();
            let (app, full) = (app.app.clone(), full.clone());
            tokio::spawn(async move {
                app.import_directory(&kurskoll::app::Caller::operator(), &files, full).await
            })
        };
        let imports = pictures.each_ref().map(|picture| import(picture));
        for import in imports {
            import.await.expect("no panic").expect("planned again where another one was first");
        }
        let rows = app.get_as_city("/api/v1/administrations/SEF/compliance?as_of=2026-02-26").await.ok();
        let units: Vec<&str> = rows["items"].as_array().expect("rows").iter().filter_map(|row| row["unit"].as_str()).collect();
        assert_eq!(units.len(), 6, "{rows}");
        assert!(units.iter().all(|unit| *unit == units[0]), "{units:?}");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn the_command_imports_while_the_service_runs_and_reports_what_it_did(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        app.apply(REQUIREMENT).await;
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
        write("adm.csv", ADMINISTRATIONS);
        write("emp.csv", EMPLOYMENTS);
        write("bad.csv", &EMPLOYMENTS.replace("hourly", "daily").replace("2020-01-01", "1 jan"));
        let import = |rest: &[&str]| {
            let arguments: Vec<&str> = ["directory", "import"].iter().chain(rest).copied().collect();
            kurskoll(&database, Path::new(folder.path()), &arguments)
        };
        let files = ["--administrations", "adm.csv", "--employments", "emp.csv", "--full"];

        let would = import(&[files.as_slice(), &["--dry-run"]].concat());
        assert_eq!((would.code, would.stdout.lines().count()), (Some(0), 11), "{would:?}");
        assert_eq!(app.rows_in("employment_fact").await, 0);

        let did = import(&files);
        assert_eq!((did.code, did.stdout.as_str()), (Some(0), ""), "{did:?}");
        assert_eq!(did.stderr, "Changed: administrations 2 added; persons 4 added; employments 5 added. Import 1.\n");
        assert_eq!(exported(&app, "SEF", "2026-02-26").await, ["1002", "1001", "1003"]);
        let again = import(&files).stderr;
        assert!(again.starts_with("Nothing changes: the same files were imported on ") && again.ends_with(" (import 1).\n"), "{again}");

        let bad = import(&["--employments", "bad.csv", "--partial"]);
        assert_eq!((bad.code, bad.stdout.as_str()), (Some(1), ""), "{bad:?}");
        insta::allow_duplicates!(insta::assert_snapshot!(bad.stderr, @r#"
        employments, line 2, column starts_on: "1 jan" is not a day; write it as 2026-03-01 or 20260301
        employments, line 4, column form: "daily" is not a form of employment; use one of permanent, fixed_term, hourly, consultant, trainee
        employments, line 5, column form: "daily" is not a form of employment; use one of permanent, fixed_term, hourly, consultant, trainee
        kurskoll: nothing was imported: 3 problems
        "#));
        for wrong_use in [&["--employments", "emp.csv"][..], &["--full"], &["--employments", "emp.csv", "--full", "--partial"]] {
            assert_eq!(import(wrong_use).code, Some(2), "{wrong_use:?}");
        }
        assert_eq!(exported(&app, "SEF", "2026-02-26").await, ["1002", "1001", "1003"]);
    }
}
