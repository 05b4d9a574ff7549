//! The HTTP endpoints, all mounted in one place that can be read from top to bottom.
//!
//! A handler reads the request, calls one use case, and writes its answer. Rules, SQL and rights are elsewhere. Errors
//! are answered as problems (`problem`); a guard identifies the caller (`guards`).

pub mod api;
pub mod bounded;
pub mod catchers;
pub mod connections;
pub mod guards;
pub mod health;
mod methods;
pub mod metrics;
pub mod openapi;
pub mod problem;
pub mod request_id;
pub mod request_log;
pub mod scim;
pub mod security_headers;
pub mod webhooks;
pub mod whole_body;
pub mod xapi;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rocket::fairing::AdHoc;
use rocket::figment::Figment;
use rocket::{Build, Ignite, Orbit, Rocket, routes};

use self::connections::Connections;
use crate::app::App;
use crate::app::receiving::receive::Receiving;
use crate::app::scim::ScimEndpoint;
use crate::auth::Authenticator;
use crate::config::{ConnectionsSettings, ReceivingSettings};

/// What the endpoints work with.
#[derive(Debug)]
pub struct Services {
    pub app: App,
    pub receiving: Arc<Receiving>,
    pub authenticator: Arc<Authenticator>,
    pub settings: ReceivingSettings,
    pub scim: ScimEndpoint,
}

/// All endpoints, from a configuration.
#[must_use]
pub fn rocket(figment: Figment, services: Services) -> Rocket<Build> {
    rocket::custom(figment)
        .mount("/", request_log::traced(bounded::bounded(routes![webhooks::receive])))
        .mount("/api/v1", request_log::traced(bounded::bounded(api::v1::routes())))
        .mount("/scim/v2", request_log::traced(bounded::bounded(scim::routes())))
        .mount("/xapi", request_log::traced(bounded::bounded(xapi::routes())))
        .mount("/xapi", request_log::traced(xapi::cors::routes()))
        .mount("/", request_log::traced(health::routes()))
        .mount("/", request_log::traced(metrics::routes()))
        .register("/", catchers::all())
        .register("/scim", scim::catchers())
        .attach(request_log::RequestLog)
        .attach(metrics::RequestMetrics(services.app.metrics.clone()))
        .attach(security_headers::SecurityHeaders)
        .attach(xapi::headers::XapiHeaders)
        .attach(xapi::cors::CrossOrigin)
        .manage(crate::app::xapi::credentials::Credentials::default())
        .manage(services.app.metrics.clone())
        .manage(services.app)
        .manage(services.receiving)
        .manage(services.authenticator)
        .manage(services.settings)
        .manage(services.scim)
}

/// Why the service does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Its address cannot be bound.
    #[error("{0}")]
    Address(io::Error),
    /// A part of it is misconfigured.
    #[error("{}", .0.kind())]
    Rocket(#[from] Box<rocket::Error>),
}

/// The service at its address: all endpoints, behind the connections and their limits.
pub async fn listen(
    figment: &Figment,
    settings: &ConnectionsSettings,
    services: Services,
    listening: impl FnOnce(SocketAddr) + Send + 'static,
) -> Result<Rocket<Ignite>, ListenError> {
    let connections = Connections::open(figment, settings).await.map_err(ListenError::Address)?;
    let address = connections.address().map_err(ListenError::Address)?;
    let addresses = connections.addresses();
    let once = Mutex::new(Some((connections, listening)));
    let opening = AdHoc::on_liftoff("connections", move |rocket: &Rocket<Orbit>| {
        Box::pin(async move {
            let Some((connections, listening)) = once.lock().unwrap_or_else(PoisonError::into_inner).take() else {
                return;
            };
            let behind = SocketAddr::new(rocket.config().address, rocket.config().port);
            tokio::spawn(connections.serve(behind, rocket.shutdown()));
            tracing::info!(address = %address.ip(), port = address.port(), "listening");
            listening(address);
        })
    });
    let rocket = rocket(Connections::behind(figment.clone()), services).manage(addresses).attach(opening);
    Ok(rocket.ignite().await.map_err(Box::new)?)
}
