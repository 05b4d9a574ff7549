//! The rest of the xAPI endpoints: documents and their concurrency, activities, agents, the alternate syntax, and tokens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kurskoll::app::Caller;
use kurskoll::domain::access::Role;
use kurskoll::domain::ids::PlatformCode;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::xapi::{XapiSender, account, course_completed};

/// `text` as encoded in a query or a form.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

const ACTIVITY: &str = "https://larportal.example.org/course/view.php?id=2";

fn state(name: &str) -> String {
    let agent = encoded(&account("17").to_string());
    format!("/activities/state?activityId={}&agent={agent}&stateId={name}", encoded(ACTIVITY))
}

fn states() -> String {
    state("").replace("&stateId=", "")
}

fn profile(name: &str) -> String {
    format!("/activities/profile?activityId={}&profileId={name}", encoded(ACTIVITY))
}

fn agent_profile(name: &str) -> String {
    format!("/agents/profile?agent={}&profileId={name}", encoded(&account("17").to_string()))
}

/// A platform that stores documents.
struct DocumentClient<'a> {
    app: &'a TestApp,
    sender: XapiSender,
    version: &'static str,
}

impl DocumentClient<'_> {
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let method = method.parse().expect("a method");
        let mut request = self.app.client.request(method, format!("{}/xapi{path}", self.app.address));
        request = request.header("authorization", self.sender.authorization());
        request = request.header("x-experience-api-version", self.version).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::to(request).await.expect("an answer")
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"").await
    }

    async fn put(&self, path: &str, content: &str) -> u16 {
        self.ask("PUT", path, &[("content-type", "text/plain")], content.as_bytes()).await.status
    }

    async fn post(&self, path: &str, content: &Value) -> u16 {
        let json = [("content-type", "application/json")];
        self.ask("POST", path, &json, content.to_string().as_bytes()).await.status
    }

    async fn names(&self, path: &str) -> Value {
        self.get(path).await.ok()
    }
}

async fn document_client<'a>(app: &'a TestApp, code: &str) -> DocumentClient<'a> {
    DocumentClient { app, sender: app.xapi_platform(code).await, version: "1.0.3" }
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

both_databases! {
    async fn a_document_is_returned_byte_for_byte_with_its_type_and_tag(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        for path in [state("a"), profile("a"), agent_profile("a")] {
            client.get(&path).await.problem(404);
            let kind = [("content-type", "text/x-odd; charset=iso-8859-1")];
            let written = client.ask("PUT", &path, &kind, b"abc").await;
            assert_eq!(written.status, 204, "{}", written.body);
            let answer = client.get(&path).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, "abc"));
            assert_eq!(answer.headers["content-type"], "text/x-odd; charset=iso-8859-1");
            assert_eq!(answer.headers["etag"], "\"a9993e364706816aba3e25717850c26c9cd0d89d\"");
            assert_eq!(answer.headers["last-modified"], "Thu, 26 Feb 2026 12:00:00 GMT");
            assert_eq!(answer.headers["content-security-policy"], "default-src 'none'; sandbox; frame-ancestors 'none'");
            let head = client.ask("HEAD", &path, &[], b"").await;
            assert_eq!((head.status, head.headers["etag"].clone(), head.body.as_str()), (200, answer.headers["etag"].clone(), ""));
            let cached = [("if-none-match", answer.headers["etag"].as_str())];
            assert_eq!(client.ask("GET", &path, &cached, b"").await.status, 304);
            assert_eq!(client.ask("DELETE", &path, &[], b"").await.status, 204);
            client.get(&path).await.problem(404);
            assert_eq!(client.ask("DELETE", &path, &[], b"").await.status, 204);
        }
        assert_eq!(app.rows_in("xapi_document").await, 0);
    }

    async fn a_platform_sees_no_document_of_another(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let (one, other) = (document_client(&app, "moodle").await, document_client(&app, "neighbour").await);
        for (path, list) in [(state("a"), states()), (profile("a"), profile("").replace("&profileId=", ""))] {
            assert_eq!(one.put(&path, "mine").await, 204);
            other.get(&path).await.problem(404);
            assert_eq!(other.names(&list).await, json!([]));
            assert_eq!(other.ask("DELETE", &path, &[], b"").await.status, 204);
            assert_eq!(other.put(&path, "another's").await, 204);
            assert_eq!(one.get(&path).await.body, "mine");
        }
        assert_eq!(other.ask("DELETE", &states(), &[], b"").await.status, 204);
        assert_eq!(one.names(&states()).await, json!(["a"]));
    }

    async fn agents_are_the_same_by_their_identifier(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        let of = |agent: &Value| format!("/agents/profile?profileId=a&agent={}", encoded(&agent.to_string()));
        let written = json!({"mbox": "mailto:Kim@Example.org", "name": "Kim"});
        assert_eq!(client.put(&of(&written), "x").await, 204);
        let same = json!({"name": "K", "objectType": "Agent", "mbox": "mailto:Kim@example.org"});
        assert_eq!(client.get(&of(&same)).await.body, "x");
        client.get(&of(&json!({"mbox": "mailto:kim@example.org"}))).await.problem(404);
    }

    async fn states_are_listed_and_removed_by_registration_and_by_when_they_were_stored(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        let registration = "&registration=6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11";
        assert_eq!(client.put(&state("first"), "1").await, 204);
        app.clock.advance(chrono::Duration::seconds(1));
        assert_eq!(client.put(&(state("second%00") + registration), "2").await, 204);
        client.get(&state("second%00")).await.problem(404);
        assert_eq!(client.names(&states()).await, json!(["first", "second\u{0}"]));
        assert_eq!(client.names(&(states() + registration)).await, json!(["second\u{0}"]));
        assert_eq!(client.names(&(states() + "&since=2026-02-26T12:00:00Z")).await, json!(["second\u{0}"]));
        assert_eq!(client.names(&(states() + "&since=2026-02-26T12:00:01Z")).await, json!([]));
        assert_eq!(client.ask("DELETE", &(states() + registration), &[], b"").await.status, 204);
        assert_eq!(client.names(&states()).await, json!(["first"]));
        assert_eq!(client.ask("DELETE", &states(), &[], b"").await.status, 204);
        assert_eq!(client.names(&states()).await, json!([]));
    }

    async fn a_posted_json_object_is_merged_into_the_stored_one(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        for path in [state("a"), profile("a"), agent_profile("a")] {
            assert_eq!(client.post(&path, &json!({"a": 1, "b": {"x": 1}})).await, 204);
            assert_eq!(client.post(&path, &json!({"b": {"y": 2}, "c": 3})).await, 204);
            assert_eq!(client.get(&path).await.ok(), json!({"a": 1, "b": {"y": 2}, "c": 3}));
            assert_eq!(client.post(&path, &json!([1])).await, 400);
            let text = client.ask("POST", &path, &[("content-type", "text/plain")], b"{}").await;
            assert!(text.problem(400).contains("application/json"));
            assert_eq!(client.get(&path).await.ok(), json!({"a": 1, "b": {"y": 2}, "c": 3}));
        }
        // None of them stores broken JSON or JSON that is not an object, not even as a new document.
        for path in [state("new"), profile("new"), agent_profile("new")] {
            for broken in ["{\"a\":1}[", "", "[1]", "{\"a\":1,\"a\":2}"] {
                let json = [("content-type", "application/json")];
                client.ask("POST", &path, &json, broken.as_bytes()).await.problem(400);
            }
            client.get(&path).await.problem(404);
        }
        // A new document of any type is stored; a stored one that is not JSON is not merged with anything.
        assert_eq!(client.ask("POST", &state("t"), &[("content-type", "text/plain")], b"text").await.status, 204);
        assert_eq!(client.post(&state("t"), &json!({})).await, 400);
        assert_eq!(client.get(&state("t")).await.body, "text");
    }

    async fn a_profile_is_not_replaced_without_a_precondition(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let mut client = document_client(&app, "moodle").await;
        for path in [profile("a"), agent_profile("a")] {
            assert_eq!(client.put(&path, "1").await, 204);
            let answer = client.ask("PUT", &path, &[], b"2").await;
            assert!(answer.problem(409).contains("If-Match"), "{}", answer.body);
            assert_eq!(client.get(&path).await.body, "1");
        }
        assert_eq!(client.put(&state("a"), "1").await, 204);
        assert_eq!(client.put(&state("a"), "2").await, 204, "in 1.0.3 states need no precondition");
        client.version = "2.0.0";
        client.ask("PUT", &state("a"), &[], b"3").await.problem(409);
        assert_eq!(client.get(&state("a")).await.body, "2");
        assert_eq!(client.put(&state("b"), "1").await, 204);
    }

    async fn a_precondition_that_does_not_hold_leaves_the_document_as_it_is(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        for path in [state("a"), profile("a"), agent_profile("a")] {
            let with = async |method: &str, header: (&str, &str), body: &str| {
                let json = ("content-type", "application/json");
                client.ask(method, &path, &[header, json], body.as_bytes()).await.status
            };
            assert_eq!(with("PUT", ("if-match", "*"), "{}").await, 412, "there is nothing to match");
            assert_eq!(with("DELETE", ("if-match", "\"a\""), "").await, 412);
            assert_eq!(with("PUT", ("if-none-match", "*"), "{}").await, 204);
            let tag = client.get(&path).await.headers["etag"].clone();
            for method in ["PUT", "POST", "DELETE"] {
                assert_eq!(with(method, ("if-none-match", "*"), "{}").await, 412, "{method}");
                assert_eq!(with(method, ("if-match", "\"another\""), "{}").await, 412, "{method}");
                assert_eq!(with(method, ("if-match", &format!("W/{tag}")), "{}").await, 412, "{method}");
            }
            assert_eq!(with("POST", ("if-match", &tag), r#"{"a":1}"#).await, 204);
            assert_eq!(with("PUT", ("if-match", &tag), "{}").await, 412, "an outdated tag");
            let tag = client.get(&path).await.headers["etag"].clone();
            assert_eq!(with("PUT", ("if-match", tag.trim_matches('"')), "{}").await, 204, "without quotation marks");
            assert_eq!(with("DELETE", ("if-match", "*"), "").await, 204);
        }
    }

    async fn of_many_conditional_replacements_one_wins(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        // A second process on the same database: no lock within one process decides it.
        let second = TestApp::start_with(&database, app.clock.clone(), |settings| settings).await;
        let clients = [document_client(&app, "moodle").await, document_client(&app, "x").await];
        let other = DocumentClient { app: &second, sender: clients[0].sender.clone(), version: "1.0.3" };
        let clients = [&clients[0], &other];
        for path in [state("a"), profile("a"), agent_profile("a")] {
            let created = futures::future::join_all((0..8).map(async |writer: usize| {
                let content = format!("new {writer}");
                clients[writer % 2].ask("PUT", &path, &[("if-none-match", "*")], content.as_bytes()).await.status
            })).await;
            assert_eq!(created.iter().filter(|status| **status == 204).count(), 1, "{created:?}");
            assert_eq!(created.iter().filter(|status| **status == 412).count(), 7, "{created:?}");
            let tag = clients[0].get(&path).await.headers["etag"].clone();
            let replaced = futures::future::join_all((0..8).map(async |writer: usize| {
                let content = format!("replaced {writer}");
                clients[writer % 2].ask("PUT", &path, &[("if-match", &tag)], content.as_bytes()).await.status
            })).await;
            assert_eq!(replaced.iter().filter(|status| **status == 204).count(), 1, "{replaced:?}");
            assert_eq!(replaced.iter().filter(|status| **status == 412).count(), 7, "{replaced:?}");
        }
    }

    async fn concurrent_posts_are_all_merged(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        let path = state("shared");
        let written = futures::future::join_all((0..10).map(async |writer: usize| {
            client.post(&path, &json!({format!("member {writer}"): writer})).await
        })).await;
        assert_eq!(written, [204; 10]);
        assert_eq!(client.get(&path).await.ok().as_object().map(serde_json::Map::len), Some(10));
    }

    async fn parameters_are_read_to_the_letter(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        let agent = encoded(&account("17").to_string());
        let anonymous = encoded(r#"{"objectType":"Group","member":[]}"#);
        let activity = encoded(ACTIVITY);
        for query in [
            String::new(),
            format!("activityId={activity}&stateId=a"),
            format!("agent={agent}&stateId=a"),
            format!("activityId=17&agent={agent}&stateId=a"),
            format!("activityId={activity}&agent=17&stateId=a"),
            format!("activityId={activity}&agent={anonymous}&stateId=a"),
            format!("activityid={activity}&agent={agent}&stateId=a"),
            format!("activityId={activity}&agent={agent}&stateId=a&registration=17"),
            format!("activityId={activity}&agent={agent}&stateId=a&profileId=a"),
            format!("activityId={activity}&agent={agent}&stateId=a&stateId=a"),
            format!("activityId={activity}&agent={agent}&stateId=a&since=2026-02-26T12:00:00Z"),
            format!("activityId={activity}&agent={agent}&since=yesterday"),
        ] {
            for method in ["GET", "PUT", "POST", "DELETE"] {
                let path = format!("/activities/state?{query}");
                client.ask(method, &path, &[("content-type", "application/json")], b"{}").await.problem(400);
            }
        }
        for path in [profile("").replace("&profileId=", ""), agent_profile("").replace("&profileId=", "")] {
            for method in ["PUT", "POST", "DELETE"] {
                client.ask(method, &path, &[], b"{}").await.problem(400);
            }
            assert_eq!(client.names(&path).await, json!([]));
        }
        for path in ["/activities", "/activities?activityId=17", "/activities?activityid=a:b", "/agents", "/agents?agent=17"] {
            client.get(path).await.problem(400);
        }
        assert_eq!(app.rows_in("xapi_document").await, 0);
    }

    async fn a_document_beyond_the_limit_is_refused_also_where_merging_makes_it_so(database: TestDatabase) {
        let clock = crate::support::app::TestClock::frozen();
        let app = TestApp::start_with(&database, clock, |mut settings| {
            settings.receiving.max_xapi_body = rocket::data::ByteUnit::Byte(40);
            settings
        }).await;
        let client = document_client(&app, "moodle").await;
        assert_eq!(client.put(&state("a"), &"x".repeat(41)).await, 413);
        assert_eq!(client.post(&state("a"), &json!({"a": "x".repeat(20)})).await, 204);
        assert_eq!(client.post(&state("a"), &json!({"b": "x".repeat(20)})).await, 413);
    }

    async fn a_compressed_document_is_refused(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        client.ask("PUT", &state("a"), &[("content-encoding", "gzip")], b"x").await.problem(415);
        assert_eq!(client.ask("PUT", &state("a"), &[("content-encoding", "identity")], b"x").await.status, 204);
    }

    async fn a_client_that_guesses_secrets_for_tokens_is_rate_limited(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let mut statuses = Vec::new();
        for _ in 0..1_000 {
            let fields = [("grant_type", "client_credentials"), ("client_id", "moodle-1"), ("client_secret", "guess")];
            let request = app.client.post(format!("{}/xapi/oauth/token", app.address)).header(FORM.0, FORM.1);
            statuses.push(Answer::to(request.body(form(&fields))).await.expect("an answer").status);
            if statuses.last() == Some(&429) {
                break;
            }
        }
        assert_eq!((statuses.first(), statuses.last()), (Some(&401), Some(&429)));
    }

    async fn an_activity_is_returned_with_what_statements_said_of_it(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        let path = format!("/activities?activityId={}", encoded(ACTIVITY));
        assert_eq!(client.get(&path).await.ok(), json!({"objectType": "Activity", "id": ACTIVITY}));
        let describe = async |definition: &Value| {
            let mut statement = course_completed(account("17"), "2026-02-01T10:00:00Z");
            statement["object"] = json!({"id": ACTIVITY, "definition": definition});
            app.send_statements(&client.sender, &statement).await;
        };
        describe(&json!({"name": {"en": "old"}})).await;
        describe(&json!({"name": {"sv": "Säkerhet"}})).await;
        describe(&json!({"name": {"en": "Security"}, "type": "https://a.example/t"})).await;
        let reported = json!({"name": {"sv": "Säkerhet", "en": "Security"}, "type": "https://a.example/t"});
        assert_eq!(client.get(&path).await.ok()["definition"], reported);
        let agent = encoded(&account("17").to_string());
        let canonical = client.get(&format!("/statements?agent={agent}&format=canonical&limit=1&ascending=true")).await.ok();
        assert_eq!(canonical["statements"][0]["object"]["definition"]["type"], "https://a.example/t");
        let other = DocumentClient { app: &app, sender: app.xapi_platform("neighbour").await, version: "1.0.3" };
        assert_eq!(other.get(&path).await.ok().get("definition"), None);
    }

    async fn an_agent_is_returned_as_a_person_with_the_requested_identifier(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        let path = format!("/agents?agent={}", encoded(&account("17").to_string()));
        assert_eq!(client.get(&path).await.ok(), json!({
            "objectType": "Person",
            "name": ["Namn Namnsson"],
            "account": [{"homePage": "https://larportal.example.org", "name": "17"}],
        }));
    }

    async fn a_form_represents_any_request_in_1_0_3(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        let authorization = client.sender.authorization();
        let headers = [("Authorization", authorization.as_str()), ("X-Experience-API-Version", "1.0.3")];
        let send = async |path: &str, method: &str, fields: &[(&str, &str)]| {
            let body = form(&[&headers, fields].concat());
            let request = app.client.post(format!("{}/xapi{path}?method={method}", app.address));
            Answer::to(request.header(FORM.0, FORM.1).body(body)).await.expect("an answer")
        };
        let agent = account("17").to_string();
        let of = [("activityId", ACTIVITY), ("agent", agent.as_str()), ("stateId", "a")];
        let content = [("content", r#"{"a":"å+%"}"#), ("Content-Type", "application/json")];
        let answer = send("/activities/state", "PUT", &[&of[..], &content].concat()).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
        let answer = send("/activities/state", "GET", &of).await;
        assert_eq!((answer.body.as_str(), answer.headers["content-type"].as_str()), (r#"{"a":"å+%"}"#, "application/json"));
        let tag = answer.headers["etag"].clone();
        let none = [&of[..], &content, &[("If-None-Match", "*")]].concat();
        assert_eq!(send("/activities/state", "POST", &none).await.status, 412);
        assert_eq!(send("/activities/state", "DELETE", &[&of[..], &[("If-Match", tag.as_str())]].concat()).await.status, 204);
        assert_eq!(send("/activities/state", "GET", &of).await.status, 404);
        let statement = course_completed(account("17"), "2026-02-01T10:00:00.000Z").to_string();
        let id = ("statementId", "6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11");
        let sent = [("content", statement.as_str()), ("Content-Type", "application/json")];
        assert_eq!(send("/statements", "PUT", &[&[id], &sent[..]].concat()).await.status, 204);
        assert_eq!(send("/statements", "GET", &[id]).await.ok()["id"], id.1);
        assert_eq!(send("/statements", "POST", &sent).await.ok().as_array().map(Vec::len), Some(1));
        assert_eq!(send("/activities", "GET", &[("activityId", ACTIVITY)]).await.ok()["id"], ACTIVITY);
        assert_eq!(send("/agents", "GET", &[("agent", &agent)]).await.ok()["objectType"], "Person");
        assert_eq!(send("/about", "GET", &[]).await.ok()["version"][0], "2.0.0");
    }

    async fn a_form_that_violates_the_standard_is_refused(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        let authorization = client.sender.authorization();
        let headers = [("Authorization", authorization.as_str()), ("X-Experience-API-Version", "1.0.3")];
        let statement = course_completed(account("17"), "2026-02-01T10:00:00.000Z").to_string();
        let sent = [("content", statement.as_str()), ("Content-Type", "application/json")];
        let id = "6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11";
        let whole = form(&[&headers[..], &sent, &[("statementId", id)]].concat());
        let multipart = [("content", "x"), ("Content-Type", "multipart/mixed; boundary=x"), ("statementId", id)];
        let send = async |query: &str, kind: &str, body: String| {
            let request = app.client.post(format!("{}/xapi/statements?{query}", app.address));
            Answer::to(request.header("content-type", kind).body(body)).await.expect("an answer")
        };
        send(&format!("method=PUT&statementId={id}"), FORM.1, whole.clone()).await.problem(400);
        send("method=put", FORM.1, whole.clone()).await.problem(400);
        send("method=PATCH", FORM.1, whole.clone()).await.problem(400);
        send("method=PUT", "application/json", statement.clone()).await.problem(400);
        send("method=PUT", "text/plain", statement.clone()).await.problem(400);
        send("method=PUT", FORM.1, String::new()).await.problem(400);
        send("method=PUT", "", String::new()).await.problem(400);
        // Without a field for a header, a text is not a form.
        send("method=PUT", "text/plain", form(&[&sent[..1], &[("statementId", id)]].concat())).await.problem(400);
        send("method=PUT", FORM.1, form(&[&headers[..], &[("statementId", id)]].concat())).await.problem(400);
        send("method=PUT", FORM.1, form(&[&headers[..], &multipart].concat())).await.problem(400);
        send("method=PUT", FORM.1, whole.clone() + "&content=x").await.problem(400);
        send("method=PUT", FORM.1, whole.clone() + "&more=%ff").await.problem(400);
        send("method=PUT", FORM.1, whole.clone() + "&more=1").await.problem(400);
        send("method=PUT", FORM.1, form(&[&headers[1..], &sent, &[("statementId", id)]].concat())).await.problem(401);
        let by_2_0 = whole.replace("=1.0.3", "=2.0.0");
        assert!(send("method=PUT", FORM.1, by_2_0).await.problem(400).contains("2.0"));
        assert_eq!(app.rows_in("statement").await, 0);
        assert_eq!(send("method=PUT", FORM.1, whole).await.status, 204);
    }

    async fn a_form_of_an_old_authoring_tool_is_read_as_a_form(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        let authorization = client.sender.authorization();
        let statement = course_completed(account("17"), "2026-02-01T10:00:00.000Z").to_string();
        let fields = |id| form(&[
            ("Authorization", authorization.as_str()), ("X-Experience-API-Version", "1.0.1"), ("statementId", id), ("content", &statement),
        ]);
        // As XDomainRequest sends it: as text or without a type, and the content without a type of its own.
        let ids = ["6c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11", "7c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11", "8c2f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11"];
        for (id, kind) in ids.into_iter().zip([Some("text/plain"), Some("text/plain; charset=utf-8"), None]) {
            let mut request = app.client.post(format!("{}/xapi/statements?method=PUT", app.address));
            if let Some(kind) = kind {
                request = request.header("content-type", kind);
            }
            let answer = Answer::to(request.body(fields(id))).await.expect("an answer");
            assert_eq!(answer.status, 204, "{kind:?} {}", answer.body);
            assert_eq!(client.get(&format!("/statements?statementId={id}")).await.ok()["id"], id);
        }
    }

    async fn statements_of_another_media_type_are_malformed(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let client = document_client(&app, "moodle").await;
        let statement = course_completed(account("17"), "2026-02-01T10:00:00.000Z").to_string();
        for kind in ["multipart/form-data; boundary=x", "text/plain", "application/xml", "application/jsonp"] {
            let answer = client.ask("POST", "/statements", &[("content-type", kind)], statement.as_bytes()).await;
            assert!(answer.problem(400).contains("application/json"), "{kind}");
        }
        assert_eq!(app.rows_in("delivery").await, 0);
    }

    async fn a_token_is_valid_for_its_granted_scopes_and_says_so(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = app.xapi_platform("moodle").await;
        let basic = sender.authorization();
        let get_token = async |scope: &str| {
            let request = app.client.post(format!("{}/xapi/oauth/token", app.address)).header(FORM.0, FORM.1);
            let fields = [("grant_type", "client_credentials"), ("scope", scope)];
            Answer::to(request.header("authorization", &basic).body(form(&fields))).await.expect("an answer")
        };
        let statement = course_completed(account("17"), "2026-02-01T10:00:00Z");
        let of_state = state("a");
        for (requested, granted, statuses) in [
            ("statements/write offline_access", "statements/write", [200, 403, 403, 403]),
            ("xapi:write", "xapi:write", [200, 403, 403, 204]),
            ("all/read", "all/read", [403, 200, 200, 403]),
            ("state define", "state define", [403, 403, 200, 204]),
            ("all", "all", [200, 200, 200, 204]),
        ] {
            let reported = get_token(requested).await.ok();
            assert_eq!(reported["scope"], granted);
            let bearer = format!("Bearer {}", reported["access_token"].as_str().expect("a token"));
            let headers = [("authorization", bearer.as_str()), ("x-experience-api-version", "1.0.3"), ("content-type", "application/json")];
            let path = format!("GET /xapi{}", states());
            let write = format!("PUT /xapi{of_state}");
            let answers = [
                app.ask("POST /xapi/statements", None, &headers, Some(&statement)).await,
                app.ask("GET /xapi/statements", None, &headers, None).await,
                app.ask(&path, None, &headers, None).await,
                app.ask(&write, None, &headers, Some(&json!({}))).await,
            ];
            assert_eq!(answers.each_ref().map(|answer| answer.status), statuses, "{requested}");
            for refused in answers.iter().filter(|answer| answer.status == 403) {
                assert!(refused.problem(403).contains("scope"));
            }
        }
        let refused = get_token("offline_access").await;
        assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_scope")));
    }

    async fn a_token_represents_its_key_as_long_as_the_key_is_valid(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = app.xapi_platform("moodle").await;
        let (key, secret) = sender.credential.split_once(':').expect("both");
        let ask = async |headers: &[(&str, &str)], fields: &[(&str, &str)]| {
            let mut request = app.client.post(format!("{}/xapi/oauth/token", app.address)).header(FORM.0, FORM.1);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            Answer::to(request.body(form(fields))).await.expect("an answer")
        };
        let grant = ("grant_type", "client_credentials");
        let basic = sender.authorization();
        let reported = ask(&[("authorization", &basic)], &[grant]).await;
        assert_eq!(reported.headers["cache-control"], "no-store");
        let reported = reported.ok();
        assert_eq!((&reported["token_type"], &reported["expires_in"]), (&json!("Bearer"), &json!(3600)));
        let token = ask(&[], &[grant, ("client_id", key), ("client_secret", secret)]).await.ok()["access_token"].as_str().expect("a token").to_owned();
        let bearer = format!("Bearer {token}");
        let use_it = async |bearer: &str| {
            let headers = [("authorization", bearer), ("x-experience-api-version", "1.0.3")];
            app.ask(&format!("GET /xapi{}", states()), None, &headers, None).await
        };
        assert_eq!(use_it(&bearer).await.ok(), json!([]));
        // It is accepted at the xAPI endpoints only, and people's tokens are not accepted there.
        for path in ["/api/v1/imports", "/scim/v2/Users"] {
            assert_eq!(app.get(path, Some(&token)).await.status, 401, "{path}");
        }
        let admin = app.token(Role::Admin, &[]).await;
        let answer = use_it(&format!("Bearer {admin}")).await;
        answer.problem(401);
        assert_eq!(answer.headers["www-authenticate"], r#"Bearer realm="kurskoll", error="invalid_token""#);
        // Refusals, in the envelope of RFC 6749.
        let wrong = format!("Basic {}", STANDARD.encode(format!("{key}:guess")));
        for (answer, status, error) in [
            (ask(&[("authorization", &wrong)], &[grant]).await, 401, "invalid_client"),
            (ask(&[], &[grant]).await, 401, "invalid_client"),
            (ask(&[("authorization", &basic)], &[]).await, 400, "invalid_request"),
            (ask(&[("authorization", &basic)], &[grant, grant]).await, 400, "invalid_request"),
            (ask(&[("authorization", &basic)], &[grant, ("client_id", key), ("client_secret", secret)]).await, 400, "invalid_request"),
            (ask(&[("authorization", &basic)], &[("grant_type", "password")]).await, 400, "unsupported_grant_type"),
            (ask(&[("authorization", &basic)], &[grant, ("scope", "openid email")]).await, 400, "invalid_scope"),
        ] {
            assert_eq!((answer.status, &answer.json()["error"]), (status, &json!(error)), "{}", answer.body);
        }
        // The replaced key is accepted for a day; so is what was made with it, each token for its hour.
        let code = PlatformCode::parse("moodle").expect("a code");
        app.app.rotate_credential(&Caller::operator(), &code, kurskoll::app::platforms::add::OldSecrets::HoldOn).await.expect("rotated");
        app.clock.advance(chrono::Duration::minutes(24 * 60 - 10));
        let late = ask(&[("authorization", &basic)], &[grant]).await.ok()["access_token"].as_str().expect("a token").to_owned();
        use_it(&bearer).await.problem(401);
        assert_eq!(use_it(&format!("Bearer {late}")).await.ok(), json!([]));
        app.clock.advance(chrono::Duration::minutes(11));
        let fresh = TestApp::start_with(&database, app.clock.clone(), |settings| settings).await;
        let headers = [("authorization", format!("Bearer {late}")), ("x-experience-api-version", "1.0.3".to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        fresh.ask(&format!("GET /xapi{}", states()), None, &headers, None).await.problem(401);
    }
}
