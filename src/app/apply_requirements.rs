//! Requirements from a file: what says otherwise than the newest version becomes a new one.

use super::context::Act;
use super::{App, Asker};
use crate::domain::access::{Action, Refused};
use crate::domain::compliance::{Requirement, RequirementVersion};
use crate::domain::ids::RequirementCode;
use crate::store::{StoreError, requirements, standings};

/// What became of a requirement in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It is as its newest version says already.
    Unchanged {
        code: RequirementCode,
        version: u32,
    },
    NewVersion {
        code: RequirementCode,
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
        asker: &Asker,
        wanted: Vec<Requirement>,
    ) -> Result<Vec<Applied>, ApplyError> {
        let grant = asker.grant(Action::Operate)?;
        let change = self.store.change(self.now()).await?;
        let mut applied = Vec::with_capacity(wanted.len());
        for requirement in wanted {
            let code = requirement.code.clone();
            let newest = requirements::versions(change.connection(), &code, None).await?.pop();
            match newest {
                Some(newest) if newest.requirement == requirement => {
                    applied.push(Applied::Unchanged { code, version: newest.version });
                }
                newest => {
                    let version = newest.map_or(1, |newest| newest.version + 1);
                    requirements::insert(&change, &RequirementVersion { version, requirement }).await?;
                    let object = format!("requirement {code}, version {version}");
                    self.audit(&change, asker, &grant, Act { action: "requirement.apply", object: &object }).await?;
                    applied.push(Applied::NewVersion { code, version });
                }
            }
        }
        if applied.iter().any(|applied| matches!(applied, Applied::NewVersion { .. })) {
            standings::mark_everybody_stale(&change).await?;
        }
        change.commit().await?;
        Ok(applied)
    }
}
