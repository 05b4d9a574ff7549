//! On SQLite, an answer needs more than the commit of its own connection: another connection must see the change, and
//! the file must still be the one that the address names.
//!
//! If another connection does not see what was committed, something unforeseen is wrong. Then nothing more is recorded,
//! and so no request is accepted, until the process is restarted.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::ConnectionTrait;

use super::StoreError;
use super::pool::Pool;
use super::sql::statement;

/// The proof behind a process's answers; shared by the clones.
#[derive(Debug, Clone)]
pub(super) struct Proof {
    reader: Pool,
    file: PathBuf,
    /// The file's identity when it was opened.
    identity: Option<Identity>,
    is_broken: Arc<AtomicBool>,
}

/// A file's device and number, which do not change when it is moved.
type Identity = (u64, u64);

#[cfg(unix)]
fn identity_of(file: &std::path::Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(file).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// On other systems, an open file cannot be moved or deleted.
#[cfg(not(unix))]
fn identity_of(_: &std::path::Path) -> Option<Identity> {
    None
}

impl Proof {
    /// * `reader`: a connection for this alone, so that no report keeps an answer waiting.
    pub fn new(reader: Pool, file: PathBuf) -> Self {
        Self { reader, identity: identity_of(&file), file, is_broken: Arc::default() }
    }

    /// Whether changes may begin, and committed changes be answered.
    pub fn holds(&self) -> Result<(), StoreError> {
        if self.is_broken.load(Ordering::Acquire) {
            return Err(StoreError::NotSeen);
        }
        if identity_of(&self.file) != self.identity {
            return Err(StoreError::FileGone(self.file.clone()));
        }
        Ok(())
    }

    /// The pool of the reader.
    pub const fn pool(&self) -> &Pool {
        &self.reader
    }

    pub async fn close(self) -> Result<(), StoreError> {
        Ok(self.reader.close().await?)
    }

    /// Checks that another connection sees the clock of a committed change.
    pub async fn sees(&self, at: i64) -> Result<(), StoreError> {
        self.holds()?;
        let row = self.reader.query_one_raw(statement(&self.reader, "SELECT at FROM transaction_clock", [])).await?;
        let seen: Option<i64> = row.map(|row| row.try_get("", "at")).transpose()?;
        if seen.is_some_and(|seen| seen >= at) {
            return Ok(());
        }
        self.is_broken.store(true, Ordering::Release);
        tracing::error!(
            committed = at,
            seen,
            "another connection does not see what was committed: nothing is recorded any more; keep the database's files as \
             they are, look at the disk, and start the service anew"
        );
        Err(StoreError::NotSeen)
    }
}
