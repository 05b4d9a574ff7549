//! The read model that reports use: each person's compliance state in spans of days, and the administrations in which
//! the person counts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use serde::Serialize;

use super::entities::{compliance_state, compliance_state_scope, employee};
use super::parsed::parsed;
use super::rows::insertion::insert;
use super::rows::question::{ids_parameter, is_one_of};
use super::rows::{Bytes, row};
use super::sql::{IN_AT_ONCE, statement};
use super::stale::Stale;
use super::{Store, StoreError};
use crate::domain::calendar::{LAST_DAY, Stretch};
use crate::domain::compliance::{ComplianceState, ScopeSpan, StateSpan, Status};
use crate::domain::ids::{AdministrationCode, EmployeeId, EventId, RequirementCode};

/// One person's derived rows in one requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    pub employee: EmployeeId,
    pub requirement: RequirementCode,
    pub compliance_states: Vec<StateSpan>,
    /// Includes the key by which an export sorts the person on these days.
    pub scopes: Vec<(ScopeSpan, Vec<u8>)>,
}

fn until(days: Stretch) -> NaiveDate {
    days.until.unwrap_or(LAST_DAY)
}

fn stretch(first: NaiveDate, until: NaiveDate) -> Stretch {
    Stretch { first, until: Some(until).filter(|until| *until < LAST_DAY) }
}

impl Store {
    /// Writes the derived rows of people whose facts were read while the work `done` waited.
    ///
    /// If two processes derive the same person's rows at once, the one whose facts were older finds its work gone and
    /// writes nothing: the process that took the work away has read newer facts.
    pub async fn refresh(&self, done: &[Stale], derived: Vec<Derived>) -> Result<(), StoreError> {
        let transaction = super::clock::begin_immediate(self).await?;
        let mut ours: BTreeSet<EmployeeId> = BTreeSet::new();
        let these = is_one_of(&transaction, "id");
        let sql = format!("DELETE FROM stale WHERE {these} RETURNING employee_id");
        let delete = statement(&transaction, &sql, [ids_parameter(done.iter().map(|work| work.id))?]);
        for row in transaction.query_all_raw(delete).await? {
            ours.insert(EmployeeId(row.try_get("", "employee_id")?));
        }
        let ids = ids_parameter(ours.iter().map(|employee| employee.0))?;
        let theirs = is_one_of(&transaction, "employee_id");
        for table in ["compliance_state", "compliance_state_scope"] {
            let sql = format!("DELETE FROM {table} WHERE {theirs}");
            transaction.execute_raw(statement(&transaction, &sql, [ids.clone()])).await?;
        }
        let (mut compliance_states, mut scopes) = (Vec::new(), Vec::new());
        for person in derived.iter().filter(|person| ours.contains(&person.employee)) {
            compliance_states.extend(person.compliance_states.iter().map(|span| StateRow::new(person, span)));
            scopes.extend(person.scopes.iter().map(|(span, key)| ScopeRow::new(person, span, key)));
        }
        insert(&transaction, &compliance_states).await?;
        insert(&transaction, &scopes).await?;
        transaction.commit().await?;
        Ok(())
    }
}

row! {
    #[derive(Debug, Serialize)]
    struct StateRow<'a> in compliance_state {
        employee_id: i64,
        requirement: &'a str,
        from_day: NaiveDate,
        until_day: NaiveDate,
        version: u32,
        status: &'static str,
        clock_on: NaiveDate,
        due_on: Option<NaiveDate>,
        on_time: bool,
        satisfied_on: Option<NaiveDate>,
        valid_until: Option<NaiveDate>,
        evidence_event_id: Option<&'a str>,
        best_score_percent: Option<String>,
        attempts: u32,
        last_attempt_on: Option<NaiveDate>,
        held_items: i64,
    }
}

impl<'a> StateRow<'a> {
    fn new(person: &'a Derived, span: &'a StateSpan) -> Self {
        let ComplianceState { status, clock, due_on, on_time, satisfied_on, valid_until, .. } = span.state;
        Self {
            employee_id: person.employee.0,
            requirement: person.requirement.as_str(),
            from_day: span.days.first,
            until_day: until(span.days),
            version: span.version,
            status: status.as_str(),
            clock_on: clock,
            due_on,
            on_time,
            satisfied_on,
            valid_until,
            evidence_event_id: span.state.evidence_event_id.as_ref().map(|event_id| event_id.as_str()),
            best_score_percent: span.state.best_score_percent.map(|score| score.to_string()),
            attempts: span.state.attempts,
            last_attempt_on: span.state.last_attempt_on,
            held_items: span.state.held_items.cast_signed(),
        }
    }
}

row! {
    #[derive(Debug, Serialize)]
    struct ScopeRow<'a> in compliance_state_scope {
        employee_id: i64,
        requirement: &'a str,
        administration: &'a str,
        from_day: NaiveDate,
        until_day: NaiveDate,
        employment_fact_id: i64,
        unit: &'a str,
        sort_key: Bytes<&'a [u8]>,
    }
}

impl<'a> ScopeRow<'a> {
    fn new(person: &'a Derived, span: &'a ScopeSpan, sort_key: &'a [u8]) -> Self {
        Self {
            employee_id: person.employee.0,
            requirement: person.requirement.as_str(),
            administration: span.administration.as_str(),
            from_day: span.days.first,
            until_day: until(span.days),
            employment_fact_id: span.employment_fact,
            unit: &span.unit,
            sort_key: Bytes(sort_key),
        }
    }
}

pub(super) fn decimal_of(text: Option<&str>) -> Result<Option<Decimal>, StoreError> {
    parsed(text.map(str::parse).transpose(), "compliance_state", "best_score_percent")
}

pub(super) fn status_of(text: &str) -> Result<Status, StoreError> {
    Status::parse(text).ok_or(StoreError::Unreadable { table: "compliance_state", column: "status" })
}

/// The stored derived rows of some people, by employee and requirement.
pub async fn stored(connection: &impl ConnectionTrait, employees: &[EmployeeId]) -> Result<Vec<Derived>, StoreError> {
    let mut stored: BTreeMap<(EmployeeId, RequirementCode), Derived> = BTreeMap::new();
    let requirement_of = |code: &str| parsed(RequirementCode::parse(code), "compliance_state", "requirement");
    let empty = |employee: EmployeeId, requirement: &RequirementCode| Derived {
        employee,
        requirement: requirement.clone(),
        compliance_states: Vec::new(),
        scopes: Vec::new(),
    };
    for ids in employees.chunks(IN_AT_ONCE) {
        let ids = || ids.iter().map(|id| id.0);
        let compliance_states = compliance_state::Entity::find()
            .filter(compliance_state::Column::EmployeeId.is_in(ids()))
            .order_by_asc(compliance_state::Column::FromDay);
        for row in compliance_states.all(connection).await? {
            let (employee, requirement) = (EmployeeId(row.employee_id), requirement_of(&row.requirement)?);
            let evidence = row.evidence_event_id.as_deref().map(EventId::parse).transpose();
            let span = StateSpan {
                days: stretch(row.from_day, row.until_day),
                version: parsed(u32::try_from(row.version), "compliance_state", "version")?,
                state: ComplianceState {
                    status: status_of(&row.status)?,
                    clock: row.clock_on,
                    due_on: row.due_on,
                    on_time: row.on_time,
                    satisfied_on: row.satisfied_on,
                    valid_until: row.valid_until,
                    evidence_event_id: parsed(evidence, "compliance_state", "evidence_event_id")?,
                    best_score_percent: decimal_of(row.best_score_percent.as_deref())?,
                    attempts: parsed(u32::try_from(row.attempts), "compliance_state", "attempts")?,
                    last_attempt_on: row.last_attempt_on,
                    held_items: row.held_items.cast_unsigned(),
                },
            };
            let name = (employee, requirement.clone());
            stored.entry(name).or_insert_with(|| empty(employee, &requirement)).compliance_states.push(span);
        }
        let scopes = compliance_state_scope::Entity::find()
            .filter(compliance_state_scope::Column::EmployeeId.is_in(ids()))
            .order_by_asc(compliance_state_scope::Column::Administration)
            .order_by_asc(compliance_state_scope::Column::FromDay);
        for row in scopes.all(connection).await? {
            let (employee, requirement) = (EmployeeId(row.employee_id), requirement_of(&row.requirement)?);
            let span = ScopeSpan {
                days: stretch(row.from_day, row.until_day),
                administration: parsed(
                    AdministrationCode::parse(&row.administration),
                    "compliance_state_scope",
                    "administration",
                )?,
                employment_fact: row.employment_fact_id,
                unit: row.unit,
            };
            let name = (employee, requirement.clone());
            stored.entry(name).or_insert_with(|| empty(employee, &requirement)).scopes.push((span, row.sort_key));
        }
    }
    Ok(stored.into_values().collect())
}

/// Employees who have derived rows although the directory does not know them; there should be none.
pub async fn count_orphans(connection: &impl ConnectionTrait) -> Result<u64, StoreError> {
    let known = employee::Entity::find().filter(employee::Column::IsKnown.eq(true));
    let known = QueryTrait::into_query(known.select_only().column(employee::Column::Id));
    Ok(compliance_state::Entity::find()
        .filter(compliance_state::Column::EmployeeId.not_in_subquery(known))
        .count(connection)
        .await?)
}
