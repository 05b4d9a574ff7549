//! Users of a provider that sends neither HR's number nor an administration: they wait, visibly, until the directory knows them.

use kurskoll::config::Settings;
use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::directory::files::employments as file_of;
use crate::scim::users::{ENTERPRISE, KURSKOLL, create, employments, empty_city, error, patch, patch_of, read};
use crate::support::app::{HrFiles, TestApp, TestClock};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::small_city;

/// A User as Entra ID and Okta send it by default.
fn stock(name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": format!("{name}@example.org"), "externalId": format!("ext-{name}"), "active": true,
        "displayName": "Maja Lind", "nickName": "Maj", "title": "Kock", "locale": "sv-SE",
        "name": {"givenName": "Maja", "familyName": "Lind", "formatted": "Maja Lind"},
        "emails": [{"value": format!("{name}@example.org"), "type": "work", "primary": true},
                   {"value": "maja@home.example.org", "type": "home"}],
        "phoneNumbers": [{"value": "0470-1", "type": "work"}, {"value": "070-1", "type": "mobile"}],
        "password": "secret",
    })
}

/// Maja, hired from the first of May.
const MAJA: &str = "1501,Maja,Lind,maja@example.org,majlin,1,SEF,Kök,permanent,2026-05-01,,,";

async fn refresh(app: &TestApp) -> usize {
    let endpoint = kurskoll::http::scim::endpoint(&Settings::default().scim).expect("a mapping");
    app.app.resolve_waiting_users(&endpoint).await.expect("resolved")
}

async fn find(app: &TestApp, filter: &str) -> Value {
    let filter = filter.replace(' ', "+").replace('"', "%22");
    app.scim(&format!("GET /scim/v2/Users?filter={filter}"), &[], None).await.ok()
}

both_databases! {
    async fn a_default_clients_user_waits_and_is_shown(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let made = create(&app, &stock("maja")).await;
        assert_eq!((&made["id"], &made[KURSKOLL]["waiting"]), (&json!("u-1"), &json!(true)));
        // What was sent is returned; what is private is not stored.
        for name in ["displayName", "nickName", "title", "locale", "name", "userName", "externalId", "active"] {
            assert_eq!(made[name], stock("maja")[name], "{name}");
        }
        assert_eq!(made["phoneNumbers"], json!([{"value": "0470-1", "type": "work"}]));
        assert_eq!(made["emails"].as_array().map(Vec::len), Some(1));
        assert!(!made.to_string().contains("secret") && !app.rows_holding("070-1").await);
        assert_eq!(read(&app, &made["id"]).await.ok(), made);
        assert_eq!(app.rows_in("employee").await, 0, "no employee is made up");
        for filter in [
            "userName eq \"MAJA@example.org\"", "externalId eq \"ext-maja\"", "id eq \"u-1\"", "title eq \"kock\"",
            "emails[type eq \"work\"].value eq \"maja@example.org\"", "emails[type eq \"work\"] and active eq true",
        ] {
            assert_eq!(find(&app, filter).await["Resources"], json!([made]), "{filter}");
        }
        assert_eq!(find(&app, "emails[type eq \"home\"].value eq \"maja@example.org\"").await["totalResults"], 0);
        error(&app.scim("POST /scim/v2/Users", &[], Some(&stock("maja"))).await, 409);
        let renamed = patch(&app, &made["id"], &patch_of("replace", "name.familyName", json!("Berg"))).await.ok();
        assert_eq!((&renamed["name"]["familyName"], &renamed["name"]["givenName"]), (&json!("Berg"), &json!("Maja")));
        patch(&app, &made["id"], &patch_of("replace", "phoneNumbers[type eq \"mobile\"].value", json!("070-2"))).await.ok();
        let off = patch(&app, &made["id"], &patch_of("Replace", "active", json!("False"))).await.ok();
        assert_eq!(off["active"], false);
        // Created again after a deactivation: another user.
        assert_eq!(create(&app, &stock("maja")).await["id"], "u-2");
        error(&read(&app, &made["id"]).await, 404);
        assert_eq!(app.scim("DELETE /scim/v2/Users/u-2", &[], None).await.status, 204);
        assert_eq!(app.scim("GET /scim/v2/Users", &[], None).await.ok()["totalResults"], 0);
        assert!(!app.rows_holding("maja@example.org").await, "what is not needed is not stored");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_user_is_linked_to_an_employee_once_hr_knows_the_address(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let id = create(&app, &stock("maja")).await["id"].clone();
        assert_eq!(refresh(&app).await, 0);
        assert!(app.get("/metrics", None).await.body.contains("kurskoll_waiting_users 1"));
        app.import(HrFiles { employments: &file_of(&[MAJA]), ..HrFiles::default() }).await;
        assert_eq!(refresh(&app).await, 1);
        let known = read(&app, &id).await.ok();
        assert_eq!(known["id"], id, "the provider still knows it by its id");
        assert_eq!(known[ENTERPRISE]["employeeNumber"], "1501");
        assert_eq!((known[KURSKOLL].get("waiting"), &known["title"]), (None, &json!("Kock")));
        assert_eq!(employments(&app, "1501").await, ["1 SEF 2026-05-01.."], "HR says where she works");
        assert_eq!(find(&app, "userName eq \"maja@example.org\"").await["Resources"], json!([known]));
        assert_eq!(find(&app, "id eq \"u-1\"").await["totalResults"], 1);
        assert_eq!((refresh(&app).await, app.rows_in("employee").await), (0, 5));
        // PUT and the end of the account work as for any other.
        assert_eq!(app.scim("PUT /scim/v2/Users/u-1", &[], Some(&stock("maja"))).await.ok()["id"], id);
        patch(&app, &id, &patch_of("replace", "active", json!(false))).await.ok();
        assert_eq!(employments(&app, "1501").await, [""; 0], "a future employment is withdrawn");
        assert_eq!(app.scim("DELETE /scim/v2/Users/u-1", &[], None).await.status, 204);
        error(&read(&app, &id).await, 404);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_user_whom_hr_knows_already_does_not_wait(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.import(HrFiles { employments: &file_of(&[MAJA]), ..HrFiles::default() }).await;
        let made = create(&app, &stock("maja")).await;
        assert_eq!(made[ENTERPRISE]["employeeNumber"], "1501");
        assert_eq!(made[ENTERPRISE]["organization"], "SEF");
        assert_eq!(employments(&app, "1501").await, ["1 SEF 2026-05-01.."]);
        // A PUT without the administration leaves it.
        let mut body = stock("maja");
        body[ENTERPRISE] = json!({"department": "Kök 2"});
        let path = format!("PUT /scim/v2/Users/{}", made["id"].as_str().expect("an id"));
        assert_eq!(app.scim(&path, &[], Some(&body)).await.ok()[ENTERPRISE]["organization"], "SEF");
        assert_eq!(employments(&app, "1501").await, ["1 SEF 2026-05-01.."]);
    }

    async fn a_user_who_stays_unknown_delays_no_other(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        // More users who stay unknown than one batch holds: each has the address of an employee who left.
        let left = (0..60).map(|n| format!("16{n:02},Ann,Ek,left{n}@example.org,,1,SEF,Kök,permanent,2025-01-01,2025-12-31,,"));
        let left: Vec<String> = left.collect();
        let rows: Vec<&str> = left.iter().map(String::as_str).chain([MAJA]).collect();
        for n in 0..60 {
            create(&app, &stock(&format!("left{n}"))).await;
        }
        let id = create(&app, &stock("maja")).await["id"].clone();
        app.import(HrFiles { employments: &file_of(&rows), ..HrFiles::default() }).await;
        assert_eq!(refresh(&app).await, 1);
        assert_eq!(read(&app, &id).await.ok()[ENTERPRISE]["employeeNumber"], "1501");
        assert!(app.get("/metrics", None).await.body.contains("kurskoll_waiting_users 60"));
    }

    async fn an_address_that_fits_two_employees_is_not_guessed(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let id = create(&app, &stock("kok")).await["id"].clone();
        let two = file_of(&[
            "1501,Maja,Lind,kok@example.org,,1,SEF,Kök,permanent,2026-01-01,,,",
            "1502,Ida,Lind,kok@example.org,,1,SEF,Kök,permanent,2026-01-01,,,",
        ]);
        app.import(HrFiles { employments: &two, ..HrFiles::default() }).await;
        assert_eq!(refresh(&app).await, 0);
        assert_eq!(read(&app, &id).await.ok()[KURSKOLL]["waiting"], true);
        // The provider gives the number.
        let said = patch(&app, &id, &patch_of("add", &format!("{ENTERPRISE}:employeeNumber"), json!("1502"))).await.ok();
        assert_eq!((&said["id"], &said[ENTERPRISE]["employeeNumber"]), (&id, &json!("1502")));
    }

    async fn a_group_waits_with_its_members(database: TestDatabase) {
        let app = TestApp::start_with(&database, TestClock::frozen(), |mut settings| {
            settings.scim.groups.insert("Kurskoll FGK".to_owned(), "FGK".to_owned());
            settings
        }).await;
        small_city(&app).await;
        let id = create(&app, &stock("maja")).await["id"].clone();
        let group = json!({"displayName": "Kurskoll FGK", "members": [{"value": id}]});
        assert_eq!(app.scim("POST /scim/v2/Groups", &[], Some(&group)).await.status, 201);
        assert_eq!(read(&app, &id).await.ok()["groups"][0]["value"], "group-1");
        let said = patch(&app, &id, &patch_of("add", &format!("{ENTERPRISE}:employeeNumber"), json!("1777"))).await.ok();
        assert_eq!(said["groups"].as_array().map(Vec::len), Some(2), "{said}");
        assert_eq!(employments(&app, "1777").await, ["scim:2026-02-26 FGK 2026-02-26.."]);
        let shown = app.scim("GET /scim/v2/Groups/FGK", &[], None).await.ok();
        assert!(shown["members"].to_string().contains("\"u-1\""), "{shown}");
    }

    async fn pages_continue_from_the_known_users_into_the_waiting_ones(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        for name in ["a", "b", "c"] {
            create(&app, &stock(name)).await;
        }
        let ids = |page: &Value| -> Vec<String> {
            let all = page["Resources"].as_array().expect("resources").iter();
            all.map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
        };
        let all = app.scim("GET /scim/v2/Users", &[], None).await.ok();
        assert_eq!((ids(&all).len(), &all["totalResults"]), (7, &json!(7)));
        assert_eq!(ids(&all)[4..], ["u-1", "u-2", "u-3"]);
        for count in [1, 2, 3, 5, 7] {
            for question in ["", "&filter=userName+pr", "&sortBy=id"] {
                let mut seen = Vec::new();
                for start in (1..=7).step_by(count) {
                    let page = app.scim(&format!("GET /scim/v2/Users?startIndex={start}&count={count}{question}"), &[], None).await.ok();
                    assert_eq!(page["totalResults"], 7, "{question}");
                    seen.extend(ids(&page));
                }
                assert_eq!(seen, ids(&all), "{count} {question}");
                let (mut seen, mut cursor) = (Vec::new(), Some(String::new()));
                while let Some(next) = cursor {
                    let page = app.scim(&format!("GET /scim/v2/Users?cursor={next}&count={count}{question}"), &[], None).await.ok();
                    seen.extend(ids(&page));
                    cursor = page["nextCursor"].as_str().map(ToOwned::to_owned);
                }
                assert_eq!(seen, ids(&all), "{count} {question} by cursor");
            }
        }
    }

    async fn a_patch_answers_with_the_resulting_state(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.import(HrFiles { employments: &file_of(&[MAJA]), ..HrFiles::default() }).await;
        let made = create(&app, &stock("maja")).await;
        let gone = patch(&app, &made["id"], &patch_of("remove", "nickName", Value::Null)).await.ok();
        assert_eq!((gone.get("nickName"), &gone["title"]), (None, &json!("Kock")));
        let again = patch(&app, &made["id"], &patch_of("remove", "nickName", Value::Null)).await;
        assert_eq!((again.status, again.body.as_str()), (204, ""));
        assert_eq!(again.headers["etag"], gone["meta"]["version"].as_str().expect("a version"));
        let reported = error(&patch(&app, &made["id"], &patch_of("remove", "name", Value::Null)).await, 400);
        assert_eq!(reported.0, "mutability");
        assert_eq!(read(&app, &made["id"]).await.ok(), gone);
    }

    async fn an_endpoint_says_which_methods_it_supports(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        for (request, allow) in [
            ("POST /scim/v2/Schemas", "GET, HEAD"), ("DELETE /scim/v2/ServiceProviderConfig", "GET, HEAD"),
            ("PATCH /scim/v2/ResourceTypes/User", "GET, HEAD"), ("TRACE /scim/v2/Bulk", "POST"),
            ("QUERY /scim/v2/Users", "GET, HEAD, POST"), ("DELETE /scim/v2/Groups", "GET, HEAD, POST"),
            ("POST /scim/v2/Users/1-1", "DELETE, GET, HEAD, PATCH, PUT"),
        ] {
            let answer = app.scim(request, &[], None).await;
            error(&answer, 405);
            assert_eq!(answer.headers["allow"], allow, "{request}");
        }
        let token = app.token(Role::City, &[]).await;
        for (request, allow) in [("TRACE /api/v1/unlinked", "GET, HEAD"), ("QUERY /api/v1/links", "GET, HEAD, POST"), ("PUT /health/live", "GET, HEAD")] {
            let answer = app.ask(request, Some(&token), &[], None).await;
            answer.problem(405);
            assert_eq!(answer.headers["allow"], allow, "{request}");
        }
        app.ask("QUERY /nothing", Some(&token), &[], None).await.problem(400);
        app.get("/api/v1/unlinked?after=", Some(&token)).await.problem(400);
    }

    async fn the_schemas_say_what_is_required(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let schemas = app.scim("GET /scim/v2/Schemas", &[], None).await.ok();
        let mut required: Vec<String> = Vec::new();
        for schema in schemas["Resources"].as_array().expect("schemas") {
            for attribute in schema["attributes"].as_array().expect("attributes") {
                if attribute["required"] == true {
                    required.push(format!("{} {}", schema["name"].as_str().expect("a name"), attribute["name"].as_str().expect("a name")));
                }
            }
        }
        assert_eq!(required, ["User userName", "Group displayName"]);
        create(&app, &json!({"userName": "x"})).await;
        assert_eq!(app.scim("POST /scim/v2/Groups", &[], Some(&json!({"displayName": "x"}))).await.status, 201);
        let types = app.scim("GET /scim/v2/ResourceTypes/User", &[], None).await.ok();
        assert!(types["schemaExtensions"].as_array().expect("extensions").iter().all(|one| one["required"] == false), "{types}");
    }
}
