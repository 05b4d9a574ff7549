//! Which results are evidence: marks applied, the same thing told twice counted once. What is withdrawn: [`super::withdrawal`].

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::requirement::Item;
use crate::domain::ids::{AttemptName, EventId, PlatformId};
use crate::domain::training::{LinkedResult, ResultKind, Target};

/// A piece of evidence for one item: the day from which it holds, and the event that it rests on.
///
/// The event may have been told later than on that day, where it told an attempt again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Piece {
    pub day: NaiveDate,
    pub event_id: EventId,
    pub platform: PlatformId,
}

/// One attempt at a quiz, however often it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub day: NaiveDate,
    /// Its share of the full score; the best where it was told with several. Nothing where none was.
    pub share: Option<Decimal>,
    /// The same in percent with one decimal.
    pub percent: Option<Decimal>,
}

/// By what a result is known beside its event's id (DESIGN, "The same thing told twice"); the learner is the person at hand.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct ResultKey<'a> {
    platform: PlatformId,
    target: &'a Target,
    is_attempt: bool,
    name: Option<&'a AttemptName>,
    /// Nothing where there is a name, which says more.
    number: Option<u32>,
    occurred_at: DateTime<Utc>,
}

impl<'a> ResultKey<'a> {
    fn of(result: &'a LinkedResult) -> Self {
        let (name, number) = match &result.kind {
            ResultKind::Attempt { name: Some(name), .. } => (Some(name), None),
            ResultKind::Attempt { name: None, number, .. } => (None, *number),
            ResultKind::Completion | ResultKind::Revocation(_) => (None, None),
        };
        Self {
            platform: result.platform,
            target: &result.target,
            is_attempt: matches!(result.kind, ResultKind::Attempt { .. }),
            name,
            number,
            occurred_at: result.occurred_at,
        }
    }
}

/// A completion or a telling of an attempt that counts, and when it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done<'a> {
    pub told: &'a LinkedResult,
    /// The telling's own; of an attempt that has a name, its earliest telling's.
    pub occurred_at: DateTime<Utc>,
    /// The city's calendar day of `occurred_at`.
    pub day: NaiveDate,
}

/// The attempt of which a result tells, wherever it has a name.
pub(super) type NamedAttempt<'a> = (PlatformId, &'a Target, &'a AttemptName);

pub(super) fn named_attempt(result: &LinkedResult) -> Option<NamedAttempt<'_>> {
    result.kind.attempt_name().map(|name| (result.platform, &result.target, name))
}

/// The earliest telling of each attempt that has a name: when it was made, however often it is graded afterwards.
pub(super) fn first_tellings<'a>(results: &[&'a LinkedResult]) -> HashMap<NamedAttempt<'a>, &'a LinkedResult> {
    let mut firsts: HashMap<NamedAttempt<'a>, &'a LinkedResult> = HashMap::new();
    for told in results.iter().copied() {
        let Some(attempt) = named_attempt(told) else { continue };
        let first = firsts.entry(attempt).or_insert(told);
        if told.occurred_at < first.occurred_at {
            *first = told;
        }
    }
    firsts
}

/// Whether a result is evidence for an item: the completion of its course, or an attempt at its quiz that reaches the
/// mark; without a score the platform's own verdict decides, with both the mark does.
#[must_use]
pub fn is_evidence_for(item: &Item, target: &Target, kind: &ResultKind) -> bool {
    match (item, target, kind) {
        (Item::Course(course), Target::Course(completed), ResultKind::Completion) => course == completed,
        (Item::Quiz { quiz, pass_mark }, Target::Quiz(attempted), ResultKind::Attempt { score, passed, .. }) => {
            quiz == attempted && score.map_or(*passed == Some(true), |score| score.reaches(*pass_mark))
        }
        _ => false,
    }
}

/// The evidence for an item among results that stand, by day and then by event id.
#[must_use]
pub fn pieces_for(item: &Item, standing: &[Done<'_>]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = standing
        .iter()
        .filter(|done| is_evidence_for(item, &done.told.target, &done.told.kind))
        .map(|done| Piece { day: done.day, event_id: done.told.event_id.clone(), platform: done.told.platform })
        .collect();
    pieces.sort_unstable();
    pieces
}

/// The graded attempts at the quizzes that some items name, each once, by day.
#[must_use]
pub fn attempts_at(items: &[&Item], standing: &[Done<'_>]) -> Vec<Attempt> {
    let named = |target: &Target| {
        items.iter().any(|item| match (item, target) {
            (Item::Quiz { quiz, .. }, Target::Quiz(attempted)) => quiz == attempted,
            _ => false,
        })
    };
    let mut attempts: BTreeMap<ResultKey<'_>, Attempt> = BTreeMap::new();
    for done in standing {
        let ResultKind::Attempt { score, .. } = &done.told.kind else { continue };
        if !named(&done.told.target) || done.told.kind.is_ungraded() {
            continue;
        }
        let told = Attempt {
            day: done.day,
            share: score.map(|score| score.share()),
            percent: score.map(|score| score.percent()),
        };
        attempts
            .entry(ResultKey { occurred_at: done.occurred_at, ..ResultKey::of(done.told) })
            .and_modify(|known| {
                if told.share > known.share {
                    *known = told.clone();
                }
            })
            .or_insert(told);
    }
    let mut attempts: Vec<Attempt> = attempts.into_values().collect();
    attempts.sort_by_key(|attempt| attempt.day);
    attempts
}
