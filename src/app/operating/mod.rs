//! The operator's use cases: backup, health, metrics, keys, the audit trail, verification.

pub mod backup;
pub mod clock_watch;
pub mod health;
pub mod metrics;
pub mod read_audit;
pub mod seal;
pub mod sign_tokens;
pub mod verify;
