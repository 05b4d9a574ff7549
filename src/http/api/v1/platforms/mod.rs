//! Learning platforms: added, given a profile, watched, and pulled from.

pub mod profiles;
pub mod show;
