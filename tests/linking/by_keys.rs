//! Which employee a result belongs to, by the platform's keys; and the queue of unlinked results.

use kurskoll::domain::linking::LinkingKey;
use kurskoll::intake::webhook::signature::WebhookSecret;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::support::app::{Answer, HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, graded, small_city};

/// The course that is enough alone.
pub const WHOLE: &str = "infosec-basics-2023";

/// Sends a completion of the course that is enough alone; returns whether it was linked.
pub async fn complete(app: &TestApp, secret: &WebhookSecret, id: &str, learner: Value, at: &str) -> bool {
    let answer = app.deliver("larportal", secret, id, &completed(learner, WHOLE, at)).await.ok();
    answer["linked"].as_bool().expect("a bool")
}

/// The events that are an employee's evidence.
pub async fn evidence(app: &TestApp, number: &str) -> Vec<String> {
    let employee = app.get_as_city(&format!("/api/v1/employees/{number}")).await.ok();
    let mut events: Vec<String> = employee["requirements"][0]["evidence"]
        .as_array()
        .expect("evidence")
        .iter()
        .map(|entry| entry["event_id"].as_str().expect("an id").to_owned())
        .collect();
    events.sort();
    events
}

/// The queue without its instants, after checking that they exist.
fn timeless(queue: &Answer) -> Value {
    let mut queue = queue.ok();
    for item in queue["items"].as_array_mut().expect("items") {
        for name in ["first_recorded_at", "last_recorded_at"] {
            let instant = item.as_object_mut().expect("an object").remove(name);
            assert!(instant.is_some_and(|at| at.as_str().is_some_and(|at| at.starts_with("2026-02-26T12:00:00"))));
        }
    }
    queue
}

/// The queue, one entry a line: the identities, what waits and why, the finding for each key, and the suggestions.
pub fn shown(queue: &Value) -> String {
    fn items(value: &Value) -> impl Iterator<Item = &Value> {
        value.as_array().expect("a list").iter()
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| items(value).map(text).collect::<Vec<_>>().join(" ");
    let key = |key: &Value| {
        let by = key["contradicted_by"].as_str().map(|by| format!("by {by}")).unwrap_or_default();
        let parts = [text(&key["key"]), text(&key["verdict"]), texts(&key["employees"]), by];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let suggestion = |suggestion: &Value| {
        let reasons: Vec<String> = items(&suggestion["reasons"]).map(|reason| text(&reason["code"])).collect();
        format!("{} ({})", text(&suggestion["employee_number"]), reasons.join(" "))
    };
    let entry = |entry: &Value| {
        let (identity, about) = (&entry["identity"], [&entry["courses"], &entry["quizzes"]].map(texts));
        let keys: Vec<String> = items(&entry["keys"]).map(key).collect();
        let suggested: Vec<String> = items(&entry["suggestions"]).map(suggestion).collect();
        let suggested =
            if suggested.is_empty() { String::new() } else { format!("; suggested {}", suggested.join(", ")) };
        format!(
            "{} {} {}: {} {} [{}] of {}{suggested}",
            text(&entry["platform"]),
            text(&identity["key"]),
            text(&identity["value"]),
            entry["results"],
            text(&entry["why"]),
            keys.join(", "),
            about.join(" ").trim(),
        )
    };
    items(&queue["items"]).map(entry).collect::<Vec<_>>().join("\n")
}

pub async fn waiting_events(app: &TestApp) -> u64 {
    let report = app.get_as_city("/api/v1/reports/onboarding?requirement=infosec-onboarding").await.ok();
    report["data_quality"]["unlinked_results"].as_u64().expect("a number")
}

/// Two share an address: one left at the end of 2025, the other started in 2026; a third shares another with the second.
pub const SHARING: [&str; 4] = [
    "1101,Gun,Ek,info@example.org,,1,SEF,Kök,permanent,2020-01-01,2025-12-31,,",
    "1102,Hans,Ek,info@example.org,,1,SEF,Kök,permanent,2026-01-10,,,",
    "1103,Ingrid,Alm,kok@example.org,kok,1,SEF,Kök,permanent,2020-01-01,,,",
    "1104,Johan,Alm,kok@example.org,kok,1,SEF,Kök,permanent,2020-01-01,,,",
];

both_databases! {
    async fn a_result_links_by_each_key_that_a_platform_gives(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let asa = employments(&["1005,Åsa,Ek,Åsa.Ek@example.org,ÅsaEk,1,SEF,Städ,permanent,2026-02-01,,,"]);
        let identities = "employee_number,platform,key,value,home_page\n1005,larportal,account,17,https://l.example.org\n";
        app.import(HrFiles { employments: &asa, identities, ..HrFiles::default() }).await;
        let keys = [
            json!({"employee_number": "1005"}),
            json!({"email": " A\u{30a}SA.EK@EXAMPLE.ORG "}),
            json!({"username": "a\u{30a}saek"}),
            json!({"account": {"home_page": "https://l.example.org", "name": "17"}}),
        ];
        for (nth, learner) in keys.into_iter().enumerate() {
            let at = format!("2026-02-0{}T10:00:00Z", nth + 1);
            assert!(complete(&app, &secret, &format!("e-{nth}"), learner.clone(), &at).await, "{learner}");
        }
        assert_eq!(evidence(&app, "1005").await, ["e-0", "e-1", "e-2", "e-3"]);
        let nobody = json!({"account": {"home_page": "https://other.example.org", "name": "17"}});
        assert!(!complete(&app, &secret, "e-9", nobody, "2026-02-09T10:00:00Z").await);
    }

    async fn an_address_of_several_links_to_the_one_employed_on_the_results_day(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.import(HrFiles { employments: &employments(&SHARING), ..HrFiles::default() }).await;
        let info = json!({"email": "info@example.org"});
        assert!(complete(&app, &secret, "then", info.clone(), "2025-12-31T22:59:00Z").await);
        assert!(complete(&app, &secret, "now", info.clone(), "2026-01-09T23:00:00Z").await);
        // The city's 1 January, before the second one started: neither was employed.
        assert!(!complete(&app, &secret, "between", info, "2025-12-31T23:00:00Z").await);
        assert!(!complete(&app, &secret, "both", json!({"email": "kok@example.org"}), "2026-02-01T10:00:00Z").await);
        assert_eq!(evidence(&app, "1102").await, ["now"]);
        let gun = app.get_as_city("/api/v1/employees/1101?as_of=2025-12-31").await.ok();
        assert_eq!(gun["requirements"], json!([]), "the requirement is not in effect yet");
        assert_eq!(waiting_events(&app).await, 2);
        // HR corrects the days: the link is derived again.
        let corrected = employments(&["1102,Hans,Ek,info@example.org,,1,SEF,Kök,permanent,2026-01-01,,,"]);
        app.import(HrFiles { employments: &corrected, ..HrFiles::default() }).await;
        assert_eq!(evidence(&app, "1102").await, ["between", "now"]);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_address_links_only_to_the_employee_of_the_events_own_number(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform_linking_by("larportal", &[LinkingKey::Email]).await;
        let learner = |number: &str| json!({"employee_number": number, "email": "anna@example.org"});
        assert!(!complete(&app, &secret, "another", learner("1002"), "2026-02-01T10:00:00Z").await);
        assert!(complete(&app, &secret, "same", learner("1001"), "2026-02-02T10:00:00Z").await);
        assert!(complete(&app, &secret, "unknown", learner("9999"), "2026-02-03T10:00:00Z").await);
        assert_eq!(evidence(&app, "1001").await, ["same", "unknown"]);
        // Once the number belongs to an employee, the address must not contradict it.
        let new = employments(&["9999,Nils,Ny,,,1,SEF,Städ,permanent,2026-02-01,,,"]);
        app.import(HrFiles { employments: &new, ..HrFiles::default() }).await;
        assert_eq!(evidence(&app, "1001").await, ["same"]);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn the_queue_says_who_waits_and_why(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform_linking_by("larportal", &[LinkingKey::Email, LinkingKey::Account]).await;
        app.import(HrFiles { employments: &employments(&SHARING), ..HrFiles::default() }).await;
        let unknown = json!({"account": {"home_page": "https://l.example.org", "name": "99"}});
        assert!(!complete(&app, &secret, "e-1", unknown.clone(), "2026-02-01T10:00:00Z").await);
        assert!(!complete(&app, &secret, "e-2", unknown.clone(), "2026-02-02T10:00:00Z").await);
        // The same result reported twice waits once.
        assert!(!complete(&app, &secret, "e-3", unknown, "2026-02-02T10:00:00Z").await);
        assert!(!complete(&app, &secret, "e-4", json!({"email": "kok@example.org"}), "2026-02-01T10:00:00Z").await);
        let contradicted = json!({"employee_number": "1002", "email": "anna@example.org"});
        assert!(!complete(&app, &secret, "e-5", contradicted, "2026-02-01T10:00:00Z").await);
        let queue = app.get_as_city("/api/v1/unlinked").await;
        insta::allow_duplicates!(insta::assert_snapshot!(shown(&queue.ok()), @r"
        larportal account 99: 2 unknown [email not_given, account unknown] of infosec-basics-2023
        larportal email kok@example.org: 1 ambiguous [email ambiguous 1103 1104, account not_given] of infosec-basics-2023; suggested 1103 (key_fits), 1104 (key_fits)
        larportal email anna@example.org: 1 contradicted [email contradicted 1001 by 1002, account not_given, employee_number not_linked_by 1002] of infosec-basics-2023; suggested 1001 (key_fits), 1002 (key_fits)
        "));
        // The pages together give the same.
        let (mut walked, mut after) = (Vec::new(), String::new());
        loop {
            let page = app.get_as_city(&format!("/api/v1/unlinked?limit=1{after}")).await;
            walked.extend(timeless(&page)["items"].as_array().expect("items").clone());
            let Some(next) = page.ok()["next"].as_str().map(ToOwned::to_owned) else { break };
            after = format!("&after={next}");
        }
        assert_eq!(Value::Array(walked), timeless(&queue)["items"]);
    }

    async fn a_waiting_result_is_linked_once_the_directory_knows_the_key(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        assert!(!complete(&app, &secret, "e-1", json!({"email": "eva@example.org"}), "2026-02-01T10:00:00Z").await);
        assert!(!complete(&app, &secret, "e-2", json!({"employee_number": "1005"}), "2026-02-02T10:00:00Z").await);
        assert_eq!(waiting_events(&app).await, 2);
        let eva = employments(&["1005,Eva,Ek,EVA@example.org,eva,1,SEF,Städ,permanent,2026-02-01,,,"]);
        app.import(HrFiles { employments: &eva, ..HrFiles::default() }).await;
        assert_eq!(evidence(&app, "1005").await, ["e-1", "e-2"]);
        assert_eq!(waiting_events(&app).await, 0);
        assert_eq!(timeless(&app.get_as_city("/api/v1/unlinked").await), json!({"items": [], "next": null}));
    }

    async fn an_address_that_an_employee_used_to_have_still_links(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.clock.advance(chrono::Duration::days(2));
        let married = employments(&["1002,Bo,Ek,bo.ek@example.org,boek,1,SEF,Lokalvård,permanent,2026-02-10,,,"]);
        app.import(HrFiles { employments: &married, ..HrFiles::default() }).await;
        assert!(complete(&app, &secret, "old", json!({"email": "bo@example.org"}), "2026-02-11T10:00:00Z").await);
        assert!(complete(&app, &secret, "new", json!({"username": "boek"}), "2026-02-12T10:00:00Z").await);
        assert_eq!(evidence(&app, "1002").await, ["new", "old"]);
    }

    async fn a_result_reported_again_under_another_key_counts_once(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let at = "2026-02-11T10:00:00Z";
        for (id, learner) in [("by-number", json!({"employee_number": "1002"})), ("by-email", json!({"email": "bo@example.org"}))] {
            app.deliver("larportal", &secret, id, &graded(learner, "infosec-basics-quiz", 1, "12", at)).await.ok();
        }
        let bo = app.get_as_city("/api/v1/employees/1002").await.ok();
        assert_eq!(bo["requirements"][0]["attempts"], 1, "{bo}");
        assert_eq!(bo["requirements"][0]["best_score_percent"], "60.0");
    }
}
