//! A platform's health: its silence and the alarm, and what arrives late, twice, out of order or is not understood.

use std::collections::BTreeMap;

use chrono::Duration;
use kurskoll::domain::access::Role;
use kurskoll::intake::webhook::signature::WebhookSecret;
use serde_json::{Value, json};

use crate::support::app::{TestApp, TestClock};
use crate::support::commands::CommandLine;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, small_city};

async fn health(app: &TestApp, query: &str) -> Value {
    app.get_as_city(&format!("/api/v1/platforms/larportal/health{query}")).await.ok()
}

fn basics(number: &str, at: &str) -> Value {
    completed(json!({"employee_number": number}), "infosec-basics", at)
}

/// For so many days, every six hours a completion with a new instant and an event of another kind.
async fn train_for_days(app: &TestApp, secret: &WebhookSecret, days: i64) {
    for place in 0..days * 4 {
        let at = app.clock.now().to_rfc3339();
        app.deliver("larportal", secret, &format!("done-{place}"), &basics("1001", &at)).await.ok();
        app.deliver("larportal", secret, &format!("post-{place}"), &json!({"type": "forum.post"})).await.ok();
        app.clock.advance(Duration::hours(6));
    }
}

/// For so many hours, hourly deliveries without a result: a forum post, a completion that was already reported, a withdrawal.
async fn go_on_without_results(app: &TestApp, secret: &WebhookSecret, name: &str, hours: i64) {
    for hour in 0..hours {
        let id = |what: &str| format!("{name}-{what}-{hour}");
        app.deliver("larportal", secret, &id("post"), &json!({"type": "forum.post"})).await.ok();
        app.deliver("larportal", secret, &id("again"), &basics("1001", "2026-02-26T12:00:00+00:00")).await.ok();
        let withdrawal = json!({"type": "completion.revoked", "timestamp": app.clock.now().to_rfc3339(),
                                "data": {"learner": {"employee_number": "1002"}, "course": {"id": "infosec-basics"}}});
        app.deliver("larportal", secret, &id("withdrawn"), &withdrawal).await.ok();
        app.clock.advance(Duration::hours(1));
    }
}

/// A delivery every six hours, for so many days.
async fn send_for_days(app: &TestApp, secret: &WebhookSecret, days: i64) {
    for place in 0..days * 4 {
        app.deliver("larportal", secret, &format!("rhythm-{place}"), &json!({"type": "forum.post"})).await.ok();
        app.clock.advance(Duration::hours(6));
    }
}

both_databases! {
    async fn a_platform_shows_what_arrived_and_how(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.platform("moodle").await;
        let sender = app.sender("larportal", &secret);
        for (id, number, at) in [
            ("e-1", "1001", "2026-02-20T10:00:00Z"),
            ("e-2", "1002", "2026-02-22T10:00:00Z"),
            ("e-3", "9999", "2026-02-21T09:00:00Z"),
        ] {
            // The sender's clock is a minute behind.
            let signed_at = app.clock.now() - Duration::seconds(60);
            let request = sender.delivery(id, signed_at, basics(number, at).to_string().as_bytes());
            crate::support::app::Answer::to(request).await.expect("an answer").ok();
        }
        for _ in 0..2 {
            app.deliver("larportal", &secret, "e-1", &basics("1001", "2026-02-20T10:00:00Z")).await.ok();
        }
        app.deliver("larportal", &secret, "e-1", &basics("1001", "2026-02-19T10:00:00Z")).await.refused(409);
        let other = WebhookSecret::generate([7; 32]);
        app.deliver("larportal", &other, "e-9", &basics("1001", "2026-02-19T10:00:00Z")).await.refused(401);
        app.deliver("larportal", &secret, "q-1", &json!({"type": 1})).await.refused(422);
        app.clock.advance(Duration::hours(2));
        let reported = health(&app, "").await;
        assert_eq!(reported["silence"]["silence_seconds"], 7199, "{reported}");
        assert_eq!((&reported["silence"]["threshold_seconds"], &reported["silence"]["alarm"]), (&json!(259_200), &json!(false)));
        assert_eq!(reported["silence"]["threshold_from"], "standard");
        assert_eq!((&reported["deliveries"], &reported["quarantined"], &reported["quarantined_share"]), (&json!(4), &json!(1), &json!("25.0")));
        assert_eq!((&reported["linked_results"], &reported["waiting_results"], &reported["linked_share"]), (&json!(2), &json!(1), &json!("66.7")));
        let skew = reported["clock_skew"]["median_seconds"].as_str().expect("seconds");
        assert!(skew.starts_with("60."), "{skew}");
        // The third is 25 hours before the second.
        assert_eq!(reported["out_of_order"]["max_seconds"], "90000.000");
        assert_eq!(reported["out_of_order"]["median_seconds"], "0.000");
        let counted = ["duplicates", "conflicts", "refused_signatures"].map(|name| reported[name].as_u64().expect("a count"));
        assert_eq!(counted, [2, 1, 1]);
        // Since an instant after all deliveries: nothing.
        app.clock.advance(Duration::hours(2));
        let later = health(&app, "?since=2026-02-26T15:30:00Z").await;
        assert_eq!((&later["deliveries"], &later["duplicates"], &later["clock_skew"]), (&json!(0), &json!(0), &Value::Null));
        assert_eq!(later["quarantined_share"], Value::Null);

        let list = app.get_as_auditor("/api/v1/platforms").await.ok();
        let codes: Vec<&Value> = list["items"].as_array().expect("items").iter().map(|item| &item["code"]).collect();
        assert_eq!(codes, ["larportal", "moodle"]);
        assert_eq!((&list["items"][0]["quarantined"], &list["items"][1]["silence"]["last_delivery_at"]), (&json!(1), &Value::Null));
    }

    async fn an_alarm_is_learned_from_the_platforms_own_rhythm(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = app.platform("larportal").await;
        send_for_days(&app, &secret, 22).await;
        let silence = async || health(&app, "").await["silence"].clone();
        let reported = silence().await;
        assert_eq!((&reported["threshold_from"], &reported["alarm"]), (&json!("learned"), &json!(false)));
        // Twice six hours.
        assert_eq!(reported["threshold_seconds"], 43_200);
        app.clock.advance(Duration::hours(5));
        assert_eq!(silence().await["alarm"], false);
        app.clock.advance(Duration::hours(2));
        assert_eq!(silence().await["alarm"], true);
        app.app.watch_silence().await.expect("watched");
        let metrics = app.get("/metrics", None).await.body;
        assert!(metrics.contains("kurskoll_platform_silent{platform=\"larportal\"} 1"), "{metrics}");
        assert!(metrics.contains("kurskoll_platform_silence_seconds{platform=\"larportal\"} 46"), "{metrics}");
    }

    async fn a_platform_whose_completions_stop_while_other_events_continue_raises_an_alarm(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        train_for_days(&app, &secret, 22).await;
        let reported = health(&app, "").await;
        let results = &reported["result_silence"];
        assert_eq!((&results["threshold_from"], &results["alarm"]), (&json!("learned"), &json!(false)), "{reported}");
        assert_eq!(results["threshold_seconds"], 43_200, "twice six hours");
        let last_result_at = results["last_result_at"].clone();
        let before = crate::reports::report::report(&app, "").await;
        assert_eq!(before["data_quality"]["platforms"][0]["results_silent"], false);

        go_on_without_results(&app, &secret, "quiet", 7).await;
        let reported = health(&app, "").await;
        assert_eq!((&reported["silence"]["alarm"], &reported["result_silence"]["alarm"]), (&json!(false), &json!(true)), "{reported}");
        assert_eq!(reported["result_silence"]["last_result_at"], last_result_at);
        let list = app.get_as_city("/api/v1/platforms").await.ok();
        assert_eq!(list["items"][0]["result_silence"], reported["result_silence"]);
        app.app.watch_silence().await.expect("watched");
        let metrics = app.get("/metrics", None).await.body;
        for line in [
            r#"kurskoll_platform_silent{platform="larportal"} 0"#,
            r#"kurskoll_platform_results_silent{platform="larportal"} 1"#,
            r#"kurskoll_platform_result_silence_seconds{platform="larportal"} 46"#,
        ] {
            assert!(metrics.contains(line), "{line}\n{metrics}");
        }
        let report = crate::reports::report::report(&app, "").await;
        let platform = &report["data_quality"]["platforms"][0];
        assert_eq!((&platform["last_result_at"], &platform["results_silent"]), (&last_result_at, &json!(true)));

        // A result ends the silence; earlier reports stay the same.
        let at = app.clock.now().to_rfc3339();
        app.deliver("larportal", &secret, "done-again", &basics("1002", &at)).await.ok();
        assert_eq!(health(&app, "").await["result_silence"]["alarm"], false);
        for known in [before, report] {
            let known_at = known["known_at"].as_str().expect("an instant");
            let as_of = known["as_of"].as_str().expect("a day");
            let again = crate::reports::report::report(&app, &format!("&known_at={known_at}&as_of={as_of}")).await;
            assert_eq!(again["data_quality"], known["data_quality"]);
        }
    }

    async fn the_operator_may_set_after_how_many_days_without_a_result_an_alarm_is_raised(database: TestDatabase) {
        let days = BTreeMap::from([("larportal".to_owned(), 2), ("moodle".to_owned(), 0)]);
        let app = TestApp::start_with(&database, TestClock::frozen(), |mut settings| {
            settings.platforms.result_alarm_days = days;
            settings
        })
        .await;
        let secret = app.platform("larportal").await;
        app.platform("moodle").await;
        let alarms = async || {
            let list = app.get_as_city("/api/v1/platforms").await.ok();
            [0, 1].map(|place| list["items"][place]["result_silence"].clone())
        };
        app.clock.advance(Duration::hours(49));
        app.deliver("larportal", &secret, "e-1", &json!({"type": "forum.post"})).await.ok();
        let [larportal, moodle] = alarms().await;
        assert_eq!((&larportal["alarm"], &larportal["threshold_seconds"]), (&json!(true), &json!(172_800)));
        assert_eq!((&larportal["threshold_from"], &larportal["last_result_at"]), (&json!("configured"), &Value::Null));
        assert_eq!((&moodle["alarm"], &moodle["threshold_seconds"]), (&json!(false), &Value::Null));
        // A file of history does not come from the platform itself.
        let token = app.token(Role::Admin, &[]).await;
        let request = app.client.post(format!("{}/api/v1/platforms/larportal/results", app.address)).bearer_auth(token);
        let file = "type,email,course_id,occurred_at\ncompletion,a@example.org,c,2025-05-01\n";
        let request = request.header("content-type", "text/csv").body(file);
        crate::support::app::Answer::to(request).await.expect("an answer").ok();
        assert_eq!(alarms().await[0]["alarm"], true);
        app.deliver("larportal", &secret, "e-2", &basics("1001", "2026-02-20T10:00:00Z")).await.ok();
        assert_eq!(alarms().await[0]["alarm"], false);
    }

    async fn results_that_waited_in_quarantine_end_the_silence_at_their_arrival(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = app.platform("larportal").await;
        app.deliver("larportal", &secret, "e-1", &basics("1001", "2026-02-20T10:00:00Z")).await.ok();
        let first = health(&app, "").await["result_silence"]["last_result_at"].clone();
        app.clock.advance(Duration::hours(1));
        app.deliver("larportal", &secret, "e-2", &json!({"type": "course.completed", "data": {}})).await.refused(422);
        app.clock.advance(Duration::hours(1));
        let reported = health(&app, "").await;
        assert_eq!(reported["result_silence"]["last_result_at"], first);
        assert_ne!(reported["silence"]["last_delivery_at"], first);
    }

    async fn the_operator_may_set_when_an_alarm_is_raised(database: TestDatabase) {
        let hours = BTreeMap::from([("larportal".to_owned(), 3), ("moodle".to_owned(), 0)]);
        let app = TestApp::start_with(&database, TestClock::frozen(), |mut settings| {
            settings.platforms.silence_alarm_hours = hours;
            settings
        })
        .await;
        app.platform("larportal").await;
        app.platform("moodle").await;
        app.clock.advance(Duration::hours(4));
        let list = app.get_as_city("/api/v1/platforms").await.ok();
        let silence = |place: usize| list["items"][place]["silence"].clone();
        assert_eq!((&silence(0)["alarm"], &silence(0)["threshold_seconds"]), (&json!(true), &json!(10_800)));
        assert_eq!((&silence(1)["alarm"], &silence(1)["threshold_seconds"]), (&json!(false), &Value::Null));
    }

    async fn a_file_of_history_ends_no_silence(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        app.platform("larportal").await;
        let token = app.token(Role::Admin, &[]).await;
        let request = app.client.post(format!("{}/api/v1/platforms/larportal/results", app.address)).bearer_auth(token);
        let file = "type,email,course_id,occurred_at\ncompletion,a@example.org,c,2025-05-01\n";
        let request = request.header("content-type", "text/csv").body(file);
        crate::support::app::Answer::to(request).await.expect("an answer").ok();
        assert_eq!(health(&app, "").await["silence"]["last_delivery_at"], Value::Null);
    }

    async fn a_caller_for_the_whole_city_reads_it_and_an_unknown_platform_is_404(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        app.platform("larportal").await;
        for path in ["/api/v1/platforms", "/api/v1/platforms/larportal/health"] {
            app.get(path, Some(&app.token(Role::Administration, &["SEF"]).await)).await.refused(403);
            app.get(path, Some(&app.token(Role::Scim, &[]).await)).await.refused(403);
        }
        for unknown in ["other", "Ö"] {
            app.get_as_city(&format!("/api/v1/platforms/{unknown}/health")).await.refused(404);
        }
        app.get_as_city("/api/v1/platforms/larportal/health?since=yesterday").await.refused(400);
    }

    async fn counts_of_several_processes_add_up(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = app.platform("larportal").await;
        let other = TestApp::start(&database).await;
        app.deliver("larportal", &secret, "e-1", &json!({"type": "forum.post"})).await.ok();
        for _ in 0..3 {
            other.deliver("larportal", &secret, "e-1", &json!({"type": "forum.post"})).await.ok();
            app.deliver("larportal", &secret, "e-1", &json!({"type": "forum.post"})).await.ok();
        }
        other.app.write_platform_counts().await.expect("written");
        assert_eq!(health(&app, "").await["duplicates"], 6);
    }

    async fn the_command_shows_the_same(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.deliver("larportal", &secret, "e-1", &basics("1001", "2026-02-20T10:00:00Z")).await.ok();
        let machine = CommandLine::on(&database);
        let table = machine.ok("platform health").out;
        let line = |name: &str| table.lines().find_map(|line| line.strip_prefix(name)).expect("a line").trim().to_owned();
        assert_eq!(line("platform"), "larportal");
        assert!(line("silent for").ends_with("ALARM"), "the machine's clock is months ahead: {table}");
        assert!(line("linked").contains("of the results from 2026-"), "{table}");
        assert!(line("no result for").ends_with("ALARM"), "{table}");
        let json = machine.ok("platform health larportal --since 2026-02-01T00:00:00Z --format json").json();
        assert_eq!((&json["platform"], &json["deliveries"]), (&json!("larportal"), &json!(1)));
        machine.run("platform health moodle").assert_failed("no platform has the code moodle");
    }
}
