//! The share of results that are linked, and the warning when it falls: in the report, its table and the metrics.

use chrono::{Duration, NaiveDate};
use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::linking::by_keys::complete;
use crate::reports::report::report;
use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::small_city;

/// 20 results of Anna's in the 28 days before the last 28; in those, `linked` of hers and `waiting` of no known learner.
async fn months(app: &TestApp, linked: usize, waiting: usize) {
    let secret = app.platform("larportal").await;
    let anna = json!({"employee_number": "1001"});
    let first: NaiveDate = "2026-01-02".parse().expect("a day");
    for nth in 0..20 {
        let day = first + Duration::days(nth);
        complete(app, &secret, &format!("before-{nth}"), anna.clone(), &format!("{day}T10:00:00+01:00")).await;
    }
    for nth in 0..linked + waiting {
        let at = format!("2026-02-10T10:{nth:02}:00+01:00");
        let learner = if nth < linked { anna.clone() } else { json!({"username": "zqx"}) };
        complete(app, &secret, &format!("now-{nth}"), learner, &at).await;
    }
}

both_databases! {
    async fn a_share_that_falls_by_five_points_warns(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        months(&app, 19, 1).await;
        let share = json!({"share": "95.0", "share_before": "100.0", "warning": true, "results": 20, "results_before": 20});
        let before = report(&app, "").await;
        let shares = &before["data_quality"]["linked_share"];
        assert_eq!((&shares["overall"], &shares["warning"]), (&share, &json!(true)));
        assert_eq!(shares["platforms"][0]["platform"], "larportal");
        assert_eq!(shares["platforms"][0]["warning"], true);

        // The test account is dismissed: the rest is all linked, and also one result too few for a warning.
        let city = app.token(Role::City, &[]).await;
        let dismissal = json!({"platform": "larportal", "key": "username", "value": "zqx", "employee_number": null,
                               "reason": "a test account"});
        app.post("/api/v1/links", Some(&city), &dismissal).await.ok();
        let after = report(&app, "").await;
        assert_eq!(
            after["data_quality"]["linked_share"]["overall"],
            json!({"share": "100.0", "share_before": "100.0", "warning": false, "results": 19, "results_before": 20})
        );
        for known in [before, after] {
            let known_at = known["known_at"].as_str().expect("an instant");
            assert_eq!(report(&app, &format!("&known_at={known_at}")).await, known);
        }
        // A month earlier, the latest days were the ones before.
        let earlier = report(&app, "&as_of=2026-01-29").await["data_quality"]["linked_share"].take();
        assert_eq!(earlier["overall"]["results"], 20);
        assert_eq!(earlier["overall"]["results_before"], 0);
    }

    async fn an_officer_sees_no_city_wide_share(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        months(&app, 19, 1).await;
        let sef = app.token(Role::Administration, &["SEF"]).await;
        let seen = app.get("/api/v1/reports/onboarding?requirement=infosec-onboarding", Some(&sef)).await.ok();
        assert_eq!(
            seen["data_quality"],
            json!({"unlinked_results": 0, "dismissed_results": null, "linked_share": null,
                   "quarantined_deliveries": null, "platforms": null})
        );
    }

    async fn the_operator_sees_waiting_and_linked_counts_and_the_warning(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        months(&app, 19, 1).await;
        app.app.watch_linking().await.expect("counted");
        let metrics = app.get("/metrics", None).await.body;
        for line in [
            r#"kurskoll_unlinked_results{state="waiting"} 1"#,
            r#"kurskoll_unlinked_results{state="dismissed"} 0"#,
            r#"kurskoll_recent_results{link="linked"} 19"#,
            r#"kurskoll_recent_results{link="unlinked"} 1"#,
            "kurskoll_linked_share_fallen 1",
        ] {
            assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
        }
        assert_ne!(report(&app, "").await["data_quality"], Value::Null);
    }
}
