//! Which results are evidence: pass marks are applied, and repeated reports count once. Withdrawals:
//! [`super::withdrawal`].

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::requirement::Item;
use crate::ids::{AttemptName, EventId, PlatformId};
use crate::training::{LinkedResult, ResultKind, Target};

/// Evidence for one item: the day from which it holds, and the event that it rests on.
///
/// The event may have been reported later than on that day, if it reported an attempt again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    pub day: NaiveDate,
    pub event_id: EventId,
    pub platform: PlatformId,
}

/// One attempt at a quiz, however often it was reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub day: NaiveDate,
    /// Its share of the full score, the best of several reported; `None` if none was reported.
    pub share: Option<Decimal>,
    /// The same in percent with one decimal.
    pub percent: Option<Decimal>,
}

/// What identifies a result besides its event's id (DESIGN, "The same thing told twice"). The learner is given by the
/// context.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct ResultKey<'a> {
    platform: PlatformId,
    target: &'a Target,
    is_attempt: bool,
    name: Option<&'a AttemptName>,
    /// `None` if there is a name, which is more exact.
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

/// A completion or a report of an attempt that counts, and when it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done<'a> {
    pub reported: &'a LinkedResult,
    /// The report's own; for an attempt with a name, that of its earliest report.
    pub occurred_at: DateTime<Utc>,
    /// The city's calendar day of `occurred_at`.
    pub day: NaiveDate,
}

/// The attempt that a result reports, if it has a name.
pub(super) type NamedAttempt<'a> = (PlatformId, &'a Target, &'a AttemptName);

pub(super) fn named_attempt(result: &LinkedResult) -> Option<NamedAttempt<'_>> {
    result.kind.attempt_name().map(|name| (result.platform, &result.target, name))
}

/// The earliest report of each attempt with a name: it says when the attempt was made, however often it is graded
/// later.
pub(super) fn first_reports<'a>(results: &[&'a LinkedResult]) -> HashMap<NamedAttempt<'a>, &'a LinkedResult> {
    let mut firsts: HashMap<NamedAttempt<'a>, &'a LinkedResult> = HashMap::new();
    for reported in results.iter().copied() {
        let Some(attempt) = named_attempt(reported) else { continue };
        let first = firsts.entry(attempt).or_insert(reported);
        if reported.occurred_at < first.occurred_at {
            *first = reported;
        }
    }
    firsts
}

/// Whether a result is evidence for an item: the completion of its course, or an attempt at its quiz that reaches the
/// pass mark. Without a score the platform's verdict decides; with both the pass mark does.
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

/// The evidence for an item among effective results, by day and then by event id.
#[must_use]
pub fn evidence_for(item: &Item, effective: &[Done<'_>]) -> Vec<Evidence> {
    let mut evidence: Vec<Evidence> = effective
        .iter()
        .filter(|done| is_evidence_for(item, &done.reported.target, &done.reported.kind))
        .map(|done| Evidence {
            day: done.day,
            event_id: done.reported.event_id.clone(),
            platform: done.reported.platform,
        })
        .collect();
    evidence.sort_unstable();
    evidence
}

/// The graded attempts at the quizzes that some items name, each once, by day.
#[must_use]
pub fn attempts_at(items: &[&Item], effective: &[Done<'_>]) -> Vec<Attempt> {
    let named = |target: &Target| {
        items.iter().any(|item| match (item, target) {
            (Item::Quiz { quiz, .. }, Target::Quiz(attempted)) => quiz == attempted,
            _ => false,
        })
    };
    let mut attempts: BTreeMap<ResultKey<'_>, Attempt> = BTreeMap::new();
    for done in effective {
        let ResultKind::Attempt { score, .. } = &done.reported.kind else { continue };
        if !named(&done.reported.target) || done.reported.kind.is_ungraded() {
            continue;
        }
        let reported = Attempt {
            day: done.day,
            share: score.map(|score| score.share()),
            percent: score.map(|score| score.percent()),
        };
        attempts
            .entry(ResultKey { occurred_at: done.occurred_at, ..ResultKey::of(done.reported) })
            .and_modify(|known| {
                if reported.share > known.share {
                    *known = reported.clone();
                }
            })
            .or_insert(reported);
    }
    let mut attempts: Vec<Attempt> = attempts.into_values().collect();
    attempts.sort_by_key(|attempt| attempt.day);
    attempts
}
