//! Results coming in: deliveries received, read again, and imported as files.

pub mod adapter;
pub mod effect;
pub mod import_results;
pub mod rate_limits;
pub mod receive;
pub mod receive_foreign;
pub mod reread;
pub mod show_deliveries;
