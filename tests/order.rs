//! The end state is the same whatever the order and repetition in which deliveries, directory changes and links arrive
//! (DESIGN, "Order").

use std::collections::BTreeMap;

use kurskoll::app::Asker;
use kurskoll::app::link_identity::{LinkError, LinkRequest};
use kurskoll::domain::ids::{EmployeeNumber, PlatformCode};
use kurskoll::domain::linking::{Identity, LinkingKey};
use kurskoll::intake::webhook::signature::WebhookSecret;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::main_job::{ADMINISTRATIONS, REQUIREMENT, completed, graded};
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{Backend, TestDatabase};

const HEADER: &str = "employee_number,given_name,family_name,email,username,employment_id,administration,unit,form,\
                      starts_on,ends_on,manager_employee_number,protected\n";

/// Two parts of the directory. They share an address, one after the other; they share a username at the same time; and
/// they have an employment each of the same person, which began on the same day.
const PARTS: [&str; 2] = [
    "1001,Anna,Andersson,anna@example.org,anna,1,SEF,Måltid,permanent,2020-01-01,,,\n\
     1002,Bo,Öberg,info@example.org,bo,1,SEF,Lokalvård,permanent,2019-01-01,2026-01-31,,\n\
     1003,Cecilia,Berg,cecilia@example.org,cecilia,2,SEF,Måltid,hourly,2026-01-07,,,\n",
    "2001,David,Ek,info@example.org,anna,1,FGK,Gata,permanent,2026-02-01,,,true\n\
     2002,Eva,Falk,eva@example.org,eva,1,FGK,Gata,fixed_term,2026-01-05,,,\n\
     1003,Cecilia,Berg,berg@example.org,,1,SEF,Lokalvård,hourly,2026-01-07,,,\n\
     1003,Cecilia,Berg,,,3,FGK,Gata,hourly,2026-01-05,,,\n",
];

const IDENTITIES: [&str; 2] =
    ["", "employee_number,platform,key,value,home_page\n2002,larportal,account,17,https://larportal.example.org\n"];

/// What happens to the register.
#[derive(Debug, Clone)]
enum Step {
    Delivery { platform: &'static str, id: String, body: Value },
    Import(usize),
    Link,
}

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

/// Bodies from so small a world that they repeat, contradict and withdraw each other.
fn body() -> impl Strategy<Value = Value> {
    let course = || select(vec!["infosec-basics", "infosec-basics-2023", "ladders"]);
    let completion = (learner(), course(), instant()).prop_map(|(learner, course, at)| completed(learner, course, at));
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

/// The same things in two orders, some of them more than once.
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
        steps.extend([Step::Import(0), Step::Import(1), Step::Link]);
        let order = |again: Vec<Index>| {
            let repeated: Vec<Step> = again.iter().map(|index| index.get(&steps).clone()).collect();
            Just([steps.clone(), repeated].concat()).prop_shuffle()
        };
        [order(again), order(and_again)]
    })
}

/// A register and those who send to it.
struct Register {
    app: TestApp,
    secrets: BTreeMap<&'static str, WebhookSecret>,
    link_waits: bool,
}

impl Register {
    async fn open(database: &TestDatabase) -> Self {
        let app = TestApp::start(database).await;
        app.apply(REQUIREMENT).await;
        let secrets = [("larportal", app.platform("larportal").await), ("moodle", app.platform("moodle").await)];
        Self { app, secrets: BTreeMap::from(secrets), link_waits: false }
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
                if self.link_waits {
                    self.link().await;
                }
            }
            Step::Link => self.link().await,
        }
    }

    /// Somebody knows who the ghost is; until HR knows that employee, nobody can say so.
    async fn link(&mut self) {
        let request = LinkRequest {
            platform: PlatformCode::parse("larportal").expect("a code"),
            identity: Identity::new(LinkingKey::Username, "ghost", "").expect("an identity"),
            employee: EmployeeNumber::parse("2001").ok(),
            reason: "asked by phone".to_owned(),
        };
        let linked = self.app.app.link_identity(&Asker::operator(), &request).await;
        self.link_waits = matches!(linked, Err(LinkError::UnknownEmployee(_)));
        assert!(linked.is_ok() || self.link_waits, "{linked:?}");
    }

    /// The report and the exports, without what tells when.
    async fn state(&self, known_at: Option<&str>) -> (Value, Vec<String>) {
        let known_at = known_at.map(|known_at| format!("&known_at={known_at}")).unwrap_or_default();
        let path = format!("/api/v1/reports/onboarding?requirement=infosec-onboarding{known_at}");
        let mut report = self.app.get_as_city(&path).await.ok();
        report["known_at"].take();
        for platform in report["data_quality"]["platforms"].as_array_mut().expect("platforms") {
            platform["silent_since"].take();
        }
        let mut exports = Vec::new();
        for administration in ["SEF", "FGK"] {
            let path = format!("/api/v1/administrations/{administration}/export.csv?dialect=rfc4180{known_at}");
            exports.push(self.app.get_as_city(&path).await.body);
        }
        (report, exports)
    }

    /// The state at the end, which is the same from the facts, from the derived rows, and as known at this instant.
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
    for step in steps {
        register.take(step).await;
    }
    register.end().await
}

fn ends_are_the_same(backend: Backend, [one, other]: [Vec<Step>; 2]) {
    rocket::execute(async {
        assert_eq!(end_of(backend, &one).await, end_of(backend, &other).await);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 60, ..ProptestConfig::default() })]
    #[test]
    fn the_end_is_the_same_whatever_the_order_and_repetition_on_sqlite(orders in two_orders()) {
        ends_are_the_same(Backend::Sqlite, orders);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 20, ..ProptestConfig::default() })]
    #[test]
    fn the_end_is_the_same_whatever_the_order_and_repetition_on_postgres(orders in two_orders()) {
        ends_are_the_same(Backend::Postgres, orders);
    }
}
