//! How many people have which status in a requirement on a day, from the derived rows.

use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::StoreError;
use super::act::Scope;
use super::compliance_states::status_of;
use super::judged_for::JudgedFor;
use super::parsed::parsed;
use super::sql::{placeholders, statement};
use super::stale::stale_bounds;
use crate::domain::access::Visible;
use crate::domain::compliance::Status;
use crate::domain::ids::{AdministrationCode, RequirementCode};
use crate::domain::report::DuePeriod;

/// The number of people with the same status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCount {
    /// `None`: the city, where each person counts once.
    pub administration: Option<AdministrationCode>,
    pub status: Status,
    pub on_time: bool,
    /// Whether the due day is in the period.
    pub due: bool,
    /// The items that hold; 0 for people who are done.
    pub held_items: u64,
    pub people: u64,
}

/// The status counts of a requirement on a day, in the city and in each administration. People whose derived rows are
/// not up to date are left out. So are people who are judged for the caller separately, if these are counted elsewhere.
pub async fn count_statuses(
    connection: &impl ConnectionTrait,
    requirement: &RequirementCode,
    day: NaiveDate,
    due: DuePeriod,
    (scope, except): (&Scope, Option<JudgedFor>),
) -> Result<Vec<StatusCount>, StoreError> {
    const GROUPED: &str = "s.status AS status, s.on_time AS on_time,
        CASE WHEN s.due_on >= $3 AND s.due_on <= $4 THEN 1 ELSE 0 END AS due,
        CASE WHEN s.status IN ('compliant', 'expiring') THEN CAST(0 AS BIGINT) ELSE s.held_items END AS held_items,
        COUNT(*) AS people";
    // Usually no one is stale, and then the condition is not needed.
    let up_to_date = match stale_bounds(connection).await? {
        None => "",
        // PostgreSQL uses a hash table only if it expects few rows. DISTINCT gives it few people even if there is much
        // work.
        Some(_) => "AND s.employee_id NOT IN (SELECT DISTINCT employee_id FROM stale)",
    };
    let values: Vec<Value> = vec![requirement.as_str().into(), day.into(), due.from.into(), due.to.into()];
    let mut rows = Vec::new();
    if scope.is_all() {
        let sql = format!(
            "SELECT {GROUPED} FROM compliance_state s
             WHERE s.requirement = $1 AND s.from_day <= $2 AND s.until_day > $2 {up_to_date}
             GROUP BY 1, 2, 3, 4"
        );
        for row in connection.query_all_raw(statement(connection, &sql, values.clone())).await? {
            rows.push(status_count_of(&row, None)?);
        }
    }
    let (mut within, mut own) = within(scope.visible(), 5);
    if let Some(except) = except {
        within += &format!(" AND NOT {}", JudgedFor::condition(5 + own.len()));
        own.extend(except.values());
    }
    // For the whole city, SQLite must start with the states on the day, and then find where people count. Otherwise it
    // must start with the people of the administrations.
    let (join, on, and) = if scope.is_all() { ("CROSS JOIN", "WHERE", "AND") } else { ("JOIN", "ON", "WHERE") };
    let sql = format!(
        "SELECT {GROUPED}, c.administration AS administration
         FROM compliance_state s
         {join} compliance_state_scope c {on} c.employee_id = s.employee_id AND c.requirement = s.requirement
             AND c.from_day <= $2 AND c.until_day > $2
         {and} s.requirement = $1 AND s.from_day <= $2 AND s.until_day > $2 {up_to_date} {within}
         GROUP BY 1, 2, 3, 4, c.administration"
    );
    for row in connection.query_all_raw(statement(connection, &sql, values.into_iter().chain(own))).await? {
        let code: String = row.try_get("", "administration")?;
        let code = parsed(AdministrationCode::parse(&code), "compliance_state_scope", "administration")?;
        rows.push(status_count_of(&row, Some(code))?);
    }
    Ok(rows)
}

/// The condition that limits a query to what is visible, with its values.
fn within(visible: &Visible, first: usize) -> (String, Vec<Value>) {
    match visible {
        Visible::All => (String::new(), Vec::new()),
        Visible::Only(own) if own.administrations.is_empty() => ("AND 1 = 0".to_owned(), Vec::new()),
        Visible::Only(own) => (
            format!("AND c.administration IN ({})", placeholders(first, own.administrations.len())),
            own.administrations.iter().map(|code| code.as_str().into()).collect(),
        ),
    }
}

fn status_count_of(row: &QueryResult, administration: Option<AdministrationCode>) -> Result<StatusCount, StoreError> {
    let status: String = row.try_get("", "status")?;
    let (due, held): (i32, i64) = (row.try_get("", "due")?, row.try_get("", "held_items")?);
    let people: i64 = row.try_get("", "people")?;
    Ok(StatusCount {
        administration,
        status: status_of(&status)?,
        on_time: row.try_get("", "on_time")?,
        due: due == 1,
        held_items: held.cast_unsigned(),
        people: people.unsigned_abs(),
    })
}
