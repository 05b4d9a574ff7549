//! Whether the register can do its work: tested by writing to it, at most once at a time and not again within a moment.
//!
//! The result is used in three places. `/health/ready` shows it. A request that has waited for a while checks whether
//! the database is still there; if it is, the request goes on for as long as it takes. And once the database is known
//! to be away, requests are answered at once, until it is back; this is checked several times a second.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, watch};

use crate::app::Metrics;
use crate::store::{Failure, Proven, Store, Trouble};

/// For how long a result is reused: if all was well, and if not.
const FRESH: Duration = Duration::from_millis(500);
const FRESH_IN_TROUBLE: Duration = Duration::from_millis(100);

/// How often it is looked whether the database is back.
const LOOKED_FOR: Duration = Duration::from_millis(200);

/// How long a request waits before it wonders whether the database is still there.
const WONDERS_AFTER: Duration = Duration::from_millis(700);

/// One thing that the service needs in order to work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    /// What is wrong; `None` if it passed. Contains no secret.
    pub fault: Option<String>,
}

impl Check {
    const fn passed(name: &'static str) -> Self {
        Self { name, fault: None }
    }

    fn failed(name: &'static str, fault: impl Into<String>) -> Self {
        Self { name, fault: Some(fault.into()) }
    }
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub checks: Vec<Check>,
    /// Why no request can be served at all.
    pub away: Option<Trouble>,
}

const DATABASE: &str = "database";
const WRITING: &str = "writing";
const MIGRATIONS: &str = "migrations";

impl Found {
    fn proven(proven: &Proven) -> Self {
        let migrations = match proven.pending_migrations {
            0 => Check::passed(MIGRATIONS),
            pending => Check::failed(
                MIGRATIONS,
                format!("the tables lack {pending} migrations of this version: run \"kurskoll migrate\""),
            ),
        };
        Self { checks: vec![Check::passed(DATABASE), Check::passed(WRITING), migrations], away: None }
    }

    fn is_well(&self) -> bool {
        self.checks.iter().all(|check| check.fault.is_none())
    }

    fn failed(failure: &Failure) -> Self {
        let fault = match (&failure.trouble, &failure.by) {
            (Some(_), Some(by)) => format!("{} ({by})", failure.error),
            (Some(_), None) => failure.error.to_string(),
            (None, _) => "the register could not be written; the log says why".to_owned(),
        };
        let database = match failure.is_away() {
            true => Check::failed(DATABASE, fault.clone()),
            false => Check::passed(DATABASE),
        };
        let unknown = Check::failed(MIGRATIONS, "not looked at while the register cannot be written");
        Self {
            checks: vec![database, Check::failed(WRITING, fault), unknown],
            away: failure.trouble.filter(|trouble| trouble.is_away()),
        }
    }
}

#[derive(Debug)]
struct Latest {
    at: Instant,
    found: Arc<Found>,
    /// Whether a commit did not end in time.
    is_slow: bool,
}

/// What is known of the database's health; shared by everything in a process.
#[derive(Debug)]
pub struct Health {
    store: Store,
    metrics: Arc<Metrics>,
    latest: Mutex<Option<Latest>>,
    away: watch::Sender<Option<Trouble>>,
}

impl Health {
    #[must_use]
    pub fn of(store: Store, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { store, metrics, latest: Mutex::default(), away: watch::Sender::new(None) })
    }

    /// The health now, or a moment ago. Answers within two seconds, whatever the database does.
    pub async fn ask(self: &Arc<Self>) -> Arc<Found> {
        // A task of its own: a client that hangs up does not end it for those who wait for the same.
        let looking = tokio::spawn(Arc::clone(self).look());
        looking.await.unwrap_or_else(|_| {
            let checks = vec![Check::failed(DATABASE, "its state could not be found out; the log says why")];
            Arc::new(Found { checks, away: None })
        })
    }

    async fn look(self: Arc<Self>) -> Arc<Found> {
        let mut latest = self.latest.lock().await;
        if let Some(Latest { at, found, .. }) = &*latest
            && at.elapsed() < if found.is_well() { FRESH } else { FRESH_IN_TROUBLE }
        {
            return Arc::clone(found);
        }
        let proved = self.store.prove().await;
        let was_slow = latest.as_ref().is_some_and(|latest| latest.is_slow);
        let is_slow = proved.as_ref().is_err_and(|failure| failure.trouble == Some(Trouble::TooSlow));
        let mut found = match &proved {
            Ok(proven) => Found::proven(proven),
            Err(failure) => Found::failed(failure),
        };
        // One commit that does not end may be due to a busy disk. A second one shows that those who commit wait in
        // vain.
        if is_slow && was_slow {
            found.away = Some(Trouble::NoAnswer);
        }
        let found = Arc::new(found);
        *latest = Some(Latest { at: Instant::now(), found: Arc::clone(&found), is_slow });
        self.heard(proved.err(), found.away);
        found
    }

    /// Tells those who wait, and the operator when it changes.
    fn heard(self: &Arc<Self>, failure: Option<Failure>, away: Option<Trouble>) {
        self.metrics.set_database_writable(failure.is_none());
        let before = self.away.send_replace(away);
        match (before, failure) {
            (None, Some(failure)) => {
                let error = &failure.error as &dyn std::error::Error;
                tracing::error!(error, by = failure.by, "the register cannot be written");
                if away.is_some() {
                    tokio::spawn(look_for(Arc::downgrade(self)));
                }
            }
            (Some(_), None) => tracing::info!("the register can be written again"),
            _ => {}
        }
    }

    /// Why no request can be served, if that is known.
    #[must_use]
    pub fn away(&self) -> Option<Trouble> {
        *self.away.borrow()
    }

    /// Returns once the database is known to be away.
    pub async fn is_away(&self) -> Trouble {
        let mut away = self.away.subscribe();
        let found = away.wait_for(Option::is_some).await.map(|away| *away);
        match found {
            Ok(Some(trouble)) => trouble,
            // `self` holds the sender, so it is never closed.
            _ => std::future::pending().await,
        }
    }

    /// Returns when it is useless to wait for the database: after a while it checks repeatedly whether it is there. As
    /// long as it is, this does not return.
    pub async fn given_up(self: &Arc<Self>) -> Trouble {
        let wondering = async {
            loop {
                tokio::time::sleep(WONDERS_AFTER).await;
                self.ask().await;
            }
        };
        tokio::select! {
            trouble = self.is_away() => trouble,
            () = wondering => std::future::pending().await,
        }
    }
}

/// Looks for a database that is away until it is back, or nobody needs it any more.
async fn look_for(health: Weak<Health>) {
    loop {
        tokio::time::sleep(LOOKED_FOR).await;
        let Some(health) = health.upgrade() else { return };
        if health.look().await.away.is_none() {
            return;
        }
    }
}
