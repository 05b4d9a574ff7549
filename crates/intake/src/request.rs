//! A request from a platform, as every reader takes it: sent just now, or stored before.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use kurskoll_domain::ids::EventId;

/// A verified request, before anybody has read its body.
#[derive(Debug, Clone)]
pub struct RawRequest<'a> {
    /// The key of the delivery that it is.
    pub key: &'a EventId,
    /// The platform's code: part of the ids that are derived for events without one.
    pub platform: &'a str,
    pub headers: Headers<'a>,
    pub content_type: &'a str,
    pub body: &'a [u8],
    /// The zone of times without an offset, unless the profile names one.
    pub zone: Tz,
    pub arrival: Arrival,
}

/// When a request arrived, and when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When a result happened that names no time.
    pub received_at: DateTime<Utc>,
    /// Nothing can have happened much later than this. Later than the arrival if a stored delivery is read again.
    pub read_at: DateTime<Utc>,
}

impl Arrival {
    /// Of a request that is read when it arrives.
    #[must_use]
    pub const fn at(received_at: DateTime<Utc>) -> Self {
        Self { received_at, read_at: received_at }
    }
}

/// Names and values of headers in their order; values that are not text are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers<'a>(Vec<(&'a str, &'a str)>);

/// The headers that a delivery stores, from their JSON.
#[derive(Debug, Clone, Default)]
pub struct StoredHeaders(BTreeMap<String, Option<String>>);

impl StoredHeaders {
    #[must_use]
    pub fn parse(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap_or_default())
    }

    #[must_use]
    pub fn headers(&self) -> Headers<'_> {
        Headers::stored(&self.0)
    }
}

impl<'a> Headers<'a> {
    /// The first value of a header, whatever the case of its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// Those that were stored with a delivery.
    #[must_use]
    pub fn stored(stored: &'a BTreeMap<String, Option<String>>) -> Self {
        stored.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?))).collect()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(headers: I) -> Self {
        Self(headers.into_iter().collect())
    }
}
