//! The endpoints for people's tools, by version.

pub mod v1;
