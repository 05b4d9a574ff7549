//! `200` means durable: what was answered is there after a stop, and the databases are configured for it.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use kurskoll::app::Clock;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;

use crate::support::app::{Answer, TestApp, TestClock};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::sender::Senders;
use crate::support::small_city::{graded, small_city};

/// The value of a connection's setting.
async fn setting(connection: &impl ConnectionTrait, name: &str) -> String {
    let backend = connection.get_database_backend();
    let question = if backend == DbBackend::Sqlite { format!("PRAGMA {name}") } else { format!("SHOW {name}") };
    let row = connection.query_one_raw(Statement::from_string(backend, question)).await.expect("an answer");
    let row = row.expect("a row");
    // SQLite returns some of them as text and others as numbers.
    let number = || row.try_get_by_index::<i64>(0).map(|number| number.to_string());
    row.try_get_by_index::<String>(0).or_else(|_| number()).expect("a value")
}

/// An attempt at a quiz at an instant of its own.
fn attempt(place: usize) -> Vec<u8> {
    let at = format!("2026-02-01T10:{:02}:{:02}Z", place / 60, place % 60);
    graded(json!({"employee_number": "1001"}), "infosec-basics-quiz", 1, "10", &at).to_string().into_bytes()
}

fn ignored(id: &str) -> Vec<u8> {
    json!({"type": "forum.post", "id": id}).to_string().into_bytes()
}

/// A metric without labels.
async fn metric(app: &TestApp, name: &str) -> usize {
    let answer = app.get("/metrics", None).await;
    let mut figures = answer.body.lines().filter_map(|line| line.split_once(' '));
    let (_, value) = figures.find(|(figure, _)| *figure == name).expect("the figure");
    value.parse().expect("a number")
}

both_databases! {
    async fn every_connection_that_writes_waits_for_the_disk(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let store = &app.app.store;
        for _ in 0..3 {
            let change = store.change(kurskoll::store::Unscoped::Operating, app.clock.now()).await.expect("a change");
            if store.is_sqlite() {
                assert_eq!(setting(change.connection(), "synchronous").await, "2", "FULL");
                assert_eq!(setting(change.connection(), "journal_mode").await, "wal");
                assert_eq!(setting(change.connection(), "foreign_keys").await, "1");
            } else {
                assert_eq!(setting(change.connection(), "synchronous_commit").await, "on");
                assert_eq!(setting(change.connection(), "jit").await, "off", "receiving would wait for its compilation");
            }
            change.commit().await.expect("committed");
        }
        // So do those that read, in case one ever writes: several at once, each another connection.
        let mut snapshots = Vec::new();
        for _ in 0..4 {
            snapshots.push(store.snapshot(kurskoll::store::Unscoped::Operating).await.expect("a snapshot"));
        }
        for snapshot in &snapshots {
            let (name, on) = if store.is_sqlite() { ("synchronous", "2") } else { ("synchronous_commit", "on") };
            assert_eq!(setting(snapshot.connection(), name).await, on);
        }
    }

    async fn deliveries_that_arrive_while_a_commit_is_under_way_share_the_next_one(database: TestDatabase) {
        const QUEUE: usize = 100;
        // So many that some find no space, however many of them the first commit includes.
        const SENT: usize = 2 * QUEUE + 10;
        let app = TestApp::start_with(&database, TestClock::frozen(), |mut settings| {
            settings.receiving.queue_length = QUEUE;
            settings
        })
        .await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let sender = app.sender("larportal", &secret);
        // No other can write until the queue is full: the refusals show that.
        let writing = app.app.store.change(kurskoll::store::Unscoped::Operating, app.clock.now()).await.expect("a change");
        let mut under_way: FuturesUnordered<_> = (0..SENT)
            .map(|place| Answer::to(sender.delivery(&format!("e-{place}"), app.clock.now(), &attempt(place))))
            .collect();
        assert_eq!(under_way.next().await.expect("one").expect("an answer").status, 503);
        writing.roll_back().await.expect("undone");
        let answers: Vec<_> = under_way.collect().await;
        let taken =
            answers.into_iter().filter(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200)).count();
        let commits = metric(&app, "kurskoll_commit_batch_deliveries_count").await;
        assert_eq!(metric(&app, "kurskoll_commit_batch_deliveries_sum").await, taken);
        assert!(taken >= QUEUE && commits < taken / 2, "{taken} deliveries in {commits} commits");
        assert_eq!(app.stored_deliveries().await.len(), taken);
        assert_eq!(app.verified_events().await, taken as u64);
    }

    async fn a_stop_while_senders_send_loses_nothing_that_was_answered(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = app.platform("larportal").await;
        let clock = app.clock.clone();
        let report: Clock = Arc::new(move || clock.now());
        let senders = Senders::start(4, &app.sender("larportal", &secret), &report, ignored);
        senders.have_sent(100).await;
        app.stop().await;
        let answered = senders.ended().await;
        assert!(answered.len() >= 100);
        let again = TestApp::start_with(&database, app.clock.clone(), |settings| settings).await;
        let stored = again.stored_ids().await;
        assert_eq!(answered.difference(&stored).collect::<Vec<_>>(), Vec::<&String>::new());
        // At most one delivery of each sender was stored and not answered.
        assert!(stored.len() <= answered.len() + 4);
        again.verified_events().await;
    }

    async fn a_service_that_is_stopping_accepts_no_delivery(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = app.platform("larportal").await;
        app.deliver_bytes("larportal", &secret, "e-1", &ignored("e-1")).await.ok();
        app.receiving.close().await;
        let answer = app.deliver_bytes("larportal", &secret, "e-2", &ignored("e-2")).await;
        answer.refused(503);
        assert_eq!(answer.headers["retry-after"], "5");
        assert_eq!(app.get("/health/ready", None).await.status, 503);
        assert_eq!(app.stored_deliveries().await.len(), 1);
    }
}
