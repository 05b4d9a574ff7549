//! HR's system renames the past after a reorganisation; the register does not: files, corrections by hand, and SCIM.

use kurskoll::domain::access::Role;
use kurskoll::domain::directory::plan::Extent;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::employees::corrections::correct;
use crate::scim::users::{ENTERPRISE, create, empty_city, patch, patch_of, user};
use crate::support::app::{Answer, HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{REQUIREMENT, small_city};

const PATH: &str = "/api/v1/reorganisations";
const NOW: &str = "2026-11-29T09:00:00Z";

async fn reorganise(app: &TestApp, body: Value) -> Answer {
    let token = app.token(Role::Admin, &[]).await;
    let mut body = body;
    body["reason"] = "decided by the council".into();
    app.post(PATH, Some(&token), &body).await
}

async fn moves(app: &TestApp, on_day: &str, steps: &[(&str, &str, &str)]) -> Value {
    let step = |(from, unit, to): &(&str, &str, &str)| match *unit {
        "" => json!({"from": from, "to": to}),
        unit => json!({"from": from, "unit": unit, "to": to}),
    };
    let steps: Vec<Value> = steps.iter().map(step).collect();
    reorganise(app, json!({"on_day": on_day, "moves": steps})).await.ok()
}

async fn undo(app: &TestApp, id: &Value) -> Answer {
    let token = app.token(Role::Admin, &[]).await;
    app.post(&format!("{PATH}/{id}/undo"), Some(&token), &json!({"reason": "postponed"})).await
}

/// Four administrations, and Eva in SEF's kitchen since 2020.
async fn city(app: &TestApp) {
    app.clock.set(NOW);
    app.apply(REQUIREMENT).await;
    let administrations = "code,name,board\nA,Ena,\nB,Andra,\nC,Tredje,\nD,Fjärde,\n";
    app.import(HrFiles { administrations, ..HrFiles::default() }).await;
    named(app, "A", "Kök", "").await;
}

/// HR's file names an administration and a unit for Eva's employment.
async fn named(app: &TestApp, code: &str, unit: &str, ends_on: &str) {
    let row = format!("2001,Eva,Ek,,,1,{code},{unit},permanent,2020-01-01,{ends_on},,");
    let file = employments(&[&row]);
    app.try_import(HrFiles { employments: &file, ..HrFiles::default() }, Extent::Partial).await.expect("imported");
}

/// The administration in which a report counts her on each of some days, with the unit by which her row is found there.
async fn places(app: &TestApp, days: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    for day in days {
        let mut on = Vec::new();
        for code in ["A", "B", "C", "D"] {
            let answer = app.get_as_city(&format!("/api/v1/administrations/{code}/export.csv?as_of={day}")).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let mut reader = csv::Reader::from_reader(answer.body.as_bytes());
            on.extend(reader.records().map(|row| format!("{code}/{}", &row.expect("a row")[2])));
        }
        places.push(on.join(" and "));
    }
    places
}

const DAYS: [&str; 3] = ["2026-06-30", "2026-07-01", "2027-07-01"];
const AS_IT_WAS: [&str; 3] = ["A/Kök", "B/Kök", "C/Kök"];

both_databases! {
    async fn a_file_that_names_any_code_of_the_chain_changes_nothing_of_the_past(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city(&app).await;
        moves(&app, "2027-07-01", &[("B", "Kök", "C")]).await;
        moves(&app, "2026-07-01", &[("A", "", "B")]).await;
        assert_eq!(places(&app, &DAYS).await, AS_IT_WAS);
        for code in ["B", "C", "B", "A", "C"] {
            named(&app, code, "Kök", "").await;
            assert_eq!(places(&app, &DAYS).await, AS_IT_WAS, "named {code}");
            app.refresh().await;
            assert_eq!(places(&app, &DAYS).await, AS_IT_WAS, "named {code}, from the read model");
            app.clock.advance(chrono::Duration::days(3));
        }
        assert_eq!(app.differences().await, [""; 0]);
        // A code outside the chain is a correction of all days, as before.
        named(&app, "D", "Kök", "").await;
        assert_eq!(places(&app, &DAYS).await, ["D/Kök"; 3]);
    }

    async fn the_step_and_the_new_name_can_be_recorded_in_either_order(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city(&app).await;
        app.clock.advance(chrono::Duration::days(3));
        named(&app, "B", "Kök", "").await;
        assert_eq!(places(&app, &DAYS).await, ["B/Kök"; 3]);
        app.refresh().await;
        let made = moves(&app, "2026-07-01", &[("A", "", "B")]).await;
        assert_eq!(made["named_before"], json!({"employments": 1, "people": 1}));
        assert_eq!(places(&app, &DAYS).await, ["A/Kök", "B/Kök", "B/Kök"]);
        app.refresh().await;
        let later = moves(&app, "2027-07-01", &[("B", "Kök", "C")]).await;
        assert_eq!(later["named_before"], json!({"employments": 0, "people": 0}));
        assert_eq!(places(&app, &DAYS).await, AS_IT_WAS);
        app.refresh().await;
        assert_eq!(places(&app, &DAYS).await, AS_IT_WAS);
        // After the undo, what HR named last is in force.
        undo(&app, &made["id"]).await.ok();
        assert_eq!(places(&app, &DAYS).await, ["B/Kök", "B/Kök", "C/Kök"]);
        app.refresh().await;
        assert_eq!(places(&app, &DAYS).await, ["B/Kök", "B/Kök", "C/Kök"]);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_employment_that_ended_in_between_stays_where_it_was(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city(&app).await;
        named(&app, "A", "Kök", "2026-03-31").await;
        moves(&app, "2026-02-01", &[("A", "", "B")]).await;
        moves(&app, "2026-06-01", &[("B", "", "C")]).await;
        let days = ["2026-01-31", "2026-02-01", "2026-03-31", "2026-04-01"];
        for code in ["A", "B", "C"] {
            app.clock.advance(chrono::Duration::days(3));
            named(&app, code, "Kök", "2026-03-31").await;
            assert_eq!(places(&app, &days).await, ["A/Kök", "B/Kök", "B/Kök", ""], "named {code}");
        }
    }

    async fn a_unit_that_is_renamed_with_its_administration_is_what_it_was_before(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city(&app).await;
        moves(&app, "2026-07-01", &[("A", "Kök", "B"), ("A", "", "D")]).await;
        app.clock.advance(chrono::Duration::days(3));
        named(&app, "B", "Storkök", "").await;
        for _ in 0..2 {
            assert_eq!(places(&app, &DAYS).await, ["A/Kök", "B/Storkök", "B/Storkök"]);
            app.refresh().await;
        }
        let path = "/api/v1/administrations/A/compliance?as_of=2026-06-30&unit=K%C3%B6k";
        assert_eq!(app.get_as_city(path).await.ok()["items"][0]["employee_number"], "2001");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn corrections_by_hand_follow_the_same_rule(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city(&app).await;
        moves(&app, "2026-07-01", &[("A", "", "B")]).await;
        moves(&app, "2027-07-01", &[("B", "Kök", "C")]).await;
        app.clock.advance(chrono::Duration::days(3));
        let names = |code: &str| json!({"reason": "as in the payroll system", "employments": [
            {"act": "change", "employment_id": "1", "administration": code}]});
        correct(&app, "2001", &names("B")).await.ok();
        assert_eq!(places(&app, &DAYS).await, AS_IT_WAS);
        correct(&app, "2001", &names("D")).await.ok();
        assert_eq!(places(&app, &DAYS).await, ["D/Kök"; 3]);
        let history = app.get_as_city("/api/v1/employees/2001/history").await.ok();
        assert!(history["items"].as_array().expect("entries").len() >= 4, "{history}");
    }

    async fn a_provider_that_names_the_new_code_transfers_no_one(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let anna = create(&app, &user("2001", "Eva", "Ek", "SEF")).await;
        app.clock.advance(chrono::Duration::days(20));
        moves(&app, "2026-03-10", &[("SEF", "", "FGK")]).await;
        let organization = format!("{ENTERPRISE}:organization");
        patch(&app, &anna["id"], &patch_of("replace", &organization, json!("FGK"))).await.ok();
        assert_eq!(crate::scim::users::employments(&app, "2001").await, ["scim:2026-02-26 FGK 2026-02-26.."]);
        let path = |code: &str, day: &str| format!("/api/v1/administrations/{code}/export.csv?as_of={day}");
        for (code, day, rows) in [("SEF", "2026-03-09", 1), ("FGK", "2026-03-09", 0), ("FGK", "2026-03-10", 1)] {
            let answer = app.get_as_city(&path(code, day)).await;
            assert_eq!(answer.body.lines().count() - 1, rows, "{code} {day}");
        }
    }

    async fn an_opening_that_an_employment_depends_on_is_not_undone(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let opened = reorganise(&app, json!({"on_day": "2026-02-20", "opens": [{"code": "SF", "name": "Stadsförvaltningen"}],
            "moves": [{"from": "SEF", "to": "SF"}]})).await.ok();
        let other = reorganise(&app, json!({"on_day": "2026-02-20", "opens": [{"code": "TF", "name": "Trafik"}]})).await.ok();
        let file = employments(&["2001,Eva,Ek,,,1,SF,Kök,permanent,2026-02-23,2026-02-24,,"]);
        app.import(HrFiles { employments: &file, ..HrFiles::default() }).await;
        let refused = undo(&app, &opened["id"]).await.problem(409);
        assert!(refused.starts_with("1 employments rest on SF, which this one opens"), "{refused}");
        undo(&app, &other["id"]).await.ok();
        // HR corrects the employment: then nothing depends on the opening.
        let file = employments(&["2001,Eva,Ek,,,1,FGK,Kök,permanent,2026-02-23,2026-02-24,,"]);
        app.import(HrFiles { employments: &file, ..HrFiles::default() }).await;
        undo(&app, &opened["id"]).await.ok();
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_administration_that_opened_again_is_not_closed_by_an_undo_while_it_has_employees(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city(&app).await;
        reorganise(&app, json!({"on_day": "2025-01-01", "closes": ["D"]})).await.ok();
        let again = reorganise(&app, json!({"on_day": "2026-01-01", "opens": [{"code": "D"}]})).await.ok();
        let file = employments(&["2002,Bo,Ek,,,1,D,Kök,permanent,2026-02-23,,,"]);
        app.import(HrFiles { employments: &file, ..HrFiles::default() }).await;
        let refused = undo(&app, &again["id"]).await.problem(422);
        assert!(refused.starts_with("1 employments would be in D when it is closed"), "{refused}");
    }
}
