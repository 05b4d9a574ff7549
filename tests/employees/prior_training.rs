//! Prior training that someone recognised: evidence on its day, as if a platform had reported it.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::employees::exemptions::{another_admin, where_two_must_agree};
use crate::employees::history::lines;
use crate::support::app::TestApp;
use crate::support::commands::CommandLine;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, small_city};

const REPORT: &str = "/api/v1/reports/onboarding?requirement=infosec-onboarding&as_of=2026-02-26";
const FILE: &str = "employee_number,course_id,quiz_id,score_raw,score_max,completed_on,reason\n\
    1002,infosec-basics,,,,2026-01-12,certificate\n\
    1002,,infosec-basics-quiz,17,20,2026-01-13,certificate\n\
    1003,infosec-basics-2023,,,,2025-05-01,diploma\n";

fn certificate() -> Value {
    json!({"employee_number": "1003", "course": "infosec-basics-2023", "completed_on": "2026-01-12",
           "reason": "certificate from Region Skåne, seen"})
}

async fn counts(app: &TestApp) -> Value {
    app.get_as_city(REPORT).await.ok()["city"]["counts"].clone()
}

both_databases! {
    async fn recognised_training_is_evidence_on_its_day(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let admin = app.token(Role::Admin, &[]).await;
        let before = app.get_as_city(REPORT).await;
        let known_at = before.ok()["known_at"].as_str().expect("an instant").to_owned();
        let made = app.post("/api/v1/prior-training", Some(&admin), &certificate()).await.ok();
        let event_id = format!("prior:{}", made["id"]);
        assert_eq!(made["event_id"], event_id.as_str());
        let stale = counts(&app).await;
        assert_eq!((&stale["compliant"], &stale["overdue"]), (&json!(1), &json!(1)));
        app.refresh().await;
        assert_eq!(counts(&app).await, stale);
        let export = app.get_as_city("/api/v1/administrations/SEF/export.csv").await;
        let row = format!("1003,Cecilia,Berg,cecilia@example.org,hourly,2026-01-07,infosec-onboarding,compliant,2026-02-04,2026-01-12,2027-01-11,,0,,{event_id},");
        assert!(export.body.contains(&row), "{}", export.body);
        let shown = app.get_as_city("/api/v1/employees/1003").await.ok();
        let evidence = &shown["requirements"][0]["evidence"][0];
        assert_eq!((&evidence["event_id"], &evidence["platform"]), (&json!(event_id), &Value::Null));
        assert_eq!((&evidence["holds_from"], &evidence["holds_to"]), (&json!("2026-01-12"), &json!("2027-01-11")));
        assert_eq!(app.get_as_city(&format!("{REPORT}&known_at={known_at}")).await.body, before.body);
        let with = app.get_as_city(REPORT).await;
        let with_at = with.ok()["known_at"].as_str().expect("an instant").to_owned();
        assert_eq!(app.get_as_city(&format!("{REPORT}&known_at={with_at}")).await.body, with.body);
        // A platform's revocation does not withdraw what no platform reported.
        let secret = app.platform("larportal").await;
        let revoked = json!({"type": "completion.revoked", "timestamp": "2026-02-26T10:00:00Z",
            "data": {"learner": {"employee_number": "1003"}, "course": {"id": "infosec-basics-2023"}}});
        app.deliver("larportal", &secret, "e-1", &revoked).await.ok();
        assert_eq!(counts(&app).await, stale);
        let path = format!("/api/v1/prior-training/{}/withdraw", made["id"]);
        app.post(&path, Some(&admin), &json!({"reason": "forged"})).await.ok();
        assert_eq!(counts(&app).await["overdue"], 2);
        assert_eq!(app.get_as_city(&format!("{REPORT}&known_at={with_at}")).await.body, with.body);
        let story = app.get_as_city("/api/v1/employees/1003/history?kind=prior_training").await.ok();
        insta::allow_duplicates!(insta::assert_snapshot!(lines(&story), @r"
        prior_training added by test admin (prior_training): course – → infosec-basics-2023, completed_on – → 2026-01-12 because certificate from Region Skåne, seen
        prior_training withdrawn by test admin (prior_training): course infosec-basics-2023 → –, completed_on 2026-01-12 → – because forged
        "));
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_quiz_done_elsewhere_must_reach_the_pass_mark(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let admin = app.token(Role::Admin, &[]).await;
        let secret = app.platform("larportal").await;
        let course = completed(json!({"employee_number": "1003"}), "infosec-basics", "2026-01-10T10:00:00+01:00");
        app.deliver("larportal", &secret, "e-1", &course).await.ok();
        let quiz = |score: Value| json!({"employee_number": "1003", "quiz": "infosec-basics-quiz", "score": score,
            "completed_on": "2026-01-12", "reason": "certificate"});
        let failed = quiz(json!({"raw": "15.9", "max": "20"}));
        app.post("/api/v1/prior-training", Some(&admin), &failed).await.ok();
        assert_eq!(counts(&app).await["compliant"], 0);
        app.post("/api/v1/prior-training", Some(&admin), &quiz(json!({"raw": "16", "max": "20"}))).await.ok();
        assert_eq!(counts(&app).await["compliant"], 1);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn with_two_person_approval_prior_training_waits_for_the_second(database: TestDatabase) {
        let app = where_two_must_agree(&database).await;
        small_city(&app).await;
        let (admin, other) = (app.token(Role::Admin, &[]).await, another_admin(&app).await);
        let made = app.post("/api/v1/prior-training", Some(&admin), &certificate()).await.ok();
        assert_eq!(made["state"], "proposed");
        assert_eq!(counts(&app).await["compliant"], 0);
        let waiting = app.get_as_city("/api/v1/prior-training?state=proposed").await.ok();
        assert_eq!(waiting["items"], json!([made]));
        let approve = format!("/api/v1/prior-training/{}/approve", made["id"]);
        app.post(&approve, Some(&admin), &json!({})).await.problem(409);
        app.post(&approve, Some(&other), &json!({})).await.ok();
        assert_eq!(counts(&app).await["compliant"], 1);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_file_of_prior_training_is_recognised_once(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let line = CommandLine::on(&database);
        line.write("prior.csv", FILE);
        let import = "directory import --prior-training prior.csv --partial";
        let tried = line.ok(&format!("{import} --dry-run"));
        assert_eq!(tried.err.lines().last(), Some("Would recognise: 3 of prior training; 0 known already."));
        assert_eq!(app.rows_in("proposal").await, 0);
        let done = line.ok(import);
        assert_eq!(done.err.lines().last(), Some("Recognised: 3 of prior training; 0 known already."));
        assert_eq!(line.ok(import).err.lines().last(), Some("Recognised: 0 of prior training; 3 known already."));
        assert_eq!(counts(&app).await["compliant"], 2);
        assert_eq!(app.differences().await, [""; 0]);
        line.write("bad.csv", format!("{FILE}4711,infosec-basics,,,,2026-01-12,certificate\n1002,swimming,,,,2026-01-12,x\n"));
        line.run("directory import --prior-training bad.csv --partial").assert_failed("on the lines 5;");
        assert_eq!(app.rows_in("proposal").await, 3, "all or nothing");
        line.write("broken.csv", "employee_number,course_id,completed_on,reason\n1002,,2026-01-12,x\n1002,a,2026-13-12,x\n1002,b,2026-01-12,\n");
        let broken = line.run("directory import --prior-training broken.csv --partial");
        assert_eq!(broken.code, Some(1));
        insta::allow_duplicates!(insta::assert_snapshot!(broken.err, @r#"
        prior training, line 2, column course_id: the value is empty, and so is quiz_id; fill in the course or the quiz that it counts as
        prior training, line 3, column completed_on: "2026-13-12" is not a day; write it as 2026-03-01 or 20260301
        prior training, line 4, column reason: the value is empty; fill it in
        kurskoll: nothing was imported: 3 problems
        "#));
        let two = line.run("directory import --prior-training prior.csv --full");
        assert_eq!(two.code, Some(2), "always a partial file");
    }

    async fn with_two_person_approval_the_rows_of_a_file_are_proposals(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let line = CommandLine::on(&database).with("ROCKET_APPROVAL", "{prior_training=true}");
        line.write("prior.csv", FILE);
        let done = line.ok("directory import --prior-training prior.csv --partial");
        assert_eq!(done.err.lines().last(), Some("Proposed, for another person to approve: 3 of prior training; 0 known already."));
        assert_eq!(counts(&app).await["compliant"], 0);
        let waiting = app.get_as_city("/api/v1/prior-training?state=proposed").await.ok();
        let items = waiting["items"].as_array().expect("items");
        assert!(items.len() == 3 && items.iter().all(|item| item["proposed_by"] == "operator"), "{waiting}");
    }

    async fn invalid_prior_training_is_refused(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let admin = app.token(Role::Admin, &[]).await;
        let mut reported = Vec::new();
        for (field, value) in [
            ("employee_number", json!("4711")),
            ("course", Value::Null),
            ("quiz", json!("infosec-basics-quiz")),
            ("score", json!({"raw": "1", "max": "2"})),
            ("completed_on", json!("2026-02-27")),
            ("reason", json!(" ")),
        ] {
            let mut body = certificate();
            body[field] = value;
            let answer = app.post("/api/v1/prior-training", Some(&admin), &body).await;
            reported.push(format!("{} {}", answer.status, answer.json()["detail"].as_str().expect("a detail")));
        }
        insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r"
        404 no employee 4711 is known here
        422 /course or quiz must be given, one of the two
        422 /course or quiz must be given, one of the two
        422 /score belongs to a quiz; leave it out for a course
        422 completed_on 2026-02-27 lies in the future; give the day on which it was done
        422 /reason is empty; say why, for those who read the history
        "));
    }
}
