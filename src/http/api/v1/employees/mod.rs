//! One employee: shown, corrected, merged, exempted.

pub mod corrections;
pub mod exemptions;
pub mod history;
pub mod merges;
pub mod prior_training;
mod proposal_views;
pub mod proposals;
pub mod show;
