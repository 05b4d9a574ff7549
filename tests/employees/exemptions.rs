//! Exemptions by hand: decided at once, or by two persons if the register is set up so.

use kurskoll::app::Caller;
use kurskoll::app::directory::import::ImportError;
use kurskoll::app::operating::sign_tokens::TokenRequest;
use kurskoll::config::{ApprovalSettings, Settings};
use kurskoll::domain::access::Role;
use kurskoll::domain::directory::plan::Extent;
use serde_json::{Value, json};

use crate::employees::history::lines;
use crate::support::app::{HrFiles, TestApp, TestClock};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::small_city;

const REPORT: &str = "/api/v1/reports/onboarding?requirement=infosec-onboarding&as_of=2026-02-26";

/// A token of another administrator than the usual one.
pub async fn another_admin(app: &TestApp) -> String {
    let request = TokenRequest {
        subject: "another admin".to_owned(),
        roles: [Role::Admin].into(),
        administrations: [].into(),
        holds_for: std::time::Duration::from_secs(3600),
    };
    let settings = Settings::default().token_settings();
    app.app.issue_token(&Caller::operator(), &settings, &request).await.expect("a token")
}

/// A service with two-person approval of everything that supports it.
pub async fn where_two_must_agree(database: &TestDatabase) -> TestApp {
    let approval = ApprovalSettings { exemptions: true, prior_training: true, results: false };
    TestApp::start_with(database, TestClock::frozen(), |settings| Settings { approval, ..settings }).await
}

fn in_the_field() -> Value {
    json!({"employee_number": "1003", "requirement": "infosec-onboarding", "starts_on": "2026-01-05", "ends_on": "2026-03-31",
           "reason": "works in the field"})
}

async fn exempt(app: &TestApp) -> i64 {
    app.get_as_city(REPORT).await.ok()["city"]["counts"]["exempt"].as_i64().expect("a count")
}

both_databases! {
    async fn an_exemption_by_hand_counts_at_once_until_it_is_withdrawn(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let admin = app.token(Role::Admin, &[]).await;
        let before = app.get_as_city(REPORT).await;
        let known_at = before.ok()["known_at"].as_str().expect("an instant").to_owned();
        let made = app.post("/api/v1/exemptions", Some(&admin), &in_the_field()).await.ok();
        assert_eq!((&made["state"], &made["decided_by"]), (&json!("decided"), &json!("test admin")));
        assert_eq!(exempt(&app).await, 1);
        app.refresh().await;
        let with = app.get_as_city(REPORT).await;
        assert_eq!(with.ok()["city"]["counts"]["exempt"], 1);
        let export = app.get_as_city("/api/v1/administrations/SEF/export.csv").await;
        assert!(export.body.contains("1003,Cecilia,Berg,cecilia@example.org,hourly,2026-01-07,infosec-onboarding,exempt"), "{}", export.body);
        let with_at = with.ok()["known_at"].as_str().expect("an instant").to_owned();
        let path = format!("/api/v1/exemptions/{}", made["id"]);
        let withdrawn = app.post(&format!("{path}/withdraw"), Some(&admin), &json!({"reason": "back indoors"})).await.ok();
        assert_eq!((&withdrawn["state"], &withdrawn["ended_because"]), (&json!("withdrawn"), &json!("back indoors")));
        assert_eq!(exempt(&app).await, 0);
        assert_eq!(app.get_as_city(&format!("{REPORT}&known_at={known_at}")).await.body, before.body);
        assert_eq!(app.get_as_city(&format!("{REPORT}&known_at={with_at}")).await.body, with.body);
        let story = app.get_as_city("/api/v1/employees/1003/history?kind=exemption").await.ok();
        insta::allow_duplicates!(insta::assert_snapshot!(lines(&story), @r"
        exemption added by test admin (exemption): requirement – → infosec-onboarding, starts_on – → 2026-01-05, ends_on – → 2026-03-31 because works in the field
        exemption withdrawn by test admin (exemption): requirement infosec-onboarding → –, starts_on 2026-01-05 → –, ends_on 2026-03-31 → – because back indoors
        "));
        let listed = app.get_as_city("/api/v1/exemptions?state=withdrawn").await.ok();
        assert_eq!(listed["items"], json!([withdrawn]));
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn with_two_person_approval_an_exemption_counts_from_the_approval(database: TestDatabase) {
        let app = where_two_must_agree(&database).await;
        small_city(&app).await;
        let (admin, other) = (app.token(Role::Admin, &[]).await, another_admin(&app).await);
        let made = app.post("/api/v1/exemptions", Some(&admin), &in_the_field()).await.ok();
        assert_eq!((&made["state"], &made["decided_at"]), (&json!("proposed"), &Value::Null));
        assert_eq!(exempt(&app).await, 0);
        let approve = format!("/api/v1/exemptions/{}/approve", made["id"]);
        let reported = app.post(&approve, Some(&admin), &json!({})).await.problem(409);
        assert_eq!(reported, "test admin proposed this and cannot approve it: two persons must agree, so somebody else has to");
        let proposed = app.get_as_city(REPORT).await;
        let proposed_at = proposed.ok()["known_at"].as_str().expect("an instant").to_owned();
        app.clock.advance(chrono::Duration::hours(1));
        let approved = app.post(&approve, Some(&other), &json!({})).await.ok();
        assert_eq!((&approved["proposed_by"], &approved["decided_by"]), (&json!("test admin"), &json!("another admin")));
        assert_eq!(exempt(&app).await, 1);
        // The transaction time is that of the approval.
        assert_eq!(app.get_as_city(&format!("{REPORT}&known_at={proposed_at}")).await.body, proposed.body);
        app.post(&approve, Some(&other), &json!({})).await.problem(409);
        let story = app.get_as_city("/api/v1/employees/1003/history?kind=exemption").await.ok();
        insta::allow_duplicates!(insta::assert_snapshot!(lines(&story), @r"
        exemption proposed by test admin (exemption): requirement – → infosec-onboarding, starts_on – → 2026-01-05, ends_on – → 2026-03-31 because works in the field
        exemption added by another admin (exemption): requirement – → infosec-onboarding, starts_on – → 2026-01-05, ends_on – → 2026-03-31 because works in the field
        "));
        let auditor = app.token(Role::Auditor, &[]).await;
        let trail = app.get("/api/v1/audit", Some(&auditor)).await.body;
        assert!(trail.contains("exemption.propose") && trail.contains("exemption.approve"), "{trail}");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_rejected_proposal_never_counts_and_may_be_made_again(database: TestDatabase) {
        let app = where_two_must_agree(&database).await;
        small_city(&app).await;
        let admin = app.token(Role::Admin, &[]).await;
        let made = app.post("/api/v1/exemptions", Some(&admin), &in_the_field()).await.ok();
        let again = app.post("/api/v1/exemptions", Some(&admin), &in_the_field()).await;
        assert!(again.problem(409).contains("is proposed or decided already"), "{}", again.body);
        assert_eq!(again.json()["id"], made["id"]);
        let path = format!("/api/v1/exemptions/{}", made["id"]);
        app.post(&format!("{path}/withdraw"), Some(&admin), &json!({"reason": "x"})).await.problem(409);
        app.post(&format!("{path}/reject"), Some(&admin), &json!({"reason": ""})).await.problem(422);
        let rejected = app.post(&format!("{path}/reject"), Some(&admin), &json!({"reason": "no need"})).await.ok();
        assert_eq!(rejected["state"], "rejected");
        assert_eq!(exempt(&app).await, 0);
        app.post("/api/v1/exemptions", Some(&admin), &in_the_field()).await.ok();
        let story = app.get_as_city("/api/v1/employees/1003/history?kind=exemption").await.ok();
        insta::allow_duplicates!(insta::assert_snapshot!(lines(&story), @r"
        exemption proposed by test admin (exemption): requirement – → infosec-onboarding, starts_on – → 2026-01-05, ends_on – → 2026-03-31 because works in the field
        exemption rejected by test admin (exemption): requirement infosec-onboarding → –, starts_on 2026-01-05 → –, ends_on 2026-03-31 → – because no need
        exemption proposed by test admin (exemption): requirement – → infosec-onboarding, starts_on – → 2026-01-05, ends_on – → 2026-03-31 because works in the field
        "));
    }

    async fn with_two_person_approval_a_file_of_exemptions_is_refused(database: TestDatabase) {
        let app = where_two_must_agree(&database).await;
        small_city(&app).await;
        let exemptions = "employee_number,requirement,starts_on,ends_on,reason\n1003,infosec-onboarding,2026-01-05,,field\n";
        let refused = app.try_import(HrFiles { exemptions, ..HrFiles::default() }, Extent::Partial).await;
        assert!(matches!(refused, Err(ImportError::ExemptionsNeedApproval)), "{refused:?}");
        assert_eq!(exempt(&app).await, 0);
    }

    async fn a_full_hr_file_leaves_exemptions_by_hand_alone(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let admin = app.token(Role::Admin, &[]).await;
        app.post("/api/v1/exemptions", Some(&admin), &in_the_field()).await.ok();
        let exemptions = "employee_number,requirement,starts_on,ends_on,reason\n1003,infosec-onboarding,2026-01-05,,field\n";
        app.import_full(HrFiles { exemptions, ..HrFiles::default() }).await;
        assert_eq!(exempt(&app).await, 1);
        app.import_full(HrFiles { exemptions: "employee_number,requirement,starts_on\n", ..HrFiles::default() }).await;
        assert_eq!(exempt(&app).await, 1, "the one by hand stays");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_invalid_exemption_is_refused(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let admin = app.token(Role::Admin, &[]).await;
        let mut reported = Vec::new();
        for (field, value) in [
            ("employee_number", json!("4711")),
            ("requirement", json!("no-such")),
            ("requirement", json!("No Such")),
            ("ends_on", json!("2026-01-04")),
            ("starts_on", json!("2026-02-30")),
            ("reason", json!("")),
            ("reason", json!("a\nb")),
        ] {
            let mut body = in_the_field();
            body[field] = value;
            let answer = app.post("/api/v1/exemptions", Some(&admin), &body).await;
            reported.push(format!("{} {}", answer.status, answer.json()["detail"].as_str().expect("a detail")));
        }
        insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r"
        404 no employee 4711 is known here
        422 no requirement no-such is known; apply its file first
        422 /requirement may only contain lower-case letters a to z, digits and hyphens
        422 /ends_on is before starts_on; the last day cannot come before the first
        422 The body is not the JSON that belongs here: input is out of range at line 1 column 138.
        422 /reason is empty; say why, for those who read the history
        422 /reason is longer than 512 characters, or not on one line
        "));
    }
}
