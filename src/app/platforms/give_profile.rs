//! Platforms that send webhooks: adds one, and gives it a profile, or a corrected one.

use crate::app::platforms::add::{NewPlatform, PlatformError};
use crate::app::receiving::readers::reader_of;
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::PlatformCode;
use crate::intake::adapter::{Adapter, Reader};
use crate::intake::profile::{InvalidGivenSecret, PlatformSecret, ProfileProblems, Signing};
use crate::store::platforms::{self, InsertPlatformError, OldSecrets, Platform};
use crate::store::{Act, StoreError, Unscoped, profiles};

/// Why a platform was not given a profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error(transparent)]
    Platform(#[from] PlatformError),
    #[error(transparent)]
    Profile(#[from] ProfileProblems),
    #[error(transparent)]
    Secret(#[from] InvalidGivenSecret),
    #[error("the adapter {0} sends no webhooks: choose --adapter profile, or a shipped one")]
    NotOfAdapter(String),
    #[error("platform {0} sends statements: its key and secret are made here; leave --secret-file out")]
    TakesNoSecret(PlatformCode),
    #[error("the adapter profile needs a profile: give its file with --profile FILE.toml")]
    NoProfile,
}

impl From<StoreError> for ProfileError {
    fn from(error: StoreError) -> Self {
        Self::Platform(error.into())
    }
}

impl From<Refused> for ProfileError {
    fn from(refused: Refused) -> Self {
        Self::Platform(refused.into())
    }
}

/// What became of a profile that a platform was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    pub version: u32,
    /// Whether it was the newest already, to the letter.
    pub is_unchanged: bool,
    /// Whether the platform's secret is of another kind than the profile wants: KEY:SECRET, or not.
    pub wants_another_secret: bool,
}

/// A platform as `platform list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPlatform {
    pub platform: Platform,
    /// The version of its own profile, if it was given one.
    pub profile_version: Option<u32>,
}

fn secret_of(signing: &Signing, given: Option<&str>) -> Result<PlatformSecret, InvalidGivenSecret> {
    given.map_or_else(|| Ok(signing.new_secret()), |given| signing.given_secret(given))
}

impl App {
    /// Adds a platform that sends webhooks, read by a shipped profile or its own (`text`). Answers its secret, which is
    /// never shown again: a new one, unless the platform made one itself (`secret`).
    pub async fn add_webhook_platform(
        &self,
        caller: &Caller,
        new: &NewPlatform,
        text: Option<&str>,
        secret: Option<&str>,
    ) -> Result<PlatformSecret, ProfileError> {
        let grant = caller.grant(Action::Operate)?;
        let adapter = Adapter::parse(&new.adapter).map_err(|_| ProfileError::NotOfAdapter(new.adapter.clone()))?;
        let reader = match text {
            Some(text) => Reader::parse(adapter, text)?,
            None => Reader::of_adapter(adapter).ok_or(ProfileError::NoProfile)?,
        };
        let signing = reader.signing().ok_or_else(|| ProfileError::NotOfAdapter(new.adapter.clone()))?;
        let secret = secret_of(signing, secret)?;
        let change = self.begin_change(caller, &grant).await?;
        let inserted = platforms::insert(&change, &new.code, adapter.as_str(), &new.linking_keys, new.time_zone).await;
        let platform = inserted.map_err(|error| match error {
            InsertPlatformError::CodeTaken => PlatformError::Exists(new.code.clone()),
            InsertPlatformError::Store(error) => error.into(),
        })?;
        if let Some(text) = text {
            profiles::insert(&change, platform, 1, text).await?;
        }
        platforms::add_secret(&change, platform, &secret.reveal(), OldSecrets::HoldOn).await?;
        let object = format!("platform {}", new.code);
        change.commit(Act { action: "platform.add", object: &object }).await?;
        Ok(secret)
    }

    /// Gives a platform a profile; what it sends from now on is read by it, and so is what waits in quarantine when it
    /// is replayed.
    pub async fn give_profile(&self, caller: &Caller, code: &PlatformCode, text: &str) -> Result<Given, ProfileError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let platform = platforms::by_code(change.connection(), code).await?;
        let platform = platform.ok_or_else(|| PlatformError::Unknown(code.clone()))?;
        let adapter = Adapter::parse(&platform.adapter);
        let adapter = adapter.map_err(|_| StoreError::Unreadable { table: "platform", column: "adapter" })?;
        let reader = Reader::parse(adapter, text)?;
        let secrets = platforms::secrets_at(change.connection(), platform.id, self.now()).await?;
        let fits = |signing: &Signing| secrets.first().is_some_and(|newest| signing.takes(newest));
        let wants_another_secret = !reader.signing().is_none_or(fits);
        let newest = profiles::newest(change.connection(), platform.id).await?;
        if let Some(newest) = newest.as_ref().filter(|newest| newest.text == text) {
            return Ok(Given { version: newest.version, is_unchanged: true, wants_another_secret });
        }
        let version = newest.map_or(1, |newest| newest.version.saturating_add(1));
        profiles::insert(&change, platform.id, version, text).await?;
        let object = format!("platform {code}, profile {version}");
        change.commit(Act { action: "platform.profile", object: &object }).await?;
        Ok(Given { version, is_unchanged: false, wants_another_secret })
    }

    /// Gives any platform that sends webhooks a new secret of the kind that fits, or one that it made itself.
    pub async fn rotate_fitting_secret(
        &self,
        caller: &Caller,
        code: &PlatformCode,
        secret: Option<&str>,
        old: OldSecrets,
    ) -> Result<PlatformSecret, ProfileError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let platform = platforms::by_code(change.connection(), code).await?;
        let platform = platform.ok_or_else(|| PlatformError::Unknown(code.clone()))?;
        let (reader, _) = reader_of(change.connection(), (platform.id, &platform.adapter)).await?;
        let signing = reader.signing().ok_or_else(|| ProfileError::TakesNoSecret(code.clone()))?;
        let secret = secret_of(signing, secret)?;
        platforms::add_secret(&change, platform.id, &secret.reveal(), old).await?;
        let object = format!("platform {code}");
        change.commit(Act { action: "platform.rotate-secret", object: &object }).await?;
        Ok(secret)
    }

    /// All platforms with the versions of their own profiles, by code.
    pub async fn list_platforms_with_profiles(&self, caller: &Caller) -> Result<Vec<ListedPlatform>, ProfileError> {
        let mut listed = Vec::new();
        for platform in self.list_platforms(caller).await? {
            let newest = profiles::newest(self.store.connection(Unscoped::Configuration), platform.id).await?;
            listed.push(ListedPlatform { profile_version: newest.map(|newest| newest.version), platform });
        }
        Ok(listed)
    }
}
