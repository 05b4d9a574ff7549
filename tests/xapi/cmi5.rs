//! cmi5: what its own statements report, and `satisfied` without any progress.

use serde_json::{Value, json};

use super::city_with_moodle;
use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::xapi::{ASSESSMENT, ATTEMPT, account};

const REQUIREMENT: &str = r#"
[[requirement]]
code = "block"
title_sv = "Block"
title_en = "Block"
effective_from = 2026-01-01
audience = {}
alternatives = [ [ { course = "https://content.example.org/course/9" } ] ]
"#;

const REGISTRATION: &str = "0e1f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11";

fn of_session(actor: Value, verb: &str, object: &str, registration: &str, at: &str) -> Value {
    json!({
        "actor": actor,
        "verb": {"id": verb, "display": {"en": "did"}},
        "object": {"id": object},
        "context": {
            "registration": registration,
            "contextActivities": {"category": [{"id": "https://w3id.org/xapi/cmi5/context/categories/cmi5"},
                                               {"id": "https://w3id.org/xapi/cmi5/context/categories/moveon"}]},
            "extensions": {"https://w3id.org/xapi/cmi5/context/extensions/sessionid": "s-1"},
        },
        "timestamp": at,
    })
}

pub fn satisfied(name: &str, registration: &str) -> Value {
    let verb = "https://w3id.org/xapi/adl/verbs/satisfied";
    let mut statement =
        of_session(account(name), verb, "https://content.example.org/course/9", registration, "2026-02-01T10:00:00Z");
    statement["object"]["definition"] = json!({"type": "https://w3id.org/xapi/cmi5/activitytype/course"});
    statement
}

pub fn done(name: &str, verb: &str, registration: &str) -> Value {
    let verb = format!("http://adlnet.gov/expapi/verbs/{verb}");
    of_session(account(name), &verb, "https://content.example.org/au/1", registration, "2026-02-01T09:00:00Z")
}

async fn compliant(app: &TestApp) -> Value {
    app.report("block").await["city"]["counts"]["compliant"].clone()
}

both_databases! {
    async fn satisfied_counts_once_something_was_done_in_its_registration(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.apply(REQUIREMENT).await;
        app.send_statements(&sender, &satisfied("17", REGISTRATION)).await;
        assert_eq!(compliant(&app).await, 0);
        app.send_statements(&sender, &done("17", "completed", "ffff7d1e-51f5-4b29-9a2e-0c1f0f6f5a11")).await;
        app.send_statements(&sender, &done("17", "failed", REGISTRATION)).await;
        assert_eq!(compliant(&app).await, 0, "nothing was done in this registration");
        app.send_statements(&sender, &done("17", "passed", REGISTRATION)).await;
        assert_eq!(compliant(&app).await, 1);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn the_other_order_and_one_batch_end_in_the_same(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.apply(REQUIREMENT).await;
        for (place, name) in ["17", "18", "19"].into_iter().enumerate() {
            let registration = format!("0e1f7d1e-51f5-4b29-9a2e-0c1f0f6f5a{name}");
            let (done, satisfied) = (done(name, "completed", &registration), satisfied(name, &registration));
            for statements in match place {
                0 => vec![json!([satisfied, done])],
                1 => vec![json!([done, satisfied])],
                _ => vec![done.clone(), satisfied.clone(), satisfied],
            } {
                app.send_statements(&sender, &statements).await;
            }
            assert_eq!(compliant(&app).await, place + 1);
            let rows = app.rows_in("event").await;
            // Done again: the released result stays released, once.
            let mut again = done;
            again["timestamp"] = json!("2026-02-05T09:00:00Z");
            app.send_statements(&sender, &again).await;
            assert_eq!(app.rows_in("event").await, rows + 1);
        }
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_attempt_that_waits_for_its_grade_is_no_progress(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.apply(REQUIREMENT).await;
        let mut handed_in = done("17", "completed", REGISTRATION);
        handed_in["object"]["definition"] = json!({"type": ATTEMPT});
        handed_in["context"]["contextActivities"]["parent"] =
            json!([{"id": "https://content.example.org/quiz/1", "definition": {"type": ASSESSMENT}}]);
        app.send_statements(&sender, &json!([handed_in, satisfied("17", REGISTRATION)])).await;
        assert_eq!((compliant(&app).await, app.rows_in("event").await), (json!(0), 1));
        handed_in["verb"]["id"] = json!("http://adlnet.gov/expapi/verbs/passed");
        app.send_statements(&sender, &handed_in).await;
        assert_eq!((compliant(&app).await, app.rows_in("event").await), (json!(1), 3));
    }

    async fn statements_that_cmi5_merely_allows_give_no_result(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.apply(REQUIREMENT).await;
        let mut allowed = of_session(account("17"), "http://adlnet.gov/expapi/verbs/completed",
            "https://content.example.org/course/9", REGISTRATION, "2026-02-01T10:00:00Z");
        allowed["context"].as_object_mut().expect("a context").remove("contextActivities");
        app.send_statements(&sender, &allowed).await;
        assert_eq!(compliant(&app).await, 0);
        let mut waived = of_session(account("17"), "https://w3id.org/xapi/adl/verbs/waived",
            "https://content.example.org/course/9", REGISTRATION, "2026-02-01T10:00:00Z");
        waived["result"] = json!({"success": true, "completion": true,
            "extensions": {"https://w3id.org/xapi/cmi5/result/extensions/reason": "Tested Out"}});
        app.send_statements(&sender, &waived).await;
        assert_eq!(compliant(&app).await, 1);
    }
}
