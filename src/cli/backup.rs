//! `kurskoll backup`

use std::path::PathBuf;

use clap::Args;

use super::new_file::NewFile;
use super::{CommandError, open};
use crate::app::Asker;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kurskoll backup /backup/kurskoll-2026-03-01.db\n\n\
    A copy of SQLite is a database that can be put in place as it is.\n\
    A copy of PostgreSQL is a pg_dump archive for pg_restore.\n\
    It holds the platforms' secrets and the signing keys: keep it as safe as the register.\n\
    It is whole or not there, and its owner's alone.")]
pub struct Arguments {
    /// Where to
    file: PathBuf,
    /// Replace a file that is there already
    #[arg(long)]
    force: bool,
}

pub async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let file = NewFile::for_place(&arguments.file, arguments.force)?;
    let opened = open().await?;
    opened.app.backup(&Asker::operator(), &opened.settings.database.url, file.path()).await?;
    file.finish()?;
    eprintln!("A copy of the register is in {}.", arguments.file.display());
    Ok(())
}
