//! One employee: shown, corrected, merged, exempted.

pub mod corrections;
pub mod exemptions;
pub mod history;
pub mod merges;
pub mod prior_training;
pub mod proposals;
pub mod show;
