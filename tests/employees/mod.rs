//! One employee: shown, corrected, merged, exempted, protected.

pub mod corrections;
pub mod exemptions;
pub mod history;
pub mod merges;
pub mod not_yet_employees;
pub mod prior_training;
pub mod protected;
pub mod show;
