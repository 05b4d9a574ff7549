//! Whether a delivery comes from who it says: signatures as Standard Webhooks has them.
//!
//! The sender signs `{webhook-id}.{webhook-timestamp}.{body}` with HMAC-SHA256 under a shared secret (`whsec_` and
//! Base64) and sends the codes in `webhook-signature` as `v1,<Base64>`, several apart by spaces while it changes
//! secrets. Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>,
//! "Verifying webhook authenticity".

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use kurskoll_domain::ids::{EventId, InvalidId};

/// The header with the event's id.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the time of sending, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with the signatures.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// How far the time of sending may be from now, before or after (DESIGN, "Doors").
pub const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// The most `v1` signatures of one delivery that are looked at, so that a forger cannot make the work long. A sender
/// has one for each secret that is active, which is two while it changes them.
const MAX_SIGNATURES: usize = 16;

const SECRET_PREFIX: &str = "whsec_";
/// The version before the comma for HMAC-SHA256; `v1a` is Ed25519, which no platform of ours has a key for.
const VERSION: &str = "v1";
/// The lengths of a secret that the standard allows, in bytes.
const MIN_SECRET_BYTES: usize = 24;
const MAX_SECRET_BYTES: usize = 64;

type HmacSha256 = Hmac<Sha256>;

/// A secret that one platform and Kurskoll share: 24 to 64 bytes. Only [`WebhookSecret::reveal`] shows it.
#[derive(Clone)]
pub struct WebhookSecret(Vec<u8>);

/// Why a text is not a secret; never says what the text was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    #[error("a webhook secret begins with {SECRET_PREFIX}: give it whole, as it was printed")]
    NoPrefix,
    #[error("what follows {SECRET_PREFIX} is not Base64: give the secret whole, as it was printed")]
    NotBase64,
    #[error(
        "a webhook secret has {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes, this one has {bytes}: make a new one"
    )]
    Length { bytes: usize },
}

impl WebhookSecret {
    /// A new secret of 32 bytes that a cryptographic source of randomness gave.
    #[must_use]
    pub fn generate(random: [u8; 32]) -> Self {
        Self(random.to_vec())
    }

    /// Reads a secret from its text, `whsec_…`.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.trim().strip_prefix(SECRET_PREFIX).ok_or(InvalidSecret::NoPrefix)?;
        let key = STANDARD.decode(encoded).map_err(|_| InvalidSecret::NotBase64)?;
        if (MIN_SECRET_BYTES..=MAX_SECRET_BYTES).contains(&key.len()) {
            Ok(Self(key))
        } else {
            Err(InvalidSecret::Length { bytes: key.len() })
        }
    }

    /// The secret as its text, `whsec_…`: to be shown once, to who set the platform up.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// The code over the signed content, `{id}.{timestamp}.{body}`, in a form that only compares in constant time.
    fn code(&self, id: &str, timestamp: i64, body: &[u8]) -> CtOutput<HmacSha256> {
        let mut mac = HmacSha256::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length (RFC 2104, section 2)"));
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.finalize()
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(hidden)")
    }
}

/// The three headers that a signed delivery carries, as they came; `None` where one is missing or not text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignatureHeaders<'a> {
    pub id: Option<&'a str>,
    pub timestamp: Option<&'a str>,
    pub signature: Option<&'a str>,
}

/// Why a delivery is not taken as authentic. Says what is wrong and what to do, and nothing that helps a forger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the header {name} is missing: sign deliveries as Standard Webhooks says")]
    MissingHeader { name: &'static str },
    #[error("the header {ID_HEADER} {0}: send an id that is the event's own, the same in every retry")]
    InvalidId(InvalidId),
    #[error("the header {TIMESTAMP_HEADER} is not a time in whole seconds since 1970, such as 1772439300")]
    MalformedTimestamp,
    #[error(
        "the delivery was signed {seconds} seconds ago, and the limit is {}: set the sender's clock right, and let each retry be signed anew",
        TOLERANCE.num_seconds()
    )]
    TooOld { seconds: i64 },
    #[error(
        "the delivery was signed {seconds} seconds in the future, and the limit is {}: set the sender's clock right",
        TOLERANCE.num_seconds()
    )]
    TooNew { seconds: i64 },
    #[error("the header {SIGNATURE_HEADER} has no part that begins with {VERSION}, : sign with HMAC-SHA256")]
    NoKnownSignature,
    #[error(
        "no signature fits: use this platform's current secret, and sign id, timestamp and the body's bytes exactly as they are sent"
    )]
    Mismatch,
}

impl SignatureError {
    /// How far its time is from ours, where that is too far: positive where it lies in the past.
    #[must_use]
    pub const fn seconds_off(&self) -> Option<i64> {
        match self {
            Self::TooOld { seconds } => Some(*seconds),
            Self::TooNew { seconds } => Some(-*seconds),
            _ => None,
        }
    }
}

/// Whether a delivery was signed, within [`TOLERANCE`] of `now`, with one of the platform's active secrets: any
/// signature may fit any of them. Gives the event's id, which the signature covers.
pub fn verify(
    secrets: &[WebhookSecret],
    headers: &SignatureHeaders<'_>,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<EventId, SignatureError> {
    let present = |value, name| Option::ok_or(value, SignatureError::MissingHeader { name });
    let id = present(headers.id, ID_HEADER)?;
    let timestamp = present(headers.timestamp, TIMESTAMP_HEADER)?;
    let signatures = present(headers.signature, SIGNATURE_HEADER)?;

    let event_id = EventId::parse(id).map_err(SignatureError::InvalidId)?;
    let timestamp = seconds_since_1970(timestamp).ok_or(SignatureError::MalformedTimestamp)?;
    let age = now.timestamp().saturating_sub(timestamp);
    if age > TOLERANCE.num_seconds() {
        return Err(SignatureError::TooOld { seconds: age });
    }
    if age < -TOLERANCE.num_seconds() {
        return Err(SignatureError::TooNew { seconds: age.saturating_neg() });
    }

    let mut signatures = signatures
        .split(' ')
        .filter_map(|part| part.split_once(','))
        .filter_map(|(version, code)| (version == VERSION).then_some(code))
        .take(MAX_SIGNATURES)
        .peekable();
    if signatures.peek().is_none() {
        return Err(SignatureError::NoKnownSignature);
    }
    let given: Vec<CtOutput<HmacSha256>> = signatures.filter_map(decoded).collect();
    let fits = secrets.iter().any(|secret| {
        // A comparison takes as long whatever the bytes; which of several fits is no secret.
        let expected = secret.code(id, timestamp, body);
        given.contains(&expected)
    });
    if fits { Ok(event_id) } else { Err(SignatureError::Mismatch) }
}

/// Signs a delivery: what goes into `webhook-signature`, `v1,<Base64>`.
///
/// * `timestamp`: the time of sending, in seconds since 1970, the same as goes into `webhook-timestamp`.
#[must_use]
pub fn sign(secret: &WebhookSecret, id: &str, timestamp: i64, body: &[u8]) -> String {
    format!("{VERSION},{}", STANDARD.encode(secret.code(id, timestamp, body).as_bytes()))
}

fn seconds_since_1970(text: &str) -> Option<i64> {
    // Digits alone: `i64` would also take a sign.
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn decoded(code: &str) -> Option<CtOutput<HmacSha256>> {
    let bytes: [u8; 32] = STANDARD.decode(code).ok()?.try_into().ok()?;
    Some(CtOutput::new(bytes.into()))
}

#[cfg(test)]
mod tests;
