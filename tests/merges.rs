//! One human under two employee numbers: merged and undone, with nothing that was reported changed.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::main_job::{EMPLOYMENTS, completed, small_city};
use crate::support::app::{Answer, HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};

const REPORT: &str = "/api/v1/reports/onboarding?requirement=infosec-onboarding&as_of=2026-02-26";

async fn post(app: &TestApp, path: &str, body: &Value) -> Answer {
    let admin = app.token(Role::Admin, &[]).await;
    app.post(path, Some(&admin), body).await
}

async fn merge(app: &TestApp, duplicate: &str, kept: &str) -> Answer {
    let body = json!({"duplicate": duplicate, "reason": "hired twice"});
    post(app, &format!("/api/v1/employees/{kept}/merge"), &body).await
}

async fn undo(app: &TestApp, id: &Value) -> Answer {
    post(app, &format!("/api/v1/merges/{id}/undo"), &json!({"reason": "two after all"})).await
}

async fn in_scope(app: &TestApp) -> Value {
    app.get_as_city(REPORT).await.ok()["city"]["counts"]["in_scope"].clone()
}

both_databases! {
    async fn two_numbers_are_one_human_at_once_and_what_was_reported_stays(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let body = completed(json!({"employee_number": "1004"}), "infosec-basics-2023", "2026-01-20T10:00:00+01:00");
        assert_eq!(app.deliver("larportal", &secret, "e-1", &body).await.ok()["linked"], true);
        app.settle().await;
        let then = app.get_as_city(REPORT).await;
        let known_at = then.ok()["known_at"].as_str().expect("an instant").to_owned();
        let export = "/api/v1/administrations/FGK/export.csv?as_of=2026-02-26";
        let exported = app.get_as_city(export).await.body;
        let employee = app.get_as_city("/api/v1/employees/1003?as_of=2026-02-26").await.ok();
        assert_eq!(in_scope(&app).await, 4);
        let tried = json!({"duplicate": "1004", "reason": "hired twice", "dry_run": true});
        let tried = post(&app, "/api/v1/employees/1003/merge", &tried).await.ok();
        assert_eq!((&tried["merge"], in_scope(&app).await), (&Value::Null, json!(4)));
        let made = merge(&app, "1004", "1003").await.ok();
        assert_eq!(made["kept_statuses"], json!([{"requirement": "infosec-onboarding", "before": "overdue", "now": "compliant"}]));
        assert_eq!(made["duplicate_statuses"], json!([{"requirement": "infosec-onboarding", "before": "compliant", "now": null}]));
        assert_eq!((&tried["kept_statuses"], &tried["duplicate_statuses"]), (&made["kept_statuses"], &made["duplicate_statuses"]));
        for _ in 0..2 {
            assert_eq!(in_scope(&app).await, 3);
            let shown = app.get_as_city("/api/v1/employees/1004?as_of=2026-02-26").await.ok();
            assert_eq!((&shown["employee_number"], &shown["merged_numbers"]), (&json!("1003"), &json!(["1004"])));
            // Protected under one number is protected under both.
            assert_eq!((&shown["protected"], &shown["given_name"]), (&json!(true), &json!("")));
            let rows = app.get_as_city(export).await.body;
            assert!(rows.contains("1003") && !rows.contains("1004") && !rows.contains("Cecilia"), "{rows}");
            assert_eq!(app.get_as_city(&format!("{REPORT}&known_at={known_at}")).await.body, then.body);
            app.settle().await;
        }
        assert_eq!(app.differences().await, [""; 0]);
        // HR goes on speaking of both numbers.
        app.import_full(HrFiles { employments: EMPLOYMENTS, ..HrFiles::default() }).await;
        assert_eq!(in_scope(&app).await, 3);
        let page = app.get_as_city("/api/v1/employees/1004/history").await.ok();
        let told = page["items"].as_array().expect("entries").iter().find(|entry| entry["kind"] == "merge").expect("it is told");
        assert_eq!((&told["of"], &told["by"], &told["how"], &told["reason"]),
            (&json!("1004"), &json!("test admin"), &json!("merge"), &json!("hired twice")));
        assert!(page["items"].as_array().expect("entries").iter().any(|entry| entry["merged_number"] == "1004"));
        let differences = format!("/api/v1/reports/onboarding/differences?requirement=infosec-onboarding&as_of=2026-02-26&compare_known_at={known_at}");
        let listed = app.get_as_city(&differences).await.ok();
        let because: Vec<(&str, &str)> = listed["items"].as_array().expect("persons").iter()
            .flat_map(|item| item["because"].as_array().expect("causes").iter()
                .map(|cause| (item["employee_number"].as_str().expect("a number"), cause["kind"].as_str().expect("a kind"))))
            .collect();
        assert_eq!(because, [("1003", "merge"), ("1004", "merge")], "{listed}");
        undo(&app, &made["merge"]["id"]).await.ok();
        assert_eq!(in_scope(&app).await, 4);
        assert_eq!(app.get_as_city(export).await.body, exported);
        let again = app.get_as_city("/api/v1/employees/1003?as_of=2026-02-26").await.ok();
        assert_eq!((&again["requirements"], &again["employments"], &again["given_name"]), (&employee["requirements"], &employee["employments"], &employee["given_name"]));
        assert_eq!(app.differences().await, [""; 0]);
        assert_eq!(app.get_as_city(export).await.body, exported);
        assert_eq!(app.get_as_city(&differences).await.ok()["differing"], 0);
    }

    async fn chains_and_nonsense_are_refused_with_what_to_do(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let made = merge(&app, "1002", "1001").await.ok();
        let mut told = Vec::new();
        for (duplicate, kept) in [("1001", "1001"), ("4711", "1001"), ("1003", "4711"), ("1002", "1003"), ("1003", "1002"), ("1001", "1003")] {
            let answer = merge(&app, duplicate, kept).await;
            told.push(format!("{}: {}", answer.status, answer.json()["detail"].as_str().expect("a detail")));
        }
        undo(&app, &made["merge"]["id"]).await.ok();
        for id in [made["merge"]["id"].clone(), json!(4711)] {
            let answer = undo(&app, &id).await;
            told.push(format!("{}: {}", answer.status, answer.json()["detail"].as_str().expect("a detail")));
        }
        insta::allow_duplicates!(insta::assert_snapshot!(told.join("\n"), @r"
        422: 1001 cannot be its own duplicate; name the other number
        422: no employee 4711 is known; a duplicate is a number that HR has told of
        404: no employee 4711 is known
        409: 1002 is merged into 1001 already; undo merge 1 first, if it belongs to somebody else
        409: 1002 is a duplicate itself, merged into 1001; merge 1003 into 1001 instead
        409: 1002 is merged into 1001; merge 1003 into 1001 instead, or undo merge 1 first and merge both into 1003
        409: merge 1 is undone already
        404: no merge with the id 4711 is known
        "));
        let admin = app.token(Role::Admin, &[]).await;
        let page = app.get("/api/v1/merges", Some(&admin)).await.ok();
        let only = &page["items"][0];
        assert_eq!((&only["kept"], &only["duplicate"], &only["undone_because"]), (&json!("1001"), &json!("1002"), &json!("two after all")));
    }
}
