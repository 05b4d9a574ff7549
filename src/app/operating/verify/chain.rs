//! The chain of digests: seals it up to now, then computes every link again.

use super::{KnownHead, Progress, Verified};
use crate::app::App;
use crate::store::StoreError;
use crate::store::chain::checking;
use crate::store::chain::scope::Scope;
use crate::store::chain::{self, sealing::Sealed};

impl App {
    pub(super) async fn verify_chain(
        &self,
        scope: Scope,
        known: Option<KnownHead>,
        verified: &mut Verified,
        progress: &mut Progress<'_>,
    ) -> Result<(), StoreError> {
        // What was written since the last link is sealed as it is: the instants of its rows are checked below.
        let sealed = self.seal_all().await;
        verified.stage("what is to be sealed", sealed)?;
        let snapshot = self.snapshot_for().await?;
        let connection = snapshot.connection();
        verified.head = chain::head(connection).await?;
        if let Some(known) = known {
            match chain::ending_at(connection, known.through).await? {
                Some(head) if head.digest == known.digest => {}
                Some(head) => verified.differs(format!(
                    "link {}: its digest should be {} as was written down, and is {}: the chain was made anew from there or \
                     before",
                    head.number,
                    hex::encode(known.digest),
                    hex::encode(head.digest)
                )),
                None => verified.differs(format!(
                    "no link of the chain ends at {}, where one did when its digest was written down",
                    known.through.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
                )),
            }
        }
        let found = checking::check(connection, scope, progress).await?;
        verified.rows += found.rows;
        verified.links += found.links;
        verified.first_broken = found.first_broken;
        for fault in &found.faults {
            verified.differs(fault.to_string());
        }
        verified.more += found.more;
        Ok(())
    }

    /// Checks whether a copy of the register is as it was sealed: its pages, and every row that the chain covers.
    /// `None` if it is, otherwise the first difference and how many there are.
    pub(in crate::app) async fn first_difference(&self) -> Result<Option<(String, u64)>, StoreError> {
        let mut verified = Verified::default();
        let done = self.verify_pages(Scope::ALL, &mut verified).await;
        verified.stage("the database's pages", done)?;
        if verified.differences.is_empty() {
            let snapshot = self.snapshot_for().await?;
            let found = checking::check(snapshot.connection(), Scope::ALL, &mut |_| {}).await;
            if let Some(found) = verified.stage("the chain", found)? {
                found.faults.iter().for_each(|fault| verified.differs(fault.to_string()));
                verified.more += found.more;
            }
        }
        let count = verified.count();
        Ok(verified.differences.into_iter().next().map(|first| (first, count)))
    }

    /// The first damage that the database itself finds, and how many there are.
    pub(in crate::app) async fn first_damage(&self) -> Result<Option<(String, u64)>, StoreError> {
        let mut verified = Verified::default();
        let done = self.verify_pages(Scope::ALL, &mut verified).await;
        verified.stage("the database's pages", done)?;
        let count = verified.count();
        Ok(verified.differences.into_iter().next().map(|first| (first, count)))
    }

    /// Seals until nothing waits, before the process stops.
    pub async fn seal_the_rest(&self) -> Result<(), StoreError> {
        while let Sealed::Through { is_all: false, .. } = self.seal_some().await? {}
        Ok(())
    }
}
