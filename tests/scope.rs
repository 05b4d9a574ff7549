//! Scope has days: an administration sees what belongs to the days on which the person is or was its own.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::employees::history::lines;
use crate::support::app::{HrFiles, TestApp, TestClock};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{ADMINISTRATIONS, REQUIREMENT, completed};

const EVA_IN_SEF: &str = "2001,Eva,Ek,eva.ek@sef.example.org,evaek,1,SEF,Kök,permanent,2026-01-07,2026-03-31,,";
const EVA_IN_FGK: &str = "2001,Eva,Ek,eva.ek@fgk.example.org,evaek2,2,FGK,Gata,permanent,2026-04-01,,,";

/// The service on 8 January 2026.
async fn start(database: &TestDatabase) -> TestApp {
    let clock = TestClock::frozen();
    clock.set("2026-01-08T08:00:00Z");
    TestApp::start_with(database, clock, |settings| settings).await
}

/// Eva works in SEF from 7 January 2026, and in FGK from 1 April on. It is 1 June.
///
/// In SEF she was on leave from 10 to 14 March and exempt for two weeks; from FGK on she has another name and another address, is
/// on leave in May, and turns out to have a second number, which was FGK's.
async fn eva_moves(app: &TestApp) {
    app.apply(REQUIREMENT).await;
    let in_sef = EVA_IN_SEF.replace("2026-03-31", "");
    app.import(HrFiles {
        administrations: ADMINISTRATIONS,
        employments: &employments(&[&in_sef]),
        ..HrFiles::default()
    })
    .await;
    let secret = app.platform("larportal").await;
    app.clock.set("2026-02-01T08:00:00Z");
    exempt(app, "2001", ("2026-02-01", "2026-02-14"), "SEF:s skäl").await;
    exempt(app, "2001", ("2026-03-20", "2026-04-10"), "SEF:s andra skäl").await;
    app.clock.set("2026-03-09T08:00:00Z");
    absent(app, "2001", "2026-03-10", "2026-03-14").await;
    absent(app, "2001", "2026-03-28", "2026-04-03").await;
    let eva = json!({"employee_number": "2001"});
    let done = completed(eva.clone(), "infosec-basics-2023", "2026-03-16T10:00:00+01:00");
    app.clock.set("2026-03-16T10:00:00Z");
    app.deliver("larportal", &secret, "sef-1", &done).await.ok();
    let other = completed(eva.clone(), "simning", "2026-03-17T10:00:00+01:00");
    app.deliver("larportal", &secret, "sef-swim", &other).await.ok();
    app.clock.set("2026-03-30T08:00:00Z");
    app.import(HrFiles { employments: &employments(&[EVA_IN_SEF, EVA_IN_FGK]), ..HrFiles::default() }).await;
}

/// Eva's later changes in FGK.
async fn change_eva_in_fgk(app: &TestApp) {
    app.clock.set("2026-05-04T08:00:00Z");
    absent(app, "2001", "2026-05-05", "2026-05-20").await;
    exempt(app, "2001", ("2026-05-21", "2026-05-25"), "FGK:s skäl").await;
    let renamed =
        [EVA_IN_SEF, EVA_IN_FGK].map(|row| row.replace("Eva,Ek", "Eva,Ny").replace("eva.ek@sef", "eva.ny@fgk"));
    let second = "9001,Eva,Ny,eva.ny@fgk.example.org,evany,1,FGK,Park,hourly,2026-04-01,,,";
    let rows = employments(&[&renamed[0], &renamed[1], second]);
    app.import(HrFiles { employments: &rows, ..HrFiles::default() }).await;
    let admin = app.token(Role::Admin, &[]).await;
    let body = json!({"duplicate": "2001", "reason": "hired twice in FGK"});
    app.post("/api/v1/employees/9001/merge", Some(&admin), &body).await.ok();
    let secret = app.platform("andra").await;
    app.clock.set("2026-05-26T08:00:00Z");
    let done = completed(json!({"employee_number": "9001"}), "simning", "2026-05-26T10:00:00+02:00");
    app.deliver("andra", &secret, "fgk-swim", &done).await.ok();
    app.clock.set("2026-06-01T12:00:00Z");
}

async fn exempt(app: &TestApp, number: &str, (starts_on, ends_on): (&str, &str), reason: &str) {
    let admin = app.token(Role::Admin, &[]).await;
    let body = json!({"employee_number": number, "requirement": "infosec-onboarding", "starts_on": starts_on,
                      "ends_on": ends_on, "reason": reason});
    app.post("/api/v1/exemptions", Some(&admin), &body).await.ok();
}

async fn absent(app: &TestApp, number: &str, first: &str, last: &str) {
    let admin = app.token(Role::Admin, &[]).await;
    let body = json!({"reason": "tjänstledig", "absences": [{"act": "add", "starts_on": first, "ends_on": last}]});
    app.post(&format!("/api/v1/employees/{number}/corrections"), Some(&admin), &body).await.ok();
}

/// The answer to an administration's officer.
async fn requested(app: &TestApp, administration: &str, path: &str) -> crate::support::app::Answer {
    let token = app.token(Role::Administration, &[administration]).await;
    app.get(&format!("/api/v1/{path}"), Some(&token)).await
}

/// Every request that an officer of SEF may make about Eva's days there.
const OF_SEF: [&str; 8] = [
    "employees/2001?as_of=2026-03-31",
    "employees/2001?as_of=2026-02-10",
    "employees/2001/history",
    "exemptions",
    "administrations/SEF/export.csv?as_of=2026-03-31",
    "administrations/SEF/compliance?as_of=2026-03-31",
    "reports/onboarding?requirement=infosec-onboarding&as_of=2026-03-31&due_to=2026-12-31",
    "employees/9001?as_of=2026-03-31",
];

both_databases! {
    async fn a_former_administration_sees_its_days_and_nothing_later(database: TestDatabase) {
        let app = start(&database).await;
        eva_moves(&app).await;
        let mut before = Vec::new();
        for path in OF_SEF {
            before.push(requested(&app, "SEF", path).await);
        }
        let known_at = before[0].json()["known_at"].clone();
        change_eva_in_fgk(&app).await;
        for (path, before) in OF_SEF.iter().zip(&before) {
            let after = requested(&app, "SEF", path).await;
            let timeless = |body: &str| match serde_json::from_str::<Value>(body) {
                Ok(mut reported) => {
                    if let Some(members) = reported.as_object_mut() {
                        members.remove("known_at");
                        members.remove("request_id");
                    }
                    reported.to_string()
                }
                Err(_) => body.to_owned(),
            };
            assert_eq!(after.status, before.status, "{path}: {}", after.body);
            assert_eq!(timeless(&after.body), timeless(&before.body), "{path}");
            for elsewhere in ["FGK", "Ny", "9001", "fgk", "2026-05", "2026-04-0", "2026-04-1"] {
                assert!(!timeless(&after.body).contains(elsewhere) || *path == OF_SEF[7], "{path} reveals {elsewhere}: {}", after.body);
            }
        }
        // The city counts the same figures for the day.
        let of_city = app.get_as_city("/api/v1/reports/onboarding?requirement=infosec-onboarding&as_of=2026-03-31").await.ok();
        let of_sef = requested(&app, "SEF", "reports/onboarding?requirement=infosec-onboarding&as_of=2026-03-31").await.ok();
        let sef = |report: &Value| {
            let all = report["administrations"].as_array().expect("some").iter();
            all.filter(|one| one["code"] == "SEF").map(|one| one["counts"].to_string()).collect::<Vec<_>>()
        };
        assert_eq!(sef(&of_city), sef(&of_sef));
        // Today she belongs to another administration.
        requested(&app, "SEF", "employees/2001").await.problem(404);
        let earlier = format!("employees/2001?as_of=2026-06-01&known_at={}", known_at.as_str().expect("an instant"));
        requested(&app, "SEF", &earlier).await.problem(404);
        let reported = requested(&app, "SEF", "employees/2001?as_of=2026-03-31").await.ok();
        assert_eq!(reported["absences"], json!([{"starts_on": "2026-03-10", "ends_on": "2026-03-14"}, {"starts_on": "2026-03-28", "ends_on": "2026-03-31"}]));
        assert_eq!((&reported["family_name"], &reported["employments"][0]["email"]), (&json!("Ek"), &json!("eva.ek@sef.example.org")));
    }

    async fn a_new_administration_sees_what_its_days_depend_on_and_nothing_else_from_before(database: TestDatabase) {
        let app = start(&database).await;
        eva_moves(&app).await;
        app.clock.set("2026-04-11T12:00:00Z");
        let mut reported = Vec::new();
        for path in ["employees/2001", "employees/2001?as_of=2026-04-15", "employees/2001/history", "exemptions",
                     "administrations/FGK/export.csv", "administrations/FGK/compliance?as_of=2026-04-15"] {
            let answer = requested(&app, "FGK", path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            for elsewhere in ["SEF", "sef.example", "Kök", "2026-02-0", "2026-02-1", "2026-03-1", "2026-03-2", "skäl", "simning", "tjänstledig"] {
                // Evidence is shown with its own day: the status depends on it.
                // The transaction time of a decision is its own, too.
                let parts = answer.body.split('"').filter(|part| !(part.contains('T') && part.ends_with('Z')));
                let body = parts.collect::<Vec<_>>().join("\"").replace("2026-03-16", "").replace("sef-1", "").replace("2027-03-15", "").replace("2026-02-06", "");
                assert!(!body.contains(elsewhere), "{path} reveals {elsewhere}: {}", answer.body);
            }
            reported.push(answer);
        }
        let eva = reported[1].json();
        assert_eq!(eva["requirements"][0]["status"], "compliant");
        assert_eq!(eva["requirements"][0]["evidence"][0]["event_id"], "sef-1");
        // The exemption covers days of both administrations: the new one sees its own days, without the other's reason.
        let exemption = &reported[3].json()["items"][0];
        assert_eq!((&exemption["starts_on"], &exemption["ends_on"], &exemption["reason"]), (&json!("2026-04-01"), &json!("2026-04-10"), &Value::Null));
        assert_eq!(reported[0].json()["absences"], json!([{"starts_on": "2026-04-01", "ends_on": "2026-04-03"}]));
        let story = lines(&reported[2].json());
        for entry in ["person added", "employment added", "absence added", "exemption added", "result added"] {
            assert!(story.contains(entry), "{entry} in {story}");
        }
        requested(&app, "FGK", "employees/2001?as_of=2026-03-31").await.problem(404);
    }

    async fn a_person_in_two_administrations_is_in_scope_for_both(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        app.apply(REQUIREMENT).await;
        let rows = employments(&[
            "3001,Siv,Ask,siv@sef.example.org,,1,SEF,Kök,permanent,2026-01-07,,,",
            "3001,Siv,Ask,siv@fgk.example.org,,2,FGK,Gata,permanent,2026-02-01,2026-02-20,,",
        ]);
        app.import(HrFiles { administrations: ADMINISTRATIONS, employments: &rows, ..HrFiles::default() }).await;
        absent(&app, "3001", "2026-02-03", "2026-02-25").await;
        let of = async |administration: &str, as_of: &str| requested(&app, administration, &format!("employees/3001?as_of={as_of}")).await.ok();
        assert_eq!(of("SEF", "2026-02-10").await["absences"], json!([{"starts_on": "2026-02-03", "ends_on": "2026-02-25"}]));
        assert_eq!(of("FGK", "2026-02-10").await["absences"], json!([{"starts_on": "2026-02-03", "ends_on": "2026-02-20"}]));
    }
}
