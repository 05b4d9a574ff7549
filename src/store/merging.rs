//! Merges employee numbers that are one person, and undoes merges.

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use super::act::Scope;
use super::clock::Change;
use super::entities::link_decision;
use super::entities::merge_fact::{ActiveModel, Column, Entity, Model};
use super::links::{identities_of, identity_of};
use super::parsed::parsed;
use super::platforms::link_orders;
use super::relinking::relink;
use super::stale::mark_both_stale;
use super::{StoreError, instant, people, settings};
use crate::domain::approval::Act;
use crate::domain::calendar::CityCalendar;
use crate::domain::directory::merge::Merge;
use crate::domain::ids::{EmployeeId, EmployeeNumber};

async fn named(connection: &impl ConnectionTrait, rows: Vec<Model>) -> Result<Vec<Merge>, StoreError> {
    let both = rows.iter().flat_map(|row| [row.duplicate_employee_id, row.kept_employee_id]);
    let numbers = people::numbers_of(connection, &both.map(EmployeeId).collect()).await?;
    let number_of = |id: i64| {
        let number = numbers.get(&EmployeeId(id)).map(String::as_str).unwrap_or_default();
        parsed(EmployeeNumber::parse(number), "employee", "number")
    };
    rows.into_iter()
        .map(|row| {
            let undone = row.undone_by.zip(row.superseded_at);
            let undone = undone.map(|(by, at)| Act { by, at: instant::read(at) });
            Ok(Merge {
                id: row.id,
                duplicate: EmployeeId(row.duplicate_employee_id),
                duplicate_number: number_of(row.duplicate_employee_id)?,
                kept: EmployeeId(row.kept_employee_id),
                kept_number: number_of(row.kept_employee_id)?,
                reason: row.reason,
                decided: Act { by: row.decided_by, at: instant::read(row.recorded_at) },
                undone: undone.map(|act| (act, row.undone_because.unwrap_or_default())),
            })
        })
        .collect()
}

/// Merges, newest first, undone ones included; `before` is the id of the last one that was seen.
pub async fn list(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    before: Option<i64>,
    at_most: u64,
) -> Result<Vec<Merge>, StoreError> {
    if !scope.is_all() {
        return Ok(Vec::new());
    }
    let older = before.map(|before| Column::Id.lt(before));
    let found = Entity::find().filter(Condition::all().add_option(older)).order_by_desc(Column::Id).limit(at_most);
    named(connection, found.all(connection).await?).await
}

pub async fn by_id(connection: &impl ConnectionTrait, id: i64) -> Result<Option<Merge>, StoreError> {
    let found = Entity::find_by_id(id).one(connection).await?;
    Ok(named(connection, found.into_iter().collect()).await?.pop())
}

/// Every merge in which a number was the duplicate or the kept one, undone ones included, oldest first.
pub async fn of_employee(connection: &impl ConnectionTrait, employee: EmployeeId) -> Result<Vec<Merge>, StoreError> {
    let either =
        Condition::any().add(Column::DuplicateEmployeeId.eq(employee.0)).add(Column::KeptEmployeeId.eq(employee.0));
    let found = Entity::find().filter(either).order_by_asc(Column::Id);
    named(connection, found.all(connection).await?).await
}

/// Records that a number is a duplicate of another, relinks the learners known by either, and marks both as stale.
pub async fn merge(
    change: &Change,
    (duplicate, kept): (EmployeeId, EmployeeId),
    (by, reason): (&str, &str),
    calendar: CityCalendar,
) -> Result<i64, StoreError> {
    let row = ActiveModel {
        duplicate_employee_id: Set(duplicate.0),
        kept_employee_id: Set(kept.0),
        reason: Set(reason.to_owned()),
        decided_by: Set(by.to_owned()),
        recorded_at: Set(change.at()),
        ..Default::default()
    };
    let row = Entity::insert(row).exec_with_returning(change.connection()).await?;
    renew(change, [duplicate, kept], calendar).await?;
    Ok(row.id)
}

/// Undoes a merge; the caller has checked that it is in force.
pub async fn undo(
    change: &Change,
    merge: &Merge,
    (by, because): (&str, &str),
    calendar: CityCalendar,
) -> Result<(), StoreError> {
    let undone = ActiveModel {
        superseded_at: Set(Some(change.at())),
        undone_by: Set(Some(by.to_owned())),
        undone_because: Set(Some(because.to_owned())),
        ..Default::default()
    };
    Entity::update_many().set(undone).filter(Column::Id.eq(merge.id)).exec(change.connection()).await?;
    renew(change, [merge.duplicate, merge.kept], calendar).await
}

/// Relinks every learner that matches an identity of either number, and marks both as stale.
async fn renew(change: &Change, both: [EmployeeId; 2], calendar: CityCalendar) -> Result<(), StoreError> {
    let connection = change.connection();
    let mut identities = identities_of(connection, &both.into_iter().collect(), false).await?;
    let decisions = link_decision::Entity::find()
        .filter(link_decision::Column::EmployeeId.is_in(both.map(|employee| employee.0)))
        .filter(link_decision::Column::SupersededAt.is_null());
    for row in decisions.all(connection).await? {
        identities.insert(identity_of(&row.key, row.value, row.home_page, "link_decision")?);
    }
    relink(change, &identities, &link_orders(connection).await?, calendar).await?;
    mark_both_stale(connection, both).await?;
    // The suggestions change.
    settings::write(change, settings::DIRECTORY_CHANGED_AT, &change.at().to_string()).await
}
