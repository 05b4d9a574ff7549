//! The service in operation: start and stop, configuration, keys, clocks, its database, and what proves it sound.

pub mod chain;
pub mod clocks;
pub mod configuration;
pub mod database_away;
pub mod metrics;
pub mod migrations;
pub mod private_files;
pub mod serving;
pub mod several_processes;
pub mod signing_keys;
pub mod stopped_copy;
pub mod verify;
