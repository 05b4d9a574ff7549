//! Bearer tokens: the key pairs that sign them, shared through the database, and issuing one.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::Duration;

use crate::app::{App, Caller};
use crate::auth::{IssueError, KeyError, KeyRing, SigningKey, StoredKey, TokenSettings, VerifyingKey, issue};
use crate::domain::access::{Action, Refused, Role};
use crate::domain::ids::AdministrationCode;
use crate::store::{Act, StoreError, Unscoped, keys};

/// Why there are no keys, or no token.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error("a signing key is not one that Kurskoll made")]
    Key(#[from] KeyError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The contents of a token.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    pub subject: String,
    pub roles: BTreeSet<Role>,
    pub administrations: BTreeSet<AdministrationCode>,
    pub holds_for: std::time::Duration,
}

fn stored(key: keys::StoredKey) -> StoredKey {
    StoredKey { kid: key.kid, private_pkcs8: key.private_key, public: key.public_key }
}

impl App {
    /// The keys that sign and verify; the first pair is made where there is none.
    pub async fn key_ring(&self) -> Result<KeyRing, SignError> {
        let mut known = keys::list(self.store.connection(Unscoped::Configuration)).await?;
        if known.is_empty() {
            self.add_key_unless_there_is_one().await?;
            known = keys::list(self.store.connection(Unscoped::Configuration)).await?;
        }
        let mut known = known.into_iter();
        let newest = known.next().ok_or(StoreError::Unreadable { table: "signing_key", column: "kid" })?;
        let retired = known.map(|key| VerifyingKey::from_stored(&key.kid, &key.public_key));
        let retired: Vec<VerifyingKey> = retired.collect::<Result<_, _>>()?;
        Ok(KeyRing::new(SigningKey::from_stored(&stored(newest))?, retired))
    }

    /// Two processes that start at once make one pair: the second finds the first's when it gets its turn.
    async fn add_key_unless_there_is_one(&self) -> Result<(), SignError> {
        let change = self.store.change(Unscoped::Configuration, self.now()).await?;
        if keys::list(change.connection()).await?.is_empty() {
            let key = SigningKey::generate()?.to_stored();
            keys::insert(&change, &key.kid, key.private_pkcs8, key.public).await?;
        }
        Ok(change.commit().await?)
    }

    /// Makes a new pair that signs from now on; tokens that older pairs signed are valid until they expire, unless
    /// `revoke_older` removes these pairs.
    pub async fn rotate_key(&self, caller: &Caller, revoke_older: bool) -> Result<String, SignError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let key = SigningKey::generate()?.to_stored();
        let kid = key.kid.clone();
        keys::insert(&change, &kid, key.private_pkcs8, key.public).await?;
        if revoke_older {
            keys::remove_retired_before(&change, change.known_at() + Duration::microseconds(1)).await?;
        }
        let object = format!("signing key {kid}{}", if revoke_older { ", older ones removed" } else { "" });
        change.commit(Act { action: "token.rotate-key", object: &object }).await?;
        Ok(kid)
    }

    /// Issues a token, and leaves an audit entry of it.
    pub async fn issue_token(
        &self,
        caller: &Caller,
        settings: &TokenSettings,
        request: &TokenRequest,
    ) -> Result<String, SignError> {
        let grant = caller.grant(Action::Operate)?;
        let ring = Arc::new(self.key_ring().await?);
        let TokenRequest { subject, roles, administrations, holds_for } = request;
        let token = issue(&ring, settings, subject, roles, administrations, self.now(), *holds_for)?;
        let words: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        let codes: Vec<&str> = administrations.iter().map(AdministrationCode::as_str).collect();
        let object = format!("token for {subject}: {} {}", words.join(", "), codes.join(", "));
        let change = self.begin_change(caller, &grant).await?;
        change.commit(Act { action: "token.issue", object: object.trim_end() }).await?;
        Ok(token)
    }
}
