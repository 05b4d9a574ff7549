//! Verifies tokens while the service runs: the current keys, and the clock.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use tokio::sync::Mutex;

use super::keys::KeyRing;
use super::platform_token::{PlatformToken, issue_for_platform, verify_for_platform};
use super::token::{IssueError, TokenError, TokenSettings, verify};
use crate::domain::access::Principal;

/// The current time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Rereads the keys from the store; `None` if that fails.
pub type KeyReload = Box<dyn Fn() -> BoxFuture<'static, Option<KeyRing>> + Send + Sync>;

/// Turns bearer tokens into principals.
pub struct Authenticator {
    ring: RwLock<Arc<KeyRing>>,
    settings: TokenSettings,
    clock: Clock,
    reload: Option<KeyReload>,
    /// How many times a reread of the keys has begun.
    reloads: AtomicU64,
    reloading: Mutex<()>,
}

impl Authenticator {
    #[must_use]
    pub fn new(ring: KeyRing, settings: TokenSettings, clock: Clock) -> Self {
        Self {
            ring: RwLock::new(Arc::new(ring)),
            settings,
            clock,
            reload: None,
            reloads: AtomicU64::new(0),
            reloading: Mutex::new(()),
        }
    }

    /// Rereads the keys if a token names an unknown one: a key that a command made while the service runs is then known
    /// at its first token.
    #[must_use]
    pub fn with_reload(self, reload: KeyReload) -> Self {
        Self { reload: Some(reload), ..self }
    }

    /// Replaces the keys; one that is not among them verifies nothing from now on.
    pub fn replace_keys(&self, ring: KeyRing) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }

    /// The caller, by its token.
    pub async fn authenticate(&self, token: &str) -> Result<Principal, TokenError> {
        match self.verify(token) {
            Err(TokenError::UnknownKey) if self.reload_keys().await? => self.verify(token),
            answer => answer,
        }
    }

    /// The key of a platform and what it may do at `/xapi`, by its token.
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

    /// Rereads the keys; returns whether a second try may find more than the first did.
    ///
    /// One request reads at a time, for all that wait: so a key's first token is accepted at once, and any number of
    /// tokens with unknown keys costs one small query at a time.
    async fn reload_keys(&self) -> Result<bool, TokenError> {
        let Some(reload) = &self.reload else { return Ok(false) };
        let seen = self.reloads.load(Ordering::SeqCst);
        let reloading = self.reloading.lock().await;
        // What another request began to read after this one arrived is new enough.
        if self.reloads.load(Ordering::SeqCst) == seen {
            self.reloads.fetch_add(1, Ordering::SeqCst);
            self.replace_keys(reload().await.ok_or(TokenError::KeysUnread)?);
        }
        drop(reloading);
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
    use std::sync::atomic::AtomicUsize;
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
    async fn a_key_is_known_at_its_first_token_right_after_one_that_nobody_knows() {
        let newest = Arc::new(std::sync::Mutex::new(ring()));
        let found = newest.clone();
        let authenticator = Authenticator::new(ring(), settings(), epoch()).with_reload(Box::new(move || {
            let found = found.lock().expect("a lock").clone();
            Box::pin(async move { Some(found) })
        }));
        assert_eq!(authenticator.authenticate(&token(&ring())).await, Err(TokenError::UnknownKey));
        let made_later = ring();
        *newest.lock().expect("a lock") = made_later.clone();
        assert!(authenticator.authenticate(&token(&made_later)).await.is_ok());
    }

    #[tokio::test]
    async fn many_tokens_of_unknown_keys_at_once_share_a_question() {
        let (requested, let_through) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
        let (counted_by_reload, gate) = (requested.clone(), let_through.clone());
        let authenticator = Authenticator::new(ring(), settings(), epoch()).with_reload(Box::new(move || {
            let gate = gate.clone();
            counted_by_reload.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                drop(gate.acquire().await);
                Some(ring())
            })
        }));
        let unknown: Vec<String> = (0..50).map(|_| token(&ring())).collect();
        let all = futures::future::join_all(unknown.iter().map(|token| authenticator.authenticate(token)));
        let (answers, ()) = tokio::join!(all, async { let_through.add_permits(50) });
        assert!(answers.iter().all(|answer| *answer == Err(TokenError::UnknownKey)));
        assert_eq!(
            requested.load(Ordering::Relaxed),
            2,
            "one for the first, and one for all that came while it was under way"
        );
    }
}
