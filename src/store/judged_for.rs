//! The people whose derived rows do not show what an administration may see of them.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, Value};

use super::StoreError;
use super::sql::{placeholders, statement};
use crate::domain::calendar::LAST_DAY;
use crate::domain::ids::{AdministrationCode, EmployeeId};

/// Selects people who are judged from their facts, instead of read from the derived rows. They are judged for an
/// administration to which not all of the derived data about a person belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JudgedFor {
    /// A person who has left by this day is shown as they were when they left.
    pub today: NaiveDate,
}

impl JudgedFor {
    /// The condition that finds them among rows `c` of `compliance_state_scope`; `first` is the number of its first
    /// parameter.
    ///
    /// It finds three groups: people who have left; people who leave and are absent afterwards, since an absence moves
    /// a due day past the last own day; and people with several numbers, not all of which may be shown.
    pub(super) fn condition(first: usize) -> String {
        const ABSENT_LATER: &str = "a.superseded_at IS NULL AND (a.ends_on IS NULL OR a.ends_on >= c.until_day)";
        let (today, last) = (first, first + 1);
        format!(
            "(c.until_day <= ${today}
              OR (c.until_day < ${last} AND (
                  EXISTS (SELECT 1 FROM absence_fact a WHERE a.employee_id = c.employee_id AND {ABSENT_LATER})
                  OR EXISTS (SELECT 1 FROM merge_fact g JOIN absence_fact a ON a.employee_id = g.duplicate_employee_id
                             WHERE g.kept_employee_id = c.employee_id AND g.superseded_at IS NULL AND {ABSENT_LATER})))
              OR EXISTS (SELECT 1 FROM merge_fact g
                         WHERE g.kept_employee_id = c.employee_id AND g.superseded_at IS NULL))"
        )
    }

    pub(super) fn values(self) -> [Value; 2] {
        [self.today.into(), LAST_DAY.into()]
    }
}

/// The people who count in some administrations on a day and are judged for these alone.
pub async fn judged_for(
    connection: &impl ConnectionTrait,
    own: &BTreeSet<AdministrationCode>,
    day: NaiveDate,
    judged_for: JudgedFor,
) -> Result<BTreeSet<EmployeeId>, StoreError> {
    if own.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sql = format!(
        "SELECT DISTINCT c.employee_id FROM compliance_state_scope c
         WHERE c.administration IN ({}) AND c.from_day <= $1 AND c.until_day > $1 AND {}",
        placeholders(4, own.len()),
        JudgedFor::condition(2)
    );
    let values = std::iter::once(Value::from(day)).chain(judged_for.values());
    let values: Vec<Value> = values.chain(own.iter().map(|code| code.as_str().into())).collect();
    let rows = connection.query_all_raw(statement(connection, &sql, values)).await?;
    rows.iter().map(|row| Ok(EmployeeId(row.try_get("", "employee_id")?))).collect()
}
