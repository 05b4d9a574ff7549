//! What a profile says, as it was read: how a platform signs, where things are, and what its words mean.

use std::collections::{BTreeMap, HashMap};

use chrono::TimeDelta;
use chrono_tz::Tz;
use unicode_normalization::UnicodeNormalization as _;

use super::document::is_form;
use super::event_id::delivery_key;
use super::path::Path;
use super::time::TimeFormat;
use crate::request::Headers;
use crate::webhook::signature::ID_HEADER;
use crate::withdraws::Withdraws;
use kurskoll_domain::ids::{EventId, InvalidId};
use kurskoll_domain::linking::LinkingKey;

/// How a foreign platform's webhooks are understood. Read by [`Profile::parse`](super::Profile::parse).
#[derive(Debug, Clone)]
pub struct Profile {
    pub(super) title: String,
    pub(super) signing: Signing,
    pub(super) body: BodyForm,
    pub(super) defaults: Defaults,
    pub(super) fields: BTreeMap<Field, Finding>,
    /// The first that fits an event says what it is.
    pub(super) rules: Vec<Rule>,
    /// Whether it is the shipped profile of Kurskoll's own payloads, which a reader of their own reads.
    pub(super) is_native: bool,
}

impl Profile {
    /// What the profile is for, in a few words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// How its deliveries prove whose they are.
    #[must_use]
    pub const fn signing(&self) -> &Signing {
        &self.signing
    }

    /// The key of a delivery. Native ones are identified by their signed id, others by their bytes.
    pub fn delivery_key(&self, headers: &Headers<'_>, body: &[u8]) -> Result<EventId, InvalidId> {
        if self.is_native { EventId::parse(headers.get(ID_HEADER).unwrap_or_default()) } else { delivery_key(body) }
    }

    /// Whether bodies of this media type are accepted. Others than native ones may be JSON under the media type of a
    /// form.
    #[must_use]
    pub fn accepts(&self, content_type: &str) -> bool {
        !self.is_native || !is_form(content_type)
    }

    /// The headers that were verified or are read, as JSON; never one that has a secret in it.
    #[must_use]
    pub fn stored_headers(&self, headers: &Headers<'_>) -> String {
        let secret = self.signing.secret_header();
        let names = self.signing.headers_stored().into_iter().chain(self.headers_read());
        let names = names.filter(|name| !secret.is_some_and(|secret| secret.eq_ignore_ascii_case(name)));
        let stored: BTreeMap<String, Option<&str>> =
            names.map(|name| (name.to_ascii_lowercase(), headers.get(name))).collect();
        serde_json::to_string(&stored).unwrap_or_else(|_| "{}".to_owned())
    }

    /// The headers of a delivery that fields are read from; they are stored with it, for when it is read again.
    fn headers_read(&self) -> impl Iterator<Item = &str> {
        let findings = self.fields.values().chain(self.rules.iter().flat_map(|rule| rule.fields.values()));
        let conditions = self.rules.iter().flat_map(|rule| rule.when.iter().map(|condition| &condition.source));
        let sources = findings.flat_map(|finding| &finding.sources).chain(conditions);
        sources.filter_map(|source| match &source.place {
            Place::Header(name) => Some(name.as_str()),
            Place::Event(_) | Place::Body(_) | Place::Constant(_) => None,
        })
    }
}

/// How deliveries prove whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signing {
    StandardWebhooks,
    Hmac(HmacSigning),
    /// The secret itself stands in a header.
    SharedSecret {
        header: String,
        prefix: String,
    },
    /// HTTP basic authentication (RFC 7617).
    Basic,
}

/// HMAC-SHA256 in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HmacSigning {
    pub(super) header: String,
    pub(super) prefix: String,
    pub(super) encoding: Encoding,
    /// Whether the secret's Base64 is decoded to become the key; else its text is the key.
    pub(super) key_is_decoded: bool,
    pub(super) signed: Vec<SignedPart>,
    pub(super) timestamp: Option<SignedTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Hex,
    Base64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SignedPart {
    Literal(String),
    Timestamp,
    Body,
}

/// When a delivery was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedTime {
    pub(super) header: String,
    pub(super) in_milliseconds: bool,
    pub(super) tolerance: TimeDelta,
}

/// What a body is, and where its events are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BodyForm {
    pub(super) accepts: Accepts,
    /// Fields of a form whose text is JSON.
    pub(super) json_fields: Vec<String>,
    /// Where the events are, the first that finds any; the whole body is one where none does.
    pub(super) each: Vec<Path>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepts {
    Json,
    Form,
    Both,
}

/// What holds for every field that does not say otherwise.
#[derive(Debug, Clone, Default)]
pub(super) struct Defaults {
    pub(super) nothing: Vec<String>,
    pub(super) formats: Vec<TimeFormat>,
    pub(super) zone: Option<Tz>,
    pub(super) decimal_comma: bool,
}

/// What is read of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    EventId,
    Type,
    EmployeeNumber,
    Email,
    Username,
    AccountHomePage,
    AccountName,
    Course,
    Quiz,
    Attempt,
    ScoreRaw,
    ScoreMin,
    ScoreMax,
    ScoreScaled,
    ScorePercent,
    Passed,
    OccurredAt,
    /// When an attempt was made, where that is another time than the completion's.
    AttemptedAt,
    /// When it was reported, if that is another time than when it happened.
    ReportedAt,
    RevokedEventId,
    Reason,
    /// Somebody as an object: of statements alone.
    Learner,
}

impl Field {
    pub(super) const ALL: [(&'static str, Self); 22] = [
        ("event_id", Self::EventId),
        ("type", Self::Type),
        ("employee_number", Self::EmployeeNumber),
        ("email", Self::Email),
        ("username", Self::Username),
        ("account_home_page", Self::AccountHomePage),
        ("account_name", Self::AccountName),
        ("course", Self::Course),
        ("quiz", Self::Quiz),
        ("attempt", Self::Attempt),
        ("score_raw", Self::ScoreRaw),
        ("score_min", Self::ScoreMin),
        ("score_max", Self::ScoreMax),
        ("score_scaled", Self::ScoreScaled),
        ("score_percent", Self::ScorePercent),
        ("passed", Self::Passed),
        ("occurred_at", Self::OccurredAt),
        ("attempted_at", Self::AttemptedAt),
        ("reported_at", Self::ReportedAt),
        ("revoked_event_id", Self::RevokedEventId),
        ("reason", Self::Reason),
        ("learner", Self::Learner),
    ];

    /// Its name in a profile.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, field)| *field == self).map_or("", |(name, _)| name)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }

    pub(super) const fn is_time(self) -> bool {
        matches!(self, Self::OccurredAt | Self::AttemptedAt | Self::ReportedAt)
    }

    pub(super) const fn is_number(self) -> bool {
        matches!(self, Self::ScoreRaw | Self::ScoreMin | Self::ScoreMax | Self::ScoreScaled | Self::ScorePercent)
    }
}

/// Where a field is found, and what is made of what stands there.
#[derive(Debug, Clone, Default)]
pub(super) struct Finding {
    /// The first that gives something.
    pub(super) sources: Vec<Source>,
    pub(super) words: Option<ValueMap>,
    /// Beside the defaults.
    pub(super) nothing: Vec<String>,
    pub(super) formats: Option<Vec<TimeFormat>>,
    pub(super) zone: Option<Tz>,
    /// Whether a scaled score goes from −1 to 1; else from 0 to 1.
    pub(super) is_from_minus_one: bool,
    pub(super) decimal_comma: Option<bool>,
    /// Whether an event that gives nothing here is skipped, and not refused.
    pub(super) is_skipped_without: bool,
    /// The types of activities that are meant, by their IRIs or as `course`, `quiz` or `attempt`; empty: any. Of
    /// statements alone.
    pub(super) types: Vec<String>,
    /// Which key a text is that stands for a learner. Of statements alone.
    pub(super) key: Option<LinkingKey>,
}

/// One place, and which part of its text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    pub(super) place: Place,
    /// A text without it gives nothing.
    pub(super) after: Option<After>,
    pub(super) before: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// In the event.
    Event(Path),
    /// In the whole body, where that holds several events.
    Body(Path),
    Header(String),
    Constant(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum After {
    First(String),
    Last(String),
}

impl Source {
    /// The part of a text that is meant; trimmed.
    pub(super) fn part<'t>(&self, text: &'t str) -> Option<&'t str> {
        let text = match &self.after {
            None => text,
            Some(After::First(mark)) => text.split_once(mark.as_str())?.1,
            Some(After::Last(mark)) => text.rsplit_once(mark.as_str())?.1,
        };
        let text = match &self.before {
            None => text,
            Some(mark) => text.split_once(mark.as_str())?.0,
        };
        Some(text.trim())
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Place::Event(path) => write!(f, "{path}"),
            Place::Body(path) => write!(f, "{path} in the body"),
            Place::Header(name) => write!(f, "the header {name}"),
            Place::Constant(text) => write!(f, "the constant \"{text}\""),
        }?;
        match &self.after {
            None => {}
            Some(After::First(mark)) => write!(f, " after \"{mark}\"")?,
            Some(After::Last(mark)) => write!(f, " after the last \"{mark}\"")?,
        }
        self.before.as_ref().map_or(Ok(()), |mark| write!(f, " before \"{mark}\""))
    }
}

/// What a platform's words mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValueMap {
    /// By the folded word.
    pub(super) ours: HashMap<String, String>,
    pub(super) others: Others,
}

/// What becomes of a word that is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    Refuse,
    Keep,
    Nothing,
}

/// How words are compared: trimmed, without capitals, in NFC.
pub(super) fn normalised(text: &str) -> String {
    text.trim().nfc().collect::<String>().to_lowercase()
}

/// Which events are what.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// What its revocations withdraw that name no event.
    pub(super) withdraws: Withdraws,
    /// Empty: to be ignored.
    pub(super) kinds: Vec<Kind>,
    /// The folded types that it is about; empty: any.
    pub(super) types: Vec<String>,
    pub(super) when: Vec<Condition>,
    /// In the place of the profile's.
    pub(super) fields: BTreeMap<Field, Finding>,
}

/// What an event is in Kurskoll's own terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Completion,
    Attempt,
    Revocation,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Completion => "completion",
            Self::Attempt => "attempt",
            Self::Revocation => "revocation",
        }
    }
}

impl Rule {
    /// What it makes of an event, as a person reads it.
    pub(super) fn meaning(&self) -> String {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.as_str()).collect();
        if kinds.is_empty() { "ignore".to_owned() } else { kinds.join(" and ") }
    }
}

/// What must hold of an event.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) source: Source,
    pub(super) holds: Holds,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holds {
    /// Folded words.
    Is(Vec<String>),
    IsNot(Vec<String>),
    /// Whether there is something that is not empty.
    Exists(bool),
}
