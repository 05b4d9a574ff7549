//! Abuse of the platforms' endpoint: it costs no more than an answer.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use kurskoll::intake::webhook::signature::{WebhookSecret, sign};
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp, TestClock};
use crate::support::postgres::{Backend, TestDatabase, both_databases};
use crate::support::small_city::{completed, graded, small_city};
use crate::support::wire::exchange;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn anna() -> Value {
    completed(json!({"employee_number": "1001"}), "infosec-basics-2023", "2026-02-20T10:00:00+01:00")
}

/// Sends bytes with a content encoding, signed as they are.
async fn send(app: &TestApp, secret: &WebhookSecret, id: &str, encoding: &str, body: &[u8]) -> Answer {
    let timestamp = app.clock.now().timestamp();
    let signature = sign(secret, id, timestamp, body);
    let headers = [("webhook-id", id), ("webhook-signature", signature.as_str()), ("content-encoding", encoding)];
    app.deliver_raw("larportal", &headers, timestamp, body.to_vec()).await
}

async fn limited(database: &TestDatabase, platform: u32, failures: u32) -> TestApp {
    TestApp::start_with(database, TestClock::frozen(), |mut settings| {
        settings.rate_limits.platform_per_minute = platform;
        settings.rate_limits.failures_per_minute = failures;
        settings
    })
    .await
}

both_databases! {
    async fn a_compressed_body_is_read_inflated_and_stored_as_sent(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let compressed = gzip(anna().to_string().as_bytes());
        let answer = send(&app, &secret, "e-1", "gzip", &compressed).await.ok();
        assert_eq!(answer, json!({"event_id": "e-1", "outcome": "accepted", "linked": true}));
        assert_eq!(send(&app, &secret, "e-1", "GZIP", &compressed).await.ok()["outcome"], "duplicate");
        assert_eq!(app.export_row("SEF", "1001").await["status"], "compliant");
        let id = app.stored_deliveries().await[0].id;
        let shown = app.get_as_auditor(&format!("/api/v1/deliveries/{id}")).await.ok();
        assert_eq!((&shown["body_text"], &shown["size"]), (&json!(anna().to_string()), &json!(compressed.len())));
        // The signature is over what was sent, not over the inflated body.
        let timestamp = app.clock.now().timestamp();
        let signature = sign(&secret, "e-2", timestamp, anna().to_string().as_bytes());
        let headers = [("webhook-id", "e-2"), ("webhook-signature", signature.as_str()), ("content-encoding", "gzip")];
        app.deliver_raw("larportal", &headers, timestamp, compressed).await.refused(401);
        app.verified_events().await;
    }

    async fn a_compressed_body_that_is_not_understood_waits_and_shows_its_inflated_text(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        send(&app, &secret, "q-1", "gzip", &gzip(br#"{"type": 1}"#)).await.refused(422);
        let broken = &gzip(anna().to_string().as_bytes())[..20];
        let problem = send(&app, &secret, "q-2", "gzip", broken).await.refused(422);
        assert_eq!(problem["detail"], "The delivery is in quarantine: the body begins as gzip and is not: compress it again, or send it plain");
        let page = app.get_as_auditor("/api/v1/quarantine").await.ok();
        assert_eq!(page["items"][1]["excerpt"]["text"], r#"{"type": 1}"#);
    }

    async fn a_platform_that_sends_too_often_gets_a_retry_after(database: TestDatabase) {
        let app = limited(&database, 3, 0).await;
        small_city(&app).await;
        let (larportal, moodle) = (app.platform("larportal").await, app.platform("moodle").await);
        // Requests without a valid signature use up nothing of the limit.
        for _ in 0..5 {
            app.deliver("larportal", &moodle, "e-1", &anna()).await.refused(401);
        }
        for id in ["e-1", "e-2", "e-3"] {
            app.deliver("larportal", &larportal, id, &anna()).await.ok();
        }
        let refused = app.deliver("larportal", &larportal, "e-4", &anna()).await;
        let seconds: u32 = refused.headers["retry-after"].parse().expect("seconds");
        assert!((1..=21).contains(&seconds), "{seconds}");
        assert_eq!(refused.refused(429)["type"], "/problems/too-many-requests");
        assert_eq!(app.stored_deliveries().await.len(), 3);
        app.deliver("moodle", &moodle, "e-1", &anna()).await.ok();
        let health = app.get_as_city("/api/v1/platforms/larportal/health").await.ok();
        assert_eq!((&health["rate_limited"], &health["refused_signatures"]), (&json!(1), &json!(5)));
    }
}

#[rocket::async_test]
async fn an_address_that_fails_too_often_is_limited_and_a_valid_signature_is_admitted() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = limited(&database, 0, 3).await;
    let secret = app.platform("larportal").await;
    let other = WebhookSecret::generate([7; 32]);
    app.deliver("larportal", &other, "e-1", &anna()).await.refused(401);
    // Trying out platform codes is a failure too.
    app.deliver("moodle", &other, "e-1", &anna()).await.refused(404);
    app.deliver("larportal", &other, "e-1", &anna()).await.refused(401);
    for platform in ["larportal", "moodle"] {
        let refused = app.deliver(platform, &other, "e-1", &anna()).await;
        assert!(refused.headers.contains_key("retry-after"));
        refused.refused(429);
    }
    assert_eq!(app.deliver("larportal", &secret, "e-1", &anna()).await.ok()["outcome"], "accepted");
}

#[rocket::async_test]
async fn a_body_that_inflates_beyond_the_limit_is_refused_and_not_stored() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = TestApp::start(&database).await;
    let secret = app.platform("larportal").await;
    // Two hundred megabytes in two hundred kilobytes.
    let bomb = gzip(&vec![b' '; 200 * 1024 * 1024]);
    assert!(bomb.len() < 256 * 1024, "{}", bomb.len());
    let problem = send(&app, &secret, "e-1", "gzip", &bomb).await.refused(413);
    assert_eq!(problem["limit_bytes"], 1024 * 1024);
    assert_eq!(app.stored_deliveries().await.len(), 0);
    for encoding in ["br", "deflate", "gzip, gzip"] {
        let problem = send(&app, &secret, "e-2", encoding, b"{}").await.refused(415);
        assert_eq!(problem["type"], "/problems/unsupported-content-encoding");
    }
}

#[rocket::async_test]
async fn malicious_bodies_are_not_understood_and_do_no_harm() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = TestApp::start(&database).await;
    let secret = app.platform("larportal").await;
    let scored = |raw: &str| {
        let body = graded(json!({"employee_number": "1001"}), "q", 1, "RAW", "2026-02-01T10:00:00Z").to_string();
        body.replace("\"RAW\"", raw).into_bytes()
    };
    let nested = |open: &str, close: &str| {
        format!(r#"{{"type": "course.completed", "data": {}1{}}}"#, open.repeat(20_000), close.repeat(20_000))
            .into_bytes()
    };
    let members: Vec<String> = (0..20_000).map(|number| format!("\"m{number}\": 0")).collect();
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("arrays 20,000 deep", nested("[", "]")),
        ("objects 20,000 deep", nested(r#"{"a":"#, "}")),
        ("a nest that never closes", vec![b'['; 200_000]),
        ("a member twice", br#"{"type": "course.completed", "data": {}, "data": {}}"#.to_vec()),
        ("twenty thousand members", format!("{{{}}}", members.join(", ")).into_bytes()),
        ("a number of a hundred thousand digits", scored(&"9".repeat(100_000))),
        ("a number beyond any", scored("1e999999999")),
        ("a number below any", scored("1e-999999999")),
        ("a name of a hundred thousand letters", format!(r#"{{"{}": 1}}"#, "x".repeat(100_000)).into_bytes()),
        ("no UTF-8", b"{\"type\": \"\xff\xfe\"}".to_vec()),
        ("half a surrogate", br#"{"type": "\ud800"}"#.to_vec()),
        ("nulls", vec![0; 100_000]),
    ];
    for (place, (what, body)) in bodies.iter().enumerate() {
        let answer = app.deliver_bytes("larportal", &secret, &format!("e-{place}"), body).await;
        assert_eq!(answer.status, 422, "{what}: {}", answer.body);
        assert!(answer.body.len() < 1000, "{what} is repeated to its sender: {}", answer.body.len());
    }
    assert_eq!(app.stored_deliveries().await.len(), bodies.len());
    // Each of them is shown in quarantine.
    let page = app.get_as_auditor("/api/v1/quarantine").await;
    assert!(page.body.len() < 20_000, "{}", page.body.len());
    assert_eq!(page.ok()["items"].as_array().map(Vec::len), Some(bodies.len()));
}

#[rocket::async_test]
async fn a_flood_of_headers_is_refused_before_it_is_read() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = TestApp::start(&database).await;
    let flood: String = (0..1000).map(|number| format!("x-{number}: {number}\r\n")).collect();
    let request = format!("POST /webhooks/larportal HTTP/1.1\r\nhost: x\r\n{flood}content-length: 0\r\n\r\n");
    assert_eq!(exchange(&app.address, request.as_bytes()).await.status, 431);
    let long = "x".repeat(600 * 1024);
    let request =
        format!("POST /webhooks/larportal HTTP/1.1\r\nhost: x\r\nx-long: {long}\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(exchange(&app.address, request.as_bytes()).await.status, 431);
    assert_eq!(app.get("/health/live", None).await.status, 200);
}
