//! What withdraws what: revocations, revocations of revocations, and what administrators decide by hand.
//!
//! [`states`] is a function of the set of results alone, so neither the order nor the repetition of deliveries matters.
//! Start there; `Withdrawals` says which revocations are in effect.
//!
//! * A revocation that names an event withdraws it. It also withdraws results of the same platform with the same
//!   content, if they were reported no later than the revocation or the named event. A later report of the same counts
//!   again.
//! * A revocation that is withdrawn has no effect. One that withdraws itself, alone or in a circle with others, has
//!   none either.
//! * An administrator's decision about a result takes precedence over the platform; of two decisions, the later one
//!   does.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Utc};

use super::evidence::{Done, first_reports, named_attempt};
use crate::calendar::day_before;
use crate::ids::{EventId, PlatformId};
use crate::training::{LinkedResult, ResultKind, Revokes, Target};

/// The state of a result among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State<'a> {
    /// It was done, and is not withdrawn.
    Counts(Done<'a>),
    /// A revocation, or a decision by hand, that is not withdrawn.
    InEffect,
    /// It is withdrawn by that one; of several, by the earliest.
    Withdrawn { by: &'a LinkedResult },
    /// A revocation that withdraws itself, alone or in a circle: it has no effect.
    Circular,
}

/// The content of a result without its event's id: results with equal content report the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Wording<'a> {
    platform: PlatformId,
    target: &'a Target,
    kind: &'a ResultKind,
    occurred_at: DateTime<Utc>,
}

impl<'a> Wording<'a> {
    const fn of(result: &'a LinkedResult) -> Self {
        Self { platform: result.platform, target: &result.target, kind: &result.kind, occurred_at: result.occurred_at }
    }
}

/// The earlier of two, and of two at once the one with the smaller id.
fn earliest<'a>(several: impl Iterator<Item = &'a LinkedResult>) -> Option<&'a LinkedResult> {
    several.min_by(|a, b| (a.occurred_at, &a.event_id).cmp(&(b.occurred_at, &b.event_id)))
}

/// The state of every result, in the order in which they are given.
#[must_use]
pub fn states(results: &[LinkedResult]) -> Vec<(&LinkedResult, State<'_>)> {
    let withdrawals = Withdrawals::among(results);
    let remaining: Vec<&LinkedResult> =
        results.iter().filter(|result| !result.kind.is_revocation() && withdrawals.by_name(result).is_none()).collect();
    let firsts = first_reports(&remaining);
    let state = |result| {
        if let Some(state) = withdrawals.of_revocation(result) {
            return state;
        }
        if let Some(by) = withdrawals.by_name(result) {
            return State::Withdrawn { by };
        }
        let first = named_attempt(result).and_then(|attempt| firsts.get(&attempt).copied()).unwrap_or(result);
        let done = Done { reported: result, occurred_at: first.occurred_at, day: first.day };
        withdrawals.by_time(done).map_or(State::Counts(done), |by| State::Withdrawn { by })
    };
    results.iter().map(|result| (result, state(result))).collect()
}

/// The completions and reports of attempts that are not withdrawn.
///
/// All remaining reports of an attempt with a name have one instant, that of the earliest one.
#[must_use]
pub fn not_withdrawn(results: &[LinkedResult]) -> Vec<Done<'_>> {
    let counting = |(_, state)| match state {
        State::Counts(done) => Some(done),
        State::InEffect | State::Withdrawn { .. } | State::Circular => None,
    };
    states(results).into_iter().filter_map(counting).collect()
}

/// The revocations that are in effect among some results, and the decisions by hand.
struct Withdrawals<'a> {
    /// The decision that holds for a result.
    by_hand: HashMap<Wording<'a>, &'a LinkedResult>,
    /// The revocations in effect that name an event of some wording, each with that event.
    naming: HashMap<Wording<'a>, Vec<(&'a LinkedResult, &'a LinkedResult)>>,
    /// The revocations in effect that name no event, by what they are about.
    of_target: HashMap<(PlatformId, &'a Target), Vec<&'a LinkedResult>>,
    revocations: HashMap<Wording<'a>, State<'a>>,
}

/// Revocations with the same content, which are one.
struct Node<'a> {
    one: &'a LinkedResult,
    state: Option<State<'a>>,
    /// The node that it names.
    names: Option<usize>,
    named_by: Vec<usize>,
    /// How many of them are not decided yet.
    pending: usize,
}

impl<'a> Withdrawals<'a> {
    fn among(results: &'a [LinkedResult]) -> Self {
        let mut withdrawals = Self {
            by_hand: HashMap::new(),
            naming: HashMap::new(),
            of_target: HashMap::new(),
            revocations: HashMap::new(),
        };
        if !results.iter().any(|result| result.kind.is_revocation()) {
            return withdrawals;
        }
        let by_id: HashMap<(PlatformId, &EventId), &LinkedResult> = results
            .iter()
            .filter(|result| !is_by_hand(result))
            .map(|result| ((result.platform, &result.event_id), result))
            .collect();
        let named = |revocation: &LinkedResult| {
            revocation.kind.revoked_event().and_then(|event_id| by_id.get(&(revocation.platform, event_id)).copied())
        };
        for decision in results.iter().filter(|result| is_by_hand(result)) {
            let Some(of) = named(decision) else { continue };
            let earliest = withdrawals.by_hand.entry(Wording::of(of)).or_insert(decision);
            if (earliest.occurred_at, &earliest.event_id) < (decision.occurred_at, &decision.event_id) {
                *earliest = decision;
            }
        }
        let nodes = withdrawals.decided(results, &named);
        for node in &nodes {
            let state = node.state.unwrap_or(State::Circular);
            withdrawals.revocations.insert(Wording::of(node.one), state);
            if state != State::InEffect {
                continue;
            }
            match node.one.kind.revokes() {
                Some(Revokes::UpTo | Revokes::Recent) => {
                    let target = (node.one.platform, &node.one.target);
                    withdrawals.of_target.entry(target).or_default().push(node.one);
                }
                Some(_) => {
                    if let Some(of) = named(node.one).filter(|of| !of.kind.is_revocation()) {
                        withdrawals.naming.entry(Wording::of(of)).or_default().push((node.one, of));
                    }
                }
                None => {}
            }
        }
        withdrawals
    }

    /// The revocations, each decided except those in a circle.
    ///
    /// Each names at most one other. So a revocation that no other names is decided first, and then the one that it
    /// names.
    fn decided(
        &self,
        results: &'a [LinkedResult],
        named: &impl Fn(&LinkedResult) -> Option<&'a LinkedResult>,
    ) -> Vec<Node<'a>> {
        let mut nodes: Vec<Node<'a>> = Vec::new();
        let mut places: HashMap<Wording<'a>, usize> = HashMap::new();
        for result in results.iter().filter(|result| result.kind.is_revocation() && !is_by_hand(result)) {
            let place = *places.entry(Wording::of(result)).or_insert_with(|| {
                nodes.push(Node { one: result, state: None, names: None, named_by: Vec::new(), pending: 0 });
                nodes.len() - 1
            });
            if let Some(node) = nodes.get_mut(place)
                && result.event_id < node.one.event_id
            {
                node.one = result;
            }
        }
        for place in 0..nodes.len() {
            let Some(of) = nodes.get(place).and_then(|node| named(node.one)) else { continue };
            // The standard does not allow a voiding statement to be voided.
            if matches!(of.kind.revokes(), Some(Revokes::Statement(_))) {
                continue;
            }
            let Some(names) = places.get(&Wording::of(of)).copied() else { continue };
            if let Some(node) = nodes.get_mut(place) {
                node.names = Some(names);
            }
            if let Some(node) = nodes.get_mut(names) {
                node.named_by.push(place);
                node.pending += 1;
            }
        }
        let mut queue: VecDeque<usize> = VecDeque::new();
        for (place, node) in nodes.iter_mut().enumerate() {
            node.state = match self.by_hand.get(&Wording::of(node.one)) {
                Some(decision) if says_that_it_counts(decision) => Some(State::InEffect),
                Some(decision) => Some(State::Withdrawn { by: decision }),
                None if node.pending == 0 => Some(State::InEffect),
                None => None,
            };
            queue.extend(node.state.map(|_| place));
        }
        while let Some(place) = queue.pop_front() {
            let Some((by, state, Some(names))) = nodes.get(place).map(|node| (node.one, node.state, node.names)) else {
                continue;
            };
            let Some(node) = nodes.get_mut(names).filter(|node| node.state.is_none()) else { continue };
            node.pending = node.pending.saturating_sub(1);
            if state == Some(State::InEffect) {
                node.state = Some(State::Withdrawn { by });
            } else if node.pending == 0 {
                node.state = Some(State::InEffect);
            }
            queue.extend(node.state.map(|_| names));
        }
        // The loop found any revocation; the answer is to name the earliest.
        let in_effect: Vec<bool> = nodes.iter().map(|node| node.state == Some(State::InEffect)).collect();
        let earliest_of = |node: &Node<'a>| {
            let others = node.named_by.iter().filter(|by| in_effect.get(**by) == Some(&true));
            earliest(others.filter_map(|by| nodes.get(*by)).map(|by| by.one))
        };
        let by: Vec<Option<&LinkedResult>> = nodes.iter().map(earliest_of).collect();
        for (node, by) in nodes.iter_mut().zip(by) {
            if let (Some(State::Withdrawn { by: known }), Some(by)) = (&mut node.state, by)
                && !is_by_hand(known)
            {
                *known = by;
            }
        }
        nodes
    }

    /// The state of a revocation or a decision by hand; `None` for other results.
    fn of_revocation(&self, result: &'a LinkedResult) -> Option<State<'a>> {
        if !result.kind.is_revocation() {
            return None;
        }
        Some(self.revocations.get(&Wording::of(result)).copied().unwrap_or(State::InEffect))
    }

    /// What withdraws a result by naming it, or one with the same content.
    fn by_name(&self, result: &'a LinkedResult) -> Option<&'a LinkedResult> {
        let wording = Wording::of(result);
        if let Some(decision) = self.by_hand.get(&wording) {
            return (!says_that_it_counts(decision)).then_some(*decision);
        }
        let naming = self.naming.get(&wording)?.iter();
        earliest(naming.filter(|(by, of)| takes(by, of, result)).map(|(by, _)| *by))
    }

    /// What withdraws a result by its time.
    fn by_time(&self, done: Done<'a>) -> Option<&'a LinkedResult> {
        let taking = self.of_target.get(&(done.reported.platform, &done.reported.target))?.iter().copied();
        // A decision by hand says that it counts: `by_name` has handled the other decisions.
        if self.by_hand.contains_key(&Wording::of(done.reported)) {
            return None;
        }
        earliest(taking.filter(|by| {
            let is_recent = by.kind.revokes() != Some(&Revokes::Recent) || done.day >= day_before(by.day);
            done.occurred_at <= by.occurred_at && is_recent
        }))
    }
}

/// Whether a revocation that names an event also withdraws a result with the same content: not if that was reported
/// after both.
fn takes(revocation: &LinkedResult, named: &LinkedResult, result: &LinkedResult) -> bool {
    let is_reported_later = |reported: DateTime<Utc>| {
        reported > revocation.occurred_at && named.reported_at.is_none_or(|named_at| reported > named_at)
    };
    result.event_id == named.event_id || !result.reported_at.is_some_and(is_reported_later)
}

fn is_by_hand(result: &LinkedResult) -> bool {
    matches!(result.kind.revokes(), Some(Revokes::ByHand { .. }))
}

fn says_that_it_counts(decision: &LinkedResult) -> bool {
    matches!(decision.kind.revokes(), Some(Revokes::ByHand { counts: true, .. }))
}
