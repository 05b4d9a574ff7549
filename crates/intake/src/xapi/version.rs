//! Which xAPI a request or a statement speaks.

use std::borrow::Cow;
use std::fmt;

use super::fault::{Expected, Fault, Refusal};
use super::input::Input;

/// The header that every request carries (Communication 3.3).
pub const VERSION_HEADER: &str = "X-Experience-API-Version";

/// The xAPI by which a request is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// 1.0.0 to 1.0.3, and what may follow them with the same first two numbers.
    V1_0_3,
    /// IEEE 9274.1.1-2023.
    V2_0,
}

/// Why a header is not a version that is spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the header {VERSION_HEADER} is none of 1.0.0 to 1.0.3 and 2.0.0: send 1.0.3 or 2.0.0")]
pub struct InvalidVersion;

impl Version {
    /// Reads the header's value: `1.0` is `1.0.0` (Communication 3.3). A third number marks corrections of the wording
    /// only (Semantic Versioning 1.0.0), so any is read.
    pub fn parse(header: &str) -> Result<Self, InvalidVersion> {
        let mut numbers = header.trim().splitn(3, '.');
        let version = match (numbers.next(), numbers.next()) {
            (Some("1"), Some("0")) => Self::V1_0_3,
            (Some("2"), Some("0")) => Self::V2_0,
            _ => return Err(InvalidVersion),
        };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if numbers.next().is_none_or(is_number) { Ok(version) } else { Err(InvalidVersion) }
    }

    /// What a server of this version sends in the header.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::V1_0_3 => "1.0.3",
            Self::V2_0 => "2.0.0",
        }
    }

    /// What a statement without `version` is given (Data 2.4.10).
    #[must_use]
    pub const fn of_statement(self) -> &'static str {
        match self {
            Self::V1_0_3 => "1.0.0",
            Self::V2_0 => "2.0.0",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.header())
    }
}

/// The `version` that a statement carries, whose first two numbers are known: `1.0.3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementVersion<'a>(pub(super) Cow<'a, str>);

impl StatementVersion<'_> {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'a> StatementVersion<'a> {
    /// Data 2.4.10: anything that begins with `1.0.`; by 2.0 also what begins with `2.0.`, since a statement of 1.0.3
    /// may be sent on by a system that speaks 2.0.
    pub(super) fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let (expected, beginnings): (_, &[&str]) = match sent.version() {
            Version::V1_0_3 => (Expected::Version1, &["1.0."]),
            Version::V2_0 => (Expected::Version1Or2, &["2.0.", "1.0."]),
        };
        let text = sent.text(expected)?;
        let third = beginnings.iter().find_map(|beginning| text.strip_prefix(beginning));
        match third {
            Some(number) if number.starts_with(|digit: char| digit.is_ascii_digit()) => Ok(Self(text)),
            _ => Err(sent.refuse(Fault::WrongVersion { expected })),
        }
    }
}
