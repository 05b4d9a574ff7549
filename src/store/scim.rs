//! What an identity provider said of its users beside the directory's facts, and how a user is found.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::sea_query::{Expr, OnConflict, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select, Set,
};

use super::chain::alterations;
use super::clock::Change;
use super::entities::{employee, employee_fact, employment_fact, identity_claim, scim_user};
use super::people::parsed;
use super::rows::IN_AT_ONCE;
use super::{StoreError, instant};
use crate::domain::ids::{AdministrationCode, EmployeeId, EmployeeNumber};
use crate::domain::linking::{LinkingKey, normalized};

/// An employee of whom a provider has taken hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimUser {
    pub employee: EmployeeId,
    /// 1, and one more after each deletion.
    pub generation: u32,
    /// Nobody's until the provider tells of the employee again.
    pub is_deleted: bool,
    /// The provider's own word.
    pub active: bool,
    pub user_name: String,
    pub external_id: Option<String>,
    /// Texts as they were told, by attribute.
    pub told: BTreeMap<String, String>,
}

/// By what a user is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    EmployeeNumber,
    ExternalId,
    /// The provider's, or one that HR's files gave.
    UserName,
    Email,
}

fn user_of(row: scim_user::Model) -> Result<ScimUser, StoreError> {
    Ok(ScimUser {
        employee: EmployeeId(row.employee_id),
        generation: parsed(u32::try_from(row.generation), "scim_user", "generation")?,
        is_deleted: row.deleted,
        active: row.active,
        user_name: row.user_name,
        external_id: row.external_id,
        told: parsed(serde_json::from_str(&row.told), "scim_user", "told")?,
    })
}

/// What is kept of some employees.
pub async fn users(
    connection: &impl ConnectionTrait,
    employees: &[EmployeeId],
) -> Result<BTreeMap<EmployeeId, ScimUser>, StoreError> {
    let mut users = BTreeMap::new();
    for ids in employees.chunks(IN_AT_ONCE) {
        let found = scim_user::Entity::find().filter(scim_user::Column::EmployeeId.is_in(ids.iter().map(|id| id.0)));
        for row in found.all(connection).await? {
            users.insert(EmployeeId(row.employee_id), user_of(row)?);
        }
    }
    Ok(users)
}

/// Keeps what was said of a user instead of what was said before.
pub async fn save(change: &Change, user: &ScimUser) -> Result<(), StoreError> {
    use scim_user::Column;
    let row = scim_user::ActiveModel {
        employee_id: Set(user.employee.0),
        generation: Set(parsed(i32::try_from(user.generation), "scim_user", "generation")?),
        deleted: Set(user.is_deleted),
        active: Set(user.active),
        user_name: Set(user.user_name.clone()),
        user_name_key: Set(normalized(&user.user_name)),
        external_id: Set(user.external_id.clone()),
        told: Set(serde_json::json!(user.told).to_string()),
        changed_at: Set(change.at()),
    };
    let columns = [
        Column::Generation,
        Column::Deleted,
        Column::Active,
        Column::UserName,
        Column::UserNameKey,
        Column::ExternalId,
        Column::Told,
        Column::ChangedAt,
    ];
    scim_user::Entity::insert(row)
        .on_conflict(OnConflict::column(Column::EmployeeId).update_columns(columns).to_owned())
        .exec_without_returning(change.connection())
        .await?;
    alterations::note(change, "scim_user", &[user.employee.0.to_string()]).await
}

/// Whose a provider's name for a user is.
pub async fn by_user_name(
    connection: &impl ConnectionTrait,
    user_name: &str,
) -> Result<Option<EmployeeId>, StoreError> {
    let row = scim_user::Entity::find()
        .filter(scim_user::Column::UserNameKey.eq(normalized(user_name)))
        .filter(scim_user::Column::Deleted.eq(false))
        .one(connection)
        .await?;
    Ok(row.map(|row| EmployeeId(row.employee_id)))
}

/// Everybody who could be meant by a value: too many rather than too few, for whoever looks closer.
pub async fn candidates(
    connection: &impl ConnectionTrait,
    by: KnownBy,
    value: &str,
) -> Result<BTreeSet<EmployeeId>, StoreError> {
    let mut found: BTreeSet<i64> = BTreeSet::new();
    if matches!(by, KnownBy::EmployeeNumber | KnownBy::UserName) {
        // Who has no other name is shown by the number; a name compares in any case.
        let written = [value.to_owned(), value.to_uppercase()];
        let numbered = employee::Entity::find().select_only().column(employee::Column::Id);
        let numbered = numbered.filter(employee::Column::Number.is_in(written));
        found.extend(numbered.into_tuple::<i64>().all(connection).await?);
    }
    let kept = match by {
        KnownBy::ExternalId => Some(scim_user::Column::ExternalId.eq(value)),
        KnownBy::UserName => Some(scim_user::Column::UserNameKey.eq(normalized(value))),
        KnownBy::EmployeeNumber | KnownBy::Email => None,
    };
    if let Some(kept) = kept {
        let users = scim_user::Entity::find().select_only().column(scim_user::Column::EmployeeId).filter(kept);
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

/// Employees that are users: all who are known, but those that a provider deleted.
fn not_deleted() -> Select<employee::Entity> {
    let deleted = Query::select()
        .column(scim_user::Column::EmployeeId)
        .from(scim_user::Entity)
        .and_where(Expr::col(scim_user::Column::Deleted).eq(true))
        .to_owned();
    let known = employee::Entity::find().filter(employee::Column::IsKnown.eq(true));
    known.filter(employee::Column::Id.not_in_subquery(deleted))
}

/// How many users there are.
pub async fn count(connection: &impl ConnectionTrait) -> Result<u64, StoreError> {
    Ok(not_deleted().count(connection).await?)
}

/// Users by their keys, after one, past so many, at the most so many.
pub async fn ids(
    connection: &impl ConnectionTrait,
    after: EmployeeId,
    past: u64,
    at_most: u64,
) -> Result<Vec<EmployeeId>, StoreError> {
    let found = not_deleted()
        .select_only()
        .column(employee::Column::Id)
        .filter(employee::Column::Id.gt(after.0))
        .order_by_asc(employee::Column::Id)
        .offset(past)
        .limit(at_most);
    Ok(found.into_tuple::<i64>().all(connection).await?.into_iter().map(EmployeeId).collect())
}

/// The employees whom some numbers name.
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

/// When some employees came to be known, and when what is known of them last changed.
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

/// Who is employed where on a day, by administration: users only, each with its generation.
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
    let employed: Vec<(String, i64)> = employment_fact::Entity::find()
        .select_only()
        .columns([Column::Administration, Column::EmployeeId])
        .filter(runs)
        .into_tuple()
        .all(connection)
        .await?;
    // Most users are of the first generation; the others are few.
    let others: Vec<(i64, i32, bool)> = scim_user::Entity::find()
        .select_only()
        .columns([scim_user::Column::EmployeeId, scim_user::Column::Generation, scim_user::Column::Deleted])
        .filter(Condition::any().add(scim_user::Column::Deleted.eq(true)).add(scim_user::Column::Generation.gt(1)))
        .into_tuple()
        .all(connection)
        .await?;
    let others: BTreeMap<i64, (i32, bool)> =
        others.into_iter().map(|(id, generation, gone)| (id, (generation, gone))).collect();
    let mut members: BTreeMap<AdministrationCode, BTreeSet<(EmployeeId, u32)>> = BTreeMap::new();
    for (code, id) in employed {
        let (generation, is_deleted) = others.get(&id).copied().unwrap_or((1, false));
        if is_deleted {
            continue;
        }
        let code = parsed(AdministrationCode::parse(&code), "employment_fact", "administration")?;
        let generation = parsed(u32::try_from(generation), "scim_user", "generation")?;
        members.entry(code).or_default().insert((EmployeeId(id), generation));
    }
    Ok(members)
}
