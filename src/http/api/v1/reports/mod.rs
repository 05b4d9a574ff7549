//! Figures and rows: reports, trends, comparisons, exports, by both clocks.

pub mod comparison;
pub mod export;
pub mod report;
pub mod trend;
