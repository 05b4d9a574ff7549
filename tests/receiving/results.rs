//! What becomes of results after they were received: linked automatically, and withdrawn.

use serde_json::{Value, json};

use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{EMPLOYMENTS, completed, graded, small_city};

fn anna() -> Value {
    json!({"employee_number": "1001"})
}

/// A completion that alone makes an employee compliant.
fn basics_of_2023(learner: Value, at: &str) -> Value {
    completed(learner, "infosec-basics-2023", at)
}

/// Withdraws an event, or without one everything that the learner did up to `at`.
fn revoked(learner: Value, event_id: Option<&str>, at: &str) -> Value {
    let mut body = json!({"type": "completion.revoked", "timestamp": at,
                          "data": {"learner": learner, "course": {"id": "infosec-basics-2023"},
                                   "reason": "by mistake"}});
    if let Some(event_id) = event_id {
        body["data"]["event_id"] = json!(event_id);
    }
    body
}

async fn status(app: &TestApp, number: &str) -> String {
    app.export_row("SEF", number).await["status"].clone()
}

both_databases! {
    async fn a_result_of_an_unknown_person_waits_and_links_when_hr_reports_the_person(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let reported = [
            ("e-1", basics_of_2023(json!({"employee_number": "2001"}), "2026-02-20T10:00:00+01:00")),
            ("e-2", basics_of_2023(json!({"email": "FIA@example.org"}), "2026-02-21T10:00:00+01:00")),
            ("e-3", basics_of_2023(json!({"username": "gun"}), "2026-02-22T10:00:00+01:00")),
        ];
        for (id, body) in &reported {
            assert_eq!(app.deliver("larportal", &secret, id, body).await.ok()["linked"], false);
        }
        let before = app.report("infosec-onboarding").await;
        assert_eq!(before["data_quality"]["unlinked_results"], 3);
        assert_eq!(before["city"]["completion_rate"], "0.0");
        let queue = app.get_as_city("/api/v1/unlinked").await.ok();
        assert_eq!(queue["items"].as_array().map(Vec::len), Some(3));

        let header = EMPLOYMENTS.lines().next().expect("a header");
        let employments = format!(
            "{header}\n2001,Eva,Falk,eva@example.org,eva,1,SEF,Måltid,permanent,2026-02-01,,,\n\
             2002,Fia,Gran,fia@example.org,fia,1,SEF,Måltid,permanent,2026-02-01,,,\n"
        );
        app.import(HrFiles { employments: &employments, ..HrFiles::default() }).await;
        let after = app.report("infosec-onboarding").await;
        assert_eq!(after["data_quality"]["unlinked_results"], 1);
        assert_eq!(
            (status(&app, "2001").await, status(&app, "2002").await),
            ("compliant".to_owned(), "compliant".to_owned())
        );
        // When the sender sends it again, the answer says that it is linked.
        for (id, body) in &reported {
            let answer = app.deliver("larportal", &secret, id, body).await.ok();
            assert_eq!((&answer["outcome"], &answer["linked"]), (&json!("duplicate"), &json!(*id != "e-3")));
        }
        app.verified_events().await;
    }

    async fn a_revocation_withdraws_the_event_that_it_names_before_or_after_it(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let deliver = async |id: &str, body: Value| app.deliver("larportal", &secret, id, &body).await.ok();
        deliver("e-1", basics_of_2023(anna(), "2026-02-01T10:00:00Z")).await;
        assert_eq!(status(&app, "1001").await, "compliant");
        let answer = deliver("e-2", revoked(anna(), Some("e-1"), "2026-02-02T10:00:00Z")).await;
        assert_eq!(answer, json!({"event_id": "e-2", "outcome": "accepted", "linked": true}));
        assert_eq!(status(&app, "1001").await, "pending");

        let bo = json!({"employee_number": "1002"});
        deliver("e-4", revoked(bo.clone(), Some("e-3"), "2026-02-20T10:00:00Z")).await;
        deliver("e-3", basics_of_2023(bo.clone(), "2026-02-15T10:00:00Z")).await;
        assert_eq!(status(&app, "1002").await, "pending");
        // A completion that is reported anew after the withdrawal is another event.
        deliver("e-5", basics_of_2023(bo, "2026-02-21T10:00:00Z")).await;
        assert_eq!(app.export_row("SEF", "1002").await["evidence_event_id"], "e-5");
        app.verified_events().await;
    }

    async fn a_revocation_that_names_an_event_withdraws_it_for_any_learner(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.deliver("larportal", &secret, "e-1", &basics_of_2023(anna(), "2026-02-01T10:00:00Z")).await.ok();
        let unknown = json!({"account": {"home_page": "https://larportal.example.org", "name": "17"}});
        let body = revoked(unknown, Some("e-1"), "2026-02-02T10:00:00Z");
        assert_eq!(app.deliver("larportal", &secret, "e-2", &body).await.ok()["linked"], false);
        assert_eq!(status(&app, "1001").await, "pending");
        // The revocation is not a result that waits.
        assert_eq!(app.report("infosec-onboarding").await["data_quality"]["unlinked_results"], 0);
        app.verified_events().await;
    }

    async fn a_result_reported_twice_is_withdrawn_by_either_id(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        for id in ["e-1", "e-2"] {
            app.deliver("larportal", &secret, id, &basics_of_2023(anna(), "2026-02-01T10:00:00Z")).await.ok();
        }
        assert_eq!(app.export_row("SEF", "1001").await["evidence_event_id"], "e-1");
        app.deliver("larportal", &secret, "e-3", &revoked(anna(), Some("e-2"), "2026-02-02T10:00:00Z")).await.ok();
        assert_eq!(status(&app, "1001").await, "pending");
        app.verified_events().await;
    }

    async fn another_platforms_revocation_withdraws_nothing(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let (larportal, moodle) = (app.platform("larportal").await, app.platform("moodle").await);
        app.deliver("larportal", &larportal, "e-1", &basics_of_2023(anna(), "2026-02-01T10:00:00Z")).await.ok();
        for (id, event_id) in [("e-2", Some("e-1")), ("e-3", None)] {
            let body = revoked(anna(), event_id, "2026-02-20T10:00:00Z");
            app.deliver("moodle", &moodle, id, &body).await.ok();
        }
        assert_eq!(status(&app, "1001").await, "compliant");
        app.verified_events().await;
    }

    async fn a_revocation_without_an_event_withdraws_what_was_done_up_to_its_instant(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let deliver = async |id: &str, body: Value| app.deliver("larportal", &secret, id, &body).await.ok();
        deliver("e-1", basics_of_2023(anna(), "2026-02-01T10:00:00Z")).await;
        deliver("e-2", basics_of_2023(anna(), "2026-02-02T10:00:00Z")).await;
        deliver("e-3", basics_of_2023(anna(), "2026-02-02T10:00:01Z")).await;
        assert_eq!(app.export_row("SEF", "1001").await["evidence_event_id"], "e-1");
        deliver("e-4", revoked(anna(), None, "2026-02-02T10:00:00Z")).await;
        assert_eq!(app.export_row("SEF", "1001").await["evidence_event_id"], "e-3");
        // Also a result of the time before that is reported later.
        deliver("e-5", basics_of_2023(anna(), "2026-01-15T10:00:00Z")).await;
        assert_eq!(app.export_row("SEF", "1001").await["evidence_event_id"], "e-3");
        deliver("e-6", revoked(anna(), None, "2026-02-03T10:00:00Z")).await;
        assert_eq!(status(&app, "1001").await, "pending");
        app.verified_events().await;
    }

    async fn a_voided_attempt_is_not_counted(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        for (id, attempt, raw) in [("e-1", 1, "12"), ("e-2", 2, "19")] {
            let body = graded(anna(), "infosec-basics-quiz", attempt, raw, &format!("2026-02-0{attempt}T10:00:00Z"));
            app.deliver("larportal", &secret, id, &body).await.ok();
        }
        let mut body = revoked(anna(), Some("e-2"), "2026-02-05T10:00:00Z");
        body["data"]["course"].take();
        body["data"]["quiz"] = json!({"id": "infosec-basics-quiz"});
        app.deliver("larportal", &secret, "e-3", &body).await.ok();
        let row = app.export_row("SEF", "1001").await;
        let reported = ["attempts", "best_score_percent", "last_attempt_on"].map(|column| row[column].as_str());
        assert_eq!(reported, ["1", "60.0", "2026-02-01"]);
        app.verified_events().await;
    }

    async fn a_report_from_before_a_revocation_is_the_same_again(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.deliver("larportal", &secret, "e-1", &basics_of_2023(anna(), "2026-02-01T10:00:00Z")).await.ok();
        let before = app.report("infosec-onboarding").await;
        app.deliver("larportal", &secret, "e-2", &revoked(anna(), Some("e-1"), "2026-02-02T10:00:00Z")).await.ok();
        assert_ne!(app.report("infosec-onboarding").await["city"], before["city"]);
        let known_at = before["known_at"].as_str().expect("an instant");
        let path = format!("/api/v1/reports/onboarding?requirement=infosec-onboarding&known_at={known_at}");
        assert_eq!(app.get_as_city(&path).await.ok(), before);
    }
}
