//! Groups that an identity provider writes: in each vendor's form, with the administrations that some of them represent.

use serde_json::{Value, json};

use crate::scim::users::{ENTERPRISE, create, employments, empty_city, error, patch, patch_of, read, user};
use crate::support::app::{Answer, TestApp, TestClock};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::small_city;

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// A service in which two of the provider's groups represent administrations.
async fn mapped(database: &TestDatabase) -> TestApp {
    let app = TestApp::start_with(database, TestClock::frozen(), |mut settings| {
        settings.scim.groups.insert("Kurskoll SEF".to_owned(), "SEF".to_owned());
        settings.scim.groups.insert("0a1b-FGK".to_owned(), "FGK".to_owned());
        settings
    })
    .await;
    empty_city(&app).await;
    app
}

async fn make(app: &TestApp, name: &str, members: Value) -> Value {
    let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
    let answer = app.scim("POST /scim/v2/Groups", &[], Some(&body)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()
}

/// A user without any administration.
async fn nowhere(app: &TestApp, number: &str) -> Value {
    let mut body = user(number, "Eva", "Ek", "");
    body[ENTERPRISE] = json!({"employeeNumber": number});
    create(app, &body).await["id"].clone()
}

async fn change(app: &TestApp, group: &Value, operations: Value) -> Answer {
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    app.scim(&format!("PATCH /scim/v2/Groups/{}", group["id"].as_str().expect("an id")), &[], Some(&body)).await
}

async fn shown(app: &TestApp, group: &Value) -> Value {
    app.scim(&format!("GET /scim/v2/Groups/{}", group["id"].as_str().expect("an id")), &[], None).await.ok()
}

fn members(group: &Value) -> Vec<&str> {
    group["members"]
        .as_array()
        .map_or_else(Vec::new, |all| all.iter().filter_map(|one| one["value"].as_str()).collect())
}

both_databases! {
    async fn a_groups_life(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        for number in ["2001", "2002"] {
            nowhere(&app, number).await;
        }
        let body = json!({"schemas": [GROUP], "externalId": "ext-1", "displayName": "IT", "members": [{"value": "1-1"}]});
        let answer = app.scim("POST /scim/v2/Groups", &[], Some(&body)).await;
        assert_eq!((answer.status, &*answer.headers["location"]), (201, "/scim/v2/Groups/group-1"), "{}", answer.body);
        let group = answer.json();
        assert_eq!(
            group,
            json!({"schemas": [GROUP], "id": "group-1", "externalId": "ext-1", "displayName": "IT",
                   "members": [{"value": "1-1", "$ref": "/scim/v2/Users/1-1", "type": "User"}],
                   "meta": {"resourceType": "Group", "location": "/scim/v2/Groups/group-1", "version": "W/\"1\"",
                            "created": "2026-02-26T12:00:00.000Z", "lastModified": "2026-02-26T12:00:00.000Z"}})
        );
        assert_eq!(shown(&app, &group).await, group);
        assert_eq!(
            read(&app, &json!("1-1")).await.ok()["groups"],
            json!([{"value": "group-1", "$ref": "/scim/v2/Groups/group-1", "display": "IT"}])
        );
        // Sent again by a client that does not know whether it arrived.
        assert_eq!(error(&app.scim("POST /scim/v2/Groups", &[], Some(&body)).await, 409).0, "uniqueness");
        let path = "/scim/v2/Groups/group-1";
        let renamed = json!({"displayName": "IT-säkerhet", "externalId": "ext-1", "members": ["2-1"]});
        error(&app.scim(&format!("PUT {path}"), &[("if-match", "W/\"7\"")], Some(&renamed)).await, 412);
        let replaced = app.scim(&format!("PUT {path}"), &[("if-match", "W/\"1\"")], Some(&renamed)).await.ok();
        assert_eq!((members(&replaced), &replaced["displayName"]), (vec!["2-1"], &json!("IT-säkerhet")));
        assert_eq!(replaced["meta"]["version"], "W/\"2\"");
        let found = app.scim("GET /scim/v2/Groups?filter=displayName+eq+%22it-s%C3%A4kerhet%22", &[], None).await.ok();
        assert_eq!(found["Resources"], json!([replaced]));
        let found = app.scim("GET /scim/v2/Groups?filter=externalId+eq+%22ext-1%22&attributes=id", &[], None).await.ok();
        assert_eq!(found["totalResults"], 1);
        assert_eq!(app.scim(&format!("DELETE {path}"), &[], None).await.status, 204);
        for request in ["GET", "DELETE"] {
            error(&app.scim(&format!("{request} {path}"), &[], None).await, 404);
        }
        assert!(read(&app, &json!("2-1")).await.ok().get("groups").is_none());
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn members_are_added_and_removed_as_entra_id_and_okta_send_it(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        for number in ["2001", "2002", "2003"] {
            nowhere(&app, number).await;
        }
        let group = make(&app, "IT", json!([])).await;
        let one = |id: &str| json!([{"value": id}]);
        for (operation, wanted) in [
            (json!({"op": "Add", "path": "members", "value": one("1-1")}), vec!["1-1"]),
            (json!({"op": "add", "path": "members", "value": [{"value": "2-1", "display": "x"}, {"value": "1-1"}]}), vec!["1-1", "2-1"]),
            (json!({"op": "Remove", "path": "members", "value": one("1-1")}), vec!["2-1"]),
            (json!({"op": "replace", "path": "members", "value": [{"value": "1-1"}, {"value": "3-1"}]}), vec!["1-1", "3-1"]),
            (json!({"op": "remove", "path": "members[value eq \"3-1\"]"}), vec!["1-1"]),
            (json!({"op": "remove", "path": "members[value eq \"3-1\"]"}), vec!["1-1"]),
            (json!({"op": "add", "value": {"members": ["2-1"]}}), vec!["1-1", "2-1"]),
            (json!({"op": "remove", "path": "members[value ne \"2-1\"]"}), vec!["2-1"]),
            (json!({"op": "replace", "value": {"id": "group-1", "displayName": "IT 2"}}), vec!["2-1"]),
            (json!({"op": "remove", "path": "members"}), vec![]),
        ] {
            let answer = change(&app, &group, json!([operation])).await;
            assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{operation}");
            let now = shown(&app, &group).await;
            assert_eq!(members(&now), wanted, "{operation}");
            assert_eq!(answer.headers["etag"], now["meta"]["version"].as_str().expect("a version"), "{operation}");
        }
        // What changes nothing does not change the version.
        let before = shown(&app, &group).await;
        assert_eq!(before["displayName"], "IT 2");
        change(&app, &group, json!([{"op": "remove", "path": "members", "value": [{"value": "1-1"}]}])).await;
        assert_eq!(shown(&app, &group).await, before);
        for (operation, scim_type) in [
            (json!({"op": "add", "path": "members", "value": one("99-1")}), "invalidValue"),
            (json!({"op": "add", "path": "members", "value": one("SEF")}), "invalidValue"),
            (json!({"op": "remove", "path": "displayName"}), "invalidValue"),
            (json!({"op": "replace", "path": "id", "value": "group-2"}), "mutability"),
            (json!({"op": "remove"}), "noTarget"),
        ] {
            assert_eq!(error(&change(&app, &group, json!([operation])).await, 400).0, scim_type, "{operation}");
        }
        assert_eq!(shown(&app, &group).await, before, "an error changes nothing");
        let path = "PATCH /scim/v2/Groups/group-1?excludedAttributes=members";
        let body = json!({"Operations": [{"op": "add", "path": "members", "value": one("1-1")}]});
        let answer = app.scim(path, &[], Some(&body)).await.ok();
        assert_eq!((&answer["displayName"], answer.get("members")), (&json!("IT 2"), None));
    }

    async fn a_client_that_excludes_the_members_does_not_have_them_read(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let group = make(&app, "IT", json!(["1-1", "2-1"])).await;
        for path in [
            "GET /scim/v2/Groups/group-1?excludedAttributes=members", "GET /scim/v2/Groups/SEF?excludedAttributes=members",
            "GET /scim/v2/Groups?excludedAttributes=members", "GET /scim/v2/Groups?filter=displayName+eq+%22IT%22&attributes=id",
        ] {
            let (answer, statements) = app.statements_of(app.scim(path, &[], None)).await;
            answer.ok();
            let reads = |table: &str| statements.iter().any(|sql| sql.contains(table));
            assert!(!reads("scim_member") && !reads("employment_fact"), "{path}: {statements:?}");
        }
        let body = json!({"Operations": [{"op": "remove", "path": "members[value eq \"1-1\"]"}]});
        let (answer, statements) = app.statements_of(app.scim("PATCH /scim/v2/Groups/group-1", &[], Some(&body))).await;
        assert_eq!(answer.status, 204);
        let all_of_it = statements.iter().any(|sql| sql.contains("FROM \"scim_member\"") && !sql.contains("\"user_id\" IN"));
        assert!(!all_of_it, "{statements:?}");
        assert_eq!(members(&shown(&app, &group).await), ["2-1"]);
        // One filter about members reads them.
        let with = app.scim("GET /scim/v2/Groups?filter=members[value+eq+%222-1%22]&attributes=id", &[], None).await.ok();
        assert_eq!(with["totalResults"], 2, "{with}");
    }

    async fn a_group_of_an_administration_says_where_its_members_work(database: TestDatabase) {
        let app = mapped(&database).await;
        let eva = nowhere(&app, "2001").await;
        assert_eq!(employments(&app, "2001").await, [""; 0]);
        let group = make(&app, "kurskoll sef", json!([eva])).await;
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 SEF 2026-02-26.."]);
        assert_eq!(read(&app, &eva).await.ok()["groups"].as_array().map(Vec::len), Some(2));
        // Another change does not turn the group's statement into the user's own.
        patch(&app, &eva, &patch_of("replace", "title", json!("Kock"))).await.ok();
        app.clock.set("2026-03-10T12:00:00Z");
        let leave = json!([{"op": "remove", "path": format!("members[value eq {eva}]")}]);
        assert_eq!(change(&app, &group, leave.clone()).await.status, 204);
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 SEF 2026-02-26..2026-03-10"]);
        assert_eq!(read(&app, &eva).await.ok()["active"], true, "the account is as the provider says");
        app.clock.set("2026-04-01T12:00:00Z");
        let join = json!([{"op": "Add", "path": "members", "value": [{"value": eva}]}]);
        for _ in 0..2 {
            assert_eq!(change(&app, &group, join.clone()).await.status, 204);
        }
        let now = ["scim:2026-02-26 SEF 2026-02-26..2026-03-10", "scim:2026-04-01 SEF 2026-04-01.."];
        assert_eq!(employments(&app, "2001").await, now);
        // A deactivation ends it, and a reactivated user works there again.
        app.clock.set("2026-04-10T12:00:00Z");
        patch(&app, &eva, &patch_of("replace", "active", json!(false))).await.ok();
        assert_eq!(employments(&app, "2001").await[1], "scim:2026-04-01 SEF 2026-04-01..2026-04-10");
        app.clock.set("2026-05-01T12:00:00Z");
        patch(&app, &eva, &patch_of("replace", "active", json!(true))).await.ok();
        assert_eq!(employments(&app, "2001").await[2], "scim:2026-05-01 SEF 2026-05-01..");
        app.clock.set("2026-05-10T12:00:00Z");
        app.scim("DELETE /scim/v2/Groups/group-1", &[], None).await;
        assert_eq!(employments(&app, "2001").await[2], "scim:2026-05-01 SEF 2026-05-01..2026-05-10");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_group_decides_what_attributes_do_not(database: TestDatabase) {
        let app = mapped(&database).await;
        let eva = create(&app, &user("2001", "Eva", "Ek", "FGK")).await["id"].clone();
        let group = make(&app, "Kurskoll SEF", json!([eva])).await;
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 FGK 2026-02-26.."]);
        let leave = json!([{"op": "remove", "path": "members"}]);
        change(&app, &group, leave).await;
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 FGK 2026-02-26.."]);
        // By the provider's own id as well, under any group name.
        let body = json!({"displayName": "Gatan", "externalId": "0A1B-fgk", "members": [eva]});
        assert_eq!(app.scim("POST /scim/v2/Groups", &[], Some(&body)).await.status, 201);
        assert_eq!(employments(&app, "2001").await.len(), 1);
        let ida = nowhere(&app, "2002").await;
        change(&app, &json!({"id": "group-2"}), json!([{"op": "add", "path": "members", "value": [ida]}])).await;
        assert_eq!(employments(&app, "2002").await, ["scim:2026-02-26 FGK 2026-02-26.."]);
        // A group without a meaning is stored and returned.
        let other = make(&app, "Fikagruppen", json!([ida])).await;
        assert_eq!(shown(&app, &other).await, other);
        assert_eq!(employments(&app, "2002").await.len(), 1);
    }

    async fn a_renamed_group_represents_what_its_new_name_means(database: TestDatabase) {
        let app = mapped(&database).await;
        let eva = nowhere(&app, "2001").await;
        let group = make(&app, "Kök", json!([eva])).await;
        assert_eq!(employments(&app, "2001").await, [""; 0]);
        change(&app, &group, json!([{"op": "replace", "value": {"displayName": "Kurskoll SEF"}}])).await;
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 SEF 2026-02-26.."]);
        // Two groups of one administration: a user who leaves one is still in the other.
        let second = app.scim("POST /scim/v2/Groups", &[], Some(&json!({"displayName": "Kurskoll SEF", "members": [eva]}))).await;
        assert_eq!(second.status, 201);
        app.clock.set("2026-03-01T12:00:00Z");
        app.scim("DELETE /scim/v2/Groups/group-2", &[], None).await;
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 SEF 2026-02-26.."]);
        change(&app, &group, json!([{"op": "replace", "path": "displayName", "value": "Kök"}])).await;
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 SEF 2026-02-26..2026-03-01"]);
        assert_eq!(members(&shown(&app, &group).await), ["1-1"]);
    }

    async fn a_user_who_is_deleted_is_a_member_of_nothing(database: TestDatabase) {
        let app = mapped(&database).await;
        let eva = nowhere(&app, "2001").await;
        let group = make(&app, "Kurskoll SEF", json!([eva])).await;
        app.scim("DELETE /scim/v2/Users/1-1", &[], None).await;
        let now = shown(&app, &group).await;
        assert_eq!((members(&now).len(), &now["meta"]["version"]), (0, &json!("W/\"2\"")));
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 SEF 2026-02-26..2026-02-26"]);
    }

    async fn a_group_for_an_administration_that_is_not_there_is_refused_with_its_code(database: TestDatabase) {
        let app = TestApp::start_with(&database, TestClock::frozen(), |mut settings| {
            settings.scim.groups.insert("Ny".to_owned(), "NYA".to_owned());
            settings
        }).await;
        empty_city(&app).await;
        let reported = error(&app.scim("POST /scim/v2/Groups", &[], Some(&json!({"displayName": "Ny"}))).await, 400);
        assert!(reported.1.contains("NYA"), "{reported:?}");
        assert_eq!(app.rows_in("scim_group").await, 0);
    }

    async fn groups_can_be_created_in_bulk_with_their_users(database: TestDatabase) {
        let app = mapped(&database).await;
        let mut eva = user("2001", "Eva", "Ek", "");
        eva[ENTERPRISE] = json!({"employeeNumber": "2001"});
        let operations = json!([
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"displayName": "Kurskoll SEF", "members": [{"value": "bulkId:u"}]}},
            {"method": "POST", "path": "/Users", "bulkId": "u", "data": eva},
            {"method": "PATCH", "path": "/Groups/bulkId:g", "data": {"Operations": [{"op": "replace", "path": "externalId", "value": "x"}]}},
        ]);
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
        let answer = app.scim("POST /scim/v2/Bulk", &[], Some(&body)).await.ok();
        let statuses: Vec<&Value> = answer["Operations"].as_array().expect("operations").iter().map(|one| &one["status"]).collect();
        assert_eq!(statuses, ["201", "201", "200"], "{answer}");
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 SEF 2026-02-26.."]);
    }
}
