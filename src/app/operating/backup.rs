//! A consistent copy of the register while the service runs.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use url::Url;

use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::store::chain::Head;
use crate::store::{Act, Store, StoreError};

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("pg_dump could not be started; install PostgreSQL's client programs")]
    NoPgDump(#[source] std::io::Error),
    #[error("pg_dump failed: {0}")]
    PgDump(String),
    #[error(
        "{place} is damaged or was changed, and nothing was kept of the copy: {first} ({count} in all); run kurskoll verify, or copy it all the same with --even-if-damaged"
    )]
    Damaged { place: &'static str, first: String, count: u64 },
    #[error("the copy cannot be read")]
    Unreadable(#[source] StoreError),
    #[error("the copy {0} could not be removed")]
    NotRemoved(PathBuf, #[source] std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Writes a copy to an empty file: a SQLite database that can be put in place as it is, or for PostgreSQL a
    /// `pg_dump` archive for `pg_restore`.
    ///
    /// It checks the database before the copy, and the copy after it. If one is damaged or was changed, no copy is
    /// kept, unless `even_if_damaged` is set; then the answer has the first difference in addition to the head of the
    /// copy's chain.
    pub async fn backup(
        &self,
        caller: &Caller,
        database_url: &str,
        file: &Path,
        even_if_damaged: bool,
    ) -> Result<BackedUp, BackupError> {
        let grant = caller.grant(Action::Operate)?;
        self.audited_read(caller, &grant, Act { action: "backup", object: "register" }).await?;
        let sealed = self.seal_all().await;
        let before = self.before_copying(sealed).await?;
        if let Some((first, count)) = &before
            && !even_if_damaged
        {
            return Err(BackupError::Damaged { place: "the register", first: first.clone(), count: *count });
        }
        if !self.store.is_sqlite() {
            self.dump(database_url, file).await?;
            return Ok(BackedUp { head: self.chain_head().await.ok().flatten(), damage: before });
        }
        self.store.copy_to(&file.to_string_lossy()).await?;
        let (head, after) = self.look_at_copy(file).await?;
        if let Some((first, count)) = &after
            && !even_if_damaged
        {
            std::fs::remove_file(file).map_err(|error| BackupError::NotRemoved(file.to_owned(), error))?;
            return Err(BackupError::Damaged { place: "the register", first: first.clone(), count: *count });
        }
        Ok(BackedUp { head, damage: before.or(after) })
    }

    /// What is wrong with the register before it is copied: a copy has indexes of its own, which would hide damage to
    /// the original's. With PostgreSQL everything is checked here, since its copy cannot be.
    async fn before_copying(&self, sealed: Result<Option<Head>, StoreError>) -> Result<Option<Damage>, BackupError> {
        let found = match sealed {
            Ok(_) if self.store.is_sqlite() => self.first_damage().await,
            Ok(_) => self.first_difference().await,
            Err(error) => Err(error),
        };
        match found {
            Err(error) if error.is_of_what_is_stored() => Ok(Some((error.to_string(), 1))),
            found => Ok(found?),
        }
    }

    /// Where the chain of a copy ends, and what is wrong with it.
    async fn look_at_copy(&self, file: &Path) -> Result<(Option<Head>, Option<Damage>), BackupError> {
        let store = Store::connect_to_copy(file).await.map_err(BackupError::Unreadable)?;
        let copy = Self { store, ..self.clone() };
        let head = copy.chain_head().await;
        let found = copy.first_difference().await;
        copy.store.close().await?;
        match (head, found) {
            (Ok(head), Ok(found)) => Ok((head, found)),
            (Err(error), _) | (_, Err(error)) => Ok((None, Some((error.to_string(), 1)))),
        }
    }

    async fn dump(&self, database_url: &str, file: &Path) -> Result<(), BackupError> {
        let (address, password) = without_password(database_url);
        let dump = tokio::process::Command::new("pg_dump")
            .args(["--format=custom", "--no-password", "--file"])
            .arg(file)
            .arg(format!("--dbname={address}"))
            .envs(password.map(|password| ("PGPASSWORD", password)))
            .output()
            .await
            .map_err(BackupError::NoPgDump)?;
        if dump.status.success() {
            Ok(())
        } else {
            Err(BackupError::PgDump(String::from_utf8_lossy(&dump.stderr).trim().to_owned()))
        }
    }
}

/// The first difference, and how many there are.
pub type Damage = (String, u64);

/// The result of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// Where its chain ends.
    pub head: Option<Head>,
    /// What is wrong with it, if it was made anyway.
    pub damage: Option<Damage>,
}

/// The address without its password, and the password: everybody on the machine can read arguments, but not the
/// environment.
fn without_password(address: &str) -> (String, Option<String>) {
    let Ok(mut url) = Url::parse(address) else { return (address.to_owned(), None) };
    let password = url.password().map(|password| percent_decode_str(password).decode_utf8_lossy().into_owned());
    if url.set_password(None).is_err() {
        return (address.to_owned(), None);
    }
    (url.into(), password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_stand_in_the_arguments() {
        let (address, password) = without_password("postgres://kurskoll:s%20%C3%A5@db:5433/register?sslmode=require");
        assert_eq!(address, "postgres://kurskoll@db:5433/register?sslmode=require");
        assert_eq!(password.as_deref(), Some("s å"));
        let plain = "postgres://postgres@127.0.0.1:5432/postgres";
        assert_eq!(without_password(plain), (plain.to_owned(), None));
    }
}
