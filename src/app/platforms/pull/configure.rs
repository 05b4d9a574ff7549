//! Sets up, shows and stops the pulls from a platform.

use chrono::{DateTime, TimeDelta, Utc};

use super::{MoodleDetails, NewPull, NewSource, PullError, XapiDetails, state_of};
use crate::app::{App, Caller};
use crate::domain::access::Action;
use crate::domain::ids::PlatformCode;
use crate::domain::pulling::{LONGEST, PullState, SHORTEST, SourceKind};
use crate::intake::adapter::{Adapter, NATIVE};
use crate::intake::xapi::Version;
use crate::sources::Address;
use crate::store::platforms::{self, Platform};
use crate::store::pulls::{self, Had, Pull, PullSettings};
use crate::store::{Act, Connection, StoreError, Unscoped};

impl App {
    /// Sets up the pulls from a platform, which begin at once. If it is pulled from at the same address already, they
    /// go on from where those had come, unless an instant is given.
    pub async fn set_pull(&self, caller: &Caller, code: &PlatformCode, new: &NewPull) -> Result<(), PullError> {
        let grant = caller.grant(Action::Operate)?;
        if new.every < SHORTEST || new.every > LONGEST {
            return Err(PullError::Every);
        }
        let settings = settings(new)?;
        let change = self.begin_change(caller, &grant).await?;
        let platform = known(change.connection(), code).await?;
        check_adapter(&platform, settings.source)?;
        let before = pulls::of(change.connection(), platform.id).await?;
        let had = match new.since {
            Some(_) => Had { since: new.since, newest: None },
            None => before.map_or_else(Had::default, |before| goes_on(&before, &settings, new)),
        };
        pulls::set(&change, platform.id, &settings, self.now(), had).await?;
        let object = format!("platform {code}, {} at {}", settings.source.as_str(), settings.address);
        change.commit(Act { action: "platform.pull.set", object: &object }).await?;
        Ok(())
    }

    /// Stops the pulls from a platform; returns whether there were any.
    pub async fn stop_pull(&self, caller: &Caller, code: &PlatformCode) -> Result<bool, PullError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let platform = known(change.connection(), code).await?;
        let was_pulled = pulls::remove(&change, platform.id).await?;
        if was_pulled {
            let object = format!("platform {code}");
            change.commit(Act { action: "platform.pull.stop", object: &object }).await?;
        }
        Ok(was_pulled)
    }

    /// How a platform is pulled from, and the result.
    pub async fn show_pull(&self, caller: &Caller, code: &PlatformCode) -> Result<PullState, PullError> {
        caller.grant(Action::Operate)?;
        let connection = self.store.connection(Unscoped::Receiving);
        let platform = known(connection, code).await?;
        let state = pull_state(connection, &platform, self.now()).await?;
        state.ok_or_else(|| PullError::NotSetUp(code.clone()))
    }
}

/// From where a platform is pulled that was pulled from before: from where that had come at the same address, and from
/// further back where that is wanted now.
fn goes_on(before: &Pull, settings: &PullSettings, new: &NewPull) -> Had {
    if before.settings.address != settings.address || before.settings.source != settings.source {
        return Had::default();
    }
    match &new.source {
        NewSource::Xapi { look_back, .. } if before.settings.details != settings.details => {
            Had { since: before.newest.and_then(|newest| newest.checked_sub_signed(*look_back)), newest: before.newest }
        }
        NewSource::Xapi { .. } | NewSource::Moodle { .. } => Had { since: before.since, newest: before.newest },
    }
}

/// How a platform is pulled from, if it is.
pub(in crate::app) async fn pull_state(
    connection: &impl Connection,
    platform: &Platform,
    now: DateTime<Utc>,
) -> Result<Option<PullState>, StoreError> {
    Ok(pulls::of(connection, platform.id).await?.map(|pull| state_of(pull, now)))
}

pub(super) async fn known(connection: &impl Connection, code: &PlatformCode) -> Result<Platform, PullError> {
    let found = platforms::by_code(connection, code).await?;
    found.ok_or_else(|| PullError::UnknownPlatform(code.clone()))
}

/// That the platform's reader can read what the source answers.
fn check_adapter(platform: &Platform, source: SourceKind) -> Result<(), PullError> {
    let code = platform.code.clone();
    match (Adapter::parse(&platform.adapter), source) {
        (Ok(Adapter::Xapi), _) => Ok(()),
        // No payload of Kurskoll's own is made of what Moodle answers.
        (Ok(Adapter::Shipped(NATIVE)), SourceKind::Moodle) => Err(PullError::NoProfile(code)),
        (Ok(Adapter::Shipped(_) | Adapter::Profile), SourceKind::Moodle) => Ok(()),
        (_, SourceKind::Xapi) => Err(PullError::NoStatements { code, adapter: platform.adapter.clone() }),
        (_, SourceKind::Moodle) => Err(PullError::NoProfile(code)),
    }
}

/// The settings as they are stored.
fn settings(new: &NewPull) -> Result<PullSettings, PullError> {
    let json = |details: serde_json::Result<String>| details.map_err(StoreError::Unwritable);
    let (source, address, username, secret, details) = match &new.source {
        NewSource::Xapi { address, key, secret, version, look_back } => {
            if *look_back < TimeDelta::zero() || *look_back > TimeDelta::days(3660) {
                return Err(PullError::LookBack);
            }
            let details = XapiDetails {
                version: Version::header(*version).to_owned(),
                look_back_seconds: look_back.num_seconds(),
            };
            // The store is meant, whichever of the two was written.
            let address = address.trim().trim_end_matches('/').trim_end_matches("/statements");
            (SourceKind::Xapi, address, Some(key.clone()), secret, json(serde_json::to_string(&details))?)
        }
        NewSource::Moodle { address, token, courses, named_by } => {
            if courses.is_empty() {
                return Err(PullError::NoCourse);
            }
            let details = MoodleDetails { courses: courses.clone(), named_by: *named_by };
            (SourceKind::Moodle, address.trim(), None, token, json(serde_json::to_string(&details))?)
        }
    };
    let secret = secret.trim();
    if secret.is_empty() {
        return Err(PullError::NoSecret);
    }
    Ok(PullSettings {
        source,
        address: Address::parse(address)?.to_string(),
        username,
        secret: secret.to_owned(),
        details,
        every: new.every,
    })
}
