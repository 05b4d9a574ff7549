//! HR's directory: imported, undone, reorganised.

pub mod import;
pub mod list_codes;
pub mod reorganise;
pub mod show_imports;
pub mod undo_import;
