//! Machines whose clocks are wrong: the service notices, and stores nothing wrong because of it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kurskoll::app::system_clock;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, Statement};
use serde_json::{Value, json};

use crate::support::app::Answer;
use crate::support::frail_postgres::holds_within;
use crate::support::postgres::{Backend, TestDatabase};
use crate::support::process::{Installation, Serving};
use crate::support::sender::Sender;

/// A library that gives a process another time of day than the machine's.
fn other_time() -> &'static PathBuf {
    const SOURCE: &str = r#"
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdlib.h>
        #include <time.h>
        int clock_gettime(clockid_t clock, struct timespec *at) {
            static int (*real)(clockid_t, struct timespec *);
            if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
            int answer = real(clock, at);
            const char *ahead = getenv("SECONDS_AHEAD");
            if (clock == CLOCK_REALTIME && ahead) at->tv_sec += atol(ahead);
            return answer;
        }"#;
    static LIBRARY: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = LIBRARY.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (source, library) = (folder.path().join("other_time.c"), folder.path().join("other_time.so"));
        std::fs::write(&source, SOURCE).expect("written");
        let made = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl").status();
        assert!(made.expect("a C compiler, as Rust needs one to link").success());
        (folder, library)
    });
    library
}

const A_DAY: i64 = 86_400;

fn ahead(seconds: i64) -> [(&'static str, String); 2] {
    [("LD_PRELOAD", other_time().display().to_string()), ("SECONDS_AHEAD", seconds.to_string())]
}

fn ignored(id: &str) -> Vec<u8> {
    json!({"type": "forum.post", "id": id}).to_string().into_bytes()
}

async fn delivers(sender: &Sender, id: &str) -> Answer {
    Answer::to(sender.delivery(id, system_clock()(), &ignored(id))).await.expect("an answer")
}

async fn ready(serving: &Serving) -> Answer {
    Answer::to(reqwest::Client::new().get(format!("{}/health/ready", serving.address))).await.expect("an answer")
}

/// The warnings of a service that is ready.
async fn warnings(serving: &Serving) -> Vec<(String, String)> {
    let warnings = ready(serving).await.ok()["warnings"].clone();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    warnings
        .as_array()
        .expect("a list")
        .iter()
        .map(|warning| (text(&warning["name"]), text(&warning["detail"])))
        .collect()
}

async fn metric(serving: &Serving, name: &str) -> f64 {
    let metrics =
        Answer::to(reqwest::Client::new().get(format!("{}/metrics", serving.address))).await.expect("an answer");
    let line = metrics.body.lines().find_map(|line| line.strip_prefix(name)).expect("the figure");
    line.trim().parse().expect("a number")
}

/// The newest transaction time.
async fn known_through(url: &str) -> DateTime<Utc> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let database = Database::connect(options).await.expect("opened");
    let sql = Statement::from_string(database.get_database_backend(), "SELECT at FROM transaction_clock");
    let row = database.query_one_raw(sql).await.expect("an answer").expect("a row");
    let at: i64 = row.try_get("", "at").expect("an instant");
    database.close().await.expect("closed");
    DateTime::from_timestamp_micros(at).expect("an instant")
}

#[rocket::async_test]
async fn a_machine_a_day_off_uses_the_servers_clock_on_postgresql() {
    for off in [A_DAY, -A_DAY] {
        let database = TestDatabase::empty(Backend::Postgres).await;
        let wrong = Installation::new(&database.url).with_variables(&ahead(off));
        let secret = wrong.platform("larportal").await;
        let serving = wrong.serve().await;
        let sender = Sender::new(&serving.address, "larportal", secret);
        // Signed now, and the server's time is now, too.
        assert_eq!(delivers(&sender, "e-1").await.status, 200);
        let stands = known_through(&database.url).await;
        assert!((stands - system_clock()()).abs() < TimeDelta::seconds(60), "{stands}");
        holds_within(Duration::from_secs(10), async || !warnings(&serving).await.is_empty()).await;
        let warned = warnings(&serving).await;
        assert_eq!(warned[0].0, "clock-of-server", "{warned:?}");
        let side = if off > 0 { "ahead of" } else { "behind" };
        assert!(warned[0].1.contains(side) && warned[0].1.contains(" 86"), "{warned:?}");
        holds_within(Duration::from_secs(10), async || metric(&serving, "kurskoll_clock_warnings").await >= 1.0).await;
        assert!((metric(&serving, "kurskoll_clock_ahead_of_database_seconds").await - off as f64).abs() < 60.0);
        serving.kill().await;
    }
}

#[rocket::async_test]
async fn on_sqlite_the_signatures_of_several_platforms_show_that_the_clock_is_wrong() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let right = Installation::new(&database.url);
    let secrets = [("larportal", right.platform("larportal").await), ("kurser", right.platform("kurser").await)];
    let wrong = Installation::new(&database.url).with_variables(&ahead(A_DAY));
    let serving = wrong.serve().await;
    for (code, secret) in &secrets {
        let sender = Sender::new(&serving.address, code, secret.clone());
        let answer = delivers(&sender, "e-1").await;
        assert!(answer.problem(401).contains("signed 86"), "{}", answer.body);
        assert_eq!(
            metric(&serving, &format!("kurskoll_deliveries_refused_for_time_total{{platform=\"{code}\"}}")).await,
            1.0
        );
        // A signature that is not the platform's own says nothing about the time.
        let stranger = Sender::new(&serving.address, code, right.platform(&format!("other-{code}")).await);
        assert_eq!(delivers(&stranger, "e-2").await.status, 401);
        assert_eq!(
            metric(&serving, &format!("kurskoll_deliveries_refused_for_time_total{{platform=\"{code}\"}}")).await,
            1.0
        );
    }
    let warned = warnings(&serving).await;
    assert_eq!(warned[0].0, "clock-of-ours", "{warned:?}");
    assert!(warned[0].1.contains("all 2 platforms") && warned[0].1.contains("s ahead of theirs"), "{warned:?}");
    serving.kill().await;
}

#[rocket::async_test]
async fn a_clock_that_was_set_back_is_noticed_and_the_register_continues() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let wrong = Installation::new(&database.url).with_variables(&ahead(A_DAY));
    wrong.platform("larportal").await;
    let right = Installation::new(&database.url);
    let secret = right.platform("kurser").await;
    let stood = known_through(&database.url).await;
    let serving = right.serve().await;
    let sender = Sender::new(&serving.address, "kurser", secret);
    assert_eq!(delivers(&sender, "e-1").await.status, 200);
    holds_within(Duration::from_secs(10), async || !warnings(&serving).await.is_empty()).await;
    let warned = warnings(&serving).await;
    assert_eq!(warned[0].0, "clock-set-back", "{warned:?}");
    // New records get the instants that follow the newest one, and not ones that are another day ahead.
    let stands = known_through(&database.url).await;
    assert!(stands > stood && stands - stood < TimeDelta::seconds(60), "{stood} {stands}");
    serving.kill().await;
    right.run(&["verify"]).await;
}
