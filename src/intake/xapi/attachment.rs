//! Files that go with a statement (Data 2.4.11).

use std::borrow::Cow;

use super::text::LanguageMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment<'a> {
    /// An IRI.
    pub usage_type: Cow<'a, str>,
    pub display: LanguageMap<'a>,
    pub description: Option<LanguageMap<'a>>,
    pub content_type: Cow<'a, str>,
    /// In bytes.
    pub length: u64,
    /// The content's hash in hexadecimal, in lower case: SHA-256, or another length of SHA-2.
    pub sha2: String,
    pub file_url: Option<Cow<'a, str>>,
}
