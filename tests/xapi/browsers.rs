//! Pages of other origins that use xAPI from a browser, and what CORS allows them.

use serde_json::json;

use super::{both_of, city_with_moodle};
use crate::support::app::{TestApp, TestClock};
use crate::support::postgres::{TestDatabase, both_databases};

const PAGE: &str = "https://kurs.example.org";

async fn open_to_the_page(database: &TestDatabase) -> TestApp {
    TestApp::start_with(database, TestClock::frozen(), |mut settings| {
        settings.receiving.xapi_origins = vec![kurskoll::config::WebOrigin::parse(PAGE).expect("an origin")];
        settings
    })
    .await
}

const PREFLIGHT: [(&str, &str); 2] = [
    ("access-control-request-method", "PUT"),
    ("access-control-request-headers", "authorization,content-type,x-experience-api-version"),
];

both_databases! {
    async fn a_page_of_a_named_origin_may_send_and_read(database: TestDatabase) {
        let app = open_to_the_page(&database).await;
        let sender = city_with_moodle(&app).await;
        for path in ["statements", "statements?statementId=x", "activities/state", "oauth/token", "anything/else"] {
            let headers = [&[("origin", PAGE)], &PREFLIGHT[..]].concat();
            let answer = app.ask(&format!("OPTIONS /xapi/{path}"), None, &headers, None).await;
            assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{path}");
            assert_eq!(answer.headers["access-control-allow-origin"], PAGE);
            assert_eq!(answer.headers["access-control-allow-credentials"], "true");
            assert!(answer.headers["access-control-allow-methods"].contains("PUT"));
            let allowed = answer.headers["access-control-allow-headers"].to_lowercase();
            for name in ["authorization", "content-type", "x-experience-api-version", "if-match", "if-none-match"] {
                assert!(allowed.contains(name), "{name}");
            }
            assert_eq!(answer.headers["vary"], "Origin");
        }
        let authorization = sender.authorization();
        let headers = [
            ("origin", PAGE), ("authorization", authorization.as_str()), ("x-experience-api-version", "1.0.3"), ("content-type", "application/json"),
        ];
        let answer = app.ask("POST /xapi/statements", None, &headers, Some(&both_of("17"))).await;
        assert_eq!((answer.status, answer.headers["access-control-allow-origin"].as_str()), (200, PAGE));
        let exposed = answer.headers["access-control-expose-headers"].to_lowercase();
        for name in ["etag", "last-modified", "x-experience-api-version", "x-experience-api-consistent-through", "retry-after"] {
            assert!(exposed.contains(name), "{name}");
        }
        // A page can read why it was refused.
        for (headers, status) in [(&headers[..1], 401), (&headers[..2], 400)] {
            let answer = app.ask("GET /xapi/statements", None, headers, None).await;
            answer.problem(status);
            assert_eq!(answer.headers["access-control-allow-origin"], PAGE);
        }
        // The other paths are not open to browsers.
        let answer = app.ask("GET /health/live", None, &[("origin", PAGE)], None).await;
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }

    async fn a_page_of_another_origin_gets_no_cors_headers(database: TestDatabase) {
        let app = open_to_the_page(&database).await;
        let closed = TestApp::start(&database).await;
        for (app, origins) in [(&app, &["https://kurs.example.org.evil.example", "http://kurs.example.org", "null", "*"][..]), (&closed, &[PAGE][..])] {
            for origin in origins {
                let headers = [&[("origin", *origin)], &PREFLIGHT[..]].concat();
                let answer = app.ask("OPTIONS /xapi/statements", None, &headers, None).await;
                assert!(answer.problem(403).contains("xapi_origins"), "{origin}");
                let read = app.ask("GET /xapi/about", None, &[("origin", *origin)], None).await;
                assert_eq!(read.status, 200);
                for answer in [answer, read] {
                    assert!(!answer.headers.keys().any(|name| name.starts_with("access-control-")), "{origin}");
                }
            }
        }
    }

    async fn an_unauthenticated_request_is_offered_basic_and_bearer(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_with_moodle(&app).await;
        let challenges = async |authorization: Option<&str>| {
            let mut request = app.client.get(format!("{}/xapi/statements", app.address));
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 401);
            let all = answer.headers().get_all("www-authenticate").iter();
            all.map(|value| value.to_str().expect("text").to_owned()).collect::<Vec<_>>()
        };
        let basic = r#"Basic realm="kurskoll", charset="UTF-8""#;
        assert_eq!(challenges(None).await, [basic, r#"Bearer realm="kurskoll""#]);
        assert_eq!(challenges(Some("Bearer x.y.z")).await, [basic, r#"Bearer realm="kurskoll", error="invalid_token""#]);
        assert_eq!(challenges(Some("Basic eDp5")).await, [basic]);
    }

    async fn times_are_in_utc_in_2_0_and_as_sent_in_1_0_3(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let mut statement = both_of("17")[0].clone();
        statement["timestamp"] = json!("2026-02-01T11:00:00.50+01:00");
        let basic = json!({"actor": statement["actor"], "verb": statement["verb"], "object": statement["object"], "timestamp": "20260201T100000Z"});
        let ids = app.send_statements(&sender, &json!([statement, basic])).await;
        let authorization = sender.authorization();
        let get = async |id: &str, version: &str| {
            let headers = [("authorization", authorization.as_str()), ("x-experience-api-version", version)];
            app.ask(&format!("GET /xapi/statements?statementId={id}"), None, &headers, None).await.ok()["timestamp"].clone()
        };
        for (id, sent, in_utc) in [(&ids[0], "2026-02-01T11:00:00.50+01:00", "2026-02-01T10:00:00.500Z"), (&ids[1], "20260201T100000Z", "2026-02-01T10:00:00Z")] {
            assert_eq!((get(id, "1.0.3").await, get(id, "2.0.0").await), (json!(sent), json!(in_utc)));
        }
    }
}
