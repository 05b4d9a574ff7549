//! A delivery comes in: who sent it, what it says, and keeping it before anybody is told that it is kept.
//!
//! Requests that come while a commit is under way share the next one (group commit). The queue between them is short and
//! bounded: where it is full the sender is told to come back, rather than be promised something.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::platforms::give_profile::{profile_of, verb_mapping_of, version_of};
use crate::app::receiving::rate_limits::TooOften;
use crate::domain::compliance::effect::NoEffect;
use crate::domain::ids::{EventId, PlatformCode, PlatformId};
use crate::intake::profile::{NotAuthentic, Profile, is_form};
use crate::intake::webhook::encoding::{self, InflateError};
use crate::intake::webhook::native::{self, Understood};
use crate::intake::webhook::signature::{self, SignatureError, SignatureHeaders, WebhookSecret};
use crate::intake::xapi::verb_mapping::VerbMapping;
use crate::store::platforms::{self, Platform};
use crate::store::receiving::{Content, Delivery};
use crate::store::{StoreError, Trouble, Unscoped};

pub use crate::intake::webhook::encoding::{MAX_INFLATED, is_taken as is_encoding_taken};
pub use crate::intake::webhook::headers::Headers;
pub use crate::store::receiving::Received;

/// The most deliveries that share a commit.
const BATCH: usize = 512;

/// The most bytes of bodies that share a commit, but for one delivery that has more by itself.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// How long a platform and its secrets are taken as read. A secret that is not among them is looked for at once.
pub const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// A request as it came through a door.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub platform: &'a PlatformCode,
    pub headers: Headers<'a>,
    pub content_type: &'a str,
    pub body: Vec<u8>,
}

/// A delivery that is kept, or was.
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
    Unauthenticated(#[from] SignatureError),
    #[error(transparent)]
    NotAuthentic(NotAuthentic),
    /// As before, where a name and a password are asked for.
    #[error(transparent)]
    WrongCredentials(NotAuthentic),
    #[error("the body is a form, and this platform sends JSON")]
    NotJson,
    #[error(transparent)]
    TooOften(#[from] TooOften),
    #[error("the body inflates to more than is taken")]
    InflatesTooFar,
    #[error("the queue of deliveries is full")]
    QueueFull,
    #[error("the service is stopping")]
    Stopping,
    #[error("the delivery could not be kept")]
    NotStored(#[source] Arc<StoreError>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

struct Waiting {
    delivery: Delivery,
    answer: oneshot::Sender<Result<Received, Arc<StoreError>>>,
}

/// A platform with the secrets that hold.
#[derive(Debug)]
pub(in crate::app) struct Trusted {
    pub(in crate::app) platform: Platform,
    secrets: Vec<WebhookSecret>,
    /// The same as they are kept.
    pub(in crate::app) stored_secrets: Vec<String>,
    /// By which its webhooks are read, where they are not native.
    profile: Option<Arc<Profile>>,
    /// The version of its own profile, where it was given one.
    pub(in crate::app) profile_version: Option<i32>,
    read_at: Instant,
}

/// The words of a platform's statements, the version of the profile that says them, and when they were read.
type TrustedVerbMapping = (Arc<VerbMapping>, Option<i32>, Instant);

/// The way in, shared by every request of a process.
#[derive(Debug)]
pub struct Receiving {
    app: App,
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    trusted: Mutex<HashMap<PlatformCode, Arc<Trusted>>>,
    words: Mutex<HashMap<PlatformId, TrustedVerbMapping>>,
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
            words: Mutex::new(HashMap::new()),
            keeper: Mutex::new(Some(keeper)),
        }
    }

    /// Takes nothing more, and returns when everything that was taken is kept.
    pub async fn close(&self) {
        drop(locked(&self.queue).take());
        let keeper = locked(&self.keeper).take();
        if let Some(keeper) = keeper
            && let Err(error) = keeper.await
        {
            tracing::error!(%error, "the keeper of deliveries ended badly");
        }
    }

    /// Whether deliveries are taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        locked(&self.queue).as_ref().is_some_and(|queue| !queue.is_closed())
    }

    /// Receives a delivery; when this returns `Ok`, it is durable.
    pub async fn receive(&self, request: Request<'_>) -> Result<Stored, ReceiveError> {
        let now = self.app.now();
        let (trusted, fresh) = self.trust(request.platform).await?;
        if let Some(profile) = trusted.profile.clone() {
            return self.receive_foreign(request, &trusted, &profile, fresh).await;
        }
        if trusted.platform.adapter != NATIVE {
            return Err(ReceiveError::WrongAdapter(request.platform.clone()));
        }
        if is_form(request.content_type) {
            return Err(ReceiveError::NotJson);
        }
        let headers = SignatureHeaders {
            id: request.headers.get(signature::ID_HEADER),
            timestamp: request.headers.get(signature::TIMESTAMP_HEADER),
            signature: request.headers.get(signature::SIGNATURE_HEADER),
        };
        let verified = signature::verify(&trusted.secrets, &headers, &request.body, now);
        let (trusted, event_id) = match verified {
            Err(SignatureError::Mismatch) if !fresh => {
                // The secret may have been made since.
                let trusted = self.read(request.platform).await?;
                let event_id = signature::verify(&trusted.secrets, &headers, &request.body, now)?;
                (trusted, event_id)
            }
            verified => {
                let signed_at = |now| signature::verify(&trusted.secrets, &headers, &request.body, now).is_ok();
                self.heard_time(
                    request.platform,
                    verified.as_ref().err().and_then(SignatureError::seconds_off),
                    signed_at,
                );
                (trusted, verified?)
            }
        };
        self.heard_signing(request.platform, headers.timestamp, now);
        self.app.rate_limits.platform_sends(request.platform)?;
        if encoding::plain(&request.body) == Err(InflateError::TooLarge) {
            return Err(ReceiveError::InflatesTooFar);
        }
        let content = understand(&event_id, &request.body, trusted.platform.time_zone, now);
        let delivery = Delivery {
            platform: trusted.platform.id,
            linking_keys: trusted.platform.linking_keys.as_slice().into(),
            key: event_id.clone(),
            content_type: request.content_type.to_owned(),
            headers: verified_headers(&headers),
            is_pulled: false,
            read_by: None,
            body: request.body,
            content,
        };
        let (platform, events) = (delivery.platform, delivery.content.event_ids());
        let received = self.enqueue(delivery).await?;
        let (received, no_effect) = self.look_at_effect(platform, &events, received).await;
        Ok(Stored { event_id, received, no_effect })
    }

    /// Notices a delivery whose signature holds but for its time: it is the sender's own, and one of the clocks is wrong.
    pub(in crate::app) fn heard_time(
        &self,
        platform: &PlatformCode,
        seconds_off: Option<i64>,
        holds_at: impl Fn(DateTime<Utc>) -> bool,
    ) {
        let Some(off) = seconds_off.and_then(TimeDelta::try_seconds) else { return };
        let signed_at = self.app.now().checked_sub_signed(off);
        if signed_at.is_some_and(holds_at) {
            self.app.metrics.refused_for_time(platform.as_str());
            self.app.clock_watch.signed(platform, off, false);
        }
    }

    /// Notices when a delivery that is taken was signed.
    fn heard_signing(&self, platform: &PlatformCode, timestamp: Option<&str>, now: DateTime<Utc>) {
        let signed_at =
            timestamp.and_then(|text| text.parse().ok()).and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        if let Some(signed_at) = signed_at {
            self.app.clock_watch.signed(platform, now - signed_at, true);
        }
    }

    /// What the way in works with.
    pub(in crate::app) const fn app(&self) -> &App {
        &self.app
    }

    /// The words of a platform that sends statements, as they were within the last second, and the version of the profile that says them.
    pub(in crate::app) async fn verb_mapping(
        &self,
        platform: PlatformId,
    ) -> Result<(Arc<VerbMapping>, Option<i32>), StoreError> {
        let known = locked(&self.words).get(&platform).cloned();
        if let Some((words, version, _)) = known.filter(|(_, _, read_at)| read_at.elapsed() < TRUSTED_FOR) {
            return Ok((words, version));
        }
        let connection = self.app.store.connection(Unscoped::Receiving);
        let words = Arc::new(verb_mapping_of(connection, platform).await?);
        let version = version_of(connection, platform).await?;
        locked(&self.words).insert(platform, (words.clone(), version, Instant::now()));
        Ok((words, version))
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

    /// The same of a delivery that was asked for: nobody hears that it should come again, so it waits for room.
    pub(in crate::app) async fn enqueue_patiently(&self, delivery: Delivery) -> Result<Received, ReceiveError> {
        let queue = locked(&self.queue).clone().ok_or(ReceiveError::Stopping)?;
        let (answer, answered) = oneshot::channel();
        queue.send(Waiting { delivery, answer }).await.map_err(|_| ReceiveError::Stopping)?;
        drop(queue);
        answered.await.map_err(|_| ReceiveError::Stopping)?.map_err(ReceiveError::NotStored)
    }

    /// The platform and its secrets, and whether they were read just now.
    async fn trust(&self, code: &PlatformCode) -> Result<(Arc<Trusted>, bool), ReceiveError> {
        let known = locked(&self.trusted).get(code).cloned();
        match known {
            Some(known) if known.read_at.elapsed() < TRUSTED_FOR => Ok((known, false)),
            _ => Ok((self.read(code).await?, true)),
        }
    }

    pub(in crate::app) async fn read(&self, code: &PlatformCode) -> Result<Arc<Trusted>, ReceiveError> {
        let connection = self.app.store.connection(Unscoped::Receiving);
        let Some(platform) = platforms::by_code(connection, code).await? else {
            locked(&self.trusted).remove(code);
            return Err(ReceiveError::UnknownPlatform(code.clone()));
        };
        let profile = profile_of(connection, &platform).await?;
        let profile_version = version_of(connection, platform.id).await?;
        let stored_secrets = platforms::secrets_at(connection, platform.id, self.app.now()).await?;
        let secrets = stored_secrets.iter().filter_map(|secret| WebhookSecret::parse(secret).ok()).collect();
        let trusted =
            Arc::new(Trusted { platform, secrets, stored_secrets, profile, profile_version, read_at: Instant::now() });
        locked(&self.trusted).insert(code.clone(), trusted.clone());
        Ok(trusted)
    }
}

/// A place in a body as a sentence names it; `pointer` is RFC 6901's.
#[must_use]
pub const fn place_in_body(pointer: &str) -> &str {
    if pointer.is_empty() { "the body" } else { pointer }
}

/// The adapter of platforms that send Kurskoll's own payloads.
pub const NATIVE: &str = "native";

/// What a native delivery says.
pub(in crate::app) fn understand(
    event_id: &EventId,
    body: &[u8],
    time_zone: chrono_tz::Tz,
    received_at: chrono::DateTime<chrono::Utc>,
) -> Content {
    let body = match encoding::plain(body) {
        Ok(body) => body,
        Err(problem) => return Content::NotUnderstood { pointer: String::new(), problem: problem.to_string() },
    };
    match native::interpret(event_id, &body, time_zone, received_at) {
        Ok(Understood::Result(result)) => Content::Results(vec![result]),
        Ok(Understood::Ignored { .. }) => Content::Nothing,
        Err(not_understood) => {
            Content::NotUnderstood { pointer: not_understood.pointer, problem: not_understood.fault.to_string() }
        }
    }
}

fn verified_headers(headers: &SignatureHeaders<'_>) -> String {
    serde_json::json!({
        "webhook-id": headers.id,
        "webhook-timestamp": headers.timestamp,
        "webhook-signature": headers.signature,
    })
    .to_string()
}

/// Keeps what waits, as much as there is at a time, until nobody can send any more.
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

/// Keeps deliveries in one commit, and answers who sent them. Fails where the database is in trouble, whatever is sent to it.
async fn commit_batch(app: &App, together: Vec<Waiting>) -> Result<(), Arc<StoreError>> {
    // Whoever hung up, or was answered that the database is away, sends again.
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
                // Whoever hung up sends again, and is told that it is kept.
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
            tracing::warn!(error = &error as &dyn std::error::Error, "a batch was not kept; one by one instead");
            commit_one_by_one(app, batch, answers).await;
        }
    }
    Ok(())
}

/// What the metrics say of the share of results that are somebody's at once.
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
