//! The revocations that name an event, those that name one of these in turn, and so on; and the decisions by hand.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::sea_query::IntoCondition;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter};
use serde::Serialize;

use super::entities::event;
use super::results::result_of;
use super::rows::question::{IdRow, each, ids_parameter};
use super::rows::{parameter, row, table};
use super::sql::statement;
use super::{StoreError, result_decisions};
use crate::domain::calendar::CityCalendar;
use crate::domain::ids::{EmployeeId, EventId, PlatformId};
use crate::domain::training::{LinkedResult, ResultDecision};

row! {
    #[derive(Debug, Serialize)]
    struct Named<'a> {
        id: i64,
        platform_id: i64,
        event_id: &'a str,
    }
}

impl<'a> Named<'a> {
    fn of((id, result): &'a (i64, LinkedResult)) -> Self {
        Self { id: *id, platform_id: result.platform.0, event_id: result.event_id.as_str() }
    }
}

/// How many events are queried at a time.
const AT_ONCE: usize = 5000;

/// The revocations that name some events, directly or through other revocations, each with the event at the end of its
/// chain.
pub(super) async fn naming(
    connection: &impl ConnectionTrait,
    events: &[(i64, LinkedResult)],
) -> Result<Vec<(i64, event::Model)>, StoreError> {
    let mut found: Vec<(i64, i64)> = Vec::new();
    for events in events.chunks(AT_ONCE) {
        let keys: Vec<Named<'_>> = events.iter().map(Named::of).collect();
        let given = table::<Named<'_>>(connection, 1, "w");
        let first = each(connection, "event", "r", "r.platform_id = w.platform_id AND r.revokes_event_id = w.event_id");
        let next = each(connection, "event", "r", "r.platform_id = c.platform_id AND r.revokes_event_id = c.event_id");
        // UNION, not UNION ALL: it ends with revocations that name each other in a circle.
        let sql = format!(
            "WITH RECURSIVE chain (root, id, platform_id, event_id) AS (
                 SELECT w.id, r.id, r.platform_id, r.event_id FROM {given} {first}
                 UNION
                 SELECT c.root, r.id, r.platform_id, r.event_id FROM chain c {next}
             )
             SELECT root, id FROM chain ORDER BY root, id"
        );
        let rows = connection.query_all_raw(statement(connection, &sql, [parameter(&keys)?])).await?;
        for row in rows {
            found.push((row.try_get("", "root")?, row.try_get("", "id")?));
        }
    }
    let ids: BTreeSet<i64> = found.iter().map(|(_, id)| *id).collect();
    let rows = by_ids(connection, &ids.into_iter().collect::<Vec<_>>()).await?;
    Ok(found.into_iter().filter_map(|(root, id)| Some((root, rows.get(&id)?.clone()))).collect())
}

/// Events by their rows' ids.
pub(super) async fn by_ids(
    connection: &impl ConnectionTrait,
    ids: &[i64],
) -> Result<BTreeMap<i64, event::Model>, StoreError> {
    let mut rows = BTreeMap::new();
    for ids in ids.chunks(AT_ONCE) {
        let given = table::<IdRow>(connection, 1, "w");
        let event = each(connection, "event", "e", "e.id = w.id");
        let sql = format!("SELECT e.* FROM {given} {event}");
        let found = event::Entity::find()
            .from_raw_sql(statement(connection, &sql, [ids_parameter(ids.iter().copied())?]))
            .all(connection)
            .await?;
        rows.extend(found.into_iter().map(|row| (row.id, row)));
    }
    Ok(rows)
}

/// The decisions by hand about some results that count now, as further results.
pub(super) fn decided(decisions: &[ResultDecision], results: &[LinkedResult]) -> Vec<LinkedResult> {
    if decisions.is_empty() {
        return Vec::new();
    }
    let by_name: HashMap<(PlatformId, &EventId), &LinkedResult> =
        results.iter().map(|result| ((result.platform, &result.event_id), result)).collect();
    let of = |decision: &ResultDecision| {
        by_name.get(&(decision.platform, &decision.event_id)).and_then(|of| decision.as_result(of))
    };
    decisions.iter().filter_map(of).collect()
}

/// A result, and everything that affects whether it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// The result itself.
    pub event: LinkedResult,
    /// All known results of the people and learners of this result and of those that it withdraws.
    pub results: Vec<LinkedResult>,
    /// The employees whose results it touches now.
    pub employees: BTreeSet<EmployeeId>,
}

/// The platforms that reported an event with an id.
pub async fn platforms_of(
    connection: &impl ConnectionTrait,
    event_id: &EventId,
) -> Result<Vec<PlatformId>, StoreError> {
    let given = table::<Named<'_>>(connection, 1, "w");
    // One query for each platform, since the index has the platform first; there are few platforms.
    let found = each(connection, "event", "e", "e.platform_id = p.id AND e.event_id = w.event_id");
    let sql = format!("SELECT p.id AS id FROM {given} CROSS JOIN platform p {found} ORDER BY p.id");
    let keys = [Named { id: 0, platform_id: 0, event_id: event_id.as_str() }];
    let rows = connection.query_all_raw(statement(connection, &sql, [parameter(&keys)?])).await?;
    rows.iter().map(|row| Ok(PlatformId(row.try_get("", "id")?))).collect()
}

/// A result with everything that affects whether it counts; `None` if the platform did not report the event.
pub async fn around(
    connection: &impl ConnectionTrait,
    (platform, event_id): (PlatformId, &EventId),
    calendar: CityCalendar,
) -> Result<Option<Around>, StoreError> {
    let given = table::<Named<'_>>(connection, 1, "w");
    let first = each(connection, "event", "e", "e.platform_id = w.platform_id AND e.event_id = w.event_id");
    let next = each(connection, "event", "e", "e.platform_id = u.platform_id AND e.event_id = u.names");
    let sql = format!(
        "WITH RECURSIVE up (id, platform_id, names) AS (
             SELECT e.id, e.platform_id, e.revokes_event_id FROM {given} {first}
             UNION
             SELECT e.id, e.platform_id, e.revokes_event_id FROM up u {next}
         )
         SELECT id FROM up"
    );
    let keys = [Named { id: 0, platform_id: platform.0, event_id: event_id.as_str() }];
    let rows = connection.query_all_raw(statement(connection, &sql, [parameter(&keys)?])).await?;
    let ids: Vec<i64> = rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect::<Result<_, StoreError>>()?;
    let mut all = by_ids(connection, &ids).await?;
    let Some(row) = all.values().find(|row| row.event_id == event_id.as_str()).cloned() else { return Ok(None) };
    let employees: BTreeSet<EmployeeId> = all.values().filter_map(|row| row.employee_id.map(EmployeeId)).collect();
    let learners: BTreeSet<i64> =
        all.values().filter(|row| row.employee_id.is_none()).map(|row| row.learner_id).collect();
    let of_employees = (!employees.is_empty())
        .then(|| event::Column::EmployeeId.is_in(employees.iter().map(|employee| employee.0)).into_condition());
    let of_learners = (!learners.is_empty())
        .then(|| event::Column::LearnerId.is_in(learners).and(event::Column::EmployeeId.is_null()).into_condition());
    for theirs in of_employees.into_iter().chain(of_learners) {
        let rows = event::Entity::find().filter(theirs).all(connection).await?;
        all.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    let mut named: Vec<(i64, LinkedResult)> = Vec::with_capacity(all.len());
    for row in all.values() {
        named.push((row.id, result_of(row, calendar)?));
    }
    let mut results: BTreeMap<i64, LinkedResult> = named.iter().cloned().collect();
    for (_, row) in naming(connection, &named).await? {
        results.insert(row.id, result_of(&row, calendar)?);
    }
    let mut results: Vec<LinkedResult> = results.into_values().collect();
    let decisions = result_decisions::that_count(connection, None).await?;
    results.extend(decided(&decisions, &results));
    Ok(Some(Around { event: result_of(&row, calendar)?, results, employees }))
}
