//! The xAPI door's use cases: who is asking, statements in, statements out, and documents.

pub mod activities;
pub mod consistency;
pub mod credentials;
pub mod documents;
pub mod find;
pub mod index;
pub mod receive;
pub mod scopes;
mod verify;
