//! The database's own pages: damage that the database itself finds.

use super::Verified;
use crate::app::App;
use crate::store::StoreError;
use crate::store::chain::scope::Scope;
use crate::store::integrity::{self, Pages};

impl App {
    pub(super) async fn verify_pages(&self, scope: Scope, verified: &mut Verified) -> Result<(), StoreError> {
        let Pages { damages, notes } = integrity::look(&self.store, scope).await?;
        damages.into_iter().for_each(|damage| verified.differs(damage));
        verified.notes.extend(notes);
        Ok(())
    }
}
