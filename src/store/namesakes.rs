//! Everybody who may be suggested for an identity, as the directory knows them now.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::employments::employment_of;
use super::entities::employment_fact;
use super::merges::{KEPT_OF_PROTECTED, merges};
use super::sql::statement;
use super::{StoreError, imports, reorganisations, settings};
use crate::domain::ids::{EmployeeId, PlatformId};
use crate::domain::linking::namesakes::{KnownBy, Namesake};
use crate::domain::linking::ownership::Engagement;
use crate::domain::linking::{Identity, LinkingKey};

/// A value that differs between two states of the directory.
pub async fn directory_state(connection: &impl ConnectionTrait) -> Result<Option<String>, StoreError> {
    settings::read(connection, settings::DIRECTORY_CHANGED_AT).await
}

/// Everybody whom the directory knows, with names, employments and keys, withdrawn keys included. People with protected
/// personal data are left out: they must not be found by name.
pub async fn namesakes(connection: &impl ConnectionTrait) -> Result<Vec<Namesake>, StoreError> {
    let mut people: HashMap<EmployeeId, Namesake> = HashMap::new();
    let all = async |sql: &str| connection.query_all_raw(statement(connection, sql, [])).await;
    let employees = format!(
        "SELECT e.id, e.number, f.given_name, f.family_name FROM employee e
         JOIN employee_fact f ON f.employee_id = e.id AND f.superseded_at IS NULL
         WHERE NOT f.protected AND e.id NOT IN ({KEPT_OF_PROTECTED})
           AND e.id NOT IN (SELECT duplicate_employee_id FROM merge_fact WHERE superseded_at IS NULL)"
    );
    for row in all(&employees).await? {
        let id = EmployeeId(row.try_get("", "id")?);
        let person = Namesake {
            employee: id,
            number: row.try_get("", "number")?,
            given_name: row.try_get("", "given_name")?,
            family_name: row.try_get("", "family_name")?,
            engagements: Vec::new(),
            known_by: Vec::new(),
        };
        people.insert(id, person);
    }
    // Data under a duplicate's number belongs to the kept number. Each employment is in the administration that the
    // known reorganisations give: that administration is shown the person.
    let merges = merges(connection, None).await?;
    let successions = reorganisations::successions(connection, None).await?;
    let current = employment_fact::Entity::find().filter(employment_fact::Column::SupersededAt.is_null());
    for row in current.all(connection).await? {
        let Some(person) = people.get_mut(&merges.person(EmployeeId(row.employee_id))) else { continue };
        let places = successions.follow(employment_of(&row)?).into_iter();
        person.engagements.extend(places.map(|place| Engagement {
            administration: place.administration,
            starts_on: place.starts_on,
            ends_on: place.ends_on,
        }));
    }
    let claims =
        "SELECT employee_id, platform_id, key, value, home_page, recorded_at, superseded_at FROM identity_claim";
    let taken_back = imports::instants_taken_back(connection).await?;
    for row in all(claims).await? {
        let of: i64 = row.try_get("", "employee_id")?;
        if let Some(person) = people.get_mut(&merges.person(EmployeeId(of))) {
            let key: String = row.try_get("", "key")?;
            let key =
                LinkingKey::parse(&key).ok_or(StoreError::Unreadable { table: "identity_claim", column: "key" })?;
            let superseded_at: Option<i64> = row.try_get("", "superseded_at")?;
            // What only an undone import recorded counts as never recorded.
            if superseded_at.is_some() && taken_back.contains(&row.try_get("", "recorded_at")?) {
                continue;
            }
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
