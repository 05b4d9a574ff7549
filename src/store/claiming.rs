//! The keys by which platforms may name people: records what HR's files and identity providers give from now on, and
//! closes what they no longer give.
//!
//! Earlier keys stay known: who holds a key on which day is computed from all claims (`domain::linking::holding`).

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::Serialize;

use super::StoreError;
use super::applying::{Acts, Applying, recorded};
use super::entities::{employment_fact, identity_claim};
use super::facts::{FROM_EMPLOYMENTS, FROM_IDENTITIES};
use super::links::{addresses, identities_of, identity_of};
use super::rows::insertion::insert_in_chunks;
use super::rows::row;
use super::sql::{IN_AT_ONCE, padded};
use crate::domain::directory::records::IdentityRecord;
use crate::domain::ids::EmployeeId;
use crate::domain::linking::Identity;

/// An employee, and an address or user name of theirs.
type Address = (EmployeeId, Identity);

row! {
    #[derive(Debug, Serialize)]
    struct ClaimRow in identity_claim {
        employee_id: i64,
        platform_id: Option<i64>,
        key: &'static str,
        value: String,
        home_page: String,
        source: &'static str,
        valid_from: Option<NaiveDate>,
        valid_to: Option<NaiveDate>,
        continues: Option<i64>,
        recorded_at: i64,
    }
}

impl Applying<'_> {
    /// Records the keys by which platforms may name people from now on, and closes those that no longer hold.
    pub(super) async fn record_claims(&mut self, acts: &Acts<'_>) -> Result<(), StoreError> {
        let at = self.change.at();
        let mut rows: Vec<ClaimRow> = Vec::new();
        for record in recorded(&acts.identities) {
            let IdentityRecord { employee_number, platform, identity, valid_from, valid_to } = record;
            let (employee, platform) = (self.employee(employee_number)?, self.platform(platform)?);
            let continues = self.taken_by_what_is_undone(&(employee, identity.clone()), Some(platform)).await?;
            let Identity { key, value, home_page } = identity.clone();
            rows.push(ClaimRow {
                employee_id: employee.0,
                platform_id: Some(platform),
                key: key.as_str(),
                value,
                home_page,
                source: FROM_IDENTITIES,
                valid_from: *valid_from,
                valid_to: *valid_to,
                continues,
                recorded_at: at,
            });
            self.identities.insert(identity.clone());
        }
        let given = self.addresses_given(acts).await?;
        let known = self.known_addresses(acts).await?;
        for address in given.iter().filter(|address| !known.contains_key(*address)) {
            let continues = self.taken_by_what_is_undone(address, None).await?;
            let (employee, identity) = address;
            let Identity { key, value, home_page } = identity.clone();
            rows.push(ClaimRow {
                employee_id: employee.0,
                platform_id: None,
                key: key.as_str(),
                value,
                home_page,
                source: FROM_EMPLOYMENTS,
                valid_from: None,
                valid_to: None,
                continues,
                recorded_at: at,
            });
            self.identities.insert(identity.clone());
        }
        let gone = known.into_iter().filter(|(address, _)| !given.contains(address));
        let (gone, ids): (Vec<Address>, Vec<i64>) = gone.unzip();
        self.identities.extend(gone.into_iter().map(|(_, identity)| identity));
        self.close_claims(ids).await?;
        insert_in_chunks(self.change.connection(), &rows, self.progress).await
    }

    /// The employees whose employments the plan changes.
    fn with_other_employments(&self, acts: &Acts<'_>) -> Result<BTreeSet<EmployeeId>, StoreError> {
        acts.employments.iter().map(|act| self.employee(&act.record().employee_number)).collect()
    }

    /// The addresses that employments of these people give, once the plan is recorded.
    async fn addresses_given(&self, acts: &Acts<'_>) -> Result<BTreeSet<Address>, StoreError> {
        use employment_fact::{Column, Entity};
        let mut given = BTreeSet::new();
        for record in recorded(&acts.employments) {
            let employee = self.employee(&record.employee_number)?;
            let theirs = addresses(record.email.as_deref(), record.username.as_deref());
            given.extend(theirs.map(|identity| (employee, identity)));
        }
        let people = self.with_other_employments(acts)?;
        let known: Vec<i64> =
            people.iter().filter(|person| !self.new.contains(person)).map(|person| person.0).collect();
        for employees in known.chunks(IN_AT_ONCE) {
            let current: Vec<(i64, Option<String>, Option<String>)> = Entity::find()
                .select_only()
                .columns([Column::EmployeeId, Column::Email, Column::Username])
                .filter(Column::EmployeeId.is_in(padded(employees)))
                .filter(Column::SupersededAt.is_null())
                .into_tuple()
                .all(self.change.connection())
                .await?;
            for (employee, email, username) in current {
                let theirs = addresses(email.as_deref(), username.as_deref());
                given.extend(theirs.map(|identity| (EmployeeId(employee), identity)));
            }
        }
        Ok(given)
    }

    /// The addresses that these people have from employments as known so far, with the claims' ids.
    async fn known_addresses(&self, acts: &Acts<'_>) -> Result<HashMap<Address, i64>, StoreError> {
        use identity_claim::{Column, Entity};
        let people = self.with_other_employments(acts)?;
        let known: Vec<i64> =
            people.iter().filter(|person| !self.new.contains(person)).map(|person| person.0).collect();
        let mut addresses = HashMap::new();
        for employees in known.chunks(IN_AT_ONCE) {
            let claims = Entity::find()
                .filter(Column::EmployeeId.is_in(padded(employees)))
                .filter(Column::Source.eq(FROM_EMPLOYMENTS))
                .filter(Column::SupersededAt.is_null());
            for row in claims.all(self.change.connection()).await? {
                let identity = identity_of(&row.key, row.value, row.home_page, "identity_claim")?;
                addresses.insert((EmployeeId(row.employee_id), identity), row.id);
            }
        }
        Ok(addresses)
    }

    /// The instant of the import that is undone, if that import closed a claim on the key.
    async fn taken_by_what_is_undone(
        &self,
        (employee, identity): &Address,
        platform: Option<i64>,
    ) -> Result<Option<i64>, StoreError> {
        use identity_claim::{Column, Entity};
        let Some(undoes) = self.undoes else { return Ok(None) };
        let taken = Entity::find()
            .filter(Column::EmployeeId.eq(employee.0))
            .filter(Column::Value.eq(identity.value.as_str()))
            .filter(Column::Key.eq(identity.key.as_str()))
            .filter(Column::HomePage.eq(identity.home_page.as_str()))
            .filter(Column::SupersededAt.eq(undoes));
        let taken = taken.all(self.change.connection()).await?;
        Ok(taken.iter().any(|row| row.platform_id == platform).then_some(undoes))
    }

    /// Adds every key that the touched people share with others: the days of their employments may decide who holds it.
    pub(super) async fn add_shared_identities(&mut self) -> Result<(), StoreError> {
        let known: BTreeSet<EmployeeId> =
            self.touched.iter().copied().filter(|person| !self.new.contains(person)).collect();
        let shared = identities_of(self.change.connection(), &known, true).await?;
        self.identities.extend(shared);
        Ok(())
    }
}
