//! The xAPI door's use cases: who is asking, statements in, and statements out.

pub mod credentials;
pub mod receive;
