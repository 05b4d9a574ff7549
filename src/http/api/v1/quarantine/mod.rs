//! Deliveries that were not understood: shown, replayed, taken apart, dismissed.

pub mod workbench;
