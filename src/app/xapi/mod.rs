//! The xAPI endpoint's use cases: authentication, statements received and returned, and documents.

pub mod activities;
pub mod consistency;
pub mod credentials;
pub mod documents;
pub mod find;
pub mod index;
pub mod receive;
pub mod scopes;
mod verify;
