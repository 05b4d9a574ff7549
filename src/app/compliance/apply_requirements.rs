//! Applies requirements from a file: a requirement that differs from every version becomes a new version.

use chrono::NaiveDate;

use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::compliance::{Requirement, RequirementVersion};
use crate::domain::ids::RequirementCode;
use crate::store::{Act, StoreError, requirements, stale};

/// A newer version that replaced an older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Successor {
    pub version: u32,
    pub effective_from: NaiveDate,
}

/// The outcome for one requirement in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The newest version already says the same.
    Unchanged {
        code: RequirementCode,
        version: u32,
    },
    /// An older version already says the same: nothing was applied.
    Superseded {
        code: RequirementCode,
        version: u32,
        /// The versions that replaced it since, oldest first; never empty.
        by: Vec<Successor>,
    },
    NewVersion {
        requirement: Requirement,
        version: u32,
    },
}

/// Why nothing was applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Applies requirements; all of them or none. No version is ever rewritten.
    pub async fn apply_requirements(
        &self,
        caller: &Caller,
        wanted: Vec<Requirement>,
    ) -> Result<Vec<Applied>, ApplyError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let mut applied = Vec::with_capacity(wanted.len());
        for requirement in wanted {
            let code = requirement.code.clone();
            let versions = requirements::versions(change.connection(), &code, None).await?;
            if let Some(known) = known_already(&versions, &requirement) {
                applied.push(known);
                continue;
            }
            let version = RequirementVersion { version: versions.last().map_or(1, |v| v.version + 1), requirement };
            requirements::insert(&change, &version).await?;
            let RequirementVersion { version, requirement } = version;
            let object = format!("requirement {code}, version {version}");
            change.note(Act { action: "requirement.apply", object: &object }).await?;
            applied.push(Applied::NewVersion { requirement, version });
        }
        if applied.iter().any(|applied| matches!(applied, Applied::NewVersion { .. })) {
            stale::mark_everybody_stale(&change).await?;
        }
        change.commit_noted().await?;
        Ok(applied)
    }
}

/// The version that already says the same, the newest of several; `versions` are ordered oldest first.
fn known_already(versions: &[RequirementVersion], requirement: &Requirement) -> Option<Applied> {
    let place = versions.iter().rposition(|version| version.requirement == *requirement)?;
    let (known, later) = versions.get(place..)?.split_first()?;
    let (code, version) = (requirement.code.clone(), known.version);
    let by = later
        .iter()
        .map(|later| Successor { version: later.version, effective_from: later.requirement.effective_from })
        .collect::<Vec<_>>();
    Some(if by.is_empty() { Applied::Unchanged { code, version } } else { Applied::Superseded { code, version, by } })
}
