//! What the city's learning platform sends: deliveries as real platforms send them, late, twice, and out of order.
//!
//! The bodies are native payloads (DESIGN, "Doors"). The sender signs them; only [`Expect::BadSignature`] must be
//! signed with a wrong secret.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use serde_json::{Value, json};

use super::people::Person;
use super::training::{COURSE, Did, FULL_TENTHS, OLD_COURSE, QUIZ, Training};
use super::{DemoCity, HOME_PAGE, Part, chance};

/// One delivery to the webhook endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoDelivery {
    /// The `webhook-id`.
    pub id: String,
    /// The native payload, JSON.
    pub body: Vec<u8>,
    pub expectation: Expect,
}

/// How the endpoint answers, if deliveries are sent one after the other in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Expect {
    /// `200`: new, and stored.
    Accepted,
    /// `200`, `duplicate`: a retry, the same id and bytes.
    Duplicate,
    /// `200`: a known result under a new id; it changes no figure.
    SentAgain,
    /// `200`, `ignored`: of an unknown type.
    Ignored,
    /// `409`: a known id with other bytes.
    Conflict,
    /// `422`: authentic, but not understood; goes to quarantine.
    NotUnderstood,
    /// `401`: must be signed with another secret.
    BadSignature,
}

impl Expect {
    pub const ALL: [Self; 7] = [
        Self::Accepted,
        Self::Duplicate,
        Self::SentAgain,
        Self::Ignored,
        Self::Conflict,
        Self::NotUnderstood,
        Self::BadSignature,
    ];
}

impl DemoCity {
    /// What the platform sends, in the order in which it arrives.
    #[must_use]
    pub fn deliveries(&self) -> Vec<DemoDelivery> {
        let trainings = self.trainings();
        let mut outbox = Outbox {
            rng: chance(self.seed, Part::Deliveries),
            messages: 0,
            sent: Vec::with_capacity(trainings.len() + trainings.len() / 16),
        };
        let sent_at_place: Vec<usize> = trainings.iter().map(|training| outbox.send_event(training)).collect();
        outbox.send_oddities(&trainings, &sent_at_place, (self.people.len() / 1_000).max(1));
        outbox.in_order_of_arrival()
    }
}

/// A delivery on its way.
struct Sent {
    arrives_at: DateTime<Utc>,
    delivery: DemoDelivery,
}

struct Outbox {
    rng: Xoshiro256PlusPlus,
    messages: u64,
    sent: Vec<Sent>,
}

impl Outbox {
    fn in_order_of_arrival(mut self) -> Vec<DemoDelivery> {
        // A stable sort: of two that arrive at the same time, the one that was sent later arrives later.
        self.sent.sort_by_key(|sent| sent.arrives_at);
        self.sent.into_iter().map(|sent| sent.delivery).collect()
    }

    fn next_id(&mut self) -> String {
        self.messages += 1;
        // An odd factor scatters the numbers and keeps them different.
        format!("msg_{:012x}", self.messages.wrapping_mul(0x9E37_79B9_7F4B) % (1 << 48))
    }

    fn send(&mut self, arrives_at: DateTime<Utc>, id: String, body: &Value, expectation: Expect) {
        let delivery = DemoDelivery { id, body: body.to_string().into_bytes(), expectation };
        self.sent.push(Sent { arrives_at, delivery });
    }

    /// Sends what somebody did, sometimes twice; returns the place of the first delivery among the sent ones.
    fn send_event(&mut self, training: &Training<'_>) -> usize {
        let (arrives_at, id, body) = (self.arrival_of(training), self.next_id(), self.body(training));
        let sent_at_place = self.sent.len();
        self.send(arrives_at, id, &body, Expect::Accepted);
        match self.rng.random_range(0..200) {
            0..4 => self.retry(sent_at_place),
            4 => self.send_again(training, sent_at_place),
            _ => {}
        }
        sent_at_place
    }

    /// Sends so many deliveries of each unusual kind, spread over the city.
    fn send_oddities(&mut self, trainings: &[Training<'_>], sent_at_place: &[usize], of_each: usize) {
        const KINDS: usize = 9;
        let all: Vec<(&Training<'_>, usize)> = trainings.iter().zip(sent_at_place.iter().copied()).collect();
        for nth in 0..of_each {
            // Another training for each: none is sent in two unusual ways.
            let from = |kind: usize| all.iter().skip((nth * KINDS + kind) * all.len() / (of_each * KINDS));
            let picked = |kind: usize| from(kind).copied().next();
            let attempt = from(0).find(|(training, _)| matches!(training.what, Did::Attempted { .. }));
            attempt.into_iter().for_each(|(training, _)| self.void(training));
            picked(1).into_iter().for_each(|(training, _)| self.withdraw(training));
            picked(2).into_iter().for_each(|(training, _)| self.send_of_a_stranger(training, nth));
            picked(3).into_iter().for_each(|(training, _)| self.send_another_type(training));
            picked(4).into_iter().for_each(|(training, _)| self.send_half_a_score(training));
            picked(5).into_iter().for_each(|(training, _)| self.forge(training));
            picked(6).into_iter().for_each(|(training, sent_at_place)| self.reuse_an_id(training, sent_at_place));
            picked(7).into_iter().for_each(|(_, sent_at_place)| self.retry(sent_at_place));
            picked(8).into_iter().for_each(|(training, sent_at_place)| self.send_again(training, sent_at_place));
        }
    }

    /// Soon after it happened, sometimes days later; for the old platform's history much later.
    fn arrival_of(&mut self, training: &Training<'_>) -> DateTime<Utc> {
        let minutes = match (training.what, self.rng.random_range(0..100)) {
            (Did::Completed { course: OLD_COURSE }, _) => self.rng.random_range(40..300) * 24 * 60,
            (_, 0..2) => self.rng.random_range(20..180) * 24 * 60,
            (_, 2..12) => self.rng.random_range(60..4_000),
            _ => self.rng.random_range(0..10),
        };
        training.at.to_utc() + TimeDelta::minutes(minutes)
    }

    /// Some time after a delivery that was sent.
    fn arrival_after(&mut self, sent_at_place: usize) -> DateTime<Utc> {
        let delay = TimeDelta::seconds(self.rng.random_range(5..90_000));
        self.sent[sent_at_place].arrives_at + delay
    }

    /// The same id and bytes once more.
    fn retry(&mut self, sent_at_place: usize) {
        let arrives_at = self.arrival_after(sent_at_place);
        let delivery = DemoDelivery { expectation: Expect::Duplicate, ..self.sent[sent_at_place].delivery.clone() };
        self.sent.push(Sent { arrives_at, delivery });
    }

    /// The same result under a new id, and maybe with other keys of the learner.
    fn send_again(&mut self, training: &Training<'_>, sent_at_place: usize) {
        let (arrives_at, id, body) = (self.arrival_after(sent_at_place), self.next_id(), self.body(training));
        self.send(arrives_at, id, &body, Expect::SentAgain);
    }

    /// Other bytes under the id with which a training was sent.
    fn reuse_an_id(&mut self, training: &Training<'_>, sent_at_place: usize) {
        let (arrives_at, mut body) = (self.arrival_after(sent_at_place), self.body(training));
        let id = self.sent[sent_at_place].delivery.id.clone();
        body["timestamp"] = json!((training.at + TimeDelta::seconds(1)).to_rfc3339());
        self.send(arrives_at, id, &body, Expect::Conflict);
    }

    /// A completion reported by mistake, and its withdrawal, which arrives first.
    fn withdraw(&mut self, training: &Training<'_>) {
        let mistaken = self.next_id();
        let reported_at = training.at.to_utc() - TimeDelta::hours(1);
        let data = json!({
            "learner": { "employee_number": training.who.number.to_string() }, "course": { "id": COURSE },
        });
        let mut withdrawal =
            json!({ "type": "completion.revoked", "timestamp": training.at.to_rfc3339(), "data": data });
        withdrawal["data"]["event_id"] = json!(mistaken);
        withdrawal["data"]["reason"] = json!("Registrerad på fel person");
        let id = self.next_id();
        self.send(reported_at, id, &withdrawal, Expect::Accepted);
        let completion = json!({ "type": "course.completed", "timestamp": reported_at.to_rfc3339(), "data": data });
        self.send(reported_at + TimeDelta::minutes(20), mistaken, &completion, Expect::Accepted);
    }

    /// Withdraws what the learner did in the quiz up to an instant.
    fn void(&mut self, training: &Training<'_>) {
        let instant = training.at + TimeDelta::minutes(1);
        let body = json!({
            "type": "completion.revoked",
            "timestamp": instant.to_rfc3339(),
            "data": {
                "learner": { "employee_number": training.who.number.to_string() }, "quiz": { "id": QUIZ },
                "reason": "Provet gjordes om efter fel i frågorna",
            },
        });
        let id = self.next_id();
        self.send(instant.to_utc(), id, &body, Expect::Accepted);
    }

    /// A learner whom the directory does not know: a consultant's address, another city's number, a guest's account.
    fn send_of_a_stranger(&mut self, training: &Training<'_>, nth: usize) {
        let (arrives_at, id, mut body) = (self.arrival_of(training), self.next_id(), self.body(training));
        body["data"]["learner"] = match nth % 3 {
            0 => json!({ "email": format!("konsult{nth}@consulting.example.org") }),
            1 => json!({ "employee_number": format!("X{nth:05}") }),
            _ => json!({ "account": { "home_page": HOME_PAGE, "name": format!("gast-{nth}") } }),
        };
        self.send(arrives_at, id, &body, Expect::Accepted);
    }

    fn send_another_type(&mut self, training: &Training<'_>) {
        let (arrives_at, id, learner) = (self.arrival_of(training), self.next_id(), self.learner(training.who));
        let body = json!({
            "type": "course.started",
            "timestamp": training.at.to_rfc3339(),
            "data": { "learner": learner, "course": { "id": COURSE } },
        });
        self.send(arrives_at, id, &body, Expect::Ignored);
    }

    /// Points without the full score.
    fn send_half_a_score(&mut self, training: &Training<'_>) {
        let (arrives_at, id, learner) = (self.arrival_of(training), self.next_id(), self.learner(training.who));
        let body = json!({
            "type": "quiz.graded",
            "timestamp": training.at.to_rfc3339(),
            "data": { "learner": learner, "quiz": { "id": QUIZ }, "attempt": 1, "score": { "raw": "17" } },
        });
        self.send(arrives_at, id, &body, Expect::NotUnderstood);
    }

    fn forge(&mut self, training: &Training<'_>) {
        let (arrives_at, id, body) = (self.arrival_of(training), self.next_id(), self.body(training));
        self.send(arrives_at, id, &body, Expect::BadSignature);
    }

    fn body(&mut self, training: &Training<'_>) -> Value {
        let learner = self.learner(training.who);
        let happened_at = self.written(training.at);
        match training.what {
            Did::Completed { course } => {
                let mut data = json!({ "learner": learner, "course": { "id": course, "version": "3" } });
                // Without this field, it happened at the event's timestamp.
                if self.rng.random_ratio(9, 10) {
                    data["completed_at"] = json!(happened_at);
                }
                json!({ "type": "course.completed", "timestamp": happened_at, "data": data })
            }
            Did::Attempted { number, tenths } => {
                let mut data = json!({
                    "learner": learner, "course": { "id": COURSE }, "quiz": { "id": QUIZ },
                    "attempt": number, "passed": training.what.passed(), "graded_at": happened_at,
                });
                if let Some(score) = self.score(tenths) {
                    data["score"] = score;
                }
                json!({ "type": "quiz.graded", "timestamp": happened_at, "data": data })
            }
        }
    }

    /// A score in one of the allowed forms; a few results have none, and only say whether it was passed.
    fn score(&mut self, tenths: u32) -> Option<Value> {
        let points = format!("{}.{}", tenths / 10, tenths % 10);
        match self.rng.random_range(0..20) {
            0 => None,
            1..4 => Some(json!({ "percent": format!("{}.{}", tenths / 2, tenths % 2 * 5) })),
            4..7 => Some(json!({ "scaled": format!("{}.{:03}", tenths / FULL_TENTHS, tenths % FULL_TENTHS * 5) })),
            7..12 if tenths.is_multiple_of(10) => Some(json!({ "raw": tenths / 10, "max": FULL_TENTHS / 10 })),
            _ => Some(json!({ "raw": points, "max": "20" })),
        }
    }

    /// A learner by one key or two, in upper or lower case.
    fn learner(&mut self, who: &Person) -> Value {
        let number = who.number.to_string();
        match (self.rng.random_range(0..20), &who.email) {
            (0..4, Some(email)) => json!({ "email": odd_case(email) }),
            (4..7, Some(email)) => json!({ "employee_number": number, "email": email }),
            (7..9, _) => json!({ "username": who.username.to_uppercase() }),
            (9..12, _) => json!({ "account": { "home_page": HOME_PAGE, "name": who.account.to_string() } }),
            _ => json!({ "employee_number": number }),
        }
    }

    /// An instant with the city's offset, or in UTC.
    fn written(&mut self, at: DateTime<Tz>) -> String {
        if self.rng.random_ratio(1, 5) { at.to_utc().to_rfc3339() } else { at.to_rfc3339() }
    }
}

/// `anna.andersson@example.org` as a person may type it: ` Anna.Andersson@Example.Org`.
fn odd_case(email: &str) -> String {
    let mut typed = String::with_capacity(email.len() + 1);
    typed.push(' ');
    let mut begins_word = true;
    for letter in email.chars() {
        typed.push(if begins_word { letter.to_ascii_uppercase() } else { letter });
        begins_word = !letter.is_alphanumeric();
    }
    typed
}
