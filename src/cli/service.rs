//! The service, wired: the app, its endpoints, its jobs and its address, from its start to a stop that loses nothing.
//!
//! `serve`, the demo and the tests of the whole start it here. What they vary are arguments: the database, the clock,
//! the settings, the address, and whether jobs run.

use std::sync::Arc;
use std::time::Duration;

use rocket::error::ErrorKind;
use rocket::figment::Figment;
use rocket::{Ignite, Rocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::CommandError;
use crate::app::receiving::rate_limits::RateLimits;
use crate::app::receiving::receive::Receiving;
use crate::app::{App, Approval, Clock, Metrics, Store};
use crate::auth::Authenticator;
use crate::config::Settings;
use crate::domain::calendar::CityCalendar;
use crate::http::{self, ListenError, Services};
use crate::jobs;

/// The app over a database, as the settings say.
pub fn app(store: Store, clock: Clock, settings: &Settings) -> Result<App, CommandError> {
    let approval = Approval {
        exemptions: settings.approval.exemptions,
        prior_training: settings.approval.prior_training,
        results: settings.approval.results,
    };
    let limits = &settings.rate_limits;
    let calendar = CityCalendar::new(settings.city.time_zone);
    Ok(App::new(store, calendar, clock, Arc::new(Metrics::new()?))
        .with_approval(approval)
        .with_rate_limits(RateLimits::per_minute(limits.platform_per_minute, limits.failures_per_minute))
        .with_silence_alarms(settings.platforms.silence_alarm_hours.clone())
        .with_result_alarms(settings.platforms.result_alarm_days.clone()))
}

/// How long shutting down may take: a database that hangs must not keep a process from ending.
const ENDED_WITHIN: Duration = Duration::from_secs(20);

/// Whether the loops around use cases run beside the endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jobs {
    Run,
    /// A test does by itself what they would do.
    Rest,
}

/// The service at its address, ready to run.
pub struct Service {
    pub app: App,
    pub receiving: Arc<Receiving>,
    pub authenticator: Arc<Authenticator>,
    pub rocket: Rocket<Ignite>,
    settings: Settings,
}

impl Service {
    /// Builds the service and takes its address; `listening` gets the address as soon as it answers there.
    pub async fn listen(
        app: App,
        settings: Settings,
        figment: Figment,
        listening: impl FnOnce(String) + Send + 'static,
    ) -> Result<Self, CommandError> {
        let receiving = Arc::new(Receiving::open(app.clone(), settings.receiving.queue_length));
        let reloading = app.clone();
        let reload = move || {
            let app = reloading.clone();
            let ring: futures::future::BoxFuture<'static, _> = Box::pin(async move { app.key_ring().await.ok() });
            ring
        };
        let authenticator = Authenticator::new(app.key_ring().await?, settings.token_settings(), app.clock.clone())
            .with_reload(Box::new(reload));
        let authenticator = Arc::new(authenticator);
        let services = Services {
            app: app.clone(),
            receiving: receiving.clone(),
            authenticator: authenticator.clone(),
            settings: settings.receiving.clone(),
            scim: http::scim::endpoint(&settings.scim)?,
        };
        let listening = move |address| listening(format!("http://{address}"));
        let rocket = http::listen(&figment, &settings.connections, services, listening).await;
        let rocket = rocket.map_err(|error| not_listening(&error, &figment))?;
        Ok(Self { app, receiving, authenticator, rocket, settings })
    }

    /// Runs until it is stopped.
    pub async fn run(self, jobs: Jobs) -> Result<(), CommandError> {
        let (stop, stopped) = watch::channel(false);
        // The pull job also sends deliveries, so it ends before receiving does.
        let (stop_pulling, pulling_stopped) = watch::channel(false);
        let started = match jobs {
            Jobs::Run => Some(self.start_jobs(&stopped, pulling_stopped)?),
            Jobs::Rest => None,
        };
        let Self { app, receiving, rocket, .. } = self;
        let (pulling, others) = started.unzip();
        let ended = rocket.launch().await;
        let ending = async {
            stop_pulling.send_replace(true);
            if let Some(pulling) = pulling {
                pulling.await?;
            }
            // No request is under way any more: what was confirmed to them is stored, then the rest is shut down.
            receiving.close().await;
            stop.send_replace(true);
            for job in others.unwrap_or_default() {
                job.await?;
            }
            Ok::<_, CommandError>(app.store.close().await?)
        };
        match timeout(ENDED_WITHIN, ending).await {
            Ok(done) => done?,
            // No confirmed delivery waits for it.
            Err(_) => tracing::warn!("the database does not answer: the service ends without having closed it"),
        }
        match ended {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::Shutdown(..)) => {
                tracing::warn!("some requests did not end in time and were cut off; their senders will send again");
                Ok(())
            }
            Err(error) => Err(error.kind().to_string().into()),
        }
    }

    /// The job that pulls, and the others in the order in which they are awaited at the end.
    fn start_jobs(
        &self,
        stopped: &watch::Receiver<bool>,
        pulling_stopped: watch::Receiver<bool>,
    ) -> Result<(JoinHandle<()>, Vec<JoinHandle<()>>), CommandError> {
        let app = || self.app.clone();
        let stopped = || stopped.clone();
        let pulling = jobs::pull_platforms(self.receiving.clone(), jobs::PULLS_LOOKED_FOR_EVERY, pulling_stopped);
        let scim = http::scim::endpoint(&self.settings.scim)?;
        let nights = self.settings.verify.clone();
        let authenticator = self.authenticator.clone();
        let others = vec![
            jobs::resolve_waiting_users(app(), scim, jobs::WAITING_USERS_LOOKED_AT_EVERY, stopped()),
            jobs::refresh_compliance_states(app(), stopped()),
            jobs::index_statements(app(), stopped()),
            jobs::keep_promise_fresh(app(), stopped()),
            jobs::watch_linking(app(), jobs::LINKING_WATCHED_EVERY, stopped()),
            jobs::watch_platforms(app(), jobs::PLATFORMS_COUNTED_EVERY, stopped()),
            jobs::watch_clock(app(), jobs::CLOCKS_COMPARED_EVERY, stopped()),
            jobs::reread_keys(app(), authenticator, jobs::KEYS_REREAD_EVERY, stopped()),
            jobs::verify_by_night(app(), (nights.nights, nights.hour), stopped()),
            // Last: what the others wrote while they ended is sealed as well.
            jobs::seal_chain(app(), jobs::SEALED_EVERY, stopped()),
        ];
        Ok((pulling, others))
    }
}

/// Why the service does not listen; if another program uses the port, how to choose another.
fn not_listening(error: &ListenError, figment: &Figment) -> CommandError {
    let ListenError::Address(cause) = error else { return error.to_string().into() };
    let address: String = figment.extract_inner("address").unwrap_or_default();
    let port: u16 = figment.extract_inner("port").unwrap_or_default();
    let why = match cause.kind() {
        std::io::ErrorKind::AddrInUse => "another program listens there".to_owned(),
        std::io::ErrorKind::PermissionDenied => {
            "this user may not listen there (ports below 1024 are the system's)".to_owned()
        }
        _ => cause.to_string(),
    };
    format!("port {port} at {address} cannot be used: {why}; choose one with ROCKET_PORT, or port in Rocket.toml")
        .into()
}
