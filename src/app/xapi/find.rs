//! Returns statements: one by its id, or pages of them by a query.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::index::{activities_of, digest_of};
use super::receive::Version;
use crate::app::App;
use crate::domain::ids::PlatformId;
use crate::intake::adapter::Form;
use crate::intake::xapi::answer::{self, SetByLrs};
use crate::intake::xapi::language::AcceptLanguage;
use crate::intake::xapi::multipart::{self, Part};
use crate::intake::xapi::query::{Many, One};
use crate::intake::xapi::read_body;
use crate::store::platforms::Platform;
use crate::store::xapi::activities;
use crate::store::xapi::attachments;
use crate::store::xapi::bodies;
use crate::store::xapi::finding::{self, Found, Wanted};
use crate::store::{StoreError, Unscoped};

pub use crate::intake::xapi::multipart::Written;
pub use crate::intake::xapi::query::{Format, QueryFault, StatementQuery, read as read_query};

/// The most statements of one page.
const MOST_ON_A_PAGE: u64 = 500;

/// The most if the contents of their attachments are included.
const MOST_WITH_CONTENTS: u64 = 10;

/// The most bytes of statements on one page, unless a single statement has more.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The home page of the accounts by which platforms vouch for their statements; an account's name is the platform's
/// code.
const AUTHORITY_HOME: &str = "urn:kurskoll:platforms";

/// Why a stored statement could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error(transparent)]
    Broken(#[from] answer::BrokenStatement),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A stored statement, with what the store sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStatement {
    pub id: Uuid,
    /// Exactly as it was sent.
    pub raw: String,
    pub stored: DateTime<Utc>,
    /// The version in which it was sent.
    pub version: Version,
}

/// A page of statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub statements: Vec<StoredStatement>,
    /// The start of the next page; `None` on the last.
    pub next: Option<i64>,
    /// The instant through which all statements are sure to be covered.
    pub consistent_through: DateTime<Utc>,
}

/// Where a query continues, as clients send it; opaque to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct More {
    /// The parameters of the query.
    pub query: Vec<(String, String)>,
    /// The last statement that was returned.
    pub after: i64,
}

impl More {
    #[must_use]
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    #[must_use]
    pub fn read(token: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()
    }
}

impl App {
    /// One statement; `None` if the platform sent none with that id, or if it is voided and must not be, or the other
    /// way round.
    pub async fn find_statement(
        &self,
        platform: &Platform,
        asked: &One,
    ) -> Result<Option<StoredStatement>, StoreError> {
        let connection = self.store.connection(Unscoped::Receiving);
        let Some(found) = finding::by_id(connection, platform.id, asked.id, asked.voided).await? else {
            return Ok(None);
        };
        let raw = bodies::read(connection, &[found.place]).await?.pop();
        Ok(raw.map(|raw| kept(found, raw)))
    }

    /// A page of statements.
    pub async fn find_statements(
        &self,
        platform: &Platform,
        asked: &Many,
        after: Option<i64>,
    ) -> Result<Page, StoreError> {
        if !asked.terms.is_empty() {
            self.index_for_a_question().await?;
        }
        // Before the statements are read, so that all that is promised is among them.
        let consistent_through = self.consistent_through().await?;
        let connection = self.store.connection(Unscoped::Receiving);
        let most = if asked.attachments { MOST_WITH_CONTENTS } else { MOST_ON_A_PAGE };
        let at_most = asked.limit.unwrap_or(most).min(most);
        let wanted = wanted(platform.id, asked, after, at_most + 1);
        let mut found = finding::page(connection, &wanted).await?;
        let is_more = found.len() as u64 > at_most;
        found.truncate(usize::try_from(at_most).unwrap_or(usize::MAX));
        let fits = within(&found, MOST_BYTES);
        let is_more = is_more || fits < found.len();
        found.truncate(fits);
        let places: Vec<bodies::Place> = found.iter().map(|found| found.place).collect();
        let next = found.last().filter(|_| is_more).map(|last| last.id);
        let raws = bodies::read(connection, &places).await?;
        let statements = found.into_iter().zip(raws).map(|(found, raw)| kept(found, raw)).collect();
        Ok(Page { statements, next, consistent_through })
    }

    /// A statement in the requested format, for a reader of a version.
    pub async fn render_statement(
        &self,
        platform: &Platform,
        kept: &StoredStatement,
        (format, version): (Format, Version),
        accept_language: &str,
    ) -> Result<String, RenderError> {
        let authority = format!(
            r#"{{"objectType":"Agent","account":{{"homePage":"{AUTHORITY_HOME}","name":"{}"}}}}"#,
            platform.code
        );
        let set = SetByLrs {
            id: kept.id,
            timestamp: kept.stored,
            stored: kept.stored,
            authority: &authority,
            version: kept.version.of_statement(),
            times_in_utc: version == Version::V2_0,
        };
        let languages = AcceptLanguage::parse(accept_language);
        let known = match format {
            Format::Canonical => self.definitions_in(platform, kept).await?,
            Format::Exact | Format::Ids => BTreeMap::new(),
        };
        let definition = |iri: &str| known.get(iri).cloned();
        let format = match format {
            Format::Exact => answer::Format::Exact,
            Format::Ids => answer::Format::Ids,
            Format::Canonical => answer::Format::Canonical { languages: &languages, definition: &definition },
        };
        Ok(answer::render(&kept.raw, &set, format)?)
    }

    /// What is known of the activities that a statement mentions.
    async fn definitions_in(
        &self,
        platform: &Platform,
        kept: &StoredStatement,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        // It was read when it came; of what cannot be read now nothing is known.
        let Ok(body) = read_body(kept.raw.as_bytes(), kept.version) else { return Ok(BTreeMap::new()) };
        let spoken_of = body.statements.iter().flat_map(activities_of);
        let names: Vec<(PlatformId, &str)> = spoken_of.map(|activity| (platform.id, activity.id.as_ref())).collect();
        let known = activities::definitions_of(self.store.connection(Unscoped::Receiving), names).await?;
        Ok(known.into_iter().map(|((_, iri), known)| (iri, known.definition)).collect())
    }

    /// Rendered statements, together with the contents of their attachments, as a multipart body.
    pub async fn with_attachments(
        &self,
        platform: &Platform,
        statements: &[StoredStatement],
        written: &str,
    ) -> Result<Written, StoreError> {
        let mut hashes: Vec<String> = Vec::new();
        for kept in statements {
            // It was read when it came; what cannot be read now has no attachments to look for.
            let Ok(body) = read_body(kept.raw.as_bytes(), kept.version) else { continue };
            let own = body.statements.iter().flat_map(|statement| &statement.attachments);
            hashes.extend(own.map(|attachment| attachment.sha2.clone()));
        }
        hashes.sort_unstable();
        hashes.dedup();
        let kept = attachments::read(self.store.connection(Unscoped::Receiving), platform.id, &hashes).await?;
        let parts: Vec<Part<'_>> = kept
            .iter()
            .map(|kept| Part {
                sha2: kept.sha2.clone(),
                content_type: Some(&kept.content_type),
                content: &kept.content,
            })
            .collect();
        Ok(multipart::write(written.as_bytes(), &parts))
    }
}

/// How many of the first fit into so many bytes; at least one.
fn within(found: &[Found], most: usize) -> usize {
    let mut bytes = 0_usize;
    let fits = found.iter().take_while(|found| {
        bytes = bytes.saturating_add(found.place.length);
        bytes <= most
    });
    fits.count().max(1).min(found.len())
}

fn wanted(platform: PlatformId, asked: &Many, after: Option<i64>, at_most: u64) -> Wanted {
    Wanted {
        platform,
        terms: asked.terms.iter().map(|(term, reach)| digest_of(platform, term, *reach)).collect(),
        since: asked.since,
        until: asked.until,
        ascending: asked.ascending,
        after,
        at_most,
    }
}

fn kept(found: Found, raw: String) -> StoredStatement {
    StoredStatement {
        id: found.statement_id,
        raw,
        stored: found.stored_at,
        version: Form::parse(&found.headers).version,
    }
}
