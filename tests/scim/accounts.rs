//! Several users of one employee number: a return under another name, and a move from one tenant to another.

use std::collections::BTreeSet;

use kurskoll::domain::access::Role;
use kurskoll_migrations::{Migrator, MigratorTrait};
use sea_orm::Database;
use serde_json::{Value, json};

use crate::directory::files::employments as file_of;
use crate::operating::chain::texts;
use crate::scim::users::{ENTERPRISE, KURSKOLL, create, employments, empty_city, error, patch, patch_of, read, user};
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{Backend, TestDatabase, both_databases};
use crate::support::small_city::{completed, small_city};

const HRS: &str = "2001,Eva,Ek,eva@example.org,,1,SEF,Måltid,permanent,2020-01-01,,,";

/// Eva under the user name and in the administration of another tenant.
fn eva_of(name: &str, administration: &str) -> Value {
    let mut eva = user("2001", "Eva", "Ek", administration);
    let address = format!("{name}@example.org");
    eva["userName"] = json!(address);
    eva["externalId"] = json!(format!("object-{name}"));
    eva["emails"][0]["value"] = json!(address);
    eva
}

fn active(value: bool) -> Value {
    patch_of("Replace", "active", json!(value))
}

async fn delete(app: &TestApp, id: &Value) -> u16 {
    app.scim(&format!("DELETE /scim/v2/Users/{}", id.as_str().expect("an id")), &[], None).await.status
}

async fn put(app: &TestApp, id: &Value, body: &Value) -> Value {
    app.scim(&format!("PUT /scim/v2/Users/{}", id.as_str().expect("an id")), &[], Some(body)).await.ok()
}

/// The ids of the users that a filter finds.
async fn found(app: &TestApp, filter: &str) -> Vec<String> {
    let encoded = percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
    let answer = app.scim(&format!("GET /scim/v2/Users?filter={encoded}"), &[], None).await.ok();
    let resources = answer["Resources"].as_array().expect("resources");
    assert_eq!(answer["totalResults"], resources.len());
    resources.iter().map(|user| user["id"].as_str().expect("an id").to_owned()).collect()
}

async fn in_scope(app: &TestApp, extra: &str) -> Value {
    let path = format!("/api/v1/reports/onboarding?requirement=infosec-onboarding{extra}");
    app.get_as_city(&path).await.ok()
}

both_databases! {
    async fn a_deactivated_user_who_is_created_again_is_back(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let secret = app.platform("larportal").await;
        let first = create(&app, &user("2001", "Eva", "Ek", "SEF")).await;
        let done = completed(json!({"email": "eva.2001@example.org"}), "infosec-basics-2023", "2026-02-26T10:00:00+01:00");
        assert_eq!(app.deliver("larportal", &secret, "e-1", &done).await.ok()["linked"], true);
        app.clock.set("2026-03-10T12:00:00Z");
        patch(&app, &first["id"], &active(false)).await.ok();
        let before = in_scope(&app, "").await;
        app.clock.set("2026-05-04T12:00:00Z");
        // The same number and the same `externalId`, another user name.
        let mut anew = user("2001", "Eva", "Ek", "FGK");
        anew["userName"] = json!("eva.ek@example.org");
        let back = create(&app, &anew).await;
        assert_eq!((&back["active"], &back["userName"]), (&json!(true), &json!("eva.ek@example.org")));
        assert_ne!(back["id"], first["id"]);
        let both = ["scim:2026-02-26 SEF 2026-02-26..2026-03-10", "scim:2026-05-04 FGK 2026-05-04.."];
        assert_eq!(employments(&app, "2001").await, both);
        // The old user's last updates arrive late, or again: they do not concern the new one.
        patch(&app, &first["id"], &active(false)).await.ok();
        assert_eq!(delete(&app, &first["id"]).await, 204);
        assert_eq!(employments(&app, "2001").await, both);
        assert_eq!(read(&app, &back["id"]).await.ok()["active"], true);
        assert_eq!(app.rows_in("employee").await, 1);
        // Her history is one: her earlier training counts, and both names link.
        let report = in_scope(&app, "").await;
        assert_eq!(report["city"]["counts"]["compliant"], 1, "{report}");
        let later = completed(json!({"email": "eva.2001@example.org"}), "infosec-basics", "2026-05-05T10:00:00+02:00");
        app.clock.set("2026-05-05T12:00:00Z");
        assert_eq!(app.deliver("larportal", &secret, "e-2", &later).await.ok()["linked"], true);
        // Earlier reports are the same.
        let known_at = before["known_at"].as_str().expect("an instant");
        let again = in_scope(&app, &format!("&as_of=2026-03-10&known_at={known_at}")).await;
        assert_eq!(again["city"], before["city"]);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn the_same_user_name_can_return_and_replaces_the_old_user(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let eva = user("2001", "Eva", "Ek", "SEF");
        let first = create(&app, &eva).await;
        // Sent again while she is active, it is the same user.
        let reported = error(&app.scim("POST /scim/v2/Users", &[], Some(&eva)).await, 409);
        assert!(reported.0 == "uniqueness" && reported.1.contains(first["id"].as_str().expect("an id")), "{reported:?}");
        app.clock.set("2026-03-10T12:00:00Z");
        patch(&app, &first["id"], &active(false)).await.ok();
        app.clock.set("2026-05-04T12:00:00Z");
        let back = create(&app, &eva).await;
        assert_eq!(found(&app, "userName eq \"EVA.2001@example.org\"").await, [back["id"].as_str().expect("an id")]);
        error(&read(&app, &first["id"]).await, 404);
        error(&patch(&app, &first["id"], &active(false)).await, 404);
        assert_eq!(
            employments(&app, "2001").await,
            ["scim:2026-02-26 SEF 2026-02-26..2026-03-10", "scim:2026-05-04 SEF 2026-05-04.."]
        );
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_returning_user_without_a_number_is_recognised_by_the_external_id(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let first = create(&app, &user("2001", "Eva", "Ek", "SEF")).await;
        let mut anew = user("2001", "Eva", "Ek", "SEF");
        anew["userName"] = json!("eva.ek@example.org");
        anew[ENTERPRISE].as_object_mut().expect("an object").remove("employeeNumber");
        // An active user's id cannot be a second user's: the employee is unknown, so the user waits.
        let waits = create(&app, &anew).await;
        assert_eq!(waits[KURSKOLL]["waiting"], true, "{waits}");
        let path = waits["meta"]["location"].as_str().expect("a place").to_owned();
        assert_eq!(app.scim(&format!("DELETE {path}"), &[], None).await.status, 204);
        app.clock.set("2026-03-10T12:00:00Z");
        patch(&app, &first["id"], &active(false)).await.ok();
        let back = create(&app, &anew).await;
        assert_eq!(back[ENTERPRISE]["employeeNumber"], "2001");
        assert_eq!(employments(&app, "2001").await.len(), 2);
        anew["externalId"] = json!("somebody else");
        anew["userName"] = json!("another@example.org");
        assert_eq!(create(&app, &anew).await[KURSKOLL]["waiting"], true);
    }

    async fn a_user_name_can_pass_to_another_once_its_user_is_deactivated(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let first = create(&app, &user("2001", "Eva", "Ek", "SEF")).await;
        let mut other = user("2002", "Eva", "Ek", "FGK");
        other["userName"] = json!("Eva.2001@example.org");
        let reported = error(&app.scim("POST /scim/v2/Users", &[], Some(&other)).await, 409);
        assert_eq!(reported.0, "uniqueness");
        app.clock.set("2026-03-10T12:00:00Z");
        patch(&app, &first["id"], &active(false)).await.ok();
        let second = create(&app, &other).await;
        assert_eq!(found(&app, "userName eq \"eva.2001@example.org\"").await, [second["id"].as_str().expect("an id")]);
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 SEF 2026-02-26..2026-03-10"]);
        // The first one is created again under another name.
        let back = create(&app, &eva_of("eva.first", "SEF")).await;
        assert_eq!(employments(&app, "2001").await.len(), 2);
        // A rename collides just as a creation does.
        let name = patch_of("replace", "userName", json!("eva.first@example.org"));
        assert_eq!(error(&patch(&app, &second["id"], &name).await, 409).0, "uniqueness");
        patch(&app, &back["id"], &active(false)).await.ok();
        assert_eq!(patch(&app, &second["id"], &name).await.ok()["userName"], "eva.first@example.org");
        error(&read(&app, &back["id"]).await, 404);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn two_active_users_of_a_number_each_govern_what_they_provisioned(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let sef = create(&app, &eva_of("eva.sef", "SEF")).await;
        app.clock.set("2026-03-10T12:00:00Z");
        let fgk = create(&app, &eva_of("eva.fgk", "FGK")).await;
        assert_eq!(
            employments(&app, "2001").await,
            ["scim:2026-02-26 SEF 2026-02-26..", "scim:2026-03-10 FGK 2026-03-10.."]
        );
        for (made, code, id) in [(&sef, "SEF", "scim:2026-02-26"), (&fgk, "FGK", "scim:2026-03-10")] {
            let shown = read(&app, &made["id"]).await.ok();
            assert_eq!((&shown[ENTERPRISE]["organization"], &shown["groups"].as_array().map(Vec::len)), (&json!(code), &Some(1)));
            let listed = shown[KURSKOLL]["employments"].as_array().expect("a list");
            assert_eq!((listed.len(), &listed[0]["id"]), (1, &json!(id)));
            let group = app.scim(&format!("GET /scim/v2/Groups/{code}"), &[], None).await.ok();
            assert_eq!(group["members"][0]["value"], made["id"]);
            assert_eq!(group["members"].as_array().map(Vec::len), Some(1));
        }
        // The city has one person, each administration one.
        let report = in_scope(&app, "").await;
        assert_eq!(report["city"]["counts"]["in_scope"], 1, "{report}");
        // Each changes its own address, user name and unit.
        let unit = patch_of("replace", &format!("{ENTERPRISE}:department"), json!("Gata"));
        patch(&app, &fgk["id"], &unit).await.ok();
        let shown = read(&app, &sef["id"]).await.ok();
        assert_eq!((&shown[ENTERPRISE]["department"], &shown["emails"][0]["value"]), (&json!("Måltid"), &json!("eva.sef@example.org")));
        // A list without the other user's employments ends none of them.
        let mut listed = eva_of("eva.fgk", "FGK");
        listed[KURSKOLL] = json!({"employments": read(&app, &fgk["id"]).await.ok()[KURSKOLL]["employments"]});
        put(&app, &fgk["id"], &listed).await;
        app.clock.set("2026-04-01T12:00:00Z");
        for _ in 0..2 {
            patch(&app, &sef["id"], &active(false)).await.ok();
            assert_eq!(
                employments(&app, "2001").await,
                ["scim:2026-02-26 SEF 2026-02-26..2026-04-01", "scim:2026-03-10 FGK 2026-03-10.."]
            );
        }
        // It is reactivated, and deactivated for good: the other user's employment continues.
        app.clock.set("2026-05-01T12:00:00Z");
        patch(&app, &sef["id"], &active(true)).await.ok();
        assert_eq!(employments(&app, "2001").await.len(), 3);
        app.clock.set("2026-06-01T12:00:00Z");
        assert_eq!(delete(&app, &sef["id"]).await, 204);
        let ended = ["scim:2026-02-26 SEF 2026-02-26..2026-04-01", "scim:2026-03-10 FGK 2026-03-10..",
                     "scim:2026-05-01 SEF 2026-05-01..2026-06-01"];
        assert_eq!(employments(&app, "2001").await, ended);
        // With the last user, everything ends.
        patch(&app, &fgk["id"], &active(false)).await.ok();
        assert_eq!(employments(&app, "2001").await[1], "scim:2026-03-10 FGK 2026-03-10..2026-06-01");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn filters_pages_bulk_and_versions_know_each_user_of_a_number(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let first = create(&app, &eva_of("eva.sef", "SEF")).await;
        let boss = create(&app, &user("2000", "Bo", "Öberg", "SEF")).await;
        patch(&app, &first["id"], &active(false)).await.ok();
        let post = |id: &str, data: Value| json!({"method": "POST", "path": "/Users", "bulkId": id, "data": data});
        let mut ida = user("2002", "Ida", "Berg", "FGK");
        ida[ENTERPRISE]["manager"] = json!({"value": "bulkId:eva"});
        let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [post("ida", ida), post("eva", eva_of("eva.fgk", "FGK")), post("again", eva_of("eva.fgk", "FGK"))]});
        let answer = app.scim("POST /scim/v2/Bulk", &[], Some(&bulk)).await.ok();
        let statuses: Vec<&Value> = answer["Operations"].as_array().expect("operations").iter().map(|one| &one["status"]).collect();
        assert_eq!(statuses, ["201", "201", "409"], "{answer}");
        let name = |text: &str| format!("userName eq \"{text}@example.org\"");
        let second = found(&app, &name("eva.fgk")).await[0].clone();
        let (first_id, boss_id) = (first["id"].as_str().expect("an id"), boss["id"].as_str().expect("an id"));
        assert_eq!(found(&app, &name("eva.sef")).await, [first_id]);
        // A search for the number gives the active one first.
        assert_eq!(found(&app, "employeeNumber eq \"2001\"").await, [second.as_str(), first_id]);
        assert_eq!(found(&app, "employeeNumber eq \"2001\" and active eq true").await, [second.as_str()]);
        assert_eq!(found(&app, "externalId eq \"object-eva.sef\"").await, [first_id]);
        assert_eq!(found(&app, &format!("id eq \"{second}\"")).await, [second.as_str()]);
        assert_eq!(found(&app, "emails.value eq \"eva.fgk@example.org\"").await, [second.as_str()]);
        let ida = &found(&app, "employeeNumber eq \"2002\"").await[0];
        let shown = read(&app, &json!(ida)).await.ok();
        assert_eq!(shown[ENTERPRISE]["manager"]["value"], second.as_str());
        // Paging skips and repeats no user: by index, by cursor and with an order.
        let wanted: BTreeSet<&str> = [first_id, boss_id, second.as_str(), ida.as_str()].into();
        for order in ["", "&sortBy=name.familyName"] {
            let (mut by_index, mut by_cursor, mut cursor) = (Vec::new(), Vec::new(), String::new());
            for start in 1..=4 {
                let page = app.scim(&format!("GET /scim/v2/Users?count=1&startIndex={start}{order}"), &[], None).await.ok();
                assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(4), &json!(1)));
                by_index.push(page["Resources"][0]["id"].as_str().expect("an id").to_owned());
            }
            loop {
                let page = app.scim(&format!("GET /scim/v2/Users?count=1&cursor={cursor}{order}"), &[], None).await.ok();
                by_cursor.extend(page["Resources"].as_array().expect("users").iter().map(|user| user["id"].as_str().expect("an id").to_owned()));
                match page["nextCursor"].as_str() {
                    Some(next) => cursor = next.to_owned(),
                    None => break,
                }
            }
            for seen in [by_index, by_cursor] {
                assert_eq!((seen.len(), seen.iter().map(String::as_str).collect::<BTreeSet<_>>()), (4, wanted.clone()), "{order}");
            }
        }
        // An update of one user changes the version of that user only.
        let tag = |user: &Value| user["meta"]["version"].as_str().expect("a version").to_owned();
        let old = read(&app, &first["id"]).await.ok();
        let unit = patch_of("replace", &format!("{ENTERPRISE}:department"), json!("Gata"));
        patch(&app, &json!(second), &unit).await.ok();
        assert_eq!(tag(&read(&app, &first["id"]).await.ok()), tag(&old));
        let path = format!("DELETE /scim/v2/Users/{second}");
        error(&app.scim(&path, &[("if-match", &tag(&old))], None).await, 412);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_hr_employment_continues_while_another_user_is_active_and_ends_with_the_last(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        app.import(HrFiles { employments: &file_of(&[HRS]), ..HrFiles::default() }).await;
        let sef = create(&app, &eva_of("eva.sef", "SEF")).await;
        assert_eq!(sef["id"], "1-1", "the employee from HR's file is taken over");
        app.clock.set("2026-03-10T12:00:00Z");
        let fgk = create(&app, &eva_of("eva.fgk", "FGK")).await;
        patch(&app, &sef["id"], &active(false)).await.ok();
        assert_eq!(
            employments(&app, "2001").await,
            ["1 SEF 2020-01-01..", "scim:2026-02-26 SEF 2026-02-26..2026-03-10", "scim:2026-03-10 FGK 2026-03-10.."]
        );
        // An update through the inactive user changes nothing of HR's.
        let unit = patch_of("replace", &format!("{ENTERPRISE}:department"), json!("Gata"));
        patch(&app, &sef["id"], &unit).await.ok();
        let shown = app.get_as_city("/api/v1/employees/2001").await.ok();
        assert!(!shown["employments"][0].to_string().contains("Gata"), "{shown}");
        app.clock.set("2026-04-01T12:00:00Z");
        patch(&app, &fgk["id"], &active(false)).await.ok();
        assert_eq!(employments(&app, "2001").await[0], "1 SEF 2020-01-01..2026-04-01");
        // HR reports her return. The final deletion of the provider's old users weeks later does not affect her.
        app.import(HrFiles { employments: &file_of(&[HRS]), ..HrFiles::default() }).await;
        app.clock.set("2026-05-01T12:00:00Z");
        for id in [&sef["id"], &fgk["id"]] {
            assert_eq!(delete(&app, id).await, 204);
        }
        assert_eq!(employments(&app, "2001").await[0], "1 SEF 2020-01-01..");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_employment_that_a_user_listed_under_hrs_id_is_its_own_until_hrs_file_names_it(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let mut ends = Vec::new();
        for with_file in [false, true] {
            let number = if with_file { "2002" } else { "2001" };
            let named = |name: &str, administration: &str, id: &str| {
                let mut eva = eva_of(&format!("{name}.{number}"), administration);
                eva[ENTERPRISE]["employeeNumber"] = json!(number);
                eva[KURSKOLL] = json!({"employments": [{"id": id, "administration": administration, "startsOn": "2026-01-01"},
                                                       {"id": "9", "administration": "SEF", "startsOn": "2026-02-01"}]});
                eva
            };
            let sef = create(&app, &named("sef", "SEF", "7")).await;
            create(&app, &named("fgk", "FGK", "8")).await;
            if with_file {
                let row = format!("{number},Eva,Ek,,,7,SEF,Måltid,permanent,2026-01-01,,,");
                app.import(HrFiles { employments: &file_of(&[&row]), ..HrFiles::default() }).await;
            }
            patch(&app, &sef["id"], &active(false)).await.ok();
            // What both list ends with the second.
            ends.push(employments(&app, number).await.join(", "));
        }
        assert_eq!(ends[0], "7 SEF 2026-01-01..2026-02-26, 8 FGK 2026-01-01.., 9 SEF 2026-02-01..");
        assert_eq!(ends[1], "7 SEF 2026-01-01.., 8 FGK 2026-01-01.., 9 SEF 2026-02-01..");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn the_user_of_the_newest_employment_gives_the_name_and_each_is_shown_its_own(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let sef = create(&app, &eva_of("eva.sef", "SEF")).await;
        app.clock.set("2026-03-10T12:00:00Z");
        let mut named = eva_of("eva.fgk", "FGK");
        named["name"]["familyName"] = json!("Ekström");
        let fgk = create(&app, &named).await;
        let name = async || app.get_as_city("/api/v1/employees/2001").await.ok()["family_name"].clone();
        assert_eq!(name().await, "Ekström");
        // The older user sends its name again, and gets it back; the register's name stays.
        let shown = put(&app, &sef["id"], &eva_of("eva.sef", "SEF")).await;
        assert_eq!((&shown["name"]["familyName"], &name().await), (&json!("Ek"), &json!("Ekström")));
        let other = patch_of("replace", "name.familyName", json!("Ekman"));
        assert_eq!(patch(&app, &sef["id"], &other).await.ok()["name"]["familyName"], "Ekman");
        assert_eq!(name().await, "Ekström");
        patch(&app, &fgk["id"], &active(false)).await.ok();
        assert_eq!(name().await, "Ekman");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn protected_data_stay_protected_while_one_user_says_so(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let mut hidden = eva_of("eva.sef", "SEF");
        hidden[KURSKOLL] = json!({"protected": true});
        let sef = create(&app, &hidden).await;
        let mut open = eva_of("eva.fgk", "FGK");
        open[KURSKOLL] = json!({"protected": false});
        let fgk = create(&app, &open).await;
        let protected = async || app.get_as_city("/api/v1/employees/2001").await.ok()["protected"].clone();
        assert_eq!((&fgk[KURSKOLL]["protected"], protected().await), (&json!(true), json!(true)));
        let no_more = patch_of("replace", &format!("{KURSKOLL}:protected"), json!(false));
        patch(&app, &fgk["id"], &no_more).await.ok();
        assert_eq!(protected().await, true);
        patch(&app, &sef["id"], &no_more).await.ok();
        assert_eq!(protected().await, false);
    }

    async fn a_user_that_is_created_deactivated_ends_nothing_of_an_active_one(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        create(&app, &eva_of("eva.sef", "SEF")).await;
        let mut idle = eva_of("eva.fgk", "FGK");
        idle["active"] = json!(false);
        app.clock.set("2026-03-10T12:00:00Z");
        let made = create(&app, &idle).await;
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 SEF 2026-02-26.."]);
        assert_eq!(app.scim("GET /scim/v2/Groups/SEF", &[], None).await.ok()["members"].as_array().map(Vec::len), Some(1));
        app.clock.set("2026-03-11T12:00:00Z");
        let to = json!({"Operations": [{"op": "replace", "value": {"active": true, format!("{ENTERPRISE}:organization"): "FGK"}}]});
        patch(&app, &made["id"], &to).await.ok();
        assert_eq!(
            employments(&app, "2001").await,
            ["scim:2026-02-26 SEF 2026-02-26..", "scim:2026-03-11 FGK 2026-03-11.."]
        );
    }

    async fn a_wrong_primary_does_not_replace_the_work_address_with_a_private_one(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let work = json!({"value": "eva@example.org", "type": "work", "primary": false});
        let home = json!({"value": "eva@home.example", "type": "home", "primary": true});
        let mut eva = user("2001", "Eva", "Ek", "SEF");
        eva["emails"] = json!([home, work]);
        let made = create(&app, &eva).await;
        assert_eq!(made["emails"], json!([work]));
        let address = async || read(&app, &made["id"]).await.ok()["emails"][0]["value"].clone();
        let path = format!("PUT /scim/v2/Users/{}", made["id"].as_str().expect("an id"));
        for change in [
            patch_of("add", "emails", json!([home])),
            patch_of("replace", "emails[type eq \"home\"].value", json!("eva@private.example")),
            patch_of("replace", "emails[primary eq true].value", json!("eva@private.example")),
            patch_of("add", "emails[type eq \"home\"].primary", json!("True")),
            patch_of("add", "emails[type eq \"other\"].value", json!("eva@other.example")),
            patch_of("replace", "emails[type eq \"other\"].primary", json!(true)),
            patch_of("replace", "emails", json!([home, {"value": "eva@other.example", "type": "other", "primary": true}, work])),
            json!({"Operations": [{"op": "replace", "value": {"emails": [home, work]}}]}),
            patch_of("remove", "emails[type eq \"home\"]", Value::Null),
        ] {
            let changed = patch(&app, &made["id"], &change).await;
            // A removed value was not shown.
            let wanted = if change["Operations"][0]["op"] == "remove" { 204 } else { 200 };
            assert_eq!(changed.status, wanted, "{change}: {}", changed.body);
            assert_eq!(address().await, "eva@example.org", "{change}");
        }
        app.scim(&path, &[], Some(&eva)).await.ok();
        assert_eq!(address().await, "eva@example.org");
        let change = patch_of("replace", "emails[type eq \"work\"].value", json!("eva.ek@example.org"));
        patch(&app, &made["id"], &change).await.ok();
        assert_eq!(address().await, "eva.ek@example.org");
        // Nothing private is found, stored or linked.
        assert!(found(&app, "emails.value co \"home.example\"").await.is_empty());
        let secret = app.platform("larportal").await;
        let done = completed(json!({"email": "eva@home.example"}), "infosec-basics", "2026-02-26T10:00:00+01:00");
        assert_eq!(app.deliver("larportal", &secret, "e-1", &done).await.ok()["linked"], false);
        // A user with only a private address has none here.
        let mut ida = user("2002", "Ida", "Berg", "FGK");
        ida["emails"] = json!([{"value": "ida@home.example", "type": "Home", "primary": true}]);
        let ida = create(&app, &ida).await;
        assert!(ida.get("emails").is_none(), "{ida}");
        let added = patch(&app, &ida["id"], &patch_of("add", "emails[type eq \"work\"].value", json!("ida@example.org"))).await.ok();
        assert_eq!(added["emails"][0]["value"], "ida@example.org");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn users_from_before_several_were_allowed_govern_what_they_provisioned(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        app.import(HrFiles { employments: &file_of(&[HRS]), ..HrFiles::default() }).await;
        let first = create(&app, &eva_of("eva.sef", "SEF")).await;
        let connection = Database::connect(&database.url).await.expect("the database is there");
        let names: Vec<String> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
        let place = names.iter().position(|name| name == "m0025_accounts").expect("the migration");
        let newer = u32::try_from(names.len() - place).expect("few");
        Migrator::down(&connection, Some(newer)).await.expect("down");
        // The chain knew the row by the employee's key.
        app.tamper("UPDATE alteration SET row_key = '1' WHERE table_name = 'scim_user'").await;
        Migrator::up(&connection, None).await.expect("up");
        let governs = texts(app.app.store.connection(kurskoll::store::Unscoped::Operating), "SELECT governs FROM scim_user").await;
        assert_eq!(governs, [r#"["scim:2026-02-26"]"#]);
        app.clock.set("2026-03-10T12:00:00Z");
        create(&app, &eva_of("eva.fgk", "FGK")).await;
        patch(&app, &first["id"], &active(false)).await.ok();
        assert_eq!(
            employments(&app, "2001").await,
            ["1 SEF 2020-01-01..", "scim:2026-02-26 SEF 2026-02-26..2026-03-10", "scim:2026-03-10 FGK 2026-03-10.."]
        );
        app.app.seal_all().await.expect("sealed");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_user_name_that_passes_to_another_leaves_an_audit_entry(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let first = create(&app, &user("2001", "Eva", "Ek", "SEF")).await;
        patch(&app, &first["id"], &active(false)).await.ok();
        let mut other = user("2002", "Eva", "Ek", "FGK");
        other["userName"] = first["userName"].clone();
        create(&app, &other).await;
        let token = app.token(Role::Auditor, &[]).await;
        let trail = app.get("/api/v1/audit", Some(&token)).await.ok().to_string();
        assert!(trail.contains("scim.user.let_go"), "{trail}");
    }
}

/// What a tenant provisions of Eva.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The second tenant creates its user.
    Made,
    /// The first tenant deactivates, or deletes, its own.
    Deactivated,
    Deleted,
}

#[rocket::async_test]
async fn a_transfer_between_tenants_ends_the_same_in_every_order_and_repetition() {
    for with_file in [false, true] {
        for goes in [Step::Deactivated, Step::Deleted] {
            let mut ends = BTreeSet::new();
            for steps in [[Step::Made, goes], [goes, Step::Made]] {
                for times in 1..=2 {
                    let database = TestDatabase::empty(Backend::Sqlite).await;
                    let app = TestApp::start(&database).await;
                    empty_city(&app).await;
                    if with_file {
                        app.import(HrFiles { employments: &file_of(&[HRS]), ..HrFiles::default() }).await;
                    }
                    let first = create(&app, &eva_of("eva.sef", "SEF")).await;
                    app.clock.set("2026-03-10T12:00:00Z");
                    let mut named = eva_of("eva.fgk", "FGK");
                    named["name"]["familyName"] = json!("Ekström");
                    for step in steps.into_iter().flat_map(|step| std::iter::repeat_n(step, times)) {
                        match step {
                            Step::Made => drop(app.scim("POST /scim/v2/Users", &[], Some(&named)).await),
                            Step::Deactivated => drop(patch(&app, &first["id"], &active(false)).await.ok()),
                            Step::Deleted => drop(delete(&app, &first["id"]).await),
                        }
                    }
                    let (known, _) = kurskoll::store::directory::known(
                        app.app.store.connection(kurskoll::store::Unscoped::Operating),
                    )
                    .await
                    .expect("known");
                    let mut end: Vec<String> = known.persons.values().map(|person| format!("{person:?}")).collect();
                    end.extend(known.employments.values().map(|employment| format!("{employment:?}")));
                    end.extend(found(&app, "active eq true").await);
                    ends.insert(end.join("\n"));
                    let running = employments(&app, "2001").await.iter().filter(|line| line.ends_with("..")).count();
                    assert_eq!(running, 1 + usize::from(with_file), "{steps:?}");
                    assert_eq!(app.differences().await, [""; 0]);
                }
            }
            assert_eq!(ends.len(), 1, "{goes:?} {with_file}: {ends:#?}");
        }
    }
}
