//! Requirements, and the compliance states that are derived from them.

pub mod apply_requirements;
pub mod decide_results;
pub mod judge;
pub mod refresh;
pub mod statements_without_result;
pub mod unknown_audience;
