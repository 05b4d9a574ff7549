//! What learning platforms send to `/webhooks/{platform}`, from raw bytes to a result.
//!
//! [`signature`] checks whether a delivery is authentic (Standard Webhooks), [`native`] reads what it says, and
//! [`fault`] says why it could not be understood and where. [`compose`] writes what `native` reads. Start at
//! [`native::interpret`].

pub mod compose;
pub mod encoding;
pub mod excerpt;
pub mod fault;
pub(crate) mod instant;
pub(crate) mod json;
pub mod native;
pub mod signature;
