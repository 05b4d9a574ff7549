//! Figures and rows: reports, trends, comparisons, exports, by both clocks.

pub mod as_known;
pub mod build;
pub mod clocks;
pub mod compare;
pub mod export;
pub mod trend;
