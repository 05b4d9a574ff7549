//! The employees whose derived rows are out of date: the work that waits.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;

use super::StoreError;
use super::clock::Change;
use super::entities::stale;
use super::merges::person_now;
use super::rows::insertion::insert;
use super::rows::{parameter, row, table};
use super::sql::{IN_AT_ONCE, statement};
use crate::domain::ids::EmployeeId;

/// An item of work: a person whose derived rows are not up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stale {
    pub id: i64,
    pub employee: EmployeeId,
}

/// How many items are read at a time, and how many in all if they are of few people.
const WORK_AT_ONCE: u64 = 2_000;
const MOST_WORK: usize = 20_000;

/// The oldest work, of at most so many people; and whether that is all that waits.
///
/// All work of a person is done at once: somebody who is marked a hundred times in a second waits no longer than
/// others, and keeps no one else waiting.
pub async fn stale(connection: &impl ConnectionTrait, people: usize) -> Result<(Vec<Stale>, bool), StoreError> {
    let (mut work, mut picked, mut after, mut is_all) = (Vec::new(), BTreeSet::new(), 0, true);
    loop {
        let page = stale::Entity::find().filter(stale::Column::Id.gt(after)).order_by_asc(stale::Column::Id);
        let page = page.limit(WORK_AT_ONCE).all(connection).await?;
        let Some(last) = page.last() else { return Ok((work, is_all)) };
        after = last.id;
        let (length, before) = (page.len(), work.len());
        for row in page {
            let employee = EmployeeId(row.employee_id);
            if picked.contains(&employee) || (picked.len() < people && picked.insert(employee)) {
                work.push(Stale { id: row.id, employee });
            }
        }
        let theirs = work.len() - before;
        is_all &= theirs == length;
        if (length as u64) < WORK_AT_ONCE {
            return Ok((work, is_all));
        }
        // More work of these people is read only while most of what is found is theirs.
        if work.len() >= MOST_WORK || theirs * 2 < length {
            return Ok((work, false));
        }
    }
}

/// The oldest and the newest item of work; `None` if there is none.
pub async fn stale_bounds(connection: &impl ConnectionTrait) -> Result<Option<(i64, i64)>, StoreError> {
    let end = async |order: &str| {
        let sql = format!("SELECT id FROM stale ORDER BY id {order} LIMIT 1");
        let row = connection.query_one_raw(statement(connection, &sql, [])).await?;
        Ok::<_, StoreError>(row.map(|row| row.try_get::<i64>("", "id")).transpose()?)
    };
    Ok(end("ASC").await?.zip(end("DESC").await?))
}

/// Everybody whose derived rows are not up to date.
pub async fn stale_employees(connection: &impl ConnectionTrait) -> Result<Vec<EmployeeId>, StoreError> {
    let sql = "SELECT DISTINCT employee_id FROM stale ORDER BY employee_id";
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    rows.iter().map(|row| Ok(EmployeeId(row.try_get("", "employee_id")?))).collect()
}

/// The stale ones among some people.
pub async fn stale_among(
    connection: &impl ConnectionTrait,
    employees: &[EmployeeId],
) -> Result<BTreeSet<EmployeeId>, StoreError> {
    let mut waiting = BTreeSet::new();
    for ids in employees.chunks(IN_AT_ONCE) {
        let found = stale::Entity::find()
            .select_only()
            .column(stale::Column::EmployeeId)
            .filter(stale::Column::EmployeeId.is_in(ids.iter().map(|id| id.0)))
            .into_tuple::<i64>();
        waiting.extend(found.all(connection).await?.into_iter().map(EmployeeId));
    }
    Ok(waiting)
}

/// Whether more work waits than so much; reads no more than that.
pub async fn more_stale_than(connection: &impl ConnectionTrait, few: u64) -> Result<bool, StoreError> {
    let beyond = stale::Entity::find().order_by_asc(stale::Column::Id).offset(few).limit(1);
    Ok(beyond.one(connection).await?.is_some())
}

/// How many people's derived rows are not up to date.
pub async fn count_stale_employees(connection: &impl ConnectionTrait) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(DISTINCT employee_id) AS employees FROM stale";
    let row = connection.query_one_raw(statement(connection, sql, [])).await?;
    let employees: i64 = row.map(|row| row.try_get("", "employees")).transpose()?.unwrap_or_default();
    Ok(employees.unsigned_abs())
}

/// Marks some people as stale.
pub async fn mark_stale_people(
    change: &Change,
    people: impl IntoIterator<Item = EmployeeId>,
) -> Result<(), StoreError> {
    mark_stale(change.connection(), people).await
}

/// Marks everybody as stale.
pub async fn mark_everybody_stale(change: &Change) -> Result<(), StoreError> {
    let connection = change.connection();
    connection
        .execute_raw(statement(connection, "INSERT INTO stale (employee_id) SELECT id FROM employee ORDER BY id", []))
        .await?;
    Ok(())
}

row! {
    /// An employee whose derived rows are out of date.
    #[derive(Debug, Serialize)]
    pub struct StaleRow in stale {
        employee_id: i64,
    }
}

pub(super) fn stale_rows(employees: impl IntoIterator<Item = EmployeeId>) -> Vec<StaleRow> {
    employees.into_iter().map(|employee| StaleRow { employee_id: employee.0 }).collect()
}

/// Marks some employees as stale: for a merged duplicate, the employee of the kept number.
///
/// Receiving does not use this: its one query already finds the person that a number belongs to.
pub(super) async fn mark_stale(
    connection: &impl ConnectionTrait,
    employees: impl IntoIterator<Item = EmployeeId>,
) -> Result<(), StoreError> {
    let rows = stale_rows(employees);
    if rows.is_empty() {
        return Ok(());
    }
    let person = person_now("given_rows.employee_id");
    let given = table::<StaleRow>(connection, 1, "given_rows");
    let sql = format!("INSERT INTO stale (employee_id) SELECT {person} FROM {given}");
    connection.execute_raw(statement(connection, &sql, [parameter(&rows)?])).await?;
    Ok(())
}

/// Marks both numbers of a merge, independent of which is read as the other.
pub(super) async fn mark_both_stale(
    connection: &impl ConnectionTrait,
    both: [EmployeeId; 2],
) -> Result<(), StoreError> {
    insert(connection, &stale_rows(both)).await
}
