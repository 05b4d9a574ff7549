//! A platform that speaks in its own words: adding one, and giving it a profile, or a mended one, by which it is understood.

use std::sync::Arc;

use crate::app::platforms::add::{NewPlatform, PlatformError};
use crate::app::receiving::adapter::{Adapter, XAPI};
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::{PlatformCode, PlatformId};
use crate::intake::profile::{InvalidGivenSecret, PlatformSecret, Profile, ProfileProblems, Signing, shipped};
use crate::intake::xapi::verb_mapping::{InvalidVerbMapping, VerbMapping};
use crate::store::platforms::{self, InsertPlatformError, OldSecrets, Platform};
use crate::store::{Act, Connection, StoreError, Unscoped, profiles};

/// Why a platform was not given a profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error(transparent)]
    Platform(#[from] PlatformError),
    #[error("{0}")]
    Profile(#[from] ProfileProblems),
    #[error(transparent)]
    VerbMapping(#[from] InvalidVerbMapping),
    #[error(transparent)]
    Secret(#[from] InvalidGivenSecret),
    #[error("the adapter {0} is read by no profile: choose --adapter profile, or a shipped one")]
    NotOfAdapter(String),
    #[error("platform {0} sends statements: its key and secret are made here; leave --secret-file out")]
    TakesNoSecret(PlatformCode),
    #[error("a secret is made for platforms with the adapter {0}, and shown: leave --secret-file out")]
    AdapterTakesNoSecret(&'static str),
    #[error("the adapter profile needs a profile: give its file with --profile FILE.toml")]
    NoProfile,
    #[error(
        "platform {code} has the adapter {adapter}, which is read by no profile: add another platform with --adapter profile"
    )]
    OtherAdapter { code: PlatformCode, adapter: String },
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

/// The version of the profile that a platform was given last, as events that it reads keep it.
pub(in crate::app) async fn version_of(
    connection: &impl Connection,
    platform: PlatformId,
) -> Result<Option<i32>, StoreError> {
    let newest = profiles::newest(connection, platform).await?;
    Ok(newest.and_then(|newest| i32::try_from(newest.version).ok()))
}

/// The words by which a platform's statements are understood now.
pub(in crate::app) async fn verb_mapping_of(
    connection: &impl Connection,
    platform: PlatformId,
) -> Result<VerbMapping, StoreError> {
    let unreadable = StoreError::Unreadable { table: "platform_profile", column: "text" };
    match profiles::newest(connection, platform).await? {
        Some(own) => VerbMapping::parse(&own.text).map_err(|_| unreadable),
        None => Ok(VerbMapping::default()),
    }
}

/// The profile by which a platform's webhooks are understood now; nothing where none reads them.
pub(in crate::app) async fn profile_of(
    connection: &impl Connection,
    platform: &Platform,
) -> Result<Option<Arc<Profile>>, StoreError> {
    let adapter = Adapter::parse(&platform.adapter);
    let adapter = adapter.map_err(|_| StoreError::Unreadable { table: "platform", column: "adapter" })?;
    if !adapter.has_profile() {
        return Ok(None);
    }
    let unreadable = StoreError::Unreadable { table: "platform_profile", column: "text" };
    if let Some(own) = profiles::newest(connection, platform.id).await? {
        return Profile::parse(&own.text).map(|profile| Some(Arc::new(profile))).map_err(|_| unreadable);
    }
    match shipped::profile(adapter.as_str()) {
        Some(profile) => Ok(Some(Arc::new(profile.clone()))),
        None => Err(unreadable),
    }
}

fn secret_of(signing: &Signing, given: Option<&str>) -> Result<PlatformSecret, InvalidGivenSecret> {
    given.map_or_else(|| Ok(signing.new_secret()), |given| signing.given_secret(given))
}

impl App {
    /// Adds a platform that a profile reads: a shipped one, or its own (`text`). Answers its secret, which is never shown
    /// again: a new one, unless the platform made one itself (`secret`).
    pub async fn add_foreign_platform(
        &self,
        caller: &Caller,
        new: &NewPlatform,
        text: Option<&str>,
        secret: Option<&str>,
    ) -> Result<PlatformSecret, ProfileError> {
        let grant = caller.grant(Action::Operate)?;
        let adapter = Adapter::parse(&new.adapter).map_err(|_| ProfileError::NotOfAdapter(new.adapter.clone()))?;
        let own = text.map(Profile::parse).transpose()?;
        let signing = match (adapter, &own) {
            (Adapter::Native, None) if secret.is_some() => {
                return Err(ProfileError::AdapterTakesNoSecret(Adapter::Native.as_str()));
            }
            (Adapter::Native | Adapter::Xapi, _) => return Err(ProfileError::NotOfAdapter(new.adapter.clone())),
            (Adapter::Profile, None) => return Err(ProfileError::NoProfile),
            (Adapter::Shipped(_) | Adapter::Profile, Some(own)) => own.signing(),
            (Adapter::Shipped(name), None) => shipped::profile(name).ok_or(ProfileError::NoProfile)?.signing(),
        };
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

    /// Gives a platform a profile; what it sends from now on is read by it, and so is what waits in quarantine when it is
    /// replayed.
    pub async fn give_profile(&self, caller: &Caller, code: &PlatformCode, text: &str) -> Result<Given, ProfileError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let platform = platforms::by_code(change.connection(), code).await?;
        let platform = platform.ok_or_else(|| PlatformError::Unknown(code.clone()))?;
        let wants_another_secret = match Adapter::parse(&platform.adapter) {
            Ok(Adapter::Xapi) => {
                VerbMapping::parse(text)?;
                false
            }
            Ok(Adapter::Shipped(_) | Adapter::Profile) => {
                let profile = Profile::parse(text)?;
                let secrets = platforms::secrets_at(change.connection(), platform.id, self.now()).await?;
                !secrets.first().is_some_and(|newest| profile.signing().takes(newest))
            }
            Ok(Adapter::Native) | Err(_) => {
                return Err(ProfileError::OtherAdapter { code: code.clone(), adapter: platform.adapter });
            }
        };
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
        if platform.adapter == XAPI {
            return Err(ProfileError::TakesNoSecret(code.clone()));
        }
        let profile = profile_of(change.connection(), &platform).await?;
        let signing = profile.map_or(Signing::StandardWebhooks, |profile| profile.signing().clone());
        let secret = secret_of(&signing, secret)?;
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
