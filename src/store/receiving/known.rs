//! Reads what the register holds that a batch could meet.

use std::collections::{BTreeSet, HashMap};

use sea_orm::ConnectionTrait;

use super::queries::{
    self, DeliveryRow, DuplicateKeyRow, EventRow, LearnerRow, NamingRow, OwnerRow, key_of_row, results_of,
};
use super::statements;
use crate::domain::calendar::CityCalendar;
use crate::domain::ids::{EmployeeId, EmployeeNumber, PlatformId};
use crate::domain::linking::{Account, Identity, LearnerKeys, LinkingKey};
use crate::domain::receiving::{
    Delivery, DuplicateKey, Known, KnownDelivery, KnownEvent, KnownLearner, Pending, fingerprint,
};
use crate::domain::training::ReportedResult;
use crate::store::learners::unlinked_of;
use crate::store::links::{self, LinkIndex};
use crate::store::parsed::parsed;
use crate::store::rows::question::{ask, read};
use crate::store::{StoreError, instant};

/// What the register holds that a batch could meet, and the part of the directory that links its learners.
#[derive(Debug, Default)]
pub struct KnownOfBatch {
    pub known: Known,
    pub index: LinkIndex,
}

impl KnownOfBatch {
    /// Reads what a batch could meet.
    ///
    /// That takes one statement, and another if several people share an identity: a caller without a transaction must make
    /// sure that nothing changes between them.
    pub async fn read(
        connection: &impl ConnectionTrait,
        batch: &[Delivery],
        pending: &Pending,
        calendar: CityCalendar,
    ) -> Result<Self, StoreError> {
        let mut of_batch = Self::default();
        let (mut asking, mut questions) = (Vec::new(), Vec::new());
        for (what, question) in [
            (What::Delivery, queries::deliveries(connection, batch)?),
            (What::Event, queries::events(connection, batch, pending)?),
            (What::Learner, queries::learners(connection, batch, pending)?),
            (What::OfPerson, queries::of_the_learners_people(connection, batch, pending)?),
            (What::Statement, statements::question(connection, batch)?),
            (What::Owner, queries::owners_of_the_revoked(connection, batch)?),
            (What::Naming, queries::naming(connection, batch)?),
        ] {
            if let Some(question) = question {
                asking.push(what);
                questions.push(question);
            }
        }
        // Asked before anybody knows who is new: that is cheap, and another round trip is not.
        let identities: BTreeSet<Identity> =
            results_of(batch, pending).flat_map(|(_, result)| result.learner.identities()).collect();
        if !identities.is_empty() {
            for (of, question) in links::questions(connection, &identities)? {
                asking.push(What::Identity(of));
                questions.push(question);
            }
        }
        for (question, found) in ask(connection, questions).await? {
            match asking.get(question) {
                Some(What::Delivery) => of_batch.add_delivery(read(&found)?),
                Some(What::Event) => of_batch.add_event(read(&found)?)?,
                Some(What::Learner) => of_batch.add_learner(read(&found)?),
                Some(What::OfPerson) => of_batch.known.of_people.extend(DuplicateKeyRow::read(&found)?),
                Some(What::Owner) => of_batch.add_owner(read(&found)?),
                Some(What::Naming) => {
                    let row: NamingRow = read(&found)?;
                    of_batch.known.named.insert((PlatformId(row.platform_id), row.event_id));
                }
                Some(What::Statement) => {
                    let (name, digest) = read::<statements::KnownRow>(&found)?.read()?;
                    of_batch.known.statements.insert(name, digest);
                }
                Some(What::Identity(of)) => of_batch.index.add_found(*of, &found, calendar)?,
                None => {}
            }
        }
        let by_the_index = |(platform, result): (PlatformId, &ReportedResult)| {
            let learner = of_batch.known.learners.get(&(platform, fingerprint(&result.learner)));
            learner.is_none_or(|learner| learner.depends_on_day)
        };
        if results_of(batch, pending).any(by_the_index) {
            of_batch.index.complete(connection, calendar).await?;
            of_batch.read_keys_of_new_learners(connection, batch, pending, calendar).await?;
        }
        Ok(of_batch)
    }

    /// What was reported, at the instants of the batch, of the people to whom new learners link, or learners whose link
    /// depends on the day.
    async fn read_keys_of_new_learners(
        &mut self,
        connection: &impl ConnectionTrait,
        batch: &[Delivery],
        pending: &Pending,
        calendar: CityCalendar,
    ) -> Result<(), StoreError> {
        let orders: HashMap<PlatformId, &[LinkingKey]> =
            batch.iter().map(|delivery| (delivery.platform, &*delivery.linking_keys)).collect();
        let mut people: BTreeSet<(EmployeeId, PlatformId, i64)> = BTreeSet::new();
        for (platform, result) in results_of(batch, pending) {
            let learner = self.known.learners.get(&(platform, fingerprint(&result.learner)));
            let order = orders.get(&platform).copied().filter(|_| learner.is_none_or(|known| known.depends_on_day));
            let Some(order) = order else { continue };
            let day = calendar.day_of(result.occurred_at);
            let person = self.index.link(platform, order, &result.learner, day).employee();
            people.extend(person.map(|person| (person, platform, instant::stored(result.occurred_at))));
        }
        if people.is_empty() {
            return Ok(());
        }
        let question = queries::of_people(connection, &people)?;
        for (_, found) in ask(connection, vec![question]).await? {
            self.known.of_people.extend(DuplicateKeyRow::read(&found)?);
        }
        Ok(())
    }

    fn add_delivery(&mut self, row: DeliveryRow) {
        let delivery = KnownDelivery {
            id: row.id,
            body: row.body.0,
            is_quarantined: row.outcome == "quarantined",
            linked: row.linked == 1,
        };
        self.known.deliveries.insert((PlatformId(row.platform_id), row.delivery_key), delivery);
    }

    fn add_event(&mut self, row: EventRow) -> Result<(), StoreError> {
        let name = (PlatformId(row.platform_id), row.event_id);
        let number = row.employee_number.as_deref().map(EmployeeNumber::parse).transpose();
        let keys = LearnerKeys {
            employee_number: parsed(number, "learner", "employee_number")?,
            email: row.email,
            username: row.username,
            account: row
                .account_name
                .map(|name| Account { home_page: row.account_home_page.unwrap_or_default(), name }),
        };
        let reported = DuplicateKey {
            learner: row.learner_id,
            kind: queries::kind_of(&row.kind),
            course: row.course_id,
            quiz: row.quiz_id,
            attempt: row.attempt,
            attempt_name: row.attempt_name,
            occurred_at: row.occurred_at,
            score: row.score_points.zip(row.score_of),
            passed: row.passed,
            revokes: row.revokes_event_id,
            how: row.revokes.as_deref().and_then(queries::how_of),
        };
        self.known.events.insert(name, KnownEvent { reported, keys, is_linked: row.employee_id.is_some() });
        Ok(())
    }

    fn add_owner(&mut self, row: OwnerRow) {
        let owners = self.known.owners.entry((PlatformId(row.platform_id), row.event_id)).or_default();
        owners.extend(row.employee_id.map(EmployeeId));
    }

    fn add_learner(&mut self, row: LearnerRow) {
        let learner = KnownLearner {
            id: row.id,
            depends_on_day: row.depends_on_day,
            employee: row.employee_id.map(EmployeeId),
            unlinked: row.unlinked.as_deref().map(|word| unlinked_of(Some(word))),
        };
        let name = (PlatformId(row.platform_id), row.fingerprint.0.clone());
        if row.revoked {
            self.known.revoked.insert(name.clone());
        }
        self.known.learners.insert(name, learner);
        self.known.reported.extend(key_of_row(row));
    }
}

/// What a question of a batch is about.
#[derive(Debug, Clone, Copy)]
enum What {
    Delivery,
    Event,
    Learner,
    OfPerson,
    Owner,
    Naming,
    Statement,
    Identity(links::Of),
}
