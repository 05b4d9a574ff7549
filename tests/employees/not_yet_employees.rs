//! People who train before their first day: recognised when HR knows them, and counted from the day of the result.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::linking::by_keys::{complete, shown, waiting_events};
use crate::reports::report::report;
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::small_city;

/// Hired from 1 May 2026; it is February.
const STARTER: &str = "1501,Maja,Lind,maja.lind@example.org,majlin,1,SEF,Kök,permanent,2026-05-01,,,";

async fn requirement(app: &TestApp, number: &str, as_of: &str) -> Value {
    let employee = app.get_as_city(&format!("/api/v1/employees/{number}?as_of={as_of}")).await.ok();
    employee["requirements"][0].clone()
}

/// She is compliant from her first day, since 10 February, for the twelve months from that day.
async fn counts_from_its_day(app: &TestApp) {
    assert_eq!(
        requirement(app, "1501", "2026-04-30").await,
        Value::Null,
        "no requirement applies before the first day"
    );
    for (day, status) in [("2026-05-01", "compliant"), ("2026-12-12", "expiring"), ("2027-02-10", "pending")] {
        app.clock.set(&format!("{day}T12:00:00Z"));
        let found = requirement(app, "1501", day).await;
        // 10 February 2027 is after her due day, by which she was done.
        let expected = if day == "2027-02-10" { "expired" } else { status };
        assert_eq!(found["status"], expected, "{day}: {found}");
        assert_eq!(found["satisfied_on"], "2026-02-10");
        assert_eq!(found["valid_until"], "2027-02-09");
        assert_eq!(found["due_on"], "2026-05-31");
        assert_eq!(found["on_time"], true);
    }
    assert_eq!(app.differences().await, [""; 0]);
}

both_databases! {
    async fn a_result_waits_for_hr_to_know_the_person_and_counts_from_its_day(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let maja = json!({"email": "maja.lind@example.org"});
        assert!(!complete(&app, &secret, "early", maja, "2026-02-10T10:00:00Z").await);
        assert_eq!(waiting_events(&app).await, 1);
        let before = report(&app, "&as_of=2026-05-02").await;
        app.import(HrFiles { employments: &employments(&[STARTER]), ..HrFiles::default() }).await;
        assert_eq!(waiting_events(&app).await, 0);
        let after = report(&app, "&as_of=2026-05-02").await;
        let compliant = |report: &Value| report["city"]["counts"]["compliant"].as_u64().expect("a number");
        assert_eq!((compliant(&before), compliant(&after)), (0, 1));
        assert_eq!(report(&app, "").await["city"]["counts"]["compliant"], 0, "she is not an employee yet");
        counts_from_its_day(&app).await;
    }

    async fn a_person_whom_hr_knows_before_the_first_day_is_recognised_at_once(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.import(HrFiles { employments: &employments(&[STARTER]), ..HrFiles::default() }).await;
        let secret = app.platform("larportal").await;
        assert!(complete(&app, &secret, "early", json!({"username": "MajLin"}), "2026-02-10T10:00:00Z").await);
        counts_from_its_day(&app).await;
    }

    async fn an_address_of_a_leaver_and_a_starter_waits_and_the_starter_is_suggested(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let people = employments(&[
            "1500,Gun,Lind,kok.chef@example.org,,1,SEF,Kök,permanent,2020-01-01,2025-12-31,,",
            "1501,Maja,Lind,kok.chef@example.org,,1,SEF,Kök,permanent,2026-05-01,,,",
        ]);
        app.import(HrFiles { employments: &people, ..HrFiles::default() }).await;
        let secret = app.platform("larportal").await;
        let chef = json!({"email": "kok.chef@example.org"});
        assert!(!complete(&app, &secret, "early", chef.clone(), "2026-02-10T10:00:00Z").await);
        let line = "larportal email kok.chef@example.org: 1 ambiguous [employee_number not_given, email ambiguous 1500 1501, \
                    username not_given, account not_given] of infosec-basics-2023; \
                    suggested 1501 (key_fits starts_soon), 1500 (key_fits ended_lately)";
        assert_eq!(shown(&app.get_as_city("/api/v1/unlinked").await.ok()), line);
        // Both belong to SEF, though neither works there today: its officer sees the entry, and can decide it.
        let sef = app.token(Role::Administration, &["SEF"]).await;
        assert_eq!(shown(&app.get("/api/v1/unlinked", Some(&sef)).await.ok()), line);
        let fgk = app.token(Role::Administration, &["FGK"]).await;
        assert_eq!(app.get("/api/v1/unlinked", Some(&fgk)).await.ok()["items"], json!([]));
        let link = json!({"platform": "larportal", "key": "email", "value": "kok.chef@example.org",
                          "employee_number": "1501", "reason": "trains before the first day"});
        app.post("/api/v1/links", Some(&fgk), &link).await.problem(404);
        app.post("/api/v1/links", Some(&sef), &link).await.ok();
        counts_from_its_day(&app).await;
    }
}
