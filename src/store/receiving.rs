//! Deliveries in: many at once in one transaction, each with its own answer.
//!
//! Concurrent requests share a commit (group commit): what `receive` is given becomes durable together. For every
//! delivery it tells new from known from contradicting, keeps the bytes, records the results, links them, and marks
//! whose standing they touch; all of it or nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Set};
use sha2::{Digest, Sha256};

use super::clock::Change;
use super::entities::{delivery, event, learner, stale};
use super::links::{LinkIndex, LinkOrders, index_for};
use super::platforms::link_orders;
use super::rows::{IN_AT_ONCE, insert_all, padded};
use super::{Store, StoreError, instant};
use crate::domain::calendar::CityCalendar;
use crate::domain::ids::{EmployeeId, EventId, PlatformId};
use crate::domain::linking::{Identity, LearnerKeys, Link};
use crate::domain::training::{ReportedResult, ResultKind, Score, Target};

/// A delivery whose sender has proved who it is.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub platform: PlatformId,
    /// The sender's id of it (Standard Webhooks' `webhook-id`); unique within the platform.
    pub key: EventId,
    pub content_type: String,
    /// What was verified beside the body, as JSON.
    pub headers: String,
    pub body: Vec<u8>,
    pub content: Content,
}

/// What a delivery was understood to say.
#[derive(Debug, Clone)]
pub enum Content {
    Results(Vec<ReportedResult>),
    /// Nothing that concerns Kurskoll: kept and ignored.
    Nothing,
    NotUnderstood {
        /// Where in the body (RFC 6901).
        pointer: String,
        problem: String,
    },
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// It is kept. `new` results of it were not known before; `linked` where every result is somebody's.
    Accepted {
        new: usize,
        linked: bool,
    },
    /// The same delivery is already kept.
    Duplicate {
        linked: bool,
    },
    Ignored,
    /// Another delivery with the same id is kept; that one stays.
    Conflict,
    /// One of its results has the id of another delivery's result.
    EventConflict(EventId),
    Quarantined {
        delivery: i64,
        pointer: String,
        problem: String,
    },
}

/// Where the next id of a change comes from.
struct Ids(i64);

impl Ids {
    fn next(&mut self) -> i64 {
        self.0 += 1;
        self.0 - 1
    }
}

/// A learner as the batch sees it.
struct LearnerAt {
    id: i64,
    depends_on_day: bool,
    employee: Option<EmployeeId>,
    unlinked: Option<String>,
    /// Whether no batch before this one named it.
    is_new: bool,
}

/// What makes a result the same thing told twice, down to what it says.
#[derive(PartialEq, Eq, Hash)]
struct Told {
    learner: i64,
    kind: &'static str,
    course: Option<String>,
    quiz: Option<String>,
    attempt: Option<i32>,
    occurred_at: i64,
    score: Option<(String, String)>,
    passed: Option<bool>,
    revokes: Option<String>,
}

impl Told {
    fn of(learner: i64, result: &ReportedResult) -> Self {
        let (course, quiz) = match &result.target {
            Target::Course(course) => (Some(course.to_string()), None),
            Target::Quiz(quiz) => (None, Some(quiz.to_string())),
        };
        let mut told = Self {
            learner,
            kind: "completion",
            course,
            quiz,
            attempt: None,
            occurred_at: instant::kept(result.occurred_at),
            score: None,
            passed: None,
            revokes: None,
        };
        match &result.kind {
            ResultKind::Completion => {}
            ResultKind::Attempt { number, score, passed } => {
                told.kind = "attempt";
                told.attempt = number.and_then(|number| i32::try_from(number).ok());
                told.score = score.as_ref().map(kept_score);
                told.passed = *passed;
            }
            ResultKind::Revocation { event_id } => {
                told.kind = "revocation";
                told.revokes = event_id.as_ref().map(ToString::to_string);
            }
        }
        told
    }

    fn of_row(row: &event::Model) -> Self {
        let kind = match row.kind.as_str() {
            "attempt" => "attempt",
            "revocation" => "revocation",
            _ => "completion",
        };
        Self {
            learner: row.learner_id,
            kind,
            course: row.course_id.clone(),
            quiz: row.quiz_id.clone(),
            attempt: row.attempt,
            occurred_at: row.occurred_at,
            score: row.score_points.clone().zip(row.score_of.clone()),
            passed: row.passed,
            revokes: row.revokes_event_id.clone(),
        }
    }
}

fn kept_score(score: &Score) -> (String, String) {
    (score.points().normalize().to_string(), score.of().normalize().to_string())
}

/// By which a set of keys is found again.
fn fingerprint(keys: &LearnerKeys) -> Vec<u8> {
    let mut digest = Sha256::new();
    for identity in keys.identities() {
        for part in [identity.key.as_str(), &identity.value, &identity.home_page] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
    }
    digest.finalize()[..16].to_vec()
}

/// One delivery of the batch on its way.
struct Entry<'a> {
    delivery: &'a Delivery,
    id: i64,
    /// Whether the delivery is kept already, in quarantine, and now understood.
    released: bool,
}

impl Store {
    /// Keeps a batch of deliveries; when it returns, all that it answers is durable.
    ///
    /// The answers stand in the order of the deliveries.
    pub async fn receive(
        &self,
        batch: &[Delivery],
        calendar: CityCalendar,
        now: DateTime<Utc>,
    ) -> Result<Vec<Received>, StoreError> {
        let results: usize = batch.iter().map(|delivery| delivery.content.results().len()).sum();
        // At the most one id each for a delivery, a learner and an event.
        let ids = i64::try_from(batch.len() + 2 * results).unwrap_or(i64::MAX);
        let change = self.change_reserving(now, ids).await?;
        let orders = link_orders(change.connection()).await?;
        let answers = receive_in(&change, batch, &orders, calendar).await?;
        change.commit().await?;
        Ok(answers)
    }
}

impl Delivery {
    /// The ids of its events that are not its own.
    fn foreign_event_ids(&self) -> impl Iterator<Item = &EventId> {
        self.content.results().iter().map(|result| &result.event_id).filter(|event_id| **event_id != self.key)
    }
}

impl Content {
    fn results(&self) -> &[ReportedResult] {
        match self {
            Self::Results(results) => results,
            Self::Nothing | Self::NotUnderstood { .. } => &[],
        }
    }
}

async fn receive_in(
    change: &Change,
    batch: &[Delivery],
    orders: &LinkOrders,
    calendar: CityCalendar,
) -> Result<Vec<Received>, StoreError> {
    let mut ids = Ids(change.first_id());
    let mut answers: Vec<Option<Received>> = vec![None; batch.len()];
    let known = known_deliveries(change, batch).await?;
    let known_events = known_event_ids(change, batch).await?;

    let mut first: HashMap<(PlatformId, &EventId), usize> = HashMap::new();
    let mut told_here: HashSet<(PlatformId, &EventId)> = HashSet::new();
    let mut repeated: Vec<usize> = Vec::new();
    let mut entries: Vec<(usize, Entry<'_>)> = Vec::new();
    for (place, delivery) in batch.iter().enumerate() {
        let kept = known.get(&(delivery.platform.0, delivery.key.to_string()));
        match kept {
            Some(kept) if kept.body != delivery.body => {
                answers[place] = Some(Received::Conflict);
                continue;
            }
            Some(kept) if kept.outcome != "quarantined" => {
                let linked = is_linked(change, kept.id).await?;
                answers[place] = Some(Received::Duplicate { linked });
                continue;
            }
            _ => {}
        }
        let name = (delivery.platform, &delivery.key);
        if let Some(earlier) = first.get(&name) {
            // Twice in one batch: the first of them decides.
            if batch[*earlier].body == delivery.body {
                repeated.push(place);
            } else {
                answers[place] = Some(Received::Conflict);
            }
            continue;
        }
        first.insert(name, place);
        let entry = match kept {
            Some(kept) => Entry { delivery, id: kept.id, released: true },
            None => Entry { delivery, id: ids.next(), released: false },
        };
        let taken = delivery.content.results().iter().map(|result| &result.event_id).find(|event_id| {
            known_events.contains(&(delivery.platform.0, event_id.to_string()))
                || told_here.contains(&(delivery.platform, *event_id))
        });
        if let Some(taken) = taken {
            answers[place] = Some(Received::EventConflict(taken.clone()));
            continue;
        }
        told_here.extend(delivery.content.results().iter().map(|result| (delivery.platform, &result.event_id)));
        entries.push((place, entry));
    }

    keep_deliveries(change, &entries).await?;
    let learners = learners_of(change, &entries, orders, calendar, &mut ids).await?;
    let outcomes = keep_events(change, &entries, &learners, orders, calendar, &mut ids).await?;
    for ((place, _), outcome) in entries.iter().zip(outcomes) {
        answers[*place] = Some(outcome);
    }
    for place in repeated {
        let delivery = &batch[place];
        let earlier = first.get(&(delivery.platform, &delivery.key)).and_then(|earlier| answers[*earlier].clone());
        answers[place] = earlier.map(|earlier| match earlier {
            Received::Accepted { linked, .. } => Received::Duplicate { linked },
            Received::Ignored => Received::Duplicate { linked: false },
            other => other,
        });
    }
    Ok(answers.into_iter().map(|answer| answer.unwrap_or(Received::Conflict)).collect())
}

/// The deliveries that are kept already under the ids of a batch.
async fn known_deliveries(
    change: &Change,
    batch: &[Delivery],
) -> Result<HashMap<(i64, String), delivery::Model>, StoreError> {
    let keys: BTreeSet<&str> = batch.iter().map(|delivery| delivery.key.as_str()).collect();
    let keys: Vec<&str> = keys.into_iter().collect();
    let platforms: BTreeSet<i64> = batch.iter().map(|delivery| delivery.platform.0).collect();
    let mut known = HashMap::new();
    for keys in keys.chunks(IN_AT_ONCE) {
        let rows = delivery::Entity::find()
            .filter(delivery::Column::PlatformId.is_in(platforms.iter().copied()))
            .filter(delivery::Column::DeliveryKey.is_in(padded(keys)));
        for row in rows.all(change.connection()).await? {
            known.insert((row.platform_id, row.delivery_key.clone()), row);
        }
    }
    Ok(known)
}

/// The event ids of a batch that kept deliveries have used. One event under its delivery's own id needs no look: no
/// delivery of several events has an id that another delivery could have.
async fn known_event_ids(change: &Change, batch: &[Delivery]) -> Result<HashSet<(i64, String)>, StoreError> {
    let ids: BTreeSet<&str> = batch.iter().flat_map(Delivery::foreign_event_ids).map(EventId::as_str).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let platforms: BTreeSet<i64> = batch.iter().map(|delivery| delivery.platform.0).collect();
    let mut known = HashSet::new();
    for ids in ids.chunks(IN_AT_ONCE) {
        let rows: Vec<(i64, String)> = event::Entity::find()
            .select_only()
            .columns([event::Column::PlatformId, event::Column::EventId])
            .filter(event::Column::PlatformId.is_in(platforms.iter().copied()))
            .filter(event::Column::EventId.is_in(padded(ids)))
            .into_tuple()
            .all(change.connection())
            .await?;
        known.extend(rows);
    }
    Ok(known)
}

/// Whether a kept delivery has results and every one of them is somebody's.
async fn is_linked(change: &Change, delivery: i64) -> Result<bool, StoreError> {
    let owners: Vec<Option<i64>> = event::Entity::find()
        .select_only()
        .column(event::Column::EmployeeId)
        .filter(event::Column::DeliveryId.eq(delivery))
        .into_tuple()
        .all(change.connection())
        .await?;
    Ok(!owners.is_empty() && owners.iter().all(Option::is_some))
}

async fn keep_deliveries(change: &Change, entries: &[(usize, Entry<'_>)]) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    for (_, entry) in entries {
        let delivery = entry.delivery;
        let (outcome, problem, pointer) = match &delivery.content {
            Content::Results(_) => ("accepted", None, None),
            Content::Nothing => ("ignored", None, None),
            Content::NotUnderstood { pointer, problem } => {
                ("quarantined", Some(problem.clone()), Some(pointer.clone()))
            }
        };
        if entry.released {
            let mut update =
                delivery::ActiveModel { id: Set(entry.id), outcome: Set(outcome.to_owned()), ..Default::default() };
            if problem.is_some() {
                update.problem = Set(problem);
                update.problem_pointer = Set(pointer);
            } else {
                // The problem stays as a record of why it waited.
                update.released_at = Set(Some(change.at()));
            }
            delivery::Entity::update(update).exec(change.connection()).await?;
            continue;
        }
        rows.push(delivery::ActiveModel {
            id: Set(entry.id),
            platform_id: Set(delivery.platform.0),
            delivery_key: Set(delivery.key.to_string()),
            content_type: Set(delivery.content_type.clone()),
            headers: Set(delivery.headers.clone()),
            body: Set(delivery.body.clone()),
            outcome: Set(outcome.to_owned()),
            problem: Set(problem),
            problem_pointer: Set(pointer),
            received_at: Set(change.at()),
            released_at: Set(None),
        });
    }
    Ok(insert_all(change.connection(), rows).await?)
}

/// By which a learner is found: the platform, and the fingerprint of the keys.
type LearnerName = (PlatformId, Vec<u8>);

type Learners = HashMap<LearnerName, LearnerAt>;

/// Finds the learners of a batch; those who are new are linked and kept.
async fn learners_of(
    change: &Change,
    entries: &[(usize, Entry<'_>)],
    orders: &LinkOrders,
    calendar: CityCalendar,
    ids: &mut Ids,
) -> Result<Learners, StoreError> {
    let mut wanted: BTreeMap<LearnerName, (&LearnerKeys, DateTime<Utc>)> = BTreeMap::new();
    for (_, entry) in entries {
        for result in entry.delivery.content.results() {
            let name = (entry.delivery.platform, fingerprint(&result.learner));
            wanted.entry(name).or_insert((&result.learner, result.occurred_at));
        }
    }
    let mut learners = Learners::with_capacity(wanted.len());
    let prints: Vec<Vec<u8>> = wanted.keys().map(|(_, print)| print.clone()).collect();
    for prints in prints.chunks(IN_AT_ONCE) {
        let rows = learner::Entity::find().filter(learner::Column::Fingerprint.is_in(padded(prints)));
        for row in rows.all(change.connection()).await? {
            let at = LearnerAt {
                id: row.id,
                depends_on_day: row.depends_on_day,
                employee: row.employee_id.map(EmployeeId),
                unlinked: row.unlinked,
                is_new: false,
            };
            learners.insert((PlatformId(row.platform_id), row.fingerprint), at);
        }
    }
    wanted.retain(|name, _| !learners.contains_key(name));
    if wanted.is_empty() {
        return Ok(learners);
    }
    let identities: BTreeSet<Identity> = wanted.values().flat_map(|(keys, _)| keys.identities()).collect();
    let index = index_for(change.connection(), &identities).await?;
    let mut rows = Vec::with_capacity(wanted.len());
    for ((platform, print), (keys, occurred_at)) in wanted {
        let order = orders.get(&platform).map_or(&[][..], Vec::as_slice);
        let link = index.link(platform, order, keys, calendar.day_of(occurred_at));
        let row = learner_row(ids.next(), platform, print.clone(), keys, &index, link, change.at());
        let at = LearnerAt {
            id: *row.id.as_ref(),
            depends_on_day: *row.depends_on_day.as_ref(),
            employee: link.employee(),
            unlinked: row.unlinked.as_ref().clone(),
            is_new: true,
        };
        learners.insert((platform, print), at);
        rows.push(row);
    }
    insert_all(change.connection(), rows).await?;
    Ok(learners)
}

fn learner_row(
    id: i64,
    platform: PlatformId,
    print: Vec<u8>,
    keys: &LearnerKeys,
    index: &LinkIndex,
    link: Link,
    at: i64,
) -> learner::ActiveModel {
    let depends_on_day = index.depends_on_the_day(platform, keys);
    let (employee, key, unlinked) = link_columns(link);
    learner::ActiveModel {
        id: Set(id),
        platform_id: Set(platform.0),
        fingerprint: Set(print),
        employee_number: Set(keys.employee_number.as_ref().map(ToString::to_string)),
        email: Set(keys.email.clone()),
        username: Set(keys.username.clone()),
        account_home_page: Set(keys.account.as_ref().map(|account| account.home_page.clone())),
        account_name: Set(keys.account.as_ref().map(|account| account.name.clone())),
        recorded_at: Set(at),
        depends_on_day: Set(depends_on_day),
        // Where the day decides, each event has its own link.
        employee_id: Set(employee.filter(|_| !depends_on_day)),
        link_key: Set(key.filter(|_| !depends_on_day)),
        unlinked: Set(unlinked.filter(|_| !depends_on_day)),
    }
}

/// The columns that a link is kept in: whose, by which key, and why nobody's.
pub(super) fn link_columns(link: Link) -> (Option<i64>, Option<String>, Option<String>) {
    match link {
        Link::To { employee, by } => (Some(employee.0), Some(by.as_str().to_owned()), None),
        Link::None(why) => (None, None, Some(why.as_str().to_owned())),
    }
}

/// Records the results of a batch and marks whose standing they touch; answers for each entry what became of it.
async fn keep_events(
    change: &Change,
    entries: &[(usize, Entry<'_>)],
    learners: &Learners,
    orders: &LinkOrders,
    calendar: CityCalendar,
    ids: &mut Ids,
) -> Result<Vec<Received>, StoreError> {
    let mut told = told_before(change, entries, learners).await?;
    let by_day = index_for_those_that_depend_on_the_day(change, entries, learners).await?;
    let mut rows = Vec::new();
    let mut touched: BTreeSet<EmployeeId> = BTreeSet::new();
    let mut revoked: BTreeSet<(i64, String)> = BTreeSet::new();
    let mut outcomes = Vec::with_capacity(entries.len());
    for (_, entry) in entries {
        let platform = entry.delivery.platform;
        let results = match &entry.delivery.content {
            Content::Results(results) => results,
            Content::Nothing => {
                outcomes.push(Received::Ignored);
                continue;
            }
            Content::NotUnderstood { pointer, problem } => {
                outcomes.push(Received::Quarantined {
                    delivery: entry.id,
                    pointer: pointer.clone(),
                    problem: problem.clone(),
                });
                continue;
            }
        };
        let (mut new, mut linked) = (0, !results.is_empty());
        for result in results {
            let Some(learner) = learners.get(&(platform, fingerprint(&result.learner))) else { continue };
            let (employee, unlinked) = if learner.depends_on_day {
                let order = orders.get(&platform).map_or(&[][..], Vec::as_slice);
                let day = calendar.day_of(result.occurred_at);
                let (employee, _, unlinked) = link_columns(by_day.link(platform, order, &result.learner, day));
                (employee.map(EmployeeId), unlinked)
            } else {
                (learner.employee, learner.unlinked.clone())
            };
            let telling = Told::of(learner.id, result);
            if let Some(revokes) = &telling.revokes {
                revoked.insert((platform.0, revokes.clone()));
            }
            let row = event_row(ids.next(), entry.id, platform, result, &telling, change.at());
            let repeats = !told.insert(telling);
            new += usize::from(!repeats);
            linked &= employee.is_some();
            touched.extend(employee);
            rows.push(event::ActiveModel {
                repeats: Set(repeats),
                employee_id: Set(employee.map(|employee| employee.0)),
                unlinked: Set(unlinked),
                ..row
            });
        }
        outcomes.push(if new == 0 { Received::Duplicate { linked } } else { Received::Accepted { new, linked } });
    }
    insert_all(change.connection(), rows).await?;
    touched.extend(owners_of(change, revoked).await?);
    mark_stale(change.connection(), touched).await?;
    Ok(outcomes)
}

fn event_row(
    id: i64,
    delivery: i64,
    platform: PlatformId,
    result: &ReportedResult,
    telling: &Told,
    at: i64,
) -> event::ActiveModel {
    let (points, of) = telling.score.clone().unzip();
    event::ActiveModel {
        id: Set(id),
        delivery_id: Set(delivery),
        platform_id: Set(platform.0),
        learner_id: Set(telling.learner),
        event_id: Set(result.event_id.to_string()),
        kind: Set(telling.kind.to_owned()),
        course_id: Set(telling.course.clone()),
        quiz_id: Set(telling.quiz.clone()),
        attempt: Set(telling.attempt),
        occurred_at: Set(telling.occurred_at),
        score_points: Set(points),
        score_of: Set(of),
        passed: Set(telling.passed),
        revokes_event_id: Set(telling.revokes.clone()),
        reason: Set(result.reason.clone()),
        recorded_at: Set(at),
        ..Default::default()
    }
}

/// What learners of a batch were said to have done before, at the instants of which the batch speaks.
async fn told_before(
    change: &Change,
    entries: &[(usize, Entry<'_>)],
    learners: &Learners,
) -> Result<HashSet<Told>, StoreError> {
    let mut asked: BTreeSet<(i64, i64)> = BTreeSet::new();
    for (_, entry) in entries {
        for result in entry.delivery.content.results() {
            let learner = learners.get(&(entry.delivery.platform, fingerprint(&result.learner)));
            if let Some(learner) = learner.filter(|learner| !learner.is_new) {
                asked.insert((learner.id, instant::kept(result.occurred_at)));
            }
        }
    }
    let asked: Vec<(i64, i64)> = asked.into_iter().collect();
    let mut told = HashSet::new();
    for asked in asked.chunks(IN_AT_ONCE) {
        let rows = event::Entity::find()
            .filter(event::Column::LearnerId.is_in(padded(asked).map(|(learner, _)| learner)))
            .filter(event::Column::OccurredAt.is_in(padded(asked).map(|(_, at)| at)));
        told.extend(rows.all(change.connection()).await?.iter().map(Told::of_row));
    }
    Ok(told)
}

async fn index_for_those_that_depend_on_the_day(
    change: &Change,
    entries: &[(usize, Entry<'_>)],
    learners: &Learners,
) -> Result<LinkIndex, StoreError> {
    let mut identities: BTreeSet<Identity> = BTreeSet::new();
    for (_, entry) in entries {
        for result in entry.delivery.content.results() {
            let learner = learners.get(&(entry.delivery.platform, fingerprint(&result.learner)));
            if learner.is_some_and(|learner| learner.depends_on_day) {
                identities.extend(result.learner.identities());
            }
        }
    }
    if identities.is_empty() { Ok(LinkIndex::default()) } else { index_for(change.connection(), &identities).await }
}

/// Whose the events are that somebody revokes.
async fn owners_of(change: &Change, revoked: BTreeSet<(i64, String)>) -> Result<Vec<EmployeeId>, StoreError> {
    let revoked: Vec<(i64, String)> = revoked.into_iter().collect();
    let mut owners = Vec::new();
    for revoked in revoked.chunks(IN_AT_ONCE) {
        let rows: Vec<Option<i64>> = event::Entity::find()
            .select_only()
            .column(event::Column::EmployeeId)
            .filter(event::Column::PlatformId.is_in(revoked.iter().map(|(platform, _)| *platform)))
            .filter(event::Column::EventId.is_in(revoked.iter().map(|(_, event_id)| event_id.clone())))
            .into_tuple()
            .all(change.connection())
            .await?;
        owners.extend(rows.into_iter().flatten().map(EmployeeId));
    }
    Ok(owners)
}

/// Notes that the derived rows of some employees are to be made anew.
pub(super) async fn mark_stale(
    connection: &impl ConnectionTrait,
    employees: impl IntoIterator<Item = EmployeeId>,
) -> Result<(), StoreError> {
    let rows = employees
        .into_iter()
        .map(|employee| stale::ActiveModel { employee_id: Set(employee.0), ..Default::default() })
        .collect();
    Ok(insert_all(connection, rows).await?)
}
