//! The judgement of one person, one requirement and one day. Only this file decides a status.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::assignment::{Assignment, assignments};
use super::evidence::{Attempt, Evidence, attempts_at, evidence_for};
use super::requirement::{Item, RequirementVersion, in_effect_on};
use super::withdrawal::not_withdrawn;
use crate::calendar::{DaySet, LAST_DAY, Stretch, add_days, day_before};
use crate::directory::{Absence, Employment, Exemption};
use crate::ids::EventId;
use crate::training::LinkedResult;

/// The status of one employee in one requirement on one day (DESIGN, "Status").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Exempt,
    OnLeave,
    Expiring,
    Compliant,
    Expired,
    Pending,
    Overdue,
}

impl Status {
    pub const ALL: [Self; 7] =
        [Self::Compliant, Self::Expiring, Self::Pending, Self::Overdue, Self::Expired, Self::Exempt, Self::OnLeave];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exempt => "exempt",
            Self::OnLeave => "on_leave",
            Self::Expiring => "expiring",
            Self::Compliant => "compliant",
            Self::Expired => "expired",
            Self::Pending => "pending",
            Self::Overdue => "overdue",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether a person with this status counts in rates: all but the exempt and those on leave.
    #[must_use]
    pub const fn in_scope(self) -> bool {
        !matches!(self, Self::Exempt | Self::OnLeave)
    }

    /// Whether the training is done: compliant or expiring.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Compliant | Self::Expiring)
    }
}

/// Everything known about one person that a judgement rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    pub employments: Vec<Employment>,
    pub absences: Vec<Absence>,
    pub exemptions: Vec<Exemption>,
    /// The person's results, and every revocation that is linked to the person or names one of these results.
    pub results: Vec<LinkedResult>,
}

impl Person {
    /// Whether any employment of the person covers a day.
    #[must_use]
    pub fn is_employed_on(&self, day: NaiveDate) -> bool {
        self.employments.iter().any(|employment| employment.covers(day))
    }
}

/// The compliance state of one person in one requirement on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComplianceState {
    pub status: Status,
    /// The day on which the assignment's clock started.
    pub clock: NaiveDate,
    /// `None` while an open absence keeps moving it.
    pub due_on: Option<NaiveDate>,
    /// Whether the timeline holds a day from the clock's start to the due day.
    pub on_time: bool,
    /// The first day of the timeline's stretch that holds the day, else of the last stretch before it.
    pub satisfied_on: Option<NaiveDate>,
    /// That stretch's last day; `None`: for ever, or no stretch.
    pub valid_until: Option<NaiveDate>,
    /// The event whose evidence begins that stretch; the smallest id of several.
    pub evidence_event_id: Option<EventId>,
    /// The best score of all attempts up to the day, in percent with one decimal.
    pub best_score_percent: Option<Decimal>,
    pub attempts: u32,
    pub last_attempt_on: Option<NaiveDate>,
    /// The requirement's items that hold on the day: bit *i* for the *i*-th of [`super::Requirement::items`].
    pub held_items: u64,
}

/// One person against one version of a requirement, ready to be judged on any day.
#[derive(Debug)]
pub struct Case<'a> {
    person: &'a Person,
    version: &'a RequirementVersion,
    /// For each item, its evidence by day.
    evidence: Vec<Vec<Evidence>>,
    /// For each alternative, its items by their place in `evidence`.
    alternatives: Vec<Vec<usize>>,
    attempts: Vec<Attempt>,
    assignments: Vec<Assignment>,
    absences: DaySet,
    exemptions: DaySet,
}

impl<'a> Case<'a> {
    #[must_use]
    pub fn new(person: &'a Person, version: &'a RequirementVersion) -> Self {
        let requirement = &version.requirement;
        let effective = not_withdrawn(&person.results);
        let items = requirement.items();
        let absences = DaySet::union_of(
            person.absences.iter().filter_map(|absence| Stretch::inclusive(absence.starts_on, absence.ends_on)),
        );
        let exemptions = DaySet::union_of(
            person
                .exemptions
                .iter()
                .filter(|exemption| exemption.requirement == requirement.code)
                .filter_map(|exemption| Stretch::inclusive(exemption.starts_on, exemption.ends_on)),
        );
        let in_audience = DaySet::union_of(
            person.employments.iter().filter(|e| requirement.audience.binds(e)).filter_map(Employment::days),
        );
        let counts = |evidence: &Evidence| requirement.holds(evidence.day).is_some();
        let counting_for = |item: &&Item| evidence_for(item, &effective).into_iter().filter(counts).collect();
        Self {
            person,
            version,
            evidence: items.iter().map(counting_for).collect(),
            alternatives: requirement
                .alternatives
                .iter()
                .map(|list| list.iter().filter_map(|item| items.iter().position(|known| *known == item)).collect())
                .collect(),
            attempts: attempts_at(&items, &effective),
            assignments: assignments(requirement, &in_audience, &absences),
            absences,
            exemptions,
        }
    }

    /// The version that judges.
    #[must_use]
    pub const fn version(&self) -> &'a RequirementVersion {
        self.version
    }

    /// The judgement on a day; `None` if no employment of the person is in the audience on that day.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> Option<ComplianceState> {
        let binds = |e: &&Employment| e.covers(day) && self.version.requirement.audience.binds(e);
        self.person.employments.iter().find(binds)?;
        let assignment = self.assignments.iter().find(|assignment| assignment.days.contains(day))?;
        let holding = self.item_days(day);
        let timeline = self.timeline(&holding);
        let stretch = timeline.last_stretch_from_before(day);
        let (seen, best) = self.attempts_up_to(day);
        Some(ComplianceState {
            status: self.status(day, assignment, &timeline),
            clock: assignment.clock,
            due_on: assignment.due_on,
            on_time: timeline.touches(assignment.clock, assignment.due_on.unwrap_or(LAST_DAY)),
            satisfied_on: stretch.map(|stretch| stretch.first),
            valid_until: stretch.and_then(|stretch| stretch.last()),
            evidence_event_id: stretch.and_then(|stretch| self.first_evidence(stretch.first, &holding)),
            best_score_percent: best,
            attempts: u32::try_from(seen.len()).unwrap_or(u32::MAX),
            last_attempt_on: seen.last().map(|attempt| attempt.day),
            held_items: held(&holding, day),
        })
    }

    /// The status: the first that fits, in DESIGN's order.
    fn status(&self, day: NaiveDate, assignment: &Assignment, timeline: &DaySet) -> Status {
        if self.exemptions.contains(day) {
            return Status::Exempt;
        }
        if self.absences.contains(day) {
            return Status::OnLeave;
        }
        if let Some(stretch) = timeline.stretch_at(day) {
            let renew_before = add_days(day, self.version.requirement.renewal_days);
            let ends_soon = stretch.last().is_some_and(|last| last <= renew_before);
            return if ends_soon { Status::Expiring } else { Status::Compliant };
        }
        if timeline.touches(assignment.clock, day_before(day)) {
            return Status::Expired;
        }
        if assignment.due_on.is_none_or(|due| day <= due) { Status::Pending } else { Status::Overdue }
    }

    /// The days on which evidence holds.
    fn holds(&self, evidence: &Evidence) -> Option<Stretch> {
        self.version.requirement.holds(evidence.day)
    }

    /// For each item, its days, from the evidence that a report as of `day` sees.
    fn item_days(&self, day: NaiveDate) -> Vec<DaySet> {
        self.evidence
            .iter()
            .map(|of_item| {
                let seen = of_item.iter().take_while(|evidence| evidence.day <= day);
                DaySet::union_of(seen.filter_map(|evidence| self.holds(evidence)))
            })
            .collect()
    }

    /// The union over the alternatives of the intersection over their items.
    fn timeline(&self, holding: &[DaySet]) -> DaySet {
        let wholes = self.alternatives.iter().map(|list| {
            let mut days = list.iter().map(|item| &holding[*item]);
            let first = days.next().cloned().unwrap_or_default();
            days.fold(first, |whole, item| whole.intersection(item))
        });
        DaySet::union_of(wholes.flat_map(|whole| whole.stretches().to_vec()))
    }

    /// The smallest id of the events whose evidence makes an alternative whole on the first day of a stretch.
    fn first_evidence(&self, first: NaiveDate, holding: &[DaySet]) -> Option<EventId> {
        let whole = self.alternatives.iter().filter(|list| list.iter().all(|item| holding[*item].contains(first)));
        let new = whole.flatten().filter(|item| !holding[**item].contains(day_before(first)));
        new.flat_map(|item| self.evidence[*item].iter().filter(|evidence| evidence.day == first))
            .map(|evidence| &evidence.event_id)
            .min()
            .cloned()
    }

    /// The attempts up to a day, and the best of their scores in percent.
    fn attempts_up_to(&self, day: NaiveDate) -> (&[Attempt], Option<Decimal>) {
        let seen = &self.attempts[..self.attempts.partition_point(|attempt| attempt.day <= day)];
        let best = seen.iter().max_by(|a, b| a.share.cmp(&b.share));
        (seen, best.and_then(|attempt| attempt.percent))
    }

    /// The evidence for each item that a report as of `day` sees, with the days on which it holds.
    pub fn evidence(&self, day: NaiveDate) -> impl Iterator<Item = (usize, &Evidence, Stretch)> {
        self.evidence.iter().enumerate().flat_map(move |(item, of_item)| {
            of_item
                .iter()
                .take_while(move |evidence| evidence.day <= day)
                .filter_map(move |evidence| self.holds(evidence).map(|stretch| (item, evidence, stretch)))
        })
    }

    /// Every day on which the judgement can differ from that of the day before.
    pub(super) fn turning_days(&self) -> impl Iterator<Item = NaiveDate> {
        let renewal_days = chrono::Days::new(self.version.requirement.renewal_days.into());
        let of_evidence =
            self.evidence.iter().flatten().filter_map(|evidence| self.holds(evidence)).flat_map(move |stretch| {
                let expiring = stretch.last().and_then(|last| last.checked_sub_days(renewal_days));
                [Some(stretch.first), stretch.until, expiring]
            });
        let of_assignments = self.assignments.iter().flat_map(|assignment| {
            let overdue = assignment.due_on.and_then(|due| due.succ_opt());
            [Some(assignment.clock), overdue, Some(assignment.days.first), assignment.days.until]
        });
        let of_sets = self.absences.stretches().iter().chain(self.exemptions.stretches());
        of_evidence
            .chain(of_assignments)
            .chain(of_sets.flat_map(|stretch| [Some(stretch.first), stretch.until]))
            .flatten()
            .chain(self.attempts.iter().map(|attempt| attempt.day))
    }
}

/// The items of a version that some results make hold on a day, regardless of the person: bit *i* for the *i*-th of
/// [`super::Requirement::items`].
#[must_use]
pub fn held_items_on(results: &[LinkedResult], version: &RequirementVersion, day: NaiveDate) -> u64 {
    let person = Person { results: results.to_vec(), ..Person::default() };
    let case = Case::new(&person, version);
    held(&case.item_days(day), day)
}

fn held(item_days: &[DaySet], day: NaiveDate) -> u64 {
    (0u32..).zip(item_days).filter(|(_, days)| days.contains(day)).map(|(item, _)| 1u64 << item).sum()
}

/// The compliance state of a person on a day under the version then in effect; `None` if the person is not in its
/// audience.
#[must_use]
pub fn state_on(person: &Person, versions: &[RequirementVersion], day: NaiveDate) -> Option<(u32, ComplianceState)> {
    let version = in_effect_on(versions, day)?;
    Case::new(person, version).on(day).map(|state| (version.version, state))
}
