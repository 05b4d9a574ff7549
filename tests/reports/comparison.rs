//! A report at two transaction times: whose status differs, and because of which fact.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::employees::corrections::correct;
use crate::support::app::{HrFiles, TestApp};
use crate::support::commands::CommandLine;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{REQUIREMENT, completed, small_city};

const QUESTION: &str = "requirement=infosec-onboarding&as_of=2026-02-26";

/// The transaction time of a report made now.
async fn known_now(app: &TestApp) -> String {
    let report = app.get_as_city(&format!("/api/v1/reports/onboarding?{QUESTION}")).await.ok();
    let known_at = report["known_at"].as_str().expect("an instant").to_owned();
    app.clock.advance(chrono::Duration::minutes(1));
    known_at
}

fn lines(page: &Value) -> String {
    let line = |item: &Value| {
        let causes = item["because"].as_array().expect("causes").iter();
        let causes: Vec<String> =
            causes.map(|c| format!("{} {} {} by {}", c["kind"], c["of"], c["happened"], c["by"])).collect();
        format!(
            "{} {} {} → {} because {}",
            item["employee_number"],
            item["administrations"],
            item["status_before"],
            item["status_now"],
            causes.join("; ")
        )
    };
    page["items"].as_array().expect("items").iter().map(line).collect::<Vec<_>>().join("\n").replace('"', "")
}

async fn differences(app: &TestApp, since: &str) -> Value {
    app.get_as_city(&format!("/api/v1/reports/onboarding/differences?{QUESTION}&compare_known_at={since}")).await.ok()
}

/// What happens to the small city after a report.
async fn change_much(app: &TestApp) {
    let secret = app.platform("larportal").await;
    let bo = completed(json!({"employee_number": "1002"}), "infosec-basics-2023", "2026-02-20T10:00:00+01:00");
    app.deliver("larportal", &secret, "e-1", &bo).await.ok();
    // Does not affect the status.
    let renamed = json!({"reason": "married", "person": {"family_name": "Berg"},
        "absences": [{"act": "add", "starts_on": "2026-01-02", "ends_on": "2026-01-03"}]});
    correct(app, "1002", &renamed).await.ok();
    let leave =
        json!({"reason": "parental leave", "absences": [{"act": "add", "starts_on": "2026-01-07", "ends_on": null}]});
    correct(app, "1003", &leave).await.ok();
    let never = json!({"reason": "mixed up", "employments": [{"act": "withdraw", "employment_id": "1"}]});
    correct(app, "1004", &never).await.ok();
}

both_databases! {
    async fn a_report_shows_how_it_differs_from_what_was_known_then(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let known_at = known_now(&app).await;
        let then = app.get_as_city(&format!("/api/v1/reports/onboarding?{QUESTION}")).await.ok();
        change_much(&app).await;
        let report = app.get_as_city(&format!("/api/v1/reports/onboarding?{QUESTION}&compare_known_at={known_at}")).await.ok();
        let comparison = &report["comparison"];
        assert_eq!(comparison["city"], then["city"]["counts"]);
        assert_eq!(comparison["differing"], 3);
        let link = comparison["differences"].as_str().expect("a path");
        let listed = app.get_as_city(link).await.ok();
        insta::allow_duplicates!(insta::assert_snapshot!(lines(&listed), @r"
        1002 [SEF] pending → compliant because result e-1 added by platform larportal
        1003 [FGK,SEF] overdue → on_leave because absence 2026-01-07 added by test admin
        1004 [FGK] overdue → null because employment 1 withdrawn by test admin
        "));
        assert_eq!(listed["items"][1]["because"][0]["reason"], "parental leave");
        let plain = app.get_as_city(&format!("/api/v1/reports/onboarding?{QUESTION}")).await.ok();
        assert_eq!(plain.get("comparison"), None);
    }

    async fn a_link_by_hand_and_a_new_version_are_causes(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let waits = completed(json!({"username": "b0"}), "infosec-basics-2023", "2026-02-20T10:00:00+01:00");
        app.deliver("larportal", &secret, "e-1", &waits).await.ok();
        let known_at = known_now(&app).await;
        let city = app.token(Role::City, &[]).await;
        let link = json!({"platform": "larportal", "key": "username", "value": "b0", "employee_number": "1002", "reason": "asked"});
        app.post("/api/v1/links", Some(&city), &link).await.ok();
        let reported = lines(&differences(&app, &known_at).await);
        insta::allow_duplicates!(insta::assert_snapshot!(reported, @"1002 [SEF] pending → compliant because link username at larportal added by test city"));
        app.clock.advance(chrono::Duration::minutes(1));
        let known_at = known_now(&app).await;
        app.apply(&REQUIREMENT.replace("new_hire_days = 30", "new_hire_days = 90")).await;
        let reported = lines(&differences(&app, &known_at).await);
        insta::allow_duplicates!(insta::assert_snapshot!(reported, @r"
        1003 [FGK,SEF] overdue → pending because requirement version 2 null by operator
        1004 [FGK] overdue → pending because requirement version 2 null by operator
        "));
    }

    async fn an_officer_sees_differences_of_the_own_administration_only(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let known_at = known_now(&app).await;
        // 1002 moves from SEF to FGK; the time limit of 1003 starts earlier because of an employment in FGK.
        let moved = json!({"reason": "moved", "employments": [{"act": "change", "employment_id": "1", "administration": "FGK", "unit": "Gata"}]});
        correct(&app, "1002", &moved).await.ok();
        let later = json!({"reason": "began later", "employments": [
            {"act": "change", "employment_id": "1", "starts_on": "2026-02-20"},
            {"act": "change", "employment_id": "2", "starts_on": "2026-02-20"}]});
        correct(&app, "1003", &later).await.ok();
        let known_later = known_now(&app).await;
        let earlier = json!({"reason": "as it was", "employments": [{"act": "change", "employment_id": "1", "starts_on": "2026-01-20"}]});
        correct(&app, "1003", &earlier).await.ok();
        let sef = app.token(Role::Administration, &["SEF"]).await;
        let ask = async |since: &str| {
            let path = format!("/api/v1/reports/onboarding/differences?{QUESTION}&compare_known_at={since}");
            let answer = app.get(&path, Some(&sef)).await;
            assert!(!answer.body.contains("FGK") && !answer.body.contains("Gata"), "{}", answer.body);
            lines(&answer.ok())
        };
        let (reported, reported_later) = (ask(&known_at).await, ask(&known_later).await);
        insta::allow_duplicates!(insta::assert_snapshot!(reported, @"1002 [SEF] pending → null because employment 1 withdrawn by test admin"));
        insta::allow_duplicates!(insta::assert_snapshot!(reported_later, @"1003 [SEF] pending → overdue because not_shown null null by null"));
        let path = format!("/api/v1/reports/onboarding?{QUESTION}&compare_known_at={known_at}");
        let report = app.get(&path, Some(&sef)).await.ok();
        assert_eq!(report["comparison"]["city"], Value::Null);
        let codes: Vec<&String> = report["comparison"]["administrations"].as_object().expect("a map").keys().collect();
        assert_eq!(codes, ["SEF"]);
    }

    async fn differences_are_paged(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let known_at = known_now(&app).await;
        change_much(&app).await;
        let whole = differences(&app, &known_at).await;
        let (mut paged, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/reports/onboarding/differences?{QUESTION}&compare_known_at={known_at}&limit=1{after}");
            let page = app.get_as_city(&path).await.ok();
            assert_eq!(page["differing"], 3);
            paged.extend(page["items"].as_array().expect("items").clone());
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(&paged, whole["items"].as_array().expect("items"));
    }

    async fn a_wrong_comparison_is_refused_with_the_reason(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let mut reported = Vec::new();
        for (status, query) in [
            (400, "requirement=infosec-onboarding"),
            (400, "requirement=infosec-onboarding&compare_known_at=yesterday"),
            (400, "requirement=infosec-onboarding&compare_known_at=2026-02-27T12:00:00Z"),
            (400, "requirement=infosec-onboarding&compare_known_at=2026-02-26T11:00:00Z&known_at=2026-02-26T10:00:00Z"),
            (404, "requirement=no-such&compare_known_at=2026-02-26T11:00:00Z"),
        ] {
            reported.push(app.get_as_city(&format!("/api/v1/reports/onboarding/differences?{query}")).await.problem(status));
        }
        insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r"
        compare_known_at is missing; give it as ?compare_known_at=…
        compare_known_at=yesterday is not an instant such as 2026-02-26T12:00:00Z (RFC 3339)
        compare_known_at lies after known_at; give the earlier instant as compare_known_at
        compare_known_at lies after known_at; give the earlier instant as compare_known_at
        no requirement no-such was known then
        "));
        let later = app.get_as_city(&format!("/api/v1/reports/onboarding?{QUESTION}&compare_known_at=2026-02-27T12:00:00Z")).await;
        later.problem(400);
        // Before the first fact, no one was in scope.
        let first = differences(&app, "2026-02-26T11:00:00Z").await;
        assert_eq!(first["differing"], 4);
    }

    async fn the_command_compares_too(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        // The command uses the machine's clock.
        app.clock.set("2026-06-01T12:00:00Z");
        small_city(&app).await;
        let known_at = known_now(&app).await;
        let absences = "employee_number,starts_on,ends_on\n1003,2026-01-07,\n";
        app.import(HrFiles { absences, ..HrFiles::default() }).await;
        let line = CommandLine::on(&database);
        let requested = format!("report --requirement infosec-onboarding --as-of 2026-02-26 --compare-known-at {known_at}");
        let table = line.ok(&requested).out;
        let (_, compared) = table.split_once("Compared with").expect("a comparison");
        assert!(compared.contains("1 person differ"), "{compared}");
        assert!(compared.contains("1003 (FGK, SEF): overdue → on_leave, because of absence 2026-01-07 added by operator at"), "{compared}");
        let json = line.ok(&format!("{requested} --format json")).json();
        assert_eq!(json["comparison"]["differing"], 1);
        assert_eq!(json["differing_persons"]["items"][0]["employee_number"], "1003");
    }
}
