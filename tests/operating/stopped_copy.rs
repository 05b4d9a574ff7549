//! A copy of the service that stops in the middle of a change blocks the others only briefly, and notices when it continues.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use kurskoll::app::system_clock;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use serde_json::json;

use crate::support::app::Answer;
use crate::support::frail_postgres::holds_within;
use crate::support::postgres::{Backend, TestDatabase};
use crate::support::process::{Installation, Serving};
use crate::support::sender::Sender;

/// Five seconds are promised, and each answer within three; a machine that runs many tests at once may take two more.
const OTHERS_GO_ON_WITHIN: Duration = Duration::from_secs(7);
const IN_TIME: Duration = Duration::from_secs(5);

/// Two copies on one database, with the credentials to read from them and send to them.
struct Copies {
    installation: Installation,
    stopped: Serving,
    other: Serving,
    sender: Sender,
    token: String,
    database: DatabaseConnection,
}

impl Copies {
    async fn on(database: &TestDatabase) -> Self {
        let installation = Installation::new(&database.url);
        let secret = installation.platform("larportal").await;
        let token = installation.run(&["token", "issue", "--role", "city"]).await.trim().to_owned();
        let (stopped, other) = (installation.serve().await, installation.serve().await);
        let sender = Sender::new(&other.address, "larportal", secret);
        let mut options = ConnectOptions::new(&database.url);
        options.max_connections(1).sqlx_logging(false);
        options.map_sqlx_sqlite_opts(|options| options.busy_timeout(Duration::ZERO));
        let database = Database::connect(options).await.expect("opened");
        Self { installation, stopped, other, sender, token, database }
    }

    async fn delivers(&self, id: &str) -> Answer {
        let body = json!({"type": "forum.post", "id": id}).to_string();
        Answer::to(self.sender.delivery(id, system_clock()(), body.as_bytes())).await.expect("an answer")
    }

    /// Whether another transaction holds the clock, which every change needs.
    async fn is_clock_locked(&self) -> bool {
        if self.database.get_database_backend() == DbBackend::Sqlite {
            let locked = self.database.execute_unprepared("BEGIN IMMEDIATE").await;
            if locked.is_ok() {
                self.database.execute_unprepared("ROLLBACK").await.expect("undone");
            }
            return locked.is_err();
        }
        let sql = "SELECT 1 FROM transaction_clock FOR UPDATE NOWAIT";
        self.database.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.is_err()
    }

    /// Stops the one copy at a moment when it holds the clock: tries until it does.
    async fn stop_while_it_holds_the_clock(&self) {
        let going = Arc::new(AtomicBool::new(true));
        let reading = (0..4).map(|_| {
            let client = reqwest::Client::new();
            let (address, token) = (format!("{}/api/v1/unlinked", self.stopped.address), self.token.clone());
            let going = Arc::clone(&going);
            tokio::spawn(async move {
                while going.load(Ordering::SeqCst) {
                    // The answer does not matter, nor whether there is one.
                    drop(client.get(&address).bearer_auth(&token).send().await);
                }
            })
        });
        let reading: Vec<_> = reading.collect();
        for tries in 1.. {
            self.stopped.signal("STOP").await;
            // A statement that was under way at the server has ended by the second check.
            if self.is_clock_locked().await && self.is_clock_locked().await {
                tokio::time::sleep(Duration::from_millis(50)).await;
                if self.is_clock_locked().await {
                    break;
                }
            }
            self.stopped.signal("CONT").await;
            assert!(tries < 1000, "it never held the clock when it was stopped");
            tokio::time::sleep(Duration::from_millis(tries % 7)).await;
        }
        going.store(false, Ordering::SeqCst);
        reading.iter().for_each(tokio::task::JoinHandle::abort);
    }

    async fn end(self, ids: &[String]) {
        self.stopped.signal("CONT").await;
        // The thawed copy works, and everything that was answered is stored exactly once.
        let ready = async || {
            let answer = Answer::to(reqwest::Client::new().get(format!("{}/health/ready", self.stopped.address))).await;
            answer.is_ok_and(|answer| answer.status == 200)
        };
        holds_within(IN_TIME, ready).await;
        let report = reqwest::Client::new().get(format!("{}/api/v1/unlinked", self.stopped.address));
        Answer::to(report.bearer_auth(&self.token)).await.expect("an answer").ok();
        let again = join_all(ids.iter().map(|id| self.delivers(id))).await;
        let outcomes: BTreeSet<String> = again.iter().map(|answer| answer.ok()["outcome"].to_string()).collect();
        assert_eq!(outcomes, BTreeSet::from([r#""duplicate""#.to_owned()]));
        self.installation.run(&["verify"]).await;
        self.stopped.kill().await;
        self.other.kill().await;
    }
}

#[rocket::async_test]
async fn the_other_copy_continues_within_five_seconds_on_postgresql() {
    let database = TestDatabase::empty(Backend::Postgres).await;
    let copies = Copies::on(&database).await;
    assert_eq!(copies.delivers("before").await.status, 200);
    copies.stop_while_it_holds_the_clock().await;
    let started = Instant::now();
    for place in 0.. {
        let sent = Instant::now();
        let answer = copies.delivers(&format!("meanwhile-{place}")).await;
        assert!(sent.elapsed() < IN_TIME, "{:?}", sent.elapsed());
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.status, 503);
        assert!(started.elapsed() < OTHERS_GO_ON_WITHIN, "{:?}", started.elapsed());
    }
    assert!(started.elapsed() < OTHERS_GO_ON_WITHIN, "{:?}", started.elapsed());
    assert_eq!(copies.delivers("after").await.status, 200);
    copies.end(&["before".to_owned(), "after".to_owned()]).await;
}

#[rocket::async_test]
async fn on_sqlite_the_others_say_who_blocks_them_and_continue_as_soon_as_it_does() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let copies = Copies::on(&database).await;
    assert_eq!(copies.delivers("before").await.status, 200);
    copies.stop_while_it_holds_the_clock().await;
    let sent = Instant::now();
    let (answer, ready) = tokio::join!(
        copies.delivers("meanwhile"),
        Answer::to(reqwest::Client::new().get(format!("{}/health/ready", copies.other.address)))
    );
    assert_eq!(answer.status, 503);
    assert!(sent.elapsed() < IN_TIME, "{:?}", sent.elapsed());
    let (ready, named) = (ready.expect("an answer"), format!("process {}, kurskoll serve", copies.stopped.id()));
    assert!(ready.status == 503 && ready.body.contains(&named), "{named} is not in {}", ready.body);
    copies.stopped.signal("CONT").await;
    holds_within(Duration::from_secs(3), async || copies.delivers("after").await.status == 200).await;
    copies.end(&["before".to_owned(), "after".to_owned()]).await;
}
