//! What reads a platform's requests.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::{Adapter, Part, PartContent, file, statements, trace};
use crate::profile::{self, Misread, Profile, ProfileProblems, Reading, Signing, shipped};
use crate::request::{Headers, RawRequest};
use crate::webhook::encoding::{self, InflateError};
use crate::xapi::verb_mapping::VerbMapping;
use kurskoll_domain::ids::{EventId, InvalidId};
use kurskoll_domain::receiving::{Content, FILE_TYPE};

/// What reads a platform's requests.
#[derive(Debug, Clone)]
pub enum Reader {
    /// Webhooks.
    Webhooks(Arc<Profile>),
    /// xAPI statements.
    Statements(Arc<VerbMapping>),
}

impl Reader {
    /// What reads an adapter's requests until the platform is given a profile; `None` if it must have one.
    #[must_use]
    pub fn of_adapter(adapter: Adapter) -> Option<Self> {
        match adapter {
            Adapter::Xapi => Some(Self::Statements(Arc::default())),
            Adapter::Shipped(name) => shipped::profile(name).map(|profile| Self::Webhooks(profile.clone())),
            Adapter::Profile => None,
        }
    }

    /// The reader of an adapter by the platform's own profile.
    pub fn parse(adapter: Adapter, text: &str) -> Result<Self, ProfileProblems> {
        match adapter {
            Adapter::Xapi => Ok(Self::Statements(Arc::new(VerbMapping::parse(text)?))),
            Adapter::Shipped(_) | Adapter::Profile => Ok(Self::Webhooks(Arc::new(Profile::parse(text)?))),
        }
    }

    /// The reader of a profile of either kind, by what its text holds.
    pub fn parse_any(text: &str) -> Result<Self, ProfileProblems> {
        let adapter = if trace::is_of_statements(text) { Adapter::Xapi } else { Adapter::Profile };
        Self::parse(adapter, text)
    }

    /// How its requests are signed; `None` for statements, whose sender is authenticated by its credentials.
    #[must_use]
    pub fn signing(&self) -> Option<&Signing> {
        match self {
            Self::Webhooks(profile) => Some(profile.signing()),
            Self::Statements(_) => None,
        }
    }

    /// The key of the delivery that a webhook is: its signed id if the profile identifies deliveries by it, else a
    /// digest of its body.
    pub fn delivery_key(&self, headers: &Headers<'_>, body: &[u8]) -> Result<EventId, InvalidId> {
        match self {
            Self::Webhooks(profile) => profile.delivery_key(headers, body),
            Self::Statements(_) => profile::delivery_key(body),
        }
    }

    /// The headers that are stored with a delivery, as JSON: those that were verified or are read, and none with a
    /// secret.
    #[must_use]
    pub fn stored_headers(&self, headers: &Headers<'_>) -> String {
        match self {
            Self::Webhooks(profile) => profile.stored_headers(headers),
            Self::Statements(_) => statements::Form::of(headers).stored(),
        }
    }

    /// What a request says.
    #[must_use]
    pub fn understand(&self, request: &RawRequest<'_>) -> Content {
        match self.plain(request.body) {
            Ok(body) => self.understand_plain(&RawRequest { body: &body, ..request.clone() }),
            Err(problem) => Content::not_understood("", &problem),
        }
    }

    /// The body as it is read: inflated if it is a compressed webhook.
    pub fn plain<'b>(&self, body: &'b [u8]) -> Result<Cow<'b, [u8]>, InflateError> {
        match self {
            Self::Webhooks(_) => encoding::plain(body),
            // Places in the stored body are places in the text.
            Self::Statements(_) => Ok(Cow::Borrowed(body)),
        }
    }

    /// The same as [`Self::understand`] of a request whose body is inflated already.
    #[must_use]
    pub fn understand_plain(&self, request: &RawRequest<'_>) -> Content {
        match self {
            _ if request.content_type == FILE_TYPE => file::understand(request),
            Self::Webhooks(profile) => match profile::interpret(profile, request) {
                Ok(results) if results.is_empty() => Content::Nothing,
                Ok(results) => Content::Results(results),
                Err(misread) => Content::not_understood(misread.pointer, &misread.fault),
            },
            Self::Statements(mapping) => statements::understand(request, mapping),
        }
    }

    /// Each statement or event of a batch by itself; `None` if the body is no batch.
    #[must_use]
    pub fn understand_each(&self, request: &RawRequest<'_>) -> Option<Vec<Part>> {
        match self {
            Self::Webhooks(profile) => {
                let body = encoding::plain(request.body).ok()?;
                let parts = events(profile, &RawRequest { body: &body, ..request.clone() });
                (parts.len() > 1).then_some(parts)
            }
            Self::Statements(mapping) => statements::understand_each(request, mapping),
        }
    }

    /// What a request says with a trace of how each field was read, for somebody who writes a profile.
    #[must_use]
    pub fn trace(&self, request: &RawRequest<'_>) -> Reading {
        let body = match self.plain(request.body) {
            Ok(body) => body,
            Err(problem) => return Reading::refused(Misread { pointer: String::new(), fault: problem.into() }),
        };
        let request = RawRequest { body: &body, ..request.clone() };
        match self {
            Self::Webhooks(profile) => profile::read(profile, &request),
            Self::Statements(mapping) => trace::read(mapping, &request),
        }
    }
}

/// Each event of a webhook by itself.
fn events(profile: &Profile, request: &RawRequest<'_>) -> Vec<Part> {
    let mut met: HashSet<EventId> = HashSet::new();
    let each = profile::read(profile, request).events.into_iter().map(|event| {
        let content = event.results.map_err(|misread| misread.fault.to_string()).and_then(|results| {
            let is_repeated = results.iter().any(|result| !met.insert(result.event_id.clone()));
            if is_repeated { Err("has the id of another event of the body".to_owned()) } else { Ok(results) }
        });
        Part { pointer: event.pointer, content: content.map(PartContent::Results) }
    });
    each.collect()
}
