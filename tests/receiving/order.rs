//! The end state is the same for every order and repetition in which deliveries, directory changes, links, merges and
//! reorganisations arrive (DESIGN, "Order"), and nothing that arrives later changes what was known.

use std::collections::BTreeMap;

use kurskoll::domain::access::Role;
use kurskoll::intake::webhook::signature::WebhookSecret;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::scim::users::{patch_of, user};
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{Backend, TestDatabase};
use crate::support::small_city::{ADMINISTRATIONS, REQUIREMENT, completed, graded};

const HEADER: &str = "employee_number,given_name,family_name,email,username,employment_id,administration,unit,form,\
                      starts_on,ends_on,manager_employee_number,protected\n";

/// Two parts of the directory, neither provisioned by the provider. They share an address, one after the other; they share a
/// username at the same time; and each has an employment of the same person that began on the same day.
const PARTS: [&str; 2] = [
    "1001,Anna,Andersson,anna@example.org,anna,1,SEF,Måltid,permanent,2020-01-01,,,\n\
     1002,Bo,Öberg,info@example.org,bo,1,SEF,Lokalvård,permanent,2019-01-01,2026-01-31,,\n\
     1003,Cecilia,Berg,cecilia@example.org,cecilia,2,SEF,Måltid,hourly,2026-01-07,,,\n",
    "2001,David,Ek,info@example.org,anna,1,FGK,Gata,permanent,2026-02-01,,,true\n\
     2002,Eva,Falk,eva@example.org,eva,1,FGK,Gata,fixed_term,2026-01-05,,,\n\
     2002,Eva,Falk,berg@example.org,cecilia,2,SEF,Måltid,permanent,2026-01-06,,,\n\
     1003,Cecilia,Berg,berg@example.org,,1,SEF,Lokalvård,hourly,2026-01-07,,,\n\
     1003,Cecilia,Berg,,,3,FGK,Gata,hourly,2026-01-05,,,\n",
];

const IDENTITIES: [&str; 2] =
    ["", "employee_number,platform,key,value,home_page\n2002,larportal,account,17,https://larportal.example.org\n"];

/// One thing that happens to the register.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Delivery { platform: &'static str, id: String, body: Value },
    Import(usize),
    Act(&'static str),
}

/// Decisions, each made once: as soon as the register knows the people, since no one could make it earlier.
/// Each with the decision that must precede it.
const ACTS: [(&str, Option<&str>); 12] = [
    ("link the ghost", None),
    ("link the spirit", None),
    ("unlink the spirit", Some("link the spirit")),
    ("dismiss", None),
    ("correct", None),
    ("make a user", None),
    ("make another user", None),
    ("deactivate the user", Some("make a user")),
    ("merge", None),
    ("merge wrongly", None),
    ("undo the merge", Some("merge wrongly")),
    ("reorganise", None),
];

fn learner() -> impl Strategy<Value = Value> {
    select(vec![
        json!({"employee_number": "1001"}),
        json!({"employee_number": "1001", "email": "eva@example.org"}),
        json!({"employee_number": "1003"}),
        json!({"employee_number": "9999", "username": "eva"}),
        json!({"email": " Info@Example.org"}),
        json!({"email": "berg@example.org"}),
        json!({"username": "anna"}),
        json!({"username": "ghost"}),
        json!({"username": "spirit"}),
        json!({"username": "cecilia"}),
        json!({"employee_number": "2002", "email": "cecilia@example.org"}),
        json!({"employee_number": "1003", "username": "eva"}),
        json!({"email": "siv.2004@example.org"}),
        json!({"account": {"home_page": "https://larportal.example.org", "name": "17"}}),
        json!({"email": "nobody@example.org"}),
    ])
}

fn instant() -> impl Strategy<Value = &'static str> {
    select(vec![
        "2025-03-15T10:00:00Z",
        "2026-01-20T10:00:00Z",
        "2026-01-20T22:59:59Z",
        "2026-01-20T23:00:00Z",
        "2026-02-10T10:00:00Z",
        "2026-02-20T10:00:00Z",
    ])
}

/// Bodies from so few values that they repeat, contradict and withdraw each other.
fn body() -> impl Strategy<Value = Value> {
    let course = || select(vec!["infosec-basics", "infosec-basics-2023", "ladders"]);
    // Reported at a time of its own, which decides what counts again after a withdrawal.
    let completion = (learner(), course(), instant(), instant()).prop_map(|(learner, course, at, reported_at)| {
        let mut body = completed(learner, course, at);
        body["timestamp"] = json!(reported_at);
        body
    });
    let attempt = (learner(), 1..=2_u32, select(vec!["9", "16", "20"]), instant())
        .prop_map(|(learner, attempt, raw, at)| graded(learner, "infosec-basics-quiz", attempt, raw, at));
    let withdrawn = prop_oneof![
        select(vec!["infosec-basics", "infosec-basics-2023"]).prop_map(|id| ("course", id)),
        Just(("quiz", "infosec-basics-quiz")),
    ];
    let revocation = (learner(), withdrawn, prop::option::weighted(0.7, 0..24_usize), instant()).prop_map(
        |(learner, (kind, target), event, at)| {
            let mut data = json!({"learner": learner, kind: {"id": target}});
            if let Some(event) = event {
                data["event_id"] = json!(format!("e-{event}"));
            }
            json!({"type": "completion.revoked", "timestamp": at, "data": data})
        },
    );
    let not_understood = Just(json!({"type": "course.completed"}));
    prop_oneof![8 => completion, 6 => attempt, 3 => revocation, 1 => not_understood]
}

/// The same steps in two orders, some of them more than once.
fn two_orders() -> impl Strategy<Value = [Vec<Step>; 2]> {
    let deliveries = prop::collection::vec((prop::bool::weighted(0.8), body()), 8..24);
    let again = || prop::collection::vec(any::<Index>(), 0..6);
    (deliveries, again(), again()).prop_flat_map(|(deliveries, again, and_again)| {
        let delivery = |(place, (from_larportal, body)): (usize, (bool, Value))| Step::Delivery {
            platform: if from_larportal { "larportal" } else { "moodle" },
            id: format!("e-{place}"),
            body,
        };
        let mut steps: Vec<Step> = deliveries.into_iter().enumerate().map(delivery).collect();
        let reported_again = steps.len() + 2;
        steps.extend([Step::Import(0), Step::Import(1)]);
        steps.extend(ACTS.map(|(act, _)| Step::Act(act)));
        let order = |again: Vec<Index>| {
            // What was undone is not done again.
            let repeated = again.iter().map(|index| steps[index.index(reported_again)].clone());
            Just([steps.clone(), repeated.collect()].concat()).prop_shuffle()
        };
        [order(again), order(and_again)]
    })
}

/// A register and the platforms that send to it.
struct Register {
    app: TestApp,
    secrets: BTreeMap<&'static str, WebhookSecret>,
    /// The decisions made, with their answers.
    done: BTreeMap<&'static str, Value>,
    waits: Vec<&'static str>,
}

impl Register {
    async fn open(database: &TestDatabase) -> Self {
        let app = TestApp::start(database).await;
        app.apply(REQUIREMENT).await;
        let secrets = [("larportal", app.platform("larportal").await), ("moodle", app.platform("moodle").await)];
        Self { app, secrets: BTreeMap::from(secrets), done: BTreeMap::new(), waits: Vec::new() }
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Delivery { platform, id, body } => {
                let answer = self.app.deliver(platform, &self.secrets[platform], id, body).await;
                assert!([200, 422].contains(&answer.status), "{answer:?}");
            }
            Step::Import(part) => {
                let files = HrFiles {
                    administrations: ADMINISTRATIONS,
                    employments: &format!("{HEADER}{}", PARTS[*part]),
                    identities: IDENTITIES[*part],
                    ..HrFiles::default()
                };
                self.app.import(files).await;
            }
            Step::Act(act) => self.waits.push(act),
        }
        loop {
            let waited = self.waits.len();
            for act in std::mem::take(&mut self.waits) {
                match self.act(act).await {
                    Some(answer) => drop(self.done.insert(act, answer)),
                    None => self.waits.push(act),
                }
            }
            if self.waits.len() == waited {
                break;
            }
        }
    }

    /// Makes a decision; `None` if it cannot be made yet.
    async fn act(&self, act: &'static str) -> Option<Value> {
        let needs = ACTS.iter().find(|(name, _)| *name == act).expect("an act").1;
        let before = match needs {
            Some(needs) => self.done.get(needs)?.clone(),
            None => Value::Null,
        };
        let link = |value: &str, employee: Option<&str>| {
            json!({"platform": "larportal", "key": "username", "value": value,
                                                               "employee_number": employee, "reason": "asked",
                                                               "from": null, "move_results": true})
        };
        let merge = |duplicate: &str| json!({"duplicate": duplicate, "reason": "hired twice"});
        let user_path = format!("/scim/v2/Users/{}", before["id"].as_str().unwrap_or_default());
        let (role, request, body) = match act {
            "link the ghost" => (Role::City, "POST /api/v1/links".to_owned(), link("ghost", Some("2001"))),
            // Links to one of two merged numbers, before or after the merge.
            "link the spirit" => (Role::City, "POST /api/v1/links".to_owned(), link("spirit", Some("2002"))),
            "unlink the spirit" => (Role::City, format!("POST /api/v1/links/{}/undo", before["id"]), json!({})),
            "dismiss" => (Role::City, "POST /api/v1/links".to_owned(), link("nobody", None)),
            // Of something that no file and no provider reports.
            "correct" => {
                let leave = json!({"act": "add", "starts_on": "2026-01-20", "ends_on": "2026-02-20"});
                let body = json!({"reason": "reported late", "absences": [leave]});
                (Role::Admin, "POST /api/v1/employees/2002/corrections".to_owned(), body)
            }
            "make a user" => (Role::Scim, "POST /scim/v2/Users".to_owned(), user("2003", "Mia", "Dahl", "SEF")),
            "make another user" => (Role::Scim, "POST /scim/v2/Users".to_owned(), user("2004", "Siv", "Sand", "FGK")),
            "deactivate the user" => {
                (Role::Scim, format!("PATCH {user_path}"), patch_of("replace", "active", json!(false)))
            }
            "merge" => (Role::Admin, "POST /api/v1/employees/1003/merge".to_owned(), merge("2002")),
            "merge wrongly" => (Role::Admin, "POST /api/v1/employees/1001/merge".to_owned(), merge("1002")),
            "undo the merge" => {
                let path = format!("POST /api/v1/merges/{}/undo", before["merge"]["id"]);
                (Role::Admin, path, json!({"reason": "two after all"}))
            }
            _ => {
                let moves = json!([{"from": "FGK", "to": "SEF", "unit": "Gata"}]);
                let body = json!({"on_day": "2026-02-15", "moves": moves, "reason": "decided"});
                (Role::Admin, "POST /api/v1/reorganisations".to_owned(), body)
            }
        };
        let token = self.app.token(role, &[]).await;
        let media_type = if role == Role::Scim { "application/scim+json" } else { "application/json" };
        let answer = self.app.ask(&request, Some(&token), &[("content-type", media_type)], Some(&body)).await;
        if [200, 201].contains(&answer.status) {
            return Some(answer.json());
        }
        // The person or the administration is not known yet.
        assert!([400, 404, 422].contains(&answer.status), "{act}: {answer:?}");
        assert!(
            self.done.len() < ACTS.len() && answer.body.contains("known") | answer.body.contains("administration"),
            "{act}: {answer:?}"
        );
        None
    }

    /// The report and the exports, without their instants.
    async fn state(&self, known_at: Option<&str>) -> (Value, Vec<String>) {
        let known_at = known_at.map(|known_at| format!("&known_at={known_at}")).unwrap_or_default();
        let path = format!("/api/v1/reports/onboarding?requirement=infosec-onboarding{known_at}");
        let mut report = self.app.get_as_city(&path).await.ok();
        report["known_at"].take();
        for platform in report["data_quality"]["platforms"].as_array_mut().expect("platforms") {
            platform["silent_since"].take();
            platform["last_result_at"].take();
        }
        let mut exports = Vec::new();
        for administration in ["SEF", "FGK"] {
            let path = format!("/api/v1/administrations/{administration}/export.csv?dialect=rfc4180{known_at}");
            exports.push(self.app.get_as_city(&path).await.body);
        }
        (report, exports)
    }

    /// The state at the end, which is the same from the facts, from the read model, and as known at this instant.
    async fn end(&self) -> (Value, Vec<String>) {
        let from_facts = self.state(None).await;
        self.app.verified_events().await;
        let derived = self.state(None).await;
        assert_eq!(from_facts, derived);
        let known_at = self.app.report("infosec-onboarding").await["known_at"].as_str().expect("an instant").to_owned();
        assert_eq!(self.state(Some(&known_at)).await, derived);
        derived
    }
}

async fn end_of(backend: Backend, steps: &[Step]) -> (Value, Vec<String>) {
    let database = TestDatabase::empty(backend).await;
    let mut register = Register::open(&database).await;
    let mut reported = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        register.take(step).await;
        // Refreshed at some times and not at others.
        if place % 11 == 3 {
            register.app.refresh().await;
        }
        if place % 7 == 5 && !register.app.get_as_city("/api/v1/administrations/FGK/export.csv").await.status.eq(&404) {
            let known_at =
                register.app.report("infosec-onboarding").await["known_at"].as_str().expect("an instant").to_owned();
            let state = register.state(None).await;
            reported.push((known_at, state));
        }
    }
    assert_eq!(register.waits, [""; 0], "every decision was made");
    let end = register.end().await;
    assert_eq!(register.app.differences().await, [""; 0]);
    for (known_at, state) in reported {
        assert_eq!(register.state(Some(&known_at)).await, state, "as known at {known_at}");
    }
    end
}

fn ends_are_the_same(backend: Backend, [one, other]: [Vec<Step>; 2]) {
    rocket::execute(async {
        assert_eq!(end_of(backend, &one).await, end_of(backend, &other).await);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 60, ..ProptestConfig::default() })]
    #[test]
    fn the_end_is_the_same_for_every_order_and_repetition_on_sqlite(orders in two_orders()) {
        ends_are_the_same(Backend::Sqlite, orders);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 20, ..ProptestConfig::default() })]
    #[test]
    fn the_end_is_the_same_for_every_order_and_repetition_on_postgres(orders in two_orders()) {
        ends_are_the_same(Backend::Postgres, orders);
    }
}
