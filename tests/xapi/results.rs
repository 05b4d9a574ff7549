//! Which statements about courses and quizzes give results, and which only seem to.

use kurskoll::app::receiving::reread::RereadRequest;
use serde_json::{Value, json};

use super::{both_of, city_with_moodle, status_of};
use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::xapi::{ASSESSMENT, ATTEMPT, COURSE, MOODLE, account, course_completed, moodle, quiz_attempt};

const AT: &str = "2026-02-03T10:00:00.000Z";
const UNCOMPLETED: &str = "https://xapi.edlm/profiles/edlm-lms/concepts/verbs/uncompleted";

/// Statements about what the requirement names, none of which is a completion or a pass.
fn look_alikes() -> Vec<(&'static str, Value)> {
    let course = ("/course/view.php?id=2", COURSE);
    let quiz = ("/mod/quiz/view.php?id=1", ASSESSMENT);
    let with = |mut statement: Value, result: Value| {
        statement["result"] = result;
        statement
    };
    vec![
        (
            "a teacher edited the criteria",
            moodle(account("17"), "https://w3id.org/xapi/acrossx/verbs/edited", course, AT),
        ),
        (
            "completed without success",
            with(moodle(account("17"), "completed", course, AT), json!({"completion": true, "success": false})),
        ),
        ("not completed", with(moodle(account("17"), "completed", course, AT), json!({"completion": false}))),
        ("a course that was failed", moodle(account("17"), "failed", course, AT)),
        (
            "a quiz as a module that is completed, without a grade",
            with(moodle(account("17"), "completed", quiz, AT), json!({"completion": true, "success": true})),
        ),
        ("a quiz whose pass grade was never set", quiz_attempt(account("17"), 3, 0.0, AT)),
        (
            "an attempt that waits for its grade",
            with(quiz_attempt(account("17"), 4, 0.0, AT), json!({"completion": true, "duration": "PT9M"})),
        ),
        ("an attempt that goes on", with(quiz_attempt(account("17"), 4, 0.0, AT), json!({"completion": false}))),
        (
            "an attempt without a quiz",
            moodle(account("17"), "completed", ("/mod/quiz/attempt.php?attempt=1", ATTEMPT), AT),
        ),
        (
            "an attempt that is reviewed",
            moodle(account("17"), "http://activitystrea.ms/schema/1.0/receive", course, AT),
        ),
        ("a certificate", moodle(account("17"), "https://w3id.org/xapi/tla/verbs/achieved", course, AT)),
        ("a group", moodle(json!({"objectType": "Group", "member": [account("17")]}), "completed", course, AT)),
        ("a person as the object", {
            let mut statement = moodle(account("17"), "completed", course, AT);
            statement["object"] = json!({"objectType": "Agent", "mbox": "mailto:anna@example.org"});
            statement
        }),
    ]
}

both_databases! {
    async fn statements_that_only_resemble_a_completion_do_not_count(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        for (what, statement) in look_alikes() {
            app.send_statements(&sender, &statement).await;
            let row = app.export_row("SEF", "1001").await;
            assert_eq!((row["status"].as_str(), row["satisfied_on"].as_str()), ("pending", ""), "{what}");
        }
        app.send_statements(&sender, &both_of("17")).await;
        assert_eq!(status_of(&app, "1001").await, "compliant");
        // Nor does any of them withdraw it.
        for (what, mut statement) in look_alikes() {
            statement["timestamp"] = json!("2026-02-10T10:00:00.000Z");
            app.send_statements(&sender, &statement).await;
            assert_eq!(status_of(&app, "1001").await, "compliant", "{what}");
        }
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn raw_points_take_precedence_over_scaled_ones(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.send_statements(&sender, &course_completed(account("17"), AT)).await;
        let mut attempt = quiz_attempt(account("17"), 1, 15.9, AT);
        attempt["result"]["score"]["scaled"] = json!(1.0);
        app.send_statements(&sender, &attempt).await;
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["status"].as_str(), row["best_score_percent"].as_str()), ("pending", "79.5"));
        // On a scale from 10 to 20 points, 18 is eight tenths.
        attempt = quiz_attempt(account("17"), 2, 18.0, AT);
        attempt["result"]["score"]["min"] = json!(10);
        app.send_statements(&sender, &attempt).await;
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["status"].as_str(), row["best_score_percent"].as_str()), ("compliant", "80.0"));
    }

    async fn an_address_of_an_agent_is_an_email(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let anna = json!({"mbox": "mailto:Anna@Example.org"});
        app.send_statements(&sender, &json!([course_completed(anna.clone(), AT), quiz_attempt(anna, 1, 20.0, AT)])).await;
        assert_eq!(status_of(&app, "1001").await, "compliant");
    }

    async fn a_completion_that_is_uncompleted_soon_after_is_withdrawn(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let withdrawn = moodle(account("17"), UNCOMPLETED, ("/course/view.php?id=2", COURSE), "2026-02-02T10:00:00Z");
        // In either order.
        app.send_statements(&sender, &withdrawn).await;
        app.send_statements(&sender, &both_of("17")).await;
        assert_eq!(status_of(&app, "1001").await, "pending");
        app.send_statements(&sender, &course_completed(account("17"), "2026-02-06T10:00:00Z")).await;
        assert_eq!(status_of(&app, "1001").await, "compliant");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_voided_statement_counts_for_nothing_in_either_order(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let mut reported = both_of("17");
        reported[0]["id"] = json!("6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11");
        let void = json!({
            "actor": {"mbox": "mailto:larare@example.org"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
            "object": {"objectType": "StatementRef", "id": "6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11"},
            "timestamp": "2026-02-04T10:00:00Z",
        });
        app.send_statements(&sender, &reported).await;
        assert_eq!(status_of(&app, "1001").await, "compliant");
        app.send_statements(&sender, &void).await;
        assert_eq!(status_of(&app, "1001").await, "pending");
        let mut reported = both_of("18");
        reported[0]["id"] = json!("0b2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11");
        let mut void = void;
        void["object"]["id"] = reported[0]["id"].clone();
        app.send_statements(&sender, &void).await;
        app.send_statements(&sender, &reported).await;
        assert_eq!(status_of(&app, "1002").await, "pending");
        assert_eq!(app.differences().await, [""; 0]);
        // The actor of a voiding is not a learner with waiting results.
        assert_eq!(app.report("infosec-onboarding").await["data_quality"]["unlinked_results"], 0);
    }

    async fn a_statement_about_an_unknown_activity_is_stored_and_ignored(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let viewed = moodle(account("17"), "http://id.tincanapi.com/verb/viewed", ("/course/view.php?id=2", COURSE), AT);
        app.send_statements(&sender, &viewed).await;
        assert_eq!((app.rows_in("statement").await, app.rows_in("event").await), (1, 0));
        assert_eq!(app.stored_deliveries().await[0].outcome, "ignored");
    }

    async fn a_statement_dated_ahead_waits_alone_and_counts_when_it_is_replayed_after_its_day(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let ahead = course_completed(account("17"), "2026-02-28T12:00:01Z");
        let long_ago = course_completed(account("18"), "1970-01-01T00:00:00Z");
        let batch = json!([ahead, quiz_attempt(account("17"), 5, 16.0, "2026-02-02T10:00:00Z"), long_ago]);
        let ids = app.send_statements(&sender, &batch).await;
        for id in &ids {
            app.xapi(&sender, &format!("GET /statements?statementId={id}"), None).await.ok();
        }
        assert_eq!((app.rows_in("statement").await, app.rows_in("event").await), (3, 1));
        assert_eq!(status_of(&app, "1001").await, "pending");
        let reread = async || {
            let platform = kurskoll::domain::ids::PlatformCode::parse("moodle").expect("a code");
            let request = RereadRequest { platform, since: None, after: None, at_most: 100, dry_run: false };
            app.app.reread_platform(&kurskoll::app::Caller::operator(), &request).await.expect("read again").events.len()
        };
        assert_eq!(reread().await, 0);
        assert_eq!(app.differences().await, [""; 0]);
        app.clock.set("2026-03-01T12:00:00Z");
        assert_eq!(app.differences().await, [""; 0], "nothing counts alone, and nothing is missing");
        assert_eq!(reread().await, 1);
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["status"].as_str(), row["satisfied_on"].as_str()), ("compliant", "2026-02-28"));
        assert_eq!(app.differences().await, [""; 0]);
        assert_eq!(reread().await, 0);
    }

    async fn an_activity_of_another_type_is_what_the_requirement_says(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let both = format!(
            "{}\n[[requirement]]\ncode = \"content\"\ntitle_sv = \"Innehåll\"\ntitle_en = \"Content\"\neffective_from = 2026-01-01\n\
             audience = {{}}\nalternatives = [ [ {{ course = \"{MOODLE}/h5p/7\" }}, {{ quiz = \"{MOODLE}/h5p/7\", pass_mark = \"0.5\" }} ] ]\n",
            ""
        );
        app.apply(&both).await;
        let mut done = moodle(account("17"), "passed", ("/h5p/7", "http://adlnet.gov/expapi/activities/lesson"), AT);
        done["result"] = json!({"score": {"scaled": 0.5}, "success": true, "completion": true});
        done["id"] = json!("6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11");
        app.send_statements(&sender, &done).await;
        let counts = |report: Value| report["city"]["counts"]["compliant"].clone();
        assert_eq!(counts(app.report("content").await), 1);
        let void = json!({
            "actor": {"mbox": "mailto:larare@example.org"}, "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
            "object": {"objectType": "StatementRef", "id": "6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11"},
        });
        app.send_statements(&sender, &void).await;
        assert_eq!(counts(app.report("content").await), 0);
    }

    async fn a_profile_maps_a_platforms_verbs_and_what_waits_is_read_by_it(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let code = kurskoll::domain::ids::PlatformCode::parse("moodle").expect("a code");
        let operator = kurskoll::app::Caller::operator();
        let wrong = app.app.give_profile(&operator, &code, "[verbs]\ncompleted = [\"finished\"]\n").await;
        assert!(wrong.is_err_and(|error| error.to_string().contains("line 2: verbs.completed[0] is no IRI")));
        app.app.give_profile(&operator, &code, r#"
            [verbs]
            completed = ["https://larportal.example.org/verbs/finished"]
            [reading]
            account_name_is = "username"
        "#).await.expect("a profile");
        let bo = json!({"account": {"homePage": "https://elsewhere.example.org", "name": "bo"}});
        let finished = moodle(bo.clone(), "https://larportal.example.org/verbs/finished", ("/course/view.php?id=2", COURSE), AT);
        app.send_statements(&sender, &json!([finished, quiz_attempt(bo, 1, 20.0, AT)])).await;
        assert_eq!(status_of(&app, "1002").await, "compliant");
    }
}
