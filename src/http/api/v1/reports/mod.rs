//! Figures and rows: reports, trends, comparisons, exports, by `as_of` and `known_at`.

pub mod comparison;
pub mod export;
pub mod report;
pub mod trend;
