//! What an identity provider wrote about its users in addition to the directory's facts, and how a user is found.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};

use super::chain::alterations;
use super::clock::Change;
use super::entities::{employee, employee_fact, employment_fact, identity_claim, scim_user};
use super::parsed::parsed;
use super::sql::{IN_AT_ONCE, placeholders, statement};
use super::{StoreError, instant};
use crate::domain::directory::accounts::{Account, employed_as};
use crate::domain::ids::{AdministrationCode, EmployeeId, EmployeeNumber, EmploymentId};
use crate::domain::linking::{LinkingKey, normalized};

/// A user of a provider: an employee that the provider has provisioned. An employee may have several users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimUser {
    pub employee: EmployeeId,
    /// Which of the employee's users it is, from 1.
    pub generation: u32,
    /// From then on, the user belongs to no employee.
    pub is_deleted: bool,
    /// As the provider wrote it.
    pub active: bool,
    pub user_name: String,
    pub external_id: Option<String>,
    /// The texts that were provisioned, by attribute.
    pub provisioned: BTreeMap<String, String>,
    /// The employments that it provisioned.
    pub governs: BTreeSet<EmploymentId>,
    /// When it was last deactivated or deleted; `None` if it is active, or never was.
    pub ended_at: Option<DateTime<Utc>>,
    /// The id under which it waited until the directory knew the person. The provider knows the user by this id.
    pub waited_as: Option<i64>,
}

impl ScimUser {
    /// The data that the rules for several users of one employee need; without what it provisioned about the person.
    #[must_use]
    pub fn account(&self) -> Account {
        Account {
            generation: self.generation,
            is_deleted: self.is_deleted,
            active: self.active,
            user_name: self.user_name.clone(),
            governs: self.governs.clone(),
            ..Account::default()
        }
    }
}

/// The attribute by which a user is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    EmployeeNumber,
    ExternalId,
    /// The provider's, or one from HR's files.
    UserName,
    Email,
}

fn user_of(row: scim_user::Model) -> Result<ScimUser, StoreError> {
    const TABLE: &str = "scim_user";
    let governs: Vec<String> = parsed(serde_json::from_str(&row.governs), TABLE, "governs")?;
    let governs = governs.iter().map(|id| EmploymentId::parse(id)).collect();
    Ok(ScimUser {
        employee: EmployeeId(row.employee_id),
        generation: parsed(u32::try_from(row.generation), TABLE, "generation")?,
        is_deleted: row.deleted,
        active: row.active,
        user_name: row.user_name,
        external_id: row.external_id,
        provisioned: parsed(serde_json::from_str(&row.provisioned), TABLE, "provisioned")?,
        governs: parsed(governs, TABLE, "governs")?,
        ended_at: row.ended_at.map(instant::read),
        waited_as: row.waited_as,
    })
}

/// All users of some employees, the deleted ones included, in the order of their generations.
pub async fn users(
    connection: &impl ConnectionTrait,
    employees: &[EmployeeId],
) -> Result<BTreeMap<EmployeeId, Vec<ScimUser>>, StoreError> {
    let mut users: BTreeMap<EmployeeId, Vec<ScimUser>> = BTreeMap::new();
    for ids in employees.chunks(IN_AT_ONCE) {
        let found = scim_user::Entity::find().filter(scim_user::Column::EmployeeId.is_in(ids.iter().map(|id| id.0)));
        for row in found.order_by_asc(scim_user::Column::Generation).all(connection).await? {
            users.entry(EmployeeId(row.employee_id)).or_default().push(user_of(row)?);
        }
    }
    Ok(users)
}

/// Stores a user's data, and replaces the earlier data.
pub async fn save(change: &Change, user: &ScimUser) -> Result<(), StoreError> {
    use scim_user::Column;
    let generation = parsed(i32::try_from(user.generation), "scim_user", "generation")?;
    let stored: Option<String> = scim_user::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::EmployeeId.eq(user.employee.0))
        .filter(Column::Generation.eq(generation))
        .into_tuple()
        .one(change.connection())
        .await?;
    let id = stored.unwrap_or_else(|| format!("{}-{generation}", user.employee.0));
    let row = scim_user::ActiveModel {
        id: Set(id.clone()),
        employee_id: Set(user.employee.0),
        generation: Set(generation),
        deleted: Set(user.is_deleted),
        active: Set(user.active),
        user_name: Set(user.user_name.clone()),
        user_name_key: Set(normalized(&user.user_name)),
        external_id: Set(user.external_id.clone()),
        provisioned: Set(serde_json::json!(user.provisioned).to_string()),
        changed_at: Set(change.at()),
        governs: Set(serde_json::json!(user.governs.iter().map(EmploymentId::as_str).collect::<Vec<_>>()).to_string()),
        ended_at: Set(user.ended_at.map(instant::stored)),
        waited_as: Set(user.waited_as),
    };
    let columns = [
        Column::Deleted,
        Column::Active,
        Column::UserName,
        Column::UserNameKey,
        Column::ExternalId,
        Column::Provisioned,
        Column::ChangedAt,
        Column::Governs,
        Column::EndedAt,
        Column::WaitedAs,
    ];
    scim_user::Entity::insert(row)
        .on_conflict(OnConflict::column(Column::Id).update_columns(columns).to_owned())
        .exec_without_returning(change.connection())
        .await?;
    alterations::note(change, "scim_user", &[id]).await
}

/// An employment with HR's id belongs to HR from the first file that names it, also if users listed it before.
pub async fn leave_to_hr<'a>(
    change: &Change,
    named: impl Iterator<Item = (&'a EmployeeNumber, &'a EmploymentId)>,
) -> Result<(), StoreError> {
    // Very few lists have an id that is not a provider's.
    let others = "REPLACE(REPLACE(u.governs, '[\"scim:', ''), ',\"scim:', '')";
    let sql = format!(
        "SELECT DISTINCT e.id AS id, e.number AS number FROM scim_user u JOIN employee e ON e.id = u.employee_id
         WHERE {others} LIKE '%[\"%' OR {others} LIKE '%,\"%'"
    );
    let connection = change.connection();
    let mut numbers: BTreeMap<EmployeeId, EmployeeNumber> = BTreeMap::new();
    for row in connection.query_all_raw(statement(connection, &sql, [])).await? {
        let number: String = row.try_get("", "number")?;
        let number = parsed(EmployeeNumber::parse(&number), "employee", "number")?;
        numbers.insert(EmployeeId(row.try_get("", "id")?), number);
    }
    if numbers.is_empty() {
        return Ok(());
    }
    let named: BTreeSet<(&EmployeeNumber, &EmploymentId)> = named.collect();
    let employees: Vec<EmployeeId> = numbers.keys().copied().collect();
    for user in users(connection, &employees).await?.into_values().flatten() {
        let Some(number) = numbers.get(&user.employee) else { continue };
        let is_hrs = |id: &EmploymentId| !id.is_of_provider() && named.contains(&(number, id));
        if user.governs.iter().any(is_hrs) {
            let governs = user.governs.iter().filter(|id| !is_hrs(id)).cloned().collect();
            save(change, &ScimUser { governs, ..user }).await?;
        }
    }
    Ok(())
}

/// The employee of a provider's name for a user.
pub async fn by_user_name(connection: &impl ConnectionTrait, user_name: &str) -> Result<Option<ScimUser>, StoreError> {
    let row = scim_user::Entity::find()
        .filter(scim_user::Column::UserNameKey.eq(normalized(user_name)))
        .filter(scim_user::Column::Deleted.eq(false))
        .one(connection)
        .await?;
    row.map(user_of).transpose()
}

/// The users that a provider's own id names.
pub async fn by_external_id(connection: &impl ConnectionTrait, id: &str) -> Result<Vec<ScimUser>, StoreError> {
    let rows = scim_user::Entity::find()
        .filter(scim_user::Column::ExternalId.eq(id))
        .filter(scim_user::Column::Deleted.eq(false))
        .all(connection)
        .await?;
    rows.into_iter().map(user_of).collect()
}

/// The user that waited under an id before the directory knew the person.
pub async fn by_waited_as(connection: &impl ConnectionTrait, waited_as: i64) -> Result<Option<ScimUser>, StoreError> {
    let found = scim_user::Entity::find().filter(scim_user::Column::WaitedAs.eq(waited_as));
    found.filter(scim_user::Column::Deleted.eq(false)).one(connection).await?.map(user_of).transpose()
}

/// The users of some employees as the parts of their ids: employee, generation, and the id under which a user waited.
/// Nothing else of them is read.
pub async fn existing(
    connection: &impl ConnectionTrait,
    employees: &[EmployeeId],
) -> Result<Vec<(EmployeeId, u32, Option<i64>)>, StoreError> {
    let mut found = Vec::new();
    for ids in employees.chunks(IN_AT_ONCE) {
        let sql = format!(
            "SELECT e.id AS id, COALESCE(u.generation, 1) AS generation, u.waited_as AS waited_as {USERS} AND e.id IN ({})",
            placeholders(1, ids.len())
        );
        let ids = ids.iter().map(|id| id.0.into());
        for row in connection.query_all_raw(statement(connection, &sql, ids)).await? {
            let generation: i32 = row.try_get("", "generation")?;
            let generation = parsed(u32::try_from(generation), "scim_user", "generation")?;
            found.push((EmployeeId(row.try_get("", "id")?), generation, row.try_get("", "waited_as")?));
        }
    }
    Ok(found)
}

/// The users that waited under some ids, as the parts of their ids.
pub async fn existing_waited(
    connection: &impl ConnectionTrait,
    waited_as: &[i64],
) -> Result<Vec<(EmployeeId, u32, Option<i64>)>, StoreError> {
    let mut found = Vec::new();
    for ids in waited_as.chunks(IN_AT_ONCE) {
        let users = scim_user::Entity::find().filter(scim_user::Column::WaitedAs.is_in(ids.iter().copied()));
        for row in users.filter(scim_user::Column::Deleted.eq(false)).all(connection).await? {
            let generation = parsed(u32::try_from(row.generation), "scim_user", "generation")?;
            found.push((EmployeeId(row.employee_id), generation, row.waited_as));
        }
    }
    Ok(found)
}

/// The ids under which users waited, by employee and generation. There are few.
pub async fn waited(connection: &impl ConnectionTrait) -> Result<BTreeMap<(EmployeeId, u32), i64>, StoreError> {
    let users = scim_user::Entity::find().filter(scim_user::Column::WaitedAs.is_not_null());
    let mut waited = BTreeMap::new();
    for row in users.all(connection).await? {
        let generation = parsed(u32::try_from(row.generation), "scim_user", "generation")?;
        waited.extend(row.waited_as.map(|id| ((EmployeeId(row.employee_id), generation), id)));
    }
    Ok(waited)
}

/// Everybody who may match a value: rather too many than too few; the caller checks them.
pub async fn candidates(
    connection: &impl ConnectionTrait,
    by: KnownBy,
    value: &str,
) -> Result<BTreeSet<EmployeeId>, StoreError> {
    let mut found: BTreeSet<i64> = BTreeSet::new();
    if matches!(by, KnownBy::EmployeeNumber | KnownBy::UserName) {
        // A person without another name is shown by number; names compare without case.
        let written = [value.to_owned(), value.to_uppercase()];
        let numbered = employee::Entity::find().select_only().column(employee::Column::Id);
        let numbered = numbered.filter(employee::Column::Number.is_in(written));
        found.extend(numbered.into_tuple::<i64>().all(connection).await?);
    }
    let stored = match by {
        KnownBy::ExternalId => Some(scim_user::Column::ExternalId.eq(value)),
        KnownBy::UserName => Some(scim_user::Column::UserNameKey.eq(normalized(value))),
        KnownBy::EmployeeNumber | KnownBy::Email => None,
    };
    if let Some(stored) = stored {
        let users = scim_user::Entity::find().select_only().column(scim_user::Column::EmployeeId).filter(stored);
        found.extend(users.into_tuple::<i64>().all(connection).await?);
    }
    if matches!(by, KnownBy::UserName | KnownBy::Email) {
        use identity_claim::Column;
        let keys = [LinkingKey::Email.as_str(), LinkingKey::Username.as_str()];
        let claims = identity_claim::Entity::find().select_only().column(Column::EmployeeId);
        let claims = claims.filter(Column::Value.eq(normalized(value))).filter(Column::Key.is_in(keys));
        found.extend(claims.into_tuple::<i64>().all(connection).await?);
    }
    Ok(found.into_iter().map(EmployeeId).collect())
}

/// Users: those that were not deleted, and everybody who is known and was never provisioned.
const USERS: &str = "FROM employee e LEFT JOIN scim_user u ON u.employee_id = e.id
     WHERE e.is_known = TRUE AND (u.employee_id IS NULL OR u.deleted = FALSE)";

/// How many users there are.
pub async fn count(connection: &impl ConnectionTrait) -> Result<u64, StoreError> {
    let sql = format!("SELECT COUNT(*) AS n {USERS}");
    let row = connection.query_one_raw(statement(connection, &sql, [])).await?;
    let count: i64 = row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default();
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Users after the first so many, at most so many, in the order of their employees; an employee's active users first.
pub async fn page(
    connection: &impl ConnectionTrait,
    past: u64,
    at_most: u64,
) -> Result<Vec<(EmployeeId, u32)>, StoreError> {
    let sql = format!(
        "SELECT e.id AS id, COALESCE(u.generation, 1) AS generation {USERS}
         ORDER BY e.id, CASE WHEN u.active = FALSE THEN 1 ELSE 0 END, u.generation LIMIT $1 OFFSET $2"
    );
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX).into();
    let rows = connection.query_all_raw(statement(connection, &sql, [number(at_most), number(past)])).await?;
    let read = |row: &sea_orm::QueryResult| -> Result<(EmployeeId, u32), StoreError> {
        let generation: i32 = row.try_get("", "generation")?;
        Ok((EmployeeId(row.try_get("", "id")?), parsed(u32::try_from(generation), "scim_user", "generation")?))
    };
    rows.iter().map(read).collect()
}

/// The employees who are users, by their keys, after one, at most so many.
pub async fn ids(
    connection: &impl ConnectionTrait,
    after: EmployeeId,
    at_most: u64,
) -> Result<Vec<EmployeeId>, StoreError> {
    let sql = format!("SELECT DISTINCT e.id AS id {USERS} AND e.id > $1 ORDER BY e.id LIMIT $2");
    let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
    let rows = connection.query_all_raw(statement(connection, &sql, [after.0.into(), at_most.into()])).await?;
    rows.iter().map(|row| Ok(EmployeeId(row.try_get("", "id")?))).collect()
}

/// The employees with some numbers.
pub async fn by_numbers(
    connection: &impl ConnectionTrait,
    numbers: &BTreeSet<EmployeeNumber>,
) -> Result<BTreeMap<EmployeeNumber, EmployeeId>, StoreError> {
    let numbers: Vec<&str> = numbers.iter().map(EmployeeNumber::as_str).collect();
    let mut found = BTreeMap::new();
    for numbers in numbers.chunks(IN_AT_ONCE) {
        let named = employee::Entity::find().filter(employee::Column::Number.is_in(numbers.iter().copied()));
        let named = named.filter(employee::Column::IsKnown.eq(true));
        for row in named.all(connection).await? {
            found.insert(parsed(EmployeeNumber::parse(&row.number), "employee", "number")?, EmployeeId(row.id));
        }
    }
    Ok(found)
}

/// When some employees became known, and when their facts last changed.
pub async fn times(
    connection: &impl ConnectionTrait,
    employees: &[EmployeeId],
) -> Result<BTreeMap<EmployeeId, (DateTime<Utc>, DateTime<Utc>)>, StoreError> {
    let mut times: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for ids in employees.chunks(IN_AT_ONCE) {
        let ids = || ids.iter().map(|id| id.0);
        for row in employee::Entity::find().filter(employee::Column::Id.is_in(ids())).all(connection).await? {
            times.insert(row.id, (row.recorded_at, row.recorded_at));
        }
        let mut changed: Vec<(i64, i64, Option<i64>)> = employee_fact::Entity::find()
            .select_only()
            .column(employee_fact::Column::EmployeeId)
            .column_as(ColumnTrait::max(&employee_fact::Column::RecordedAt), "recorded")
            .column_as(ColumnTrait::max(&employee_fact::Column::SupersededAt), "superseded")
            .filter(employee_fact::Column::EmployeeId.is_in(ids()))
            .group_by(employee_fact::Column::EmployeeId)
            .into_tuple()
            .all(connection)
            .await?;
        let of_employments: Vec<(i64, i64, Option<i64>)> = employment_fact::Entity::find()
            .select_only()
            .column(employment_fact::Column::EmployeeId)
            .column_as(ColumnTrait::max(&employment_fact::Column::RecordedAt), "recorded")
            .column_as(ColumnTrait::max(&employment_fact::Column::SupersededAt), "superseded")
            .filter(employment_fact::Column::EmployeeId.is_in(ids()))
            .group_by(employment_fact::Column::EmployeeId)
            .into_tuple()
            .all(connection)
            .await?;
        changed.extend(of_employments);
        let of_users: Vec<(i64, i64)> = scim_user::Entity::find()
            .select_only()
            .columns([scim_user::Column::EmployeeId, scim_user::Column::ChangedAt])
            .filter(scim_user::Column::EmployeeId.is_in(ids()))
            .into_tuple()
            .all(connection)
            .await?;
        changed.extend(of_users.into_iter().map(|(id, at)| (id, at, None)));
        for (id, recorded, superseded) in changed {
            if let Some((_, changed_at)) = times.get_mut(&id) {
                *changed_at = [*changed_at, recorded, superseded.unwrap_or(recorded)].into_iter().fold(0, Ord::max);
            }
        }
    }
    let read = |(id, (created, changed))| (EmployeeId(id), (instant::read(created), instant::read(changed)));
    Ok(times.into_iter().map(read).collect())
}

/// Who is employed where on a day, by administration: only users, each with its generation.
pub async fn members(
    connection: &impl ConnectionTrait,
    administration: Option<&AdministrationCode>,
    day: NaiveDate,
) -> Result<BTreeMap<AdministrationCode, BTreeSet<(EmployeeId, u32)>>, StoreError> {
    use employment_fact::Column;
    let runs = Condition::all()
        .add(Column::SupersededAt.is_null())
        .add(Column::StartsOn.lte(day))
        .add(Column::EndsOn.is_null().or(Column::EndsOn.gte(day)))
        .add_option(administration.map(|code| Column::Administration.eq(code.as_str())));
    let employed: Vec<(String, i64, String)> = employment_fact::Entity::find()
        .select_only()
        .columns([Column::Administration, Column::EmployeeId, Column::EmploymentId])
        .filter(runs)
        .into_tuple()
        .all(connection)
        .await?;
    // Most people have one user, of the first generation.
    let others: Vec<i64> = scim_user::Entity::find()
        .select_only()
        .column(scim_user::Column::EmployeeId)
        .filter(Condition::any().add(scim_user::Column::Deleted.eq(true)).add(scim_user::Column::Generation.gt(1)))
        .distinct()
        .into_tuple()
        .all(connection)
        .await?;
    let others: Vec<EmployeeId> = others.into_iter().map(EmployeeId).collect();
    let accounts: BTreeMap<EmployeeId, Vec<Account>> = users(connection, &others)
        .await?
        .into_iter()
        .map(|(employee, users)| (employee, users.iter().map(ScimUser::account).collect()))
        .collect();
    let mut members: BTreeMap<AdministrationCode, BTreeSet<(EmployeeId, u32)>> = BTreeMap::new();
    for (code, id, employment) in employed {
        let employee = EmployeeId(id);
        let generations = match accounts.get(&employee) {
            None => vec![1],
            Some(accounts) => {
                employed_as(accounts, &parsed(EmploymentId::parse(&employment), "employment_fact", "employment_id")?)
            }
        };
        if generations.is_empty() {
            continue;
        }
        let code = parsed(AdministrationCode::parse(&code), "employment_fact", "administration")?;
        members.entry(code).or_default().extend(generations.into_iter().map(|generation| (employee, generation)));
    }
    Ok(members)
}
