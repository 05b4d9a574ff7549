//! Which people have protected personal data, under any of their numbers.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::StoreError;
use super::entities::{employee_fact, identity_claim};
use super::merges::merges;
use super::people::numbers_of;
use super::sql::statement;
use super::whose::Whose;
use crate::domain::ids::EmployeeId;
use crate::domain::report::protection::ProtectedWords;

/// Every number of a person whose personal data is protected now, under any of their numbers.
pub async fn protected_now(connection: &impl ConnectionTrait) -> Result<Vec<EmployeeId>, StoreError> {
    // Written exactly as in the partial index of protected people.
    let sql = "SELECT employee_id FROM employee_fact WHERE protected AND superseded_at IS NULL";
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.try_get("", "employee_id")).collect::<Result<_, _>>()?;
    let merges = merges(connection, None).await?;
    let mut protected: BTreeSet<EmployeeId> = ids.into_iter().map(EmployeeId).collect();
    let kept: BTreeSet<EmployeeId> = protected.iter().map(|employee| merges.person(*employee)).collect();
    protected.extend(kept.iter().flat_map(|kept| merges.duplicates_of(*kept)));
    protected.extend(kept);
    Ok(protected.into_iter().collect())
}

/// The numbers among some whose person is protected now, under any number.
pub async fn protected_among(
    connection: &impl ConnectionTrait,
    numbers: &BTreeSet<EmployeeId>,
) -> Result<BTreeSet<EmployeeId>, StoreError> {
    use employee_fact::Column;
    let merges = merges(connection, None).await?;
    let mut asked: BTreeSet<EmployeeId> = numbers.iter().map(|number| merges.person(*number)).collect();
    let duplicates = merges.iter().filter(|(_, kept)| asked.contains(kept)).map(|(duplicate, _)| duplicate);
    let duplicates: Vec<EmployeeId> = duplicates.collect();
    asked.extend(duplicates);
    let mut protected: BTreeSet<EmployeeId> = BTreeSet::new();
    for ids in Whose::Only(&asked.into_iter().collect::<Vec<_>>()).conditions(Column::EmployeeId) {
        let found = employee_fact::Entity::find().filter(ids).filter(Column::SupersededAt.is_null());
        let rows = found.filter(Column::Protected.eq(true)).all(connection).await?;
        protected.extend(rows.into_iter().map(|row| merges.person(EmployeeId(row.employee_id))));
    }
    Ok(numbers.iter().copied().filter(|number| protected.contains(&merges.person(*number))).collect())
}

/// All current and earlier names and keys of everybody whose personal data is protected now: for finding them in a
/// text.
pub async fn protected_words(connection: &impl ConnectionTrait) -> Result<Vec<ProtectedWords>, StoreError> {
    let ids = protected_now(connection).await?;
    let numbers = numbers_of(connection, &ids.iter().copied().collect()).await?;
    let mut words: BTreeMap<EmployeeId, ProtectedWords> = BTreeMap::new();
    for (id, number) in numbers {
        words.entry(id).or_default().keys.push(number);
    }
    for whose in Whose::Only(&ids).conditions(employee_fact::Column::EmployeeId) {
        for row in employee_fact::Entity::find().filter(whose).all(connection).await? {
            let name = (row.given_name, row.family_name);
            words.entry(EmployeeId(row.employee_id)).or_default().names.push(name);
        }
    }
    for whose in Whose::Only(&ids).conditions(identity_claim::Column::EmployeeId) {
        for row in identity_claim::Entity::find().filter(whose).all(connection).await? {
            words.entry(EmployeeId(row.employee_id)).or_default().keys.push(row.value);
        }
    }
    Ok(words.into_values().collect())
}
