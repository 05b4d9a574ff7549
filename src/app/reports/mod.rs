//! Figures and rows: reports, trends, comparisons and exports, by valid time and transaction time.

pub mod as_known;
pub mod build;
pub mod clocks;
pub mod compare;
pub mod export;
pub mod trend;
