//! Decisions and proposals about results.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde::Serialize;

use super::act::Scope;
use super::clock::Change;
use super::entities::result_decision::{ActiveModel, Column, Entity, Model};
use super::known_at::known_at;
use super::parsed::parsed;
use super::rows::question::each;
use super::rows::{parameter, row, table};
use super::sql::statement;
use super::{StoreError, instant};
use crate::domain::approval::{Act, State};
use crate::domain::ids::{EventId, PlatformId};
use crate::domain::training::{ResultDecision, Verdict};

fn decision_of(row: Model) -> Result<ResultDecision, StoreError> {
    let act = |by: Option<String>, at: Option<i64>| by.zip(at).map(|(by, at)| Act { by, at: instant::read(at) });
    let ended = act(row.ended_by, row.superseded_at);
    Ok(ResultDecision {
        id: row.id,
        platform: PlatformId(row.platform_id),
        event_id: parsed(EventId::parse(&row.event_id), "result_decision", "event_id")?,
        verdict: if row.counts { Verdict::Restore } else { Verdict::Withdraw },
        reason: row.reason,
        proposed: Act { by: row.proposed_by, at: instant::read(row.proposed_at) },
        decided: act(row.decided_by, row.recorded_at),
        ended: ended.map(|act| (act, row.ended_because.unwrap_or_default())),
    })
}

/// Stores a proposal, which is not decided yet.
pub async fn propose(
    change: &Change,
    (platform, event_id): (PlatformId, &EventId),
    verdict: Verdict,
    (by, reason): (&str, &str),
) -> Result<ResultDecision, StoreError> {
    let row = ActiveModel {
        platform_id: Set(platform.0),
        event_id: Set(event_id.to_string()),
        counts: Set(verdict == Verdict::Restore),
        reason: Set(reason.to_owned()),
        proposed_by: Set(by.to_owned()),
        proposed_at: Set(change.at()),
        ..Default::default()
    };
    decision_of(Entity::insert(row).exec_with_returning(change.connection()).await?)
}

/// Approves a proposal: it counts from now on.
pub async fn decide(change: &Change, decision: i64, by: &str) -> Result<(), StoreError> {
    let decided =
        ActiveModel { decided_by: Set(Some(by.to_owned())), recorded_at: Set(Some(change.at())), ..Default::default() };
    Entity::update_many().set(decided).filter(Column::Id.eq(decision)).exec(change.connection()).await?;
    Ok(())
}

/// Ends a decision: rejects it if it never counted.
pub async fn end(change: &Change, decision: i64, (by, because): (&str, &str)) -> Result<(), StoreError> {
    let ended = ActiveModel {
        ended_by: Set(Some(by.to_owned())),
        ended_because: Set(Some(because.to_owned())),
        superseded_at: Set(Some(change.at())),
        ..Default::default()
    };
    Entity::update_many().set(ended).filter(Column::Id.eq(decision)).exec(change.connection()).await?;
    Ok(())
}

pub async fn by_id(connection: &impl ConnectionTrait, id: i64) -> Result<Option<ResultDecision>, StoreError> {
    Entity::find_by_id(id).one(connection).await?.map(decision_of).transpose()
}

/// Decisions, newest first; `before` is the id of the last one that was seen.
pub async fn list(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    state: Option<State>,
    before: Option<i64>,
    at_most: u64,
) -> Result<Vec<ResultDecision>, StoreError> {
    if !scope.is_all() {
        return Ok(Vec::new());
    }
    let (decided, ended) = (Column::RecordedAt, Column::SupersededAt);
    let state = state.map(|state| match state {
        State::Proposed => Condition::all().add(decided.is_null()).add(ended.is_null()),
        State::Decided => Condition::all().add(decided.is_not_null()).add(ended.is_null()),
        State::Rejected => Condition::all().add(decided.is_null()).add(ended.is_not_null()),
        State::Withdrawn => Condition::all().add(decided.is_not_null()).add(ended.is_not_null()),
    });
    let chosen = Condition::all().add_option(state).add_option(before.map(|before| Column::Id.lt(before)));
    let rows = Entity::find().filter(chosen).order_by_desc(Column::Id).limit(at_most).all(connection).await?;
    rows.into_iter().map(decision_of).collect()
}

/// Every decision and proposal about one result, oldest first.
pub async fn of_event(
    connection: &impl ConnectionTrait,
    (platform, event_id): (PlatformId, &EventId),
) -> Result<Vec<ResultDecision>, StoreError> {
    let rows = Entity::find()
        .filter(Column::EventId.eq(event_id.as_str()))
        .filter(Column::PlatformId.eq(platform.0))
        .order_by_asc(Column::Id);
    rows.all(connection).await?.into_iter().map(decision_of).collect()
}

/// All decisions that counted at an instant (`None`: now). People make them one by one, so there are few.
pub async fn that_count(
    connection: &impl ConnectionTrait,
    at: Option<DateTime<Utc>>,
) -> Result<Vec<ResultDecision>, StoreError> {
    let rows = Entity::find()
        .filter(Column::RecordedAt.is_not_null())
        .filter(known_at(Column::RecordedAt, Column::SupersededAt, at))
        .order_by_asc(Column::Id);
    rows.all(connection).await?.into_iter().map(decision_of).collect()
}

row! {
    #[derive(Debug, Serialize)]
    struct LookupKey<'a> {
        event_id: &'a str,
        platform_id: i64,
    }
}

/// All decisions and proposals about some events, oldest first.
pub async fn of_events(
    connection: &impl ConnectionTrait,
    events: &[(PlatformId, EventId)],
) -> Result<Vec<ResultDecision>, StoreError> {
    let keys: Vec<LookupKey<'_>> = events
        .iter()
        .map(|(platform, event_id)| LookupKey { event_id: event_id.as_str(), platform_id: platform.0 })
        .collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let given = table::<LookupKey<'_>>(connection, 1, "w");
    let found = each(connection, "result_decision", "d", "d.event_id = w.event_id AND d.platform_id = w.platform_id");
    let sql = format!("SELECT d.* FROM {given} {found} ORDER BY d.id");
    let rows = Entity::find().from_raw_sql(statement(connection, &sql, [parameter(&keys)?])).all(connection).await?;
    rows.into_iter().map(decision_of).collect()
}
