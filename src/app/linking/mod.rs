//! Links identities to employees: the queue, links by hand, suggestions.

pub mod bulk;
pub mod link;
pub mod moves;
pub mod own_waiting;
pub mod share;
pub mod suggest;
pub mod unlinked;
