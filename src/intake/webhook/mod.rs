//! What learning platforms send to `/webhooks/{platform}`, from raw bytes to a result.
//!
//! [`signature`] tells whether a delivery is authentic (Standard Webhooks), [`native`] what it says, and [`fault`] why it
//! could not be understood and where. [`compose`] writes what `native` reads. Start at [`native::interpret`].

pub mod compose;
pub mod encoding;
pub mod excerpt;
pub mod fault;
pub(in crate::intake) mod instant;
pub(in crate::intake) mod json;
pub mod native;
pub mod signature;
