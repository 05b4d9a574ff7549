//! Recomputes everything that is derived from the kept facts, and compares.

use std::collections::{BTreeMap, HashMap};

use super::as_known::Linker;
use super::settle_standings::all_requirements;
use super::{App, Asker};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::{EmployeeId, RequirementCode};
use crate::domain::linking::Link;
use crate::store::standings::{self, Derived};
use crate::store::{Snapshot, StoreError, clock, learners, people};

/// Why nothing was verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was compared, and where it differed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    pub events: u64,
    pub employees: u64,
    pub statements: u64,
    /// One sentence for each difference.
    pub differences: Vec<String>,
}

/// How many people or events are compared at a time.
const AT_ONCE: u64 = 1000;

impl App {
    /// Settles and indexes what waits, then recomputes every link and every standing from the facts, reads every statement
    /// again, and names each difference. `progress` hears how many people, events and statements are done since it was last told.
    pub async fn verify(&self, asker: &Asker, mut progress: impl FnMut(u64)) -> Result<Verified, VerifyError> {
        asker.grant(Action::Operate)?;
        self.settle_all(|_| {}).await?;
        self.index_all_statements().await?;
        let snapshot = self.store.snapshot().await?;
        let mut verified = Verified::default();
        self.verify_links(&snapshot, &mut verified, &mut progress).await?;
        self.verify_standings(&snapshot, &mut verified, &mut progress).await?;
        self.verify_statements(&snapshot, &mut verified, &mut progress).await?;
        let orphans = standings::count_orphans(snapshot.connection()).await?;
        if orphans > 0 {
            verified.differences.push(format!("{orphans} standings are of nobody whom the directory knows"));
        }
        let miscounted = learners::miscounted_repeats(snapshot.connection()).await?;
        verified.differences.extend(
            miscounted
                .into_iter()
                .map(|event| format!("event {event}: the same thing told twice is counted otherwise than once")),
        );
        Ok(verified)
    }

    async fn verify_links(
        &self,
        snapshot: &Snapshot,
        verified: &mut Verified,
        progress: &mut impl FnMut(u64),
    ) -> Result<(), StoreError> {
        let now = clock::known_through(snapshot.connection()).await?;
        let linker = Linker::at(snapshot, now, self.calendar).await?;
        for kept in learners::kept_learners(snapshot.connection()).await? {
            if linker.learner(kept.id).is_none_or(|should| should != (kept.depends_on_day, kept.employee, kept.why)) {
                verified.differences.push(format!("learner {}: its kept link is not the directory's", kept.id));
            }
        }
        let mut after = 0;
        loop {
            let kept = learners::kept_links(snapshot.connection(), after, AT_ONCE).await?;
            let Some(last) = kept.last() else { return Ok(()) };
            after = last.event;
            progress(kept.len() as u64);
            verified.events += kept.len() as u64;
            for event in kept {
                let should = linker.link(event.learner, event.occurred_at);
                let agrees = match should {
                    Some(Link::To { employee, .. }) => event.employee == Some(employee) && event.why.is_none(),
                    Some(Link::None(why)) => event.employee.is_none() && event.why == Some(why),
                    None => false,
                };
                if !agrees {
                    let should = should.and_then(|link| link.employee());
                    let numbers = event.employee.into_iter().chain(should).collect();
                    let numbers = people::numbers_of(snapshot.connection(), &numbers).await?;
                    verified.differences.push(format!(
                        "event {}: kept as linked to {}, but the directory says {}",
                        event.event_id,
                        shown(event.employee, &numbers),
                        shown(should, &numbers),
                    ));
                }
            }
        }
    }

    async fn verify_standings(
        &self,
        snapshot: &Snapshot,
        verified: &mut Verified,
        progress: &mut impl FnMut(u64),
    ) -> Result<(), StoreError> {
        let requirements = all_requirements(snapshot).await?;
        let waiting = standings::stale(snapshot.connection(), u64::MAX >> 1).await?;
        let waiting: std::collections::BTreeSet<EmployeeId> = waiting.into_iter().map(|work| work.employee).collect();
        let mut after = EmployeeId(0);
        loop {
            let ids = people::ids_after(snapshot.connection(), after, AT_ONCE).await?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = *last;
            progress(ids.len() as u64);
            verified.employees += ids.len() as u64;
            let numbers = people::numbers_of(snapshot.connection(), &ids.iter().copied().collect()).await?;
            let should = self.derive_from_scratch(snapshot, &ids, &requirements).await?;
            let mut should = by_name(should);
            for kept in standings::kept(snapshot.connection(), &ids).await? {
                // Facts that came since the settling are not derived yet, and reports judge these people themselves.
                let should = should.remove(&(kept.employee, kept.requirement.clone()));
                if !waiting.contains(&kept.employee) {
                    verified.differences.extend(difference(&kept, should.as_ref(), &numbers));
                }
            }
            for missing in should.into_values().filter(|missing| !waiting.contains(&missing.employee)) {
                verified.differences.push(format!(
                    "{} and requirement {}: nothing is kept, but the facts give a standing",
                    shown(Some(missing.employee), &numbers),
                    missing.requirement
                ));
            }
        }
    }
}

/// HR's numbers of employees.
type Numbers = HashMap<EmployeeId, String>;

fn shown(employee: Option<EmployeeId>, numbers: &Numbers) -> String {
    let number = employee.map(|employee| numbers.get(&employee).map_or("without a number", String::as_str));
    number.map_or_else(|| "nobody".to_owned(), |number| format!("employee {number}"))
}

fn by_name(derived: Vec<Derived>) -> BTreeMap<(EmployeeId, RequirementCode), Derived> {
    derived.into_iter().map(|derived| ((derived.employee, derived.requirement.clone()), derived)).collect()
}

/// What differs between what is kept and what the facts give.
fn difference(kept: &Derived, should: Option<&Derived>, numbers: &Numbers) -> Option<String> {
    let name = format!("{} and requirement {}", shown(Some(kept.employee), numbers), kept.requirement);
    let Some(should) = should else { return Some(format!("{name}: a standing is kept, but the facts give none")) };
    if kept.standings != should.standings {
        let pairs = kept.standings.iter().zip(&should.standings);
        let first = pairs.clone().find(|(kept, should)| kept != should);
        return Some(match first {
            Some((kept, should)) => format!(
                "{name}: from {} kept as {}, but the facts give {} from {}",
                kept.days.first,
                kept.standing.status.as_str(),
                should.standing.status.as_str(),
                should.days.first,
            ),
            None => format!(
                "{name}: {} spans are kept, but the facts give {}",
                kept.standings.len(),
                should.standings.len()
            ),
        });
    }
    (kept.scopes != should.scopes)
        .then(|| format!("{name}: kept in other administrations or places than the facts give"))
}
