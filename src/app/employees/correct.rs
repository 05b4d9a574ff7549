//! Corrects by hand what is known of an employee: new facts, known from now on.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::compliance::judge::{Requirements, judge};
use crate::app::compliance::refresh::versions_of_all;
use crate::app::employees::merge::{StatusChanges, changes};
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::compliance::Status;
use crate::domain::directory::plan::correct::{CannotCorrect, Correction, correct};
use crate::domain::directory::plan::{self, Plan};
use crate::domain::directory::records::AdministrationRecord;
use crate::domain::history::{self, Entry, Story};
use crate::domain::ids::{EmployeeId, EmployeeNumber, RequirementCode};
use crate::store::history::facts;
use crate::store::whose::Whose;
use crate::store::{
    Act, Connection, StoreError, Unscoped, applying, corrections, directory, employees, merges, people, platforms,
    protection, reorganisations,
};

/// A correction, and the reason for it.
#[derive(Debug, Clone)]
pub struct CorrectionRequest {
    pub number: EmployeeNumber,
    pub correction: Correction,
    pub reason: String,
    /// Whether this is a dry run.
    pub dry_run: bool,
}

/// What a correction changed, or would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectionAnswer {
    pub number: EmployeeNumber,
    pub is_dry_run: bool,
    /// The instant from which the corrected facts are known, or would be.
    pub known_at: DateTime<Utc>,
    /// The day of the statuses.
    pub as_of: NaiveDate,
    pub changes: Vec<Entry>,
    /// By requirement, today's status before and after; `None`: the requirement does not bind the employee.
    pub statuses: StatusChanges,
}

/// Why nothing was corrected.
#[derive(Debug, thiserror::Error)]
pub enum CorrectError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no employee {0} is known")]
    UnknownEmployee(EmployeeNumber),
    #[error(transparent)]
    Cannot(#[from] CannotCorrect),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Corrects what is known of an employee; the audit trail and the employee's history record the reason.
    pub async fn correct_employee(
        &self,
        caller: &Caller,
        request: &CorrectionRequest,
    ) -> Result<CorrectionAnswer, CorrectError> {
        let grant = caller.grant(Action::Operate)?;
        let CorrectionRequest { number, correction, reason, dry_run } = request;
        let change = self.begin_change(caller, &grant).await?;
        let connection = change.connection();
        let unknown = || CorrectError::UnknownEmployee(number.clone());
        let id = people::by_number(connection, number).await?.ok_or_else(unknown)?;
        let mut known = facts(connection, (id, number)).await?.known();
        known.successions = reorganisations::successions(connection, None).await?;
        for (code, name) in directory::administrations(connection, change.known_at()).await? {
            known.administrations.insert(code.clone(), AdministrationRecord { code, name, board: String::new() });
        }
        let plan = correct(&known, number, correction, self.today())?.ok_or_else(unknown)?;
        let requirements = versions_of_all(connection).await?;
        // A correction under a merged duplicate's number changes the statuses of the employee into whom it was merged.
        let person = merges::merges(connection, None).await?.person(id);
        let before = self.statuses_today(connection, person, &requirements).await?;
        // A dry run does the same and is rolled back, so it reports exactly what would happen.
        let orders = platforms::link_orders(connection).await?;
        applying::apply(&change, &plan, &orders, self.calendar, &|_| {}).await?;
        corrections::insert(&change, id, reason).await?;
        let after = self.statuses_today(connection, person, &requirements).await?;
        let known_at = change.known_at();
        let protected = protection::protected_among(connection, &BTreeSet::from([id])).await?;
        let object = format!("employee {number}: {} changes, because {reason}", plan.changes.len());
        if *dry_run {
            self.end_preview(change, Act { action: "employee.preview-correction", object: &object }).await?;
        } else {
            change.commit(Act { action: "employee.correct", object: &object }).await?;
        }
        let was_protected = known.persons.get(number).is_some_and(|person| person.protected);
        let is_protected = was_protected || !protected.is_empty();
        Ok(CorrectionAnswer {
            number: number.clone(),
            is_dry_run: *dry_run,
            known_at,
            as_of: self.today(),
            changes: entries_of(&plan, known_at, is_protected),
            statuses: changes(&before, &after),
        })
    }

    /// Today's status of an employee in each requirement that binds them, with the change so far.
    pub(in crate::app) async fn statuses_today(
        &self,
        connection: &impl Connection,
        id: EmployeeId,
        requirements: &Requirements,
    ) -> Result<BTreeMap<RequirementCode, Status>, StoreError> {
        let mut found =
            employees::known(connection, &Unscoped::RestsOnEverybody.scope(), Whose::Only(&[id]), None).await?;
        people::attach_linked_results(connection, &mut found, self.calendar).await?;
        let Some(employee) = found.remove(&id) else { return Ok(BTreeMap::new()) };
        let today = self.today();
        let judged = requirements.iter().filter_map(|(code, versions)| {
            judge(&employee, versions, today).map(|judged| (code.clone(), judged.state.status))
        });
        Ok(judged.collect())
    }
}

/// A plan as entries of a history.
fn entries_of(plan: &Plan, known_at: DateTime<Utc>, is_protected: bool) -> Vec<Entry> {
    let entries = plan.changes.iter().filter_map(|change| match change {
        plan::Change::Person(act) => history::change(known_at, act.before(), act.after()),
        plan::Change::Employment(act) => history::change(known_at, act.before(), act.after()),
        plan::Change::Absence(act) => history::change(known_at, act.before(), act.after()),
        // A correction changes nothing else.
        _ => None,
    });
    let mut story = Story::of(entries.collect());
    story.protect(is_protected, &[]);
    let (entries, _) = story.page(None, None, plan.changes.len());
    entries
}
