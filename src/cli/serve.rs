//! `kurskoll serve`: the service, from its start to a stop that loses nothing.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rocket::error::ErrorKind;
use rocket::figment::Figment;
use tokio::sync::watch;
use tokio::time::timeout;

use super::{CommandError, Missing, Opened, logging, open_with};
use crate::app::Patience;
use crate::app::receiving::receive::Receiving;
use crate::auth::Authenticator;
use crate::config;
use crate::http::{self, Doors, ListenError};
use crate::jobs;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kurskoll serve\n  ROCKET_PORT=9000 kurskoll serve\n\n\
    Stops on Ctrl-C or SIGTERM: takes nothing new, finishes what it has begun, and makes all that it answered durable.")]
pub struct Arguments {}

pub async fn run(Arguments {}: Arguments) -> Result<(), CommandError> {
    // What is wrong is said before the database is touched.
    let log_level = rocket::Config::try_from(config::figment())?.log_level;
    let opened = open_with(config::figment(), Missing::IsMade, Patience::SERVICE).await?;
    logging::init(log_level)?;
    let service = Service::build(opened).await?;
    service.run(|_| {}).await
}

/// How long putting everything away may take: a database that hangs must not keep a process from ending.
const ENDED_WITHIN: Duration = Duration::from_secs(20);

/// The service, ready to run.
pub(super) struct Service {
    doors: Doors,
    opened: Opened,
    receiving: Arc<Receiving>,
    authenticator: Arc<Authenticator>,
}

impl Service {
    pub async fn build(opened: Opened) -> Result<Self, CommandError> {
        let app = opened.app.clone();
        let receiving = Arc::new(Receiving::open(app.clone(), opened.settings.receiving.queue_length));
        let reloading = app.clone();
        let reload = move || {
            let app = reloading.clone();
            let ring: futures::future::BoxFuture<'static, _> = Box::pin(async move { app.key_ring().await.ok() });
            ring
        };
        let authenticator =
            Authenticator::new(app.key_ring().await?, opened.settings.token_settings(), app.clock.clone())
                .with_reload(Box::new(reload));
        let authenticator = Arc::new(authenticator);
        let doors = Doors {
            app,
            receiving: receiving.clone(),
            authenticator: authenticator.clone(),
            settings: opened.settings.receiving.clone(),
            scim: http::scim::door(&opened.settings.scim)?,
        };
        Ok(Self { doors, opened, receiving, authenticator })
    }

    /// Runs until it is told to stop; `listening` hears the address once the door is open.
    pub async fn run(self, listening: impl FnOnce(String) + Send + 'static) -> Result<(), CommandError> {
        let Self { doors, opened, receiving, authenticator } = self;
        let figment = opened.figment.clone();
        let listening = move |address| listening(format!("http://{address}"));
        let rocket = http::listen(&figment, &opened.settings.connections, doors, listening).await;
        let rocket = rocket.map_err(|error| not_listening(&error, &figment))?;
        let (stop, stopped) = watch::channel(false);
        // What asks also sends, so it ends before the way in does.
        let (ask_no_more, asking) = watch::channel(false);
        let door = http::scim::door(&opened.settings.scim)?;
        let every = jobs::WAITING_USERS_LOOKED_AT_EVERY;
        let recognising = jobs::settle_waiting_users(opened.app.clone(), door, every, stopped.clone());
        let settling = jobs::settle_standings(opened.app.clone(), stopped.clone());
        let indexing = jobs::index_statements(opened.app.clone(), stopped.clone());
        let promising = jobs::keep_promise_fresh(opened.app.clone(), stopped.clone());
        let watching = jobs::watch_linking(opened.app.clone(), jobs::LINKING_WATCHED_EVERY, stopped.clone());
        let counting = jobs::watch_platforms(opened.app.clone(), jobs::PLATFORMS_COUNTED_EVERY, stopped.clone());
        let timing = jobs::watch_clock(opened.app.clone(), jobs::CLOCKS_COMPARED_EVERY, stopped.clone());
        let pulling = jobs::pull_platforms(receiving.clone(), jobs::PULLS_LOOKED_FOR_EVERY, asking);
        let sealing = jobs::seal_chain(opened.app.clone(), jobs::SEALED_EVERY, stopped.clone());
        let nights = opened.settings.verify.clone();
        let verifying = jobs::verify_by_night(opened.app.clone(), (nights.nights, nights.hour), stopped.clone());
        let rereading = jobs::reread_keys(opened.app.clone(), authenticator, jobs::KEYS_REREAD_EVERY, stopped);
        let ended = rocket.launch().await;
        let ending = async {
            ask_no_more.send_replace(true);
            pulling.await?;
            // No request is under way any more: what they were promised is kept, then the rest is put away.
            receiving.close().await;
            stop.send_replace(true);
            recognising.await?;
            settling.await?;
            indexing.await?;
            promising.await?;
            watching.await?;
            counting.await?;
            timing.await?;
            rereading.await?;
            verifying.await?;
            // Last: what the others wrote while they ended is sealed as well.
            sealing.await?;
            Ok::<_, CommandError>(opened.app.store.close().await?)
        };
        match timeout(ENDED_WITHIN, ending).await {
            Ok(done) => done?,
            // Nothing that was answered waits for it.
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
}

/// Why the service does not listen; where somebody else has the port, how to have another.
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
    format!("port {port} at {address} cannot be had: {why}; choose one with ROCKET_PORT, or port in Rocket.toml").into()
}
