//! A requirement's trend, with the administrations of each day or of today.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, small_city};

const TREND: &str = "/api/v1/reports/onboarding/trend?requirement=infosec-onboarding&from=2026-01-10&to=2026-02-26";

/// By day, how many are in scope and done in each administration.
fn reported(trend: &Value) -> Value {
    let points = trend["points"].as_array().expect("points").iter().map(|point| {
        let each = point["administrations"].as_array().expect("administrations").iter().map(|each| {
            (
                each["code"].as_str().expect("a code").to_owned(),
                json!([each["counts"]["in_scope"], each["counts"]["compliant"]]),
            )
        });
        (point["as_of"].as_str().expect("a day").to_owned(), each.collect::<Value>())
    });
    points.collect()
}

both_databases! {
    async fn a_trend_uses_the_tree_of_each_day_or_todays_and_says_which(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let anna = json!({"employee_number": "1001"});
        app.deliver("larportal", &secret, "e-1", &completed(anna, "infosec-basics-2023", "2026-02-01T10:00:00Z")).await.ok();
        app.refresh().await;
        let admin = app.token(Role::Admin, &[]).await;
        let body = json!({"on_day": "2026-02-20", "reason": "decided", "closes": ["SEF"],
            "opens": [{"code": "SF", "name": "Stadsförvaltningen"}],
            "moves": [{"from": "SEF", "to": "SF"}, {"from": "FGK", "to": "SF"}]});
        app.post("/api/v1/reorganisations", Some(&admin), &body).await.ok();
        let mut known_at = String::new();
        for _ in 0..2 {
            let trend = app.get_as_city(TREND).await.ok();
            assert_eq!((&trend["tree"], &trend["tree_of"], &trend["interval"]), (&json!("of_day"), &Value::Null, &json!("month")));
            assert_eq!(reported(&trend), json!({"2026-01-31": {"SEF": [2, 0], "FGK": [2, 0]}, "2026-02-26": {"SF": [4, 1]}}));
            assert_eq!(trend["points"][1]["city"]["completion_rate"], "25.0");
            // Each point is that day's report.
            let report = app.get_as_city("/api/v1/reports/onboarding?requirement=infosec-onboarding&as_of=2026-01-31").await.ok();
            assert_eq!(trend["points"][0]["city"]["counts"], report["city"]["counts"]);
            let now = app.get_as_city(&format!("{TREND}&tree=today")).await.ok();
            assert_eq!((&now["tree"], &now["tree_of"]), (&json!("today"), &json!("2026-02-26")));
            assert_eq!(reported(&now), json!({"2026-01-31": {"SF": [3, 0]}, "2026-02-26": {"SF": [4, 1]}}));
            trend["known_at"].as_str().expect("an instant").clone_into(&mut known_at);
            let facts = app.get_as_city(&format!("{TREND}&known_at={known_at}")).await.ok();
            assert_eq!(facts["points"], trend["points"]);
            app.refresh().await;
        }
        app.clock.advance(chrono::Duration::days(40));
        let then = app.get_as_city(&format!("{TREND}&tree=today&known_at={known_at}")).await.ok();
        assert_eq!(then["tree_of"], "2026-02-26", "today is the day of known_at");
        let officer = app.token(Role::Administration, &["SF"]).await;
        let own = app.get(TREND, Some(&officer)).await.ok();
        assert_eq!((&own["points"][0]["city"], reported(&own)), (&Value::Null, json!({"2026-01-31": {}, "2026-02-26": {"SF": [4, 1]}})));
        for wrong in ["&interval=day", "&tree=mine", "&from=2026-03-01"] {
            app.get_as_city(&format!("{TREND}{wrong}")).await.problem(400);
        }
        app.get_as_city(&TREND.replace("2026-01-10", "2019-01-10")).await.problem(400);
        app.get_as_city(&TREND.replace("infosec-", "no-")).await.problem(404);
    }
}
