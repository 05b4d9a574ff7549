//! The derived rows that reports read: each person's standing in spans of days, and where the person counts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use futures::{Stream, StreamExt, TryStreamExt};
use rust_decimal::Decimal;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder, QueryResult,
    QuerySelect, QueryTrait, StreamTrait, Value,
};
use serde::Serialize;

use super::clock::Change;
use super::entities::{employee, stale, standing, standing_scope};
use super::judged_for::JudgedFor;
use super::merges::KEPT_OF_PROTECTED;
use super::people::parsed;
use super::rows::insertion::insert;
use super::rows::question::{ids_parameter, is_one_of};
use super::rows::{Bytes, row, selected};
use super::sql::{IN_AT_ONCE, placeholders, statement};
use super::{Store, StoreError};
use crate::domain::access::Visible;
use crate::domain::calendar::{LAST_DAY, Stretch};
use crate::domain::compliance::{ScopeSpan, Standing, StandingSpan, Status};
use crate::domain::directory::EmploymentForm;
use crate::domain::ids::{AdministrationCode, EmployeeId, EmployeeNumber, EventId, RequirementCode};
use crate::domain::report::{DuePeriod, ExportRow};

/// One person's derived rows in one requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    pub employee: EmployeeId,
    pub requirement: RequirementCode,
    pub standings: Vec<StandingSpan>,
    /// With the key by which an export sorts the person on these days.
    pub scopes: Vec<(ScopeSpan, Vec<u8>)>,
}

/// Work that waits: a person whose derived rows are not up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stale {
    pub id: i64,
    pub employee: EmployeeId,
}

fn until(days: Stretch) -> NaiveDate {
    days.until.unwrap_or(LAST_DAY)
}

fn stretch(first: NaiveDate, until: NaiveDate) -> Stretch {
    Stretch { first, until: Some(until).filter(|until| *until < LAST_DAY) }
}

/// How many rows of work are looked at together, and how many in all where they are of few people.
const WORK_AT_ONCE: u64 = 2_000;
const MOST_WORK: usize = 20_000;

/// The work of those who have waited longest, of so many people; and whether that is all that waits.
///
/// All that waits of a person is done at once, however much it is: somebody who is told of a hundred times in a second waits no
/// longer than others, and keeps nobody waiting.
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
        // More of theirs is looked for only while most of what is found is theirs.
        if work.len() >= MOST_WORK || theirs * 2 < length {
            return Ok((work, false));
        }
    }
}

/// The oldest work that waits, and the newest; nothing where none does.
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

/// Which of some people wait.
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

/// Whether more work waits than so much; looks at no more than that.
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

/// Notes that some people's derived rows are to be made anew.
pub async fn mark_stale_people(
    change: &Change,
    people: impl IntoIterator<Item = EmployeeId>,
) -> Result<(), StoreError> {
    super::receiving::mark_stale(change.connection(), people).await
}

/// Notes that everybody's derived rows are to be made anew.
pub async fn mark_everybody_stale(change: &Change) -> Result<(), StoreError> {
    let connection = change.connection();
    connection
        .execute_raw(statement(connection, "INSERT INTO stale (employee_id) SELECT id FROM employee ORDER BY id", []))
        .await?;
    Ok(())
}

impl Store {
    /// Writes the derived rows of people whose facts were read while `done` waited.
    ///
    /// Of two that made the same person's rows at once, the one whose facts were older finds its work gone and writes
    /// nothing: what it read had been read again by whoever took the work away.
    pub async fn settle(&self, done: &[Stale], derived: Vec<Derived>) -> Result<(), StoreError> {
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
        for table in ["standing", "standing_scope"] {
            let sql = format!("DELETE FROM {table} WHERE {theirs}");
            transaction.execute_raw(statement(&transaction, &sql, [ids.clone()])).await?;
        }
        let (mut standings, mut scopes) = (Vec::new(), Vec::new());
        for person in derived.iter().filter(|person| ours.contains(&person.employee)) {
            standings.extend(person.standings.iter().map(|span| StandingRow::new(person, span)));
            scopes.extend(person.scopes.iter().map(|(span, key)| ScopeRow::new(person, span, key)));
        }
        insert(&transaction, &standings).await?;
        insert(&transaction, &scopes).await?;
        transaction.commit().await?;
        Ok(())
    }
}

row! {
    #[derive(Debug, Serialize)]
    struct StandingRow<'a> in standing {
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

impl<'a> StandingRow<'a> {
    fn new(person: &'a Derived, span: &'a StandingSpan) -> Self {
        let Standing { status, clock, due_on, on_time, satisfied_on, valid_until, .. } = span.standing;
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
            evidence_event_id: span.standing.evidence_event_id.as_ref().map(|event_id| event_id.as_str()),
            best_score_percent: span.standing.best_score_percent.map(|score| score.to_string()),
            attempts: span.standing.attempts,
            last_attempt_on: span.standing.last_attempt_on,
            held_items: span.standing.held_items.cast_signed(),
        }
    }
}

row! {
    #[derive(Debug, Serialize)]
    struct ScopeRow<'a> in standing_scope {
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

fn decimal_of(text: Option<&str>) -> Result<Option<Decimal>, StoreError> {
    parsed(text.map(str::parse).transpose(), "standing", "best_score_percent")
}

fn status_of(text: &str) -> Result<Status, StoreError> {
    Status::parse(text).ok_or(StoreError::Unreadable { table: "standing", column: "status" })
}

/// The derived rows of some people, as they are kept, by employee and requirement.
pub async fn kept(connection: &impl ConnectionTrait, employees: &[EmployeeId]) -> Result<Vec<Derived>, StoreError> {
    let mut kept: BTreeMap<(EmployeeId, RequirementCode), Derived> = BTreeMap::new();
    let requirement_of = |code: &str| parsed(RequirementCode::parse(code), "standing", "requirement");
    let empty = |employee: EmployeeId, requirement: &RequirementCode| Derived {
        employee,
        requirement: requirement.clone(),
        standings: Vec::new(),
        scopes: Vec::new(),
    };
    for ids in employees.chunks(IN_AT_ONCE) {
        let ids = || ids.iter().map(|id| id.0);
        let standings = standing::Entity::find()
            .filter(standing::Column::EmployeeId.is_in(ids()))
            .order_by_asc(standing::Column::FromDay);
        for row in standings.all(connection).await? {
            let (employee, requirement) = (EmployeeId(row.employee_id), requirement_of(&row.requirement)?);
            let evidence = row.evidence_event_id.as_deref().map(EventId::parse).transpose();
            let span = StandingSpan {
                days: stretch(row.from_day, row.until_day),
                version: parsed(u32::try_from(row.version), "standing", "version")?,
                standing: Standing {
                    status: status_of(&row.status)?,
                    clock: row.clock_on,
                    due_on: row.due_on,
                    on_time: row.on_time,
                    satisfied_on: row.satisfied_on,
                    valid_until: row.valid_until,
                    evidence_event_id: parsed(evidence, "standing", "evidence_event_id")?,
                    best_score_percent: decimal_of(row.best_score_percent.as_deref())?,
                    attempts: parsed(u32::try_from(row.attempts), "standing", "attempts")?,
                    last_attempt_on: row.last_attempt_on,
                    held_items: row.held_items.cast_unsigned(),
                },
            };
            let name = (employee, requirement.clone());
            kept.entry(name).or_insert_with(|| empty(employee, &requirement)).standings.push(span);
        }
        let scopes = standing_scope::Entity::find()
            .filter(standing_scope::Column::EmployeeId.is_in(ids()))
            .order_by_asc(standing_scope::Column::Administration)
            .order_by_asc(standing_scope::Column::FromDay);
        for row in scopes.all(connection).await? {
            let (employee, requirement) = (EmployeeId(row.employee_id), requirement_of(&row.requirement)?);
            let span = ScopeSpan {
                days: stretch(row.from_day, row.until_day),
                administration: parsed(
                    AdministrationCode::parse(&row.administration),
                    "standing_scope",
                    "administration",
                )?,
                employment_fact: row.employment_fact_id,
                unit: row.unit,
            };
            let name = (employee, requirement.clone());
            kept.entry(name).or_insert_with(|| empty(employee, &requirement)).scopes.push((span, row.sort_key));
        }
    }
    Ok(kept.into_values().collect())
}

/// Employees that some derived row speaks of although the directory does not know them; there should be none.
pub async fn count_orphans(connection: &impl ConnectionTrait) -> Result<u64, StoreError> {
    let known = employee::Entity::find().filter(employee::Column::IsKnown.eq(true));
    let known = QueryTrait::into_query(known.select_only().column(employee::Column::Id));
    Ok(standing::Entity::find().filter(standing::Column::EmployeeId.not_in_subquery(known)).count(connection).await?)
}

/// So many people stand alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// `None`: the city, where each counts once.
    pub administration: Option<AdministrationCode>,
    pub status: Status,
    pub on_time: bool,
    /// Whether the due day lies in the period.
    pub due: bool,
    /// The items that hold; 0 for those who are done.
    pub held_items: u64,
    pub people: u64,
}

/// Of a requirement on a day: how many people stand alike, in the city and in each administration; without those whose
/// derived rows are not up to date, and without those who are judged for the asker alone, where these are counted otherwise.
pub async fn count_alike(
    connection: &impl ConnectionTrait,
    requirement: &RequirementCode,
    day: NaiveDate,
    due: DuePeriod,
    (visible, except): (&Visible, Option<JudgedFor>),
) -> Result<Vec<Alike>, StoreError> {
    const GROUPED: &str = "s.status AS status, s.on_time AS on_time,
        CASE WHEN s.due_on >= $3 AND s.due_on <= $4 THEN 1 ELSE 0 END AS due,
        CASE WHEN s.status IN ('compliant', 'expiring') THEN CAST(0 AS BIGINT) ELSE s.held_items END AS held_items,
        COUNT(*) AS people";
    // Nothing waits most of the time, and then nobody needs to be looked for.
    let up_to_date = match stale_bounds(connection).await? {
        None => "",
        // PostgreSQL looks them up in a table of hashes only where it expects few, and people are few where work is much.
        Some(_) => "AND s.employee_id NOT IN (SELECT DISTINCT employee_id FROM stale)",
    };
    let values: Vec<Value> = vec![requirement.as_str().into(), day.into(), due.from.into(), due.to.into()];
    let mut rows = Vec::new();
    if visible.is_all() {
        let sql = format!(
            "SELECT {GROUPED} FROM standing s
             WHERE s.requirement = $1 AND s.from_day <= $2 AND s.until_day > $2 {up_to_date}
             GROUP BY 1, 2, 3, 4"
        );
        for row in connection.query_all_raw(statement(connection, &sql, values.clone())).await? {
            rows.push(alike_of(&row, None)?);
        }
    }
    let (mut within, mut own) = within(visible, 5);
    if let Some(except) = except {
        within += &format!(" AND NOT {}", JudgedFor::condition(5 + own.len()));
        own.extend(except.values());
    }
    // Of the whole city SQLite shall begin with who stands how on the day, and see where they count; else with whom it
    // is asked about.
    let (join, on, and) = if visible.is_all() { ("CROSS JOIN", "WHERE", "AND") } else { ("JOIN", "ON", "WHERE") };
    let sql = format!(
        "SELECT {GROUPED}, c.administration AS administration
         FROM standing s
         {join} standing_scope c {on} c.employee_id = s.employee_id AND c.requirement = s.requirement
             AND c.from_day <= $2 AND c.until_day > $2
         {and} s.requirement = $1 AND s.from_day <= $2 AND s.until_day > $2 {up_to_date} {within}
         GROUP BY 1, 2, 3, 4, c.administration"
    );
    for row in connection.query_all_raw(statement(connection, &sql, values.into_iter().chain(own))).await? {
        let code: String = row.try_get("", "administration")?;
        let code = parsed(AdministrationCode::parse(&code), "standing_scope", "administration")?;
        rows.push(alike_of(&row, Some(code))?);
    }
    Ok(rows)
}

/// The condition that keeps a query within what is visible, with its values.
fn within(visible: &Visible, first: usize) -> (String, Vec<Value>) {
    match visible {
        Visible::All => (String::new(), Vec::new()),
        Visible::Only(own) if own.is_empty() => ("AND 1 = 0".to_owned(), Vec::new()),
        Visible::Only(own) => (
            format!("AND c.administration IN ({})", placeholders(first, own.len())),
            own.iter().map(|code| code.as_str().into()).collect(),
        ),
    }
}

fn alike_of(row: &QueryResult, administration: Option<AdministrationCode>) -> Result<Alike, StoreError> {
    let status: String = row.try_get("", "status")?;
    let (due, held): (i32, i64) = (row.try_get("", "due")?, row.try_get("", "held_items")?);
    let people: i64 = row.try_get("", "people")?;
    Ok(Alike {
        administration,
        status: status_of(&status)?,
        on_time: row.try_get("", "on_time")?,
        due: due == 1,
        held_items: held.cast_unsigned(),
        people: people.unsigned_abs(),
    })
}

/// Which rows of an administration to read.
#[derive(Debug, Clone)]
pub struct RowsAsked {
    pub administration: AdministrationCode,
    pub administration_name: String,
    pub as_of: NaiveDate,
    pub requirement: Option<RequirementCode>,
    pub status: Option<Status>,
    /// Leaves out those with protected data, whose unit nobody is told.
    pub unit: Option<String>,
    /// The place of the last row that was seen.
    pub after: Option<RowPlace>,
    pub at_most: Option<u64>,
    /// Leaves out whoever is judged for the asker alone.
    pub judged_for: Option<JudgedFor>,
}

/// Where a row stands in the order of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPlace {
    pub sort_key: Vec<u8>,
    pub requirement: String,
}

row! {
    /// A row of an export, out of the person's scope `c`, standing `s`, employment `m` and names `p`.
    #[derive(Debug, FromQueryResult)]
    struct Read {
        sort_key: Bytes,
        unit: String,
        number: String = "e.number",
        given_name: String = "p.given_name",
        family_name: String = "p.family_name",
        protected: bool = "{protected}",
        email: Option<String> = "m.email",
        form: String = "m.form",
        starts_on: NaiveDate = "m.starts_on",
        requirement: String,
        status: String = "s.status",
        due_on: Option<NaiveDate> = "s.due_on",
        satisfied_on: Option<NaiveDate> = "s.satisfied_on",
        valid_until: Option<NaiveDate> = "s.valid_until",
        best_score_percent: Option<String> = "s.best_score_percent",
        attempts: i32 = "s.attempts",
        last_attempt_on: Option<NaiveDate> = "s.last_attempt_on",
        evidence_event_id: Option<String> = "s.evidence_event_id",
    }
}

/// A row of an export with its place, and whether the person's data are protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedRow {
    pub place: RowPlace,
    pub protected: bool,
    pub row: ExportRow,
}

/// The rows of an administration in the order of its export, one after another; without the people whose derived rows
/// are not up to date.
pub fn rows_of<'a>(
    connection: &'a (impl ConnectionTrait + StreamTrait),
    asked: &'a RowsAsked,
) -> impl Stream<Item = Result<PlacedRow, StoreError>> + Send + 'a {
    // Protected is whoever is so under either number.
    let protected = format!("(p.protected OR c.employee_id IN ({KEPT_OF_PROTECTED}))");
    let mut values: Vec<Value> = vec![asked.administration.as_str().into(), asked.as_of.into()];
    let mut conditions = String::new();
    if let Some(judged_for) = asked.judged_for {
        let first = values.len() + 1;
        values.extend(judged_for.values());
        conditions.push_str(" AND NOT ");
        conditions.push_str(&JudgedFor::condition(first));
    }
    let mut and = |condition: &str, given: Vec<Value>| {
        let mut condition = condition.to_owned();
        for value in given {
            values.push(value);
            condition = condition.replacen('?', &format!("${}", values.len()), 1);
        }
        conditions.push_str(" AND ");
        conditions.push_str(&condition);
    };
    if let Some(requirement) = &asked.requirement {
        and("c.requirement = ?", vec![requirement.as_str().into()]);
    }
    if let Some(status) = asked.status {
        and("s.status = ?", vec![status.as_str().into()]);
    }
    if let Some(unit) = &asked.unit {
        and(&format!("c.unit = ? AND NOT {protected}"), vec![unit.as_str().into()]);
    }
    if let Some(after) = &asked.after {
        let (key, requirement): (Value, Value) = (after.sort_key.clone().into(), after.requirement.as_str().into());
        and("(c.sort_key > ? OR (c.sort_key = ? AND c.requirement > ?))", vec![key.clone(), key, requirement]);
    }
    let limit = asked.at_most.map_or_else(String::new, |at_most| format!(" LIMIT {at_most}"));
    // The codes of requirements are plain ASCII; "C" keeps PostgreSQL from sorting them by a language.
    let collate = match ConnectionTrait::get_database_backend(connection) {
        sea_orm::DbBackend::Postgres => " COLLATE \"C\"",
        _ => "",
    };
    let columns = selected::<Read>("c").replace("{protected}", &protected);
    let sql = format!(
        "SELECT {columns}
         FROM standing_scope c
         JOIN standing s ON s.employee_id = c.employee_id AND s.requirement = c.requirement
             AND s.from_day <= $2 AND s.until_day > $2
         JOIN employment_fact m ON m.id = c.employment_fact_id
         JOIN employee e ON e.id = c.employee_id
         JOIN employee_fact p ON p.employee_id = c.employee_id AND p.superseded_at IS NULL
         WHERE c.administration = $1 AND c.from_day <= $2 AND c.until_day > $2
             AND c.employee_id NOT IN (SELECT DISTINCT employee_id FROM stale){conditions}
         ORDER BY c.sort_key, c.requirement{collate}{limit}"
    );
    let query = statement(connection, &sql, values);
    futures::stream::once(async move { connection.stream_raw(query).await })
        .try_flatten()
        .map(move |row| placed(&row?, asked))
}

fn placed(row: &QueryResult, asked: &RowsAsked) -> Result<PlacedRow, StoreError> {
    let read = Read::from_query_result(row, "")?;
    let evidence = read.evidence_event_id.as_deref().map(EventId::parse).transpose();
    let form = EmploymentForm::parse(&read.form);
    Ok(PlacedRow {
        place: RowPlace { sort_key: read.sort_key.0, requirement: read.requirement.clone() },
        protected: read.protected,
        row: ExportRow {
            administration: asked.administration.clone(),
            administration_name: asked.administration_name.clone(),
            unit: read.unit,
            employee_number: parsed(EmployeeNumber::parse(&read.number), "employee", "number")?,
            given_name: read.given_name,
            family_name: read.family_name,
            email: read.email.unwrap_or_default(),
            employment_form: form.ok_or(StoreError::Unreadable { table: "employment_fact", column: "form" })?,
            starts_on: read.starts_on,
            requirement: parsed(RequirementCode::parse(&read.requirement), "standing", "requirement")?,
            status: status_of(&read.status)?,
            due_on: read.due_on,
            satisfied_on: read.satisfied_on,
            valid_until: read.valid_until,
            best_score_percent: decimal_of(read.best_score_percent.as_deref())?,
            attempts: parsed(u32::try_from(read.attempts), "standing", "attempts")?,
            last_attempt_on: read.last_attempt_on,
            evidence_event_id: parsed(evidence, "standing", "evidence_event_id")?,
            as_of: asked.as_of,
        },
    })
}
