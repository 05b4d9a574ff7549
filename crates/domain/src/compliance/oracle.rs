//! The rules a second time, day by day with plain sets of days: the reference for the fast code.
//!
//! Written from DESIGN's text alone (section 2, and section 3 on the export) and slow on purpose: a function here is a
//! sentence there. It shares the types of the code that it checks, but none of its computation. "For ever" means up to
//! the oracle's last day, so callers must use data that ends well before that.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::requirement::{Audience, Item, Requirement, RequirementVersion};
use super::state::{ComplianceState, Person, Status};
use crate::calendar::AnnualDay;
use crate::directory::Employment;
use crate::ids::{AdministrationCode, EventId};
use crate::training::{LinkedResult, ResultKind, Revokes, Score, Target};

/// The longest gap within an assignment, in days.
const LONGEST_GAP: i64 = 30;

type Days = BTreeSet<NaiveDate>;

/// The days from `first` to `last`, both included.
fn days(first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    first.iter_days().take_while(move |day| *day <= last)
}

fn plus(day: NaiveDate, days: i64) -> NaiveDate {
    day + TimeDelta::days(days)
}

/// "months as in the calendar, clamped to the month's end"
fn plus_months(day: NaiveDate, months: u32) -> NaiveDate {
    let (mut year, mut month) = (day.year(), day.month());
    for _ in 0..months {
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    (1..=day.day()).rev().find_map(|day| NaiveDate::from_ymd_opt(year, month, day)).unwrap()
}

/// "the next such day after the training": from day to day; 29 February is 28 February if there is none.
fn next_of_year(annual: AnnualDay, day: NaiveDate) -> NaiveDate {
    let is_it = |on: NaiveDate| {
        let is_last_of_february = on.month() == 2 && plus(on, 1).month() == 3;
        let is_named = |named: &str| annual.to_string() == named;
        is_named(&on.format("%m-%d").to_string()) || (is_named("02-29") && is_last_of_february)
    };
    let mut next = plus(day, 1);
    while !is_it(next) {
        next = plus(next, 1);
    }
    next
}

/// "the version in effect on the day in question judges alone": of those that have begun the newest, if it has not
/// ended.
fn version_in_effect(versions: &[RequirementVersion], t: NaiveDate) -> Option<&RequirementVersion> {
    let mut newest: Option<&RequirementVersion> = None;
    for version in versions {
        let has_begun = version.requirement.effective_from <= t;
        if has_begun && newest.is_none_or(|known| known.version < version.version) {
            newest = Some(version);
        }
    }
    newest.filter(|version| version.requirement.effective_to.is_none_or(|last| t <= last))
}

/// "audience (administrations, employment forms and units; empty means all)"
fn is_in(audience: &Audience, employment: &Employment) -> bool {
    let Audience { administrations, forms, units } = audience;
    let administration = administrations.is_empty() || administrations.iter().any(|a| *a == employment.administration);
    let form = forms.is_empty() || forms.iter().any(|f| *f == employment.form);
    let unit = units.is_empty() || units.iter().any(|u| *u == employment.unit);
    administration && form && unit
}

/// "a result is known by learner, kind, course or quiz, attempt and instant"; the attempt's name takes precedence over
/// its number.
fn are_the_same(a: &LinkedResult, b: &LinkedResult) -> bool {
    let same_kind = match (&a.kind, &b.kind) {
        (ResultKind::Completion, ResultKind::Completion) => true,
        (ResultKind::Attempt { name: None, number: a, .. }, ResultKind::Attempt { name: None, number: b, .. }) => {
            a == b
        }
        (ResultKind::Attempt { name: a, .. }, ResultKind::Attempt { name: b, .. }) => a == b,
        _ => false,
    };
    same_kind && a.platform == b.platform && a.target == b.target && a.occurred_at == b.occurred_at
}

/// "what is the same in every word": everything but the event's id.
fn has_the_same_content(a: &LinkedResult, b: &LinkedResult) -> bool {
    a.platform == b.platform && a.target == b.target && a.kind == b.kind && a.occurred_at == b.occurred_at
}

fn is_decision(result: &LinkedResult) -> bool {
    matches!(result.kind, ResultKind::Revocation(Revokes::ByHand { .. }))
}

/// "An administrator withdraws or restores a result by hand": whether it counts by the last such decision about it.
fn decided_by_hand(result: &LinkedResult, all: &[LinkedResult]) -> Option<bool> {
    let mut last: Option<(&LinkedResult, bool)> = None;
    for decision in all {
        let ResultKind::Revocation(Revokes::ByHand { event_id, counts }) = &decision.kind else { continue };
        let is_about = all.iter().any(|reported| {
            !is_decision(reported)
                && reported.platform == decision.platform
                && reported.event_id == *event_id
                && has_the_same_content(reported, result)
        });
        let is_later = last
            .is_none_or(|(known, _)| (known.occurred_at, &known.event_id) < (decision.occurred_at, &decision.event_id));
        if is_about && is_later {
            last = Some((decision, *counts));
        }
    }
    last.map(|(_, counts)| counts)
}

/// "a revocation can itself be revoked, and then never was": the revocations in effect. Each pass decides those whose
/// own revocations are all decided, until nothing changes. Those in a circle are never decided and are not in effect.
fn in_effect(all: &[LinkedResult]) -> Vec<&LinkedResult> {
    let revocations: Vec<&LinkedResult> = all
        .iter()
        .filter(|reported| matches!(reported.kind, ResultKind::Revocation(_)) && !is_decision(reported))
        .collect();
    let revokes = |by: &LinkedResult, what: &LinkedResult| match &by.kind {
        // "a voided statement's voiding cannot be voided"
        _ if matches!(what.kind, ResultKind::Revocation(Revokes::Statement(_))) => false,
        ResultKind::Revocation(Revokes::Event(event) | Revokes::Statement(event)) => all.iter().any(|named| {
            !is_decision(named)
                && named.platform == by.platform
                && named.event_id == *event
                && has_the_same_content(named, what)
        }),
        _ => false,
    };
    let mut decided: Vec<Option<bool>> = revocations.iter().map(|one| decided_by_hand(one, all)).collect();
    loop {
        let before = decided.clone();
        for (place, one) in revocations.iter().enumerate() {
            if decided[place].is_some() {
                continue;
            }
            let by = revocations.iter().enumerate().filter(|(_, by)| revokes(by, one)).map(|(by, _)| before[by]);
            let by: Vec<Option<bool>> = by.collect();
            if by.contains(&Some(true)) {
                decided[place] = Some(false);
            } else if by.iter().all(|by| *by == Some(false)) {
                decided[place] = Some(true);
            }
        }
        if decided == before {
            break;
        }
    }
    revocations.iter().zip(&decided).filter(|(_, is)| **is == Some(true)).map(|(one, _)| *one).collect()
}

/// "A revocation takes its evidence away whole"; "One that names an event takes away that event and what is the same in
/// every word", if it was reported no later than the revocation or the event.
fn is_withdrawn_by_name(result: &LinkedResult, all: &[LinkedResult]) -> bool {
    if let Some(counts) = decided_by_hand(result, all) {
        return !counts;
    }
    in_effect(all).into_iter().filter(|revocation| revocation.platform == result.platform).any(|revocation| {
        let (ResultKind::Revocation(Revokes::Event(event)) | ResultKind::Revocation(Revokes::Statement(event))) =
            &revocation.kind
        else {
            return false;
        };
        all.iter().any(|named| {
            let is_named = !is_decision(named)
                && named.platform == revocation.platform
                && named.event_id == *event
                && has_the_same_content(named, result);
            let no_later = |than: DateTime<Utc>| result.reported_at.is_none_or(|reported| reported <= than);
            is_named
                && (named.event_id == result.event_id
                    || no_later(revocation.occurred_at)
                    || named.reported_at.is_some_and(no_later))
        })
    })
}

/// "without event_id [it] withdraws what the learner did in that course or quiz up to its timestamp"; a reset
/// "withdraws what happened on its own day or the day before".
fn is_withdrawn_by_time(result: &LinkedResult, all: &[LinkedResult]) -> bool {
    in_effect(all).into_iter().any(|revocation| {
        let of_it = revocation.platform == result.platform && revocation.target == result.target;
        let is_up_to = of_it && result.occurred_at <= revocation.occurred_at;
        match revocation.kind {
            ResultKind::Revocation(Revokes::UpTo) => is_up_to,
            ResultKind::Revocation(Revokes::Recent) => {
                is_up_to && [revocation.day, plus(revocation.day, -1)].contains(&result.day)
            }
            _ => false,
        }
    })
}

/// A result as of when it was done: an attempt with a name has the instant of its earliest report, among the
/// reports that no revocation names.
pub(super) fn as_done(result: &LinkedResult, all: &[LinkedResult]) -> LinkedResult {
    let mut done = result.clone();
    let ResultKind::Attempt { name: Some(name), .. } = &result.kind else { return done };
    for reported in all {
        let ResultKind::Attempt { name: Some(other), .. } = &reported.kind else { continue };
        let of_the_attempt = other == name && reported.target == result.target && reported.platform == result.platform;
        if of_the_attempt && reported.occurred_at < done.occurred_at && !is_withdrawn_by_name(reported, all) {
            (done.occurred_at, done.day) = (reported.occurred_at, reported.day);
        }
    }
    done
}

/// What counts, each as of when it was done.
fn counting(all: &[LinkedResult]) -> Vec<LinkedResult> {
    let reported = all.iter().filter(|result| !matches!(result.kind, ResultKind::Revocation { .. }));
    let named_by_none = reported.filter(|result| !is_withdrawn_by_name(result, all));
    let as_done = named_by_none.map(|result| (result, as_done(result, all)));
    let counting = as_done
        .filter(|(reported, done)| decided_by_hand(reported, all) == Some(true) || !is_withdrawn_by_time(done, all));
    counting.map(|(_, done)| done).collect()
}

/// "a graded quiz attempt": one with a name may be reported without a grade.
fn is_graded_attempt(result: &LinkedResult) -> bool {
    match &result.kind {
        ResultKind::Attempt { name, score, passed, .. } => name.is_none() || score.is_some() || passed.is_some(),
        _ => false,
    }
}

/// "compared exactly": points / of >= mark, without dividing.
fn is_evidence(result: &LinkedResult, item: &Item) -> bool {
    match (item, &result.target, &result.kind) {
        (Item::Course(course), Target::Course(completed), ResultKind::Completion) => course == completed,
        (Item::Quiz { quiz, pass_mark }, Target::Quiz(tried), ResultKind::Attempt { score, passed, .. }) => {
            let passes = match (score, passed) {
                (Some(score), _) => score.points() >= pass_mark.share() * score.of(),
                (None, verdict) => verdict.unwrap_or(false),
            };
            quiz == tried && passes
        }
        _ => false,
    }
}

/// The share in percent, one decimal, half away from zero, in whole numbers.
fn percent(score: &Score) -> Decimal {
    let (points, of) = (score.points(), score.of());
    let above = points.mantissa() * 10i128.pow(of.scale()) * 1000;
    let below = of.mantissa() * 10i128.pow(points.scale());
    let tenths = (2 * above.abs() + below) / (2 * below) * above.signum();
    Decimal::from_i128_with_scale(tenths, 1)
}

/// The first and the last day of the unbroken run of days that holds `day`.
fn run_around(days: &Days, day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let (mut first, mut last) = (day, day);
    while days.contains(&plus(first, -1)) {
        first = plus(first, -1);
    }
    while days.contains(&plus(last, 1)) {
        last = plus(last, 1);
    }
    (first, last)
}

/// The first day of the assignment that holds `t`: back from day to day, over gaps of at most 30.
fn assigned_since(in_audience: &Days, t: NaiveDate) -> NaiveDate {
    let mut first = t;
    let mut gap = 0;
    let mut day = t;
    while gap <= LONGEST_GAP {
        day = plus(day, -1);
        if in_audience.contains(&day) {
            (first, gap) = (day, 0);
        } else {
            gap += 1;
        }
    }
    first
}

struct Timeline {
    items: Vec<(Item, Days)>,
    days: Days,
}

/// "the event whose evidence begins it (the smallest id of several)": evidence of that day, for an item that did not
/// hold the day before, in an alternative that is whole.
fn first_evidence(
    requirement: &Requirement,
    timeline: &Timeline,
    seen: &[&LinkedResult],
    first: NaiveDate,
) -> Option<EventId> {
    let holds = |item: &Item, day: NaiveDate| timeline.items.iter().any(|(i, days)| i == item && days.contains(&day));
    let counts = |result: &&LinkedResult| requirement.counts_from.is_none_or(|from| result.day >= from);
    let mut ids = BTreeSet::new();
    for alternative in &requirement.alternatives {
        if alternative.iter().all(|item| holds(item, first)) {
            for item in alternative.iter().filter(|item| !holds(item, plus(first, -1))) {
                ids.extend(
                    seen.iter()
                        .filter(|r| counts(r) && r.day == first && is_evidence(r, item))
                        .map(|r| r.event_id.clone()),
                );
            }
        }
    }
    ids.into_iter().next()
}

fn is_quiz_of(item: &Item, target: &Target) -> bool {
    matches!((item, target), (Item::Quiz { quiz, .. }, Target::Quiz(tried)) if quiz == tried)
}

/// Judges as DESIGN says, up to a last day.
pub(super) struct Oracle {
    pub(super) last: NaiveDate,
}

impl Oracle {
    /// The days from `first` to `last`, both included; to the oracle's last day if there is no last one.
    fn days(&self, first: NaiveDate, last: Option<NaiveDate>) -> impl Iterator<Item = NaiveDate> + use<> {
        days(first, last.map_or(self.last, |last| last.min(self.last)))
    }

    /// "Each day of absence from the clock's start up to the due day, as moved so far, moves the due day by one."
    fn due_on(
        &self,
        requirement: &Requirement,
        since: NaiveDate,
        clock: NaiveDate,
        absent: &Days,
    ) -> Option<NaiveDate> {
        let mut due = match requirement.existing_staff_due_on {
            Some(due) if since < requirement.effective_from => due,
            _ => plus(clock, requirement.new_hire_days.into()),
        };
        let mut day = clock;
        while day <= due {
            if absent.contains(&day) {
                due = plus(due, 1);
            }
            if due > self.last {
                return None;
            }
            day = plus(day, 1);
        }
        Some(due)
    }

    /// "An item's days are the union over its evidence; an alternative's are the intersection over its items; the
    /// timeline is the union over alternatives."
    fn timeline(&self, requirement: &Requirement, seen: &[&LinkedResult]) -> Timeline {
        let mut items: Vec<(Item, Days)> = Vec::new();
        let mut all = Days::new();
        for alternative in &requirement.alternatives {
            let mut common: Option<Days> = None;
            for item in alternative {
                // "counts_from (a day; earlier training is no evidence)"
                let counts = |result: &&&LinkedResult| requirement.counts_from.is_none_or(|from| result.day >= from);
                let evidence = seen.iter().filter(counts).filter(|result| is_evidence(result, item));
                let union: Days = evidence
                    .flat_map(|result| {
                        let until = requirement.valid_months.map(|months| plus_months(result.day, months));
                        let months = until.map(|until| plus(until, -1));
                        let last = requirement.valid_until.map(|annual| next_of_year(annual, result.day)).or(months);
                        self.days(result.day, last)
                    })
                    .collect();
                common = Some(common.map_or_else(|| union.clone(), |common| &common & &union));
                if items.iter().all(|(known, _)| known != item) {
                    items.push((item.clone(), union));
                }
            }
            all.extend(common.unwrap());
        }
        Timeline { items, days: all }
    }

    /// The compliance state of a person on day `t`, and the version that judges.
    pub(super) fn state_on(
        &self,
        person: &Person,
        versions: &[RequirementVersion],
        t: NaiveDate,
    ) -> Option<(u32, ComplianceState)> {
        let version = version_in_effect(versions, t)?;
        let requirement = &version.requirement;
        let bound = person.employments.iter().filter(|employment| is_in(&requirement.audience, employment));
        let in_audience: Days = bound.flat_map(|e| self.days(e.starts_on, e.ends_on)).collect();
        if !in_audience.contains(&t) {
            return None;
        }
        let absent: Days = person.absences.iter().flat_map(|a| self.days(a.starts_on, a.ends_on)).collect();
        let exemptions = person.exemptions.iter().filter(|exemption| exemption.requirement == requirement.code);
        let exempt: Days = exemptions.flat_map(|e| self.days(e.starts_on, e.ends_on)).collect();

        let since = assigned_since(&in_audience, t);
        let clock = since.max(requirement.effective_from);
        let due_on = self.due_on(requirement, since, clock, &absent);

        let counting = counting(&person.results);
        let seen: Vec<&LinkedResult> = counting.iter().filter(|result| result.day <= t).collect();
        let timeline = self.timeline(requirement, &seen);

        let holds_within = |first: NaiveDate, last: NaiveDate| days(first, last).any(|d| timeline.days.contains(&d));
        let status = if exempt.contains(&t) {
            Status::Exempt
        } else if absent.contains(&t) {
            Status::OnLeave
        } else if timeline.days.contains(&t) {
            let (_, last) = run_around(&timeline.days, t);
            let ends = last < self.last && last <= plus(t, requirement.renewal_days.into());
            if ends { Status::Expiring } else { Status::Compliant }
        } else if holds_within(clock, plus(t, -1)) {
            Status::Expired
        } else if due_on.is_none_or(|due| t <= due) {
            Status::Pending
        } else {
            Status::Overdue
        };

        let stretch = timeline.days.range(..=t).next_back().map(|latest| run_around(&timeline.days, *latest));
        let named: Vec<&LinkedResult> = seen
            .iter()
            .filter(|result| is_graded_attempt(result))
            .filter(|result| timeline.items.iter().any(|(item, _)| is_quiz_of(item, &result.target)))
            .copied()
            .collect();
        let different = named.iter().enumerate().filter(|(i, a)| !named[..*i].iter().any(|b| are_the_same(a, b)));
        let scores = named.iter().filter_map(|result| match &result.kind {
            ResultKind::Attempt { score, .. } => score.as_ref(),
            _ => None,
        });
        let state = ComplianceState {
            status,
            clock,
            due_on,
            on_time: holds_within(clock, due_on.unwrap_or(self.last)),
            satisfied_on: stretch.map(|(first, _)| first),
            valid_until: stretch.map(|(_, last)| last).filter(|last| *last < self.last),
            evidence_event_id: stretch.and_then(|(first, _)| first_evidence(requirement, &timeline, &seen, first)),
            best_score_percent: scores.map(percent).max(),
            attempts: different.count() as u32,
            last_attempt_on: named.iter().map(|result| result.day).max(),
            held_items: (0..)
                .zip(&timeline.items)
                .filter(|(_, (_, days))| days.contains(&t))
                .map(|(i, _)| 1 << i)
                .sum(),
        };
        Some((version.version, state))
    }

    /// "the person's employment in that administration and in the audience on as_of (the one that started first, then
    /// the smaller id)": its fact, for each administration.
    pub(super) fn shown_on(
        &self,
        person: &Person,
        versions: &[RequirementVersion],
        t: NaiveDate,
    ) -> BTreeMap<AdministrationCode, i64> {
        let Some(version) = version_in_effect(versions, t) else { return BTreeMap::new() };
        let mut there: Vec<&Employment> = person
            .employments
            .iter()
            .filter(|employment| is_in(&version.requirement.audience, employment))
            .filter(|employment| self.days(employment.starts_on, employment.ends_on).any(|day| day == t))
            .collect();
        there.sort_by_key(|employment| (employment.starts_on, employment.id.clone()));
        // A later insert replaces an earlier one, so the first in order is inserted last.
        there.into_iter().rev().map(|e| (e.administration.clone(), e.fact_id)).collect()
    }
}
