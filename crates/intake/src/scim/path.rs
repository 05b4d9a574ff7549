//! How a client names an attribute: `userName`, `name.familyName`, `urn:…:User:department`; in a PATCH also
//! `emails[type eq "work"].value` (RFC 7644, section 3.10 and figure 7).

use std::fmt;

use super::filter::{Filter, FilterError};

/// The longest path that is read, in bytes.
const LONGEST: usize = 1024;

/// Why a text names no attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("the path is empty or longer than {LONGEST} bytes")]
    Length,
    #[error("{0:?} is not the name of an attribute, such as userName, name.familyName or urn:…:User:department")]
    NotAName(String),
    #[error("{0:?} has a filter in brackets that does not end, or something other than .attribute after it")]
    Brackets(String),
    #[error("in the brackets of the path: {0}")]
    Filter(#[from] FilterError),
}

/// The name of an attribute as it was written: letters, digits and `$ - _`, with dots between attribute and
/// sub-attribute, and colons in the name of a schema before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath(String);

impl AttributePath {
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST {
            return Err(PathError::Length);
        }
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$');
        let ends_well = text.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if begins_well && ends_well && text.chars().all(Self::takes) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PathError::NotAName(text.to_owned()))
        }
    }

    /// Whether a character may be in a path without brackets.
    pub(super) const fn takes(c: char) -> bool {
        c.is_ascii_alphanumeric() || matches!(c, '$' | '-' | '_' | '.' | ':')
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The target of a PATCH operation.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchPath {
    pub attribute: AttributePath,
    /// Which elements of a multi-valued attribute are meant.
    pub elements: Option<Filter>,
    /// What of them, after the brackets.
    pub sub: Option<AttributePath>,
}

impl PatchPath {
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST {
            return Err(PathError::Length);
        }
        let Some((attribute, rest)) = text.split_once('[') else {
            return Ok(Self { attribute: AttributePath::parse(text)?, elements: None, sub: None });
        };
        let broken = || PathError::Brackets(text.to_owned());
        // A bracket may be in a quoted value, so the last one closes.
        let (inner, after) = rest.rsplit_once(']').ok_or_else(broken)?;
        let sub = match after.trim() {
            "" => None,
            after => Some(AttributePath::parse(after.strip_prefix('.').ok_or_else(broken)?)?),
        };
        Ok(Self { attribute: AttributePath::parse(attribute)?, elements: Some(Filter::parse(inner)?), sub })
    }
}
