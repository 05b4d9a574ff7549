//! placeholder
use sha2::{Digest, Sha256};
pub fn digest(statement: &super::Statement<'_>) -> [u8; 32] {
    Sha256::digest(statement.raw).into()
}
