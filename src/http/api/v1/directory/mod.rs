//! HR's directory: imported, undone, reorganised.

pub mod imports;
pub mod reorganisations;
