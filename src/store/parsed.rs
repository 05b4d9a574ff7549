//! Parses stored values into the types that they had before they were stored.

use super::StoreError;

/// Parses a stored value, which was parsed before it was stored.
pub(super) fn parsed<T, E>(value: Result<T, E>, table: &'static str, column: &'static str) -> Result<T, StoreError> {
    value.map_err(|_| StoreError::Unreadable { table, column })
}
