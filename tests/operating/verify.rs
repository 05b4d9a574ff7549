//! Everything that is derived, recomputed from what is stored and compared.

use kurskoll::app::Caller;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::command::kurskoll;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, graded, small_city};
use crate::support::xapi::{account, course_completed, quiz_attempt};
use crate::xapi::city_with_moodle;

/// The small city with two linked results and one that waits.
async fn city_with_results(app: &TestApp) {
    small_city(app).await;
    let secret = app.platform("larportal").await;
    let anna = json!({"employee_number": "1001"});
    for (id, body) in [
        ("e-1", completed(anna.clone(), "infosec-basics-2023", "2026-02-01T10:00:00+01:00")),
        ("e-2", graded(anna, "infosec-basics-quiz", 1, "12", "2026-02-02T10:00:00+01:00")),
        ("e-3", completed(json!({"username": "x"}), "infosec-basics", "2026-02-02T10:00:00+01:00")),
    ] {
        app.deliver("larportal", &secret, id, &body).await.ok();
    }
    app.refresh().await;
}

const ANNA: &str = "(SELECT id FROM employee WHERE number = '1001')";
const BO: &str = "(SELECT id FROM employee WHERE number = '1002')";

both_databases! {
    async fn a_changed_or_missing_statement_is_named(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let ids = app.send_statements(&sender, &json!([
            course_completed(account("17"), "2026-02-01T10:00:00.000Z"),
            quiz_attempt(account("17"), 5, 16.0, "2026-02-02T10:00:00.000Z"),
        ])).await;
        // It is also found by what it refers to.
        app.send_statements(&sender, &json!({
            "actor": {"mbox": "mailto:admin@example.org"}, "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
            "object": {"objectType": "StatementRef", "id": ids[0]},
        })).await;
        let verified = app.app.verify(&Caller::operator(), |_| {}).await.expect("verified");
        assert_eq!((verified.statements, verified.differences), (3, Vec::new()));
        for (sql, named) in [
            ("UPDATE statement SET voids = voids WHERE body_offset = 0", None),
            ("DELETE FROM statement_term WHERE statement = (SELECT MAX(id) FROM statement)", Some("it is not found by all that it says")),
            ("INSERT INTO statement_term (term, statement) SELECT 1, MIN(id) FROM statement", Some("1 terms by which statements are found are said by none")),
            ("UPDATE statement SET body_offset = body_offset + 1 WHERE id = (SELECT MIN(id) FROM statement)", Some("its delivery does not give it as it came")),
        ] {
            assert_eq!(app.differences().await, [""; 0]);
            assert_ne!(app.tamper(sql).await, 0, "{sql}");
            let differences = app.differences().await;
            let is_named = named.is_none_or(|named| differences.iter().any(|difference| difference.contains(named)));
            assert!(is_named && differences.is_empty() == named.is_none(), "{sql}: {differences:#?}");
            // The index is rebuilt.
            app.tamper("DELETE FROM statement_term").await;
            app.tamper("UPDATE statement_index SET through = 0").await;
        }
    }

    async fn a_register_without_tampering_has_no_differences(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_with_results(&app).await;
        let verified = app.app.verify(&Caller::operator(), |_| {}).await.expect("verified");
        assert_eq!((verified.events, verified.employees), (3, 4));
        assert_eq!(verified.differences, [""; 0]);
    }

    async fn any_change_past_the_service_is_named(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_with_results(&app).await;
        let tamperings = [
            (format!("UPDATE compliance_state SET status = 'overdue' WHERE employee_id = {ANNA} AND status = 'compliant'"), "status should be compliant as the facts give it, and is overdue"),
            (format!("UPDATE compliance_state SET due_on = '2031-01-01' WHERE employee_id = {BO}"), "and requirement infosec-onboarding: from 2026-02-10 due_on should be 2026-03-12 as the facts give it, and is 2031-01-01"),
            (format!("DELETE FROM compliance_state WHERE employee_id = {BO}"), "spans should be kept as the facts give them, and 0 are"),
            (format!("UPDATE compliance_state_scope SET administration = 'FGK' WHERE employee_id = {BO}"), "the place where the person counts should be SEF \"Lokalvård\" from 2026-02-10"),
            (format!("UPDATE event SET employee_id = {BO} WHERE event_id = 'e-1'"), "event e-1: it should be linked to employee 1001 as the directory says, and is linked to employee 1002"),
            (format!("UPDATE event SET employee_id = {BO}, unlinked = NULL WHERE event_id = 'e-3'"), "event e-3: it should be linked to nobody (unknown) as the directory says, and is linked to employee 1002"),
            ("UPDATE event SET unlinked = 'ambiguous' WHERE event_id = 'e-3'".to_owned(), "event e-3: it should be linked to nobody (unknown) as the directory says, and is linked to nobody (ambiguous)"),
            (format!("UPDATE learner SET employee_id = {BO} WHERE employee_number = '1001'"), ": employee should be 1001, and is 1002"),
            (format!("UPDATE event SET repeats = {} WHERE event_id = 'e-2'", "(1 = 1)"), "event e-2: a result that was reported twice is not counted exactly once"),
        ];
        for (sql, named) in tamperings {
            assert_ne!(app.tamper(&sql).await, 0, "{sql}");
            let differences = app.differences().await;
            assert!(differences.iter().any(|difference| difference.contains(named)), "{sql}: {differences:#?}");
            // What is derived is rebuilt from what is stored.
            app.tamper(&format!("UPDATE event SET repeats = (1 = 0), employee_id = {ANNA} WHERE event_id IN ('e-1', 'e-2')")).await;
            app.tamper("UPDATE event SET employee_id = NULL, unlinked = 'unknown' WHERE event_id = 'e-3'").await;
            app.tamper(&format!("UPDATE learner SET employee_id = {ANNA} WHERE employee_number = '1001'")).await;
            app.tamper("INSERT INTO stale (employee_id) SELECT id FROM employee").await;
            assert_eq!(app.differences().await, [""; 0], "{sql}");
        }
    }

    async fn the_command_names_each_difference_and_fails(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_with_results(&app).await;
        let folder = tempfile::tempdir().expect("a folder");
        let good = kurskoll(&database, folder.path(), &["verify"]);
        assert_eq!((good.code, good.stdout.as_str()), (Some(0), ""), "{good:?}");
        assert!(good.stderr.contains("3 deliveries (3 signatures), 3 events, 0 statements, 4 employees, and "), "{good:?}");
        assert!(good.stderr.contains("\nThe chain ends with link "), "{good:?}");
        app.tamper(&format!("UPDATE compliance_state SET attempts = 7 WHERE employee_id = {ANNA}")).await;
        let bad = kurskoll(&database, folder.path(), &["verify"]);
        assert_eq!(bad.code, Some(1), "{bad:?}");
        assert!(bad.stdout.contains("and requirement infosec-onboarding: "), "{bad:?}");
        assert!(bad.stderr.ends_with("kurskoll: 1 difference between what should be and what is\n"), "{bad:?}");
        let shown = kurskoll(&database, folder.path(), &["verify", "--format", "json"]);
        let shown: serde_json::Value = serde_json::from_str(&shown.stdout).expect("JSON");
        assert_eq!((&shown["differences"], &shown["compared"]["events"]), (&json!(1), &json!(3)));
    }
}
