//! Faults of the disk, of the database's server and of the way to it: what was answered is kept once, the figures are those
//! of a register that nothing happened to, and the service recovers by itself.
//!
//! A part of them runs with every test. `scripts/faults` runs every one: `KURSKOLL_FAULTS=all`.

mod postgres;
mod proof;
mod sqlite;
mod trial;

/// Whether every fault is tried, and not a sample.
pub fn tries_all() -> bool {
    std::env::var("KURSKOLL_FAULTS").is_ok_and(|value| value == "all")
}
