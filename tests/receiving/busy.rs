//! Many results of the same people at once: every reader gets an answer, and every change gets its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kurskoll::app::system_clock;
use serde_json::json;
use tokio::time::timeout;

use crate::support::app::Answer;
use crate::support::frail_postgres::holds_within;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::process::Installation;
use crate::support::sender::Sender;

const PEOPLE: usize = 20;

/// Far longer than it takes, but bounded: builds for tests are slow.
const PATIENCE: Duration = Duration::from_secs(60);

const REQUIREMENTS: &str = r#"
[[requirement]]
code = "infosec"
title_sv = "Informationssäkerhet"
title_en = "Information security"
effective_from = 2026-01-01
new_hire_days = 30
valid_months = 12
audience = { administrations = [], forms = [], units = [] }
alternatives = [[{ quiz = "quiz", pass_mark = "0.8" }]]
"#;

/// An attempt of one of a few people.
fn attempt(id: &str) -> Vec<u8> {
    let place: usize = id.rsplit('-').next().and_then(|place| place.parse().ok()).expect("a place");
    json!({"type": "quiz.graded", "timestamp": "2026-02-20T10:00:00Z", "data": {
        "learner": {"employee_number": format!("{}", 1000 + place % PEOPLE)}, "course": {"id": "course"},
        "quiz": {"id": "quiz"}, "attempt": 1 + place, "score": {"raw": "12", "max": "20"},
        "graded_at": format!("2026-02-01T{:02}:{:02}:{:02}Z", place / 3600 % 24, place / 60 % 60, place % 60)}})
    .to_string()
    .into_bytes()
}

/// Senders that continue until the service is gone, and send again after `503`, as platforms do. Counts what is accepted.
fn senders_without_a_pause(sender: &Sender) -> Arc<AtomicUsize> {
    let taken = Arc::new(AtomicUsize::new(0));
    for number in 0..8 {
        let (sender, taken) = (sender.clone(), Arc::clone(&taken));
        tokio::spawn(async move {
            let mut place = 0;
            loop {
                let id = format!("e-{number}-{place}");
                let sent = sender.delivery(&id, system_clock()(), &attempt(&id));
                let Ok(answer) = Answer::to(sent).await else { return };
                if answer.status != 503 {
                    answer.ok();
                    place += 1;
                    taken.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
    }
    taken
}

both_databases! {
    async fn everything_makes_progress_while_results_of_few_people_arrive_without_a_pause(database: TestDatabase) {
        let installation = Installation::new(&database.url);
        let employments: String = (0..PEOPLE).fold(
            "employee_number,given_name,family_name,email,username,employment_id,administration,unit,form,starts_on,ends_on,manager_employee_number,protected\n".to_owned(),
            |rows, person| format!("{rows}{n},Ada,Alm,,,{n}-1,SEF,,permanent,2026-01-01,,,\n", n = 1000 + person),
        );
        installation.write("administrations.csv", "code,name,board\nSEF,Serviceförvaltningen,Servicenämnden\n");
        installation.write("employments.csv", &employments);
        installation.write("more.csv", &format!("{employments}2000,Bo,Berg,,,2000-1,SEF,,permanent,2026-02-01,,,\n"));
        installation.write("requirements.toml", REQUIREMENTS);
        installation.run(&["requirements", "apply", "requirements.toml"]).await;
        let import = ["directory", "import", "--administrations", "administrations.csv", "--employments"];
        installation.run(&[&import[..], &["employments.csv", "--full"]].concat()).await;
        let secret = installation.platform("larportal").await;
        let token = async |role: &str| installation.run(&["token", "issue", "--role", role]).await.trim().to_owned();
        let (city, scim) = (token("city").await, token("scim").await);
        let serving = installation.serve().await;
        let sender = Sender::new(&serving.address, "larportal", secret.clone());
        let taken = senders_without_a_pause(&sender);
        let taken = || taken.load(Ordering::SeqCst);
        holds_within(PATIENCE, async || taken() > 200).await;

        let in_time = async |arguments: &[&str]| {
            let ran = timeout(PATIENCE, installation.run(arguments)).await;
            ran.unwrap_or_else(|_| panic!("{arguments:?} has waited for {PATIENCE:?}"))
        };
        let report = in_time(&["report", "--requirement", "infosec", "--format", "json"]).await;
        assert!(report.contains(r#""in_scope""#), "{report}");
        in_time(&[&import[..], &["more.csv", "--partial"]].concat()).await;
        in_time(&["verify"]).await;
        in_time(&["requirements", "apply", "requirements.toml"]).await;
        let client = reqwest::Client::new();
        let url = |path: &str| format!("{}{path}", serving.address);
        for request in [
            client.get(url("/api/v1/reports/onboarding?requirement=infosec")).bearer_auth(&city),
            client.get(url("/api/v1/administrations/SEF/export.csv")).bearer_auth(&city),
            client.get(url("/scim/v2/Users?count=1")).bearer_auth(&scim),
        ] {
            let answer = timeout(PATIENCE, Answer::to(request)).await.expect("in time").expect("an answer");
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        let meanwhile = taken();
        holds_within(PATIENCE, async || taken() > meanwhile).await;
        serving.kill().await;
        installation.run(&["verify"]).await;
    }
}
