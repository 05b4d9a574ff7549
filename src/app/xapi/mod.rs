//! The xAPI door's use cases: who is asking, statements in, and statements out.

pub mod credentials;
pub mod find;
pub mod index;
pub mod receive;
