//! What a request must show before a handler sees it. A guard that refuses keeps its problem for the catcher.

pub mod asker;
pub mod bearer;
pub mod json;
pub mod query;
