//! Learning platforms: added, given a profile, watched, and pulled from.

pub mod add;
pub mod check_profile;
pub mod counts;
pub mod give_profile;
pub mod pull;
pub mod show;
