//! A person links an identity by hand, or undoes it; and for which employees an administration may do so.

use kurskoll::domain::access::Role;
use kurskoll::domain::linking::LinkingKey;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::linking::by_keys::{SHARING, WHOLE, complete, evidence, waiting_events};
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, small_city};

async fn officer(app: &TestApp, administration: &str) -> String {
    app.token(Role::Administration, &[administration]).await
}

fn link(key: &str, value: &str, employee_number: Option<&str>) -> Value {
    json!({"platform": "larportal", "key": key, "value": value, "employee_number": employee_number, "reason": "asked"})
}

both_databases! {
    async fn a_link_by_hand_links_waiting_and_later_results_until_it_is_undone(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let other = app.platform("andra").await;
        let private = json!({"email": "bo.privat@example.net"});
        assert!(!complete(&app, &secret, "before", private.clone(), "2026-02-11T10:00:00Z").await);
        let city = app.token(Role::City, &[]).await;
        let mut body = link("email", " Bo.Privat@example.net ", Some("1002"));
        body["from"] = Value::Null;
        let made = app.post("/api/v1/links", Some(&city), &body).await.ok();
        let mut shown = made.clone();
        let id = shown["id"].take();
        assert!(shown["decided_at"].take().as_str().is_some_and(|at| at.starts_with("2026-02-26T12:00:00")));
        insta::allow_duplicates!(insta::assert_json_snapshot!(shown, @r#"
        {
          "decided_at": null,
          "decided_by": "test city",
          "dry_run": false,
          "employee_number": "1002",
          "from": null,
          "home_page": null,
          "id": null,
          "key": "email",
          "moves": [
            {
              "employee_number": "1002",
              "gains": 1,
              "loses": 0,
              "results": [
                {
                  "course": "infosec-basics-2023",
                  "event_id": "before",
                  "gained": true,
                  "occurred_on": "2026-02-11",
                  "quiz": null
                }
              ],
              "statuses": [
                {
                  "before": "pending",
                  "now": "compliant",
                  "requirement": "infosec-onboarding"
                }
              ]
            }
          ],
          "platform": "larportal",
          "reason": "asked",
          "to": null,
          "undone_at": null,
          "value": "bo.privat@example.net"
        }
        "#));
        assert_eq!(evidence(&app, "1002").await, ["before"]);
        assert!(complete(&app, &secret, "after", private.clone(), "2026-02-12T10:00:00Z").await);
        // On another platform it is another learner.
        let elsewhere = app.deliver("andra", &other, "e", &completed(private.clone(), WHOLE, "2026-02-12T10:00:00Z")).await.ok();
        assert_eq!(elsewhere["linked"], false);
        assert_eq!(evidence(&app, "1002").await, ["after", "before"]);
        assert_eq!(waiting_events(&app).await, 1);

        let undone = app.post(&format!("/api/v1/links/{id}/undo"), Some(&city), &json!({})).await.ok();
        assert!(undone["undone_at"].is_string(), "{undone}");
        assert_eq!(undone["employee_number"], "1002");
        assert_eq!(evidence(&app, "1002").await, [""; 0]);
        assert_eq!(waiting_events(&app).await, 3);
        app.post(&format!("/api/v1/links/{id}/undo"), Some(&city), &json!({})).await.problem(404);
        let listed = app.get("/api/v1/links", Some(&city)).await.ok()[0].take();
        for (name, value) in listed.as_object().expect("a link") {
            assert_eq!(undone[name], *value, "{name}");
        }
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_later_link_by_hand_replaces_an_earlier_one(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        assert!(!complete(&app, &secret, "e-1", json!({"username": "x"}), "2026-02-11T10:00:00Z").await);
        let city = app.token(Role::City, &[]).await;
        let first = app.post("/api/v1/links", Some(&city), &link("username", "x", Some("1001"))).await.ok();
        assert_eq!(evidence(&app, "1001").await, ["e-1"]);
        let second = link("username", "X", Some("1002"));
        app.post("/api/v1/links", Some(&city), &second).await.problem(409);
        let mut second = second;
        second["move_results"] = json!(true);
        app.post("/api/v1/links", Some(&city), &second).await.ok();
        assert_eq!(evidence(&app, "1001").await, [""; 0]);
        assert_eq!(evidence(&app, "1002").await, ["e-1"]);
        app.post(&format!("/api/v1/links/{}/undo", first["id"]), Some(&city), &json!({})).await.problem(404);
        let links = app.get("/api/v1/links", Some(&city)).await.ok();
        assert_eq!(links[0]["undone_at"], Value::Null);
        assert!(links[1]["undone_at"].is_string());
    }

    async fn an_identity_can_be_dismissed(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let anna = json!({"email": "anna@example.org"});
        assert!(complete(&app, &secret, "e-1", anna.clone(), "2026-02-01T10:00:00Z").await);
        let city = app.token(Role::City, &[]).await;
        let mut body = link("email", "anna@example.org", None);
        app.post("/api/v1/links", Some(&city), &body).await.problem(422);
        body["from"] = Value::Null;
        app.post("/api/v1/links", Some(&city), &body).await.problem(409);
        body["move_results"] = json!(true);
        let nobody = app.post("/api/v1/links", Some(&city), &body).await.ok();
        assert_eq!(nobody["employee_number"], Value::Null);
        assert!(!complete(&app, &secret, "e-2", anna, "2026-02-02T10:00:00Z").await);
        assert_eq!(evidence(&app, "1001").await, [""; 0]);
        // Another key of the same event still links.
        let both = json!({"employee_number": "1001", "email": "anna@example.org"});
        assert!(complete(&app, &secret, "e-3", both, "2026-02-03T10:00:00Z").await);
        app.post(&format!("/api/v1/links/{}/undo", nobody["id"]), Some(&city), &json!({})).await.ok();
        assert_eq!(evidence(&app, "1001").await, ["e-1", "e-2", "e-3"]);
    }

    async fn an_officer_sees_and_links_only_entries_whose_candidates_are_all_its_own(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let sharing = employments(&[
            SHARING[2],
            SHARING[3],
            "1201,Kim,Dal,delad@example.org,,1,SEF,Kök,permanent,2020-01-01,,,",
            "1202,Lo,Dal,delad@example.org,,1,FGK,Gata,permanent,2020-01-01,,,",
        ]);
        app.import(HrFiles { employments: &sharing, ..HrFiles::default() }).await;
        for (id, email) in [("own", "kok@example.org"), ("shared", "delad@example.org"), ("unknown", "okand@example.org")] {
            assert!(!complete(&app, &secret, id, json!({"email": email}), "2026-02-01T10:00:00Z").await);
        }
        let (sef, fgk) = (officer(&app, "SEF").await, officer(&app, "FGK").await);
        let seen = app.get("/api/v1/unlinked", Some(&sef)).await.ok();
        assert_eq!(seen["items"].as_array().map(Vec::len), Some(1), "{seen}");
        assert_eq!(seen["items"][0]["identity"]["value"], "kok@example.org");
        assert_eq!(seen["items"][0]["candidates"], json!(["1103", "1104"]));
        assert_eq!(app.get("/api/v1/unlinked", Some(&fgk)).await.ok(), json!({"items": [], "next": null}));

        for (token, email, employee) in [
            (&sef, "delad@example.org", Some("1201")),
            (&sef, "okand@example.org", Some("1201")),
            (&sef, "okand@example.org", None),
            (&sef, "kok@example.org", Some("1202")),
            (&sef, "anna@example.org", Some("1103")),
            (&fgk, "kok@example.org", Some("1103")),
            (&fgk, "kok@example.org", Some("1202")),
        ] {
            let answer = app.post("/api/v1/links", Some(token), &link("email", email, employee)).await;
            assert_eq!(answer.status, 404, "{email} to {employee:?}: {}", answer.body);
        }
        assert_eq!(app.rows_in("link_decision").await, 0);

        let made = app.post("/api/v1/links", Some(&sef), &link("email", "kok@example.org", Some("1103"))).await.ok();
        assert_eq!(evidence(&app, "1103").await, ["own"]);
        let undo = format!("/api/v1/links/{}/undo", made["id"]);
        assert_eq!(app.get("/api/v1/links", Some(&fgk)).await.ok(), json!([]));
        app.post(&undo, Some(&fgk), &json!({})).await.problem(404);
        app.post(&undo, Some(&sef), &json!({})).await.ok();
        assert_eq!(evidence(&app, "1103").await, [""; 0]);
    }

    async fn an_officer_cannot_link_a_key_of_a_learner_who_could_be_another_administrations(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform_linking_by("larportal", &[LinkingKey::Email]).await;
        // Two employees of SEF share the address, but the number belongs to FGK.
        let sharing = employments(&[SHARING[2], SHARING[3]]);
        app.import(HrFiles { employments: &sharing, ..HrFiles::default() }).await;
        let learner = json!({"employee_number": "1004", "email": "kok@example.org"});
        assert!(!complete(&app, &secret, "e-1", learner, "2026-02-01T10:00:00Z").await);
        let sef = officer(&app, "SEF").await;
        assert_eq!(app.get("/api/v1/unlinked", Some(&sef)).await.ok()["items"], json!([]));
        app.post("/api/v1/links", Some(&sef), &link("email", "kok@example.org", Some("1103"))).await.problem(404);
        assert_eq!(app.rows_in("link_decision").await, 0);
    }

    async fn a_link_by_an_officer_takes_nothing_from_another_administration(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform_linking_by("larportal", &[LinkingKey::Email, LinkingKey::Username]).await;
        app.import(HrFiles { employments: &employments(&[SHARING[2], SHARING[3]]), ..HrFiles::default() }).await;
        let address = json!({"email": "kok@example.org"});
        assert!(!complete(&app, &secret, "waits", address, "2026-02-01T10:00:00Z").await);
        // The same ambiguous address, with a username that links to FGK's David.
        let both = json!({"email": "kok@example.org", "username": "david"});
        assert!(complete(&app, &secret, "davids", both, "2026-02-01T10:00:00Z").await);
        let sef = officer(&app, "SEF").await;
        let link = link("email", "kok@example.org", Some("1103"));
        app.post("/api/v1/links", Some(&sef), &link).await.problem(404);
        assert_eq!(evidence(&app, "1004").await, ["davids"]);
        // Central HR sees both, and may link.
        let city = app.token(Role::City, &[]).await;
        let mut link = link;
        app.post("/api/v1/links", Some(&city), &link).await.problem(409);
        link["move_results"] = json!(true);
        app.post("/api/v1/links", Some(&city), &link).await.ok();
        assert_eq!(evidence(&app, "1103").await, ["davids", "waits"]);
    }

    async fn an_auditor_sees_the_queue_and_links_nothing(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        assert!(!complete(&app, &secret, "e-1", json!({"username": "x"}), "2026-02-11T10:00:00Z").await);
        let auditor = app.token(Role::Auditor, &[]).await;
        assert_eq!(app.get("/api/v1/unlinked", Some(&auditor)).await.ok()["items"].as_array().map(Vec::len), Some(1));
        app.post("/api/v1/links", Some(&auditor), &link("username", "x", Some("1001"))).await.problem(403);
        app.post("/api/v1/links/1/undo", Some(&auditor), &json!({})).await.problem(403);
    }

    async fn a_link_that_cannot_be_made_says_what_is_wrong(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.platform("larportal").await;
        let city = app.token(Role::City, &[]).await;
        let good = link("email", "x@example.org", Some("1001"));
        let with = |name: &str, value: Value| {
            let mut body = good.clone();
            body[name] = value;
            body
        };
        let mut reported = Vec::new();
        for (status, body) in [
            (422, with("key", json!("shoe_size"))),
            (422, with("value", json!("  "))),
            (422, with("reason", json!(" "))),
            (422, with("platform", json!("Ö"))),
            (422, with("employee_number", json!(""))),
            (422, with("surprise", json!(1))),
            (404, with("platform", json!("nowhere"))),
            (404, with("employee_number", json!("4711"))),
        ] {
            let answer = app.post("/api/v1/links", Some(&city), &body).await;
            let pointer = answer.json()["pointer"].as_str().unwrap_or("-").to_owned();
            reported.push(format!("{status} {pointer} {}", answer.problem(status)));
        }
        insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r"
        422 /key key shoe_size is none of employee_number, email, username, account
        422 /value value is empty
        422 /reason reason is empty; say how you know
        422 /platform platform may only contain lower-case letters a to z, digits and hyphens
        422 /employee_number employee_number is empty
        422 - The body is not the JSON that belongs here: unknown field `surprise`, expected one of `platform`, `key`, `value`, `home_page`, `employee_number`, `from`, `to`, `reason`, `move_results`, `dry_run` at line 1 column 90.
        404 - no platform has the code nowhere
        404 - no employee 4711 is known here
        "));
        assert_eq!(app.rows_in("link_decision").await, 0);
    }

    async fn every_queue_read_link_and_undo_leaves_an_audit_entry(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.import(HrFiles { employments: &employments(&SHARING), ..HrFiles::default() }).await;
        assert!(!complete(&app, &secret, "e-1", json!({"email": "kok@example.org"}), "2026-02-11T10:00:00Z").await);
        let (sef, auditor) = (officer(&app, "SEF").await, app.token(Role::Auditor, &[]).await);
        app.get("/api/v1/unlinked", Some(&sef)).await.ok();
        let made = app.post("/api/v1/links", Some(&sef), &link("email", "kok@example.org", Some("1103"))).await.ok();
        app.post(&format!("/api/v1/links/{}/undo", made["id"]), Some(&sef), &json!({})).await.ok();
        app.get("/api/v1/links", Some(&sef)).await.ok();
        app.get("/api/v1/employees/1103", Some(&sef)).await.ok();
        let trail = app.get("/api/v1/audit?limit=5", Some(&auditor)).await.ok();
        let entries: Vec<String> = trail["items"]
            .as_array()
            .expect("entries")
            .iter()
            .map(|entry| {
                assert_eq!(entry["request_id"].as_str().map(str::len), Some(36), "{entry}");
                let text = |name: &str| entry[name].as_str().expect("text").to_owned();
                format!("{} | {} | {} | {}", text("subject"), text("action"), text("object"), text("scope"))
            })
            .collect();
        let entries = entries.join("\n").replace(&made["id"].to_string(), "1");
        insta::allow_duplicates!(insta::assert_snapshot!(entries, @r"
        test administration | employee.read | employee 1103 | SEF
        test administration | links.read | links by hand | SEF
        test administration | link.undo | link 1 | SEF
        test administration | link.make | link 1: email on larportal to 1103 from 2026-02-11 to 2026-02-11 | SEF
        test administration | unlinked.read | unlinked results | SEF
        "));
        app.get("/api/v1/audit", Some(&sef)).await.problem(403);
    }
}
