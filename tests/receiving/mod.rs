//! What platforms send: their endpoint, what becomes of a delivery, and that an answer is kept.

pub mod abuse;
pub mod busy;
pub mod connections;
pub mod durability;
pub mod main_job;
pub mod order;
pub mod rereading;
pub mod results;
pub mod results_import;
pub mod webhooks;
