//! HR's files into the directory, and reorganisations.

pub mod files;
pub mod imports;
pub mod imports_undone;
pub mod mass_changes;
pub mod reorganisations;
pub mod reorganisations_renamed;
