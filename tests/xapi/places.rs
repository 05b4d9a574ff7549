//! Statements whose learner, course, quiz, attempt and time are where the platform's profile says.

use kurskoll::app::Caller;
use kurskoll::domain::ids::PlatformCode;
use serde_json::{Value, json};

use super::{both_of, city_with_moodle, status_of};
use crate::platforms::profiles::give;
use crate::support::app::TestApp;
use crate::support::commands::CommandLine;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::xapi::{COURSE, MOODLE, account, course_completed, moodle, quiz_attempt};

const AT: &str = "2026-02-03T10:00:00.000Z";
const UNCOMPLETED: &str = "https://xapi.edlm/profiles/edlm-lms/concepts/verbs/uncompleted";
const EMPLOYEE: &str = "https://portal.example.org/extensions/employee";

/// A reset of course 2, reported by any actor.
fn reset(actor: &str, instructor: &str) -> Value {
    let mut statement = moodle(account(actor), UNCOMPLETED, ("/course/view.php?id=2", COURSE), "2026-02-02T12:00:00Z");
    statement["context"]["instructor"] = account(instructor);
    statement
}

/// A statement of an activity without a type, among activities without one.
fn of_cmi5(grouping: Value, at: &str) -> Value {
    let mut statement = course_completed(account("17"), at);
    statement["object"] = json!({"id": "https://content.example.org/au/4711", "objectType": "Activity"});
    statement["context"] = json!({"contextActivities": {"grouping": grouping}});
    statement
}

both_databases! {
    async fn a_reset_withdraws_the_training_of_the_learner_that_the_profile_names(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        give(&app, "moodle", "[[events]]\nverb = \"uncompleted\"\nfields = { learner = \"context.instructor\" }\n").await;
        app.send_statements(&sender, &both_of("17")).await;
        app.send_statements(&sender, &both_of("18")).await;
        // The teacher, 18, is the actor; the learner who was reset is the instructor.
        app.send_statements(&sender, &reset("18", "17")).await;
        assert_eq!(status_of(&app, "1001").await, "pending");
        assert_eq!(status_of(&app, "1002").await, "compliant");
        // Other verbs are read as before.
        app.send_statements(&sender, &course_completed(account("17"), AT)).await;
        assert_eq!(status_of(&app, "1001").await, "compliant");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_reset_whose_actor_is_the_instructor_withdraws_no_training(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.send_statements(&sender, &both_of("17")).await;
        app.send_statements(&sender, &reset("17", "17")).await;
        assert_eq!(status_of(&app, "1001").await, "compliant");
        // With another instructor it is the actor's own.
        app.send_statements(&sender, &reset("17", "18")).await;
        assert_eq!(status_of(&app, "1001").await, "pending");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_learner_can_be_in_an_extension_as_a_text_or_as_an_agent(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let profile = format!("[fields]\nlearner = {{ extension = \"{EMPLOYEE}\", is = \"employee_number\" }}\n");
        give(&app, "moodle", &profile).await;
        for (number, value) in [("1001", json!("1001")), ("1002", json!({"mbox": "mailto:bo@example.org"}))] {
            let mut both = json!([course_completed(account("99"), AT), quiz_attempt(account("99"), 1, 20.0, AT)]);
            for statement in both.as_array_mut().expect("two") {
                statement["context"]["extensions"] = json!({EMPLOYEE: value});
            }
            app.send_statements(&sender, &both).await;
            assert_eq!(status_of(&app, number).await, "compliant", "{number}");
        }
        // A statement without it has no learner, not even its actor.
        app.send_statements(&sender, &course_completed(account("19"), AT)).await;
        let waiting = app.get_as_city("/api/v1/unlinked").await.ok();
        assert_eq!(waiting["items"], json!([]));
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_course_can_be_in_the_grouping_with_or_without_a_type(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.send_statements(&sender, &quiz_attempt(account("17"), 1, 20.0, AT)).await;
        let course = json!({"id": format!("{MOODLE}/course/view.php?id=2"), "objectType": "Activity"});
        app.send_statements(&sender, &of_cmi5(json!([course]), AT)).await;
        assert_eq!(status_of(&app, "1001").await, "pending", "without a profile it is the object");
        give(&app, "moodle", "[fields]\ncourse = \"context.contextActivities.grouping\"\n").await;
        // A running process uses a new profile within a second; one that starts uses it at once.
        let app = TestApp::start(&database).await;
        for (grouping, at) in [(json!([course]), "2026-02-04T10:00:00Z"), (course.clone(), "2026-02-05T10:00:00Z")] {
            let sent = app.send_statements(&sender, &of_cmi5(grouping, at)).await;
            assert_eq!(status_of(&app, "1001").await, "compliant");
            let withdrawn = json!({"actor": account("17"), "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
                                   "object": {"objectType": "StatementRef", "id": sent[0]}, "timestamp": at});
            app.send_statements(&sender, &withdrawn).await;
            assert_eq!(status_of(&app, "1001").await, "pending");
        }
        let typed = "[fields]\ncourse = { path = \"context.contextActivities.grouping\", type = \"course\" }\n";
        give(&app, "moodle", typed).await;
        let app = TestApp::start(&database).await;
        let mut of_a_type = course.clone();
        of_a_type["definition"] = json!({"type": COURSE});
        let publisher = json!({"id": "https://content.example.org/publisher"});
        app.send_statements(&sender, &of_cmi5(json!([publisher]), "2026-02-06T10:00:00Z")).await;
        assert_eq!(status_of(&app, "1001").await, "pending", "no activity of the type: skipped");
        app.send_statements(&sender, &of_cmi5(json!([publisher, of_a_type]), "2026-02-07T10:00:00Z")).await;
        assert_eq!(status_of(&app, "1001").await, "compliant");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn the_attempt_and_the_time_are_where_the_profile_says(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let profile = "[fields]\nattempt = \"context.registration\"\n\
            occurred_at = [{ extension = \"https://portal.example.org/extensions/done\", in = \"result\" }, \"timestamp\"]\n";
        give(&app, "moodle", profile).await;
        app.send_statements(&sender, &course_completed(account("17"), "2026-02-01T10:00:00Z")).await;
        let registration = "0e1f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11";
        for (attempt, raw, at) in [(1, 10.0, "2026-02-02T10:00:00Z"), (2, 18.0, "2026-02-04T10:00:00Z")] {
            let mut reported = quiz_attempt(account("17"), attempt, raw, "2026-02-20T10:00:00Z");
            reported["context"]["registration"] = json!(registration);
            reported["result"]["extensions"] = json!({"https://portal.example.org/extensions/done": at});
            app.send_statements(&sender, &reported).await;
        }
        let row = app.export_row("SEF", "1001").await;
        // One attempt by its registration, on the day of its earliest report.
        assert_eq!((row["status"].as_str(), row["attempts"].as_str()), ("compliant", "1"));
        assert_eq!((row["satisfied_on"].as_str(), row["last_attempt_on"].as_str()), ("2026-02-02", "2026-02-02"));
        // An invalid time is refused, with its place.
        let mut reported = course_completed(account("18"), AT);
        reported["result"] = json!({"extensions": {"https://portal.example.org/extensions/done": "soon"}});
        let problem = app.xapi(&sender, "POST /statements", Some(&reported)).await.refused(400);
        assert!(problem.to_string().contains("https:~1~1portal.example.org~1extensions~1done"), "{problem}");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_profile_that_makes_no_sense_is_refused_line_by_line(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        app.xapi_platform("moodle").await;
        let moodle = PlatformCode::parse("moodle").expect("a code");
        for (text, problem) in [
            ("[fields]\nlearner = \"contxt.instructor\"\n", "line 2: fields.learner looks for what no statement has; did you mean context?"),
            ("[fields]\nlearner = \"context.teacher\"\n", "fields.learner looks for what no statement has; known are registration, instructor"),
            ("[fields]\ncourse = \"context.contextActivities.groups\"\n", "known are parent, grouping, category, other"),
            ("[fields]\nlearner = { constant = \"1001\" }\n", "would be the same of every statement"),
            ("[fields]\nlearner = []\n", "fields.learner is empty"),
            ("[fields]\nscore_raw = \"result.score.raw\"\n", "fields.score_raw is not known here; known are learner"),
            ("[fields]\naccount_name = \"actor.name\"\n", "has one of account_home_page and account_name"),
            ("[fields]\ncourse = { extension = \"course\" }\n", "fields.course.extension is no IRI"),
            ("[fields]\ncourse = { path = \"object\", type = \"lesson\" }\n", "fields.course.type names no type"),
            ("[fields]\nlearner = { path = \"actor\", type = \"course\" }\n", "fields.learner.type belongs to course and quiz only"),
            ("[fields]\nlearner = { header = \"X-Learner\" }\n", "fields.learner.header is not known here"),
            ("[fields]\nlearner = { path = \"actor\", is = \"account\" }\n", "must be one of employee_number, email, username"),
            ("[[events]]\nverb = \"reset\"\nfields = { learner = \"actor\" }\n", "events[0].verb gives \"reset\""),
            ("[[events]]\nverb = \"https://portal.example.org/verbs/reset\"\nfields = { learner = \"actor\" }\n", "list it under verbs first"),
            ("[[events]]\nfields = { learner = \"actor\" }\n", "events[0].verb is missing"),
            ("[[events]]\nverb = \"passed\"\n", "events[0].fields is missing"),
            ("[verbs]\npassed = [\"done\"]\n[fields]\nlearner = []\n", "line 2: verbs.passed[0] is no IRI"),
            ("[verbs]\npassed = [\"done\"]\n[fields]\nlearner = []\n", "line 4: fields.learner is empty"),
        ] {
            let refused = app.app.give_profile(&Caller::operator(), &moodle, text).await.expect_err(text).to_string();
            assert!(refused.contains(problem), "{text}\n{refused}");
        }
    }
}

#[test]
fn a_check_of_statements_shows_what_was_read_from_where() {
    let here = CommandLine::new();
    here.write("words.toml", "[[events]]\nverb = \"uncompleted\"\nfields = { learner = \"context.instructor\" }\n");
    here.write("reset.json", reset("18", "17").to_string());
    let reported = here.ok("platform check words.toml reset.json").out;
    for part in [
        "taken for revocation",
        "$.context.instructor",
        "/context/instructor",
        "the usual place",
        "Understood: 1 result",
    ] {
        assert!(reported.contains(part), "{part}\n{reported}");
    }
    let mut lacks = reset("18", "17");
    lacks["context"].as_object_mut().expect("a context").remove("instructor");
    here.write("lacks.json", lacks.to_string());
    let reported = here.ok("platform check words.toml lacks.json").out;
    assert!(
        reported.contains("nothing: there is no single person where the profile looks for the learner"),
        "{reported}"
    );
    here.write("teacher.json", reset("17", "17").to_string());
    let reported = here.ok("platform check xapi teacher.json").out;
    assert!(reported.contains("nothing: its actor is its instructor"), "{reported}");
    here.write("bad.toml", "[fields]\nlearner = \"context.teacher\"\n");
    here.run("platform check bad.toml reset.json").assert_failed("fields.learner looks for what no statement has");
}
