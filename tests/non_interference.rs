//! Non-interference: an administration's officer repeats the same requests while only another administration's data change.
//! The answers are the same, to the byte, at every mounted route.

use std::collections::BTreeSet;

use kurskoll::config::{RateLimitSettings, Settings};
use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::routes_refused::REQUESTS;
use crate::support::app::{Answer, HrFiles, TestApp, TestClock};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{ADMINISTRATIONS, REQUIREMENT, completed, graded};

/// The requests of SEF's officer in addition to those in the table of routes, for each route that an administration may use.
/// `{known_at}` is an instant before FGK's data change.
const QUESTIONS: [&str; 44] = [
    "administrations/SEF/compliance",
    "administrations/SEF/compliance?limit=1",
    "administrations/SEF/compliance?as_of=2026-01-31",
    "administrations/SEF/compliance?as_of=2026-01-20&known_at={known_at}",
    "administrations/SEF/export.csv",
    "administrations/SEF/export.csv?as_of=2026-01-31",
    "administrations/SEF/export.csv?as_of=2026-02-26&known_at={known_at}",
    "administrations/SEF/export.xlsx?as_of=2026-01-31&known_at={known_at}",
    "administrations/FGK/export.csv",
    "administrations/FGK/compliance",
    "administrations/NY/export.csv",
    "employees/1001",
    "employees/2001",
    "employees/2001?as_of=2026-01-31",
    "employees/2001?as_of=2026-02-20",
    "employees/2001?as_of=2026-01-31&known_at={known_at}",
    "employees/2002",
    "employees/2002?as_of=2026-01-20",
    "employees/3001",
    "employees/3002",
    "employees/4711",
    "employees/1001/history",
    "employees/2001/history",
    "employees/2001/history?limit=2",
    "employees/2002/history",
    "employees/3001/history",
    "exemptions",
    "exemptions?state=decided",
    "exemptions?employee_number=2001",
    "exemptions?employee_number=3001",
    "exemptions/4711",
    "prior-training",
    "prior-training?employee_number=2001",
    "links",
    "unlinked",
    "unlinked?sort=oldest",
    "unlinked?dismissed=true",
    "unlinked.csv",
    "reports/onboarding?requirement=infosec-onboarding",
    "reports/onboarding?requirement=infosec-onboarding&as_of=2026-01-31&due_to=2026-12-31",
    "reports/onboarding?requirement=infosec-onboarding&as_of=2026-01-31&known_at={known_at}",
    "reports/onboarding?requirement=infosec-onboarding&as_of=2026-02-26&compare_known_at={known_at}",
    "reports/onboarding/differences?requirement=infosec-onboarding&as_of=2026-02-26&compare_known_at={known_at}",
    "reports/onboarding/trend?requirement=infosec-onboarding&from=2025-12-01&to=2026-02-26&tree=today",
];

/// Internal only, and about the whole service (docs/operating.md).
const OF_OPERATORS: [&str; 1] = ["GET /metrics"];

/// Headers that differ with each request.
const OF_THE_REQUEST: [&str; 4] = ["date", "x-request-id", "content-length", "x-experience-api-consistent-through"];

/// An answer without the request's own id and instant.
fn timeless(answer: &Answer) -> String {
    let mut headers = answer.headers.clone();
    headers.retain(|name, _| !OF_THE_REQUEST.contains(&name.as_str()));
    let body = match serde_json::from_str::<Value>(&answer.body) {
        Ok(mut body) => {
            for place in ["", "/comparison"] {
                if let Some(members) = body.pointer_mut(place).and_then(Value::as_object_mut) {
                    members.remove("known_at");
                    members.remove("request_id");
                    // It repeats the request's times.
                    members.remove("differences");
                }
            }
            body.to_string()
        }
        Err(_) => answer.body.clone(),
    };
    format!("{} {headers:?} {body}", answer.status)
}

struct World {
    app: TestApp,
    officer: String,
    secret: kurskoll::intake::webhook::signature::WebhookSecret,
    known_at: String,
}

impl World {
    /// Two administrations with people of their own; 2001 went from SEF to FGK on 1 February, 2002 from FGK to SEF.
    async fn start(database: &TestDatabase) -> Self {
        let clock = TestClock::frozen();
        clock.set("2026-01-08T08:00:00Z");
        // Requests without a key are refused more often here than the rate limit allows.
        let rate_limits = RateLimitSettings { failures_per_minute: 0, ..RateLimitSettings::default() };
        let app = TestApp::start_with(database, clock, |settings| Settings { rate_limits, ..settings }).await;
        app.apply(REQUIREMENT).await;
        let rows = [
            "1001,Anna,Andersson,anna@sef.example.org,anna,1,SEF,Kök,permanent,2026-01-02,,,",
            "1002,Bo,Bok,delad@sef.example.org,bo,1,SEF,Kök,permanent,2026-01-02,,,",
            "1003,Cia,Ced,delad@sef.example.org,cia,1,SEF,Kök,permanent,2026-01-02,,,",
            "2001,Maja,Mo,maja@sef.example.org,maja,1,SEF,Kök,permanent,2026-01-02,2026-01-31,,",
            "2001,Maja,Mo,maja@fgk.example.org,maja,2,FGK,Gata,permanent,2026-02-01,,,",
            "2002,Nils,Ny,nils@fgk.example.org,nils,1,FGK,Gata,permanent,2025-01-02,2026-01-31,,",
            "2002,Nils,Ny,nils@sef.example.org,nils,2,SEF,Kök,permanent,2026-02-01,,,",
            "3001,Olle,Ort,olle@fgk.example.org,olle,1,FGK,Gata,permanent,2026-01-02,,,",
        ];
        let rows = employments(&rows);
        app.import(HrFiles { administrations: ADMINISTRATIONS, employments: &rows, ..HrFiles::default() }).await;
        let secret = app.platform("larportal").await;
        app.clock.set("2026-01-11T08:00:00Z");
        let mut world = Self { app, officer: String::new(), secret, known_at: String::new() };
        for (id, learner, course, at) in [
            ("s-1", "1001", "infosec-basics-2023", "2026-01-10T10:00:00+01:00"),
            ("s-2", "2001", "infosec-basics-2023", "2026-01-10T10:00:00+01:00"),
            ("s-3", "2002", "infosec-basics-2023", "2026-01-10T10:00:00+01:00"),
        ] {
            world.deliver(id, &completed(json!({"employee_number": learner}), course, at)).await;
        }
        world.app.clock.set("2026-01-20T08:00:00Z");
        world
            .correct("2001", json!({"absences": [{"act": "add", "starts_on": "2026-01-12", "ends_on": "2026-02-03"}]}))
            .await;
        world.decide("exemptions", json!({"employee_number": "2001", "requirement": "infosec-onboarding", "starts_on": "2026-01-28", "ends_on": "2026-02-05"})).await;
        world.decide("exemptions", json!({"employee_number": "2002", "requirement": "infosec-onboarding", "starts_on": "2026-01-28", "ends_on": "2026-02-05"})).await;
        world
            .decide(
                "prior-training",
                json!({"employee_number": "1001", "course": "simning", "completed_on": "2026-01-12"}),
            )
            .await;
        world.app.clock.set("2026-02-26T12:00:00Z");
        world.officer = world.app.token(Role::Administration, &["SEF"]).await;
        let shared =
            completed(json!({"email": "delad@sef.example.org"}), "infosec-basics", "2026-02-10T10:00:00+01:00");
        world.deliver("s-4", &shared).await;
        let link = json!({"platform": "larportal", "key": "username", "value": "annan", "employee_number": "1001", "reason": "frågad"});
        let city = world.app.token(Role::City, &[]).await;
        world.app.post("/api/v1/links", Some(&city), &link).await.ok();
        let report = world.app.report("infosec-onboarding").await;
        report["known_at"].as_str().expect("an instant").clone_into(&mut world.known_at);
        world
    }

    async fn deliver(&self, id: &str, body: &Value) {
        let answer = self.app.deliver("larportal", &self.secret, id, body).await;
        assert_eq!(answer.status, if body["type"].is_string() { 200 } else { 422 }, "{}", answer.body);
    }

    async fn correct(&self, number: &str, mut body: Value) {
        body["reason"] = json!("sagt i telefon");
        let admin = self.app.token(Role::Admin, &[]).await;
        self.app.post(&format!("/api/v1/employees/{number}/corrections"), Some(&admin), &body).await.ok();
    }

    async fn decide(&self, kind: &str, mut body: Value) {
        body["reason"] = json!("intyg visat");
        let admin = self.app.token(Role::Admin, &[]).await;
        self.app.post(&format!("/api/v1/{kind}"), Some(&admin), &body).await.ok();
    }

    /// Everything that can happen in FGK alone.
    async fn change_fgk(&self) {
        let app = &self.app;
        let rows = employments(&[
            "2001,Maja,Gift,maja@sef.example.org,maja,1,SEF,Kök,permanent,2026-01-02,2026-01-31,,",
            "2001,Maja,Gift,gift@fgk.example.org,gift,2,FGK,Park,permanent,2026-02-01,,3001,",
            "3001,Olof,Ort,olof@fgk.example.org,olof,1,FGK,Gata,permanent,2026-01-02,2026-02-20,,",
            "3002,Pia,Pil,pia@fgk.example.org,pia,1,FGK,Gata,permanent,2026-02-02,,,true",
            "3009,Olof,Ort,,,1,FGK,Gata,hourly,2026-02-02,,,",
            "9001,Maja,Gift,gift@fgk.example.org,gift9,1,FGK,Gata,hourly,2026-02-10,,,",
        ]);
        app.import(HrFiles { employments: &rows, ..HrFiles::default() }).await;
        self.correct("2001", json!({"absences": [{"act": "add", "starts_on": "2026-02-10", "ends_on": "2026-02-20"}]}))
            .await;
        self.correct(
            "2001",
            json!({"absences": [{"act": "change", "starts_on": "2026-01-12", "ends_on": "2026-02-07"}]}),
        )
        .await;
        let exempt = |number: &str, first: &str, last: &str| json!({"employee_number": number, "requirement": "infosec-onboarding", "starts_on": first, "ends_on": last});
        self.decide("exemptions", exempt("2001", "2026-02-21", "2026-02-25")).await;
        self.decide("exemptions", exempt("3001", "2026-02-21", "2026-02-25")).await;
        self.decide("exemptions", exempt("2002", "2026-01-03", "2026-01-05")).await;
        self.decide(
            "prior-training",
            json!({"employee_number": "2001", "course": "simning", "completed_on": "2026-02-12"}),
        )
        .await;
        let maja = json!({"employee_number": "2001"});
        let olle = json!({"employee_number": "3001"});
        self.deliver("f-1", &completed(maja.clone(), "infosec-basics", "2026-02-15T10:00:00+01:00")).await;
        self.deliver("f-2", &graded(maja, "infosec-basics-quiz", 1, "19", "2026-02-16T10:00:00+01:00")).await;
        self.deliver("f-3", &completed(olle, "infosec-basics", "2026-02-16T10:00:00+01:00")).await;
        self.deliver(
            "f-4",
            &completed(json!({"email": "okand@fgk.example.org"}), "infosec-basics-2023", "2026-02-16T10:00:00+01:00"),
        )
        .await;
        self.deliver(
            "f-5",
            &completed(json!({"username": "ingen"}), "infosec-basics-2023", "2026-02-16T10:00:00+01:00"),
        )
        .await;
        self.deliver("f-6", &json!({"type": 1})).await;
        app.platform("fgks-egen").await;
        let city = app.token(Role::City, &[]).await;
        for (value, number) in [("okand@fgk.example.org", json!("3001")), ("test@fgk.example.org", Value::Null)] {
            let link = json!({"platform": "larportal", "key": "email", "value": value, "employee_number": number, "reason": "frågad"});
            app.post("/api/v1/links", Some(&city), &link).await.ok();
        }
        let admin = app.token(Role::Admin, &[]).await;
        for (stored, duplicate) in [("3001", "3009"), ("9001", "2001")] {
            let body = json!({"duplicate": duplicate, "reason": "samma person"});
            app.post(&format!("/api/v1/employees/{stored}/merge"), Some(&admin), &body).await.ok();
        }
        let opens =
            json!({"on_day": "2026-12-01", "reason": "beslut", "moves": [], "opens": [{"code": "NY", "name": "Nya"}]});
        app.post("/api/v1/reorganisations", Some(&admin), &opens).await.ok();
        let theirs = app.token(Role::Administration, &["FGK"]).await;
        app.get("/api/v1/employees/3001", Some(&theirs)).await;
        app.get("/api/v1/administrations/FGK/export.csv", Some(&theirs)).await;
    }

    async fn request_everything(&self) -> Vec<(String, String)> {
        let mut answers = Vec::new();
        for case in &REQUESTS {
            let (method, _) = case.route.split_once(' ').expect("a method");
            if OF_OPERATORS.contains(&case.route) {
                continue;
            }
            let body: Value = serde_json::from_str(case.body).unwrap_or(json!({}));
            let json = [("content-type", "application/json")];
            let body = (method != "GET").then_some(&body);
            let answer = self.app.ask(&format!("{method} {}", case.path), Some(&self.officer), &json, body).await;
            answers.push((case.route.to_owned(), timeless(&answer)));
        }
        for question in QUESTIONS {
            let path = format!("/api/v1/{}", question.replace("{known_at}", &self.known_at));
            let answer = self.app.get(&path, Some(&self.officer)).await;
            answers.push((question.to_owned(), timeless(&answer)));
        }
        for link in [
            ("okand@fgk.example.org", "1001"),
            ("okand@fgk.example.org", "3001"),
            ("okand@fgk.example.org", "4711"),
            ("delad@sef.example.org", "3001"),
        ] {
            let (value, number) = link;
            let body = json!({"platform": "larportal", "key": "email", "value": value, "employee_number": number, "reason": "frågad"});
            let answer = self.app.post("/api/v1/links", Some(&self.officer), &body).await;
            answers.push((format!("link {value} to {number}"), timeless(&answer)));
        }
        answers
    }
}

both_databases! {
    async fn changes_in_another_administration_change_no_byte_of_an_answer(database: TestDatabase) {
        let world = World::start(&database).await;
        let listed: BTreeSet<String> = REQUESTS.iter().map(|case| case.route.to_owned()).collect();
        assert_eq!(world.app.routes, listed, "the mounted routes, and the requested ones");
        world.app.refresh().await;
        let before = world.request_everything().await;
        for round in ["while nothing changes", "at once", "once refreshed"] {
            match round {
                "at once" => world.change_fgk().await,
                "once refreshed" => world.app.refresh().await,
                _ => {}
            }
            let after = world.request_everything().await;
            for ((question, before), (_, after)) in before.iter().zip(&after) {
                assert_eq!(before, after, "{question}, {round}");
            }
        }
        // The requests got real answers.
        let maja = world.app.get("/api/v1/employees/2001?as_of=2026-01-31", Some(&world.officer)).await.ok();
        assert_eq!((&maja["employee_number"], &maja["family_name"]), (&json!("2001"), &json!("Mo")));
        let city = world.app.get_as_city("/api/v1/employees/2001?as_of=2026-01-31").await.ok();
        assert_eq!((&city["employee_number"], &city["family_name"]), (&json!("9001"), &json!("Gift")));
    }
    async fn a_request_outside_the_scope_runs_the_same_queries_as_one_for_something_unknown(database: TestDatabase) {
        let world = World::start(&database).await;
        let city = world.app.token(Role::City, &[]).await;
        let of_fgk = json!({"platform": "larportal", "key": "email", "value": "olle@fgk.example.org", "employee_number": "3001", "from": "2026-01-02", "to": null, "reason": "frågad"});
        let link = world.app.post("/api/v1/links", Some(&city), &of_fgk).await.ok()["id"].clone();
        let admin = world.app.token(Role::Admin, &[]).await;
        let prior = json!({"employee_number": "3001", "course": "simning", "completed_on": "2026-01-12", "reason": "intyg"});
        let prior = world.app.post("/api/v1/prior-training", Some(&admin), &prior).await.ok()["id"].clone();
        world.app.refresh().await;
        let link_to = |number: &str| json!({"platform": "larportal", "key": "email", "value": "delad@sef.example.org", "employee_number": number, "reason": "frågad"});
        let pairs = [
            ("GET /api/v1/employees/3001".to_owned(), "GET /api/v1/employees/4711".to_owned(), None),
            ("GET /api/v1/employees/2001".to_owned(), "GET /api/v1/employees/4711".to_owned(), None),
            ("GET /api/v1/employees/3001?as_of=2026-01-20".to_owned(), "GET /api/v1/employees/4711?as_of=2026-01-20".to_owned(), None),
            ("GET /api/v1/employees/3001/history".to_owned(), "GET /api/v1/employees/4711/history".to_owned(), None),
            ("GET /api/v1/administrations/FGK/export.csv".to_owned(), "GET /api/v1/administrations/XX/export.csv".to_owned(), None),
            ("GET /api/v1/administrations/FGK/compliance".to_owned(), "GET /api/v1/administrations/XX/compliance".to_owned(), None),
            (format!("GET /api/v1/prior-training/{prior}"), "GET /api/v1/prior-training/4711".to_owned(), None),
            ("GET /api/v1/exemptions?employee_number=3001".to_owned(), "GET /api/v1/exemptions?employee_number=4711".to_owned(), None),
            (format!("POST /api/v1/links/{link}/undo"), "POST /api/v1/links/4711/undo".to_owned(), Some((json!({}), json!({})))),
            ("POST /api/v1/links".to_owned(), "POST /api/v1/links".to_owned(), Some((link_to("3001"), link_to("4711")))),
        ];
        for (foreign, missing, bodies) in pairs {
            let (one, other) = bodies.map_or((None, None), |(one, other)| (Some(one), Some(other)));
            let json = [("content-type", "application/json")];
            let ask = async |request: &str, body: Option<&Value>| {
                world.app.statements_of(world.app.ask(request, Some(&world.officer), &json, body)).await
            };
            let (answer, statements) = ask(&foreign, one.as_ref()).await;
            let (of_nobody, expected) = ask(&missing, other.as_ref()).await;
            assert_eq!(answer.status, of_nobody.status, "{foreign}");
            assert!(!statements.is_empty() || answer.status == 404, "{foreign}");
            assert_eq!(statements, expected, "{foreign} and {missing}");
        }
    }
}
