//! What the whole-service tests share. A folder, not a test.

pub mod app;
pub mod command;
pub mod commands;
pub mod elsewhere;
pub mod faults;
pub mod frail_postgres;
pub mod generated;
pub mod looks;
pub mod own_postgres;
pub mod plans;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod sender;
pub mod small_city;
pub mod wire;
pub mod xapi;
