//! `kurskoll backup`

use std::path::PathBuf;

use clap::Args;

use super::interrupt::{Interrupted, unless_interrupted};
use super::new_file::NewFile;
use super::{CommandError, open};
use crate::app::Caller;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kurskoll backup /backup/kurskoll-2026-03-01.db\n\n\
    A copy of SQLite is a database that can be put in place as it is.\n\
    A copy of PostgreSQL is a pg_dump archive for pg_restore.\n\
    It holds the platforms' secrets and the signing keys: keep it as safe as the register.\n\
    The file appears only when it is complete, and only its owner can read it.\n\
    The register's pages are checked before, and the copy after, against the chain of digests; a copy of a damaged\n\
    register is not kept. The last line says where the copy's chain ends: write it down elsewhere.")]
pub struct Arguments {
    /// The file to write
    file: PathBuf,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
    /// Copy a damaged or changed register, too; the command still fails, and says what is wrong
    #[arg(long)]
    even_if_damaged: bool,
}

pub async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let file = NewFile::for_place(&arguments.file, arguments.force)?;
    let opened = open().await?;
    let url = &opened.settings.database.url;
    let operator = Caller::operator();
    let copying = opened.app.backup(&operator, url, file.path(), arguments.even_if_damaged);
    let Some(made) = unless_interrupted(copying).await else {
        return Err(Interrupted("there is no copy; the register is as it was".to_owned()).into());
    };
    let made = made?;
    file.finish()?;
    eprintln!("A copy of the register is in {}.", arguments.file.display());
    if let Some(head) = made.head {
        eprintln!("Its chain ends with link {}: {head}", head.number);
    }
    match made.damage {
        Some((first, count)) => Err(format!("the copy is of a damaged register: {first} ({count} in all)").into()),
        None => Ok(()),
    }
}
