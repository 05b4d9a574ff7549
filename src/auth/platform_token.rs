//! Bearer tokens of platforms for the xAPI endpoint. They have an audience of their own: no other endpoint accepts
//! them, and this one accepts no person's token.

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Header};
use serde::{Deserialize, Serialize};

use super::keys::KeyRing;
use super::token::{LEEWAY_SECONDS, TokenError, TokenSettings, signed_claims};

/// For how long a platform's token is valid, in seconds.
pub const PLATFORM_TOKEN_SECONDS: i64 = 3600;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    /// One audience, no list: the token is for this endpoint only.
    aud: String,
    /// The key that it was made with.
    sub: String,
    /// Its scope (RFC 9068, section 2.2.3).
    scope: String,
    iat: i64,
    exp: i64,
}

/// What a platform's token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformToken {
    /// The key that it was made with. Whether the key is still valid is checked later.
    pub key: String,
    /// Its scope.
    pub scope: String,
}

fn audience(settings: &TokenSettings) -> String {
    format!("{}/xapi", settings.audience)
}

/// Signs a token for the platform that has proved to have a key; it is valid for [`PLATFORM_TOKEN_SECONDS`].
pub fn issue_for_platform(
    ring: &KeyRing,
    settings: &TokenSettings,
    PlatformToken { key, scope }: PlatformToken,
    now: DateTime<Utc>,
) -> Result<String, jsonwebtoken::errors::Error> {
    let iat = now.timestamp();
    let claims = Claims {
        iss: settings.issuer.clone(),
        aud: audience(settings),
        sub: key,
        scope,
        iat,
        exp: iat.saturating_add(PLATFORM_TOKEN_SECONDS),
    };
    let header = Header { kid: Some(ring.newest().kid().to_owned()), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, &claims, ring.newest().private())
}

/// What a platform's token says, as of `now`.
pub fn verify_for_platform(
    ring: &KeyRing,
    settings: &TokenSettings,
    token: &str,
    now: DateTime<Utc>,
) -> Result<PlatformToken, TokenError> {
    let claims: Claims = signed_claims(ring, token)?;
    if claims.iss != settings.issuer {
        return Err(TokenError::WrongIssuer);
    }
    if claims.aud != audience(settings) {
        return Err(TokenError::WrongAudience);
    }
    let now = now.timestamp();
    if now >= claims.exp.saturating_add(LEEWAY_SECONDS) {
        return Err(TokenError::Expired);
    }
    if now < claims.iat.saturating_sub(LEEWAY_SECONDS) {
        return Err(TokenError::NotYetValid);
    }
    Ok(PlatformToken { key: claims.sub, scope: claims.scope })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::super::keys::SigningKey;
    use super::super::token::{issue, verify};
    use super::*;
    use crate::domain::access::Role;

    fn settings() -> TokenSettings {
        TokenSettings { issuer: "kurskoll".to_owned(), audience: "kurskoll".to_owned() }
    }

    fn ring() -> KeyRing {
        KeyRing::new(SigningKey::generate().expect("a key"), [])
    }

    fn wanted() -> PlatformToken {
        PlatformToken { key: "moodle-1".to_owned(), scope: "statements/write".to_owned() }
    }

    #[test]
    fn a_token_names_its_key_and_scope_for_an_hour() {
        let (ring, now) = (ring(), DateTime::UNIX_EPOCH);
        let token = issue_for_platform(&ring, &settings(), wanted(), now).expect("a token");
        let at = |seconds| verify_for_platform(&ring, &settings(), &token, now + chrono::TimeDelta::seconds(seconds));
        assert_eq!(at(3600 + 29), Ok(wanted()));
        assert_eq!(at(3600 + 30), Err(TokenError::Expired));
        assert_eq!(at(-31), Err(TokenError::NotYetValid));
    }

    #[test]
    fn platforms_tokens_and_peoples_open_no_door_of_each_others() {
        let (ring, now) = (ring(), DateTime::UNIX_EPOCH);
        let platforms = issue_for_platform(&ring, &settings(), wanted(), now).expect("a token");
        assert_eq!(verify(&ring, &settings(), &platforms, now), Err(TokenError::WrongAudience));
        let roles = BTreeSet::from([Role::Admin]);
        let hour = Duration::from_secs(3600);
        // Not even where somebody's tokens are meant for what is ours here.
        for audience in ["kurskoll", "kurskoll/xapi"] {
            let issued_for = TokenSettings { audience: audience.to_owned(), ..settings() };
            let peoples = issue(&ring, &issued_for, "admin", &roles, &BTreeSet::new(), now, hour).expect("a token");
            assert!(verify_for_platform(&ring, &settings(), &peoples, now).is_err());
        }
    }
}
