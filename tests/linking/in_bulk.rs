//! Many decisions at once: each by itself or all or none, each within its scope, each with its audit entry.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::linking::by_keys::{SHARING, complete, evidence, waiting_events};
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::small_city;

fn link(value: &str, employee: &str) -> Value {
    json!({"op": "link", "platform": "larportal", "key": "email", "value": value, "employee_number": employee, "reason": "asked"})
}

fn dismiss(value: &str) -> Value {
    json!({"op": "dismiss", "platform": "larportal", "key": "email", "value": value, "reason": "test"})
}

/// A city where these addresses wait: `kok` could belong to two employees of SEF, the others to anyone.
async fn city_that_waits(app: &TestApp) {
    small_city(app).await;
    app.import(HrFiles { employments: &employments(&SHARING), ..HrFiles::default() }).await;
    let secret = app.platform("larportal").await;
    for email in ["kok@example.org", "a@x.example", "b@x.example", "c@x.example"] {
        assert!(!complete(app, &secret, email, json!({"email": email}), "2026-02-11T10:00:00Z").await);
    }
}

async fn bulk(app: &TestApp, token: &str, all_or_nothing: bool, operations: &[Value]) -> crate::support::app::Answer {
    app.post("/api/v1/links/bulk", Some(token), &json!({"all_or_nothing": all_or_nothing, "operations": operations}))
        .await
}

/// The outcome of each, one a line.
fn outcomes(answer: &Value) -> Vec<String> {
    let operations = answer["operations"].as_array().expect("operations").iter();
    let outcome = |operation: &Value| match operation["outcome"].as_str() {
        Some("done") => format!("done {}", operation["link"]["value"].as_str().expect("a value")),
        _ => format!("{} {}", operation["pointer"], operation["detail"]).replace('"', ""),
    };
    operations.map(outcome).collect()
}

both_databases! {
    async fn each_operation_is_done_or_refused_by_itself(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_that_waits(&app).await;
        let city = app.token(Role::City, &[]).await;
        let earlier = app.post("/api/v1/links", Some(&city), &json!({"platform": "larportal", "key": "email",
            "value": "c@x.example", "employee_number": "1001", "reason": "asked"})).await.ok();
        let operations = [
            link("A@x.example", "1002"),
            dismiss("b@x.example"),
            json!({"op": "undo", "id": earlier["id"]}),
            link("a@x.example", "1003"),
            link("kok@example.org", "4711"),
            json!({"op": "undo", "id": 999}),
            json!({"op": "dismiss", "platform": "larportal", "key": "email", "value": "x", "reason": " "}),
            dismiss("c@x.example"),
        ];
        let answer = bulk(&app, &city, false, &operations).await.ok();
        assert_eq!(answer["done"], 3);
        insta::allow_duplicates!(insta::assert_snapshot!(outcomes(&answer).join("\n"), @r"
        done a@x.example
        done b@x.example
        done c@x.example
        /operations/3 an operation before this one is about the same identity; send one, or one after the other
        /operations/4 no employee 4711 is known here
        /operations/5 no link with the id 999 is in force
        /operations/6/reason reason is empty; say how you know
        /operations/7 an operation before this one is about the same identity; send one, or one after the other
        "));
        assert_eq!(evidence(&app, "1002").await, ["a@x.example"]);
        assert_eq!(evidence(&app, "1001").await, [""; 0]);
        assert_eq!(waiting_events(&app).await, 2, "kok and c");
        assert_eq!(app.differences().await, [""; 0]);
        let auditor = app.token(Role::Auditor, &[]).await;
        let trail = app.get("/api/v1/audit?limit=50", Some(&auditor)).await.ok();
        let entries = trail["items"].as_array().expect("entries").iter();
        let links: Vec<&Value> =
            entries.filter(|entry| entry["action"].as_str().is_some_and(|a| a.starts_with("link."))).collect();
        let actions: Vec<&str> = links.iter().filter_map(|entry| entry["action"].as_str()).collect();
        assert_eq!(actions, ["link.undo", "link.dismiss", "link.make", "link.make"]);
        assert_eq!(links[0]["at"], links[2]["at"], "one change");
        assert_eq!(links[0]["request_id"], links[2]["request_id"]);
    }

    async fn one_that_is_refused_leaves_all_undone_with_all_or_nothing(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_that_waits(&app).await;
        let city = app.token(Role::City, &[]).await;
        let entries = app.rows_in("audit_entry").await;
        let refused = bulk(&app, &city, true, &[link("a@x.example", "1002"), link("b@x.example", "4711")]).await;
        assert_eq!(
            refused.problem(422),
            "1 of the operations cannot be done, so none was; the first: no employee 4711 is known here"
        );
        assert_eq!(refused.json()["pointer"], "/operations/1");
        assert_eq!(
            refused.json()["operations"],
            json!([{"pointer": "/operations/1", "detail": "no employee 4711 is known here"}])
        );
        assert_eq!((app.rows_in("link_decision").await, app.rows_in("audit_entry").await), (0, entries));
        assert_eq!(waiting_events(&app).await, 4);
        let done = bulk(&app, &city, true, &[link("a@x.example", "1002"), dismiss("b@x.example")]).await.ok();
        assert_eq!(done["done"], 2);
        assert_eq!(waiting_events(&app).await, 2);
    }

    async fn an_officer_does_in_bulk_what_it_may_do_one_by_one(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_that_waits(&app).await;
        let sef = app.token(Role::Administration, &["SEF"]).await;
        let operations = [link("a@x.example", "1103"), link("kok@example.org", "1004"), link("kok@example.org", "1103")];
        let answer = bulk(&app, &sef, false, &operations).await.ok();
        insta::allow_duplicates!(insta::assert_snapshot!(outcomes(&answer).join("\n"), @r"
        /operations/0 no results of this identity wait here
        /operations/1 no employee 1004 is known here
        done kok@example.org
        "));
        assert_eq!(evidence(&app, "1103").await, ["kok@example.org"]);
        let fgk = app.token(Role::Administration, &["FGK"]).await;
        let undo = json!({"op": "undo", "id": answer["operations"][2]["link"]["id"]});
        bulk(&app, &fgk, true, std::slice::from_ref(&undo)).await.problem(422);
        let auditor = app.token(Role::Auditor, &[]).await;
        bulk(&app, &auditor, false, &[undo]).await.problem(403);
    }

    async fn a_bulk_that_is_empty_too_long_or_of_another_shape_is_refused_whole(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_that_waits(&app).await;
        let city = app.token(Role::City, &[]).await;
        let many = vec![json!({"op": "undo", "id": 1}); 201];
        for operations in [vec![], many, vec![json!({"op": "forget", "id": 1})], vec![json!({"op": "undo", "id": 1, "x": 1})]] {
            bulk(&app, &city, false, &operations).await.problem(422);
        }
        assert_eq!(app.rows_in("link_decision").await, 0);
    }
}
