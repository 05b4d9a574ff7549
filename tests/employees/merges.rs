//! One person under two employee numbers: merged and undone; earlier reports do not change.

use kurskoll::domain::access::Role;
use kurskoll::intake::webhook::signature::WebhookSecret;
use serde_json::{Value, json};

use crate::scim::users::{create, patch, patch_of, read, user};
use crate::support::app::{Answer, HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{EMPLOYMENTS, completed, small_city};

const REPORT: &str = "/api/v1/reports/onboarding?requirement=infosec-onboarding&as_of=2026-02-26";

async fn post(app: &TestApp, path: &str, body: &Value) -> Answer {
    let admin = app.token(Role::Admin, &[]).await;
    app.post(path, Some(&admin), body).await
}

async fn merge(app: &TestApp, duplicate: &str, stored: &str) -> Answer {
    let body = json!({"duplicate": duplicate, "reason": "hired twice"});
    post(app, &format!("/api/v1/employees/{stored}/merge"), &body).await
}

async fn undo(app: &TestApp, id: &Value) -> Answer {
    post(app, &format!("/api/v1/merges/{id}/undo"), &json!({"reason": "two after all"})).await
}

async fn in_scope(app: &TestApp) -> Value {
    app.get_as_city(REPORT).await.ok()["city"]["counts"]["in_scope"].clone()
}

both_databases! {
    async fn two_numbers_are_one_person_at_once_and_earlier_reports_stay(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let body = completed(json!({"employee_number": "1004"}), "infosec-basics-2023", "2026-01-20T10:00:00+01:00");
        assert_eq!(app.deliver("larportal", &secret, "e-1", &body).await.ok()["linked"], true);
        app.refresh().await;
        let then = app.get_as_city(REPORT).await;
        let known_at = then.ok()["known_at"].as_str().expect("an instant").to_owned();
        let export = "/api/v1/administrations/FGK/export.csv?as_of=2026-02-26";
        let exported = app.get_as_city(export).await.body;
        let employee = app.get_as_city("/api/v1/employees/1003?as_of=2026-02-26").await.ok();
        assert_eq!(in_scope(&app).await, 4);
        let tried = json!({"duplicate": "1004", "reason": "hired twice", "dry_run": true});
        let tried = post(&app, "/api/v1/employees/1003/merge", &tried).await.ok();
        assert_eq!((&tried["merge"], in_scope(&app).await), (&Value::Null, json!(4)));
        let made = merge(&app, "1004", "1003").await.ok();
        assert_eq!(made["kept_statuses"], json!([{"requirement": "infosec-onboarding", "before": "overdue", "now": "compliant"}]));
        assert_eq!(made["duplicate_statuses"], json!([{"requirement": "infosec-onboarding", "before": "compliant", "now": null}]));
        assert_eq!((&tried["kept_statuses"], &tried["duplicate_statuses"]), (&made["kept_statuses"], &made["duplicate_statuses"]));
        for _ in 0..2 {
            assert_eq!(in_scope(&app).await, 3);
            let shown = app.get_as_city("/api/v1/employees/1004?as_of=2026-02-26").await.ok();
            assert_eq!((&shown["employee_number"], &shown["merged_numbers"]), (&json!("1003"), &json!(["1004"])));
            // If one number is protected, both are.
            assert_eq!((&shown["protected"], &shown["given_name"]), (&json!(true), &json!("")));
            let rows = app.get_as_city(export).await.body;
            assert!(rows.contains("1003") && !rows.contains("1004") && !rows.contains("Cecilia"), "{rows}");
            assert_eq!(app.get_as_city(&format!("{REPORT}&known_at={known_at}")).await.body, then.body);
            app.refresh().await;
        }
        assert_eq!(app.differences().await, [""; 0]);
        // HR continues to send both numbers.
        app.import_full(HrFiles { employments: EMPLOYMENTS, ..HrFiles::default() }).await;
        assert_eq!(in_scope(&app).await, 3);
        let page = app.get_as_city("/api/v1/employees/1004/history").await.ok();
        let reported = page["items"].as_array().expect("entries").iter().find(|entry| entry["kind"] == "merge").expect("it is shown");
        assert_eq!((&reported["of"], &reported["by"], &reported["how"], &reported["reason"]),
            (&json!("1004"), &json!("test admin"), &json!("merge"), &json!("hired twice")));
        assert!(page["items"].as_array().expect("entries").iter().any(|entry| entry["merged_number"] == "1004"));
        let differences = format!("/api/v1/reports/onboarding/differences?requirement=infosec-onboarding&as_of=2026-02-26&compare_known_at={known_at}");
        let listed = app.get_as_city(&differences).await.ok();
        let because: Vec<(&str, &str)> = listed["items"].as_array().expect("persons").iter()
            .flat_map(|item| item["because"].as_array().expect("causes").iter()
                .map(|cause| (item["employee_number"].as_str().expect("a number"), cause["kind"].as_str().expect("a kind"))))
            .collect();
        assert_eq!(because, [("1003", "merge"), ("1004", "merge")], "{listed}");
        undo(&app, &made["merge"]["id"]).await.ok();
        assert_eq!(in_scope(&app).await, 4);
        assert_eq!(app.get_as_city(export).await.body, exported);
        let again = app.get_as_city("/api/v1/employees/1003?as_of=2026-02-26").await.ok();
        assert_eq!((&again["requirements"], &again["employments"], &again["given_name"]), (&employee["requirements"], &employee["employments"], &employee["given_name"]));
        assert_eq!(app.differences().await, [""; 0]);
        assert_eq!(app.get_as_city(export).await.body, exported);
        assert_eq!(app.get_as_city(&differences).await.ok()["differing"], 0);
    }

    async fn chains_and_invalid_merges_are_refused_with_what_to_do(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let made = merge(&app, "1002", "1001").await.ok();
        let mut reported = Vec::new();
        for (duplicate, stored) in [("1001", "1001"), ("4711", "1001"), ("1003", "4711"), ("1002", "1003"), ("1003", "1002"), ("1001", "1003")] {
            let answer = merge(&app, duplicate, stored).await;
            reported.push(format!("{}: {}", answer.status, answer.json()["detail"].as_str().expect("a detail")));
        }
        undo(&app, &made["merge"]["id"]).await.ok();
        for id in [made["merge"]["id"].clone(), json!(4711)] {
            let answer = undo(&app, &id).await;
            reported.push(format!("{}: {}", answer.status, answer.json()["detail"].as_str().expect("a detail")));
        }
        insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r"
        422: 1001 cannot be its own duplicate; name the other number
        422: no employee 4711 is known; a duplicate is a number that HR has reported
        404: no employee 4711 is known
        409: 1002 is merged into 1001 already; undo merge 1 first, if it belongs to somebody else
        409: 1002 is a duplicate itself, merged into 1001; merge 1003 into 1001 instead
        409: 1002 is merged into 1001; merge 1003 into 1001 instead, or undo merge 1 first and merge both into 1003
        409: merge 1 is undone already
        404: no merge with the id 4711 is known
        "));
        let admin = app.token(Role::Admin, &[]).await;
        let page = app.get("/api/v1/merges", Some(&admin)).await.ok();
        let only = &page["items"][0];
        assert_eq!((&only["kept"], &only["duplicate"], &only["undone_because"]), (&json!("1001"), &json!("1002"), &json!("two after all")));
    }
}

/// Two numbers of one person, sent by HR with one address and one username; the later one works elsewhere.
const TWICE: &str = "\
employee_number,given_name,family_name,email,username,employment_id,administration,unit,form,starts_on,ends_on,manager_employee_number,protected
3001,Eva,Ek,eva@example.org,eva,1,SEF,Måltid,permanent,2026-01-05,,,
3002,Eva,Ek,eva@example.org,eva,1,FGK,Gata,hourly,2026-01-05,,,
3003,Eva,Falk,falk@example.org,falk,1,FGK,Gata,hourly,2026-01-05,,,
";

/// The waiting results, each with its reason.
async fn waiting(app: &TestApp) -> Vec<Value> {
    let queue = app.get_as_city("/api/v1/unlinked").await.ok();
    queue["items"].as_array().expect("entries").iter().map(|entry| entry["why"].clone()).collect()
}

/// The events that count for the employee who answers for a number.
async fn counted(app: &TestApp, number: &str) -> Vec<String> {
    let shown = app.get_as_city(&format!("/api/v1/employees/{number}?as_of=2026-02-26")).await.ok();
    let requirements = shown["requirements"].as_array().expect("requirements").iter();
    let evidence = requirements.flat_map(|requirement| requirement["evidence"].as_array().expect("evidence"));
    let mut events: Vec<String> = evidence.map(|each| each["event_id"].as_str().expect("an id").to_owned()).collect();
    events.sort();
    events
}

async fn twice(app: &TestApp) -> WebhookSecret {
    small_city(app).await;
    app.import(HrFiles { employments: TWICE, ..HrFiles::default() }).await;
    app.platform("larportal").await
}

async fn send(app: &TestApp, secret: &WebhookSecret, id: &str, learner: Value) -> Value {
    let body = completed(learner, "infosec-basics-2023", "2026-02-01T10:00:00Z");
    app.deliver("larportal", secret, id, &body).await.ok()["linked"].clone()
}

both_databases! {
    async fn a_result_that_fits_both_numbers_links_from_the_merge_until_it_is_undone(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = twice(&app).await;
        // Both are employed on the day: the results cannot be linked.
        assert_eq!(send(&app, &secret, "by-email", json!({"email": "Eva@example.org"})).await, false);
        assert_eq!(send(&app, &secret, "by-username", json!({"username": "eva"})).await, false);
        assert_eq!(waiting(&app).await, ["ambiguous", "ambiguous"]);
        let made = merge(&app, "3002", "3001").await.ok();
        assert_eq!(waiting(&app).await, [""; 0]);
        assert_eq!(counted(&app, "3001").await, ["by-email", "by-username"]);
        // Later results are linked on arrival, with the clock that fast receiving leaves behind and without.
        for (id, learner) in [
            ("later", json!({"email": "eva@example.org"})),
            ("other-keys", json!({"email": "eva@example.org", "username": "eva"})),
            ("duplicate", json!({"employee_number": "3002"})),
            // No contradiction: the address belongs to the remaining number, which is the same person.
            ("both", json!({"employee_number": "3002", "email": "eva@example.org"})),
            ("both-ways", json!({"employee_number": "3001", "username": "eva"})),
        ] {
            assert_eq!(send(&app, &secret, id, learner).await, true, "{id}");
        }
        assert_eq!(counted(&app, "3002").await, counted(&app, "3001").await);
        assert_eq!(counted(&app, "3001").await.len(), 7);
        assert_eq!(app.differences().await, [""; 0]);
        undo(&app, &made["merge"]["id"]).await.ok();
        assert_eq!(counted(&app, "3001").await, ["both-ways"]);
        assert_eq!(counted(&app, "3002").await, ["both", "duplicate"]);
        assert_eq!(waiting(&app).await, ["ambiguous"; 2], "entries: one by address, one by username");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_address_of_the_other_number_contradicts_only_while_they_are_two(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = twice(&app).await;
        // 9999 belongs to no employee, 3003 does: no address links against that one.
        assert_eq!(send(&app, &secret, "contradicted", json!({"employee_number": "3003", "email": "eva@example.org"})).await, true);
        assert_eq!(counted(&app, "3003").await, ["contradicted"]);
        merge(&app, "3003", "3001").await.ok();
        assert_eq!(counted(&app, "3001").await, ["contradicted"]);
        // Three numbers are one person.
        merge(&app, "3002", "3001").await.ok();
        assert_eq!(send(&app, &secret, "three", json!({"email": "eva@example.org"})).await, true);
        let shown = app.get_as_city("/api/v1/employees/3002").await.ok();
        assert_eq!((&shown["employee_number"], &shown["merged_numbers"]), (&json!("3001"), &json!(["3002", "3003"])));
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_link_by_hand_to_the_duplicate_follows_a_merge_and_its_undo(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = twice(&app).await;
        let link = |number: &str, value: &str| json!({"platform": "larportal", "key": "username", "value": value,
                                                      "employee_number": number, "reason": "asked", "from": null});
        let city = app.token(Role::City, &[]).await;
        assert_eq!(send(&app, &secret, "before", json!({"username": "ghost"})).await, false);
        app.post("/api/v1/links", Some(&city), &link("3002", "ghost")).await.ok();
        assert_eq!(counted(&app, "3002").await, ["before"]);
        let made = merge(&app, "3002", "3001").await.ok();
        assert_eq!(send(&app, &secret, "merged", json!({"username": "ghost"})).await, true);
        // A link that is made while they are one person stays with the number that it names.
        assert_eq!(send(&app, &secret, "spirit", json!({"username": "spirit"})).await, false);
        let spirit = app.post("/api/v1/links", Some(&city), &link("3002", "spirit")).await.ok();
        assert_eq!(spirit["employee_number"], "3002");
        assert_eq!(counted(&app, "3001").await, ["before", "merged", "spirit"]);
        // The administration of the remaining number answers for both numbers, and so for these links.
        for officer in ["SEF", "FGK"] {
            let officer = app.token(Role::Administration, &[officer]).await;
            let links = app.get("/api/v1/links", Some(&officer)).await.ok();
            assert_eq!(links.as_array().map(Vec::len), Some(2), "{links}");
        }
        undo(&app, &made["merge"]["id"]).await.ok();
        assert_eq!(counted(&app, "3001").await, [""; 0]);
        assert_eq!(counted(&app, "3002").await, ["before", "merged", "spirit"]);
        app.post(&format!("/api/v1/links/{}/undo", spirit["id"]), Some(&city), &json!({})).await.ok();
        assert_eq!(counted(&app, "3002").await, ["before", "merged"]);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_administration_sees_no_merge_and_no_employment_of_the_other_number(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        twice(&app).await;
        merge(&app, "3002", "3001").await.ok();
        let sef = app.token(Role::Administration, &["SEF"]).await;
        assert_eq!(app.get("/api/v1/merges", Some(&sef)).await.status, 403);
        let body = json!({"duplicate": "3003", "reason": "hired twice"});
        assert_eq!(app.post("/api/v1/employees/3001/merge", Some(&sef), &body).await.status, 403);
        // The person works in SEF and in FGK: each sees the person, and only its own employments.
        for (officer, other) in [("SEF", "FGK"), ("FGK", "SEF")] {
            let token = app.token(Role::Administration, &[officer]).await;
            for number in ["3001", "3002"] {
                let shown = app.get(&format!("/api/v1/employees/{number}"), Some(&token)).await;
                let employments = shown.ok()["employments"].clone();
                assert_eq!(employments.as_array().map(Vec::len), Some(1), "{employments}");
                assert!(!shown.body.contains(&format!("\"{other}\"")), "{}", shown.body);
            }
            let history = app.get("/api/v1/employees/3001/history", Some(&token)).await;
            assert!(!history.ok().to_string().contains(&format!("\"{other}\"")), "{}", history.body);
        }
        // A person who only works elsewhere does not exist for SEF, merged with another from elsewhere or not.
        app.import(HrFiles { employments: &TWICE.replace("3003,Eva,Falk", "3004,Mia,Dahl"), ..HrFiles::default() }).await;
        let unknown = app.get("/api/v1/employees/4711", Some(&sef)).await.problem(404);
        let no_story = app.get("/api/v1/employees/4711/history", Some(&sef)).await.problem(404);
        merge(&app, "3004", "3003").await.ok();
        for number in ["3003", "3004"] {
            let reported = app.get(&format!("/api/v1/employees/{number}"), Some(&sef)).await.problem(404);
            assert_eq!(reported.replace(number, "4711"), unknown);
            let reported = app.get(&format!("/api/v1/employees/{number}/history"), Some(&sef)).await.problem(404);
            assert_eq!(reported.replace(number, "4711"), no_story);
        }
    }

    async fn the_list_of_merges_is_paged_newest_first(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        twice(&app).await;
        for _ in 0..3 {
            let made = merge(&app, "3002", "3001").await.ok();
            undo(&app, &made["merge"]["id"]).await.ok();
        }
        merge(&app, "3002", "3001").await.ok();
        let admin = app.token(Role::Admin, &[]).await;
        let whole = app.get("/api/v1/merges", Some(&admin)).await.ok();
        let ids = |page: &Value| page["items"].as_array().expect("merges").iter().map(|merge| merge["id"].clone()).collect::<Vec<_>>();
        assert_eq!((ids(&whole).len(), &whole["next"]), (4, &Value::Null));
        assert_eq!(whole["items"][0]["undone_at"], Value::Null);
        let (mut paged, mut before) = (Vec::new(), String::new());
        loop {
            let page = app.get(&format!("/api/v1/merges?limit=3{before}"), Some(&admin)).await.ok();
            paged.extend(ids(&page));
            let Some(next) = page["next"].as_str() else { break };
            before = format!("&before={next}");
        }
        assert_eq!(paged, ids(&whole));
        for wrong in ["limit=0", "limit=many", "before=yesterday", "after=1"] {
            assert_eq!(app.get(&format!("/api/v1/merges?{wrong}"), Some(&admin)).await.status, 400, "{wrong}");
        }
    }

    async fn verify_finds_a_merge_that_was_added_or_removed_past_the_register(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = twice(&app).await;
        send(&app, &secret, "e-1", json!({"employee_number": "3002"})).await;
        merge(&app, "3002", "3001").await.ok();
        assert_eq!(app.differences().await, [""; 0]);
        app.tamper("UPDATE merge_fact SET superseded_at = recorded_at").await;
        let reported = app.differences().await.join("\n");
        assert!(reported.contains("event e-1: it should be linked to employee 3002 as the directory says, and is linked to employee 3001"), "{reported}");
        assert!(reported.contains("employee 3002 and requirement infosec-onboarding: "), "{reported}");
        app.tamper("UPDATE merge_fact SET superseded_at = NULL").await;
        assert_eq!(app.differences().await, [""; 0]);
        assert_eq!(app.tamper("DELETE FROM merge_fact").await, 1);
        assert!(!app.differences().await.is_empty());
    }

    async fn people_of_two_numbers_follow_a_reorganisation_and_count_once(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        twice(&app).await;
        merge(&app, "3002", "3001").await.ok();
        app.refresh().await;
        let before = in_scope(&app).await;
        let body = json!({"on_day": "2026-02-20", "closes": ["FGK"], "moves": [{"from": "FGK", "to": "SEF"}], "reason": "one"});
        let reported = post(&app, "/api/v1/reorganisations", &body).await.ok();
        // 1003, 1004, 3003, and the duplicate's employment, which belongs to the remaining number.
        assert_eq!(reported["moved"], json!([{"from": "FGK", "to": "SEF", "employments": 4, "people": 4}]));
        assert_eq!(in_scope(&app).await, before);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_provider_continues_to_write_both_numbers(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = twice(&app).await;
        let first = create(&app, &user("4001", "Ida", "Lund", "SEF")).await;
        let second = create(&app, &user("4002", "Ida", "Lund", "FGK")).await;
        let made = merge(&app, "4002", "4001").await.ok();
        // Each number is a user of its own, with what was provisioned for it.
        for (made, number) in [(&first, "4001"), (&second, "4002")] {
            let shown = read(&app, &made["id"]).await.ok();
            assert_eq!(shown, *made, "the provider sees no merge");
            let found = app.scim(&format!("GET /scim/v2/Users?filter=employeeNumber+eq+%22{number}%22"), &[], None).await.ok();
            assert_eq!(found["totalResults"], 1);
        }
        let shown = app.get_as_city("/api/v1/employees/4002").await.ok();
        assert_eq!((&shown["employee_number"], shown["employments"].as_array().map(Vec::len)), (&json!("4001"), Some(2)));
        // What is provisioned for the duplicate applies to the merged person: an address that links, and leaving.
        let address = patch_of("replace", "emails[type eq \"work\"].value", json!("ida.lund@example.org"));
        patch(&app, &second["id"], &address).await.ok();
        assert_eq!(send(&app, &secret, "e-1", json!({"email": "ida.lund@example.org"})).await, true);
        assert_eq!(counted(&app, "4001").await, ["e-1"]);
        app.refresh().await;
        patch(&app, &second["id"], &patch_of("replace", "active", json!(false))).await.ok();
        let shown = app.get_as_city("/api/v1/employees/4001").await.ok();
        let ends: Vec<&Value> = shown["employments"].as_array().expect("employments").iter().map(|each| &each["ends_on"]).collect();
        assert_eq!(ends.iter().filter(|end| end.is_null()).count(), 1, "{shown}");
        assert_eq!(app.differences().await, [""; 0]);
        let gone = app.scim(&format!("DELETE /scim/v2/Users/{}", second["id"].as_str().expect("an id")), &[], None).await;
        assert_eq!(gone.status, 204);
        // Provisioned again, it is the same number, and so still merged into the remaining one.
        create(&app, &user("4002", "Ida", "Lund", "FGK")).await;
        assert_eq!(counted(&app, "4002").await, ["e-1"]);
        undo(&app, &made["merge"]["id"]).await.ok();
        assert_eq!(app.get_as_city("/api/v1/employees/4002").await.ok()["employee_number"], "4002");
        assert_eq!(app.differences().await, [""; 0]);
    }
}
