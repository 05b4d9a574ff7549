//! The xAPI endpoints: statements in, and their results in the report.

pub mod attachments;
mod attempts;
mod browsers;
pub mod cmi5;
mod documents;
mod finding;
mod places;
mod results;
mod without_result;

use std::collections::BTreeSet;

use kurskoll::app::receiving::reread::RereadRequest;
use serde_json::{Value, json};

use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{ADMINISTRATIONS, EMPLOYMENTS};
use crate::support::xapi::{XapiSender, account, course_completed, quiz_attempt};

const REQUIREMENT: &str = r#"
[[requirement]]
code = "infosec-onboarding"
title_sv = "Informationssäkerhet för nyanställda"
title_en = "Information security for new employees"
effective_from = 2026-01-01
existing_staff_due_on = 2026-06-30
new_hire_days = 30
valid_months = 12
renewal_days = 60
audience = { administrations = [], forms = [], units = [] }
alternatives = [
  [ { course = "https://larportal.example.org/course/view.php?id=2" }, { quiz = "https://larportal.example.org/mod/quiz/view.php?id=1", pass_mark = "0.8" } ],
]
"#;

const IDENTITIES: &str = "employee_number,platform,key,value,home_page\n\
    1001,moodle,account,17,https://larportal.example.org\n\
    1002,moodle,account,18,https://larportal.example.org\n\
    1003,moodle,account,19,https://larportal.example.org\n";

/// A small city, whose people have accounts on a platform that sends statements: Anna 17, Bo 18.
pub async fn city_with_moodle(app: &TestApp) -> XapiSender {
    let sender = app.xapi_platform("moodle").await;
    app.apply(REQUIREMENT).await;
    let files = HrFiles {
        administrations: ADMINISTRATIONS,
        employments: EMPLOYMENTS,
        identities: IDENTITIES,
        ..HrFiles::default()
    };
    app.import(files).await;
    sender
}

pub async fn status_of(app: &TestApp, number: &str) -> String {
    app.export_row("SEF", number).await["status"].clone()
}

pub fn both_of(name: &str) -> Value {
    json!([
        course_completed(account(name), "2026-02-01T10:00:00.000Z"),
        quiz_attempt(account(name), 5, 16.0, "2026-02-02T10:00:00.000Z")
    ])
}

both_databases! {
    async fn statements_as_moodle_sends_them_show_up_in_the_report(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let answer = app.xapi(&sender, "POST /statements", Some(&both_of("17"))).await;
        assert_eq!(answer.headers["x-experience-api-version"], "1.0.3");
        assert!(answer.headers["x-experience-api-consistent-through"].starts_with("2026-02-26T12:00:00."));
        assert_eq!(answer.ok().as_array().map(Vec::len), Some(2));
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["status"].as_str(), row["best_score_percent"].as_str(), row["attempts"].as_str()), ("compliant", "80.0", "1"));
        assert_eq!(app.report("infosec-onboarding").await["city"]["counts"]["compliant"], 1);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn statements_without_ids_are_stored_as_often_as_posted_and_their_results_once(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let mut ids = app.send_statements(&sender, &both_of("17")).await;
        // The whole batch again, half of it, as a log store halves a failed batch, and one statement three times in one batch.
        ids.extend(app.send_statements(&sender, &both_of("17")).await);
        ids.extend(app.send_statements(&sender, &both_of("17")[1]).await);
        let attempt = both_of("17")[1].clone();
        ids.extend(app.send_statements(&sender, &json!([course_completed(account("18"), "2026-02-01T10:00:00Z"), attempt, attempt, attempt])).await);
        let distinct: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(distinct.len(), 9, "{ids:?}");
        let found = app.xapi(&sender, "GET /statements", None).await.ok();
        let found = found["statements"].as_array().expect("statements");
        let found: BTreeSet<String> = found.iter().map(|found| found["id"].as_str().expect("an id").to_owned()).collect();
        assert_eq!(found.iter().collect::<BTreeSet<_>>(), distinct);
        for id in &ids {
            // Version 4, since some clients accept versions 1 to 5 only.
            assert_eq!((&id[14..15], "89ab".contains(&id[19..20])), ("4", true), "{id}");
        }
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["status"].as_str(), row["attempts"].as_str()), ("compliant", "1"));
        assert_eq!(app.stored_deliveries().await.len(), 4);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_copy_of_a_voided_statement_has_an_id_of_its_own(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let first = app.send_statements(&sender, &both_of("17")).await;
        let void = json!({
            "actor": {"mbox": "mailto:larare@example.org"}, "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
            "object": {"objectType": "StatementRef", "id": first[0]}, "timestamp": "2026-02-04T10:00:00Z",
        });
        app.send_statements(&sender, &void).await;
        assert_eq!(status_of(&app, "1001").await, "pending");
        let again = app.send_statements(&sender, &both_of("17")).await;
        assert!(first.iter().all(|id| !again.contains(id)));
        app.xapi(&sender, &format!("GET /statements?statementId={}", first[0]), None).await.problem(404);
        for id in &again {
            assert_eq!(app.xapi(&sender, &format!("GET /statements?statementId={id}"), None).await.ok()["id"], *id);
        }
        // The result stays withdrawn under any id: sending it again restores nothing.
        assert_eq!(status_of(&app, "1001").await, "pending");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_assigned_id_stays_when_its_delivery_is_read_again(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let ids = app.send_statements(&sender, &both_of("17")).await;
        let request = RereadRequest {
            platform: kurskoll::domain::ids::PlatformCode::parse("moodle").expect("a code"),
            since: None, after: None, at_most: 100, dry_run: false,
        };
        let reread = app.app.reread_platform(&kurskoll::app::Caller::operator(), &request).await.expect("read again");
        assert_eq!((reread.deliveries, reread.events.len()), (1, 0));
        for id in &ids {
            app.xapi(&sender, &format!("GET /statements?statementId={id}"), None).await.ok();
        }
        assert_eq!(app.rows_in("statement").await, 2);
    }

    async fn a_statement_without_id_and_timestamp_gets_the_instant_of_its_arrival(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let mut now = course_completed(account("17"), "");
        now.as_object_mut().expect("a statement").remove("timestamp");
        let first = app.send_statements(&sender, &json!([now, now])).await;
        assert_ne!(first[0], first[1]);
        app.clock.advance(chrono::Duration::days(365));
        assert!(!first.contains(&app.send_statements(&sender, &now).await[0]));
        assert_eq!(app.rows_in("statement").await, 3);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_batch_with_one_bad_statement_is_refused_whole_and_nothing_of_it_is_lost(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let mut batch = both_of("17");
        batch[1]["result"]["success"] = json!("true");
        let answer = app.xapi(&sender, "POST /statements", Some(&batch)).await;
        let detail = answer.problem(400);
        assert!(detail.contains("/1/result/success"), "{detail}");
        let problem = answer.json();
        assert_eq!((&problem["index"], &problem["pointer"]), (&json!(1), &json!("/1/result/success")));
        assert_eq!(app.rows_in("statement").await, 0);
        assert_eq!(status_of(&app, "1001").await, "pending");
        let report = app.report("infosec-onboarding").await;
        assert_eq!(report["data_quality"]["quarantined_deliveries"], 1);
        let stored = app.stored_deliveries().await;
        assert_eq!((stored.len(), stored[0].outcome.as_str()), (1, "quarantined"));
        assert_eq!(json!(stored[0].id), problem["delivery_id"]);
    }

    async fn a_known_id_with_other_content_is_a_conflict_and_with_the_same_is_not(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let mut statement = course_completed(account("17"), "2026-02-01T10:00:00.000Z");
        statement["id"] = json!("6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11");
        app.send_statements(&sender, &statement).await;
        let answer = app.xapi(&sender, "PUT /statements?statementId=6C2F7D1E-51F5-4B29-9A2E-0C1F0F6F5A11", Some(&statement)).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
        let mut other = statement.clone();
        other["timestamp"] = json!("2026-02-01T10:00:01.000Z");
        let detail = app.xapi(&sender, "POST /statements", Some(&json!([quiz_attempt(account("17"), 1, 20.0, "2026-02-01T10:00:00Z"), other]))).await.problem(409);
        assert!(detail.contains("6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11"), "{detail}");
        assert_eq!(app.rows_in("statement").await, 1);
        // Another platform's statements are separate.
        let neighbour = app.xapi_platform("neighbour").await;
        app.send_statements(&neighbour, &other).await;
    }

    async fn a_request_without_a_valid_key_or_version_is_refused(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let body = both_of("17");
        let stranger = XapiSender { credential: "moodle-0000000000000000:secret".to_owned() };
        let answer = app.xapi(&stranger, "POST /statements", Some(&body)).await;
        answer.problem(401);
        assert_eq!(answer.headers["www-authenticate"], r#"Basic realm="kurskoll", charset="UTF-8""#);
        assert_eq!(answer.headers["x-experience-api-version"], "1.0.3");
        let (key, _) = sender.credential.split_once(':').expect("a key");
        let guess = XapiSender { credential: format!("{key}:guess") };
        app.xapi(&guess, "POST /statements", Some(&body)).await.problem(401);
        let authorization = sender.authorization();
        for version in [None, Some("0.9"), Some("1.1.0"), Some("3.0.0")] {
            let mut headers = vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
            headers.extend(version.map(|version| ("x-experience-api-version", version)));
            app.ask("POST /xapi/statements", None, &headers, Some(&body)).await.problem(400);
        }
        assert_eq!(app.rows_in("delivery").await, 0);
    }

    async fn a_replaced_key_is_accepted_for_a_day(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let old = city_with_moodle(&app).await;
        let code = kurskoll::domain::ids::PlatformCode::parse("moodle").expect("a code");
        let made = app.app.rotate_credential(&kurskoll::app::Caller::operator(), &code, kurskoll::app::platforms::add::OldSecrets::HoldOn).await.expect("rotated").expect("a key");
        let new = XapiSender { credential: made.reveal() };
        app.send_statements(&old, &both_of("17")).await;
        app.send_statements(&new, &both_of("18")).await;
        app.clock.advance(chrono::Duration::hours(25));
        app.send_statements(&new, &both_of("18")).await;
        // A process caches a key for a second of its own clock: another process sees that the key has ended.
        let fresh = TestApp::start_with(&database, app.clock.clone(), |settings| settings).await;
        fresh.xapi(&old, "POST /statements", Some(&both_of("17"))).await.problem(401);
    }

    async fn any_client_may_read_which_versions_the_store_supports(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let about = app.get("/xapi/about", None).await.ok();
        assert!(about["version"].as_array().is_some_and(|versions| versions.contains(&json!("2.0.0")) && versions.contains(&json!("1.0.3"))));
    }

    async fn unknown_parameters_are_refused(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.xapi(&sender, "PUT /statements?statementid=6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11", Some(&both_of("17")[0])).await.problem(400);
        app.xapi(&sender, "PUT /statements?statementId=17", Some(&both_of("17")[0])).await.problem(400);
        for not_rfc_4122 in ["00000000-0000-0000-0000-000000000000", "6c2f7d1e-51f5-4b29-ca2e-0c1f0f6f5a11", "6c2f7d1e51f54b299a2e0c1f0f6f5a11"] {
            let put = format!("PUT /statements?statementId={not_rfc_4122}");
            assert!(app.xapi(&sender, &put, Some(&both_of("17")[0])).await.problem(400).contains("UUID"));
            app.xapi(&sender, &format!("GET /statements?statementId={not_rfc_4122}"), None).await.problem(400);
            app.xapi(&sender, &format!("GET /statements?registration={not_rfc_4122}"), None).await.problem(400);
        }
        let array = app.xapi(&sender, "PUT /statements?statementId=6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11", Some(&both_of("17"))).await;
        array.problem(400);
    }
}
