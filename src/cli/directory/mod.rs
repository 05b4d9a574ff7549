//! `kurskoll directory`: HR's files in, and what each import changed.

mod allowances;
mod format;
mod import;
mod imports;
mod undo;

use clap::Subcommand;

use super::CommandError;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import HR's files: administrations, employments, absences, exemptions, identities; all or nothing
    Import(Box<import::Arguments>),
    /// List the imports so far, or show one with what it changed
    Imports(imports::Arguments),
}

pub async fn run(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Import(arguments) => import::run(*arguments).await,
        Command::Imports(arguments) => imports::run(arguments).await,
    }
}
