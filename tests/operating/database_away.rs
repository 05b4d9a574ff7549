//! A database that is away: every answer is in time and says so, nothing is promised, and the service recovers by itself.

use std::time::{Duration, Instant};

use kurskoll::app::system_clock;
use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use serde_json::{Value, json};

use crate::support::app::Answer;
use crate::support::frail_postgres::{FrailPostgres, holds_within};
use crate::support::postgres::{Backend, TestDatabase};
use crate::support::process::{Installation, Serving};
use crate::support::sender::Sender;

/// Three seconds are promised, two for `/health/ready`, and one until the service works again. A machine that runs many tests
/// at once may take two more. Platforms give up after five.
const SLACK: Duration = Duration::from_secs(2);
const IN_TIME: Duration = Duration::from_secs(3).saturating_add(SLACK);
const READY_IN_TIME: Duration = Duration::from_secs(2).saturating_add(SLACK);
const BACK_WITHIN: Duration = Duration::from_secs(1).saturating_add(SLACK);

/// A running service, with a client for each of its endpoints.
struct Services {
    serving: Serving,
    sender: Sender,
    client: reqwest::Client,
    city: String,
    scim: String,
    lrs: (String, String),
}

impl Services {
    async fn of(installation: &Installation) -> Self {
        let secret = installation.platform("larportal").await;
        let lrs = installation.run(&["platform", "add", "lrs", "--adapter", "xapi"]).await;
        let (key, password) = lrs.lines().last().and_then(|line| line.split_once(':')).expect("a key and its secret");
        let token = async |role: &str| {
            let printed = installation.run(&["token", "issue", "--role", role]).await;
            printed.trim().to_owned()
        };
        let (city, scim) = (token("city").await, token("scim").await);
        let serving = installation.serve().await;
        let sender = Sender::new(&serving.address, "larportal", secret);
        let lrs = (key.to_owned(), password.to_owned());
        Self { serving, sender, client: reqwest::Client::new(), city, scim, lrs }
    }

    async fn delivers(&self, id: &str) -> Answer {
        let body = json!({"type": "forum.post", "id": id}).to_string();
        Answer::to(self.sender.delivery(id, system_clock()(), body.as_bytes())).await.expect("an answer")
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.serving.address))
    }

    async fn ready(&self) -> Answer {
        Answer::to(self.get("/health/ready")).await.expect("an answer")
    }

    async fn is_ready(&self) -> bool {
        self.ready().await.status == 200
    }

    /// The answer of each endpoint, all requested at once, with the time that it took.
    async fn all_answer(&self, id: &str) -> Vec<(&'static str, Answer, Duration)> {
        let body = json!({"type": "forum.post", "id": id}).to_string();
        let statement = json!({"actor": {"mbox": "mailto:a@example.org"}, "verb": {"id": "http://example.org/v"},
            "object": {"id": "http://example.org/a"}});
        let xapi = |path: &str| format!("{}/xapi/{path}", self.serving.address);
        let (key, secret) = (&self.lrs.0, Some(&self.lrs.1));
        let requested = [
            ("webhook", self.sender.delivery(id, system_clock()(), body.as_bytes())),
            ("report", self.get("/api/v1/reports/onboarding?requirement=r").bearer_auth(&self.city)),
            ("queue", self.get("/api/v1/unlinked").bearer_auth(&self.city)),
            ("scim list", self.get("/scim/v2/Users").bearer_auth(&self.scim)),
            (
                "scim create",
                self.client
                    .post(format!("{}/scim/v2/Users", self.serving.address))
                    .bearer_auth(&self.scim)
                    .header("content-type", "application/scim+json")
                    .body(
                        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": id}).to_string(),
                    ),
            ),
            (
                "xapi store",
                self.client
                    .post(xapi("statements"))
                    .basic_auth(key, secret)
                    .header("x-experience-api-version", "1.0.3")
                    .header("content-type", "application/json")
                    .body(statement.to_string()),
            ),
            (
                "xapi find",
                self.client.get(xapi("statements")).basic_auth(key, secret).header("x-experience-api-version", "1.0.3"),
            ),
        ];
        let answers = requested.map(|(endpoint, request)| async move {
            let started = Instant::now();
            let answer = Answer::to(request).await.expect("an answer");
            (endpoint, answer, started.elapsed())
        });
        futures::future::join_all(answers).await
    }

    /// Every endpoint says that the register is unavailable, in time and in its own envelope; `/health/ready` says why.
    async fn says_that_it_is_unavailable(&self, id: &str, because: &str) {
        let started = Instant::now();
        let (answers, ready) = tokio::join!(self.all_answer(id), async {
            // The result of a check is reused for half a second.
            holds_within(READY_IN_TIME, async || self.ready().await.status == 503).await;
            (self.ready().await, started.elapsed())
        });
        for (endpoint, answer, took) in answers {
            // A read without an entry in the audit trail needs no write.
            if endpoint == "xapi find" && because == "is read-only" {
                assert!(answer.status == 200 && took < IN_TIME, "{took:?} {}", answer.body);
                continue;
            }
            assert_eq!(answer.status, 503, "{endpoint}: {}", answer.body);
            assert!(took < IN_TIME, "{endpoint} after {took:?}");
            assert!(answer.headers.contains_key("retry-after"), "{endpoint}: {:?}", answer.headers);
            let envelope =
                if endpoint.starts_with("scim") { "application/scim+json" } else { "application/problem+json" };
            assert_eq!(answer.headers["content-type"], envelope, "{endpoint}");
        }
        let (ready, took) = ready;
        assert_eq!(ready.status, 503, "{}", ready.body);
        assert!(took < READY_IN_TIME * 2, "ready after {took:?}");
        assert!(ready.body.contains(because), "{because:?} is not in {}", ready.body);
        // What needs no database answers as before.
        for path in ["/health/live", "/metrics"] {
            assert_eq!(Answer::to(self.get(path)).await.expect("an answer").status, 200, "{path}");
        }
        // Once the fault is known, no request waits.
        let started = Instant::now();
        assert_eq!(self.delivers(id).await.status, 503);
        assert!(started.elapsed() < IN_TIME, "again after {:?}", started.elapsed());
    }

    /// It is ready within a second, and accepts what could not be stored before.
    async fn is_back(&self, id: &str) {
        holds_within(BACK_WITHIN, async || self.is_ready().await).await;
        let answer = self.delivers(id).await;
        // Stored now, or already stored when the answer was lost.
        let outcome = answer.ok()["outcome"].clone();
        assert!(outcome == "ignored" || outcome == "duplicate", "{outcome}");
        for (endpoint, answer, _) in self.all_answer(&format!("{id}-more")).await {
            assert!(answer.status < 500, "{endpoint}: {}", answer.body);
        }
    }
}

#[rocket::async_test]
async fn a_frozen_stopped_or_read_only_postgresql_server_is_reported_in_time() {
    let server = FrailPostgres::start("");
    let installation = Installation::new(&server.url());
    let services = Services::of(&installation).await;
    assert_eq!(services.delivers("first").await.status, 200);
    assert!(services.is_ready().await);

    server.freeze();
    services.says_that_it_is_unavailable("frozen", "does not answer").await;
    server.thaw();
    services.is_back("frozen").await;

    server.crash();
    services.says_that_it_is_unavailable("gone", "refuses connections").await;
    server.start_again();
    services.is_back("gone").await;

    let connection = server.connections(1).await;
    let set_read_only = async |on: &str| {
        let set = format!("ALTER SYSTEM SET default_transaction_read_only = {on}");
        for sql in ["SET default_transaction_read_only = off", &set, "SELECT pg_reload_conf()"] {
            connection.execute_unprepared(sql).await.expect("the server does it");
        }
    };
    set_read_only("on").await;
    holds_within(IN_TIME, async || !services.is_ready().await).await;
    services.says_that_it_is_unavailable("read-only", "is read-only").await;
    set_read_only("off").await;
    services.is_back("read-only").await;

    connection.close().await.expect("closed");
    installation.run(&["verify"]).await;
    services.serving.kill().await;
}

#[rocket::async_test]
async fn a_report_that_takes_longer_than_the_bound_is_not_cut_off_while_the_database_answers() {
    let server = FrailPostgres::start("");
    let installation = Installation::new(&server.url());
    let services = Services::of(&installation).await;
    // The audit entry takes longer than any bound, as the read of a large city may.
    let connection = server.connections(1).await;
    for sql in [
        "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(4); RETURN NEW; END'",
        "CREATE TRIGGER slowly BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION slowly()",
    ] {
        connection.execute_unprepared(sql).await.expect("the server does it");
    }
    let started = Instant::now();
    let report = services.get("/api/v1/reports/onboarding?requirement=r").bearer_auth(&services.city);
    let answer = Answer::to(report).await.expect("an answer");
    assert_eq!(answer.status, 404, "{}", answer.body);
    assert!(started.elapsed() >= Duration::from_secs(4));
    connection.close().await.expect("closed");
    services.serving.kill().await;
}

#[rocket::async_test]
async fn a_command_reports_at_once_which_server_it_cannot_reach_and_why() {
    let server = FrailPostgres::start("-c max_connections=6 -c superuser_reserved_connections=1");
    let url = server.url().replace("postgres@", "postgres:s3cret@");
    let installation = Installation::new(&url);
    installation.run(&["migrate"]).await;
    let place = url.split('@').nth(1).expect("a host").replace("/postgres", "");
    let named = format!("kurskoll: the PostgreSQL database postgres at {place} ");
    let fails = async |installation: &Installation, because: &str| {
        for command in [&["serve"][..], &["report", "--requirement", "r"], &["verify"], &["platform", "list"]] {
            let started = Instant::now();
            let reported = installation.fails(command).await;
            assert!(started.elapsed() < IN_TIME, "{command:?} after {:?}", started.elapsed());
            assert!(reported.contains(because), "{command:?}: {reported}");
            assert_eq!(reported.trim_end().lines().count(), 1, "{reported}");
            assert!(!reported.contains("s3cret") && !reported.contains("pool timed out"), "{reported}");
        }
    };
    let mut full = Vec::new();
    while let Ok(connection) = Database::connect(ConnectOptions::new(server.url()).max_connections(1).to_owned()).await
    {
        full.push(connection);
        assert!(full.len() < 10);
    }
    fails(&installation, &format!("{named}accepts no more connections")).await;
    drop(full);
    server.freeze();
    fails(&installation, &format!("{named}does not answer")).await;
    server.thaw();
    let other = Installation::new(&url.replace("/postgres", "/nowhere"));
    fails(&other, "the PostgreSQL database nowhere at").await;
    server.crash();
    fails(&installation, &format!("{named}refuses connections")).await;
}

#[rocket::async_test]
async fn a_sqlite_file_that_another_process_locks_is_reported_in_time() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let installation = Installation::new(&database.url);
    let services = Services::of(&installation).await;
    assert_eq!(services.delivers("first").await.status, 200);
    let other =
        Database::connect(ConnectOptions::new(&database.url).max_connections(1).to_owned()).await.expect("opened");
    other.execute_unprepared("BEGIN IMMEDIATE").await.expect("locked");
    let started = Instant::now();
    let ready = services.ready().await;
    assert_eq!(ready.status, 503);
    assert!(started.elapsed() < READY_IN_TIME, "{:?}", started.elapsed());
    assert!(ready.body.contains("is locked by another writer"), "{}", ready.body);
    // Several at once, and one after another: none waits for the others' turns as well.
    let started = Instant::now();
    let ids = ["a", "b", "c", "d", "e"];
    let answers = futures::future::join_all(ids.map(|id| services.delivers(id))).await;
    assert!(answers.iter().all(|answer| answer.status == 503 && answer.headers.contains_key("retry-after")));
    assert!(started.elapsed() < IN_TIME, "{:?}", started.elapsed());
    let started = Instant::now();
    for (endpoint, answer, took) in services.all_answer("locked").await {
        // A read without a write may be answered; no request waits long.
        assert!(answer.status == 503 || endpoint.starts_with("xapi find"), "{endpoint}: {}", answer.body);
        assert!(took < IN_TIME, "{endpoint} after {took:?}");
    }
    assert!(started.elapsed() < IN_TIME);
    other.execute_unprepared("ROLLBACK").await.expect("released");
    services.is_back("locked").await;
    services.serving.kill().await;
}

#[rocket::async_test]
async fn a_sqlite_folder_that_is_moved_away_is_reported_and_works_again_when_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (stored, elsewhere) = (folder.path().join("stored"), folder.path().join("elsewhere"));
    std::fs::create_dir(&stored).expect("made");
    let installation = Installation::new(&format!("sqlite:{}", stored.join("kurskoll.db").display()));
    let services = Services::of(&installation).await;
    assert_eq!(services.delivers("first").await.status, 200);
    std::fs::rename(&stored, &elsewhere).expect("moved");
    let (answer, ready) = (services.delivers("gone").await, services.ready().await);
    assert_eq!((answer.status, ready.status), (503, 503), "{} {}", answer.body, ready.body);
    assert!(ready.body.contains("was moved, deleted or replaced"), "{}", ready.body);
    std::fs::rename(&elsewhere, &stored).expect("moved back");
    services.is_back("gone").await;
    services.serving.kill().await;
}

#[rocket::async_test]
async fn a_sqlite_file_that_becomes_read_only_is_reported_and_written_again_when_it_is_writable() {
    let installation = Installation::new("sqlite:kurskoll.db").bound_by_modes();
    let services = Services::of(&installation).await;
    assert_eq!(services.delivers("first").await.status, 200);
    let file = installation.folder().join("kurskoll.db");
    let files = ["", "-wal", "-shm"].map(|suffix| installation.folder().join(format!("kurskoll.db{suffix}")));
    let may_write = |may: bool| files.iter().for_each(|file| installation.may_write(file, may));
    let url = format!("sqlite:{}", file.display());
    let other = Database::connect(ConnectOptions::new(url).max_connections(1).to_owned()).await.expect("opened");
    other.execute_unprepared("BEGIN IMMEDIATE").await.expect("locked");
    may_write(false);
    // An open connection stays read-only: one that could not write is closed, and a new one is opened.
    assert_eq!(services.delivers("locked").await.status, 503);
    other.execute_unprepared("ROLLBACK").await.expect("released");
    other.close().await.expect("closed");
    holds_within(READY_IN_TIME, async || services.ready().await.body.contains("kurskoll.db is read-only")).await;
    let refused = services.delivers("read-only").await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.headers.contains_key("retry-after"));
    may_write(true);
    services.is_back("read-only").await;
    // The same if the file is read-only from the start.
    let Services { serving, sender, client, city, scim, lrs } = services;
    serving.kill().await;
    may_write(false);
    let serving = installation.serve().await;
    let sender = sender.at(&serving.address, "larportal");
    let services = Services { serving, sender, client, city, scim, lrs };
    holds_within(READY_IN_TIME, async || services.ready().await.body.contains("kurskoll.db is read-only")).await;
    assert_eq!(services.delivers("from the start").await.status, 503);
    may_write(true);
    services.is_back("from the start").await;
    services.serving.kill().await;
    installation.run(&["verify"]).await;
}

/// Which checks failed.
fn failed(ready: &Answer) -> Vec<String> {
    let checks = ready.json()["checks"].as_array().cloned().unwrap_or_default();
    let failed = checks.into_iter().filter(|check| check["passed"] == Value::Bool(false));
    failed.map(|check| check["name"].as_str().expect("a name").to_owned()).collect()
}

#[rocket::async_test]
async fn ready_says_which_check_failed() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let installation = Installation::new(&database.url);
    let services = Services::of(&installation).await;
    let ready = services.ready().await;
    assert_eq!((ready.status, failed(&ready)), (200, vec![]));
    let other =
        Database::connect(ConnectOptions::new(&database.url).max_connections(1).to_owned()).await.expect("opened");
    other.execute_unprepared("BEGIN IMMEDIATE").await.expect("locked");
    holds_within(READY_IN_TIME, async || !services.is_ready().await).await;
    assert_eq!(failed(&services.ready().await), ["writing", "migrations"]);
    services.serving.kill().await;
}
