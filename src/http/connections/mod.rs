//! The connections: how many there may be, and how long a sender may take to finish a request.
//!
//! Rocket waits without limit for a slow head, and reads the first bytes of every body before it checks who sends it.
//! So the service listens itself. It holds a request back until it is whole or long, and hands its bytes unchanged to
//! Rocket, which listens on a port of this machine only. A slow client costs a socket and a few kilobytes for a bounded
//! time. If there are too many connections, the longest-waiting one is closed.

pub mod framing;
mod relay;
mod waiting;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rocket::figment::Figment;
use rocket::{Request, Shutdown};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use self::relay::Relay;
use self::waiting::Waiting;
use crate::config::ConnectionsSettings;

/// How long connections may take, and how many there may be.
#[derive(Debug, Clone)]
pub struct Limits {
    /// For a whole head, and for a pause within a body.
    pub request: Duration,
    /// The lowest average speed of a body, in bytes per second; never 0.
    pub slowest: u64,
    /// For a client that does not read its answer.
    pub unread: Duration,
    /// For a connection without a request.
    pub idle: Duration,
    /// The most connections at once.
    pub most: usize,
}

impl Limits {
    /// The limits from the settings; if they name no number of connections, as many as the system allows this process.
    #[must_use]
    pub fn new(settings: &ConnectionsSettings, keep_alive_seconds: u32) -> Self {
        let has_room_for = room_for_connections();
        let most = match settings.most {
            0 => has_room_for,
            most => most.min(has_room_for),
        };
        Self {
            request: Duration::from_secs(settings.request_timeout_seconds.max(1)),
            slowest: settings.slowest_body.as_u64().max(1),
            unread: Duration::from_secs(settings.unread_timeout_seconds.max(1)),
            idle: Duration::from_secs(u64::from(keep_alive_seconds)),
            most,
        }
    }
}

/// File descriptors that are reserved for the database, files and answers.
const DESCRIPTORS_FOR_OTHERS: u64 = 256;
/// A connection's socket, and the two ends of the one to the server behind.
const DESCRIPTORS_OF_ONE: u64 = 3;
/// More connections would need more memory than they are worth.
const MOST_CONNECTIONS: u64 = 4096;

/// How many connections fit in the system's limit of open files; raises the limit as far as this process may.
#[cfg(unix)]
fn room_for_connections() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let wanted = MOST_CONNECTIONS * DESCRIPTORS_OF_ONE + DESCRIPTORS_FOR_OTHERS;
    let allowed = now.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let mut files = now.current.unwrap_or(wanted);
    if files < allowed && setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum: now.maximum }).is_ok() {
        files = allowed;
    }
    let room = (files.saturating_sub(DESCRIPTORS_FOR_OTHERS) / DESCRIPTORS_OF_ONE).clamp(16, MOST_CONNECTIONS);
    usize::try_from(room).unwrap_or(16)
}

#[cfg(not(unix))]
fn room_for_connections() -> usize {
    usize::try_from(MOST_CONNECTIONS).unwrap_or(16)
}

/// The client of each request to the server behind, by the port from which this process forwards it.
#[derive(Debug, Clone, Default)]
pub struct Addresses(Arc<RwLock<HashMap<u16, SocketAddr>>>);

impl Addresses {
    fn remember(&self, port: u16, client: SocketAddr) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(port, client);
    }

    fn forget(&self, port: u16) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&port);
    }

    /// The address of the client that sent a request: the one a proxy reports, if the operator names its header; else
    /// the connection's.
    #[must_use]
    pub fn of(request: &Request<'_>) -> Option<IpAddr> {
        let behind = || {
            let addresses = request.rocket().state::<Self>()?;
            let known = addresses.0.read().unwrap_or_else(PoisonError::into_inner);
            known.get(&request.remote()?.port()).map(SocketAddr::ip)
        };
        request.real_ip().or_else(behind).or_else(|| request.client_ip())
    }
}

/// The service's address, bound; no request is answered yet.
#[derive(Debug)]
pub struct Connections {
    listener: TcpListener,
    limits: Limits,
    addresses: Addresses,
}

impl Connections {
    /// Listens at the address and the port of the configuration.
    pub async fn open(figment: &Figment, settings: &ConnectionsSettings) -> io::Result<Self> {
        let rocket = rocket::Config::try_from(figment).map_err(|error| io::Error::other(error.to_string()))?;
        let listener = TcpListener::bind((rocket.address, rocket.port)).await?;
        Ok(Self { listener, limits: Limits::new(settings, rocket.keep_alive), addresses: Addresses::default() })
    }

    /// The address at which it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The table by which the server behind finds a request's client.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    /// Where the server behind listens: a port of this machine only, chosen by the system.
    #[must_use]
    pub fn behind(figment: Figment) -> Figment {
        figment.merge(("address", "127.0.0.1")).merge(("port", 0))
    }

    /// Accepts connections and carries them to the server behind until the service stops. The server behind then ends
    /// those that are open.
    pub async fn serve(self, behind: SocketAddr, mut shutdown: Shutdown) {
        let places = Arc::new(Semaphore::new(self.limits.most));
        let shared = Arc::new((self.limits, Waiting::default(), self.addresses));
        loop {
            let place = match places.clone().try_acquire_owned() {
                Ok(place) => place,
                Err(_) => {
                    if shared.1.close_oldest() {
                        tracing::debug!("there were too many connections: the one that had waited longest was closed");
                    }
                    tokio::select! {
                        place = places.clone().acquire_owned() => match place {
                            Ok(place) => place,
                            Err(_) => return,
                        },
                        () = &mut shutdown => return,
                    }
                }
            };
            let (client, address) = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        put_off(&error).await;
                        continue;
                    }
                },
                () = &mut shutdown => return,
            };
            let (shared, stopped) = (shared.clone(), shutdown.clone());
            tokio::spawn(async move {
                carry(&shared, behind, client, address, stopped).await;
                drop(place);
            });
        }
    }
}

async fn carry(
    (limits, waiting, addresses): &(Limits, Waiting, Addresses),
    behind: SocketAddr,
    client: TcpStream,
    address: SocketAddr,
    stopped: Shutdown,
) {
    let relay = Relay { limits, waiting, addresses, behind, stopped };
    if let Err(error) = relay.run(client, address).await {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// The error of one connection is no reason to wait; if the system has run out of something, it gets a moment to
/// recover.
async fn put_off(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::warn!(%error, "no connection could be accepted; the service tries again soon");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
