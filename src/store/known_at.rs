//! Which facts were known at an instant.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{ColumnTrait, ExprTrait};

use super::instant;

/// Facts that were known at an instant; `None`: now.
pub(super) fn known_at(
    recorded: impl ColumnTrait,
    superseded: impl ColumnTrait,
    at: Option<DateTime<Utc>>,
) -> SimpleExpr {
    match at.map(instant::stored) {
        None => superseded.is_null(),
        Some(at) => recorded.lte(at).and(superseded.is_null().or(superseded.gt(at))),
    }
}
