//! Which results count: revocations taken away, the same thing told twice counted once, marks applied.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::requirement::Item;
use crate::domain::ids::{EventId, PlatformId};
use crate::domain::training::{LinkedResult, ResultKind, Target};

/// A piece of evidence for one item: the day from which it holds, and the event that it rests on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Piece {
    pub day: NaiveDate,
    pub event_id: EventId,
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
    number: Option<u32>,
    occurred_at: DateTime<Utc>,
}

impl<'a> ResultKey<'a> {
    fn of(result: &'a LinkedResult) -> Self {
        let number = match result.kind {
            ResultKind::Attempt { number, .. } => number,
            ResultKind::Completion | ResultKind::Revocation { .. } => None,
        };
        Self {
            platform: result.platform,
            target: &result.target,
            is_attempt: matches!(result.kind, ResultKind::Attempt { .. }),
            number,
            occurred_at: result.occurred_at,
        }
    }
}

/// The completions and attempts that no revocation takes away (DESIGN, "Evidence").
///
/// A revocation that names an event withdraws what that event told, also where another event told it again. One that names
/// none withdraws what the learner did in that course or quiz, on that platform, up to its instant. Neither depends on
/// the order in which they came.
#[must_use]
pub fn not_withdrawn(results: &[LinkedResult]) -> Vec<&LinkedResult> {
    let mut by_event: HashSet<(PlatformId, &EventId)> = HashSet::new();
    let mut up_to: HashMap<(PlatformId, &Target), DateTime<Utc>> = HashMap::new();
    for result in results {
        match &result.kind {
            ResultKind::Revocation { event_id: Some(event) } => {
                by_event.insert((result.platform, event));
            }
            ResultKind::Revocation { event_id: None } => {
                let last = up_to.entry((result.platform, &result.target)).or_insert(result.occurred_at);
                *last = (*last).max(result.occurred_at);
            }
            ResultKind::Completion | ResultKind::Attempt { .. } => {}
        }
    }
    let told = || results.iter().filter(|result| !matches!(result.kind, ResultKind::Revocation { .. }));
    let withdrawn: HashSet<ResultKey<'_>> =
        told().filter(|result| by_event.contains(&(result.platform, &result.event_id))).map(ResultKey::of).collect();
    told()
        .filter(|result| !withdrawn.contains(&ResultKey::of(result)))
        .filter(|result| up_to.get(&(result.platform, &result.target)).is_none_or(|last| result.occurred_at > *last))
        .collect()
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
pub fn pieces_for(item: &Item, standing: &[&LinkedResult]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = standing
        .iter()
        .filter(|result| is_evidence_for(item, &result.target, &result.kind))
        .map(|result| Piece { day: result.day, event_id: result.event_id.clone() })
        .collect();
    pieces.sort_unstable();
    pieces
}

/// The attempts at the quizzes that some items name, each once, by day.
#[must_use]
pub fn attempts_at(items: &[&Item], standing: &[&LinkedResult]) -> Vec<Attempt> {
    let named = |target: &Target| {
        items.iter().any(|item| match (item, target) {
            (Item::Quiz { quiz, .. }, Target::Quiz(attempted)) => quiz == attempted,
            _ => false,
        })
    };
    let mut attempts: BTreeMap<ResultKey<'_>, Attempt> = BTreeMap::new();
    for result in standing {
        let ResultKind::Attempt { score, .. } = &result.kind else { continue };
        if !named(&result.target) {
            continue;
        }
        let told = Attempt {
            day: result.day,
            share: score.map(|score| score.share()),
            percent: score.map(|score| score.percent()),
        };
        attempts
            .entry(ResultKey::of(result))
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
