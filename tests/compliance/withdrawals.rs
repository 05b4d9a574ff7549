//! Results that are withdrawn, restored, reported again and reset: by platforms and by hand.

use kurskoll::app::Caller;
use kurskoll::config::{ApprovalSettings, Settings};
use kurskoll::domain::access::Role;
use kurskoll::domain::ids::PlatformCode;
use serde_json::{Value, json};

use crate::employees::exemptions::another_admin;
use crate::employees::history::lines;
use crate::support::app::{TestApp, TestClock};
use crate::support::commands::CommandLine;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, graded, small_city};
use crate::support::xapi::{COURSE, account, course_completed, moodle, quiz_attempt};
use crate::xapi::{both_of, city_with_moodle, status_of};

const DECISIONS: &str = "/api/v1/results/decisions";
const UNCOMPLETED: &str = "https://xapi.edlm/profiles/edlm-lms/concepts/verbs/uncompleted";
const AT: &str = "2026-02-01T10:00:00Z";

fn anna() -> Value {
    json!({"employee_number": "1001"})
}

/// A completion that alone makes Anna compliant.
fn done() -> Value {
    completed(anna(), "infosec-basics-2023", AT)
}

fn revoked(event_id: Option<&str>, at: &str) -> Value {
    let mut body = json!({"type": "completion.revoked", "timestamp": at,
                          "data": {"learner": anna(), "course": {"id": "infosec-basics-2023"}, "reason": "by mistake"}});
    if let Some(event_id) = event_id {
        body["data"]["event_id"] = json!(event_id);
    }
    body
}

async fn status(app: &TestApp) -> String {
    app.export_row("SEF", "1001").await["status"].clone()
}

fn void(statement: &str) -> Value {
    json!({
        "actor": {"mbox": "mailto:larare@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
        "object": {"objectType": "StatementRef", "id": statement},
        "timestamp": "2026-02-05T10:00:00Z",
    })
}

fn decision(event_id: &str, decision: &str) -> Value {
    json!({"event_id": event_id, "decision": decision, "reason": "asked by phone"})
}

both_databases! {
    async fn a_revocation_that_is_revoked_has_no_effect_in_any_order(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let reported = [
            ("done", done()),
            ("r-1", revoked(Some("done"), "2026-02-02T10:00:00Z")),
            ("r-2", revoked(Some("r-1"), "2026-02-03T10:00:00Z")),
        ];
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for (round, order) in orders.iter().enumerate() {
            // Each round but the last has a course of its own, which no requirement names.
            for place in order {
                let (id, mut body) = reported[*place].clone();
                body["data"]["course"]["id"] = json!(format!("c-{round}"));
                if let Some(named) = body["data"]["event_id"].as_str() {
                    body["data"]["event_id"] = json!(format!("{named}-{round}"));
                }
                app.deliver("larportal", &secret, &format!("{id}-{round}"), &body).await.ok();
                app.refresh().await;
            }
        }
        let alternatives: Vec<String> =
            (0..orders.len()).map(|round| format!("{{ course = \"c-{round}\" }}")).collect();
        app.apply(&format!(
            "[[requirement]]\ncode = \"all\"\ntitle_sv = \"A\"\ntitle_en = \"A\"\neffective_from = 2026-01-01\naudience = {{}}\n\
             alternatives = [ [ {} ] ]\n",
            alternatives.join(", ")
        )).await;
        assert_eq!(app.report("all").await["city"]["counts"]["compliant"], 1);
        // The third revocation of a chain withdraws the result again, also after a refresh.
        app.refresh().await;
        let mut third = revoked(Some("r-2-3"), "2026-02-04T10:00:00Z");
        third["data"]["course"]["id"] = json!("c-3");
        let answer = app.deliver("larportal", &secret, "r-3-3", &third).await.ok();
        assert_eq!(answer, json!({"event_id": "r-3-3", "outcome": "accepted", "linked": true}));
        assert_eq!(app.report("all").await["city"]["counts"]["compliant"], 0);
        app.verified_events().await;
    }

    async fn a_delivery_without_effect_is_answered_with_the_reason(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let deliver = async |id: &str, body: &Value| app.deliver("larportal", &secret, id, body).await.ok();
        let early = deliver("r-1", &revoked(Some("e-1"), "2026-02-02T10:00:00Z")).await;
        assert_eq!((&early["outcome"], &early["effect"]), (&json!("accepted"), &json!("none")));
        assert_eq!(
            early["detail"],
            "It is stored, and has no effect now: it names the event e-1, which is not known here: it takes effect if that event arrives."
        );
        // When the event arrives, it is already withdrawn.
        let answer = deliver("e-1", &done()).await;
        assert_eq!((&answer["outcome"], &answer["effect"], &answer["withdrawn_by"]), (&json!("accepted"), &json!("none"), &json!("r-1")));
        // Sent again unchanged or under a new id, it stays withdrawn.
        for id in ["e-1", "e-2"] {
            let answer = deliver(id, &done()).await;
            assert_eq!((&answer["outcome"], &answer["effect"], &answer["withdrawn_by"]), (&json!("duplicate"), &json!("none"), &json!("r-1")), "{id}");
        }
        assert_eq!(status(&app).await, "pending");
        // Reported anew after the withdrawal, it counts once, under any id.
        let mut again = done();
        again["timestamp"] = json!("2026-02-10T10:00:00Z");
        assert_eq!(deliver("e-3", &again).await, json!({"event_id": "e-3", "outcome": "accepted", "linked": true}));
        assert_eq!(deliver("e-3", &again).await, json!({"event_id": "e-3", "outcome": "duplicate", "linked": true}));
        assert_eq!(deliver("e-4", &again).await, json!({"event_id": "e-4", "outcome": "duplicate", "linked": true}));
        assert_eq!(status(&app).await, "compliant");
        let story = app.get_as_city("/api/v1/employees/1001/history?kind=result").await.ok();
        assert!(lines(&story).contains("e-3") || story.to_string().contains("\"e-3\""), "{story}");
        // A revocation of everything before it, in a course in which nothing was done.
        let mut nothing = revoked(None, "2026-02-20T10:00:00Z");
        nothing["data"]["course"]["id"] = json!("ladders");
        let answer = deliver("r-9", &nothing).await;
        assert_eq!((&answer["effect"], &answer["withdrawn_by"]), (&json!("none"), &Value::Null));
        app.verified_events().await;
    }

    async fn a_revocation_that_names_course_and_quiz_withdraws_the_quizs_attempts(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let deliver = async |id: &str, body: &Value| app.deliver("larportal", &secret, id, body).await.ok();
        deliver("e-1", &completed(anna(), "infosec-basics", AT)).await;
        deliver("e-2", &graded(anna(), "infosec-basics-quiz", 1, "20", AT)).await;
        assert_eq!(status(&app).await, "compliant");
        let mut body = revoked(None, "2026-02-20T10:00:00Z");
        body["data"]["course"]["id"] = json!("infosec-basics");
        body["data"]["quiz"] = json!({"id": "infosec-basics-quiz"});
        deliver("e-3", &body).await;
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["status"].as_str(), row["attempts"].as_str()), ("pending", "0"));
        deliver("e-4", &graded(anna(), "infosec-basics-quiz", 2, "20", "2026-02-21T10:00:00Z")).await;
        assert_eq!(status(&app).await, "compliant", "the completion of the course is in force");
        app.verified_events().await;
    }

    async fn a_revocation_treats_merged_numbers_as_one_person(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.deliver("larportal", &secret, "e-1", &done()).await.ok();
        let admin = app.token(Role::Admin, &[]).await;
        let body = json!({"duplicate": "1002", "reason": "hired twice"});
        app.post("/api/v1/employees/1001/merge", Some(&admin), &body).await.ok();
        let mut all = revoked(None, "2026-02-20T10:00:00Z");
        all["data"]["learner"] = json!({"employee_number": "1002"});
        app.deliver("larportal", &secret, "r-1", &all).await.ok();
        assert_eq!(status(&app).await, "pending");
        let known_at = app.report("infosec-onboarding").await["known_at"].as_str().expect("an instant").to_owned();
        let then = app.get_as_city(&format!("/api/v1/administrations/SEF/export.csv?known_at={known_at}")).await.body;
        assert!(!then.contains("compliant"), "{then}");
        app.verified_events().await;
    }

    async fn a_voided_reset_restores_and_a_voided_voiding_does_not(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.send_statements(&sender, &both_of("17")).await;
        let reset = moodle(account("17"), UNCOMPLETED, ("/course/view.php?id=2", COURSE), "2026-02-02T10:00:00Z");
        let reset = app.send_statements(&sender, &reset).await.remove(0);
        assert_eq!(status_of(&app, "1001").await, "pending");
        app.send_statements(&sender, &void(&reset)).await;
        assert_eq!(status_of(&app, "1001").await, "compliant");
        let mut reported = both_of("18");
        reported[0]["id"] = json!("0b2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11");
        app.send_statements(&sender, &reported).await;
        let voiding = app.send_statements(&sender, &void("0b2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11")).await.remove(0);
        app.send_statements(&sender, &void(&voiding)).await;
        assert_eq!(status_of(&app, "1002").await, "pending");
        app.verified_events().await;
    }

    async fn a_reset_withdraws_nothing_from_earlier_days_unless_the_profile_says_so(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_with_moodle(&app).await;
        for (platform, learner, number, profile, late, soon) in [
            ("recent", "anna", "1001", "", "compliant", "pending"),
            ("all", "bo", "1002", "[reading]\nuncompleted_withdraws = \"all\"\n", "pending", "pending"),
            ("nothing", "cecilia", "1003", "[reading]\nuncompleted_withdraws = \"nothing\"\n", "compliant", "compliant"),
        ] {
            let sender = app.xapi_platform(platform).await;
            if !profile.is_empty() {
                let code = PlatformCode::parse(platform).expect("a code");
                app.app.give_profile(&Caller::operator(), &code, profile).await.expect("a profile");
            }
            let actor = || json!({"mbox": format!("mailto:{learner}@example.org")});
            let reset = |at: &str| moodle(actor(), UNCOMPLETED, ("/course/view.php?id=2", COURSE), at);
            app.send_statements(&sender, &course_completed(actor(), "2026-02-01T10:00:00Z")).await;
            app.send_statements(&sender, &quiz_attempt(actor(), 5, 16.0, "2026-02-01T10:00:00Z")).await;
            assert_eq!(status_of(&app, number).await, "compliant");
            // Half past midnight in Stockholm, on the third day.
            app.send_statements(&sender, &reset("2026-02-02T23:30:00Z")).await;
            assert_eq!(status_of(&app, number).await, late, "{platform}");
            app.send_statements(&sender, &reset("2026-02-02T22:59:00Z")).await;
            assert_eq!(status_of(&app, number).await, soon, "{platform}");
        }
        app.verified_events().await;
    }

    async fn a_result_is_withdrawn_and_restored_by_hand(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.deliver("larportal", &secret, "e-1", &done()).await.ok();
        app.refresh().await;
        let before = app.report("infosec-onboarding").await;
        let admin = app.token(Role::Admin, &[]).await;
        let mut tried = decision("e-1", "withdraw");
        tried["dry_run"] = json!(true);
        let preview = app.post(DECISIONS, Some(&admin), &tried).await.ok();
        assert_eq!(preview["decision"], Value::Null);
        assert_eq!(preview["changes"], json!([{
            "employee_number": "1001", "requirement": "infosec-onboarding", "from": "2026-02-01",
            "status_before": "compliant", "status_after": "pending",
            "valid_until_before": "2027-01-31", "valid_until_after": null,
        }]));
        assert_eq!(status(&app).await, "compliant");
        let made = app.post(DECISIONS, Some(&admin), &decision("e-1", "withdraw")).await.ok();
        assert_eq!((&made["changes"], &made["decision"]["state"]), (&preview["changes"], &json!("decided")));
        assert_eq!(status(&app).await, "pending");
        app.refresh().await;
        assert_eq!(status(&app).await, "pending");
        app.post(DECISIONS, Some(&admin), &decision("e-1", "withdraw")).await.problem(409);
        // A result that the platform sends again stays withdrawn, and the answer says by what.
        let again = app.deliver("larportal", &secret, "e-2", &done()).await.ok();
        assert_eq!((&again["outcome"], &again["withdrawn_by"]), (&json!("duplicate"), &json!(format!("hand:{}", made["decision"]["id"]))));
        let withdrawn = app.report("infosec-onboarding").await;
        let restored = app.post(DECISIONS, Some(&admin), &decision("e-1", "restore")).await.ok();
        assert_eq!(restored["changes"][0]["status_after"], "compliant");
        assert_eq!(status(&app).await, "compliant");
        let refused = app.post(DECISIONS, Some(&admin), &decision("e-1", "restore")).await.problem(409);
        assert_eq!(refused, "e-1 is not withdrawn: there is nothing to restore");
        // The platform may still withdraw it, and that can be restored as well.
        let answer = app.deliver("larportal", &secret, "r-1", &revoked(Some("e-1"), "2026-02-20T10:00:00Z")).await.ok();
        assert_eq!(answer["effect"], Value::Null);
        assert_eq!(status(&app).await, "pending");
        app.post(DECISIONS, Some(&admin), &decision("e-1", "restore")).await.ok();
        assert_eq!(status(&app).await, "compliant");
        // A decision by hand takes precedence over the platform's later revocation; the answer says so.
        let answer = app.deliver("larportal", &secret, "r-2", &revoked(Some("e-1"), "2026-02-21T10:00:00Z")).await.ok();
        assert_eq!(answer["effect"], "none");
        assert_eq!(status(&app).await, "compliant");
        // Earlier reports are unchanged.
        for then in [before, withdrawn] {
            let known_at = then["known_at"].as_str().expect("an instant");
            let path = format!("/api/v1/reports/onboarding?requirement=infosec-onboarding&known_at={known_at}");
            assert_eq!(app.get_as_city(&path).await.ok(), then);
        }
        let story = app.get_as_city("/api/v1/employees/1001/history?kind=withdrawal").await.ok();
        let reported: Vec<&str> = story["items"].as_array().expect("entries").iter().map(|entry| entry["happened"].as_str().expect("a word")).collect();
        assert_eq!(reported, ["added", "withdrawn", "added"], "{story}");
        let listed = app.get(&format!("{DECISIONS}?state=decided"), Some(&admin)).await.ok();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
        app.verified_events().await;
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn with_two_person_approval_a_decision_counts_from_the_approval(database: TestDatabase) {
        let approval = ApprovalSettings { results: true, ..ApprovalSettings::default() };
        let app = TestApp::start_with(&database, TestClock::frozen(), |settings| Settings { approval, ..settings }).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.deliver("larportal", &secret, "e-1", &done()).await.ok();
        let (admin, other) = (app.token(Role::Admin, &[]).await, another_admin(&app).await);
        let made = app.post(DECISIONS, Some(&admin), &decision("e-1", "withdraw")).await.ok();
        assert_eq!((&made["needs_approval"], &made["decision"]["state"]), (&json!(true), &json!("proposed")));
        assert_eq!(made["changes"][0]["status_after"], "pending");
        assert_eq!(status(&app).await, "compliant");
        let approve = format!("{DECISIONS}/{}/approve", made["decision"]["id"]);
        app.post(&approve, Some(&admin), &json!({})).await.problem(409);
        app.post(&approve, Some(&other), &json!({})).await.ok();
        assert_eq!(status(&app).await, "pending");
        let proposed = app.post(DECISIONS, Some(&admin), &decision("e-1", "restore")).await.ok();
        let reject = format!("{DECISIONS}/{}/reject", proposed["decision"]["id"]);
        let rejected = app.post(&reject, Some(&admin), &json!({"reason": "it was wrong after all"})).await.ok();
        assert_eq!(rejected["state"], "rejected");
        assert_eq!(status(&app).await, "pending");
        app.verified_events().await;
    }

    async fn a_reset_is_withdrawn_by_hand_and_an_id_of_two_platforms_needs_the_platform(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let (larportal, moodle) = (app.platform("larportal").await, app.platform("moodle").await);
        app.deliver("larportal", &larportal, "e-1", &done()).await.ok();
        app.deliver("moodle", &moodle, "e-1", &completed(anna(), "ladders", AT)).await.ok();
        app.deliver("larportal", &larportal, "r-1", &revoked(None, "2026-02-20T10:00:00Z")).await.ok();
        assert_eq!(status(&app).await, "pending");
        let commands = CommandLine::on(&database);
        commands.run("results withdraw e-1 --reason wrong").assert_failed("several platforms reported an event e-1: larportal, moodle");
        commands.run("results withdraw nothing --reason wrong").assert_failed("no platform reported an event nothing");
        let ran = commands.ok("results withdraw r-1 --reason it-was-no-reset --dry-run");
        // The command uses the machine's own day.
        assert!(ran.out.lines().nth(1).is_some_and(|row| row.starts_with("1001\tinfosec-onboarding\t2026-02-01\t")), "{}", ran.out);
        assert!(ran.out.ends_with("\tcompliant\n"), "{}", ran.out);
        assert_eq!(status(&app).await, "pending");
        commands.ok("results withdraw r-1 --reason it-was-no-reset");
        assert_eq!(status(&app).await, "compliant");
        commands.ok("results restore r-1 --reason it-was-one");
        assert_eq!(status(&app).await, "pending");
        app.verified_events().await;
    }
}
