//! What a person dismisses: out of the queue, stored, counted apart, and undone.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::linking::by_keys::{SHARING, complete, evidence};
use crate::reports::report::report;
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::small_city;

fn dismissal(key: &str, value: &str) -> Value {
    json!({"platform": "larportal", "key": key, "value": value, "employee_number": null, "reason": "a test account"})
}

/// The number of waiting and of dismissed entries, by the queue's two filters.
async fn halves(app: &TestApp) -> (usize, usize) {
    let mut halves = Vec::new();
    for dismissed in [false, true] {
        let half = app.get_as_city(&format!("/api/v1/unlinked?dismissed={dismissed}")).await.ok();
        halves.push(half["items"].as_array().expect("items").len());
    }
    (halves[0], halves[1])
}

fn quality(report: &Value) -> String {
    let (quality, range) = (&report["data_quality"], &report["city"]["completion_rate_range"]);
    let share = quality["linked_share"]["overall"]["results"].to_string();
    format!(
        "{} wait, {} dismissed, {share} in the share, up to {}",
        quality["unlinked_results"], quality["dismissed_results"], range["highest"]
    )
}

both_databases! {
    async fn a_dismissed_entry_leaves_the_queue_and_is_counted_apart_until_it_is_undone(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let learner = json!({"email": "test@example.net", "username": "testkonto"});
        assert!(!complete(&app, &secret, "e-1", learner.clone(), "2026-02-11T10:00:00Z").await);
        let city = app.token(Role::City, &[]).await;
        let before = report(&app, "").await;
        assert_eq!(quality(&before), r#"1 wait, 0 dismissed, 1 in the share, up to "25.0""#);

        let made = app.post("/api/v1/links", Some(&city), &dismissal("username", "testkonto")).await.ok();
        assert!(!complete(&app, &secret, "e-2", learner, "2026-02-12T10:00:00Z").await);
        assert_eq!(halves(&app).await, (0, 1));
        let shown = app.get_as_city("/api/v1/unlinked?dismissed=true").await.ok()["items"][0].take();
        assert_eq!(shown["results"], 2);
        assert_eq!(shown["dismissed"]["link"], made["id"]);
        assert_eq!(shown["dismissed"]["reason"], "a test account");
        let verdicts: Vec<&Value> = shown["keys"].as_array().expect("keys").iter().map(|key| &key["verdict"]).collect();
        assert_eq!(verdicts, ["not_given", "unknown", "dismissed", "not_given"]);
        let dismissed = report(&app, "").await;
        assert_eq!(quality(&dismissed), r#"0 wait, 2 dismissed, 0 in the share, up to "0.0""#);
        assert_eq!(app.differences().await, [""; 0]);

        app.post(&format!("/api/v1/links/{}/undo", made["id"]), Some(&city), &json!({})).await.ok();
        assert_eq!(halves(&app).await, (1, 0));
        let undone = report(&app, "").await;
        assert_eq!(quality(&undone), r#"2 wait, 0 dismissed, 2 in the share, up to "25.0""#);
        // Earlier reports are the same, with what was known then.
        for known in [before, dismissed, undone] {
            let known_at = known["known_at"].as_str().expect("an instant");
            assert_eq!(report(&app, &format!("&known_at={known_at}")).await, known);
        }
    }

    async fn a_dismissal_of_one_key_leaves_entries_that_another_key_may_link(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.import(HrFiles { employments: &employments(&SHARING), ..HrFiles::default() }).await;
        let secret = app.platform("larportal").await;
        let both = json!({"email": "test@example.net", "username": "kok"});
        assert!(!complete(&app, &secret, "e-1", both, "2026-02-11T10:00:00Z").await);
        let city = app.token(Role::City, &[]).await;
        app.post("/api/v1/links", Some(&city), &dismissal("email", "test@example.net")).await.ok();
        assert_eq!(halves(&app).await, (1, 0));
        app.post("/api/v1/links", Some(&city), &dismissal("username", "kok")).await.ok();
        assert_eq!(halves(&app).await, (0, 1));
        // HR adds the other key of a dismissed learner: it links anyway.
        let now_known = employments(&["1005,Eva,Ek,eva@example.org,,1,SEF,Kök,permanent,2026-02-01,,,"]);
        let learner = json!({"username": "kok", "employee_number": "1005"});
        assert!(!complete(&app, &secret, "e-2", learner, "2026-02-11T11:00:00Z").await);
        app.import(HrFiles { employments: &now_known, ..HrFiles::default() }).await;
        assert_eq!(evidence(&app, "1005").await, ["e-2"]);
    }

    async fn an_officer_dismisses_and_undoes_entries_that_are_all_its_own(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.import(HrFiles { employments: &employments(&SHARING), ..HrFiles::default() }).await;
        let secret = app.platform("larportal").await;
        for email in ["kok@example.org", "okand@example.org"] {
            assert!(!complete(&app, &secret, email, json!({"email": email}), "2026-02-11T10:00:00Z").await);
        }
        let sef = app.token(Role::Administration, &["SEF"]).await;
        let fgk = app.token(Role::Administration, &["FGK"]).await;
        app.post("/api/v1/links", Some(&sef), &dismissal("email", "okand@example.org")).await.problem(404);
        app.post("/api/v1/links", Some(&fgk), &dismissal("email", "kok@example.org")).await.problem(404);
        let made = app.post("/api/v1/links", Some(&sef), &dismissal("email", "kok@example.org")).await.ok();
        let seen = async |token: &str| {
            app.get("/api/v1/unlinked?dismissed=true", Some(token)).await.ok()["items"].as_array().map(Vec::len)
        };
        assert_eq!((seen(&sef).await, seen(&fgk).await), (Some(1), Some(0)));
        let undo = format!("/api/v1/links/{}/undo", made["id"]);
        app.post(&undo, Some(&fgk), &json!({})).await.problem(404);
        app.post(&undo, Some(&sef), &json!({})).await.ok();
        assert_eq!(halves(&app).await, (2, 0));
        let auditor = app.token(Role::Auditor, &[]).await;
        let trail = app.get("/api/v1/audit?limit=20", Some(&auditor)).await.ok();
        let entries = trail["items"].as_array().expect("entries").iter();
        let done: Vec<String> = entries
            .filter(|entry| entry["action"].as_str().is_some_and(|action| action.starts_with("link.")))
            .map(|entry| format!("{} {} {}", entry["action"], entry["object"], entry["scope"]).replace('"', ""))
            .collect();
        let id = &made["id"];
        assert_eq!(
            done,
            [format!("link.undo link {id} SEF"), format!("link.dismiss link {id}: email on larportal to nobody from 2026-02-11 to 2026-02-11 SEF")]
        );
    }
}
