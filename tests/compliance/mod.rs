//! Who has met the requirements, and on which evidence.

pub mod evidence;
pub mod people;
pub mod withdrawals;
