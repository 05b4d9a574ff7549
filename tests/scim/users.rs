//! Users at the SCIM endpoint: created, read, changed, deactivated and deleted, and their effect on the directory.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::support::app::{Answer, HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{ADMINISTRATIONS, EMPLOYMENTS, REQUIREMENT, completed, small_city};

pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub const KURSKOLL: &str = "urn:ietf:params:scim:schemas:extension:kurskoll:2.0:User";

/// A city with its administrations, and no people.
pub async fn empty_city(app: &TestApp) {
    app.apply(REQUIREMENT).await;
    app.import(HrFiles { administrations: ADMINISTRATIONS, ..HrFiles::default() }).await;
}

/// A User as a plain provider sends it.
pub fn user(number: &str, given_name: &str, family_name: &str, administration: &str) -> Value {
    let user_name = format!("{}.{number}@example.org", given_name.to_lowercase());
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "userName": user_name,
        "externalId": format!("ext-{number}"),
        "name": {"givenName": given_name, "familyName": family_name},
        "emails": [{"value": user_name, "type": "work", "primary": true}],
        "active": true,
        ENTERPRISE: {"employeeNumber": number, "organization": administration, "department": "Måltid"},
    })
}

pub async fn create(app: &TestApp, body: &Value) -> Value {
    let answer = app.scim("POST /scim/v2/Users", &[], Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()
}

/// A PATCH of one operation.
pub fn patch_of(op: &str, path: &str, value: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
           "Operations": [{"op": op, "path": path, "value": value}]})
}

pub async fn patch(app: &TestApp, id: &Value, body: &Value) -> Answer {
    app.scim(&format!("PATCH /scim/v2/Users/{}", id.as_str().expect("an id")), &[], Some(body)).await
}

pub async fn read(app: &TestApp, id: &Value) -> Answer {
    app.scim(&format!("GET /scim/v2/Users/{}", id.as_str().expect("an id")), &[], None).await
}

/// The employments of a person, as HR sees them: id, administration, first and last day.
pub async fn employments(app: &TestApp, number: &str) -> Vec<String> {
    let (known, _) = kurskoll::store::directory::known(app.app.store.connection(kurskoll::store::Unscoped::Operating))
        .await
        .expect("a directory");
    let of_person = known.employments.values().filter(|e| e.employee_number.as_str() == number);
    let line = |e: &kurskoll::domain::directory::records::EmploymentRecord| {
        let last = e.ends_on.map_or_else(String::new, |last| last.to_string());
        format!("{} {} {}..{last}", e.employment_id, e.administration, e.starts_on)
    };
    of_person.map(line).collect()
}

/// An error in SCIM's envelope: its scimType and its detail.
pub fn error(answer: &Answer, status: u16) -> (String, String) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/scim+json");
    let body = answer.json();
    assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!(body["status"], status.to_string());
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (text("scimType"), text("detail"))
}

both_databases! {
    async fn a_created_user_shows_up_in_the_report(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let answer = app.scim("POST /scim/v2/Users", &[], Some(&user("2001", "Eva", "Ek", "SEF"))).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/scim+json");
        assert_eq!(answer.headers["location"], "/scim/v2/Users/1-1");
        let body = answer.json();
        assert_eq!(answer.headers["etag"], body["meta"]["version"].as_str().expect("a version"));
        let mut shown = body.clone();
        shown["meta"]["version"] = json!("(version)");
        insta::allow_duplicates!(insta::assert_json_snapshot!(shown, @r#"
        {
          "active": true,
          "emails": [
            {
              "primary": true,
              "type": "work",
              "value": "eva.2001@example.org"
            }
          ],
          "externalId": "ext-2001",
          "groups": [
            {
              "$ref": "/scim/v2/Groups/SEF",
              "display": "Serviceförvaltningen",
              "value": "SEF"
            }
          ],
          "id": "1-1",
          "meta": {
            "created": "2026-02-26T12:00:00.000Z",
            "lastModified": "2026-02-26T12:00:00.000Z",
            "location": "/scim/v2/Users/1-1",
            "resourceType": "User",
            "version": "(version)"
          },
          "name": {
            "familyName": "Ek",
            "givenName": "Eva"
          },
          "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            "urn:ietf:params:scim:schemas:extension:kurskoll:2.0:User"
          ],
          "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Måltid",
            "employeeNumber": "2001",
            "organization": "SEF"
          },
          "urn:ietf:params:scim:schemas:extension:kurskoll:2.0:User": {
            "employments": [
              {
                "administration": "SEF",
                "form": "permanent",
                "id": "scim:2026-02-26",
                "startsOn": "2026-02-26",
                "unit": "Måltid"
              }
            ],
            "protected": false
          },
          "userName": "eva.2001@example.org"
        }
        "#));
        assert_eq!(read(&app, &body["id"]).await.ok(), body);
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 SEF 2026-02-26.."]);
        let secret = app.platform("larportal").await;
        let learner = json!({"email": "EVA.2001@example.org"});
        let done = completed(learner, "infosec-basics-2023", "2026-02-26T10:00:00+01:00");
        assert_eq!(app.deliver("larportal", &secret, "e-1", &done).await.ok()["linked"], true);
        let report = app.get_as_city("/api/v1/reports/onboarding?requirement=infosec-onboarding").await.ok();
        assert_eq!(report["city"]["counts"]["compliant"], 1, "{report}");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn deactivation_ends_the_employment_and_a_return_is_a_new_one(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let id = create(&app, &user("2001", "Eva", "Ek", "SEF")).await["id"].clone();
        app.clock.set("2026-03-10T12:00:00Z");
        for _ in 0..2 {
            let answer = patch(&app, &id, &patch_of("replace", "active", json!(false))).await;
            assert_eq!(answer.ok()["active"], false);
            assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 SEF 2026-02-26..2026-03-10"]);
        }
        app.clock.set("2026-05-04T12:00:00Z");
        for _ in 0..2 {
            assert_eq!(patch(&app, &id, &patch_of("replace", "active", json!(true))).await.ok()["active"], true);
            assert_eq!(
                employments(&app, "2001").await,
                ["scim:2026-02-26 SEF 2026-02-26..2026-03-10", "scim:2026-05-04 SEF 2026-05-04.."]
            );
        }
        assert_eq!(app.rows_in("employee").await, 1);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_deleted_user_stays_known_and_returns_under_another_id(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let eva = user("2001", "Eva", "Ek", "SEF");
        let id = create(&app, &eva).await["id"].clone();
        app.clock.set("2026-03-10T12:00:00Z");
        let path = format!("/scim/v2/Users/{}", id.as_str().expect("an id"));
        let answer = app.scim(&format!("DELETE {path}"), &[], None).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
        for request in ["GET", "DELETE"] {
            error(&app.scim(&format!("{request} {path}"), &[], None).await, 404);
        }
        error(&patch(&app, &id, &patch_of("replace", "active", json!(true))).await, 404);
        assert_eq!(app.scim("GET /scim/v2/Users", &[], None).await.ok()["totalResults"], 0);
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 SEF 2026-02-26..2026-03-10"]);
        app.clock.set("2026-04-01T12:00:00Z");
        let back = create(&app, &eva).await;
        assert_eq!((&id, &back["id"]), (&json!("1-1"), &json!("1-2")));
        assert_eq!(
            employments(&app, "2001").await,
            ["scim:2026-02-26 SEF 2026-02-26..2026-03-10", "scim:2026-04-01 SEF 2026-04-01.."]
        );
    }

    async fn another_administration_is_a_transfer(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let id = create(&app, &user("2001", "Eva", "Ek", "SEF")).await["id"].clone();
        let to = |code: &str| patch_of("Replace", &format!("{ENTERPRISE}:organization"), json!(code));
        // On the first day, it corrects the first value.
        assert_eq!(patch(&app, &id, &to("FGK")).await.status, 200);
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 FGK 2026-02-26.."]);
        app.clock.set("2026-03-10T12:00:00Z");
        assert_eq!(patch(&app, &id, &to("SEF")).await.ok()[ENTERPRISE]["organization"], "SEF");
        assert_eq!(
            employments(&app, "2001").await,
            ["scim:2026-02-26 FGK 2026-02-26..2026-03-09", "scim:2026-03-10 SEF 2026-03-10.."]
        );
    }

    async fn an_employee_from_hrs_file_is_a_user_and_can_be_taken_over(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let found = app.scim("GET /scim/v2/Users?filter=employeeNumber%20eq%20%221002%22", &[], None).await.ok();
        let bo = &found["Resources"][0];
        assert_eq!((&found["totalResults"], &bo["userName"], &bo["active"]), (&json!(1), &json!("bo"), &json!(true)));
        assert_eq!(bo[ENTERPRISE]["organization"], "SEF");
        assert_eq!(bo[ENTERPRISE]["department"], "Lokalvård");
        let anna = app.scim("GET /scim/v2/Users?filter=userName%20eq%20%22ANNA%22", &[], None).await.ok();
        assert_eq!(bo[ENTERPRISE]["manager"]["value"], anna["Resources"][0]["id"]);
        // Taking them over changes no employment.
        assert_eq!(patch(&app, &bo["id"], &patch_of("add", "externalId", json!("x-1"))).await.ok()["externalId"], "x-1");
        assert_eq!(employments(&app, "1002").await, ["1 SEF 2026-02-10.."]);
        assert_eq!(patch(&app, &bo["id"], &patch_of("replace", "active", json!("False"))).await.ok()["active"], false);
        assert_eq!(employments(&app, "1002").await, ["1 SEF 2026-02-10..2026-02-26"]);
        // HR's next file says otherwise: the newest value takes effect.
        app.import_full(HrFiles { employments: EMPLOYMENTS, ..HrFiles::default() }).await;
        assert_eq!(employments(&app, "1002").await, ["1 SEF 2026-02-10.."]);
        assert_eq!(read(&app, &bo["id"]).await.ok()["active"], false, "the provider's own value stays");
        // Created again by a provider that did not search first.
        let made = create(&app, &user("1001", "Anna", "Andersson", "SEF")).await;
        assert_eq!(made["id"], anna["Resources"][0]["id"]);
        assert_eq!(employments(&app, "1001").await, ["1 SEF 2020-01-01..", "scim:2026-02-26 SEF 2026-02-26.."]);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn kurskolls_extension_carries_several_employments(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let mut eva = user("2001", "Eva", "Ek", "SEF");
        eva[KURSKOLL] = json!({"protected": true, "employments": [
            {"id": "77", "administration": "SEF", "unit": "Städ", "form": "hourly", "startsOn": "2026-01-01", "endsOn": "2026-06-30"},
            {"administration": "FGK", "startsOn": "2026-03-01"},
        ]});
        let made = create(&app, &eva).await;
        assert_eq!(employments(&app, "2001").await, ["77 SEF 2026-01-01..2026-06-30", "scim:2026-03-01 FGK 2026-03-01.."]);
        assert_eq!(made[KURSKOLL]["protected"], true);
        let shown = app.get_as_city("/api/v1/employees/2001").await.ok();
        assert_eq!((&shown["protected"], &shown["family_name"]), (&json!(true), &json!("")));
        // A PUT without the list leaves it; if the list lacks an employment, that one ends.
        let mut plain = user("2001", "Eva", "Ek", "SEF");
        let path = format!("PUT /scim/v2/Users/{}", made["id"].as_str().expect("an id"));
        assert_eq!(app.scim(&path, &[], Some(&plain)).await.status, 200);
        assert_eq!(employments(&app, "2001").await.len(), 2);
        plain[KURSKOLL] = json!({"employments": [made[KURSKOLL]["employments"][1].clone()]});
        let now = app.scim(&path, &[], Some(&plain)).await.ok();
        assert_eq!(
            employments(&app, "2001").await,
            ["77 SEF 2026-01-01..2026-02-26", "scim:2026-03-01 FGK 2026-03-01.."],
            "{now}"
        );
        let path = format!("{KURSKOLL}:employments[administration eq \"FGK\"].endsOn");
        patch(&app, &made["id"], &patch_of("add", &path, json!("2026-12-31"))).await.ok();
        assert_eq!(employments(&app, "2001").await[1], "scim:2026-03-01 FGK 2026-03-01..2026-12-31");
        // An empty list ends current employments, and withdraws future ones.
        app.clock.set("2026-03-05T12:00:00Z");
        for (place, number) in ["2001", "2002"].into_iter().enumerate() {
            let id = match place {
                0 => made["id"].clone(),
                _ => create(&app, &user(number, "Ida", "Ek", "SEF")).await["id"].clone(),
            };
            let list = format!("{KURSKOLL}:employments");
            let mut none = user(number, "Ida", "Ek", "SEF");
            none[KURSKOLL] = json!({"employments": []});
            match place {
                0 => patch(&app, &id, &patch_of("remove", &list, Value::Null)).await.ok(),
                _ => app.scim(&format!("PUT /scim/v2/Users/{}", id.as_str().expect("an id")), &[], Some(&none)).await.ok(),
            };
            assert!(employments(&app, number).await.last().expect("one").ends_with("..2026-03-05"), "{number}");
        }
    }

    async fn errors_use_scims_own_types(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let eva = user("2001", "Eva", "Ek", "SEF");
        let id = create(&app, &eva).await["id"].clone();
        let with = |change: &dyn Fn(&mut Value)| {
            let mut body = user("2002", "Ida", "Berg", "SEF");
            change(&mut body);
            body
        };
        for (body, status, scim_type, text) in [
            (eva.clone(), 409, "uniqueness", "is a user already"),
            (with(&|u| u["userName"] = json!("EVA.2001@example.org")), 409, "uniqueness", "userName"),
            (with(&|u| u["userName"] = json!("")), 400, "invalidValue", "userName is missing"),
            (with(&|u| u[ENTERPRISE]["employeeNumber"] = json!("19811218-9876")), 400, "invalidValue", "personal identity number"),
            (with(&|u| u["externalId"] = json!("811218-9876")), 400, "invalidValue", "personal identity number"),
            (with(&|u| u[ENTERPRISE]["organization"] = json!("XYZ")), 400, "invalidValue", "these exist: FGK, SEF"),
            (with(&|u| u["active"] = json!("perhaps")), 400, "invalidValue", "active is not true or false"),
            (with(&|u| u["name"] = json!(["x", "y"])), 400, "invalidValue", "name is not an object"),
            (with(&|u| u[ENTERPRISE]["manager"] = json!({"value": "17-1"})), 400, "invalidValue", "no user with the id 17-1"),
            (with(&|u| u[KURSKOLL] = json!({"employments": [{"administration": "SEF"}]})), 400, "invalidValue", "lacks its startsOn"),
            (with(&|u| u[KURSKOLL] = json!({"employments": [{"administration": "SEF", "startsOn": "2026-02-01", "endsOn": "2026-01-01"}]})), 400, "invalidValue", "before its first day"),
            (json!([]), 400, "invalidSyntax", "not a JSON object"),
        ] {
            let answer = app.scim("POST /scim/v2/Users", &[], Some(&body)).await;
            let reported = error(&answer, status);
            assert!(reported.0 == scim_type && reported.1.contains(text), "{reported:?} for {body}");
        }
        assert_eq!(app.rows_in("employee").await, 1, "nothing of it was stored");
        for (body, status, scim_type, text) in [
            (patch_of("replace", "id", json!("9-9")), 400, "mutability", "id is read-only"),
            (patch_of("replace", &format!("{ENTERPRISE}:employeeNumber"), json!("9")), 400, "mutability", "cannot be changed"),
            (patch_of("replace", "no.such", json!("9")), 400, "invalidPath", "no.such"),
            (patch_of("replace", "emails[type eq \"home\"].value", json!("x@example.org")), 400, "noTarget", "no element"),
            (patch_of("replace", "emails[type eq]", json!("x")), 400, "invalidFilter", "character 8"),
            (patch_of("move", "active", json!(true)), 400, "invalidSyntax", "add, replace or remove"),
            (patch_of("remove", "userName", Value::Null), 400, "invalidValue", "userName is missing"),
            (patch_of("remove", "name.givenName", Value::Null), 400, "mutability", "name.givenName cannot be removed"),
            (patch_of("remove", "active", Value::Null), 400, "mutability", "active cannot be removed"),
            (patch_of("remove", &format!("{ENTERPRISE}:organization"), Value::Null), 400, "invalidValue", "these exist: FGK, SEF"),
            (json!({"Operations": [{"op": "remove"}]}), 400, "noTarget", "remove needs a path"),
            (json!({"operations": "x"}), 400, "invalidSyntax", "no PATCH"),
        ] {
            let reported = error(&patch(&app, &id, &body).await, status);
            assert!(reported.0 == scim_type && reported.1.contains(text), "{reported:?} for {body}");
        }
        let kind = [("content-type", "text/plain")];
        error(&app.scim("POST /scim/v2/Users", &kind, Some(&eva)).await, 415);
        error(&app.scim("GET /scim/v2/Nothing", &[], None).await, 404);
        error(&app.ask("GET /scim/v2/Users", None, &[], None).await, 401);
        for role in [Role::Admin, Role::City, Role::Auditor] {
            let token = app.token(role, &[]).await;
            let reported = error(&app.ask("GET /scim/v2/Users", Some(&token), &[], None).await, 403);
            assert!(reported.1.contains("role scim"), "{reported:?}");
        }
    }

    async fn a_version_that_was_not_seen_is_not_overwritten(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let made = create(&app, &user("2001", "Eva", "Ek", "SEF")).await;
        let path = format!("/scim/v2/Users/{}", made["id"].as_str().expect("an id"));
        let first = made["meta"]["version"].as_str().expect("a version").to_owned();
        assert!(first.starts_with("W/\""), "{first}");
        let known = app.scim(&format!("GET {path}"), &[("if-none-match", &first)], None).await;
        assert_eq!((known.status, known.body.as_str()), (304, ""));
        // HR's file changes the user's version, as a provider does.
        let file = EMPLOYMENTS.lines().next().expect("a header").to_owned() + "\n2001,Eva,Ekström,,,1,SEF,Måltid,permanent,2026-01-01,,,\n";
        app.import(HrFiles { employments: &file, ..HrFiles::default() }).await;
        let change = patch_of("replace", "externalId", json!("other"));
        error(&app.scim(&format!("PATCH {path}"), &[("if-match", &first)], Some(&change)).await, 412);
        error(&app.scim(&format!("PUT {path}"), &[("if-match", &first)], Some(&made)).await, 412);
        error(&app.scim(&format!("DELETE {path}"), &[("if-match", &first)], None).await, 412);
        let now = app.scim(&format!("GET {path}"), &[("if-none-match", &first)], None).await;
        let second = now.headers["etag"].clone();
        assert_ne!(first, second);
        let changed = app.scim(&format!("PATCH {path}"), &[("if-match", &second)], Some(&change)).await;
        assert_eq!(changed.ok()["externalId"], "other");
        assert_eq!(app.scim(&format!("DELETE {path}"), &[("if-match", "*")], None).await.status, 204);
    }

    async fn every_read_and_every_change_leaves_an_audit_entry(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let id = create(&app, &user("2001", "Eva", "Ek", "SEF")).await["id"].clone();
        read(&app, &id).await.ok();
        app.scim("GET /scim/v2/Users", &[], None).await.ok();
        app.scim("GET /scim/v2/Groups", &[], None).await.ok();
        patch(&app, &id, &patch_of("replace", "active", json!(false))).await.ok();
        app.scim(&format!("DELETE /scim/v2/Users/{}", id.as_str().expect("an id")), &[], None).await;
        let token = app.token(Role::Auditor, &[]).await;
        let trail = app.get("/api/v1/audit", Some(&token)).await.ok();
        let entries = trail["items"].as_array().or_else(|| trail.as_array()).expect("entries");
        let said: Vec<String> = entries
            .iter()
            .map(|entry| format!("{} {}", entry["action"].as_str().unwrap_or_default(), entry["object"].as_str().unwrap_or_default()))
            .filter(|line| line.starts_with("scim."))
            .collect();
        assert_eq!(
            said,
            ["scim.user.delete employee 2001", "scim.user.patch employee 2001", "scim.groups.read groups",
             "scim.users.read users", "scim.user.read user 1-1", "scim.user.create employee 2001"]
        );
    }

    async fn an_internal_error_has_the_same_envelope_and_does_not_show_its_cause(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        app.tamper("ALTER TABLE scim_user RENAME TO gone").await;
        let answer = app.scim("GET /scim/v2/Users", &[], None).await;
        let (scim_type, detail) = error(&answer, 500);
        assert!(scim_type.is_empty() && !detail.contains("scim_user"), "{detail}");
    }

    async fn no_employment_begins_in_a_closed_administration(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let eva = create(&app, &user("2001", "Eva", "Ek", "SEF")).await;
        let admin = app.token(Role::Admin, &[]).await;
        let closing = json!({"on_day": "2026-03-01", "closes": ["FGK"], "reason": "decided"});
        app.post("/api/v1/reorganisations", Some(&admin), &closing).await.ok();
        let refused = app.scim("POST /scim/v2/Users", &[], Some(&user("2002", "Bo", "Ek", "FGK"))).await;
        let (scim_type, detail) = error(&refused, 400);
        assert_eq!(scim_type, "invalidValue");
        assert!(detail.contains("administration FGK is closed by then"), "{detail}");
        let moved = patch_of("replace", &format!("{ENTERPRISE}:organization"), json!("FGK"));
        assert_eq!(error(&patch(&app, &eva["id"], &moved).await, 400).0, "invalidValue");
        assert_eq!(employments(&app, "2001").await.len(), 1);
        assert_eq!(app.differences().await, [""; 0]);
        // If the people of a closed one moved to another, its code is another name for that one.
        let closing = json!({"on_day": "2026-03-01", "closes": ["SEF"], "opens": [{"code": "SF", "name": "Stad"}],
                             "moves": [{"from": "SEF", "to": "SF"}], "reason": "decided"});
        app.post("/api/v1/reorganisations", Some(&admin), &closing).await.ok();
        create(&app, &user("2003", "Ida", "Ek", "SEF")).await;
    }
}
