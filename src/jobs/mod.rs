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

/// The shortest pause between refreshes, and the pause after a database error.
const REST: Duration = Duration::from_millis(100);
const REST_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How often stale employees are counted, which takes longer the more they are.
const COUNTED_EVERY: Duration = Duration::from_secs(10);

/// For how long, at most, a key that a command removed still verifies tokens.
pub const KEYS_REREAD_EVERY: Duration = Duration::from_secs(5);

/// Refreshes the read model until it is stopped. Reports do not depend on it: they refresh or judge stale employees
/// themselves; it saves them the time.
pub fn refresh_compliance_states(app: App, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut counted = Instant::now();
        while !*stop.borrow() {
            let begun = Instant::now();
            if counted.elapsed() > COUNTED_EVERY {
                counted = begun;
                if let Err(error) = app.watch_refresh().await {
                    tracing::error!(error = &error as &dyn std::error::Error, "stale employees could not be counted");
                }
            }
            let rest = match app.refresh_some().await {
                // Deliveries have precedence: refreshing takes a quarter of the time at most. By then, what is new is
                // little, or enough to be worth a read and a commit.
                Ok(_) => REST.max(begun.elapsed() * 3),
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "compliance states could not be refreshed"
                    );
                    REST_AFTER_FAILURE
                }
            };
            drop(tokio::time::timeout(rest, stop.changed()).await);
        }
    })
}

/// Keeps the index of xAPI statements up to date until it is stopped. Queries do not depend on it: they index what is
/// missing first; it saves them the time.
pub fn index_statements(app: App, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while !*stop.borrow() {
            let begun = Instant::now();
            let rest = match app.index_some_statements().await {
                // Statements have precedence: indexing takes a third of the time at most.
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

/// How often the consistent-through instant advances while nothing is stored.
const PROMISED_EVERY: Duration = Duration::from_millis(500);

/// Advances the consistent-through instant, up to which all statements can be found, until it is stopped.
pub fn keep_promise_fresh(app: App, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while !*stop.borrow() {
            let rest = match app.keep_promise_fresh().await {
                Ok(()) => PROMISED_EVERY,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the consistent-through instant could not be advanced"
                    );
                    REST_AFTER_FAILURE
                }
            };
            drop(tokio::time::timeout(rest, stop.changed()).await);
        }
    })
}

/// How often the metrics of linking are updated.
pub const LINKING_WATCHED_EVERY: Duration = Duration::from_secs(60);

/// Counts waiting and linked results for the metrics until it is stopped.
pub fn watch_linking(app: App, every: Duration, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while !*stop.borrow() {
            if let Err(error) = app.watch_linking().await {
                tracing::error!(error = &error as &dyn std::error::Error, "linked results could not be counted");
            }
            drop(tokio::time::timeout(every, stop.changed()).await);
        }
    })
}

/// How often waiting users are looked up in the directory.
pub const WAITING_USERS_LOOKED_AT_EVERY: Duration = Duration::from_secs(10);

/// Resolves waiting users whom the directory knows by now, until it is stopped.
pub fn resolve_waiting_users(
    app: App,
    endpoint: ScimEndpoint,
    every: Duration,
    mut stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        while !*stop.borrow() {
            if let Err(error) = app.resolve_waiting_users(&endpoint).await {
                tracing::error!(error = &error as &dyn std::error::Error, "waiting users could not be resolved");
            }
            drop(tokio::time::timeout(every, stop.changed()).await);
        }
    })
}

/// How often the platforms' counters are stored.
pub const PLATFORMS_COUNTED_EVERY: Duration = Duration::from_secs(5);

/// Stores counts of what leaves no row, and updates the metrics of the platforms' silence, until it is stopped; the
/// last counts are stored as well.
pub fn watch_platforms(app: App, every: Duration, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let is_last = *stop.borrow();
            if let Err(error) = app.write_platform_counts().await {
                tracing::error!(error = &error as &dyn std::error::Error, "the platforms' counts could not be stored");
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

/// Compares the clocks until it is stopped.
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

/// How often due pulls are looked for.
pub const PULLS_LOOKED_FOR_EVERY: Duration = Duration::from_secs(20);

/// Pulls from platforms when a pull is due, until it is stopped; a pull that is under way then is left for the next
/// process.
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
                tracing::error!(error = &error as &dyn std::error::Error, "due pulls could not be read");
            }
            drop(tokio::time::timeout(every, stop.changed()).await);
        }
    })
}

/// Rereads the signing keys until it is stopped, so that a removed one no longer verifies. A new one does not depend on
/// it: the authenticator reads it at its first token.
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

/// For how long, at most, committed rows are not yet covered by a digest.
pub const SEALED_EVERY: Duration = Duration::from_secs(5);

/// How often the head of the chain is logged, besides at the start and the stop.
const HEAD_LOGGED_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Seals the chain behind receiving until it is stopped, and then what is left.
pub fn seal_chain(app: App, every: Duration, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut logged: Option<Instant> = None;
        loop {
            let is_last = *stop.borrow();
            let begun = Instant::now();
            let sealed = if is_last { app.seal_the_rest().await.map(|()| true) } else { seal_once(&app).await };
            let rest = match sealed {
                // If much waits, deliveries have precedence: sealing takes a quarter of the time at most.
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
            "the transaction-time clock is before the chain's newest link: it was set back; run kurskoll verify"
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

/// How often the hour is checked.
const HOUR_LOOKED_FOR_EVERY: Duration = Duration::from_secs(60);

/// Verifies a part each night, at an hour of the city's day, until it is stopped; with no nights, nothing.
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
