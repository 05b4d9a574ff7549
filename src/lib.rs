//! Kurskoll: the register that tells a city which of its people have done the training their work demands, and proves it.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod demo_city;
pub mod domain;
pub mod http;
pub mod intake;
pub mod jobs;
pub mod render;
pub mod sources;
pub mod store;
