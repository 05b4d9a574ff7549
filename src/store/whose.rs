//! The people whose facts a query reads.

use sea_orm::{ColumnTrait, Condition};

use super::sql::IN_AT_ONCE;
use crate::domain::ids::EmployeeId;

/// The people whose facts to read.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    Everybody,
    Only(&'a [EmployeeId]),
}

impl<'a> Whose<'a> {
    /// The conditions that together select these people, each short enough for one statement.
    pub(super) fn conditions<C: ColumnTrait>(self, column: C) -> Vec<Condition> {
        match self {
            Self::Everybody => vec![Condition::all()],
            Self::Only(ids) => ids
                .chunks(IN_AT_ONCE)
                .map(|ids| Condition::all().add(column.is_in(ids.iter().map(|id| id.0))))
                .collect(),
        }
    }
}
