//! Which expected results count, in the forms in which platforms send them, and which do not, with the reason in the report.

use kurskoll::app::Caller;
use kurskoll::app::receiving::reread::RereadRequest;
use kurskoll::domain::ids::PlatformCode;
use serde_json::{Value, json};

use super::city_with_moodle;
use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::xapi::{ASSESSMENT, ATTEMPT, COURSE, MOODLE, account, moodle, quiz_attempt};

const AT: &str = "2026-02-03T10:00:00.000Z";
const SCO: &str = "https://xapi.edlm/profiles/edlm-lms/concepts/activity-types/scorm-content-object";
const QUIZ: (&str, &str) = ("/mod/quiz/view.php?id=1", ASSESSMENT);

/// A requirement of one item, which names a page of the made-up Moodle.
fn requirement(code: &str, item: &str, path: &str) -> String {
    let mark = if item == "quiz" { ", pass_mark = \"0.8\"" } else { "" };
    format!(
        "[[requirement]]\ncode = \"{code}\"\ntitle_sv = \"K\"\ntitle_en = \"R\"\neffective_from = 2026-01-01\naudience = {{}}\n\
         alternatives = [ [ {{ {item} = \"{MOODLE}{path}\"{mark} }} ] ]\n"
    )
}

fn with(mut statement: Value, result: Value) -> Value {
    statement["result"] = result;
    statement
}

fn points(raw: u32, max: u32) -> Value {
    json!({"score": {"raw": raw, "min": 0, "max": max, "scaled": f64::from(raw) / f64::from(max)}})
}

async fn compliant(app: &TestApp, code: &str) -> u64 {
    app.report(code).await["city"]["counts"]["compliant"].as_u64().expect("a count")
}

/// The statements that give no result, as `statements reason`.
async fn without_result(app: &TestApp, code: &str) -> Vec<String> {
    let report = app.report(code).await;
    let found = report["data_quality"]["statements_without_result"].as_array().cloned().unwrap_or_default();
    found.iter().map(|found| format!("{} {}", found["statements"], found["reason"].as_str().expect("a code"))).collect()
}

/// A case's name, the course and the quiz of its requirement, its statements, and the report's reasons.
type Case = (&'static str, &'static str, &'static str, Vec<Value>, &'static [&'static str]);

both_databases! {
    async fn a_safe_result_counts_in_every_form_in_which_it_is_sent(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let resource = "http://id.tincanapi.com/activitytype/resource";
        let face_to_face = "https://w3id.org/xapi/acrossx/activities/face-to-face-discussion";
        let assignment = "https://xapi.edlm/profiles/edlm-lms/concepts/activity-types/assignment";
        let course = "http://adlnet.gov/expapi/activities/course";
        let attended = json!({"completion": true, "duration": "PT3600S"});
        // The activity that a requirement names, as course or quiz, and the statement that is to satisfy it.
        let cases = [
            ("attended", "course", "/mod/facetoface/view.php?id=4", with(moodle(account("17"), "attended", ("/mod/facetoface/view.php?id=4", face_to_face), AT), attended)),
            ("earned", "quiz", "/xblock/1", with(moodle(account("17"), "http://id.tincanapi.com/verb/earned", ("/xblock/1", resource), AT), points(8, 10))),
            ("graded", "quiz", "/mod/assign/view.php?id=5", with(moodle(account("17"), "scored", ("/mod/assign/view.php?id=5", assignment), AT), points(90, 100))),
            ("authored", "quiz", "/story", with(moodle(account("17"), "passed", ("/story", course), AT), points(90, 100))),
            ("authored-course", "course", "/story2", with(moodle(account("17"), "passed", ("/story2", course), AT), points(90, 100))),
            ("completed-points", "quiz", "/story3", with(moodle(account("17"), "completed", ("/story3", course), AT), points(80, 100))),
            ("scorm", "course", "/mod/scorm/view.php?id=6#sco", moodle(account("17"), "passed", ("/mod/scorm/view.php?id=6#sco", SCO), AT)),
            ("module", "course", "/mod/quiz/view.php?id=7", with(moodle(account("17"), "completed", ("/mod/quiz/view.php?id=7", ASSESSMENT), AT), json!({"completion": true, "success": true}))),
        ];
        for (code, item, path, statement) in cases {
            app.apply(&requirement(code, item, path)).await;
            assert_eq!(compliant(&app, code).await, 0, "{code}");
            let ids = app.send_statements(&sender, &statement).await;
            assert_eq!(compliant(&app, code).await, 1, "{code}");
            // A voided statement withdraws its result.
            let void = json!({
                "actor": {"mbox": "mailto:larare@example.org"}, "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
                "object": {"objectType": "StatementRef", "id": ids[0]},
            });
            app.send_statements(&sender, &void).await;
            assert_eq!(compliant(&app, code).await, 0, "{code}");
        }
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_unsafe_result_does_not_count_and_the_report_says_why(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let face_to_face = "https://w3id.org/xapi/acrossx/activities/face-to-face-discussion";
        let slot = {
            let mut slot = with(moodle(account("17"), "scored", ("/mod/quiz/review.php?attempt=3&slot=1", "http://activitystrea.ms/schema/1.0/review#slot"), AT), points(1, 1));
            slot["context"] = quiz_attempt(account("17"), 3, 0.0, AT)["context"].clone();
            slot
        };
        let cases: [Case; 7] = [
            ("module", "quiz", QUIZ.0, vec![with(moodle(account("17"), "completed", QUIZ, AT), json!({"completion": true, "success": true}))], &["1 completion_alone"]),
            ("essay", "quiz", QUIZ.0, vec![slot], &["1 completion_alone", "1 part_of_attempt"]),
            ("partly", "course", "/mod/facetoface/view.php?id=4", vec![with(moodle(account("17"), "attended", ("/mod/facetoface/view.php?id=4", face_to_face), AT), json!({"completion": false}))], &["1 not_wholly_attended"]),
            ("graded", "course", "/mod/assign/view.php?id=5", vec![with(moodle(account("17"), "scored", ("/mod/assign/view.php?id=5", "https://a.example/assignment"), AT), points(90, 100))], &["1 attempt_alone"]),
            ("scorm", "course", "/mod/scorm/view.php?id=6#sco", vec![moodle(account("17"), "completed", ("/mod/scorm/view.php?id=6#sco", SCO), AT)], &["1 not_graded"]),
            ("unknown", "course", "/kurs/8", vec![moodle(account("17"), "https://portal.example.org/verbs/finished", ("/kurs/8", COURSE), AT)], &["1 other_verb"]),
            ("dated", "course", "/kurs/9", vec![
                moodle(account("17"), "completed", ("/kurs/9", COURSE), "2027-01-01T00:00:00Z"),
                moodle(account("18"), "completed", ("/kurs/9", COURSE), "1970-01-01T00:00:00Z"),
                moodle(account("19"), "completed", ("/kurs/9", COURSE), "1970-01-01T00:00:00Z"),
            ], &["2 too_long_ago", "1 in_the_future"]),
        ];
        for (code, item, path, statements, reasons) in cases {
            app.apply(&requirement(code, item, path)).await;
            app.send_statements(&sender, &json!(statements)).await;
            assert_eq!((compliant(&app, code).await, without_result(&app, code).await), (0, reasons.iter().map(|reason| (*reason).to_owned()).collect()), "{code}");
        }
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn what_is_not_expected_to_count_is_not_reported_as_missing(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.apply(&requirement("quiz", "quiz", QUIZ.0)).await;
        app.apply(&requirement("course", "course", "/course/view.php?id=2")).await;
        let viewed = moodle(account("17"), "http://id.tincanapi.com/verb/viewed", QUIZ, AT);
        let started = moodle(account("17"), "http://activitystrea.ms/schema/1.0/start", ("/mod/quiz/attempt.php?attempt=1", ATTEMPT), AT);
        let done = moodle(account("17"), "completed", ("/course/view.php?id=2", COURSE), AT);
        app.send_statements(&sender, &json!([viewed, started, done, quiz_attempt(account("17"), 1, 20.0, AT)])).await;
        for code in ["quiz", "course"] {
            assert_eq!((compliant(&app, code).await, without_result(&app, code).await), (1, Vec::<String>::new()), "{code}");
        }
    }

    async fn a_corrected_profile_counts_them_and_earlier_reports_stay(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.apply(&requirement("unknown", "course", "/kurs/8")).await;
        app.send_statements(&sender, &moodle(account("17"), "https://portal.example.org/verbs/finished", ("/kurs/8", COURSE), AT)).await;
        let before = app.report("unknown").await;
        assert_eq!(before["data_quality"]["statements_without_result"], json!([{
            "platform": "moodle", "course": format!("{MOODLE}/kurs/8"), "quiz": null, "statements": 1,
            "verb": "https://portal.example.org/verbs/finished", "reason": "other_verb",
            "because": "its verb is none that gives a result",
        }]));
        app.clock.advance(chrono::Duration::seconds(1));
        let platform = PlatformCode::parse("moodle").expect("a code");
        let profile = "[verbs]\ncompleted = [\"https://portal.example.org/verbs/finished\"]\n";
        app.app.give_profile(&Caller::operator(), &platform, profile).await.expect("a profile");
        let request = RereadRequest { platform, since: None, after: None, at_most: 100, dry_run: false };
        app.app.reread_platform(&Caller::operator(), &request).await.expect("read again");
        assert_eq!((compliant(&app, "unknown").await, without_result(&app, "unknown").await), (1, vec![]));
        assert_eq!(app.differences().await, [""; 0]);
        let known_at = before["known_at"].as_str().expect("an instant");
        let path = format!("/api/v1/reports/onboarding?requirement=unknown&known_at={known_at}");
        assert_eq!(app.get_as_city(&path).await.ok(), before);
    }

    async fn the_activities_of_a_file_can_be_checked_before_it_is_applied(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.send_statements(&sender, &moodle(account("17"), "completed", ("/mod/scorm/view.php?id=6#sco", SCO), AT)).await;
        let file = requirement("scorm", "course", "/mod/scorm/view.php?id=6#sco");
        let wanted = kurskoll::intake::requirements_toml::read(&file).expect("requirements");
        let checked = app.app.check_requirements(&Caller::operator(), &wanted).await.expect("checked");
        assert_eq!(checked.len(), 1);
        let [found] = checked[0].without_result.as_slice() else { panic!("{checked:?}") };
        assert_eq!((found.statements, found.reason.as_str(), found.platform.as_str()), (1, "not_graded", "moodle"));
        assert_eq!(app.get_as_city("/api/v1/reports/onboarding?requirement=scorm").await.status, 404, "nothing is applied");
    }
}
