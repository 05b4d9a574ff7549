//! Origins of web pages, as browsers name them (RFC 6454, section 6.2).

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// A scheme, a host and a port: `https://kurs.example.org`, without the port that is the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebOrigin(String);

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigin {
    #[error("* means every page in the world: name the origins whose pages may send")]
    Anybody,
    #[error("{0:?} is no origin such as https://kurs.example.org: write scheme, host and port alone")]
    NotAnOrigin(String),
}

impl WebOrigin {
    /// Reads an origin; an end of `/` counts for nothing.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        if text.trim() == "*" {
            return Err(InvalidOrigin::Anybody);
        }
        let not_one = || InvalidOrigin::NotAnOrigin(text.to_owned());
        let url = Url::parse(text.trim()).map_err(|_| not_one())?;
        let is_bare = matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if is_bare { Ok(Self(url.origin().ascii_serialization())) } else { Err(not_one()) }
    }

    /// Whether a request's `Origin` is this one.
    #[must_use]
    pub fn is(&self, header: &str) -> bool {
        self.0 == header
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for WebOrigin {
    type Error = InvalidOrigin;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<WebOrigin> for String {
    fn from(origin: WebOrigin) -> Self {
        origin.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (text, header) in [
            ("https://kurs.example.org", "https://kurs.example.org"),
            ("HTTPS://Kurs.Example.org:443/", "https://kurs.example.org"),
            ("http://localhost:8080", "http://localhost:8080"),
            (" https://åland.example.org ", "https://xn--land-poa.example.org"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert!(WebOrigin::parse(text).is_ok_and(|origin| origin.is(header)), "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused_and_so_is_everybody() {
        assert_eq!(WebOrigin::parse("*"), Err(InvalidOrigin::Anybody));
        for text in [
            "",
            "null",
            "kurs.example.org",
            "https://*.example.org/*",
            "https://kurs.example.org/kurs",
            "https://kurs.example.org?x",
            "https://a:b@kurs.example.org",
            "file:///kurs",
            "https://",
        ] {
            assert!(matches!(WebOrigin::parse(text), Err(InvalidOrigin::NotAnOrigin(_))), "{text}");
        }
    }
}
