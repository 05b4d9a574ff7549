//! What Entra ID, Okta and OneLogin send, from fixtures: each provider's own forms have the same effect.

use std::path::Path;

use serde_json::{Value, json};

use crate::scim::users::{ENTERPRISE, employments, empty_city, error, read};
use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};

fn fixture(provider: &str, name: &str, id: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/scim/{provider}/{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text.replace("{id}", id)).expect("JSON")
}

both_databases! {
    async fn a_persons_life_at_each_provider(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let mut generation = 0;
        for provider in ["entra-id", "okta", "onelogin"] {
            generation += 1;
            let made = app.scim("POST /scim/v2/Users", &[], Some(&fixture(provider, "create", ""))).await;
            assert_eq!(made.status, 201, "{provider}: {}", made.body);
            let made = made.json();
            let id = made["id"].as_str().expect("an id").to_owned();
            assert_eq!(id, format!("1-{generation}"), "{provider}");
            assert_eq!(made[ENTERPRISE]["employeeNumber"], "2001", "{provider}");
            // What is not needed is not stored.
            let text = made.to_string();
            for dropped in ["070-", "Växjö", "1mz050nq"] {
                assert!(!text.contains(dropped), "{provider} stores {dropped}");
            }
            let patch = async |name: &str| {
                let body = fixture(provider, name, &id);
                let answer = app.scim(&format!("PATCH /scim/v2/Users/{id}"), &[], Some(&body)).await;
                assert_eq!(answer.status, 200, "{provider} {name}: {}", answer.body);
                answer.json()
            };
            let named = match provider {
                "okta" => {
                    let body = fixture(provider, "replace", &id);
                    app.scim(&format!("PUT /scim/v2/Users/{id}"), &[], Some(&body)).await.ok()
                }
                _ => patch("update").await,
            };
            assert_eq!(named["name"]["familyName"], "Ekström", "{provider}: {named}");
            assert_eq!(named["name"]["givenName"], "Eva", "{provider}");
            assert_eq!(named[ENTERPRISE]["organization"], "SEF", "{provider}");
            if provider != "okta" {
                assert_eq!(named["emails"][0]["value"], "eva.ekstrom@example.org", "{provider}");
                assert_eq!(named[ENTERPRISE]["division"], "Drift", "{provider}");
            }
            app.clock.advance(chrono::Duration::days(10));
            assert_eq!(patch("deactivate").await["active"], false, "{provider}");
            let today = app.clock.now().date_naive();
            assert!(employments(&app, "2001").await.last().expect("one").ends_with(&format!("..{today}")), "{provider}");
            app.clock.advance(chrono::Duration::days(10));
            assert_eq!(patch("activate").await["active"], true, "{provider}");
            assert!(employments(&app, "2001").await.last().expect("one").ends_with(".."), "{provider}");
            assert_eq!(app.scim(&format!("DELETE /scim/v2/Users/{id}"), &[], None).await.status, 204);
            app.clock.advance(chrono::Duration::days(10));
        }
        assert_eq!(employments(&app, "2001").await.len(), 6);
        assert_eq!(app.rows_in("employee").await, 1);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn the_connection_test_of_entra_id(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        // It searches for a user who cannot exist, and expects an empty list.
        let filter = "GET /scim/v2/Users?filter=userName+eq+%22a4bb7c9d-6d4c-4a2e-bd9a-5b0f9d5e0a5c%22";
        let answer = app.scim(filter, &[], None).await.ok();
        assert_eq!(
            answer,
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0,
                   "startIndex": 1, "itemsPerPage": 0, "Resources": []})
        );
        let groups = app.scim("GET /scim/v2/Groups?excludedAttributes=members&filter=displayName+eq+%22x%22", &[], None);
        assert_eq!(groups.await.ok()["totalResults"], 0);
    }

    async fn a_transfer_by_entra_id_moves_the_unit_too(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let id = app.scim("POST /scim/v2/Users", &[], Some(&fixture("entra-id", "create", ""))).await.json()["id"].clone();
        app.clock.set("2026-04-01T12:00:00Z");
        let path = format!("PATCH /scim/v2/Users/{}", id.as_str().expect("an id"));
        let moved = app.scim(&path, &[], Some(&fixture("entra-id", "transfer", ""))).await.ok();
        assert_eq!(moved[ENTERPRISE]["department"], "Gata");
        assert_eq!(
            employments(&app, "2001").await,
            ["scim:2026-02-26 SEF 2026-02-26..2026-03-31", "scim:2026-04-01 FGK 2026-04-01.."]
        );
        assert_eq!(read(&app, &id).await.ok()["groups"][0]["value"], "FGK");
    }

    async fn administrations_are_groups_that_no_client_changes(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        app.scim("POST /scim/v2/Users", &[], Some(&fixture("entra-id", "create", ""))).await;
        let group = app.scim("GET /scim/v2/Groups/SEF", &[], None).await;
        assert!(group.headers["etag"].starts_with("W/"));
        let group = group.ok();
        assert_eq!(group["displayName"], "Serviceförvaltningen");
        assert_eq!(group["members"], json!([{"value": "1-1", "$ref": "/scim/v2/Users/1-1", "type": "User"}]));
        let found = app.scim("GET /scim/v2/Groups?filter=displayName+sw+%22fastighets%22&attributes=displayName", &[], None);
        assert_eq!(
            found.await.ok()["Resources"],
            json!([{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "FGK",
                    "displayName": "Fastighets- och gatukontoret"}])
        );
        let with = app.scim("GET /scim/v2/Groups?filter=members[value+eq+%221-1%22]&attributes=id", &[], None).await.ok();
        assert_eq!(with["totalResults"], 1);
        error(&app.scim("GET /scim/v2/Groups/XYZ", &[], None).await, 404);
        let body = fixture("entra-id", "remove-member", "");
        for request in ["PATCH /scim/v2/Groups/SEF", "PUT /scim/v2/Groups/SEF", "DELETE /scim/v2/Groups/SEF"] {
            let answer = app.scim(request, &[], Some(&body)).await;
            assert!(error(&answer, 405).1.contains("HR's file"), "{request}");
            assert_eq!(answer.headers["allow"], "GET, HEAD");
        }
    }

    async fn a_provider_without_the_extension_is_understood_by_a_mapping(database: TestDatabase) {
        let own = "urn:example:params:scim:schemas:extension:city:2.0:User";
        let app = TestApp::start_with(&database, crate::support::app::TestClock::frozen(), |mut settings| {
            settings.scim.employee_number = "externalId".to_owned();
            settings.scim.administration = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department".to_owned();
            settings.scim.unit = String::new();
            settings.scim.form = "userType".to_owned();
            settings.scim.starts_on = format!("{own}:hireDate");
            settings.scim.ends_on = format!("{own}:leaveDate");
            settings.scim.leading_code = true;
            settings.scim.administrations.insert("Gatukontoret".to_owned(), "FGK".to_owned());
            settings
        }).await;
        empty_city(&app).await;
        let body = |department: &str| json!({
            "userName": "eva@example.org", "externalId": "2001", "userType": "Hourly", "active": true,
            ENTERPRISE: {"department": department},
            own: {"hireDate": "2026-01-31T23:30:00Z", "leaveDate": "2026-12-31"},
        });
        let made = app.scim("POST /scim/v2/Users", &[], Some(&body("SEF Serviceförvaltningen"))).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let made = made.json();
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-01 SEF 2026-02-01..2026-12-31"]);
        assert_eq!(made[ENTERPRISE]["department"], "SEF Serviceförvaltningen", "as it was sent, while it applies");
        assert_eq!((&made["userType"], &made[own]["hireDate"]), (&json!("Hourly"), &json!("2026-01-31T23:30:00Z")));
        let path = format!("/scim/v2/Users/{}", made["id"].as_str().expect("an id"));
        let replaced = app.scim(&format!("PUT {path}"), &[], Some(&body("gatukontoret"))).await.ok();
        assert_eq!(replaced["groups"][0]["value"], "FGK");
        assert_eq!(
            employments(&app, "2001").await,
            ["scim:2026-02-01 SEF 2026-02-01..2026-02-25", "scim:2026-02-26 FGK 2026-02-26..2026-12-31"]
        );
        let leaves = crate::scim::users::patch_of("remove", &format!("{own}:leaveDate"), Value::Null);
        app.scim(&format!("PATCH {path}"), &[], Some(&leaves)).await.ok();
        assert_eq!(employments(&app, "2001").await[1], "scim:2026-02-26 FGK 2026-02-26..");
        let schema = app.scim(&format!("GET /scim/v2/Schemas/{own}"), &[], None).await.ok();
        assert_eq!(schema["attributes"].as_array().map(Vec::len), Some(2));
        let unknown = app.scim(&format!("PUT {path}"), &[], Some(&body("0042 Okänd"))).await;
        assert!(error(&unknown, 400).1.contains("\"0042\" is no code"));
    }
}
