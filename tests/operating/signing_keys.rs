//! Signing keys while the service runs: a new one is accepted at once, a removed one no longer.

use std::time::Duration;

use kurskoll::app::Caller;
use kurskoll::domain::access::Role;
use kurskoll::jobs;

use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};

const PATH: &str = "/api/v1/links";

/// Repeats the request until the answer has a status; the job has its own pace.
async fn answers(app: &TestApp, token: &str, status: u16) {
    let asking = async { while app.get(PATH, Some(token)).await.status != status {} };
    tokio::time::timeout(Duration::from_secs(30), asking).await.unwrap_or_else(|_| panic!("never answered {status}"));
}

both_databases! {
    async fn a_removed_key_verifies_no_token_in_a_running_service(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let every = Duration::from_millis(20);
        let job = jobs::reread_keys(app.app.clone(), app.authenticator.clone(), every, stopped);
        let old = app.token(Role::City, &[]).await;
        assert_eq!(app.get(PATH, Some(&old)).await.status, 200);

        app.app.rotate_key(&Caller::operator(), false).await.expect("a new key");
        let new = app.token(Role::City, &[]).await;
        answers(&app, &new, 200).await;
        assert_eq!(app.get(PATH, Some(&old)).await.status, 200, "an older key is still accepted");

        app.app.rotate_key(&Caller::operator(), true).await.expect("a new key, and no other");
        answers(&app, &old, 401).await;
        let refused = app.get(PATH, Some(&new)).await;
        assert_eq!((refused.status, &refused.json()["type"]), (401, &"/problems/token-unknown-key".into()));
        answers(&app, &app.token(Role::City, &[]).await, 200).await;

        stop.send_replace(true);
        job.await.expect("the job ends on request");
    }
}
