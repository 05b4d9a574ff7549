//! Many users: filters, orders, pages by index and by cursor, and the attributes that are shown.

use serde_json::{Value, json};

use crate::scim::users::{ENTERPRISE, create, empty_city, error, patch, patch_of, user};
use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::small_city;

/// A request with its parameters, which need no escaping here.
async fn ask(app: &TestApp, parameters: &[(&str, &str)]) -> crate::support::app::Answer {
    let encoded: Vec<String> = parameters
        .iter()
        .map(|(name, value)| {
            format!("{name}={}", url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>())
        })
        .collect();
    app.scim(&format!("GET /scim/v2/Users?{}", encoded.join("&")), &[], None).await
}

/// The employee numbers of an answer, in its order.
fn numbers(answer: &Value) -> Vec<String> {
    let resources = answer["Resources"].as_array().expect("resources");
    resources.iter().map(|user| user[ENTERPRISE]["employeeNumber"].as_str().unwrap_or("?").to_owned()).collect()
}

both_databases! {
    async fn filters_find_the_users_they_describe(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let id = create(&app, &user("2001", "Eva", "Ek", "SEF")).await["id"].as_str().expect("an id").to_owned();
        for (filter, wanted) in [
            ("userName eq \"Eva.2001@EXAMPLE.org\"", "2001"),
            ("externalId eq \"ext-2001\"", "2001"),
            ("externalId eq \"EXT-2001\"", ""),
            (&format!("id eq \"{id}\""), "2001"),
            ("id eq \"9999-1\"", ""),
            (&format!("{ENTERPRISE}:employeeNumber eq \"1003\""), "1003"),
            ("employeeNumber eq 1003", "1003"),
            ("emails.value eq \"bo@example.org\"", "1002"),
            ("emails eq \"bo@example.org\"", "1002"),
            ("emails[type eq \"work\" and value eq \"bo@example.org\"]", "1002"),
            ("emails[type eq \"home\" and value eq \"bo@example.org\"]", ""),
            ("userName eq \"anna\" or userName eq \"bo\"", "1001 1002"),
            ("userName eq \"anna\" and active eq false", ""),
            ("name.familyName sw \"ö\"", "1002"),
            ("name.familyName co \"ER\"", "1001 1002 1003"),
            ("name.familyName ew \"EK\" and not (employeeNumber eq \"1004\")", "2001"),
            ("externalId pr", "2001"),
            ("not (externalId pr)", "1001 1002 1003 1004"),
            // HR's data of 1004, who is protected, are neither shown nor found.
            ("userName gt \"c\" and userName le \"david\"", "1003"),
            ("active eq \"True\" and urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization ne \"SEF\"", "1003 1004"),
            ("groups.value eq \"FGK\"", "1003 1004"),
            ("meta.lastModified ge \"2026-02-26T12:00:00Z\" and meta.created lt \"2027-01-01T00:00:00+01:00\"", "1001 1002 1003 1004 2001"),
            ("urn:ietf:params:scim:schemas:extension:kurskoll:2.0:User:protected eq true", "1004"),
            ("urn:ietf:params:scim:schemas:extension:kurskoll:2.0:User:employments[form eq \"hourly\" and administration eq \"SEF\"]", "1003"),
            ("USERNAME EQ \"bo\"", "1002"),
            ("title pr", ""),
        ] {
            let answer = ask(&app, &[("filter", filter)]).await.ok();
            assert_eq!(numbers(&answer).join(" "), wanted, "{filter}");
            assert_eq!(answer["totalResults"], wanted.split_whitespace().count(), "{filter}");
        }
        for filter in ["userName", "userName eq", "userName eq bo", "(userName pr", "no.such eq \"x\"", "active gt true",
                       "active eq \"perhaps\"", "userName eq \"x\" also", "name eq \"x\"", "userName[value eq \"x\"]", "\"x\" eq userName",
                       "emails[typ eq \"work\"]"] {
            assert_eq!(error(&ask(&app, &[("filter", filter)]).await, 400).0, "invalidFilter", "{filter}");
        }
        let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                            "filter": "userName eq \"bo\"", "attributes": ["userName", "name.familyName"]});
        let found = app.scim("POST /scim/v2/Users/.search", &[], Some(&search)).await.ok();
        assert_eq!(found["Resources"][0]["name"], json!({"familyName": "Öberg"}));
        assert!(found["Resources"][0].get("emails").is_none());
    }

    async fn pages_by_index_and_in_an_order(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let page = ask(&app, &[("startIndex", "2"), ("count", "2")]).await.ok();
        assert_eq!((numbers(&page).join(" "), &page["totalResults"]), ("1002 1003".to_owned(), &json!(4)));
        assert_eq!((&page["startIndex"], &page["itemsPerPage"]), (&json!(2), &json!(2)));
        let none = ask(&app, &[("count", "0")]).await.ok();
        assert_eq!((numbers(&none).len(), &none["totalResults"]), (0, &json!(4)));
        let order = ask(&app, &[("sortBy", "name.familyName"), ("startIndex", "-3")]).await.ok();
        // The name of 1004, who is protected, has no position in the order.
        assert_eq!(numbers(&order).join(" "), "1001 1003 1002 1004");
        let order = ask(&app, &[("sortBy", "name.familyName"), ("sortOrder", "descending"), ("startIndex", "2"), ("count", "2")]).await.ok();
        assert_eq!(numbers(&order).join(" "), "1002 1003");
        for (parameter, value, scim_type) in [
            ("count", "many", "invalidCount"), ("startIndex", "x", "invalidValue"), ("sortBy", "no.such", "invalidPath"),
            ("sortOrder", "sideways", "invalidValue"), ("cursor", "x", "invalidCursor"), ("attributes", "no.such", "invalidPath"),
        ] {
            assert_eq!(error(&ask(&app, &[(parameter, value)]).await, 400).0, scim_type, "{parameter}={value}");
        }
    }

    async fn a_cursor_skips_no_user_and_shows_no_user_twice(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let mut ids = Vec::new();
        for place in 0..7 {
            ids.push(create(&app, &user(&format!("30{place}"), &format!("P{}", 7 - place), "Ek", "SEF")).await["id"].clone());
        }
        for sorted in [false, true] {
            let question: &[(&str, &str)] = if sorted { &[("sortBy", "name.givenName"), ("count", "2")] } else { &[("count", "2")] };
            let mut seen = Vec::new();
            let mut cursor = String::new();
            for page in 0.. {
                let answer = ask(&app, &[question, &[("cursor", cursor.as_str())]].concat()).await.ok();
                seen.extend(numbers(&answer));
                assert!(answer.get("startIndex").is_none(), "{answer}");
                // A user who was already shown is deleted, and a new one is created.
                if page == 0 {
                    let gone = if sorted { ids.last() } else { ids.first() }.expect("an id").as_str().expect("an id").to_owned();
                    app.scim(&format!("DELETE /scim/v2/Users/{gone}"), &[], None).await;
                    create(&app, &user(&format!("40{}", u8::from(sorted)), "Z", "Ek", "SEF")).await;
                }
                match answer["nextCursor"].as_str() {
                    Some(next) => cursor = next.to_owned(),
                    None => break,
                }
            }
            let wanted = if sorted { "306 305 304 303 302 301 400 401" } else { "300 301 302 303 304 305 306 400" };
            assert_eq!(seen.join(" "), wanted);
            assert_eq!(error(&ask(&app, &[("cursor", &cursor), ("filter", "active eq true")]).await, 400).0, "invalidCursor");
        }
        let both = ask(&app, &[("cursor", ""), ("startIndex", "2")]).await;
        assert_eq!(error(&both, 400).0, "invalidCursor");
    }

    async fn only_the_requested_attributes_are_shown(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let id = create(&app, &user("2001", "Eva", "Ek", "SEF")).await["id"].clone();
        let path = format!("/scim/v2/Users/{}", id.as_str().expect("an id"));
        let seen = app.scim(&format!("GET {path}?attributes=USERNAME,{ENTERPRISE}:department,emails.value"), &[], None).await;
        assert_eq!(
            seen.ok(),
            json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, crate::scim::users::KURSKOLL], "id": id,
                   "userName": "eva.2001@example.org", ENTERPRISE: {"department": "Måltid"},
                   "emails": [{"value": "eva.2001@example.org"}]})
        );
        let without = format!("GET {path}?excludedAttributes=id,emails.type,{ENTERPRISE},groups,meta,name.givenName");
        let seen = app.scim(&without, &[], None).await.ok();
        assert_eq!((&seen["id"], &seen["name"]), (&id, &json!({"familyName": "Ek"})));
        assert_eq!(seen["emails"], json!([{"value": "eva.2001@example.org", "primary": true}]));
        assert!(seen.get(ENTERPRISE).is_none() && seen.get("groups").is_none() && seen.get("meta").is_none());
        error(&app.scim(&format!("GET {path}?attributes=id&excludedAttributes=id"), &[], None).await, 400);
        let answer = app.scim(&format!("PATCH {path}?attributes=active"), &[], Some(&patch_of("replace", "active", json!(true)))).await;
        assert_eq!(answer.ok().as_object().map(serde_json::Map::len), Some(3));
    }

    async fn the_endpoint_describes_itself(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let config = app.scim("GET /scim/v2/ServiceProviderConfig", &[], None).await.ok();
        for feature in ["patch", "bulk", "filter", "sort", "etag"] {
            assert_eq!(config[feature]["supported"], true, "{feature}");
        }
        assert_eq!((&config["pagination"]["cursor"], &config["pagination"]["index"]), (&json!(true), &json!(true)));
        let types = app.scim("GET /scim/v2/ResourceTypes", &[], None).await.ok();
        assert_eq!(types["totalResults"], 2);
        assert_eq!(app.scim("GET /scim/v2/ResourceTypes/User", &[], None).await.ok()["endpoint"], "/Users");
        let schemas = app.scim("GET /scim/v2/Schemas", &[], None).await.ok();
        assert_eq!(schemas["totalResults"], 4);
        for schema in schemas["Resources"].as_array().expect("schemas") {
            let id = schema["id"].as_str().expect("an id");
            assert_eq!(&app.scim(&format!("GET /scim/v2/Schemas/{id}"), &[], None).await.ok(), schema);
        }
        error(&app.scim("GET /scim/v2/Schemas/none", &[], None).await, 404);
        // Every attribute of a user that is shown is in a schema.
        let shown = create(&app, &user("2001", "Eva", "Ek", "SEF")).await;
        let named = |schema: &Value, name: &str| schema["attributes"].as_array().expect("attributes").iter().any(|a| a["name"] == name);
        let core = &schemas["Resources"][0];
        for name in shown.as_object().expect("a user").keys().filter(|name| !name.starts_with("urn:")) {
            let is_common = ["id", "schemas", "meta", "externalId"].contains(&name.as_str());
            assert!(is_common || named(core, name), "{name}");
        }
    }

    async fn a_manager_is_another_user(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let boss = create(&app, &user("2000", "Bo", "Öberg", "SEF")).await["id"].clone();
        let eva = create(&app, &user("2001", "Eva", "Ek", "SEF")).await["id"].clone();
        let path = format!("{ENTERPRISE}:manager");
        for (op, path, value, wanted) in [
            ("Add", path.clone(), boss.clone(), Some(&boss)),
            ("replace", path.clone(), json!({"value": eva}), Some(&eva)),
            ("replace", format!("{path}.value"), boss.clone(), Some(&boss)),
            ("Remove", path.clone(), Value::Null, None),
            ("add", path.clone(), json!([{"$ref": "x", "value": boss}]), Some(&boss)),
            ("replace", path.clone(), json!(""), None),
        ] {
            let shown = patch(&app, &eva, &patch_of(op, &path, value)).await.ok();
            assert_eq!(shown[ENTERPRISE]["manager"].get("value"), wanted, "{op} {path}");
        }
        let reported = error(&patch(&app, &eva, &patch_of("add", &path, json!("77-1"))).await, 400);
        assert_eq!(reported.0, "invalidValue");
    }

    async fn an_address_of_another_kind_is_found_by_its_kind(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let mut eva = user("2001", "Eva", "Ek", "SEF");
        eva["emails"] = json!([{"value": "a@example.org", "type": "home"}, {"value": "b@example.org", "type": "other", "primary": true}]);
        let made = create(&app, &eva).await;
        assert_eq!(made["emails"], json!([{"value": "b@example.org", "type": "other", "primary": true}]));
        let change = patch_of("Replace", "emails[type eq \"other\"].value", json!("c@example.org"));
        let changed = patch(&app, &made["id"], &change).await.ok();
        assert_eq!(changed["emails"], json!([{"value": "c@example.org", "type": "other", "primary": true}]));
    }

    async fn one_search_at_the_root_covers_users_and_groups(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let search = async |question: Value| app.scim("POST /scim/v2/.search", &[], Some(&question)).await;
        let types = |answer: &Value| -> Vec<String> {
            let resources = answer["Resources"].as_array().expect("resources").iter();
            resources.map(|each| format!("{} {}", each["meta"]["resourceType"].as_str().expect("a type"), each["id"].as_str().expect("an id"))).collect()
        };
        let all = search(json!({})).await.ok();
        assert_eq!(all["totalResults"], 6);
        let all = types(&all);
        assert!(all[..4].iter().all(|each| each.starts_with("User ")), "{all:?}");
        assert_eq!(all[4..], ["Group FGK", "Group SEF"]);
        // Pages continue from the users into the groups.
        for count in [1, 3, 4, 5] {
            let mut seen = Vec::new();
            for start in (1..=6).step_by(count) {
                let page = search(json!({"startIndex": start, "count": count})).await.ok();
                assert_eq!((&page["totalResults"], &page["startIndex"]), (&json!(6), &json!(start)));
                seen.extend(types(&page));
            }
            assert_eq!(seen, all, "{count}");
        }
        // A name that only one of the two has is without a value in the other.
        for (filter, wanted) in [
            ("userName eq \"bo\" or displayName sw \"Service\"", 2), ("userName pr", 4), ("not (userName pr)", 2),
            ("members pr", 2), ("meta.resourceType eq \"Group\"", 2), ("name.familyName eq \"Berg\"", 1),
            ("name.familyName eq \"Ek\"", 0),
        ] {
            let found = search(json!({"filter": filter, "attributes": ["userName", "displayName"]})).await.ok();
            assert_eq!(found["totalResults"], wanted, "{filter}: {found}");
        }
        for (question, scim_type) in [
            (json!({"filter": "no.such eq \"x\""}), "invalidFilter"), (json!({"attributes": "no.such"}), "invalidPath"),
            (json!({"sortBy": "userName"}), "invalidValue"), (json!({"cursor": ""}), "invalidValue"), (json!({"count": "x"}), "invalidCount"),
        ] {
            assert_eq!(error(&search(question.clone()).await, 400).0, scim_type, "{question}");
        }
    }

    async fn me_is_not_supported(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let answer = app.scim(&format!("{method} /scim/v2/Me"), &[], Some(&json!({})).filter(|_| method != "GET")).await;
            assert!(error(&answer, 501).1.contains("no person's"), "{}", answer.body);
        }
    }
}
