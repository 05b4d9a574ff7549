//! The two layers of Kurskoll that read data from outside, from their own source: the service around them takes a
//! quarter of an hour to build for the fuzzer, and reads nothing by itself.

#[path = "../../../src/domain/mod.rs"]
pub mod domain;
#[path = "../../../src/intake/mod.rs"]
pub mod intake;
