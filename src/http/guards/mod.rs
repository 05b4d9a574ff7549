//! What a request must prove before a handler runs. A guard that refuses stores its problem for the catcher.

pub mod bearer;
pub mod caller;
pub mod json;
pub mod query;
