//! Reads deliveries again from their bytes with what read them first, and compares the stored events and statements.
//!
//! What a delivery says depends only on its bytes, on the platform's zone and its profile's version at the time, and,
//! if it names no time, on its arrival. Whether the same thing was reported before, or a result is pending until
//! something is done, depends on other deliveries: their statements and events are queried.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::signatures::{Resigned, resign};
use super::{AT_ONCE, Progress, Verified};
use crate::app::App;
use crate::domain::ids::PlatformId;
use crate::domain::receiving::{Cmi5Progress, Content, FILE_TYPE, NewStatement};
use crate::domain::training::ReportedResult;
use crate::intake::adapter::{Adapter, Reader};
use crate::intake::request::{Arrival, RawRequest, StoredHeaders};
use crate::store::chain::scope::Scope;
use crate::store::platforms::{self, Platform};
use crate::store::receiving::rereading::{self, Fields, StoredBytes, StoredEvent, StoredStatement, fields_of};
use crate::store::receiving::without::{self, StoredWithout};
use crate::store::{Connection, Snapshot, StoreError, profiles, quarantine};

/// For how long a profile's version may have been used after the next one was given, and how long a delivery may have
/// waited for its commit.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// A platform with everything that has ever read its deliveries, oldest first; the first has been there from the
/// beginning.
struct Known {
    platform: Platform,
    readers: Vec<(DateTime<Utc>, Reader)>,
    secrets: Vec<String>,
}

impl Known {
    async fn read(connection: &impl Connection, platform: Platform) -> Result<Self, StoreError> {
        let adapter = Adapter::parse(&platform.adapter);
        let adapter = adapter.map_err(|_| StoreError::Unreadable { table: "platform", column: "adapter" })?;
        let shipped = Reader::of_adapter(adapter).map(|reader| (DateTime::UNIX_EPOCH, reader));
        let mut readers: Vec<(DateTime<Utc>, Reader)> = shipped.into_iter().collect();
        for version in profiles::versions(connection, platform.id).await? {
            let reader = Reader::parse(adapter, &version.text);
            let unreadable = |_| StoreError::Unreadable { table: "platform_profile", column: "text" };
            readers.push((version.recorded_at, reader.map_err(unreadable)?));
        }
        let secrets = rereading::secrets_held(connection, platform.id).await?;
        Ok(Self { platform, readers, secrets })
    }

    /// What may have read a delivery at an instant: the newest of that time first, then the one that it had just
    /// replaced.
    fn at(&self, at: DateTime<Utc>) -> impl Iterator<Item = &Reader> {
        let until = self.readers.partition_point(|(since, _)| *since <= at);
        let mut begun = at;
        self.readers
            .iter()
            .take(until)
            .rev()
            .take_while(move |(since, _)| {
                let still_reads = at.signed_duration_since(begun) <= OVERLAP;
                begun = *since;
                still_reads
            })
            .map(|(_, reader)| reader)
    }
}

/// What a delivery says now.
enum Says {
    Results(Vec<ReportedResult>),
    Statements {
        statements: Vec<NewStatement>,
        results: Vec<ReportedResult>,
        attachments: Vec<String>,
    },
    Nothing,
    /// Not what it said on arrival.
    NotUnderstood(String),
}

impl From<Content> for Says {
    fn from(content: Content) -> Self {
        match content {
            Content::Results(results) => Self::Results(results),
            Content::Statements { statements, results, attachments } => {
                let attachments = attachments.iter().map(rereading::attachment_says).collect();
                Self::Statements { statements, results, attachments }
            }
            Content::Nothing => Self::Nothing,
            Content::Part { taken, .. } => Self::from(*taken),
            Content::NotUnderstood { pointer, problem } => Self::NotUnderstood(format!("{pointer} {problem}")),
        }
    }
}

impl Says {
    fn results(&self) -> &[ReportedResult] {
        match self {
            Self::Results(results) | Self::Statements { results, .. } => results,
            Self::Nothing | Self::NotUnderstood(_) => &[],
        }
    }

    fn statements(&self) -> &[NewStatement] {
        match self {
            Self::Statements { statements, .. } => statements,
            _ => &[],
        }
    }
}

impl App {
    pub(super) async fn verify_deliveries(
        &self,
        scope: Scope,
        verified: &mut Verified,
        progress: &mut Progress<'_>,
    ) -> Result<(), StoreError> {
        let snapshot = self.snapshot_for().await?;
        let connection = snapshot.connection();
        let mut known: HashMap<PlatformId, Known> = HashMap::new();
        for platform in platforms::list(connection).await? {
            known.insert(platform.id, Known::read(connection, platform).await?);
        }
        let mut after = i64::MIN;
        let mut otherwise = 0;
        loop {
            let (deliveries, last) = rereading::deliveries_after(connection, after, AT_ONCE, scope).await?;
            let Some(last) = last else { break };
            after = last;
            progress(deliveries.len() as u64);
            verified.deliveries += deliveries.len() as u64;
            let page = Page::read(connection, &deliveries).await?;
            for delivery in &deliveries {
                let Some(known) = known.get(&delivery.platform) else {
                    verified.differs(format!("delivery {}: its platform should be there, and is gone", delivery.id));
                    continue;
                };
                self.verify_signature(delivery, known, verified);
                let Some(difference) = self.verify_delivery(&snapshot, delivery, known, &page).await? else { continue };
                if self.was_read_by_another(&snapshot, delivery.released_at.unwrap_or(delivery.received_at)).await? {
                    otherwise += 1;
                } else {
                    verified.differs(difference);
                }
            }
        }
        if otherwise > 0 {
            verified.notes.push(format!(
                "{otherwise} deliveries came to another version, which read them otherwise than this one: what is kept of \
                 them is as it was sealed"
            ));
        }
        for event in rereading::events_without_delivery(connection).await? {
            verified.differs(format!("event {event}: its delivery should be there, and is gone"));
        }
        Ok(())
    }

    fn verify_signature(&self, delivery: &StoredBytes, known: &Known, verified: &mut Verified) {
        let resigned = if delivery.content_type == FILE_TYPE {
            Resigned::Unsigned
        } else {
            let mut readers = known.at(delivery.received_at).peekable();
            if readers.peek().is_none() {
                Resigned::WithoutSecret
            } else {
                let each = readers.map(|reader| match reader.signing() {
                    Some(signing) => resign(delivery, signing, &known.secrets),
                    None => Resigned::Unsigned,
                });
                let mut each: Vec<Resigned> = each.collect();
                each.sort_by_key(|resigned| *resigned == Resigned::Differs);
                each.first().copied().unwrap_or(Resigned::Unsigned)
            }
        };
        verified.signatures.count(resigned);
        if resigned == Resigned::Differs {
            verified.differs(format!(
                "delivery {} ({} of platform {}): its signature should be over its id, its time and its bytes, and is over \
                 others",
                delivery.id, delivery.key, known.platform.code
            ));
        }
    }

    /// A difference between what a delivery's bytes say and what is stored, if any.
    async fn verify_delivery(
        &self,
        snapshot: &Snapshot,
        delivery: &StoredBytes,
        known: &Known,
        page: &Page,
    ) -> Result<Option<String>, StoreError> {
        let own = page.of(delivery.id);
        if delivery.is_quarantined {
            let is_reported = !own.events.is_empty() || !own.statements.is_empty();
            if is_reported && !quarantine::taken_of(snapshot.connection(), delivery.id).await?.is_empty() {
                // Parts of it were taken out by hand; the chain holds what they said.
                return Ok(None);
            }
            let reported =
                own.events.first().map_or_else(|| "statements".to_owned(), |event| format!("event {}", event.event_id));
            return Ok(is_reported.then(|| {
                format!("{reported}: it should not be there, for delivery {} waits in quarantine", delivery.id)
            }));
        }
        let at = delivery.released_at.unwrap_or(delivery.received_at);
        let mut first = None;
        for says in self.readings(delivery, known, at, &own.events) {
            match self.differs(snapshot, delivery, &says, &own).await? {
                None => return Ok(None),
                Some(difference) => {
                    first.get_or_insert(difference);
                }
            }
        }
        let unread =
            || format!("delivery {}: no profile of its platform's is there that could have read it", delivery.id);
        Ok(Some(first.unwrap_or_else(unread)))
    }

    /// What a delivery may have said on arrival, the likeliest first. Each is read only if the one before does not
    /// match.
    fn readings<'d>(
        &'d self,
        delivery: &'d StoredBytes,
        known: &'d Known,
        at: DateTime<Utc>,
        events: &[&StoredEvent],
    ) -> impl Iterator<Item = Says> + 'd {
        // An event without a time happened at its sending, the moment before the commit of its delivery; the stored
        // event has it.
        let moments: BTreeSet<DateTime<Utc>> = events
            .iter()
            .map(|event| event.occurred_at)
            .filter(|moment| *moment <= at && at.signed_duration_since(*moment) <= OVERLAP)
            .chain([at - TimeDelta::seconds(5)])
            .collect();
        let received = (at != delivery.received_at).then_some(delivery.received_at);
        let moments = std::iter::once(at).chain(received).chain(moments.into_iter().rev().take(8));
        let arrivals: Vec<Arrival> = moments.map(Arrival::at).chain(self.read_later(delivery, at)).collect();
        // A newer profile may have reread it since.
        let newer = move || known.readers.iter().rev().filter(move |(since, _)| *since > at).map(|(_, reader)| reader);
        let readers = move || known.at(at).chain(newer());
        arrivals
            .into_iter()
            .flat_map(move |arrival| readers().map(move |reader| read(delivery, known, reader, arrival)))
    }

    /// How a time in the future is read when its delivery is read again after that time.
    fn read_later(&self, delivery: &StoredBytes, at: DateTime<Utc>) -> impl Iterator<Item = Arrival> {
        let read = [at, self.now()].map(|read_at| Arrival { received_at: delivery.received_at, read_at });
        let read = read.into_iter().chain(std::iter::once(Arrival { received_at: at, read_at: self.now() }));
        read.filter(|arrival| arrival.read_at > arrival.received_at)
    }

    /// The first difference between what a delivery says and what is stored.
    async fn differs(
        &self,
        snapshot: &Snapshot,
        delivery: &StoredBytes,
        says: &Says,
        own: &Own<'_>,
    ) -> Result<Option<String>, StoreError> {
        if let Says::NotUnderstood(problem) = says {
            return Ok(Some(format!(
                "delivery {} ({}): it should be understood as it was when it came, and is not: {}",
                delivery.id,
                delivery.key,
                problem.trim()
            )));
        }
        if let Some(difference) = own.statements_differ(delivery, says) {
            return Ok(Some(difference));
        }
        let reported: HashMap<&str, &ReportedResult> =
            says.results().iter().map(|result| (result.event_id.as_str(), result)).collect();
        for event in &own.events {
            let Some(result) = reported.get(event.event_id.as_str()) else {
                return Ok(Some(format!(
                    "event {}: it should not be there, for its delivery {} does not say it",
                    event.event_id, delivery.id
                )));
            };
            if event.platform != delivery.platform {
                return Ok(Some(format!(
                    "event {}: platform_id should be {} as that of its delivery {}, and is {}",
                    event.event_id, delivery.platform.0, delivery.id, event.platform.0
                )));
            }
            if let Some((field, should, stands)) = first_difference(&fields_of(result), &event.fields) {
                return Ok(Some(format!(
                    "event {}: {field} should be {should} as its delivery {} says, and is {stands}",
                    event.event_id, delivery.id
                )));
            }
        }
        self.missing(snapshot, delivery, says, own).await
    }

    /// The first result of a delivery that is missing in the store, or that counts though it should be pending.
    async fn missing(
        &self,
        snapshot: &Snapshot,
        delivery: &StoredBytes,
        says: &Says,
        own: &Own<'_>,
    ) -> Result<Option<String>, StoreError> {
        let stored: BTreeSet<&str> = own.events.iter().map(|event| event.event_id.as_str()).collect();
        let satisfied = satisfied(says, own);
        let missing: BTreeSet<(PlatformId, &str)> = expected(says, own)
            .map(|result| result.event_id.as_str())
            .filter(|event_id| !stored.contains(event_id))
            .map(|event_id| (delivery.platform, event_id))
            .collect();
        if missing.is_empty() && satisfied.is_empty() {
            return Ok(None);
        }
        let connection = snapshot.connection();
        let elsewhere = rereading::events_named(connection, &missing).await?;
        let elsewhere: BTreeSet<&str> = elsewhere.iter().map(|event| event.event_id.as_str()).collect();
        let registrations: BTreeSet<(PlatformId, Uuid)> =
            satisfied.values().map(|registration| (delivery.platform, *registration)).collect();
        let done = rereading::done_among(connection, &registrations).await?;
        let held = rereading::pending_among(connection, &registrations).await?;
        for result in expected(says, own) {
            let event_id = result.event_id.as_str();
            let is_stored = stored.contains(event_id) || elsewhere.contains(event_id);
            let registration = satisfied.get(event_id).map(|registration| (delivery.platform, *registration));
            let difference = match registration {
                None if !is_stored => "it should be there as its delivery says, and is gone",
                Some(registration) if !done.contains(&registration) && stored.contains(event_id) => {
                    "it should be held, for nothing was done in its registration, and counts"
                }
                Some(registration) if !is_stored && done.contains(&registration) => {
                    "it should count, for something was done in its registration, and is gone"
                }
                Some(registration) if !is_stored && !held.contains(&registration) => {
                    "it should be held until something is done in its registration, and is gone"
                }
                _ => continue,
            };
            return Ok(Some(format!("event {event_id} of delivery {}: {difference}", delivery.id)));
        }
        Ok(None)
    }
}

/// The results of a delivery that must be stored: all, except those of statements that another delivery contained
/// first.
fn expected<'s>(says: &'s Says, own: &'s Own<'_>) -> impl Iterator<Item = &'s ReportedResult> {
    let of_statements = says.statements().iter().filter(|reported| own.has_statement(reported.id));
    let of_statements =
        of_statements.flat_map(|reported| says.results().get(reported.results.clone()).unwrap_or_default());
    let all = matches!(says, Says::Results(_)).then(|| says.results().iter()).into_iter().flatten();
    all.chain(of_statements)
}

/// The results that are pending until something is done, with their registrations.
fn satisfied<'s>(says: &'s Says, own: &Own<'_>) -> BTreeMap<&'s str, Uuid> {
    let mut satisfied = BTreeMap::new();
    for reported in says.statements().iter().filter(|reported| own.has_statement(reported.id)) {
        if let Some(Cmi5Progress::Satisfied(registration)) = reported.progress {
            let results = says.results().get(reported.results.clone()).unwrap_or_default();
            satisfied.extend(results.iter().map(|result| (result.event_id.as_str(), registration)));
        }
    }
    satisfied
}

/// What a delivery says by a reader, as if it arrived at an instant.
fn read(delivery: &StoredBytes, known: &Known, reader: &Reader, arrival: Arrival) -> Says {
    let headers = StoredHeaders::parse(&delivery.headers);
    let request = RawRequest {
        key: &delivery.key,
        platform: known.platform.code.as_str(),
        headers: headers.headers(),
        content_type: &delivery.content_type,
        body: &delivery.body,
        zone: known.platform.time_zone,
        arrival,
    };
    reader.understand(&request).into()
}

/// The first field that differs: its name, what it should be, and what it is.
fn first_difference<'f>(should: &'f Fields, stands: &'f Fields) -> Option<(&'static str, &'f str, &'f str)> {
    let mut pairs = should.iter().zip(stands);
    pairs
        .find(|(should, stands)| should != stands)
        .map(|(should, stands)| (should.0, should.1.as_str(), stands.1.as_str()))
}

/// What is stored of some deliveries.
#[derive(Default)]
struct Page {
    events: HashMap<i64, Vec<StoredEvent>>,
    statements: HashMap<i64, Vec<StoredStatement>>,
    attachments: HashMap<i64, Vec<String>>,
    without: HashMap<i64, Vec<StoredWithout>>,
}

/// What is stored of one delivery.
struct Own<'p> {
    events: Vec<&'p StoredEvent>,
    statements: Vec<&'p StoredStatement>,
    attachments: &'p [String],
    without: &'p [StoredWithout],
}

impl Page {
    async fn read(connection: &impl Connection, deliveries: &[StoredBytes]) -> Result<Self, StoreError> {
        let ids: Vec<i64> = deliveries.iter().map(|delivery| delivery.id).collect();
        let mut page = Self::default();
        for event in rereading::events_of(connection, &ids).await? {
            page.events.entry(event.delivery).or_default().push(event);
        }
        for statement in rereading::statements_of(connection, &ids).await? {
            page.statements.entry(statement.delivery).or_default().push(statement);
        }
        for (delivery, attachment) in rereading::attachments_of(connection, &ids).await? {
            page.attachments.entry(delivery).or_default().push(attachment);
        }
        for without in without::of_deliveries(connection, &ids).await? {
            page.without.entry(without.delivery).or_default().push(without);
        }
        Ok(page)
    }

    fn of(&self, delivery: i64) -> Own<'_> {
        Own {
            events: self.events.get(&delivery).into_iter().flatten().collect(),
            statements: self.statements.get(&delivery).into_iter().flatten().collect(),
            attachments: self.attachments.get(&delivery).map(Vec::as_slice).unwrap_or_default(),
            without: self.without.get(&delivery).map(Vec::as_slice).unwrap_or_default(),
        }
    }
}

impl Own<'_> {
    fn has_statement(&self, id: Uuid) -> bool {
        self.statements.iter().any(|statement| statement.id == id)
    }

    /// The first statement or attachment whose stored form differs from what the delivery says.
    fn statements_differ(&self, delivery: &StoredBytes, says: &Says) -> Option<String> {
        let reported: HashMap<Uuid, &NewStatement> =
            says.statements().iter().map(|reported| (reported.id, reported)).collect();
        for statement in &self.statements {
            let Some(reported) = reported.get(&statement.id) else {
                return Some(format!(
                    "statement {}: it should not be there, for its delivery {} does not say it",
                    statement.id, delivery.id
                ));
            };
            if let Some((field, should, stands)) =
                first_difference(&rereading::fields_of_statement(reported), &statement.fields)
            {
                return Some(format!(
                    "statement {}: {field} should be {should} as its delivery {} says, and is {stands}",
                    statement.id, delivery.id
                ));
            }
        }
        for stored in self.without {
            let should = reported.get(&stored.statement).and_then(|reported| without::said(reported));
            if should != stored.stored {
                return Some(format!(
                    "statement {}: what it gives no result of should be {should:?} as its delivery {} says, and is {:?}",
                    stored.statement, delivery.id, stored.stored
                ));
            }
        }
        let Says::Statements { attachments, .. } = says else { return None };
        // A delivery without a new statement does not move attachments.
        if self.statements.is_empty() || attachments.as_slice() == self.attachments {
            return None;
        }
        let places = attachments.iter().map(Some).chain(std::iter::repeat(None));
        let stands = self.attachments.iter().map(Some).chain(std::iter::repeat(None));
        let count = attachments.len().max(self.attachments.len());
        let differing = places.zip(stands).take(count).find(|(should, stands)| should != stands);
        let shown = |text: Option<&String>| text.map_or("nothing", String::as_str).to_owned();
        differing.map(|(should, stands)| {
            format!(
                "delivery {}: an attachment should be {} as its bytes say, and is {}",
                delivery.id,
                shown(should),
                shown(stands)
            )
        })
    }
}
