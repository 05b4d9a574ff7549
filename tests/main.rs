//! The tests of the whole, from outside: one binary, a file for each noun or command.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod arrows;
mod commands;
mod compliance;
mod configuration;
mod data_quality;
mod databases;
mod directory;
mod durability;
mod employees;
mod evidence;
mod exports;
mod imports;
mod known_at;
mod linking;
mod links_by_hand;
mod main_job;
mod migrations;
mod openapi;
mod operating;
mod order;
mod platforms;
mod quarantine;
mod receiving;
mod reports;
mod results;
mod routes_refused;
mod serving;
mod several_processes;
mod signing_keys;
mod support;
mod usage;
mod verify;
