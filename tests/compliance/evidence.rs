//! From a figure in the report down to the bytes that a platform signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kurskoll::domain::access::Role;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, small_city};

both_databases! {
    async fn an_auditor_follows_evidence_down_to_the_signed_delivery(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let sent = completed(json!({"employee_number": "1001"}), "infosec-basics-2023", "2026-02-01T10:00:00+01:00");
        app.deliver("larportal", &secret, "e-1", &sent).await.ok();
        app.deliver("larportal", &secret, "e-2", &json!({"type": "user.created"})).await.ok();

        let auditor = app.token(Role::Auditor, &[]).await;
        let employee = app.get("/api/v1/employees/1001", Some(&auditor)).await.ok();
        let evidence = &employee["requirements"][0]["evidence"][0];
        assert_eq!((&evidence["platform"], &evidence["event_id"]), (&json!("larportal"), &json!("e-1")));
        let found = app.get("/api/v1/deliveries?platform=larportal&event_id=e-1", Some(&auditor)).await.ok();
        let found = found["items"].as_array().expect("a list");
        assert_eq!(found.len(), 1);
        let delivery = app.get(&format!("/api/v1/deliveries/{}", found[0]["id"]), Some(&auditor)).await.ok();
        assert_eq!(delivery["body_base64"], STANDARD.encode(sent.to_string()));
        assert_eq!(delivery["headers"]["webhook-id"], "e-1");
        assert!(delivery["headers"]["webhook-signature"].as_str().is_some_and(|value| value.starts_with("v1,")));

        let without_platform = app.get("/api/v1/deliveries?event_id=e-1", Some(&auditor)).await;
        assert_eq!(without_platform.status, 400);
    }
}
