//! The key and secret by which a platform proves its identity (RFC 7617), and how both are made and changed.
//!
//! Secrets are 256 random bits, so a fast digest protects them as well as a slow one would, and costs a request
//! nothing.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::app::platforms::add::{NewPlatform, PlatformError};
use crate::app::receiving::receive::TRUSTED_FOR;
use crate::app::{App, Caller};
use crate::domain::access::Action;
use crate::domain::ids::PlatformCode;
use crate::store::credentials;
pub use crate::store::credentials::Credential;
use crate::store::platforms::{self, InsertPlatformError, OldSecrets};
use crate::store::{Act, Change, StoreError, Unscoped};

pub use crate::intake::adapter::XAPI;

/// The most keys that are cached, so that trying many keys does not fill the memory.
const MOST_REMEMBERED: usize = 1_024;

/// A key and its secret, shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyAndSecret {
    key: String,
    secret: String,
}

impl KeyAndSecret {
    fn generate(platform: &PlatformCode, random: [u8; 40]) -> Self {
        let (for_key, for_secret) = random.split_at(8);
        Self { key: format!("{platform}-{}", hex::encode(for_key)), secret: URL_SAFE_NO_PAD.encode(for_secret) }
    }

    /// `KEY:SECRET`, to be shown once to the person who sets up the platform.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{}:{}", self.key, self.secret)
    }
}

impl fmt::Debug for KeyAndSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyAndSecret({}, hidden)", self.key)
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Why a request is not authenticated as a platform's. Says nothing that helps a guesser.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error("no key and secret were sent: send them as \"Authorization: Basic …\" (RFC 7617), or a token as Bearer")]
    Missing,
    #[error("the Authorization header is not Basic with the base64 of KEY:SECRET (RFC 7617)")]
    Malformed,
    #[error("the key or its secret is not valid; make new ones with `kurskoll platform rotate-secret`")]
    DoesNotHold,
    /// RFC 6750, and the key that a token was made with.
    #[error("the bearer token is not valid; get a new one at /xapi/oauth/token")]
    TokenDoesNotHold,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The key and the secret in an `Authorization` header.
pub fn read_basic(header: Option<&str>) -> Result<(String, String), CredentialError> {
    let header = header.ok_or(CredentialError::Missing)?;
    let (scheme, encoded) = header.trim().split_once(' ').ok_or(CredentialError::Malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(CredentialError::Malformed);
    }
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| CredentialError::Malformed)?;
    let decoded = String::from_utf8(decoded).map_err(|_| CredentialError::Malformed)?;
    let (key, secret) = decoded.split_once(':').ok_or(CredentialError::Malformed)?;
    Ok((key.to_owned(), secret.to_owned()))
}

fn holds(app: &App, credential: &Credential) -> bool {
    credential.expires_at.is_none_or(|until| app.now() < until)
}

struct Remembered {
    credential: Arc<Credential>,
    read_at: Instant,
}

/// The keys that a process has cached.
#[derive(Default)]
pub struct Credentials {
    remembered: Mutex<HashMap<String, Remembered>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl Credentials {
    /// The platform of a request, by its `Authorization` header.
    pub async fn platform(&self, app: &App, authorization: Option<&str>) -> Result<Arc<Credential>, CredentialError> {
        let (key, secret) = read_basic(authorization)?;
        self.proved(app, &key, &secret).await
    }

    /// The platform with a key and secret.
    pub async fn proved(&self, app: &App, key: &str, secret: &str) -> Result<Arc<Credential>, CredentialError> {
        let credential = self.credential(app, key).await?.ok_or(CredentialError::DoesNotHold)?;
        // The time of comparing digests reveals nothing of the secret; the comparison takes constant time anyhow.
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(&digest(secret), &credential.secret_digest);
        if holds(app, &credential) && same.is_ok() { Ok(credential) } else { Err(CredentialError::DoesNotHold) }
    }

    /// The platform whose key a token was made with, as long as the key is valid.
    pub async fn of_token(&self, app: &App, key: &str) -> Result<Arc<Credential>, CredentialError> {
        let credential = self.credential(app, key).await?.filter(|credential| holds(app, credential));
        credential.ok_or(CredentialError::TokenDoesNotHold)
    }

    async fn credential(&self, app: &App, key: &str) -> Result<Option<Arc<Credential>>, StoreError> {
        let remembered = {
            let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            remembered
                .get(key)
                .filter(|stored| stored.read_at.elapsed() < TRUSTED_FOR)
                .map(|stored| stored.credential.clone())
        };
        if remembered.is_some() {
            return Ok(remembered);
        }
        let found = credentials::by_key(app.store.connection(Unscoped::Receiving), key).await?.map(Arc::new);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Some(credential) => {
                if remembered.len() >= MOST_REMEMBERED {
                    remembered.clear();
                }
                let stored = Remembered { credential: credential.clone(), read_at: Instant::now() };
                remembered.insert(key.to_owned(), stored);
            }
            None => drop(remembered.remove(key)),
        }
        Ok(found)
    }
}

impl App {
    /// Adds a platform that sends xAPI statements; returns its key and secret, which is never shown again.
    pub async fn add_xapi_platform(&self, caller: &Caller, new: &NewPlatform) -> Result<KeyAndSecret, PlatformError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let inserted = platforms::insert(&change, &new.code, &new.adapter, &new.linking_keys, new.time_zone).await;
        let platform = inserted.map_err(|error| match error {
            InsertPlatformError::CodeTaken => PlatformError::Exists(new.code.clone()),
            InsertPlatformError::Store(error) => error.into(),
        })?;
        let made = self.make_credential(&change, platform, &new.code, OldSecrets::HoldOn).await?;
        let object = format!("platform {}", new.code);
        change.commit(Act { action: "platform.add", object: &object }).await?;
        Ok(made)
    }

    /// Gives a platform that sends statements a new key and secret. `None` if the platform has another adapter.
    pub async fn rotate_credential(
        &self,
        caller: &Caller,
        code: &PlatformCode,
        old: OldSecrets,
    ) -> Result<Option<KeyAndSecret>, PlatformError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let platform = platforms::by_code(change.connection(), code).await?;
        let platform = platform.ok_or_else(|| PlatformError::Unknown(code.clone()))?;
        if platform.adapter != XAPI {
            change.roll_back().await?;
            return Ok(None);
        }
        let made = self.make_credential(&change, platform.id, &platform.code, old).await?;
        let object = format!("platform {}", platform.code);
        change.commit(Act { action: "platform.rotate-secret", object: &object }).await?;
        Ok(Some(made))
    }

    async fn make_credential(
        &self,
        change: &Change,
        platform: crate::domain::ids::PlatformId,
        code: &PlatformCode,
        old: OldSecrets,
    ) -> Result<KeyAndSecret, StoreError> {
        let mut random = [0_u8; 40];
        let (first, second): ([u8; 20], [u8; 20]) = (rand::random(), rand::random());
        random[..20].copy_from_slice(&first);
        random[20..].copy_from_slice(&second);
        let made = KeyAndSecret::generate(code, random);
        credentials::add(change, platform, (&made.key, &digest(&made.secret)), old).await?;
        Ok(made)
    }
}
