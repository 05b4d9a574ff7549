//! The history of an employee: what became known, in order, from which source.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, graded, small_city};

/// Each entry of a page as one line.
pub fn lines(page: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| "–".to_owned(), ToOwned::to_owned);
    let line = |entry: &Value| {
        let changes: Vec<String> = entry["changes"]
            .as_array()
            .expect("changes")
            .iter()
            .map(|change| {
                format!("{} {} → {}", text(&change["field"]), text(&change["before"]), text(&change["after"]))
            })
            .collect();
        let hidden = if entry["hidden"] == true { " (hidden)" } else { "" };
        let reason = entry["reason"].as_str().map_or_else(String::new, |reason| format!(" because {reason}"));
        format!(
            "{} {} by {} ({}): {}{hidden}{reason}",
            text(&entry["kind"]),
            text(&entry["happened"]),
            text(&entry["by"]),
            text(&entry["how"]),
            changes.join(", ")
        )
    };
    page["items"].as_array().expect("items").iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The small city a year later: Bo is on leave, moves, does his course, and someone links by hand.
async fn a_year(app: &TestApp) {
    small_city(app).await;
    let secret = app.platform("larportal").await;
    let absences = "employee_number,starts_on,ends_on\n1002,2026-02-20,\n";
    app.import(HrFiles { absences, ..HrFiles::default() }).await;
    app.clock.advance(chrono::Duration::days(10));
    let moved = employments(&["1002,Bo,Öberg,bo@example.org,bo,1,FGK,Gata,permanent,2026-02-10,,1001,"]);
    app.import(HrFiles { employments: &moved, ..HrFiles::default() }).await;
    let bo = json!({"employee_number": "1002"});
    let done = completed(bo.clone(), "infosec-basics", "2026-03-01T10:00:00+01:00");
    app.deliver("larportal", &secret, "e-1", &done).await.ok();
    let passed = graded(json!({"username": "b0"}), "infosec-basics-quiz", 1, "18", "2026-03-01T11:00:00+01:00");
    app.deliver("larportal", &secret, "e-2", &passed).await.ok();
    let revoked = json!({"type": "completion.revoked", "timestamp": "2026-03-02T10:00:00+01:00",
        "data": {"learner": bo, "course": {"id": "infosec-basics"}, "event_id": "e-1", "reason": "wrong person"}});
    app.deliver("larportal", &secret, "e-3", &revoked).await.ok();
    app.clock.advance(chrono::Duration::days(1));
    let city = app.token(Role::City, &[]).await;
    let link = json!({"platform": "larportal", "key": "username", "value": "b0", "employee_number": "1002",
                      "reason": "asked by phone"});
    let id = app.post("/api/v1/links", Some(&city), &link).await.ok()["id"].clone();
    app.post(&format!("/api/v1/links/{id}/undo"), Some(&city), &json!({})).await.ok();
    app.post("/api/v1/links", Some(&city), &link).await.ok();
}

both_databases! {
    async fn an_employees_history_is_shown_in_order(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        a_year(&app).await;
        let reported = app.get_as_city("/api/v1/employees/1002/history").await.ok();
        insta::allow_duplicates!(insta::assert_snapshot!(lines(&reported), @r"
        person added by operator (import): given_name – → Bo, family_name – → Öberg, protected – → false
        employment added by operator (import): administration – → SEF, unit – → Lokalvård, form – → permanent, starts_on – → 2026-02-10, manager_employee_number – → 1001, email – → bo@example.org, username – → bo
        absence added by operator (import): starts_on – → 2026-02-20
        employment changed by operator (import): administration SEF → FGK, unit Lokalvård → Gata
        result added by platform larportal (delivery): type – → course.completed, platform – → larportal, course – → infosec-basics, occurred_at – → 2026-03-01T09:00:00Z
        result added by platform larportal (delivery): type – → quiz.graded, platform – → larportal, quiz – → infosec-basics-quiz, occurred_at – → 2026-03-01T10:00:00Z, score_percent – → 90.0
        result added by platform larportal (delivery): type – → completion.revoked, platform – → larportal, course – → infosec-basics, occurred_at – → 2026-03-02T09:00:00Z, revokes_event_id – → e-1 because wrong person
        link added by test city (link): value – → b0, links_to – → 1002, from – → 2026-03-01, to – → 2026-03-01 because asked by phone
        link withdrawn by test city (link): value b0 → –, links_to 1002 → –, from 2026-03-01 → –, to 2026-03-01 → –
        link added by test city (link): value – → b0, links_to – → 1002, from – → 2026-03-01, to – → 2026-03-01 because asked by phone
        "));
        let instant = |entry: &Value| entry["known_at"].as_str().and_then(|at| at.parse::<chrono::DateTime<chrono::Utc>>().ok());
        let instants: Vec<_> = reported["items"].as_array().expect("items").iter().map(instant).collect();
        assert!(instants.is_sorted(), "{instants:?}");
        assert_eq!(reported["next"], Value::Null);
    }

    async fn a_history_is_paged_and_filtered_by_kind(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        a_year(&app).await;
        let whole = app.get_as_city("/api/v1/employees/1002/history").await.ok();
        let (mut paged, mut after) = (Vec::new(), String::new());
        loop {
            let page = app.get_as_city(&format!("/api/v1/employees/1002/history?limit=2{after}")).await.ok();
            paged.extend(page["items"].as_array().expect("items").clone());
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(&paged, whole["items"].as_array().expect("items"));
        let links = app.get_as_city("/api/v1/employees/1002/history?kind=link").await.ok();
        let kinds: Vec<&Value> = links["items"].as_array().expect("items").iter().map(|entry| &entry["kind"]).collect();
        assert_eq!(kinds, ["link"; 3]);
        for (wrong, says) in [
            ("kind=shoe", "kind=shoe is none of: person, employment"),
            ("after=x", "after=x is not what an answer gave as next"),
            ("limit=0", "limit=0 is not a number from 1 to 500"),
        ] {
            let reported = app.get_as_city(&format!("/api/v1/employees/1002/history?{wrong}")).await.problem(400);
            assert!(reported.contains(says), "{reported}");
        }
        app.get_as_city("/api/v1/employees/4711/history").await.problem(404);
    }

    async fn an_officer_sees_nothing_of_other_administrations(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        a_year(&app).await;
        let fgk = app.token(Role::Administration, &["FGK"]).await;
        let reported = app.get("/api/v1/employees/1002/history", Some(&fgk)).await;
        for elsewhere in ["SEF", "Lokalvård"] {
            assert!(!reported.body.contains(elsewhere), "{elsewhere} in {}", reported.body);
        }
        // As known now, Bo has been there from the first day: the leave covers days there.
        insta::allow_duplicates!(insta::assert_snapshot!(lines(&reported.ok()), @r"
        absence added by operator (import): starts_on – → 2026-02-20
        person added by operator (import): given_name – → Bo, family_name – → Öberg, protected – → false
        employment added by operator (import): administration – → FGK, unit – → Gata, form – → permanent, starts_on – → 2026-02-10, manager_employee_number – → 1001, email – → bo@example.org, username – → bo
        result added by platform larportal (delivery): type – → course.completed, platform – → larportal, course – → infosec-basics, occurred_at – → 2026-03-01T09:00:00Z
        result added by platform larportal (delivery): type – → quiz.graded, platform – → larportal, quiz – → infosec-basics-quiz, occurred_at – → 2026-03-01T10:00:00Z, score_percent – → 90.0
        result added by platform larportal (delivery): type – → completion.revoked, platform – → larportal, course – → infosec-basics, occurred_at – → 2026-03-02T09:00:00Z, revokes_event_id – → e-1 because wrong person
        link added by test city (link): value – → b0, links_to – → 1002, from – → 2026-03-01, to – → 2026-03-01 because asked by phone
        link withdrawn by test city (link): value b0 → –, links_to 1002 → –, from 2026-03-01 → –, to 2026-03-01 → –
        link added by test city (link): value – → b0, links_to – → 1002, from – → 2026-03-01, to – → 2026-03-01 because asked by phone
        "));
        // For someone who, as known now, was never there, the answer is 404.
        let sef = app.token(Role::Administration, &["SEF"]).await;
        app.get("/api/v1/employees/1002/history", Some(&sef)).await.problem(404);
    }

    async fn the_history_of_the_protected_shows_no_name_address_or_unit(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let moved = employments(&["1004,David,Eklund,d@example.org,dek,1,SEF,Kök,permanent,2026-01-05,,,true"]);
        app.import(HrFiles { employments: &moved, ..HrFiles::default() }).await;
        let reported = app.get_as_city("/api/v1/employees/1004/history").await;
        for secret in ["David", "Ek", "Gata", "david", "Kök", "d@example.org"] {
            assert!(!reported.body.contains(secret), "{secret} in {}", reported.body);
        }
        insta::allow_duplicates!(insta::assert_snapshot!(lines(&reported.ok()), @r"
        person added by operator (import): given_name – → –, family_name – → –, protected – → true (hidden)
        employment added by operator (import): administration – → FGK, unit – → –, form – → permanent, starts_on – → 2026-01-05, email – → –, username – → – (hidden)
        person changed by operator (import): family_name – → – (hidden)
        employment changed by operator (import): administration FGK → SEF, unit – → –, email – → –, username – → – (hidden)
        "));
    }

    async fn reading_a_history_leaves_an_audit_entry(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.get_as_city("/api/v1/employees/1001/history").await.ok();
        let auditor = app.token(Role::Auditor, &[]).await;
        let trail = app.get("/api/v1/audit?limit=2", Some(&auditor)).await.ok();
        assert_eq!(trail["items"][1]["action"], "employee.history");
        assert_eq!(trail["items"][1]["object"], "history of employee 1001");
    }
}
