//! Platforms: their secrets, profiles and health, and what is pulled from them.

pub mod health;
pub mod profiles;
pub mod pulling;
pub mod secrets;
