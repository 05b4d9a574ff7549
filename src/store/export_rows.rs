//! The rows of an export, from the read model, in the order of the export.

use chrono::NaiveDate;
use futures::{Stream, StreamExt, TryStreamExt};
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, StreamTrait, Value};

use super::StoreError;
use super::compliance_states::{decimal_of, status_of};
use super::judged_for::JudgedFor;
use super::merges::KEPT_OF_PROTECTED;
use super::parsed::parsed;
use super::rows::{Bytes, row, selected};
use super::sql::statement;
use crate::domain::compliance::Status;
use crate::domain::directory::EmploymentForm;
use crate::domain::ids::{AdministrationCode, EmployeeNumber, EventId, RequirementCode};
use crate::domain::report::ExportRow;

/// Which rows of an administration to read.
#[derive(Debug, Clone)]
pub struct RowsQuery {
    pub administration: AdministrationCode,
    pub administration_name: String,
    pub as_of: NaiveDate,
    pub requirement: Option<RequirementCode>,
    pub status: Option<Status>,
    /// Leaves out people with protected data: their unit is not shown to anyone.
    pub unit: Option<String>,
    /// The place of the last row that was seen.
    pub after: Option<RowPlace>,
    pub at_most: Option<u64>,
    /// Leaves out people who are judged for the caller separately.
    pub judged_for: Option<JudgedFor>,
}

/// The place of a row in the order of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPlace {
    pub sort_key: Vec<u8>,
    pub requirement: String,
}

row! {
    /// A row of an export, from the person's scope `c`, compliance state `s`, employment `m` and names `p`.
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

/// A row of an export with its place, and whether the person's data is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedRow {
    pub place: RowPlace,
    pub protected: bool,
    pub row: ExportRow,
}

/// The rows of an administration in the order of its export, one after another; without people whose derived rows are
/// not up to date.
pub fn rows_of<'a>(
    connection: &'a (impl ConnectionTrait + StreamTrait),
    wanted: &'a RowsQuery,
) -> impl Stream<Item = Result<PlacedRow, StoreError>> + Send + 'a {
    // A person is protected if either number is.
    let protected = format!("(p.protected OR c.employee_id IN ({KEPT_OF_PROTECTED}))");
    let mut values: Vec<Value> = vec![wanted.administration.as_str().into(), wanted.as_of.into()];
    let mut conditions = String::new();
    if let Some(judged_for) = wanted.judged_for {
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
    if let Some(requirement) = &wanted.requirement {
        and("c.requirement = ?", vec![requirement.as_str().into()]);
    }
    if let Some(status) = wanted.status {
        and("s.status = ?", vec![status.as_str().into()]);
    }
    if let Some(unit) = &wanted.unit {
        and(&format!("c.unit = ? AND NOT {protected}"), vec![unit.as_str().into()]);
    }
    if let Some(after) = &wanted.after {
        let (key, requirement): (Value, Value) = (after.sort_key.clone().into(), after.requirement.as_str().into());
        and("(c.sort_key > ? OR (c.sort_key = ? AND c.requirement > ?))", vec![key.clone(), key, requirement]);
    }
    let limit = wanted.at_most.map_or_else(String::new, |at_most| format!(" LIMIT {at_most}"));
    // The codes of requirements are plain ASCII; "C" keeps PostgreSQL from sorting them by a language.
    let collate = match ConnectionTrait::get_database_backend(connection) {
        sea_orm::DbBackend::Postgres => " COLLATE \"C\"",
        _ => "",
    };
    let columns = selected::<Read>("c").replace("{protected}", &protected);
    let sql = format!(
        "SELECT {columns}
         FROM compliance_state_scope c
         JOIN compliance_state s ON s.employee_id = c.employee_id AND s.requirement = c.requirement
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
        .map(move |row| placed(&row?, wanted))
}

fn placed(row: &QueryResult, wanted: &RowsQuery) -> Result<PlacedRow, StoreError> {
    let read = Read::from_query_result(row, "")?;
    let evidence = read.evidence_event_id.as_deref().map(EventId::parse).transpose();
    let form = EmploymentForm::parse(&read.form);
    Ok(PlacedRow {
        place: RowPlace { sort_key: read.sort_key.0, requirement: read.requirement.clone() },
        protected: read.protected,
        row: ExportRow {
            administration: wanted.administration.clone(),
            administration_name: wanted.administration_name.clone(),
            unit: read.unit,
            employee_number: parsed(EmployeeNumber::parse(&read.number), "employee", "number")?,
            given_name: read.given_name,
            family_name: read.family_name,
            email: read.email.unwrap_or_default(),
            employment_form: form.ok_or(StoreError::Unreadable { table: "employment_fact", column: "form" })?,
            starts_on: read.starts_on,
            requirement: parsed(RequirementCode::parse(&read.requirement), "compliance_state", "requirement")?,
            status: status_of(&read.status)?,
            due_on: read.due_on,
            satisfied_on: read.satisfied_on,
            valid_until: read.valid_until,
            best_score_percent: decimal_of(read.best_score_percent.as_deref())?,
            attempts: parsed(u32::try_from(read.attempts), "compliance_state", "attempts")?,
            last_attempt_on: read.last_attempt_on,
            evidence_event_id: parsed(evidence, "compliance_state", "evidence_event_id")?,
            as_of: wanted.as_of,
        },
    })
}
