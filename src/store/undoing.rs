//! Undoes an import: in addition to a plan's changes, it forgets the people whom only the import made known.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};

use super::applying::{Acts, Applying, Progress, finish};
use super::clock::Change;
use super::entities::{employee, link_decision, merge_fact, proposal, scim_user};
use super::links::LinkOrders;
use super::parsed::parsed;
use super::sql::{IN_AT_ONCE, padded};
use super::{StoreError, instant};
use crate::domain::calendar::CityCalendar;
use crate::domain::directory::imports::ImportReport;
use crate::domain::directory::plan::{self, Act, Plan};
use crate::domain::ids::EmployeeNumber;
use crate::domain::linking::{Identity, LinkingKey};

/// Records the changes of undoing an import, as a plan is applied. The undoing's own report, which names the import,
/// must be stored in the same change before: it shows which facts count as never recorded.
pub async fn apply(
    change: &Change,
    plan: &Plan,
    import: &ImportReport,
    orders: &LinkOrders,
    calendar: CityCalendar,
    progress: Progress<'_>,
) -> Result<(), StoreError> {
    let mut applying = Applying::begin(change, plan, Some(instant::stored(import.at)), progress).await?;
    let acts = Acts::of(plan);
    applying.close(&acts).await?;
    applying.record(&acts).await?;
    applying.record_claims(&acts).await?;
    applying.forget(&acts).await?;
    finish(applying, orders, calendar).await
}

impl Applying<'_> {
    /// Makes unknown again the people whom the plan withdraws.
    async fn forget(&mut self, acts: &Acts<'_>) -> Result<(), StoreError> {
        let withdrawn = acts.persons.iter().filter(|act| matches!(act, Act::Withdrawn(_)));
        let numbers: Vec<&EmployeeNumber> = withdrawn.map(|act| &act.record().employee_number).collect();
        let mut ids = Vec::with_capacity(numbers.len());
        for number in &numbers {
            ids.push(self.employee(number)?.0);
            self.identities.extend(Identity::new(LinkingKey::EmployeeNumber, number.as_str(), ""));
        }
        self.set_known(&ids, false).await
    }
}

/// People whom an import added and about whom there is data that is in no file.
pub async fn rested_on(
    connection: &impl ConnectionTrait,
    carried_out: &Plan,
) -> Result<BTreeSet<EmployeeNumber>, StoreError> {
    let added = carried_out.changes.iter().filter_map(|change| match change {
        plan::Change::Person(Act::Added(person)) => Some(person.employee_number.as_str()),
        _ => None,
    });
    let added: Vec<&str> = added.collect();
    let mut rested_on = BTreeSet::new();
    for numbers in added.chunks(IN_AT_ONCE) {
        let named = employee::Entity::find().filter(employee::Column::Number.is_in(padded(numbers)));
        let employees: BTreeMap<i64, String> =
            named.all(connection).await?.into_iter().map(|row| (row.id, row.number)).collect();
        let ids: Vec<i64> = employees.keys().copied().collect();
        for id in hands_on(connection, &ids).await? {
            if let Some(number) = employees.get(&id) {
                rested_on.insert(parsed(EmployeeNumber::parse(number), "employee", "number")?);
            }
        }
    }
    Ok(rested_on)
}

/// Those of some employees who have a link by hand, a merge, a provisioned user, or proposed prior training or
/// exemptions.
async fn hands_on(connection: &impl ConnectionTrait, ids: &[i64]) -> Result<BTreeSet<i64>, StoreError> {
    let mut found: BTreeSet<i64> = BTreeSet::new();
    let linked = link_decision::Entity::find()
        .select_only()
        .column(link_decision::Column::EmployeeId)
        .filter(link_decision::Column::EmployeeId.is_in(padded(ids)))
        .filter(link_decision::Column::SupersededAt.is_null());
    found.extend(linked.into_tuple::<Option<i64>>().all(connection).await?.into_iter().flatten());
    let proposed = proposal::Entity::find()
        .select_only()
        .column(proposal::Column::EmployeeId)
        .filter(proposal::Column::EmployeeId.is_in(padded(ids)))
        .filter(proposal::Column::SupersededAt.is_null().and(proposal::Column::EndedBy.is_null()));
    found.extend(proposed.into_tuple::<i64>().all(connection).await?);
    let provided = scim_user::Entity::find()
        .select_only()
        .column(scim_user::Column::EmployeeId)
        .filter(scim_user::Column::EmployeeId.is_in(padded(ids)));
    found.extend(provided.into_tuple::<i64>().all(connection).await?);
    let either = Condition::any()
        .add(merge_fact::Column::DuplicateEmployeeId.is_in(padded(ids)))
        .add(merge_fact::Column::KeptEmployeeId.is_in(padded(ids)));
    let merged = merge_fact::Entity::find().filter(either).filter(merge_fact::Column::SupersededAt.is_null());
    for row in merged.all(connection).await? {
        found.extend([row.duplicate_employee_id, row.kept_employee_id]);
    }
    Ok(found)
}
