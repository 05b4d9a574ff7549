//! Deliveries that are not understood.

pub mod deliveries;
pub mod workbench;
