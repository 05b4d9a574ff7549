//! Whether a delivery of a foreign platform comes from who it says, by what the profile says of it.
//!
//! Codes and secrets are only ever compared through HMAC, which takes as long whatever the bytes; any of the secrets
//! that hold may fit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::Rng as _;
use sha2::Sha256;

use super::model::{Encoding, HmacSigning, SignedPart, SignedTime, Signing};
use crate::request::Headers;
use crate::webhook::signature::{
    self, ID_HEADER, SIGNATURE_HEADER, SignatureError, SignatureHeaders, TIMESTAMP_HEADER, WebhookSecret,
};
use kurskoll_domain::ids::EventId;

type HmacSha256 = Hmac<Sha256>;

/// The lengths of a secret, in bytes: below, it could be guessed.
const MIN_SECRET: usize = 16;
const MAX_SECRET: usize = 512;

/// The most bytes of a header's value that are looked at.
const MAX_HEADER: usize = 4096;

/// Why a delivery is not taken as authentic. Says what is wrong and what to do, and nothing that helps a forger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAuthentic {
    #[error(transparent)]
    Standard(#[from] SignatureError),
    #[error("the header {name} is missing: set the platform up to send it, as its profile says")]
    MissingHeader { name: String },
    #[error(
        "the header {name} does not begin with \"{prefix}\": set the platform up as its profile says, or mend the profile"
    )]
    NoPrefix { name: String, prefix: String },
    #[error(
        "the header {name} is not a code in {encoding}: set the platform up as its profile says, or mend the profile"
    )]
    NotACode { name: String, encoding: &'static str },
    #[error("the header {name} is not a time in {unit} since 1970")]
    NotATime { name: String, unit: &'static str },
    #[error(
        "the delivery was signed {seconds} seconds ago, and the limit is {limit}: set the sender's clock right, and let each retry be signed anew"
    )]
    TooOld { seconds: i64, limit: i64 },
    #[error(
        "the delivery was signed {seconds} seconds in the future, and the limit is {limit}: set the sender's clock right"
    )]
    TooNew { seconds: i64, limit: i64 },
    #[error(
        "no signature fits: use this platform's current secret, and sign the body's bytes exactly as they are sent"
    )]
    Mismatch,
    #[error("the secret is not this platform's: use its current one")]
    WrongSecret,
    #[error("no name and password were sent: set the platform up to send them by HTTP basic authentication")]
    NoCredentials,
}

impl NotAuthentic {
    /// How far its time is from ours, where that is too far: positive where it lies in the past.
    #[must_use]
    pub const fn seconds_off(&self) -> Option<i64> {
        match self {
            Self::TooOld { seconds, .. } => Some(*seconds),
            Self::TooNew { seconds, .. } => Some(-*seconds),
            Self::Standard(error) => error.seconds_off(),
            _ => None,
        }
    }

    /// Whether another secret could have made it fit.
    #[must_use]
    pub const fn is_of_the_secret(&self) -> bool {
        matches!(self, Self::Mismatch | Self::WrongSecret | Self::Standard(SignatureError::Mismatch))
    }
}

impl Signing {
    /// Whether a delivery is authentic, by any of the platform's secrets that hold.
    pub fn verify(
        &self,
        secrets: &[String],
        headers: &Headers<'_>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), NotAuthentic> {
        match self {
            Self::StandardWebhooks => {
                let signed = SignatureHeaders {
                    id: headers.get(ID_HEADER),
                    timestamp: headers.get(TIMESTAMP_HEADER),
                    signature: headers.get(SIGNATURE_HEADER),
                };
                let secrets: Vec<WebhookSecret> =
                    secrets.iter().filter_map(|secret| WebhookSecret::parse(secret).ok()).collect();
                signature::verify(&secrets, &signed, body, now).map(drop).map_err(NotAuthentic::from)
            }
            Self::Hmac(hmac) => hmac.verify(secrets, headers, body, now),
            Self::SharedSecret { header, prefix } => {
                let given = after_prefix(headers, header, prefix)?;
                if fits(secrets, given) { Ok(()) } else { Err(NotAuthentic::WrongSecret) }
            }
            Self::Basic => {
                let given = headers.get("authorization").and_then(basic_credentials);
                let given = given.ok_or(NotAuthentic::NoCredentials)?;
                if fits(secrets, &given) { Ok(()) } else { Err(NotAuthentic::WrongSecret) }
            }
        }
    }

    /// The headers that authenticate and are no secret; they are stored with a delivery.
    #[must_use]
    pub fn headers_stored(&self) -> Vec<&str> {
        match self {
            Self::StandardWebhooks => vec![ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER],
            Self::Hmac(hmac) => {
                let timestamp = hmac.timestamp.as_ref().map(|timestamp| timestamp.header.as_str());
                std::iter::once(hmac.header.as_str()).chain(timestamp).collect()
            }
            Self::SharedSecret { .. } | Self::Basic => Vec::new(),
        }
    }

    /// The header that has a secret in it, which is never stored.
    #[must_use]
    pub fn secret_header(&self) -> Option<&str> {
        match self {
            Self::SharedSecret { header, .. } => Some(header),
            Self::Basic => Some("authorization"),
            Self::StandardWebhooks | Self::Hmac(_) => None,
        }
    }

    /// When a delivery was signed, by the time that the signature covers; `None` if it covers none.
    #[must_use]
    pub fn signed_at(&self, headers: &Headers<'_>) -> Option<DateTime<Utc>> {
        let (header, in_milliseconds) = match self {
            Self::StandardWebhooks => (TIMESTAMP_HEADER, false),
            Self::Hmac(hmac) => hmac.timestamp.as_ref().map(|time| (time.header.as_str(), time.in_milliseconds))?,
            Self::SharedSecret { .. } | Self::Basic => return None,
        };
        let number: i64 = headers.get(header)?.trim().parse().ok()?;
        DateTime::from_timestamp(if in_milliseconds { number / 1000 } else { number }, 0)
    }

    /// The id that the signature covers, where it covers one.
    pub(super) fn signed_id(&self, headers: &Headers<'_>) -> Option<EventId> {
        match self {
            Self::StandardWebhooks => EventId::parse(headers.get(ID_HEADER)?).ok(),
            Self::Hmac(_) | Self::SharedSecret { .. } | Self::Basic => None,
        }
    }

    /// A new secret of the kind that fits.
    #[must_use]
    pub fn new_secret(&self) -> PlatformSecret {
        match self {
            Self::Basic => PlatformSecret::basic(),
            Self::StandardWebhooks | Self::Hmac(_) | Self::SharedSecret { .. } => {
                PlatformSecret(WebhookSecret::generate(rand::random()).reveal())
            }
        }
    }

    /// Whether a secret is of the kind that fits.
    #[must_use]
    pub fn takes(&self, secret: &str) -> bool {
        match self {
            Self::StandardWebhooks => WebhookSecret::parse(secret).is_ok(),
            Self::Hmac(hmac) => hmac.key(secret).is_some_and(|key| key.len() >= MIN_SECRET),
            Self::SharedSecret { .. } => true,
            Self::Basic => secret.split_once(':').is_some_and(|(key, secret)| !key.is_empty() && !secret.is_empty()),
        }
    }

    /// A secret that the platform itself made.
    pub fn given_secret(&self, text: &str) -> Result<PlatformSecret, InvalidGivenSecret> {
        let text = text.trim();
        if text.len() < MIN_SECRET || text.len() > MAX_SECRET {
            Err(InvalidGivenSecret::Length)
        } else if text.chars().any(char::is_control) {
            Err(InvalidGivenSecret::ControlCharacter)
        } else if self.takes(text) {
            Ok(PlatformSecret(text.to_owned()))
        } else {
            Err(InvalidGivenSecret::OtherKind { scheme: self.scheme() })
        }
    }

    /// How it signs, as a profile names it.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        match self {
            Self::StandardWebhooks => "standard-webhooks",
            Self::Hmac(_) => "hmac-sha256",
            Self::SharedSecret { .. } => "shared-secret",
            Self::Basic => "basic",
        }
    }
}

/// Why a text is not taken as a platform's secret; never says what the text was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGivenSecret {
    #[error("the secret has less than {MIN_SECRET} or more than {MAX_SECRET} bytes: let the platform make another")]
    Length,
    #[error("the secret has a line break or another control character in it: give it alone")]
    ControlCharacter,
    #[error(
        "the secret is not of the kind that {scheme} takes: KEY:SECRET for basic, whsec_ and Base64 for standard-webhooks, Base64 where the profile's key is"
    )]
    OtherKind { scheme: &'static str },
}

/// A secret of a foreign platform: `whsec_…`, or `KEY:SECRET`. Only [`PlatformSecret::reveal`] shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct PlatformSecret(String);

impl PlatformSecret {
    fn basic() -> Self {
        // Neither has a colon in it, which would end the name (RFC 7617, section 2).
        let (mut key, mut secret) = ([0_u8; 8], [0_u8; 24]);
        rand::rng().fill_bytes(&mut key);
        rand::rng().fill_bytes(&mut secret);
        Self(format!("{}:{}", hex::encode(key), hex::encode(secret)))
    }

    /// The secret as its text: to be shown once, to who sets the platform up.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.0.clone()
    }
}

impl std::fmt::Debug for PlatformSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlatformSecret(hidden)")
    }
}

/// The code of some parts under a key, in a form that only compares in constant time.
fn code<'p>(key: &[u8], parts: impl IntoIterator<Item = &'p [u8]>) -> CtOutput<HmacSha256> {
    let mut mac = HmacSha256::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length (RFC 2104, section 2)"));
    for part in parts {
        mac.update(part);
    }
    mac.finalize()
}

/// Whether a text is one of the secrets. Digests of both are compared, which do not show where they differ.
fn fits(secrets: &[String], given: &str) -> bool {
    let compared = |text: &str| code(b"kurskoll compares secrets", [text.as_bytes()]);
    let given = compared(given);
    secrets.iter().fold(false, |fits, secret| fits | (compared(secret) == given))
}

fn after_prefix<'h>(headers: &Headers<'h>, name: &str, prefix: &str) -> Result<&'h str, NotAuthentic> {
    let value = headers.get(name).filter(|value| value.len() <= MAX_HEADER);
    let value = value.ok_or_else(|| NotAuthentic::MissingHeader { name: name.to_owned() })?.trim();
    value
        .get(..prefix.len())
        .filter(|start| start.eq_ignore_ascii_case(prefix))
        .and_then(|_| value.get(prefix.len()..))
        .map(str::trim)
        .ok_or_else(|| NotAuthentic::NoPrefix { name: name.to_owned(), prefix: prefix.to_owned() })
}

/// `name:password` of an `Authorization` header.
fn basic_credentials(value: &str) -> Option<String> {
    if value.len() > MAX_HEADER {
        return None;
    }
    let (scheme, encoded) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok().filter(|text| text.contains(':'))
}

impl HmacSigning {
    fn verify(
        &self,
        secrets: &[String],
        headers: &Headers<'_>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), NotAuthentic> {
        let given = after_prefix(headers, &self.header, &self.prefix)?;
        let decoded = match self.encoding {
            Encoding::Hex => hex::decode(given).ok(),
            Encoding::Base64 => STANDARD.decode(given).ok(),
        };
        let decoded: Option<[u8; 32]> = decoded.and_then(|bytes| bytes.try_into().ok());
        let encoding = match self.encoding {
            Encoding::Hex => "hexadecimal",
            Encoding::Base64 => "Base64",
        };
        let decoded = decoded.ok_or_else(|| NotAuthentic::NotACode { name: self.header.clone(), encoding })?;
        let given: CtOutput<HmacSha256> = CtOutput::new(decoded.into());
        let timestamp = self.timestamp.as_ref().map(|time| time.verify(headers, now)).transpose()?.unwrap_or_default();
        let fits = secrets.iter().filter_map(|secret| self.key(secret)).fold(false, |fits, key| {
            let parts = self.signed.iter().map(|part| match part {
                SignedPart::Literal(text) => text.as_bytes(),
                SignedPart::Timestamp => timestamp.as_bytes(),
                SignedPart::Body => body,
            });
            fits | (code(&key, parts) == given)
        });
        if fits { Ok(()) } else { Err(NotAuthentic::Mismatch) }
    }

    fn key(&self, secret: &str) -> Option<Vec<u8>> {
        if self.key_is_decoded {
            STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()
        } else {
            Some(secret.as_bytes().to_vec())
        }
    }
}

impl SignedTime {
    /// The time as it was sent, if it is near enough to now.
    fn verify<'h>(&self, headers: &Headers<'h>, now: DateTime<Utc>) -> Result<&'h str, NotAuthentic> {
        let sent = headers.get(&self.header).map(str::trim);
        let sent = sent.ok_or_else(|| NotAuthentic::MissingHeader { name: self.header.clone() })?;
        // Digits alone: `i64` would also take a sign.
        let number: Option<i64> = sent.parse().ok().filter(|_| sent.bytes().all(|byte| byte.is_ascii_digit()));
        let unit = if self.in_milliseconds { "milliseconds" } else { "seconds" };
        let number = number.ok_or_else(|| NotAuthentic::NotATime { name: self.header.clone(), unit })?;
        let signed_at = if self.in_milliseconds { number / 1000 } else { number };
        let (seconds, limit) = (now.timestamp().saturating_sub(signed_at), self.tolerance.num_seconds());
        if seconds > limit {
            Err(NotAuthentic::TooOld { seconds, limit })
        } else if seconds < -limit {
            Err(NotAuthentic::TooNew { seconds: seconds.saturating_neg(), limit })
        } else {
            Ok(sent)
        }
    }
}

#[cfg(test)]
mod tests;
