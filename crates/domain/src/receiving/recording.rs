//! The recording of deliveries that are stored: their results as events, their learners with their links.

use std::collections::HashSet;

use uuid::Uuid;

use super::decide::{Deciding, Entry, PendingHere};
use super::duplicates::{DuplicateKey, LearnerName, fingerprint};
use super::known::KnownLearner;
use super::recorded::{NewEvent, NewLearner, NewPending, RecordedAttachment, RecordedStatement};
use super::{Cmi5Progress, Content, Delivery, FILE_TYPE, PULLED, Received, SENT};
use crate::ids::{EmployeeId, PlatformId};
use crate::linking::{Link, Unlinked};
use crate::training::ReportedResult;

/// How a result arrived that ends a platform's silence: the platform sent it, or it was pulled. Nothing for what ends no silence:
/// a file of history is no word of the platform's, and what is withdrawn or not graded is no result.
fn arrived_by(delivery: &Delivery, result: &ReportedResult) -> Option<&'static str> {
    let is_result = !result.kind.is_revocation() && !result.kind.is_ungraded();
    let way = if delivery.is_pulled { PULLED } else { SENT };
    (is_result && delivery.content_type != FILE_TYPE).then_some(way)
}

impl<'a> Deciding<'a> {
    /// Records the results of a delivery, and says what became of it.
    pub(super) fn take(&mut self, entry: &Entry<'a>) -> Received {
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
            let (employee, is_new) = if self.recorded_here.insert((platform, &result.event_id)) {
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
    pub(super) fn is_doubtful(&self, platform: PlatformId, result: &ReportedResult) -> bool {
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
                let delivery = entry.id;
                self.recorded.attachments.push(RecordedAttachment { id, delivery, platform, attachment: sent });
            }
        }
        let (mut new, mut linked) = (0, true);
        let mut is_stored = false;
        for reported in &entry.statements {
            let id = self.ids.next();
            self.recorded.statements.push(RecordedStatement { id, delivery: entry.id, platform, statement: reported });
            if let Some(Cmi5Progress::Done(registration)) = reported.progress {
                self.release_pending(entry.delivery, registration);
            }
            let own = results.get(reported.results.clone()).unwrap_or_default();
            if let Some(Cmi5Progress::Satisfied(registration)) = reported.progress
                && !self.is_done(platform, registration)
            {
                for result in own {
                    let id = self.ids.next();
                    let delivery = entry.id;
                    self.recorded.pending.push(NewPending { id, delivery, platform, registration, result });
                    self.pending_here.push(PendingHere { platform, registration, delivery: entry.id, result });
                }
                continue;
            }
            for result in own {
                // A file of the platform's history may have reported it under the same id.
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
        self.pending.done.contains(&named) || self.done_here.contains(&named)
    }

    /// Something was done in a registration: what waited for that counts.
    fn release_pending(&mut self, delivery: &'a Delivery, registration: Uuid) {
        let platform = delivery.platform;
        if !self.done_here.insert((platform, registration)) {
            return;
        }
        for pending in self.pending.waiting_for(platform, registration) {
            if self.event_of(platform, &pending.result).is_none() {
                self.record(delivery, pending.delivery, &pending.result);
            }
        }
        let (now, later) = std::mem::take(&mut self.pending_here)
            .into_iter()
            .partition(|pending| pending.platform == platform && pending.registration == registration);
        self.pending_here = later;
        let now: Vec<PendingHere<'a>> = now;
        for pending in now {
            self.record(delivery, pending.delivery, pending.result);
        }
    }

    /// Records a result; returns the employee it is linked to, and whether it is new. `delivery` is any of the same platform.
    pub(super) fn record(
        &mut self,
        delivery: &'a Delivery,
        delivery_id: i64,
        result: &'a ReportedResult,
    ) -> (Option<EmployeeId>, bool) {
        let (id, employee, unlinked) = self.whose(delivery, result);
        let key = DuplicateKey::of(id, result);
        self.revokes_here |= result.kind.is_revocation();
        if let Some(revokes) = &key.revokes {
            self.touch_revoked(delivery.platform, revokes);
        }
        // Under another key of the person it is no news either. It is stored as what it is: its link may change.
        let of_person = employee.map(|person| key.of_person(person, delivery.platform));
        let is_new_of_person = of_person.is_none_or(|reported| self.known.of_people.insert(reported));
        let repeats = !self.known.reported.insert(key.clone());
        let is_new = is_new_of_person && !repeats;
        self.recorded.stale.extend(employee);
        self.recorded.events.push(NewEvent {
            id: self.ids.next(),
            delivery: delivery_id,
            platform: delivery.platform,
            result,
            key,
            employee,
            unlinked,
            repeats,
            is_new,
            read_by: delivery.read_by,
            arrived_by: arrived_by(delivery, result),
        });
        (employee, is_new)
    }

    /// The learner of a result; the employee it is linked to, or why it is not linked.
    fn whose(
        &mut self,
        delivery: &Delivery,
        result: &'a ReportedResult,
    ) -> (i64, Option<EmployeeId>, Option<Unlinked>) {
        let learner = self.learner(delivery, result);
        if !learner.depends_on_day {
            return (learner.id, learner.employee, learner.unlinked);
        }
        let day = self.calendar.day_of(result.occurred_at);
        let link = self.linker.link(delivery.platform, &delivery.linking_keys, &result.learner, day);
        (learner.id, link.employee(), why(link))
    }

    /// Marks the people of a revoked event as stale, and those of what that one revokes in turn.
    fn touch_revoked(&mut self, platform: PlatformId, event_id: &str) {
        let mut met: HashSet<String> = HashSet::new();
        let mut next = Some(event_id.to_owned());
        while let Some(named) = next.take().filter(|named| met.insert(named.clone())) {
            let of_name = |event: &&NewEvent<'_>| event.platform == platform && event.result.event_id.as_str() == named;
            let here = self.recorded.events.iter().find(of_name);
            self.recorded.stale.extend(here.and_then(|event| event.employee));
            next = here.and_then(|event| event.key.revokes.clone());
            if let Some(owners) = self.known.owners.get(&(platform, named)) {
                self.recorded.stale.extend(owners.iter().copied());
            }
        }
    }

    /// The learner of a result; a new one is linked and recorded.
    fn learner(&mut self, delivery: &Delivery, result: &'a ReportedResult) -> KnownLearner {
        let name: LearnerName = (delivery.platform, fingerprint(&result.learner));
        if let Some(known) = self.known.learners.get(&name) {
            return *known;
        }
        let (platform, keys) = (delivery.platform, &result.learner);
        let link = self.linker.link(platform, &delivery.linking_keys, keys, self.calendar.day_of(result.occurred_at));
        let depends_on_day = self.linker.depends_on_the_day(platform, keys);
        let learner = KnownLearner {
            id: self.ids.next(),
            depends_on_day,
            employee: link.employee().filter(|_| !depends_on_day),
            unlinked: why(link).filter(|_| !depends_on_day),
        };
        // Where the day decides, each event has its own link.
        let link_key = match link {
            Link::To { by, .. } if !depends_on_day => Some(by),
            _ => None,
        };
        self.recorded.learners.push(NewLearner { learner, name: name.clone(), keys, link_key });
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
