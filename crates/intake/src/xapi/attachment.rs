//! Files that go with a statement (Data 2.4.11).

use std::borrow::Cow;

use super::fault::{Expected, Refusal};
use super::input::Input;
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

/// The members of an attachment.
const OF_ATTACHMENT: &[&str] = &["usageType", "display", "description", "contentType", "length", "sha2", "fileUrl"];

impl<'a> Attachment<'a> {
    pub(super) fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Object, OF_ATTACHMENT)?;
        Ok(Self {
            usage_type: fields.require("usageType", Expected::Iri)?.iri()?,
            display: fields.require("display", Expected::LanguageMap)?.language_map()?,
            description: fields.read("description", Input::language_map)?,
            content_type: fields.require("contentType", Expected::Text)?.media_type()?,
            length: fields.require("length", Expected::WholeNumber)?.whole_number()?,
            sha2: fields.require("sha2", Expected::Text)?.sha2()?,
            file_url: fields.read("fileUrl", Input::iri)?,
        })
    }

    pub(super) fn read_list(sent: Input<'_, 'a>) -> Result<Vec<Self>, Refusal> {
        sent.list(Expected::Array, Self::read)
    }
}
