//! Many decisions about identities at once: links, dismissals and undoing, in one change.

use std::collections::BTreeSet;

use crate::app::linking::link::{DecidedAnswer, LinkError, LinkRequest};
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::PlatformId;
use crate::domain::linking::Identity;
use crate::store::{Changing, StoreError, decisions, platforms};

/// One of the operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkOperation {
    /// Links an identity to an employee, or dismisses it.
    Decide(LinkRequest),
    /// Undoes a decision.
    Undo(i64),
}

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    #[error("an operation before this one is about the same identity; send one, or one after the other")]
    Repeated,
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// Why an operation was not done: the endpoint did not understand it, or it cannot be done.
#[derive(Debug)]
pub enum BulkFault<E> {
    NotUnderstood(E),
    NotDone(OperationError),
}

/// Why no operation was done.
#[derive(Debug)]
pub enum BulkError<E> {
    Refused(Refused),
    /// The positions of those that cannot be done, and why.
    NotAll(Vec<(usize, BulkFault<E>)>),
    Store(StoreError),
}

impl<E> From<StoreError> for BulkError<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl App {
    /// Does many operations in one change, each with its own scope and its own audit entry; returns their results in
    /// order. With `all_or_nothing`, one that cannot be done rolls all back; `is_dry_run` rolls all back in any case.
    /// An operation that could not be parsed is passed as its error.
    pub async fn link_in_bulk<E>(
        &self,
        caller: &Caller,
        operations: Vec<Result<LinkOperation, E>>,
        (all_or_nothing, is_dry_run): (bool, bool),
    ) -> Result<Vec<Result<DecidedAnswer, BulkFault<E>>>, BulkError<E>> {
        let grant = caller.grant(Action::Link).map_err(BulkError::Refused)?;
        let change = self.begin_change(caller, &grant).await?;
        let mut decided: BTreeSet<(PlatformId, Identity)> = BTreeSet::new();
        let mut answers = Vec::with_capacity(operations.len());
        for operation in operations {
            let operation = match operation {
                Ok(operation) => operation,
                Err(not_understood) => {
                    answers.push(Err(BulkFault::NotUnderstood(not_understood)));
                    continue;
                }
            };
            answers.push(match self.operate(&change, &operation, &mut decided).await {
                Ok(answer) => Ok(answer),
                // The database failed: nothing of this can be stored.
                Err(OperationError::Link(LinkError::Store(error))) => return Err(error.into()),
                Err(error) => Err(BulkFault::NotDone(error)),
            });
        }
        if all_or_nothing && !is_dry_run && answers.iter().any(Result::is_err) {
            change.roll_back().await?;
            let faults = answers.into_iter().enumerate();
            return Err(BulkError::NotAll(
                faults.filter_map(|(place, a)| a.err().map(|fault| (place, fault))).collect(),
            ));
        }
        let identities = decided.into_iter().map(|(_, identity)| identity).collect();
        self.finish_link(change, &identities, is_dry_run).await?;
        Ok(answers)
    }

    async fn operate(
        &self,
        change: &Changing<'_>,
        operation: &LinkOperation,
        decided: &mut BTreeSet<(PlatformId, Identity)>,
    ) -> Result<DecidedAnswer, OperationError> {
        // A decision that is superseded at the instant of its own recording would never be known: one per identity and
        // request.
        let subject = match operation {
            LinkOperation::Decide(request) => {
                let platform = platforms::by_code(change.connection(), &request.platform).await;
                platform.map_err(LinkError::from)?.map(|platform| (platform.id, request.identity.clone()))
            }
            LinkOperation::Undo(id) => {
                let decision = decisions::decision_by_id(change.connection(), *id).await.map_err(LinkError::from)?;
                let state = decision.filter(|decision| decision.undone_at.is_none());
                state.map(|decision| (decision.platform, decision.identity))
            }
        };
        if subject.as_ref().is_some_and(|subject| decided.contains(subject)) {
            return Err(OperationError::Repeated);
        }
        let answer = match operation {
            LinkOperation::Decide(request) => self.decide_link(change, request).await?,
            LinkOperation::Undo(id) => self.take_back(change, *id).await?.0,
        };
        decided.extend(subject);
        Ok(answer)
    }
}
