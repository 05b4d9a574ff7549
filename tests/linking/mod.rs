//! Whose a result is: by keys, by hand, and which results wait.

pub mod by_hand;
pub mod by_keys;
pub mod dismissals;
pub mod in_bulk;
pub mod keys_have_days;
pub mod linked_share;
pub mod queue;
