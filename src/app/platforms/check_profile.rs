//! What a profile would make of a sample, field by field, and why not: for the author of a profile. Nothing is stored.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::EventId;
use crate::intake::adapter::{Adapter, Reader, XAPI};
use crate::intake::profile::{ProfileProblems, shipped};
use crate::intake::request::{Arrival, Headers, RawRequest};
use crate::intake::webhook::signature::ID_HEADER;

// What is shown is what the intake read.
pub use crate::intake::profile::{EventReading, Field, FieldReading, Meaning, Misread, Reading, RuleReading, is_form};

/// A profile and a sample of what a platform sends.
#[derive(Debug, Clone)]
pub struct CheckRequest<'a> {
    /// A shipped profile's name, or a profile's text.
    pub profile: &'a str,
    pub sample: &'a [u8],
    /// Where it is left out: a form if the sample does not begin as JSON does.
    pub content_type: Option<&'a str>,
    pub headers: &'a BTreeMap<String, Option<String>>,
    /// Where times without an offset are from, unless the profile says so itself; the city's where it is left out.
    pub time_zone: Option<chrono_tz::Tz>,
}

/// Why a sample was not looked at.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Profile(#[from] ProfileProblems),
    #[error("no shipped profile is called {0}; shipped are {names}", names = shipped::NAMES.join(", "))]
    UnknownProfile(String),
}

/// A shipped profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippedProfile {
    pub name: &'static str,
    pub title: &'static str,
    /// How it is signed: `standard-webhooks`, `hmac-sha256`, `shared-secret` or `basic`.
    pub scheme: &'static str,
    /// The profile itself, in TOML.
    pub text: &'static str,
}

/// Reads a sample as a profile understands it.
pub fn check(
    request: &CheckRequest<'_>,
    city: chrono_tz::Tz,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Reading, CheckError> {
    // A name has no line and no sign of TOML in it.
    let is_name = request.profile.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let reader = if is_name {
        let unknown = || CheckError::UnknownProfile(request.profile.to_owned());
        let adapter = Adapter::parse(request.profile).map_err(|_| unknown())?;
        Reader::of_adapter(adapter).ok_or_else(unknown)?
    } else {
        Reader::parse_any(request.profile)?
    };
    let begins_as_json = request.sample.iter().find(|byte| !byte.is_ascii_whitespace());
    let begins_as_json = matches!(begins_as_json, Some(b'{' | b'[' | 0xEF | 0x1F));
    let guessed = if begins_as_json { "application/json" } else { "application/x-www-form-urlencoded" };
    let headers = Headers::stored(request.headers);
    // A native sample without its header is shown under the name of the header.
    let key = reader.delivery_key(&headers, request.sample).or_else(|_| EventId::parse(ID_HEADER));
    let key = key.unwrap_or_else(|_| EventId::of_uuid(Uuid::nil()));
    Ok(reader.trace(&RawRequest {
        key: &key,
        platform: "sample",
        headers,
        content_type: request.content_type.unwrap_or(guessed),
        body: request.sample,
        zone: request.time_zone.unwrap_or(city),
        arrival: Arrival::at(now),
    }))
}

impl App {
    /// Reads a sample as a profile understands it.
    pub fn check_profile(&self, caller: &Caller, request: &CheckRequest<'_>) -> Result<Reading, CheckError> {
        caller.grant(Action::Operate)?;
        check(request, self.calendar.zone, self.now())
    }

    /// The profiles that come with Kurskoll, by name.
    pub fn shipped_profiles(&self, caller: &Caller) -> Result<Vec<ShippedProfile>, CheckError> {
        caller.grant(Action::Operate)?;
        Ok(shipped::NAMES.iter().filter_map(|name| shipped_profile(name)).collect())
    }

    /// One profile that comes with Kurskoll.
    pub fn shipped_profile(&self, caller: &Caller, name: &str) -> Result<ShippedProfile, CheckError> {
        caller.grant(Action::Operate)?;
        shipped_profile(name).ok_or_else(|| CheckError::UnknownProfile(name.to_owned()))
    }
}

/// The names of the profiles that come with Kurskoll.
#[must_use]
pub const fn shipped_names() -> &'static [&'static str] {
    shipped::NAMES
}

/// Whether a profile of this name comes with Kurskoll; `xapi` is what statements are read by without one.
#[must_use]
pub fn is_shipped(name: &str) -> bool {
    name == XAPI || shipped::name(name).is_some()
}

fn shipped_profile(name: &str) -> Option<ShippedProfile> {
    let (name, profile) = (shipped::name(name)?, shipped::profile(name)?);
    Some(ShippedProfile {
        name,
        title: profile.title(),
        scheme: profile.signing().scheme(),
        text: shipped::text(name)?,
    })
}
