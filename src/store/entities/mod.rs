//! One file per table; they never leave the store.

pub mod absence_fact;
pub mod administration_fact;
pub mod audit_entry;
pub mod correction;
pub mod delivery;
pub mod employee;
pub mod employee_fact;
pub mod employment_fact;
pub mod event;
pub mod exemption_fact;
pub mod identity_claim;
pub mod import_file;
pub mod import_report;
pub mod learner;
pub mod link_decision;
pub mod merge_fact;
pub mod platform;
pub mod platform_secret;
pub mod proposal;
pub mod requirement_version;
pub mod scim_user;
pub mod setting;
pub mod signing_key;
pub mod stale;
pub mod standing;
pub mod standing_scope;
