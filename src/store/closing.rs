//! Finds the facts that no longer hold, hundreds at a time, and closes them.

use std::collections::{BTreeSet, HashSet};

use chrono::NaiveDate;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Value};

use super::StoreError;
use super::applying::{Acts, Applying};
use super::entities::{
    absence_fact, administration_fact, employee_fact, employment_fact, exemption_fact, identity_claim,
};
use super::facts::FROM_IDENTITIES;
use super::sql::{IN_AT_ONCE, padded, placeholders, statement};
use crate::domain::directory::plan::Act;
use crate::domain::linking::{Identity, LinkingKey};

/// The records that no longer hold from now on.
fn closed<'p, T>(acts: &'p [&'p Act<T>]) -> impl Iterator<Item = &'p T> {
    acts.iter().filter_map(|act| act.before())
}

/// Some columns of the current facts of some employees.
macro_rules! current_facts {
    ($self:ident, $table:ident, $employees:expr, [$($column:ident),+] as $row:ty) => {{
        use $table::{Column, Entity};
        let employees: BTreeSet<i64> = $employees.collect();
        let employees: Vec<i64> = employees.into_iter().collect();
        let mut facts: Vec<$row> = Vec::new();
        for employees in employees.chunks(IN_AT_ONCE) {
            let current = Entity::find()
                .select_only()
                $(.column(Column::$column))+
                .filter(Column::EmployeeId.is_in(padded(employees)))
                .filter(Column::SupersededAt.is_null());
            facts.extend(current.into_tuple::<$row>().all($self.change.connection()).await?);
        }
        facts
    }};
}

impl Applying<'_> {
    /// Closes the facts that no longer hold.
    pub(super) async fn close(&mut self, acts: &Acts<'_>) -> Result<(), StoreError> {
        let codes: HashSet<&str> = closed(&acts.administrations).map(|record| record.code.as_str()).collect();
        if !codes.is_empty() {
            use administration_fact::{Column, Entity};
            let current = Entity::find().filter(Column::SupersededAt.is_null()).all(self.change.connection()).await?;
            let ids = current.iter().filter(|row| codes.contains(row.code.as_str())).map(|row| row.id);
            self.close_facts("administration_fact", ids.collect()).await?;
        }
        let mut persons = HashSet::new();
        for record in closed(&acts.persons) {
            persons.insert(self.employee(&record.employee_number)?.0);
        }
        let facts = current_facts!(self, employee_fact, persons.iter().copied(), [Id, EmployeeId] as (i64, i64));
        self.close_facts("employee_fact", facts.into_iter().map(|(id, _)| id).collect()).await?;

        let mut employments: HashSet<(i64, &str)> = HashSet::new();
        for record in closed(&acts.employments) {
            employments.insert((self.employee(&record.employee_number)?.0, record.employment_id.as_str()));
        }
        let of = employments.iter().map(|(employee, _)| *employee);
        let facts = current_facts!(self, employment_fact, of, [Id, EmployeeId, EmploymentId] as (i64, i64, String));
        let ids = facts.iter().filter(|(_, employee, id)| employments.contains(&(*employee, id.as_str())));
        self.close_facts("employment_fact", ids.map(|(id, ..)| *id).collect()).await?;

        let mut absences = HashSet::new();
        for record in closed(&acts.absences) {
            absences.insert((self.employee(&record.employee_number)?.0, record.starts_on));
        }
        let of = absences.iter().map(|(employee, _)| *employee);
        let facts = current_facts!(self, absence_fact, of, [Id, EmployeeId, StartsOn] as (i64, i64, chrono::NaiveDate));
        let ids = facts.iter().filter(|(_, employee, starts_on)| absences.contains(&(*employee, *starts_on)));
        self.close_facts("absence_fact", ids.map(|(id, ..)| *id).collect()).await?;

        let mut exemptions = HashSet::new();
        for record in closed(&acts.exemptions) {
            let employee = self.employee(&record.employee_number)?.0;
            exemptions.insert((employee, record.requirement.to_string(), record.starts_on));
        }
        let of = exemptions.iter().map(|(employee, ..)| *employee);
        let facts = current_facts!(
            self,
            exemption_fact,
            of,
            [Id, EmployeeId, Requirement, StartsOn] as (i64, i64, String, chrono::NaiveDate)
        );
        let ids = facts.into_iter().filter_map(|(id, employee, requirement, starts_on)| {
            exemptions.contains(&(employee, requirement, starts_on)).then_some(id)
        });
        self.close_facts("exemption_fact", ids.collect()).await?;
        self.close_identities(acts).await
    }

    async fn close_identities(&mut self, acts: &Acts<'_>) -> Result<(), StoreError> {
        let mut identities: HashSet<(i64, i64, &Identity, Option<NaiveDate>)> = HashSet::new();
        for record in closed(&acts.identities) {
            let employee = self.employee(&record.employee_number)?.0;
            identities.insert((employee, self.platform(&record.platform)?, &record.identity, record.valid_from));
        }
        let of: BTreeSet<i64> = identities.iter().map(|(employee, ..)| *employee).collect();
        let of: Vec<i64> = of.into_iter().collect();
        let mut ids = Vec::new();
        for of in of.chunks(IN_AT_ONCE) {
            use identity_claim::{Column, Entity};
            let claims = Entity::find()
                .filter(Column::EmployeeId.is_in(padded(of)))
                .filter(Column::Source.eq(FROM_IDENTITIES))
                .filter(Column::SupersededAt.is_null());
            for row in claims.all(self.change.connection()).await? {
                let (Some(platform), Some(key)) = (row.platform_id, LinkingKey::parse(&row.key)) else { continue };
                let identity = Identity { key, value: row.value, home_page: row.home_page };
                if identities.contains(&(row.employee_id, platform, &identity, row.valid_from)) {
                    ids.push(row.id);
                }
            }
        }
        self.identities.extend(closed(&acts.identities).map(|record| record.identity.clone()));
        self.close_claims(ids).await
    }

    /// Closes claims. If an import is undone, what it recorded counts as never recorded.
    pub(super) async fn close_claims(&self, ids: Vec<i64>) -> Result<(), StoreError> {
        if let Some(undoes) = self.undoes {
            use identity_claim::{Column, Entity};
            for ids in ids.chunks(IN_AT_ONCE) {
                let given = Entity::update_many()
                    .col_expr(Column::Undone, true.into())
                    .filter(Column::Id.is_in(padded(ids)))
                    .filter(Column::RecordedAt.eq(undoes));
                given.exec(self.change.connection()).await?;
            }
        }
        self.close_facts("identity_claim", ids).await
    }

    pub(super) async fn close_facts(&self, table: &str, ids: Vec<i64>) -> Result<(), StoreError> {
        let connection = self.change.connection();
        for chunk in ids.chunks(IN_AT_ONCE) {
            let ids: Vec<i64> = padded(chunk).collect();
            let sql = format!(
                "UPDATE {table} SET superseded_at = $1 WHERE superseded_at IS NULL AND id IN ({})",
                placeholders(2, ids.len())
            );
            let values = std::iter::once(self.change.at()).chain(ids).map(Value::from);
            connection.execute_raw(statement(connection, &sql, values)).await?;
            (self.progress)(chunk.len());
        }
        Ok(())
    }
}
