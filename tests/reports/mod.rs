//! Reports and exports, on any day and as known at any instant.

pub mod comparison;
pub mod data_quality;
pub mod exports;
pub mod known_at;
pub mod report;
pub mod trend;
