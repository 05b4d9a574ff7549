//! `kurskoll directory`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{CommandError, open, output};
use crate::app::Asker;
use crate::app::import_directory::{ImportError, ImportRequest};
use crate::domain::directory::plan::{Extent, Files};
use crate::domain::directory::problem::RowProblems;
use crate::domain::directory::records::Row;
use crate::intake::hr_csv::{self, Reading};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import HR's files: administrations, employments, absences, exemptions, identities; all or nothing
    Import(ImportArguments),
}

#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("extent").required(true).args(["full", "partial"]),
    group = clap::ArgGroup::new("files").required(true).multiple(true)
        .args(["administrations", "employments", "absences", "exemptions", "identities", "prior_training"]),
    after_help = "Files are UTF-8 (with a BOM or not) or Windows-1252, with commas or semicolons.\n\
    The header names the columns, in any order; those in brackets may be missing:\n  \
    administrations: code, name, [board]\n  \
    employments: employee_number, given_name, family_name, [email], [username],\n    \
    employment_id, administration, [unit], form, starts_on, [ends_on],\n    \
    [manager_employee_number], [protected]\n  \
    absences: employee_number, starts_on, [ends_on]\n  \
    exemptions: employee_number, requirement, starts_on, [ends_on], [reason]\n  \
    identities: employee_number, platform, key, value, [home_page]\n  \
    prior-training: employee_number, [course_id], [quiz_id], [score_raw], [score_max],\n    \
    completed_on, reason\n\n\
    Examples:\n  \
    kurskoll directory import --employments emp.csv --full --dry-run\n  \
    kurskoll directory import --administrations adm.csv --employments emp.csv --full\n  \
    kurskoll directory import --prior-training certificates.csv --partial"
)]
pub struct ImportArguments {
    /// The city's administrations
    #[arg(long, value_name = "FILE")]
    administrations: Option<PathBuf>,
    /// Who works where
    #[arg(long, value_name = "FILE")]
    employments: Option<PathBuf>,
    /// Who is on leave
    #[arg(long, value_name = "FILE")]
    absences: Option<PathBuf>,
    /// Whom a requirement does not bind for a time
    #[arg(long, value_name = "FILE")]
    exemptions: Option<PathBuf>,
    /// What a platform calls a person, where the employments do not say it
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    /// What people did elsewhere, recognised as evidence; given alone, and always a part of the picture
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["administrations", "employments", "absences", "exemptions", "identities", "full"]
    )]
    prior_training: Option<PathBuf>,
    /// The files are a whole picture: who is missing has left
    #[arg(long)]
    full: bool,
    /// The files are a part of the picture: who is missing stays as known
    #[arg(long)]
    partial: bool,
    /// Only print what would change
    #[arg(long)]
    dry_run: bool,
    /// Take a full file that ends more than a tenth of the employments
    #[arg(long)]
    allow_mass_ending: bool,
}

/// What is wrong in files, gathered so that all of it is told at once.
#[derive(Default)]
struct Problems(RowProblems);

impl Problems {
    fn read<T>(
        &mut self,
        file: Option<&Path>,
        read: impl Fn(&[u8]) -> Result<Reading<T>, RowProblems>,
    ) -> Result<Option<Vec<Row<T>>>, CommandError> {
        let Some(file) = file else { return Ok(None) };
        let bytes = std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        match read(&bytes) {
            Ok(reading) => {
                if !reading.ignored_columns.is_empty() {
                    eprintln!(
                        "{}: columns that mean nothing here: {}",
                        file.display(),
                        reading.ignored_columns.join(", ")
                    );
                }
                // `protected` is left out by most: the file then says nothing of it.
                let absent: Vec<&str> =
                    reading.absent_columns.iter().copied().filter(|column| *column != "protected").collect();
                if !absent.is_empty() {
                    eprintln!("{}: columns that are missing, and read as empty: {}", file.display(), absent.join(", "));
                }
                Ok(Some(reading.rows))
            }
            Err(problems) => {
                self.0.append(problems);
                Ok(None)
            }
        }
    }
}

/// Prints every problem, and what they amount to.
fn refused(problems: &RowProblems) -> CommandError {
    for problem in problems.listed() {
        eprintln!("{problem}");
    }
    let unlisted = problems.total() - problems.listed().len();
    if unlisted > 0 {
        eprintln!("… and {unlisted} more");
    }
    format!("nothing was imported: {}", output::counted(problems.total(), "problem")).into()
}

pub async fn run(command: Command) -> Result<(), CommandError> {
    let Command::Import(arguments) = command;
    let mut problems = Problems::default();
    if let Some(file) = arguments.prior_training.as_deref() {
        return recognise(file, problems, arguments.dry_run).await;
    }
    let files = Files {
        administrations: problems.read(arguments.administrations.as_deref(), hr_csv::administrations::read)?,
        employments: problems.read(arguments.employments.as_deref(), hr_csv::employments::read)?,
        absences: problems.read(arguments.absences.as_deref(), hr_csv::absences::read)?,
        exemptions: problems.read(arguments.exemptions.as_deref(), hr_csv::exemptions::read)?,
        identities: problems.read(arguments.identities.as_deref(), hr_csv::identities::read)?,
    };
    if problems.0.total() > 0 {
        return Err(refused(&problems.0));
    }
    let app = open().await?.app;
    let request = ImportRequest {
        extent: if arguments.full { Extent::Full } else { Extent::Partial },
        dry_run: arguments.dry_run,
        allow_mass_ending: arguments.allow_mass_ending,
    };
    let plan = match app.import_directory(&Asker::operator(), &files, request).await {
        Ok(plan) => plan,
        Err(ImportError::Problems(problems)) => return Err(refused(&problems)),
        Err(error) => return Err(error.into()),
    };
    if arguments.dry_run {
        for line in plan.lines() {
            output::print(&format!("{line}\n"))?;
        }
        eprintln!("Would change: {}.", output::summary(&plan.summary()));
        if let Some(ending) = plan.mass_ending {
            let warning = format!("This would end {} of {} employments", ending.ending, ending.running);
            eprintln!("{warning}: it is refused without --allow-mass-ending.");
        }
        return Ok(());
    }
    eprintln!("Changed: {}.", output::summary(&plan.summary()));
    let bar = output::progress("people judged");
    app.settle_all(|people| bar.inc(people as u64)).await?;
    bar.finish_and_clear();
    Ok(())
}

/// Recognises the prior training of a file.
async fn recognise(file: &Path, mut problems: Problems, dry_run: bool) -> Result<(), CommandError> {
    let Some(rows) = problems.read(Some(file), hr_csv::prior_training::read)? else {
        return Err(refused(&problems.0));
    };
    let app = open().await?.app;
    let recognised = app.recognise_prior_training(&Asker::operator(), &rows, dry_run).await?;
    let done = match (dry_run, recognised.are_proposals) {
        (false, false) => "Recognised",
        (false, true) => "Proposed, for somebody else to approve",
        (true, false) => "Would recognise",
        (true, true) => "Would propose",
    };
    eprintln!("{done}: {} of prior training; {} known already.", recognised.added, recognised.known);
    app.settle_all(|_| {}).await?;
    Ok(())
}
