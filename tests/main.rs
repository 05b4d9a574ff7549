//! The tests of the whole service, from outside: one binary, a folder for each noun, and files for what concerns the whole.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod access;
mod architecture;
mod arrows;
mod commands;
mod compliance;
mod databases;
mod directory;
mod employees;
mod faults;
mod fuzz_seeds;
mod linking;
mod newcomers;
mod non_interference;
mod openapi;
mod operating;
mod platforms;
mod quarantine;
mod readme;
mod receiving;
mod reports;
mod routes_refused;
mod scim;
mod scope;
mod support;
mod usage;
mod xapi;
