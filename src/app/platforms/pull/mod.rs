//! Asking platforms for what they may have failed to send: a Learning Record Store for its statements, Moodle's web
//! service for completions. What is pulled becomes deliveries, read and decided about as those that are sent.
//!
//! Start at [`NewPull`] for what an operator sets up, and at `run` for what happens when the time has come.

mod completions;
mod configure;
mod run;
mod statements;

pub(in crate::app) use configure::pull_state;

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::app::receiving::receive::ReceiveError;
use crate::domain::access::Refused;
use crate::domain::ids::PlatformCode;
use crate::domain::pulling::{PullState, is_late};
use crate::intake::moodle::MoodleFault;
pub use crate::intake::moodle::NamedBy;
use crate::intake::xapi::Version;
use crate::intake::xapi::statement_result::NotAPage;
pub use crate::sources::InvalidAddress;
use crate::sources::{Address, SourceError};
use crate::store::StoreError;
use crate::store::pulls::Pull;

/// Where a platform is to be pulled from.
#[derive(Debug, Clone)]
pub struct NewPull {
    pub source: NewSource,
    pub every: TimeDelta,
    /// From where on a store is queried; by default from its beginning.
    pub since: Option<DateTime<Utc>>,
}

/// What is to be queried.
#[derive(Clone)]
pub enum NewSource {
    Xapi {
        address: String,
        key: String,
        secret: String,
        version: Version,
        /// How far before the newest pulled statement it is queried again.
        look_back: TimeDelta,
    },
    Moodle {
        address: String,
        token: String,
        courses: Vec<CourseName>,
        named_by: NamedBy,
    },
}

impl std::fmt::Debug for NewSource {
    // Not the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Xapi { address, .. } => f.debug_struct("Xapi").field("address", address).finish_non_exhaustive(),
            Self::Moodle { address, .. } => f.debug_struct("Moodle").field("address", address).finish_non_exhaustive(),
        }
    }
}

/// By what a course is found in Moodle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CourseName {
    field: CourseField,
    value: String,
}

/// Which of a course's names is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CourseField {
    Id,
    IdNumber,
    ShortName,
}

impl CourseField {
    /// Moodle's word for it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::IdNumber => "idnumber",
            Self::ShortName => "shortname",
        }
    }
}

/// Why a text names no course of Moodle's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a course of Moodle's is named by its number, as 12, or as idnumber:INFOSEC or shortname:INFOSEC")]
pub struct InvalidCourseName;

impl FromStr for CourseName {
    type Err = InvalidCourseName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some((field, value)) = text.split_once(':') {
            let known = [CourseField::IdNumber, CourseField::ShortName];
            let field = known.into_iter().find(|known| known.as_str() == field.trim()).ok_or(InvalidCourseName)?;
            let value = value.trim().to_owned();
            return if value.is_empty() { Err(InvalidCourseName) } else { Ok(Self { field, value }) };
        }
        let id: u64 = text.parse().map_err(|_| InvalidCourseName)?;
        Ok(Self { field: CourseField::Id, value: id.to_string() })
    }
}

impl std::fmt::Display for CourseName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.field {
            CourseField::Id => f.write_str(&self.value),
            CourseField::IdNumber | CourseField::ShortName => write!(f, "{}:{}", self.field.as_str(), self.value),
        }
    }
}

impl From<CourseName> for String {
    fn from(name: CourseName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for CourseName {
    type Error = InvalidCourseName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// What a store needs beside its address, its key and its secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct XapiDetails {
    version: String,
    look_back_seconds: i64,
}

/// What a Moodle needs beside its address and its token.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct MoodleDetails {
    courses: Vec<CourseName>,
    named_by: NamedBy,
}

/// How a platform is pulled from, as it is shown.
fn state_of(pull: Pull, now: DateTime<Utc>) -> PullState {
    PullState {
        is_under_way: pull.reserved_until.is_some_and(|until| until >= now),
        is_late: is_late(now, pull.succeeded_at.unwrap_or(pull.recorded_at), pull.settings.every),
        source: pull.settings.source,
        address: pull.settings.address,
        every: pull.settings.every,
        since: pull.since,
        due_at: pull.due_at,
        begun_at: pull.begun_at,
        ended_at: pull.ended_at,
        succeeded_at: pull.succeeded_at,
        failures: pull.failures,
        problem: pull.problem,
        brought: pull.brought,
    }
}

/// Why a pull was not set up, shown or begun.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no platform has the code {0}; `kurskoll platform list` shows those that there are")]
    UnknownPlatform(PlatformCode),
    #[error(
        "platform {code} has the adapter {adapter}: a store's statements are read for platforms with the adapter xapi; \
         `kurskoll platform add` adds one"
    )]
    NoStatements { code: PlatformCode, adapter: String },
    #[error(
        "platform {0} has the adapter native: Moodle is pulled for platforms with the adapter xapi, or with a profile, as moodle"
    )]
    NoProfile(PlatformCode),
    #[error("the address {0}")]
    Address(#[from] InvalidAddress),
    #[error("a pull comes every minute at the most, and every 31 days at the least")]
    Every,
    #[error("a store is queried again from at most ten years before the newest statement that was pulled")]
    LookBack,
    #[error("no course is named: Moodle is queried course by course; name each with --course")]
    NoCourse,
    #[error("the secret is empty")]
    NoSecret,
    #[error("platform {0} is not pulled from: `kurskoll platform pull set {0}` sets it up")]
    NotSetUp(PlatformCode),
    #[error(
        "platform {0} is being pulled from right now: `kurskoll platform pull show {0}` shows how far that has come"
    )]
    UnderWay(PlatformCode),
    #[error(transparent)]
    Failed(#[from] PullFault),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a pull failed. What it had brought until then is stored.
#[derive(Debug, thiserror::Error)]
pub enum PullFault {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("{host}: {fault}")]
    NotAPage { host: String, fault: NotAPage },
    /// It had stored statements after that instant before, and answers none of them.
    #[error(
        "{host} does not answer again what it had stored: it seems to go by when things happened, and what comes late would be \
         passed over; set the pull up again with --look-back and how late things may come, as 90d"
    )]
    NotByStored { host: String },
    #[error("{host}: the address that it gives for more is one that it gave before")]
    Circle { host: String },
    #[error("{host}: {fault}")]
    Moodle { host: String, fault: MoodleFault },
    #[error("{host} has no course {course}, or the token's user may not see it")]
    NoSuchCourse { host: String, course: CourseName },
    #[error("{host} has several courses {course}: name it by its number")]
    SeveralCourses { host: String, course: CourseName },
    #[error("the platform is pulled from in another way now, or by another process")]
    HeldByAnother,
    #[error("what was pulled could not be stored: {0}")]
    Receive(#[from] ReceiveError),
    #[error("the register failed")]
    Store(#[from] StoreError),
}

/// The address of a pull, which was read when it was set up.
fn address_of(pull: &Pull) -> Result<Address, StoreError> {
    Address::parse(&pull.settings.address)
        .map_err(|_| StoreError::Unreadable { table: "platform_pull", column: "address" })
}

fn details_of<T: serde::de::DeserializeOwned>(pull: &Pull) -> Result<T, StoreError> {
    serde_json::from_str(&pull.settings.details)
        .map_err(|_| StoreError::Unreadable { table: "platform_pull", column: "details" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_is_named_by_number_or_by_what_the_city_calls_it() {
        for (text, field, value) in [
            ("12", "id", "12"),
            (" 012 ", "id", "12"),
            ("idnumber:INFOSEC 1", "idnumber", "INFOSEC 1"),
            ("shortname: a:b ", "shortname", "a:b"),
        ] {
            let name: CourseName = text.parse().expect(text);
            assert_eq!((name.field.as_str(), name.value.as_str()), (field, value), "{text}");
            assert_eq!(name.to_string().parse(), Ok(name), "{text}");
        }
        for text in ["", "INFOSEC", "-1", "idnumber:", "fullname:x"] {
            assert_eq!(text.parse::<CourseName>(), Err(InvalidCourseName), "{text}");
        }
    }
}
