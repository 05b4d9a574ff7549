//! The OpenAPI document: valid, complete, and true of the service's answers.

use std::collections::BTreeSet;

use jsonschema::Validator;
use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};
use crate::support::generated::assert_generated;
use crate::support::postgres::{Backend, TestDatabase};
use crate::support::small_city::{completed, graded, small_city};

const SCHEMA: &str = include_str!("../fixtures/openapi/openapi-3.1-schema-2022-10-07.json");

/// The document as generated; another test checks that it is served unchanged.
fn document() -> Value {
    serde_json::to_value(kurskoll::http::openapi::openapi()).expect("JSON")
}

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, operations)| {
        let operations = operations.as_object().expect("operations");
        operations.iter().map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    });
    operations.collect()
}

/// A part of the document, with its `$ref` resolved.
fn resolved<'d>(document: &'d Value, part: &'d Value) -> &'d Value {
    let Some(reference) = part["$ref"].as_str() else { return part };
    document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

/// A validator of a schema of the document, which may refer to the document's components.
fn validator(document: &Value, schema: &Value) -> Validator {
    let mut schema = schema.clone();
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["components"] = document["components"].clone();
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
}

fn assert_valid(validator: &Validator, value: &Value, what: &str) {
    let problems: Vec<String> =
        validator.iter_errors(value).map(|problem| format!("{}: {problem}", problem.instance_path())).collect();
    assert!(problems.is_empty(), "{what}:\n{}\n{value:#}", problems.join("\n"));
}

#[test]
fn it_is_an_openapi_3_1_document() {
    let document = document();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")));
    let schema: Value = serde_json::from_str(SCHEMA).expect("the official schema");
    let official = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
    assert_valid(&official, &document, "the document");
    // The official schema does not validate the schemas in the document.
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name} is not a JSON Schema: {schema:#}");
    }
}

#[rocket::async_test]
async fn it_describes_every_mounted_route_and_no_other() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = TestApp::start(&database).await;
    let served = app.get("/api/v1/openapi.json", None).await.ok();
    assert_eq!(served, document());
    let is_described = |route: &&String| route.contains(" /api/") || route.contains(" /webhooks/");
    let mounted: BTreeSet<String> =
        app.routes.iter().filter(is_described).map(|route| route.replace('<', "{").replace('>', "}")).collect();
    let described: BTreeSet<String> = operations(&served).into_iter().map(|(name, _)| name).collect();
    assert_eq!(mounted, described);
}

#[test]
fn every_operation_has_descriptions_a_tag_and_a_unique_name() {
    let document = document();
    let tags: BTreeSet<&str> =
        document["tags"].as_array().expect("tags").iter().filter_map(|tag| tag["name"].as_str()).collect();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut ids: BTreeSet<&str> = BTreeSet::new();
    for (name, operation) in operations(&document) {
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name} has no summary");
        let own: Vec<&str> = operation["tags"].as_array().expect("tags").iter().filter_map(Value::as_str).collect();
        assert!(own.len() == 1 && tags.contains(own[0]), "{name}: {own:?}");
        used.extend(own);
        assert!(ids.insert(operation["operationId"].as_str().expect("a name")), "{name} shares its operationId");
    }
    assert_eq!(tags, used, "tags that are described, and that are used");
}

#[test]
fn every_parameter_has_a_description_and_a_type() {
    let document = document();
    for (name, operation) in operations(&document) {
        let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
        for parameter in &parameters {
            let (what, schema) = (parameter["name"].as_str().expect("a name"), &parameter["schema"]);
            assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {what}");
            let format = match what {
                "as_of" | "due_from" | "due_to" => json!("date"),
                "known_at" | "compare_known_at" => json!("date-time"),
                _ => schema["format"].clone(),
            };
            assert_eq!(schema["format"], format, "{name}: {what}");
            assert!(schema["type"].is_string(), "{name}: {what}");
            let is_bounded = schema["minimum"] == 1 && schema["maximum"].is_number();
            assert!(what != "limit" || is_bounded, "{name}: limit has no bounds");
            let has_values = !["status", "outcome", "dialect"].contains(&what) || schema["enum"].is_array();
            assert!(has_values, "{name}: {what} does not list its values");
        }
        let in_path: BTreeSet<&str> = name.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let declared: BTreeSet<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        assert_eq!(in_path, declared, "{name}");
    }
}

#[test]
fn every_error_is_a_problem_with_a_true_example() {
    let document = document();
    let problem = validator(&document, &json!({"$ref": "#/components/schemas/Problem"}));
    for (name, operation) in operations(&document) {
        let responses = operation["responses"].as_object().expect("responses");
        if !name.ends_with("/openapi.json") {
            assert!(responses.contains_key("500"), "{name} has no error");
        }
        for (status, response) in responses.iter().filter(|(status, _)| *status != "200") {
            let response = resolved(&document, response);
            let media: Vec<&String> = response["content"].as_object().expect("content").keys().collect();
            assert_eq!(media, ["application/problem+json"], "{name} {status}");
            let content = &response["content"]["application/problem+json"];
            assert_eq!(content["schema"]["$ref"], "#/components/schemas/Problem", "{name} {status}");
            assert_valid(&problem, &content["example"], &format!("{name} {status}"));
            assert_eq!(content["example"]["status"].to_string(), *status, "{name}");
            let comes_back = ["429", "503"].contains(&status.as_str());
            assert_eq!(comes_back, response["headers"]["Retry-After"].is_object(), "{name} {status}");
        }
    }
    let unused = document["components"]["responses"].as_object().expect("responses").keys().filter(|response| {
        let reference = json!({"$ref": format!("#/components/responses/{response}")}).to_string();
        !document["paths"].to_string().contains(&reference)
    });
    assert_eq!(unused.collect::<Vec<_>>(), [""; 0], "errors that no operation returns");
}

#[test]
fn every_body_has_examples_that_match_its_own_schema() {
    let document = document();
    for (name, operation) in operations(&document) {
        for (media, content) in operation["responses"]["200"]["content"].as_object().expect("content") {
            assert!(content["schema"].is_object(), "{name} returns {media} without a schema");
            if media == "application/json" && !name.ends_with("/openapi.json") {
                assert!(content["example"].is_object() || content["example"].is_array(), "{name} has no example");
                assert_valid(&validator(&document, &content["schema"]), &content["example"], &name);
            }
        }
        for (media, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            let examples = content["examples"].as_object().unwrap_or_else(|| panic!("{name} {media} has no example"));
            for (example, reported) in examples {
                let what = format!("{name}, {example}");
                assert_valid(&validator(&document, &content["schema"]), &reported["value"], &what);
            }
        }
    }
}

#[test]
fn the_document_requires_a_token_exactly_where_the_service_does() {
    let document = document();
    let bearer = &document["components"]["securitySchemes"]["bearer"];
    assert_eq!((&bearer["type"], &bearer["scheme"]), (&json!("http"), &json!("bearer")));
    for (name, operation) in operations(&document) {
        let (is_document, is_webhook) = (name.ends_with("/openapi.json"), name.contains("/webhooks/"));
        let is_open = is_document || is_webhook;
        let wanted = match (is_document, is_webhook) {
            (true, _) => json!([{}]),
            (_, true) => json!([{"signature": []}]),
            _ => json!([{"bearer": []}]),
        };
        assert_eq!(operation["security"], wanted, "{name}");
        for status in ["400", "401", "403"] {
            assert!(is_open || operation["responses"][status].is_object(), "{name} does not describe {status}");
        }
    }
}

#[test]
fn the_committed_document_is_the_generated_one() {
    assert_generated("docs/openapi.json", &format!("{:#}\n", document()));
}

/// Checks an answer against what the document says of an operation.
fn assert_documented(document: &Value, operation: &str, answer: &Answer) {
    let (method, path) = operation.split_once(' ').expect("a method and a path");
    let described = &document["paths"][path][method.to_lowercase()];
    assert!(described.is_object(), "{operation} is not described");
    let response = &described["responses"][answer.status.to_string()];
    assert!(response.is_object(), "{operation} does not describe {}: {}", answer.status, answer.body);
    let contents = resolved(document, response)["content"].as_object().expect("content");
    let media = answer.headers["content-type"].split(';').next().expect("a media type");
    let content = contents.get(media).unwrap_or_else(|| panic!("{operation} does not describe {media}"));
    if media.ends_with("json") {
        let what = format!("{operation} {}", answer.status);
        assert_valid(&validator(document, &content["schema"]), &answer.json(), &what);
    }
}

#[rocket::async_test]
async fn the_answers_match_the_document() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = TestApp::start(&database).await;
    let document = document();
    let described = |operation: &str, answer: &Answer| {
        assert_documented(&document, operation, answer);
        answer.status
    };
    small_city(&app).await;
    let secret = app.platform("larportal").await;
    let endpoint = "POST /webhooks/{platform}";
    let anna = json!({"employee_number": "1001"});
    for (id, body, status) in [
        ("e-1", completed(anna.clone(), "infosec-basics", "2026-02-01T10:00:00+01:00"), 200),
        ("e-1", completed(anna.clone(), "infosec-basics", "2026-02-01T10:00:00+01:00"), 200),
        ("e-1", completed(anna.clone(), "infosec-basics", "2026-02-02T10:00:00+01:00"), 409),
        ("e-2", graded(anna, "infosec-basics-quiz", 1, "17", "2026-02-03T10:00:00+01:00"), 200),
        ("e-3", completed(json!({"email": "eva@example.org"}), "infosec-basics", "2026-02-03T10:00:00+01:00"), 200),
        ("e-4", json!({"type": "lesson.opened", "timestamp": "2026-02-03T10:00:00+01:00", "data": {}}), 200),
        ("q-1", json!({"type": 1}), 422),
        ("q-2", completed(json!({}), "infosec-basics", "2026-02-03T10:00:00+01:00"), 422),
    ] {
        assert_eq!(described(endpoint, &app.deliver("larportal", &secret, id, &body).await), status, "{id}");
    }
    assert_eq!(described(endpoint, &app.deliver("other", &secret, "e-5", &json!({})).await), 404);
    assert_eq!(described(endpoint, &app.post("/webhooks/larportal", None, &json!({})).await), 401);
    let large = vec![b' '; 300 * 1024];
    let headers = [("webhook-id", "e-6"), ("webhook-signature", "v1,x")];
    assert_eq!(described(endpoint, &app.deliver_raw("larportal", &headers, 0, large).await), 413);
    let text = [("content-type", "text/plain"), ("webhook-id", "e-7")];
    assert_eq!(described(endpoint, &app.deliver_raw("larportal", &text, 0, Vec::new()).await), 415);

    let token = app.token(Role::Admin, &[]).await;
    let scim = app.token(Role::Scim, &[]).await;
    let admin = Some(token.as_str());
    let link = json!({"platform": "larportal", "key": "email", "value": "eva@example.org", "employee_number": "1002",
                      "reason": "asked by phone"});
    let wrong =
        json!({"platform": "larportal", "key": "shoe size", "value": "38", "employee_number": null, "reason": "x"});
    for (body, status) in [(&link, 200), (&wrong, 422), (&json!([]), 422)] {
        assert_eq!(described("POST /api/v1/links", &app.post("/api/v1/links", admin, body).await), status);
    }
    let link_id = app.get("/api/v1/links", admin).await.ok()[0]["id"].to_string();
    let correct = "POST /api/v1/employees/{employee_number}/corrections";
    let late =
        json!({"reason": "reported late", "dry_run": true, "employments": [{"act": "withdraw", "employment_id": "1"}]});
    for (body, status) in [(&late, 200), (&json!({"reason": "x"}), 422), (&json!([]), 422)] {
        assert_eq!(described(correct, &app.post("/api/v1/employees/1001/corrections", admin, body).await), status);
    }
    assert_eq!(described(correct, &app.post("/api/v1/employees/4711/corrections", admin, &late).await), 404);
    for (path, body) in [
        (
            "exemptions",
            json!({"employee_number": "1001", "requirement": "infosec-onboarding",
                              "starts_on": "2026-03-01", "ends_on": null, "reason": "works in the field"}),
        ),
        (
            "prior-training",
            json!({"employee_number": "1001", "course": "infosec-basics",
                                  "completed_on": "2026-01-12", "reason": "certificate"}),
        ),
    ] {
        let reason = json!({"reason": "asked by phone"});
        let kind = format!("/api/v1/{path}");
        let (post, each) = (format!("POST {kind}"), format!("{kind}/{{id}}"));
        let made = app.post(&kind, admin, &body).await;
        assert_eq!(described(&post, &made), 200);
        let id = made.json()["id"].clone();
        assert_eq!(described(&post, &app.post(&kind, admin, &body).await), 409);
        assert_eq!(described(&post, &app.post(&kind, admin, &json!({})).await), 422);
        assert_eq!(described(&post, &app.post(&kind, Some(&scim), &body).await), 403);
        for query in ["", "?state=decided&limit=1", "?employee_number=1001", "?employee_number=4711"] {
            assert_eq!(described(&format!("GET {kind}"), &app.get(&format!("{kind}{query}"), admin).await), 200);
        }
        assert_eq!(described(&format!("GET {kind}"), &app.get(&format!("{kind}?state=x"), admin).await), 400);
        for (id, status) in [(id.to_string(), 200), ("999".to_owned(), 404), ("x".to_owned(), 404)] {
            assert_eq!(described(&format!("GET {each}"), &app.get(&format!("{kind}/{id}"), admin).await), status);
        }
        for (verb, statuses) in [("approve", [409, 404]), ("reject", [409, 404]), ("withdraw", [200, 404])] {
            for (id, status) in [id.to_string(), "999".to_owned()].iter().zip(statuses) {
                let answer = app.post(&format!("{kind}/{id}/{verb}"), admin, &reason).await;
                assert_eq!(described(&format!("POST {each}/{verb}"), &answer), status, "{verb}");
            }
        }
    }
    for (operation, path, status) in [
        ("GET /api/v1/reports/onboarding", "?requirement=infosec-onboarding", 200),
        ("GET /api/v1/reports/onboarding", "?requirement=infosec-onboarding&as_of=2025-01-01", 200),
        ("GET /api/v1/reports/onboarding", "", 400),
        (
            "GET /api/v1/reports/onboarding",
            "?requirement=infosec-onboarding&compare_known_at=2026-02-26T12:00:00Z",
            200,
        ),
        ("GET /api/v1/reports/onboarding/differences", "", 400),
        (
            "GET /api/v1/reports/onboarding/differences",
            "?requirement=no-such&compare_known_at=2026-02-26T12:00:00Z",
            404,
        ),
        (
            "GET /api/v1/reports/onboarding/differences",
            "?requirement=infosec-onboarding&compare_known_at=2026-02-26T12:00:00Z",
            200,
        ),
        ("GET /api/v1/reports/onboarding", "?requirement=no-such", 404),
        ("GET /api/v1/administrations/{code}/compliance", "?limit=2", 200),
        ("GET /api/v1/administrations/{code}/compliance", "?status=late", 400),
        ("GET /api/v1/administrations/{code}/export.csv", "", 200),
        ("GET /api/v1/administrations/{code}/export.csv", "?dialect=tsv", 400),
        ("GET /api/v1/administrations/{code}/export.xlsx", "", 200),
        ("GET /api/v1/employees/{employee_number}", "", 200),
        ("GET /api/v1/employees/{employee_number}/history", "?limit=1", 200),
        ("GET /api/v1/employees/{employee_number}/history", "?kind=shoe", 400),
        ("GET /api/v1/unlinked", "", 200),
        ("GET /api/v1/links", "", 200),
        ("POST /api/v1/links/{id}/undo", "", 200),
        ("POST /api/v1/links/{id}/undo", "", 404),
        ("GET /api/v1/unlinked", "?limit=1", 200),
        ("GET /api/v1/deliveries", "?limit=2", 200),
        ("GET /api/v1/deliveries", "?outcome=quarantined", 200),
        ("GET /api/v1/deliveries/{id}", "", 200),
        ("POST /api/v1/deliveries/{id}/replay", "", 404),
        ("GET /api/v1/platforms", "", 200),
        ("GET /api/v1/quarantine", "?limit=1", 200),
        ("GET /api/v1/quarantine/groups", "?limit=1", 200),
        ("GET /api/v1/audit", "?limit=3", 200),
        ("GET /api/v1/openapi.json", "", 200),
    ] {
        let (method, template) = operation.split_once(' ').expect("a method and a path");
        let id = if template.starts_with("/api/v1/links/") { link_id.as_str() } else { "1" };
        let filled = template.replace("{code}", "SEF").replace("{employee_number}", "1001").replace("{id}", id);
        let ask = async |path: &str, token: Option<&str>| match method {
            "GET" => app.get(path, token).await,
            _ => app.post(path, token, &json!({})).await,
        };
        assert_eq!(described(operation, &ask(&format!("{filled}{path}"), admin).await), status, "{operation}{path}");
        if template.ends_with("openapi.json") {
            continue;
        }
        assert_eq!(described(operation, &ask(&filled, None).await), 401, "{operation}");
        let valid = match template {
            _ if template.ends_with("differences") => {
                "?requirement=infosec-onboarding&compare_known_at=2026-02-26T12:00:00Z"
            }
            _ if template.contains("reports") => "?requirement=infosec-onboarding",
            _ => "",
        };
        assert_eq!(described(operation, &ask(&format!("{filled}{valid}"), Some(&scim)).await), 403, "{operation}");
        assert_eq!(described(operation, &ask(&format!("{filled}?shoe_size=38"), admin).await), 400, "{operation}");
    }
    for (operation, path, body, status) in [
        ("GET /api/v1/platforms/{code}/health", "platforms/larportal/health", Value::Null, 200),
        ("GET /api/v1/platforms/{code}/health", "platforms/other/health", Value::Null, 404),
        ("POST /api/v1/platforms/{code}/results", "platforms/larportal/results", json!({}), 415),
        ("POST /api/v1/quarantine/replay", "quarantine/replay", json!({"all": true, "dry_run": true}), 200),
        ("POST /api/v1/quarantine/replay", "quarantine/replay", json!({}), 422),
        ("POST /api/v1/quarantine/dismiss", "quarantine/dismiss", json!({"ids": [4711], "reason": "x"}), 404),
        ("POST /api/v1/quarantine/{id}/undo-dismissal", "quarantine/7/undo-dismissal", json!({"reason": "x"}), 404),
    ] {
        let path = format!("/api/v1/{path}");
        let answer = if body.is_null() { app.get(&path, admin).await } else { app.post(&path, admin, &body).await };
        assert_eq!(described(operation, &answer), status, "{operation} {}", answer.body);
    }
    let file = "type,email,course_id,occurred_at\ncompletion,eva@example.org,c,WHEN\n";
    for (when, status) in [("2025-05-01", 200), ("some day", 422)] {
        let request = app.client.post(format!("{}/api/v1/platforms/larportal/results", app.address));
        let request = request.bearer_auth(&token).header("content-type", "text/csv").body(file.replace("WHEN", when));
        let answer = Answer::to(request).await.expect("an answer");
        assert_eq!(described("POST /api/v1/platforms/{code}/results", &answer), status);
    }
    // The deliveries above have ids, which the answers contain.
    let quarantined = app.get("/api/v1/deliveries?outcome=quarantined", admin).await.ok();
    let id = &quarantined["items"][0]["id"];
    let shown = app.get(&format!("/api/v1/deliveries/{id}"), admin).await;
    assert_eq!(described("GET /api/v1/deliveries/{id}", &shown), 200);
    let replayed = app.post(&format!("/api/v1/deliveries/{id}/replay"), admin, &json!({})).await;
    assert_eq!(described("POST /api/v1/deliveries/{id}/replay", &replayed), 200);
}

#[rocket::async_test]
async fn the_example_deliveries_are_accepted() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = TestApp::start(&database).await;
    app.clock.set("2026-03-04T12:00:00Z");
    let secret = app.platform("larportal").await;
    let document = document();
    let examples = &document["paths"]["/webhooks/{platform}"]["post"]["requestBody"]["content"]["application/json"];
    let examples = examples["examples"].as_object().expect("examples");
    assert_eq!(examples.keys().collect::<Vec<_>>(), ["completion.revoked", "course.completed", "quiz.graded"]);
    for (name, example) in examples {
        assert_eq!(example["value"]["type"], *name);
        let answer = app.deliver("larportal", &secret, name, &example["value"]).await.ok();
        assert_eq!(answer["outcome"], "accepted", "{name}");
    }
}
