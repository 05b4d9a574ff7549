//! A PostgreSQL server that fails, and a network path to it that fails.

use std::time::Duration;

use super::trial::Trial;
use super::tries_all;
use crate::support::faults::{EIO, ENOSPC, Fault, Faults, SYNC, WRITE};
use crate::support::own_postgres::OwnPostgres;
use crate::support::postgres::{Backend, TestDatabase, run_on_server};
use crate::support::proxy::{Lost, Proxy};

/// The URL of a database through a proxy.
fn url_by(proxy: &Proxy, url: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a scheme");
    let (user, rest) = rest.split_once('@').unwrap_or(("postgres", rest));
    let (_, rest) = rest.split_once('/').expect("a database");
    format!("{scheme}://{user}@{}/{rest}", proxy.address)
}

fn address_of(url: &str) -> String {
    let (_, rest) = url.split_once("://").expect("a scheme");
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    rest.split('/').next().expect("an address").to_owned()
}

async fn untouched() -> (TestDatabase, Trial) {
    let database = TestDatabase::empty(Backend::Postgres).await;
    let trial = Trial::prepare(&database.url);
    (database, trial)
}

#[rocket::async_test]
async fn an_answered_delivery_is_stored_whichever_message_is_lost() {
    let database = TestDatabase::empty(Backend::Postgres).await;
    let proxy = Proxy::to(&address_of(&database.url)).await;
    let mut trial = Trial::prepare(&database.url);
    trial.serve_with(&[("ROCKET_DATABASE_URL", url_by(&proxy, &database.url))]).await;
    let connection = trial.connect().await;
    trial.send_new().await;
    let last = if tries_all() { 60 } else { 14 };
    for which in [Lost::Request, Lost::Answer] {
        for number in 1..=last {
            let after = format!("{which:?} {number} lost");
            let before = proxy.cuts();
            proxy.lose(which, number);
            for _ in 0..20 {
                trial.send_new().await;
                if proxy.cuts() > before {
                    break;
                }
            }
            proxy.lose(which, 0);
            assert!(proxy.cuts() > before, "nothing was lost");
            trial.recover(&after).await;
            trial.assert_stored(&connection, &after).await;
        }
    }
    connection.close().await.expect("closed");
    let (_database, untouched) = untouched().await;
    trial.assert_whole(untouched, "every message").await;
}

#[rocket::async_test]
async fn an_answered_delivery_is_stored_when_the_server_is_stopped_hangs_or_crashes() {
    let server = OwnPostgres::start();
    let mut trial = Trial::prepare(&server.url);
    trial.serve_with(&[]).await;
    trial.send_new().await;
    for round in 0..if tries_all() { 8 } else { 2 } {
        // Stopped while deliveries are under way, and started again.
        {
            let sending = trial.send_new();
            let crashing = async { server.let_happen("crash") };
            tokio::join!(sending, crashing);
        }
        trial.send_new().await;
        server.let_happen("again");
        trial.recover(&format!("crash {round}")).await;
        // Frozen with deliveries under way: they may wait, and the first answer after the thaw ends the wait.
        server.let_happen("freeze");
        drop(tokio::time::timeout(Duration::from_millis(300), trial.send_new()).await);
        server.let_happen("thaw");
        trial.recover(&format!("freeze {round}")).await;
        let connection = trial.connect().await;
        trial.assert_stored(&connection, &format!("round {round}")).await;
        connection.close().await.expect("closed");
    }
    let (_database, untouched) = untouched().await;
    trial.assert_whole(untouched, "crashes").await;
}

#[rocket::async_test]
async fn an_answered_delivery_is_stored_when_a_standby_takes_over() {
    let primary = OwnPostgres::start();
    let mut trial = Trial::prepare(&primary.url);
    let standby = primary.standby();
    run_on_server(&primary.url, &["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"])
        .await
        .expect("set");
    let proxy = Proxy::to(&primary.address()).await;
    trial.serve_with(&[("ROCKET_DATABASE_URL", url_by(&proxy, &primary.url))]).await;
    for _ in 0..10 {
        trial.send_new().await;
    }
    {
        let sending = trial.send_new();
        let crashing = async { primary.let_happen("crash") };
        tokio::join!(sending, crashing);
    }
    trial.send_new().await;
    standby.let_happen("promote");
    proxy.lead_to(&standby.address());
    trial.recover("the failover").await;
    trial.move_to(&standby.url);
    let (_database, untouched) = untouched().await;
    trial.assert_whole(untouched, "the failover").await;
}

/// A server that cannot write some of its files for a while.
async fn while_files_fail(files: &str, faults_of_them: &[(i64, i64)]) {
    let faults = Faults::none();
    faults.open_to_all();
    let server = OwnPostgres::start_with(&faults.variables(files));
    let mut trial = Trial::prepare(&server.url);
    trial.serve_with(&[]).await;
    trial.send_new().await;
    let mut happened = 0;
    for (kinds, how) in faults_of_them {
        for times in [1, 0] {
            let after = format!("{files}: {kinds} {how} {times}");
            faults.arm(0, Fault { kinds: *kinds, from: 1, times, how: *how });
            for _ in 0..if tries_all() { 12 } else { 3 } {
                // A checkpoint, so that tables are extended and written during the fault.
                trial.send_new().await;
                drop(run_on_server(&server.url, &["CHECKPOINT"]).await);
            }
            happened += faults.failed(0);
            faults.lift(0);
            // A server that cannot write what it must stops, and stays down until it is started again.
            server.let_happen("again");
            trial.recover(&after).await;
            let connection = trial.connect().await;
            trial.assert_stored(&connection, &after).await;
            connection.close().await.expect("closed");
        }
    }
    assert!(happened > 0, "nothing failed");
    let (_database, untouched) = untouched().await;
    trial.assert_whole(untouched, files).await;
}

#[rocket::async_test]
async fn an_answered_delivery_is_stored_when_the_servers_tables_find_no_space() {
    while_files_fail("base/", &[(WRITE, ENOSPC), (WRITE + SYNC, EIO)]).await;
}

#[rocket::async_test]
async fn an_answered_delivery_is_stored_when_the_servers_log_finds_no_space() {
    while_files_fail("pg_wal/", &[(WRITE, ENOSPC)]).await;
}
