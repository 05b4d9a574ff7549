//! The queue of unlinked results: grouped, sorted, filtered and exported; which suggestions it has, and who sees them.

use kurskoll::domain::access::Role;
use kurskoll::domain::linking::LinkingKey;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::linking::by_keys::{SHARING, complete, shown};
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, graded, small_city};

async fn queue(app: &TestApp, query: &str) -> String {
    shown(&app.get_as_city(&format!("/api/v1/unlinked{query}")).await.ok())
}

/// What each line of a shown queue is about.
fn abouts(shown: &str) -> Vec<&str> {
    shown.lines().filter_map(|line| line.split(' ').nth(2)).map(|value| value.trim_end_matches(':')).collect()
}

both_databases! {
    async fn learners_who_share_an_identity_are_one_entry_and_one_decision_covers_it(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let other = app.platform("andra").await;
        let shared = [
            json!({"email": "ny.adress@example.net", "username": "zqx"}),
            json!({"email": "Ny.Adress@example.net"}),
            json!({"email": "ny.adress@example.net", "employee_number": "8888"}),
        ];
        for (nth, learner) in shared.into_iter().enumerate() {
            app.clock.set(&format!("2026-03-1{nth}T12:00:00Z"));
            let at = format!("2026-02-1{nth}T10:00:00Z");
            assert!(!complete(&app, &secret, &format!("e-{nth}"), learner, &at).await);
        }
        let elsewhere = completed(json!({"email": "ny.adress@example.net"}), "swimming", "2026-02-11T10:00:00Z");
        app.deliver("andra", &other, "e-1", &elsewhere).await.ok();
        let quiz = graded(json!({"email": "ny.adress@example.net"}), "infosec-basics-quiz", 1, "15", "2026-02-11T10:00:00Z");
        app.deliver("larportal", &secret, "quiz", &quiz).await.ok();
        let reported = queue(&app, "").await;
        insta::allow_duplicates!(insta::assert_snapshot!(reported, @r"
        larportal email ny.adress@example.net: 4 unknown [employee_number unknown, email unknown, username unknown, account not_given] of infosec-basics-2023 infosec-basics-quiz
        andra email ny.adress@example.net: 1 unknown [employee_number not_given, email unknown, username not_given, account not_given] of swimming
        "));
        let entry = app.get_as_city("/api/v1/unlinked").await.ok()["items"][0].take();
        assert_eq!(entry["learner_count"], 3);
        assert!(entry["first_recorded_at"].as_str().is_some_and(|at| at.starts_with("2026-03-10T12:00:00")));
        assert!(entry["last_recorded_at"].as_str().is_some_and(|at| at.starts_with("2026-03-12T12:00:00")));
        assert_eq!(entry["counts_towards"], json!([{"requirement": "infosec-onboarding", "whole": true}]));

        let city = app.token(Role::City, &[]).await;
        let link = json!({"platform": "larportal", "key": entry["identity"]["key"], "value": entry["identity"]["value"],
                          "employee_number": "1002", "reason": "asked"});
        app.post("/api/v1/links", Some(&city), &link).await.ok();
        assert_eq!(abouts(&queue(&app, "").await).len(), 1, "the other platform's");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn the_queue_is_sorted_filtered_and_paged(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.import(HrFiles { employments: &employments(&SHARING), ..HrFiles::default() }).await;
        let secret = app.platform("larportal").await;
        let other = app.platform("andra").await;
        for (nth, email) in ["q1@x.example", "q2@x.example", "q2@x.example", "kok@example.org"].iter().enumerate() {
            app.clock.set(&format!("2026-03-1{nth}T12:00:00Z"));
            let at = format!("2026-02-1{nth}T10:00:00Z");
            assert!(!complete(&app, &secret, &format!("e-{nth}"), json!({"email": email}), &at).await);
        }
        let swimming = completed(json!({"username": "zqx"}), "swimming", "2026-02-11T10:00:00Z");
        app.deliver("andra", &other, "e-1", &swimming).await.ok();
        for (query, expected) in [
            ("", vec!["q2@x.example", "q1@x.example", "kok@example.org", "zqx"]),
            ("?sort=most", vec!["q2@x.example", "q1@x.example", "kok@example.org", "zqx"]),
            ("?sort=oldest", vec!["q1@x.example", "q2@x.example", "kok@example.org", "zqx"]),
            ("?platform=andra", vec!["zqx"]),
            ("?why=ambiguous", vec!["kok@example.org"]),
            ("?why=contradicted", vec![]),
            ("?requirement=infosec-onboarding&sort=oldest", vec!["q1@x.example", "q2@x.example", "kok@example.org"]),
            ("?dismissed=true", vec![]),
        ] {
            assert_eq!(abouts(&queue(&app, query).await), expected, "{query}");
            let (mut walked, mut after) = (Vec::new(), String::new());
            loop {
                let joined = if query.is_empty() { "?" } else { "&" };
                let page = app.get_as_city(&format!("/api/v1/unlinked{query}{joined}limit=1{after}")).await.ok();
                walked.extend(page["items"].as_array().expect("items").clone());
                let Some(next) = page["next"].as_str() else { break };
                after = format!("&after={next}");
            }
            assert_eq!(walked.len(), expected.len(), "{query}");
            assert_eq!(abouts(&shown(&json!({"items": walked}))), expected, "{query}, by the page");
        }
        for (status, query) in [
            (400, "sort=best"), (400, "why=late"), (400, "dismissed=1"), (400, "after=x"), (404, "platform=nowhere"),
            (404, "requirement=nothing"),
        ] {
            app.get_as_city(&format!("/api/v1/unlinked?{query}")).await.problem(status);
        }
    }

    async fn the_queue_can_be_exported_as_a_file(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        assert!(!complete(&app, &secret, "e-1", json!({"email": "=1+1@x.example"}), "2026-02-01T10:00:00Z").await);
        let file = app.get_as_city("/api/v1/unlinked.csv").await;
        assert_eq!((file.status, file.headers["content-type"].as_str()), (200, "text/csv; charset=utf-8"));
        let lines: Vec<&str> = file.body.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[1].starts_with("larportal,email,'=1+1@x.example,,unknown,1,2026-02-26T12:00:00"), "{}", lines[1]);
        let excel = app.get_as_city("/api/v1/unlinked.csv?dialect=excel-sv&platform=larportal").await.body;
        assert!(excel.starts_with("\u{feff}platform;key;value;"), "{excel}");
        app.get_as_city("/api/v1/unlinked.csv?dialect=x").await.problem(400);
        app.get_as_city("/api/v1/unlinked.csv?limit=1").await.problem(400);
        let auditor = app.token(Role::Auditor, &[]).await;
        let trail = app.get("/api/v1/audit?limit=4", Some(&auditor)).await.ok();
        assert!(trail["items"].as_array().is_some_and(|all| all.iter().any(|entry| entry["action"] == "unlinked.export")));
    }

    async fn likely_employees_are_suggested_with_reasons_and_never_linked(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let people = employments(&[
            "104233,Åsa,Öberg-Håkansson,asa.oberg@old.example,asaobe,1,SEF,Kök,permanent,2020-01-01,,,",
            "104871,Maja,Lindqvist,maja@example.org,,1,SEF,Kök,permanent,2026-04-01,,,",
            "104872,Pär,Hemlig,par.hemlig@old.example,,1,SEF,Kök,permanent,2020-01-01,,,true",
        ]);
        app.import(HrFiles { employments: &people, ..HrFiles::default() }).await;
        let learners = [
            json!({"email": "aasa.oeberg@new.example"}),
            json!({"email": "maja.lindkvist@new.example"}),
            json!({"employee_number": "0104233"}),
            json!({"email": "par.hemlig@new.example"}),
            json!({"username": "wwwwww"}),
        ];
        for (nth, learner) in learners.into_iter().enumerate() {
            let at = format!("2026-02-0{}T10:00:00Z", nth + 1);
            assert!(!complete(&app, &secret, &format!("e-{nth}"), learner, &at).await);
        }
        let reported = queue(&app, "").await;
        let suggested: Vec<&str> =
            reported.lines().map(|line| line.split_once("; ").map_or("nobody", |(_, suggested)| suggested)).collect();
        insta::allow_duplicates!(insta::assert_snapshot!(suggested.join("\n"), @r"
        suggested 104233 (same_name same_local_part)
        suggested 104871 (near_name starts_soon)
        suggested 104233 (leading_zeros number_one_digit)
        nobody
        nobody
        "));
        let first = app.get_as_city("/api/v1/unlinked").await.ok()["items"][1]["suggestions"][0].take();
        assert_eq!((&first["given_name"], &first["family_name"]), (&json!("Maja"), &json!("Lindqvist")));
        assert_eq!(first["reasons"][1]["text"], "an employment starts on 2026-04-01");
        assert_eq!(app.rows_in("link_decision").await, 0);
        assert_eq!(abouts(&reported).len(), 5);
        // HR protects her: from then on she is not suggested.
        let protected = employments(&["104871,Maja,Lindqvist,maja@example.org,,1,SEF,Kök,permanent,2026-04-01,,,true"]);
        app.import(HrFiles { employments: &protected, ..HrFiles::default() }).await;
        assert!(!queue(&app, "").await.contains("104871"));
        assert_eq!(app.get_as_city("/api/v1/unlinked").await.body.matches("Lindqvist").count(), 0);
    }

    async fn an_officer_gets_suggestions_from_its_own_people_only(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform_linking_by("larportal", &[LinkingKey::Email, LinkingKey::Username]).await;
        let people = employments(&[
            "1201,Kim,Dal,delad@example.org,,1,SEF,Kök,permanent,2020-01-01,,,",
            "1202,Lo,Dal,delad@example.org,,1,SEF,Kök,permanent,2020-01-01,,,",
            "1203,Kimm,Dall,k@example.org,,1,SEF,Kök,permanent,2020-01-01,,,",
            "1204,Kim,Dall,kd@example.org,,1,FGK,Gata,permanent,2020-01-01,,,",
        ]);
        app.import(HrFiles { employments: &people, ..HrFiles::default() }).await;
        let learner = json!({"email": "delad@example.org", "username": "kim.dall"});
        assert!(!complete(&app, &secret, "e-1", learner, "2026-02-01T10:00:00Z").await);
        assert!(!complete(&app, &secret, "e-2", json!({"username": "kim.dal"}), "2026-02-01T10:00:00Z").await);
        let officer = app.token(Role::Administration, &["SEF"]).await;
        let seen = app.get("/api/v1/unlinked", Some(&officer)).await.ok();
        insta::allow_duplicates!(insta::assert_snapshot!(shown(&seen), @"larportal email delad@example.org: 1 ambiguous [email ambiguous 1201 1202, username unknown] of infosec-basics-2023; suggested 1201 (key_fits near_name), 1202 (key_fits), 1203 (near_name)"));
        assert_eq!(app.get("/api/v1/unlinked.csv", Some(&officer)).await.body.matches("1204").count(), 0);
        let foreign = app.token(Role::Administration, &["FGK"]).await;
        assert_eq!(app.get("/api/v1/unlinked", Some(&foreign)).await.ok()["items"], Value::Array(vec![]));
        assert!(queue(&app, "").await.contains("1204"));
    }
}
