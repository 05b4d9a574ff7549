//! Which platforms may send: their secrets, and every way in which a signature is wrong.

use chrono::Duration;
use kurskoll::app::Caller;
use kurskoll::app::platforms::add::{NewPlatform, PlatformError};
use kurskoll::app::receiving::receive::NATIVE;
use kurskoll::domain::ids::PlatformCode;
use kurskoll::domain::linking::LinkingKey;
use kurskoll::intake::webhook::signature::{WebhookSecret, sign};
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, small_city};

fn basics() -> Value {
    completed(json!({"employee_number": "1001"}), "infosec-basics", "2026-02-01T10:00:00+01:00")
}

fn code(code: &str) -> PlatformCode {
    PlatformCode::parse(code).expect("a code")
}

async fn rotate(app: &TestApp, platform: &str) -> WebhookSecret {
    app.app.rotate_secret(&Caller::operator(), &code(platform)).await.expect("a new secret")
}

both_databases! {
    async fn every_wrong_signature_is_refused_with_what_to_do(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = app.platform("larportal").await;
        let other = app.platform("moodle").await;
        let now = app.clock.now().timestamp();
        let body = basics().to_string().into_bytes();
        let signature = sign(&secret, "e-1", now, &body);
        let (at, malformed, long) = (now.to_string(), format!("{now}.0"), "x".repeat(1000));
        let v2 = signature.replace("v1,", "v2,");
        let (good, at, v2) = (signature.as_str(), at.as_str(), v2.as_str());
        let cases = [
            ("no id", None, Some(at), Some(good)),
            ("no time", Some("e-1"), None, Some(good)),
            ("no signature", Some("e-1"), Some(at), None),
            ("an empty id", Some(""), Some(at), Some(good)),
            ("an endless id", Some(long.as_str()), Some(at), Some(good)),
            ("another id", Some("e-2"), Some(at), Some(good)),
            ("a time that is none", Some("e-1"), Some("yesterday"), Some(good)),
            ("a time with decimals", Some("e-1"), Some(malformed.as_str()), Some(good)),
            ("an empty time", Some("e-1"), Some(""), Some(good)),
            ("another version", Some("e-1"), Some(at), Some(v2)),
            ("no version", Some("e-1"), Some(at), good.strip_prefix("v1,")),
            ("not Base64", Some("e-1"), Some(at), Some("v1,!!!")),
            ("too short", Some("e-1"), Some(at), Some("v1,AAAA")),
            ("empty", Some("e-1"), Some(at), Some("")),
        ];
        let mut reported = Vec::new();
        let mut note = |case: &str, problem: Value| {
            assert_eq!(problem["type"], "/problems/signature-does-not-hold");
            reported.push(format!("{case}: {}", problem["detail"].as_str().expect("a detail")));
        };
        for (case, id, time, signature) in cases {
            let headers = [("webhook-id", id), ("webhook-timestamp", time), ("webhook-signature", signature)];
            let request = app.client.post(format!("{}/webhooks/larportal", app.address));
            let request = request.header("content-type", "application/json").body(body.clone());
            let given = headers.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
            let request = given.fold(request, |request, (name, value)| request.header(name, value));
            note(case, Answer::to(request).await.expect("an answer").refused(401));
        }
        for (case, signature) in [
            ("another platform's secret", sign(&other, "e-1", now, &body)),
            ("another time", sign(&secret, "e-1", now - 1, &body)),
            ("another body", sign(&secret, "e-1", now, b"{}")),
        ] {
            let headers = [("webhook-id", "e-1"), ("webhook-signature", signature.as_str())];
            note(case, app.deliver_raw("larportal", &headers, now, body.clone()).await.refused(401));
        }
        insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r"
        no id: the header webhook-id is missing: sign deliveries as Standard Webhooks says
        no time: the header webhook-timestamp is missing: sign deliveries as Standard Webhooks says
        no signature: the header webhook-signature is missing: sign deliveries as Standard Webhooks says
        an empty id: the header webhook-id is empty: send an id that is the event's own, the same in every retry
        an endless id: the header webhook-id is longer than 512 characters: send an id that is the event's own, the same in every retry
        another id: no signature fits: use this platform's current secret, and sign id, timestamp and the body's bytes exactly as they are sent
        a time that is none: the header webhook-timestamp is not a time in whole seconds since 1970, such as 1772439300
        a time with decimals: the header webhook-timestamp is not a time in whole seconds since 1970, such as 1772439300
        an empty time: the header webhook-timestamp is not a time in whole seconds since 1970, such as 1772439300
        another version: the header webhook-signature has no part that begins with v1, : sign with HMAC-SHA256
        no version: the header webhook-signature has no part that begins with v1, : sign with HMAC-SHA256
        not Base64: no signature fits: use this platform's current secret, and sign id, timestamp and the body's bytes exactly as they are sent
        too short: no signature fits: use this platform's current secret, and sign id, timestamp and the body's bytes exactly as they are sent
        empty: the header webhook-signature has no part that begins with v1, : sign with HMAC-SHA256
        another platform's secret: no signature fits: use this platform's current secret, and sign id, timestamp and the body's bytes exactly as they are sent
        another time: no signature fits: use this platform's current secret, and sign id, timestamp and the body's bytes exactly as they are sent
        another body: no signature fits: use this platform's current secret, and sign id, timestamp and the body's bytes exactly as they are sent
        "));
        assert_eq!(app.stored_deliveries().await.len(), 0);
        // The right one is accepted all along, and among others.
        let several = format!("{v2} v1,AAAA {} {good}", sign(&other, "e-1", now, &body));
        let headers = [("webhook-id", "e-1"), ("webhook-signature", several.as_str())];
        assert_eq!(app.deliver_raw("larportal", &headers, now, body).await.ok()["outcome"], "accepted");
    }

    async fn a_signature_is_accepted_for_five_minutes_and_not_a_second_longer(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = app.platform("larportal").await;
        let body = basics().to_string().into_bytes();
        let now = app.clock.now().timestamp();
        let mut answers = Vec::new();
        for seconds in [-301, -300, 0, 300, 301] {
            let signed_at = now + seconds;
            let id = format!("e{seconds}");
            let signature = sign(&secret, &id, signed_at, &body);
            let headers = [("webhook-id", id.as_str()), ("webhook-signature", signature.as_str())];
            let answer = app.deliver_raw("larportal", &headers, signed_at, body.clone()).await;
            let detail = if answer.status == 200 { Value::Null } else { answer.refused(401)["detail"].clone() };
            answers.push(
                format!("{seconds:+} s: {} {}", answer.status, detail.as_str().unwrap_or_default())
                    .trim_end()
                    .to_owned(),
            );
        }
        insta::allow_duplicates!(insta::assert_snapshot!(answers.join("\n"), @r"
        -301 s: 401 the delivery was signed 301 seconds ago, and the limit is 300: set the sender's clock right, and let each retry be signed anew
        -300 s: 200
        +0 s: 200
        +300 s: 200
        +301 s: 401 the delivery was signed 301 seconds in the future, and the limit is 300: set the sender's clock right
        "));
    }

    async fn a_delivery_that_is_sent_again_later_is_signed_again(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = app.platform("larportal").await;
        app.deliver("larportal", &secret, "e-1", &basics()).await.ok();
        let (then, body) = (app.clock.now().timestamp(), basics().to_string().into_bytes());
        app.clock.advance(Duration::hours(1));
        let signature = sign(&secret, "e-1", then, &body);
        let headers = [("webhook-id", "e-1"), ("webhook-signature", signature.as_str())];
        app.deliver_raw("larportal", &headers, then, body).await.refused(401);
        assert_eq!(app.deliver("larportal", &secret, "e-1", &basics()).await.ok()["outcome"], "duplicate");
    }

    async fn a_new_secret_is_accepted_at_once_and_the_old_one_for_a_day(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let old = app.platform("larportal").await;
        assert_eq!(app.deliver("larportal", &old, "e-1", &basics()).await.status, 200);
        let new = rotate(&app, "larportal").await;
        for secret in [&new, &old] {
            assert_eq!(app.deliver("larportal", secret, "e-1", &basics()).await.status, 200);
        }
        app.clock.advance(Duration::days(1) - Duration::seconds(1));
        for secret in [&new, &old] {
            assert_eq!(app.deliver("larportal", secret, "e-1", &basics()).await.status, 200);
        }
        app.clock.advance(Duration::seconds(2));
        // A process caches secrets for a second of its own clock; another one reads now.
        let fresh = TestApp::start_with(&database, app.clock.clone(), |settings| settings).await;
        assert_eq!(fresh.deliver("larportal", &new, "e-1", &basics()).await.status, 200);
        fresh.deliver("larportal", &old, "e-1", &basics()).await.refused(401);
    }

    async fn a_secret_that_was_rotated_twice_does_not_get_another_day(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let first = app.platform("larportal").await;
        let second = rotate(&app, "larportal").await;
        app.clock.advance(Duration::hours(23));
        let third = rotate(&app, "larportal").await;
        app.clock.advance(Duration::hours(2));
        app.deliver("larportal", &first, "e-1", &basics()).await.refused(401);
        for secret in [second, third] {
            assert_eq!(app.deliver("larportal", &secret, "e-1", &basics()).await.status, 200);
        }
    }

    async fn an_unknown_platform_is_404_and_a_new_one_is_there_at_once(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = app.platform("larportal").await;
        let problem = app.deliver("moodle", &secret, "e-1", &basics()).await.refused(404);
        assert_eq!(problem["detail"], "no platform has the code moodle");
        for not_a_code in ["Moodle", "a%20b", "..%2fapi", "%00", "1"] {
            app.deliver(not_a_code, &secret, "e-1", &basics()).await.refused(404);
        }
        let moodle = app.platform("moodle").await;
        assert_eq!(app.deliver("moodle", &moodle, "e-1", &basics()).await.ok()["outcome"], "accepted");
    }

    async fn a_platform_of_another_adapter_has_no_address_here(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let new = NewPlatform {
            code: code("lrs"),
            adapter: "xapi".to_owned(),
            linking_keys: LinkingKey::DEFAULT_ORDER.to_vec(),
            time_zone: chrono_tz::Europe::Stockholm,
        };
        let secret = app.app.add_platform(&Caller::operator(), &new).await.expect("a platform");
        let problem = app.deliver("lrs", &secret, "e-1", &basics()).await.refused(404);
        assert_eq!(problem["detail"], "platform lrs does not send webhooks: its adapter is another");
    }

    async fn a_platform_is_added_once(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = app.platform("larportal").await;
        let new = NewPlatform {
            code: code("larportal"),
            adapter: NATIVE.to_owned(),
            linking_keys: LinkingKey::DEFAULT_ORDER.to_vec(),
            time_zone: chrono_tz::Europe::Stockholm,
        };
        let error = app.app.add_platform(&Caller::operator(), &new).await.expect_err("it exists");
        assert!(matches!(&error, PlatformError::Exists(taken) if *taken == new.code), "{error:?}");
        let error = app.app.rotate_secret(&Caller::operator(), &code("moodle")).await.expect_err("nobody");
        assert!(matches!(error, PlatformError::Unknown(_)), "{error:?}");
        assert_eq!(app.deliver("larportal", &secret, "e-1", &basics()).await.status, 200);
    }

    async fn the_same_id_from_two_platforms_is_two_deliveries(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let (larportal, moodle) = (app.platform("larportal").await, app.platform("moodle").await);
        let other = completed(json!({"employee_number": "1002"}), "infosec-basics-2023", "2026-02-20T10:00:00+01:00");
        assert_eq!(app.deliver("larportal", &larportal, "e-1", &basics()).await.ok()["outcome"], "accepted");
        assert_eq!(app.deliver("moodle", &moodle, "e-1", &other).await.ok()["outcome"], "accepted");
        assert_eq!(app.deliver("larportal", &larportal, "e-1", &basics()).await.ok()["outcome"], "duplicate");
        assert_eq!(app.export_row("SEF", "1002").await["status"], "compliant");
        assert_eq!(app.verified_events().await, 2);
    }

    async fn a_platform_links_by_its_own_keys_in_their_order(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform_linking_by("larportal", &[LinkingKey::Username, LinkingKey::Email]).await;
        for (id, learner, linked) in [
            ("e-1", json!({"employee_number": "1001"}), false),
            ("e-2", json!({"username": "bo", "email": "anna@example.org"}), true),
        ] {
            let body = completed(learner, "infosec-basics-2023", "2026-02-20T10:00:00+01:00");
            assert_eq!(app.deliver("larportal", &secret, id, &body).await.ok()["linked"], linked);
        }
        assert_eq!(app.export_row("SEF", "1002").await["status"], "compliant");
        assert_eq!(app.export_row("SEF", "1001").await["status"], "pending");
    }

    async fn a_time_without_an_offset_is_in_the_platforms_zone_and_a_day_is_in_the_citys(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let new = NewPlatform {
            code: code("overseas"),
            adapter: NATIVE.to_owned(),
            linking_keys: LinkingKey::DEFAULT_ORDER.to_vec(),
            time_zone: chrono_tz::America::New_York,
        };
        let secret = app.app.add_platform(&Caller::operator(), &new).await.expect("a platform");
        // Half past six in the evening in New York is half an hour past midnight in Stockholm.
        let body = completed(json!({"employee_number": "1001"}), "infosec-basics-2023", "2026-02-20T18:30:00");
        app.deliver("overseas", &secret, "e-1", &body).await.ok();
        assert_eq!(app.export_row("SEF", "1001").await["satisfied_on"], "2026-02-21");
    }

    async fn a_platform_is_silent_since_its_last_delivery(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let (larportal, _) = (app.platform("larportal").await, app.platform("moodle").await);
        let silences = async || app.report("infosec-onboarding").await["data_quality"]["platforms"].clone();
        let never =
            json!([{"platform": "larportal", "silent_since": null, "last_result_at": null, "results_silent": false},
                   {"platform": "moodle", "silent_since": null, "last_result_at": null, "results_silent": false}]);
        assert_eq!(silences().await, never);
        app.clock.set("2026-02-26T13:00:00Z");
        // A delivery that is not understood, or ignored, also ends the silence; one that is not authentic does not.
        app.deliver("larportal", &larportal, "e-1", &json!({"type": "forum.post"})).await.ok();
        app.deliver("moodle", &larportal, "e-1", &basics()).await.refused(401);
        let reported = silences().await;
        assert_eq!(reported[0]["silent_since"], "2026-02-26T13:00:00Z");
        assert_eq!(reported[1]["silent_since"], Value::Null);
    }
}
