//! The current time, and whether it can be trusted.
//!
//! On PostgreSQL the server's clock is common to all: a machine with a different clock uses the server's, and warns. On
//! SQLite there is only the machine's clock. What can be compared is compared: the two clocks, the transaction-time
//! clock, which never goes back, the times that senders sign, and the time that passed with the time that the clock
//! says has passed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::{App, Clock};
use crate::domain::clock_skew::{NOTICED, Skew, Suspicion, suspect};
use crate::domain::ids::PlatformCode;
use crate::store::{Store, StoreError};

/// Differences between this machine's clock and the server's that are tolerated.
const TOLERATED: TimeDelta = TimeDelta::seconds(1);

/// For how long a sender's clock difference is remembered.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Something about the clocks that an operator should check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Stable, for programs.
    pub name: &'static str,
    pub detail: String,
}

#[derive(Debug, Default)]
struct Seen {
    /// The latest difference of each sender.
    senders: BTreeMap<PlatformCode, (Instant, TimeDelta)>,
    /// How far the transaction-time clock was ahead.
    known_at_ahead: TimeDelta,
    /// Where the clock stood when time was last looked at.
    looked: Option<(Instant, DateTime<Utc>)>,
    /// How far it was set, and when that was noticed.
    jumped: Option<(Instant, TimeDelta)>,
    /// The names of the last warnings.
    said: Vec<&'static str>,
}

/// The clocks of a process; shared by everything in it.
pub struct ClockWatch {
    machine: Clock,
    /// How far this machine's clock is ahead of the server's, in microseconds.
    ahead_of_server: AtomicI64,
    seen: Mutex<Seen>,
}

impl std::fmt::Debug for ClockWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClockWatch").field("ahead_of_server", &self.ahead_of_server).finish_non_exhaustive()
    }
}

impl ClockWatch {
    #[must_use]
    pub fn of(machine: Clock) -> Arc<Self> {
        Arc::new(Self { machine, ahead_of_server: AtomicI64::new(0), seen: Mutex::default() })
    }

    /// The clock to use: the server's, if it is known to differ; otherwise this machine's.
    #[must_use]
    pub fn clock(self: &Arc<Self>) -> Clock {
        let watch = Arc::clone(self);
        Arc::new(move || {
            let now = (watch.machine)();
            let ahead = watch.ahead_of_server();
            if ahead.abs() > TOLERATED { now - ahead } else { now }
        })
    }

    /// How far this machine's clock is ahead of the database server's.
    #[must_use]
    pub fn ahead_of_server(&self) -> TimeDelta {
        TimeDelta::microseconds(self.ahead_of_server.load(Ordering::Relaxed))
    }

    /// Compares this machine's clock with the server's, where there is one.
    pub async fn measure(&self, store: &Store) -> Result<(), StoreError> {
        let requested = (self.machine)();
        let Some(server) = store.server_time().await? else { return Ok(()) };
        let took = (self.machine)() - requested;
        let ahead = requested + took / 2 - server;
        self.ahead_of_server.store(ahead.num_microseconds().unwrap_or(i64::MAX), Ordering::Relaxed);
        Ok(())
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that a sender's authentic delivery was signed that long before its arrival by our clock. `in_time` if it
    /// was not refused for that: after such a delivery, an older one that someone replays is ignored.
    pub fn signed(&self, platform: &PlatformCode, ahead: TimeDelta, in_time: bool) {
        let now = Instant::now();
        let mut seen = self.seen();
        let known = seen.senders.get(platform).copied();
        let is_in_step = known.is_some_and(|(at, ahead)| now - at < REMEMBERED && ahead.abs() <= NOTICED);
        if in_time || !is_in_step {
            seen.senders.insert(platform.clone(), (now, ahead));
        }
    }

    /// Records the transaction-time clock at an instant.
    pub fn known_through(&self, known: DateTime<Utc>, now: DateTime<Utc>) {
        self.seen().known_at_ahead = known - now;
    }

    /// Compares the time that passed with what this machine's clock says has passed.
    fn look_for_jump(&self) {
        let (now, wall) = (Instant::now(), (self.machine)());
        let mut seen = self.seen();
        if let Some((before, wall_before)) = seen.looked.replace((now, wall)) {
            let passed = TimeDelta::from_std(now - before).unwrap_or(TimeDelta::MAX);
            let jumped = wall - wall_before - passed;
            if jumped.abs() > NOTICED {
                seen.jumped = Some((now, jumped));
            }
        }
    }

    /// What an operator should check now.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let seen = self.seen();
        let mut warnings = Vec::new();
        let mut warn = |name, detail: String| warnings.push(Warning { name, detail });
        let ahead = self.ahead_of_server();
        if ahead.abs() > TOLERATED {
            let detail = format!(
                "this machine's clock is {} the database server's, which is gone by: set the one that is wrong",
                apart(ahead)
            );
            warn("clock-of-server", detail);
        }
        if seen.known_at_ahead > NOTICED {
            let detail = format!(
                "the newest transaction time is {} the clock: the clock was set back, or was ahead before. What is recorded \
                 until the clock has caught up bears times right after the newest one; a report without known_at has it",
                apart(seen.known_at_ahead)
            );
            warn("clock-set-back", detail);
        }
        if let Some((at, jumped)) = seen.jumped.filter(|(at, _)| at.elapsed() < REMEMBERED) {
            let detail = format!(
                "{} s ago this machine's clock was set {}, or the machine stood still: see that it is right",
                at.elapsed().as_secs(),
                if jumped > TimeDelta::zero() {
                    format!("forward by {} s", jumped.num_seconds())
                } else {
                    format!("back by {} s", -jumped.num_seconds())
                }
            );
            warn("clock-jumped", detail);
        }
        let lately = seen.senders.iter().filter(|(_, (at, _))| at.elapsed() < REMEMBERED);
        let skews: Vec<Skew> =
            lately.map(|(platform, (_, ahead))| Skew { platform: platform.clone(), ahead: *ahead }).collect();
        match suspect(&skews) {
            Suspicion::Nobody => {}
            Suspicion::Ours { ahead, senders } => {
                let detail = format!(
                    "the signatures of all {senders} platforms heard in the last hour say that this clock is {} theirs: set it \
                     right; until then deliveries are refused for their time",
                    apart(ahead)
                );
                warn("clock-of-ours", detail);
            }
            Suspicion::Either(Skew { platform, ahead }) => {
                let detail =
                    format!("this clock is {} that of platform {platform}: set the one that is wrong", apart(ahead));
                warn("clock-of-platform", detail);
            }
            Suspicion::Senders(skews) => {
                for Skew { platform, ahead } in skews {
                    let detail = format!(
                        "this clock is {} that of platform {platform}, while others agree with it: ask its owner to set it",
                        apart(ahead)
                    );
                    warn("clock-of-platform", detail);
                }
            }
        }
        warnings
    }
}

/// `12 s ahead of`, `12 s behind`.
fn apart(ahead: TimeDelta) -> String {
    if ahead > TimeDelta::zero() {
        format!("{} s ahead of", ahead.num_seconds())
    } else {
        format!("{} s behind", -ahead.num_seconds())
    }
}

impl App {
    /// Compares the clocks, and reports in metrics and log what an operator should check.
    pub async fn watch_clock(&self) -> Result<(), StoreError> {
        let watch = &self.clock_watch;
        watch.look_for_jump();
        watch.measure(&self.store).await?;
        watch.known_through(self.store.known_through().await?, self.now());
        let warnings = watch.warnings();
        self.metrics.set_clock(watch.ahead_of_server(), warnings.len());
        let said = std::mem::replace(&mut watch.seen().said, warnings.iter().map(|warning| warning.name).collect());
        for Warning { name, detail } in warnings.iter().filter(|warning| !said.contains(&warning.name)) {
            tracing::warn!(warning = name, detail, "the clocks do not agree");
        }
        if warnings.is_empty() && !said.is_empty() {
            tracing::info!("the clocks agree again");
        }
        Ok(())
    }
}
