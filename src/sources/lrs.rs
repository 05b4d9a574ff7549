//! A Learning Record Store that is queried for its statements (xAPI 1.0.3, Communication 2.1.3).

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::Client;
use url::Url;
use uuid::Uuid;

use super::{Address, Fetched, SourceError, client, fetch};

/// A store, and Kurskoll's credentials there.
pub struct Lrs {
    client: Client,
    address: Address,
    key: String,
    secret: String,
    /// The value of the version header.
    version: String,
}

impl std::fmt::Debug for Lrs {
    // Leaves out the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lrs").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The header with which a store says up to when nothing is missing (Communication 2.1.3).
const CONSISTENT_THROUGH: &str = "X-Experience-API-Consistent-Through";

impl Lrs {
    /// * `address`: the store's, as `https://lrs.example.org/xapi`; `/statements` is below it.
    pub fn new(address: Address, key: &str, secret: &str, version: &str) -> Result<Self, SourceError> {
        let (key, secret, version) = (key.to_owned(), secret.to_owned(), version.to_owned());
        Ok(Self { client: client()?, address, key, secret, version })
    }

    /// The first page of what was stored after an instant, oldest first.
    pub async fn since(&self, since: Option<DateTime<Utc>>) -> Result<Fetched, SourceError> {
        let mut url = self.address.below("statements");
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("ascending", "true").append_pair("attachments", "false");
            if let Some(since) = since {
                query.append_pair("since", &since.to_rfc3339_opts(SecondsFormat::Micros, true));
            }
        }
        self.get(url).await
    }

    /// The page that an earlier one names as `more`: an address of the same store, or the end of one.
    pub async fn more(&self, more: &str) -> Result<Fetched, SourceError> {
        let elsewhere = || SourceError::MoreElsewhere { host: self.address.host().to_owned() };
        let url = self.address.url().join(more).map_err(|_| elsewhere())?;
        if !self.address.is_of(&url) {
            return Err(elsewhere());
        }
        self.get(url).await
    }

    /// One statement, with the contents of its attachments.
    pub async fn one(&self, id: Uuid) -> Result<Fetched, SourceError> {
        let mut url = self.address.below("statements");
        url.query_pairs_mut().append_pair("statementId", &id.to_string()).append_pair("attachments", "true");
        self.get(url).await
    }

    async fn get(&self, url: Url) -> Result<Fetched, SourceError> {
        let request = self.client.get(url).basic_auth(&self.key, Some(&self.secret));
        let request = request.header("X-Experience-API-Version", &self.version);
        fetch(self.address.host(), request).await
    }
}

/// Up to when the store says that nothing is missing.
#[must_use]
pub fn consistent_through(fetched: &Fetched) -> Option<DateTime<Utc>> {
    let value = fetched.headers.get(CONSISTENT_THROUGH)?.to_str().ok()?;
    DateTime::parse_from_rfc3339(value.trim()).ok().map(|at| at.to_utc())
}
