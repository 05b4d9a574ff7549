//! Queries for statements: by their ids, by their content, page by page.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::{both_of, city_with_moodle};
use crate::support::app::{Answer, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::xapi::{ASSESSMENT, MOODLE, XapiSender, account, course_completed, quiz_attempt};

const FIRST: &str = "6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11";
const SECOND: &str = "6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a22";

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

async fn find(app: &TestApp, sender: &XapiSender, query: &str) -> Answer {
    app.xapi(sender, &format!("GET /statements{query}"), None).await
}

fn promised(headers: &BTreeMap<String, String>) -> DateTime<Utc> {
    let header = &headers["x-experience-api-consistent-through"];
    DateTime::parse_from_rfc3339(header).expect("an instant").to_utc()
}

async fn ids(app: &TestApp, sender: &XapiSender, query: &str) -> Vec<String> {
    let found = find(app, sender, query).await.ok();
    let found = found["statements"].as_array().expect("statements").clone();
    found.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
}

fn with_id(mut statement: Value, id: &str) -> Value {
    statement["id"] = json!(id);
    statement
}

both_databases! {
    async fn a_statement_is_returned_as_sent_with_what_the_store_sets(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let body = format!(
            r#"{{"id":"{FIRST}", "actor":{{"mbox":"mailto:anna@example.org"}},"verb":{{"id":"http://example.org/v"}},
              "object":{{"id":"{MOODLE}/x","objectType":"Activity"}},"result":{{"score":{{"raw":1.50,"max":2E0}}}},
              "context":{{"extensions":{{"http://example.org/e":1.0000000000000000000001}}}}}}"#
        );
        let authorization = sender.authorization();
        let request = app.client.post(format!("{}/xapi/statements", app.address));
        let request = request.header("authorization", &authorization).header("x-experience-api-version", "1.0.3");
        let request = request.header("content-type", "application/json").body(body.clone());
        assert_eq!(Answer::to(request).await.expect("an answer").status, 200);
        let answer = find(&app, &sender, &format!("?statementId={FIRST}")).await;
        assert_eq!(answer.headers["last-modified"], "Thu, 26 Feb 2026 12:00:00 GMT");
        assert!(answer.body.contains(r#""score":{"raw":1.50,"max":2E0}"#), "{}", answer.body);
        assert!(answer.body.contains("1.0000000000000000000001"), "{}", answer.body);
        let found = answer.ok();
        assert!(found["stored"].as_str().is_some_and(|stored| stored.starts_with("2026-02-26T12:00:00.")), "{found}");
        assert_eq!(found["timestamp"], found["stored"]);
        assert_eq!(found["version"], "1.0.0");
        assert_eq!(found["authority"]["account"]["name"], "moodle");
    }

    async fn nothing_is_promised_that_a_commit_under_way_could_still_add(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.send_statements(&sender, &json!(with_id(course_completed(account("17"), "2026-02-01T10:00:00Z"), FIRST))).await;
        app.clock.advance(Duration::minutes(1));
        // A slow commit: its statements have this instant, and no one can see them yet.
        let under_way = app.app.store.change(kurskoll::store::Unscoped::Operating, app.clock.now()).await.expect("a change");
        app.clock.advance(Duration::minutes(1));
        let by_id = format!("?statementId={FIRST}");
        for question in ["", "?since=2026-02-01T00:00:00Z", &by_id] {
            let promised = promised(&find(&app, &sender, question).await.headers);
            assert!(promised < under_way.known_at(), "{question}: {promised}");
        }
        let about = app.xapi(&sender, "GET /about", None).await;
        assert!(promised(&about.headers) < under_way.known_at());
        let stored = under_way.known_at();
        under_way.commit().await.expect("committed");
        // What is found by terms is promised, too, as soon as the index has it.
        let by_verb = find(&app, &sender, "?verb=http%3A%2F%2Fexample.org%2Fv").await;
        assert_eq!(promised(&by_verb.headers), stored);
    }

    async fn a_reader_who_waits_for_an_instant_sees_it_pass_without_new_deliveries(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.clock.advance(Duration::minutes(1));
        let waited_for = app.clock.now();
        assert!(promised(&find(&app, &sender, "").await.headers) < waited_for);
        app.app.keep_promise_fresh().await.expect("the job's work");
        assert_eq!(promised(&find(&app, &sender, "").await.headers), waited_for);
    }

    async fn statements_are_found_by_their_content_newest_first(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let first = with_id(course_completed(account("17"), "2026-02-01T10:00:00Z"), FIRST);
        let second = with_id(quiz_attempt(account("18"), 4, 20.0, "2026-02-01T10:00:00Z"), SECOND);
        app.send_statements(&sender, &first).await;
        app.clock.advance(chrono::Duration::hours(1));
        app.send_statements(&sender, &second).await;
        assert_eq!(ids(&app, &sender, "").await, [SECOND, FIRST]);
        assert_eq!(ids(&app, &sender, "?ascending=true").await, [FIRST, SECOND]);
        let agent = encoded(&account("17").to_string());
        assert_eq!(ids(&app, &sender, &format!("?agent={agent}")).await, [FIRST]);
        let verb = encoded("http://adlnet.gov/expapi/verbs/completed");
        assert_eq!(ids(&app, &sender, &format!("?verb={verb}")).await, [SECOND, FIRST]);
        let course = encoded(&format!("{MOODLE}/course/view.php?id=2"));
        assert_eq!(ids(&app, &sender, &format!("?activity={course}")).await, [FIRST]);
        assert_eq!(ids(&app, &sender, &format!("?activity={course}&related_activities=true")).await, [SECOND, FIRST]);
        assert_eq!(ids(&app, &sender, &format!("?activity={course}&related_activities=true&agent={agent}&verb={verb}")).await, [FIRST]);
        assert_eq!(ids(&app, &sender, "?since=2026-02-26T12:00:01Z").await, [SECOND]);
        assert_eq!(ids(&app, &sender, "?until=2026-02-26T12:30:00Z").await, [FIRST]);
        assert_eq!(ids(&app, &sender, &format!("?verb={verb}&since=2026-02-26T12:00:01Z&until=2026-02-26T12:30:00Z")).await, [""; 0]);
        let nobody = encoded(&json!({"mbox": "mailto:nobody@example.org"}).to_string());
        assert_eq!(ids(&app, &sender, &format!("?agent={nobody}")).await, [""; 0]);
        // Another platform finds none of them.
        let neighbour = app.xapi_platform("neighbour").await;
        assert_eq!(ids(&app, &neighbour, "").await, [""; 0]);
        assert_eq!(ids(&app, &neighbour, &format!("?verb={verb}")).await, [""; 0]);
        find(&app, &neighbour, &format!("?statementId={FIRST}")).await.problem(404);
    }

    async fn pages_lead_to_each_other_and_skip_nothing(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let many: Vec<Value> = (1..=7).map(|number| quiz_attempt(account("17"), number, 20.0, "2026-02-01T10:00:00Z")).collect();
        let sent = app.send_statements(&sender, &json!(many)).await;
        app.send_statements(&sender, &both_of("18")).await;
        let verb = encoded("http://adlnet.gov/expapi/verbs/completed");
        let agent = encoded(&account("17").to_string());
        for (query, backwards) in [(format!("?limit=3&verb={verb}&agent={agent}"), true), (format!("?limit=2&agent={agent}&ascending=true"), false)] {
            let (mut found, mut next) = (Vec::new(), format!("/xapi/statements{query}"));
            while !next.is_empty() {
                let page = app.xapi(&sender, &format!("GET {}", next.trim_start_matches("/xapi")), None).await.ok();
                found.extend(page["statements"].as_array().expect("statements").iter().map(|one| one["id"].as_str().expect("an id").to_owned()));
                next = page["more"].as_str().expect("more").to_owned();
            }
            if backwards {
                found.reverse();
            }
            assert_eq!(found, sent, "{query}");
        }
        app.xapi(&sender, "GET /statements/more/nonsense", None).await.problem(400);
    }

    async fn a_voided_statement_is_found_by_voided_statement_id_only(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.send_statements(&sender, &with_id(course_completed(account("17"), "2026-02-01T10:00:00Z"), FIRST)).await;
        let void = json!({
            "id": SECOND, "actor": {"mbox": "mailto:larare@example.org"}, "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
            "object": {"objectType": "StatementRef", "id": FIRST},
        });
        app.send_statements(&sender, &void).await;
        find(&app, &sender, &format!("?statementId={FIRST}")).await.problem(404);
        assert_eq!(find(&app, &sender, &format!("?voidedStatementId={FIRST}")).await.ok()["id"], FIRST);
        find(&app, &sender, &format!("?voidedStatementId={SECOND}")).await.problem(404);
        assert_eq!(ids(&app, &sender, "").await, [SECOND]);
    }

    async fn a_reference_is_found_by_its_target_whichever_arrives_first(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let third = "6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a33";
        let about = |id: &str, other: &str| json!({
            "id": id, "actor": {"mbox": "mailto:larare@example.org"}, "verb": {"id": "http://adlnet.gov/expapi/verbs/commented"},
            "object": {"objectType": "StatementRef", "id": other},
        });
        let agent = encoded(&account("17").to_string());
        app.send_statements(&sender, &about(third, SECOND)).await;
        app.send_statements(&sender, &about(SECOND, FIRST)).await;
        assert_eq!(ids(&app, &sender, &format!("?agent={agent}")).await, [""; 0]);
        app.send_statements(&sender, &with_id(course_completed(account("17"), "2026-02-01T10:00:00Z"), FIRST)).await;
        assert_eq!(ids(&app, &sender, &format!("?agent={agent}")).await, [FIRST, SECOND, third]);
        // References in a circle.
        app.send_statements(&sender, &json!([about("7c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11", "7c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a22"),
                                   about("7c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a22", "7c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11")])).await;
        assert_eq!(ids(&app, &sender, "").await.len(), 5);
        let verb = encoded("http://adlnet.gov/expapi/verbs/commented");
        assert_eq!(ids(&app, &sender, &format!("?verb={verb}")).await.len(), 4);
    }

    async fn a_format_returns_no_more_than_ids(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.send_statements(&sender, &with_id(quiz_attempt(account("17"), 4, 20.0, "2026-02-01T10:00:00Z"), FIRST)).await;
        let found = find(&app, &sender, &format!("?statementId={FIRST}&format=ids")).await.ok();
        assert_eq!(found["actor"], json!({"account": {"homePage": MOODLE, "name": "17"}}));
        assert!(found["object"].get("definition").is_none(), "{found}");
        let parent = &found["context"]["contextActivities"]["parent"][0];
        assert!(parent.get("definition").is_none(), "{ASSESSMENT} {parent}");
        let canonical = find(&app, &sender, &format!("?statementId={FIRST}&format=canonical")).await.ok();
        assert_eq!(canonical["verb"]["id"], found["verb"]["id"]);
    }

    async fn an_invalid_query_is_refused(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        for query in [
            "?statementid=6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11",
            "?statementId=17",
            "?statementId=6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11&verb=http%3A%2F%2Fexample.org",
            "?statementId=6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11&voidedStatementId=6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11",
            "?verb=completed",
            "?agent=anna",
            "?agent=%7B%7D",
            "?limit=-1",
            "?limit=1&limit=2",
            "?format=all",
            "?ascending=yes",
            "?since=yesterday",
            "?related_agents=TRUE",
            "?registration=1",
        ] {
            find(&app, &sender, query).await.problem(400);
        }
        let answer = app.client.head(format!("{}/xapi/statements", app.address)).header("authorization", sender.authorization());
        let answer = Answer::to(answer.header("x-experience-api-version", "2.0.0")).await.expect("an answer");
        assert_eq!((answer.status, answer.body.as_str(), answer.headers["x-experience-api-version"].as_str()), (200, "", "2.0.0"));
    }
}
