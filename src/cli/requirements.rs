//! `kurskoll requirements`

use std::path::PathBuf;

use clap::Subcommand;

use super::{CommandError, open_or_make, output};
use crate::app::Asker;
use crate::app::apply_requirements::Applied;
use crate::intake::requirements_toml;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Apply a file of requirements: what says otherwise than before becomes a new version
    #[command(after_help = "Example:\n  kurskoll requirements apply requirements.toml")]
    Apply {
        /// A TOML file of [[requirement]] tables
        file: PathBuf,
    },
}

pub async fn run(command: Command) -> Result<(), CommandError> {
    let Command::Apply { file } = command;
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let requirements = requirements_toml::read(&text).map_err(|problems| {
        for problem in &problems {
            eprintln!("{problem}");
        }
        format!("nothing was applied: {} has {}", file.display(), output::counted(problems.len(), "problem"))
    })?;
    let opened = open_or_make().await?;
    let applied = opened.app.apply_requirements(&Asker::operator(), requirements).await?;
    for applied in &applied {
        match applied {
            Applied::Unchanged { code, version } => eprintln!("{code}: unchanged, version {version}"),
            Applied::NewVersion { code, version } => eprintln!("{code}: version {version} applied"),
        }
    }
    let bar = output::progress("people judged");
    opened.app.settle_all(|people| bar.inc(people as u64)).await?;
    bar.finish_and_clear();
    Ok(())
}
