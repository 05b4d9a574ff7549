//! Identities tied to employees: the queue, links by hand, suggestions.

pub mod bulk;
pub mod links;
pub mod unlinked;
