//! Relinks the learners whose identities changed.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use super::clock::Change;
use super::entities::{event, learner};
use super::learners::link_columns;
use super::links::{LinkIndex, LinkOrders, index_for, keys_of};
use super::sql::IN_AT_ONCE;
use super::stale::mark_stale;
use super::{StoreError, instant};
use crate::domain::calendar::CityCalendar;
use crate::domain::ids::{EmployeeId, PlatformId};
use crate::domain::linking::{Identity, LearnerKeys, LinkingKey};

/// Relinks every learner that some identities match; marks the employees whose compliance state this touches as stale.
pub async fn relink(
    change: &Change,
    changed: &BTreeSet<Identity>,
    orders: &LinkOrders,
    calendar: CityCalendar,
) -> Result<(), StoreError> {
    use learner::Column;
    let connection = change.connection();
    let mut learners: BTreeMap<i64, learner::Model> = BTreeMap::new();
    if learner::Entity::find()
        .select_only()
        .column(Column::Id)
        .limit(1)
        .into_tuple::<i64>()
        .one(connection)
        .await?
        .is_some()
    {
        for key in LinkingKey::DEFAULT_ORDER {
            let column = match key {
                LinkingKey::EmployeeNumber => Column::EmployeeNumber,
                LinkingKey::Email => Column::Email,
                LinkingKey::Username => Column::Username,
                LinkingKey::Account => Column::AccountName,
            };
            let values: BTreeSet<&str> =
                changed.iter().filter(|identity| identity.key == key).map(|identity| identity.value.as_str()).collect();
            let values: Vec<&str> = values.into_iter().collect();
            for values in values.chunks(IN_AT_ONCE) {
                let named =
                    learner::Entity::find().filter(column.is_in(values.iter().copied())).all(connection).await?;
                learners.extend(named.into_iter().map(|row| (row.id, row)));
            }
        }
    }
    let learners: Vec<learner::Model> = learners.into_values().collect();
    for learners in learners.chunks(IN_AT_ONCE) {
        relink_these(change, learners, orders, calendar).await?;
    }
    Ok(())
}

/// Relinks every learner after the rules or the calendar changed.
pub async fn relink_everybody(change: &Change, orders: &LinkOrders, calendar: CityCalendar) -> Result<(), StoreError> {
    let mut after = i64::MIN;
    loop {
        let some = learner::Entity::find()
            .filter(learner::Column::Id.gt(after))
            .order_by_asc(learner::Column::Id)
            .limit(IN_AT_ONCE as u64);
        let learners = some.all(change.connection()).await?;
        let Some(last) = learners.last() else { return Ok(()) };
        after = last.id;
        relink_these(change, &learners, orders, calendar).await?;
    }
}

async fn relink_these(
    change: &Change,
    learners: &[learner::Model],
    orders: &LinkOrders,
    calendar: CityCalendar,
) -> Result<(), StoreError> {
    let connection = change.connection();
    let mut identities: BTreeSet<Identity> = BTreeSet::new();
    for row in learners {
        identities.extend(keys_of(row)?.identities());
    }
    let index = index_for(connection, &identities, calendar).await?;
    let mut touched: BTreeSet<EmployeeId> = BTreeSet::new();
    for row in learners {
        let linked = LinkAgain { row, keys: keys_of(row)?, index: &index, orders, calendar };
        linked.write(change, &mut touched).await?;
    }
    mark_stale(connection, touched).await
}

/// One learner and its new link.
struct LinkAgain<'a> {
    row: &'a learner::Model,
    keys: LearnerKeys,
    index: &'a LinkIndex,
    orders: &'a LinkOrders,
    calendar: CityCalendar,
}

impl LinkAgain<'_> {
    async fn write(&self, change: &Change, touched: &mut BTreeSet<EmployeeId>) -> Result<(), StoreError> {
        let connection = change.connection();
        let platform = PlatformId(self.row.platform_id);
        let order = self.orders.get(&platform).map_or(&[][..], Vec::as_slice);
        let depends_on_day = self.index.depends_on_the_day(platform, &self.keys);
        let of_this = || event::Entity::find().filter(event::Column::LearnerId.eq(self.row.id));
        if depends_on_day || self.row.depends_on_day {
            let mut row: learner::ActiveModel = self.row.clone().into();
            let any_day =
                self.index.link(platform, order, &self.keys, self.calendar.day_of(instant::read(self.row.recorded_at)));
            let (employee, key, unlinked) = link_columns(any_day);
            row.depends_on_day = Set(depends_on_day);
            row.employee_id = Set(employee.filter(|_| !depends_on_day));
            row.link_key = Set(key.filter(|_| !depends_on_day));
            row.unlinked = Set(unlinked.filter(|_| !depends_on_day));
            learner::Entity::update(row).exec(connection).await?;
            for reported in of_this().all(connection).await? {
                let day = self.calendar.day_of(instant::read(reported.occurred_at));
                let (employee, _, unlinked) = link_columns(self.index.link(platform, order, &self.keys, day));
                if (employee, &unlinked) != (reported.employee_id, &reported.unlinked) {
                    touched.extend(reported.employee_id.into_iter().chain(employee).map(EmployeeId));
                    let update = event::ActiveModel {
                        id: Set(reported.id),
                        employee_id: Set(employee),
                        unlinked: Set(unlinked),
                        ..Default::default()
                    };
                    event::Entity::update(update).exec(connection).await?;
                    touch_revoked(connection, &reported, touched).await?;
                }
            }
            return Ok(());
        }
        let any_day = self.calendar.day_of(instant::read(self.row.recorded_at));
        let (employee, key, unlinked) = link_columns(self.index.link(platform, order, &self.keys, any_day));
        if (employee, &key, &unlinked) == (self.row.employee_id, &self.row.link_key, &self.row.unlinked) {
            return Ok(());
        }
        touched.extend(self.row.employee_id.into_iter().chain(employee).map(EmployeeId));
        learner::Entity::update(learner::ActiveModel {
            id: Set(self.row.id),
            employee_id: Set(employee),
            link_key: Set(key),
            unlinked: Set(unlinked.clone()),
            ..Default::default()
        })
        .exec(connection)
        .await?;
        event::Entity::update_many()
            .set(event::ActiveModel { employee_id: Set(employee), unlinked: Set(unlinked), ..Default::default() })
            .filter(event::Column::LearnerId.eq(self.row.id))
            .exec(connection)
            .await?;
        for reported in of_this().filter(event::Column::RevokesEventId.is_not_null()).all(connection).await? {
            touch_revoked(connection, &reported, touched).await?;
        }
        Ok(())
    }
}

/// The owner of the event that this one revokes is touched when this one moves.
async fn touch_revoked(
    connection: &impl ConnectionTrait,
    reported: &event::Model,
    touched: &mut BTreeSet<EmployeeId>,
) -> Result<(), StoreError> {
    let Some(revokes) = &reported.revokes_event_id else { return Ok(()) };
    let owner = event::Entity::find()
        .filter(event::Column::PlatformId.eq(reported.platform_id))
        .filter(event::Column::EventId.eq(revokes.as_str()))
        .one(connection)
        .await?;
    touched.extend(owner.and_then(|row| row.employee_id).map(EmployeeId));
    Ok(())
}
