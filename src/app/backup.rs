//! A consistent copy of the register while the service runs.

use std::path::Path;

use percent_encoding::percent_decode_str;
use url::Url;

use super::context::Act;
use super::{App, Asker};
use crate::domain::access::{Action, Refused};
use crate::store::StoreError;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("pg_dump could not be started; install PostgreSQL's client programs")]
    NoPgDump(#[source] std::io::Error),
    #[error("pg_dump failed: {0}")]
    PgDump(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Writes a copy to a file, which is empty: a SQLite database that can be put in place as it is, or for PostgreSQL a `pg_dump` archive
    /// for `pg_restore`.
    pub async fn backup(&self, asker: &Asker, database_url: &str, file: &Path) -> Result<(), BackupError> {
        let grant = asker.grant(Action::Operate)?;
        self.look(asker, &grant, Act { action: "backup", object: "register" }).await?;
        if self.store.is_sqlite() {
            self.store.copy_to(&file.to_string_lossy()).await?;
            return Ok(());
        }
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

/// The address without its password, and the password: arguments can be read by everybody on the machine, the
/// environment cannot.
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
