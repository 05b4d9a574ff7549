//! What the outside world sends, read into domain types: HR's files, requirement files, platforms' deliveries.
//!
//! Each module reads one outside format from bytes or text and gives `domain` types, or names everything that is wrong.
//! Nothing here knows HTTP, a database or a clock; nothing here decides what follows, and nothing here stores it.

pub mod adapter;
pub mod hr_csv;
mod iri;
pub mod json;
pub mod moodle;
pub mod profile;
pub mod request;
pub mod requirements_toml;
pub mod scim;
pub mod toml;
pub mod webhook;
pub mod withdraws;
pub mod xapi;
