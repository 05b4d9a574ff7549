//! Which results a decision by hand would move, before it counts.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::App;
use crate::app::compliance::judge::{Requirements, judge};
use crate::app::compliance::refresh::versions_of_all;
use crate::app::employees::merge::{StatusChanges, changes};
use crate::domain::compliance::Status;
use crate::domain::ids::{EmployeeId, RequirementCode};
use crate::domain::linking::Identity;
use crate::domain::linking::holding::Decided;
use crate::domain::training::LinkedResult;
use crate::store::links::index_for;
use crate::store::people::KnownEmployee;
use crate::store::platforms::Platform;
use crate::store::stored_results::{self, StoredResult};
use crate::store::waiting::NamedLearner;
use crate::store::whose::Whose;
use crate::store::{Connection, StoreError, Unscoped, employees, people};

/// A decision that is about to be made or undone.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) enum Deciding {
    Make(Decided),
    /// By its id.
    TakeBack(i64),
}

/// Which employees' results move, and how their statuses change today.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkMoves {
    /// Every employee who gains or loses results, by number.
    pub people: Vec<MovedPerson>,
    /// Results that wait or are dismissed, and would link to an employee.
    pub dismissed: usize,
}

/// An employee who gains or loses results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedPerson {
    pub employee_number: String,
    pub gains: Vec<LinkedResult>,
    pub loses: Vec<LinkedResult>,
    /// Today's statuses that change.
    pub statuses: StatusChanges,
}

impl LinkMoves {
    /// Whether an employee loses results.
    #[must_use]
    pub fn takes_from_somebody(&self) -> bool {
        self.people.iter().any(|person| !person.loses.is_empty())
    }

    /// The losses, as part of a sentence: `3 results of 1001 (infosec-onboarding: compliant → pending)`.
    #[must_use]
    pub fn losses(&self) -> String {
        let status = |status: &Option<Status>| status.map_or("not bound", Status::as_str);
        let loss = |person: &MovedPerson| {
            let changed: Vec<String> = person
                .statuses
                .iter()
                .map(|(requirement, (before, now))| format!("{requirement}: {} → {}", status(before), status(now)))
                .collect();
            let changed = if changed.is_empty() { String::new() } else { format!(" ({})", changed.join(", ")) };
            let count = person.loses.len();
            let results = if count == 1 { "result" } else { "results" };
            format!("{count} {results} of {}{changed}", person.employee_number)
        };
        let losing = self.people.iter().filter(|person| !person.loses.is_empty());
        losing.map(loss).collect::<Vec<_>>().join(", ")
    }
}

/// What an employee gains and loses.
#[derive(Debug, Default)]
struct Moved {
    gains: Vec<LinkedResult>,
    loses: Vec<LinkedResult>,
}

impl App {
    /// What a decision about an identity would move, for the learners with that identity on a platform.
    pub(in crate::app) async fn moves(
        &self,
        connection: &impl Connection,
        (platform, identity): (&Platform, &Identity),
        named: &[NamedLearner],
        deciding: Deciding,
    ) -> Result<LinkMoves, StoreError> {
        let identities: BTreeSet<Identity> = named.iter().flat_map(|learner| learner.keys.identities()).collect();
        let before = index_for(connection, &identities, self.calendar).await?;
        let mut after = index_for(connection, &identities, self.calendar).await?;
        match deciding {
            Deciding::Make(decided) => after.decide(platform.id, identity, decided),
            Deciding::TakeBack(id) => after.take_back(identity, id),
        }
        let keys: BTreeMap<i64, &NamedLearner> = named.iter().map(|learner| (learner.id, learner)).collect();
        let learners: Vec<i64> = keys.keys().copied().collect();
        let mut moved: BTreeMap<EmployeeId, Moved> = BTreeMap::new();
        let mut dismissed = 0;
        for StoredResult { learner, result, .. } in
            stored_results::of_learners(connection, &learners, self.calendar).await?
        {
            let Some(learner) = keys.get(&learner) else { continue };
            let [was, is] = [&before, &after]
                .map(|index| index.link(platform.id, &platform.linking_keys, &learner.keys, result.day).employee());
            if was == is {
                continue;
            }
            if let Some(loser) = was {
                moved.entry(loser).or_default().loses.push(result.clone());
            } else {
                dismissed += 1;
            }
            if let Some(gainer) = is {
                moved.entry(gainer).or_default().gains.push(result);
            }
        }
        Ok(LinkMoves { people: self.moved_people(connection, moved).await?, dismissed })
    }

    async fn moved_people(
        &self,
        connection: &impl Connection,
        moved: BTreeMap<EmployeeId, Moved>,
    ) -> Result<Vec<MovedPerson>, StoreError> {
        if moved.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<EmployeeId> = moved.keys().copied().collect();
        let mut known =
            employees::known(connection, &Unscoped::RestsOnEverybody.scope(), Whose::Only(&ids), None).await?;
        people::attach_linked_results(connection, &mut known, self.calendar).await?;
        let requirements = versions_of_all(connection).await?;
        let mut found = Vec::with_capacity(moved.len());
        for (id, Moved { gains, loses }) in moved {
            let Some(mut employee) = known.remove(&id) else { continue };
            let before = self.statuses(&employee, &requirements);
            let is_lost = |result: &LinkedResult| {
                loses.iter().any(|lost| (lost.platform, &lost.event_id) == (result.platform, &result.event_id))
            };
            employee.person.results.retain(|result| !is_lost(result));
            employee.person.results.extend(gains.iter().cloned());
            let mut statuses = changes(&before, &self.statuses(&employee, &requirements));
            statuses.retain(|_, (before, now)| before != now);
            found.push(MovedPerson { employee_number: employee.number.to_string(), gains, loses, statuses });
        }
        found.sort_by(|a, b| a.employee_number.cmp(&b.employee_number));
        Ok(found)
    }

    fn statuses(&self, employee: &KnownEmployee, requirements: &Requirements) -> BTreeMap<RequirementCode, Status> {
        let today = self.today();
        let judged = requirements.iter().filter_map(|(code, versions)| {
            judge(employee, versions, today).map(|judged| (code.clone(), judged.state.status))
        });
        judged.collect()
    }
}
