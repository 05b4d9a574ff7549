//! Documents that platforms store here: State, Activity Profile, Agent Profile (Communication 2.2, 2.3, 2.6, 2.7), with
//! optimistic concurrency (3.1).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest as sha1};

use crate::app::App;
use crate::domain::ids::PlatformId;
pub use crate::intake::xapi::merging::MergeFault;
use crate::intake::xapi::merging::{check, merge};
pub use crate::intake::xapi::parameters;
pub use crate::intake::xapi::person::person_of;
use crate::intake::xapi::terms::canonical;
pub use crate::intake::xapi::{Actor, Version};
use crate::store::xapi::documents;
pub use crate::store::xapi::documents::{Belonging, Document, Resource};
use crate::store::{StoreError, Unscoped};

/// How many times a write is retried after another write was first. Each time one of them succeeded.
const TRIES: usize = 100;

/// The preconditions on the content that the client saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preconditions {
    pub if_match: Option<Tags>,
    pub if_none_match: Option<Tags>,
}

/// The value of `If-Match` or `If-None-Match` (RFC 9110, sections 13.1.1 and 13.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    Any,
    /// Digests of contents in hexadecimal. Weak tags never match, since ours are strong.
    Of(Vec<String>),
}

impl Tags {
    /// Reads a header. Many clients leave out the quotation marks, and mean the same.
    #[must_use]
    pub fn read(header: &str) -> Self {
        if header.trim() == "*" {
            return Self::Any;
        }
        let tags = header.split(',').map(|tag| tag.trim().trim_matches('"').to_ascii_lowercase());
        Self::Of(tags.filter(|tag| !tag.is_empty()).collect())
    }

    fn fit(&self, digest: Option<&[u8]>) -> bool {
        match (self, digest) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::Of(tags), Some(digest)) => tags.contains(&hex::encode(digest)),
        }
    }
}

impl Preconditions {
    /// Whether they hold for the stored content.
    #[must_use]
    pub fn hold(&self, digest: Option<&[u8]>) -> bool {
        self.if_match.as_ref().is_none_or(|tags| tags.fit(digest))
            && self.if_none_match.as_ref().is_none_or(|tags| !tags.fit(digest))
    }

    const fn are_none(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }
}

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// Replaces the content.
    Put,
    /// Merges with the content.
    Post,
}

/// Why a document was left unchanged.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// 412.
    #[error("the document is not, or no longer, what If-Match or If-None-Match say of it")]
    PreconditionFailed,
    /// 409.
    #[error("the document exists, and the request does not say which content it is to replace")]
    SaysNotWhat,
    #[error("{0} is not application/json: only JSON objects are merged")]
    NotJson(&'static str),
    #[error(transparent)]
    NotMerged(#[from] MergeFault),
    #[error("what both are together is too long")]
    TooLong,
    /// Other writes were first in all tries.
    #[error("others write the same document all the time")]
    Contended,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A document's content as it was sent.
#[derive(Debug, Clone)]
pub struct SentDocument {
    pub content_type: String,
    pub content: Vec<u8>,
    /// The most bytes that it may have, merged with the stored content.
    pub at_most: u64,
}

/// What documents of an actor belong to: the same for all spellings of its identifier.
#[must_use]
pub fn agent_key(actor: &Actor<'_>) -> Option<String> {
    actor.identifier().map(canonical)
}

/// The platform's documents of a kind, before their subject is set.
#[must_use]
pub const fn of_platform(platform: PlatformId, resource: Resource) -> Belonging {
    Belonging { platform, resource, activity: None, agent: None, registration: None }
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// Whether a `PUT` over a document must have a precondition: always for profiles, and with 2.0 also for states.
const fn must_say_what(resource: Resource, version: Version) -> bool {
    !matches!((resource, version), (Resource::State, Version::V1_0_3))
}

impl App {
    /// A document by its name.
    pub async fn document(&self, belonging: &Belonging, name: &str) -> Result<Option<Document>, StoreError> {
        documents::by_name(self.store.connection(Unscoped::Receiving), belonging, name).await
    }

    /// The names of documents; with a registration only that one's, otherwise all.
    pub async fn document_names(
        &self,
        belonging: &Belonging,
        since: Option<chrono::DateTime<chrono::Utc>>,
    ) -> Result<Vec<String>, StoreError> {
        documents::names(self.store.connection(Unscoped::Receiving), belonging, since).await
    }

    /// Writes a document; returns the digest of the stored content.
    pub async fn write_document(
        &self,
        belonging: &Belonging,
        name: &str,
        writing: Writing,
        version: Version,
        preconditions: &Preconditions,
        sent: SentDocument,
    ) -> Result<Vec<u8>, DocumentError> {
        // A POST of JSON must be an object, even if there is no document yet to merge it with (Communication 2.2).
        if writing == Writing::Post && is_json(&sent.content_type) {
            check(&sent.content)?;
        }
        for _ in 0..TRIES {
            let connection = self.store.connection(Unscoped::Receiving);
            // Content is read only if it is merged.
            let (seen, stored) = match writing {
                Writing::Put => (documents::digest_by_name(connection, belonging, name).await?, None),
                Writing::Post => {
                    let stored = documents::by_name(connection, belonging, name).await?;
                    (stored.as_ref().map(|stored| stored.digest.clone()), stored)
                }
            };
            if !preconditions.hold(seen.as_deref()) {
                return Err(DocumentError::PreconditionFailed);
            }
            let says_not_what = seen.is_some() && writing == Writing::Put && preconditions.are_none();
            if says_not_what && must_say_what(belonging.resource, version) {
                return Err(DocumentError::SaysNotWhat);
            }
            let content = match &stored {
                None => sent.content.clone(),
                Some(stored) => merged(stored, &sent)?,
            };
            let digest = sha1(&SHA1_FOR_LEGACY_USE_ONLY, &content).as_ref().to_vec();
            let document = Document {
                content_type: sent.content_type.clone(),
                content,
                digest: digest.clone(),
                stored_at: self.now(),
            };
            let written = match &seen {
                None => self.store.add_document(belonging, name, &document).await?,
                Some(seen) => self.store.replace_document(belonging, name, seen, &document).await?,
            };
            if written {
                return Ok(digest);
            }
        }
        Err(DocumentError::Contended)
    }

    /// Removes a document; it succeeds if there is none.
    pub async fn remove_document(
        &self,
        belonging: &Belonging,
        name: &str,
        preconditions: &Preconditions,
    ) -> Result<(), DocumentError> {
        for _ in 0..TRIES {
            let seen = documents::digest_by_name(self.store.connection(Unscoped::Receiving), belonging, name).await?;
            if !preconditions.hold(seen.as_deref()) {
                return Err(DocumentError::PreconditionFailed);
            }
            let Some(seen) = seen else { return Ok(()) };
            if self.store.remove_document(belonging, name, &seen).await? {
                return Ok(());
            }
        }
        Err(DocumentError::Contended)
    }

    /// Removes the documents that [`App::document_names`] names.
    pub async fn remove_documents(&self, belonging: &Belonging) -> Result<(), StoreError> {
        self.store.remove_documents(belonging).await
    }
}

fn merged(stored: &Document, sent: &SentDocument) -> Result<Vec<u8>, DocumentError> {
    for (which, content_type) in
        [("the stored document", &stored.content_type), ("the document that was sent", &sent.content_type)]
    {
        if !is_json(content_type) {
            return Err(DocumentError::NotJson(which));
        }
    }
    let merged = merge(&stored.content, &sent.content)?;
    if merged.len() as u64 > sent.at_most { Err(DocumentError::TooLong) } else { Ok(merged) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preconditions_hold_by_the_strong_comparison() {
        let digest = sha1(&SHA1_FOR_LEGACY_USE_ONLY, b"abc").as_ref().to_vec();
        let tag = "a9993e364706816aba3e25717850c26c9cd0d89d";
        let quoted = format!("\"{tag}\"");
        // The header, whether it fits the content, and whether it fits where there is no document.
        for (header, fits) in [
            ("*", true),
            (quoted.as_str(), true),
            (tag, true),
            (&format!("\"other\", {quoted}"), true),
            (&format!("W/{quoted}"), false),
            ("\"other\"", false),
            ("", false),
        ] {
            let tags = Some(Tags::read(header));
            let matches = Preconditions { if_match: tags.clone(), if_none_match: None };
            let none_matches = Preconditions { if_match: None, if_none_match: tags };
            assert_eq!(matches.hold(Some(&digest)), fits, "{header}");
            assert_eq!(none_matches.hold(Some(&digest)), !fits, "{header}");
            assert!(!matches.hold(None) && none_matches.hold(None), "{header}");
        }
        assert!(Preconditions::default().hold(None) && Preconditions::default().hold(Some(&digest)));
    }
}
