//! What a request must show before a handler sees it. A guard that refuses keeps its problem for the catcher.

pub mod bearer;
pub mod caller;
pub mod json;
pub mod query;
