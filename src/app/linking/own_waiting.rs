//! The waiting results that are an administration's: some key fits an employee, and every employee whom a key fits is
//! its own.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::app::App;
use crate::app::reports::as_known::AsKnown;
use crate::domain::ids::EmployeeId;
use crate::domain::linking::Identity;
use crate::domain::linking::ownership::{Engagement, answering};
use crate::domain::linking::queue::everybody;
use crate::store::links::index_for;
use crate::store::people::KnownEmployee;
use crate::store::{Connection, Scope, StoreError, waiting};

/// Whether the caller's administrations answer for an employee on a day.
pub(in crate::app) fn answers_for(scope: &Scope, employee: &KnownEmployee, day: NaiveDate) -> bool {
    let engagements = employee.person.employments.iter().map(|employment| Engagement {
        administration: employment.administration.clone(),
        starts_on: employment.starts_on,
        ends_on: employment.ends_on,
    });
    let engagements: Vec<Engagement> = engagements.collect();
    answering(&engagements, day).into_iter().any(|code| scope.visible().includes_of(employee.id, code))
}

impl App {
    /// The learners whose results wait and are the caller's administrations' alone, with how many results wait.
    pub(in crate::app) async fn own_waiting(
        &self,
        connection: &impl Connection,
        scope: &Scope,
    ) -> Result<BTreeMap<i64, u64>, StoreError> {
        let learners = waiting::unlinked(connection, None, false).await?;
        let identities: BTreeSet<Identity> = learners.iter().flat_map(|l| l.keys.identities()).collect();
        let index = index_for(connection, &identities, self.calendar).await?;
        let fits = |learner: &waiting::WaitingLearner| -> BTreeSet<EmployeeId> {
            let (first, last) = learner.happened;
            let (first, last) = (self.calendar.day_of(first), self.calendar.day_of(last));
            let fit = |identity| index.holding(learner.platform, &identity).within(first, last);
            learner.keys.identities().flat_map(|identity| everybody(&fit(identity))).collect()
        };
        let everybody: BTreeSet<EmployeeId> = learners.iter().flat_map(fits).collect();
        let own = self.own_among(connection, scope, &everybody).await?;
        let is_own = |learner: &&waiting::WaitingLearner| {
            let fits = fits(learner);
            !fits.is_empty() && fits.is_subset(&own)
        };
        Ok(learners.iter().filter(is_own).map(|learner| (learner.id, learner.results)).collect())
    }
}

/// The same as known at an instant, whose day is `day`.
pub(in crate::app) fn own_waiting_as_known(known: &AsKnown, scope: &Scope, day: NaiveDate) -> BTreeSet<i64> {
    let is_own = |employee: &EmployeeId| {
        let person = known.employees.get(&known.merges.person(*employee));
        person.is_some_and(|employee| answers_for(scope, employee, day))
    };
    let learners = known.unlinked_by_learner.keys();
    let own = learners.filter(|learner| {
        let fits = known.linker.fits(**learner);
        !fits.is_empty() && fits.iter().all(is_own)
    });
    own.copied().collect()
}
