//! What becomes of a batch: decided from what is known, without the database.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::known::{DuplicateKey, Known, KnownEvent, KnownLearner, LearnerName, fingerprint};
use super::pending::{Pending, PendingRow};
use super::statements::{AttachmentRow, StatementRow};
use super::without::WithoutResultRow;
use super::writing::{DeliveryRow, EventRow, LearnerRow, Release, Rows};
use crate::domain::calendar::CityCalendar;
use crate::domain::ids::{EmployeeId, EventId, PlatformId};
use crate::domain::linking::{Link, Unlinked};
use crate::domain::receiving::{Again, Cmi5Progress, Content, Delivery, FILE_TYPE, NewStatement, Received};
use crate::domain::training::ReportedResult;
use crate::store::chain::alterations::AlterationRow;
use crate::store::platform_health::{PULLED, SENT};

/// The answers in the order of the deliveries, and what is to be written for them to be true.
pub struct Decided<'a> {
    pub answers: Vec<Received>,
    pub rows: Rows<'a>,
    /// The ids of the deliveries that were let in, by their places.
    stored_as: HashMap<usize, i64>,
}

impl Decided<'_> {
    /// The answers, each with what its results amount to.
    pub fn again(&self) -> Vec<Again> {
        let mut counts: HashMap<i64, (u64, u64)> = HashMap::new();
        for row in self.rows.events.iter().filter(|row| row.is_new) {
            let (new, linked) = counts.entry(row.delivery_id).or_default();
            *new += 1;
            *linked += u64::from(row.employee_id.is_some());
        }
        let again = |place: usize, received: &Received| {
            let counted = self.stored_as.get(&place).and_then(|id| counts.get(id));
            let (new, linked) = counted.copied().unwrap_or_default();
            Again { received: received.clone(), new, linked }
        };
        self.answers.iter().enumerate().map(|(place, received)| again(place, received)).collect()
    }
}

/// One delivery of the batch on its way.
struct Entry<'a> {
    place: usize,
    delivery: &'a Delivery,
    id: i64,
    /// Its statements that were not known before.
    statements: Vec<&'a NewStatement>,
}

/// A result of this batch that waits for a progress.
struct PendingHere<'a> {
    platform: PlatformId,
    registration: Uuid,
    delivery: i64,
    result: &'a ReportedResult,
}

/// Where the next id of a change comes from.
struct Ids(i64);

impl Ids {
    fn next(&mut self) -> i64 {
        self.0 += 1;
        self.0 - 1
    }
}

/// At the most one id each for a delivery, a statement, an attachment, a learner, an event and a result that is held.
pub fn ids_for(batch: &[Delivery]) -> i64 {
    let results: usize = batch.iter().map(|delivery| delivery.content.results().len()).sum();
    let stored = |delivery: &Delivery| delivery.content.statements().len() + delivery.content.attachments().len();
    let statements: usize = batch.iter().map(stored).sum();
    i64::try_from(batch.len() + 3 * results + statements).unwrap_or(i64::MAX)
}

/// Decides about a batch that is received at the instant `at`, from what was known just before.
pub fn decide<'a>(
    batch: &'a [Delivery],
    held: &'a Pending,
    known: Known,
    at: i64,
    first_id: i64,
    calendar: CityCalendar,
) -> Decided<'a> {
    let mut deciding = Deciding::of(known, held, (at, first_id), calendar);
    let mut answers: Vec<Option<Received>> = vec![None; batch.len()];
    let mut first: HashMap<(PlatformId, &EventId), usize> = HashMap::new();
    let mut repeated: Vec<usize> = Vec::new();
    let entries = deciding.deduplicate(batch, &mut answers, &mut first, &mut repeated);
    for entry in &entries {
        answers[entry.place] = Some(deciding.take(entry));
    }
    for place in repeated {
        let delivery = &batch[place];
        let earlier = first.get(&(delivery.platform, &delivery.key)).and_then(|earlier| answers[*earlier].clone());
        answers[place] = earlier.map(|earlier| match earlier {
            Received::Accepted { linked, is_doubtful, .. } | Received::Duplicate { linked, is_doubtful, .. } => {
                Received::Duplicate { linked, is_doubtful, is_stored: false }
            }
            Received::Ignored => Received::Duplicate { linked: false, is_doubtful: false, is_stored: false },
            other => other,
        });
    }
    Decided {
        answers: answers.into_iter().map(|answer| answer.unwrap_or(Received::Conflict)).collect(),
        rows: deciding.rows,
        stored_as: entries.iter().map(|entry| (entry.place, entry.id)).collect(),
    }
}

/// What becomes of a part of a file.
pub struct DecidedPart<'a> {
    pub rows: Rows<'a>,
    /// One for each result.
    pub results: Vec<DecidedResult>,
    /// The first id that was not given away.
    pub next_id: i64,
}

/// What becomes of one result of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedResult {
    /// Nobody had told it.
    New { is_linked: bool },
    /// It is known, under this id or another.
    Known,
    /// Its id is that of a result that says otherwise.
    KnownOtherwise,
}

/// Decides about a part of a file, whose results belong to the delivery with the id `stored_as`.
pub fn decide_part<'a>(
    (part, held): (&'a Delivery, &'a Pending),
    stored_as: i64,
    known: Known,
    (at, first_id): (i64, i64),
    calendar: CityCalendar,
) -> DecidedPart<'a> {
    let mut deciding = Deciding::of(known, held, (at, first_id), calendar);
    let decide = |result: &'a ReportedResult| match deciding.event_of(part.platform, result) {
        Some(known) if known.says(result) => DecidedResult::Known,
        Some(_) => DecidedResult::KnownOtherwise,
        None => match deciding.record(part, stored_as, result) {
            (employee, true) => DecidedResult::New { is_linked: employee.is_some() },
            (_, false) => DecidedResult::Known,
        },
    };
    let results = part.content.results().iter().map(decide).collect();
    DecidedPart { rows: deciding.rows, results, next_id: deciding.ids.0 }
}

/// Decides about the results of deliveries that are kept already, and read again, each with the delivery's id: what is known of them stays.
pub fn decide_again<'a>(
    batch: &'a [(i64, Delivery)],
    held: &'a Pending,
    known: Known,
    (at, first_id): (i64, i64),
    calendar: CityCalendar,
) -> (Rows<'a>, Vec<Vec<DecidedResult>>) {
    let mut deciding = Deciding::of(known, held, (at, first_id), calendar);
    let mut decided = Vec::with_capacity(batch.len());
    for (stored_as, delivery) in batch {
        let decide = |result: &'a ReportedResult| match deciding
            .event_of(delivery.platform, result)
            .map(|known| known.says(result))
        {
            Some(true) => DecidedResult::Known,
            Some(false) => DecidedResult::KnownOtherwise,
            None if !deciding.recorded.insert((delivery.platform, &result.event_id)) => DecidedResult::Known,
            None => {
                let (employee, _) = deciding.record(delivery, *stored_as, result);
                DecidedResult::New { is_linked: employee.is_some() }
            }
        };
        decided.push(delivery.content.results().iter().map(decide).collect());
    }
    (deciding.rows, decided)
}

/// How a result arrived that ends a platform's silence: the platform sent it, or it was pulled. Nothing for what ends no silence:
/// a file of history is no word of the platform's, and what is withdrawn or not graded is no result.
fn arrived_by(delivery: &Delivery, result: &ReportedResult) -> Option<&'static str> {
    let is_result = !result.kind.is_revocation() && !result.kind.is_ungraded();
    let way = if delivery.is_pulled { PULLED } else { SENT };
    (is_result && delivery.content_type != FILE_TYPE).then_some(way)
}

struct Deciding<'a> {
    known: Known,
    held: &'a Pending,
    pending_here: Vec<PendingHere<'a>>,
    done_here: HashSet<(PlatformId, Uuid)>,
    at: i64,
    ids: Ids,
    calendar: CityCalendar,
    /// Whether this batch has recorded a revocation.
    revokes_here: bool,
    /// The events of this batch that have other ids than their deliveries.
    recorded: HashSet<(PlatformId, &'a EventId)>,
    rows: Rows<'a>,
}

impl<'a> Deciding<'a> {
    fn of(known: Known, held: &'a Pending, (at, first_id): (i64, i64), calendar: CityCalendar) -> Self {
        Self {
            known,
            held,
            pending_here: Vec::new(),
            done_here: HashSet::new(),
            revokes_here: false,
            recorded: HashSet::new(),
            at,
            ids: Ids(first_id),
            calendar,
            rows: Rows::default(),
        }
    }

    /// The deliveries that are not answered by what is kept, or by an earlier one of the batch.
    fn deduplicate(
        &mut self,
        batch: &'a [Delivery],
        answers: &mut [Option<Received>],
        first: &mut HashMap<(PlatformId, &'a EventId), usize>,
        repeated: &mut Vec<usize>,
    ) -> Vec<Entry<'a>> {
        let mut reported_here: HashMap<(PlatformId, &EventId), &ReportedResult> = HashMap::new();
        let mut entries = Vec::with_capacity(batch.len());
        for (place, delivery) in batch.iter().enumerate() {
            let stored = self.known.deliveries.get(&(delivery.platform, delivery.key.to_string()));
            match stored {
                Some(stored) if stored.body != delivery.body => {
                    answers[place] = Some(Received::Conflict);
                    continue;
                }
                Some(stored) if !stored.is_quarantined => {
                    let linked = stored.linked || self.are_linked(delivery);
                    let mut results = delivery.content.results().iter();
                    let is_doubtful = results.any(|result| self.is_doubtful(delivery.platform, result));
                    answers[place] = Some(Received::Duplicate { linked, is_doubtful, is_stored: false });
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
            let stored = stored.map(|stored| stored.id);
            if let Content::Statements { statements, .. } = delivery.content.taken() {
                match self.new_among(delivery.platform, statements) {
                    Err(taken) => answers[place] = Some(Received::EventConflict(taken)),
                    Ok(new) if new.is_empty() && stored.is_none() => {
                        answers[place] =
                            Some(Received::Duplicate { linked: false, is_doubtful: false, is_stored: false });
                    }
                    Ok(statements) => {
                        let id = stored.unwrap_or_else(|| self.ids.next());
                        self.keep(delivery, id, stored.is_some());
                        entries.push(Entry { place, delivery, id, statements });
                    }
                }
                continue;
            }
            let taken = delivery.content.results().iter().find(|result| {
                let known = self.event_of(delivery.platform, result);
                let earlier = reported_here.get(&(delivery.platform, &result.event_id));
                known.is_some_and(|known| !known.says(result)) || earlier.is_some_and(|earlier| earlier != result)
            });
            if let Some(taken) = taken {
                answers[place] = Some(Received::EventConflict(taken.event_id.clone()));
                continue;
            }
            let results = delivery.content.results().iter();
            reported_here.extend(results.map(|result| ((delivery.platform, &result.event_id), result)));
            let id = stored.unwrap_or_else(|| self.ids.next());
            self.keep(delivery, id, stored.is_some());
            entries.push(Entry { place, delivery, id, statements: Vec::new() });
        }
        entries
    }

    /// The statements that are not kept, which are from now on; or the id of one that is kept and says something else.
    fn new_among(
        &mut self,
        platform: PlatformId,
        statements: &'a [NewStatement],
    ) -> Result<Vec<&'a NewStatement>, EventId> {
        let mut new = Vec::with_capacity(statements.len());
        for reported in statements {
            match self.known.statements.get(&(platform, reported.id)) {
                None => new.push(reported),
                Some(stored) if *stored == reported.digest => {}
                Some(_) => return Err(reported.event_id()),
            }
        }
        self.known.statements.extend(new.iter().map(|reported| ((platform, reported.id), reported.digest)));
        Ok(new)
    }

    /// The kept event that has a result's id.
    fn event_of(&self, platform: PlatformId, result: &ReportedResult) -> Option<&KnownEvent> {
        self.known.events.get(&(platform, result.event_id.to_string()))
    }

    /// Whether a delivery's results are all kept, by whichever door, and somebody's.
    fn are_linked(&self, delivery: &Delivery) -> bool {
        let results = delivery.content.results();
        let is_linked =
            |result: &ReportedResult| self.event_of(delivery.platform, result).is_some_and(|known| known.is_linked);
        !results.is_empty() && results.iter().all(is_linked)
    }

    /// The row of a delivery; `released` where it is kept already, in quarantine, and read again.
    fn keep(&mut self, delivery: &'a Delivery, id: i64, released: bool) {
        let (outcome, problem, problem_pointer) = match &delivery.content {
            Content::Results(_) => ("accepted", None, None),
            Content::Statements { results, .. } if !results.is_empty() => ("accepted", None, None),
            Content::Nothing | Content::Statements { .. } => ("ignored", None, None),
            Content::NotUnderstood { pointer, problem } | Content::Part { pointer, problem, .. } => {
                ("quarantined", Some(problem.as_str()), Some(pointer.as_str()))
            }
        };
        if problem.is_some() {
            let said = [problem, problem_pointer];
            self.rows.alterations.push(AlterationRow::of_texts("delivery", id, &said, self.at));
        }
        if released {
            self.rows.released.push(Release { id, outcome, problem, problem_pointer });
        } else {
            self.rows.deliveries.push(DeliveryRow::new(delivery, id, (outcome, problem, problem_pointer), self.at));
        }
    }

    /// Records the results of a delivery, and says what became of it.
    fn take(&mut self, entry: &Entry<'a>) -> Received {
        let results = match entry.delivery.content.taken() {
            Content::Results(results) => results,
            Content::Statements { results, .. } => return self.take_statements(entry, results),
            Content::Nothing | Content::Part { .. } => return Received::Ignored,
            Content::NotUnderstood { pointer, problem } => {
                return Received::Quarantined {
                    delivery: entry.id,
                    pointer: pointer.clone(),
                    problem: problem.clone(),
                };
            }
        };
        let (mut new, mut linked) = (0, !results.is_empty());
        let (mut is_doubtful, mut is_stored) = (false, false);
        for result in results {
            let platform = entry.delivery.platform;
            is_doubtful |= self.is_doubtful(platform, result);
            // It may come again, among others or from a file of the platform's history: what is known of it stays.
            if let Some(known) = self.event_of(platform, result) {
                linked &= known.is_linked;
                continue;
            }
            let (employee, is_new) = if self.recorded.insert((platform, &result.event_id)) {
                is_stored = true;
                self.record(entry.delivery, entry.id, result)
            } else {
                (self.whose(entry.delivery, result).1, false)
            };
            new += usize::from(is_new);
            linked &= employee.is_some();
        }
        if new == 0 {
            // What says the same as something that is withdrawn may have no effect.
            return Received::Duplicate { linked, is_doubtful: is_doubtful || is_stored, is_stored };
        }
        Received::Accepted { new, linked, is_doubtful }
    }

    /// Whether something that is known could take away what a result says, or the result takes away something itself.
    fn is_doubtful(&self, platform: PlatformId, result: &ReportedResult) -> bool {
        result.kind.is_revocation()
            || self.revokes_here
            || self.known.named.contains(&(platform, result.event_id.to_string()))
            || self.known.revoked.contains(&(platform, fingerprint(&result.learner)))
    }

    /// Records the statements of a delivery that are new, with the results that they tell.
    fn take_statements(&mut self, entry: &Entry<'a>, results: &'a [ReportedResult]) -> Received {
        let platform = entry.delivery.platform;
        if !entry.statements.is_empty() {
            for sent in entry.delivery.content.attachments() {
                let id = self.ids.next();
                self.rows.attachments.push(AttachmentRow::new(id, entry.id, platform, sent));
            }
        }
        let (mut new, mut linked) = (0, true);
        let mut is_stored = false;
        for reported in &entry.statements {
            let id = self.ids.next();
            self.rows.statements.push(StatementRow::new(id, entry.id, platform, reported, self.at));
            let without = reported.without.as_ref();
            self.rows.without.extend(without.map(|without| WithoutResultRow::new(id, platform, without, self.at)));
            if let Some(Cmi5Progress::Done(registration)) = reported.progress {
                self.release_pending(entry.delivery, registration);
            }
            let own = results.get(reported.results.clone()).unwrap_or_default();
            if let Some(Cmi5Progress::Satisfied(registration)) = reported.progress
                && !self.is_done(platform, registration)
            {
                for result in own {
                    let id = self.ids.next();
                    self.rows.held.extend(PendingRow::new(id, entry.id, platform, registration, result, self.at));
                    self.pending_here.push(PendingHere { platform, registration, delivery: entry.id, result });
                }
                continue;
            }
            for result in own {
                // A file of the platform's history may have told it under the same id.
                if let Some(known) = self.event_of(platform, result) {
                    linked &= known.is_linked;
                    continue;
                }
                let (employee, is_new) = self.record(entry.delivery, entry.id, result);
                new += usize::from(is_new);
                is_stored = true;
                linked &= employee.is_some();
            }
        }
        match new {
            // The statements are new, each under an id of its own, and say of results what is known.
            0 if is_stored => Received::Duplicate { linked, is_doubtful: false, is_stored },
            0 => Received::Ignored,
            new => Received::Accepted { new, linked, is_doubtful: false },
        }
    }

    fn is_done(&self, platform: PlatformId, registration: Uuid) -> bool {
        let named = (platform, registration);
        self.held.done.contains(&named) || self.done_here.contains(&named)
    }

    /// Something was done in a registration: what waited for that counts.
    fn release_pending(&mut self, delivery: &'a Delivery, registration: Uuid) {
        let platform = delivery.platform;
        if !self.done_here.insert((platform, registration)) {
            return;
        }
        for held in self.held.waiting_for(platform, registration) {
            if self.event_of(platform, &held.result).is_none() {
                self.record(delivery, held.delivery, &held.result);
            }
        }
        let (now, later) = std::mem::take(&mut self.pending_here)
            .into_iter()
            .partition(|held| held.platform == platform && held.registration == registration);
        self.pending_here = later;
        let now: Vec<PendingHere<'a>> = now;
        for held in now {
            self.record(delivery, held.delivery, held.result);
        }
    }

    /// Records a result that a delivery told; answers whose it is, and whether it was not known before. `delivery` is any
    /// of the same platform.
    fn record(
        &mut self,
        delivery: &'a Delivery,
        delivery_id: i64,
        result: &'a ReportedResult,
    ) -> (Option<EmployeeId>, bool) {
        let (id, employee, unlinked) = self.whose(delivery, result);
        let report = DuplicateKey::of(id, result);
        self.revokes_here |= result.kind.is_revocation();
        if let Some(revokes) = &report.revokes {
            self.touch_revoked(delivery.platform, revokes);
        }
        let event = self.ids.next();
        let mut row = EventRow::new(event, delivery_id, delivery.platform, result, &report, self.at);
        // Under another key of the person it adds nothing either. It is kept as what it is: whose it is may change.
        let of_person = employee.map(|person| report.of_person(person, delivery.platform));
        let is_new_of_person = of_person.is_none_or(|reported| self.known.of_people.insert(reported));
        row.repeats = !self.known.reported.insert(report);
        row.read_by = delivery.read_by;
        row.arrived_by = arrived_by(delivery, result);
        row.is_new = is_new_of_person && !row.repeats;
        let is_new = row.is_new;
        row.employee_id = employee.map(|employee| employee.0);
        row.unlinked = unlinked;
        self.rows.stale.extend(employee);
        self.rows.events.push(row);
        (employee, is_new)
    }

    /// The learner of a result; whose it is, or why nobody's.
    fn whose(
        &mut self,
        delivery: &Delivery,
        result: &'a ReportedResult,
    ) -> (i64, Option<EmployeeId>, Option<&'static str>) {
        let learner = self.learner(delivery, result);
        if !learner.depends_on_day {
            return (learner.id, learner.employee, learner.unlinked.map(Unlinked::as_str));
        }
        let day = self.calendar.day_of(result.occurred_at);
        let link = self.known.index.link(delivery.platform, &delivery.linking_keys, &result.learner, day);
        (learner.id, link.employee(), why(link).map(Unlinked::as_str))
    }

    /// Whose an event is that is revoked, and what that one revokes in turn: their standing is touched.
    fn touch_revoked(&mut self, platform: PlatformId, event_id: &str) {
        let mut met: HashSet<String> = HashSet::new();
        let mut next = Some(event_id.to_owned());
        while let Some(named) = next.take().filter(|named| met.insert(named.clone())) {
            let here = self.rows.events.iter().find(|row| row.platform_id == platform.0 && row.event_id == named);
            self.rows.stale.extend(here.and_then(|row| row.employee_id).map(EmployeeId));
            next = here.and_then(|row| row.revokes_event_id.clone());
            if let Some(owners) = self.known.owners.get(&(platform, named)) {
                self.rows.stale.extend(owners.iter().copied());
            }
        }
    }

    /// The learner of a result; one that is new is linked and kept.
    fn learner(&mut self, delivery: &Delivery, result: &'a ReportedResult) -> KnownLearner {
        let name: LearnerName = (delivery.platform, fingerprint(&result.learner));
        if let Some(known) = self.known.learners.get(&name) {
            return *known;
        }
        let (platform, keys) = (delivery.platform, &result.learner);
        let link =
            self.known.index.link(platform, &delivery.linking_keys, keys, self.calendar.day_of(result.occurred_at));
        let depends_on_day = self.known.index.depends_on_the_day(platform, keys);
        let learner = KnownLearner {
            id: self.ids.next(),
            depends_on_day,
            employee: link.employee().filter(|_| !depends_on_day),
            unlinked: why(link).filter(|_| !depends_on_day),
        };
        // Where the day decides, each event has its own link.
        let link_key = match link {
            Link::To { by, .. } if !depends_on_day => Some(by.as_str()),
            _ => None,
        };
        self.rows.learners.push(LearnerRow::new(&learner, &name, keys, link_key, self.at));
        self.known.learners.insert(name, learner);
        learner
    }
}

fn why(link: Link) -> Option<Unlinked> {
    match link {
        Link::To { .. } => None,
        Link::None(why) => Some(why),
    }
}
