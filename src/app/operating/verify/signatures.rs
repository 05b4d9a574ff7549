//! Signatures: checks them again over the stored bytes, if a secret is still stored.

use chrono::{DateTime, TimeDelta, Utc};

use super::Signatures;
use crate::intake::profile::{NotAuthentic, Signing};
use crate::intake::request::StoredHeaders;
use crate::intake::webhook::signature::SignatureError;
use crate::store::receiving::rereading::StoredBytes;

/// The result of checking a signature again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resigned {
    Fits,
    /// The bytes are not what was signed.
    Differs,
    Unsigned,
    WithoutSecret,
}

/// Checks the signature of a delivery again.
pub fn resign(delivery: &StoredBytes, signing: &Signing, secrets: &[String]) -> Resigned {
    if delivery.is_pulled || matches!(signing, Signing::SharedSecret { .. } | Signing::Basic) {
        return Resigned::Unsigned;
    }
    if !secrets.iter().any(|secret| signing.takes(secret)) {
        return Resigned::WithoutSecret;
    }
    let stored = StoredHeaders::parse(&delivery.headers);
    let headers = stored.headers();
    let verify = |now: DateTime<Utc>| signing.verify(secrets, &headers, &delivery.body, now);
    // The signer's clock difference was checked on arrival; the transaction-time clock may be ahead of the machine's.
    let verified = verify(delivery.received_at).or_else(|error| match off_by(&error) {
        Some(seconds) => verify(delivery.received_at - seconds),
        None => Err(error),
    });
    if verified.is_ok() { Resigned::Fits } else { Resigned::Differs }
}

fn off_by(error: &NotAuthentic) -> Option<TimeDelta> {
    let seconds = match error {
        NotAuthentic::TooOld { seconds, .. } | NotAuthentic::Standard(SignatureError::TooOld { seconds }) => *seconds,
        NotAuthentic::TooNew { seconds, .. } | NotAuthentic::Standard(SignatureError::TooNew { seconds }) => {
            seconds.saturating_neg()
        }
        _ => return None,
    };
    TimeDelta::try_seconds(seconds)
}

impl Signatures {
    pub(super) const fn count(&mut self, resigned: Resigned) {
        match resigned {
            Resigned::Fits => self.verified += 1,
            Resigned::Unsigned => self.unsigned += 1,
            Resigned::WithoutSecret => self.without_secret += 1,
            Resigned::Differs => {}
        }
    }
}
