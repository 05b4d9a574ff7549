//! What can happen to a register, as steps that a test chooses or draws at random.

use chrono::{Duration, NaiveDate};
use kurskoll::app::Caller;
use kurskoll::app::employees::propose::Decision;
use kurskoll::domain::access::Role;
use kurskoll::domain::approval::State;
use kurskoll::domain::directory::proposal::ProposalKind;
use kurskoll::intake::webhook::signature::WebhookSecret;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{PEOPLE, REQUIREMENTS};
use crate::directory::files::EMPLOYMENTS_HEADER;
use crate::support::app::{Answer, HrFiles, TestApp};
use crate::support::small_city::{REQUIREMENT, completed, graded, small_city};

/// One thing that happens to the register.
#[derive(Debug, Clone)]
pub enum Step {
    /// HR's file contains this employment.
    Employment {
        person: usize,
        employment: u8,
        place: usize,
        starts: i64,
        days: Option<i64>,
        protected: bool,
    },
    /// A full file lacks everyone but one.
    OnlyOneIsLeft {
        person: usize,
    },
    Absence {
        person: usize,
        starts: i64,
        days: i64,
    },
    Exemption {
        person: usize,
        starts: i64,
    },
    /// A correction by hand of a person's first day of employment.
    Corrected {
        person: usize,
        starts: i64,
        days: Option<i64>,
    },
    /// A proposal of an exemption or of prior training.
    Proposed {
        person: usize,
        training: bool,
        day: i64,
    },
    /// Another person approves or rejects one; a decision in force is withdrawn.
    Decided {
        nth: usize,
        approve: bool,
    },
    Account {
        person: usize,
    },
    Completed {
        learner: usize,
        course: usize,
        day: i64,
    },
    Graded {
        learner: usize,
        raw: u8,
        attempt: u32,
        day: i64,
    },
    /// Withdraws one of the earlier deliveries, if there is one, under some learner's name.
    RevokedEvent {
        learner: usize,
        nth: usize,
    },
    Revoked {
        learner: usize,
        course: usize,
        day: i64,
    },
    /// An earlier delivery arrives again.
    Again {
        nth: usize,
    },
    Linked {
        identity: usize,
        to: Option<usize>,
    },
    Undone {
        nth: usize,
    },
    /// The requirement changes: days for new employees, months of validity, first day.
    Requirement {
        code: usize,
        days: u8,
        months: u8,
        from: usize,
    },
    /// A merge of two numbers.
    Merged {
        duplicate: usize,
        stored: usize,
    },
    /// Such a merge is undone.
    Unmerged {
        nth: usize,
    },
    /// From a day on, an administration, or a unit of it, is in the other one or in a new one.
    Reorganised {
        from: usize,
        to: usize,
        unit: bool,
        day: i64,
    },
    /// A reorganisation is undone.
    ReorganisedBack {
        nth: usize,
    },
    Later {
        days: i64,
    },
    Refreshed,
}

const PLACES: [&str; 3] = ["SEF", "FGK", "SF"];
const COURSES: [&str; 3] = ["infosec-basics", "infosec-basics-2023", "swimming"];
const IDENTITIES: [(&str, &str); 3] =
    [("email", "delad@example.org"), ("username", "x"), ("email", "anna@example.org")];

fn learner(nth: usize) -> Value {
    let all = [
        json!({"employee_number": "1001"}),
        json!({"employee_number": "1002"}),
        json!({"employee_number": "1005"}),
        json!({"email": "Anna@example.org"}),
        json!({"email": "delad@example.org"}),
        json!({"username": "x"}),
        json!({"employee_number": "1002", "email": "delad@example.org"}),
        json!({"account": {"home_page": "https://l.example.org", "name": "17"}}),
    ];
    all[nth % all.len()].clone()
}

/// Carries out steps, one after another.
pub struct Story<'a> {
    app: &'a TestApp,
    secret: WebhookSecret,
    delivered: Vec<(String, Value)>,
    links: Vec<i64>,
    /// What was proposed, by its path.
    proposals: Vec<String>,
    merges: Vec<i64>,
    reorganisations: Vec<i64>,
}

impl<'a> Story<'a> {
    pub async fn start(app: &'a TestApp) -> Self {
        small_city(app).await;
        let secret = app.platform("larportal").await;
        Self {
            app,
            secret,
            delivered: Vec::new(),
            links: Vec::new(),
            proposals: Vec::new(),
            merges: Vec::new(),
            reorganisations: Vec::new(),
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_as(Role::City, path, body).await
    }

    async fn post_as(&self, role: Role, path: &str, body: &Value) -> Answer {
        let token = self.app.token(role, &[]).await;
        self.app.post(path, Some(&token), body).await
    }

    fn day(&self, days_from_today: i64) -> NaiveDate {
        self.app.app.today() + Duration::days(days_from_today)
    }

    async fn deliver(&mut self, body: Value) {
        let id = format!("e-{:02}", self.delivered.len());
        self.app.deliver("larportal", &self.secret, &id, &body).await.ok();
        self.delivered.push((id, body));
    }

    pub async fn take(&mut self, step: &Step) {
        let app = self.app;
        match step {
            Step::Employment { person, employment, place, starts, days, protected } => {
                let number = PEOPLE[*person];
                let (administration, unit) = [("SEF", "Kök"), ("SEF", "Åsen"), ("FGK", "Gata")][*place];
                let first = self.day(*starts);
                let last = days.map_or_else(String::new, |days| (first + Duration::days(days)).to_string());
                // Two of them share an address.
                let email = if *person % 2 == 0 { "delad@example.org" } else { "" };
                let row = format!(
                    "{number},Namn{employment},Efternamn,{email},,{employment},{administration},{unit},permanent,{first},{last},,{protected}"
                );
                let employments = format!("{EMPLOYMENTS_HEADER}{row}\n");
                app.import(HrFiles { employments: &employments, ..HrFiles::default() }).await;
            }
            Step::OnlyOneIsLeft { person } => {
                let row = format!("{},Ensam,Kvar,,,1,SEF,Kök,hourly,2026-01-02,,,", PEOPLE[*person]);
                let employments = format!("{EMPLOYMENTS_HEADER}{row}\n");
                app.import_full(HrFiles { employments: &employments, ..HrFiles::default() }).await;
            }
            Step::Absence { person, starts, days } => {
                let first = self.day(*starts);
                let absences = format!(
                    "employee_number,starts_on,ends_on\n{},{first},{}\n",
                    PEOPLE[*person],
                    first + Duration::days(*days)
                );
                app.import(HrFiles { absences: &absences, ..HrFiles::default() }).await;
            }
            Step::Exemption { person, starts } => {
                let exemptions = format!(
                    "employee_number,requirement,starts_on,ends_on,reason\n{},infosec-onboarding,{},,fält\n",
                    PEOPLE[*person],
                    self.day(*starts)
                );
                app.import_full(HrFiles { exemptions: &exemptions, ..HrFiles::default() }).await;
            }
            Step::Corrected { person, starts, days } => {
                let first = self.day(*starts);
                let body = json!({"reason": "reported late", "employments": [{
                    "act": "change", "employment_id": "1", "starts_on": first,
                    "ends_on": days.map(|days| first + Duration::days(days)),
                }]});
                let answer = self
                    .post_as(Role::Admin, &format!("/api/v1/employees/{}/corrections", PEOPLE[*person]), &body)
                    .await;
                // The correction may change nothing.
                assert!(answer.status == 200 || answer.status == 422, "{}", answer.body);
            }
            Step::Proposed { person, training, day } => {
                let (path, body) = if *training {
                    let body = json!({"employee_number": PEOPLE[*person], "course": COURSES[1],
                                      "completed_on": self.day(*day), "reason": "certificate"});
                    ("/api/v1/prior-training", body)
                } else {
                    let body = json!({"employee_number": PEOPLE[*person], "requirement": REQUIREMENTS[0],
                                      "starts_on": self.day(*day), "ends_on": null, "reason": "in the field"});
                    ("/api/v1/exemptions", body)
                };
                let answer = self.post_as(Role::Admin, path, &body).await;
                assert!(answer.status == 200 || answer.status == 409, "{}", answer.body);
                if answer.status == 200 {
                    self.proposals.push(format!("{path}/{}", answer.json()["id"]));
                }
            }
            Step::Decided { nth, approve } => {
                let Some(path) = self.proposals.get(nth % self.proposals.len().max(1)) else { return };
                let (kind, id) = path.rsplit_once('/').expect("a path");
                let kind =
                    if kind.ends_with("exemptions") { ProposalKind::Exemption } else { ProposalKind::PriorTraining };
                let which = (kind, id.parse().expect("an id"));
                let mut second = Caller::operator();
                "second".clone_into(&mut second.principal.subject);
                let because = "asked".to_owned();
                let state = app.app.show_proposal(&second, which).await.expect("it is there").proposal.state();
                let decision = match state {
                    State::Proposed if *approve => Decision::Approve,
                    State::Proposed => Decision::Reject(because),
                    State::Decided => Decision::Withdraw(because),
                    State::Rejected | State::Withdrawn => return,
                };
                app.app.decide(&second, which, &decision).await.expect("decided");
            }
            Step::Account { person } => {
                let identities = format!(
                    "employee_number,platform,key,value,home_page\n{},larportal,account,17,https://l.example.org\n",
                    PEOPLE[*person]
                );
                app.import_full(HrFiles { identities: &identities, ..HrFiles::default() }).await;
            }
            Step::Completed { learner: nth, course, day } => {
                let at = format!("{}T22:59:59Z", self.day(*day));
                self.deliver(completed(learner(*nth), COURSES[*course], &at)).await;
            }
            Step::Graded { learner: nth, raw, attempt, day } => {
                let at = format!("{}T09:00:00Z", self.day(*day));
                self.deliver(graded(learner(*nth), "infosec-basics-quiz", *attempt, &raw.to_string(), &at)).await;
            }
            Step::RevokedEvent { learner: nth, nth: event } => {
                let named = format!("e-{:02}", event % (self.delivered.len() + 1));
                let at = app.clock.now().to_rfc3339();
                self.deliver(json!({"type": "completion.revoked", "timestamp": at,
                    "data": {"learner": learner(*nth), "course": {"id": COURSES[1]}, "event_id": named}}))
                    .await;
            }
            Step::Revoked { learner: nth, course, day } => {
                let at = format!("{}T12:00:00Z", self.day(*day));
                self.deliver(json!({"type": "completion.revoked", "timestamp": at,
                    "data": {"learner": learner(*nth), "course": {"id": COURSES[*course]}}}))
                    .await;
            }
            Step::Again { nth } => {
                let known = self.delivered.get(nth % self.delivered.len().max(1)).cloned();
                if let Some((id, body)) = known {
                    app.deliver("larportal", &self.secret, &id, &body).await.ok();
                    self.deliver(body).await;
                }
            }
            Step::Linked { identity, to } => {
                let (key, value) = IDENTITIES[*identity];
                let body = json!({"platform": "larportal", "key": key, "value": value,
                    "employee_number": to.map(|to| PEOPLE[to]), "reason": "asked",
                    "from": null, "move_results": true});
                let made = self.post("/api/v1/links", &body).await.ok();
                self.links.push(made["id"].as_i64().expect("an id"));
            }
            Step::Undone { nth } => {
                if let Some(id) = self.links.get(nth % self.links.len().max(1)) {
                    let undone = self.post(&format!("/api/v1/links/{id}/undo"), &json!({})).await;
                    assert!(undone.status == 200 || undone.status == 404, "{}", undone.body);
                }
            }
            Step::Requirement { code, days, months, from } => {
                let text = REQUIREMENT
                    .replace("infosec-onboarding", REQUIREMENTS[*code])
                    .replace("new_hire_days = 30", &format!("new_hire_days = {days}"))
                    .replace("valid_months = 12", &format!("valid_months = {months}"))
                    .replace(
                        "effective_from = 2026-01-01",
                        &format!("effective_from = {}", ["2026-01-01", "2026-02-20", "2026-04-01"][*from]),
                    );
                app.apply(&text).await;
            }
            Step::Merged { duplicate, stored } => {
                let body = json!({"duplicate": PEOPLE[*duplicate], "reason": "one human"});
                let path = format!("/api/v1/employees/{}/merge", PEOPLE[*stored]);
                let answer = self.post_as(Role::Admin, &path, &body).await;
                // They may be merged already, one may not be known yet, or it is the same number.
                assert!([200, 404, 409, 422].contains(&answer.status), "{}", answer.body);
                self.merges.extend(answer.json()["merge"]["id"].as_i64());
            }
            Step::Unmerged { nth } => {
                if let Some(id) = self.merges.get(nth % self.merges.len().max(1)) {
                    let path = format!("/api/v1/merges/{id}/undo");
                    let answer = self.post_as(Role::Admin, &path, &json!({"reason": "two after all"})).await;
                    assert!([200, 409].contains(&answer.status), "{}", answer.body);
                }
            }
            Step::Reorganised { from, to, unit, day } => {
                let body = json!({"on_day": self.day(*day), "reason": "decided",
                    "opens": [{"code": "SF", "name": "Stad"}],
                    "moves": [{"from": PLACES[*from], "to": PLACES[*to], "unit": unit.then_some("Kök")}]});
                let answer = self.post_as(Role::Admin, "/api/v1/reorganisations", &body).await;
                // It may form a circle.
                assert!(answer.status == 200 || answer.status == 422, "{}", answer.body);
                if answer.status == 200 {
                    self.reorganisations.push(answer.json()["id"].as_i64().expect("an id"));
                }
            }
            Step::ReorganisedBack { nth } => {
                if let Some(id) = self.reorganisations.get(nth % self.reorganisations.len().max(1)) {
                    let body = json!({"reason": "postponed"});
                    let answer = self.post_as(Role::Admin, &format!("/api/v1/reorganisations/{id}/undo"), &body).await;
                    assert!(answer.status == 200 || answer.status == 409, "{}", answer.body);
                }
            }
            Step::Later { days } => app.clock.advance(Duration::days(*days)),
            Step::Refreshed => app.refresh().await,
        }
    }
}

/// People who have, or get, an employment in the small city.
fn person() -> impl Strategy<Value = usize> {
    0..4_usize
}

pub fn step() -> impl Strategy<Value = Step> {
    let days = -60..1_i64;
    prop_oneof![
        3 => (0..5_usize, 1..3_u8, 0..3_usize, -80..20_i64, prop::option::of(0..60_i64)).prop_map(
            |(person, employment, place, starts, days)| {
                // Later protection takes precedence over what was known: another test covers that.
                let protected = person == 3;
                Step::Employment { person, employment, place, starts, days, protected }
            }
        ),
        1 => person().prop_map(|person| Step::OnlyOneIsLeft { person }),
        1 => (person(), -40..20_i64, 0..40_i64).prop_map(|(person, starts, days)| Step::Absence { person, starts, days }),
        1 => (person(), -40..20_i64).prop_map(|(person, starts)| Step::Exemption { person, starts }),
        2 => (person(), -80..20_i64, prop::option::of(0..60_i64)).prop_map(
            |(person, starts, days)| Step::Corrected { person, starts, days }
        ),
        3 => (person(), any::<bool>(), -40..0_i64).prop_map(
            |(person, training, day)| Step::Proposed { person, training, day }
        ),
        3 => (0..4_usize, any::<bool>()).prop_map(|(nth, approve)| Step::Decided { nth, approve }),
        1 => person().prop_map(|person| Step::Account { person }),
        4 => (0..8_usize, 0..3_usize, days.clone()).prop_map(|(learner, course, day)| Step::Completed { learner, course, day }),
        3 => (0..8_usize, 10..21_u8, 1..3_u32, days.clone()).prop_map(
            |(learner, raw, attempt, day)| Step::Graded { learner, raw, attempt, day }
        ),
        2 => (0..8_usize, 0..8_usize).prop_map(|(learner, nth)| Step::RevokedEvent { learner, nth }),
        1 => (0..8_usize, 0..3_usize, days).prop_map(|(learner, course, day)| Step::Revoked { learner, course, day }),
        1 => (0..8_usize).prop_map(|nth| Step::Again { nth }),
        2 => (0..3_usize, prop::option::of(person())).prop_map(|(identity, to)| Step::Linked { identity, to }),
        1 => (0..4_usize).prop_map(|nth| Step::Undone { nth }),
        1 => (0..2_usize, 5..40_u8, 1..14_u8, 0..3_usize).prop_map(
            |(code, days, months, from)| Step::Requirement { code, days, months, from }
        ),
        // So does protection by a merge.
        4 => (prop::sample::select(vec![0, 1, 2, 4]), prop::sample::select(vec![0, 1, 2, 4])).prop_map(
            |(duplicate, stored)| Step::Merged { duplicate, stored }
        ),
        3 => (0..4_usize).prop_map(|nth| Step::Unmerged { nth }),
        3 => (0..3_usize, 0..3_usize, any::<bool>(), -70..30_i64).prop_map(
            |(from, to, unit, day)| Step::Reorganised { from, to, unit, day }
        ),
        1 => (0..3_usize).prop_map(|nth| Step::ReorganisedBack { nth }),
        1 => (1..40_i64).prop_map(|days| Step::Later { days }),
        1 => Just(Step::Refreshed),
    ]
}
