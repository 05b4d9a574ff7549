//! Kept xAPI statements: how they are found again; and what else platforms keep at that door.
//!
//! `finding` reads the index of terms, which `indexing` makes behind the door; `bodies` reads their bytes out of the
//! deliveries that brought them. `documents` and `activities` stand for themselves.

pub mod activities;
pub mod attachments;
pub mod bodies;
pub mod documents;
pub mod finding;
pub mod indexing;
pub mod without_result;

/// A term by which statements are found, as the index has it: eight bytes of a digest of the platform and what it says.
///
/// Two terms that share them would be found together; of a million terms that happens once in 40 million registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TermDigest(pub i64);
