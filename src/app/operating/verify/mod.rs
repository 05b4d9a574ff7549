//! Verifies that everything is as it was recorded, and everything derived is as the facts give it.
//!
//! In this order: the database's own pages ([`damage`]); every row that a report can rest on, against the chain of
//! digests ([`chain`]); every delivery, read again from its bytes ([`reading`]), with its signature ([`signatures`]);
//! every link ([`links`]), compliance state ([`compliance_states`]) and statement, derived again from the facts. Each
//! reads a snapshot of its own, some hundred rows at a time, so it runs alongside the service with constant memory. It
//! can also verify a part, so that several nights cover the whole.

mod chain;
mod compliance_states;
mod damage;
mod links;
mod nightly;
mod reading;
mod signatures;

use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::store::chain::Head;
use crate::store::chain::fault::LinkName;
use crate::store::chain::scope::Scope;
use crate::store::{Snapshot, StoreError, Unscoped};

/// Why nothing was verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What to verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyRequest {
    pub part: Part,
    /// A head of the chain that was recorded elsewhere.
    pub head: Option<KnownHead>,
}

impl Default for VerifyRequest {
    fn default() -> Self {
        Self { part: Part { number: 1, of: 1 }, head: None }
    }
}

/// One of several parts that together are the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// From 1 on.
    pub number: u32,
    pub of: u32,
}

/// The error for a text that is no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a part such as 3/7: its number, and how many there are, at the most 366")]
pub struct InvalidPart;

impl FromStr for Part {
    type Err = InvalidPart;

    fn from_str(text: &str) -> Result<Self, InvalidPart> {
        let (number, of) = text.split_once('/').ok_or(InvalidPart)?;
        let (number, of) = (number.parse().map_err(|_| InvalidPart)?, of.parse().map_err(|_| InvalidPart)?);
        if number >= 1 && number <= of && of <= 366 { Ok(Self { number, of }) } else { Err(InvalidPart) }
    }
}

/// A head of the chain as it was recorded elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownHead {
    pub through: DateTime<Utc>,
    pub digest: [u8; 32],
}

/// The error for a text that is no head of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a head of the chain, INSTANT:DIGEST as verify and backup print it")]
pub struct InvalidHead;

impl FromStr for KnownHead {
    type Err = InvalidHead;

    fn from_str(text: &str) -> Result<Self, InvalidHead> {
        let (through, digest) = text.trim().rsplit_once(':').ok_or(InvalidHead)?;
        let through = DateTime::parse_from_rfc3339(through).map_err(|_| InvalidHead)?.to_utc();
        let digest = hex::decode(digest).map_err(|_| InvalidHead)?.try_into().map_err(|_| InvalidHead)?;
        Ok(Self { through, digest })
    }
}

/// How many signatures were checked again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signatures {
    /// They match.
    pub verified: u64,
    /// The platform's proof is never stored, or the stored bytes were not sent by it.
    pub unsigned: u64,
    /// Signed with secrets that are not stored any more.
    pub without_secret: u64,
}

/// What was compared, and where it differed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    pub events: u64,
    pub employees: u64,
    pub statements: u64,
    pub deliveries: u64,
    /// Rows compared with the chain.
    pub rows: u64,
    pub links: u64,
    pub signatures: Signatures,
    /// Where the chain ends.
    pub head: Option<Head>,
    /// What is worth knowing but is no difference.
    pub notes: Vec<String>,
    /// One sentence for each difference, the first thousand of them.
    pub differences: Vec<String>,
    /// How many differences there are beyond these.
    pub more: u64,
    /// The first link of the chain that is broken.
    pub first_broken: Option<LinkName>,
}

impl Verified {
    /// The most differences that are named.
    const NAMED: usize = 1000;

    pub(in crate::app) fn differs(&mut self, sentence: String) {
        if self.differences.len() < Self::NAMED { self.differences.push(sentence) } else { self.more += 1 }
    }

    /// How many differences there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.differences.len() as u64 + self.more
    }
}

/// How many people, learners, events or deliveries are compared at a time.
const AT_ONCE: u64 = 500;

/// How many of the newest links are always checked, for any part: those of about a day under load.
const NEWEST_LINKS: i64 = 2048;

/// Gets how much was done since its last call.
pub(in crate::app) type Progress<'p> = dyn FnMut(u64) + Send + Sync + 'p;

impl App {
    /// Verifies everything; see [`App::verify_some`].
    pub async fn verify(
        &self,
        caller: &Caller,
        progress: impl FnMut(u64) + Send + Sync,
    ) -> Result<Verified, VerifyError> {
        self.verify_some(caller, VerifyRequest::default(), progress).await
    }

    /// Checks whether everything is as it was recorded, and everything derived is as the facts give it, and names each
    /// difference. `progress` gets how many rows, people, events and statements were done since its last call.
    ///
    /// If damage prevents reading something, that is a difference, and the rest is still checked.
    pub async fn verify_some(
        &self,
        caller: &Caller,
        request: VerifyRequest,
        mut progress: impl FnMut(u64) + Send + Sync,
    ) -> Result<Verified, VerifyError> {
        caller.grant(Action::Operate)?;
        let mut verified = Verified::default();
        let progress: &mut Progress<'_> = &mut progress;
        let scope = self.scope_of(request.part).await;
        let scope = verified.stage("the chain", scope)?.unwrap_or(Scope::ALL);
        let done = self.verify_pages(scope, &mut verified).await;
        verified.stage("the database's pages", done)?;
        let done = self.verify_chain(scope, request.head, &mut verified, progress).await;
        verified.stage("the chain", done)?;
        let done = self.verify_deliveries(scope, &mut verified, progress).await;
        verified.stage("the deliveries", done)?;
        let done = self.refresh_what_waits().await;
        verified.stage("what waits to be derived", done)?;
        let done = self.verify_links(scope, &mut verified, progress).await;
        verified.stage("the links", done)?;
        let done = self.verify_compliance_states(scope, &mut verified, progress).await;
        verified.stage("the standings", done)?;
        let done = self.verify_all_statements(scope, &mut verified, progress).await;
        verified.stage("the statements", done)?;
        Ok(verified)
    }

    async fn scope_of(&self, part: Part) -> Result<Scope, StoreError> {
        if part.of <= 1 {
            return Ok(Scope::ALL);
        }
        let newest = self.chain_head().await?.map_or(0, |head| head.number);
        Ok(Scope { part: part.number, of: part.of, newest_from: newest - NEWEST_LINKS })
    }

    async fn snapshot_for(&self) -> Result<Snapshot, StoreError> {
        self.store.snapshot(Unscoped::Deriving).await
    }

    /// All statements are verified in the first part: the index of terms cannot be split.
    async fn verify_all_statements(
        &self,
        scope: Scope,
        verified: &mut Verified,
        progress: &mut Progress<'_>,
    ) -> Result<(), StoreError> {
        if scope.part > 1 {
            return Ok(());
        }
        self.index_all_statements().await?;
        let snapshot = self.snapshot_for().await?;
        self.verify_statements(&snapshot, verified, progress).await
    }
}

impl Verified {
    /// The result of a stage. Something that damage makes unreadable is a difference; a database that does not answer
    /// is an error.
    fn stage<T>(&mut self, what: &str, done: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error) if error.is_of_what_is_stored() => {
                let mut why = error.to_string();
                let mut cause = std::error::Error::source(&error);
                while let Some(inner) = cause {
                    why = format!("{why}: {inner}");
                    cause = inner.source();
                }
                self.differs(format!("{what} could not be read to the end: {why}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_one_of_several() {
        assert_eq!("3/7".parse(), Ok(Part { number: 3, of: 7 }));
        for wrong in ["0/7", "8/7", "3", "3/", "/7", "a/b", "1/367", "-1/7"] {
            assert_eq!(wrong.parse::<Part>(), Err(InvalidPart), "{wrong}");
        }
    }

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let head = KnownHead { through: DateTime::UNIX_EPOCH, digest: [7; 32] };
        let printed = Head { number: 3, through: head.through, digest: head.digest }.to_string();
        assert_eq!(printed.parse(), Ok(head));
        for wrong in ["", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z:07", "noon:0707"] {
            assert_eq!(wrong.parse::<KnownHead>(), Err(InvalidHead), "{wrong}");
        }
    }
}
