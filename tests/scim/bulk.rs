//! Bulk: many operations in one request, and references between them.

use serde_json::{Value, json};

use crate::scim::users::{ENTERPRISE, employments, empty_city, error, user};
use crate::support::app::{Answer, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};

async fn bulk(app: &TestApp, fail_on_errors: Option<u64>, operations: Vec<Value>) -> Answer {
    let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
    if let Some(most) = fail_on_errors {
        body["failOnErrors"] = json!(most);
    }
    app.scim("POST /scim/v2/Bulk", &[], Some(&body)).await
}

fn post(bulk_id: &str, data: Value) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data})
}

fn led_by(mut user: Value, manager: &str) -> Value {
    user[ENTERPRISE]["manager"] = json!({"value": manager});
    user
}

fn statuses(answer: &Value) -> Vec<&str> {
    let operations = answer["Operations"].as_array().expect("operations");
    operations.iter().map(|operation| operation["status"].as_str().expect("a status")).collect()
}

both_databases! {
    async fn operations_may_refer_to_what_others_create(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let answer = bulk(&app, None, vec![
            post("eva", led_by(user("2001", "Eva", "Ek", "SEF"), "bulkId:bo")),
            post("bo", user("2000", "Bo", "Öberg", "SEF")),
            json!({"method": "patch", "path": "/Users/bulkId:bo", "data": {"Operations": [{"op": "replace", "path": "active", "value": "False"}]}}),
        ]).await;
        assert_eq!(answer.headers["content-type"], "application/scim+json");
        let answer = answer.ok();
        assert_eq!(statuses(&answer), ["201", "201", "200"], "{answer}");
        let operations = &answer["Operations"];
        assert_eq!((&operations[0]["bulkId"], &operations[0]["method"]), (&json!("eva"), &json!("POST")));
        let eva = app.scim(&format!("GET {}", operations[0]["location"].as_str().expect("a place")), &[], None).await.ok();
        assert_eq!(eva["meta"]["version"], operations[0]["version"]);
        assert_eq!(operations[1]["location"], eva[ENTERPRISE]["manager"]["$ref"]);
        // An employment that ends on its first day has that day.
        assert_eq!(employments(&app, "2000").await, ["scim:2026-02-26 SEF 2026-02-26..2026-02-26"]);
        let path = operations[0]["location"].as_str().expect("a place").trim_start_matches("/scim/v2").to_owned();
        let again = bulk(&app, None, vec![
            json!({"method": "DELETE", "path": path, "version": "W/\"other\""}),
            json!({"method": "DELETE", "path": path, "version": operations[0]["version"]}),
            json!({"method": "GET", "path": path}),
        ]).await;
        error(&again, 400);
        let again = bulk(&app, None, vec![
            json!({"method": "DELETE", "path": path, "version": "W/\"other\""}),
            json!({"method": "DELETE", "path": path, "version": operations[0]["version"]}),
            json!({"method": "DELETE", "path": path}),
            json!({"method": "PATCH", "path": "/Groups/SEF", "data": {}}),
            json!({"method": "PUT", "path": "/Users"}),
        ]).await.ok();
        assert_eq!(statuses(&again), ["412", "204", "404", "405", "404"], "{again}");
        assert_eq!(again["Operations"][0]["response"]["status"], "412");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_circle_and_a_lost_reference_are_conflicts(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let answer = bulk(&app, None, vec![
            post("a", led_by(user("2001", "Eva", "Ek", "SEF"), "bulkId:b")),
            post("b", led_by(user("2002", "Ida", "Ek", "SEF"), "bulkId:a")),
            post("c", led_by(user("2003", "Bo", "Ek", "SEF"), "bulkId:none")),
            post("d", user("2004", "Ann", "Ek", "XYZ")),
            post("e", led_by(user("2005", "Jon", "Ek", "SEF"), "bulkId:d")),
            post("f", user("2006", "Mia", "Ek", "SEF")),
        ]).await.ok();
        assert_eq!(statuses(&answer), ["409", "409", "409", "400", "409", "201"], "{answer}");
        assert!(answer["Operations"][0]["response"]["detail"].as_str().is_some_and(|detail| detail.contains("circle: a, b")));
        assert_eq!(app.rows_in("employee").await, 1);
    }

    async fn it_stops_after_the_requested_number_of_errors(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let operations = vec![
            post("a", user("2001", "Eva", "Ek", "SEF")),
            post("b", user("2001", "Eva", "Ek", "SEF")),
            post("c", user("2002", "Ida", "Ek", "SEF")),
        ];
        let answer = bulk(&app, Some(1), operations.clone()).await.ok();
        assert_eq!(statuses(&answer), ["201", "409"], "{answer}");
        let answer = bulk(&app, Some(3), operations).await.ok();
        assert_eq!(statuses(&answer), ["409", "409", "201"], "{answer}");
    }

    async fn a_bulk_that_is_too_long_or_invalid_is_refused_as_a_whole(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let config = app.scim("GET /scim/v2/ServiceProviderConfig", &[], None).await.ok();
        let most = config["bulk"]["maxOperations"].as_u64().expect("a number");
        let many = (0..=most).map(|_| json!({"method": "DELETE", "path": "/Users/1-1"})).collect();
        error(&bulk(&app, None, many).await, 413);
        let size = usize::try_from(config["bulk"]["maxPayloadSize"].as_u64().expect("a number")).expect("a size");
        error(&bulk(&app, None, vec![post("a", json!({"userName": "x".repeat(size)}))]).await, 413);
        let twice = vec![post("a", user("2001", "Eva", "Ek", "SEF")), post("a", user("2002", "Ida", "Ek", "SEF"))];
        for operations in [twice, vec![json!({"method": "POST", "path": "/Users", "data": {}})], vec![json!("x")]] {
            assert_eq!(error(&bulk(&app, None, operations).await, 400).0, "invalidSyntax");
        }
        error(&bulk(&app, Some(0), Vec::new()).await, 400);
        assert_eq!(app.rows_in("employee").await, 0);
    }
}
