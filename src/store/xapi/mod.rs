//! Stored xAPI statements and how they are found; and what else platforms store at that endpoint.
//!
//! `finding` reads the index of terms, which `indexing` makes after the request; `bodies` reads statements' bytes from
//! the deliveries that contain them. `documents` and `activities` are independent of these.

pub mod activities;
pub mod attachments;
pub mod bodies;
pub mod documents;
pub mod finding;
pub mod indexing;
pub mod without_result;

/// A term of the index, by which statements are found: eight bytes of a digest of the platform and the term's content.
///
/// Two terms with the same bytes would be found together; with a million terms that happens once in 40 million
/// registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TermDigest(pub i64);
