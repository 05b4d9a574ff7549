//! What the operator does: backup, health, metrics, keys, the audit trail, verification.

pub mod audit;
