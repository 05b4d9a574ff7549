//! The rules of receiving: what is new, known or contradicting, in a batch as one by one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;
use crate::calendar::CityCalendar;
use crate::ids::{CourseId, EmployeeId};
use crate::linking::{LearnerKeys, Link, Unlinked};
use crate::training::{ReportedResult, ResultKind, Revokes, Target};

const PLATFORM: PlatformId = PlatformId(1);

/// Links the learners called `anna` and `anna2` to one employee, and `bo` to another.
struct Directory;

impl Linker for Directory {
    fn link(&self, _: PlatformId, _: &[LinkingKey], keys: &LearnerKeys, _: NaiveDate) -> Link {
        let to = |id| Link::To { employee: EmployeeId(id), by: LinkingKey::Username };
        match keys.username.as_deref() {
            Some("anna" | "anna2") => to(1),
            Some("bo") => to(2),
            _ => Link::None(Unlinked::Unknown),
        }
    }

    fn depends_on_the_day(&self, _: PlatformId, _: &LearnerKeys) -> bool {
        false
    }
}

fn id(text: &str) -> EventId {
    EventId::parse(text).expect("an id")
}

fn completed(event: &str, learner: &str, course: &str, hour: i64) -> ReportedResult {
    let keys = LearnerKeys { employee_number: None, email: None, username: Some(learner.to_owned()), account: None };
    ReportedResult {
        event_id: id(event),
        learner: keys,
        target: Target::Course(CourseId::parse(course).expect("a course")),
        kind: ResultKind::Completion,
        occurred_at: chrono::DateTime::from_timestamp(1_770_000_000 + 3_600 * hour, 0).expect("an instant"),
        reported_at: None,
        reason: None,
    }
}

fn revoked(event: &str, learner: &str, course: &str, named: &str) -> ReportedResult {
    let kind = ResultKind::Revocation(Revokes::Event(id(named)));
    ReportedResult { kind, ..completed(event, learner, course, 9) }
}

/// A delivery whose body is what its content says.
fn delivery(key: &str, content: Content) -> Delivery {
    Delivery {
        platform: PLATFORM,
        linking_keys: Arc::from(LinkingKey::DEFAULT_ORDER.as_slice()),
        key: id(key),
        content_type: "application/json".to_owned(),
        headers: "{}".to_owned(),
        is_pulled: false,
        read_by: None,
        body: format!("{content:?}").into_bytes(),
        content,
    }
}

fn of_results(key: &str, results: &[ReportedResult]) -> Delivery {
    delivery(key, Content::Results(results.to_vec()))
}

/// A register in memory: what was recorded is known to the next batch.
#[derive(Default)]
struct Register {
    deliveries: HashMap<String, (i64, Vec<u8>, bool)>,
    events: Vec<(ReportedResult, DuplicateKey, Option<EmployeeId>, i64)>,
    learners: HashMap<LearnerName, KnownLearner>,
    next_id: i64,
}

impl Register {
    /// All that is known, which is more than a batch asks for.
    fn known(&self) -> Known {
        let mut known = Known { learners: self.learners.clone(), ..Known::default() };
        for (key, (id, body, is_quarantined)) in &self.deliveries {
            let own = || self.events.iter().filter(|(.., delivery)| delivery == id);
            let linked = own().next().is_some() && own().all(|(_, _, employee, _)| employee.is_some());
            let delivery = KnownDelivery { id: *id, body: body.clone(), is_quarantined: *is_quarantined, linked };
            known.deliveries.insert((PLATFORM, key.clone()), delivery);
        }
        for (result, key, employee, _) in &self.events {
            let event =
                KnownEvent { reported: key.clone(), keys: result.learner.clone(), is_linked: employee.is_some() };
            known.events.insert((PLATFORM, result.event_id.to_string()), event);
            known.reported.insert(key.clone());
            known.of_people.extend(employee.map(|employee| key.of_person(employee, PLATFORM)));
            if let Some(employee) = employee {
                known.owners.entry((PLATFORM, result.event_id.to_string())).or_default().insert(*employee);
            }
        }
        known
    }

    fn receive(&mut self, batch: &[Delivery]) -> (Vec<Received>, BTreeSet<EmployeeId>) {
        let pending = Pending::default();
        let Decided { answers, recorded, .. } =
            decide(batch, &pending, (self.known(), &Directory), self.next_id, CityCalendar::default());
        for new in recorded.deliveries.iter().chain(&recorded.released) {
            let stored = (new.id, new.delivery.body.clone(), new.problem().is_some());
            self.deliveries.insert(new.delivery.key.to_string(), stored);
        }
        for new in recorded.learners {
            self.learners.insert(new.name, new.learner);
        }
        for new in recorded.events {
            self.events.push((new.result.clone(), new.key, new.employee, new.delivery));
        }
        self.next_id += ids_for(batch);
        (answers.into_iter().map(settled).collect(), recorded.stale)
    }
}

/// An answer without the number of a delivery, and without the hint that its effect is to be looked up.
fn settled(received: Received) -> Received {
    match received {
        Received::Accepted { new, linked, .. } => Received::Accepted { new, linked, is_doubtful: false },
        Received::Duplicate { linked, .. } => Received::Duplicate { linked, is_doubtful: false, is_stored: false },
        Received::Quarantined { pointer, problem, .. } => Received::Quarantined { delivery: 0, pointer, problem },
        other => other,
    }
}

const ACCEPTED: Received = Received::Accepted { new: 1, linked: true, is_doubtful: false };
const DUPLICATE: Received = Received::Duplicate { linked: true, is_doubtful: false, is_stored: false };

#[test]
fn a_delivery_is_new_once_and_its_key_belongs_to_its_bytes() {
    let mut register = Register::default();
    let first = of_results("d-1", &[completed("e-1", "anna", "c", 1)]);
    let other_bytes = of_results("d-1", &[completed("e-2", "anna", "c", 2)]);
    let batch = [first.clone(), first.clone(), other_bytes.clone()];
    assert_eq!(register.receive(&batch).0, [ACCEPTED, DUPLICATE, Received::Conflict]);
    assert_eq!(register.receive(&[other_bytes, first]).0, [Received::Conflict, DUPLICATE]);
    assert_eq!(register.events.len(), 1);
}

#[test]
fn a_result_reported_again_under_another_id_or_key_of_the_person_is_stored_and_no_news() {
    let mut register = Register::default();
    let batch = [
        of_results("d-1", &[completed("e-1", "anna", "c", 1)]),
        of_results("d-2", &[completed("e-2", "anna", "c", 1)]),
        of_results("d-3", &[completed("e-3", "anna2", "c", 1)]),
        of_results("d-4", &[completed("e-4", "anna2", "c", 2)]),
    ];
    assert_eq!(register.receive(&batch).0, [ACCEPTED, DUPLICATE, DUPLICATE, ACCEPTED]);
    assert_eq!(register.events.len(), 4);
}

#[test]
fn an_event_id_belongs_to_what_was_first_reported_under_it() {
    let mut register = Register::default();
    let first = of_results("d-1", &[completed("e-1", "anna", "c", 1)]);
    let other = of_results("d-2", &[completed("e-3", "anna", "c", 3), completed("e-1", "bo", "c", 1)]);
    let conflict = Received::EventConflict(id("e-1"));
    assert_eq!(register.receive(&[first, other.clone()]).0, [ACCEPTED, conflict.clone()]);
    assert_eq!(register.receive(&[other]).0, [conflict]);
    assert_eq!(register.events.len(), 1, "nothing of a contradicting delivery is recorded");
}

#[test]
fn a_revocation_marks_whom_it_concerns_also_through_a_revoked_revocation() {
    let mut register = Register::default();
    register.receive(&[of_results("d-1", &[completed("e-1", "anna", "c", 1)])]);
    let (_, stale) = register.receive(&[of_results("d-2", &[revoked("r-1", "bo", "c", "e-1")])]);
    assert_eq!(stale, BTreeSet::from([EmployeeId(1), EmployeeId(2)]));
    let batch = [of_results("d-3", &[revoked("r-2", "nobody", "c", "e-1")])];
    assert_eq!(register.receive(&batch).1, BTreeSet::from([EmployeeId(1)]));
}

#[test]
fn a_delivery_that_is_not_understood_waits_and_is_released_under_its_id() {
    let mut register = Register::default();
    let broken = delivery("d-1", Content::not_understood("/type", &"is missing"));
    let quarantined =
        Received::Quarantined { delivery: 0, pointer: "/type".to_owned(), problem: "is missing".to_owned() };
    assert_eq!(register.receive(std::slice::from_ref(&broken)).0, [quarantined]);
    let waiting = register.deliveries["d-1"].0;
    let understood = Delivery { content: Content::Results(vec![completed("e-1", "bo", "c", 1)]), ..broken };
    assert_eq!(register.receive(&[understood]).0, [ACCEPTED]);
    assert_eq!((register.deliveries["d-1"].0, register.events[0].3), (waiting, waiting));
}

fn deliveries() -> impl Strategy<Value = Vec<Delivery>> {
    let learner = prop::sample::select(vec!["anna", "anna2", "bo", "cecilia"]);
    let result = (0..6_u8, learner, 0..2_u8, 0..3_i64, 0..6_u8).prop_map(|(event, learner, course, hour, named)| {
        let (event, course) = (format!("e-{event}"), format!("c-{course}"));
        match named {
            0 => revoked(&event, learner, &course, "e-0"),
            1 => revoked(&event, learner, &course, "e-1"),
            _ => completed(&event, learner, &course, hour),
        }
    });
    let content = prop_oneof![
        8 => prop::collection::vec(result, 1..3).prop_map(|mut results: Vec<ReportedResult>| {
            // The intake refuses two results of a body under one id.
            results.dedup_by(|second, first| second.event_id == first.event_id);
            Content::Results(results)
        }),
        1 => Just(Content::Nothing),
        1 => Just(Content::not_understood("/type", &"is missing")),
    ];
    prop::collection::vec((0..8_u8, content), 1..12)
        .prop_map(|all| all.into_iter().map(|(key, content)| delivery(&format!("d-{key}"), content)).collect())
}

proptest! {
    #[test]
    fn a_batch_is_decided_as_its_deliveries_one_by_one(batch in deliveries()) {
        let (mut together, mut apart) = (Register::default(), Register::default());
        let (answers, stale) = together.receive(&batch);
        let (mut each, mut stale_of_each) = (Vec::new(), BTreeSet::new());
        for one in &batch {
            let (answer, stale) = apart.receive(std::slice::from_ref(one));
            each.extend(answer);
            stale_of_each.extend(stale);
        }
        prop_assert_eq!(answers, each);
        prop_assert_eq!(stale, stale_of_each);
        let events = |register: &Register| {
            let mut events: Vec<_> =
                register.events.iter().map(|(result, _, employee, _)| (result.clone(), *employee)).collect();
            events.sort_by(|a, b| a.0.event_id.cmp(&b.0.event_id));
            events
        };
        prop_assert_eq!(events(&together), events(&apart));
    }

    #[test]
    fn what_is_received_again_adds_nothing(batch in deliveries()) {
        let mut register = Register::default();
        register.receive(&batch);
        let (events, deliveries) = (register.events.len(), register.deliveries.len());
        let (answers, stale) = register.receive(&batch);
        prop_assert!(answers.iter().all(|answer| !matches!(answer, Received::Accepted { .. })), "{:?}", answers);
        prop_assert!(stale.is_empty());
        prop_assert_eq!((register.events.len(), register.deliveries.len()), (events, deliveries));
    }
}
