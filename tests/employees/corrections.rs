//! Corrections by hand: new facts with their own transaction time; earlier reports do not change.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::employees::history::lines;
use crate::support::app::{Answer, HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{EMPLOYMENTS, completed, small_city};

const REPORT: &str = "/api/v1/reports/onboarding?requirement=infosec-onboarding&as_of=2026-02-26";

pub async fn correct(app: &TestApp, number: &str, body: &Value) -> Answer {
    let admin = app.token(Role::Admin, &[]).await;
    app.post(&format!("/api/v1/employees/{number}/corrections"), Some(&admin), body).await
}

async fn counts(app: &TestApp) -> Value {
    app.get_as_city(REPORT).await.ok()["city"]["counts"].clone()
}

async fn statuses(app: &TestApp, administration: &str) -> String {
    let path = format!("/api/v1/administrations/{administration}/compliance?as_of=2026-02-26");
    let page = app.get_as_city(&path).await.ok();
    let rows = page["items"].as_array().expect("rows").iter();
    let row = |row: &Value| {
        format!("{} {}", row["employee_number"].as_str().expect("a number"), row["status"].as_str().expect("a status"))
    };
    rows.map(row).collect::<Vec<_>>().join(", ")
}

both_databases! {
    async fn a_transfer_dated_last_month_is_in_force_at_once_and_earlier_reports_stay(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.refresh().await;
        let then = app.get_as_city(REPORT).await;
        let known_at = then.ok()["known_at"].as_str().expect("an instant").to_owned();
        app.clock.advance(chrono::Duration::hours(1));
        let transfer = json!({"reason": "moved on 1 February, reported late", "employments": [
            {"act": "change", "employment_id": "1", "ends_on": "2026-01-31"},
            {"act": "add", "employment_id": "2", "administration": "FGK", "unit": "Gata", "form": "permanent",
             "starts_on": "2026-02-01", "email": "anna@example.org"},
        ]});
        let reported = correct(&app, "1001", &transfer).await.ok();
        assert_eq!(reported["statuses"], json!([{"requirement": "infosec-onboarding", "before": "pending", "now": "pending"}]));
        assert_eq!(statuses(&app, "SEF").await, "1002 pending, 1003 overdue");
        assert_eq!(statuses(&app, "FGK").await, "1004 overdue, 1001 pending, 1003 overdue");
        assert_eq!(app.get_as_city(&format!("{REPORT}&known_at={known_at}")).await.body, then.body);
        let story = app.get_as_city("/api/v1/employees/1001/history").await.ok();
        insta::allow_duplicates!(insta::assert_snapshot!(lines(&story), @r"
        person added by operator (import): given_name – → Anna, family_name – → Andersson, protected – → false
        employment added by operator (import): administration – → SEF, unit – → Måltid, form – → permanent, starts_on – → 2020-01-01, email – → anna@example.org, username – → anna
        employment changed by test admin (correction): ends_on – → 2026-01-31 because moved on 1 February, reported late
        employment added by test admin (correction): administration – → FGK, unit – → Gata, form – → permanent, starts_on – → 2026-02-01, email – → anna@example.org because moved on 1 February, reported late
        "));
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_forgotten_leave_is_added_and_a_wrong_employment_is_withdrawn(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let before = counts(&app).await;
        let leave = json!({"reason": "parental leave", "absences": [{"act": "add", "starts_on": "2026-01-07", "ends_on": null}]});
        let reported = correct(&app, "1003", &leave).await.ok();
        assert_eq!(reported["statuses"][0]["before"], "overdue");
        assert_eq!(reported["statuses"][0]["now"], "on_leave");
        let never = json!({"reason": "mixed up with another", "employments": [{"act": "withdraw", "employment_id": "1"}]});
        let reported = correct(&app, "1004", &never).await.ok();
        assert_eq!(reported["statuses"][0]["now"], Value::Null);
        let after = counts(&app).await;
        assert_eq!((&before["overdue"], &before["on_leave"], &before["in_scope"]), (&json!(2), &json!(0), &json!(4)));
        assert_eq!((&after["overdue"], &after["on_leave"], &after["in_scope"]), (&json!(0), &json!(1), &json!(2)));
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_dry_run_says_what_would_change_and_changes_nothing(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let waiting = completed(json!({"email": "ny@example.org"}), "infosec-basics-2023", "2026-02-01T10:00:00+01:00");
        assert_eq!(app.deliver("larportal", &secret, "e-1", &waiting).await.ok()["linked"], false);
        let story = app.get_as_city("/api/v1/employees/1002/history").await.ok();
        let address = |dry_run: bool| {
            json!({"reason": "new address", "dry_run": dry_run,
                   "employments": [{"act": "change", "employment_id": "1", "email": "ny@example.org"}]})
        };
        let tried = correct(&app, "1002", &address(true)).await.ok();
        assert_eq!((&tried["dry_run"], &tried["known_at"]), (&json!(true), &Value::Null));
        // The results that wait for the address are counted with it.
        assert_eq!(tried["statuses"], json!([{"requirement": "infosec-onboarding", "before": "pending", "now": "compliant"}]));
        assert_eq!(tried["changes"][0]["changes"], json!([{"field": "email", "before": "bo@example.org", "after": "ny@example.org"}]));
        assert_eq!(app.get_as_city("/api/v1/employees/1002/history").await.ok(), story);
        assert_eq!(counts(&app).await["compliant"], 0);
        let made = correct(&app, "1002", &address(false)).await.ok();
        assert_eq!((&made["statuses"], &made["changes"]), (&tried["statuses"], &tried["changes"]));
        assert_eq!(counts(&app).await["compliant"], 1);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_later_full_file_that_disagrees_changes_it_back(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let ended = json!({"reason": "left", "employments": [{"act": "change", "employment_id": "1", "ends_on": "2026-01-31"}]});
        correct(&app, "1001", &ended).await.ok();
        assert_eq!(statuses(&app, "SEF").await, "1002 pending, 1003 overdue");
        app.import_full(HrFiles { employments: EMPLOYMENTS, ..HrFiles::default() }).await;
        assert_eq!(statuses(&app, "SEF").await, "1002 pending, 1001 pending, 1003 overdue");
        let story = app.get_as_city("/api/v1/employees/1001/history?kind=employment").await.ok();
        let last = &story["items"][2];
        assert_eq!(last["changes"], json!([{"field": "ends_on", "before": "2026-01-31", "after": null}]));
        assert_eq!((&last["how"], &last["reason"]), (&json!("import"), &Value::Null));
    }

    async fn an_invalid_correction_is_refused_with_its_place(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let mut reported = Vec::new();
        for (number, body) in [
            ("4711", json!({"reason": "x", "person": {"given_name": "Eva"}})),
            ("1001", json!({"reason": " ", "person": {"given_name": "Eva"}})),
            ("1001", json!({"reason": "x"})),
            ("1001", json!({"reason": "x", "person": {"given_name": "Anna"}})),
            ("1001", json!({"reason": "x", "person": {"given_name": ""}})),
            ("1001", json!({"reason": "x", "shoe_size": 38})),
            ("1001", json!({"reason": "x", "employments": [{"act": "change", "employment_id": "9", "unit": "Kök"}]})),
            ("1001", json!({"reason": "x", "employments": [{"act": "change", "employment_id": "1", "administration": "XYZ"}]})),
            ("1001", json!({"reason": "x", "employments": [{"act": "change", "employment_id": "1", "ends_on": "2019-12-31"}]})),
            ("1001", json!({"reason": "x", "employments": [{"act": "change", "employment_id": "1", "form": "boss"}]})),
            ("1001", json!({"reason": "x", "employments": [{"act": "add", "employment_id": "2", "administration": "SEF"}]})),
            ("1001", json!({"reason": "x", "employments": [{"act": "withdraw", "employment_id": "1", "unit": "Kök"}]})),
            ("1001", json!({"reason": "x", "absences": [{"act": "withdraw", "starts_on": "2026-01-01"}]})),
            ("1001", json!({"reason": "x", "employments": [{"act": "change", "employment_id": "1", "ends_on": "2026-02-30"}]})),
        ] {
            let answer = correct(&app, number, &body).await;
            let problem = answer.json();
            reported.push(format!("{} {}: {}", answer.status, problem["pointer"].as_str().unwrap_or("–"), problem["detail"].as_str().expect("a detail")));
        }
        insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r"
        404 –: no employee 4711 is known
        422 /reason: /reason is empty; say why, for those who read the history
        422 –: the correction changes nothing: what it says is what is known
        422 –: the correction changes nothing: what it says is what is known
        422 /person/given_name: /person/given_name is empty; leave it out to keep it
        422 –: The body is not the JSON that belongs here: unknown field `shoe_size`, expected one of `reason`, `dry_run`, `person`, `employments`, `absences` at line 1 column 25.
        422 /employments/0/employment_id: no employment 9 of this employee is known; its history names those that are
        422 /employments/0/administration: XYZ is no administration that is known; import it first
        422 /employments/0/ends_on: ends_on 2019-12-31 is before starts_on 2020-01-01; the last day cannot come before the first
        422 /employments/0/form: /employments/0/form is not a form of employment; these are: permanent, fixed_term, hourly, consultant, trainee
        422 /employments/0/form: /employments/0/form is missing; an employment that is added needs it
        422 /employments/0/act: /employments/0/act withdraws the employment whole: leave everything but its id out
        422 /absences/0/starts_on: no absence from 2026-01-01 on is known; its history names those that are
        422 –: The body is not the JSON that belongs here: input is out of range at line 1 column 74.
        "));
        let auditor = app.token(Role::Auditor, &[]).await;
        let trail = app.get("/api/v1/audit", Some(&auditor)).await;
        assert!(!trail.body.contains("employee.correct"), "nothing was corrected");
    }

    async fn a_correction_is_in_the_trail_with_its_reason(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let renamed = json!({"reason": "married", "person": {"family_name": "Berg"}});
        correct(&app, "1001", &renamed).await.ok();
        let auditor = app.token(Role::Auditor, &[]).await;
        let trail = app.get("/api/v1/audit?limit=2", Some(&auditor)).await.ok();
        let entry = trail["items"].as_array().expect("entries").iter().find(|entry| entry["action"] == "employee.correct");
        let entry = entry.expect("the correction's entry");
        assert_eq!(entry["object"], "employee 1001: 1 changes, because married");
        assert_eq!(entry["subject"], "test admin");
    }

    async fn a_correction_of_the_protected_shows_no_name_or_unit(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let body = json!({"reason": "new unit", "employments": [{"act": "change", "employment_id": "1", "unit": "Hemlig"}]});
        let reported = correct(&app, "1004", &body).await;
        assert!(!reported.body.contains("Hemlig") && !reported.body.contains("Gata"), "{}", reported.body);
        assert_eq!(reported.ok()["changes"][0]["hidden"], true);
    }
}
