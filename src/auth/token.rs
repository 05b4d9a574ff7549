//! Bearer tokens: JWTs (RFC 7519) signed with EdDSA (RFC 8037), and nothing else.
//!
//! The time is an argument: the JWT library's own clock is never read.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::keys::KeyRing;
use super::ttl::{InvalidTtl, hold_to_limits};
use crate::domain::access::{Principal, Role};
use crate::domain::ids::AdministrationCode;

/// How far the clocks of two machines may differ, in seconds.
pub const LEEWAY_SECONDS: i64 = 30;

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The longest subject of a token, in characters.
const MAX_SUBJECT_LENGTH: usize = 255;

/// Who issues the tokens, and for whom (`iss` and `aud`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSettings {
    pub issuer: String,
    pub audience: String,
}

/// Roles and administrations that do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    #[error("no role")]
    NoRole,
    #[error("the role administration without any administration")]
    NoAdministration,
    #[error("administrations without the role administration")]
    AdministrationsWithoutTheirRole,
    #[error("the roles manager or employee, which follow from who signs in")]
    RoleBySignIn,
}

/// Why a token was not issued.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IssueError {
    #[error("a token cannot be for {0}")]
    Scope(#[from] ScopeError),
    #[error("the subject must have 1 to {MAX_SUBJECT_LENGTH} characters, and no control characters")]
    Subject,
    #[error("the time to live {0}")]
    Ttl(#[from] InvalidTtl),
    #[error("the token could not be signed")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// Why a token proves nothing. No variant carries any part of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("no bearer token was sent")]
    Missing,
    #[error("the bearer token is not a well-formed JWT with the claims of this register")]
    Malformed,
    #[error("the bearer token is not signed with EdDSA, the only algorithm that is accepted")]
    WrongAlgorithm,
    #[error("the bearer token names a signing key that is not, or no longer, known")]
    UnknownKey,
    /// Whether it names a newer key is not known at the moment.
    #[error("the signing keys could not be read")]
    KeysUnread,
    #[error("the signature of the bearer token is not valid")]
    BadSignature,
    #[error("the bearer token has expired")]
    Expired,
    #[error("the bearer token is not valid yet")]
    NotYetValid,
    #[error("the bearer token comes from another issuer")]
    WrongIssuer,
    #[error("the bearer token is meant for another audience")]
    WrongAudience,
    #[error("the bearer token has a role that is not known")]
    UnknownRole,
    #[error("the bearer token is for {0}")]
    Scope(ScopeError),
}

/// The claims of a token as they are sent.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    aud: Audience,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    administrations: Vec<AdministrationCode>,
}

/// One audience or several (RFC 7519, section 4.1.3).
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn includes(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

/// Signs a token with the ring's newest key: valid from `now` for `ttl` (1 second to 366 days).
pub fn issue(
    ring: &KeyRing,
    settings: &TokenSettings,
    subject: &str,
    roles: &BTreeSet<Role>,
    administrations: &BTreeSet<AdministrationCode>,
    now: DateTime<Utc>,
    ttl: Duration,
) -> Result<String, IssueError> {
    hold_to_subject(subject).ok_or(IssueError::Subject)?;
    hold_together(roles, administrations)?;
    hold_to_limits(ttl)?;
    let issued_at = now.timestamp();
    let life_seconds = i64::try_from(ttl.as_secs()).map_err(|_| InvalidTtl::TooLong)?;
    let claims = Claims {
        sub: subject.to_owned(),
        iss: settings.issuer.clone(),
        aud: Audience::One(settings.audience.clone()),
        exp: issued_at.saturating_add(life_seconds),
        iat: Some(issued_at),
        nbf: None,
        roles: roles.iter().map(|role| role.as_str().to_owned()).collect(),
        administrations: administrations.iter().cloned().collect(),
    };
    let header = Header { kid: Some(ring.newest().kid().to_owned()), ..Header::new(Algorithm::EdDSA) };
    Ok(jsonwebtoken::encode(&header, &claims, ring.newest().private())?)
}

/// Reads the caller from a token that one of the ring's keys signed, as of `now` (give or take [`LEEWAY_SECONDS`]).
///
/// The signature is checked before any claim is believed. A role that is not known refuses the whole token: a newer
/// register may have meant a restriction by it.
pub fn verify(
    ring: &KeyRing,
    settings: &TokenSettings,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Principal, TokenError> {
    let claims: Claims = signed_claims(ring, token)?;
    if claims.iss != settings.issuer {
        return Err(TokenError::WrongIssuer);
    }
    if !claims.aud.includes(&settings.audience) {
        return Err(TokenError::WrongAudience);
    }
    let now = now.timestamp();
    // RFC 7519, section 4.1.4: not "on or after" the expiration time.
    if now >= claims.exp.saturating_add(LEEWAY_SECONDS) {
        return Err(TokenError::Expired);
    }
    let starts = [claims.nbf, claims.iat];
    if starts.into_iter().flatten().any(|start| now < start.saturating_sub(LEEWAY_SECONDS)) {
        return Err(TokenError::NotYetValid);
    }
    hold_to_subject(&claims.sub).ok_or(TokenError::Malformed)?;
    let roles = claims
        .roles
        .iter()
        .map(|name| Role::ALL.into_iter().find(|role| role.as_str() == name))
        .collect::<Option<BTreeSet<Role>>>()
        .ok_or(TokenError::UnknownRole)?;
    let administrations = claims.administrations.into_iter().collect();
    hold_together(&roles, &administrations).map_err(TokenError::Scope)?;
    Ok(Principal::with_token(claims.sub, roles, administrations))
}

/// The claims of a token with a valid signature; whether they are valid now is checked later.
pub(super) fn signed_claims<C: DeserializeOwned>(ring: &KeyRing, token: &str) -> Result<C, TokenError> {
    if token.is_empty() {
        return Err(TokenError::Missing);
    }
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::Malformed);
    }
    // `alg: none` and other names that the library does not know fail here.
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
    if header.alg != Algorithm::EdDSA {
        return Err(TokenError::WrongAlgorithm);
    }
    // RFC 7515, section 4.1.11: an extension that must be understood and is not makes the token invalid.
    if header.crit.is_some() {
        return Err(TokenError::Malformed);
    }
    let key = header.kid.as_deref().and_then(|kid| ring.verifying(kid)).ok_or(TokenError::UnknownKey)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    // The library would read its own clock; `verify` compares the claims with the given time.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    match jsonwebtoken::decode::<C>(token, key, &validation) {
        Ok(data) => Ok(data.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidSignature => TokenError::BadSignature,
            ErrorKind::InvalidAlgorithm => TokenError::WrongAlgorithm,
            _ => TokenError::Malformed,
        }),
    }
}

/// The subject goes into logs and the audit trail: it must be there, be short, and be one line.
fn hold_to_subject(subject: &str) -> Option<()> {
    let sound = !subject.trim().is_empty()
        && subject.chars().count() <= MAX_SUBJECT_LENGTH
        && !subject.chars().any(char::is_control);
    sound.then_some(())
}

/// Somebody has a role; and has administrations exactly when one of the roles is `administration`.
fn hold_together(roles: &BTreeSet<Role>, administrations: &BTreeSet<AdministrationCode>) -> Result<(), ScopeError> {
    match (roles.contains(&Role::Administration), administrations.is_empty()) {
        _ if roles.is_empty() => Err(ScopeError::NoRole),
        _ if roles.iter().any(|role| !role.is_by_token()) => Err(ScopeError::RoleBySignIn),
        (true, true) => Err(ScopeError::NoAdministration),
        (false, false) => Err(ScopeError::AdministrationsWithoutTheirRole),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
