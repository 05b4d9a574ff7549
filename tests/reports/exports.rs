//! An administration's people as a file.

use kurskoll::domain::access::Role;
use serde_json::json;

use crate::directory::files::employments;
use crate::support::app::{HrFiles, TestApp};
use crate::support::command::kurskoll;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{REQUIREMENT, completed, graded, small_city};

const CSV: &str = "/api/v1/administrations/SEF/export.csv";
const XLSX: &str = "/api/v1/administrations/SEF/export.xlsx";

async fn csv(app: &TestApp, path: &str) -> String {
    let answer = app.get_as_city(path).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// Some cells of every row but the header.
fn cells(csv: &str, columns: &[usize]) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let row =
        |row: csv::StringRecord| columns.iter().map(|column| row[*column].to_owned()).collect::<Vec<_>>().join("|");
    reader.records().map(|record| row(record.expect("a row"))).collect()
}

const UNIT: usize = 2;
const NUMBER: usize = 3;
const GIVEN_NAME: usize = 4;
const FAMILY_NAME: usize = 5;
const REQUIREMENT_CODE: usize = 9;
const STATUS: usize = 10;

both_databases! {
    async fn an_export_is_plain_csv_or_as_a_swedish_spreadsheet_reads_it(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let anna = json!({"employee_number": "1001"});
        app.deliver("larportal", &secret, "e-1", &graded(anna, "infosec-basics-quiz", 1, "12.5", "2026-02-03T10:00:00Z")).await.ok();
        let plain = app.get_as_city(CSV).await;
        assert_eq!(plain.headers["content-type"], "text/csv; charset=utf-8");
        assert_eq!(plain.headers["content-disposition"], "attachment; filename*=UTF-8''SEF.csv");
        assert!(plain.body.ends_with("\r\n"), "RFC 4180");
        assert_eq!(app.get_as_city(&format!("{CSV}?dialect=rfc4180")).await.body, plain.body);
        let excel = app.get_as_city(&format!("{CSV}?dialect=excel-sv")).await;
        assert_eq!(excel.headers["content-type"], "text/csv; charset=utf-8");
        assert!(excel.body.starts_with("\u{feff}administration;administration_name;unit;"), "{}", excel.body);
        insta::allow_duplicates!(insta::assert_snapshot!(excel.body.replace(['\r', '\u{feff}'], "").lines().skip(2).collect::<Vec<_>>().join("\n"), @r"
        SEF;Serviceförvaltningen;Måltid;1001;Anna;Andersson;anna@example.org;permanent;2020-01-01;infosec-onboarding;pending;2026-06-30;;;62,5;1;2026-02-03;;2026-02-26
        SEF;Serviceförvaltningen;Måltid;1003;Cecilia;Berg;cecilia@example.org;hourly;2026-01-07;infosec-onboarding;overdue;2026-02-04;;;;0;;;2026-02-26
        "));
        let wrong = app.get_as_city(&format!("{CSV}?dialect=ods")).await.problem(400);
        assert_eq!(wrong, "dialect=ods is neither rfc4180 nor excel-sv");
    }

    async fn rows_are_in_swedish_order_and_reveal_nothing_of_the_protected(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let more = employments(&[
            "2001,Örjan,Ek,,,1,SEF,Ängen,permanent,2026-01-01,,,",
            "2002,Åke,Ek,,,1,SEF,Ängen,permanent,2026-01-01,,,",
            "2003,Adam,Ek,,,1,SEF,Ängen,permanent,2026-01-01,,,",
            "2004,Adam,Zorn,,,1,SEF,Ängen,permanent,2026-01-01,,,",
            "2005,Adam,Åberg,,,1,SEF,Ängen,permanent,2026-01-01,,,",
            "2006,Adam,Ärlig,,,1,SEF,Ängen,permanent,2026-01-01,,,",
            "2007,Adam,Örn,,,1,SEF,Ängen,permanent,2026-01-01,,,",
            "2010,Adam,Ek,,,1,SEF,Åsen,permanent,2026-01-01,,,",
            "2008,Adam,Ek,,,1,SEF,Åsen,permanent,2026-01-01,,,",
            "2009,Hemlig,Person,hemlig@example.org,hemlig,1,SEF,Zeta,permanent,2026-01-01,,,true",
            "2011,Hemlig,Annan,hemlig2@example.org,hemlig2,1,SEF,Åsen,permanent,2026-01-01,,,true",
        ]);
        app.import(HrFiles { employments: &more, ..HrFiles::default() }).await;
        let stale = csv(&app, CSV).await;
        insta::allow_duplicates!(insta::assert_snapshot!(cells(&stale, &[UNIT, FAMILY_NAME, GIVEN_NAME, NUMBER]).join("\n"), @r"
        |||2009
        |||2011
        Lokalvård|Öberg|Bo|1002
        Måltid|Andersson|Anna|1001
        Måltid|Berg|Cecilia|1003
        Åsen|Ek|Adam|2008
        Åsen|Ek|Adam|2010
        Ängen|Ek|Adam|2003
        Ängen|Ek|Åke|2002
        Ängen|Ek|Örjan|2001
        Ängen|Zorn|Adam|2004
        Ängen|Åberg|Adam|2005
        Ängen|Ärlig|Adam|2006
        Ängen|Örn|Adam|2007
        "));
        assert!(!stale.contains("emlig") && !stale.contains("Zeta"), "{stale}");
        let protected = stale.lines().find(|line| line.contains(",2009,")).expect("the row is there");
        assert_eq!(protected, "SEF,Serviceförvaltningen,,2009,,,,permanent,2026-01-01,infosec-onboarding,overdue,2026-01-31,,,,0,,,2026-02-26");
        // Partly refreshed, and then completely: the same file.
        app.refresh().await;
        let touched = employments(&["2003,Adam,Ek,,,1,SEF,Ängen,permanent,2026-01-01,,2001,"]);
        app.import(HrFiles { employments: &touched, ..HrFiles::default() }).await;
        assert_eq!(app.rows_in("stale").await, 1);
        assert_eq!(csv(&app, CSV).await, stale);
        app.refresh().await;
        assert_eq!(csv(&app, CSV).await, stale);
    }

    async fn a_cell_that_a_spreadsheet_would_run_as_a_formula_is_escaped(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let evil = employments(&["2001,\"=HYPERLINK(\"\"http://x\"\")\",@Ek,+46@example.org,,1,SEF,-1,permanent,2026-01-01,,,"]);
        app.import(HrFiles { employments: &evil, ..HrFiles::default() }).await;
        for path in [CSV.to_owned(), format!("{CSV}?dialect=excel-sv")] {
            let export = csv(&app, &path).await;
            for cell in ["'=HYPERLINK", "'@Ek", "'+46@example.org", "'-1"] {
                assert!(export.contains(cell), "{cell} in {export}");
            }
        }
    }

    async fn a_long_export_is_complete_and_in_order(database: TestDatabase) {
        const PEOPLE: usize = 600;
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let number = |nth: usize| format!("{}", 5000 + nth);
        let rows: Vec<String> = (0..PEOPLE)
            .map(|nth| format!("{},Namn,Namnsson,,,1,SEF,Ängen,permanent,2026-01-01,,,", number(nth)))
            .collect();
        let many = employments(&rows.iter().rev().map(String::as_str).collect::<Vec<_>>());
        app.import(HrFiles { employments: &many, ..HrFiles::default() }).await;
        let export = csv(&app, CSV).await;
        let expected: Vec<String> = ["1002", "1001", "1003"].map(ToOwned::to_owned).into_iter().chain((0..PEOPLE).map(number)).collect();
        assert_eq!(cells(&export, &[NUMBER]), expected);
        app.refresh().await;
        assert_eq!(csv(&app, CSV).await, export);
    }

    async fn a_workbook_has_the_rows_of_the_csv(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let token = app.token(Role::City, &[]).await;
        let answer = app.client.get(format!("{}{XLSX}", app.address)).bearer_auth(&token).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("content-type"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
        assert_eq!(header("content-disposition"), "attachment; filename*=UTF-8''SEF.xlsx");
        let bytes = answer.bytes().await.expect("a body");
        assert_eq!(&bytes[..4], b"PK\x03\x04");
    }

    async fn a_requirement_and_a_day_select_the_rows(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.apply(&REQUIREMENT.replace("infosec-onboarding", "gdpr").replace("new_hire_days = 30", "new_hire_days = 3")).await;
        let secret = app.platform("larportal").await;
        let anna = json!({"employee_number": "1001"});
        app.deliver("larportal", &secret, "e-1", &completed(anna, "infosec-basics-2023", "2026-02-20T10:00:00Z")).await.ok();
        for refreshed in [false, true] {
            if refreshed {
                app.refresh().await;
            }
            let all = cells(&csv(&app, CSV).await, &[NUMBER, REQUIREMENT_CODE, STATUS]).join("\n");
            let one = csv(&app, &format!("{CSV}?requirement=gdpr&as_of=2026-02-19")).await;
            let one = cells(&one, &[NUMBER, REQUIREMENT_CODE, STATUS]).join("\n");
                            insta::allow_duplicates!(insta::assert_snapshot!(all, @r"
                            1002|gdpr|overdue
                            1002|infosec-onboarding|pending
                            1001|gdpr|compliant
                            1001|infosec-onboarding|compliant
                            1003|gdpr|overdue
                            1003|infosec-onboarding|overdue
                            "));
                insta::allow_duplicates!(insta::assert_snapshot!(one, @r"
                1002|gdpr|overdue
                1001|gdpr|pending
                1003|gdpr|overdue
                "));
            assert_eq!(cells(&csv(&app, &format!("{CSV}?as_of=2025-12-31")).await, &[NUMBER]), [""; 0]);
        }
    }

    async fn an_unknown_or_foreign_administration_is_404(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let fgk = app.token(Role::Administration, &["FGK"]).await;
        let city = app.token(Role::City, &[]).await;
        for kind in ["export.csv", "export.xlsx", "compliance"] {
            let path = |code: &str| format!("/api/v1/administrations/{code}/{kind}");
            let unknown = app.get(&path("HVO"), Some(&city)).await.problem(404);
            assert_eq!(unknown, "no administration HVO is known here");
            let others = app.get(&path("SEF"), Some(&fgk)).await.problem(404);
            assert_eq!(others, "no administration SEF is known here");
            assert_eq!(app.get(&path("FGK"), Some(&fgk)).await.status, 200);
            app.get(&format!("{}?requirement=gdpr", path("SEF")), Some(&city)).await.problem(404);
            app.get(&format!("{}?known_at=2026-02-26T11:00:00Z", path("SEF")), Some(&city)).await.problem(404);
            app.get(&format!("{}?known_at=2026-02-27T12:00:00Z", path("SEF")), Some(&city)).await.problem(400);
            let surprise = app.get(&format!("{}?surprise=1", path("SEF")), Some(&city)).await.problem(400);
            assert!(surprise.starts_with("surprise is not a parameter here"), "{surprise}");
        }
    }

    async fn the_command_writes_the_same_bytes_as_the_endpoint(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let folder = tempfile::tempdir().expect("a folder");
        for (file, dialect) in [("rfc.csv", "rfc4180"), ("excel.csv", "excel-sv")] {
            let arguments = ["export", "--administration", "SEF", "--as-of", "2026-02-26", "--dialect", dialect, "--output"];
            let ran = kurskoll(&database, folder.path(), &[&arguments[..], &[file]].concat());
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""));
            let said = format!("Wrote 3 rows of SEF to {file}, as of 2026-02-26, as known at ");
            assert!(ran.stderr.starts_with(&said), "{}", ran.stderr);
            let written = std::fs::read_to_string(folder.path().join(file)).expect("the file is there");
            assert_eq!(written, csv(&app, &format!("{CSV}?as_of=2026-02-26&dialect={dialect}")).await);
            let shown = kurskoll(&database, folder.path(), &[&arguments[..], &["-"]].concat());
            assert_eq!(shown.stdout, written);
        }
        let ran = kurskoll(&database, folder.path(), &["export", "--administration", "SEF", "--output", "sef.xlsx"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(&std::fs::read(folder.path().join("sef.xlsx")).expect("the file is there")[..4], b"PK\x03\x04");
        let ran = kurskoll(&database, folder.path(), &["export", "--administration", "HVO", "--output", "hvo.csv"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), "kurskoll: no administration HVO is known here; there are: FGK, SEF\n"));
        let ran = kurskoll(&database, folder.path(), &["export", "--administration", "SEF", "--output", "sef.ods"]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").map(|entry| entry.expect("an entry").file_name()).collect();
        assert_eq!(left.len(), 3, "no unfinished file stays: {left:?}");
    }

    async fn each_export_leaves_an_audit_entry(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let sef = app.token(Role::Administration, &["SEF"]).await;
        assert_eq!(app.get(CSV, Some(&sef)).await.status, 200);
        assert_eq!(app.get(&format!("{CSV}?requirement=infosec-onboarding"), Some(&sef)).await.status, 200);
        let auditor = app.token(Role::Auditor, &[]).await;
        let trail = app.get("/api/v1/audit?limit=3", Some(&auditor)).await.ok();
        let said: Vec<String> = trail["items"].as_array().expect("entries")[1..]
            .iter()
            .map(|entry| format!("{} {} {}", entry["action"], entry["object"], entry["scope"]))
            .collect();
        assert_eq!(said, [
            r#""administration.export" "administration SEF, infosec-onboarding" "SEF""#,
            r#""administration.export" "administration SEF, all requirements" "SEF""#,
        ]);
    }
}
