//! SCIM 2.0 as a protocol (RFC 7643, 7644, 9865): what an identity provider writes, into domain types, and back.
//!
//! Pure: no HTTP, no database, no clock. `schema` says which attributes there are, as data; `filter` and `path` read
//! how clients name them; `resource` brings bodies into the canonical form; `patch` changes them; `user` turns a User
//! into a person with employments, `group` reads a Group. Start at `user`.

pub mod bulk;
pub mod discovery;
pub mod filter;
pub mod group;
pub mod mapping;
pub mod paging;
pub mod patch;
pub mod path;
pub mod resource;
pub mod schema;
pub mod user;

/// The names by which a client distinguishes errors (RFC 7644, table 9; RFC 9865, section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimType {
    InvalidFilter,
    Uniqueness,
    Mutability,
    InvalidSyntax,
    InvalidPath,
    NoTarget,
    InvalidValue,
    InvalidCursor,
    InvalidCount,
}

impl ScimType {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidCursor => "invalidCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}
