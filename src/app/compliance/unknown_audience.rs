//! Names in a requirement's audience that the directory does not know: a misspelt code binds no one, and is easily
//! missed.

use std::collections::BTreeSet;

use crate::app::directory::list_codes::ListCodesError;
use crate::app::{App, Caller};
use crate::domain::access::Action;
use crate::domain::compliance::Requirement;
use crate::domain::ids::{AdministrationCode, RequirementCode};
use crate::store::{Unscoped, directory};

/// What one requirement's audience names that the directory does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownAudience {
    pub requirement: RequirementCode,
    pub administrations: BTreeSet<AdministrationCode>,
    pub units: BTreeSet<String>,
}

impl App {
    /// The administrations and units that requirements name and the directory does not know now. This may be right:
    /// HR's next file may contain them.
    pub async fn unknown_audience(
        &self,
        caller: &Caller,
        requirements: &[Requirement],
    ) -> Result<Vec<UnknownAudience>, ListCodesError> {
        caller.grant(Action::Operate)?;
        let named: BTreeSet<&str> =
            requirements.iter().flat_map(|requirement| &requirement.audience.units).map(String::as_str).collect();
        let snapshot = self.store.snapshot(Unscoped::Configuration).await?;
        let administrations = directory::administrations(snapshot.connection(), self.now()).await?;
        let units = directory::units_among(snapshot.connection(), &named).await?;
        let unknown = requirements.iter().map(|requirement| {
            let audience = &requirement.audience;
            let unknown = audience.administrations.iter().filter(|code| !administrations.contains_key(code));
            UnknownAudience {
                requirement: requirement.code.clone(),
                administrations: unknown.cloned().collect(),
                units: audience.units.difference(&units).cloned().collect(),
            }
        });
        Ok(unknown.filter(|unknown| !unknown.administrations.is_empty() || !unknown.units.is_empty()).collect())
    }
}
