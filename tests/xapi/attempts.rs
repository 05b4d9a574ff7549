//! Attempts that are reported again: regrades, later grades, grades sent again.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{REQUIREMENT, city_with_moodle};
use crate::employees::history::lines;
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::xapi::{XapiSender, account, quiz_attempt};

const HANDED_IN: &str = "2026-03-10T10:00:00Z";
const REGRADED: &str = "2026-03-20T10:00:00Z";
const REGRADE: &str = "6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11";

/// An attempt with so many points out of fifteen.
fn scored(name: &str, attempt: u32, points: u32, at: &str) -> Value {
    let mut statement = quiz_attempt(account(name), attempt, 0.0, at);
    statement["result"]["score"] = json!({"min": 0, "max": 15, "raw": points});
    statement
}

/// An attempt that waits for a grade.
fn ungraded(name: &str, attempt: u32, at: &str) -> Value {
    let mut statement = quiz_attempt(account(name), attempt, 0.0, at);
    statement["result"] = json!({"completion": true, "duration": "PT9M"});
    statement
}

fn regrade(mut statement: Value) -> Value {
    statement["id"] = json!(REGRADE);
    statement
}

fn void(id: &str) -> Value {
    json!({
        "actor": {"mbox": "mailto:larare@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
        "object": {"objectType": "StatementRef", "id": id},
        "timestamp": "2026-03-21T10:00:00Z",
    })
}

/// The city on 26 March, with only the quiz required.
async fn city_in_march(app: &TestApp) -> XapiSender {
    let sender = city_with_moodle(app).await;
    let course = r#"{ course = "https://larportal.example.org/course/view.php?id=2" }, "#;
    let quiz_alone = REQUIREMENT.replace(course, "");
    assert_ne!(quiz_alone, REQUIREMENT);
    app.apply(&quiz_alone).await;
    app.clock.advance(TimeDelta::days(28));
    sender
}

/// Status, first and last day, and the attempts' columns, in today's export.
async fn row(app: &TestApp, number: &str) -> [String; 6] {
    let row = app.export_row("SEF", number).await;
    ["status", "satisfied_on", "valid_until", "attempts", "best_score_percent", "last_attempt_on"]
        .map(|column| row[column].clone())
}

/// An employee's requirement, by `as_of` and `known_at`.
async fn requirement(app: &TestApp, number: &str, clocks: &str) -> Value {
    app.get_as_city(&format!("/api/v1/employees/{number}?{clocks}")).await.ok()["requirements"][0].clone()
}

/// The current transaction time; later facts get a later one.
async fn now(app: &TestApp) -> String {
    let known_at = app.report("infosec-onboarding").await["known_at"].as_str().expect("an instant").to_owned();
    app.clock.advance(TimeDelta::minutes(1));
    known_at
}

const PASSED: [&str; 6] = ["compliant", "2026-03-10", "2027-03-09", "1", "86.7", "2026-03-10"];
const FAILED: [&str; 6] = ["pending", "", "", "1", "66.7", "2026-03-10"];

/// Lines of one instant, sorted, since their order is that of random ids.
fn in_order(lines: &str) -> String {
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

both_databases! {
    async fn a_regrade_counts_from_the_day_of_the_attempt_in_either_order(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_in_march(&app).await;
        app.send_statements(&sender, &scored("17", 1, 10, HANDED_IN)).await;
        assert_eq!(row(&app, "1001").await, FAILED);
        let before = now(&app).await;
        app.send_statements(&sender, &regrade(scored("17", 1, 13, REGRADED))).await;
        assert_eq!(row(&app, "1001").await, PASSED);
        app.send_statements(&sender, &scored("18", 2, 13, REGRADED)).await;
        assert_eq!(row(&app, "1002").await[1], "2026-03-20");
        app.send_statements(&sender, &scored("18", 2, 10, HANDED_IN)).await;
        assert_eq!(row(&app, "1002").await, PASSED);

        // Both derivations: from the read model, and from the facts as they were known.
        let after = now(&app).await;
        for known in [String::new(), format!("&known_at={after}")] {
            for (as_of, status) in [("2026-03-09", "pending"), ("2026-03-10", "compliant"), ("2026-03-15", "compliant")] {
                let requirement = requirement(&app, "1001", &format!("as_of={as_of}{known}")).await;
                assert_eq!(requirement["status"], status, "{as_of}{known}");
            }
            let path = format!("/api/v1/reports/onboarding?requirement=infosec-onboarding&as_of=2026-03-12{known}");
            let report = app.get_as_city(&path).await.ok();
            assert_eq!(report["city"]["counts"]["compliant"], 2, "{known}");
        }
        let then = requirement(&app, "1001", &format!("as_of=2026-03-26&known_at={before}")).await;
        assert_eq!((&then["status"], &then["attempts"]), (&json!("pending"), &json!(1)));
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn the_evidence_of_a_regrade_is_its_own_event_on_the_day_of_the_attempt(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_in_march(&app).await;
        app.send_statements(&sender, &json!([scored("17", 1, 10, HANDED_IN), regrade(scored("17", 1, 13, REGRADED))])).await;
        let requirement = requirement(&app, "1001", "").await;
        assert_eq!(requirement["evidence_event_id"], REGRADE);
        let evidence = &requirement["evidence"][0];
        assert_eq!((&evidence["event_id"], &evidence["platform"]), (&json!(REGRADE), &json!("moodle")));
        assert_eq!((&evidence["occurred_at"], &evidence["holds_from"]), (&json!(REGRADED), &json!("2026-03-10")));
        let reported = app.get_as_city("/api/v1/employees/1001/history?kind=result").await.ok();
        insta::allow_duplicates!(insta::assert_snapshot!(in_order(&lines(&reported)), @r"
        result added by platform moodle (delivery): type – → quiz.graded, platform – → moodle, quiz – → https://larportal.example.org/mod/quiz/view.php?id=1, attempt – → https://larportal.example.org/mod/quiz/attempt.php?attempt=1&cmid=1, occurred_at – → 2026-03-10T10:00:00Z, score_percent – → 66.7, passed – → true
        result added by platform moodle (delivery): type – → quiz.graded, platform – → moodle, quiz – → https://larportal.example.org/mod/quiz/view.php?id=1, attempt – → https://larportal.example.org/mod/quiz/attempt.php?attempt=1&cmid=1, occurred_at – → 2026-03-20T10:00:00Z, score_percent – → 86.7, passed – → true
        "));
    }

    async fn a_voided_regrade_leaves_the_attempt_as_it_was(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_in_march(&app).await;
        app.send_statements(&sender, &json!([scored("17", 1, 10, HANDED_IN), regrade(scored("17", 1, 13, REGRADED))])).await;
        app.send_statements(&sender, &void(REGRADE)).await;
        assert_eq!(row(&app, "1001").await, FAILED);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn another_address_is_another_attempt(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_in_march(&app).await;
        app.send_statements(&sender, &json!([scored("17", 1, 10, HANDED_IN), scored("17", 2, 13, REGRADED)])).await;
        assert_eq!(row(&app, "1001").await, ["compliant", "2026-03-20", "2027-03-19", "2", "86.7", "2026-03-20"]);
        // Of any length: two that differ only at the very end.
        let long = |end: &str, points, at| {
            let mut statement = scored("18", 1, points, at);
            let address = statement["object"]["id"].as_str().expect("an address");
            statement["object"]["id"] = json!(format!("{address}&session={}{end}", "0".repeat(2000)));
            statement
        };
        app.send_statements(&sender, &json!([long("1", 10, HANDED_IN), long("2", 13, REGRADED)])).await;
        assert_eq!(row(&app, "1002").await[3], "2");
        app.send_statements(&sender, &long("1", 13, "2026-03-22T10:00:00Z")).await;
        assert_eq!(row(&app, "1002").await, ["compliant", "2026-03-10", "2027-03-19", "2", "86.7", "2026-03-20"]);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_attempt_that_waits_for_its_grade_counts_from_the_day_it_was_handed_in(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_in_march(&app).await;
        app.send_statements(&sender, &ungraded("17", 1, HANDED_IN)).await;
        assert_eq!(row(&app, "1001").await, ["pending", "", "", "0", "", ""]);
        app.send_statements(&sender, &scored("17", 1, 13, REGRADED)).await;
        assert_eq!(row(&app, "1001").await, PASSED);
        // The grade first, and then the handed-in attempt.
        app.send_statements(&sender, &json!([scored("18", 2, 13, REGRADED), ungraded("18", 2, HANDED_IN)])).await;
        assert_eq!(row(&app, "1002").await, PASSED);
        let reported = app.get_as_city("/api/v1/employees/1002/history?kind=result").await.ok();
        insta::allow_duplicates!(insta::assert_snapshot!(in_order(&lines(&reported)), @r"
        result added by platform moodle (delivery): type – → quiz.graded, platform – → moodle, quiz – → https://larportal.example.org/mod/quiz/view.php?id=1, attempt – → https://larportal.example.org/mod/quiz/attempt.php?attempt=2&cmid=1, occurred_at – → 2026-03-20T10:00:00Z, score_percent – → 86.7, passed – → true
        result added by platform moodle (delivery): type – → quiz.submitted, platform – → moodle, quiz – → https://larportal.example.org/mod/quiz/view.php?id=1, attempt – → https://larportal.example.org/mod/quiz/attempt.php?attempt=2&cmid=1, occurred_at – → 2026-03-10T10:00:00Z
        "));
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_result_that_waits_for_its_grade_and_its_person_counts_once_it_has_both(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_in_march(&app).await;
        app.send_statements(&sender, &ungraded("99", 1, HANDED_IN)).await;
        let report = app.report("infosec-onboarding").await;
        assert_eq!(report["data_quality"]["unlinked_results"], 1);
        let range = &report["city"]["completion_rate_range"];
        assert_eq!(range["lowest"], range["highest"], "what is not graded could satisfy nobody");
        let queue = app.get_as_city("/api/v1/unlinked").await.ok();
        assert_eq!(queue["items"][0]["quizzes"], json!(["https://larportal.example.org/mod/quiz/view.php?id=1"]));
        let identities = "employee_number,platform,key,value,home_page\n1002,moodle,account,99,https://larportal.example.org\n";
        app.import(HrFiles { identities, ..HrFiles::default() }).await;
        assert_eq!(row(&app, "1002").await, ["overdue", "", "", "0", "", ""]);
        app.send_statements(&sender, &scored("99", 1, 13, REGRADED)).await;
        assert_eq!(row(&app, "1002").await, PASSED);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_identical_report_of_an_attempt_is_a_duplicate(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_in_march(&app).await;
        for id in ["0b2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11", REGRADE] {
            let mut statement = scored("17", 1, 13, HANDED_IN);
            statement["id"] = json!(id);
            app.send_statements(&sender, &statement).await;
        }
        assert_eq!(row(&app, "1001").await, PASSED);
        app.send_statements(&sender, &void(REGRADE)).await;
        assert_eq!(row(&app, "1001").await, ["pending", "", "", "0", "", ""]);
        assert_eq!(app.differences().await, [""; 0]);
    }
}
