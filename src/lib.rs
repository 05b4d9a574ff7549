//! Kurskoll: the register that tells a city which of its people have done the training their work demands, and proves it.

/// The rules and what comes from outside are crates of their own: the compiler holds what they may use.
pub use kurskoll_domain as domain;
pub use kurskoll_intake as intake;

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod demo_city;
pub mod http;
pub mod jobs;
pub mod render;
pub mod sources;
pub mod store;
