//! Clients that take too long, and how little they hinder others. The waits here are in the service's real time.

use std::time::Duration;

use futures::future::join_all;
use kurskoll::domain::access::Role;
use kurskoll::intake::webhook::signature::sign;
use rocket::tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use rocket::tokio::net::TcpStream;
use rocket::tokio::time::{interval, timeout};
use serde_json::json;

use crate::support::app::{TestApp, TestClock};
use crate::support::postgres::{Backend, TestDatabase, both_databases};
use crate::support::small_city::{completed, small_city};
use crate::support::wire::{connect, exchange, read_answer};

/// A service that gives senders a second, and accepts some connections at once.
async fn impatient(database: &TestDatabase, most: usize) -> TestApp {
    TestApp::start_with(database, TestClock::frozen(), |mut settings| {
        settings.connections.request_timeout_seconds = 1;
        settings.connections.most = most;
        settings
    })
    .await
}

/// Everything received until the other side closes, within a bound that is not the service's.
async fn until_closed(connection: &mut TcpStream) -> String {
    let mut all = Vec::new();
    timeout(Duration::from_secs(30), connection.read_to_end(&mut all)).await.expect("it is closed").expect("read");
    String::from_utf8(all).expect("text")
}

/// A delivery of Anna's, as the bytes of a request.
async fn delivery(app: &TestApp, id: &str, padding: usize) -> (Vec<u8>, Vec<u8>) {
    let secret = app.platform("larportal").await;
    let body = completed(json!({"employee_number": "1001"}), "infosec-basics-2023", "2026-02-20T10:00:00+01:00");
    let mut body = body.to_string().into_bytes();
    body.resize(body.len() + padding, b' ');
    let now = app.clock.now().timestamp();
    let head = format!(
        "POST /webhooks/larportal HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nwebhook-id: {id}\r\n\
         webhook-timestamp: {now}\r\nwebhook-signature: {}\r\ncontent-length: {}\r\n\r\n",
        sign(&secret, id, now, &body),
        body.len(),
    );
    (head.into_bytes(), body)
}

both_databases! {
    async fn a_body_that_does_not_arrive_is_answered_and_closed_at_every_address(database: TestDatabase) {
        let app = impatient(&database, 0).await;
        app.platform("larportal").await;
        let city = app.token(Role::City, &[]).await;
        let tokens = [String::new(), format!("authorization: Bearer {city}\r\n")];
        let addresses = [
            "/", "/nothing/here", "/health/ready", "/metrics", "/webhooks/larportal", "/webhooks/nobody", "/api/v1/report",
            "/api/v1/links", "/api/v1/platforms/larportal/results", "/scim/v2/Users", "/scim/v2/Bulk", "/xapi/statements",
            "/xapi/activities/state", "/xapi/oauth/token",
        ];
        let bodies = ["content-length: 1000\r\n\r\n", "content-length: 1000\r\n\r\n{\"type\":", "transfer-encoding: chunked\r\n\r\n5\r\n{"];
        let mut requested = Vec::new();
        for address in addresses {
            for token in &tokens {
                for body in bodies {
                    let request = format!(
                        "POST {address} HTTP/1.1\r\nhost: localhost\r\n{token}content-type: application/json\r\n{body}"
                    );
                    requested.push(async {
                        let mut connection = connect(&app.address).await;
                        connection.write_all(request.as_bytes()).await.expect("sent");
                        (request, until_closed(&mut connection).await)
                    });
                }
            }
        }
        for (request, answer) in join_all(requested).await {
            assert!(answer.starts_with("HTTP/1.1 408 "), "{request}: {answer}");
            assert!(answer.contains("/problems/request-too-slow"), "{answer}");
            assert!(answer.contains("content-type: application/problem+json"), "{answer}");
        }
        assert_eq!(app.stored_deliveries().await.len(), 0);
    }

    async fn a_large_upload_that_makes_progress_is_accepted_however_long_it_takes(database: TestDatabase) {
        let app = impatient(&database, 0).await;
        small_city(&app).await;
        let (head, body) = delivery(&app, "e-1", 100_000).await;
        let mut connection = connect(&app.address).await;
        connection.write_all(&head).await.expect("sent");
        // Three times the second for which a sender may be silent.
        let mut pace = interval(Duration::from_millis(300));
        for part in body.chunks(10_000) {
            pace.tick().await;
            connection.write_all(part).await.expect("sent");
        }
        let answer = read_answer(&mut BufReader::new(connection)).await.ok();
        assert_eq!(answer["outcome"], "accepted");
    }
}

#[rocket::async_test]
async fn an_endless_head_and_an_occasional_byte_are_cut_off() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = impatient(&database, 0).await;
    let head = "POST /webhooks/larportal HTTP/1.1\r\nhost: localhost\r\n";
    for (request, drip) in [
        (head.to_owned(), "a: b\r\n"),
        (head.to_owned(), "a"),
        (format!("{head}content-length: 1000\r\n\r\n"), " "),
        (format!("{head}transfer-encoding: chunked\r\n\r\n"), "1\r\n \r\n"),
        (format!("{head}expect: 100-continue\r\ncontent-length: 1000\r\n\r\n"), " "),
    ] {
        let (mut reader, mut writer) = connect(&app.address).await.into_split();
        let mut all = Vec::new();
        let dripping = async {
            writer.write_all(request.as_bytes()).await.expect("sent");
            let mut pace = interval(Duration::from_millis(200));
            // Never silent for a second.
            while writer.write_all(drip.as_bytes()).await.is_ok() {
                pace.tick().await;
            }
            // The answer is still to be read.
            std::future::pending::<()>().await;
        };
        let closed = timeout(Duration::from_secs(30), reader.read_to_end(&mut all));
        rocket::tokio::select! {
            read = closed => drop(read.expect("it is closed in time")),
            () = dripping => {}
        }
        let answer = String::from_utf8(all).expect("text");
        let last = answer.rsplit("HTTP/1.1 ").next().unwrap_or_default();
        assert!(last.starts_with("408 "), "{request}{drip}…: {answer}");
    }
}

#[rocket::async_test]
async fn thousands_of_silent_connections_do_not_keep_others_out() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = TestApp::start_with(&database, TestClock::frozen(), |mut settings| {
        // None of them is cut off by its timeout.
        settings.connections.request_timeout_seconds = 600;
        settings.connections.most = 50;
        settings
    })
    .await;
    small_city(&app).await;
    let (head, body) = delivery(&app, "e-1", 0).await;
    let mut silent = Vec::new();
    for place in 0..400 {
        let mut connection = connect(&app.address).await;
        let part =
            ["", "GET /health/ready HTTP/1.1\r\nhost: loc", "POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n1"][place % 3];
        connection.write_all(part.as_bytes()).await.expect("sent");
        silent.push(connection);
    }
    let answer = exchange(&app.address, &[head, body].concat()).await.ok();
    assert_eq!(answer["outcome"], "accepted");
    // The first was closed to make space; the last are still there.
    let mut first = silent.swap_remove(0);
    assert_eq!(until_closed(&mut first).await, "");
}

#[rocket::async_test]
async fn a_connection_carries_many_requests_whole_in_parts_and_pipelined() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = impatient(&database, 0).await;
    let get = "GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let post = "POST /api/v1/links HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    let (reader, mut writer) = connect(&app.address).await.into_split();
    let mut reader = BufReader::new(reader);
    // One after the other, in parts, and all at once.
    for _ in 0..3 {
        writer.write_all(get.as_bytes()).await.expect("sent");
        assert_eq!(read_answer(&mut reader).await.status, 200);
    }
    for part in post.as_bytes().chunks(7) {
        writer.write_all(part).await.expect("sent");
    }
    assert_eq!(read_answer(&mut reader).await.status, 401);
    writer.write_all([get, post, get, get].concat().as_bytes()).await.expect("sent");
    for status in [200, 401, 200, 200] {
        assert_eq!(read_answer(&mut reader).await.status, status);
    }
    // A client that has sent everything closes its side and still gets the answer.
    writer.write_all(get.as_bytes()).await.expect("sent");
    writer.shutdown().await.expect("its side is closed");
    assert_eq!(read_answer(&mut reader).await.status, 200);
}

#[rocket::async_test]
async fn an_answer_that_is_sent_before_the_body_is_seen() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = impatient(&database, 0).await;
    app.platform("larportal").await;
    let head = "POST /webhooks/larportal HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2000000\r\n\r\n";
    let answer = exchange(&app.address, &[head.as_bytes(), &vec![b' '; 2_000_000]].concat()).await;
    answer.refused(413);
}

#[rocket::async_test]
async fn an_invalid_request_is_answered_and_closed() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = impatient(&database, 0).await;
    let long = format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(200_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101));
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n".to_owned(), "400"),
        (many, "431"),
        (long, "431"),
    ] {
        let mut connection = connect(&app.address).await;
        // The service may close while an unwanted rest is sent.
        drop(connection.write_all(request.as_bytes()).await);
        let answer = until_closed(&mut connection).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:.40}: {answer}");
    }
}

#[rocket::async_test]
async fn a_stop_does_not_wait_for_a_request_that_is_half_sent() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = TestApp::start(&database).await;
    let mut connection = connect(&app.address).await;
    connection.write_all(b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n1").await.expect("sent");
    assert_eq!(exchange(&app.address, b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n").await.status, 200);
    app.stop().await;
    assert_eq!(until_closed(&mut connection).await, "");
}
