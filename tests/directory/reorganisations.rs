//! Administrations open, close, merge, split and change code on a day; employments follow.

use kurskoll::domain::access::Role;
use kurskoll::domain::directory::plan::Extent;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::support::app::{Answer, HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, small_city};

const PATH: &str = "/api/v1/reorganisations";
const REPORT: &str = "/api/v1/reports/onboarding?requirement=infosec-onboarding";

async fn reorganise(app: &TestApp, body: Value) -> Answer {
    let token = app.token(Role::Admin, &[]).await;
    let mut body = body;
    body["reason"] = "decided in March".into();
    app.post(PATH, Some(&token), &body).await
}

async fn undo(app: &TestApp, id: &Value) -> Answer {
    let token = app.token(Role::Admin, &[]).await;
    app.post(&format!("{PATH}/{id}/undo"), Some(&token), &json!({"reason": "postponed"})).await
}

/// How many are in scope, by administration, in a report.
async fn in_scope(app: &TestApp, clocks: &str) -> Value {
    let report = app.get_as_city(&format!("{REPORT}{clocks}")).await.ok();
    let each = report["administrations"].as_array().expect("administrations").iter();
    each.map(|each| (each["code"].as_str().expect("a code").to_owned(), each["counts"]["in_scope"].clone())).collect()
}

/// Number, first day and status of an administration's people.
async fn export(app: &TestApp, code: &str, clocks: &str) -> Vec<String> {
    let path = format!("/api/v1/administrations/{code}/export.csv?requirement=infosec-onboarding{clocks}");
    let answer = app.get_as_city(&path).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut reader = csv::Reader::from_reader(answer.body.as_bytes());
    let cells = |row: csv::StringRecord| format!("{} {} {}", &row[3], &row[8], &row[10]);
    reader.records().map(|row| cells(row.expect("a row"))).collect()
}

both_databases! {
    async fn employments_follow_a_reorganisation_in_valid_time_and_transaction_time(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let anna = json!({"employee_number": "1001"});
        app.deliver("larportal", &secret, "e-1", &completed(anna, "infosec-basics-2023", "2026-02-01T10:00:00Z")).await.ok();
        app.refresh().await;
        let before = app.get_as_city(REPORT).await.ok();
        let merge = json!({"on_day": "2026-02-20", "closes": ["SEF"],
            "opens": [{"code": "SF", "name": "Stadsförvaltningen"}],
            "moves": [{"from": "SEF", "to": "SF"}, {"from": "FGK", "to": "SF"}]});
        let mut dry = merge.clone();
        dry["dry_run"] = true.into();
        let reported = reorganise(&app, dry).await.ok();
        assert_eq!((&reported["id"], &reported["dry_run"]), (&Value::Null, &json!(true)));
        assert_eq!(reported["moved"], json!([{"from": "FGK", "to": "SF", "employments": 2, "people": 2},
                                         {"from": "SEF", "to": "SF", "employments": 3, "people": 3}]));
        assert_eq!(in_scope(&app, "").await, json!({"SEF": 3, "FGK": 2}), "a dry run changes nothing");
        app.clock.advance(chrono::Duration::hours(1));
        let made = reorganise(&app, merge).await.ok();
        assert_eq!(made["moved"], reported["moved"]);
        // First judged from the facts, then read from the read model.
        for _ in 0..2 {
            assert_eq!(in_scope(&app, "").await, json!({"SF": 4}), "an employee of both counts once");
            assert_eq!(in_scope(&app, "&as_of=2026-02-19").await, json!({"SEF": 3, "FGK": 2}));
            assert_eq!(export(&app, "SF", "").await, ["1004 2026-01-05 overdue", "1003 2026-01-05 overdue",
                "1002 2026-02-10 pending", "1001 2020-01-01 compliant"]);
            assert_eq!(export(&app, "SEF", "").await, [""; 0]);
            assert_eq!(export(&app, "SEF", "&as_of=2026-02-19").await.len(), 3);
            app.refresh().await;
        }
        let known_at = before["known_at"].as_str().expect("an instant");
        let again = app.get_as_city(&format!("{REPORT}&as_of=2026-02-26&known_at={known_at}")).await.ok();
        assert_eq!(again["administrations"], before["administrations"]);
        assert_eq!(app.get_as_city(REPORT).await.ok()["city"], before["city"], "statuses stay what they are");
        assert_eq!(app.differences().await, [""; 0]);
        assert_eq!(undo(&app, &made["id"]).await.ok()["undone_because"], "postponed");
        assert_eq!(in_scope(&app, "").await, json!({"SEF": 3, "FGK": 2}));
        undo(&app, &made["id"]).await.problem(409);
        assert_eq!(app.differences().await, [""; 0]);
        let listed = app.get_as_city(PATH).await.ok();
        assert_eq!(listed["items"][0]["undone_by"], "test admin");
    }

    async fn an_officer_of_the_successor_sees_the_people_from_the_day_on(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        reorganise(&app, json!({"on_day": "2026-02-20", "moves": [{"from": "SEF", "to": "MF", "unit": "Måltid"}],
            "opens": [{"code": "MF", "name": "Måltidsförvaltningen"}]})).await.ok();
        assert_eq!(in_scope(&app, "").await, json!({"SEF": 1, "MF": 2, "FGK": 2}));
        let (new, old) = (app.token(Role::Administration, &["MF"]).await, app.token(Role::Administration, &["SEF"]).await);
        for (as_of, by_new, by_old) in [("2026-02-26", 200, 404), ("2026-02-19", 404, 200)] {
            let path = format!("/api/v1/employees/1001?as_of={as_of}");
            assert_eq!(app.get(&path, Some(&new)).await.status, by_new, "{as_of}");
            assert_eq!(app.get(&path, Some(&old)).await.status, by_old, "{as_of}");
        }
        let history = app.get("/api/v1/employees/1001/history", Some(&new)).await.ok();
        assert!(history["items"].as_array().expect("entries").iter().any(|entry| entry["kind"] == "employment"), "{history}");
        let token = app.token(Role::Administration, &["MF"]).await;
        app.get(PATH, Some(&token)).await.problem(403);
    }

    async fn files_with_the_old_code_or_the_new_one_do_not_change_the_past(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        reorganise(&app, json!({"on_day": "2026-02-20", "moves": [{"from": "SEF", "to": "SF"}], "closes": ["SEF"],
            "opens": [{"code": "SF", "name": "Stadsförvaltningen"}]})).await.ok();
        // The payroll system lags behind: its old code is accepted, and mapped to the new one.
        let plan = app.import(HrFiles { employments: &employments(&["2001,Eva,Ek,,,1,SEF,Kök,permanent,2026-02-23,,,"]), ..HrFiles::default() }).await;
        assert_eq!(plan.changes.len(), 2);
        assert_eq!(in_scope(&app, "").await, json!({"SF": 4, "FGK": 2}));
        // Then it has the new code, for all days: the days before keep the old one.
        let renamed = crate::support::small_city::EMPLOYMENTS.replace(",SEF,", ",SF,");
        let administrations = "code,name,board\nSF,Stadsförvaltningen,\nFGK,Fastighets- och gatukontoret,Tekniska nämnden\n";
        let plan = app.import(HrFiles { employments: &renamed, ..HrFiles::default() }).await;
        assert_eq!(plan.changes.len(), 3, "what HR named is known: {:?}", plan.changes);
        assert_eq!(in_scope(&app, "&as_of=2026-02-19").await, json!({"SEF": 3, "FGK": 2}));
        let again = app.import(HrFiles { employments: &renamed, ..HrFiles::default() }).await;
        assert!(again.is_empty(), "{:?}", again.changes);
        let files = HrFiles { administrations, employments: &renamed, ..HrFiles::default() };
        app.import_full(files).await;
        assert_eq!(in_scope(&app, "&as_of=2026-02-19").await, json!({"SEF": 3, "FGK": 2}));
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_closed_administration_accepts_no_employment(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let left = reorganise(&app, json!({"on_day": "2026-02-20", "closes": ["FGK"]})).await.problem(422);
        assert_eq!(left, "2 employments would be in FGK when it is closed; say where they move, or end them first");
        reorganise(&app, json!({"on_day": "2026-02-20", "closes": ["MF"],
            "opens": [{"code": "TF", "name": "Trafik"}]})).await.problem(422);
        app.import(HrFiles { administrations: "code,name,board\nMF,Måltid,\n", ..HrFiles::default() }).await;
        reorganise(&app, json!({"on_day": "2026-02-20", "closes": ["MF"]})).await.ok();
        assert_eq!(in_scope(&app, "").await, json!({"SEF": 3, "FGK": 2}));
        let file = employments(&["2001,Eva,Ek,,,1,MF,Kök,permanent,2026-02-01,,,"]);
        app.try_import(HrFiles { employments: &file, ..HrFiles::default() }, Extent::Partial).await.expect_err("closed");
        let file = employments(&["2001,Eva,Ek,,,1,MF,Kök,permanent,2026-02-01,2026-02-19,,"]);
        app.import(HrFiles { employments: &file, ..HrFiles::default() }).await;
    }

    async fn steps_that_contradict_each_other_are_refused_together(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let there = json!([{"from": "SEF", "to": "FGK"}]);
        let circle = json!([{"from": "SEF", "to": "FGK"}, {"from": "FGK", "to": "SEF"}]);
        reorganise(&app, json!({"on_day": "2026-02-20", "moves": circle})).await.problem(422);
        reorganise(&app, json!({"on_day": "2026-02-20"})).await.problem(422);
        reorganise(&app, json!({"on_day": "2026-02-20", "moves": [{"from": "SEF", "to": "XYZ"}]})).await.problem(422);
        assert_eq!(app.rows_in("reorganisation").await, 0);
        let first = reorganise(&app, json!({"on_day": "2026-02-20", "moves": there})).await.ok();
        let back = json!([{"from": "FGK", "to": "SEF", "unit": "Måltid"}]);
        let back = reorganise(&app, json!({"on_day": "2026-02-24", "moves": back})).await.ok();
        assert_eq!(back["moved"], json!([{"from": "FGK", "to": "SEF", "employments": 2, "people": 2}]));
        assert_eq!(in_scope(&app, "").await, json!({"FGK": 3, "SEF": 2}));
        undo(&app, &back["id"]).await.ok();
        undo(&app, &first["id"]).await.ok();
        assert_eq!(in_scope(&app, "").await, json!({"SEF": 3, "FGK": 2}));
        assert_eq!(app.differences().await, [""; 0]);
    }
}
