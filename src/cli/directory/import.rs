//! `kurskoll directory import`

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::interrupt::{all_or_nothing, finish};
use super::super::{CommandError, open, open_or_make, output};
use super::allowances::Allowances;
use super::format::{Format, print_csv, print_json, print_lines};
use crate::app::Caller;
use crate::app::directory::import::{ImportError, ImportRequest, Imported, digest_of};
use crate::domain::directory::imports::{FileSource, MappingSource, Sources};
use crate::domain::directory::plan::{Allowed, Extent, Files};
use crate::domain::directory::problem::{FileKind, RowProblems};
use crate::domain::directory::records::Row;
use crate::intake::hr_csv::mapping::{FileMapping, Mapping};
use crate::intake::hr_csv::{self, RawFile, Reading};
use crate::render::text;
use crate::render::views::{DifferenceRowView, DifferenceView, UnusualView};

#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("extent").required(true).args(["full", "partial"]),
    group = clap::ArgGroup::new("files").required(true).multiple(true)
        .args(["administrations", "employments", "absences", "exemptions", "identities", "prior_training"]),
    after_help = "Files are workbooks (.xlsx) or text: UTF-8 (with a BOM or not), UTF-16 with one, or\n\
    Windows-1252, with commas, semicolons or tabs, and sep=; before the header or not.\n\
    The header names the columns, in any order; those in brackets may be missing:\n  \
    administrations: code, name, [board]\n  \
    employments: employee_number, given_name, family_name, [email], [username],\n    \
    employment_id, administration, [unit], form, starts_on, [ends_on],\n    \
    [manager_employee_number], [protected]\n  \
    absences: employee_number, starts_on, [ends_on]\n  \
    exemptions: employee_number, requirement, starts_on, [ends_on], [reason]\n  \
    identities: employee_number, platform, key, value, [home_page],\n    \
    [valid_from], [valid_to]\n  \
    prior-training: employee_number, [course_id], [quiz_id], [score_raw], [score_max],\n    \
    completed_on, reason\n\n\
    Files of another system with other headers are read with --mapping FILE.toml, which\n\
    says what its headers and values mean: docs/importing.md describes its format.\n\n\
    Examples:\n  \
    kurskoll directory import --employments emp.csv --full --dry-run\n  \
    kurskoll directory import --administrations adm.csv --employments emp.csv --full\n  \
    kurskoll directory import --employments export.csv --mapping payroll.toml --full --dry-run\n  \
    kurskoll directory import --employments emp.csv --full --dry-run --format csv\n  \
    kurskoll directory import --employments staff.xlsx --sheet Staff --full --dry-run\n  \
    kurskoll directory import --employments emp.csv --full --new-person 104299\n  \
    kurskoll directory import --prior-training certificates.csv --partial"
)]
pub struct Arguments {
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
    /// What a platform calls a person, if the employments do not say it
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    /// What people did elsewhere, recognised as evidence; given alone, and always partial
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all =
            ["administrations", "employments", "absences", "exemptions", "identities", "full", "mapping", "format"]
    )]
    prior_training: Option<PathBuf>,
    /// What the files' headers and values mean, if they are not ours
    #[arg(long, value_name = "FILE.toml")]
    mapping: Option<PathBuf>,
    /// The sheet, in a workbook that has several; KIND=NAME (absences=Leave) for one kind of file
    #[arg(long, value_name = "[KIND=]NAME")]
    sheet: Vec<String>,
    /// The files are complete: anyone who is missing has left
    #[arg(long)]
    full: bool,
    /// The files are partial: anyone who is missing stays as known
    #[arg(long)]
    partial: bool,
    /// Only print what would change
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    allowances: Allowances,
    /// How the difference is printed; by default a table in a dry run, else nothing
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// Files that are read one after the other: their sources, and the problems in any of them.
struct FilesReader<'m> {
    mapping: Option<&'m Mapping>,
    sheets: &'m [String],
    sources: Sources,
    problems: RowProblems,
}

impl<'m> FilesReader<'m> {
    fn read<T>(
        &mut self,
        kind: FileKind,
        file: Option<&Path>,
        read: impl Fn(RawFile<'_>, Option<&'m FileMapping>) -> Result<Reading<T>, RowProblems>,
    ) -> Result<Option<Vec<Row<T>>>, CommandError> {
        let Some(file) = file else { return Ok(None) };
        let bytes = read_file(file)?;
        let mapping = self.mapping.and_then(|mapping| mapping.of(kind));
        let raw = RawFile { bytes: &bytes, sheet: sheet_of(self.sheets, kind) };
        match read(raw, mapping) {
            Ok(reading) => {
                print_reading(file, &reading, mapping.is_some());
                self.sources.files.push(FileSource {
                    kind,
                    name: name_of(file),
                    digest: digest_of(&bytes),
                    bytes: bytes.len() as u64,
                    records: reading.rows.len() as u64,
                    skipped: reading.skipped as u64,
                });
                Ok(Some(reading.rows))
            }
            Err(problems) => {
                self.problems.append(problems);
                Ok(None)
            }
        }
    }
}

/// The sheet that is meant in a workbook of some kind: `KIND=NAME` takes precedence over `NAME`.
fn sheet_of(sheets: &[String], kind: FileKind) -> Option<&str> {
    let kind = kind.as_str().replace(' ', "-");
    let of_kind =
        sheets.iter().find_map(|sheet| sheet.split_once('=').filter(|(of, _)| *of == kind).map(|(_, name)| name));
    of_kind.or_else(|| sheets.iter().find(|sheet| !sheet.contains('=')).map(String::as_str))
}

fn read_file(file: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()).into())
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

/// Reports columns and rows that were not read as the sender may expect.
fn print_reading<T>(file: &Path, reading: &Reading<T>, is_mapped: bool) {
    let file = file.display();
    if !reading.ignored_columns.is_empty() {
        eprintln!("{file}: columns that mean nothing here: {}", reading.ignored_columns.join(", "));
    }
    // Most files have no column `protected`, and say nothing about it. A mapping leaves out columns on purpose.
    let absent: Vec<&str> = reading.absent_columns.iter().copied().filter(|column| *column != "protected").collect();
    if !absent.is_empty() && !is_mapped {
        eprintln!("{file}: columns that are missing, and read as empty: {}", absent.join(", "));
    }
    if reading.skipped > 0 {
        eprintln!("{file}: {} skipped by the mapping", output::counted(reading.skipped, "row"));
    }
}

/// Reads the mapping, or prints everything that is wrong with it.
fn read_mapping(file: &Path) -> Result<(Mapping, MappingSource), CommandError> {
    let bytes = read_file(file)?;
    match Mapping::parse(&bytes) {
        Ok(mapping) => Ok((mapping, MappingSource { name: name_of(file), digest: digest_of(&bytes) })),
        Err(problems) => {
            eprintln!("{problems}");
            let count = output::counted(problems.0.len(), "problem");
            Err(format!("nothing was imported: {count} in {}", file.display()).into())
        }
    }
}

pub async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let allowed = arguments.allowances.allowed()?;
    if let Some(file) = arguments.prior_training.as_deref() {
        return recognise(file, &arguments.sheet, arguments.dry_run).await;
    }
    let mapping = arguments.mapping.as_deref().map(read_mapping).transpose()?;
    let (mapping, mapping_source) = mapping.unzip();
    let mapping = mapping.as_ref();
    let sources = Sources { files: Vec::new(), mapping: mapping_source };
    let sheets = arguments.sheet.as_slice();
    let mut reader = FilesReader { mapping, sheets, sources, problems: RowProblems::default() };
    let files = Files {
        administrations: reader.read(
            FileKind::Administrations,
            arguments.administrations.as_deref(),
            |file, mapping| hr_csv::administrations::read_as(file, mapping),
        )?,
        employments: reader.read(FileKind::Employments, arguments.employments.as_deref(), |file, mapping| {
            hr_csv::employments::read_as(file, mapping)
        })?,
        absences: reader.read(FileKind::Absences, arguments.absences.as_deref(), |file, mapping| {
            hr_csv::absences::read_as(file, mapping)
        })?,
        exemptions: reader.read(FileKind::Exemptions, arguments.exemptions.as_deref(), |file, mapping| {
            hr_csv::exemptions::read_as(file, mapping)
        })?,
        identities: reader.read(FileKind::Identities, arguments.identities.as_deref(), |file, mapping| {
            hr_csv::identities::read_as(file, mapping)
        })?,
    };
    let FilesReader { sources, problems, .. } = reader;
    if !problems.is_empty() {
        return Err(output::refused(&problems));
    }
    let app = open_or_make().await?.app;
    let request = ImportRequest {
        extent: if arguments.full { Extent::Full } else { Extent::Partial },
        dry_run: arguments.dry_run,
        allowed: allowed.clone(),
    };
    let bar = output::progress("rows written");
    let progress = |rows: usize| bar.inc(rows as u64);
    let operator = Caller::operator();
    let importing = app.import_files(&operator, &files, &sources, request, &progress);
    let imported = all_or_nothing(importing, "nothing was imported").await;
    bar.finish_and_clear();
    let imported = imported?;
    let imported = match imported {
        Ok(imported) => imported,
        Err(ImportError::Problems(mut problems)) => {
            if let Some(mapping) = mapping {
                mapping.rename(&mut problems);
            }
            return Err(output::refused(&problems));
        }
        Err(error) => return Err(error.into()),
    };
    drop(files);
    print_difference(&imported, &arguments, &allowed)?;
    let has_changed = imported.report.is_some() && !imported.plan.is_empty();
    print_summary(&imported, arguments.dry_run, &allowed);
    drop(imported);
    if has_changed {
        finish(&app, "the import is done").await?;
    }
    Ok(())
}

/// Recognises the prior training of a file.
async fn recognise(file: &Path, sheets: &[String], dry_run: bool) -> Result<(), CommandError> {
    let bytes = read_file(file)?;
    let raw = RawFile { bytes: &bytes, sheet: sheet_of(sheets, FileKind::PriorTraining) };
    let reading = hr_csv::prior_training::read_file(raw).map_err(|problems| output::refused(&problems))?;
    print_reading(file, &reading, false);
    let app = open().await?.app;
    let recognised = app.recognise_prior_training(&Caller::operator(), &reading.rows, dry_run).await?;
    let done = match (dry_run, recognised.are_proposals) {
        (false, false) => "Recognised",
        (false, true) => "Proposed, for another person to approve",
        (true, false) => "Would recognise",
        (true, true) => "Would propose",
    };
    eprintln!("{done}: {} of prior training; {} known already.", recognised.added, recognised.known);
    finish(&app, "what was recognised is stored").await?;
    Ok(())
}

fn print_difference(imported: &Imported, arguments: &Arguments, allowed: &Allowed) -> Result<(), CommandError> {
    let plan = &imported.plan;
    match arguments.format.or(arguments.dry_run.then_some(Format::Table)) {
        None => Ok(()),
        Some(Format::Table) => print_lines(plan),
        Some(Format::Csv) => print_csv(plan),
        Some(Format::Json) => print_json(&DifferenceView {
            dry_run: arguments.dry_run,
            import: imported.report,
            summary: plan.summary().into(),
            refused: UnusualView::of(plan.unusual.without(allowed)),
            shared_keys: Some(plan.shared_keys.clone()).filter(|shared| !shared.is_empty()),
            changes: plan.difference().map(DifferenceRowView::from).collect(),
        }),
    }
}

/// Reports the outcome in one line.
fn print_summary(imported: &Imported, is_dry_run: bool, allowed: &Allowed) {
    let Imported { plan, report, same_files } = imported;
    if let Some(earlier) = same_files.as_ref().filter(|_| plan.is_empty()) {
        let at = text::seconds(earlier.at);
        eprintln!("Nothing changes: the same files were imported on {at} (import {}).", earlier.id);
        return;
    }
    let summary = output::summary(&plan.summary());
    match report {
        _ if is_dry_run => eprintln!("Would change: {summary}."),
        Some(id) => eprintln!("Changed: {summary}. Import {id}."),
        None => eprintln!("Changed: {summary}."),
    }
    if let Some(earlier) = same_files {
        let at = text::seconds(earlier.at);
        eprintln!(
            "Warning: the same files were imported on {at} (import {}); they undo what was recorded since.",
            earlier.id
        );
    }
    if !plan.shared_keys.is_empty() {
        eprintln!("Warning: {}.", plan.shared_keys);
    }
    let refused = plan.unusual.without(allowed);
    if is_dry_run && !refused.is_empty() {
        eprintln!("It would be refused: {refused}.");
    }
}
