//! The queue of the unrecognised: learners whose results wait for somebody to be theirs.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Act;
use super::show_employee::is_visible;
use super::{App, Asker};
use crate::domain::access::{Action, Grant, Refused};
use crate::domain::ids::{EmployeeId, PlatformId};
use crate::domain::linking::Identity;
use crate::store::links::{LinkIndex, index_for};
use crate::store::people::{Whose, directory};
use crate::store::waiting::{WaitingLearner, waiting};
use crate::store::{Connection, StoreError, people, platforms};

/// A learner in the queue, as the asker may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnlinkedAnswer {
    pub learner: WaitingLearner,
    pub platform: String,
    /// The employee numbers of those whom some key fits, in order.
    pub candidates: Vec<String>,
}

/// Why the queue was not shown.
#[derive(Debug, thiserror::Error)]
pub enum ListUnlinkedError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How many learners are looked through at a time for those that an administration may see.
const AT_ONCE: u64 = 500;

impl App {
    /// The queue by learner's id, at the most so many after one; leaves the audit entry of the look.
    ///
    /// Who sees all sees all of it. An administration sees those whom some key fits, where everybody whom a key fits is
    /// its own: anybody else might be another administration's.
    pub async fn list_unlinked(
        &self,
        asker: &Asker,
        after: Option<i64>,
        at_most: usize,
    ) -> Result<Vec<UnlinkedAnswer>, ListUnlinkedError> {
        let grant = asker.grant(Action::ReadUnlinked)?;
        self.look(asker, &grant, Act { action: "unlinked.read", object: "unlinked results" }).await?;
        let snapshot = self.store.snapshot().await?;
        let connection = snapshot.connection();
        let codes: BTreeMap<PlatformId, String> = platforms::list(connection)
            .await?
            .into_iter()
            .map(|platform| (platform.id, platform.code.to_string()))
            .collect();
        let mut after = after;
        let mut answers = Vec::new();
        while answers.len() < at_most {
            let found = waiting(connection, after, AT_ONCE).await?;
            let Some(last) = found.last() else { break };
            after = Some(last.id);
            let identities: BTreeSet<Identity> = found.iter().flat_map(|learner| learner.keys.identities()).collect();
            let index = index_for(connection, &identities).await?;
            let fits: Vec<BTreeSet<EmployeeId>> = found.iter().map(|learner| candidates(&index, learner)).collect();
            let everybody: BTreeSet<EmployeeId> = fits.iter().flatten().copied().collect();
            let numbers = people::numbers_of(connection, &everybody).await?;
            let own = self.visible_among(connection, &grant, &everybody).await?;
            for (learner, fits) in found.into_iter().zip(fits) {
                let is_own = !fits.is_empty() && fits.is_subset(&own);
                if answers.len() < at_most && (grant.visible().is_all() || is_own) {
                    let mut candidates: Vec<String> = fits.iter().filter_map(|id| numbers.get(id).cloned()).collect();
                    candidates.sort_unstable();
                    let platform = codes.get(&learner.platform).cloned().unwrap_or_default();
                    answers.push(UnlinkedAnswer { learner, platform, candidates });
                }
            }
        }
        Ok(answers)
    }

    /// Those among some employees whom the asker may see today.
    pub(super) async fn visible_among(
        &self,
        connection: &impl Connection,
        grant: &Grant,
        employees: &BTreeSet<EmployeeId>,
    ) -> Result<BTreeSet<EmployeeId>, StoreError> {
        if grant.visible().is_all() {
            return Ok(employees.clone());
        }
        let ids: Vec<EmployeeId> = employees.iter().copied().collect();
        let known = directory(connection, Whose::Only(&ids), None).await?;
        let seen = known.into_values().filter(|employee| is_visible(grant.visible(), employee, self.today()));
        Ok(seen.map(|employee| employee.id).collect())
    }
}

/// Everybody whom some key of a learner fits.
pub(super) fn candidates(index: &LinkIndex, learner: &WaitingLearner) -> BTreeSet<EmployeeId> {
    let fits = learner.keys.identities().map(|identity| index.fit(learner.platform, &identity));
    fits.flat_map(|fit| fit.employees).collect()
}
