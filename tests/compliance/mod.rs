//! Who has done what is required, and on which evidence.

pub mod evidence;
pub mod people;
pub mod withdrawals;
