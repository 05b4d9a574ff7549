//! Stored values as the types that they were before they were stored.

use super::StoreError;

/// Parses a kept value, which was parsed before it was kept.
pub(super) fn parsed<T, E>(value: Result<T, E>, table: &'static str, column: &'static str) -> Result<T, StoreError> {
    value.map_err(|_| StoreError::Unreadable { table, column })
}
