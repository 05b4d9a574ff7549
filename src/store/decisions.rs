//! Decisions made by hand about identities: which employee they belong to, or that they are dismissed; and undoing
//! them.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};

use super::clock::Change;
use super::entities::link_decision;
use super::opaque_id::opaque_id;
use super::platforms::link_orders;
use super::relinking::relink;
use super::{StoreError, instant};
use crate::domain::calendar::CityCalendar;
use crate::domain::ids::{EmployeeId, PlatformId};
use crate::domain::linking::{Identity, LinkingKey};

/// The days that a decision covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DecisionDays {
    /// The first; `None`: from the beginning.
    pub from: Option<NaiveDate>,
    /// The last; `None`: for ever.
    pub to: Option<NaiveDate>,
}

/// A stored decision by hand about one identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub id: i64,
    pub platform: PlatformId,
    pub identity: Identity,
    /// `None`: the identity is dismissed.
    pub employee: Option<EmployeeId>,
    pub days: DecisionDays,
    pub reason: String,
    pub decided_by: String,
    pub decided_at: DateTime<Utc>,
    pub undone_at: Option<DateTime<Utc>>,
}

fn decision_of(row: link_decision::Model) -> Result<Decision, StoreError> {
    let key = LinkingKey::parse(&row.key).ok_or(StoreError::Unreadable { table: "link_decision", column: "key" })?;
    Ok(Decision {
        id: row.id,
        platform: PlatformId(row.platform_id),
        identity: Identity { key, value: row.value, home_page: row.home_page },
        employee: row.employee_id.map(EmployeeId),
        days: DecisionDays { from: row.valid_from, to: row.valid_to },
        reason: row.reason,
        decided_by: row.decided_by,
        decided_at: instant::read(row.recorded_at),
        undone_at: row.superseded_at.map(instant::read),
    })
}

/// Records by hand which employee an identity belongs to on some days. A decision for the same days is superseded; on
/// days that two decisions cover, the newer one holds. The caller relinks the learners concerned before it commits:
/// [`relink_decided`].
pub async fn decide(
    change: &Change,
    platform: PlatformId,
    identity: &Identity,
    (employee, days): (Option<EmployeeId>, DecisionDays),
    (decided_by, reason): (&str, &str),
) -> Result<Decision, StoreError> {
    supersede(change, decisions_for(platform, identity, days), decided_by).await?;
    let row = link_decision::ActiveModel {
        id: Set(opaque_id()),
        platform_id: Set(platform.0),
        key: Set(identity.key.as_str().to_owned()),
        value: Set(identity.value.clone()),
        home_page: Set(identity.home_page.clone()),
        employee_id: Set(employee.map(|employee| employee.0)),
        reason: Set(reason.to_owned()),
        decided_by: Set(decided_by.to_owned()),
        recorded_at: Set(change.at()),
        superseded_at: Set(None),
        undone_by: Set(None),
        valid_from: Set(days.from),
        valid_to: Set(days.to),
    };
    let row = link_decision::Entity::insert(row).exec_with_returning(change.connection()).await?;
    decision_of(row)
}

/// Relinks all learners that some decisions concern.
pub async fn relink_decided(
    change: &Change,
    decided: &BTreeSet<Identity>,
    calendar: CityCalendar,
) -> Result<(), StoreError> {
    relink(change, decided, &link_orders(change.connection()).await?, calendar).await
}

/// Undoes a decision; returns `None` if it is no longer in force. The caller relinks the learners concerned before it
/// commits: [`relink_decided`].
pub async fn undo(change: &Change, id: i64, undone_by: &str) -> Result<Option<Decision>, StoreError> {
    let connection = change.connection();
    let in_force =
        Condition::all().add(link_decision::Column::Id.eq(id)).add(link_decision::Column::SupersededAt.is_null());
    let Some(row) = link_decision::Entity::find().filter(in_force.clone()).one(connection).await? else {
        return Ok(None);
    };
    supersede(change, in_force, undone_by).await?;
    Ok(Some(Decision { undone_at: Some(change.known_at()), ..decision_of(row)? }))
}

/// The decisions in force about an identity for exactly these days.
fn decisions_for(platform: PlatformId, identity: &Identity, days: DecisionDays) -> Condition {
    use link_decision::Column;
    Condition::all()
        .add(Column::PlatformId.eq(platform.0))
        .add(Column::Key.eq(identity.key.as_str()))
        .add(Column::Value.eq(identity.value.as_str()))
        .add(Column::HomePage.eq(identity.home_page.as_str()))
        .add(Column::SupersededAt.is_null())
        .add_option(days.from.map(|from| Column::ValidFrom.gte(from)))
        .add_option(days.to.map(|to| Column::ValidTo.lte(to)))
}

async fn supersede(change: &Change, which: Condition, by: &str) -> Result<(), StoreError> {
    link_decision::Entity::update_many()
        .set(link_decision::ActiveModel {
            superseded_at: Set(Some(change.at())),
            undone_by: Set(Some(by.to_owned())),
            ..Default::default()
        })
        .filter(which)
        .exec(change.connection())
        .await?;
    Ok(())
}

/// Decisions, newest first, undone ones included; `before`: only those older than the one with this id.
pub async fn decisions(
    connection: &impl ConnectionTrait,
    before: Option<i64>,
    at_most: u64,
) -> Result<Vec<Decision>, StoreError> {
    use link_decision::Column;
    let mut found =
        link_decision::Entity::find().order_by_desc(Column::RecordedAt).order_by_desc(Column::Id).limit(at_most);
    if let Some(before) = before {
        let Some(last) = decision_by_id(connection, before).await? else { return Ok(Vec::new()) };
        let at = instant::stored(last.decided_at);
        found = found.filter(Column::RecordedAt.lt(at).or(Column::RecordedAt.eq(at).and(Column::Id.lt(before))));
    }
    found.all(connection).await?.into_iter().map(decision_of).collect()
}

/// Every decision in force that dismisses an identity, oldest first.
pub async fn dismissals(connection: &impl ConnectionTrait) -> Result<Vec<Decision>, StoreError> {
    let found = link_decision::Entity::find()
        .filter(link_decision::Column::EmployeeId.is_null())
        .filter(link_decision::Column::SupersededAt.is_null())
        .order_by_asc(link_decision::Column::RecordedAt)
        .order_by_asc(link_decision::Column::Id);
    found.all(connection).await?.into_iter().map(decision_of).collect()
}

pub async fn decision_by_id(connection: &impl ConnectionTrait, id: i64) -> Result<Option<Decision>, StoreError> {
    link_decision::Entity::find_by_id(id).one(connection).await?.map(decision_of).transpose()
}
