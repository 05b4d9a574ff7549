//! Statements with the contents of their attachments, and signed ones.

use kurskoll::intake::xapi::multipart::{Part, write};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{both_of, city_with_moodle};
use crate::support::app::{Answer, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::xapi::{XapiSender, account, course_completed};

const SIGNED: &str = include_str!("../../fixtures/xapi/signed/statement.json");
const SIGNATURE: &str = include_str!("../../fixtures/xapi/signed/rs256.jws");
const OF_ANOTHER_KEY: &str = include_str!("../../fixtures/xapi/signed/certificate_of_another_key.jws");

pub async fn send(app: &TestApp, sender: &XapiSender, statements: &str, contents: &[&[u8]]) -> Answer {
    let parts: Vec<Part<'_>> = contents
        .iter()
        .map(|content| Part {
            sha2: hex::encode(Sha256::digest(content)),
            content_type: Some("application/octet-stream"),
            content,
        })
        .collect();
    let written = write(statements.as_bytes(), &parts);
    let request = app.client.post(format!("{}/xapi/statements", app.address));
    let request = request.header("authorization", sender.authorization()).header("x-experience-api-version", "1.0.3");
    Answer::to(request.header("content-type", written.content_type).body(written.body)).await.expect("an answer")
}

pub fn with_content(content: &[u8]) -> Value {
    let mut statement = course_completed(account("17"), "2026-02-01T10:00:00Z");
    statement["attachments"] = json!([{
        "usageType": "http://example.org/attachments/diploma", "display": {"sv": "Diplom"},
        "contentType": "application/octet-stream", "length": content.len(), "sha2": hex::encode(Sha256::digest(content)),
    }]);
    statement
}

both_databases! {
    async fn contents_are_returned_with_their_statements_byte_for_byte(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let content = b"\x00\xff\r\n--not a border\r\n";
        let answer = send(&app, &sender, &with_content(content).to_string(), &[content]).await;
        let id = answer.ok()[0].as_str().expect("an id").to_owned();
        let question = format!("{}/xapi/statements?statementId={id}&attachments=true", app.address);
        let question = app.client.get(question).header("authorization", sender.authorization());
        let found = question.header("x-experience-api-version", "1.0.3").send().await.expect("an answer");
        assert_eq!(found.status(), 200);
        let media = found.headers()["content-type"].to_str().expect("a media type").to_owned();
        assert!(media.starts_with("multipart/mixed; boundary="), "{media}");
        let body = found.bytes().await.expect("a body");
        let parts = kurskoll::intake::xapi::multipart::parse(&media, &body).expect("parts");
        let statement: Value = serde_json::from_slice(parts.statements).expect("a statement");
        assert_eq!(statement["id"], id.as_str());
        assert_eq!(parts.attachments.len(), 1);
        assert_eq!(parts.attachments[0].content, content);
        // Without them, it is JSON only.
        let plain = app.xapi(&sender, &format!("GET /statements?statementId={id}"), None).await;
        assert_eq!(plain.headers["content-type"], "application/json");
        plain.ok();
    }

    async fn a_missing_changed_or_unreferenced_content_refuses_the_whole_request(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let statement = with_content(b"diploma");
        let missing = app.xapi(&sender, "POST /statements", Some(&json!([both_of("17")[0], statement]))).await;
        assert!(missing.problem(400).contains("/1/attachments/0"), "{}", missing.body);
        send(&app, &sender, &statement.to_string(), &[]).await.problem(400);
        send(&app, &sender, &statement.to_string(), &[b"another"]).await.problem(400);
        send(&app, &sender, &statement.to_string(), &[b"diploma", b"another"]).await.problem(400);
        assert_eq!((app.rows_in("statement").await, app.rows_in("delivery").await), (0, 4));
        // What was refused can be replayed, and is refused with the same reason.
        for stored in app.stored_deliveries().await {
            let again = app.app.replay(&kurskoll::app::Caller::operator(), stored.id).await.expect("replayed");
            assert!(matches!(again, kurskoll::domain::receiving::Received::Quarantined { .. }), "{again:?}");
        }
    }

    async fn a_signed_statement_is_accepted_and_one_with_a_wrong_signature_is_not(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        send(&app, &sender, SIGNED, &[SIGNATURE.as_bytes()]).await.ok();
        let mut other: Value = serde_json::from_str(SIGNED).expect("a statement");
        other["attachments"][0]["sha2"] = json!(hex::encode(Sha256::digest(OF_ANOTHER_KEY)));
        other["attachments"][0]["length"] = json!(OF_ANOTHER_KEY.len());
        let refused = send(&app, &sender, &other.to_string(), &[OF_ANOTHER_KEY.as_bytes()]).await;
        assert!(refused.problem(400).contains("/attachments"), "{}", refused.body);
    }
}
