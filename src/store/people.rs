//! The facts that judging uses: people with their employments, absences, exemptions and results, as known at an
//! instant.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::employments::employment_of;
use super::entities::{absence_fact, employee, employee_fact, employment_fact, event, exemption_fact};
use super::known_at::known_at;
use super::parsed::parsed;
use super::results::result_of;
use super::sql::{IN_AT_ONCE, statement};
use super::whose::Whose;
use super::{StoreError, instant, merges, proposals, reorganisations, result_decisions, revocations};
use crate::domain::calendar::CityCalendar;
use crate::domain::compliance::Person;
use crate::domain::directory::proposal::ProposalContent;
use crate::domain::directory::{Absence, Employment, Exemption};
use crate::domain::ids::{AdministrationCode, EmployeeId, EmployeeNumber, RequirementCode};
use crate::domain::training::LinkedResult;

/// Everything that is known of one employee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownEmployee {
    pub id: EmployeeId,
    pub number: EmployeeNumber,
    pub given_name: String,
    pub family_name: String,
    pub protected: bool,
    /// The numbers of duplicates that are merged into this one, in order; their facts are included here.
    pub merged_numbers: Vec<EmployeeNumber>,
    /// The number under which an employment was recorded, by its `fact_id`; missing ones are recorded under the kept
    /// number.
    pub recorded_under: BTreeMap<i64, EmployeeNumber>,
    /// What HR records in addition to the employment itself, by the employment's `fact_id`.
    pub contacts: BTreeMap<i64, Contact>,
    /// Includes the results if they were requested.
    pub person: Person,
}

/// The addresses that HR gives with an employment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    pub email: Option<String>,
    pub username: Option<String>,
    pub manager: Option<EmployeeNumber>,
}

impl KnownEmployee {
    fn of(row: employee::Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: EmployeeId(row.id),
            number: parsed(EmployeeNumber::parse(&row.number), "employee", "number")?,
            given_name: String::new(),
            family_name: String::new(),
            protected: false,
            merged_numbers: Vec::new(),
            recorded_under: BTreeMap::new(),
            contacts: BTreeMap::new(),
            person: Person::default(),
        })
    }

    /// Adds everything that is known under a duplicate's number, which is the same person.
    fn take_in(&mut self, duplicate: Self) {
        let reported = duplicate.person.employments.iter();
        self.recorded_under.extend(reported.map(|employment| (employment.fact_id, duplicate.number.clone())));
        self.merged_numbers.push(duplicate.number);
        self.protected |= duplicate.protected;
        self.contacts.extend(duplicate.contacts);
        self.person.employments.extend(duplicate.person.employments);
        self.person.absences.extend(duplicate.person.absences);
        self.person.exemptions.extend(duplicate.person.exemptions);
        self.person.results.extend(duplicate.person.results);
    }
}

/// People as the directory was known at an instant (`None`: now), by id. Each employment is in the administration that
/// the reorganisations known then give. Of their results, only prior training that was recognised in Kurskoll is
/// included.
///
/// Duplicates are merged only here: a number that was merged then is not a separate person, and everything that is
/// known under it belongs to the kept number.
pub(super) async fn directory(
    connection: &impl ConnectionTrait,
    whose: Whose<'_>,
    at: Option<DateTime<Utc>>,
) -> Result<BTreeMap<EmployeeId, KnownEmployee>, StoreError> {
    let merges = merges::merges(connection, at).await?;
    let expanded: Vec<EmployeeId>;
    let whose = match whose {
        Whose::Everybody => Whose::Everybody,
        Whose::Only(ids) => {
            let asked: BTreeSet<EmployeeId> = ids.iter().copied().filter(|id| !merges.is_duplicate(*id)).collect();
            let duplicates = merges.iter().filter(|(_, kept)| asked.contains(kept)).map(|(duplicate, _)| duplicate);
            expanded = asked.iter().copied().chain(duplicates).collect();
            Whose::Only(&expanded)
        }
    };
    let mut people = as_recorded(connection, whose, at).await?;
    let mut duplicates: Vec<(EmployeeId, KnownEmployee)> = Vec::new();
    for (duplicate, kept) in merges.iter() {
        duplicates.extend(people.remove(&duplicate).map(|employee| (kept, employee)));
    }
    // Ordered by number, not by when each was first recorded: of two equal employments, the same one is shown in any
    // order of arrival.
    duplicates.sort_by(|(_, a), (_, b)| a.number.cmp(&b.number));
    for (kept, duplicate) in duplicates {
        if let Some(kept) = people.get_mut(&kept) {
            kept.take_in(duplicate);
        }
    }
    let successions = reorganisations::successions(connection, at).await?;
    if !successions.is_empty() {
        for employee in people.values_mut() {
            let reported = std::mem::take(&mut employee.person.employments);
            employee.person.employments =
                reported.into_iter().flat_map(|reported| successions.follow(reported)).collect();
        }
    }
    Ok(people)
}

/// What is known under each employee number, merged or not. Each employment is where HR recorded it, without later
/// reorganisations, in the form that HR's files and identity providers use.
pub async fn as_recorded(
    connection: &impl ConnectionTrait,
    whose: Whose<'_>,
    at: Option<DateTime<Utc>>,
) -> Result<BTreeMap<EmployeeId, KnownEmployee>, StoreError> {
    let mut people = BTreeMap::new();
    let recorded = at.map(|at| employee::Column::RecordedAt.lte(instant::stored(at)));
    for whose in whose.conditions(employee::Column::Id) {
        for row in employee::Entity::find().filter(whose.add_option(recorded.clone())).all(connection).await? {
            people.insert(EmployeeId(row.id), KnownEmployee::of(row)?);
        }
    }
    let mut of_people: HashSet<EmployeeId> = HashSet::with_capacity(people.len());
    for whose in whose.conditions(employee_fact::Column::EmployeeId) {
        use employee_fact::Column;
        let known = known_at(Column::RecordedAt, Column::SupersededAt, at);
        for row in employee_fact::Entity::find().filter(whose).filter(known).all(connection).await? {
            of_people.insert(EmployeeId(row.employee_id));
            if let Some(employee) = people.get_mut(&EmployeeId(row.employee_id)) {
                employee.given_name = row.given_name;
                employee.family_name = row.family_name;
                employee.protected = row.protected;
            }
        }
    }
    // A person who is known only from an undone import is left out, except at instants before the undoing.
    people.retain(|employee, _| of_people.contains(employee));
    for whose in whose.conditions(employment_fact::Column::EmployeeId) {
        use employment_fact::Column;
        let known = known_at(Column::RecordedAt, Column::SupersededAt, at);
        let found = employment_fact::Entity::find().filter(whose).filter(known).order_by_asc(Column::Id);
        for row in found.all(connection).await? {
            if let Some(employee) = people.get_mut(&EmployeeId(row.employee_id)) {
                employee.person.employments.push(employment_of(&row)?);
                let manager = row.manager_number.as_deref().map(EmployeeNumber::parse).transpose();
                let manager = parsed(manager, "employment_fact", "manager_number")?;
                employee.contacts.insert(row.id, Contact { email: row.email, username: row.username, manager });
            }
        }
    }
    for whose in whose.conditions(absence_fact::Column::EmployeeId) {
        use absence_fact::Column;
        let known = known_at(Column::RecordedAt, Column::SupersededAt, at);
        let found = absence_fact::Entity::find().filter(whose).filter(known).order_by_asc(Column::Id);
        for row in found.all(connection).await? {
            if let Some(employee) = people.get_mut(&EmployeeId(row.employee_id)) {
                employee.person.absences.push(Absence { starts_on: row.starts_on, ends_on: row.ends_on });
            }
        }
    }
    for whose in whose.conditions(exemption_fact::Column::EmployeeId) {
        use exemption_fact::Column;
        let known = known_at(Column::RecordedAt, Column::SupersededAt, at);
        let found = exemption_fact::Entity::find().filter(whose).filter(known).order_by_asc(Column::Id);
        for row in found.all(connection).await? {
            if let Some(employee) = people.get_mut(&EmployeeId(row.employee_id)) {
                employee.person.exemptions.push(Exemption {
                    requirement: parsed(RequirementCode::parse(&row.requirement), "exemption_fact", "requirement")?,
                    starts_on: row.starts_on,
                    ends_on: row.ends_on,
                });
            }
        }
    }
    for proposal in proposals::that_count(connection, whose, at).await? {
        let Some(employee) = people.get_mut(&proposal.employee) else { continue };
        employee.person.results.extend(proposal.as_result());
        if let ProposalContent::Exemption { requirement, starts_on, ends_on } = proposal.content {
            employee.person.exemptions.push(Exemption { requirement, starts_on, ends_on });
        }
    }
    Ok(people)
}

/// The current employments that HR records in some administrations, as recorded, each with its employee.
pub async fn recorded_in(
    connection: &impl ConnectionTrait,
    administrations: &BTreeSet<AdministrationCode>,
) -> Result<Vec<(EmployeeId, Employment)>, StoreError> {
    use employment_fact::Column;
    let found = employment_fact::Entity::find()
        .filter(Column::SupersededAt.is_null())
        .filter(Column::Administration.is_in(administrations.iter().map(AdministrationCode::as_str)));
    let rows = found.all(connection).await?;
    let merges = merges::merges(connection, None).await?;
    rows.iter().map(|row| Ok((merges.person(EmployeeId(row.employee_id)), employment_of(row)?))).collect()
}

/// Adds to people the results that are linked to them now, with every revocation that affects these.
pub async fn attach_linked_results(
    connection: &impl ConnectionTrait,
    people: &mut BTreeMap<EmployeeId, KnownEmployee>,
    calendar: CityCalendar,
) -> Result<(), StoreError> {
    let ids: Vec<EmployeeId> = people.keys().copied().collect();
    let mut owners: HashMap<i64, EmployeeId> = HashMap::new();
    let mut own: Vec<(i64, LinkedResult)> = Vec::new();
    for whose in Whose::Only(&ids).conditions(event::Column::EmployeeId) {
        for row in event::Entity::find().filter(whose).order_by_asc(event::Column::Id).all(connection).await? {
            let Some(employee) = row.employee_id.and_then(|id| people.get_mut(&EmployeeId(id))) else { continue };
            owners.insert(row.id, employee.id);
            let result = result_of(&row, calendar)?;
            employee.person.results.push(result.clone());
            own.push((row.id, result));
        }
    }
    for (root, row) in revocations::naming(connection, &own).await? {
        let Some(owner) = owners.get(&root) else { continue };
        // One that is linked to the same person is already among the person's results.
        if owners.get(&row.id) != Some(owner)
            && let Some(employee) = people.get_mut(owner)
        {
            let result = result_of(&row, calendar)?;
            // It may revoke several of the person's events.
            if !employee.person.results.contains(&result) {
                employee.person.results.push(result);
            }
        }
    }
    let decisions = result_decisions::that_count(connection, None).await?;
    for employee in people.values_mut() {
        let decided = revocations::decided(&decisions, &employee.person.results);
        employee.person.results.extend(decided);
    }
    Ok(())
}

/// The id of an employee who is known now, by HR's number.
pub async fn by_number(
    connection: &impl ConnectionTrait,
    number: &EmployeeNumber,
) -> Result<Option<EmployeeId>, StoreError> {
    let named = employee::Entity::find().filter(employee::Column::Number.eq(number.as_str()));
    let row = named.filter(employee::Column::IsKnown.eq(true)).one(connection).await?;
    Ok(row.map(|row| EmployeeId(row.id)))
}

/// The id of an employee who was ever known, by HR's number: for queries about a past instant.
pub async fn ever_by_number(
    connection: &impl ConnectionTrait,
    number: &EmployeeNumber,
) -> Result<Option<EmployeeId>, StoreError> {
    let row = employee::Entity::find().filter(employee::Column::Number.eq(number.as_str())).one(connection).await?;
    Ok(row.map(|row| EmployeeId(row.id)))
}

/// When the employee was first recorded.
pub async fn known_since(connection: &impl ConnectionTrait, employee: EmployeeId) -> Result<DateTime<Utc>, StoreError> {
    let row = employee::Entity::find_by_id(employee.0).one(connection).await?;
    Ok(row.map_or(DateTime::UNIX_EPOCH, |row| instant::read(row.recorded_at)))
}

/// The ids of some employee numbers.
pub async fn ids_of(
    connection: &impl ConnectionTrait,
    numbers: impl IntoIterator<Item = &EmployeeNumber>,
) -> Result<HashMap<EmployeeNumber, EmployeeId>, StoreError> {
    let numbers: BTreeSet<&EmployeeNumber> = numbers.into_iter().collect();
    let numbers: Vec<&str> = numbers.into_iter().map(EmployeeNumber::as_str).collect();
    let mut ids = HashMap::new();
    for numbers in numbers.chunks(IN_AT_ONCE) {
        let found = employee::Entity::find().filter(employee::Column::Number.is_in(numbers.iter().copied()));
        for row in found.all(connection).await? {
            ids.insert(parsed(EmployeeNumber::parse(&row.number), "employee", "number")?, EmployeeId(row.id));
        }
    }
    Ok(ids)
}

/// The numbers of employees whose `is_known` differs from their facts; there should be none.
pub async fn known_otherwise(connection: &impl ConnectionTrait) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT e.number FROM employee e
               WHERE e.is_known <> EXISTS (SELECT 1 FROM employee_fact f
                                           WHERE f.employee_id = e.id AND f.superseded_at IS NULL)
               ORDER BY e.id";
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "number")?)).collect()
}

/// Employees' ids after one, at most so many: for walking through all of them in chunks.
pub async fn ids_after(
    connection: &impl ConnectionTrait,
    after: EmployeeId,
    at_most: u64,
) -> Result<Vec<EmployeeId>, StoreError> {
    let rows: Vec<i64> = employee::Entity::find()
        .select_only()
        .column(employee::Column::Id)
        .filter(employee::Column::Id.gt(after.0))
        .order_by_asc(employee::Column::Id)
        .limit(at_most)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(EmployeeId).collect())
}

/// The employee numbers of some employees.
pub async fn numbers_of(
    connection: &impl ConnectionTrait,
    employees: &BTreeSet<EmployeeId>,
) -> Result<HashMap<EmployeeId, String>, StoreError> {
    let ids: Vec<i64> = employees.iter().map(|id| id.0).collect();
    let mut numbers = HashMap::new();
    for ids in ids.chunks(IN_AT_ONCE) {
        let rows = employee::Entity::find().filter(employee::Column::Id.is_in(ids.iter().copied()));
        numbers.extend(rows.all(connection).await?.into_iter().map(|row| (EmployeeId(row.id), row.number)));
    }
    Ok(numbers)
}
