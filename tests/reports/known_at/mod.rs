//! The same `as_of` and `known_at` give the same report again, whatever arrived since.

mod story;

use std::fmt::Write as _;

use chrono::{Duration, NaiveDate};
use kurskoll::config::{ApprovalSettings, Settings};
use kurskoll::domain::access::Role;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;

use self::story::{Step, Story, step};
use crate::support::app::{TestApp, TestClock};
use crate::support::postgres::{Backend, TestDatabase, both_databases};

const REQUIREMENTS: [&str; 2] = ["infosec-onboarding", "gdpr"];
const ADMINISTRATIONS: [&str; 2] = ["SEF", "FGK"];
const PEOPLE: [&str; 5] = ["1001", "1002", "1003", "1004", "1005"];

/// A request with `as_of` and `known_at`, and its answer.
#[derive(Debug)]
struct Remembered {
    question: String,
    status: u16,
    body: String,
}

/// The auditor's notes.
struct Auditor<'a> {
    app: &'a TestApp,
    token: String,
    remembered: Vec<Remembered>,
}

/// An answer's body, if it can be compared: a problem contains the request's id.
fn comparable(status: u16, body: String) -> String {
    if status == 200 { body } else { String::new() }
}

impl<'a> Auditor<'a> {
    async fn of(app: &'a TestApp) -> Self {
        Self { app, token: app.token(Role::Auditor, &[]).await, remembered: Vec::new() }
    }

    async fn ask(&self, path: &str) -> (u16, String) {
        let answer = self.app.get(path, Some(&self.token)).await;
        assert!(answer.status == 200 || answer.status == 404, "{path}: {}", answer.body);
        (answer.status, answer.body)
    }

    /// Sends a request without `known_at`, and notes it with the `known_at` of the answer.
    async fn note(&mut self, path: &str, first: char, as_of: Option<NaiveDate>) -> Option<Value> {
        let given = as_of.map_or_else(String::new, |as_of| format!("{first}as_of={as_of}"));
        let (status, body) = self.ask(&format!("{path}{given}")).await;
        if status != 200 {
            return None;
        }
        let reported: Value = serde_json::from_str(&body).expect("JSON");
        let clock = |name: &str| reported[name].as_str().expect("a clock").to_owned();
        let question = format!("{path}{first}as_of={}&known_at={}", clock("as_of"), clock("known_at"));
        self.remembered.push(Remembered { question, status, body });
        Some(reported)
    }

    /// Requests everything: from the read model if it is fresh, otherwise from the facts.
    async fn note_everything(&mut self) {
        // The clock may have been moved past the end of the token.
        self.token = self.app.token(Role::Auditor, &[]).await;
        let today = self.app.app.today();
        for as_of in [None, Some(today - Duration::days(40)), Some(today + Duration::days(300))] {
            for requirement in REQUIREMENTS {
                let path = format!("/api/v1/reports/onboarding?requirement={requirement}");
                let Some(report) = self.note(&path, '&', as_of).await else { continue };
                let clocks = format!(
                    "as_of={}&known_at={}",
                    report["as_of"].as_str().expect("a day"),
                    report["known_at"].as_str().expect("an instant")
                );
                for administration in ADMINISTRATIONS {
                    let path = format!("/api/v1/administrations/{administration}/export.csv?requirement={requirement}");
                    // An export does not contain its `known_at`; nothing was recorded since the report.
                    let (status, body) =
                        self.ask(&format!("{path}&as_of={}", report["as_of"].as_str().expect("a day"))).await;
                    let body = comparable(status, body);
                    self.remembered.push(Remembered { question: format!("{path}&{clocks}"), status, body });
                }
            }
        }
        for number in PEOPLE {
            self.note(&format!("/api/v1/employees/{number}"), '?', None).await;
        }
    }

    /// Compares today's reports at some of the noted `known_at`: both sides of a comparison must equal the reports, and each
    /// differing employee must have a cause.
    async fn incomparable(&mut self) -> String {
        self.token = self.app.token(Role::Auditor, &[]).await;
        let today = self.app.app.today();
        let mut instants: Vec<String> = self
            .remembered
            .iter()
            .filter(|remembered| remembered.question.starts_with("/api/v1/reports/"))
            .filter_map(|remembered| serde_json::from_str::<Value>(&remembered.body).ok())
            .filter(|report| report["requirement"] == REQUIREMENTS[0])
            .filter_map(|report| report["known_at"].as_str().map(ToOwned::to_owned))
            .collect();
        instants.dedup();
        let picked: Vec<&String> =
            instants.iter().step_by((instants.len() / 4).max(1)).chain(instants.last()).collect();
        let mut reported = String::new();
        for pair in picked.windows(2).map(|pair| (pair[0], pair[1])).chain(picked.last().map(|last| (*last, *last))) {
            let clocks = format!("requirement={}&as_of={today}&known_at={}", REQUIREMENTS[0], pair.1);
            let ask = format!("/api/v1/reports/onboarding?{clocks}&compare_known_at={}", pair.0);
            let compared: Value = serde_json::from_str(&self.ask(&ask).await.1).expect("JSON");
            let ask =
                format!("/api/v1/reports/onboarding?requirement={}&as_of={today}&known_at={}", REQUIREMENTS[0], pair.0);
            let then: Value = serde_json::from_str(&self.ask(&ask).await.1).expect("JSON");
            if compared["comparison"]["city"] != then["city"]["counts"] {
                writeln!(reported, "{pair:?}: {} is not {}", compared["comparison"]["city"], then["city"]["counts"])
                    .expect("a string");
            }
            let (_, listed) =
                self.ask(&format!("/api/v1/reports/onboarding/differences?{clocks}&compare_known_at={}", pair.0)).await;
            let listed: Value = serde_json::from_str(&listed).expect("JSON");
            let items = listed["items"].as_array().expect("persons");
            if listed["differing"] != items.len() || compared["comparison"]["differing"] != items.len() {
                writeln!(reported, "{pair:?}: {} differ, but {} are listed", listed["differing"], items.len())
                    .expect("a string");
            }
            if pair.0 == pair.1 && !items.is_empty() {
                writeln!(reported, "{pair:?}: the same instant differs from itself: {listed}").expect("a string");
            }
            // The counts of then, changed by the differences, are the counts of now.
            let mut counts = then["city"]["counts"].clone();
            for item in items {
                let because = item["because"].as_array().expect("causes");
                // A caller who sees everything is shown the causes.
                if because.is_empty() || because.iter().any(|cause| cause["kind"] == "not_shown") {
                    writeln!(reported, "{pair:?}: {item} has no cause").expect("a string");
                }
                for (status, by) in [(&item["status_before"], -1), (&item["status_now"], 1)] {
                    let Some(status) = status.as_str() else { continue };
                    counts[status] = (counts[status].as_i64().expect("a count") + by).into();
                    if !["exempt", "on_leave"].contains(&status) {
                        counts["in_scope"] = (counts["in_scope"].as_i64().expect("a count") + by).into();
                    }
                }
            }
            if counts != compared["city"]["counts"] {
                writeln!(reported, "{pair:?}: differences make {counts}, not {}", compared["city"]["counts"])
                    .expect("a string");
            }
        }
        reported
    }

    /// The answers that differ from the notes.
    async fn differences(&mut self) -> String {
        self.token = self.app.token(Role::Auditor, &[]).await;
        let mut reported = String::new();
        for Remembered { question, status, body } in &self.remembered {
            let (now_status, now) = self.ask(question).await;
            if (now_status, comparable(now_status, now.clone())) != (*status, body.clone()) {
                writeln!(reported, "{question}\n  then: {status} {body}\n  now:  {now_status} {now}")
                    .expect("a string");
            }
        }
        reported
    }
}

/// A service with two-person approval: a proposal counts from a later time than it was made.
async fn start(database: &TestDatabase) -> TestApp {
    let approval = ApprovalSettings { exemptions: false, prior_training: true, results: false };
    TestApp::start_with(database, TestClock::frozen(), |settings| Settings { approval, ..settings }).await
}

/// Takes steps and notes everything after each, then requests everything again; returns what differed.
async fn differences_after(app: &TestApp, steps: &[Step]) -> String {
    let mut story = Story::start(app).await;
    let mut auditor = Auditor::of(app).await;
    auditor.note_everything().await;
    for step in steps {
        story.take(step).await;
        auditor.note_everything().await;
    }
    let mut reported = auditor.differences().await;
    reported += &auditor.incomparable().await;
    for difference in app.differences().await {
        writeln!(reported, "verify: {difference}").expect("a string");
    }
    // The read model is fresh now, and gives the same as the facts did.
    let mut refreshed = Auditor::of(app).await;
    refreshed.note_everything().await;
    reported + &refreshed.differences().await
}

both_databases! {
    async fn a_year_of_corrections_changes_no_earlier_report(database: TestDatabase) {
        let app = start(&database).await;
        let steps = [
            Step::Completed { learner: 0, course: 0, day: -10 },
            Step::Graded { learner: 0, raw: 17, attempt: 1, day: -8 },
            Step::Completed { learner: 4, course: 1, day: -9 },
            Step::Refreshed,
            Step::Graded { learner: 0, raw: 12, attempt: 1, day: -30 },
            Step::Later { days: 10 },
            Step::Employment { person: 4, employment: 1, place: 0, starts: -20, days: None, protected: false },
            Step::Employment { person: 2, employment: 1, place: 0, starts: -60, days: Some(70), protected: false },
            Step::Requirement { code: 1, days: 10, months: 6, from: 1 },
            Step::Linked { identity: 0, to: Some(1) },
            Step::Completed { learner: 5, course: 1, day: -300 },
            Step::RevokedEvent { learner: 5, nth: 1 },
            Step::Undone { nth: 0 },
            Step::Later { days: 25 },
            Step::Requirement { code: 0, days: 60, months: 3, from: 0 },
            Step::Requirement { code: 0, days: 20, months: 12, from: 2 },
            Step::Absence { person: 1, starts: -30, days: 12 },
            Step::Exemption { person: 0, starts: -5 },
            Step::Corrected { person: 0, starts: -70, days: Some(90) },
            Step::Proposed { person: 1, training: true, day: -20 },
            Step::Proposed { person: 3, training: false, day: -20 },
            Step::Later { days: 2 },
            Step::Decided { nth: 0, approve: true },
            Step::Decided { nth: 1, approve: true },
            Step::Refreshed,
            Step::Later { days: 2 },
            Step::Decided { nth: 0, approve: true },
            Step::Proposed { person: 2, training: true, day: -5 },
            Step::Decided { nth: 2, approve: false },
            Step::Reorganised { from: 0, to: 2, unit: false, day: -10 },
            Step::Refreshed,
            Step::Reorganised { from: 1, to: 2, unit: false, day: 20 },
            Step::Later { days: 1 },
            Step::ReorganisedBack { nth: 0 },
            Step::Account { person: 3 },
            Step::Completed { learner: 7, course: 1, day: -50 },
            Step::Employment { person: 1, employment: 1, place: 2, starts: -50, days: None, protected: false },
            Step::OnlyOneIsLeft { person: 2 },
            Step::Again { nth: 2 },
            Step::Revoked { learner: 0, course: 0, day: 0 },
            Step::Later { days: 300 },
        ];
        assert_eq!(differences_after(&app, &steps).await, "");
    }
}

fn no_step_changes_an_earlier_report(backend: Backend, cases: u32) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(step(), 1..8), |steps| {
        runtime.block_on(async {
            let database = TestDatabase::empty(backend).await;
            let app = start(&database).await;
            let differences = differences_after(&app, &steps).await;
            if differences.is_empty() { Ok(()) } else { Err(TestCaseError::fail(differences)) }
        })
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn no_step_changes_an_earlier_report_on_sqlite() {
    no_step_changes_an_earlier_report(Backend::Sqlite, 6);
}

#[test]
fn no_step_changes_an_earlier_report_on_postgresql() {
    no_step_changes_an_earlier_report(Backend::Postgres, 3);
}
