//! People as they were known at an instant, from the facts alone: the links of that time, the directory of that time.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use crate::domain::calendar::CityCalendar;
use crate::domain::compliance::{Item, RequirementVersion};
use crate::domain::directory::merge::Merges;
use crate::domain::ids::{EmployeeId, EventId, PlatformId};
use crate::domain::linking::queue::is_dismissed;
use crate::domain::linking::{LearnerKeys, Link, Unlinked};
use crate::domain::training::{LinkedResult, ResultKind, Target};
use crate::store::links::{LinkIndex, LinkOrders, index_as_known};
use crate::store::merges::merges;
use crate::store::people::{KnownEmployee, Whose, directory, protected_now};
use crate::store::told::{self, Told};
use crate::store::{Snapshot, StoreError, learners, platforms};

/// What was known of everybody, and of those who were nobody's yet.
#[derive(Debug)]
pub struct AsKnown {
    pub employees: BTreeMap<EmployeeId, KnownEmployee>,
    /// Which numbers were one human.
    pub merges: Merges,
    /// For each learner whose results waited: these, with every revocation that names one of them.
    pub waiting: Vec<Vec<LinkedResult>>,
    /// How many results waited, about anything.
    pub unlinked_results: u64,
    /// How many had been decided to be nobody's.
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
            index: index_as_known(connection, known_at).await?,
            orders: platforms::link_orders(connection).await?,
            learners: learners.into_iter().map(|(id, platform, keys)| (id, (platform, keys))).collect(),
            calendar,
        })
    }

    /// Whose a result is that a learner had at an instant; nothing for a learner who was not known.
    #[must_use]
    pub fn link(&self, learner: i64, occurred_at: DateTime<Utc>) -> Option<Link> {
        let (platform, keys) = self.learners.get(&learner)?;
        let order = self.orders.get(platform).map_or(&[][..], Vec::as_slice);
        Some(self.index.link(*platform, order, keys, self.calendar.day_of(occurred_at)))
    }

    /// What a learner's row should say: whether its link depends on the day, and where it does not, whose it is, or why
    /// nobody's.
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

    /// Whether a learner's results are nobody's because a person decided so.
    #[must_use]
    pub fn is_dismissed(&self, learner: i64) -> bool {
        let Some((platform, keys)) = self.learners.get(&learner) else { return false };
        let why = self.learner(learner).and_then(|(_, _, why)| why);
        why.is_some_and(|why| is_dismissed(keys, why, |identity| self.index.fit(*platform, identity)))
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
    let mut employees = directory(connection, Whose::Everybody, Some(known_at)).await?;
    // Who is protected today is protected in every answer of today: the one thing that goes before what was known then.
    let merges = merges(connection, Some(known_at)).await?;
    for protected in protected_now(connection).await? {
        if let Some(employee) = employees.get_mut(&merges.person(protected)) {
            employee.protected = true;
        }
    }
    let results = told::results_about(connection, targets, known_at, calendar).await?;
    let owner_of =
        |learner: i64, result: &LinkedResult| linker.link(learner, result.occurred_at).and_then(|link| link.employee());
    let mut unowned = Vec::new();
    let mut owners: HashMap<(PlatformId, &EventId), EmployeeId> = HashMap::new();
    for Told { learner, result, .. } in &results {
        match owner_of(*learner, result) {
            Some(owner) => {
                owners.insert((result.platform, &result.event_id), owner);
                if let Some(employee) = employees.get_mut(&owner) {
                    employee.person.results.push(result.clone());
                }
            }
            // Nobody's by decision could not satisfy anybody.
            None if linker.is_dismissed(*learner) => {}
            None => unowned.push((*learner, result.clone())),
        }
    }
    for Told { learner, result, .. } in &results {
        let ResultKind::Revocation { event_id: Some(named) } = &result.kind else { continue };
        let owner = owners.get(&(result.platform, named)).copied();
        if let Some(owner) = owner.filter(|owner| owner_of(*learner, result) != Some(*owner))
            && let Some(employee) = employees.get_mut(&owner)
        {
            employee.person.results.push(result.clone());
        }
    }
    let naming: Vec<&LinkedResult> = results.iter().map(|told| &told.result).collect();
    let waiting = by_learner(unowned, &naming);
    let done = told::told_by(connection, &linker.can_wait(), known_at).await?;
    let waits = |(learner, occurred_at): &&(i64, DateTime<Utc>)| {
        linker.link(*learner, *occurred_at).is_some_and(|link| link.employee().is_none())
    };
    let nobodys: Vec<i64> = done.iter().filter(waits).map(|(learner, _)| *learner).collect();
    let dismissed_results = nobodys.iter().filter(|learner| linker.is_dismissed(**learner)).count() as u64;
    let unlinked_results = nobodys.len() as u64 - dismissed_results;
    Ok(AsKnown { employees, merges, waiting, unlinked_results, dismissed_results, linker })
}

/// Results that wait, by learner, each with the revocations among `others` that name one of them.
#[must_use]
pub fn by_learner(waiting: Vec<(i64, LinkedResult)>, others: &[&LinkedResult]) -> Vec<Vec<LinkedResult>> {
    let mut by_learner: BTreeMap<i64, Vec<LinkedResult>> = BTreeMap::new();
    let mut learner_of: HashMap<(PlatformId, EventId), i64> = HashMap::new();
    for (learner, result) in waiting {
        learner_of.insert((result.platform, result.event_id.clone()), learner);
        by_learner.entry(learner).or_default().push(result);
    }
    for other in others {
        let ResultKind::Revocation { event_id: Some(named) } = &other.kind else { continue };
        let learner = learner_of.get(&(other.platform, named.clone()));
        let results = learner.and_then(|learner| by_learner.get_mut(learner));
        if let Some(results) = results
            && !results.contains(other)
        {
            results.push((*other).clone());
        }
    }
    by_learner.into_values().collect()
}
