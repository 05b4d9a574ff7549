//! Incoming results: deliveries received, read again, and imported as files.

pub mod deliveries;
pub mod rereading;
pub mod results;
