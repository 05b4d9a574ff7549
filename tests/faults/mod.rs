//! Faults of the disk, of the database's server and of the way to it: what was answered is stored once, the figures are those
//! of a register without faults, and the service recovers by itself.
//!
//! A sample runs with every test run. `scripts/faults` runs every one: `KURSKOLL_FAULTS=all`.

mod postgres;
mod proof;
mod sqlite;
mod trial;

/// Whether to try every fault, and not a sample.
pub fn tries_all() -> bool {
    std::env::var("KURSKOLL_FAULTS").is_ok_and(|value| value == "all")
}
