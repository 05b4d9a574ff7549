//! Protected personal data: the name, address, user name and unit are shown only to the provider that provisioned them.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, small_city};

/// What HR's file contains about David, 1004, who is protected; and what an earlier one contained.
const SECRETS: [&str; 6] = ["David", "Ek", "david", "Gata", "Hemlig", "dolt"];

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn says_nothing(what: &str, body: &str) {
    // Whole words: a base64 signature can contain any two letters by chance.
    let is_between = |c: char| !c.is_alphanumeric() && !matches!(c, '+' | '/' | '=');
    for secret in SECRETS {
        let is_there = body.split(is_between).any(|word| word == secret || (secret.len() > 3 && word.contains(secret)));
        assert!(!is_there, "{what} shows {secret}: {body}");
    }
}

both_databases! {
    async fn the_provider_is_shown_what_it_provisioned_and_nothing_from_hr(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let found = app.scim("GET /scim/v2/Users?filter=employeeNumber%20eq%20%221004%22", &[], None).await;
        assert_eq!(found.ok()["totalResults"], 1);
        says_nothing("the SCIM user", &found.body);
        let id = found.json()["Resources"][0]["id"].as_str().expect("an id").to_owned();
        for filter in [
            "userName eq \"david\"", "userName sw \"da\"", "emails.value co \"david\"", "emails.value eq \"david@example.org\"",
            "name.familyName eq \"Ek\"", "emails pr and employeeNumber eq \"1004\"",
        ] {
            let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter});
            let answer = app.scim("POST /scim/v2/Users/.search", &[], Some(&body)).await;
            assert_eq!(answer.ok()["totalResults"], 0, "{filter} finds: {}", answer.body);
        }
        let sorted = app.scim("GET /scim/v2/Users?sortBy=name.familyName", &[], None).await.ok();
        let numbers = sorted["Resources"].as_array().expect("users").iter();
        let numbers: Vec<&Value> = numbers.map(|user| &user[ENTERPRISE]["employeeNumber"]).collect();
        assert_eq!(numbers.len(), 4);
        // A position among the others' names would reveal the name.
        assert!(numbers.first() == Some(&&json!("1004")) || numbers.last() == Some(&&json!("1004")), "{numbers:?}");
        // What the provider writes is returned to that provider only; what HR's file contained stays.
        let patch = json!({"Operations": [{"op": "replace", "path": "name.givenName", "value": "Dolle"},
                                          {"op": "replace", "path": "userName", "value": "dolle@example.org"}]});
        let reported = app.scim(&format!("PATCH /scim/v2/Users/{id}"), &[], Some(&patch)).await;
        assert_eq!(reported.ok()["name"]["givenName"], "Dolle");
        says_nothing("the answer", &reported.body);
        let found = app.scim("GET /scim/v2/Users?filter=userName%20eq%20%22dolle@example.org%22", &[], None).await;
        assert_eq!(found.ok()["totalResults"], 1);
        let shown = app.get_as_city("/api/v1/employees/1004").await;
        assert!(!shown.body.contains("Dolle") && !shown.body.contains("dolle"), "{}", shown.body);
        // The unit from HR was never shown, and a provider that did not see it does not remove it.
        let unprotected = employments(&["1004,David,Ek,david@example.org,david,1,FGK,Gata,permanent,2026-01-05,,,false"]);
        app.import(HrFiles { employments: &unprotected, ..HrFiles::default() }).await;
        assert_eq!(app.export_row("FGK", "1004").await["unit"], "Gata");
    }

    async fn an_address_is_not_shown_next_to_a_protected_number(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let shared = employments(&[
            "1004,David,Ek,dolt@example.org,david,1,FGK,Hemlig,permanent,2026-01-05,,,true",
            "1005,Siv,Ask,dolt@example.org,siv,1,FGK,Park,permanent,2026-01-05,,,",
        ]);
        app.import(HrFiles { employments: &shared, ..HrFiles::default() }).await;
        let secret = app.platform("larportal").await;
        for (id, learner) in [
            ("e-1", json!({"email": "dolt@example.org"})),
            ("e-2", json!({"employee_number": "1004", "email": "anna@example.org"})),
        ] {
            let done = completed(learner, "infosec-basics", "2026-02-10T10:00:00+01:00");
            app.deliver("larportal", &secret, id, &done).await;
        }
        let fgk = app.token(Role::Administration, &["FGK"]).await;
        for role in [Role::Admin, Role::City, Role::Auditor] {
            let token = app.token(role, &[]).await;
            for path in ["/api/v1/unlinked", "/api/v1/unlinked.csv", "/api/v1/unlinked?sort=oldest&why=ambiguous"] {
                let answer = app.get(path, Some(&token)).await;
                assert_eq!(answer.status, 200);
                says_nothing(path, &answer.body);
            }
        }
        let queue = app.get("/api/v1/unlinked", Some(&fgk)).await;
        says_nothing("the officer's queue", &queue.body);
        let item = &queue.ok()["items"][0];
        assert_eq!((&item["withheld"], &item["identity"]["value"], &item["suggestions"]), (&json!(true), &Value::Null, &json!([])));
        assert_eq!(item["candidates"], json!(["1004", "1005"]));
        // Guessing reveals nothing.
        let guess = json!({"platform": "larportal", "key": "email", "value": "dolt@example.org", "employee_number": "1005", "reason": "gissat"});
        let found = app.post("/api/v1/links", Some(&fgk), &guess).await.problem(404);
        let mut other = guess.clone();
        other["value"] = json!("nobody@example.org");
        assert_eq!(app.post("/api/v1/links", Some(&fgk), &other).await.problem(404), found);
        let city = app.token(Role::City, &[]).await;
        let mut link = guess.clone();
        link["employee_number"] = json!("1004");
        let made = app.post("/api/v1/links", Some(&city), &link).await;
        assert_eq!(made.ok()["value"], Value::Null);
        let dismissed = json!({"platform": "larportal", "key": "username", "value": "david", "employee_number": null, "from": null, "to": null, "reason": "ingen"});
        app.post("/api/v1/links", Some(&city), &dismissed).await.ok();
        for role in [Role::Admin, Role::City, Role::Auditor] {
            let token = app.token(role, &[]).await;
            says_nothing("the links", &app.get("/api/v1/links", Some(&token)).await.body);
            for number in ["1004", "1005"] {
                let path = format!("/api/v1/employees/{number}/history?kind=link");
                says_nothing(&path, &app.get(&path, Some(&token)).await.body);
            }
        }
        let auditor = app.token(Role::Auditor, &[]).await;
        says_nothing("the trail", &app.get("/api/v1/audit?limit=100", Some(&auditor)).await.body);
        let id = made.ok()["id"].clone();
        let undone = app.post(&format!("/api/v1/links/{id}/undo"), Some(&city), &json!({})).await;
        assert_eq!(undone.ok()["value"], Value::Null);
    }

    async fn a_body_that_names_a_protected_person_is_withheld_and_an_excerpt_names_no_one(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        for (id, learner) in [
            ("e-1", json!({"employee_number": "1004"})),
            ("e-2", json!({"employee_number": "1001"})),
            ("e-3", json!({"email": "DAVID@example.org", "display": "x"})),
        ] {
            let done = completed(learner, "infosec-basics", "2026-02-10T10:00:00+01:00");
            app.deliver("larportal", &secret, id, &done).await.ok();
        }
        let broken = json!({"type": "course.completed", "timestamp": "igår",
            "data": {"learner": {"email": "david@example.org", "name": "David Ek"}, "course": {"id": "infosec-basics"}}});
        app.deliver("larportal", &secret, "q-1", &broken).await;
        for role in [Role::Admin, Role::Auditor] {
            let token = app.token(role, &[]).await;
            let waiting = app.get("/api/v1/quarantine", Some(&token)).await;
            says_nothing("the quarantine", &waiting.body);
            assert!(waiting.body.contains("igår") && waiting.body.contains("learner"), "{}", waiting.body);
            let stored = app.get("/api/v1/deliveries", Some(&token)).await.ok();
            for item in stored["items"].as_array().expect("items") {
                let shown = app.get(&format!("/api/v1/deliveries/{}", item["id"]), Some(&token)).await;
                says_nothing("the delivery", &shown.body);
                let shown = shown.ok();
                let is_shown = item["delivery_id"] == "e-2";
                assert_eq!(shown["body_base64"].is_string(), is_shown, "{shown}");
                assert_eq!(shown["body_withheld"].is_null(), is_shown, "{shown}");
                assert_eq!(shown["body_sha256"].as_str().map(str::len), Some(64));
            }
        }
    }
}
