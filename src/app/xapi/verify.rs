//! Compares statements with what is stored of them: their bytes with the digests by which they are known, and the index
//! with what they say.

use std::collections::BTreeSet;

use super::index::Indexing;
use crate::app::App;
use crate::app::operating::verify::{Progress, Verified};
use crate::store::xapi::TermDigest;
use crate::store::xapi::indexing;
use crate::store::{Snapshot, StoreError, Unscoped};

/// How many statements are compared at a time.
const AT_ONCE: u64 = 500;

impl App {
    /// Indexes all that waits now; what arrives meanwhile is left.
    pub(in crate::app) async fn index_all_statements(&self) -> Result<(), StoreError> {
        let connection = self.store.connection(Unscoped::Receiving);
        let newest = indexing::newest(connection).await?;
        while indexing::through(connection).await? < newest && self.index_some_statements().await? > 0 {}
        Ok(())
    }

    /// Reads every statement again, and names each that differs from its delivery, or that the index has under other
    /// terms than its own.
    pub(in crate::app) async fn verify_statements(
        &self,
        snapshot: &Snapshot,
        verified: &mut Verified,
        progress: &mut Progress<'_>,
    ) -> Result<(), StoreError> {
        let connection = snapshot.connection();
        // What is newer is indexed later; a query finds it nevertheless.
        let through = indexing::through(connection).await?;
        let (mut after, mut given) = (0, 0);
        loop {
            let statements = indexing::after(connection, after, AT_ONCE).await?;
            let Some(last) = statements.last() else { break };
            after = last.id;
            progress(statements.len() as u64);
            verified.statements += statements.len() as u64;
            let mut reading = Indexing::new(connection);
            reading.read(&statements).await?;
            let mut terms: BTreeSet<(TermDigest, i64)> = BTreeSet::new();
            for statement in &statements {
                let (platform, id) = (statement.platform, statement.statement_id);
                if !reading.is_sound(platform, id) {
                    verified.differs(format!("statement {id}: its delivery does not give it as it came"));
                }
                if statement.id <= through {
                    let found = reading.with_referred(platform, id, through).await?;
                    terms.extend(found.into_iter().map(|term| (term, statement.id)));
                }
            }
            given += terms.len() as u64;
            for missing in indexing::missing(connection, &terms).await? {
                let id = statements.iter().find(|statement| statement.id == missing);
                let id = id.map(|statement| statement.statement_id).unwrap_or_default();
                verified.differs(format!("statement {id}: it is not found by all that it says"));
            }
        }
        let stored = indexing::count_terms(connection, through).await?;
        if stored > given {
            verified.differs(format!("{} terms by which statements are found are said by none", stored - given));
        }
        Ok(())
    }
}
