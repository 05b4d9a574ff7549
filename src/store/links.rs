//! Which employee the directory knows by which identity on which day, as `domain::linking` needs it.

mod index;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait};
use serde::{Deserialize, Serialize};

use super::entities::{employee, employee_fact, identity_claim, learner, link_decision};
use super::facts::FROM_EMPLOYMENTS;
use super::known_at::known_at;
use super::merges::{merges, person_now};
use super::parsed::parsed;
use super::rows::question::{Question, ask, each};
use super::rows::{Row, row, selected};
use super::sql::{IN_AT_ONCE, padded, placeholders, statement};
use super::{StoreError, instant};
use crate::domain::calendar::CityCalendar;
use crate::domain::ids::{EmployeeId, EmployeeNumber, PlatformId};
use crate::domain::linking::{Account, Identity, LearnerKeys, LinkingKey};

pub use index::LinkIndex;
pub(super) use index::addresses;

/// The keys of a learner's row.
pub(super) fn keys_of(row: &learner::Model) -> Result<LearnerKeys, StoreError> {
    let number = row.employee_number.as_deref().map(EmployeeNumber::parse).transpose();
    let account = row
        .account_name
        .clone()
        .map(|name| Account { home_page: row.account_home_page.clone().unwrap_or_default(), name });
    Ok(LearnerKeys {
        employee_number: parsed(number, "learner", "employee_number")?,
        email: row.email.clone(),
        username: row.username.clone(),
        account,
    })
}

/// A stored identity.
pub(super) fn identity_of(
    key: &str,
    value: String,
    home_page: String,
    table: &'static str,
) -> Result<Identity, StoreError> {
    let key = LinkingKey::parse(key).ok_or(StoreError::Unreadable { table, column: "key" })?;
    Ok(Identity { key, value, home_page })
}

/// The part of the directory, as it is known now, that concerns some identities.
pub async fn index_for(
    connection: &impl ConnectionTrait,
    identities: &BTreeSet<Identity>,
    calendar: CityCalendar,
) -> Result<LinkIndex, StoreError> {
    let mut index = LinkIndex::default();
    let questions = questions(connection, identities)?;
    let (of, questions): (Vec<Of>, Vec<Question>) = questions.into_iter().unzip();
    for (question, found) in ask(connection, questions).await? {
        if let Some(of) = of.get(question) {
            index.add_found(*of, &found, calendar)?;
        }
    }
    index.complete(connection, calendar).await?;
    Ok(index)
}

/// The kind of row that a query about identities finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Number,
    Claim,
    Decision,
}

/// The queries about some identities; their rows go into [`LinkIndex::add_found`]. They include claims that HR
/// withdrew: late results still belong to the holder of that time.
pub(super) fn questions(
    connection: &impl ConnectionTrait,
    identities: &BTreeSet<Identity>,
) -> Result<[(Of, Question); 3], StoreError> {
    let values: BTreeSet<&str> = identities.iter().map(|identity| identity.value.as_str()).collect();
    let values: Vec<ValueRow<'_>> = values.into_iter().map(|value| ValueRow { value }).collect();
    let known = "f.number = w.value AND f.is_known";
    let in_force = "f.value = w.value AND f.superseded_at IS NULL";
    Ok([
        (Of::Number, question::<NumberRow>(connection, &values, ("employee", "f.id"), known)?),
        (
            Of::Claim,
            question::<ClaimRow>(connection, &values, ("identity_claim", "f.employee_id"), "f.value = w.value")?,
        ),
        (Of::Decision, question::<DecisionRow>(connection, &values, ("link_decision", "f.employee_id"), in_force)?),
    ])
}

/// Finds the rows of a table, `f`, that match the values, with the person that the employee in a column now is.
fn question<F: Row>(
    connection: &impl ConnectionTrait,
    values: &[ValueRow<'_>],
    (table, employee): (&str, &str),
    condition: &str,
) -> Result<Question, StoreError> {
    let columns = selected::<F>("f").replace("{person}", &person_now(employee));
    Question::new::<F, _>(values, format!("SELECT {columns} FROM {{w}} {}", each(connection, table, "f", condition)))
}

row! {
    /// Values of identities, as a statement's parameter.
    #[derive(Debug, Serialize)]
    struct ValueRow<'a> {
        value: &'a str,
    }
}

row! {
    #[derive(Debug, Deserialize)]
    struct NumberRow {
        id: i64 = "{person}",
        number: String,
    }
}

row! {
    /// Whose an identity is by HR's records, and when.
    #[derive(Debug, Clone, Deserialize)]
    struct ClaimRow {
        /// The person, if the employee is a duplicate's number.
        person_id: i64 = "{person}",
        platform_id: Option<i64>,
        key: String,
        value: String,
        home_page: String,
        source: String,
        recorded_at: i64,
        superseded_at: Option<i64>,
        valid_from: Option<NaiveDate>,
        valid_to: Option<NaiveDate>,
        undone: bool,
        continues: Option<i64>,
    }
}

impl ClaimRow {
    /// A row as it was known at an instant (`None`: now). The index's merges say which person it is.
    fn as_known(row: identity_claim::Model, at: Option<i64>) -> Self {
        let superseded_at = row.superseded_at.filter(|superseded| at.is_none_or(|at| *superseded <= at));
        Self {
            person_id: row.employee_id,
            platform_id: row.platform_id,
            key: row.key,
            value: row.value,
            home_page: row.home_page,
            source: row.source,
            recorded_at: row.recorded_at,
            superseded_at,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            undone: row.undone && superseded_at.is_some(),
            continues: row.continues,
        }
    }

    fn is_of_employments(&self) -> bool {
        self.source == FROM_EMPLOYMENTS
    }
}

row! {
    /// Decisions by hand about whose an identity is, on which days.
    #[derive(Debug, Clone, Deserialize)]
    struct DecisionRow {
        id: i64,
        recorded_at: i64,
        person_id: Option<i64> = "{person}",
        platform_id: i64,
        key: String,
        value: String,
        home_page: String,
        valid_from: Option<NaiveDate>,
        valid_to: Option<NaiveDate>,
    }
}

impl From<link_decision::Model> for DecisionRow {
    fn from(row: link_decision::Model) -> Self {
        let link_decision::Model {
            id,
            recorded_at,
            employee_id,
            platform_id,
            key,
            value,
            home_page,
            valid_from,
            valid_to,
            ..
        } = row;
        Self { id, recorded_at, person_id: employee_id, platform_id, key, value, home_page, valid_from, valid_to }
    }
}

/// The whole directory as it was known at an instant.
pub async fn index_as_known(
    connection: &impl ConnectionTrait,
    at: DateTime<Utc>,
    calendar: CityCalendar,
) -> Result<LinkIndex, StoreError> {
    let mut index = LinkIndex::knowing(merges(connection, Some(at)).await?);
    let until = instant::stored(at);
    // Those who were known then. An undone import may have made people known who are not known now.
    let known = {
        use employee_fact::Column;
        let still = Column::SupersededAt.is_null().or(Column::SupersededAt.gt(until));
        let facts = employee_fact::Entity::find().select_only().column(Column::EmployeeId);
        QueryTrait::into_query(facts.filter(Condition::all().add(Column::RecordedAt.lte(until)).add(still)))
    };
    let numbers = employee::Entity::find().filter(employee::Column::Id.in_subquery(known));
    for row in numbers.all(connection).await? {
        index.add_number(EmployeeId(row.id), row.number);
    }
    let claims = identity_claim::Entity::find().filter(identity_claim::Column::RecordedAt.lte(until));
    for row in claims.all(connection).await? {
        index.add_claim(ClaimRow::as_known(row, Some(until)), calendar)?;
    }
    let in_force = known_at(link_decision::Column::RecordedAt, link_decision::Column::SupersededAt, Some(at));
    for row in link_decision::Entity::find().filter(in_force).all(connection).await? {
        index.add_decision(row.into())?;
    }
    index.refresh();
    index.read_background(connection, Some(at), calendar, true).await?;
    Ok(index)
}

/// The linking keys of every platform, by its id.
pub type LinkOrders = BTreeMap<PlatformId, Vec<LinkingKey>>;

/// Every identity by which some employees are or were known; if `shared`, only those by which others were known as
/// well.
pub(super) async fn identities_of(
    connection: &impl ConnectionTrait,
    employees: &BTreeSet<EmployeeId>,
    shared: bool,
) -> Result<BTreeSet<Identity>, StoreError> {
    let others = "AND (c.key = 'employee_number' OR EXISTS (
                      SELECT 1 FROM identity_claim o WHERE o.value = c.value AND o.key = c.key
                             AND o.home_page = c.home_page AND o.employee_id <> c.employee_id))";
    let mut identities = BTreeSet::new();
    let ids: Vec<i64> = employees.iter().map(|employee| employee.0).collect();
    for ids in ids.chunks(IN_AT_ONCE) {
        let ids: Vec<i64> = padded(ids).collect();
        let sql = format!(
            "SELECT DISTINCT c.key AS key, c.value AS value, c.home_page AS home_page FROM identity_claim c
             WHERE c.employee_id IN ({}) {}",
            placeholders(1, ids.len()),
            if shared { others } else { "" }
        );
        let values = ids.iter().map(|id| sea_orm::Value::from(*id));
        for row in connection.query_all_raw(statement(connection, &sql, values)).await? {
            let key: String = row.try_get("", "key")?;
            let (value, home_page) = (row.try_get("", "value")?, row.try_get("", "home_page")?);
            identities.insert(identity_of(&key, value, home_page, "identity_claim")?);
        }
        // Their numbers, if an identities file gives one to another employee.
        let named = employee::Entity::find().filter(employee::Column::Id.is_in(ids.iter().copied()));
        let numbers: Vec<String> = named.all(connection).await?.into_iter().map(|row| row.number).collect();
        let key = LinkingKey::EmployeeNumber;
        let claimed = identity_claim::Entity::find().filter(
            Condition::all()
                .add(identity_claim::Column::Value.is_in(padded(&numbers)))
                .add(identity_claim::Column::Key.eq(key.as_str())),
        );
        let claimed: BTreeSet<String> = claimed.all(connection).await?.into_iter().map(|row| row.value).collect();
        let numbers = numbers.into_iter().filter(|number| !shared || claimed.contains(number));
        identities.extend(numbers.filter_map(|number| Identity::new(key, &number, "")));
    }
    Ok(identities)
}
