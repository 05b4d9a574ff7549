//! Results coming in: deliveries received, read again, and imported as files.

pub mod effect;
pub mod import_results;
pub mod rate_limits;
pub mod readers;
pub mod receive;
pub mod reread;
pub mod show_deliveries;
