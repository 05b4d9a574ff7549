//! Statements about something that a requirement names that give no result of it: how many, and why. The author of the
//! requirement expects them to count, and sees here that they do not.

use chrono::{DateTime, Utc};

use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::compliance::requirement::Requirement;
use crate::domain::ids::RequirementCode;
use crate::domain::report::StatementsWithoutResult;
use crate::domain::training::Target;
use crate::intake::xapi::without_result_because;
use crate::store::xapi::without_result::{self, WithoutResultCount};
use crate::store::{Connection, StoreError, Unscoped};

/// What was found about one of the checked requirements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedRequirement {
    pub code: RequirementCode,
    pub without_result: Vec<StatementsWithoutResult>,
}

/// Why requirements are not checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckRequirementsError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Checks what requirements name, before or after they are applied: which statements about it give no result of it.
    /// These are no personal data, so there is no audit entry.
    pub async fn check_requirements(
        &self,
        caller: &Caller,
        requirements: &[Requirement],
    ) -> Result<Vec<CheckedRequirement>, CheckRequirementsError> {
        caller.grant(Action::Operate)?;
        let snapshot = self.store.snapshot(Unscoped::Operating).await?;
        let mut checked = Vec::with_capacity(requirements.len());
        for requirement in requirements {
            // Facts are recorded before the transaction-time clock shows them; this includes all of them.
            let targets = requirement.targets();
            let without_result = without_result_of(snapshot.connection(), &targets, DateTime::<Utc>::MAX_UTC).await?;
            checked.push(CheckedRequirement { code: requirement.code.clone(), without_result });
        }
        Ok(checked)
    }
}

/// The statements about some courses and quizzes that give no result of them, as known at an instant.
pub(in crate::app) async fn without_result_of(
    connection: &impl Connection,
    targets: &[Target],
    known_at: DateTime<Utc>,
) -> Result<Vec<StatementsWithoutResult>, StoreError> {
    let counted = without_result::count(connection, targets, known_at).await?;
    let shown = |WithoutResultCount { platform, target, reason, verb, statements }| StatementsWithoutResult {
        because: without_result_because(&reason),
        platform,
        target,
        statements,
        verb,
        reason,
    };
    Ok(counted.into_iter().map(shown).collect())
}
