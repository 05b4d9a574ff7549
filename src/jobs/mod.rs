//! Loops around use cases, for as long as the service runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::operating::seal::Sealed;
use crate::app::receiving::receive::Receiving;
use crate::app::scim::ScimEndpoint;
use crate::app::{App, StoreError};
use crate::auth::Authenticator;

/// How long the settling rests, at the least, and when the database fails.
const REST: Duration = Duration::from_millis(100);
const REST_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How often the settling counts who waits, which takes longer the more they are.
const COUNTED_EVERY: Duration = Duration::from_secs(10);

/// For how long, at the most, a key that a command removed goes on verifying tokens.
pub const KEYS_REREAD_EVERY: Duration = Duration::from_secs(5);

/// Keeps the derived rows up to date until it is told to stop. Reports do not depend on it: they settle or judge what
/// waits by themselves; it spares them that.
pub fn refresh_compliance_states(app: App, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut counted = Instant::now();
        while !*stop.borrow() {
            let begun = Instant::now();
            if counted.elapsed() > COUNTED_EVERY {
                counted = begun;
                if let Err(error) = app.watch_refresh().await {
                    tracing::error!(error = &error as &dyn std::error::Error, "those who wait could not be counted");
                }
            }
            let rest = match app.refresh_some().await {
                // Deliveries go before it: it takes a quarter of the time at the most. What came since is few by then, or
                // enough that it is worth its reading and its commit.
                Ok(_) => REST.max(begun.elapsed() * 3),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "standings could not be settled");
                    REST_AFTER_FAILURE
                }
            };
            drop(tokio::time::timeout(rest, stop.changed()).await);
        }
    })
}

/// Keeps the index of xAPI statements up to date until it is told to stop. Questions do not depend on it: they make what
/// is missing first; it spares them that.
pub fn index_statements(app: App, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while !*stop.borrow() {
            let begun = Instant::now();
            let rest = match app.index_some_statements().await {
                // Statements go before it: it takes a third of the time at the most.
                Ok(_) => REST.max(begun.elapsed() * 2),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "statements could not be indexed");
                    REST_AFTER_FAILURE
                }
            };
            drop(tokio::time::timeout(rest, stop.changed()).await);
        }
    })
}

/// How often readers who wait for an instant to pass see a newer promise of what they find, where nothing is stored.
const PROMISED_EVERY: Duration = Duration::from_millis(500);

/// Keeps fresh through which instant statements are promised to be found, until it is told to stop.
pub fn keep_promise_fresh(app: App, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while !*stop.borrow() {
            let rest = match app.keep_promise_fresh().await {
                Ok(()) => PROMISED_EVERY,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "no newer promise could be made");
                    REST_AFTER_FAILURE
                }
            };
            drop(tokio::time::timeout(rest, stop.changed()).await);
        }
    })
}

/// How often the operator is shown how linking stands.
pub const LINKING_WATCHED_EVERY: Duration = Duration::from_secs(60);

/// Counts again and again what waits and what is linked, for the operator's figures, until it is told to stop.
pub fn watch_linking(app: App, every: Duration, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while !*stop.borrow() {
            if let Err(error) = app.watch_linking().await {
                tracing::error!(error = &error as &dyn std::error::Error, "what is linked could not be counted");
            }
            drop(tokio::time::timeout(every, stop.changed()).await);
        }
    })
}

/// How often it is looked whether the directory knows users who wait.
pub const WAITING_USERS_LOOKED_AT_EVERY: Duration = Duration::from_secs(10);

/// Makes users of those whom the directory knows by now, until it is told to stop.
pub fn resolve_waiting_users(
    app: App,
    endpoint: ScimEndpoint,
    every: Duration,
    mut stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        while !*stop.borrow() {
            if let Err(error) = app.resolve_waiting_users(&endpoint).await {
                tracing::error!(error = &error as &dyn std::error::Error, "users who wait could not be looked at");
            }
            drop(tokio::time::timeout(every, stop.changed()).await);
        }
    })
}

/// How often what is counted of the platforms is written down.
pub const PLATFORMS_COUNTED_EVERY: Duration = Duration::from_secs(5);

/// Writes down what platforms do that leaves no row, and shows the operator their silences, until it is told to stop; what
/// was counted by then is written as well.
pub fn watch_platforms(app: App, every: Duration, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let is_last = *stop.borrow();
            if let Err(error) = app.write_platform_counts().await {
                tracing::error!(error = &error as &dyn std::error::Error, "what platforms did could not be counted");
            }
            if is_last {
                return;
            }
            if let Err(error) = app.watch_silence().await {
                tracing::error!(error = &error as &dyn std::error::Error, "the platforms' silences could not be read");
            }
            drop(tokio::time::timeout(every, stop.changed()).await);
        }
    })
}

/// How often the clocks are compared.
pub const CLOCKS_COMPARED_EVERY: Duration = Duration::from_secs(5);

/// Compares the clocks again and again until it is told to stop.
pub fn watch_clock(app: App, every: Duration, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while !*stop.borrow() {
            if let Err(error) = app.watch_clock().await {
                tracing::error!(error = &error as &dyn std::error::Error, "the clocks could not be compared");
            }
            drop(tokio::time::timeout(every, stop.changed()).await);
        }
    })
}

/// How often it is looked whether the time has come to ask a platform.
pub const PULLS_LOOKED_FOR_EVERY: Duration = Duration::from_secs(20);

/// Asks platforms for what they may have failed to send, when their time has come, until it is told to stop; what is under
/// way then is left for the next that looks.
pub fn pull_platforms(receiving: Arc<Receiving>, every: Duration, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let holder = uuid::Uuid::now_v7().to_string();
        let mut stopped = stop.clone();
        while !*stop.borrow() {
            let pulled = tokio::select! {
                pulled = receiving.pull_due(&holder) => Some(pulled),
                () = async { drop(stopped.wait_for(|stop| *stop).await) } => None,
            };
            let ended = match pulled {
                Some(pulled) => pulled.map(drop),
                None => receiving.release_pulls(&holder).await,
            };
            if let Err(error) = ended {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "it could not be seen which platforms to ask"
                );
            }
            drop(tokio::time::timeout(every, stop.changed()).await);
        }
    })
}

/// Reads the signing keys again and again until it is told to stop, so that one that was removed verifies no longer. A
/// new one needs no waiting for: the authenticator asks for it at its first token.
pub fn reread_keys(
    app: App,
    authenticator: Arc<Authenticator>,
    every: Duration,
    mut stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        while !*stop.borrow() {
            match app.key_ring().await {
                Ok(ring) => authenticator.replace_keys(ring),
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the signing keys could not be read again"
                    );
                }
            }
            drop(tokio::time::timeout(every, stop.changed()).await);
        }
    })
}

/// For how long, at the most, what was committed is not yet under a digest.
pub const SEALED_EVERY: Duration = Duration::from_secs(5);

/// How often it stands in the log where the chain ends, beside the start and the stop.
const HEAD_LOGGED_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Seals the chain behind receiving until it is told to stop, and what is left then.
pub fn seal_chain(app: App, every: Duration, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut logged: Option<Instant> = None;
        loop {
            let is_last = *stop.borrow();
            let begun = Instant::now();
            let sealed = if is_last { app.seal_the_rest().await.map(|()| true) } else { seal_once(&app).await };
            let rest = match sealed {
                // Where much waits, deliveries go before it: it takes a quarter of the time at the most.
                Ok(false) => begun.elapsed() * 3,
                Ok(true) => every.max(begun.elapsed() * 3),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "the chain could not be sealed");
                    REST_AFTER_FAILURE
                }
            };
            if is_last || logged.is_none_or(|logged| logged.elapsed() > HEAD_LOGGED_EVERY) {
                logged = Some(begun);
                log_head(&app).await;
            }
            if is_last {
                return;
            }
            drop(tokio::time::timeout(rest, stop.changed()).await);
        }
    })
}

/// Seals one link; whether nothing waits after it.
async fn seal_once(app: &App) -> Result<bool, StoreError> {
    let sealed = app.seal_some().await?;
    if sealed == Sealed::ClockSetBack {
        tracing::error!(
            "the clock of knowledge stands before the chain's newest link: it was set back; run kurskoll verify"
        );
    }
    Ok(!matches!(sealed, Sealed::Through { is_all: false, .. }))
}

async fn log_head(app: &App) {
    match app.chain_head().await {
        Ok(Some(head)) => tracing::info!(link = head.number, head = %head, "the chain of digests ends here"),
        Ok(None) => {}
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the chain's end could not be read");
        }
    }
}

/// How often it is looked whether the hour has come.
const HOUR_LOOKED_FOR_EVERY: Duration = Duration::from_secs(60);

/// Verifies a part each night, at an hour of the city's day, until it is told to stop; with no nights, nothing.
pub fn verify_by_night(app: App, (nights, hour): (u32, u32), mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut done_on = None;
        let mut stopped = stop.clone();
        while nights > 0 && !*stop.borrow() {
            let today = app.today();
            if done_on != Some(today) && app.hour_of_the_day() == hour {
                done_on = Some(today);
                tokio::select! {
                    () = app.verify_tonight(nights) => {}
                    () = async { drop(stopped.wait_for(|stop| *stop).await) } => {}
                }
            }
            drop(tokio::time::timeout(HOUR_LOOKED_FOR_EVERY, stop.changed()).await);
        }
    })
}
