//! Everybody who may be suggested, as the directory knows them now.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, QueryResult};

use super::merges::{KEPT_OF_PROTECTED, person_now};
use super::people::parsed;
use super::rows::statement;
use super::{StoreError, settings};
use crate::domain::ids::{AdministrationCode, EmployeeId, PlatformId};
use crate::domain::linking::namesakes::{KnownBy, Namesake};
use crate::domain::linking::ownership::Engagement;
use crate::domain::linking::{Identity, LinkingKey};

/// What tells one state of the directory from another.
pub async fn directory_state(connection: &impl ConnectionTrait) -> Result<Option<String>, StoreError> {
    settings::read(connection, settings::DIRECTORY_CHANGED_AT).await
}

/// Everybody whom the directory knows, with names, employments and keys, withdrawn ones included; those with protected
/// personal data left out, whom nobody is told of by what they are called.
pub async fn namesakes(connection: &impl ConnectionTrait) -> Result<Vec<Namesake>, StoreError> {
    let mut people: HashMap<i64, Namesake> = HashMap::new();
    let all = async |sql: &str| connection.query_all_raw(statement(connection, sql, [])).await;
    let employees = format!(
        "SELECT e.id, e.number, f.given_name, f.family_name FROM employee e
         JOIN employee_fact f ON f.employee_id = e.id AND f.superseded_at IS NULL
         WHERE NOT f.protected AND e.id NOT IN ({KEPT_OF_PROTECTED})
           AND e.id NOT IN (SELECT duplicate_employee_id FROM merge_fact WHERE superseded_at IS NULL)"
    );
    for row in all(&employees).await? {
        let id: i64 = row.try_get("", "id")?;
        let person = Namesake {
            employee: EmployeeId(id),
            number: row.try_get("", "number")?,
            given_name: row.try_get("", "given_name")?,
            family_name: row.try_get("", "family_name")?,
            engagements: Vec::new(),
            known_by: Vec::new(),
        };
        people.insert(id, person);
    }
    // What is known under a duplicate's number is the kept one's.
    let person = person_now("f.employee_id");
    let employments = format!(
        "SELECT {person} AS employee_id, f.administration, f.starts_on, f.ends_on FROM employment_fact f
         WHERE f.superseded_at IS NULL"
    );
    for row in all(&employments).await? {
        if let Some(person) = person_of(&mut people, &row)? {
            let administration: String = row.try_get("", "administration")?;
            person.engagements.push(Engagement {
                administration: parsed(
                    AdministrationCode::parse(&administration),
                    "employment_fact",
                    "administration",
                )?,
                starts_on: row.try_get("", "starts_on")?,
                ends_on: row.try_get("", "ends_on")?,
            });
        }
    }
    let claims = format!(
        "SELECT {person} AS employee_id, f.platform_id, f.key, f.value, f.home_page, f.superseded_at
         FROM identity_claim f"
    );
    for row in all(&claims).await? {
        if let Some(person) = person_of(&mut people, &row)? {
            let key: String = row.try_get("", "key")?;
            let key =
                LinkingKey::parse(&key).ok_or(StoreError::Unreadable { table: "identity_claim", column: "key" })?;
            let superseded_at: Option<i64> = row.try_get("", "superseded_at")?;
            let platform: Option<i64> = row.try_get("", "platform_id")?;
            let (value, home_page) = (row.try_get("", "value")?, row.try_get("", "home_page")?);
            person.known_by.push(KnownBy {
                identity: Identity { key, value, home_page },
                platform: platform.map(PlatformId),
                formerly: superseded_at.is_some(),
            });
        }
    }
    Ok(people.into_values().collect())
}

fn person_of<'a>(
    people: &'a mut HashMap<i64, Namesake>,
    row: &QueryResult,
) -> Result<Option<&'a mut Namesake>, StoreError> {
    let id: i64 = row.try_get("", "employee_id")?;
    Ok(people.get_mut(&id))
}
