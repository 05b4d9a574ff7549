//! People as they were known at an instant, from the facts alone: with the links and the directory of that time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::calendar::CityCalendar;
use crate::domain::compliance::{Item, RequirementVersion};
use crate::domain::directory::merge::Merges;
use crate::domain::ids::{EmployeeId, EventId, PlatformId};
use crate::domain::linking::queue::everybody;
use crate::domain::linking::{LearnerKeys, Link, Unlinked};
use crate::domain::training::{LinkedResult, ResultDecision, Target};
use crate::store::links::{LinkIndex, LinkOrders, index_as_known};
use crate::store::merges::merges;
use crate::store::people::KnownEmployee;
use crate::store::protection::protected_now;
use crate::store::stored_results::{self, StoredResult};
use crate::store::whose::Whose;
use crate::store::{Snapshot, StoreError, Unscoped, employees, learners, platforms, result_decisions};

/// What was known of everybody, and of results that were not linked yet.
#[derive(Debug)]
pub struct AsKnown {
    pub employees: BTreeMap<EmployeeId, KnownEmployee>,
    /// Which numbers were merged.
    pub merges: Merges,
    /// The waiting results of each learner, with every revocation that names one of them.
    pub waiting: BTreeMap<i64, Vec<LinkedResult>>,
    /// How many results of each learner waited, about anything.
    pub unlinked_by_learner: BTreeMap<i64, u64>,
    /// How many results waited, about anything.
    pub unlinked_results: u64,
    /// How many results were dismissed.
    pub dismissed_results: u64,
    /// Linking as it was.
    pub linker: Linker,
}

/// The courses and quizzes that versions of a requirement name.
#[must_use]
pub fn targets_of(versions: &[RequirementVersion]) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    for item in versions.iter().flat_map(|version| version.requirement.alternatives.iter().flatten()) {
        let target = match item {
            Item::Course(course) => Target::Course(course.clone()),
            Item::Quiz { quiz, .. } => Target::Quiz(quiz.clone()),
        };
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    targets
}

/// Linking as it was at an instant.
#[derive(Debug)]
pub struct Linker {
    index: LinkIndex,
    orders: LinkOrders,
    learners: HashMap<i64, (PlatformId, LearnerKeys)>,
    calendar: CityCalendar,
}

impl Linker {
    pub async fn at(snapshot: &Snapshot, known_at: DateTime<Utc>, calendar: CityCalendar) -> Result<Self, StoreError> {
        let connection = snapshot.connection();
        let learners = learners::as_known(connection, known_at).await?;
        Ok(Self {
            index: index_as_known(connection, known_at, calendar).await?,
            orders: platforms::link_orders(connection).await?,
            learners: learners.into_iter().map(|(id, platform, keys)| (id, (platform, keys))).collect(),
            calendar,
        })
    }

    /// The link of a learner's result at an instant; `None` for a learner who was not known.
    #[must_use]
    pub fn link(&self, learner: i64, occurred_at: DateTime<Utc>) -> Option<Link> {
        let (platform, keys) = self.learners.get(&learner)?;
        let order = self.orders.get(platform).map_or(&[][..], Vec::as_slice);
        Some(self.index.link(*platform, order, keys, self.calendar.day_of(occurred_at)))
    }

    /// The link that a learner's row should have: whether it depends on the day, and if not, the employee or why there
    /// is none.
    #[must_use]
    pub fn learner(&self, learner: i64) -> Option<(bool, Option<EmployeeId>, Option<Unlinked>)> {
        let (platform, keys) = self.learners.get(&learner)?;
        if self.index.depends_on_the_day(*platform, keys) {
            return Some((true, None, None));
        }
        Some(match self.link(learner, DateTime::UNIX_EPOCH)? {
            Link::To { employee, .. } => (false, Some(employee), None),
            Link::None(why) => (false, None, Some(why)),
        })
    }

    /// The employees whom the keys of a learner fit on some day.
    #[must_use]
    pub fn fits(&self, learner: i64) -> BTreeSet<EmployeeId> {
        let Some((platform, keys)) = self.learners.get(&learner) else { return BTreeSet::new() };
        let fit = |identity| self.index.holding(*platform, &identity).within(NaiveDate::MIN, NaiveDate::MAX);
        keys.identities().flat_map(|identity| everybody(&fit(identity))).collect()
    }

    /// The learners some of whose results can have waited.
    fn can_wait(&self) -> Vec<i64> {
        let can = |(learner, (platform, keys)): (&i64, &(PlatformId, LearnerKeys))| {
            let waits = self.index.depends_on_the_day(*platform, keys)
                || self.link(*learner, DateTime::UNIX_EPOCH).is_none_or(|link| link.employee().is_none());
            waits.then_some(*learner)
        };
        self.learners.iter().filter_map(can).collect()
    }
}

/// Everybody as known at an instant, with the results about some courses and quizzes.
pub async fn as_known(
    snapshot: &Snapshot,
    targets: &[Target],
    known_at: DateTime<Utc>,
    calendar: CityCalendar,
) -> Result<AsKnown, StoreError> {
    let connection = snapshot.connection();
    let linker = Linker::at(snapshot, known_at, calendar).await?;
    let mut employees =
        employees::known(connection, &Unscoped::RestsOnEverybody.scope(), Whose::Everybody, Some(known_at)).await?;
    // Everybody who is protected today is protected in today's answers: only this takes precedence over what was known
    // then.
    let merges = merges(connection, Some(known_at)).await?;
    for protected in protected_now(connection).await? {
        if let Some(employee) = employees.get_mut(&merges.person(protected)) {
            employee.protected = true;
        }
    }
    let results = stored_results::results_about(connection, targets, known_at, calendar).await?;
    let mut unowned = Vec::new();
    for StoredResult { learner, result, .. } in &results {
        let link = linker.link(*learner, result.occurred_at);
        match link.and_then(|link| link.employee()) {
            Some(owner) => {
                if let Some(employee) = employees.get_mut(&owner) {
                    employee.person.results.push(result.clone());
                }
            }
            // A dismissed result could not satisfy anybody's requirement.
            None if link == Some(Link::None(Unlinked::Dismissed)) => {}
            None => unowned.push((*learner, result.clone())),
        }
    }
    let decided = decided_about(&results, &result_decisions::that_count(connection, Some(known_at)).await?);
    let naming: Vec<&LinkedResult> = results.iter().map(|stored| &stored.result).chain(&decided).collect();
    let owned: Vec<(EmployeeId, &LinkedResult)> = employees
        .iter()
        .flat_map(|(id, employee)| employee.person.results.iter().map(|result| (*id, result)))
        .collect();
    let owned: Vec<(EmployeeId, LinkedResult)> = leading_to(&owned, &naming);
    for (owner, result) in owned {
        if let Some(employee) = employees.get_mut(&owner) {
            employee.person.results.push(result);
        }
    }
    let waiting = of_learners(unowned, &naming);
    let done = stored_results::times_of_results(connection, &linker.can_wait(), known_at).await?;
    let (mut unlinked_results, mut dismissed_results) = (0, 0);
    let mut unlinked_by_learner: BTreeMap<i64, u64> = BTreeMap::new();
    for (learner, occurred_at) in done {
        match linker.link(learner, occurred_at) {
            Some(Link::None(Unlinked::Dismissed)) => dismissed_results += 1,
            Some(Link::None(_)) => {
                unlinked_results += 1;
                *unlinked_by_learner.entry(learner).or_default() += 1;
            }
            Some(Link::To { .. }) | None => {}
        }
    }
    Ok(AsKnown { employees, merges, waiting, unlinked_by_learner, unlinked_results, dismissed_results, linker })
}

/// The decisions by hand about some results, as results in addition to them.
fn decided_about(results: &[StoredResult], decisions: &[ResultDecision]) -> Vec<LinkedResult> {
    if decisions.is_empty() {
        return Vec::new();
    }
    let by_name: HashMap<(PlatformId, &EventId), &LinkedResult> =
        results.iter().map(|stored| ((stored.result.platform, &stored.result.event_id), &stored.result)).collect();
    let of = |decision: &ResultDecision| {
        by_name.get(&(decision.platform, &decision.event_id)).and_then(|of| decision.as_result(of))
    };
    decisions.iter().filter_map(of).collect()
}

/// The results among `others` that name an owner's event, or that lead to such an event, each with its owner; without
/// those that the owner already has.
fn leading_to<K: Copy + Ord>(owned: &[(K, &LinkedResult)], others: &[&LinkedResult]) -> Vec<(K, LinkedResult)> {
    let mut naming: HashMap<(PlatformId, &EventId), Vec<&LinkedResult>> = HashMap::new();
    for other in others {
        if let Some(named) = other.kind.revoked_event() {
            naming.entry((other.platform, named)).or_default().push(other);
        }
    }
    if naming.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut met: BTreeSet<(K, PlatformId, EventId)> = BTreeSet::new();
    let name = |owner: K, result: &LinkedResult| (owner, result.platform, result.event_id.clone());
    let mut next: Vec<(K, &LinkedResult)> = Vec::new();
    for (owner, result) in owned {
        if naming.contains_key(&(result.platform, &result.event_id)) || result.kind.is_revocation() {
            met.insert(name(*owner, result));
            next.push((*owner, result));
        }
    }
    while let Some((owner, result)) = next.pop() {
        for other in naming.get(&(result.platform, &result.event_id)).into_iter().flatten() {
            if met.insert(name(owner, other)) {
                found.push((owner, (*other).clone()));
                next.push((owner, other));
            }
        }
    }
    found
}

/// Results that wait, by learner, each with those among `others` that withdraw or restore one of them.
#[must_use]
pub fn by_learner(waiting: Vec<(i64, LinkedResult)>, others: &[&LinkedResult]) -> Vec<Vec<LinkedResult>> {
    of_learners(waiting, others).into_values().collect()
}

/// The same, with the learners.
fn of_learners(waiting: Vec<(i64, LinkedResult)>, others: &[&LinkedResult]) -> BTreeMap<i64, Vec<LinkedResult>> {
    let owned: Vec<(i64, &LinkedResult)> = waiting.iter().map(|(learner, result)| (*learner, result)).collect();
    let naming = leading_to(&owned, others);
    let mut by_learner: BTreeMap<i64, Vec<LinkedResult>> = BTreeMap::new();
    for (learner, result) in waiting.into_iter().chain(naming) {
        let results = by_learner.entry(learner).or_default();
        if !result.kind.is_revocation() || !results.contains(&result) {
            results.push(result);
        }
    }
    by_learner
}
