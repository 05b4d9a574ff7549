//! Kurskoll: the register that tells a city which of its people have done the training their work demands, and proves it.

pub mod app;
pub mod auth;
pub mod domain;
pub mod intake;
pub mod render;
pub mod store;
