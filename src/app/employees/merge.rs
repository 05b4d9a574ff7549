//! Merges two employee numbers that are one human, by a person's decision, and undoes a merge.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::compliance::refresh::versions_of_all;
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::compliance::Status;
use crate::domain::directory::merge::{CannotMerge, Merge};
use crate::domain::ids::{EmployeeId, EmployeeNumber, RequirementCode};
use crate::store::{Act, Changing, Connection, StoreError, merges, merging, people};

/// Which number is a duplicate of which, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRequest {
    pub kept: EmployeeNumber,
    pub duplicate: EmployeeNumber,
    pub reason: String,
    /// Whether this is a dry run.
    pub dry_run: bool,
}

/// An employee's status today before and after; `None`: the requirement does not bind the employee.
pub type StatusChanges = BTreeMap<RequirementCode, (Option<Status>, Option<Status>)>;

/// A merge that was made or undone, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeAnswer {
    pub merge: Merge,
    pub is_dry_run: bool,
    /// The instant from which it is known, or would be.
    pub known_at: DateTime<Utc>,
    /// The day of the statuses.
    pub as_of: NaiveDate,
    pub kept_statuses: StatusChanges,
    pub duplicate_statuses: StatusChanges,
}

/// Why nothing was merged or undone.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no employee {0} is known")]
    UnknownEmployee(EmployeeNumber),
    #[error("no employee {0} is known; a duplicate is a number that HR has reported")]
    UnknownDuplicate(EmployeeNumber),
    #[error("{0} cannot be its own duplicate; name the other number")]
    Itself(EmployeeNumber),
    #[error("{duplicate} is merged into {kept} already; undo merge {id} first, if it belongs to somebody else")]
    MergedAlready { duplicate: EmployeeNumber, kept: EmployeeNumber, id: i64 },
    #[error("{kept} is a duplicate itself, merged into {person}; merge {duplicate} into {person} instead")]
    KeptIsDuplicate { duplicate: EmployeeNumber, kept: EmployeeNumber, person: EmployeeNumber },
    #[error(
        "{own} is merged into {duplicate}; merge {kept} into {duplicate} instead, or undo merge {id} first and merge both into {kept}"
    )]
    DuplicateHasDuplicates { duplicate: EmployeeNumber, kept: EmployeeNumber, own: EmployeeNumber, id: i64 },
    #[error("no merge with the id {0} is known")]
    UnknownMerge(i64),
    #[error("merge {0} is undone already")]
    UndoneAlready(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Today's statuses of both numbers of a merge.
struct Both {
    kept: BTreeMap<RequirementCode, Status>,
    duplicate: BTreeMap<RequirementCode, Status>,
}

impl App {
    /// Merges a duplicate into the employee who stays: they are one human from now on, in every figure known from now
    /// on.
    pub async fn merge_employees(&self, caller: &Caller, request: &MergeRequest) -> Result<MergeAnswer, MergeError> {
        let grant = caller.grant(Action::Operate)?;
        let MergeRequest { kept, duplicate, reason, dry_run } = request;
        let change = self.begin_change(caller, &grant).await?;
        let connection = change.connection();
        let unknown = || MergeError::UnknownEmployee(kept.clone());
        let kept_id = people::by_number(connection, kept).await?.ok_or_else(unknown)?;
        let unknown = || MergeError::UnknownDuplicate(duplicate.clone());
        let duplicate_id = people::by_number(connection, duplicate).await?.ok_or_else(unknown)?;
        let both = (duplicate_id, kept_id);
        if let Err(why) = merges::merges(connection, None).await?.may_merge(duplicate_id, kept_id) {
            return Err(refusal(connection, why, request, both).await?);
        }
        let before = self.both_today(connection, both).await?;
        // A dry run does the same and is rolled back, so it reports exactly what would happen.
        let id = merging::merge(&change, both, (grant.subject(), reason), self.calendar).await?;
        let object = format!("merge {id}: employee {duplicate} into {kept}, because {reason}");
        self.finish(change, (id, both), before, (*dry_run, Act { action: "merge.make", object: &object })).await
    }

    /// Undoes a merge: they are two employees from now on, each with what is recorded under their own number.
    pub async fn undo_merge(&self, caller: &Caller, id: i64, because: &str) -> Result<MergeAnswer, MergeError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let connection = change.connection();
        let merge = merging::by_id(connection, id).await?.ok_or(MergeError::UnknownMerge(id))?;
        if merge.undone.is_some() {
            return Err(MergeError::UndoneAlready(id));
        }
        let both = (merge.duplicate, merge.kept);
        let before = self.both_today(connection, both).await?;
        merging::undo(&change, &merge, (grant.subject(), because), self.calendar).await?;
        let (duplicate, kept) = (&merge.duplicate_number, &merge.kept_number);
        let object = format!("merge {id}: employee {duplicate} out of {kept}, because {because}");
        self.finish(change, (id, both), before, (false, Act { action: "merge.undo", object: &object })).await
    }

    async fn finish(
        &self,
        change: Changing<'_>,
        (id, both): (i64, (EmployeeId, EmployeeId)),
        before: Both,
        (is_dry_run, act): (bool, Act<'_>),
    ) -> Result<MergeAnswer, MergeError> {
        let connection = change.connection();
        let after = self.both_today(connection, both).await?;
        let merge = merging::by_id(connection, id).await?.ok_or(MergeError::UnknownMerge(id))?;
        let known_at = change.known_at();
        if is_dry_run {
            self.end_preview(change, Act { action: "merge.preview", ..act }).await?;
        } else {
            change.commit(act).await?;
        }
        Ok(MergeAnswer {
            merge,
            is_dry_run,
            known_at,
            as_of: self.today(),
            kept_statuses: changes(&before.kept, &after.kept),
            duplicate_statuses: changes(&before.duplicate, &after.duplicate),
        })
    }

    async fn both_today(
        &self,
        connection: &impl Connection,
        (duplicate, kept): (EmployeeId, EmployeeId),
    ) -> Result<Both, StoreError> {
        let requirements = versions_of_all(connection).await?;
        Ok(Both {
            kept: self.statuses_today(connection, kept, &requirements).await?,
            duplicate: self.statuses_today(connection, duplicate, &requirements).await?,
        })
    }

    /// Merges, newest first, undone ones included; `before` is the id of the last one that the caller has seen.
    pub async fn list_merges(
        &self,
        caller: &Caller,
        before: Option<i64>,
        at_most: u64,
    ) -> Result<Vec<Merge>, MergeError> {
        let grant = caller.grant(Action::ReadAudit)?;
        let reading = self.begin_read(caller, &grant, Act { action: "merge.list", object: "merges" }).await?;
        Ok(merging::list(reading.connection(), reading.scope(), before, at_most).await?)
    }
}

/// The statuses before and after, in every requirement that is in either.
pub(in crate::app) fn changes(
    before: &BTreeMap<RequirementCode, Status>,
    after: &BTreeMap<RequirementCode, Status>,
) -> StatusChanges {
    let codes = before.keys().chain(after.keys());
    codes.map(|code| (code.clone(), (before.get(code).copied(), after.get(code).copied()))).collect()
}

/// A refusal that names people by the numbers that the caller knows.
async fn refusal(
    connection: &impl Connection,
    why: CannotMerge,
    request: &MergeRequest,
    (duplicate_id, kept_id): (EmployeeId, EmployeeId),
) -> Result<MergeError, StoreError> {
    let (duplicate, kept) = (request.duplicate.clone(), request.kept.clone());
    let about = match why {
        CannotMerge::KeptIsDuplicate(_) => kept_id,
        CannotMerge::Itself | CannotMerge::MergedAlready | CannotMerge::DuplicateHasDuplicates(_) => duplicate_id,
    };
    let existing = merging::of_employee(connection, about).await?.into_iter().find(|merge| merge.undone.is_none());
    let Some(existing) = existing else { return Ok(MergeError::Itself(duplicate)) };
    Ok(match why {
        CannotMerge::Itself => MergeError::Itself(duplicate),
        CannotMerge::MergedAlready => {
            MergeError::MergedAlready { duplicate, kept: existing.kept_number, id: existing.id }
        }
        CannotMerge::KeptIsDuplicate(_) => {
            MergeError::KeptIsDuplicate { duplicate, kept, person: existing.kept_number }
        }
        CannotMerge::DuplicateHasDuplicates(_) => {
            MergeError::DuplicateHasDuplicates { duplicate, kept, own: existing.duplicate_number, id: existing.id }
        }
    })
}
