//! One employee: shown, corrected, merged, exempted.

pub mod correct;
pub mod history;
pub mod merge;
pub mod own;
pub mod propose;
pub mod show;
