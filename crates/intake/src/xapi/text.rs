//! The kinds of text that statements are made of.

use std::borrow::Cow;

/// A text in several languages, in the order that was sent (Data 4.2): tag (RFC 5646, as it was sent) and text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LanguageMap<'a>(pub Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// A map of extensions: an object whose names are IRIs and whose values may be anything (Data 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extensions<'a> {
    /// The object as it was sent.
    pub raw: &'a str,
}

/// A duration in ISO 8601's form with designators, as it was sent (Data 4.6): `PT16M559S`, `P4W`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duration<'a>(pub Cow<'a, str>);
