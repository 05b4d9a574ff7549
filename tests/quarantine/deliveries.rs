//! Deliveries that are authentic and not understood: stored, shown, counted, and replayed (DESIGN, "Doors").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Duration;
use kurskoll::app::Caller;
use kurskoll::domain::access::Role;
use kurskoll::domain::receiving::Received;
use kurskoll::store::deliveries::StoredDelivery;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, graded, small_city};
use crate::support::xapi::{account, course_completed, quiz_attempt};
use crate::xapi::{city_with_moodle, status_of};

const TYPO: &str = r#"{"type": "course.completed", "timestamp": "2026-02-01T10:00:00Z",
                       "data": {"learner": {"employee_number": "1001"}, "cuorse": {"id": "infosec-basics"}}}"#;

/// A completion that is three days ahead of the test's clock.
fn in_three_days() -> Value {
    completed(json!({"employee_number": "1001"}), "infosec-basics-2023", "2026-03-01T13:00:00Z")
}

/// Moves the clock past what was three days ahead.
fn three_days_later(app: &TestApp) {
    app.clock.advance(Duration::days(3) + Duration::hours(2));
}

async fn quarantined(app: &TestApp) -> Value {
    app.report("infosec-onboarding").await["data_quality"]["quarantined_deliveries"].clone()
}

async fn listed(app: &TestApp, outcome: &str) -> Vec<Value> {
    let page = app.get_as_auditor(&format!("/api/v1/deliveries?outcome={outcome}")).await.ok();
    page["items"].as_array().expect("items").clone()
}

async fn replay(app: &TestApp, id: &Value) -> Answer {
    let admin = app.token(Role::Admin, &[]).await;
    app.post(&format!("/api/v1/deliveries/{id}/replay"), Some(&admin), &json!({})).await
}

/// A batch of Moodle's whose second statement is in the future; with `mended`, at another time.
fn batch(mended: bool) -> Value {
    let at = if mended { "2026-02-03T10:00:00Z" } else { "soon" };
    json!([
        course_completed(account("17"), "2026-02-01T10:00:00Z"),
        course_completed(account("18"), at),
        quiz_attempt(account("17"), 5, 16.0, "2026-02-02T10:00:00Z"),
    ])
}

both_databases! {
    async fn the_good_statements_of_a_refused_batch_can_be_taken_out_and_count_once_when_sent_again(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.xapi(&sender, "POST /statements", Some(&batch(false))).await.problem(400);
        let id = app.app.quarantined(&Caller::operator()).await.expect("a list")[0];
        let admin = app.token(Role::Admin, &[]).await;
        let path = format!("/api/v1/quarantine/{id}/take");
        let states = |taken: &Value| -> Vec<String> {
            taken["items"].as_array().expect("items").iter().map(|item| item["state"].as_str().expect("a word").to_owned()).collect()
        };
        let tried = app.post(&path, Some(&admin), &json!({"dry_run": true})).await.ok();
        assert_eq!(states(&tried), ["taken", "not_understood", "taken"]);
        assert_eq!((&tried["new_results"], &tried["linked_results"]), (&json!(2), &json!(2)));
        assert_eq!((app.rows_in("event").await, app.rows_in("statement").await), (0, 0));
        // One by one, and then the rest.
        let one = app.post(&path, Some(&admin), &json!({"only": [0]})).await.ok();
        assert_eq!(states(&one), ["taken", "not_understood", "left"]);
        app.post(&path, Some(&admin), &json!({"only": [1]})).await.problem(422);
        let rest = app.post(&path, Some(&admin), &json!({})).await.ok();
        assert_eq!(states(&rest), ["taken_before", "not_understood", "taken"]);
        app.post(&path, Some(&admin), &json!({})).await.problem(409);
        assert_eq!(status_of(&app, "1001").await, "compliant");
        assert_eq!(quarantined(&app).await, 1, "the rest still waits");
        // The batch is sent again, unchanged and corrected.
        app.xapi(&sender, "POST /statements", Some(&batch(false))).await.problem(400);
        app.send_statements(&sender, &batch(true)).await;
        // Its statements are new, each under an id of its own; repeated ones give no other result.
        assert_eq!((app.rows_in("event").await, app.rows_in("statement").await), (5, 5));
        assert_eq!(app.export_row("SEF", "1001").await["attempts"], "1");
        app.verified_events().await;
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_delivery_that_is_not_understood_is_answered_with_the_place_and_the_reason(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let mut problem = app.deliver_bytes("larportal", &secret, "e-1", TYPO.as_bytes()).await.refused(422);
        let id = problem.as_object_mut().and_then(|members| members.remove("delivery_id"));
        assert_eq!(id, Some(json!(app.stored_deliveries().await[0].id)));
        insta::allow_duplicates!(insta::assert_json_snapshot!(problem, @r#"
        {
          "detail": "The delivery is in quarantine: /data/course is missing: send a JSON object",
          "event_id": "e-1",
          "pointer": "/data/course",
          "status": 422,
          "title": "The content is not understood",
          "type": "/problems/not-understood"
        }
        "#));
    }

    async fn each_thing_that_is_not_understood_is_named_with_its_place(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let anna = || json!({"employee_number": "1001"});
        let mut scored = graded(anna(), "infosec-basics-quiz", 1, "12", "2026-02-01T10:00:00Z");
        scored["data"]["score"] = json!({"raw": "twelve", "max": "20"});
        let bodies: [Vec<u8>; 8] = [
            b"".to_vec(),
            b"\xff".to_vec(),
            b"[]".to_vec(),
            br#"{"type": "course.completed""#.to_vec(),
            br#"{"type": "course.completed", "type": "quiz.graded"}"#.to_vec(),
            completed(json!({}), "infosec-basics", "2026-02-01T10:00:00Z").to_string().into_bytes(),
            completed(anna(), "infosec-basics", "yesterday").to_string().into_bytes(),
            scored.to_string().into_bytes(),
        ];
        for (place, body) in bodies.into_iter().enumerate() {
            let problem = app.deliver_bytes("larportal", &secret, &format!("e-{place}"), &body).await.refused(422);
            let stored = app.get_as_auditor(&format!("/api/v1/deliveries/{}", problem["delivery_id"])).await.ok();
            assert_eq!(stored["problem_pointer"], problem["pointer"]);
        }
        let mut stored = app.stored_deliveries().await;
        stored.reverse();
        let reported = |stored: StoredDelivery| {
            format!("{}: {}", stored.problem_pointer.expect("a place"), stored.problem.expect("a problem"))
        };
        let reported: Vec<String> = stored.into_iter().map(reported).collect();
        insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r#"
        : is not JSON from line 1, column 1 on: send one JSON object
        : stops being UTF-8 after 0 bytes: send JSON in UTF-8
        : is of the wrong kind: send a JSON object
        : is not JSON from line 1, column 28 on: send one JSON object
        : has the member "type" twice: send it once
        /data/learner: has no key that names the learner: send at least one of employee_number, email, username, and account with home_page and name
        /timestamp: is not a time such as 2026-03-02T08:15:00+01:00: send RFC 3339, or the same without an offset for Europe/Stockholm time
        /data/score/raw: is not a decimal number such as 17 or "17.5": send at most 20 digits with a decimal point, as a JSON number or a text
        "#));
        assert_eq!(quarantined(&app).await, 8);
    }

    async fn a_delivery_that_is_not_understood_is_stored_once_listed_shown_and_counted(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let first = app.deliver_bytes("larportal", &secret, "e-1", TYPO.as_bytes()).await.refused(422);
        for _ in 0..2 {
            let again = app.deliver_bytes("larportal", &secret, "e-1", TYPO.as_bytes()).await.refused(422);
            assert_eq!(again, first);
        }
        assert_eq!(app.stored_deliveries().await.len(), 1);
        assert_eq!(quarantined(&app).await, 1);
        let items = listed(&app, "quarantined").await;
        assert_eq!(items.len(), 1);
        let id = &items[0]["id"];
        assert_eq!(id, &first["delivery_id"]);
        assert_eq!(items[0]["problem_pointer"], "/data/course");
        assert_eq!(items[0]["delivery_id"], "e-1");
        assert_eq!(items[0]["received_at"].as_str().map(|at| at.starts_with("2026-02-26T12:00:00")), Some(true));
        assert_eq!(items[0]["released_at"], Value::Null);
        let shown = app.get_as_auditor(&format!("/api/v1/deliveries/{id}")).await.ok();
        assert_eq!(shown["outcome"], "quarantined");
        assert_eq!(shown["problem"], items[0]["problem"]);
        assert_eq!(shown["body_base64"], STANDARD.encode(TYPO));
        assert_eq!(shown["body_text"], TYPO);
        app.verified_events().await;
    }

    async fn other_bytes_under_an_id_in_quarantine_are_a_conflict_and_the_first_stays(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.deliver_bytes("larportal", &secret, "e-1", TYPO.as_bytes()).await.refused(422);
        let mended = TYPO.replace("cuorse", "course");
        let problem = app.deliver_bytes("larportal", &secret, "e-1", mended.as_bytes()).await.refused(409);
        assert_eq!(problem["event_id"], "e-1");
        let items = listed(&app, "quarantined").await;
        let shown = app.get_as_auditor(&format!("/api/v1/deliveries/{}", items[0]["id"])).await.ok();
        assert_eq!(shown["body_text"], TYPO);
        assert_eq!(quarantined(&app).await, 1);
        // Under a new id it is accepted.
        let answer = app.deliver_bytes("larportal", &secret, "e-2", mended.as_bytes()).await.ok();
        assert_eq!(answer["outcome"], "accepted");
    }

    async fn a_delivery_that_is_understood_later_leaves_quarantine_when_it_is_replayed(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let problem = app.deliver("larportal", &secret, "e-1", &in_three_days()).await.refused(422);
        assert_eq!(problem["pointer"], "/timestamp");
        let id = &problem["delivery_id"];
        let stays = replay(&app, id).await.ok();
        assert_eq!((&stays["outcome"], &stays["problem_pointer"]), (&json!("quarantined"), &json!("/timestamp")));
        assert_eq!(quarantined(&app).await, 1);

        three_days_later(&app);
        let before = app.report("infosec-onboarding").await;
        assert_eq!(before["data_quality"]["quarantined_deliveries"], 1);
        let answer = replay(&app, id).await.ok();
        assert_eq!(
            answer,
            json!({"id": id, "outcome": "accepted", "linked": true, "problem": null, "problem_pointer": null})
        );
        assert_eq!(quarantined(&app).await, 0);
        assert_eq!(listed(&app, "quarantined").await, Vec::<Value>::new());
        let stored = &listed(&app, "accepted").await[0];
        assert_eq!(stored["id"], *id);
        assert!(stored["released_at"].as_str() > stored["received_at"].as_str());
        assert_eq!(stored["problem_pointer"], "/timestamp", "the reason for its wait stays recorded");
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["status"].as_str(), row["satisfied_on"].as_str()), ("compliant", "2026-03-01"));

        // A report from before the replay is the same again.
        let known_at = before["known_at"].as_str().expect("an instant");
        let path = format!("/api/v1/reports/onboarding?requirement=infosec-onboarding&known_at={known_at}");
        assert_eq!(app.get_as_city(&path).await.ok(), before);
        app.verified_events().await;

        // It is stored once: neither a replay nor the sender adds it again.
        let gone = replay(&app, id).await.refused(404);
        assert_eq!(gone["detail"], format!("no delivery {id} is in quarantine"));
        let resent = app.deliver("larportal", &secret, "e-1", &in_three_days()).await.ok();
        assert_eq!(resent, json!({"event_id": "e-1", "outcome": "duplicate", "linked": true}));
        assert_eq!(app.stored_deliveries().await.len(), 1);
    }

    async fn a_delivery_that_is_understood_later_leaves_quarantine_when_it_is_sent_again(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.deliver("larportal", &secret, "e-1", &in_three_days()).await.refused(422);
        three_days_later(&app);
        let before = app.report("infosec-onboarding").await;
        let answer = app.deliver("larportal", &secret, "e-1", &in_three_days()).await.ok();
        assert_eq!(answer, json!({"event_id": "e-1", "outcome": "accepted", "linked": true}));
        assert_eq!(quarantined(&app).await, 0);
        assert_eq!(app.export_row("SEF", "1001").await["status"], "compliant");
        assert_eq!(app.stored_deliveries().await.len(), 1);
        let known_at = before["known_at"].as_str().expect("an instant");
        let path = format!("/api/v1/reports/onboarding?requirement=infosec-onboarding&known_at={known_at}");
        assert_eq!(app.get_as_city(&path).await.ok(), before);
        app.verified_events().await;
    }

    async fn a_replay_of_all_releases_what_is_understood_and_leaves_the_rest(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.deliver_bytes("larportal", &secret, "e-1", TYPO.as_bytes()).await.refused(422);
        app.deliver("larportal", &secret, "e-2", &in_three_days()).await.refused(422);
        app.deliver("larportal", &secret, "e-3", &in_three_days()).await.refused(422);
        three_days_later(&app);
        let operator = Caller::operator();
        let mut outcomes = Vec::new();
        for id in app.app.quarantined(&operator).await.expect("a list") {
            outcomes.push(app.app.replay(&operator, id).await.expect("read again"));
        }
        assert!(matches!(outcomes[0], Received::Quarantined { .. }), "{outcomes:?}");
        // The second reports the same as the first: it is understood, and adds nothing.
        assert_eq!(outcomes[1..], [
            Received::Accepted { new: 1, linked: true, is_doubtful: false },
            Received::Duplicate { linked: true, is_doubtful: true, is_stored: true },
        ]);
        assert_eq!(quarantined(&app).await, 1);
        app.verified_events().await;
    }

    async fn only_an_operator_replays_and_only_what_is_in_quarantine(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let id = &app.deliver_bytes("larportal", &secret, "e-1", TYPO.as_bytes()).await.refused(422)["delivery_id"];
        for role in [Role::City, Role::Auditor, Role::Scim] {
            let token = app.token(role, &[]).await;
            app.post(&format!("/api/v1/deliveries/{id}/replay"), Some(&token), &json!({})).await.refused(403);
        }
        for unknown in [json!(4711), json!("x")] {
            replay(&app, &unknown).await.refused(404);
        }
    }
}
