//! Statements of a Learning Record Store: queried page by page, oldest first, and stored as if they had been sent.
//!
//! The endpoint refuses a batch whole; a store cannot correct its answer. So what is not understood goes into
//! quarantine alone, what contradicts a stored statement is left out and counted, and the rest is stored.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::run::UnderWay;
use super::{PullFault, XapiDetails, address_of, details_of};
use crate::app::receiving::readers::StoredRequest;
use crate::domain::ids::EventId;
use crate::domain::pulling::{Brought, LOOK_BACK, resume_point};
use crate::domain::receiving::{Content, Delivery, NewStatement, Received};
use crate::intake::adapter::{Form, place_in_array};
use crate::intake::profile::delivery_key;
use crate::intake::request::Arrival;
use crate::intake::xapi::Version;
use crate::intake::xapi::multipart::Part;
use crate::intake::xapi::statement_result::{PageStatement, StatementResult, as_body};
use crate::sources::SourceError;
use crate::sources::lrs::{Lrs, consistent_through};
use crate::store::StoreError;
use crate::store::pulls::Had;

/// How much of a page is stored as one delivery.
const STATEMENTS_AT_ONCE: usize = 200;
const BYTES_AT_ONCE: usize = 1024 * 1024;

impl UnderWay<'_> {
    /// Queries all that the store has stored since the last time.
    pub(super) async fn pull_statements(&mut self) -> Result<(), PullFault> {
        let address = address_of(&self.pull)?;
        let host = address.host().to_owned();
        let XapiDetails { version, look_back_seconds } = details_of(&self.pull)?;
        let look_back = TimeDelta::try_seconds(look_back_seconds).unwrap_or(LOOK_BACK);
        let key = self.pull.settings.username.clone().unwrap_or_default();
        let lrs = Lrs::new(address, &key, &self.pull.settings.secret, &version)?;
        let version = Version::parse(&version)
            .map_err(|_| StoreError::Unreadable { table: "platform_pull", column: "details" })?;
        let before = self.had;
        let mut fetched = lrs.since(before.since).await?;
        // What the first answer promises holds for the pages that follow: they go on from that question.
        let promised = consistent_through(&fetched);
        let (mut newest, mut is_ordered, mut has_risen) = (None, true, false);
        let mut settings: HashSet<String> = HashSet::new();
        loop {
            let not_a_page = |fault| PullFault::NotAPage { host: host.clone(), fault };
            let page = StatementResult::read(&fetched.body).map_err(not_a_page)?;
            let is_alone = |statement: &&PageStatement<'_>| statement.with_attachments.is_some();
            let together: Vec<PageStatement<'_>> =
                page.statements.iter().filter(|statement| !is_alone(statement)).copied().collect();
            for statements in in_parts(&together) {
                let brought = self.keep_statements(statements, &[], version).await?;
                self.brought = self.brought.and(brought);
            }
            for statement in page.statements.iter().filter(is_alone) {
                let brought = self.keep_with_attachments(&lrs, statement, version).await?;
                self.brought = self.brought.and(brought);
            }
            for stored in page.statements.iter().filter_map(|statement| statement.stored) {
                is_ordered &= newest.is_none_or(|newest| newest <= stored);
                has_risen |= newest.is_some_and(|newest| newest < stored);
                newest = newest.max(Some(stored));
            }
            let more = page.more.map(std::borrow::Cow::into_owned);
            // If a store answers in another order, or has not shown in which, nothing is complete before all is.
            if (is_ordered && has_risen) || more.is_none() {
                let since = resume_point(before.since, newest, promised, look_back);
                self.had = Had { since, newest: before.newest.max(newest) };
            }
            self.note().await?;
            let Some(more) = more else {
                // What was pulled already was stored after that, so it should have been answered again.
                let is_missing = newest.is_none() && before.newest > before.since;
                return if is_missing { Err(PullFault::NotByStored { host }) } else { Ok(()) };
            };
            if !settings.insert(more.clone()) {
                return Err(PullFault::Circle { host });
            }
            fetched = lrs.more(&more).await?;
        }
    }

    /// Queries the contents of a statement's attachments, and stores it with them. If the store does not give them in a
    /// way that is understood, they are missing: the statement waits in quarantine, and the pull goes on.
    async fn keep_with_attachments(
        &self,
        lrs: &Lrs,
        statement: &PageStatement<'_>,
        version: Version,
    ) -> Result<Brought, PullFault> {
        let Some(id) = statement.with_attachments else { return Ok(Brought::default()) };
        match lrs.one(id).await {
            Ok(fetched) => match PageStatement::read_one(fetched.content_type(), &fetched.body) {
                Ok((statement, contents)) => self.keep_statements(&[statement], &contents, version).await,
                Err(_) => self.keep_statements(&[*statement], &[], version).await,
            },
            Err(SourceError::Failed { status: 400..500, .. } | SourceError::NotThere { .. }) => {
                self.keep_statements(&[*statement], &[], version).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Stores some statements as one delivery, except for those that cannot be stored with the others.
    async fn keep_statements(
        &self,
        statements: &[PageStatement<'_>],
        attachments: &[Part<'_>],
        version: Version,
    ) -> Result<Brought, PullFault> {
        let mut brought = Brought { returned: statements.len() as u64, ..Brought::default() };
        let mut left = statements.to_vec();
        while !left.is_empty() {
            let delivery = self.read_statements(&left, attachments, version)?;
            if let Content::NotUnderstood { pointer, .. } = &delivery.content {
                // If nobody knows which, one after the other is read alone.
                let bad = place_in_array(pointer).unwrap_or_default().min(left.len() - 1);
                let alone = if left.len() == 1 {
                    delivery
                } else {
                    self.read_statements(&left[bad..=bad], attachments, version)?
                };
                count(&mut brought, &self.receiving.enqueue_patiently(alone).await?);
                left.remove(bad);
                continue;
            }
            let ids: Vec<EventId> = delivery.content.statements().iter().map(NewStatement::event_id).collect();
            match self.receiving.enqueue_patiently(delivery).await? {
                Received::EventConflict(id) => {
                    brought.contradicting += 1;
                    let place = ids.iter().position(|one| *one == id).unwrap_or_default();
                    left.remove(place.min(left.len() - 1));
                }
                received => {
                    count(&mut brought, &received);
                    break;
                }
            }
        }
        Ok(brought)
    }

    /// Statements as a delivery of their own.
    pub(super) fn read_statements(
        &self,
        statements: &[PageStatement<'_>],
        attachments: &[Part<'_>],
        version: Version,
    ) -> Result<Delivery, PullFault> {
        let (content_type, body) = as_body(statements, attachments);
        self.pulled(Form { version, put: None }.stored(), content_type, body)
    }

    /// A pulled delivery. Its key is made of its bytes: what is pulled again is the same delivery, also in quarantine.
    pub(super) fn pulled(&self, headers: String, content_type: String, body: Vec<u8>) -> Result<Delivery, PullFault> {
        let key =
            delivery_key(&body).map_err(|_| StoreError::Unreadable { table: "delivery", column: "delivery_key" })?;
        let request = StoredRequest { key, content_type, headers, body };
        let arrival = Arrival::at(self.receiving.app().now());
        Ok(Delivery { is_pulled: true, ..self.reader.deliver_again(request, arrival) })
    }
}

/// Counts what became of a delivery.
pub(super) fn count(brought: &mut Brought, received: &Received) {
    match received {
        Received::Accepted { new, .. } => brought.found += *new as u64,
        Received::Quarantined { .. } => brought.refused += 1,
        Received::Conflict | Received::EventConflict(_) => brought.contradicting += 1,
        Received::Duplicate { .. } | Received::Ignored => {}
    }
}

/// Statements in pieces of which each is one delivery.
fn in_parts<'t, 'a>(statements: &'t [PageStatement<'a>]) -> impl Iterator<Item = &'t [PageStatement<'a>]> {
    let mut left = statements;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = left.iter().take(STATEMENTS_AT_ONCE).take_while(|statement| {
            bytes += statement.raw.len();
            bytes <= BYTES_AT_ONCE
        });
        let count = fits.count().max(1).min(left.len());
        let (part, rest) = left.split_at(count);
        left = rest;
        (!part.is_empty()).then_some(part)
    })
}
