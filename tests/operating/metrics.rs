//! The operator's metrics.

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, small_city};

both_databases! {
    async fn the_metrics_count_the_people_who_wait_for_a_refresh(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        app.app.refresh_all(|_| {}).await.expect("refreshed");
        for (id, number) in [("e-1", "1001"), ("e-2", "1001"), ("e-3", "1002")] {
            let body = completed(json!({"employee_number": number}), "infosec-basics", "2026-02-01T10:00:00+01:00");
            app.deliver("larportal", &secret, id, &body).await.ok();
        }
        app.app.watch_refresh().await.expect("counted");
        app.app.refresh_some().await.expect("refreshed");
        assert_eq!(stale(&app).await, "2");
        app.app.refresh_some().await.expect("nothing left");
        assert_eq!(stale(&app).await, "0");
    }
}

async fn stale(app: &TestApp) -> String {
    let metrics = app.get("/metrics", None).await.body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("kurskoll_stale_employees "));
    line.expect("the figure is there").to_owned()
}
