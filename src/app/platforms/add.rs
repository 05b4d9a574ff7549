//! Platforms that may send: adds one, and gives it a new secret.

use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::PlatformCode;
use crate::domain::linking::LinkingKey;
use crate::intake::webhook::signature::WebhookSecret;
pub use crate::store::platforms::OldSecrets;
use crate::store::platforms::{self, InsertPlatformError, Platform};
use crate::store::{Act, StoreError, Unscoped};

/// A platform to add.
#[derive(Debug, Clone)]
pub struct NewPlatform {
    pub code: PlatformCode,
    pub adapter: String,
    /// Strongest first.
    pub linking_keys: Vec<LinkingKey>,
    pub time_zone: chrono_tz::Tz,
}

/// Why a platform was not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("platform {0} exists already; give it a new secret with `kurskoll platform rotate-secret {0}`")]
    Exists(PlatformCode),
    #[error("no platform has the code {0}; `kurskoll platform list` shows those that there are")]
    Unknown(PlatformCode),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn new_secret() -> WebhookSecret {
    WebhookSecret::generate(rand::random())
}

impl App {
    /// Adds a platform; returns its secret, which is never shown again.
    pub async fn add_platform(&self, caller: &Caller, new: &NewPlatform) -> Result<WebhookSecret, PlatformError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let inserted = platforms::insert(&change, &new.code, &new.adapter, &new.linking_keys, new.time_zone).await;
        let platform = inserted.map_err(|error| match error {
            InsertPlatformError::CodeTaken => PlatformError::Exists(new.code.clone()),
            InsertPlatformError::Store(error) => error.into(),
        })?;
        let secret = new_secret();
        platforms::add_secret(&change, platform, &secret.reveal(), OldSecrets::HoldOn).await?;
        let object = format!("platform {}", new.code);
        change.commit(Act { action: "platform.add", object: &object }).await?;
        Ok(secret)
    }

    /// Gives a platform a new secret; the old one stays valid for a day.
    pub async fn rotate_secret(&self, caller: &Caller, code: &PlatformCode) -> Result<WebhookSecret, PlatformError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let platform = platforms::by_code(change.connection(), code).await?;
        let platform = platform.ok_or_else(|| PlatformError::Unknown(code.clone()))?;
        let secret = new_secret();
        platforms::add_secret(&change, platform.id, &secret.reveal(), OldSecrets::HoldOn).await?;
        let object = format!("platform {code}");
        change.commit(Act { action: "platform.rotate-secret", object: &object }).await?;
        Ok(secret)
    }

    /// All platforms, by code.
    pub async fn list_platforms(&self, caller: &Caller) -> Result<Vec<Platform>, PlatformError> {
        caller.grant(Action::Operate)?;
        Ok(platforms::list(self.store.connection(Unscoped::Configuration)).await?)
    }
}
