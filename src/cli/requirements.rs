//! `kurskoll requirements`

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::interrupt::finish;
use super::{CommandError, open_or_make, output};
use crate::app::Caller;
use crate::app::compliance::apply_requirements::{Applied, Successor};
use crate::app::compliance::unknown_audience::UnknownAudience;
use crate::domain::compliance::Requirement;
use crate::domain::ids::AdministrationCode;
use crate::intake::requirements_toml;
use crate::render::report_table::without_result;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Apply a file of requirements: what no version says yet becomes a new one
    #[command(after_help = "Example:\n  kurskoll requirements apply requirements.toml\n\n\
        How long training holds, in a requirement:\n  \
        valid_months = 12          for so many months from its day\n  \
        valid_until = \"12-31\"      up to and including the next such day: once each calendar year\n  \
        counts_from = 2026-06-01   earlier training does not count\n\
        effective_from and effective_to are the first and the last day in effect.")]
    Apply {
        /// A TOML file of [[requirement]] tables
        file: PathBuf,
    },
    /// List the statements about what a file of requirements names that count for nobody, and why; applies nothing
    #[command(after_help = "Example:\n  kurskoll requirements check requirements.toml\n\n\
        What the report says of a requirement in data_quality.statements_without_result, before it is applied.")]
    Check {
        /// A TOML file of [[requirement]] tables
        file: PathBuf,
    },
}

pub async fn run(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Apply { file } => apply(read(&file)?).await,
        Command::Check { file } => check(&read(&file)?).await,
    }
}

fn read(file: &Path) -> Result<Vec<Requirement>, CommandError> {
    let bytes = std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let text = in_utf8(&bytes).map_err(|why| format!("{} {why}", file.display()))?;
    Ok(requirements_toml::read(text).map_err(|problems| {
        eprintln!("{problems}");
        format!("nothing was applied: {} has {}", file.display(), output::counted(problems.0.len(), "problem"))
    })?)
}

async fn check(requirements: &[Requirement]) -> Result<(), CommandError> {
    let opened = open_or_make().await?;
    for checked in opened.app.check_requirements(&Caller::operator(), requirements).await? {
        if checked.without_result.is_empty() {
            output::print(&format!("{}: no statement about what it names is without a result\n", checked.code))?;
        }
        for found in &checked.without_result {
            output::print(&format!("{}: {}\n", checked.code, without_result(found)))?;
        }
    }
    Ok(())
}

async fn apply(requirements: Vec<Requirement>) -> Result<(), CommandError> {
    let opened = open_or_make().await?;
    for unknown in opened.app.unknown_audience(&Caller::operator(), &requirements).await? {
        warn(&unknown);
    }
    let applied = opened.app.apply_requirements(&Caller::operator(), requirements).await?;
    for applied in &applied {
        match applied {
            Applied::Unchanged { code, version } => eprintln!("{code}: unchanged, version {version}"),
            Applied::Superseded { code, version, by } => eprintln!("{code}: {}", superseded(*version, by)),
            Applied::NewVersion { requirement, version } => {
                eprintln!("{}: version {version} applied: {}", requirement.code, in_words(requirement));
            }
        }
    }
    finish(&opened.app, "the requirements are applied").await?;
    Ok(())
}

/// Warns of administrations and units in an audience that the directory does not know.
fn warn(unknown: &UnknownAudience) {
    let named = |kind: &str, names: Vec<&str>| match names.as_slice() {
        [] => None,
        [one] => Some(format!("the {kind} {one}")),
        several => Some(format!("the {kind}s {}", several.join(", "))),
    };
    let administrations = unknown.administrations.iter().map(AdministrationCode::as_str).collect();
    let units = unknown.units.iter().map(String::as_str).collect();
    let both = [named("administration", administrations), named("unit", units)];
    let what = both.into_iter().flatten().collect::<Vec<_>>().join(" and ");
    eprintln!(
        "Warning: {}: its audience names {what}, which the directory does not know; that binds nobody until HR's files have it.",
        unknown.requirement
    );
}

/// TOML is UTF-8, with a byte-order mark or without; other encodings are named, as far as they can be detected.
fn in_utf8(bytes: &[u8]) -> Result<&str, String> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err("is UTF-16; save it as UTF-8".to_owned());
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("is not UTF-8 from line {line} on (Windows-1252, probably); save it as UTF-8")
    })
}

/// An older version that says what was applied, and how to apply it again.
fn superseded(version: u32, by: &[Successor]) -> String {
    let since = by.iter().map(|by| format!("version {} from {}", by.version, by.effective_from));
    let since: Vec<String> = since.collect();
    format!(
        "nothing applied: version {version} says this already, and was replaced by {}; to apply it again, give it the \
         effective_from of the day from which it shall apply",
        since.join(", then ")
    )
}

/// The days and durations of a requirement, for its author to check.
fn in_words(requirement: &Requirement) -> String {
    let Requirement { effective_from, effective_to, valid_months, valid_until, counts_from, .. } = requirement;
    let mut clauses = vec![match effective_to {
        Some(last) => format!("in effect from {effective_from} to {last}, that day included"),
        None => format!("in effect from {effective_from}"),
    }];
    clauses.push(match (valid_until, valid_months) {
        (Some(annual), _) => format!("training holds up to and including the next {annual} after its day"),
        (None, Some(months)) => format!("training holds for {}", output::counted(*months as usize, "month")),
        (None, None) => "training holds for ever".to_owned(),
    });
    clauses.extend(counts_from.map(|from| format!("training from before {from} does not count")));
    clauses.push(format!("new employees have {}", output::counted(requirement.new_hire_days as usize, "day")));
    clauses.push(match requirement.existing_staff_due_on {
        Some(due) => format!("existing staff until {due}"),
        None => "existing staff as many from its first day".to_owned(),
    });
    clauses.join("; ")
}
