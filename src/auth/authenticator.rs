//! The one who looks at tokens while the service runs: the keys of the moment, and what time it is.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use tokio::sync::Mutex;

use super::keys::KeyRing;
use super::platform_token::{PlatformToken, issue_for_platform, verify_for_platform};
use super::token::{IssueError, TokenError, TokenSettings, verify};
use crate::domain::access::Principal;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Reads the keys from the store again; nothing where it could not.
pub type KeyReload = Box<dyn Fn() -> BoxFuture<'static, Option<KeyRing>> + Send + Sync>;

/// However many tokens name keys that nobody knows, the store is asked for new keys at most this often.
const RELOAD_INTERVAL: TimeDelta = TimeDelta::seconds(5);

/// Turns bearer tokens into principals.
pub struct Authenticator {
    ring: RwLock<Arc<KeyRing>>,
    settings: TokenSettings,
    clock: Clock,
    reload: Option<KeyReload>,
    reloaded_at: Mutex<Option<DateTime<Utc>>>,
}

impl Authenticator {
    #[must_use]
    pub fn new(ring: KeyRing, settings: TokenSettings, clock: Clock) -> Self {
        Self { ring: RwLock::new(Arc::new(ring)), settings, clock, reload: None, reloaded_at: Mutex::new(None) }
    }

    /// Asks for the keys again when a token names one that is not known: a key that a command made while the service
    /// runs is then known at its first token.
    #[must_use]
    pub fn with_reload(self, reload: KeyReload) -> Self {
        Self { reload: Some(reload), ..self }
    }

    /// Takes the keys of the moment; one that is not among them verifies nothing from now on.
    pub fn replace_keys(&self, ring: KeyRing) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }

    /// Who is asking, by the token that was sent.
    pub async fn authenticate(&self, token: &str) -> Result<Principal, TokenError> {
        match self.verify(token) {
            Err(TokenError::UnknownKey) if self.reload_keys().await? => self.verify(token),
            answer => answer,
        }
    }

    /// The key of a platform and what it may do at `/xapi`, by the token that was sent.
    pub async fn authenticate_platform(&self, token: &str) -> Result<PlatformToken, TokenError> {
        let verify = || {
            let ring = Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner));
            verify_for_platform(&ring, &self.settings, token, (self.clock)())
        };
        match verify() {
            Err(TokenError::UnknownKey) if self.reload_keys().await? => verify(),
            answer => answer,
        }
    }

    /// A token for a platform that has proved to have a key, signed with the newest of a ring.
    pub fn issue_for_platform(&self, ring: &KeyRing, token: PlatformToken) -> Result<String, IssueError> {
        Ok(issue_for_platform(ring, &self.settings, token, (self.clock)())?)
    }

    fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        let ring = Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner));
        verify(&ring, &self.settings, token, (self.clock)())
    }

    /// Reads the keys again unless that was just done; whether a second look may find more than the first did.
    async fn reload_keys(&self) -> Result<bool, TokenError> {
        let Some(reload) = &self.reload else { return Ok(false) };
        // Who waits here while another request reads the keys looks again with what that one found.
        let mut reloaded_at = self.reloaded_at.lock().await;
        let now = (self.clock)();
        if reloaded_at.is_none_or(|at| (now - at).abs() >= RELOAD_INTERVAL) {
            *reloaded_at = Some(now);
            self.replace_keys(reload().await.ok_or(TokenError::KeysUnread)?);
        }
        Ok(true)
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
    use std::time::Duration;

    use super::super::keys::SigningKey;
    use super::super::token::issue;
    use super::*;
    use crate::domain::access::Role;

    fn settings() -> TokenSettings {
        TokenSettings { issuer: "kurskoll".to_owned(), audience: "kurskoll".to_owned() }
    }

    fn token(ring: &KeyRing) -> String {
        let roles = BTreeSet::from([Role::City]);
        issue(ring, &settings(), "central-hr", &roles, &BTreeSet::new(), DateTime::UNIX_EPOCH, Duration::from_secs(600))
            .expect("a token")
    }

    fn ring() -> KeyRing {
        KeyRing::new(SigningKey::generate().expect("a key"), [])
    }

    fn epoch() -> Clock {
        Arc::new(|| DateTime::UNIX_EPOCH)
    }

    #[tokio::test]
    async fn a_removed_key_verifies_nothing_from_then_on() {
        let first = ring();
        let authenticator = Authenticator::new(first.clone(), settings(), epoch());
        assert_eq!(authenticator.authenticate(&token(&first)).await.map(|p| p.subject), Ok("central-hr".to_owned()));
        authenticator.replace_keys(ring());
        assert_eq!(authenticator.authenticate(&token(&first)).await, Err(TokenError::UnknownKey));
    }

    #[tokio::test]
    async fn a_key_made_while_the_service_runs_is_known_at_its_first_token() {
        let made_later = ring();
        let found = made_later.clone();
        let authenticator = Authenticator::new(ring(), settings(), epoch()).with_reload(Box::new(move || {
            let found = found.clone();
            Box::pin(async move { Some(found) })
        }));
        let token = token(&made_later);
        let (one, other) = tokio::join!(authenticator.authenticate(&token), authenticator.authenticate(&token));
        assert!(one.is_ok() && other.is_ok());
    }

    #[tokio::test]
    async fn unknown_keys_do_not_make_the_store_be_asked_at_every_request() {
        let asked = Arc::new(AtomicUsize::new(0));
        let seconds = Arc::new(AtomicI64::new(0));
        let (asked_by_reload, clock) = (Arc::clone(&asked), Arc::clone(&seconds));
        let clock: Clock = Arc::new(move || DateTime::UNIX_EPOCH + TimeDelta::seconds(clock.load(Ordering::Relaxed)));
        let authenticator = Authenticator::new(ring(), settings(), clock).with_reload(Box::new(move || {
            asked_by_reload.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { Some(ring()) })
        }));
        let unknown = token(&ring());
        for (second, times_asked) in [(0, 1), (1, 1), (4, 1), (5, 2), (6, 2)] {
            seconds.store(second, Ordering::Relaxed);
            assert_eq!(authenticator.authenticate(&unknown).await, Err(TokenError::UnknownKey));
            assert_eq!(asked.load(Ordering::Relaxed), times_asked, "at second {second}");
        }
    }
}
