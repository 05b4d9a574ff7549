//! A small rocket with everything that this layer puts around handlers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use rocket::http::{Header, Status};
use rocket::local::asynchronous::{Client, LocalResponse};
use rocket::request::{FromRequest, Outcome};
use rocket::{Request, get, post, routes};
use serde_json::Value;

use super::guards::bearer::Bearer;
use super::problem::Problem;
use super::request_id::RequestId;
use super::request_log::{RequestLog, traced};
use super::security_headers::SecurityHeaders;
use super::{catchers, health, metrics};
use crate::app::operating::metrics::Metrics;
use crate::auth::{Authenticator, KeyRing, SigningKey, TokenSettings, issue};
use crate::domain::access::Role;

#[derive(Debug, thiserror::Error)]
#[error("the figures could not be read")]
struct Outer(#[source] Inner);

#[derive(Debug, thiserror::Error)]
#[error("connection to 10.0.0.7 lost")]
struct Inner;

#[get("/who")]
fn who(bearer: Bearer) -> String {
    bearer.0.subject
}

#[get("/fails")]
fn fails() -> Result<(), Problem> {
    Err(Problem::internal(&Outer(Inner)))
}

#[get("/panics")]
fn panics() {
    panic!("secret of the inside");
}

#[get("/people/<number>?<page>")]
fn person(number: u32, page: Option<u32>) -> String {
    format!("{number} {page:?}")
}

#[post("/deliver", data = "<body>")]
fn deliver(body: rocket::serde::json::Json<u8>) -> String {
    body.into_inner().to_string()
}

#[get("/unknown")]
fn unknown() -> Problem {
    Problem::conflict("other-bytes", "The event e-1 is known with other bytes. Send it under a new id.")
        .with_member("event_id", "e-1")
        .with_pointer("/data/score")
}

#[get("/status/<code>")]
fn status(code: u16) -> Status {
    Status::new(code)
}

#[get("/id")]
fn id(id: &RequestId) -> String {
    id.to_string()
}

/// A guard that always refuses.
struct TooMany;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for TooMany {
    type Error = Problem;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Problem> {
        Problem::too_many_requests(7).refuse(request)
    }
}

#[get("/limited")]
fn limited(_guard: TooMany) {}

fn settings() -> TokenSettings {
    TokenSettings { issuer: "kurskoll".to_owned(), audience: "kurskoll".to_owned() }
}

async fn client_with(ring: KeyRing) -> Client {
    let metrics = Arc::new(Metrics::new().expect("metrics"));
    let authenticator = Authenticator::new(ring, settings(), Arc::new(|| DateTime::UNIX_EPOCH));
    let config = rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    let api = routes![who, fails, panics, person, deliver, unknown, status, id, limited];
    let rocket = rocket::custom(config)
        .manage(Arc::clone(&metrics))
        .manage(Arc::new(authenticator))
        .attach(RequestLog)
        .attach(metrics::RequestMetrics(metrics))
        .attach(SecurityHeaders)
        .mount("/", traced(routes![health::live]))
        .mount("/", traced(metrics::routes()))
        .mount("/api", traced(api))
        .register("/", catchers::all());
    Client::untracked(rocket).await.expect("a rocket")
}

async fn client() -> Client {
    client_with(KeyRing::new(SigningKey::generate().expect("a key"), [])).await
}

/// Sends a request with a known id, and reads the problem that is answered.
async fn problem(client: &Client, path: &str) -> (Status, Value) {
    problem_of(client.get(path.to_owned()).header(Header::new("x-request-id", "r-1")).dispatch().await).await
}

async fn problem_of(response: LocalResponse<'_>) -> (Status, Value) {
    let status = response.status();
    assert_eq!(response.headers().get_one("content-type"), Some("application/problem+json"));
    assert_eq!(response.headers().get_one("cache-control"), Some("no-store"));
    let body: Value = serde_json::from_str(&response.into_string().await.expect("a body")).expect("JSON");
    assert_eq!(body["status"], status.code);
    (status, body)
}

#[rocket::async_test]
async fn a_problem_says_what_is_wrong_where_and_what_to_do() {
    let client = client().await;
    let response = client.get("/api/unknown").header(Header::new("x-request-id", "r-1")).dispatch().await;
    assert_eq!(response.status(), Status::Conflict);
    insta::assert_snapshot!(response.into_string().await.expect("a body"), @r#"{"type":"/problems/other-bytes","title":"In conflict with what is known","status":409,"detail":"The event e-1 is known with other bytes. Send it under a new id.","request_id":"r-1","event_id":"e-1","pointer":"/data/score"}"#);
}

#[rocket::async_test]
async fn an_internal_error_says_nothing_of_the_inside() {
    let (status, body) = problem(&client().await, "/api/fails").await;
    assert_eq!(status, Status::InternalServerError);
    insta::assert_json_snapshot!(body, @r#"
    {
      "detail": "The register failed while it answered, and the fault is not yours. Try again; if it stays, give the operator this request_id, under which the log has the rest.",
      "request_id": "r-1",
      "status": 500,
      "title": "The register failed",
      "type": "/problems/internal"
    }
    "#);
}

#[test]
fn the_log_gets_an_errors_whole_chain() {
    assert_eq!(super::problem::chain(&Outer(Inner)), "the figures could not be read: connection to 10.0.0.7 lost");
    let problem = Problem::internal(&Outer(Inner));
    assert!(!format!("{problem:?}").contains("10.0.0.7"));
}

#[rocket::async_test]
async fn a_panic_is_an_internal_error_like_any_other() {
    let (status, body) = problem(&client().await, "/api/panics").await;
    assert_eq!(status, Status::InternalServerError);
    assert_eq!(body["type"], "/problems/internal");
    assert!(!body.to_string().contains("secret"));
}

#[rocket::async_test]
async fn rockets_own_error_pages_are_never_seen() {
    let client = client().await;
    let (_, body) = problem(&client, "/nowhere?name=Somebody").await;
    insta::assert_json_snapshot!(body, @r#"
    {
      "detail": "There is nothing at this address, or nothing that this token may see.",
      "request_id": "r-1",
      "status": 404,
      "title": "Not found",
      "type": "/problems/not-found"
    }
    "#);
    for code in (400..=418).chain([421, 422, 425, 426, 428, 429, 431, 451]).chain(500..=511).chain([499, 599]) {
        let (status, body) = problem(&client, &format!("/api/status/{code}")).await;
        assert_eq!(status.code, code);
        assert!(body["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{body}");
        assert_eq!(body["request_id"], "r-1");
    }
}

#[rocket::async_test]
async fn a_path_or_body_that_is_not_understood_is_a_problem_too() {
    let client = client().await;
    assert_eq!(problem(&client, "/api/people/x").await.0, Status::UnprocessableEntity);
    for (body, status) in [("x", Status::BadRequest), ("1000", Status::UnprocessableEntity)] {
        let response = client.post("/api/deliver").header(rocket::http::ContentType::JSON).body(body).dispatch().await;
        assert_eq!(problem_of(response).await.0, status);
    }
    let large = "1".repeat(2 * 1024 * 1024);
    let response = client.post("/api/deliver").header(rocket::http::ContentType::JSON).body(large).dispatch().await;
    assert_eq!(problem_of(response).await.0, Status::PayloadTooLarge);
}

#[rocket::async_test]
async fn who_should_come_back_later_is_told_when() {
    let client = client().await;
    let response = client.get("/api/limited").dispatch().await;
    assert_eq!(response.headers().get_one("retry-after"), Some("7"), "a guard's own problem reaches the catcher");
    assert_eq!(problem_of(response).await.1["type"], "/problems/too-many-requests");
    let response = client.get("/api/status/503").dispatch().await;
    assert_eq!(response.headers().get_one("retry-after"), Some("5"));
}

#[rocket::async_test]
async fn a_token_that_holds_lets_its_subject_in() {
    let ring = KeyRing::new(SigningKey::generate().expect("a key"), []);
    let roles = BTreeSet::from([Role::City]);
    let token = issue(
        &ring,
        &settings(),
        "central-hr",
        &roles,
        &BTreeSet::new(),
        DateTime::UNIX_EPOCH,
        Duration::from_secs(60),
    )
    .expect("a token");
    let client = client_with(ring).await;
    let authorization = Header::new("authorization", format!("Bearer {token}"));
    let response = client.get("/api/who").header(authorization).dispatch().await;
    assert_eq!(response.status(), Status::Ok);
    assert_eq!(response.into_string().await.as_deref(), Some("central-hr"));
}

#[rocket::async_test]
async fn without_a_token_the_answer_says_how_to_send_one() {
    let client = client().await;
    let response = client.get("/api/who").header(Header::new("x-request-id", "r-1")).dispatch().await;
    assert_eq!(response.status(), Status::Unauthorized);
    assert_eq!(response.headers().get_one("www-authenticate"), Some(r#"Bearer realm="kurskoll""#));
    insta::assert_json_snapshot!(problem_of(response).await.1, @r#"
    {
      "detail": "The caller cannot be identified: no bearer token was sent. Send one token as \"Authorization: Bearer …\".",
      "request_id": "r-1",
      "status": 401,
      "title": "The caller is not authenticated",
      "type": "/problems/token-missing"
    }
    "#);
}

#[rocket::async_test]
async fn a_token_that_does_not_hold_is_refused_and_never_repeated() {
    let client = client().await;
    for (header, code) in [
        ("Bearer not.a.token", "token-malformed"),
        ("Basic c29tZTpib2R5", "token-malformed"),
        ("Bearer ", "token-malformed"),
        // {"alg":"EdDSA","kid":"x"}
        ("Bearer eyJhbGciOiJFZERTQSIsImtpZCI6IngifQ.e30.c2ln", "token-unknown-key"),
        // {"alg":"HS256","kid":"x"}
        ("Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6IngifQ.e30.c2ln", "token-wrong-algorithm"),
    ] {
        let response = client.get("/api/who").header(Header::new("authorization", header)).dispatch().await;
        let challenge = response.headers().get_one("www-authenticate").map(str::to_owned);
        let (status, body) = problem_of(response).await;
        assert_eq!(status, Status::Unauthorized);
        assert_eq!(challenge.as_deref(), Some(r#"Bearer realm="kurskoll", error="invalid_token""#));
        assert_eq!(body["type"], format!("/problems/{code}"), "{header}");
        assert!(!body.to_string().contains("c2ln"));
    }
}

#[rocket::async_test]
async fn two_authorization_headers_are_one_too_many() {
    let client = client().await;
    let mut request = client.get("/api/who");
    request.add_header(Header::new("authorization", "Bearer a.b.c"));
    request.add_header(Header::new("authorization", "Bearer d.e.f"));
    let (status, body) = problem_of(request.dispatch().await).await;
    assert_eq!((status, &body["type"]), (Status::Unauthorized, &Value::from("/problems/token-malformed")));
}

#[rocket::async_test]
async fn a_rocket_that_cannot_look_at_tokens_does_not_launch() {
    let config = rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    let error =
        Client::untracked(rocket::custom(config).mount("/", traced(routes![who]))).await.expect_err("a refusal");
    assert!(matches!(error.kind(), rocket::error::ErrorKind::SentinelAborts(_)));
}

#[rocket::async_test]
async fn a_request_keeps_its_callers_id_or_gets_one() {
    let client = client().await;
    let sent = client.get("/api/id").header(Header::new("x-request-id", "trace-7")).dispatch().await;
    assert_eq!(sent.headers().get_one("x-request-id"), Some("trace-7"));
    assert_eq!(sent.into_string().await.as_deref(), Some("trace-7"));
    let made = client.get("/api/id").header(Header::new("x-request-id", "not one\u{e5}")).dispatch().await;
    let id = made.headers().get_one("x-request-id").expect("an id").to_owned();
    assert_eq!(uuid::Uuid::parse_str(&id).map(|id| id.get_version_num()), Ok(7));
    assert_eq!(made.into_string().await, Some(id), "the handler sees the same id");
}

#[rocket::async_test]
async fn every_answer_tells_browsers_and_caches_to_be_careful() {
    let client = client().await;
    for path in ["/api/id", "/nowhere", "/health/live", "/metrics"] {
        let response = client.get(path).dispatch().await;
        let headers: Vec<String> = ["x-content-type-options", "x-frame-options", "referrer-policy", "cache-control"]
            .into_iter()
            .map(|name| response.headers().get(name).collect::<Vec<_>>().join(" and "))
            .collect();
        assert_eq!(headers, ["nosniff", "DENY", "no-referrer", "no-store"], "{path}");
        let policy = response.headers().get_one("content-security-policy");
        assert_eq!(policy, Some("default-src 'none'; frame-ancestors 'none'"));
    }
}

#[rocket::async_test]
async fn the_process_says_that_it_lives() {
    let client = client().await;
    let response = client.get("/health/live").dispatch().await;
    assert_eq!(response.status(), Status::Ok);
    insta::assert_snapshot!(response.into_string().await.expect("a body"), @r#"{"status":"live"}"#);
}

#[rocket::async_test]
async fn requests_are_counted_by_pattern_and_never_by_path() {
    let client = client().await;
    for path in ["/api/people/104233?page=2", "/api/people/104234", "/api/people/x", "/secret/path?name=Somebody"] {
        client.get(path).dispatch().await;
    }
    let response = client.get("/metrics").dispatch().await;
    assert_eq!(response.headers().get_one("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = response.into_string().await.expect("a body");
    let counted: Vec<&str> = text.lines().filter(|line| line.starts_with("kurskoll_http_requests_total")).collect();
    insta::assert_snapshot!(counted.join("\n"), @r#"
    kurskoll_http_requests_total{method="GET",route="/api/people/<number>",status="200"} 2
    kurskoll_http_requests_total{method="GET",route="/api/people/<number>",status="422"} 1
    kurskoll_http_requests_total{method="GET",route="unmatched",status="404"} 1
    "#);
    assert!(!text.contains("Somebody") && !text.contains("secret") && !text.contains("104233"));
}

#[test]
fn the_openapi_schema_of_a_problem_names_its_members() {
    use utoipa::{PartialSchema, ToSchema};
    assert_eq!(Problem::name(), "Problem");
    let schema = serde_json::to_value(Problem::schema()).expect("JSON");
    assert_eq!(schema["required"], serde_json::json!(["type", "title", "status", "detail", "request_id"]));
    assert_eq!(schema["additionalProperties"], true);
}
