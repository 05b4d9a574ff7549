//! What becomes of a batch of deliveries: decided from what the register holds, without the database.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::known::{Known, KnownEvent, Linker, Pending};
use super::recorded::{NewDelivery, Recorded};
use super::{Again, Content, Delivery, NewStatement, Received};
use crate::calendar::CityCalendar;
use crate::ids::{EventId, PlatformId};
use crate::training::ReportedResult;

/// The answers in the order of the deliveries, and what is to be written for them to be true.
pub struct Decided<'a> {
    pub answers: Vec<Received>,
    pub recorded: Recorded<'a>,
    /// The ids of the deliveries that were stored, by their places.
    stored_as: HashMap<usize, i64>,
}

impl Decided<'_> {
    /// The answers, each with what its results amount to.
    pub fn again(&self) -> Vec<Again> {
        let mut counts: HashMap<i64, (u64, u64)> = HashMap::new();
        for event in self.recorded.events.iter().filter(|event| event.is_new) {
            let (new, linked) = counts.entry(event.delivery).or_default();
            *new += 1;
            *linked += u64::from(event.employee.is_some());
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
pub(super) struct Entry<'a> {
    place: usize,
    pub(super) delivery: &'a Delivery,
    pub(super) id: i64,
    /// Its statements that were not known before.
    pub(super) statements: Vec<&'a NewStatement>,
}

/// A result of this batch that waits until something is done in its registration.
pub(super) struct PendingHere<'a> {
    pub(super) platform: PlatformId,
    pub(super) registration: Uuid,
    pub(super) delivery: i64,
    pub(super) result: &'a ReportedResult,
}

/// Where the next id of a change comes from.
pub(super) struct Ids(i64);

impl Ids {
    pub(super) fn next(&mut self) -> i64 {
        self.0 += 1;
        self.0 - 1
    }
}

/// How many ids a batch may take: one for each delivery, statement and attachment, and for each result a learner, an event and
/// a pending result.
pub fn ids_for(batch: &[Delivery]) -> i64 {
    let results: usize = batch.iter().map(|delivery| delivery.content.results().len()).sum();
    let stored = |delivery: &Delivery| delivery.content.statements().len() + delivery.content.attachments().len();
    let statements: usize = batch.iter().map(stored).sum();
    i64::try_from(batch.len() + 3 * results + statements).unwrap_or(i64::MAX)
}

/// Decides about a batch from what was known just before.
///
/// * `first_id`: the first of the ids that are reserved for it, [`ids_for`] and [`Pending::ids`] many.
pub fn decide<'a>(
    batch: &'a [Delivery],
    pending: &'a Pending,
    (known, linker): (Known, &'a dyn Linker),
    first_id: i64,
    calendar: CityCalendar,
) -> Decided<'a> {
    let mut deciding = Deciding::of((known, linker), pending, first_id, calendar);
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
        recorded: deciding.recorded,
        stored_as: entries.iter().map(|entry| (entry.place, entry.id)).collect(),
    }
}

/// What becomes of a part of a file.
pub struct DecidedPart<'a> {
    pub recorded: Recorded<'a>,
    /// One for each result.
    pub results: Vec<DecidedResult>,
    /// The first id that was not given away.
    pub next_id: i64,
}

/// What becomes of one result of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedResult {
    /// It was not known.
    New { is_linked: bool },
    /// It is known, under this id or another.
    Known,
    /// Its id is that of a result that says otherwise.
    KnownOtherwise,
}

/// Decides about a part of a file, whose results belong to the delivery with the id `stored_as`.
pub fn decide_part<'a>(
    (part, pending): (&'a Delivery, &'a Pending),
    stored_as: i64,
    (known, linker): (Known, &'a dyn Linker),
    first_id: i64,
    calendar: CityCalendar,
) -> DecidedPart<'a> {
    let mut deciding = Deciding::of((known, linker), pending, first_id, calendar);
    let decide = |result: &'a ReportedResult| match deciding.event_of(part.platform, result) {
        Some(known) if known.says(result) => DecidedResult::Known,
        Some(_) => DecidedResult::KnownOtherwise,
        None => match deciding.record(part, stored_as, result) {
            (employee, true) => DecidedResult::New { is_linked: employee.is_some() },
            (_, false) => DecidedResult::Known,
        },
    };
    let results = part.content.results().iter().map(decide).collect();
    DecidedPart { recorded: deciding.recorded, results, next_id: deciding.ids.0 }
}

/// Decides about the results of stored deliveries that are read again, each with the delivery's id: what is known stays.
pub fn decide_again<'a>(
    batch: &'a [(i64, Delivery)],
    pending: &'a Pending,
    (known, linker): (Known, &'a dyn Linker),
    first_id: i64,
    calendar: CityCalendar,
) -> (Recorded<'a>, Vec<Vec<DecidedResult>>) {
    let mut deciding = Deciding::of((known, linker), pending, first_id, calendar);
    let mut decided = Vec::with_capacity(batch.len());
    for (stored_as, delivery) in batch {
        let decide = |result: &'a ReportedResult| match deciding
            .event_of(delivery.platform, result)
            .map(|known| known.says(result))
        {
            Some(true) => DecidedResult::Known,
            Some(false) => DecidedResult::KnownOtherwise,
            None if !deciding.recorded_here.insert((delivery.platform, &result.event_id)) => DecidedResult::Known,
            None => {
                let (employee, _) = deciding.record(delivery, *stored_as, result);
                DecidedResult::New { is_linked: employee.is_some() }
            }
        };
        decided.push(delivery.content.results().iter().map(decide).collect());
    }
    (deciding.recorded, decided)
}

pub(super) struct Deciding<'a> {
    pub(super) known: Known,
    pub(super) linker: &'a dyn Linker,
    pub(super) pending: &'a Pending,
    pub(super) pending_here: Vec<PendingHere<'a>>,
    pub(super) done_here: HashSet<(PlatformId, Uuid)>,
    pub(super) ids: Ids,
    pub(super) calendar: CityCalendar,
    /// Whether this batch has recorded a revocation.
    pub(super) revokes_here: bool,
    /// The events of this batch that have other ids than their deliveries.
    pub(super) recorded_here: HashSet<(PlatformId, &'a EventId)>,
    pub(super) recorded: Recorded<'a>,
}

impl<'a> Deciding<'a> {
    fn of(
        (known, linker): (Known, &'a dyn Linker),
        pending: &'a Pending,
        first_id: i64,
        calendar: CityCalendar,
    ) -> Self {
        Self {
            known,
            linker,
            pending,
            pending_here: Vec::new(),
            done_here: HashSet::new(),
            revokes_here: false,
            recorded_here: HashSet::new(),
            ids: Ids(first_id),
            calendar,
            recorded: Recorded::default(),
        }
    }

    /// Stores the deliveries that are new, and answers those that repeat or contradict a stored one or an earlier one of the batch.
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
                        self.store(delivery, id, stored.is_some());
                        // One that is refused does not take its key.
                        first.insert(name, place);
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
            self.store(delivery, id, stored.is_some());
            first.insert(name, place);
            entries.push(Entry { place, delivery, id, statements: Vec::new() });
        }
        entries
    }

    /// The statements that are new, which are known from now on; or the id of one that contradicts a stored one.
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

    /// The stored event with a result's id.
    pub(super) fn event_of(&self, platform: PlatformId, result: &ReportedResult) -> Option<&KnownEvent> {
        self.known.events.get(&(platform, result.event_id.to_string()))
    }

    /// Whether a delivery's results are all stored, whichever way they arrived, and linked.
    fn are_linked(&self, delivery: &Delivery) -> bool {
        let results = delivery.content.results();
        let is_linked =
            |result: &ReportedResult| self.event_of(delivery.platform, result).is_some_and(|known| known.is_linked);
        !results.is_empty() && results.iter().all(is_linked)
    }

    /// Stores a delivery; `is_released` if it is stored already, in quarantine, and read again.
    fn store(&mut self, delivery: &'a Delivery, id: i64, is_released: bool) {
        let stored = if is_released { &mut self.recorded.released } else { &mut self.recorded.deliveries };
        stored.push(NewDelivery { id, delivery });
    }
}
