//! How far a report's figures can be trusted: waiting results, quarantine, silent platforms.

use serde_json::json;

use crate::linking::by_keys::WHOLE;
use crate::reports::report::report;
use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, graded, small_city};

both_databases! {
    async fn waiting_results_widen_the_range_of_the_completion_rate(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let learner_named = |name: &str| json!({"username": name});
        let quiz = "infosec-basics-quiz";
        let at = "2026-02-20T10:00:00Z";
        let deliveries = [
            ("course-only", completed(learner_named("halv"), "infosec-basics", at), "0.0–0.0 of 1"),
            ("failed", graded(learner_named("halv"), quiz, 1, "15", at), "0.0–0.0 of 2"),
            ("passed", graded(learner_named("halv"), quiz, 2, "16", at), "0.0–25.0 of 3"),
            ("other-course", completed(learner_named("annan"), "swimming", at), "0.0–25.0 of 4"),
            ("old-course", completed(learner_named("hel"), WHOLE, at), "0.0–50.0 of 5"),
            ("again", completed(learner_named("hel"), WHOLE, at), "0.0–50.0 of 5"),
            ("too-old", completed(learner_named("gammal"), WHOLE, "2024-02-20T10:00:00Z"), "0.0–50.0 of 6"),
            ("linked", completed(json!({"employee_number": "1001"}), WHOLE, at), "25.0–75.0 of 6"),
            (
                "revocation",
                json!({"type": "completion.revoked", "timestamp": "2026-02-21T10:00:00Z",
                       "data": {"learner": learner_named("hel"), "course": {"id": WHOLE}}}),
                "25.0–50.0 of 6",
            ),
            (
                // Under another name than the result that it withdraws.
                "revocation-by-name",
                json!({"type": "completion.revoked", "timestamp": "2026-02-21T10:00:00Z",
                       "data": {"learner": learner_named("lärare"), "quiz": {"id": quiz}, "event_id": "passed"}}),
                "25.0–25.0 of 6",
            ),
        ];
        for (id, body, expected) in deliveries {
            app.deliver("larportal", &secret, id, &body).await.ok();
            let now = report(&app, "").await;
            let range = &now["city"]["completion_rate_range"];
            let text = |name: &str| range[name].as_str().expect("a rate").to_owned();
            let waiting = &now["data_quality"]["unlinked_results"];
            assert_eq!(format!("{}–{} of {waiting}", text("lowest"), text("highest")), expected, "{id}");
            let known_at = now["known_at"].as_str().expect("an instant");
            assert_eq!(report(&app, &format!("&known_at={known_at}")).await, now, "{id}");
        }
    }

    async fn a_report_says_how_far_its_data_can_be_trusted(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.platform("tyst").await;
        app.deliver("larportal", &secret, "e-1", &completed(json!({"username": "x"}), WHOLE, "2026-02-01T10:00:00Z")).await.ok();
        app.clock.set("2026-02-26T13:00:00Z");
        app.deliver("larportal", &secret, "e-2", &json!({"type": "course.completed"})).await.problem(422);
        app.clock.set("2026-02-26T14:00:00Z");
        let share = json!({"share": "0.0", "share_before": null, "warning": false, "results": 1, "results_before": 0});
        let mut of_platform = share.clone();
        of_platform["platform"] = json!("larportal");
        let mut reported = report(&app, "").await["data_quality"].take();
        let last_result_at = reported["platforms"][0]["last_result_at"].take();
        assert!(last_result_at.as_str().is_some_and(|at| at.starts_with("2026-02-26T12:00:00")), "{last_result_at}");
        assert_eq!(
            reported,
            json!({"unlinked_results": 1, "dismissed_results": 0, "quarantined_deliveries": 1,
                   "linked_share": {"from": "2026-01-30", "to": "2026-02-26", "before_from": "2026-01-02",
                                    "before_to": "2026-01-29", "warning": false, "overall": share,
                                    "platforms": [of_platform]},
                   "platforms": [{"platform": "larportal", "silent_since": "2026-02-26T13:00:00Z",
                                  "last_result_at": null, "results_silent": false},
                                 {"platform": "tyst", "silent_since": null, "last_result_at": null,
                                  "results_silent": false}]})
        );
        let earlier = report(&app, "&known_at=2026-02-26T12:59:59Z").await["data_quality"].take();
        assert_eq!(earlier["quarantined_deliveries"], 0);
        let silent_since = earlier["platforms"][0]["silent_since"].as_str().expect("an instant");
        assert!(silent_since.starts_with("2026-02-26T12:00:00"), "{earlier}");
    }
}
