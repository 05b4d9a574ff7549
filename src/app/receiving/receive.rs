//! Receives a delivery: authenticates its sender, understands it, and stores it before the response.
//!
//! Requests that come while a commit is under way share the next one (group commit). The queue between them is short
//! and bounded: if it is full, the sender gets a 503 and sends again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::receiving::rate_limits::TooOften;
use crate::app::receiving::readers::{PlatformReader, Verified};
use crate::domain::compliance::effect::NoEffect;
use crate::domain::ids::{EventId, PlatformCode};
use crate::domain::receiving::{Delivery, Received};
use crate::intake::adapter::Reader;
use crate::intake::profile::{NotAuthentic, Signing};
use crate::intake::request::Arrival;
use crate::store::{StoreError, Trouble, Unscoped, platforms};

pub use crate::intake::adapter::{NATIVE, place_in_array};
pub use crate::intake::request::Headers;
pub use crate::intake::webhook::encoding::{MAX_INFLATED, is_taken as is_encoding_taken};

/// The most deliveries that share a commit.
const BATCH: usize = 512;

/// The most bytes of bodies that share a commit, but for one delivery that has more by itself.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// How long a platform and its secrets are taken as read. A secret that is not among them is looked for at once.
pub const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// A request as an endpoint received it.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub platform: &'a PlatformCode,
    pub headers: Headers<'a>,
    pub content_type: &'a str,
    pub body: Vec<u8>,
}

/// A delivery that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub event_id: EventId,
    pub received: Received,
    /// Why what it says has no effect, where that is so.
    pub no_effect: Option<NoEffect>,
}

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error("no platform has the code {0}")]
    UnknownPlatform(PlatformCode),
    #[error("platform {0} does not send webhooks: its adapter is another")]
    WrongAdapter(PlatformCode),
    #[error(transparent)]
    NotAuthentic(NotAuthentic),
    /// As before, if the platform authenticates by name and password.
    #[error(transparent)]
    WrongCredentials(NotAuthentic),
    #[error("the body is a form, and this platform sends JSON")]
    NotJson,
    #[error(transparent)]
    TooOften(#[from] TooOften),
    #[error("the body inflates to more than is accepted")]
    InflatesTooFar,
    #[error("the queue of deliveries is full")]
    QueueFull,
    #[error("the service is stopping")]
    Stopping,
    #[error("the delivery could not be stored")]
    NotStored(#[source] Arc<StoreError>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

struct Waiting {
    delivery: Delivery,
    answer: oneshot::Sender<Result<Received, Arc<StoreError>>>,
}

/// A platform with its valid secrets.
#[derive(Debug)]
pub(in crate::app) struct Trusted {
    pub(in crate::app) platform: PlatformReader,
    secrets: Vec<String>,
    read_at: Instant,
}

/// The way in, shared by every request of a process.
#[derive(Debug)]
pub struct Receiving {
    app: App,
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    trusted: Mutex<HashMap<PlatformCode, Arc<Trusted>>>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Receiving {
    /// Opens the way in, with room for so many deliveries that wait for their commit.
    #[must_use]
    pub fn open(app: App, capacity: usize) -> Self {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let keeper = tokio::spawn(keep(app.clone(), receiver));
        Self {
            app,
            queue: Mutex::new(Some(sender)),
            trusted: Mutex::new(HashMap::new()),
            keeper: Mutex::new(Some(keeper)),
        }
    }

    /// Accepts nothing more, and returns when everything that was accepted is stored.
    pub async fn close(&self) {
        drop(locked(&self.queue).take());
        let keeper = locked(&self.keeper).take();
        if let Some(keeper) = keeper
            && let Err(error) = keeper.await
        {
            tracing::error!(%error, "the task that stores deliveries failed");
        }
    }

    /// Whether deliveries are taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        locked(&self.queue).as_ref().is_some_and(|queue| !queue.is_closed())
    }

    /// Receives a webhook; when this returns `Ok`, it is durable.
    pub async fn receive(&self, request: Request<'_>) -> Result<Stored, ReceiveError> {
        let now = self.app.now();
        let trusted = self.verify(&request, now).await?;
        self.app.rate_limits.platform_sends(request.platform)?;
        let PlatformReader { reader, .. } = &trusted.platform;
        let key = reader.delivery_key(&request.headers, &request.body);
        let key = key.map_err(|_| ReceiveError::WrongAdapter(request.platform.clone()))?;
        let Request { headers, content_type, body, .. } = request;
        let verified = Verified { key: key.clone(), headers, content_type: content_type.to_owned(), body };
        let delivery = trusted.platform.deliver(verified, Arrival::at(now));
        let delivery = delivery.map_err(|_| ReceiveError::InflatesTooFar)?;
        // A sender knows an event by the event's own id.
        let (platform, events) = (delivery.platform, delivery.content.event_ids());
        let event_id = if let [single] = events.as_slice() { single.clone() } else { key };
        let received = self.enqueue(delivery).await?;
        let (received, no_effect) = self.look_at_effect(platform, &events, received).await;
        Ok(Stored { event_id, received, no_effect })
    }

    /// The platform that sent a request, if its signature is valid.
    async fn verify(&self, request: &Request<'_>, now: DateTime<Utc>) -> Result<Arc<Trusted>, ReceiveError> {
        let (mut trusted, is_fresh) = self.trust(request.platform).await?;
        let Reader::Webhooks(profile) = trusted.platform.reader.clone() else {
            return Err(ReceiveError::WrongAdapter(request.platform.clone()));
        };
        if !profile.accepts(request.content_type) {
            return Err(ReceiveError::NotJson);
        }
        let signing = profile.signing();
        let check = |secrets: &[String], at| signing.verify(secrets, &request.headers, &request.body, at);
        let mut verified = check(&trusted.secrets, now);
        if !is_fresh && verified.as_ref().is_err_and(NotAuthentic::is_of_the_secret) {
            // The secret may have been made since.
            trusted = self.read(request.platform).await?;
            verified = check(&trusted.secrets, now);
        }
        match verified {
            Ok(()) => {
                if let Some(signed_at) = signing.signed_at(&request.headers) {
                    self.app.clock_watch.signed(request.platform, now - signed_at, true);
                }
                Ok(trusted)
            }
            Err(error) => {
                self.watch_refused_time(request.platform, &error, |at| check(&trusted.secrets, at).is_ok());
                Err(match signing {
                    Signing::Basic => ReceiveError::WrongCredentials(error),
                    Signing::StandardWebhooks | Signing::Hmac(_) | Signing::SharedSecret { .. } => {
                        ReceiveError::NotAuthentic(error)
                    }
                })
            }
        }
    }

    /// Notes a request that is authentic except for its time: one of the two clocks is wrong.
    fn watch_refused_time(
        &self,
        platform: &PlatformCode,
        error: &NotAuthentic,
        holds_at: impl Fn(DateTime<Utc>) -> bool,
    ) {
        let Some(off) = error.seconds_off().and_then(TimeDelta::try_seconds) else { return };
        let signed_at = self.app.now().checked_sub_signed(off);
        if signed_at.is_some_and(holds_at) {
            self.app.metrics.refused_for_time(platform.as_str());
            self.app.clock_watch.signed(platform, off, false);
        }
    }

    /// What the way in works with.
    pub(in crate::app) const fn app(&self) -> &App {
        &self.app
    }

    pub(in crate::app) async fn enqueue(&self, delivery: Delivery) -> Result<Received, ReceiveError> {
        let queue = locked(&self.queue).clone().ok_or(ReceiveError::Stopping)?;
        let (answer, answered) = oneshot::channel();
        queue.try_send(Waiting { delivery, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ReceiveError::QueueFull,
            mpsc::error::TrySendError::Closed(_) => ReceiveError::Stopping,
        })?;
        drop(queue);
        answered.await.map_err(|_| ReceiveError::Stopping)?.map_err(ReceiveError::NotStored)
    }

    /// The same for a pulled delivery: nobody would send it again, so it waits for room in the queue.
    pub(in crate::app) async fn enqueue_patiently(&self, delivery: Delivery) -> Result<Received, ReceiveError> {
        let queue = locked(&self.queue).clone().ok_or(ReceiveError::Stopping)?;
        let (answer, answered) = oneshot::channel();
        queue.send(Waiting { delivery, answer }).await.map_err(|_| ReceiveError::Stopping)?;
        drop(queue);
        answered.await.map_err(|_| ReceiveError::Stopping)?.map_err(ReceiveError::NotStored)
    }

    /// The platform with its secrets, and whether they were read just now.
    pub(in crate::app) async fn trust(&self, code: &PlatformCode) -> Result<(Arc<Trusted>, bool), ReceiveError> {
        let known = locked(&self.trusted).get(code).cloned();
        match known {
            Some(known) if known.read_at.elapsed() < TRUSTED_FOR => Ok((known, false)),
            _ => Ok((self.read(code).await?, true)),
        }
    }

    async fn read(&self, code: &PlatformCode) -> Result<Arc<Trusted>, ReceiveError> {
        let connection = self.app.store.connection(Unscoped::Receiving);
        let Some(platform) = platforms::by_code(connection, code).await? else {
            locked(&self.trusted).remove(code);
            return Err(ReceiveError::UnknownPlatform(code.clone()));
        };
        let secrets = platforms::secrets_at(connection, platform.id, self.app.now()).await?;
        let platform = PlatformReader::of(connection, platform).await?;
        let trusted = Arc::new(Trusted { platform, secrets, read_at: Instant::now() });
        locked(&self.trusted).insert(code.clone(), trusted.clone());
        Ok(trusted)
    }
}

/// A place in a body as a sentence names it; `pointer` is RFC 6901's.
#[must_use]
pub const fn place_in_body(pointer: &str) -> &str {
    if pointer.is_empty() { "the body" } else { pointer }
}

/// Stores what waits, as much as there is at a time, until the queue is closed.
async fn keep(app: App, mut queue: mpsc::Receiver<Waiting>) {
    let mut waiting = Vec::with_capacity(BATCH);
    loop {
        if queue.recv_many(&mut waiting, BATCH).await == 0 {
            return;
        }
        app.metrics.set_queue_depth(queue.len());
        while !waiting.is_empty() {
            let together: Vec<Waiting> = waiting.drain(..sharing(&waiting)).collect();
            if let Err(trouble) = commit_batch(&app, together).await {
                // What waits behind would wait as long once more, and not fare better.
                let others = waiting.drain(..).chain(std::iter::from_fn(|| queue.try_recv().ok()));
                others.for_each(|waiting| drop(waiting.answer.send(Err(trouble.clone()))));
            }
        }
    }
}

/// How many of the first that wait share a commit: as many as are not too many bytes together, and one at least.
fn sharing(waiting: &[Waiting]) -> usize {
    let mut bytes = 0;
    let fits = waiting.iter().take_while(|waiting| {
        bytes += waiting.delivery.body.len();
        bytes <= BATCH_BYTES
    });
    fits.count().clamp(1, waiting.len().max(1))
}

/// Stores deliveries in one commit, and answers their senders. Fails if the database is in trouble, whatever is sent to
/// it.
async fn commit_batch(app: &App, together: Vec<Waiting>) -> Result<(), Arc<StoreError>> {
    // A sender that hung up, or got the answer that the database is away, sends again.
    let together = together.into_iter().filter(|waiting| !waiting.answer.is_closed());
    let (batch, answers): (Vec<Delivery>, Vec<_>) = together.map(|waiting| (waiting.delivery, waiting.answer)).unzip();
    if batch.is_empty() {
        return Ok(());
    }
    let stored = tokio::select! {
        biased;
        stored = app.store.receive(&batch, app.calendar, app.now()) => stored,
        // It may have committed nevertheless: what is sent again is then known.
        trouble = app.health.is_away() => Err(app.store.away(trouble)),
    };
    match stored {
        Ok(received) => {
            app.metrics.batch_committed(batch.len());
            count_links(app, &received);
            for (answer, received) in answers.into_iter().zip(received) {
                // A sender that hung up sends again, and gets the answer that it is stored.
                drop(answer.send(Ok(received)));
            }
        }
        Err(error) if batch.len() == 1 || Trouble::of(&error).is_some() => {
            let is_trouble = Trouble::of(&error).is_some();
            let error = Arc::new(error);
            for answer in answers {
                drop(answer.send(Err(error.clone())));
            }
            if is_trouble {
                return Err(error);
            }
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a batch was not stored; its deliveries are stored one by one"
            );
            commit_one_by_one(app, batch, answers).await;
        }
    }
    Ok(())
}

/// Counts the results that are linked at once, for the metrics.
fn count_links(app: &App, received: &[Received]) {
    for received in received {
        if let Received::Accepted { linked, .. } = received {
            app.metrics.event_understood(*linked);
        }
    }
}

/// One delivery that the database refuses must not take the others with it.
async fn commit_one_by_one(
    app: &App,
    batch: Vec<Delivery>,
    answers: Vec<oneshot::Sender<Result<Received, Arc<StoreError>>>>,
) {
    for (delivery, answer) in batch.iter().zip(answers) {
        let stored = app.store.receive(std::slice::from_ref(delivery), app.calendar, app.now()).await;
        let stored = stored.map(|mut received| received.pop()).map_err(Arc::new);
        if stored.is_ok() {
            app.metrics.batch_committed(1);
        }
        match stored {
            Ok(Some(received)) => drop(answer.send(Ok(received))),
            Ok(None) => drop(answer),
            Err(error) => drop(answer.send(Err(error))),
        }
    }
}
