//! The two rooms of Kurskoll that reading from outside needs, from their own source: the service around them takes a
//! quarter of an hour to be built for the fuzzer, and reads nothing by itself.

#[path = "../../../src/domain/mod.rs"]
pub mod domain;
#[path = "../../../src/intake/mod.rs"]
pub mod intake;
