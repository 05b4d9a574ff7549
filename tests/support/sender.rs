//! A learning platform on the other end of the wire.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use kurskoll::app::Clock;
use kurskoll::intake::webhook::signature::{WebhookSecret, sign};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::app::Answer;

/// Sends signed deliveries to one platform's address.
#[derive(Debug, Clone)]
pub struct Sender {
    client: reqwest::Client,
    address: String,
    secret: WebhookSecret,
}

impl Sender {
    /// * `service`: the service's address, `http://127.0.0.1:8000`.
    pub fn new(service: &str, platform: &str, secret: WebhookSecret) -> Self {
        Self { client: reqwest::Client::new(), address: format!("{service}/webhooks/{platform}"), secret }
    }

    /// The same to another address.
    pub fn at(self, service: &str, platform: &str) -> Self {
        Self { address: format!("{service}/webhooks/{platform}"), ..self }
    }

    /// A delivery signed at an instant, ready to send.
    pub fn delivery(&self, id: &str, signed_at: DateTime<Utc>, body: &[u8]) -> reqwest::RequestBuilder {
        let timestamp = signed_at.timestamp();
        self.client
            .post(&self.address)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", sign(&self.secret, id, timestamp, body))
            .body(body.to_vec())
    }
}

/// Senders that continue, each with one delivery after the other, until the service is gone.
#[derive(Debug)]
pub struct Senders {
    sending: JoinSet<BTreeSet<String>>,
    taken: Arc<(AtomicUsize, Notify)>,
}

impl Senders {
    /// Starts so many; `body` makes a delivery's body from its id.
    pub fn start(count: usize, sender: &Sender, clock: &Clock, body: fn(&str) -> Vec<u8>) -> Self {
        let taken = Arc::new((AtomicUsize::new(0), Notify::new()));
        let mut sending = JoinSet::new();
        for number in 0..count {
            let (taken, clock) = (taken.clone(), clock.clone());
            let sender = Sender { client: reqwest::Client::new(), ..sender.clone() };
            sending.spawn(async move {
                let mut answered = BTreeSet::new();
                for place in 0.. {
                    let id = format!("e-{number}-{place}");
                    let Ok(answer) = Answer::to(sender.delivery(&id, clock(), &body(&id))).await else { break };
                    // A service that is stopping answers that while it can.
                    if answer.status == 503 {
                        break;
                    }
                    answer.ok();
                    answered.insert(id);
                    taken.0.fetch_add(1, Ordering::SeqCst);
                    taken.1.notify_one();
                }
                answered
            });
        }
        Self { sending, taken }
    }

    /// Waits until so many deliveries were answered `200`.
    pub async fn have_sent(&self, deliveries: usize) {
        let counting = async {
            while self.taken.0.load(Ordering::SeqCst) < deliveries {
                self.taken.1.notified().await;
            }
        };
        timeout(Duration::from_secs(60), counting).await.expect("they go on sending");
    }

    /// Waits until all have ended; returns the ids that were answered `200`.
    pub async fn ended(self) -> BTreeSet<String> {
        self.sending.join_all().await.into_iter().flatten().collect()
    }
}
