//! What the benchmarks share: databases that sync, the service as a process of its own, a made-up city, and tables.

pub mod city;
pub mod databases;
pub mod register;
pub mod service;
pub mod table;

/// Any reason why a benchmark cannot run; it ends the benchmark.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
