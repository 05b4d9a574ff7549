//! Deliveries that were not understood: shown, replayed, taken apart, dismissed.

pub mod dismiss;
pub mod replay;
pub mod show;
pub mod take_out;
