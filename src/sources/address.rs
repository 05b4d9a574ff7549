//! The address of a system that is pulled from: one to which a secret may be sent.

use std::fmt;

use url::{Host, Url};

/// An `https:` address without user name, query or fragment; or an `http:` one of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why a text is not such an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    #[error("is not an address: write one like https://lrs.example.org/xapi")]
    NotAnAddress,
    #[error("is not secure: the secret could be read in transit; write https://")]
    NotSecure,
    #[error("has a name or a password in it: give them separately")]
    WithSecret,
    #[error("has a ? or a # in it: write the address without what follows")]
    WithQuery,
}

impl Address {
    /// Reads an address; a slash at its end is ignored.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let mut url = Url::parse(text.trim()).map_err(|_| InvalidAddress::NotAnAddress)?;
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(InvalidAddress::NotAnAddress),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_here => {}
            "http" => return Err(InvalidAddress::NotSecure),
            _ => return Err(InvalidAddress::NotAnAddress),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidAddress::WithSecret);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidAddress::WithQuery);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// An address below it.
    pub(super) fn below(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{path}", self.0.path().trim_end_matches('/')));
        url
    }

    /// Whether another address is of the same system, so that it may get the secret.
    pub(super) fn is_of(&self, other: &Url) -> bool {
        self.0.origin() == other.origin()
    }

    pub(super) const fn url(&self) -> &Url {
        &self.0
    }

    /// The name of the machine, for messages.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_sent_over_tls_or_to_this_machine() {
        for (text, shown) in [
            ("https://lrs.example.org/xapi/", "https://lrs.example.org/xapi"),
            (" https://LRS.example.org ", "https://lrs.example.org"),
            ("http://127.0.0.1:8000/xapi", "http://127.0.0.1:8000/xapi"),
            ("http://localhost", "http://localhost"),
            ("http://[::1]:8000", "http://[::1]:8000"),
        ] {
            assert_eq!(Address::parse(text).map(|address| address.to_string()), Ok(shown.to_owned()), "{text}");
        }
        for (text, why) in [
            ("http://lrs.example.org/xapi", InvalidAddress::NotSecure),
            ("http://localhost.example.org", InvalidAddress::NotSecure),
            ("lrs.example.org", InvalidAddress::NotAnAddress),
            ("ftp://lrs.example.org", InvalidAddress::NotAnAddress),
            ("file:///etc/passwd", InvalidAddress::NotAnAddress),
            ("https://key:secret@lrs.example.org", InvalidAddress::WithSecret),
            ("https://lrs.example.org/?token=1", InvalidAddress::WithQuery),
            ("https://lrs.example.org/#x", InvalidAddress::WithQuery),
            ("", InvalidAddress::NotAnAddress),
        ] {
            assert_eq!(Address::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn what_lies_below_and_whose_it_is() {
        let address = Address::parse("https://lrs.example.org/xapi").expect("an address");
        assert_eq!(address.below("statements").as_str(), "https://lrs.example.org/xapi/statements");
        let bare = Address::parse("https://lrs.example.org").expect("an address");
        assert_eq!(bare.below("a/b.php").as_str(), "https://lrs.example.org/a/b.php");
        let is_of = |text| address.is_of(&Url::parse(text).expect("an address"));
        assert!(is_of("https://lrs.example.org:443/elsewhere?more=1"));
        assert!(!is_of("https://lrs.example.org:8443/xapi"));
        assert!(!is_of("http://lrs.example.org/xapi"));
        assert!(!is_of("https://lrs.example.org.example.com/xapi"));
    }
}
