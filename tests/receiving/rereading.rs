//! Deliveries that were understood wrongly are read again with a corrected profile: `platform reread`.

use kurskoll::app::Caller;
use kurskoll::app::platforms::add::NewPlatform;
use kurskoll::domain::access::Role;
use kurskoll::domain::ids::PlatformCode;
use kurskoll::domain::linking::LinkingKey;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};
use crate::support::commands::CommandLine;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::small_city;
use crate::support::xapi::{COURSE, account, moodle, quiz_attempt};
use crate::xapi::{city_with_moodle, status_of};

/// Reads the course from the wrong place, and the notice's time as the completion's.
const WRONG: &str = r#"
title = "Kursen"
[signature]
scheme = "shared-secret"
header = "X-Api-Key"
[body]
each = "$.all[*]"
[fields]
event_id = "$.id"
type = "$.what"
email = "$.mail"
course = "$.name"
revoked_event_id = "$.of"
occurred_at = "$.sent"
[[events]]
type = "done"
is = "completion"
[[events]]
type = "undone"
is = "revocation"
"#;

fn mended() -> String {
    let ignored = "[[events]]\ntype = \"done\"\nwhen = [{ path = \"$.test\", exists = true }]\nis = \"ignore\"\n[[events]]\ntype = \"done\"";
    WRONG
        .replace("$.name", "$.course")
        .replace("occurred_at = \"$.sent\"", "occurred_at = [\"$.done\", \"$.sent\"]")
        .replacen("[[events]]\ntype = \"done\"", ignored, 1)
}

fn code() -> PlatformCode {
    PlatformCode::parse("kursen").expect("a code")
}

async fn add(app: &TestApp) -> String {
    let new = NewPlatform {
        code: code(),
        adapter: "profile".to_owned(),
        linking_keys: LinkingKey::DEFAULT_ORDER.to_vec(),
        time_zone: chrono_tz::Europe::Stockholm,
    };
    let added = app.app.add_webhook_platform(&Caller::operator(), &new, Some(WRONG), None).await;
    added.expect("a platform").reveal()
}

async fn send(app: &TestApp, secret: &str, events: Value) -> Value {
    let request = app.client.post(format!("{}/webhooks/kursen", app.address));
    let request = request.header("content-type", "application/json").header("X-Api-Key", secret);
    Answer::to(request.body(json!({"all": events}).to_string())).await.expect("an answer").ok()
}

fn done(id: &str, who: &str) -> Value {
    json!({"id": id, "what": "done", "mail": format!("{who}@example.org"), "name": "Grunderna", "course": "infosec-basics-2023",
           "done": "2026-02-01T22:00:00Z", "sent": "2026-02-02T10:00:00Z"})
}

async fn status(app: &TestApp, number: &str) -> String {
    app.export_row("SEF", number).await["status"].clone()
}

both_databases! {
    async fn a_wrongly_understood_delivery_is_right_from_the_reread_on(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = add(&app).await;
        let mut test = done("e-3", "cecilia");
        test["test"] = json!(true);
        send(&app, &secret, json!([done("e-1", "anna"), done("e-2", "bo"), test])).await;
        // The same again, which a newer delivery reports once.
        send(&app, &secret, json!([done("e-1", "anna"), done("e-4", "anna")])).await;
        // Withdrawn by its id, whatever its other fields say.
        send(&app, &secret, json!([{"id": "r-1", "what": "undone", "mail": "bo@example.org", "name": "ladders", "course": "ladders", "of": "e-2",
                                    "sent": "2026-02-03T10:00:00Z"}])).await;
        assert_eq!(status(&app, "1001").await, "pending");
        app.refresh().await;
        let before = app.report("infosec-onboarding").await;
        app.app.give_profile(&Caller::operator(), &code(), &mended()).await.expect("a profile");
        let admin = app.token(Role::Admin, &[]).await;
        let reread = async |body: Value| app.post("/api/v1/platforms/kursen/reread", Some(&admin), &body).await.ok();
        let tried = reread(json!({"dry_run": true})).await;
        let counts = |answer: &Value| ["deliveries", "added", "changed", "dropped"].map(|name| answer[name].clone());
        assert_eq!(counts(&tried), [json!(3), json!(0), json!(3), json!(1)], "{tried}");
        assert_eq!(tried["not_understood"], json!([]));
        let changes = tried["changes"].as_array().expect("changes");
        assert!(changes.iter().any(|change| change["employee_number"] == "1001" && change["status_after"] == "compliant"), "{tried}");
        assert_eq!(status(&app, "1001").await, "pending");
        let made = reread(json!({})).await;
        assert_eq!(counts(&made), counts(&tried));
        let row = app.export_row("SEF", "1001").await;
        let reported = ["status", "satisfied_on", "evidence_event_id"].map(|column| row[column].as_str());
        assert_eq!(reported, ["compliant", "2026-02-01", "e-1"]);
        assert_eq!(status(&app, "1002").await, "pending", "the revocation has the right target");
        app.refresh().await;
        assert_eq!(status(&app, "1001").await, "compliant");
        // Earlier reports are unchanged, and a second reread changes nothing.
        let known_at = before["known_at"].as_str().expect("an instant");
        let path = format!("/api/v1/reports/onboarding?requirement=infosec-onboarding&known_at={known_at}");
        assert_eq!(app.get_as_city(&path).await.ok(), before);
        let again = reread(json!({})).await;
        assert_eq!(counts(&again), [json!(3), json!(0), json!(0), json!(0)], "{again}");
        assert_eq!(again["changes"], json!([]));
        // What is sent again is a duplicate, also for a process that starts with the new profile.
        let app = TestApp::start(&database).await;
        assert_eq!(send(&app, &secret, json!([done("e-1", "anna"), done("e-9", "anna")])).await["outcome"], "duplicate");
        app.verified_events().await;
        assert_eq!(app.differences().await, [""; 0]);
        let story = app.get_as_city("/api/v1/employees/1001/history?kind=result").await.ok();
        assert!(story.to_string().contains("Grunderna") && story.to_string().contains("infosec-basics-2023"), "{story}");
    }

    async fn reading_again_is_the_same_as_having_read_rightly(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = add(&app).await;
        for delivery in 0..230 {
            send(&app, &secret, json!([done(&format!("e-{delivery}"), ["anna", "bo"][delivery % 2])])).await;
        }
        app.app.give_profile(&Caller::operator(), &code(), &mended()).await.expect("a profile");
        let commands = CommandLine::on(&database);
        let ran = commands.ok("platform reread kursen --dry-run");
        assert!(ran.err.contains("Read again: 230. Results added: 0, changed: 230, dropped: 0."), "{}", ran.err);
        assert_eq!(status(&app, "1001").await, "pending");
        commands.ok("platform reread kursen --since 2099-01-01");
        assert_eq!(status(&app, "1001").await, "pending");
        commands.ok("platform reread kursen");
        assert_eq!((status(&app, "1001").await, status(&app, "1002").await), ("compliant".to_owned(), "compliant".to_owned()));
        // Of all duplicates, one is the first.
        assert_eq!(app.differences().await, [""; 0]);
        commands.run("platform reread nothing").assert_failed("no platform has the code nothing");
    }

    async fn statements_are_reread_with_new_verbs(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let finished = moodle(account("17"), "https://larportal.example.org/verbs/finished", ("/course/view.php?id=2", COURSE), "2026-02-01T10:00:00Z");
        app.send_statements(&sender, &json!([quiz_attempt(account("17"), 1, 20.0, "2026-02-01T10:00:00Z")])).await;
        // A delivery of its own that was ignored as a whole, and that the chain covers before it is reread.
        app.send_statements(&sender, &json!([finished])).await;
        app.verified_events().await;
        assert_eq!(status_of(&app, "1001").await, "pending");
        let moodle = PlatformCode::parse("moodle").expect("a code");
        let profile = "[verbs]\ncompleted = [\"https://larportal.example.org/verbs/finished\"]\n";
        app.app.give_profile(&Caller::operator(), &moodle, profile).await.expect("a profile");
        let admin = app.token(Role::Admin, &[]).await;
        let answer = app.post("/api/v1/platforms/moodle/reread", Some(&admin), &json!({})).await.ok();
        assert_eq!(answer["added"], 1, "{answer}");
        assert_eq!(status_of(&app, "1001").await, "compliant");
        app.verified_events().await;
        assert_eq!(app.differences().await, [""; 0]);
    }
}
