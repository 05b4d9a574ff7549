//! Lists the known codes, for an operator who gave an unknown one.

use std::collections::BTreeSet;

use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::{AdministrationCode, RequirementCode};
use crate::store::{StoreError, Unscoped, directory, requirements};

/// The codes that are known now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codes {
    pub requirements: BTreeSet<RequirementCode>,
    pub administrations: BTreeSet<AdministrationCode>,
}

/// Why no codes are listed.
#[derive(Debug, thiserror::Error)]
pub enum ListCodesError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// The codes of all requirements and administrations, for the operator. They are no personal data: no audit entry
    /// is written.
    pub async fn list_codes(&self, caller: &Caller) -> Result<Codes, ListCodesError> {
        caller.grant(Action::Operate)?;
        let snapshot = self.store.snapshot(Unscoped::Configuration).await?;
        let connection = snapshot.connection();
        let administrations = directory::administrations(connection, self.now()).await?;
        Ok(Codes {
            requirements: requirements::codes(connection).await?.into_iter().collect(),
            administrations: administrations.into_keys().collect(),
        })
    }
}
