//! Requirements, and the states that they lead to.

pub mod result_decisions;
