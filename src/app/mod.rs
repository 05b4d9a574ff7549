//! Use cases: one file for each. The endpoints call them, and they call the domain and the store.
//!
//! Nothing here knows Rocket or SQL. Each request has a [`Caller`]; an act that the caller's roles do not permit is
//! refused before anything is read. Start at `receive_delivery` for what comes in and at `build_report` for what goes
//! out.

pub mod compliance;
pub mod context;
pub mod directory;
pub mod employees;
pub mod linking;
pub mod operating;
pub mod platforms;
pub mod quarantine;
pub mod receiving;
pub mod reports;
pub mod scim;
pub mod xapi;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::calendar::CityCalendar;
use crate::domain::report::sort::SwedishOrder;

pub use context::Caller;
pub use employees::propose::Approval;
pub use operating::metrics::Metrics;
// What the endpoints open, and what may go wrong: none of it names anything of the store itself.
pub use crate::store::{Patience, Store, StoreError, Trouble};

/// The current time; an argument, so that tests can choose it.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The machine's own clock.
#[must_use]
pub fn system_clock() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the place where time enters")]
    Arc::new(Utc::now)
}

/// What every use case works with.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub calendar: CityCalendar,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    /// The database's health.
    pub health: Arc<operating::health::Health>,
    /// Checks of the clocks.
    pub clock_watch: Arc<operating::clock_watch::ClockWatch>,
    /// Which decisions need two persons.
    pub approval: Approval,
    /// Counts of what platforms do that leaves no row of its own.
    pub platform_counts: Arc<platforms::counts::PlatformCounts>,
    /// Limits on how often platforms may send, and on failures of unknown senders.
    pub rate_limits: Arc<receiving::rate_limits::RateLimits>,
    /// The silence alarm's hours that the operator set, by platform; 0 for never.
    pub silence_alarm_hours: Arc<BTreeMap<String, u32>>,
    /// The same for days without a result.
    pub result_alarm_days: Arc<BTreeMap<String, u32>>,
    /// The lock that a refresh holds.
    pub(crate) refreshing: Arc<tokio::sync::Mutex<()>>,
    /// The instant through which statements were promised to be found.
    pub(crate) consistency: Arc<xapi::consistency::Consistency>,
    pub(crate) order: Arc<SwedishOrder>,
    pub(crate) namesakes: Arc<linking::suggest::CachedNamesakes>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("calendar", &self.calendar).finish_non_exhaustive()
    }
}

impl App {
    #[must_use]
    pub fn new(store: Store, calendar: CityCalendar, clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self {
            health: operating::health::Health::of(store.clone(), metrics.clone()),
            clock_watch: operating::clock_watch::ClockWatch::of(clock.clone()),
            store,
            calendar,
            clock,
            metrics,
            approval: Approval::default(),
            platform_counts: Arc::default(),
            rate_limits: Arc::default(),
            silence_alarm_hours: Arc::default(),
            result_alarm_days: Arc::default(),
            refreshing: Arc::default(),
            consistency: Arc::default(),
            order: Arc::new(SwedishOrder::new()),
            namesakes: Arc::default(),
        }
    }

    /// The same, with decisions that need two persons.
    #[must_use]
    pub fn with_approval(self, approval: Approval) -> Self {
        Self { approval, ..self }
    }

    /// The same, with the clock that a watch gives.
    #[must_use]
    pub fn with_clock_watch(self, watch: Arc<operating::clock_watch::ClockWatch>) -> Self {
        Self { clock: watch.clock(), clock_watch: watch, ..self }
    }

    /// The same, with limits on how often platforms may send.
    #[must_use]
    pub fn with_rate_limits(self, limits: receiving::rate_limits::RateLimits) -> Self {
        Self { rate_limits: Arc::new(limits), ..self }
    }

    /// The same, with the hours of silence after which the operator wants some platforms' alarms to ring.
    #[must_use]
    pub fn with_silence_alarms(self, hours: BTreeMap<String, u32>) -> Self {
        Self { silence_alarm_hours: Arc::new(hours), ..self }
    }

    /// The same, with the days without a result after which the operator wants some platforms' alarms to ring.
    #[must_use]
    pub fn with_result_alarms(self, days: BTreeMap<String, u32>) -> Self {
        Self { result_alarm_days: Arc::new(days), ..self }
    }

    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// Today in the city.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.calendar.day_of(self.now())
    }

    /// Migrates the tables to this version, and marks everything derived for renewal if this version or the city's time
    /// zone derives it differently.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        self.store.migrate().await?;
        linking::unlinked::make_cursor_key(self).await?;
        compliance::refresh::renew_if_reckoned_otherwise(self).await
    }
}
