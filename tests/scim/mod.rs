//! SCIM: users and groups of identity providers.

pub mod accounts;
pub mod bulk;
pub mod clients;
pub mod files;
pub mod filters;
pub mod groups;
pub mod users;
pub mod waiting;
